// Fuzzes what operators write. The first byte chooses a device, bench or limits file, the rest is
// the file, or it says how to change the values of a good one (most changed texts are no Lua any
// more). Whatever it is, it is refused with a text, or it means the same when it is checked again,
// and the pump's configuration can be made of it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lua/bind/script.h"
#include "lua/bind/setup.h"
#include "lua/bind/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { DEVICE, BENCH, LIMITS, KINDS };

enum { EDITS_MAX = 8, DEPTH_MAX = 6, TEXT_MAX = 40 };

// Good ones: to be changed, and to stand beside the one that is being read. Short of nothing that
// the checks know.
static const char good_device[] =
    "syntax(1) return { name = \"a\", make = \"m\", serial = \"1\", id = \"00000001\", "
    "pac = \"5E7A1C0D9B3F2468\", key = \"file:x\", modulus = 4096, messages_per_day = 140, "
    "zone = \"RC1\", dialect = \"sfm10r\", features = { \"KNOWNKEY\", \"ENC\" }, "
    "extensions = { \"test_mode_j\" }, encryption = { profile = \"bench-assumed-1\", "
    "rollover = 0 }, memory = { { name = \"x\", address = 0, size = 4096 } }, "
    "scenario = \"default\", limits = \"lab\" }";
static const char good_bench[] =
    "syntax(1) local radio = { unit = \"r\", uri = \"ip:x\", lo_hz = 868e6, rate_hz = 520834, "
    "gain_db = 50, path = \"shielded\", serial = \"2\", attenuation_db = 90, transmit = true, "
    "tx_lo_hz = 869.4e6, downlink_dbm = 0 } return { name = \"b\", virtual = true, "
    "radios = { radio }, uarts = { { unit = \"u\", path = \"/dev/null\", baud = 9600 } }, "
    "rf = { { from = \"r\", to = \"u\", kind = \"conducted\", attenuation_db = 90 } }, "
    "permit = { bands = { { low_hz = 868e6, high_hz = 869e6, max_dbm = 7 } } }, "
    "power = { uart = \"u\", line = \"rts\", discharge_s = 1 }, "
    "reset = { uart = \"u\", line = \"dtr\" } }";
static const char good_limits[] =
    "syntax(1) return { { name = \"rf.x\", min = 0, max = 1, unit = \"Hz\", source = \"none\", "
    "mark = \"ASSUMED\" }, { name = \"rf.y\", unit = \"dB\", source = \"none\", mark = \"C\" } }";
static const char *const good[KINDS] = {good_device, good_bench, good_limits};
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

// The input of a changed file: bytes until there are none, then zeros.
struct source {
    const uint8_t *data;
    size_t left;
};

static uint8_t next_byte(struct source *s)
{
    if (s->left == 0) return 0;
    s->left--;
    return *s->data++;
}

static struct jval *next_value(struct source *s)
{
    static const double numbers[] = {-1, 0.5, 1e308, 4294967296.0, 868e6, 9007199254740993.0};
    char text[TEXT_MAX + 1];
    uint8_t what = next_byte(s);
    size_t len = what >> 3 < TEXT_MAX ? what >> 3 : TEXT_MAX;
    switch (what & 7) {
    case 0:
        return jval_object();
    case 1:
        return jval_array();
    case 2:
        return jval_make(NULL, "b", what >> 3 & 1);
    case 3:
        return jval_make(NULL, "I", (long long)(int8_t)next_byte(s));
    case 4:
        return jval_make(NULL, "I", (long long)next_byte(s) << (what >> 3));
    case 5:
        return jval_make(NULL, "f", numbers[(what >> 3) % (sizeof numbers / sizeof numbers[0])]);
    default:
        for (size_t i = 0; i < len; i++) // ASCII, so that it is a text at all
            text[i] = (char)(1 + next_byte(s) % 127);
        text[len] = '\0';
        return jval_make(NULL, "s", text);
    }
}

struct nth {
    size_t left;
    const char *key;
};

static int find_nth(void *ctx, const char *key, struct jval *value)
{
    (void)value;
    struct nth *n = ctx;
    n->key = key;
    return n->left-- == 0;
}

// Changes, adds or removes one value, somewhere in the tree.
static void edit(struct jval *at, struct source *s)
{
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        size_t n = jval_len(at);
        uint8_t pick = next_byte(s);
        if (jval_kind(at) == JVAL_ARRAY) {
            struct jval *item = n ? jval_at(at, pick % n) : NULL;
            if (pick >= 0xE0 || jval_kind(item) != JVAL_OBJECT) {
                demand(jval_append(at, next_value(s), NULL) == ERR_OK);
                return;
            }
            at = item;
            continue;
        }
        struct nth nth = {.left = n ? pick % n : 0};
        (void)jval_each(at, find_nth, &nth);
        char key[TEXT_MAX + 1] = "x";
        if (nth.key && pick < 0xF0) strncpy(key, nth.key, TEXT_MAX);
        struct jval *value = jval_get(at, key);
        bool deeper = jval_kind(value) == JVAL_ARRAY || jval_kind(value) == JVAL_OBJECT;
        uint8_t how = next_byte(s);
        if (deeper && how % 4) {
            at = value;
            continue;
        }
        if (how >= 0xE0)
            jval_remove(at, key);
        else
            demand(jval_set(at, key, next_value(s), NULL) == ERR_OK);
        return;
    }
}

static struct jval *the_changed(enum kind kind, const uint8_t *data, size_t size)
{
    struct jval *original = the_good(kind), *copy = NULL;
    char *text = jval_dump(original, NULL);
    demand(text && jval_parse(&copy, text, strlen(text), NULL) == ERR_OK);
    free(text);
    jval_free(original);
    struct source s = {data, size};
    for (unsigned i = 0; i < EDITS_MAX && s.left > 0; i++)
        edit(copy, &s);
    return copy;
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
        demand(strncmp(e.text, "lua/", 4) != 0); // the check itself went wrong
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
    if (data[0] & 0x40) {
        files[kind] = the_changed(kind, data + 1, size - 1);
    } else {
        int rc = script_parse_data("fuzz.lua", data + 1, size - 1, &small, &files[kind], &e);
        demand(rc == ERR_OK || (rc == ERR_USAGE && strncmp(e.text, "fuzz.lua", 8) == 0));
        if (rc < 0) return 0;
    }
    for (enum kind k = 0; k < KINDS; k++)
        if (!files[k]) files[k] = the_good(k);
    check_files(files);
    for (enum kind k = 0; k < KINDS; k++)
        jval_free(files[k]);
    return 0;
}
