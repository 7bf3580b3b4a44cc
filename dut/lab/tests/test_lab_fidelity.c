// What makes a real unit worse than arithmetic, seen through the real libiio: leakage, tones that
// take over, calibration at full drive, offset and image, gain that settles, blocks that come late;
// and transmit buffers that repeat. Run by foxlab with fidelity.scenario.
#include <errno.h>
#include <iio.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/lab/tests/ask.h"

enum { BLOCK = 8192, UNITS = 3, GAIN = 20 };
static const double rate = 2400000;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const double patience = 30; // a sanitizer's checks are not the lab's cost
#else
static const double patience = 1;
#endif

static struct unit {
    struct iio_context *ctx;
    struct iio_device *phy, *rx, *tx;
    struct iio_buffer *in;
} units[UNITS], *const a = &units[0], *const b = &units[1], *const c = &units[2];

static void put(struct unit *u, const char *channel, const char *attr, const char *value)
{
    struct iio_channel *ch = iio_device_find_channel(u->phy, channel, true);
    assert_non_null(ch);
    if (iio_channel_attr_write(ch, attr, value) <= 0) fail_msg("%s %s: %s", channel, attr, value);
}

static void put_in(struct unit *u, const char *attr, const char *value)
{
    struct iio_channel *ch = iio_device_find_channel(u->phy, "voltage0", false);
    if (iio_channel_attr_write(ch, attr, value) <= 0) fail_msg("%s: %s", attr, value);
}

static void tone_generator(const char *channel, const char *attr, const char *value)
{
    struct iio_channel *ch = iio_device_find_channel(a->tx, channel, true);
    if (iio_channel_attr_write(ch, attr, value) <= 0) fail_msg("%s %s: %s", channel, attr, value);
}

static const int16_t *refill(struct unit *u)
{
    assert_int_equal(iio_buffer_refill(u->in), BLOCK * 4);
    return iio_buffer_start(u->in);
}

static void start(struct unit *u)
{
    iio_channel_enable(iio_device_find_channel(u->rx, "voltage0", false));
    iio_channel_enable(iio_device_find_channel(u->rx, "voltage1", false));
    u->in = iio_device_create_buffer(u->rx, BLOCK, false);
    assert_non_null(u->in);
}

static void stop(struct unit *u)
{
    iio_buffer_destroy(u->in);
    u->in = NULL;
}

// Amplitude in codes at so many Hz beside the LO; whole cycles fit into the stretch.
static double amplitude_at(const int16_t *iq, size_t n, double hz)
{
    double re = 0, im = 0;
    for (size_t k = 0; k < n; k++) {
        double phase = 2 * M_PI * hz * (double)k / rate;
        re += iq[2 * k] * cos(phase) + iq[2 * k + 1] * sin(phase);
        im += iq[2 * k + 1] * cos(phase) - iq[2 * k] * sin(phase);
    }
    return hypot(re, im) / (double)n;
}

// Codes of a level at the antenna.
static double codes(double dbm, double gain_db)
{
    return 2047 * pow(10, (dbm + 24 + gain_db) / 20);
}

static void assert_codes(double got, double expected, const char *what)
{
    if (fabs(got - expected) > 0.03 * expected + 0.15)
        fail_msg("%s: %.2f codes, expected %.2f", what, got, expected);
}

// The third block from now: what was set before acts in it from its first sample on.
static double heard_at(struct unit *u, double hz)
{
    refill(u);
    refill(u);
    return amplitude_at(refill(u), BLOCK, hz);
}

enum { N_TONE = 300000 }; // 2400000 / 8, so that whole cycles fit

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < UNITS; i++) {
        struct unit *u = &units[i];
        char name[32], uri[64]; // the library writes into it
        snprintf(name, sizeof name, "FOXLAB_PLUTO_%d_URI", i);
        snprintf(uri, sizeof uri, "%s", getenv(name));
        u->ctx = iio_create_context_from_uri(uri);
        assert_non_null(u->ctx);
        assert_int_equal(iio_context_set_timeout(u->ctx, 4000), 0);
        u->phy = iio_context_find_device(u->ctx, "ad9361-phy");
        u->rx = iio_context_find_device(u->ctx, "cf-ad9361-lpc");
        u->tx = iio_context_find_device(u->ctx, "cf-ad9361-dds-core-lpc");
        put_in(u, "sampling_frequency", "2400000");
        put_in(u, "gain_control_mode", "manual");
        put_in(u, "hardwaregain", "20");
        // A frequency that the chip makes to the hertz in both its synthesisers.
        put(u, "altvoltage0", "frequency", "880000000");
        put(u, "altvoltage1", "frequency", "880000000");
        put(u, "altvoltage1", "powerdown", "1");
        put(u, "voltage0", "hardwaregain", "-10");
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < UNITS; i++)
        iio_context_destroy(units[i].ctx);
    return 0;
}

static void test_fidelity_the_oscillator_leaks(void **state)
{
    (void)state;
    start(b);
    assert_true(heard_at(b, 0) < 0.3);
    put(a, "altvoltage1", "powerdown", "0");
    assert_codes(heard_at(b, 0), codes(7 - 10 - 40 - 60, GAIN), "leakage");
    put(a, "voltage0", "hardwaregain", "-16");
    assert_codes(heard_at(b, 0), codes(7 - 16 - 40 - 60, GAIN), "leakage, 6 dB less");
    put(a, "altvoltage1", "powerdown", "1");
    assert_true(heard_at(b, 0) < 0.3);
    put(a, "voltage0", "hardwaregain", "-10");
    stop(b);
}

static void test_fidelity_tones_take_over(void **state)
{
    (void)state;
    // One side band: a quarter of a turn between I and Q.
    for (int i = 0; i < 4; i++) {
        char channel[32];
        snprintf(channel, sizeof channel, "altvoltage%d", i);
        tone_generator(channel, "raw", "1");
        tone_generator(channel, "frequency", "300000");
        tone_generator(channel, "scale", i % 2 ? "0.0" : "0.25");
    }
    tone_generator("altvoltage0", "phase", "90000");
    tone_generator("altvoltage2", "phase", "0");
    start(b);
    assert_true(heard_at(b, N_TONE) < 0.3); // the LO is down
    put(a, "altvoltage1", "powerdown", "0");
    double expected = codes(7 - 10 - 60, GAIN) * 0.25;
    assert_codes(heard_at(b, N_TONE), expected, "the tones");
    assert_true(amplitude_at(refill(b), BLOCK, -N_TONE) < 0.3);
    // A transmit buffer takes the converters away from them; it closes, and they are back.
    iio_channel_enable(iio_device_find_channel(a->tx, "voltage0", true));
    iio_channel_enable(iio_device_find_channel(a->tx, "voltage1", true));
    struct iio_buffer *out = iio_device_create_buffer(a->tx, BLOCK, false);
    assert_non_null(out);
    assert_true(heard_at(b, N_TONE) < 0.3);
    iio_buffer_destroy(out);
    assert_codes(heard_at(b, N_TONE), expected, "the tones, back");
    tone_generator("altvoltage0", "scale", "0.0");
    tone_generator("altvoltage2", "raw", "0");
    assert_true(heard_at(b, N_TONE) < 0.3);
    put(a, "altvoltage1", "powerdown", "1");
    stop(b);
}

// Energy of so many blocks, in codes times seconds, beside what leaks.
static double calibration_heard(void)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += amplitude_at(refill(b), BLOCK, rate / 32) * BLOCK / rate;
    return sum;
}

static void test_fidelity_calibration_at_full_drive(void **state)
{
    (void)state;
    start(b);
    put(a, "voltage0", "hardwaregain", "-89.75");
    put(a, "altvoltage1", "powerdown", "0");
    refill(b);
    put(a, "altvoltage1", "frequency", "890000000"); // less than 100 MHz
    assert_true(calibration_heard() < 2e-3);
    put(a, "altvoltage1", "frequency", "780000000"); // more, but b cannot hear it there
    refill(b);
    put(a, "altvoltage1", "frequency", "880000000"); // just as far from the last calibration
    // 2 ms at full drive, as if there were no attenuation.
    assert_codes(calibration_heard() * 1e3, codes(7 - 60, GAIN) * 2, "the calibration");
    put(a, "altvoltage1", "frequency", "700000000");
    refill(b);
    assert_true(iio_device_attr_write(a->phy, "calib_mode", "manual") > 0);
    put(a, "altvoltage1", "frequency", "880000000");
    assert_true(calibration_heard() < 2e-3); // was told not to
    assert_true(iio_device_attr_write(a->phy, "calib_mode", "auto") > 0);
    put(a, "altvoltage1", "powerdown", "1");
    put(a, "altvoltage1", "frequency", "700000000"); // with the LO down it does not get out
    put(a, "altvoltage1", "frequency", "880000000");
    assert_true(calibration_heard() < 2e-3);
    put(a, "voltage0", "hardwaregain", "-10");
    stop(b);
}

static void test_fidelity_offset_and_image(void **state)
{
    (void)state;
    put(a, "altvoltage1", "frequency", "880300000");
    put(a, "voltage0", "hardwaregain", "0");
    put(a, "altvoltage1", "powerdown", "0");
    start(c);
    start(b);
    for (int i = 0; i < 12; i++) { // both go on together
        refill(c);
        refill(b);
    }
    const int16_t *iq = refill(c);
    double direct = amplitude_at(iq, BLOCK, N_TONE);
    assert_codes(direct, codes(7 - 40 - 60, GAIN), "the carrier");
    assert_codes(amplitude_at(iq, BLOCK, 0), 2047 * pow(10, -30.0 / 20), "the offset");
    assert_codes(amplitude_at(iq, BLOCK, -N_TONE), direct * pow(10, -26.0 / 20), "its image");
    assert_true(amplitude_at(refill(b), BLOCK, -N_TONE) < 0.1); // b is perfect
    put_in(c, "quadrature_tracking_en", "0"); // without correction it is ten times worse
    for (int i = 0; i < 6; i++)
        iq = refill(c);
    assert_codes(amplitude_at(iq, BLOCK, -N_TONE), direct * pow(10, -6.0 / 20),
                 "its image without correction");
    put_in(c, "quadrature_tracking_en", "1");
    stop(b);
    stop(c);
}

static void test_fidelity_gain_settles(void **state)
{
    (void)state;
    start(c);
    for (int i = 0; i < 6; i++)
        refill(c);
    double before = amplitude_at(refill(c), BLOCK, N_TONE);
    put_in(c, "hardwaregain", "40");
    const int16_t *iq = refill(c);
    // One time constant is 2400 samples; 240 samples hold 30 cycles.
    double first = amplitude_at(iq, 240, N_TONE), after = before * 10;
    double mean = after + (before - after) * (1 - exp(-0.1)) / 0.1;
    assert_codes(first, mean, "the first 0.1 ms");
    refill(c);
    assert_codes(amplitude_at(refill(c), BLOCK, N_TONE), after, "settled");
    put_in(c, "hardwaregain", "20");
    stop(c);
    put(a, "altvoltage1", "powerdown", "1");
    put(a, "altvoltage1", "frequency", "880000000");
}

// After a pause the client gets what waited for it: time is ahead by whole blocks, four at most.
static void test_fidelity_blocks_come_late(void **state)
{
    (void)state;
    double began = lab_seconds();
    int late = 0, most = 0;
    start(c);
    for (int i = 1; i <= 400; i++) {
        refill(c);
        double ahead = (lab_seconds() - began) * rate / BLOCK - i;
        int blocks = (int)lround(ahead);
        if (fabs(ahead - blocks) > 1e-3 || blocks < 0 || blocks > 4)
            fail_msg("block %d: time is %.4f blocks ahead", i, ahead);
        late += blocks > 0;
        if (blocks > most) most = blocks;
    }
    stop(c);
    assert_true(late > 0 && late < 200 && most >= 2);
    // b never pauses.
    began = lab_seconds();
    start(b);
    for (int i = 1; i <= 100; i++)
        refill(b);
    assert_true(fabs((lab_seconds() - began) * rate / BLOCK - 100) < 1e-3);
    stop(b);
}

static void test_fidelity_a_buffer_that_repeats(void **state)
{
    (void)state;
    put(a, "voltage0", "hardwaregain", "-10");
    put(a, "altvoltage1", "powerdown", "0");
    start(b);
    enum { TURN = 1600 }; // 200 cycles
    struct iio_buffer *out = iio_device_create_buffer(a->tx, TURN, true);
    assert_non_null(out);
    int16_t *iq = iio_buffer_start(out);
    for (int k = 0; k < TURN; k++) {
        iq[2 * k] = (int16_t)lround(16000 * cos(2 * M_PI * k / 8));
        iq[2 * k + 1] = (int16_t)lround(16000 * sin(2 * M_PI * k / 8));
    }
    assert_int_equal(iio_buffer_push(out), TURN * 4);
    double expected = codes(7 - 10 - 60, GAIN) * 16000 / 32768;
    for (int i = 0; i < 8; i++) // far longer than it is, without a seam
        assert_codes(heard_at(b, N_TONE), expected, "the tone that repeats");
    assert_int_equal(iio_buffer_push(out), -EBUSY);
    iio_buffer_destroy(out);
    assert_true(heard_at(b, N_TONE) < 0.3); // it ends with its client
    put(a, "altvoltage1", "powerdown", "1");
    stop(b);
}

// CPU time of the lab so far, in seconds.
static double lab_cpu_s(void)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)getppid());
    FILE *f = fopen(path, "re");
    assert_true(f && fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    long user = 0, system = 0;
    const char *behind = strrchr(text, ')');
    assert_int_equal(
        sscanf(behind, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld", &user, &system), 2);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// Milliseconds of the lab's CPU for a second of a 520 834 S/s stream of this unit.
static double cost_of(struct unit *u)
{
    enum { BLOCKS = 3000, LONG = 65536 };
    iio_channel_enable(iio_device_find_channel(u->rx, "voltage0", false));
    iio_channel_enable(iio_device_find_channel(u->rx, "voltage1", false));
    struct iio_buffer *in = iio_device_create_buffer(u->rx, LONG, false);
    assert_non_null(in);
    double before = lab_cpu_s();
    for (int i = 0; i < BLOCKS * BLOCK / LONG; i++)
        assert_int_equal(iio_buffer_refill(in), LONG * 4);
    double ms = (lab_cpu_s() - before) * 1e3 / ((double)BLOCKS * BLOCK) * 520834;
    iio_buffer_destroy(in);
    return ms;
}

static void test_fidelity_costs_little(void **state)
{
    (void)state;
    // The chip's own loopback without a transmit stream: zeros, so that only the wire is left.
    assert_int_equal(iio_device_debug_attr_write_longlong(b->phy, "loopback", 1), 0);
    double wire = cost_of(b);
    assert_int_equal(iio_device_debug_attr_write_longlong(b->phy, "loopback", 0), 0);
    double plain = cost_of(b), real = cost_of(c);
    put(a, "altvoltage1", "powerdown", "0");
    double heard = cost_of(c);
    put(a, "altvoltage1", "powerdown", "1");
    print_message(
        "# ms of the lab's CPU a second of 520 834 S/s: wire alone %.2f, with noise %.2f, with "
        "every blemish %.2f, and a carrier %.2f\n",
        wire, plain, real, heard);
    assert_true(real < 10 * patience && wire <= plain + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fidelity_the_oscillator_leaks),
        cmocka_unit_test(test_fidelity_tones_take_over),
        cmocka_unit_test(test_fidelity_calibration_at_full_drive),
        cmocka_unit_test(test_fidelity_offset_and_image),
        cmocka_unit_test(test_fidelity_gain_settles),
        cmocka_unit_test(test_fidelity_blocks_come_late),
        cmocka_unit_test(test_fidelity_a_buffer_that_repeats),
        cmocka_unit_test(test_fidelity_costs_little),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
