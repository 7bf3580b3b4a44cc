// Measurements of recordings that another program made, against what it says it put in.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/air/measure.h"
#include "bench/base/bytes.h"

enum { FRAMES_MAX = 16, TEXT = 256 };

struct recording {
    struct jval *truth;
    struct bytes data;
    double rate_hz;
    const int16_t *iq;
    size_t n;
    struct air_frame frames[FRAMES_MAX];
    size_t n_frames;
};

static void die(const struct err *e)
{
    fail_msg("%s", e->text);
}

static void open_recording(struct recording *r, const char *name)
{
    char path[TEXT];
    struct err e = {0};
    *r = (struct recording){0};
    snprintf(path, sizeof path, FOX_SOURCE_DIR "/fixtures/iq/%s.truth.json", name);
    if (jval_load(&r->truth, path, &e) < 0) die(&e);
    snprintf(path, sizeof path, FOX_SOURCE_DIR "/fixtures/iq/%s.sigmf-data", name);
    bytes_init(&r->data, 16 << 20);
    if (bytes_read_file(&r->data, path, &e) < 0) die(&e);
    r->iq = (const int16_t *)(const void *)r->data.data;
    r->n = r->data.len / 4;
    r->rate_hz = jval_number(jval_get(r->truth, "fs_hz"), 0);

    struct air_receiver *receiver = NULL;
    struct air_receiver_config config = {.rate_hz = r->rate_hz,
                                         .low_hz = -96e3,
                                         .high_hz = 96e3,
                                         .bit_rate_100 = true,
                                         .bit_rate_600 = true};
    if (air_receiver_new(&receiver, &config, &e) < 0 ||
        air_receiver_push(receiver, r->iq, r->n, &e) < 0 || air_receiver_finish(receiver, &e) < 0)
        die(&e);
    while (r->n_frames < FRAMES_MAX && air_receiver_next(receiver, &r->frames[r->n_frames]))
        if (r->frames[r->n_frames].burst.checked) r->n_frames++;
    air_receiver_free(receiver);
}

static void close_recording(struct recording *r)
{
    jval_free(r->truth);
    bytes_deinit(&r->data);
}

static struct phy_measurement measure(const struct recording *r, const struct air_frame *frame)
{
    struct air_measure_frame f = air_measure_frame(frame);
    struct phy_measure_config config = {.rate_hz = r->rate_hz};
    struct phy_measurement m;
    struct err e = {0};
    int64_t from, to;
    air_measure_span(&f, r->rate_hz, &from, &to);
    if (to > (int64_t)r->n) to = (int64_t)r->n;
    if (air_measure(&config, &f, r->iq + 2 * from, from, (size_t)(to - from), &m, &e) < 0) die(&e);
    return m;
}

static void expect_near(const char *name, const struct phy_measurement *m, enum phy_quantity q,
                        double truth, double tolerance)
{
    const struct phy_value *v = &m->q[q];
    if (v->why) fail_msg("%s: %s is void: %s", name, phy_quantity_name(q), v->why);
    if (!(fabs(v->value - truth) <= tolerance))
        fail_msg("%s: expected %s of %g +- %g, measured %g", name, phy_quantity_name(q), truth,
                 tolerance, v->value);
}

// Four standard uncertainties, and what the recording's format rounds away.
static void check(const struct recording *r, const char *name, const struct jval *event)
{
    double rate = jval_number(jval_get(event, "bitrate"), 0);
    double start = jval_number(jval_get(event, "t_ref_s"), 0);
    double f_hz = jval_number(jval_get(event, "f_hz"), 0);
    double drift = jval_number(jval_get(event, "drift_hz_s"), 0);
    double half_s = (jval_number(jval_get(event, "t_end_s"), 0) - start) / 2;
    double rho = jval_number(jval_get(event, "rho"), 0);
    for (size_t i = 0; i < r->n_frames; i++) {
        const struct phy_burst *b = &r->frames[i].burst;
        if (fabs(b->f_hz - f_hz) > 20) continue;
        struct phy_measurement m = measure(r, &r->frames[i]);
        const struct phy_value *q = m.q;
        expect_near(name, &m, PHY_QUANTITY_f_mid_hz, f_hz + drift * half_s,
                    4 * q[PHY_QUANTITY_f_mid_hz].u + 0.0006);
        expect_near(name, &m, PHY_QUANTITY_drift_hz_s, drift,
                    4 * q[PHY_QUANTITY_drift_hz_s].u + 0.001);
        // half a sample: where the generator lets a symbol begin
        expect_near(name, &m, PHY_QUANTITY_t_mid_s, start + half_s,
                    4 * q[PHY_QUANTITY_t_mid_s].u + 0.5 / r->rate_hz);
        expect_near(name, &m, PHY_QUANTITY_bit_rate, rate,
                    4 * q[PHY_QUANTITY_bit_rate].u + 0.01 / r->rate_hz * rate * rate);
        expect_near(name, &m, PHY_QUANTITY_ebn0_db, jval_number(jval_get(event, "ebn0_db"), 0),
                    3 * q[PHY_QUANTITY_ebn0_db].u);
        expect_near(name, &m, PHY_QUANTITY_transition_symbols, rho, rho > 0 ? 0.02 : 0.06);
        expect_near(name, &m, PHY_QUANTITY_phase_error_rms_deg, 0,
                    3 * q[PHY_QUANTITY_phase_error_rms_deg].u);
        return;
    }
    fail_msg("%s: the burst at %.0f Hz was not received", name, f_hz);
}

static void test_recordings_made_elsewhere(void **state)
{
    (void)state;
    static const char *const names[] = {"cal_clean", "cal_shaped", "cal_600", "drift_15", "imp_iq"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct recording r;
        open_recording(&r, names[i]);
        const struct jval *events = jval_get(r.truth, "events");
        assert_true(jval_len(events) > 0);
        for (size_t k = 0; k < jval_len(events); k++)
            check(&r, names[i], jval_at(events, k));
        close_recording(&r);
    }
}

// 4 kHz beside one that is 40 dB stronger: motion is known, all else is the neighbour's, too.
static void test_a_neighbour_makes_void(void **state)
{
    (void)state;
    struct recording r;
    size_t judged = 0;
    open_recording(&r, "near_4kHz_40dB");
    for (size_t i = 0; i < r.n_frames; i++) {
        struct phy_measurement m = measure(&r, &r.frames[i]);
        bool strong = r.frames[i].burst.ebn0_db > 40;
        assert_null(m.q[PHY_QUANTITY_f_mid_hz].why);
        if (strong) assert_null(m.q[PHY_QUANTITY_occupied_hz].why);
        if (!strong) assert_non_null(strstr(m.q[PHY_QUANTITY_occupied_hz].why, "somebody else"));
        judged++;
    }
    assert_int_equal(judged, 2);
    close_recording(&r);
}

static void test_json_has_a_value_or_a_reason(void **state)
{
    (void)state;
    struct recording r;
    struct err e = {0};
    open_recording(&r, "cal_clean");
    assert_int_equal(r.n_frames, 1);
    struct phy_measurement m = measure(&r, &r.frames[0]);
    struct jval *j = air_measure_json(&m, &e);
    if (!j) die(&e);
    for (enum phy_quantity q = 0; q < PHY_QUANTITIES; q++) {
        const struct jval *v = jval_get(j, phy_quantity_name(q));
        assert_string_equal(jval_text(jval_get(v, "unit"), ""), phy_quantity_unit(q));
        bool has = jval_get(v, "value") != NULL;
        if (has == (jval_get(v, "void") != NULL))
            fail_msg("%s: expected a value or a reason", phy_quantity_name(q));
    }
    const struct jval *dbm = jval_get(j, "power_dbm");
    assert_non_null(strstr(jval_text(jval_get(dbm, "void"), ""), "no calibration"));
    assert_int_equal(jval_len(jval_get(j, "mask")), PHY_MASK_POINTS);
    const struct jval *point = jval_at(jval_get(j, "mask"), 0);
    assert_string_equal(jval_text(jval_get(point, "mark"), ""), "ASSUMED");
    assert_null(jval_get(point, "limit_dbc"));
    jval_free(j);
    close_recording(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings_made_elsewhere),
        cmocka_unit_test(test_a_neighbour_makes_void),
        cmocka_unit_test(test_json_has_a_value_or_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
