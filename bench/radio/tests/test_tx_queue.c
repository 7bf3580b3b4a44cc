// Bursts laid into an endless stream, against a plain array; and markers, found to the sample.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/radio/marker.h"
#include "bench/radio/tx_queue.h"

enum { LENGTH = 20000 };

static void test_any_bursts_in_any_blocks(void **state)
{
    (void)state;
    static int want[2 * LENGTH];
    static int16_t burst[2 * 1000], got[2 * LENGTH];
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct tx_queue q = {0};
        struct err e = {0};
        memset(want, 0, sizeof want);
        for (uint64_t i = 0; i < 40; i++) {
            size_t n = (size_t)(rng_u64(seed, 4 * i) % 1000);
            int64_t first = (int64_t)(rng_u64(seed, 4 * i + 1) % (LENGTH - 1000));
            for (size_t k = 0; k < 2 * n; k++)
                burst[k] = (int16_t)(rng_u64(seed, 1000 + i * 4096 + k) >> 49);
            assert_int_equal(tx_queue_add(&q, first, burst, n, &e), ERR_OK);
            for (size_t k = 0; k < 2 * n; k++)
                want[2 * (size_t)first + k] += burst[k];
            memset(burst, 0x55, sizeof burst); // it was copied
        }
        for (size_t k = 0; k < LENGTH;) {
            size_t n = 1 + (size_t)(rng_u64(seed, 900 + k) % 3000);
            if (n > LENGTH - k) n = LENGTH - k;
            tx_queue_take(&q, got + 2 * k, n);
            k += n;
        }
        for (size_t k = 0; k < 2 * LENGTH; k++) {
            int limited = want[k] > INT16_MAX ? INT16_MAX : want[k];
            if (got[k] != limited) fail_msg("value %zu: %d, expected %d", k, got[k], limited);
        }
        assert_int_equal(q.n, 0);
        assert_int_equal(q.samples, 0);
        tx_queue_deinit(&q);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct tx_queue q = {0};
    struct err e = {0};
    int16_t out[2 * 100], one[2] = {INT16_MIN, INT16_MIN};
    tx_queue_take(&q, out, 100);
    assert_int_equal(tx_queue_add(&q, 99, one, 1, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "at sample 99 comes too late, the stream has been sent up to "
                                   "sample 100"));
    assert_int_equal(tx_queue_add(&q, 100, one, 1, &e), ERR_OK);
    assert_int_equal(tx_queue_add(&q, 100, one, 1, &e), ERR_OK);
    tx_queue_take(&q, out, 100);
    assert_int_equal(out[0], -INT16_MAX); // limited on this side too
    assert_int_equal(out[2], 0);
    for (int i = 0; i < 256; i++)
        assert_int_equal(tx_queue_add(&q, 300 + i, one, 1, &e), ERR_OK);
    assert_int_equal(tx_queue_add(&q, 300, one, 1, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "expected at most 256 bursts"));
    tx_queue_deinit(&q); // with bursts that were never sent
}

static void test_markers_are_found_to_the_sample(void **state)
{
    (void)state;
    static int16_t iq[2 * LENGTH];
    int16_t marker[2 * MARKER_SAMPLES];
    marker_make(marker);
    // Turned by 37 degrees, with noise 20 dB below, 1/16 of what was sent: as over a cable.
    const int64_t at[] = {0, 255, 1000, 7777, LENGTH - MARKER_SAMPLES};
    for (size_t k = 0; k < 2 * LENGTH; k++)
        iq[k] = (int16_t)(40 * rng_normal(7, k));
    for (size_t i = 0; i < 5; i++)
        for (int64_t k = 0; k < MARKER_SAMPLES; k++) {
            iq[2 * (at[i] + k)] = (int16_t)(iq[2 * (at[i] + k)] + 0.8 * marker[2 * k] / 16);
            iq[2 * (at[i] + k) + 1] = (int16_t)(iq[2 * (at[i] + k) + 1] + 0.6 * marker[2 * k] / 16);
        }
    size_t from = 0, found = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_true(marker_find(iq, LENGTH, from, &found));
        assert_int_equal(found, at[i]);
        from = found + MARKER_SAMPLES;
    }
    assert_false(marker_find(iq, LENGTH, from, &found));

    // Strong, and something else: a tone, a step, half a marker.
    for (size_t k = 0; k < LENGTH; k++) {
        iq[2 * k] = (int16_t)(k % 2 ? 900 : -900);
        iq[2 * k + 1] = (int16_t)(k > LENGTH / 2 ? 900 : 0);
    }
    assert_false(marker_find(iq, LENGTH, 0, &found));
    memset(iq, 0, sizeof iq);
    for (size_t k = 0; k < 100; k++)
        iq[2 * (5000 + k)] = (int16_t)(marker[2 * k] / 16);
    assert_false(marker_find(iq, LENGTH, 0, &found));
    assert_false(marker_find(iq, 10, 0, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_bursts_in_any_blocks),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_markers_are_found_to_the_sample),
    };
    return cmocka_run_group_tests_name("transmit queue and marker", tests, NULL, NULL);
}
