// Transmitting through the real libiio, as the bench does: a stream of zeros that never ends, one
// push a refill, bursts placed in it by the sample. Run by foxlab with transmit.scenario.
#include <errno.h>
#include <iio.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dut/lab/tests/ask.h"
#include "dut/port.h"

enum { BLOCK = 4096, DEPTH = 4, UNITS = 3 };

#define SLOW 1.3e-6 // the device's crystal, by the scenario

static struct unit {
    struct iio_context *ctx;
    struct iio_device *phy, *rx, *tx;
    struct iio_buffer *in, *out;
    int64_t received, sent; // samples
} units[UNITS];

static void put(struct unit *u, const char *channel, bool output, const char *attr,
                const char *value)
{
    struct iio_channel *c = iio_device_find_channel(u->phy, channel, output);
    assert_non_null(c);
    if (iio_channel_attr_write(c, attr, value) <= 0) fail_msg("%s %s: %s", channel, attr, value);
}

static void loopback(struct unit *u, bool on)
{
    assert_int_equal(iio_device_debug_attr_write_longlong(u->phy, "loopback", on), 0);
}

static unsigned tx_status(struct unit *u)
{
    uint32_t value;
    assert_int_equal(iio_device_reg_read(u->tx, 0x80000088, &value), 0);
    assert_int_equal(iio_device_reg_write(u->tx, 0x80000088, value), 0);
    return value;
}

static void enable(struct iio_device *d, bool output)
{
    iio_channel_enable(iio_device_find_channel(d, "voltage0", output));
    iio_channel_enable(iio_device_find_channel(d, "voltage1", output));
}

static void start_rx(struct unit *u)
{
    u->in = iio_device_create_buffer(u->rx, BLOCK, false);
    assert_non_null(u->in);
    u->received = 0;
}

static void push(struct unit *u)
{
    assert_int_equal(iio_buffer_push(u->out), BLOCK * 4);
    u->sent += BLOCK;
    memset(iio_buffer_start(u->out), 0, BLOCK * 4);
}

static void start_tx(struct unit *u)
{
    assert_int_equal(iio_device_set_kernel_buffers_count(u->tx, DEPTH), 0);
    u->out = iio_device_create_buffer(u->tx, BLOCK, false);
    assert_non_null(u->out);
    u->sent = 0;
    memset(iio_buffer_start(u->out), 0, BLOCK * 4);
    for (int i = 0; i < DEPTH - 1; i++)
        push(u);
}

static const int16_t *refill(struct unit *u)
{
    assert_int_equal(iio_buffer_refill(u->in), BLOCK * 4);
    u->received += BLOCK;
    return iio_buffer_start(u->in);
}

static void stop(struct unit *u)
{
    if (u->out) iio_buffer_destroy(u->out);
    if (u->in) iio_buffer_destroy(u->in);
    u->in = u->out = NULL;
}

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
        put(u, "voltage0", false, "sampling_frequency", "2400000");
        put(u, "voltage0", false, "gain_control_mode", "manual");
        put(u, "altvoltage0", true, "frequency", "868000000");
        put(u, "altvoltage1", true, "frequency", "868000000");
        put(u, "altvoltage1", true, "powerdown", "1");
        put(u, "voltage0", false, "hardwaregain", "20");
        put(u, "voltage0", true, "hardwaregain", "-10");
        enable(u->rx, false);
        enable(u->tx, true);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < UNITS; i++) {
        stop(&units[i]);
        iio_context_destroy(units[i].ctx);
    }
    return 0;
}

// Where a marker of 100 samples, put at the start of the next block pushed, comes back: its place
// in the receive stream minus its place in the transmit stream. Everything else must be zero.
static int64_t marker_offset(struct unit *u)
{
    int64_t at = u->sent, found = -1;
    int16_t *iq = iio_buffer_start(u->out);
    for (int i = 0; i < 200; i++)
        iq[i] = 16000;
    push(u);
    for (int blocks = 0; blocks < DEPTH + 2; blocks++) {
        const int16_t *in = refill(u);
        if (blocks > 0) push(u);
        for (int i = 0; i < BLOCK; i++) {
            if (in[2 * i] == 0 && in[2 * i + 1] == 0) continue;
            assert_int_equal(in[2 * i], 1000); // 16 bit, of which 12 are converted
            assert_int_equal(in[2 * i + 1], 1000);
            int64_t index = u->received - BLOCK + i;
            if (found < 0) found = index;
            assert_true(index < found + 100);
        }
    }
    assert_true(found >= 0);
    return found - at;
}

static void test_transmit_loops_back_at_one_offset(void **state)
{
    (void)state;
    struct unit *u = &units[0];
    loopback(u, true);
    int64_t starts[3];
    for (int stream = 0; stream < 3; stream++) {
        start_rx(u);
        for (int i = 0; i < stream; i++)
            refill(u);
        start_tx(u);
        refill(u);
        int64_t offset = marker_offset(u);
        for (int i = 0; i < 9; i++)
            assert_int_equal(marker_offset(u), offset);
        starts[stream] = offset - stream * BLOCK;
        assert_int_equal(tx_status(u) & 1, 0);
        stop(u);
    }
    // The place where a stream begins cannot be known.
    assert_true(starts[0] >= 16 && starts[0] < 272);
    assert_true(starts[0] != starts[1] || starts[1] != starts[2]);
    loopback(u, false);
}

// --- what others hear

static const double rate = 2399999; // as read back
enum { HEARD = 4 * BLOCK };
static int16_t heard[UNITS][2 * HEARD], in_order[2 * HEARD];

// Goes on with all units, block by block as the bench does, `level` in every sample of unit a, and
// keeps the last blocks of each.
static void together(int blocks, int16_t level)
{
    for (int b = 0; b < blocks; b++) {
        for (int i = 0; i < UNITS; i++) {
            const int16_t *in = refill(&units[i]);
            memcpy(heard[i] + 2 * BLOCK * (b % 4), in, BLOCK * 4);
            if (!units[i].out) continue;
            int16_t *out = iio_buffer_start(units[i].out);
            for (int k = 0; k < BLOCK && i == 0; k++)
                out[2 * k] = level;
            push(&units[i]);
        }
    }
}

static double rms(const int16_t *iq)
{
    double power = 0;
    for (int k = 0; k < 2 * HEARD; k++)
        power += (double)iq[k] * iq[k] / HEARD;
    return sqrt(power);
}

// Frequency of a strong carrier beside the receiver's own.
static double frequency(const int16_t *iq)
{
    double re = 0, im = 0;
    for (int k = 1; k < BLOCK; k++) {
        const int16_t *x = iq + 2 * k, *y = x - 2;
        re += x[0] * y[0] + x[1] * y[1];
        im += x[1] * y[0] - x[0] * y[1];
    }
    return atan2(im, re) / (2 * M_PI) * rate;
}

// What -74 dBm at a gain of 50 dB, full scale by the lab's word, makes of a level.
static double codes(double dbm, double gain_db)
{
    return 2047 * pow(10, (dbm + 24 + gain_db) / 20);
}

static double sent_dbm(int16_t level)
{
    return 7 + 20 * log10((level >> 4) / 2047.0);
}

static void assert_near(double got, double expected, double part, const char *what)
{
    if (fabs(got - expected) > part * fabs(expected))
        fail_msg("%s: %g, expected %g within %g %%", what, got, expected, 100 * part);
}

static void test_transmit_is_heard_through_the_paths(void **state)
{
    (void)state;
    for (int i = 0; i < UNITS; i++)
        start_rx(&units[i]);
    start_tx(&units[0]);
    put(&units[1], "altvoltage0", true, "frequency", "867900000");
    together(8, 16000);
    for (int i = 0; i < UNITS; i++) // the LO is off: noise, below a code at this gain
        assert_true(rms(heard[i]) < 3);

    put(&units[0], "altvoltage1", true, "powerdown", "0");
    together(8, 16000);
    double dbm = sent_dbm(16000) - 10;
    assert_near(rms(heard[1]), codes(dbm - 60, 20), 0.01, "b at 60 dB");
    assert_near(rms(heard[2]), codes(dbm - 80, 20), 0.05, "c at 80 dB");
    assert_true(rms(heard[0]) < 3); // no path to itself
    // 868.0 MHz against 867.9 MHz by a crystal that is 1.5 ppm fast.
    double offset = 100000 - 867900000 * 1.5e-6;
    if (fabs(frequency(heard[1]) - offset) > 5)
        fail_msg("at %g Hz, expected %g", frequency(heard[1]), offset);

    put(&units[0], "voltage0", true, "hardwaregain", "-20");
    together(8, 16000);
    assert_near(rms(heard[1]), codes(dbm - 70, 20), 0.01, "10 dB weaker");
    put(&units[0], "voltage0", true, "hardwaregain", "-10");

    // What was not played is lost when the stream ends, and silence comes at once.
    together(4, 16000);
    iio_buffer_destroy(units[0].out);
    units[0].out = NULL;
    together(8, 0);
    for (int i = 0; i < UNITS; i++)
        assert_true(rms(heard[i]) < 3);
    put(&units[1], "altvoltage0", true, "frequency", "868000000");
    put(&units[0], "altvoltage1", true, "powerdown", "1");
    for (int i = 0; i < UNITS; i++)
        stop(&units[i]);
}

static void test_transmit_reaches_its_own_receiver_by_a_path(void **state)
{
    (void)state;
    struct unit *b = &units[1];
    start_rx(b);
    start_tx(b);
    put(b, "altvoltage1", true, "powerdown", "0");
    for (int i = 0; i < 8; i++) {
        memcpy(heard[1] + 2 * BLOCK * (i % 4), refill(b), BLOCK * 4);
        int16_t *out = iio_buffer_start(b->out);
        for (int k = 0; k < BLOCK; k++)
            out[2 * k + 1] = -2000;
        push(b);
    }
    assert_near(rms(heard[1]), codes(sent_dbm(2000) - 10 - 40, 20), 0.01, "b at 40 dB");
    put(b, "altvoltage1", true, "powerdown", "1");
    stop(b);
}

static void test_transmit_says_when_it_ran_dry(void **state)
{
    (void)state;
    struct unit *u = &units[0];
    loopback(u, true);
    start_rx(u);
    start_tx(u);
    for (int i = 0; i < DEPTH - 1; i++)
        refill(u);
    assert_int_equal(tx_status(u) & 1, 0); // to the last sample
    refill(u);
    assert_int_equal(tx_status(u) & 1, 1);
    assert_int_equal(tx_status(u) & 1, 0); // cleared by writing it
    // Goes on with the next block, at another place.
    for (int i = 0; i < DEPTH - 1; i++)
        push(u);
    refill(u); // with the queue full a push would wait for ever
    marker_offset(u);
    assert_int_equal(tx_status(u) & 1, 0);
    stop(u);
    loopback(u, false);
}

static void test_transmit_moves_time_when_nobody_receives(void **state)
{
    (void)state;
    struct unit *u = &units[0];
    start_tx(u);
    double before = lab_seconds();
    for (int i = 0; i < 200; i++)
        push(u);
    // Every push waits for one of the kernel's blocks, and what is queued is not yet over.
    assert_near(lab_seconds() - before, 200 * BLOCK / rate, 1e-6, "lab time of 200 pushes");
    assert_int_equal(tx_status(u) & 1, 0);
    stop(u);
}

static void test_transmit_refuses_what_it_does_not_do(void **state)
{
    (void)state;
    struct unit *u = &units[0];
    start_tx(u);
    assert_null(iio_device_create_buffer(u->tx, BLOCK, true)); // one stream in a direction
    assert_int_equal(errno, EBUSY);
    assert_int_equal(iio_device_set_kernel_buffers_count(u->tx, 8), -EBUSY);
    stop(u);
}

// --- devices

static void test_transmit_is_heard_by_a_device(void **state)
{
    (void)state;
    struct unit *u = &units[0];
    struct port_config config = {getenv("FOXLAB_UART_0"), 9600};
    struct port *port;
    struct err e = {0};
    if (port_open(&port, &config, &e) < 0) fail_msg("%s", e.text);
    start_rx(u);
    start_tx(u);
    put(u, "altvoltage1", true, "powerdown", "0");
    // A tone 101.5 kHz above the LO: 1500 Hz from where the device listens.
    char text[512] = "";
    size_t len = 0, said = 0;
    const char *line = NULL;
    for (int b = 0; b < 200 && !(line && strchr(line, '\n')); b++) {
        refill(u);
        int16_t *out = iio_buffer_start(u->out);
        for (int k = 0; k < BLOCK; k++) {
            double phase = 2 * M_PI * fmod(101500.0 / rate * (double)(u->sent + k), 1);
            out[2 * k] = (int16_t)lround(8000 * cos(phase));
            out[2 * k + 1] = (int16_t)lround(8000 * sin(phase));
        }
        push(u);
        if (b == 0 && port_set_line(port, PORT_LINE_RTS, true, &e) < 0) fail_msg("%s", e.text);
        if (strstr(text, "boot") && !said) {
            if (port_write(port, (const uint8_t *)"l", 1, &e) < 0) fail_msg("%s", e.text);
            said = 1;
        }
        int n = port_read(port, (uint8_t *)text + len, sizeof text - 1 - len, &e);
        if (n < 0) fail_msg("%s", e.text);
        len += (size_t)n;
        line = strstr(text, "heard");
    }
    double dbm = 0, hz = 0;
    if (!line || sscanf(line, "heard %lf %lf", &dbm, &hz) != 2) fail_msg("it said: %s", text);
    double expected = 7 + 20 * log10(8000.0 / 32767) - 10 - 70;
    if (fabs(dbm - expected) > 0.1) fail_msg("%g dBm, expected %g", dbm, expected);
    // Its crystal is slow, and its LO with it. (The radio's LO goes in steps of some hertz.)
    if (fabs(hz - (1500 + 868100000 * SLOW)) > 5) fail_msg("at %g Hz", hz);
    put(u, "altvoltage1", true, "powerdown", "1");

    // What it sends is off by the same: 100 ms of carrier at 868.14 MHz, by its own count.
    int loud = 0;
    if (port_write(port, (const uint8_t *)"b", 1, &e) < 0) fail_msg("%s", e.text);
    for (int b = 0; b < 400 && loud < 5; b++) {
        memcpy(heard[0] + 2 * BLOCK * (b % 4), refill(u), BLOCK * 4);
        push(u);
        loud = rms(heard[0]) > 0.9 * codes(14 - 70, 20) ? loud + 1 : 0;
        if (loud == 5) // the four blocks in their order
            for (int k = 0; k < 4; k++)
                memcpy(in_order + 2 * BLOCK * k, heard[0] + 2 * BLOCK * ((b + 1 + k) % 4),
                       BLOCK * 4);
    }
    assert_int_equal(loud, 5);
    double offset = 140000 - 868140000 * SLOW;
    if (fabs(frequency(in_order) - offset) > 5)
        fail_msg("at %g Hz, expected %g", frequency(in_order), offset);
    assert_near(rms(in_order), codes(14 - 70, 20), 0.01, "the device at 70 dB");
    port_close(port);
    stop(u);
}

// --- several streams

static void *read_alone(void *arg)
{
    struct unit *u = arg;
    for (int i = 0; i < 500; i++)
        if (iio_buffer_refill(u->in) != BLOCK * 4) return u;
    return NULL;
}

static unsigned rx_status(struct unit *u)
{
    uint32_t value;
    assert_int_equal(iio_device_reg_read(u->rx, 0x80000088, &value), 0);
    assert_int_equal(iio_device_reg_write(u->rx, 0x80000088, value), 0);
    return value;
}

static void test_streams_keep_together(void **state)
{
    (void)state;
    pthread_t threads[UNITS];
    for (int i = 0; i < UNITS; i++)
        start_rx(&units[i]);
    for (int i = 0; i < UNITS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_alone, &units[i]), 0);
    for (int i = 0; i < UNITS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        assert_int_equal(rx_status(&units[i]), 0);
    }
    for (int i = 0; i < UNITS; i++)
        stop(&units[i]);
}

static void test_a_stream_that_is_not_read_loses_samples(void **state)
{
    (void)state;
    start_rx(&units[0]);
    start_rx(&units[1]);
    for (int i = 0; i < 8; i++)
        refill(&units[0]); // as many as it may be ahead
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    double before = lab_seconds();
    refill(&units[0]);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double waited = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
    assert_true(waited > 0.9 && waited < 4);
    assert_int_equal(rx_status(&units[1]) & 4, 0);
    refill(&units[1]);
    assert_int_equal(rx_status(&units[1]) & 4, 4);
    assert_int_equal(rx_status(&units[0]) & 4, 0);
    assert_near(lab_seconds() - before, 2 * BLOCK / rate, 1e-5, "its next block begins now");
    stop(&units[0]);
    stop(&units[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transmit_loops_back_at_one_offset),
        cmocka_unit_test(test_transmit_is_heard_through_the_paths),
        cmocka_unit_test(test_transmit_reaches_its_own_receiver_by_a_path),
        cmocka_unit_test(test_transmit_says_when_it_ran_dry),
        cmocka_unit_test(test_transmit_moves_time_when_nobody_receives),
        cmocka_unit_test(test_transmit_refuses_what_it_does_not_do),
        cmocka_unit_test(test_transmit_is_heard_by_a_device),
        cmocka_unit_test(test_streams_keep_together),
        cmocka_unit_test(test_a_stream_that_is_not_read_loses_samples),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
