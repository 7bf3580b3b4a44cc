// A judge whose device has its key in a token: the same verdicts, and a token that leaves is no bad
// tag.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/net/judge.h"

enum { ID = 0x0BADCAFE };

// The only key of the module that fails on demand (bench/base/tests/fake_token.c): FIPS 197's.
static const uint8_t key_bytes[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                      0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

static struct token_key *token(const char *fault)
{
    struct token_key *k = NULL;
    struct err e = {0};
    setenv("FAKE_TOKEN", fault, 1);
    if (token_key_open(
            &k, "pkcs11:token=fake;object=k?module-path=" FOX_BIN_DIR "/../tests/fake_token.so",
            NULL, &e) < 0)
        fail_msg("%s", e.text);
    return k;
}

static struct judge *judge_with(struct token_key *k)
{
    struct judge *j;
    const struct judge_device d = {.id = ID, .token = k, .modulus = 4096};
    assert_int_equal(judge_new(&j, NULL), ERR_OK);
    assert_int_equal(judge_register(j, &d, NULL), ERR_OK);
    return j;
}

static struct sfx_uplink message(unsigned counter)
{
    struct secret key;
    struct sfx_uplink up = {.type = SFX_MESSAGE_BYTES,
                            .device_id = ID,
                            .counter = (uint16_t)counter,
                            .payload = {1, 2, 3},
                            .payload_len = 3};
    assert_int_equal(secret_init(&key, key_bytes, sizeof key_bytes, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(&up, &key, NULL), ERR_OK);
    secret_deinit(&key);
    return up;
}

static void test_judge_verifies_in_the_token(void **state)
{
    (void)state;
    struct token_key *k = token("");
    struct judge *j = judge_with(k);
    struct judge_result r;
    struct sfx_uplink up = message(7);
    assert_int_equal(judge_frame(j, &up, SFX_STATUS_OK, 0, &r, NULL), ERR_OK);
    assert_int_equal(r.verdict, JUDGE_ACCEPTED);
    up = message(8);
    up.tag[0] ^= 1;
    assert_int_equal(judge_frame(j, &up, SFX_STATUS_OK, 30, &r, NULL), ERR_OK);
    assert_int_equal(r.verdict, JUDGE_BAD_TAG);

    struct secret key;
    struct sfx_downlink dl = {.device_id = ID, .counter = 8, .payload = "payload"};
    assert_int_equal(judge_sign_downlink(j, &dl, NULL), ERR_OK);
    assert_int_equal(secret_init(&key, key_bytes, sizeof key_bytes, NULL), ERR_OK);
    assert_int_equal(sfx_downlink_verify(&dl, &key, NULL), 1);
    judge_free(j);
    token_key_close(k);
}

static void test_judge_blames_nobody_for_a_token_that_left(void **state)
{
    (void)state;
    struct token_key *k = token("Encrypt=0x32@3");
    struct judge *j = judge_with(k);
    struct judge_result r;
    struct err e = {0};
    struct sfx_uplink up = message(7), next = message(8);
    assert_int_equal(judge_frame(j, &up, SFX_STATUS_OK, 0, &r, NULL), ERR_OK);
    assert_int_equal(judge_frame(j, &next, SFX_STATUS_OK, 30, &r, &e), ERR_GONE);
    assert_non_null(strstr(e.text, "token 'fake' is gone"));
    assert_false(r.tag_ok);
    struct sfx_downlink dl = {.device_id = ID, .counter = 7};
    assert_int_equal(judge_sign_downlink(j, &dl, &e), ERR_GONE);
    judge_free(j);
    token_key_close(k);

    k = token(""); // it is back: the frame that could not be judged is still a new one
    j = judge_with(k);
    assert_int_equal(judge_frame(j, &next, SFX_STATUS_OK, 40, &r, NULL), ERR_OK);
    assert_int_equal(r.verdict, JUDGE_ACCEPTED);
    judge_free(j);
    token_key_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_verifies_in_the_token),
        cmocka_unit_test(test_judge_blames_nobody_for_a_token_that_left),
    };
    return cmocka_run_group_tests_name("net/judge_token", tests, NULL, NULL);
}
