// A client of the lab through the real libraries: libiio and libad9361 over TCP, libserialport over
// the pty and its shim. Run by foxlab with client.scenario, so that everything is as for the bench.
//
// The tests share one lab and follow each other on its clock.
#include <ad9361.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/lab/tests/ask.h"
#include "dut/port.h"

enum { BLOCK = 5208 }; // 10 ms

static struct iio_context *ctx;
static struct iio_device *phy, *rx;
static struct iio_buffer *buffer;
static struct port *port;
static double rate;       // as read back
static int64_t delivered; // samples of the open stream
static double began_s;    // lab time at which it was opened

// --- the lab's other side

static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// --- the bench's side

static void connect_pluto(void)
{
    char uri[64]; // the library writes into it
    snprintf(uri, sizeof uri, "%s", getenv("FOXLAB_PLUTO_0_URI"));
    ctx = iio_create_context_from_uri(uri);
    assert_non_null(ctx);
    assert_int_equal(iio_context_set_timeout(ctx, 2000), 0);
    phy = iio_context_find_device(ctx, "ad9361-phy");
    rx = iio_context_find_device(ctx, "cf-ad9361-lpc");
    assert_non_null(phy);
    assert_non_null(rx);
}

static double number(const char *channel, bool output, const char *attr)
{
    double v = NAN;
    struct iio_channel *c = iio_device_find_channel(phy, channel, output);
    assert_non_null(c);
    assert_int_equal(iio_channel_attr_read_double(c, attr, &v), 0);
    return v;
}

static void put(const char *channel, bool output, const char *attr, const char *value)
{
    struct iio_channel *c = iio_device_find_channel(phy, channel, output);
    assert_non_null(c);
    assert_true(iio_channel_attr_write(c, attr, value) > 0);
}

static void open_stream(void)
{
    iio_channel_enable(iio_device_find_channel(rx, "voltage0", false));
    iio_channel_enable(iio_device_find_channel(rx, "voltage1", false));
    began_s = lab_seconds();
    delivered = 0;
    buffer = iio_device_create_buffer(rx, BLOCK, false);
    assert_non_null(buffer);
}

static const int16_t *refill(void)
{
    assert_int_equal(iio_buffer_refill(buffer), BLOCK * 4);
    delivered += BLOCK;
    return iio_buffer_start(buffer);
}

static void open_port(void)
{
    struct port_config config = {getenv("FOXLAB_UART_0"), 9600};
    struct err e = {0};
    if (port_open(&port, &config, &e) < 0) fail_msg("%s", e.text);
}

static void line(enum port_line which, bool active)
{
    struct err e = {0};
    if (port_set_line(port, which, active, &e) < 0) fail_msg("%s", e.text);
}

// Refills until the device has said a whole line; returns it.
static const char *hear_line(void)
{
    static char text[128];
    size_t n = 0;
    for (int blocks = 0; blocks < 20; blocks++) {
        refill();
        int got = port_read(port, text + n, sizeof text - 1 - n, NULL);
        assert_true(got >= 0);
        n += (size_t)got;
        text[n] = '\0';
        char *end = strchr(text, '\n');
        if (!end) continue;
        *end = '\0';
        return text;
    }
    fail_msg("the device said '%s' and no line within 200 ms", text);
    return NULL;
}

// --- tests

static void test_client_sets_every_rate(void **state)
{
    (void)state;
    static const struct {
        unsigned long asked;
        int fir, rc;
    } rates[] = {{520834, 1, 0},  {1000000, 1, 0},      {2083334, 1, 0},
                 {5000000, 1, 0}, {30720000, 1, 0},     {61440000, 1, 0},
                 {520834, 1, 0},  {520000, 1, -EINVAL}, {520834, 1, 0}};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        int rc = ad9361_set_bb_rate(phy, rates[i].asked);
        int fir = -1;
        assert_int_equal(ad9361_get_trx_fir_enable(phy, &fir), 0);
        if (rc != rates[i].rc || fir != rates[i].fir)
            fail_msg("rate %lu: %d, FIR %d", rates[i].asked, rc, fir);
        if (rc < 0) continue;
        double got = number("voltage0", false, "sampling_frequency");
        if (fabs(got - (double)rates[i].asked) > 2.5)
            fail_msg("rate %lu reads back as %.0f", rates[i].asked, got);
        assert_true(number("voltage0", true, "sampling_frequency") == got);
    }
    rate = number("voltage0", false, "sampling_frequency");
    put("altvoltage0", true, "frequency", "868030000");
    put("voltage0", false, "gain_control_mode", "manual");
    put("voltage0", false, "hardwaregain", "50");
}

static void test_client_time_is_the_sample_clock(void **state)
{
    (void)state;
    assert_true(lab_seconds() == 0);
    open_stream();
    assert_true(lab_seconds() == 0);
    for (int i = 1; i <= 10; i++) {
        refill();
        assert_true(fabs(lab_seconds() - i * BLOCK / rate) < 2e-9);
    }
    // A second stream of one unit is refused.
    struct iio_context *other_ctx = ctx;
    struct iio_device *other_phy = phy, *other_rx = rx;
    connect_pluto();
    iio_channel_enable(iio_device_find_channel(rx, "voltage0", false));
    errno = 0;
    assert_null(iio_device_create_buffer(rx, BLOCK, false));
    assert_int_equal(errno, EBUSY);
    iio_context_destroy(ctx);
    ctx = other_ctx;
    phy = other_phy;
    rx = other_rx;
}

static void test_client_powers_and_resets_the_device(void **state)
{
    (void)state;
    open_port();
    uint8_t text[64];
    for (int i = 0; i < 5; i++)
        refill();
    assert_int_equal(port_read(port, text, sizeof text, NULL), 0); // off: silent
    line(PORT_LINE_RTS, true);
    // Starts at the beginning of the next block, writes NVM for 0.4 ms, then a byte in 1.0417 ms.
    refill();
    int early = (int)floor((BLOCK / rate - 0.0004) / (10.0 / 9600));
    assert_int_equal(port_read(port, text, sizeof text, NULL), early);
    text[early] = '\0';
    assert_int_equal(strncmp("boot 0 0\n", (char *)text, (size_t)early), 0);
    refill();

    while (port_read(port, text, sizeof text, NULL) > 0)
        ;
    line(PORT_LINE_DTR, true); // a pulse of no length still resets
    line(PORT_LINE_DTR, false);
    assert_string_equal(hear_line(), "boot 1 1");
    line(PORT_LINE_DTR, true);
    refill();
    assert_int_equal(port_write(port, "x", 1, NULL), 0); // held in reset: nobody answers
    for (int i = 0; i < 5; i++)
        refill();
    assert_int_equal(port_read(port, text, sizeof text, NULL), 0);
    line(PORT_LINE_DTR, false);
    assert_string_equal(hear_line(), "boot 2 1");
    line(PORT_LINE_RTS, false);
    refill();
    line(PORT_LINE_RTS, true);
    assert_string_equal(hear_line(), "boot 3 0");
}

static void test_client_bytes_act_at_the_frontier(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        // Written between two refills: on the line from the first sample of the next block on.
        int64_t now_ns = llround((began_s + (double)delivered / rate) * 1e9);
        assert_int_equal(port_write(port, "q", 1, NULL), 0);
        long long heard_ns;
        const char *answer = hear_line();
        assert_int_equal(sscanf(answer, "q %lld", &heard_ns), 1);
        long long expected = now_ns + 10 * 1000000000ll / 9600;
        if (llabs(heard_ns - expected) > 2)
            fail_msg("byte %d came at %lld ns, expected %lld", i, heard_ns, expected);
        refill();
    }
}

// Waits for the answer to a 'b' and keeps the samples since; the burst begins when the byte
// arrives.
static double tone(const int16_t *iq, int64_t from, int64_t to, double hz, double *level)
{
    // Mean against a carrier at hz; the angle of the second half to the first gives the rest.
    double re[2] = {0}, im[2] = {0};
    int64_t half = (to - from) / 2;
    for (int64_t k = from; k < from + 2 * half; k++) {
        double phase = 2 * M_PI * hz * (double)k / rate, c = cos(phase), s = sin(phase);
        int part = k >= from + half;
        re[part] += (iq[2 * k] * c + iq[2 * k + 1] * s) / (double)half;
        im[part] += (iq[2 * k + 1] * c - iq[2 * k] * s) / (double)half;
    }
    *level = (hypot(re[0], im[0]) + hypot(re[1], im[1])) / 2;
    double turn = atan2(im[1] * re[0] - re[1] * im[0], re[0] * re[1] + im[0] * im[1]);
    return hz + turn / (2 * M_PI) * rate / (double)half;
}

static void test_client_hears_a_burst(void **state)
{
    (void)state;
    enum { BLOCKS = 14 };
    static int16_t iq[2 * BLOCKS * BLOCK];
    char answer[64];
    lab_ask("bursts", answer, sizeof answer);
    assert_string_equal(answer, "0");
    assert_int_equal(port_write(port, "b", 1, NULL), 0);
    for (int i = 0; i < BLOCKS; i++)
        memcpy(iq + 2 * i * BLOCK, refill(), BLOCK * 4);
    lab_ask("bursts", answer, sizeof answer);
    assert_string_equal(answer, "1");
    int64_t from = (int64_t)ceil(10.0 / 9600 * rate), to = from + (int64_t)(0.1 * rate);
    double level, hz = tone(iq, from + 60, to - 60, 110000, &level);
    double lo = number("altvoltage0", true, "frequency");
    double expected = 2047 * pow(10, (14 - 100 + 50 + 24) / 20.0);
    if (fabs(hz - (868140000 - lo)) > 0.05) fail_msg("burst at %.3f Hz", hz);
    if (fabs(level / expected - 1) > 0.005) fail_msg("level %.1f, expected %.1f", level, expected);
    // Where it begins and ends: power of 20 samples against half of the tone's.
    for (int side = 0; side < 4; side++) {
        static const int shift[] = {-21, 1, -21, 1};
        int64_t at = (side < 2 ? from : to) + shift[side];
        double power = 0;
        for (int64_t k = at; k < at + 20; k++)
            power += (iq[2 * k] * iq[2 * k] + iq[2 * k + 1] * iq[2 * k + 1]) / 20.0;
        bool on = power > expected * expected / 2;
        if (on != (side == 1 || side == 2)) fail_msg("edge %d: power %g", side, power);
    }
    // Power off in the middle of a burst: silence from the next block on.
    while (port_read(port, answer, sizeof answer, NULL) > 0)
        ;
    assert_int_equal(port_write(port, "b", 1, NULL), 0);
    for (int i = 0; i < 4; i++)
        memcpy(iq + 2 * i * BLOCK, refill(), BLOCK * 4);
    line(PORT_LINE_RTS, false);
    memcpy(iq + 8 * BLOCK, refill(), BLOCK * 4);
    tone(iq, 3 * BLOCK, 4 * BLOCK, 868140000 - lo, &level);
    assert_true(level > 0.99 * expected);
    tone(iq, 4 * BLOCK, 5 * BLOCK, 868140000 - lo, &level);
    assert_true(level < 3);
}

static void test_client_device_dies(void **state)
{
    (void)state;
    char answer[256];
    line(PORT_LINE_RTS, true);
    refill();
    lab_order("kill device probe");
    lab_ask("state device 0", answer, sizeof answer);
    assert_non_null(strstr(answer, "dead"));
    assert_non_null(strstr(answer, "was killed by command"));
    for (int i = 0; i < 3; i++)
        refill(); // the lab goes on
    line(PORT_LINE_DTR, true);
    line(PORT_LINE_DTR, false);
    refill();
    lab_ask("state device 0", answer, sizeof answer);
    assert_non_null(strstr(answer, "dead")); // a reset does not help
    while (port_read(port, answer, sizeof answer, NULL) > 0)
        ; // what it had said before
    line(PORT_LINE_RTS, false);
    line(PORT_LINE_RTS, true);
    assert_int_equal(strncmp(hear_line(), "boot", 4), 0);
    lab_ask("state device 0", answer, sizeof answer);
    assert_non_null(strstr(answer, "running"));
}

static void test_client_scenario_events(void **state)
{
    (void)state;
    // client.scenario kills the device again at 20 s.
    while (began_s + (double)delivered / rate < 19.98)
        refill();
    char answer[256];
    lab_ask("state device 0", answer, sizeof answer);
    assert_non_null(strstr(answer, "running"));
    refill();
    refill();
    refill();
    lab_ask("state device 0", answer, sizeof answer);
    assert_non_null(strstr(answer, "dead"));
}

static void test_client_port_is_pulled(void **state)
{
    (void)state;
    uint8_t data[16];
    lab_order("unplug uart 0");
    struct err e = {0};
    int rc = 0;
    for (int i = 0; i < 3 && rc >= 0; i++)
        rc = port_read(port, data, sizeof data, &e);
    assert_int_equal(rc, ERR_GONE);
    port_close(port);
    struct port_config config = {getenv("FOXLAB_UART_0"), 9600};
    assert_int_equal(port_open(&port, &config, &e), ERR_GONE);
    lab_order("replug uart 0");
    open_port();
    line(PORT_LINE_RTS, true);
    assert_int_equal(strncmp(hear_line(), "boot", 4), 0);
    port_close(port);
}

static void test_client_pluto_is_pulled(void **state)
{
    (void)state;
    uint32_t status = 1;
    assert_int_equal(iio_device_reg_read(rx, 0x80000088, &status), 0);
    assert_int_equal(status, 0);
    lab_order("overflow pluto 0");
    assert_int_equal(iio_device_reg_read(rx, 0x80000088, &status), 0);
    assert_int_equal(status, 4);
    assert_int_equal(iio_device_reg_write(rx, 0x80000088, 4), 0);
    assert_int_equal(iio_device_reg_read(rx, 0x80000088, &status), 0);
    assert_int_equal(status, 0);

    lab_order("stall pluto 0");
    assert_true(iio_buffer_refill(buffer) < 0); // after the context's time limit
    iio_buffer_destroy(buffer);
    iio_context_destroy(ctx);
    lab_order("release pluto 0");
    connect_pluto();
    open_stream();
    refill();
    lab_order("unplug pluto station1");
    char uri[64];
    ssize_t rc = iio_buffer_refill(buffer);
    assert_true(rc == -ECONNRESET || rc == -EPIPE);
    iio_buffer_destroy(buffer);
    iio_context_destroy(ctx);
    snprintf(uri, sizeof uri, "%s", getenv("FOXLAB_PLUTO_0_URI"));
    assert_null(iio_create_context_from_uri(uri));
    lab_order("replug pluto 0");
    connect_pluto();
    open_stream();
    refill();
    iio_buffer_destroy(buffer);
    iio_context_destroy(ctx);
}

static void test_client_wall_time_stands_in(void **state)
{
    (void)state;
    // No stream is open and no device powered: time stands.
    double before = lab_seconds();
    usleep(50000);
    assert_true(lab_seconds() == before);
    // A powered device lives at wall rate.
    open_port();
    line(PORT_LINE_RTS, true);
    char text[64] = "";
    size_t n = 0;
    for (int i = 0; i < 200 && !strchr(text, '\n'); i++) {
        usleep(10000);
        int got = port_read(port, text + n, sizeof text - 1 - n, NULL);
        assert_true(got >= 0);
        n += (size_t)got;
        text[n] = '\0';
    }
    assert_int_equal(strncmp(text, "boot ", 5), 0);
    double wall = wall_seconds();
    before = lab_seconds();
    usleep(200000);
    double passed = lab_seconds() - before;
    wall = wall_seconds() - wall;
    if (passed < 0.15 || passed > wall + 0.05)
        fail_msg("%.3f s of lab time in %.3f s of wall time", passed, wall);
    line(PORT_LINE_RTS, false);
    usleep(50000);
    before = lab_seconds();
    usleep(50000);
    assert_true(lab_seconds() == before);
    port_close(port);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    connect_pluto();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_sets_every_rate),
        cmocka_unit_test(test_client_time_is_the_sample_clock),
        cmocka_unit_test(test_client_powers_and_resets_the_device),
        cmocka_unit_test(test_client_bytes_act_at_the_frontier),
        cmocka_unit_test(test_client_hears_a_burst),
        cmocka_unit_test(test_client_device_dies),
        cmocka_unit_test(test_client_scenario_events),
        cmocka_unit_test(test_client_port_is_pulled),
        cmocka_unit_test(test_client_pluto_is_pulled),
        cmocka_unit_test(test_client_wall_time_stands_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
