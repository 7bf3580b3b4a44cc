// Bursts on air against the formula they come from: level, frequency, phase, place, cut.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/lab/air.h"
#include "dut/lab/resample.h"

enum { N = 60000, BURST = 960 };

static const double carrier_hz = 868140000, burst_rate = 9600, amplitude = 5.0;
static const int64_t start_ns = 10000123; // between two samples

static float out[2 * N], again[2 * N];

static struct air_receiver receiver(void)
{
    return (struct air_receiver){
        .clock = {.base_ns = 0, .rate_uhz = 520833000000},
        .centre_hz = 868030000,
        .path = {[1] = 1e-3},
    };
}

// A carrier whose amplitude swings slowly: what the interpolator must follow.
static double envelope(double t)
{
    return amplitude * (1 + 0.5 * sin(2 * M_PI * 100 * t));
}

static struct air *with_burst(void)
{
    struct air *a;
    assert_int_equal(air_new(&a, NULL), ERR_OK);
    float *iq = calloc(BURST, 2 * sizeof *iq);
    assert_non_null(iq);
    for (int i = 0; i < BURST; i++)
        iq[2 * i] = (float)envelope(i / burst_rate);
    assert_int_equal(air_send_take(a, 1, start_ns, carrier_hz, burst_rate, iq, BURST, NULL),
                     ERR_OK);
    return a;
}

// Compares samples [from, to) with the formula, in parts of the amplitude.
static double worst(const float *got, int64_t from, int64_t to)
{
    double largest = 0;
    for (int64_t k = from; k < to; k++) {
        double t = (double)k / 520833.0 - (double)start_ns * 1e-9;
        double phase = 2 * M_PI * 110000.0 * t, level = envelope(t) * 1e-3 * 50;
        double e = hypot(got[2 * k] - level * cos(phase), got[2 * k + 1] - level * sin(phase));
        largest = fmax(largest, e / (amplitude * 1e-3 * 50));
    }
    return largest;
}

static void test_air_burst_follows_the_formula(void **state)
{
    (void)state;
    struct air *a = with_burst();
    struct air_receiver rx = receiver();
    air_hear(a, &rx, 0, N, 50, out);
    int64_t first = clock_index(&rx.clock, start_ns);
    int64_t end = clock_index(&rx.clock, start_ns + 100000000);
    assert_int_equal(first, 5209); // 10.000123 ms * 520833 = 5208.4
    // Silent before and behind; inside within 1e-3 but for the first and last sample of the burst.
    for (int64_t k = 0; k < first; k++)
        assert_true(out[2 * k] == 0 && out[2 * k + 1] == 0);
    for (int64_t k = end; k < N; k++)
        assert_true(out[2 * k] == 0 && out[2 * k + 1] == 0);
    double e = worst(out, first + 110, end - 110);
    if (e > 1e-3) fail_msg("off by %g of the amplitude", e);
    air_free(a);
}

static void test_air_is_independent_of_the_block(void **state)
{
    (void)state;
    struct air *a = with_burst();
    struct air_receiver rx = receiver();
    rx.noise_key = 99;
    rx.noise_mw = 1e-3;
    air_hear(a, &rx, 0, N, 50, out);
    size_t done = 0;
    for (size_t piece = 3; done < N; piece = piece * 13 % 4093 + 1) {
        size_t n = piece < N - done ? piece : N - done;
        air_hear(a, &rx, (int64_t)done, n, 50, again + 2 * done);
        done += n;
    }
    assert_memory_equal(out, again, sizeof out);
    air_free(a);
}

static void test_air_cut_ends_a_burst_at_once(void **state)
{
    (void)state;
    struct air *a = with_burst();
    struct air_receiver rx = receiver();
    air_hear(a, &rx, 0, N, 50, again);
    air_cut(a, 1, 50000000);
    air_hear(a, &rx, 0, N, 50, out);
    int64_t cut = clock_index(&rx.clock, 50000000);
    assert_memory_equal(out, again, (size_t)cut * 8);
    for (int64_t k = cut; k < N; k++)
        assert_true(out[2 * k] == 0 && out[2 * k + 1] == 0);
    air_cut(a, 2, 20000000); // somebody else
    air_hear(a, &rx, 0, N, 50, again);
    assert_memory_equal(out, again, sizeof out);
    air_free(a);
}

static void test_air_outside_the_band_is_silent(void **state)
{
    (void)state;
    struct air *a = with_burst();
    struct air_receiver rx = receiver();
    rx.centre_hz = carrier_hz - 260417; // just beyond half the rate: no alias at -260 kHz
    air_hear(a, &rx, 0, N, 50, out);
    for (size_t k = 0; k < 2 * N; k++)
        assert_true(out[k] == 0);
    rx = receiver();
    rx.path[1] = 0;
    air_hear(a, &rx, 0, N, 50, out);
    for (size_t k = 0; k < 2 * N; k++)
        assert_true(out[k] == 0);
    air_free(a);
}

static void test_air_forgets_what_is_over(void **state)
{
    (void)state;
    struct air *a = with_burst();
    air_forget(a, start_ns + 100000000);
    assert_int_equal(air_kept_count(a), 1);
    air_forget(a, start_ns + 100000001 + 1);
    assert_int_equal(air_kept_count(a), 0);
    assert_int_equal(air_burst_count(a), 1);
    air_free(a);
}

static void test_air_noise_has_its_power(void **state)
{
    (void)state;
    struct air *a;
    assert_int_equal(air_new(&a, NULL), ERR_OK);
    struct air_receiver rx = receiver();
    rx.noise_mw = 4e-6;
    air_hear(a, &rx, 0, N, 1000, out);
    double power = 0;
    for (size_t k = 0; k < 2 * N; k++)
        power += out[k] * out[k] / N;
    assert_true(fabs(power / 4.0 - 1) < 0.02);
    air_free(a);
}

static void test_clock_is_exact(void **state)
{
    (void)state;
    struct sample_clock c = {.base_ns = 7, .rate_uhz = 520833000000};
    // A day of samples: 45e9; every conversion there and back is the same index.
    for (int64_t k = 0; k < 45000000000; k += 12345678901 / 7) {
        int64_t t = clock_time_ns(&c, k);
        assert_int_equal(clock_index(&c, t), k);
        assert_int_equal(clock_index(&c, t + 1), k + 1);
    }
    assert_int_equal(clock_time_ns(&c, 520833), 1000000007);
    int64_t before = clock_time_ns(&c, 1000);
    clock_set_rate(&c, 1000, 2083333000000);
    assert_int_equal(clock_time_ns(&c, 1000), before);
    assert_int_equal(clock_time_ns(&c, 1000 + 2083333), before + 1000000000);
    assert_int_equal(clock_index(&c, before + 1000000000), 1000 + 2083333);
}

// --- streams of radios

static const struct sample_clock sender_clock = {.base_ns = 777, .rate_uhz = 520833700000};

// Plays tones (Hz from the carrier, amplitude) from index 3000 to 3000 + total, in pieces.
static void play(struct air *a, const double *tones, int n_tones, size_t total, size_t piece)
{
    double rate = (double)sender_clock.rate_uhz * 1e-6;
    for (size_t at = 0; at < total; at += piece) {
        size_t n = total - at < piece ? total - at : piece;
        float *iq = calloc(n, 2 * sizeof *iq);
        assert_non_null(iq);
        for (size_t k = 0; k < n; k++)
            for (int i = 0; i < n_tones; i++) {
                double phase = 2 * M_PI * tones[2 * i] * (double)(at + k) / rate;
                iq[2 * k] += (float)(tones[2 * i + 1] * cos(phase));
                iq[2 * k + 1] += (float)(tones[2 * i + 1] * sin(phase));
            }
        assert_int_equal(
            air_play_take(a, 2, &sender_clock, 3000 + (int64_t)at, 868000000, iq, n, NULL), ERR_OK);
    }
}

// How strong a tone of f_hz is in samples [from, to), and what else there is, both as amplitudes.
static double tone(const float *iq, int from, int to, double f_hz, double rate, double *rest)
{
    double re = 0, im = 0, power = 0;
    for (int k = from; k < to; k++) {
        double phase = -2 * M_PI * fmod(f_hz * k / rate, 1);
        re += iq[2 * k] * cos(phase) - iq[2 * k + 1] * sin(phase);
        im += iq[2 * k] * sin(phase) + iq[2 * k + 1] * cos(phase);
        power += (double)iq[2 * k] * iq[2 * k] + (double)iq[2 * k + 1] * iq[2 * k + 1];
    }
    int n = to - from;
    double level = hypot(re, im) / n;
    *rest = sqrt(fmax(0, power / n - level * level));
    return level;
}

// The largest error, and the largest level, of a tone of `f` bands at many places between samples.
static void through_resampler(double band, double f, double *error, double *level)
{
    struct resampler *r;
    assert_int_equal(resampler_new(&r, band, NULL), ERR_OK);
    size_t reach = resampler_reach(r), n = 2 * reach + 8;
    float *in = calloc(n, 2 * sizeof *in);
    assert_non_null(in);
    for (size_t k = 0; k < n; k++) {
        in[2 * k] = (float)cos(2 * M_PI * fmod(f * band * (double)k, 1));
        in[2 * k + 1] = (float)sin(2 * M_PI * fmod(f * band * (double)k, 1));
    }
    *error = *level = 0;
    for (uint32_t part = 0; part < UINT32_MAX - 4321987; part += 4321987) {
        float y[2];
        resampler_value(r, in, (ptrdiff_t)reach, part, y);
        double phase = 2 * M_PI * fmod(f * band * ((double)reach + part * 0x1p-32), 1);
        *error = fmax(*error, hypot(y[0] - cos(phase), y[1] - sin(phase)));
        *level = fmax(*level, hypot(y[0], y[1]));
    }
    free(in);
    resampler_free(r);
}

static void test_resampler_passes_and_stops(void **state)
{
    (void)state;
    static const double bands[] = {1, 0.5, 0.0184};
    for (size_t b = 0; b < 3; b++) {
        double error, level;
        for (double f = 0; f < 0.334; f += 0.0666) {
            through_resampler(bands[b], f, &error, &level);
            if (error > 1e-3) fail_msg("band %g: off by %g at %g", bands[b], error, f);
        }
        // At full rate there is nothing outside the band.
        for (double f = 0.53; f * bands[b] < 0.5 && f < 5; f *= 1.07) {
            through_resampler(bands[b], f, &error, &level);
            if (level > 1e-3) fail_msg("band %g: %g is left at %g", bands[b], level, f);
        }
    }
}

static void test_air_stream_keeps_level_frequency_and_phase(void **state)
{
    (void)state;
    static const double tones[] = {70000, 0.5};
    struct air *a;
    assert_int_equal(air_new(&a, NULL), ERR_OK);
    play(a, tones, 1, 50000, 4099); // seams at odd places
    struct air_receiver rx = receiver();
    rx.path[2] = 1e-3;
    rx.centre_hz = 867970000;
    air_hear(a, &rx, 0, N, 50, out);
    double rest, level = tone(out, 3100, 52900, 100000, 520833, &rest);
    if (fabs(level / (0.5 * 1e-3 * 50) - 1) > 1e-3) fail_msg("level %g", level);
    if (rest > level * 1e-3) fail_msg("%g beside a tone of %g", rest, level); // 60 dB
    // Begins and ends with the stream, give or take the filter.
    for (int k = 0; k < 2990; k++)
        assert_true(out[2 * k] == 0 && out[2 * k + 1] == 0);
    for (int k = 53040; k < N; k++)
        assert_true(out[2 * k] == 0 && out[2 * k + 1] == 0);

    // Any split into calls gives the same samples, whatever was heard in between.
    struct air_receiver other = rx;
    other.centre_hz = 868050000;
    for (int64_t at = 0; at < N; at += 777) {
        size_t n = N - at < 777 ? (size_t)(N - at) : 777;
        float waste[2 * 777];
        air_hear(a, &rx, at, n, 50, again + 2 * at);
        air_hear(a, &other, at, n, 50, waste);
    }
    assert_memory_equal(out, again, sizeof out);
    air_free(a);
}

static void test_air_stream_through_a_narrow_receiver(void **state)
{
    (void)state;
    // What is wanted, a neighbour 40 dB above it, and one that would fold onto it.
    static const double tones[] = {100500, 0.01, 130000, 1.0, 100500 - 9600 * 4, 1.0};
    struct air *a;
    assert_int_equal(air_new(&a, NULL), ERR_OK);
    play(a, tones, 3, 500000, 16384);
    struct air_receiver rx = {
        .clock = {.base_ns = 0, .rate_uhz = 9600000000}, .centre_hz = 868100000, .path = {[2] = 1}};
    air_hear(a, &rx, 0, 9600, 1, out);
    double rest, level = tone(out, 200, 9100, 500, 9600, &rest);
    if (fabs(level / 0.01 - 1) > 0.1) fail_msg("level %g", level); // 60 dB below the others: 0.001
    if (rest > 0.002) fail_msg("%g beside a tone of %g", rest, level);
    air_free(a);
}

static void test_air_stream_out_of_band_is_not_heard(void **state)
{
    (void)state;
    static const double tones[] = {0, 1};
    struct air *a;
    assert_int_equal(air_new(&a, NULL), ERR_OK);
    play(a, tones, 1, 20000, 20000);
    struct air_receiver rx = receiver();
    rx.path[2] = 1;
    rx.centre_hz = 868300000; // the tone lies outside; the edges of the bands overlap
    air_hear(a, &rx, 0, 40000, 1, out);
    double rest, level = tone(out, 3100, 22900, 300000, 520833, &rest);
    assert_true(level < 1e-3 && rest < 1e-3);
    air_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_air_burst_follows_the_formula),
        cmocka_unit_test(test_air_is_independent_of_the_block),
        cmocka_unit_test(test_air_cut_ends_a_burst_at_once),
        cmocka_unit_test(test_air_outside_the_band_is_silent),
        cmocka_unit_test(test_air_forgets_what_is_over),
        cmocka_unit_test(test_air_noise_has_its_power),
        cmocka_unit_test(test_clock_is_exact),
        cmocka_unit_test(test_resampler_passes_and_stops),
        cmocka_unit_test(test_air_stream_keeps_level_frequency_and_phase),
        cmocka_unit_test(test_air_stream_through_a_narrow_receiver),
        cmocka_unit_test(test_air_stream_out_of_band_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
