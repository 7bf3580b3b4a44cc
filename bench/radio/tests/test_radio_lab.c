// The Pluto driver against the laboratory's radio: what it sets is set (the stock iio_attr looks),
// and every way in which a radio can fail is named, in bounded time. Run it inside foxlab.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/radio/radio.h"
#include "proxy.h"

enum { TIMEOUT_MS = 800, BLOCK = 16384 };

static const char *lab_uri(void)
{
    const char *uri = getenv("FOXLAB_PLUTO_0_URI");
    if (!uri) fail_msg("FOXLAB_PLUTO_0_URI is not set; run this test with foxlab run default --");
    return uri;
}

static struct radio_config usual(const char *uri)
{
    return (struct radio_config){.uri = uri,
                                 .rate_hz = 520834,
                                 .lo_hz = 868030000,
                                 .gain_db = 33,
                                 .block_samples = BLOCK,
                                 .timeout_ms = TIMEOUT_MS};
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct radio *open_ok(const struct radio_config *config)
{
    struct radio *r = NULL;
    struct err e = {0};
    if (radio_open(&r, config, &e) < 0) fail_msg("%s", e.text);
    return r;
}

static void open_fails(const struct radio_config *config, int code, const char *part)
{
    struct radio *r = NULL;
    struct err e = {0};
    int rc = radio_open(&r, config, &e);
    if (rc == ERR_OK) {
        radio_close(r);
        fail_msg("expected the refusal '%s', but it opened", part);
    }
    assert_int_equal(rc, code);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, part)) fail_msg("expected '%s' in: %s", part, e.text);
    if (!strstr(e.text, config->uri)) fail_msg("expected the address in: %s", e.text);
    assert_null(r);
}

static struct iq_block read_ok(struct radio *r)
{
    struct iq_block b;
    struct err e = {0};
    if (radio_read(r, &b, &e) < 0) fail_msg("%s", e.text);
    return b;
}

// What the stock tool says of one attribute.
static double tool_reads(const char *args)
{
    char line[512];
    snprintf(line, sizeof line, "iio_attr -u %s %s", lab_uri(), args);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    char text[256] = "";
    if (!fgets(text, sizeof text, f)) text[0] = '\0';
    assert_int_equal(pclose(f), 0);
    char *end = text;
    double value = strtod(text, &end);
    if (end == text) fail_msg("iio_attr %s said '%s'", args, text);
    return value;
}

static void tool_writes(const char *args)
{
    char line[512];
    snprintf(line, sizeof line, "iio_attr -u %s %s >/dev/null", lab_uri(), args);
    assert_int_equal(system(line), 0);
}

static void test_settings_arrive_and_samples_flow(void **state)
{
    (void)state;
    struct radio_config config = usual(lab_uri());
    struct radio *r = open_ok(&config);
    const struct radio_info *info = radio_info(r);
    assert_float_equal(info->rate_hz, 520834, 12);
    assert_float_equal(info->lo_hz, 868030000, 10);
    assert_float_equal(info->gain_db, 33, 0.5);
    assert_true(info->serial[0] && info->model[0] && info->firmware[0]);
    assert_float_equal(tool_reads("-i -c ad9361-phy voltage0 sampling_frequency"), info->rate_hz,
                       0);
    assert_float_equal(tool_reads("-i -c cf-ad9361-lpc voltage0 sampling_frequency"), info->rate_hz,
                       12);
    assert_float_equal(tool_reads("-o -c ad9361-phy altvoltage0 frequency"), info->lo_hz, 0);
    assert_float_equal(tool_reads("-i -c ad9361-phy voltage0 hardwaregain"), info->gain_db, 0.01);

    int64_t next = 0;
    double began = now_s();
    for (int i = 0; i < 64; i++) {
        struct iq_block b = read_ok(r);
        assert_int_equal(b.first_sample, next);
        assert_int_equal(b.n_samples, BLOCK);
        assert_int_equal(b.flags & IQ_FLAG_OVERFLOW, 0);
        for (size_t k = 0; k < 2 * b.n_samples; k++)
            if (b.iq[k] > IQ_FULL_SCALE_RX || b.iq[k] < -IQ_FULL_SCALE_RX - 1)
                fail_msg("sample %zu is %d: not a 12-bit word", k, b.iq[k]);
        next += (int64_t)b.n_samples;
    }
    print_message("# %.0f us of wall time a block of %d samples\n", (now_s() - began) / 64 * 1e6,
                  BLOCK);
    radio_close(r);

    // The same radio again, known by its serial, with another rate.
    config.serial = getenv("FOXLAB_PLUTO_0_SERIAL");
    config.rate_hz = 1000000;
    r = open_ok(&config);
    assert_float_equal(radio_info(r)->rate_hz, 1000000, 21);
    assert_int_equal(read_ok(r).first_sample, 0);
    radio_close(r);
}

static void test_transmitter_is_silenced(void **state)
{
    (void)state;
    tool_writes("-o -c ad9361-phy altvoltage1 powerdown 0");
    tool_writes("-o -c ad9361-phy voltage0 hardwaregain -10");
    tool_writes("-o -c cf-ad9361-dds-core-lpc altvoltage2 scale 0.5");
    struct radio_config config = usual(lab_uri());
    struct radio *r = open_ok(&config);
    assert_float_equal(tool_reads("-o -c ad9361-phy altvoltage1 powerdown"), 1, 0);
    assert_float_equal(tool_reads("-o -c ad9361-phy voltage0 hardwaregain"), -89.75, 0.01);
    for (int tone = 0; tone < 4; tone++) {
        char args[80];
        snprintf(args, sizeof args, "-o -c cf-ad9361-dds-core-lpc altvoltage%d scale", tone);
        assert_float_equal(tool_reads(args), 0, 0);
    }
    // And once more at the end, should something have woken it meanwhile.
    tool_writes("-o -c ad9361-phy altvoltage1 powerdown 0");
    radio_close(r);
    assert_float_equal(tool_reads("-o -c ad9361-phy altvoltage1 powerdown"), 1, 0);
}

static void test_wrong_requests(void **state)
{
    (void)state;
    struct radio_config config = usual(lab_uri());
    config.serial = "104473000000000000000000000000000000";
    open_fails(&config, ERR_NOTFOUND,
               "expected serial 104473000000000000000000000000000000, found");
    config = usual(lab_uri());
    config.rate_hz = 400000;
    open_fails(&config, ERR_INVALID, "expected a rate of 520834 to 61440000 S/s, asked for 400000");
    config = usual(lab_uri());
    config.lo_hz = 169e6;
    open_fails(&config, ERR_INVALID, "asked for 169000000");
    config = usual(lab_uri());
    config.gain_db = 200;
    open_fails(&config, ERR_INVALID, "asked for 200");
    config = usual(lab_uri());
    config.block_samples = 1001;
    open_fails(&config, ERR_INVALID, "asked for 1001");
}

static void falsified(const char *from, const char *to, const char *part)
{
    struct proxy *p = proxy_start(lab_uri());
    proxy_falsify(p, from, to);
    struct radio_config config = usual(proxy_uri(p));
    open_fails(&config, ERR_IO, part);
    proxy_stop(p);
}

static void test_settings_that_read_back_differently(void **state)
{
    (void)state;
    falsified("5208", "5209", "sample rate was set to 520834 and reads back as 5209");
    falsified("5208", "2604", "sample rate was set to 520834 and reads back as 2604");
    falsified("8680300", "8680310",
              "centre frequency was set to 868030000 and reads back as 86803");
    falsified("33.000000 dB", "30.000000 dB", "receive gain was set to 33 and reads back as 30");
    falsified("manual", "hybrid", "gain mode was set to manual and reads back as hybrid");
    falsified("-89.75", "-10.00", "transmit gain was set to -89.75 and reads back as -10");
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct proxy *p = proxy_start(NULL);
    char uri[64];
    snprintf(uri, sizeof uri, "%s", proxy_uri(p));
    struct radio_config config = usual(uri);
    double began = now_s();
    open_fails(&config, ERR_GONE, "no Pluto answers there"); // it listens and says nothing
    assert_true(now_s() - began < 8);
    proxy_stop(p);
    began = now_s();
    open_fails(&config, ERR_GONE, "no Pluto answers there: Connection refused");
    assert_true(now_s() - began < 1);
}

// Breaks a running stream and says how long the answer took.
static void breaks(enum proxy_mode mode, double most_s, const char *part)
{
    struct proxy *p = proxy_start(lab_uri());
    struct radio_config config = usual(proxy_uri(p));
    struct radio *r = open_ok(&config);
    read_ok(r);
    read_ok(r);
    proxy_set_mode(p, mode);
    struct iq_block b;
    struct err e = {0};
    double began = now_s();
    assert_int_equal(radio_read(r, &b, &e), ERR_GONE);
    double took = now_s() - began;
    print_message("# mode %d: %.3f s: %s\n", mode, took, e.text);
    if (took > most_s) fail_msg("%.3f s until the failure was noticed, at most %.3f", took, most_s);
    if (!strstr(e.text, part)) fail_msg("expected '%s' in: %s", part, e.text);
    assert_int_equal(radio_read(r, &b, &e), ERR_GONE); // dead is dead
    assert_non_null(strstr(e.text, "close it and open it again"));
    began = now_s();
    radio_close(r);
    if (now_s() - began > 0.5) fail_msg("closing a dead radio took %.3f s", now_s() - began);
    proxy_stop(p);
}

static void test_broken_streams(void **state)
{
    (void)state;
    breaks(PROXY_STALL, 1e-3 * TIMEOUT_MS + 0.5,
           "at sample 32768: expected a block, nothing came for 800 ms");
    breaks(PROXY_FIN, 0.5, "broke off at sample 32768: Broken pipe");
    breaks(PROXY_RESET, 0.5, "broke off at sample 32768: Connection reset by peer");
    breaks(PROXY_GARBAGE, 0.5, "broke off at sample 32768: Invalid argument");

    // And the next one to come finds the radio in order.
    struct radio_config config = usual(lab_uri());
    struct radio *r = open_ok(&config);
    read_ok(r);
    radio_close(r);
}

// Lost samples leave the stream whole: only the flag tells. The gap lies behind the blocks that
// were waiting in the radio, so these are marked too.
static void test_lost_samples_are_marked(void **state)
{
    (void)state;
    struct proxy *p = proxy_start(lab_uri());
    proxy_falsify(p, "0x0", "0x4"); // the status register
    struct radio_config config = usual(proxy_uri(p));
    struct radio *r = open_ok(&config);
    assert_int_equal(read_ok(r).flags & IQ_FLAG_OVERFLOW, IQ_FLAG_OVERFLOW);
    proxy_set_mode(p, PROXY_HONEST);
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_ok(r).flags & IQ_FLAG_OVERFLOW, IQ_FLAG_OVERFLOW);
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_ok(r).flags & IQ_FLAG_OVERFLOW, 0);
    radio_close(r);
    proxy_stop(p);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); // as in the bench
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_arrive_and_samples_flow),
        cmocka_unit_test(test_transmitter_is_silenced),
        cmocka_unit_test(test_wrong_requests),
        cmocka_unit_test(test_settings_that_read_back_differently),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_broken_streams),
        cmocka_unit_test(test_lost_samples_are_marked),
    };
    return cmocka_run_group_tests_name("radio in the laboratory", tests, NULL, NULL);
}
