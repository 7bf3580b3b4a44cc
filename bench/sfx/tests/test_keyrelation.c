// Relations between keys: each recipe against tags that openssl made, the odds, and what must not
// be found.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/sfx/keyrelation.h"
#include "bench/sfx/tests/keyrelation_vectors.h"

enum { MESSAGES = 3, DEVICES_MAX = 4 };

static const uint32_t ids[DEVICES_MAX] = {0x00f0c5a1, 0x00f0c5b2, 0x00f0c5c3, 0x00f0c5d4};
static const uint8_t pacs[2][WEAKKEY_PAC_LEN] = {{0x5e, 0x7a, 0x1c, 0x0d, 0x9b, 0x3f, 0x24, 0x68},
                                                 {0x91, 0xc4, 0xe0, 0x7a, 0x2d, 0x5b, 0x8f, 0x36}};

struct unit {
    struct secret key;
    struct weakkey_capture captures[MESSAGES];
};

static void set_key(struct secret *key, const char *hex)
{
    uint8_t bytes[16];
    assert_int_equal(hex_decode(hex, bytes, sizeof bytes, NULL), 16);
    assert_int_equal(secret_init(key, bytes, sizeof bytes, NULL), ERR_OK);
}

// The three messages of the vectors, without their tags.
static void set_inputs(struct unit *u, uint32_t id)
{
    static const char *const payloads[MESSAGES] = {"4142434445", "99", "000102030405060708090a0b"};
    static const uint8_t heads[MESSAGES][2] = {{0xc0, 5}, {0, 6}, {0, 7}};
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct weakkey_capture *c = &u->captures[i];
        memcpy(c->input, heads[i], 2);
        for (unsigned k = 0; k < 4; k++)
            c->input[2 + k] = (uint8_t)(id >> 8 * k);
        int n = hex_decode(payloads[i], c->input + 6, SFX_PAYLOAD_MAX, NULL);
        assert_true(n > 0);
        c->input_len = 6 + (size_t)n;
        c->tag_len = i == 0 ? 5 : 2;
    }
}

static void set_tags(struct unit *u, const char *const tags[MESSAGES])
{
    for (unsigned i = 0; i < MESSAGES; i++)
        assert_int_equal(hex_decode(tags[i], u->captures[i].tag, SFX_TAG_MAX, NULL),
                         (int)u->captures[i].tag_len);
}

// What a device with this key sends. The tags of the vectors show that this is right.
static void sign(struct unit *u)
{
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct weakkey_capture *c = &u->captures[i];
        struct sfx_uplink up = {
            .counter = c->input[1],
            .li = c->input[0] >> 6,
            .tag_len = c->tag_len,
            .device_id = (uint32_t)c->input[2] | (uint32_t)c->input[3] << 8 |
                         (uint32_t)c->input[4] << 16 | (uint32_t)c->input[5] << 24,
            .payload_len = c->input_len - 6,
        };
        memcpy(up.payload, c->input + 6, up.payload_len);
        assert_int_equal(sfx_uplink_sign(&up, &u->key, NULL), ERR_OK);
        memcpy(c->tag, up.tag, c->tag_len);
    }
}

static struct unit make(unsigned i, const char *key_hex)
{
    struct unit u = {.captures = {{.input_len = 0}}};
    set_key(&u.key, key_hex);
    set_inputs(&u, ids[i]);
    sign(&u);
    return u;
}

static struct keyrelation_device describe(const struct unit *u, unsigned i)
{
    return (struct keyrelation_device){
        .id = ids[i],
        .pac = i < 2 ? pacs[i] : NULL,
        .key = &u->key,
        .captures = u->captures,
        .n_captures = MESSAGES,
    };
}

static void search(const struct unit *units, size_t n, struct keyrelation_result *r)
{
    struct keyrelation_device devices[DEVICES_MAX];
    struct err e = {0};
    for (unsigned i = 0; i < n; i++)
        devices[i] = describe(&units[i], i);
    if (keyrelation_search(devices, n, r, &e) < 0) fail_msg("%s", e.text);
}

static void test_keyrelation_finds_each_recipe(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct unit units[2] = {make(0, KEY_A), make(1, "3c2f9a7715e84bd0861c7e02f95ad34b")};
        set_tags(&units[1], rows[i].tags); // B's declared key gives none of them
        search(units, 2, &r);
        assert_int_equal(r.seen[0].verified, MESSAGES);
        assert_int_equal(r.seen[1].verified, 0);
        assert_int_equal(r.seen[1].messages, MESSAGES);
        assert_int_equal(r.seen[1].tag_bits, 72);
        assert_int_equal(r.seen[1].explained, rows[i].kind != NULL);
        if (!rows[i].kind) {
            assert_int_equal(r.n_findings, 0);
            continue;
        }
        if (r.n_findings != 1) fail_msg("%s: %zu findings", rows[i].recipe, r.n_findings);
        const struct keyrelation_finding *f = &r.findings[0];
        assert_string_equal(keyrelation_kind_name(f->kind), rows[i].kind);
        assert_string_equal(f->recipe, rows[i].recipe);
        assert_int_equal(f->device, 1);
        assert_int_equal(f->other, 0);
        assert_int_equal(f->messages, MESSAGES);
        assert_int_equal(f->tag_bits, 72);
        assert_int_equal(strlen(f->fingerprint), 16);
    }
}

// One message that the recipe does not explain clears it; the odds follow from keys and tag bits.
static void test_keyrelation_wants_all_messages(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[2] = {make(0, KEY_A), make(1, "3c2f9a7715e84bd0861c7e02f95ad34b")};
    set_tags(&units[1], rows[0].tags);
    units[1].captures[1].tag[1] ^= 1;
    search(units, 2, &r);
    assert_int_equal(r.n_findings, 0);
    assert_false(r.seen[1].explained);
    assert_true(r.candidates > 2 * 1000 && r.candidates < 2 * 10000);
    double expected = (double)r.candidates * pow(2, -72);
    assert_true(fabs(r.false_alarm / expected - 1) < 1e-9);
}

// The frames of one message are one message.
static void test_keyrelation_counts_a_message_once(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[2] = {make(0, KEY_A), make(1, "3c2f9a7715e84bd0861c7e02f95ad34b")};
    units[1].captures[2] = units[1].captures[0];
    search(units, 2, &r);
    assert_int_equal(r.seen[1].messages, 2);
    assert_int_equal(r.seen[1].verified, 2);
    assert_int_equal(r.seen[1].tag_bits, 56);
}

// Keys of which each device shows its own: two by two, nothing follows from the other's label.
static void test_keyrelation_sees_patterns(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    static const struct {
        const char *key_b, *recipe; // NULL: none
    } cases[] = {
        {"3c2f9a7715e84bd0861c7e02f95ad34b", NULL},
        {"8f3b06d1a91107c2f01d7c63b2984ea5", "12 of their 16 bytes are equal"},
        {"2e89c50563cc9a7051afbfb7132a8d71", "their XOR repeats every 4 bytes"},
        {"0ea28555a30e6f687184ffe7d3e87869", "their XOR repeats every 8 bytes"},
        {"8f3b06d131f205c6e5d4c3b2a1908f7e", "their difference is small as big-endian numbers"},
        {"a1f24e0bc2887113b29d5c47d2084ea5", NULL},
        {"f01d7c63b2984ea50123456789abcdef", "half of the one stands in the other"},
        {"8f3b07d1c27e5aa4f01d7d63b2984fa5", "12 of their 16 bytes are equal"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct unit units[2] = {make(0, KEY_A), make(1, cases[i].key_b)};
        search(units, 2, &r);
        if (!cases[i].recipe) {
            if (r.n_findings != 0) fail_msg("%s: %s", cases[i].key_b, r.findings[0].recipe);
            continue;
        }
        if (r.n_findings != 1) fail_msg("%s: %zu findings", cases[i].recipe, r.n_findings);
        assert_int_equal(r.findings[0].kind, KEYRELATION_PATTERN);
        assert_string_equal(r.findings[0].recipe, cases[i].recipe);
        assert_true(r.findings[0].false_alarm > 0 && r.findings[0].false_alarm < 1e-8);
    }
}

// A declared key that the device does not use proves nothing about keys in use.
static void test_keyrelation_ignores_patterns_of_unused_keys(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[2] = {make(0, KEY_A), make(1, "3c2f9a7715e84bd0861c7e02f95ad34b")};
    secret_deinit(&units[1].key);
    set_key(&units[1].key, KEY_A); // one key declared for both, but B signs with its own
    search(units, 2, &r);
    assert_int_equal(r.n_findings, 0);
    assert_int_equal(r.seen[1].verified, 0);
    assert_false(r.seen[1].explained);
    assert_false(r.seen[1].mixed_up);
}

// Two key files in each other's place are no shared key; a third device with one of them is.
static void test_keyrelation_tells_mixed_up_keys(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[3] = {make(0, KEY_A), make(1, "3c2f9a7715e84bd0861c7e02f95ad34b"),
                            make(2, "63d01f97ae5b2c48e1760a9d3f84b25c")};
    struct secret first;
    assert_int_equal(secret_init(&first, units[1].key.data, 16, NULL), ERR_OK);
    memcpy(units[1].key.data, units[2].key.data, 16);
    memcpy(units[2].key.data, first.data, 16);
    search(units, 3, &r);
    assert_int_equal(r.n_findings, 0);
    for (unsigned i = 1; i < 3; i++) {
        assert_false(r.seen[i].explained);
        assert_true(r.seen[i].mixed_up);
        assert_int_equal(r.seen[i].owner, 3 - i);
    }
    assert_int_equal(r.seen[0].verified, MESSAGES);

    // Now the first device signs with what is declared for the second, as the third does.
    memcpy(units[0].key.data, units[1].key.data, 16);
    sign(&units[0]);
    set_key(&units[0].key, KEY_A);
    search(units, 3, &r);
    assert_int_equal(r.n_findings, 1);
    assert_int_equal(r.findings[0].device, 2);
    assert_int_equal(r.findings[0].other, 0);
    assert_true(r.seen[0].explained && r.seen[2].explained);
    assert_true(r.seen[1].mixed_up);
    secret_deinit(&first);
}

// Three keys in equal steps with carries, of which no two have a pattern.
static void test_keyrelation_sees_equal_steps(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[3] = {make(0, "8f3b06d1c27e59a4f01d7c63b2984ea5"),
                            make(1, "eb04028e80641a3e3182549d520ecaea"),
                            make(2, "46ccfe4b3e49dad772e72cd6f185472f")};
    search(units, 3, &r);
    if (r.n_findings != 1) fail_msg("%zu findings", r.n_findings);
    assert_string_equal(r.findings[0].recipe,
                        "they follow each other in equal steps (one big-endian number)");
    units[2] = make(2, "46ccfe4b3e49dad772e72cd6f185472e");
    search(units, 3, &r);
    assert_int_equal(r.n_findings, 0);
}

// All of three share a key: each pair is told once.
static void test_keyrelation_names_all_who_share(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[3] = {make(0, KEY_A), make(1, KEY_A), make(2, KEY_A)};
    search(units, 3, &r);
    static const size_t pairs[3][2] = {{1, 0}, {2, 0}, {2, 1}};
    assert_int_equal(r.n_findings, 3);
    for (size_t i = 0; i < r.n_findings; i++) {
        assert_int_equal(r.findings[i].kind, KEYRELATION_SHARED);
        assert_int_equal(r.findings[i].device, pairs[i][0]);
        assert_int_equal(r.findings[i].other, pairs[i][1]);
        assert_string_equal(r.findings[i].fingerprint, r.findings[0].fingerprint);
    }
}

static void test_keyrelation_without_some_keys(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[2] = {make(0, KEY_A), make(1, KEY_A)};
    struct keyrelation_device devices[2] = {describe(&units[0], 0), describe(&units[1], 1)};
    devices[1].key = NULL;
    assert_int_equal(keyrelation_search(devices, 2, &r, NULL), ERR_OK);
    assert_int_equal(r.n_findings, 1);
    assert_int_equal(r.findings[0].device, 1);
    assert_int_equal(r.findings[0].other, 0);
    assert_int_equal(r.seen[1].verified, 0);
    assert_true(r.seen[1].explained);
}

static void test_keyrelation_refuses_too_little(void **state)
{
    (void)state;
    static struct keyrelation_result r;
    struct unit units[2] = {make(0, KEY_A), make(1, KEY_A)};
    struct keyrelation_device devices[2] = {describe(&units[0], 0), describe(&units[1], 1)};
    struct err e = {0};
    assert_int_equal(keyrelation_search(devices, 1, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "2 to 32 devices, got 1"));
    devices[1].n_captures = 0;
    assert_int_equal(keyrelation_search(devices, 2, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "device 1: expected 1 to 64 captured messages, got 0"));
    devices[1].n_captures = 1;
    units[1].captures[0].tag_len = 1;
    assert_int_equal(keyrelation_search(devices, 2, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "device 1, capture 0"));
    units[1].captures[0].tag_len = 2;
    units[0].key.len = 8;
    assert_int_equal(keyrelation_search(devices, 2, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "device 0: a key has 16 bytes, got 8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyrelation_finds_each_recipe),
        cmocka_unit_test(test_keyrelation_wants_all_messages),
        cmocka_unit_test(test_keyrelation_counts_a_message_once),
        cmocka_unit_test(test_keyrelation_sees_patterns),
        cmocka_unit_test(test_keyrelation_ignores_patterns_of_unused_keys),
        cmocka_unit_test(test_keyrelation_tells_mixed_up_keys),
        cmocka_unit_test(test_keyrelation_sees_equal_steps),
        cmocka_unit_test(test_keyrelation_names_all_who_share),
        cmocka_unit_test(test_keyrelation_without_some_keys),
        cmocka_unit_test(test_keyrelation_refuses_too_little),
    };
    return cmocka_run_group_tests_name("sfx/keyrelation", tests, NULL, NULL);
}
