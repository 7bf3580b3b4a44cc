// The spectrogram's levels and places: a tone of known power, in known noise.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/phy/iq.h"
#include "bench/phy/spectrogram.h"
#include "bench/phy/tests/synth.h"

enum { N = 48000, COLUMNS = 200, ROWS = 50 };

static const struct phy_spectrogram_config config = {
    .rate_hz = 48000, .low_hz = 1000, .high_hz = 11000, .columns = COLUMNS, .rows = ROWS};

static void test_a_tone_has_its_level_and_place(void **state)
{
    (void)state;
    int16_t *iq = calloc(2 * N, sizeof *iq);
    float *out = malloc(COLUMNS * ROWS * sizeof *out);
    assert_true(iq && out);
    // half of full scale, 5 025 Hz, in the second half of the time
    for (size_t i = N / 2; i < N; i++) {
        iq[2 * i] =
            (int16_t)lrint(IQ_FULL_SCALE_RX / 2.0 * cos(2 * M_PI * 5025.0 * (double)i / 48e3));
        iq[2 * i + 1] =
            (int16_t)lrint(IQ_FULL_SCALE_RX / 2.0 * sin(2 * M_PI * 5025.0 * (double)i / 48e3));
    }
    struct err e = {0};
    assert_int_equal(phy_spectrogram(&config, iq, N, out, &e), ERR_OK);
    size_t column = (5025 - 1000) / 50;
    for (size_t row = 0; row < ROWS; row++) {
        size_t top = 0;
        double all = 0;
        for (size_t c = 0; c < COLUMNS; c++) {
            if (out[row * COLUMNS + c] > out[row * COLUMNS + top]) top = c;
            all += pow(10, (double)out[row * COLUMNS + c] / 10);
        }
        if (row >= ROWS / 2 + 3) {
            assert_in_range(top, column - 1, column + 1);
            // columns hold one or two bins each, so a line's level depends on where it falls
            assert_true(fabs(10 * log10(all) - 20 * log10(0.5)) < 2);
        } else if (row + 3 < ROWS / 2) {
            assert_true(all < 1e-6);
        }
    }
    free(iq);
    free(out);
}

static void test_noise_has_its_density(void **state)
{
    (void)state;
    struct synth s = {.rate_hz = 48000, .noise_rms = 30, .seed = 4};
    int16_t *iq = malloc(2 * N * sizeof *iq);
    float *out = malloc(COLUMNS * ROWS * sizeof *out);
    assert_true(iq && out);
    synth_render(&s, 0, N, iq);
    struct err e = {0};
    assert_int_equal(phy_spectrogram(&config, iq, N, out, &e), ERR_OK);
    double sum = 0;
    for (size_t i = 0; i < COLUMNS * ROWS; i++)
        sum += pow(10, (double)out[i] / 10);
    double want = 2 * 30.0 * 30.0 / ((double)IQ_FULL_SCALE_RX * IQ_FULL_SCALE_RX) * 50 / 48000;
    assert_true(fabs(10 * log10(sum / (COLUMNS * ROWS)) - 10 * log10(want)) < 0.3);
    free(iq);
    free(out);
}

static void test_wrong_use_is_refused(void **state)
{
    (void)state;
    int16_t iq[64] = {0};
    float out[4];
    struct err e = {0};
    struct phy_spectrogram_config c = {48000, -1000, 1000, 2, 2};
    assert_int_equal(phy_spectrogram(&c, iq, 32, out, &e), ERR_OK);
    assert_int_equal(phy_spectrogram(&c, iq, 3, out, &e), ERR_INVALID);
    c.columns = 0;
    assert_int_equal(phy_spectrogram(&c, iq, 32, out, &e), ERR_INVALID);
    c.columns = 2;
    c.high_hz = 30000;
    assert_int_equal(phy_spectrogram(&c, iq, 32, out, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "30000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tone_has_its_level_and_place),
        cmocka_unit_test(test_noise_has_its_density),
        cmocka_unit_test(test_wrong_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
