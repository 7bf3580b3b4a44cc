// Transmit safety rule by rule, and what reaches the radio when nothing is against it. The radio is
// a fake that writes down what it is told.
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "bench/air/transmit.h"
#include "bench/base/bytes.h"
#include "bench/phy/iq.h"

// cmocka's own compares floats: too coarse for frequencies.
static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.10g, expected %.10g", got, want);
}

// ------------------------------------------------------------------------------------ a fake radio

enum { AHEAD = 50000, SENT_MAX = 8 };

struct radio {
    struct radio_info info;
    int64_t now;
    bool lo_on;
    unsigned switched_on, tuned, dropped;
    bool broken;
    struct {
        int64_t at;
        int16_t *iq;
        size_t n;
    } sent[SENT_MAX];
    size_t n_sent;
};

const struct radio_info *radio_info(const struct radio *r)
{
    return &r->info;
}

int64_t radio_earliest(const struct radio *r)
{
    return r->now + AHEAD;
}

int radio_transmit(struct radio *r, int64_t at, const int16_t *iq, size_t n, struct err *err)
{
    if (r->broken) return err_set(err, ERR_GONE, "the fake radio is broken");
    assert_true(at >= radio_earliest(r) && r->n_sent < SENT_MAX);
    int16_t *copy = malloc(4 * n);
    assert_non_null(copy);
    memcpy(copy, iq, 4 * n);
    r->sent[r->n_sent].at = at;
    r->sent[r->n_sent].iq = copy;
    r->sent[r->n_sent++].n = n;
    return ERR_OK;
}

int radio_set_tx(struct radio *r, bool lo_on, double attenuation_db, struct err *err)
{
    if (r->broken) return err_set(err, ERR_GONE, "the fake radio is broken");
    r->switched_on += lo_on && !r->lo_on;
    r->lo_on = lo_on;
    r->info.tx_attenuation_db = attenuation_db;
    return ERR_OK;
}

int radio_tune_tx(struct radio *r, double lo_hz, struct err *err)
{
    (void)err;
    assert_false(r->lo_on);
    r->info.tx_lo_hz = lo_hz + 1.4; // a synthesizer has steps
    r->tuned++;
    return ERR_OK;
}

int radio_drop(struct radio *r, struct err *err)
{
    (void)err;
    r->dropped++;
    return ERR_OK;
}

// --------------------------------------------------------------------------------------- the stage

enum { N = 20000 };

struct stage {
    struct radio radio;
    struct air_permit permit;
    unsigned armed;
    struct air_burst burst;
    int16_t iq[2 * N];
};

static struct stage *stage_new(void)
{
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->radio.info = (struct radio_info){.rate_hz = 520834, .transmit = true, .tx_lo_hz = 868.06e6};
    s->radio.lo_on = true; // somebody left it so
    s->permit =
        (struct air_permit){.unit = "station2",
                            .paths = {{.to = "station1", .kind = "conducted", .attenuation_db = 60},
                                      {.to = "dut1", .kind = "shielded", .attenuation_db = 80}},
                            .n_paths = 2,
                            .bands = {{868.0e6, 868.3e6, -10}, {869.4e6, 869.65e6, 5}},
                            .n_bands = 2};
    s->armed = AIR_ARMED_INTERFERENCE;
    for (size_t k = 0; k < N; k++)
        s->iq[2 * k] = IQ_FULL_SCALE_TX; // a carrier
    s->burst = (struct air_burst){.at_sample = 100000,
                                  .freq_hz = 868.13e6,
                                  .bandwidth_hz = 1000,
                                  .level_dbm = -20,
                                  .iq = s->iq,
                                  .n = N,
                                  .purpose = AIR_INTERFERENCE};
    return s;
}

static void stage_free(struct stage *s)
{
    for (size_t i = 0; i < s->radio.n_sent; i++)
        free(s->radio.sent[i].iq);
    free(s);
}

static struct air_transmit *open_ok(struct stage *s)
{
    struct air_transmit *t = NULL;
    struct err e = {0};
    if (air_transmit_new(&t, &s->radio, &s->permit, s->armed, &e) < 0) fail_msg("%s", e.text);
    assert_false(s->radio.lo_on); // the safe state comes first
    return t;
}

static void send_ok(struct air_transmit *t, const struct air_burst *b)
{
    struct err e = {0};
    if (air_transmit_burst(t, b, &e) < 0) fail_msg("%s", e.text);
}

static void says(int rc, const struct err *e, int code, const char *part)
{
    if (rc != code || !strstr(e->text, part))
        fail_msg("expected %s '%s', got %s: %s", err_name(code), part, err_name(rc), e->text);
}

// -------------------------------------------------------------------------------------- the rules

static void path_kind(struct stage *s, size_t i, const char *kind)
{
    snprintf(s->permit.paths[i].kind, sizeof s->permit.paths[i].kind, "%s", kind);
}
static void no_paths(struct stage *s)
{
    s->permit.n_paths = 0;
}
static void radiated(struct stage *s)
{
    path_kind(s, 1, "radiated");
}
static void kind_unsaid(struct stage *s)
{
    s->permit.paths[0].kind[0] = '\0';
}
static void kind_alike(struct stage *s)
{
    path_kind(s, 0, "Conducted ");
}
static void no_bands(struct stage *s)
{
    s->permit.n_bands = 0;
}
static void outside(struct stage *s)
{
    s->burst.freq_hz = 868.4e6;
}
static void between_bands(struct stage *s)
{
    s->burst.freq_hz = 869e6;
}
static void over_the_edge(struct stage *s)
{
    s->burst.freq_hz = 868.2996e6;
}
static void too_wide(struct stage *s)
{
    s->burst.bandwidth_hz = 400e3;
}
static void no_width(struct stage *s)
{
    s->burst.bandwidth_hz = 0;
}
static void negative_width(struct stage *s)
{
    s->burst.bandwidth_hz = -1e9;
}
static void no_number(struct stage *s)
{
    s->burst.freq_hz = NAN;
}
static void endless_width(struct stage *s)
{
    s->burst.bandwidth_hz = INFINITY;
}
static void too_loud(struct stage *s)
{
    s->burst.level_dbm = -9.9;
}
static void loud_in_its_band(struct stage *s)
{
    s->burst.freq_hz = 869.5e6;
    s->burst.level_dbm = 5.1;
}
static void no_level(struct stage *s)
{
    s->burst.level_dbm = NAN;
}
static void not_armed(struct stage *s)
{
    s->armed = 0;
}
static void armed_otherwise(struct stage *s)
{
    s->armed = ~(unsigned)AIR_ARMED_INTERFERENCE;
}
static void no_room_for_the_oscillator(struct stage *s)
{
    s->permit.bands[0] = (struct air_band){868.12e6, 868.14e6, 0};
}
static void nothing_to_send(struct stage *s)
{
    s->burst.n = 0;
}
static void no_samples(struct stage *s)
{
    s->burst.iq = NULL;
}
static void beyond_full_scale(struct stage *s)
{
    s->iq[2 * 7 + 1] = 20000;
}
static void elsewhere(struct stage *s)
{
    for (size_t k = 0; k < N; k++) { // says 868.13 MHz, would be 40 kHz higher
        s->iq[2 * k] = (int16_t)lrint(32000 * cos(2 * M_PI * 40e3 / 520834 * (double)k));
        s->iq[2 * k + 1] = (int16_t)lrint(32000 * sin(2 * M_PI * 40e3 / 520834 * (double)k));
    }
}
static void wider_than_said(struct stage *s)
{
    for (size_t k = 0; k < N; k++)
        s->iq[2 * k] = k / 8 * 2654435761u >> 7 & 1 ? 32000 : -32000;
}
static void too_late(struct stage *s)
{
    s->burst.at_sample = AHEAD;
}
static void too_faint(struct stage *s)
{
    s->burst.level_dbm = -130;
}

static const struct {
    void (*spoil)(struct stage *s);
    int code;
    const char *part;
} rules[] = {
    {no_paths, ERR_USAGE, "no path from it is declared"},
    {radiated, ERR_USAGE,
     "its path to dut1 to be conducted or shielded, it is declared 'radiated'"},
    {kind_unsaid, ERR_USAGE, "its path to station1 to be conducted or shielded"},
    {kind_alike, ERR_USAGE, "it is declared 'Conducted '"},
    {no_bands, ERR_USAGE, "no band is permitted"},
    {outside, ERR_USAGE, "868400000 Hz with 1000 Hz of bandwidth (interference) lies in none of"},
    {between_bands, ERR_USAGE, "lies in none of the 2 permitted bands"},
    {over_the_edge, ERR_USAGE, "lies in none"},
    {too_wide, ERR_USAGE, "lies in none"},
    {no_width, ERR_USAGE, "lies in none"},
    {negative_width, ERR_USAGE, "lies in none"},
    {no_number, ERR_USAGE, "lies in none"},
    {endless_width, ERR_USAGE, "lies in none"},
    {too_loud, ERR_USAGE, "expected at most -10.0 dBm at 868130000 Hz, asked for -9.9 dBm"},
    {loud_in_its_band, ERR_USAGE, "expected at most 5.0 dBm"},
    {no_level, ERR_USAGE, "expected at most -10.0 dBm"},
    {not_armed, ERR_USAGE, "interference was not armed"},
    {armed_otherwise, ERR_USAGE, "run again with --arm interference"},
    {no_room_for_the_oscillator, ERR_USAGE, "leaves no room for the oscillator"},
    {nothing_to_send, ERR_INVALID, "expected a burst with samples"},
    {no_samples, ERR_INVALID, "expected a burst with samples"},
    {beyond_full_scale, ERR_INVALID, "sample 7 of the burst is (32767, 20000)"},
    {elsewhere, ERR_INVALID, "100.0 % of its power lies outside"},
    {wider_than_said, ERR_INVALID, "of its power lies outside"},
    {too_late, ERR_LIMIT, "comes too late: the earliest possible one is at 52605"},
    {too_faint, ERR_LIMIT, "expected a level from"},
};

static void test_each_rule_alone_refuses(void **state)
{
    (void)state;
    // Unspoiled, it goes through: so each refusal below is due to its rule.
    struct stage *s = stage_new();
    struct air_transmit *t = open_ok(s);
    send_ok(t, &s->burst);
    assert_int_equal(s->radio.n_sent, 1);
    air_transmit_free(t);
    stage_free(s);

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        s = stage_new();
        rules[i].spoil(s);
        struct err e = {0};
        t = NULL;
        int rc = air_transmit_new(&t, &s->radio, &s->permit, s->armed, &e);
        if (rc == ERR_OK) rc = air_transmit_burst(t, &s->burst, &e);
        says(rc, &e, rules[i].code, rules[i].part);
        if (!strstr(e.text, "station2")) fail_msg("expected the radio's name in: %s", e.text);
        assert_int_equal(s->radio.n_sent, 0);
        assert_int_equal(s->radio.switched_on, 0);
        if (t) {
            // What the permit forbids is known beforehand.
            if (rules[i].code == ERR_USAGE && rules[i].spoil != no_room_for_the_oscillator)
                says(air_transmit_check(t, &s->burst, &e), &e, ERR_USAGE, rules[i].part);
            near(air_transmit_seconds(t, 0) + air_transmit_seconds(t, 1), 0, 0);
        }
        air_transmit_free(t);
        stage_free(s);
    }
}

static void test_downlinks_need_no_arming(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    s->armed = 0;
    s->burst.purpose = AIR_DOWNLINK;
    struct air_transmit *t = open_ok(s);
    send_ok(t, &s->burst);
    air_transmit_free(t);
    stage_free(s);
}

// Power of what was sent, in dBm at the connector, and its frequency.
static void measure(const struct radio *r, size_t i, double *dbm, double *hz)
{
    double power = 0;
    double complex turn = 0, last = 0;
    for (size_t k = 0; k < r->sent[i].n; k++) {
        double complex x = r->sent[i].iq[2 * k] + I * r->sent[i].iq[2 * k + 1];
        power += creal(x * conj(x));
        turn += x * conj(last);
        last = x;
    }
    power /= (double)r->sent[i].n * IQ_FULL_SCALE_TX * IQ_FULL_SCALE_TX;
    *dbm = 10 * log10(power) + AIR_FULL_SCALE_DBM - r->info.tx_attenuation_db;
    *hz = carg(turn) / (2 * M_PI) * r->info.rate_hz + r->info.tx_lo_hz;
}

static void test_level_and_frequency_at_the_connector(void **state)
{
    (void)state;
    static const double levels_dbm[] = {-10, -20.1, -33.3, -60, -82};
    for (size_t i = 0; i < 5; i++) {
        struct stage *s = stage_new();
        struct air_transmit *t = open_ok(s);
        s->burst.level_dbm = levels_dbm[i];
        s->burst.freq_hz = i % 2 ? 868.21e6 : 868.015e6;
        send_ok(t, &s->burst);
        struct err e = {0};
        s->radio.now = 60000;
        assert_int_equal(air_transmit_step(t, 60000, &e), ERR_OK);
        assert_true(s->radio.lo_on);
        double dbm = 0, hz = 0;
        measure(&s->radio, 0, &dbm, &hz);
        near(dbm, levels_dbm[i], 0.02);
        near(hz, s->burst.freq_hz, 0.1);
        // The oscillator's own leakage: off the burst and inside the band.
        double lo_hz = s->radio.info.tx_lo_hz;
        assert_true(fabs(hz - lo_hz) >= 20e3 && lo_hz > 868e6 && lo_hz < 868.3e6);
        air_transmit_free(t);
        assert_false(s->radio.lo_on);
        stage_free(s);
    }
}

static void step(struct stage *s, struct air_transmit *t, int64_t now)
{
    struct err e = {0};
    s->radio.now = now;
    if (air_transmit_step(t, now, &e) < 0) fail_msg("%s", e.text);
}

static void test_oscillator_only_round_a_burst(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct air_transmit *t = open_ok(s);
    s->burst.at_sample = 1000000;
    send_ok(t, &s->burst);
    assert_false(s->radio.lo_on);
    assert_true(air_transmit_busy(t));
    int64_t on = 0, off = 0;
    for (int64_t now = 0; now < 1200000; now += 1000) {
        step(s, t, now);
        if (s->radio.lo_on && !on) on = now;
        if (on && !off && !s->radio.lo_on) off = now;
    }
    assert_true(on > 1000000 - 3 * AHEAD && on < 1000000 - AHEAD);
    assert_true(off >= 1000000 + N && off <= 1000000 + N + 1000);
    assert_int_equal(s->radio.switched_on, 1);
    assert_false(air_transmit_busy(t));
    near(s->radio.info.tx_attenuation_db, 89.75, 0);
    near(air_transmit_seconds(t, 0), N / 520834.0, 1e-9);
    near(air_transmit_seconds(t, 1), 0, 0);
    air_transmit_free(t);
    stage_free(s);
}

static void test_bursts_together(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct air_transmit *t = open_ok(s);
    struct err e = {0};
    send_ok(t, &s->burst);
    struct air_burst b = s->burst;
    b.at_sample += N / 2;
    says(air_transmit_burst(t, &b, &e), &e, ERR_LIMIT, "together they would clip");
    b.level_dbm = -10; // the attenuator must not move inside a burst
    says(air_transmit_burst(t, &b, &e), &e, ERR_LIMIT, "attenuator stays as it is");
    b = s->burst;
    b.freq_hz = 869.5e6;
    b.at_sample += 2 * N;
    says(air_transmit_burst(t, &b, &e), &e, ERR_LIMIT, "needs another centre frequency");
    b = s->burst;
    b.at_sample += N;
    b.level_dbm -= 10;
    send_ok(t, &b);
    // Once they are over, everything is free again.
    step(s, t, 200000);
    b.freq_hz = 869.5e6;
    b.level_dbm = 5;
    b.at_sample = 400000;
    send_ok(t, &b);
    near(air_transmit_seconds(t, 0), 2 * N / 520834.0, 1e-9);
    near(air_transmit_seconds(t, 1), N / 520834.0, 1e-9);
    air_transmit_free(t);
    stage_free(s);
}

// The permit holds for what leaves together; room is kept for others where it is asked for; pieces
// that follow each other go on in phase.
static void test_sums_and_pieces(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct air_transmit *t = open_ok(s);
    struct err e = {0};
    struct air_burst b = s->burst;
    b.level_dbm = -14;
    b.room_db = 10;
    send_ok(t, &b);
    b.freq_hz += 20000;
    b.at_sample += N / 2;
    b.level_dbm = -11.9;
    says(air_transmit_burst(t, &b, &e), &e, ERR_USAGE,
         "would reach -6.9 dBm, at most -10.0 dBm are permitted");
    b.level_dbm = -20;
    send_ok(t, &b);
    // Two carriers of 20 000 samples, one behind the other, on the frequency of the first.
    b = s->burst;
    b.level_dbm = -20;
    b.at_sample = s->burst.at_sample + N;
    send_ok(t, &b);
    b.at_sample += N;
    send_ok(t, &b);
    const int16_t *one = s->radio.sent[2].iq, *two = s->radio.sent[3].iq;
    const double turn = 2 * M_PI * (b.freq_hz - s->radio.info.tx_lo_hz) / s->radio.info.rate_hz;
    const double before = atan2(one[2 * N - 1], one[2 * N - 2]), after = atan2(two[1], two[0]);
    near(remainder(after - before - turn, 2 * M_PI), 0, 0.01);
    air_transmit_free(t);
    stage_free(s);
}

static void test_stopping(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct air_transmit *t = open_ok(s);
    struct err e = {0};
    send_ok(t, &s->burst);
    step(s, t, 90000);
    assert_true(s->radio.lo_on);
    assert_int_equal(air_transmit_stop(t, &e), ERR_OK);
    assert_false(s->radio.lo_on);
    assert_int_equal(s->radio.dropped, 1);
    assert_false(air_transmit_busy(t));
    assert_int_equal(air_transmit_stop(t, &e), ERR_OK);
    // The rest of it waits in the radio until sample 140000: the oscillator stays off so long.
    struct air_burst b = s->burst;
    b.at_sample = air_transmit_earliest(t);
    assert_true(b.at_sample > 90000 + 2 * AHEAD);
    send_ok(t, &b);
    for (int64_t now = 90000; now < 140000; now += 1000) {
        step(s, t, now);
        assert_false(s->radio.lo_on);
    }
    step(s, t, 145000);
    assert_true(s->radio.lo_on);
    air_transmit_free(t);
    assert_false(s->radio.lo_on);
    stage_free(s);
}

static void test_a_broken_radio(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct air_transmit *t = open_ok(s);
    struct err e = {0};
    s->radio.broken = true;
    says(air_transmit_burst(t, &s->burst, &e), &e, ERR_GONE, "broken");
    assert_false(air_transmit_busy(t));
    air_transmit_free(t);
    says(air_transmit_new(&t, &s->radio, &s->permit, 0, &e), &e, ERR_GONE, "broken");
    assert_null(t);
    stage_free(s);
}

// vectors/downlink.json p-dl-000: what is on air after preamble and sync word.
static void test_downlink(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    struct air_transmit *t = open_ok(s);
    struct err e = {0};
    uint8_t frame[SFX_DL_FRAME], on_air[SFX_DL_ON_AIR];
    assert_int_equal(hex_decode("835fe82fec19fe7bde0842b0e97f66", frame, sizeof frame, &e), 15);
    assert_int_equal(hex_decode("aaaaaaaaaaaaaaaaaaaaaab227835fe82fec19fe7bde0842b0e97f66", on_air,
                                sizeof on_air, &e),
                     28);
    int64_t at = 300000, end = 0;
    const double f_hz = 869.5251e6;
    if (air_downlink(t, frame, f_hz, -3, at, &end, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(end, at + (int64_t)ceil(224 / 600.0 * 520834));
    const double bit = 520834 / 600.0;
    for (int i = 0; i < 224; i++) {
        double turn = 0;
        size_t from = (size_t)((double)(at - s->radio.sent[0].at) + i * bit), n = (size_t)bit;
        const int16_t *iq = s->radio.sent[0].iq + 2 * from;
        for (size_t k = 0; k + 1 < n; k++)
            turn += carg((iq[2 * k + 2] + I * iq[2 * k + 3]) * conj(iq[2 * k] + I * iq[2 * k + 1]));
        double hz = turn / (2 * M_PI * (double)(n - 1)) * 520834 + s->radio.info.tx_lo_hz - f_hz;
        if ((hz > 0) != (on_air[i / 8] >> (7 - i % 8) & 1) || fabs(hz) < 550)
            fail_msg("bit %d at %+.1f Hz", i, hz);
    }
    says(air_downlink(t, frame, f_hz, 6, at + 400000, NULL, &e), &e, ERR_USAGE,
         "at most 5.0 dBm at 869525100 Hz");
    air_transmit_free(t);
    stage_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rule_alone_refuses),
        cmocka_unit_test(test_downlinks_need_no_arming),
        cmocka_unit_test(test_level_and_frequency_at_the_connector),
        cmocka_unit_test(test_oscillator_only_round_a_burst),
        cmocka_unit_test(test_bursts_together),
        cmocka_unit_test(test_sums_and_pieces),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_a_broken_radio),
        cmocka_unit_test(test_downlink),
    };
    return cmocka_run_group_tests_name("transmit safety", tests, NULL, NULL);
}
