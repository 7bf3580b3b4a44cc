// The DBPSK burst against the vectors' phase states and the published shape.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "dut/port/dbpsk.h"

enum { SPS = 40 };

static float *modulate(const char *hex, unsigned samples_per_symbol, float amplitude, size_t *n)
{
    uint8_t bits[26];
    int len = hex_decode(hex, bits, sizeof bits, NULL);
    assert_true(len > 0);
    *n = devport_dbpsk_len(8 * (size_t)len, samples_per_symbol);
    float *iq = malloc(2 * *n * sizeof *iq);
    assert_non_null(iq);
    devport_dbpsk(bits, 8 * (size_t)len, samples_per_symbol, amplitude, iq);
    return iq;
}

// Samples at the slots' boundaries have the phase states of every uplink vector.
static void test_dbpsk_has_the_vectors_phase_states(void **state)
{
    (void)state;
    struct jval *file = NULL;
    struct err err = {0};
    assert_int_equal(jval_load(&file, FOX_SOURCE_DIR "/fixtures/vectors/uplink.json", &err), 0);
    struct jval *encode = jval_get(file, "encode");
    unsigned frames = 0;
    for (size_t i = 0; i < jval_len(encode); i++) {
        for (size_t rank = 0; rank < 3; rank++) {
            struct jval *frame = jval_at(jval_get(jval_at(encode, i), "frames"), rank);
            if (!frame) continue;
            const char *states = jval_text(jval_get(frame, "dbpsk_states"), "");
            size_t n = 0;
            float *iq = modulate(jval_text(jval_get(frame, "frame_hex"), ""), SPS, 2.0f, &n);
            assert_int_equal(n, (strlen(states) + 3) * SPS);
            for (size_t k = 0; states[k]; k++) {
                size_t middle = (size_t)((DEVPORT_DBPSK_LEAD + 0.5 + (double)k) * SPS);
                assert_true(fabs((double)iq[2 * middle]) > 1.98); // full envelope
                assert_int_equal(iq[2 * middle] < 0, states[k] == '1');
            }
            free(iq);
            frames++;
        }
    }
    assert_int_equal(frames, 213);
    jval_free(file);
}

// protocol.md 1.1: 40 steps of attenuation across a flip, the ramps halves of it.
static void test_dbpsk_envelope_is_the_published_one(void **state)
{
    (void)state;
    static const double db[19] = {0, 0, 0,   0,   0, 0.5, 0.5, 0.5, 1,   1,
                                  2, 3, 4.5, 6.5, 9, 12,  15,  19,  29.5};
    size_t n = 0;
    float *iq = modulate("80", SPS, 1.0f, &n); // one 1, then flips
    assert_int_equal(n, 12 * SPS);
    const float *flip = iq + 2 * (size_t)(3 * SPS); // the slot of the first 0
    for (int i = 0; i < SPS; i++) {
        int step = i < SPS / 2 ? i : SPS - 1 - i;
        double expected = step < 19 ? pow(10.0, -db[step] / 20.0) : 0.0;
        if (i >= SPS / 2) expected = -expected;
        assert_true(fabs((double)flip[2 * i] - expected) < 1e-4);
        assert_true(flip[2 * i + 1] == 0.0f);
    }
    assert_true(fabs((double)iq[0]) < 0.05); // from nothing and back to nothing
    assert_true(fabs((double)iq[2 * n - 2]) < 0.05);
    for (int i = 1; i < SPS; i++)
        assert_true(fabs((double)iq[2 * i]) >= fabs((double)iq[2 * (i - 1)]));
    free(iq);
}

// Power within one hertz's reach of f, by the definition of the transform.
static double power_at(const float *iq, size_t n, double f_per_sample)
{
    double re = 0, im = 0;
    for (size_t i = 0; i < n; i++) {
        double phase = 6.283185307179586 * f_per_sample * (double)i;
        re += (double)iq[2 * i] * cos(phase);
        im += (double)iq[2 * i] * sin(phase);
    }
    return re * re + im * im;
}

// The reason for the shape: beyond five times the bit rate there is far less than of hard keying.
static void test_dbpsk_keeps_to_its_channel(void **state)
{
    (void)state;
    size_t n = 0;
    float *iq = modulate("aaaaa35f800198badcfe0102a6b7c6cf0a66", 64, 1.0f, &n);
    double inside = 0, outside = 0, hard_outside = 0;
    for (int i = 0; i < 40; i++) {
        inside += power_at(iq, n, (0.1 + 0.02 * i) / 64.0);
        outside += power_at(iq, n, (5.0 + 0.113 * i) / 64.0);
    }
    for (size_t i = 0; i < n; i++)
        iq[2 * i] = iq[2 * i] < 0 ? -1.0f : 1.0f;
    for (int i = 0; i < 40; i++)
        hard_outside += power_at(iq, n, (5.0 + 0.113 * i) / 64.0);
    assert_true(outside < inside / 1000.0);
    assert_true(outside < hard_outside / 10.0);
    free(iq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dbpsk_has_the_vectors_phase_states),
        cmocka_unit_test(test_dbpsk_envelope_is_the_published_one),
        cmocka_unit_test(test_dbpsk_keeps_to_its_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
