// The downlink side of the core network: zones, receive windows, decisions, confirmations. The
// numbers here are those of protocol.md 7.1, 7.2 and 8, written down once more.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/net/confirm.h"
#include "bench/net/reply.h"

static const struct {
    const char *zone;
    double up_mhz, shift_mhz, wait_s, listen_s, step_khz;
    bool senses;
} facts[] = {
    {"RC1", 868.130, 1.395, 20, 25, 6, false},     {"RC2", 902.200, 3.0, 20, 25, 25, false},
    {"RC3-LBT", 923.200, -1.0, 19, 33.5, 6, true}, {"RC3-LDC", 923.200, -1.0, 19, 33.5, 6, false},
    {"RC4", 920.800, 1.5, 20, 25, 25, false},      {"RC5", 923.300, -1.0, 19, 33.5, 6, true},
    {"RC6", 865.200, 1.1, 20, 25, 6, false},       {"RC7", 868.800, 0.3, 20, 25, 6, false},
};
enum { FACTS = sizeof facts / sizeof facts[0] };

static void assert_near(double got, double expected, double tolerance, const char *what)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: expected %.6f, got %.6f", what, expected, got);
}

static void test_zones_are_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACTS; i++) {
        const struct sfx_zone *z = sfx_zone_find(facts[i].zone);
        assert_non_null(z);
        assert_ptr_equal(z, sfx_zone_at(i));
        assert_near(z->uplink_hz, facts[i].up_mhz * 1e6, 0.01, z->name);
        assert_near(sfx_zone_shift_hz(z), facts[i].shift_mhz * 1e6, 0.01, z->name);
        assert_near(z->wait_s, facts[i].wait_s, 0, z->name);
        assert_near(z->listen_s, facts[i].listen_s, 0, z->name);
        assert_near(z->step_hz, facts[i].step_khz * 1e3, 0, z->name);
        assert_int_equal(z->sense_dbm < 0, facts[i].senses);
        assert_true(z->bit_rate_600);
        // RC2 and RC4 hop, and have no 100 bit/s
        assert_int_equal(z->bit_rate_100, z->access != SFX_ACCESS_HOPPING);
        assert_true(strlen(sfx_access_name(z->access)) > 0);
    }
    assert_null(sfx_zone_at(FACTS));
    assert_null(sfx_zone_find("RC3"));
    assert_null(sfx_zone_find("RC8"));
    assert_null(sfx_zone_find(""));
}

// protocol.md 8: EIRP, guard, access rule and threshold; and what is said of where each comes from.
static void test_zones_say_where_their_figures_come_from(void **state)
{
    (void)state;
    static const struct {
        double eirp_dbm, guard_hz, sense_dbm;
        enum sfx_access access;
    } rows[] = {
        {16, 18780, 0, SFX_ACCESS_DUTY_CYCLE}, {24, 21000, 0, SFX_ACCESS_HOPPING},
        {16, 19970, -80, SFX_ACCESS_LBT},      {16, 19970, 0, SFX_ACCESS_LDC},
        {24, 21000, 0, SFX_ACCESS_HOPPING},    {14, 19970, -65, SFX_ACCESS_LBT},
        {16, 18720, 0, SFX_ACCESS_DUTY_CYCLE}, {16, 18790, 0, SFX_ACCESS_DUTY_CYCLE},
    };
    for (size_t i = 0; i < FACTS; i++) {
        const struct sfx_zone *z = sfx_zone_at(i);
        assert_near(z->eirp_dbm, rows[i].eirp_dbm, 0, z->name);
        assert_near(z->guard_hz, rows[i].guard_hz, 0, z->name);
        assert_near(z->sense_dbm, rows[i].sense_dbm, 0, z->name);
        assert_int_equal(z->access, rows[i].access);
        struct sfx_zone_fact f;
        size_t n = 0, assumed = 0;
        bool sensed = false;
        for (; sfx_zone_fact(z, n, &f); n++) {
            bool guess = strcmp(f.mark, "ASSUMED") == 0;
            assert_true(guess || strcmp(f.mark, "C") == 0);
            assert_int_equal(guess, f.sources == 0);
            assert_true(strlen(f.name) > 2 && strlen(f.unit) > 0 && strlen(f.source) > 10);
            assumed += guess;
            sensed |= strcmp(f.name, "sense") == 0;
            if (strcmp(f.name, "wait") == 0) // 7.1: RC1 and RC2 by two sources, the others by one
                assert_int_equal(f.sources, i < 2 ? 2 : 1);
        }
        assert_int_equal(assumed, 2);
        assert_int_equal(sensed, facts[i].senses);
        assert_int_equal(n, facts[i].senses ? 11 : 10);
    }
}

// A message with three frames as a device sends it: where each frame lies when frame 1 ended at
// `end1_s`, and how long each was held up by carrier sensing.
static struct reply_request heard(const struct sfx_zone *z, unsigned rank, double end1_s,
                                  double frame_s, double f1_hz, double held2_s, double held3_s)
{
    double start_s[] = {end1_s - frame_s, end1_s + 0.5 + held2_s,
                        end1_s + 0.5 + held2_s + frame_s + 0.5 + held3_s};
    double f_hz[] = {f1_hz, f1_hz + z->step_hz, f1_hz - z->step_hz};
    return (struct reply_request){.zone = z,
                                  .rank = rank,
                                  .start_s = start_s[rank - 1],
                                  .end_s = start_s[rank - 1] + frame_s,
                                  .f_hz = f_hz[rank - 1]};
}

static void test_window_from_any_rank_is_the_same(void **state)
{
    (void)state;
    static const double frames_s[] = {112 / 100.0, 208 / 100.0, 112 / 600.0, 208 / 600.0};
    for (size_t i = 0; i < FACTS; i++) {
        const struct sfx_zone *z = sfx_zone_find(facts[i].zone);
        for (unsigned k = 0; k < 4 && !facts[i].senses; k++) {
            for (unsigned rank = 1; rank <= 3; rank++) {
                struct reply_request r =
                    heard(z, rank, 1000, frames_s[k], z->uplink_hz + 1234.5, 0, 0);
                struct reply_window w;
                assert_int_equal(reply_window(&r, &w, NULL), ERR_OK);
                assert_near(w.frame1_end_min_s, 1000, 1e-9, "end of frame 1, earliest");
                assert_near(w.frame1_end_max_s, 1000, 1e-9, "end of frame 1, latest");
                assert_near(w.open_s, 1000 + facts[i].wait_s, 1e-9, "opening");
                assert_near(w.close_s, 1000 + facts[i].wait_s + facts[i].listen_s, 1e-9, "end");
                assert_near(w.frame1_hz, z->uplink_hz + 1234.5, 1e-3, "frame 1");
                assert_near(w.downlink_hz, (facts[i].up_mhz + facts[i].shift_mhz) * 1e6 + 1234.5,
                            0.01, "downlink");
                assert_true(w.in_band);
            }
        }
    }
}

// Where a device senses the carrier, the gaps are unknown: the burst must lie in the window for the
// shortest and for the longest of them.
static void test_window_with_carrier_sensing_holds_for_every_gap(void **state)
{
    (void)state;
    static const char *const names[] = {"RC3-LBT", "RC5"};
    const double frame_s = 2.08;
    const double most3_s = (8.0 - 2 * 0.5 - frame_s) / 2; // each of two, in a message of three
    for (size_t i = 0; i < 2; i++) {
        const struct sfx_zone *z = sfx_zone_find(names[i]);
        const struct {
            unsigned rank;
            double held2_s, held3_s;
        } gaps[] = {{1, 0, 0},   {2, 0, 0}, {2, most3_s, 0},
                    {2, 7.5, 0}, {3, 0, 0}, {3, most3_s, most3_s}};
        for (size_t k = 0; k < sizeof gaps / sizeof gaps[0]; k++) {
            struct reply_request r = heard(z, gaps[k].rank, 500, frame_s, z->uplink_hz,
                                           gaps[k].held2_s, gaps[k].held3_s);
            struct reply_window w;
            double first_s, last_s;
            assert_int_equal(reply_window(&r, &w, NULL), ERR_OK);
            assert_true(w.frame1_end_min_s <= 500 + 1e-9 && w.frame1_end_max_s >= 500 - 1e-9);
            assert_int_equal(reply_start(&w, REPLY_EARLIEST, 0, 0, &first_s, NULL), ERR_OK);
            assert_int_equal(reply_start(&w, REPLY_LATEST, 0, 0, &last_s, NULL), ERR_OK);
            assert_true(first_s >= 500 + 19 - 1e-9);
            assert_true(last_s + 224 / 600.0 <= 500 + 19 + 33.5 + 1e-9);
            assert_true(first_s < last_s);
        }
    }
    // the extremes are really used: frame 1 known exactly, frame 2 within 7.5 s
    struct reply_request r = heard(sfx_zone_find("RC5"), 2, 500, frame_s, 923.3e6, 0, 0);
    struct reply_window w;
    assert_int_equal(reply_window(&r, &w, NULL), ERR_OK);
    assert_near(w.frame1_end_max_s - w.frame1_end_min_s, 7.5, 1e-9, "stretch to frame 2");
    r = heard(sfx_zone_find("RC5"), 3, 500, frame_s, 923.3e6, 0, 0);
    assert_int_equal(reply_window(&r, &w, NULL), ERR_OK);
    assert_near(w.frame1_end_max_s - w.frame1_end_min_s, 2 * most3_s, 1e-9, "stretch to frame 3");
}

static void test_window_refuses_what_is_no_frame(void **state)
{
    (void)state;
    const struct sfx_zone *z = sfx_zone_find("RC1");
    struct reply_window w;
    struct err e = {0};
    struct reply_request r = {.zone = z, .rank = 4, .start_s = 1, .end_s = 2};
    assert_int_equal(reply_window(&r, &w, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "got 4"));
    r.rank = 0;
    assert_int_equal(reply_window(&r, &w, &e), ERR_INVALID);
    r = (struct reply_request){.zone = z, .rank = 1, .start_s = 2, .end_s = 2};
    assert_int_equal(reply_window(&r, &w, &e), ERR_INVALID);
    r.end_s = NAN;
    assert_int_equal(reply_window(&r, &w, &e), ERR_INVALID);
}

static void test_window_knows_the_edge_of_the_band(void **state)
{
    (void)state;
    static const struct {
        unsigned rank;
        double offset_hz; // of the frame that was heard
        bool in_band;
    } edges[] = {{1, 95999, true},  {1, 96001, false},  {1, -95999, true},  {1, -96001, false},
                 {2, 101999, true}, {2, 102001, false}, {3, -101999, true}, {3, -102001, false}};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        struct reply_request r = {.zone = sfx_zone_find("RC1"),
                                  .rank = edges[i].rank,
                                  .start_s = 10,
                                  .end_s = 11,
                                  .f_hz = 868.130e6 + edges[i].offset_hz};
        struct reply_window w;
        assert_int_equal(reply_window(&r, &w, NULL), ERR_OK);
        assert_int_equal(w.in_band, edges[i].in_band);
    }
}

static void test_start_at_the_edges(void **state)
{
    (void)state;
    const struct reply_window w = {.open_s = 120, .close_s = 145};
    const double burst_s = 224 / 600.0;
    double s;
    struct err e = {0};
    assert_int_equal(reply_start(&w, REPLY_EARLIEST, 0, 0, &s, NULL), ERR_OK);
    assert_near(s, 120, 1e-9, "earliest");
    assert_int_equal(reply_start(&w, REPLY_LATEST, 0, 0, &s, NULL), ERR_OK);
    assert_near(s + burst_s, 145, 1e-9, "latest");
    assert_int_equal(reply_start(&w, REPLY_MIDDLE, 0, 0, &s, NULL), ERR_OK);
    assert_near(s + burst_s / 2, 132.5, 1e-9, "middle");
    assert_int_equal(reply_start(&w, REPLY_EARLIEST, 0, 0.1, &s, NULL), ERR_OK);
    assert_near(s, 120.1, 1e-9, "earliest with a margin");

    // what can still be reached
    assert_int_equal(reply_start(&w, REPLY_EARLIEST, 130, 0.1, &s, NULL), ERR_OK);
    assert_near(s, 130, 1e-9, "as soon as possible");
    assert_int_equal(reply_start(&w, REPLY_MIDDLE, 130, 0.1, &s, NULL), ERR_OK);
    assert_near(s + burst_s / 2, 132.5, 1e-9, "middle still ahead");
    const double last_s = 145 - 0.1 - burst_s;
    assert_int_equal(reply_start(&w, REPLY_LATEST, last_s, 0.1, &s, NULL), ERR_OK);
    assert_near(s, last_s, 1e-9, "just in time");
    assert_int_equal(reply_start(&w, REPLY_LATEST, last_s + 1e-6, 0.1, &s, &e), ERR_TIMEOUT);
    assert_non_null(strstr(e.text, "ask the device for another message"));

    // margins that leave room, and that do not
    double widest_s = (25 - burst_s) / 2;
    assert_int_equal(reply_start(&w, REPLY_MIDDLE, 0, widest_s - 1e-6, &s, NULL), ERR_OK);
    assert_int_equal(reply_start(&w, REPLY_MIDDLE, 0, widest_s + 1e-6, &s, &e), ERR_INVALID);
    assert_int_equal(reply_start(&w, REPLY_MIDDLE, 0, -0.1, &s, &e), ERR_INVALID);
    assert_int_equal(reply_start(&w, REPLY_MIDDLE, 0, NAN, &s, &e), ERR_INVALID);
}

static const struct judge_result accepted = {.verdict = JUDGE_ACCEPTED, .tag_ok = true};
static const struct judge_result repeated = {.verdict = JUDGE_REPETITION, .tag_ok = true};
static const uint8_t payload[SFX_DL_PAYLOAD] = "12345678";

static void test_desk_answers_a_message_once(void **state)
{
    (void)state;
    struct reply_desk desk = {0};
    struct sfx_downlink dl = {0};
    struct sfx_uplink up = {.device_id = 0xABCD, .counter = 41, .bidirectional = true};
    assert_int_equal(reply_decide(&desk, &up, &accepted, 10, &dl), REPLY_NOTHING);
    reply_desk_put(&desk, payload);
    up.bidirectional = false;
    assert_int_equal(reply_decide(&desk, &up, &accepted, 10, &dl), REPLY_NOT_ASKED);
    up.bidirectional = true;
    for (int v = JUDGE_MALFORMED; v <= JUDGE_BLOCKED; v++) {
        const struct judge_result refused = {.verdict = (enum judge_verdict)v};
        assert_int_equal(reply_decide(&desk, &up, &refused, 10, &dl), REPLY_REFUSED);
    }
    assert_int_equal(dl.counter, 0); // nothing was given away so far

    // frame 1 was lost: the repetition is the one that asks
    assert_int_equal(reply_decide(&desk, &up, &repeated, 12, &dl), REPLY_SEND);
    assert_int_equal(dl.device_id, 0xABCD);
    assert_int_equal(dl.counter, 41);
    assert_memory_equal(dl.payload, payload, SFX_DL_PAYLOAD);

    // the same message again, from another rank or station, even if more waits
    reply_desk_put(&desk, payload);
    assert_int_equal(reply_decide(&desk, &up, &repeated, 14.6, &dl), REPLY_ANSWERED);
    up.counter = 43;
    assert_int_equal(reply_decide(&desk, &up, &accepted, 70, &dl), REPLY_SEND);
    assert_int_equal(dl.counter, 43);

    // it has been handed over: the next message finds none
    up.counter = 45;
    assert_int_equal(reply_decide(&desk, &up, &accepted, 130, &dl), REPLY_NOTHING);
}

static void test_desk_keeps_the_quota_of_a_day(void **state)
{
    (void)state;
    struct reply_desk desk = {.per_day = 4};
    struct sfx_downlink dl;
    struct sfx_uplink up = {.bidirectional = true};
    unsigned sent = 0;
    for (unsigned i = 0; i < 240; i++) { // ten a day for 24 days
        up.counter = (uint16_t)i;
        reply_desk_put(&desk, payload);
        enum reply_decision d = reply_decide(&desk, &up, &accepted, 8640.0 * i, &dl);
        assert_true(d == REPLY_SEND || d == REPLY_QUOTA);
        assert_int_equal(d == REPLY_SEND, i % 10 < 4);
        sent += d == REPLY_SEND;
    }
    assert_int_equal(sent, 96);
}

static void test_words_are_those_of_the_lists(void **state)
{
    (void)state;
    assert_string_equal(reply_decision_name(REPLY_NOT_ASKED), "not_asked");
    assert_string_equal(reply_decision_text(REPLY_QUOTA), "the day's downlinks are used up");
    assert_string_equal(confirm_verdict_name(CONFIRM_LATE), "late");
    for (int i = REPLY_SEND; i <= REPLY_QUOTA; i++)
        assert_true(strlen(reply_decision_name((enum reply_decision)i)) > 3);
    for (int i = CONFIRM_CONFIRMED; i <= CONFIRM_LATE; i++) {
        assert_true(strlen(confirm_verdict_name((enum confirm_verdict)i)) > 3);
        assert_true(strlen(confirm_verdict_text((enum confirm_verdict)i)) > 10);
    }
}

static void test_confirmation_at_the_edges(void **state)
{
    (void)state;
    const struct confirm_expect expect = {
        .device_id = 7, .counter = 127, .modulus = 128, .sent_s = 100};
    const struct sfx_control body = {.idle_mv = 3300, .rssi_dbm = -90};
    const struct judge_result bad = {.verdict = JUDGE_BAD_TAG};
    struct sfx_uplink right = {.device_id = 7, .counter = 0};
    sfx_control_put_confirmation(&right, &body);
    struct sfx_uplink stranger = right, request = right, next = right, keep_alive = right;
    stranger.device_id = 8;
    request.counter = 127;
    next.counter = 1;
    sfx_control_put_keep_alive(&keep_alive, &body);
    const struct {
        const struct sfx_uplink *up;
        unsigned rank;
        const struct judge_result *judged;
        double start_s;
        enum confirm_verdict verdict;
    } frames[] = {
        {&right, 1, &accepted, 102.0, CONFIRM_CONFIRMED},
        {&right, 1, &accepted, 101.31, CONFIRM_CONFIRMED},
        {&right, 1, &accepted, 101.29, CONFIRM_EARLY},
        {&right, 1, &accepted, 104.09, CONFIRM_CONFIRMED},
        {&right, 1, &accepted, 104.11, CONFIRM_LATE},
        {&right, 2, &accepted, 102.0, CONFIRM_WRONG_RANK},
        {&right, 1, &bad, 102.0, CONFIRM_BAD_TAG},
        {&request, 1, &accepted, 102.0, CONFIRM_WRONG_COUNTER},
        {&next, 1, &accepted, 102.0, CONFIRM_WRONG_COUNTER},
        {&stranger, 1, &accepted, 102.0, CONFIRM_OTHER},
        {&keep_alive, 1, &accepted, 102.0, CONFIRM_OTHER},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct confirm_result r;
        confirm_frame(&expect, frames[i].up, frames[i].rank, frames[i].judged, frames[i].start_s,
                      CONFIRM_TOLERANCE_S, &r);
        if (r.verdict != frames[i].verdict)
            fail_msg("frame %zu: expected %s, got %s", i, confirm_verdict_name(frames[i].verdict),
                     confirm_verdict_name(r.verdict));
        if (r.verdict != CONFIRM_OTHER) {
            assert_near(r.delay_s, frames[i].start_s - 100, 1e-9, "delay");
            assert_int_equal(r.body.rssi_dbm, -90);
        }
    }
}

// The judge signs with the key it holds, and with nothing else.
static void test_judge_signs_downlinks(void **state)
{
    (void)state;
    static const uint8_t raw[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    // the worked example of protocol.md section 3 with its published frame
    static const uint8_t frame_of_example[SFX_DL_FRAME] = {
        0x57, 0x5a, 0x44, 0x1c, 0x1d, 0xba, 0xd6, 0x4a, 0xee, 0xa1, 0xa6, 0x6b, 0xb4, 0xbc, 0x20};
    struct judge *j;
    struct secret key;
    struct err e = {0};
    uint8_t frame[SFX_DL_FRAME];
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), ERR_OK);
    assert_int_equal(judge_new(&j, NULL), ERR_OK);
    const struct judge_device d = {.id = 0xFEDCBA98, .key = &key, .modulus = 4096};
    assert_int_equal(judge_register(j, &d, NULL), ERR_OK);
    struct sfx_downlink dl = {.device_id = 0xFEDCBA98, .counter = 1};
    memcpy(dl.payload, "01234567", SFX_DL_PAYLOAD);
    assert_int_equal(judge_sign_downlink(j, &dl, NULL), ERR_OK);
    sfx_downlink_frame(&dl, frame);
    assert_memory_equal(frame, frame_of_example, sizeof frame);
    dl.device_id++;
    assert_int_equal(judge_sign_downlink(j, &dl, &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "fedcba99"));
    judge_free(j);
    secret_deinit(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zones_are_the_table),
        cmocka_unit_test(test_zones_say_where_their_figures_come_from),
        cmocka_unit_test(test_window_from_any_rank_is_the_same),
        cmocka_unit_test(test_window_with_carrier_sensing_holds_for_every_gap),
        cmocka_unit_test(test_window_refuses_what_is_no_frame),
        cmocka_unit_test(test_window_knows_the_edge_of_the_band),
        cmocka_unit_test(test_start_at_the_edges),
        cmocka_unit_test(test_desk_answers_a_message_once),
        cmocka_unit_test(test_desk_keeps_the_quota_of_a_day),
        cmocka_unit_test(test_words_are_those_of_the_lists),
        cmocka_unit_test(test_confirmation_at_the_edges),
        cmocka_unit_test(test_judge_signs_downlinks),
    };
    return cmocka_run_group_tests_name("net/reply", tests, NULL, NULL);
}
