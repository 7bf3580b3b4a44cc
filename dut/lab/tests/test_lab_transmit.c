// Transmitting through the real libiio, as the bench does: a stream of zeros that never ends, one
// push a refill, bursts placed in it by the sample. Run by foxlab with transmit.scenario.
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

enum { BLOCK = 4096, DEPTH = 4, UNITS = 3 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transmit_loops_back_at_one_offset),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
