// One radio sends, another one hears, through the laboratory's air: level, frequency and time of
// what air_transmit lets out, and J/S as the meter sees it. Run it inside foxlab.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>

#include "bench/air/jam_send.h"
#include "bench/phy/jam_meter.h"

enum { BLOCK = 16384, BLOCKS = 48 };

// As in the scenario: 85 dB between the stations, a noise figure of 6 dB.
static const double loss_db = 85, figure_db = 6;
static const double lo_hz = 868.015e6, f_hz = 868.13e6;

static struct radio *open_unit(const char *variable, bool transmit)
{
    const char *uri = getenv(variable);
    if (!uri) fail_msg("%s is not set; run this with foxlab run default --", variable);
    const struct radio_config c = {.uri = uri,
                                   .rate_hz = 520834,
                                   .lo_hz = lo_hz,
                                   .gain_db = 50,
                                   .block_samples = BLOCK,
                                   .timeout_ms = 10000,
                                   .transmit = transmit,
                                   .tx_lo_hz = 868.06e6,
                                   .tx_attenuation_db = 89.75};
    struct radio *r = NULL;
    struct err e = {0};
    if (radio_open(&r, &c, &e) < 0) fail_msg("%s", e.text);
    return r;
}

static void read_ok(struct radio *r, struct iq_block *b)
{
    struct err e = {0};
    if (radio_read(r, b, &e) < 0) fail_msg("%s", e.text);
}

// First millisecond from `from` on in which the capture is louder than half the carrier's power.
static size_t find_start(const int16_t *iq, size_t n, size_t from, double power)
{
    enum { MS = 521 };
    for (size_t k = from; k + MS <= n; k += 32) {
        double sum = 0;
        for (size_t i = 2 * k; i < 2 * (k + MS); i++)
            sum += (double)iq[i] * iq[i];
        if (sum / MS > power) return k;
    }
    fail_msg("nothing begins after sample %zu", from);
    return 0;
}

static void test_carriers_arrive(void **state)
{
    (void)state;
    struct radio *ear = open_unit("FOXLAB_PLUTO_0_URI", false);
    struct radio *mouth = open_unit("FOXLAB_PLUTO_1_URI", true);
    struct err e = {0};
    if (radio_align((struct radio *const[]){ear, mouth}, 2, &e) < 0) fail_msg("%s", e.text);
    static const struct air_permit permit = {
        .unit = "station2",
        .paths = {{.to = "station1", .kind = "conducted", .attenuation_db = 85}},
        .n_paths = 1,
        .bands = {{868.0e6, 868.3e6, 7}},
        .n_bands = 1};
    struct air_transmit *t = NULL;
    if (air_transmit_new(&t, mouth, &permit, AIR_ARMED_INTERFERENCE, &e) < 0)
        fail_msg("%s", e.text);

    // 0 dBm, then -10 dBm, then silence: in one capture.
    static int16_t seen[2 * BLOCKS * BLOCK];
    struct iq_block b = {0};
    read_ok(ear, &b);
    int64_t first = b.first_sample + BLOCK;
    read_ok(mouth, &b);
    assert_int_equal(air_transmit_step(t, b.first_sample + BLOCK, &e), ERR_OK);
    int64_t at = air_transmit_earliest(t) + 100000;
    const size_t n = 80000;
    int64_t apart = 150000;
    const struct phy_jam_wave cw = phy_jam_wave_default(PHY_JAM_cw);
    if (air_jam_send(t, &cw, f_hz, 0, at, n, &e) < 0) fail_msg("%s", e.text);
    if (air_jam_send(t, &cw, f_hz, -10, at + apart, n, &e) < 0) fail_msg("%s", e.text);
    for (int i = 0; i < BLOCKS; i++) {
        read_ok(mouth, &b);
        if (air_transmit_step(t, b.first_sample + BLOCK, &e) < 0) fail_msg("%s", e.text);
        read_ok(ear, &b);
        memcpy(seen + 2 * i * BLOCK, b.iq, 4 * BLOCK);
    }
    assert_false(air_transmit_busy(t));
    assert_true(fabs(air_transmit_seconds(t, 0) - 2 * (double)n / 520834) < 1e-6);

    // Where they lie: as far apart as asked for.
    double full = 2 * 30.0 * 30; // noise is some 20 words a component, the carrier twice that
    size_t one = find_start(seen, (size_t)BLOCKS * BLOCK, 0, 2 * full);
    struct phy_meter_config c = {.rate_hz = radio_info(ear)->rate_hz,
                                 .low_hz = f_hz - lo_hz - 1000,
                                 .high_hz = f_hz - lo_hz + 1000};
    const struct phy_gate loud = {first + (int64_t)one + 5000, n - 10000};
    const struct phy_gate faint = {loud.first + apart, n - 10000};
    const struct phy_gate none = {faint.first + apart, n - 10000};
    struct phy_js js;
    const struct phy_jam_gates gates = {c.rate_hz, f_hz - lo_hz, 1000, faint, loud, none};
    if (phy_jam_js(&cw, &gates, seen, first, (size_t)BLOCKS * BLOCK, &js, &e) < 0)
        fail_msg("%s", e.text);
    double noise_dbm = -174 + figure_db + 10 * log10(2000);
    print_message("# %.2f +- %.2f dB between them, the fainter one %.2f dB over the noise\n",
                  js.js_db, js.u_db, js.signal_dbfs - js.noise_dbfs);
    assert_true(fabs(js.js_db - 10) < 0.3);
    assert_true(fabs(js.signal_dbfs - js.noise_dbfs - (-10 - loss_db - noise_dbm)) < 1.5);

    // At its frequency, crystals apart (0.12 ppm: 104 Hz): next to nothing 3 kHz beside it.
    struct phy_power p;
    c.low_hz += 3000;
    c.high_hz += 3000;
    assert_int_equal(phy_meter_power(&c, seen + 2 * (one + 5000), n - 10000, &p, &e), ERR_OK);
    assert_true(p.dbfs < js.jammer_dbfs - 30);

    air_transmit_free(t);
    radio_close(mouth);
    radio_close(ear);
}

// Time went on without the sender: what it would send would leave at a wrong time, so it does not.
static void test_a_starved_stream_sends_nothing(void **state)
{
    (void)state;
    struct radio *ear = open_unit("FOXLAB_PLUTO_0_URI", false);
    struct radio *mouth = open_unit("FOXLAB_PLUTO_1_URI", true);
    struct radio *const both[] = {ear, mouth};
    struct err e = {0};
    if (radio_align(both, 2, &e) < 0) fail_msg("%s", e.text);
    const int16_t one[2] = {1, 1};
    struct iq_block b;
    for (int i = 0; i < 12; i++)
        read_ok(ear, &b);
    assert_int_equal(radio_transmit(mouth, radio_earliest(mouth) + BLOCK, one, 1, &e), ERR_GONE);
    if (!strstr(e.text, "its transmit stream ran dry before sample 0")) fail_msg("%s", e.text);
    assert_int_equal(radio_read(mouth, &b, &e), ERR_GONE);
    assert_int_equal(radio_align(both, 2, &e), ERR_GONE); // dead is dead
    radio_close(mouth);

    mouth = open_unit("FOXLAB_PLUTO_1_URI", true);
    if (radio_align((struct radio *const[]){mouth, ear}, 2, &e) < 0) fail_msg("%s", e.text);
    read_ok(ear, &b);
    assert_int_equal(b.first_sample, 12 * BLOCK); // the count goes on
    read_ok(mouth, &b);
    assert_int_equal(b.first_sample, 0);
    assert_int_equal(radio_transmit(mouth, radio_earliest(mouth), one, 1, &e), ERR_OK);
    radio_close(mouth);
    radio_close(ear);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carriers_arrive),
        cmocka_unit_test(test_a_starved_stream_sends_nothing),
    };
    return cmocka_run_group_tests_name("air to air", tests, NULL, NULL);
}
