// `foxbench vectors` on the public vectors: all pass, and a wrong value in any field makes its
// entry fail. Runs the command inside this process with its output in files.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "bench/cmd.h"
#include "vector_rig.h"

enum { PATHS_MAX = 128 };

static const char uplink[] = FOX_SOURCE_DIR "/fixtures/vectors/uplink.json";
static const char downlink[] = FOX_SOURCE_DIR "/fixtures/vectors/downlink.json";
static const char crypto[] = FOX_SOURCE_DIR "/fixtures/vectors/crypto.json";

static void test_vectors_public_files_pass(void **state)
{
    (void)state;
    const char *const argv[] = {"vectors", uplink, downlink, crypto, NULL};
    assert_int_equal(run(4, argv), CMD_EXIT_OK);
    assert_string_equal((const char *)output.data, "242 passed, 0 failed\n");
    assert_string_equal((const char *)complaints.data, "");
    assert_int_equal(run_file(uplink), CMD_EXIT_OK);
    assert_string_equal((const char *)output.data, "94 passed, 0 failed\n");
}

// Where a field stands: directly in the entry, in an object of it, or in an element of a list of
// objects.
struct path {
    const char *list;
    char outer[32];
    int index; // -1: outer is not a list
    char field[48];
};

struct paths {
    struct path all[PATHS_MAX];
    size_t n;
    struct path at; // where the walk is
};

static bool is_remark(const char *key)
{
    static const char *const remarks[] = {"name",  "conventions", "note",  "notes",
                                          "agree", "what",        "source"};
    for (size_t i = 0; i < sizeof remarks / sizeof *remarks; i++)
        if (strcmp(key, remarks[i]) == 0) return true;
    return false;
}

static void add_path(struct paths *p, const char *key)
{
    struct path x = p->at;
    snprintf(x.field, sizeof x.field, "%s", key);
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->all[i].list, x.list) == 0 && strcmp(p->all[i].outer, x.outer) == 0 &&
            p->all[i].index == x.index && strcmp(p->all[i].field, x.field) == 0)
            return;
    assert_true(p->n < PATHS_MAX);
    p->all[p->n++] = x;
}

static int collect(void *ctx, const char *key, struct jval *value)
{
    struct paths *p = ctx;
    if (is_remark(key)) return 0;
    bool is_list = jval_kind(value) == JVAL_ARRAY && jval_kind(jval_at(value, 0)) == JVAL_OBJECT;
    if (jval_kind(value) != JVAL_OBJECT && !is_list) {
        add_path(p, key);
        return 0;
    }
    snprintf(p->at.outer, sizeof p->at.outer, "%s", key);
    for (size_t i = 0; i < (is_list ? jval_len(value) : 1); i++) {
        p->at.index = is_list ? (int)i : -1;
        jval_each(is_list ? jval_at(value, i) : value, collect, p);
    }
    p->at.outer[0] = 0;
    p->at.index = -1;
    return 0;
}

static struct jval *holder(const struct jval *entry, const struct path *p)
{
    struct jval *outer = p->outer[0] ? jval_get(entry, p->outer) : (struct jval *)(uintptr_t)entry;
    return p->index < 0 ? outer : jval_at(outer, (size_t)p->index);
}

static struct jval *text_of(const char *text)
{
    return jval_make(NULL, "s", text);
}

// One character of a text differs; words become other words of their vocabulary.
static struct jval *wrong_text(const char *text)
{
    static const char *const swaps[][2] = {{"private", "public"}, {"bytes", "empty"},
                                           {"bit0", "bit1"},      {"keep_alive", "bytes"},
                                           {"ok", "auth_bad"},    {"crc_bad", "ok"}};
    for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++)
        for (int side = 0; side < 2; side++)
            if (strcmp(text, swaps[i][side]) == 0) return text_of(swaps[i][!side]);
    char copy[2048];
    size_t len = strlen(text);
    assert_true(len < sizeof copy);
    if (len == 0) return text_of("00");
    snprintf(copy, sizeof copy, "%s", text);
    char *last = &copy[len - 1];
    *last = *last == '0' ? '1' : *last == '1' ? '0' : *last == '9' ? '8' : *last == 'f' ? 'e' : 'f';
    if (*last == text[len - 1]) *last = '9';
    return text_of(copy);
}

static struct jval *wrong(const struct jval *value)
{
    switch (jval_kind(value)) {
    case JVAL_STRING:
        return wrong_text(jval_text(value, ""));
    case JVAL_INT:
        return jval_make(NULL, "I", (long long)(jval_int(value, 0) + 1));
    case JVAL_BOOL:
        return jval_make(NULL, "b", !jval_bool(value, false));
    case JVAL_ARRAY: {
        struct jval *list = jval_array();
        size_t n = jval_len(value);
        if (n == 0) assert_int_equal(jval_append(list, jval_make(NULL, "i", 60), NULL), ERR_OK);
        for (size_t i = 0; i < n; i++) {
            struct jval *old = jval_at(value, i);
            assert_int_equal(jval_append(list, i == n - 1 ? wrong(old) : jval_ref(old), NULL),
                             ERR_OK);
        }
        return list;
    }
    default:
        fail_msg("a field of a type that no vector has");
        return NULL;
    }
}

// Inputs on which no expected value of this entry depends.
static bool is_free_input(const char *file, const struct path *p, const struct jval *entry)
{
    const struct jval *expect = jval_get(entry, "expect");
    const char *field = p->field;
    if (strcmp(field, "private_key_hex") == 0)
        return strcmp(jval_text(jval_get(entry, "key_type"), ""), "public") == 0;
    if (file == uplink && expect && strcmp(field, "auth_key_hex") == 0)
        return strcmp(jval_text(jval_get(expect, "result"), ""), "ok") != 0;
    if (file == downlink && expect && p->outer[0] == 0 && strcmp(field, "phy_hex") != 0)
        return !jval_bool(jval_get(expect, "accept"), true);
    if (file == downlink && expect && strcmp(field, "phy_hex") == 0)
        return true; // one more wrong bit may be corrected like the others
    if (strcmp(p->list, "downlink_prbs") == 0)
        return strcmp(field, "message_counter") == 0 || strcmp(field, "device_id") == 0;
    if (strcmp(p->list, "counter_window") == 0)
        return strcmp(field, "window") != 0 && strcmp(field, "accept") != 0 &&
               strcmp(field, "rollover") != 0;
    return false;
}

static void name_of(const struct path *p, const struct jval *entry, size_t index, char *out,
                    size_t size)
{
    const char *name = jval_text(jval_get(entry, "name"), NULL);
    if (name)
        snprintf(out, size, "FAIL %s: %s %s: ", changed, p->list, name);
    else
        snprintf(out, size, "FAIL %s: %s[%zu]: ", changed, p->list, index);
}

// The field made wrong in every entry at once; every one of those entries must fail.
static void flip_field(const char *file, const struct path *p)
{
    struct jval *root;
    assert_int_equal(jval_load(&root, file, NULL), ERR_OK);
    const struct jval *entries = jval_get(root, p->list);
    static bool flipped[256];
    memset(flipped, 0, sizeof flipped);
    size_t n_flipped = 0;
    for (size_t i = 0; i < jval_len(entries); i++) {
        const struct jval *entry = jval_at(entries, i);
        struct jval *object = holder(entry, p);
        const struct jval *value = object ? jval_get(object, p->field) : NULL;
        if (!value || is_free_input(file, p, entry)) continue;
        assert_int_equal(jval_set(object, p->field, wrong(value), NULL), ERR_OK);
        flipped[i] = true;
        n_flipped++;
    }
    if (n_flipped) {
        assert_int_equal(jval_save(root, changed, NULL), ERR_OK);
        assert_int_equal(run_file(changed), CMD_EXIT_FAIL);
    }
    for (size_t i = 0; i < jval_len(entries); i++) {
        char start[256];
        name_of(p, jval_at(entries, i), i, start, sizeof start);
        if (flipped[i] && !says(&output, start))
            fail_msg("a wrong %s%s%s went unnoticed: no line \"%s\"", p->outer,
                     p->outer[0] ? "." : "", p->field, start);
    }
    jval_free(root);
}

static size_t flip_all(const char *file, const char *const *list_names)
{
    struct paths paths = {.n = 0};
    struct jval *root;
    assert_int_equal(jval_load(&root, file, NULL), ERR_OK);
    for (size_t l = 0; list_names[l]; l++) {
        const struct jval *entries = jval_get(root, list_names[l]);
        for (size_t i = 0; i < jval_len(entries); i++) {
            paths.at = (struct path){.list = list_names[l], .index = -1};
            jval_each(jval_at(entries, i), collect, &paths);
        }
    }
    jval_free(root);
    for (size_t i = 0; i < paths.n; i++)
        flip_field(file, &paths.all[i]);
    return paths.n;
}

static void test_vectors_notice_every_wrong_uplink_field(void **state)
{
    (void)state;
    static const char *const lists[] = {"encode", "decode", NULL};
    // 17 plain fields of an entry, 4 of control, 7 of each of 3 frames; 7 and 3 of a received frame
    assert_int_equal(flip_all(uplink, lists), 17 + 4 + 3 * 7 + 7 + 3);
}

static void test_vectors_notice_every_wrong_downlink_field(void **state)
{
    (void)state;
    static const char *const lists[] = {"encode", "decode", NULL};
    assert_int_equal(flip_all(downlink, lists), 16 + 4 + 5);
}

static void test_vectors_notice_every_wrong_crypto_field(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "aes128_ecb", "cbc_mac_wrap_padding", "crc16", "crc8",        "convolution",
        "bch_15_11",  "downlink_prbs",        "dbpsk", "app_aes_ctr", "counter_window",
        NULL};
    assert_int_equal(flip_all(crypto, lists), 3 + 5 + 2 + 2 + 3 + 2 + 5 + 2 + 8 + 6);
}

static void test_vectors_name_what_differs(void **state)
{
    (void)state;
    struct jval *root;
    assert_int_equal(jval_load(&root, uplink, NULL), ERR_OK);
    struct jval *entry = jval_at(jval_get(root, "encode"), 1);
    struct jval *frame = jval_at(jval_get(entry, "frames"), 2);
    assert_int_equal(jval_set(frame, "ft_13bit", text_of("0035"), NULL), ERR_OK);
    assert_int_equal(jval_save(root, changed, NULL), ERR_OK);
    jval_free(root);
    assert_int_equal(run_file(changed), CMD_EXIT_FAIL);
    char line[200];
    snprintf(line, sizeof line,
             "FAIL %s: encode p-ul-001: frames[2].ft_13bit: expected \"0035\", got 0034\n"
             "93 passed, 1 failed\n",
             changed);
    assert_string_equal((const char *)output.data, line);
}

static int run_text(const char *text)
{
    FILE *f = fopen(changed, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return run_file(changed);
}

static void test_vectors_refuse_malformed_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "not JSON"},
        {"{\"kind\":\"uplink\",", "not JSON"},
        {"[]", "expected an object"},
        {"{}", "expected kind uplink, downlink or crypto, got none"},
        {"{\"kind\":\"sidelink\"}", "got sidelink"},
        {"{\"kind\":\"crypto\",\"crc17\":[]}", "unknown list \"crc17\" in a file of kind crypto"},
        {"{\"kind\":\"crypto\",\"crc8\":{}}", "\"crc8\": expected a list"},
        {"{\"kind\":\"crypto\",\"crc8\":[1]}", "crc8[0]: expected an object"},
        {"{\"kind\":\"crypto\",\"crc8\":[{\"data_hex\":\"de\"}]}",
         "crc8[0]: field \"crc_hex\" is missing"},
        {"{\"kind\":\"crypto\",\"crc8\":[{\"data_hex\":\"de\",\"crc_hex\":\"1e\",\"x\":1}]}",
         "crc8[0]: unknown field \"x\""},
        {"{\"kind\":\"crypto\",\"crc8\":[{\"data_hex\":\"\",\"crc_hex\":\"00\",\"\":1}]}",
         "unknown field \"\""},
        {"{\"kind\":\"crypto\",\"crc8\":[{\"data_hex crc_hex\":\"00\"}]}",
         "unknown field \"data_hex crc_hex\""},
        {"{\"kind\":\"crypto\",\"kind\":\"crypto\"}", "not JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(run_text(rows[i].text), CMD_EXIT_USAGE);
        assert_says(&complaints, rows[i].why);
        assert_says(&complaints, changed);
        assert_says(&output, "0 passed, 0 failed\n");
    }
    assert_int_equal(run_file("/nowhere.json"), CMD_EXIT_USAGE);
    assert_says(&complaints, "/nowhere.json: No such file");
}

static void test_vectors_name_unknown_parts_of_a_frame(void **state)
{
    (void)state;
    struct jval *root;
    assert_int_equal(jval_load(&root, uplink, NULL), ERR_OK);
    struct jval *entry = jval_at(jval_get(root, "encode"), 3);
    struct jval *frame = jval_at(jval_get(entry, "frames"), 1);
    assert_int_equal(jval_set(frame, "colour", text_of("red"), NULL), ERR_OK);
    assert_int_equal(jval_save(root, changed, NULL), ERR_OK);
    jval_free(root);
    assert_int_equal(run_file(changed), CMD_EXIT_USAGE);
    assert_says(&complaints, "encode p-ul-003: unknown field \"frames[1].colour\"");
}

// A value of the wrong type or length is a wrong value, not a malformed file.
static void test_vectors_fail_values_they_cannot_read(void **state)
{
    (void)state;
    assert_int_equal(run_text("{\"kind\":\"crypto\",\"crc8\":[{\"data_hex\":7,\"crc_hex\":\"1e\"},"
                              "{\"data_hex\":\"dg\",\"crc_hex\":\"1e\"},"
                              "{\"data_hex\":\"de\",\"crc_hex\":30}]}"),
                     CMD_EXIT_FAIL);
    assert_says(&output, "crc8[0]: data_hex: expected 0 to 256 bytes in hex, got 7\n");
    assert_says(&output, "crc8[1]: data_hex: expected 0 to 256 bytes in hex, got \"dg\"\n");
    assert_says(&output, "crc8[2]: crc_hex: expected 30, got 1e\n");
    assert_says(&output, "0 passed, 3 failed\n");
}

static void test_vectors_command_line(void **state)
{
    (void)state;
    const char *const none[] = {"vectors", NULL};
    assert_int_equal(run(1, none), CMD_EXIT_USAGE);
    assert_says(&complaints, "usage: foxbench vectors FILE");
    assert_int_equal(run_file("--fast"), CMD_EXIT_USAGE);
    assert_says(&complaints, "unknown option '--fast'");
    assert_int_equal(run_file("--help"), CMD_EXIT_OK);
    assert_says(&output, "N passed, N failed");
    assert_int_equal(run_text("{\"kind\":\"crypto\",\"crc8\":[]}"), CMD_EXIT_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_public_files_pass),
        cmocka_unit_test(test_vectors_notice_every_wrong_uplink_field),
        cmocka_unit_test(test_vectors_notice_every_wrong_downlink_field),
        cmocka_unit_test(test_vectors_notice_every_wrong_crypto_field),
        cmocka_unit_test(test_vectors_name_what_differs),
        cmocka_unit_test(test_vectors_refuse_malformed_files),
        cmocka_unit_test(test_vectors_name_unknown_parts_of_a_frame),
        cmocka_unit_test(test_vectors_fail_values_they_cannot_read),
        cmocka_unit_test(test_vectors_command_line),
    };
    return cmocka_run_group_tests_name("cmd/vectors", tests, make_folder, remove_folder);
}
