// Altered downlinks: wrong in what was asked for, right in all else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "lua/bind/forge.h"

// The published example: identity and key of certification, counter 1.
static const char key_hex[] = "0123456789abcdef0123456789abcdef";
static const char payload_hex[] = "3031323334353637";
static const char frame_hex[] = "575a441c1dbad64aeea1a66bb4bc20";

struct made {
    struct secret key;
    struct sfx_signer signer;
    struct sfx_downlink dl;
    uint8_t frame[SFX_DL_FRAME];
    bool genuine;
};

static void make(struct made *m, const struct forge *f)
{
    uint8_t key[16];
    *m = (struct made){.dl = {.device_id = 0xfedcba98, .counter = 1}};
    assert_int_equal(hex_decode(key_hex, key, sizeof key, NULL), 16);
    assert_int_equal(hex_decode(payload_hex, m->dl.payload, SFX_DL_PAYLOAD, NULL), 8);
    assert_int_equal(secret_init(&m->key, key, sizeof key, NULL), 0);
    m->signer = (struct sfx_signer){.key = &m->key};
    const struct forge_tools tools = {.key = &m->key, .own = m->signer};
    assert_int_equal(forge_frame(f, &tools, &m->dl, m->frame, &m->genuine, NULL), 0);
}

// How the device with this identity reads the frame when it asked with this counter.
static int read_as(const struct made *m, uint16_t counter, struct sfx_downlink *out)
{
    *out = (struct sfx_downlink){.device_id = 0xfedcba98, .counter = counter};
    return sfx_downlink_read(m->frame, out, &m->signer, NULL, NULL);
}

static void test_nothing_altered_is_the_published_frame(void **state)
{
    (void)state;
    struct made m;
    char hex[2 * SFX_DL_FRAME + 1];
    make(&m, &(struct forge){0});
    hex_encode(m.frame, sizeof m.frame, hex);
    assert_string_equal(hex, frame_hex);
    assert_true(m.genuine);
    secret_deinit(&m.key);
}

static void test_a_change_that_changes_nothing_is_genuine(void **state)
{
    (void)state;
    struct made m;
    make(&m, &(struct forge){.key = FORGE_KEY_TEST}); // it is this device's key
    assert_true(m.genuine);
    secret_deinit(&m.key);
    make(&m, &(struct forge){.counter = {.clear = 0xff00}}); // no such bit is set
    assert_true(m.genuine);
    secret_deinit(&m.key);
}

static void test_tag_and_payload_alone_are_wrong(void **state)
{
    (void)state;
    struct made m;
    struct sfx_downlink right = {.device_id = 0xfedcba98, .counter = 1}, got;
    make(&m, &(struct forge){0});
    memcpy(right.payload, m.dl.payload, SFX_DL_PAYLOAD);
    memcpy(right.tag, m.dl.tag, SFX_DL_TAG);
    secret_deinit(&m.key);

    make(&m, &(struct forge){.tag_flip = {0x00, 0x40}});
    assert_int_equal(read_as(&m, 1, &got), SFX_DOWNLINK_BAD_TAG);
    assert_memory_equal(got.payload, right.payload, SFX_DL_PAYLOAD);
    assert_int_equal(got.tag[0], right.tag[0]);
    assert_int_equal(got.tag[1], right.tag[1] ^ 0x40);
    assert_false(m.genuine);
    secret_deinit(&m.key);

    make(&m, &(struct forge){.payload_flip = {0, 0, 0x81}});
    assert_int_equal(read_as(&m, 1, &got), SFX_DOWNLINK_BAD_TAG);
    assert_memory_equal(got.tag, right.tag, SFX_DL_TAG);
    assert_int_equal(got.payload[2], right.payload[2] ^ 0x81);
    assert_false(m.genuine);
    secret_deinit(&m.key);
}

static void test_swapped_tags_are_wrong(void **state)
{
    (void)state;
    struct made m;
    struct sfx_downlink right, got;
    make(&m, &(struct forge){0});
    assert_int_equal(read_as(&m, 1, &right), SFX_DOWNLINK_OK);
    secret_deinit(&m.key);
    assert_int_not_equal(right.tag[0], right.tag[1]);
    make(&m, &(struct forge){.tag_swap = true});
    assert_int_equal(read_as(&m, 1, &got), SFX_DOWNLINK_BAD_TAG);
    assert_int_equal(got.tag[0], right.tag[1]);
    assert_int_equal(got.tag[1], right.tag[0]);
    assert_memory_equal(got.payload, right.payload, sizeof got.payload);
    assert_false(m.genuine);
    secret_deinit(&m.key);
}

static void test_another_counter_is_right_for_that_counter(void **state)
{
    (void)state;
    struct made m;
    struct sfx_downlink got;
    make(&m, &(struct forge){.counter = {.add = 5}});
    assert_int_equal(read_as(&m, 6, &got), SFX_DOWNLINK_OK);
    assert_int_not_equal(read_as(&m, 1, &got), SFX_DOWNLINK_OK);
    assert_false(m.genuine);
    secret_deinit(&m.key);
    make(&m, &(struct forge){.counter = {.add = 5}, .rewhiten = true});
    assert_int_equal(read_as(&m, 1, &got), SFX_DOWNLINK_BAD_TAG);
    assert_false(m.genuine);
    secret_deinit(&m.key);
}

static void test_sixteen_bits_of_the_counter_count(void **state)
{
    (void)state;
    struct made m;
    struct sfx_downlink got;
    make(&m, &(struct forge){.counter = {.flip = 0xf000}});
    assert_int_equal(read_as(&m, 1, &got), SFX_DOWNLINK_BAD_TAG); // 0xf001 scrambles like 1
    assert_false(m.genuine);
    secret_deinit(&m.key);
}

static void test_another_identity_and_key_fail_at_the_tag(void **state)
{
    (void)state;
    struct made m;
    struct sfx_downlink got;
    const struct forge forges[] = {
        {.other_id = true, .id = 0}, {.key = FORGE_KEY_PUBLIC},   {.key = FORGE_KEY_ZEROS},
        {.key = FORGE_KEY_ONES},     {.key = FORGE_KEY_REVERSED},
    };
    for (size_t i = 0; i < sizeof forges / sizeof *forges; i++) {
        make(&m, &forges[i]);
        assert_int_equal(read_as(&m, 1, &got), SFX_DOWNLINK_BAD_TAG);
        assert_false(m.genuine);
        secret_deinit(&m.key);
    }
}

static void test_counters(void **state)
{
    (void)state;
    const struct {
        struct forge_counter change;
        uint16_t from, to;
    } rows[] = {
        {{.add = -1}, 0, 0xfff},           {{.add = -16}, 0x2b7, 0x2a7},
        {{.flip = 0x800}, 0x2b7, 0xab7},   {{.clear = 0xffff, .flip = 0xfff}, 0x2b7, 0xfff},
        {{.clear = 0x0ff}, 0x2b7, 0x200},  {{.swap = true}, 0x2b7, 0xb702},
        {{.flip = 0xf000}, 0x2b7, 0xf2b7}, // 0x2b7 - 4096 in 16 bits
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(forge_counter(&rows[i].change, rows[i].from), rows[i].to);
}

static void test_keys_that_are_not_there(void **state)
{
    (void)state;
    struct secret key = {0};
    struct err e = {0};
    uint8_t frame[SFX_DL_FRAME], bytes[16] = {7};
    bool genuine;
    assert_int_equal(secret_init(&key, bytes, sizeof bytes, NULL), 0);
    const struct forge_tools tools = {.own = {.key = &key}}; // as if in a token
    assert_true(forge_can_sign(&tools, FORGE_KEY_OWN));
    assert_false(forge_can_sign(&tools, FORGE_KEY_REVERSED));
    assert_false(forge_can_sign(&tools, FORGE_KEY_NEIGHBOUR));
    struct sfx_downlink dl = {.device_id = 1};
    assert_int_equal(
        forge_frame(&(struct forge){.key = FORGE_KEY_REVERSED}, &tools, &dl, frame, &genuine, &e),
        ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "lies in a token"));
    assert_int_equal(
        forge_frame(&(struct forge){.key = FORGE_KEY_NEIGHBOUR}, &tools, &dl, frame, &genuine, &e),
        ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "names no sample"));
    secret_deinit(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_altered_is_the_published_frame),
        cmocka_unit_test(test_a_change_that_changes_nothing_is_genuine),
        cmocka_unit_test(test_tag_and_payload_alone_are_wrong),
        cmocka_unit_test(test_swapped_tags_are_wrong),
        cmocka_unit_test(test_another_counter_is_right_for_that_counter),
        cmocka_unit_test(test_sixteen_bits_of_the_counter_count),
        cmocka_unit_test(test_another_identity_and_key_fail_at_the_tag),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_keys_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
