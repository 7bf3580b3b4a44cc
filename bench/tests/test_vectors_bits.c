// One changed bit in any field of any public vector is noticed, and blamed on the right stage: on
// the field itself where it is a result, on the first result made from it where it is an input. So
// are values cut short, fields left out and fields added.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/json.h"
#include "bench/base/rng.h"
#include "bench/cmd.h"
#include "vector_rig.h"

enum { LEAVES_MAX = 64, ROUNDS = 5, ENTRIES_MAX = 128 };

// A value of an entry that is no object: where it stands, and its name as the command tells it.
struct leaf {
    struct jval *holder;
    char key[40];
    char part[32]; // "frames[1]." or ""
};

struct leaves {
    struct leaf all[LEAVES_MAX];
    size_t n;
    char part[32];
    struct jval *holder;
};

static bool is_one_of(const char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0) return true;
    return false;
}

static int collect(void *ctx, const char *key, struct jval *value)
{
    static const char *const remarks[] = {"name",  "conventions", "note",   "notes",
                                          "agree", "what",        "source", NULL};
    struct leaves *l = ctx;
    if (is_one_of(remarks, key)) return 0;
    bool is_list = jval_kind(value) == JVAL_ARRAY && jval_kind(jval_at(value, 0)) == JVAL_OBJECT;
    if (!is_list && jval_kind(value) != JVAL_OBJECT) {
        assert_true(l->n < LEAVES_MAX);
        struct leaf *leaf = &l->all[l->n++];
        leaf->holder = l->holder;
        snprintf(leaf->key, sizeof leaf->key, "%s", key);
        snprintf(leaf->part, sizeof leaf->part, "%s", l->part);
        return 0;
    }
    struct jval *outer = l->holder;
    for (size_t i = 0; i < (is_list ? jval_len(value) : 1); i++) {
        if (is_list)
            snprintf(l->part, sizeof l->part, "%.20s[%zu].", key, i);
        else
            snprintf(l->part, sizeof l->part, "%.20s.", key);
        l->holder = is_list ? jval_at(value, i) : value;
        jval_each(l->holder, collect, l);
    }
    l->holder = outer;
    l->part[0] = '\0';
    return 0;
}

static struct leaves leaves_of(const struct jval *entry)
{
    struct leaves l = {.holder = (struct jval *)(uintptr_t)entry};
    jval_each(entry, collect, &l);
    return l;
}

// ---- one bit

static bool is_bits(const char *key)
{
    static const char *const keys[] = {"bits",         "dbpsk_states", "states",
                                       "message_bits", "parity_bits",  NULL};
    return is_one_of(keys, key);
}

static bool is_hex(const char *key)
{
    size_t len = strlen(key);
    return (len > 4 && strcmp(key + len - 4, "_hex") == 0) || strcmp(key, "device_id") == 0 ||
           strcmp(key, "ft_13bit") == 0;
}

// Which bit of n: the first and the last, then others.
static size_t choose(unsigned round, uint64_t draw, size_t n)
{
    return round == 0 ? 0 : round == 1 ? n - 1 : (size_t)(draw % n);
}

// NULL: a word, or nothing that has bits.
static struct jval *flipped(const char *key, const struct jval *value, unsigned round,
                            uint64_t draw)
{
    char text[2048];
    if (jval_kind(value) == JVAL_INT)
        return jval_make(NULL, "I",
                         (long long)(jval_int(value, 0) ^ (int64_t)1 << choose(round, draw, 12)));
    if (jval_kind(value) == JVAL_BOOL) return jval_make(NULL, "b", !jval_bool(value, false));
    if (jval_kind(value) == JVAL_ARRAY) {
        size_t n = jval_len(value), at = n ? choose(round, draw / 7, n) : 0;
        if (n == 0) return NULL;
        struct jval *list = jval_array();
        for (size_t i = 0; i < n; i++) {
            struct jval *old = jval_at(value, i);
            struct jval *element = i == at ? flipped(key, old, round, draw) : jval_ref(old);
            assert_int_equal(jval_append(list, element, NULL), ERR_OK);
        }
        return list;
    }
    snprintf(text, sizeof text, "%s", jval_text(value, ""));
    size_t len = strlen(text);
    if (len == 0 || (!is_bits(key) && !is_hex(key))) return NULL;
    if (is_bits(key)) {
        text[choose(round, draw, len)] ^= 1;
        return jval_make(NULL, "s", text);
    }
    size_t bit = choose(round, draw, 4 * len);
    char digit[2] = {text[bit / 4], '\0'};
    unsigned nibble = (unsigned)strtoul(digit, NULL, 16) ^ 8u >> bit % 4;
    text[bit / 4] = "0123456789abcdef"[nibble];
    return jval_make(NULL, "s", text);
}

// ---- who is to be blamed

struct stage {
    const char *kind, *list, *key;
    const char *stages; // separated by spaces; @ is the part that the field stands in
};

static const struct stage inputs[] = {
    {"uplink", "encode", "device_id", "auth_input_hex"},
    {"uplink", "encode", "message_counter", "message_counter header_hex"},
    {"uplink", "encode", "bidirectional", "bidirectional message_type header_hex"},
    {"uplink", "encode", "payload_hex",
     "message_type control control.voltage_idle_mv control.voltage_tx_mv "
     "control.temperature_tenth_degc "
     "control.rssi_dbm auth_input_hex"},
    {"uplink", "encode", "private_key_hex", "auth_key_hex"},
    {"uplink", "encode", "rank", "@rank @ft_13bit"},
    {"uplink", "decode", "frame_hex", "bits"},
    {"uplink", "decode", "auth_key_hex", "expect.result"},
    {"downlink", "encode", "device_id", "auth_block_hex"},
    {"downlink", "encode", "key_hex", "auth_full_hex"},
    {"downlink", "encode", "message_counter", "message_counter auth_block_hex"},
    {"downlink", "encode", "payload_hex", "auth_block_hex"},
    {"downlink", "decode", "device_id",
     "expect.codewords_corrected expect.crc_ok expect.auth_ok expect.payload_after_ecc_hex"},
    {"downlink", "decode", "message_counter",
     "message_counter expect.codewords_corrected expect.crc_ok expect.auth_ok"},
    {"downlink", "decode", "key_hex", "expect.auth_ok"},
    {"downlink", "decode", "phy_hex", "expect.codewords_corrected"},
    {"crypto", "aes128_ecb", "key_hex", "cipher_hex"},
    {"crypto", "aes128_ecb", "plain_hex", "cipher_hex"},
    {"crypto", "cbc_mac_wrap_padding", "key_hex", "states_hex"},
    {"crypto", "cbc_mac_wrap_padding", "input_hex", "blocks_hex"},
    {"crypto", "crc16", "data_hex", "crc_hex"},
    {"crypto", "crc8", "data_hex", "crc_hex"},
    {"crypto", "convolution", "input_hex", "rank2_hex"},
    {"crypto", "bch_15_11", "message_bits", "parity_bits"},
    {"crypto", "dbpsk", "bits", "states"},
    {"crypto", "app_aes_ctr", "device_id", "counter_block_hex"},
    {"crypto", "app_aes_ctr", "sequence", "counter_block_hex"},
    {"crypto", "app_aes_ctr", "nonce", "nonce counter_block_hex"},
    {"crypto", "app_aes_ctr", "shared_24bit_hex", "counter_block_hex"},
    {"crypto", "app_aes_ctr", "key_hex", "cipher_hex"},
    {"crypto", "app_aes_ctr", "plain_hex", "cipher_hex"},
};

// Inputs on which no result of this entry depends, or not with every bit.
static bool is_free(const char *kind, const char *list, const struct jval *entry,
                    const struct leaf *leaf)
{
    static const char *const seeds[] = {"device_id", "message_counter", NULL};
    static const char *const counts[] = {"last", "received", "messages_per_day", NULL};
    const struct jval *expect = jval_get(entry, "expect");
    if (leaf->part[0]) return false;
    if (strcmp(leaf->key, "private_key_hex") == 0)
        return strcmp(jval_text(jval_get(entry, "key_type"), ""), "private") != 0;
    if (expect && strcmp(kind, "uplink") == 0 && strcmp(leaf->key, "auth_key_hex") == 0)
        return strcmp(jval_text(jval_get(expect, "result"), ""), "ok") != 0;
    if (expect && strcmp(kind, "downlink") == 0) // an error more in a code word may be hidden
        return strcmp(leaf->key, "phy_hex") == 0
                   ? jval_int(jval_get(expect, "codewords_corrected"), 0) != 0
                   : !jval_bool(jval_get(expect, "accept"), true);
    if (strcmp(list, "downlink_prbs") == 0) return is_one_of(seeds, leaf->key);
    return strcmp(list, "counter_window") == 0 && is_one_of(counts, leaf->key);
}

static const char *stages_of(const char *kind, const char *list, const struct leaf *leaf)
{
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        const struct stage *s = &inputs[i];
        if (strcmp(s->kind, kind) || strcmp(s->list, list) || strcmp(s->key, leaf->key)) continue;
        if (!leaf->part[0] || s->stages[0] == '@') return s->stages;
    }
    return NULL;
}

// Whether the run said "FAIL FILE: ENTRY: FIELD: " for one of these fields.
static bool blamed(const char *entry_name, const char *stages, const struct leaf *leaf)
{
    char line[320], own[80];
    snprintf(own, sizeof own, "@%s", leaf->key);
    for (const char *at = stages ? stages : own; *at;) {
        size_t len = strcspn(at, " ");
        bool in_part = *at == '@';
        snprintf(line, sizeof line, "FAIL %s: %s: %s%.*s: ", changed, entry_name,
                 in_part ? leaf->part : "", (int)(len - in_part), at + in_part);
        if (says(&output, line)) return true;
        at += len + strspn(at + len, " ");
    }
    return false;
}

static void name_entry(const char *list, const struct jval *entry, size_t index, char out[96])
{
    const char *name = jval_text(jval_get(entry, "name"), NULL);
    if (name)
        snprintf(out, 96, "%s %.64s", list, name);
    else
        snprintf(out, 96, "%s[%zu]", list, index);
}

// ---- the three files

static struct jval *load(const char *kind)
{
    struct jval *root;
    char path[256];
    snprintf(path, sizeof path, "%s/fixtures/vectors/%s.json", FOX_SOURCE_DIR, kind);
    assert_int_equal(jval_load(&root, path, NULL), ERR_OK);
    return root;
}

// Changes the nth field of every entry of a list at once. Returns how many were changed.
static size_t change_all(const char *kind, const char *list, size_t nth, unsigned round,
                         struct jval *(*change)(const struct leaf *leaf, const struct jval *value,
                                                unsigned round, uint64_t draw),
                         bool by_stage)
{
    struct jval *root = load(kind);
    const struct jval *entries = jval_get(root, list);
    static struct leaf leaf_of[ENTRIES_MAX];
    static bool touched[ENTRIES_MAX];
    size_t n = 0;
    memset(touched, 0, sizeof touched);
    assert_true(jval_len(entries) <= ENTRIES_MAX);
    for (size_t i = 0; i < jval_len(entries); i++) {
        const struct jval *entry = jval_at(entries, i);
        struct leaves leaves = leaves_of(entry);
        if (nth >= leaves.n) continue;
        leaf_of[i] = leaves.all[nth];
        if (by_stage && is_free(kind, list, entry, &leaf_of[i])) continue;
        const struct jval *value = jval_get(leaf_of[i].holder, leaf_of[i].key);
        uint64_t draw = rng_u64(rng_key(round, list), 64 * i + nth) >> 8;
        struct jval *other = change(&leaf_of[i], value, round, draw);
        if (!other) continue;
        assert_int_equal(jval_set(leaf_of[i].holder, leaf_of[i].key, other, NULL), ERR_OK);
        touched[i] = true;
        n++;
    }
    if (n) {
        assert_int_equal(jval_save(root, changed, NULL), ERR_OK);
        assert_int_equal(run_file(changed), CMD_EXIT_FAIL);
    }
    for (size_t i = 0; i < jval_len(entries); i++) {
        char name[96];
        name_entry(list, jval_at(entries, i), i, name);
        const struct leaf *leaf = &leaf_of[i];
        const char *stages = by_stage && touched[i] ? stages_of(kind, list, leaf) : NULL;
        if (touched[i] && !blamed(name, stages, leaf))
            fail_msg("%s: %s%s changed: expected %s to be blamed; the command said: %.3000s", name,
                     leaf->part, leaf->key, stages ? stages : "the field itself",
                     (const char *)output.data);
    }
    jval_free(root);
    return n;
}

static struct jval *flip_bit(const struct leaf *leaf, const struct jval *value, unsigned round,
                             uint64_t draw)
{
    return flipped(leaf->key, value, round, draw);
}

// A digit is missing at the end.
static struct jval *cut_digit(const struct leaf *leaf, const struct jval *value, unsigned round,
                              uint64_t draw)
{
    (void)round;
    char text[2048];
    snprintf(text, sizeof text, "%s", jval_text(value, ""));
    size_t len = strlen(text);
    // any number of bits may become phase states
    bool any_length = strcmp(leaf->key, "bits") == 0 && !jval_get(leaf->holder, "frame_hex");
    if (len == 0 || any_length || (!is_hex(leaf->key) && !is_bits(leaf->key))) return NULL;
    (void)draw;
    text[len - 1] = '\0';
    return jval_make(NULL, "s", text);
}

static const struct {
    const char *kind, *list;
} lists[] = {
    {"uplink", "encode"},      {"uplink", "decode"},         {"downlink", "encode"},
    {"downlink", "decode"},    {"crypto", "aes128_ecb"},     {"crypto", "cbc_mac_wrap_padding"},
    {"crypto", "crc16"},       {"crypto", "crc8"},           {"crypto", "convolution"},
    {"crypto", "bch_15_11"},   {"crypto", "downlink_prbs"},  {"crypto", "dbpsk"},
    {"crypto", "app_aes_ctr"}, {"crypto", "counter_window"},
};

enum { N_LISTS = sizeof lists / sizeof *lists };

static void test_vectors_blame_the_stage_of_every_bit(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t l = 0; l < N_LISTS; l++)
        for (unsigned round = 0; round < ROUNDS; round++)
            for (size_t nth = 0; nth < LEAVES_MAX; nth++)
                n += change_all(lists[l].kind, lists[l].list, nth, round, flip_bit, true);
    print_message("# %zu changed bits\n", n);
    assert_true(n > 15000);
}

static void test_vectors_blame_what_is_cut_short(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t l = 0; l < N_LISTS; l++)
        for (size_t nth = 0; nth < LEAVES_MAX; nth++)
            n += change_all(lists[l].kind, lists[l].list, nth, 0, cut_digit, false);
    print_message("# %zu values cut short\n", n);
    assert_true(n > 2400);
}

static void test_vectors_demand_every_field(void **state)
{
    (void)state;
    for (size_t l = 0; l < N_LISTS; l++) {
        struct jval *root = load(lists[l].kind);
        const struct jval *entries = jval_get(root, lists[l].list);
        size_t n = leaves_of(jval_at(entries, 0)).n;
        for (size_t nth = 0; nth < n; nth++) {
            struct leaf leaf = leaves_of(jval_at(entries, 0)).all[nth];
            struct jval *value = jval_ref(jval_get(leaf.holder, leaf.key));
            char why[160];
            snprintf(why, sizeof why, "field \"%s%s\" is missing", leaf.part, leaf.key);
            jval_remove(leaf.holder, leaf.key);
            assert_int_equal(jval_save(root, changed, NULL), ERR_OK);
            assert_int_equal(run_file(changed), CMD_EXIT_USAGE);
            assert_says(&complaints, why);

            snprintf(why, sizeof why, "unknown field \"%s%sx\"", leaf.part, leaf.key);
            char longer[48];
            snprintf(longer, sizeof longer, "%sx", leaf.key);
            assert_int_equal(jval_set(leaf.holder, longer, jval_ref(value), NULL), ERR_OK);
            assert_int_equal(jval_set(leaf.holder, leaf.key, value, NULL), ERR_OK);
            assert_int_equal(jval_save(root, changed, NULL), ERR_OK);
            assert_int_equal(run_file(changed), CMD_EXIT_USAGE);
            assert_says(&complaints, why);
            jval_remove(leaf.holder, longer);
        }
        jval_free(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_blame_the_stage_of_every_bit),
        cmocka_unit_test(test_vectors_blame_what_is_cut_short),
        cmocka_unit_test(test_vectors_demand_every_field),
    };
    return cmocka_run_group_tests_name("cmd/vectors_bits", tests, make_folder, remove_folder);
}
