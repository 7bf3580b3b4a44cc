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

#include "bench/air/echo.h"
#include "bench/air/jam_send.h"
#include "bench/phy/jam_meter.h"

enum { BLOCK = 16384, BLOCKS = 48 };

// As in the scenario: 85 dB between the stations, a noise figure of 6 dB.
static const double loss_db = 85, figure_db = 6;
static const double lo_hz = 868.015e6, f_hz = 868.13e6;

static struct radio *open_at(const char *variable, bool transmit, double centre_hz)
{
    const char *uri = getenv(variable);
    if (!uri) fail_msg("%s is not set; run this with foxlab run default --", variable);
    const struct radio_config c = {.uri = uri,
                                   .rate_hz = 520834,
                                   .lo_hz = centre_hz,
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

static struct radio *open_unit(const char *variable, bool transmit)
{
    return open_at(variable, transmit, lo_hz);
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

enum { STARTS = 3, EACH = 6, SPAN = 520834 * 6 };

// Downlinks at sample times that have nothing to do with blocks, heard by a radio on a crystal of
// its own: they lie where they were ordered, to a sample, whatever the streams' start. What one
// start has to itself is how far apart the two receive streams began.
static void test_downlinks_leave_at_their_sample(void **state)
{
    (void)state;
    const double down_hz = 869525000, ear_hz = 869410000, rate = 520834;
    struct radio *mouth = open_at("FOXLAB_PLUTO_0_URI", true, lo_hz);
    struct radio *ear = open_at("FOXLAB_PLUTO_1_URI", false, ear_hz);
    static const struct air_permit permit = {
        .unit = "station1",
        .paths = {{.to = "station2", .kind = "conducted", .attenuation_db = 85}},
        .n_paths = 1,
        .bands = {{869.3e6, 869.75e6, 7}},
        .n_bands = 1};
    struct err e = {0};
    int16_t *heard = malloc((size_t)SPAN * 4);
    assert_non_null(heard);
    double worst = 0, ppm = 0;
    int64_t offsets[STARTS];
    for (int start = 0; start < STARTS; start++) {
        if (radio_align((struct radio *const[]){mouth, ear}, 2, &e) < 0) fail_msg("%s", e.text);
        offsets[start] = radio_info(mouth)->tx_offset_samples;
        struct air_transmit *t = NULL;
        if (air_transmit_new(&t, mouth, &permit, 0, &e) < 0) fail_msg("%s", e.text);
        struct iq_block b, mine;
        read_ok(mouth, &mine);
        read_ok(ear, &b);
        const int64_t first = b.first_sample, shift = mine.first_sample - b.first_sample;
        int64_t at[EACH];
        uint8_t frame[SFX_DL_FRAME];
        for (size_t i = 0; i < sizeof frame; i++)
            frame[i] = (uint8_t)(37 * i + 11 * (size_t)start);
        for (int i = 0; i < EACH; i++) {
            at[i] = air_transmit_earliest(t) + (int64_t)(0.7 * rate * i) + 40000 + 1237 * i;
            if (air_downlink(t, frame, down_hz, 7, at[i], NULL, &e) < 0) fail_msg("%s", e.text);
        }
        memcpy(heard, b.iq, 4 * b.n_samples);
        for (size_t n = b.n_samples; n + BLOCK <= SPAN; n += BLOCK) {
            read_ok(mouth, &mine);
            read_ok(ear, &b);
            memcpy(heard + 2 * n, b.iq, 4 * b.n_samples);
            const int64_t now = mine.first_sample + (int64_t)mine.n_samples;
            if (air_transmit_step(t, now, &e) < 0) fail_msg("%s", e.text);
        }
        air_transmit_free(t);
        double begin = 0;
        for (int i = 0; i < EACH; i++) {
            struct bytes wave;
            uint8_t bits[SFX_DL_ON_AIR];
            bytes_init(&wave, 8 << 20);
            assert_int_equal(air_downlink_wave(rate, frame, &wave, &e), ERR_OK);
            sfx_downlink_on_air(frame, bits);
            const struct air_echo_burst burst = {.rate_hz = rate,
                                                 .iq = (const int16_t *)(const void *)wave.data,
                                                 .n = wave.len / 4,
                                                 .bandwidth_hz = AIR_DOWNLINK_BAND_HZ,
                                                 .at_sample = at[i] - air_downlink_lead(rate) -
                                                              shift - first,
                                                 .f_hz = down_hz - radio_info(ear)->lo_hz,
                                                 .carrier_hz = down_hz,
                                                 .bits = bits,
                                                 .n_bits = 8 * sizeof bits};
            struct air_echo echo;
            if (air_echo_find(&burst, heard, 0, SPAN, &echo, &e) < 0) fail_msg("%s", e.text);
            bytes_deinit(&wave);
            assert_true(echo.found);
            assert_int_equal(echo.bit_errors, 0);
            ppm = -echo.off_hz / down_hz * 1e6; // of the listener
            // A listener that counts faster hears each burst later.
            const double drift = ppm * 1e-6 * (double)burst.at_sample;
            if (i == 0) begin = echo.late_samples - drift;
            const double off = echo.late_samples - drift - begin;
            worst = fmax(worst, fabs(off));
            if (fabs(off) > 1 || fabs(begin) > 0.001 * rate)
                fail_msg("start %d, downlink %d: %.3f samples off its time, the streams began %.1f "
                         "apart",
                         start, i, off, begin);
        }
    }
    print_message(
        "# %d downlinks in %d starts, crystals %.2f ppm apart: %.3f samples off at most\n",
        STARTS * EACH, STARTS, ppm, worst);
    assert_true(fabs(ppm - 0.12) < 0.02); // as in the scenario, and both crystals wander by 5 ppb
    assert_true(offsets[0] != offsets[1] || offsets[1] != offsets[2]);
    free(heard);
    radio_close(mouth);
    radio_close(ear);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carriers_arrive),
        cmocka_unit_test(test_downlinks_leave_at_their_sample),
        cmocka_unit_test(test_a_starved_stream_sends_nothing),
    };
    return cmocka_run_group_tests_name("air to air", tests, NULL, NULL);
}
