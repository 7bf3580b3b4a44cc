// The transmit stream against the laboratory's radio: bursts leave at the sample asked for (the
// chip's own loopback shows them, switched by the stock iio_attr), and every refusal is named. Run
// it inside foxlab.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/radio/radio.h"
#include "proxy.h"

enum { BLOCK = 16384 };

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
                                 .timeout_ms = 2000,
                                 .transmit = true,
                                 .tx_lo_hz = 869450000,
                                 .tx_attenuation_db = 20};
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
    if (rc != code || !strstr(e.text, part))
        fail_msg("expected %s '%s', got %s: %s", err_name(code), part, err_name(rc), e.text);
}

static void says(int rc, const struct err *e, int code, const char *part)
{
    if (rc != code || !strstr(e->text, part))
        fail_msg("expected %s '%s', got %s: %s", err_name(code), part, err_name(rc), e->text);
}

static struct iq_block read_ok(struct radio *r)
{
    struct iq_block b;
    struct err e = {0};
    if (radio_read(r, &b, &e) < 0) fail_msg("%s", e.text);
    return b;
}

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

static double is_off(void)
{
    return tool_reads("-o -c ad9361-phy altvoltage1 powerdown");
}

// A burst whose samples number themselves, in steps that survive the receiver's 12 bits.
static void number(int16_t *iq, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        iq[2 * k] = (int16_t)(16 * (1000 + (int)(k % 1000)));
        iq[2 * k + 1] = -16000;
    }
}

static void transmit_ok(struct radio *r, int64_t at, const int16_t *iq, size_t n)
{
    struct err e = {0};
    if (radio_transmit(r, at, iq, n, &e) < 0) fail_msg("%s", e.text);
}

static void test_bursts_leave_at_their_sample(void **state)
{
    (void)state;
    struct radio_config config = usual(lab_uri());
    struct radio *r = open_ok(&config);
    assert_float_equal(is_off(), 1, 0);
    assert_float_equal(tool_reads("-D ad9361-phy loopback"), 0, 0);
    assert_float_equal(tool_reads("-o -c ad9361-phy voltage0 hardwaregain"), -20, 0.01);
    assert_float_equal(tool_reads("-o -c ad9361-phy altvoltage1 frequency"), 869450000, 10);
    print_message("# transmit sample i is received as sample i + %lld\n",
                  (long long)radio_info(r)->tx_offset_samples);

    struct iq_block b = read_ok(r);
    assert_int_equal(b.first_sample, 0); // calibration is not part of the stream
    tool_writes("-D ad9361-phy loopback 1");
    int64_t earliest = radio_earliest(r);
    assert_true(earliest > b.first_sample + BLOCK && earliest < b.first_sample + 6 * BLOCK);

    enum { BURSTS = 4, LONG = 3000 };
    static int16_t numbers[2 * LONG];
    number(numbers, LONG);
    const struct {
        int64_t at;
        size_t n;
    } bursts[BURSTS] = {
        {earliest + 3 * BLOCK + 4711, LONG},      // in any order
        {earliest, 1},                            // at the last moment
        {earliest + BLOCK - 500, 1000},           // across the blocks' edges
        {earliest + 3 * BLOCK + 4711 + 500, 100}, // overlapping: summed, limited to full scale
    };
    for (int i = 0; i < BURSTS; i++)
        transmit_ok(r, bursts[i].at, numbers, bursts[i].n);

    int heard = 0;
    for (int blocks = 0; blocks < 12; blocks++) {
        b = read_ok(r);
        for (size_t k = 0; k < b.n_samples; k++) {
            int64_t t = b.first_sample + (int64_t)k;
            int want[2] = {0, 0};
            for (int i = 0; i < BURSTS; i++)
                for (int c = 0; c < 2; c++)
                    if (t >= bursts[i].at && t < bursts[i].at + (int64_t)bursts[i].n)
                        want[c] += numbers[2 * (t - bursts[i].at) + c] / 16;
            if (want[0] > IQ_FULL_SCALE_RX) want[0] = IQ_FULL_SCALE_RX;
            if (b.iq[2 * k] != want[0] || b.iq[2 * k + 1] != want[1])
                fail_msg("sample %lld: (%d, %d), expected (%d, %d)", (long long)t, b.iq[2 * k],
                         b.iq[2 * k + 1], want[0], want[1]);
            heard += want[0] != 0;
        }
    }
    assert_int_equal(heard, LONG + 1 + 1000);
    tool_writes("-D ad9361-phy loopback 0");
    radio_close(r);
    assert_float_equal(is_off(), 1, 0);
    assert_float_equal(tool_reads("-o -c ad9361-phy voltage0 hardwaregain"), -89.75, 0.01);
}

static void test_calibration_holds_in_every_start(void **state)
{
    (void)state;
    static const size_t blocks[] = {1024, 4096, 65536};
    int64_t offsets[3];
    for (size_t i = 0; i < 3; i++) {
        struct radio_config config = usual(lab_uri());
        config.block_samples = blocks[i];
        config.rate_hz = i == 1 ? 1000000 : 520834;
        struct radio *r = open_ok(&config); // a context of its own: calibrated anew
        assert_int_equal(radio_info(r)->tx_markers, 8);
        assert_int_equal(radio_info(r)->tx_spread_samples, 0);
        offsets[i] = radio_info(r)->tx_offset_samples;
        tool_writes("-D ad9361-phy loopback 1");
        int16_t one[2] = {16000, 8000};
        int64_t at = radio_earliest(r) + 2 * (int64_t)blocks[i] + 77;
        transmit_ok(r, at, one, 1);
        int64_t found = -1;
        for (struct iq_block b = {0}; b.first_sample + (int64_t)b.n_samples <= at;) {
            b = read_ok(r);
            for (size_t k = 0; k < b.n_samples; k++)
                if (b.iq[2 * k] == 1000 && b.iq[2 * k + 1] == 500)
                    found = b.first_sample + (int64_t)k;
        }
        assert_int_equal(found, at);
        tool_writes("-D ad9361-phy loopback 0");
        radio_close(r);
    }
    // Each start has an offset of its own, or nothing was found out.
    assert_true(offsets[0] != offsets[1] && offsets[1] != offsets[2]);
}

static void test_switching_and_tuning(void **state)
{
    (void)state;
    struct radio_config config = usual(lab_uri());
    struct radio *r = open_ok(&config);
    struct err e = {0};
    assert_int_equal(radio_set_tx(r, true, 3.25, &e), ERR_OK);
    assert_float_equal(is_off(), 0, 0);
    assert_float_equal(tool_reads("-o -c ad9361-phy voltage0 hardwaregain"), -3.25, 0.01);
    assert_float_equal(radio_info(r)->tx_attenuation_db, 3.25, 0.01);
    says(radio_tune_tx(r, 868e6, &e), &e, ERR_SEQUENCE, "can be tuned only when it is off");
    assert_int_equal(radio_set_tx(r, false, 89.75, &e), ERR_OK);
    assert_float_equal(is_off(), 1, 0);
    assert_int_equal(radio_tune_tx(r, 868e6, &e), ERR_OK);
    assert_float_equal(radio_info(r)->tx_lo_hz, 868e6, 10);
    assert_float_equal(tool_reads("-o -c ad9361-phy voltage0 hardwaregain"), -89.75, 0.01);
    assert_float_equal(is_off(), 1, 0);

    int16_t one[2] = {1, 1};
    int64_t earliest = radio_earliest(r);
    says(radio_transmit(r, earliest - 100, one, 1, &e), &e, ERR_LIMIT, "ask 100 samples earlier");
    says(radio_set_tx(r, true, 90, &e), &e, ERR_INVALID, "0 to 89.75 dB, asked for 90");
    says(radio_set_tx(r, true, -1, &e), &e, ERR_INVALID, "asked for -1");
    assert_float_equal(is_off(), 1, 0);
    transmit_ok(r, earliest, one, 1);
    says(radio_tune_tx(r, 869e6, &e), &e, ERR_SEQUENCE, "no burst waits");
    read_ok(r); // refusals leave it alive

    // Left on, it is off at the end.
    assert_int_equal(radio_set_tx(r, true, 10, &e), ERR_OK);
    radio_close(r);
    assert_float_equal(is_off(), 1, 0);
}

// What somebody who died left on is powered down without opening a stream.
static void test_silencing_what_was_left_on(void **state)
{
    (void)state;
    tool_writes("-o -c ad9361-phy altvoltage1 powerdown 0");
    tool_writes("-o -c ad9361-phy voltage0 hardwaregain -10");
    struct radio_config config = usual(lab_uri());
    struct err e = {0};
    if (radio_silence(&config, &e) < 0) fail_msg("%s", e.text);
    assert_float_equal(is_off(), 1, 0);
    assert_float_equal(tool_reads("-o -c ad9361-phy voltage0 hardwaregain"), -89.75, 0.01);
    config.serial = "another";
    says(radio_silence(&config, &e), &e, ERR_NOTFOUND, "expected serial another");
}

static void test_radios_that_only_receive(void **state)
{
    (void)state;
    struct radio_config config = usual(lab_uri());
    config.transmit = false;
    struct radio *r = open_ok(&config);
    struct err e = {0};
    int16_t one[2] = {1, 1};
    assert_true(radio_earliest(r) == INT64_MAX);
    says(radio_transmit(r, 1 << 20, one, 1, &e), &e, ERR_UNSUPPORTED, "opened to receive only");
    says(radio_set_tx(r, true, 0, &e), &e, ERR_UNSUPPORTED, "opened to receive only");
    says(radio_tune_tx(r, 868e6, &e), &e, ERR_UNSUPPORTED, "set transmit = true");
    radio_close(r);
}

static void test_wrong_requests(void **state)
{
    (void)state;
    struct radio_config config = usual(lab_uri());
    config.tx_lo_hz = 0;
    open_fails(&config, ERR_INVALID, "expected a transmit centre of");
    config = usual(lab_uri());
    config.tx_attenuation_db = 100;
    open_fails(&config, ERR_INVALID, "asked for 100");
    config = usual("file:nothing.sigmf-meta");
    open_fails(&config, ERR_UNSUPPORTED, "expected one that can send");
}

static void falsified(const char *from, const char *to, int code, const char *part)
{
    struct proxy *p = proxy_start(lab_uri());
    proxy_falsify(p, from, to);
    struct radio_config config = usual(proxy_uri(p));
    open_fails(&config, code, part);
    proxy_stop(p);
    assert_float_equal(is_off(), 1, 0);
    assert_float_equal(tool_reads("-D ad9361-phy loopback"), 0, 0);
}

static void test_settings_that_read_back_differently(void **state)
{
    (void)state;
    falsified("86944", "86945", ERR_IO, "transmit centre frequency was set to 869450000 and");
    falsified("-20.0", "-10.0", ERR_IO, "transmit gain was set to -20 and reads back as -10");
}

// A dead radio that may still send is switched off all the same.
static void test_death_with_the_oscillator_on(void **state)
{
    (void)state;
    struct radio_config config = usual(lab_uri());
    struct proxy *p = proxy_start(lab_uri());
    config.uri = proxy_uri(p);
    struct radio *r = open_ok(&config);
    struct err e = {0};
    assert_int_equal(radio_set_tx(r, true, 10, &e), ERR_OK);
    assert_float_equal(is_off(), 0, 0);
    proxy_set_mode(p, PROXY_GARBAGE);
    struct iq_block b;
    assert_int_equal(radio_read(r, &b, &e), ERR_GONE);
    assert_int_equal(radio_set_tx(r, true, 10, &e), ERR_GONE);
    proxy_set_mode(p, PROXY_HONEST);
    radio_close(r);
    assert_float_equal(is_off(), 1, 0);
    proxy_stop(p);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); // as in the bench
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bursts_leave_at_their_sample),
        cmocka_unit_test(test_calibration_holds_in_every_start),
        cmocka_unit_test(test_switching_and_tuning),
        cmocka_unit_test(test_silencing_what_was_left_on),
        cmocka_unit_test(test_radios_that_only_receive),
        cmocka_unit_test(test_wrong_requests),
        cmocka_unit_test(test_settings_that_read_back_differently),
        cmocka_unit_test(test_death_with_the_oscillator_on),
    };
    return cmocka_run_group_tests_name("transmitting in the laboratory", tests, NULL, NULL);
}
