// Every tag of the public vectors comes out of a token too, and nothing tells the two kinds of key
// apart but the place where they lie.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "bench/base/tests/soft_token.h"
#include "bench/sfx/cipher.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/mac.h"
#include "bench/sfx/uplink.h"

enum { KEYS_MAX = 64 };

static struct soft_token soft;
static struct jval *uplinks, *downlinks;
static struct {
    char hex[33];
    uint8_t bytes[16];
    struct token_key *token;
} keys[KEYS_MAX];
static size_t n_keys;

static const char *text(const struct jval *vector, const char *field)
{
    const char *t = jval_text(jval_get(vector, field), NULL);
    if (!t) fail_msg("the vector has no %s", field);
    return t;
}

static size_t hex_of(const struct jval *vector, const char *field, uint8_t *out, size_t max)
{
    int n = hex_decode(text(vector, field), out, max, NULL);
    assert_true(n >= 0);
    return (size_t)n;
}

static size_t key_index(const char *hex)
{
    size_t i = 0;
    while (i < n_keys && strcmp(keys[i].hex, hex) != 0)
        i++;
    return i;
}

static void gather(const struct jval *file, const char *field)
{
    const struct jval *list = jval_get(file, "encode");
    for (size_t i = 0; i < jval_len(list); i++) {
        const char *hex = text(jval_at(list, i), field);
        if (key_index(hex) < n_keys) continue;
        assert_true(n_keys < KEYS_MAX);
        snprintf(keys[n_keys].hex, sizeof keys[n_keys].hex, "%s", hex);
        assert_int_equal(hex_decode(hex, keys[n_keys].bytes, 16, NULL), 16);
        n_keys++;
    }
}

static int begin(void **state)
{
    (void)state;
    struct soft_key import[KEYS_MAX];
    assert_int_equal(jval_load(&uplinks, FOX_SOURCE_DIR "/fixtures/vectors/uplink.json", NULL), 0);
    assert_int_equal(jval_load(&downlinks, FOX_SOURCE_DIR "/fixtures/vectors/downlink.json", NULL),
                     0);
    gather(uplinks, "auth_key_hex");
    gather(downlinks, "key_hex");
    for (size_t i = 0; i < n_keys; i++)
        import[i] = (struct soft_key){.label = keys[i].hex, .key = keys[i].bytes, .len = 16};
    soft_token_begin(&soft, "vectors");
    soft_token_import(&soft, "vectors", import, n_keys);
    for (size_t i = 0; i < n_keys; i++) {
        char ref[512];
        struct err e = {0};
        soft_token_ref(&soft, "vectors", keys[i].hex, ref);
        if (token_key_open(&keys[i].token, ref, NULL, &e) < 0) fail_msg("%s", e.text);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_keys; i++)
        token_key_close(keys[i].token);
    soft_token_end(&soft);
    jval_free(uplinks);
    jval_free(downlinks);
    return 0;
}

static struct sfx_signer signer_of(const struct jval *vector, const char *field)
{
    return (struct sfx_signer){.token = keys[key_index(text(vector, field))].token};
}

// Returns the number of classes under which the packet is a good one.
static int verify_packet(const struct jval *vector, const struct sfx_signer *signer)
{
    uint8_t packet[SFX_PACKET_MAX];
    size_t len = hex_of(vector, "packet_hex", packet, sizeof packet);
    int n = 0;
    for (int class = 0; class <= SFX_CLASS_CONTROL; class ++) {
        struct sfx_uplink up;
        if (sfx_uplink_decode((enum sfx_class) class, packet, len, &up) != SFX_STATUS_OK) continue;
        assert_int_equal(sfx_uplink_verify_by(&up, signer, NULL), 1);
        struct sfx_uplink again = up;
        memset(again.tag, 0, sizeof again.tag);
        assert_int_equal(sfx_uplink_sign_by(&again, signer, NULL), ERR_OK);
        assert_memory_equal(again.tag, up.tag, up.tag_len);
        for (unsigned bit = 0; bit < 8 * up.tag_len; bit++) {
            again.tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(sfx_uplink_verify_by(&again, signer, NULL), 0);
            again.tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        n++;
    }
    return n;
}

static void test_signer_makes_the_uplink_tags_in_a_token(void **state)
{
    (void)state;
    const struct jval *list = jval_get(uplinks, "encode");
    assert_true(jval_len(list) > 50);
    for (size_t i = 0; i < jval_len(list); i++) {
        const struct jval *vector = jval_at(list, i);
        struct sfx_signer signer = signer_of(vector, "auth_key_hex");
        uint8_t input[SFX_MAC_MAX], states[SFX_MAC_MAX];
        size_t len = hex_of(vector, "auth_input_hex", input, sizeof input);
        int n = sfx_mac_by(&signer, input, len, states, NULL);
        const struct jval *expected = jval_get(vector, "cbc_states_hex");
        assert_int_equal(n, jval_len(expected));
        for (int b = 0; b < n; b++) {
            char hex[33];
            hex_encode(states + 16 * b, 16, hex);
            assert_string_equal(hex, jval_text(jval_at(expected, (size_t)b), ""));
        }
        assert_true(verify_packet(vector, &signer) > 0); // lengths of classes coincide
    }
}

static void test_signer_makes_the_downlink_tags_in_a_token(void **state)
{
    (void)state;
    const struct jval *list = jval_get(downlinks, "encode");
    assert_true(jval_len(list) > 20);
    for (size_t i = 0; i < jval_len(list); i++) {
        const struct jval *vector = jval_at(list, i);
        struct sfx_signer signer = signer_of(vector, "key_hex");
        struct sfx_downlink dl = {.counter =
                                      (uint16_t)jval_int(jval_get(vector, "message_counter"), 0)};
        uint8_t id[4];
        hex_of(vector, "device_id", id, sizeof id);
        dl.device_id = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
        hex_of(vector, "payload_hex", dl.payload, sizeof dl.payload);
        assert_int_equal(sfx_downlink_sign_by(&dl, &signer, NULL), ERR_OK);
        char hex[2 * SFX_DL_TAG + 1];
        hex_encode(dl.tag, sizeof dl.tag, hex);
        assert_string_equal(hex, text(vector, "auth_hex"));
        assert_int_equal(sfx_downlink_verify_by(&dl, &signer, NULL), 1);
        dl.tag[1] ^= 0x40;
        assert_int_equal(sfx_downlink_verify_by(&dl, &signer, NULL), 0);
    }
}

static void test_signer_knows_a_key_wherever_it_lies(void **state)
{
    (void)state;
    const struct sfx_native_message m = {0xFEDCBA98, 0x123, 7, SFX_DIRECTION_DOWN};
    for (size_t i = 0; i < n_keys; i++) {
        struct secret key;
        char here[SECRET_FINGERPRINT_LEN], there[SECRET_FINGERPRINT_LEN],
            other[SECRET_FINGERPRINT_LEN];
        uint8_t a[8] = "payload", b[8] = "payload";
        assert_int_equal(secret_init(&key, keys[i].bytes, 16, NULL), ERR_OK);
        const struct sfx_signer plain = {.key = &key}, token = {.token = keys[i].token};
        secret_fingerprint(&key, here);
        assert_int_equal(sfx_signer_fingerprint(&token, there, NULL), ERR_OK);
        assert_string_equal(here, there);
        assert_int_equal(sfx_signer_fingerprint(&plain, there, NULL), ERR_OK);
        assert_string_equal(here, there);
        const struct sfx_signer next = {.token = keys[(i + 1) % n_keys].token};
        assert_int_equal(sfx_signer_fingerprint(&next, other, NULL), ERR_OK);
        assert_string_not_equal(here, other);

        const struct sfx_native_profile *p = sfx_native_assumed();
        assert_int_equal(sfx_native_apply(p, &m, &key, a, sizeof a, NULL), ERR_OK);
        assert_int_equal(sfx_native_apply_by(p, &m, &token, b, sizeof b, NULL), ERR_OK);
        assert_memory_equal(a, b, sizeof a);
        assert_memory_not_equal(a, "payload", sizeof a);
        secret_deinit(&key);
    }
}

static void test_signer_wants_one_key(void **state)
{
    (void)state;
    struct secret key = {.len = 16}, odd = {.len = 8};
    uint8_t block[16] = {0};
    struct err e = {0};
    const struct sfx_signer none = {.key = NULL}, both = {.key = &key, .token = keys[0].token},
                            wrong = {.key = &odd};
    assert_int_equal(sfx_signer_chain(&none, block, 1, block, &e), ERR_INTERNAL);
    assert_int_equal(sfx_signer_chain(&both, block, 1, block, &e), ERR_INTERNAL);
    assert_non_null(strstr(e.text, "a key or a token, and not both"));
    assert_int_equal(sfx_signer_chain(&wrong, block, 1, block, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "16 bytes, got 8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signer_makes_the_uplink_tags_in_a_token),
        cmocka_unit_test(test_signer_makes_the_downlink_tags_in_a_token),
        cmocka_unit_test(test_signer_knows_a_key_wherever_it_lies),
        cmocka_unit_test(test_signer_wants_one_key),
    };
    return cmocka_run_group_tests_name("sfx/signer", tests, begin, end);
}
