// The receiver on synthetic streams: every burst once, wherever it lies and however it is pushed.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/phy/receive.h"
#include "bench/phy/tests/syncs.h"
#include "bench/phy/tests/synth.h"

enum { BURSTS_MAX = 32 };

// From bench/air/tests' recordings: encoded by librenard. Classes C and E rank 1, C rank 2, B
// rank 3.
static const char class_c[] = "aaaaa35f0cee9b36fb9d7c02bfc22bc251bc";
static const char class_e[] = "aaaaa94ccdfc8030d991f3ac017ff0480321db92aaecfec8a486";
static const char class_c_2[] = "aaaaa598087ae024833df8964daffa5ef9cc";
static const char class_b_3[] = "aaaaa30209264337d9c751b487789b";

static void die(const struct err *e)
{
    fail_msg("%s", e->text);
}

static struct phy_receiver *make_config(double rate, double low, double high, bool slow, bool fast,
                                        bool unsure)
{
    struct phy_sync syncs[SYNCS];
    struct phy_receive_config config = {
        .rate_hz = rate,
        .low_hz = low,
        .high_hz = high,
        .bit_rate_100 = slow,
        .bit_rate_600 = fast,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
        .check = syncs_check,
        .unsure = unsure,
    };
    struct phy_receiver *r = NULL;
    struct err e = {0};
    if (phy_receiver_new(&r, &config, &e) < 0) die(&e);
    return r;
}

static struct phy_receiver *make(double rate, double low, double high, bool slow, bool fast)
{
    return make_config(rate, low, high, slow, fast, false);
}

static int16_t *render(const struct synth *s, size_t n)
{
    int16_t *iq = malloc(n * 2 * sizeof *iq);
    assert_non_null(iq);
    synth_render(s, 0, n, iq);
    return iq;
}

static size_t take_all(struct phy_receiver *r, struct phy_burst *out, size_t n)
{
    while (n < BURSTS_MAX && phy_receiver_next(r, &out[n]))
        n++;
    return n;
}

static size_t receive(struct phy_receiver *r, const int16_t *iq, size_t n, size_t chunk,
                      struct phy_burst *out)
{
    struct err e = {0};
    size_t got = 0;
    for (size_t at = 0; at < n; at += chunk) {
        if (phy_receiver_push(r, iq + 2 * at, n - at < chunk ? n - at : chunk, &e) < 0) die(&e);
        got = take_all(r, out, got);
    }
    if (phy_receiver_finish(r, &e) < 0) die(&e);
    got = take_all(r, out, got);
    phy_receiver_free(r);
    return got;
}

static bool is_sent(const struct phy_burst *b, const struct synth_burst *sent, double rate)
{
    uint8_t body[PHY_BODY_BITS_MAX / 8] = {0};
    for (size_t i = 0; sent->hex[8 + 2 * i]; i++) {
        char digits[3] = {sent->hex[8 + 2 * i], sent->hex[9 + 2 * i], 0};
        body[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return b->checked && b->bit_rate == sent->bit_rate && memcmp(b->body, body, sizeof body) == 0 &&
           fabs(b->start_sample / rate - sent->start_s) < 0.5 / sent->bit_rate &&
           fabs(b->f_hz - sent->f_hz) < 0.02 * sent->bit_rate;
}

// Renders, receives, and wants each burst exactly once and nothing else.
static void expect_exactly(struct phy_receiver *r, struct synth *s, double seconds)
{
    size_t n = (size_t)(seconds * s->rate_hz);
    int16_t *iq = render(s, n);
    struct phy_burst got[BURSTS_MAX];
    size_t n_got = receive(r, iq, n, 10007, got);
    free(iq);
    for (size_t i = 0; i < s->n_bursts; i++) {
        size_t hits = 0;
        for (size_t k = 0; k < n_got; k++)
            hits += is_sent(&got[k], &s->bursts[i], s->rate_hz);
        if (hits != 1)
            fail_msg("burst %zu at %.0f Hz: expected once, found %zu times", i, s->bursts[i].f_hz,
                     hits);
    }
    assert_int_equal(n_got, s->n_bursts);
}

static void test_any_push_size_gives_the_same(void **state)
{
    (void)state;
    const struct synth_burst bursts[] = {
        {class_c, 100, 0.31, 5000, 3, 12, 0.25, 0.1},
        {class_e, 100, 0.52, -12000, -8, 15, 0.5, 0.2},
        {class_b_3, 600, 1.1, 15000, 0, 15, 0, 0},
    };
    struct synth s = {48000, 20, 0, 7, bursts, 3};
    size_t n = 48000 * 3;
    int16_t *iq = render(&s, n);
    struct phy_burst first[BURSTS_MAX], again[BURSTS_MAX];
    memset(first, 0, sizeof first);
    size_t n_first = receive(make(48000, -96e3, 96e3, true, true), iq, n, n, first);
    assert_int_equal(n_first, 3);
    static const size_t chunks[] = {1, 479, 480, 481, 16384};
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        memset(again, 0, sizeof again);
        size_t n_again = receive(make(48000, -96e3, 96e3, true, true), iq, n, chunks[i], again);
        assert_int_equal(n_again, n_first);
        for (size_t k = 0; k < n_first; k++) {
            assert_true(again[k].start_sample == first[k].start_sample);
            assert_true(again[k].f_hz == first[k].f_hz);
            assert_true(again[k].ebn0_db == first[k].ebn0_db);
            assert_memory_equal(again[k].soft, first[k].soft, sizeof first[k].soft);
        }
    }
    free(iq);
}

// The same through the decimating front end, whose blocks are longer.
static void test_any_push_size_gives_the_same_when_decimated(void **state)
{
    (void)state;
    const struct synth_burst bursts[] = {{class_c, 100, 0.25, 150e3, 3, 12, 0.25, 0.1}};
    struct synth s = {1562500 / 3.0, 20, 0, 8, bursts, 1};
    size_t n = (size_t)(s.rate_hz * 1.9);
    int16_t *iq = render(&s, n);
    struct phy_burst first[BURSTS_MAX], again[BURSTS_MAX];
    assert_int_equal(receive(make(s.rate_hz, 19e3, 211e3, true, false), iq, n, n, first), 1);
    assert_int_equal(receive(make(s.rate_hz, 19e3, 211e3, true, false), iq, n, 777, again), 1);
    assert_true(again[0].start_sample == first[0].start_sample);
    assert_true(again[0].f_hz == first[0].f_hz);
    assert_memory_equal(again[0].soft, first[0].soft, sizeof first[0].soft);
    free(iq);
}

static void test_the_whole_band_is_heard(void **state)
{
    (void)state;
    // a live Pluto's rate and offset; both edges, the middle, and close neighbours, all at once
    const struct synth_burst bursts[] = {
        {class_c, 100, 0.20, 19.2e3, 0, 12, 0.25, 0.1},
        {class_e, 100, 0.25, 210.8e3, 0, 12, 0.25, 0.2},
        {class_c_2, 100, 0.30, 115e3, 5, 12, 0, 0.3},
        {class_b_3, 100, 0.35, 116e3, -5, 14, 0.5, 0.4},
        {class_c, 100, 0.45, 60e3, 0, 20, 0.25, 0.5},
        {class_e, 100, 0.22, 61e3, 0, 24, 0.25, 0.6},
    };
    struct synth s = {1562500 / 3.0, 20, 0, 3, bursts, 6};
    expect_exactly(make(s.rate_hz, 19e3, 211e3, true, false), &s, 2.6);
}

static void test_rates_from_slow_to_fast(void **state)
{
    (void)state;
    static const double rates[] = {48e3, 62500.5, 96e3, 250e3, 1e6, 2.5e6};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const struct synth_burst bursts[] = {
            {class_b_3, 100, 0.1003, 0.41 * fmin(rates[i], 230e3), 2, 13, 0.25, 0.3},
            {class_c, 600, 0.3, -0.2 * fmin(rates[i], 230e3), 2, 13, 0.25, 0.3},
        };
        struct synth s = {rates[i], 30, 0, i, bursts, 2};
        expect_exactly(make(rates[i], -96e3, 96e3, true, true), &s, 1.45);
    }
}

static void test_drift_to_30_hz_per_second(void **state)
{
    (void)state;
    const struct synth_burst bursts[] = {
        {class_e, 100, 0.30, 5000, 30, 13, 0.25, 0.1},
        {class_e, 100, 0.41, -5000, -30, 13, 0.25, 0.2},
        {class_b_3, 100, 0.52, 15000, -30, 13, 0, 0.3},
        {class_c_2, 600, 1.03, -15000, 30, 13, 0.5, 0.4},
    };
    struct synth s = {48000, 20, 0, 11, bursts, 4};
    expect_exactly(make(48000, -96e3, 96e3, true, true), &s, 2.8);
}

static void test_what_a_strong_neighbour_hides_is_found(void **state)
{
    (void)state;
    // beside the strong one's own spectrum, which is louder there: only without it can they be read
    static const struct {
        double away_hz, louder_db, rho;
    } cases[] = {{500, 30, 0.25}, {1000, 40, 0}, {-700, 33, 0.5}, {2000, 40, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct synth_burst bursts[] = {
            {class_e, 100, 0.30, 5000 + cases[i].away_hz, 2, 13 + cases[i].louder_db, cases[i].rho,
             0.1},
            {class_c, 100, 0.45, 5000, -1, 13, 0.25, 0.2},
        };
        struct synth s = {48000, 3, 0, 3 + i, bursts, 2};
        expect_exactly(make(48000, -96e3, 96e3, true, true), &s, 3);
    }
}

// Pairs on the air at once, nearer than they are wide: the stronger is read through the weaker and
// taken out, and what the weaker was taken for beside it is forgotten.
static void test_bursts_that_collide_are_both_read(void **state)
{
    (void)state;
    static const struct {
        double apart_hz, weak_s, strong_s, more_db;
    } pairs[] = {
        {-25, 0.507, 0.633, 7.2}, // the weaker first
        {25, 0.777, 0.577, 7.2},  // the stronger first
        {100, 0.449, 0.417, 7.4}, // heads at the same time
        {-80, 0.439, 0.502, 4},   {60, 0.561, 0.353, 5.6}, {-80, 0.323, 0.672, 9.2},
    };
    enum { PAIRS = sizeof pairs / sizeof pairs[0] };
    struct synth_burst bursts[2 * PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        double f = -20e3 + 7.1e3 * (double)i;
        const char *weak = i % 2 ? class_b_3 : class_c, *strong = i % 2 ? class_c_2 : class_e;
        bursts[2 * i] = (struct synth_burst){weak, 100, pairs[i].weak_s, f, 0, 15, 0.25, 0.1};
        bursts[2 * i + 1] = (struct synth_burst){
            strong, 100, pairs[i].strong_s, f + pairs[i].apart_hz, 0, 15 + pairs[i].more_db,
            0.25,   0.3};
    }
    struct synth s = {48000, 20, 0, 11, bursts, 2 * PAIRS};
    size_t n = 48000 * 3;
    int16_t *iq = render(&s, n);
    struct phy_burst got[BURSTS_MAX];
    size_t n_got = receive(make_config(48000, -24e3, 24e3, true, false, true), iq, n, 10007, got);
    free(iq);
    size_t n_checked = 0;
    for (size_t k = 0; k < n_got; k++)
        n_checked += got[k].checked;
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        size_t hits = 0;
        for (size_t k = 0; k < n_got; k++)
            hits += is_sent(&got[k], &bursts[i], s.rate_hz);
        if (hits != 1)
            fail_msg("the %s of pair %zu: expected once, found %zu times",
                     i % 2 ? "stronger" : "weaker", i / 2, hits);
    }
    assert_int_equal(n_checked, 2 * PAIRS);
}

static void test_a_steady_carrier_beside_a_burst_is_taken_out(void **state)
{
    (void)state;
    // twice the burst's amplitude, 60 Hz from its carrier: the receiver's own DC, or a spur
    const struct synth_burst sent = {class_c, 100, 0.45, 60, 1, 15, 0.25, 0.2};
    struct synth s = {48000, 3, 0, 3, &sent, 1};
    size_t n = 48000 * 5 / 2;
    int16_t *iq = render(&s, n);
    for (size_t i = 0; i < n; i++)
        iq[2 * i] = (int16_t)(iq[2 * i] + 2);
    struct phy_burst got[BURSTS_MAX];
    assert_int_equal(receive(make(48000, -96e3, 96e3, true, true), iq, n, 1000, got), 1);
    assert_true(is_sent(&got[0], &sent, 48000));
    free(iq);
}

static void test_payloads_that_are_lines_themselves(void **state)
{
    (void)state;
    // all zeros: a flip every symbol, two lines; all ones: the carrier alone
    char zeros[64], ones[64];
    uint8_t packet[20] = {0x0b, 0xd0};
    synth_frame(packet, sizeof packet, zeros);
    memset(packet, 0xff, sizeof packet);
    synth_frame(packet, sizeof packet, ones);
    const struct synth_burst bursts[] = {
        {zeros, 100, 0.30, 5000, 2, 12, 0.25, 0.1},
        {ones, 100, 0.40, -5000, -2, 12, 0.25, 0.2},
        {zeros, 600, 0.50, 12000, 2, 12, 0.25, 0.1},
        {ones, 600, 0.60, -15000, -2, 12, 0.25, 0.2},
    };
    struct synth s = {48000, 10, 0, 4, bursts, 4};
    expect_exactly(make(48000, -96e3, 96e3, true, true), &s, 2.8);
}

static void test_noise_gives_nothing(void **state)
{
    (void)state;
    struct synth s = {250e3, 20, 0, 21, NULL, 0};
    expect_exactly(make(250e3, -96e3, 96e3, true, true), &s, 8);
}

static void test_silence_gives_nothing_and_hurts_nothing(void **state)
{
    (void)state;
    // no noise at all before, during and after: the lab's air may be that clean
    const struct synth_burst bursts[] = {{class_c, 100, 2.5, 3000, 0, 25, 0.25, 0.1}};
    struct synth s = {48000, 20, 1, 1, bursts, 1};
    expect_exactly(make(48000, -96e3, 96e3, true, true), &s, 6);
}

static void test_image_is_no_burst_of_its_own(void **state)
{
    (void)state;
    const struct synth_burst sent = {class_c, 100, 0.4, 7000, 4, 45, 0.25, 0.1};
    const struct synth_burst both[] = {sent, {class_c, 100, 0.4, -7000, -4, 15, 0.25, -0.1}};
    struct synth s = {48000, 3, 0, 5, both, 2};
    size_t n = 48000 * 5 / 2;
    int16_t *iq = render(&s, n);
    struct phy_burst got[BURSTS_MAX];
    assert_int_equal(receive(make(48000, -96e3, 96e3, true, true), iq, n, 1000, got), 1);
    assert_true(is_sent(&got[0], &sent, 48000));
    assert_false(got[0].clipped);
    free(iq);
}

static void test_clipping_is_flagged_and_its_products_are_not_reported(void **state)
{
    (void)state;
    const struct synth_burst sent = {class_c, 100, 0.4, 3000, 0, 66, 0.25, 0.1};
    struct synth s = {48000, 20, 0, 5, &sent, 1};
    size_t n = 48000 * 5 / 2;
    int16_t *iq = render(&s, n);
    struct phy_burst got[BURSTS_MAX];
    assert_int_equal(receive(make(48000, -96e3, 96e3, true, true), iq, n, 1000, got), 1);
    assert_true(is_sent(&got[0], &sent, 48000));
    assert_true(got[0].clipped);
    free(iq);
}

static void test_bursts_come_in_order_soon_and_before_they_are_settled(void **state)
{
    (void)state;
    const struct synth_burst bursts[] = {
        {class_b_3, 100, 0.20, 5000, 0, 15, 0.25, 0}, {class_e, 100, 0.25, -9000, 0, 15, 0.25, 0},
        {class_c, 100, 2.60, 12000, 0, 30, 0.25, 0},  {class_c, 600, 3.00, -3000, 0, 15, 0.25, 0},
        {class_e, 100, 4.30, 1000, 0, 12, 0.25, 0},
    };
    struct synth s = {48000, 10, 0, 9, bursts, 5};
    enum { CHUNK = 240 };
    size_t n = 48000 * 7, got = 0;
    int16_t *iq = render(&s, n);
    struct phy_receiver *r = make(48000, -96e3, 96e3, true, true);
    struct err e = {0};
    double last_end = 0;
    int64_t settled = 0;
    for (size_t at = 0; at < n; at += CHUNK) {
        if (phy_receiver_push(r, iq + 2 * at, CHUNK, &e) < 0) die(&e);
        struct phy_burst b;
        while (phy_receiver_next(r, &b)) {
            double end = b.start_sample + (33.0 + b.body_bits) / b.bit_rate * 48000;
            assert_true(end >= last_end);
            assert_true(end >= (double)settled); // never announced as past before it came
            double latency_s = ((double)(at + CHUNK) - end) / 48000;
            if (got >= 2) assert_true(latency_s < 0.060); // the first two overlap
            // soon: the lone ones within 60 ms
            last_end = end;
            got++;
        }
        assert_true(phy_receiver_settled(r) >= settled);
        settled = phy_receiver_settled(r);
        assert_true(settled <= (int64_t)(at + CHUNK));
    }
    assert_int_equal(got, 5);
    assert_true((double)n - (double)settled < 0.060 * 48000); // and silence is known as soon
    if (phy_receiver_finish(r, &e) < 0) die(&e);
    assert_true(phy_receiver_settled(r) == (int64_t)n);
    phy_receiver_free(r);
    free(iq);
}

static void test_a_burst_cut_off_by_the_end_is_not_reported(void **state)
{
    (void)state;
    const struct synth_burst bursts[] = {{class_c, 100, 0.4, 3000, 0, 20, 0.25, 0.1}};
    struct synth s = {48000, 20, 0, 5, bursts, 1};
    struct phy_burst got[BURSTS_MAX];
    int16_t *iq = render(&s, 48000 * 2);
    // 145 symbols end at 1.85 s
    size_t n = (size_t)(1.86 * 48000);
    assert_int_equal(receive(make(48000, -96e3, 96e3, true, false), iq, n, 1000, got), 1);
    n = (size_t)(1.70 * 48000);
    assert_int_equal(receive(make(48000, -96e3, 96e3, true, false), iq, n, 1000, got), 0);
    free(iq);
}

static void test_wrong_use_is_refused(void **state)
{
    (void)state;
    struct phy_sync syncs[SYNCS];
    struct phy_receive_config good = {
        .rate_hz = 48000,
        .low_hz = -20e3,
        .high_hz = 20e3,
        .bit_rate_100 = true,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
    };
    struct phy_receiver *r = NULL;
    struct err e = {0};
    struct phy_receive_config c = good;
    c.rate_hz = 1000;
    assert_int_equal(phy_receiver_new(&r, &c, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "48 000"));
    c = good;
    c.rate_hz = NAN;
    assert_int_equal(phy_receiver_new(&r, &c, &e), ERR_INVALID);
    c = good;
    c.low_hz = 30e3;
    c.high_hz = 90e3;
    assert_int_equal(phy_receiver_new(&r, &c, &e), ERR_INVALID);
    c = good;
    c.bit_rate_100 = false;
    assert_int_equal(phy_receiver_new(&r, &c, &e), ERR_INVALID);
    c = good;
    c.n_syncs = PHY_SYNC_MAX + 1;
    assert_int_equal(phy_receiver_new(&r, &c, &e), ERR_INVALID);
    syncs[3].head = 0x12345678;
    assert_int_equal(phy_receiver_new(&r, &good, &e), ERR_INVALID);

    r = make(48000, -20e3, 20e3, true, false);
    const int16_t iq[2] = {0, 0};
    assert_int_equal(phy_receiver_push(r, iq, 1, &e), ERR_OK);
    assert_int_equal(phy_receiver_finish(r, &e), ERR_OK);
    assert_int_equal(phy_receiver_finish(r, &e), ERR_OK);
    assert_int_equal(phy_receiver_push(r, iq, 1, &e), ERR_SEQUENCE);
    phy_receiver_free(r);
    phy_receiver_free(NULL);
}

// Few samples a symbol: neither their grid nor the receiver's own may show in a strong burst's
// start.

// A weak burst's head fits several types at times; whichever is tried last, the one that is
// reported is read to its own end.
static void test_weak_bursts_are_read_to_their_ends(void **state)
{
    (void)state;
    enum { BURSTS = 24 };
    struct synth_burst bursts[BURSTS];
    size_t heard = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        for (size_t i = 0; i < BURSTS; i++)
            bursts[i] = (struct synth_burst){
                class_e, 100, 0.2 + 0.01 * (double)i, -88e3 + 7.5e3 * (double)i, 0, 3.2, 0, 0};
        struct synth s = {250e3, 30, 0, seed, bursts, BURSTS};
        size_t n = 250000 * 5 / 2;
        int16_t *iq = render(&s, n);
        struct phy_burst got[BURSTS_MAX];
        size_t n_got = receive(make_config(250e3, -96e3, 96e3, true, false, true), iq, n, n, got);
        free(iq);
        for (size_t k = 0; k < n_got; k++) {
            double all = 0, last = 0;
            for (size_t i = 0; i <= got[k].body_bits; i++)
                all += i ? fabs((double)got[k].state[i]) : 0;
            for (size_t i = got[k].body_bits - 7; i <= got[k].body_bits; i++)
                last += fabs((double)got[k].state[i]);
            heard += got[k].body_bits == 176;
            assert_true(last / 8 > 0.1 * all / got[k].body_bits);
        }
    }
    assert_in_range(heard, 3 * BURSTS * 8 / 10, 3 * BURSTS);
}

static void test_start_is_finer_than_samples(void **state)
{
    (void)state;
    static const struct {
        double rate, bit_rate, ebn0_db, rms_max; // symbols; noise alone makes about half of it
    } points[] = {{48000, 600, 38, 5e-4}, {48000, 100, 44, 2.5e-4}};
    enum { BURSTS = 8 };
    for (size_t p = 0; p < 2; p++) {
        struct synth_burst bursts[BURSTS];
        double apart = 180 / points[p].bit_rate, square = 0;
        for (size_t i = 0; i < BURSTS; i++) // fractions of a sample all the way
            bursts[i] = (struct synth_burst){class_c,
                                             points[p].bit_rate,
                                             0.1 + (double)i * (apart + 0.129 / points[p].rate),
                                             -9123 + 2517 * (double)i,
                                             3 * (double)i - 10,
                                             points[p].ebn0_db,
                                             0.25,
                                             0.13 * (double)i};
        struct synth s = {points[p].rate, 4, 0, 7, bursts, BURSTS};
        size_t n = (size_t)((0.4 + BURSTS * apart) * s.rate_hz);
        int16_t *iq = render(&s, n);
        struct phy_burst got[BURSTS_MAX];
        size_t n_got = receive(make(s.rate_hz, -96e3, 96e3, true, true), iq, n, n, got);
        free(iq);
        assert_int_equal(n_got, BURSTS);
        for (size_t i = 0; i < BURSTS; i++) {
            double error = got[i].start_sample / s.rate_hz - bursts[i].start_s;
            square += pow(error * points[p].bit_rate, 2) / BURSTS;
        }
        if (!(sqrt(square) < points[p].rms_max))
            fail_msg("start at %.0f bit/s: expected within %.2g symbols rms, found %.2g",
                     points[p].bit_rate, points[p].rms_max, sqrt(square));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_push_size_gives_the_same),
        cmocka_unit_test(test_any_push_size_gives_the_same_when_decimated),
        cmocka_unit_test(test_the_whole_band_is_heard),
        cmocka_unit_test(test_rates_from_slow_to_fast),
        cmocka_unit_test(test_drift_to_30_hz_per_second),
        cmocka_unit_test(test_what_a_strong_neighbour_hides_is_found),
        cmocka_unit_test(test_bursts_that_collide_are_both_read),
        cmocka_unit_test(test_a_steady_carrier_beside_a_burst_is_taken_out),
        cmocka_unit_test(test_payloads_that_are_lines_themselves),
        cmocka_unit_test(test_noise_gives_nothing),
        cmocka_unit_test(test_silence_gives_nothing_and_hurts_nothing),
        cmocka_unit_test(test_image_is_no_burst_of_its_own),
        cmocka_unit_test(test_clipping_is_flagged_and_its_products_are_not_reported),
        cmocka_unit_test(test_bursts_come_in_order_soon_and_before_they_are_settled),
        cmocka_unit_test(test_a_burst_cut_off_by_the_end_is_not_reported),
        cmocka_unit_test(test_weak_bursts_are_read_to_their_ends),
        cmocka_unit_test(test_start_is_finer_than_samples),
        cmocka_unit_test(test_wrong_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
