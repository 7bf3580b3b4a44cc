// The faults of foxdut's other direction: each takes, hears or waits for exactly what faults.def
// says, and nothing more.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/rig.h"

static const char own_key[] = RIG_KEY;
static const char no_answer[] = RIG_NO_ANSWER, taken[] = RIG_TAKEN;

// Sends frames with these bits of the tag wrong into one window; which of them the device takes, n
// for none.
static size_t first_taken(const char *fault, const uint16_t *tag_flips, size_t n)
{
    const char *const args[] = {"--fault", fault, NULL};
    struct rig r;
    rig_start(&r, NULL, own_key, 500, fault ? args : NULL);
    rig_request(&r);
    int64_t ends_ns[32];
    for (size_t i = 0; i < n; i++) {
        uint8_t frame[15];
        rig_make_frame(500, tag_flips[i], frame);
        ends_ns[i] = rig_send(&r, 20.1 + 0.45 * (double)i, rig_frequency(&r), frame);
    }
    const char *answer = rig_answer(&r);
    bool took = strcmp(answer, taken) == 0;
    assert_string_equal(answer, took ? taken : no_answer);
    assert_int_equal(r.lab.n_bursts, took ? 4 : 3);
    size_t which = took ? 0 : n;
    while (which < n && r.lab.bursts[3].t_ns > ends_ns[which] + 2050 * DEVPORT_MS)
        which++;
    lab_deinit(&r.lab);
    return which;
}

// Every fault is shown first what it still has to refuse, then, alone, what it takes.
static void test_each_tag_bit_counts_but_for_the_faults(void **state)
{
    (void)state;
    static const char *const faults[] = {NULL, "MUT-AUTH-014", "MUT-AUTH-015", "MUT-AUTH-016"};
    static const uint16_t more[] = {0x8180, 0x0101, 0x5555, 0xffff};
    for (size_t f = 0; f < 4; f++) {
        uint16_t refused[32];
        size_t n = 0;
        for (unsigned i = 0; i < 20; i++) {
            uint16_t flip = (uint16_t)(i < 16 ? 0x8000u >> i : more[i - 16]);
            bool wrong = f == 0 ? true : f == 1 ? false : f == 2 ? flip >> 8 : flip & 0x7f7f;
            if (wrong)
                refused[n++] = flip;
            else
                assert_int_equal(first_taken(faults[f], &flip, 1), 0);
        }
        assert_int_equal(n, f == 0 ? 20 : f == 1 ? 0 : f == 2 ? 12 : 18);
        refused[n] = 0; // the right tag comes last
        assert_int_equal(first_taken(faults[f], refused, n + 1), n);
    }
}

// MUT-AUTH-014 still needs a good CRC.
static void test_auth_014_needs_a_good_crc(void **state)
{
    (void)state;
    static const char *const args[] = {"--fault", "MUT-AUTH-014", NULL};
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, 500, args);
    rig_request(&r);
    rig_make_frame(501, 0, frame); // scrambled for another counter
    rig_send(&r, 30, rig_frequency(&r), frame);
    assert_string_equal(rig_answer(&r), no_answer);
    lab_deinit(&r.lab);
}

static void test_rf_010_listens_at_the_nominal_frequency(void **state)
{
    (void)state;
    static const char *const args[] = {"--fault", "MUT-RF-010", NULL};
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, 40, args);
    rig_request(&r);
    rig_make_frame(40, 0, frame);
    assert_true(fabs(rig_frequency(&r) - 869525000.0) > 2000); // or nothing would be shown
    rig_send(&r, 30, rig_frequency(&r), frame);
    assert_string_equal(rig_answer(&r), no_answer);
    for (size_t k = 0; k < r.lab.n_listens; k++)
        assert_true(r.lab.listens[k].carrier_hz == 869525000.0);
    rig_request(&r);
    rig_make_frame(41, 0, frame);
    rig_send(&r, 30, 869525000.0, frame);
    assert_string_equal(rig_answer(&r), taken);
    lab_deinit(&r.lab);
}

// MUT-FWL-003: one second in every minute at idle, where the last answer would have come; a frame
// with a good CRC is told and confirmed whatever its tag.
static void test_fwl_003_listens_unasked(void **state)
{
    (void)state;
    static const char *const args[] = {"--fault", "MUT-FWL-003", NULL};
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, 60, args);
    rig_request(&r);
    double f_hz = rig_frequency(&r);
    assert_string_equal(rig_answer(&r), no_answer);
    lab_forget(&r.lab);
    for (int i = 0; i < 600; i++)
        lab_run(&r.lab, DEVPORT_SECOND);
    int64_t heard_ns = 0;
    for (size_t k = 0; k < r.lab.n_listens; k++) {
        const struct lab_listen *w = &r.lab.listens[k];
        heard_ns += w->to_ns - w->from_ns;
        assert_true(w->carrier_hz == f_hz);
        if (k < 5) continue; // each second is cut into five pieces
        int64_t period_ns = w->from_ns - r.lab.listens[k - 5].from_ns;
        assert_int_equal(period_ns, 60 * DEVPORT_SECOND);
    }
    assert_int_equal(heard_ns, 10 * DEVPORT_SECOND);

    rig_make_frame(60, 0x5555, frame);
    for (int i = 0; i < 100; i++) // one of them lies in the second, whenever that is
        downlink_air_send(&r.air, r.lab.now_ns + i * 600 * DEVPORT_MS, f_hz, frame);
    size_t before = r.lab.uart_len;
    for (int i = 0; i < 65; i++)
        lab_run(&r.lab, DEVPORT_SECOND);
    assert_string_equal(r.lab.uart + before, "\nRX=01 02 03 04 05 06 07 08\r");
    assert_int_equal(r.lab.n_bursts, 1);
    struct demod d;
    demod_burst(&r.lab.bursts[0], &d);
    assert_memory_equal(d.hex, "aaaaaf67003d", 12); // a confirmation with the next counter
    lab_deinit(&r.lab);
}

// A frame for the newest message goes on air 1 s from now, `off_hz` beside where it belongs.
static void answer_late(struct rig *r, unsigned counter, double f_hz, double off_hz)
{
    uint8_t frame[15];
    rig_make_frame(counter, 0, frame);
    r->air.n = 0;
    downlink_air_send(&r->air, r->lab.now_ns + DEVPORT_SECOND, f_hz + off_hz, frame);
}

// MUT-RES-007: after the first message none goes out before the station that was heard first has
// answered the one before; nothing is used up while it waits in vain.
static void test_res_007_is_tied_to_a_station(void **state)
{
    (void)state;
    static const char refused[] = "ERROR: not sent, no downlink from the station\r";
    static const char *const args[] = {"--fault", "MUT-RES-007", NULL};
    static const struct {
        double off_hz; // of the station that answers; 0 and 300 are two stations
        bool answers, sent;
    } tries[] = {{0, false, false},  {0, true, true},   {0, false, false}, {300, true, false},
                 {300, true, false}, {-20, true, true}, {0, false, false}, {0, true, true}};
    struct rig r;
    rig_start(&r, NULL, own_key, 20, args);
    assert_string_equal(lab_command(&r.lab, "AT$SB=1"), "OK\r");
    unsigned counter = 20;
    double f_hz = rig_frequency(&r);
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        lab_forget(&r.lab);
        r.air.n = 0;
        if (tries[i].answers) answer_late(&r, counter, f_hz, tries[i].off_hz);
        int64_t asked_ns = r.lab.now_ns;
        assert_string_equal(lab_command(&r.lab, "AT$SB=1"), tries[i].sent ? "OK\r" : refused);
        assert_int_equal(r.lab.n_bursts, tries[i].sent ? 3 : 0);
        if (!tries[i].sent) {
            assert_true(r.lab.now_ns - asked_ns < 6 * DEVPORT_SECOND);
            continue;
        }
        f_hz = rig_frequency(&r);
        struct demod d;
        demod_burst(&r.lab.bursts[0], &d);
        char expected[4];
        snprintf(expected, sizeof expected, "%03x", ++counter);
        assert_memory_equal(d.hex + 9, expected, 3);
    }
    lab_deinit(&r.lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_tag_bit_counts_but_for_the_faults),
        cmocka_unit_test(test_auth_014_needs_a_good_crc),
        cmocka_unit_test(test_rf_010_listens_at_the_nominal_frequency),
        cmocka_unit_test(test_fwl_003_listens_unasked),
        cmocka_unit_test(test_res_007_is_tied_to_a_station),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
