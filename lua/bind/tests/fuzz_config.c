// Fuzzes what operators write: the first byte chooses a device, bench or limits file, the rest is
// the file. Whatever it is, it is refused with a text, or it means the same when it is checked
// again, and the pump's configuration can be made of it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lua/bind/script.h"
#include "lua/bind/setup.h"
#include "lua/bind/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { DEVICE, BENCH, LIMITS, KINDS };

// Good ones, to stand beside the one that is being read.
static const char *const good[KINDS] = {
    "syntax(1) return { name = \"a\", id = \"00000001\", dialect = \"sfm10r\", features = {} }",
    "syntax(1) return { name = \"b\", radios = { { unit = \"r\", uri = \"ip:x\", lo_hz = 868e6, "
    "gain_db = 50, path = \"shielded\" } }, uarts = { { unit = \"u\", path = \"/dev/null\" } } }",
    "syntax(1) return { { name = \"rf.x\", max = 1, unit = \"Hz\", source = \"none\", "
    "mark = \"ASSUMED\" } }",
};
static const struct script_bounds small = {.memory_bytes = 1 << 20, .instructions = 20000};

static void demand(bool truth)
{
    if (!truth) abort();
}

// Made once: what they hold does not depend on the files.
static struct state *the_state(void)
{
    static struct state *state;
    struct err e = {0};
    if (!state) {
        demand(setenv("FOXLAB_PLUTO_0_URI", "ip:127.0.0.1:1", 1) == 0);
        demand(state_open(&state, FOX_SOURCE_DIR, &e) == ERR_OK);
    }
    return state;
}

static struct jval *the_good(enum kind kind)
{
    static struct jval *values[KINDS];
    if (!values[kind])
        demand(script_parse_data("good", good[kind], strlen(good[kind]), NULL, &values[kind],
                                 NULL) == ERR_OK);
    return jval_ref(values[kind]);
}

static const struct jval *the_dialect(void)
{
    static struct jval *dialect;
    if (!dialect) demand(state_dialect(the_state(), "sfm10r", &dialect, NULL) == ERR_OK);
    return dialect;
}

static void check_pump(struct jval *device, struct jval *bench)
{
    static struct pump_config config;
    struct err e = {0};
    struct setup setup = {
        .device = device, .bench = bench, .dialect = (struct jval *)(uintptr_t)the_dialect()};
    demand(setup_pump(&setup, &config, &e) == ERR_OK);
}

static void check_files(struct jval *const files[KINDS])
{
    struct err e = {0};
    struct jval *once[2] = {NULL}, *twice[2] = {NULL};
    int rc = state_check(the_state(), files[DEVICE], files[BENCH], files[LIMITS], &once[0],
                         &once[1], &e);
    if (rc == ERR_OK) {
        demand(state_check(the_state(), once[0], once[1], files[LIMITS], &twice[0], &twice[1],
                           &e) == ERR_OK);
        demand(jval_equal(once[0], twice[0]) && jval_equal(once[1], twice[1]));
        check_pump(once[0], once[1]);
    } else {
        demand(rc == ERR_USAGE && e.text[0]);
    }
    for (int i = 0; i < 2; i++) {
        jval_free(once[i]);
        jval_free(twice[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct jval *files[KINDS] = {NULL};
    if (size < 1) return 0;
    enum kind kind = data[0] % KINDS;
    the_state();
    int rc = script_parse_data("fuzz.lua", data + 1, size - 1, &small, &files[kind], &e);
    if (rc < 0) {
        demand(rc == ERR_USAGE && strncmp(e.text, "fuzz.lua", 8) == 0 && !files[kind]);
        return 0;
    }
    for (enum kind k = 0; k < KINDS; k++)
        if (!files[k]) files[k] = the_good(k);
    check_files(files);
    for (enum kind k = 0; k < KINDS; k++)
        jval_free(files[k]);
    return 0;
}
