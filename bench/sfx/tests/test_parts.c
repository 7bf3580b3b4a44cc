// The small parts of the link layer: counter arithmetic, replica codes, checksums, padding, control
// bodies.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/control.h"
#include "bench/sfx/counter.h"
#include "bench/sfx/crc.h"
#include "bench/sfx/mac.h"

static const unsigned moduli[] = {128, 256, 512, 1024, 2048, 4096};

static void test_counter_moduli(void **state)
{
    (void)state;
    unsigned legal = 0;
    for (unsigned m = 0; m <= 9000; m++)
        legal += sfx_counter_modulus_ok(m);
    assert_int_equal(legal, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_true(sfx_counter_modulus_ok(moduli[i]));
}

// Against walking: a counter is accepted when counting up from the last one meets it within the
// window.
static void test_counter_window_equals_counting(void **state)
{
    (void)state;
    static const unsigned windows[] = {20, 100, 420, 5000};
    for (unsigned i = 0; i < 6; i++)
        for (unsigned w = 0; w < 4; w++) {
            unsigned m = moduli[i], last = m - 7;
            static bool reachable[SFX_COUNTER_MODULUS_MAX];
            memset(reachable, 0, sizeof reachable);
            for (unsigned c = last, n = 0; n < windows[w]; n++) {
                c = c + 1 == m ? 0 : c + 1;
                if (c == last) break; // all the way round
                reachable[c] = true;
                assert_int_equal(sfx_counter_next((c + m - 1) % m, m), c);
                assert_int_equal(sfx_counter_step(last, c, m), n + 1);
            }
            for (unsigned c = 0; c < SFX_COUNTER_MODULUS_MAX; c++)
                assert_int_equal(sfx_counter_accept(last, c, m, windows[w]), c < m && reachable[c]);
        }
}

static void test_counter_window_of_a_subscription(void **state)
{
    (void)state;
    assert_int_equal(sfx_counter_window(140), 420);
    assert_int_equal(sfx_counter_window(7), 21);
    assert_int_equal(sfx_counter_window(6), 20);
    assert_int_equal(sfx_counter_window(0), 20);
}

// The response to a single one is the code's taps: 111 for rank 2 (7), 101 for rank 3 (5); across a
// byte's end too.
static void test_coding_impulse_responses(void **state)
{
    (void)state;
    const uint8_t impulse[3] = {0x00, 0x01, 0x00};
    uint8_t out[3];
    sfx_replica_encode(1, impulse, 3, out);
    assert_memory_equal(out, "\x00\x01\x00", 3);
    sfx_replica_encode(2, impulse, 3, out);
    assert_memory_equal(out, "\x00\x01\xC0", 3);
    sfx_replica_encode(3, impulse, 3, out);
    assert_memory_equal(out, "\x00\x01\x40", 3);
}

static void test_coding_is_linear_and_invertible(void **state)
{
    (void)state;
    const uint64_t key = rng_key(1, "coding");
    for (unsigned n = 0; n < 300; n++) {
        uint8_t a[22], b[22], sum[22], ca[22], cb[22], csum[22];
        size_t len = 1 + n % 22;
        unsigned rank = 1 + n % 3;
        for (unsigned i = 0; i < 22; i++) {
            a[i] = (uint8_t)rng_u64(key, 100 * n + i);
            b[i] = (uint8_t)rng_u64(key, 100 * n + 50 + i);
            sum[i] = a[i] ^ b[i];
        }
        sfx_replica_encode(rank, a, len, ca);
        sfx_replica_encode(rank, b, len, cb);
        sfx_replica_encode(rank, sum, len, csum);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(csum[i], ca[i] ^ cb[i]);
        sfx_replica_decode(rank, ca, len, ca);
        assert_memory_equal(ca, a, len);
    }
}

static void test_coding_phase_states(void **state)
{
    (void)state;
    const uint8_t bits[1] = {0xC9}; // 1100 1001
    const uint8_t expected[9] = {0, 0, 0, 1, 0, 0, 1, 0, 0};
    uint8_t states[9];
    sfx_phase_states(bits, 8, states);
    assert_memory_equal(states, expected, sizeof expected);
}

// The check values of the public CRC catalogue.
static void test_crc_check_values(void **state)
{
    (void)state;
    assert_int_equal(sfx_crc16((const uint8_t *)"123456789", 9), 0xCE3C);
    assert_int_equal(sfx_crc8((const uint8_t *)"123456789", 9), 0x3E);
}

static void test_mac_pads_by_repeating(void **state)
{
    (void)state;
    uint8_t input[18], blocks[SFX_MAC_MAX];
    for (unsigned i = 0; i < sizeof input; i++)
        input[i] = (uint8_t)(0x80 + i);
    for (size_t len = 6; len <= sizeof input; len++) {
        size_t n = sfx_mac_pad(input, len, blocks);
        assert_int_equal(n, len <= 16 ? 1 : 2);
        assert_memory_equal(blocks, input, len);
        for (size_t i = len; i < 16 * n; i++)
            assert_int_equal(blocks[i], blocks[i - len]);
    }
    struct secret key = {.len = 16};
    struct err e = {0};
    uint8_t states[SFX_MAC_MAX];
    assert_int_equal(sfx_mac(&key, input, 0, states, &e), ERR_INVALID);
    assert_int_equal(sfx_mac(&key, input, 33, states, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "got 33"));
}

// The body of p-ul-064 in the public vectors, and the extremes of each field.
static void test_control_bodies(void **state)
{
    (void)state;
    struct sfx_uplink up = {.counter = 1};
    struct sfx_control body = {3300, 3232, 0, -45}, back;
    sfx_control_put_confirmation(&up, &body);
    assert_memory_equal(up.payload, "\x09\xe4\x0c\xa0\x0c\x00\x00\x37", 8);
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    static const struct sfx_control extremes[] = {
        {0, 65535, -32768, -228}, {65535, 0, 32767, 27}, {1, 2, -1, -100}};
    for (unsigned i = 0; i < 3; i++) {
        sfx_control_put_confirmation(&up, &extremes[i]);
        assert_true(sfx_control_read(&up, &back));
        assert_int_equal(back.idle_mv, extremes[i].idle_mv);
        assert_int_equal(back.transmit_mv, extremes[i].transmit_mv);
        assert_int_equal(back.temperature_tenths, extremes[i].temperature_tenths);
        assert_int_equal(back.rssi_dbm, extremes[i].rssi_dbm);
        sfx_control_put_keep_alive(&up, &extremes[i]);
        assert_int_equal(up.payload_len, 7);
        assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
        assert_true(sfx_control_read(&up, &back));
        assert_int_equal(back.temperature_tenths, extremes[i].temperature_tenths);
    }
    up.type = SFX_MESSAGE_BYTES;
    assert_false(sfx_control_read(&up, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_moduli),
        cmocka_unit_test(test_counter_window_equals_counting),
        cmocka_unit_test(test_counter_window_of_a_subscription),
        cmocka_unit_test(test_coding_impulse_responses),
        cmocka_unit_test(test_coding_is_linear_and_invertible),
        cmocka_unit_test(test_coding_phase_states),
        cmocka_unit_test(test_crc_check_values),
        cmocka_unit_test(test_mac_pads_by_repeating),
        cmocka_unit_test(test_control_bodies),
    };
    return cmocka_run_group_tests_name("sfx/parts", tests, NULL, NULL);
}
