// The reactive jammer's decision on synthetic messages: which frame, when, where; and that noise,
// gaps and its own noise give no orders.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/air/jam.h"
#include "bench/phy/tests/synth.h"

enum { BLOCK = 16384, ORDERS_MAX = 32, BLOCKS_MAX = 400 };

static int16_t recording[BLOCKS_MAX][2 * BLOCK];

static const double frame_s = 1.13; // 112 bits of 100 bit/s and the reference symbol

static struct air_jam_config usual(unsigned ranks)
{
    return (struct air_jam_config){.rate_hz = 260417,
                                   .low_hz = 10e3,
                                   .high_hz = 120e3,
                                   .ranks = ranks,
                                   .frame_s = frame_s,
                                   .tail_s = 0.1,
                                   .pause_s = 2,
                                   .above_db = 12};
}

struct result {
    struct air_jam_order orders[ORDERS_MAX];
    int64_t at[ORDERS_MAX]; // samples pushed when the order came
    size_t n;
};

// Runs a recording of `seconds` through a jammer, in blocks. With own_noise, what it
// hears while it jams is mostly itself.
static void listen(struct air_jam *j, double rate_hz, double seconds, int own_noise,
                   struct result *out)
{
    static int16_t iq[2 * BLOCK];
    int64_t quiet_from = 0;
    memset(out, 0, sizeof *out);
    for (int64_t k = 0; (double)k < seconds * rate_hz; k += BLOCK) {
        memcpy(iq, recording[k / BLOCK], sizeof iq);
        for (size_t i = 0; own_noise && i < BLOCK; i++)
            if (k + (int64_t)i < quiet_from)
                iq[2 * i] = (int16_t)(iq[2 * i] / 4 + ((k + (int64_t)i) / 4 % 2 ? 900 : -900));
        air_jam_push(j, k, iq, BLOCK);
        while (out->n < ORDERS_MAX && air_jam_next(j, &out->orders[out->n])) {
            quiet_from = out->orders[out->n].until;
            out->at[out->n++] = k + BLOCK;
        }
    }
}

static void record(const struct synth *s, double seconds)
{
    assert_true(seconds * s->rate_hz / BLOCK < BLOCKS_MAX);
    for (int64_t b = 0; (double)(b * BLOCK) < seconds * s->rate_hz; b++)
        synth_render(s, b * BLOCK, BLOCK, recording[b]);
}

// Three frames a message, half a second apart, at any frequencies.
static void make_messages(struct synth_burst *b, size_t messages, double ebn0_db, char *hex)
{
    static const uint8_t packet[8] = {0x10, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    static const double f_hz[] = {50123.4, 56123.4, 44123.4, 98765.4, 20001, 66666.6};
    synth_frame(packet, 8, hex);
    for (size_t i = 0; i < 3 * messages; i++)
        b[i] = (struct synth_burst){.hex = hex,
                                    .bit_rate = 100,
                                    .start_s = 0.7 + 8 * (double)(i / 3) + 1.63 * (double)(i % 3),
                                    .f_hz = f_hz[i % 6],
                                    .ebn0_db = ebn0_db,
                                    .rho = 0.3};
}

static void check_orders(const struct result *r, const struct synth_burst *b, size_t bursts,
                         unsigned ranks, double rate_hz, double f_tolerance_hz)
{
    size_t n = 0;
    for (size_t i = 0; i < bursts; i++) {
        if (!(ranks >> (i % 3) & 1)) continue;
        if (n >= r->n) fail_msg("mask %u: %zu orders, frame %zu has none", ranks, r->n, i);
        const struct air_jam_order *o = &r->orders[n];
        double late_s = (double)o->heard / rate_hz - b[i].start_s;
        double decided_s = (double)r->at[n] / rate_hz - b[i].start_s;
        if (o->rank != i % 3 + 1 || fabs(late_s) > 0.02 ||
            fabs(o->f_hz - b[i].f_hz) > f_tolerance_hz || decided_s > 0.16 + BLOCK / rate_hz)
            fail_msg("mask %u frame %zu: rank %u, heard %+.3f s, %+.1f Hz off, decided at %.3f s",
                     ranks, i, o->rank, late_s, o->f_hz - b[i].f_hz, decided_s);
        assert_int_equal(o->until - o->heard, llround(frame_s * rate_hz) + llround(0.1 * rate_hz));
        n++;
    }
    if (r->n != n) fail_msg("mask %u: %zu orders, expected %zu", ranks, r->n, n);
}

static void test_patterns(void **state)
{
    (void)state;
    char hex[SYNTH_HEX];
    struct synth_burst b[6];
    make_messages(b, 2, 25, hex);
    struct synth s = {.rate_hz = 260417, .noise_rms = 20, .seed = 5, .bursts = b, .n_bursts = 6};
    record(&s, 13.5);
    for (unsigned ranks = 1; ranks <= 6; ranks++) {
        struct air_jam_config c = usual(ranks);
        struct air_jam *j = NULL;
        struct err e = {0};
        if (air_jam_new(&j, &c, &e) < 0) fail_msg("%s", e.text);
        struct result r;
        listen(j, s.rate_hz, 13.5, ranks != 2, &r); // also deafened by itself
        check_orders(&r, b, 6, ranks, s.rate_hz, 8);
        for (size_t i = 0; ranks == 6 && i < r.n; i++)
            if (r.orders[i].rank == 2)
                // Eb/N0 25 dB over 20 words: 10 log(2 20^2 100 Hz / rate) + 25, against 2047.
                assert_true(fabs(r.orders[i].dbfs - (10 * log10(2 * 400 * 100 / s.rate_hz) + 25 -
                                                     20 * log10(2047))) < 1);
        air_jam_free(j);
    }
}

static void test_noise_gives_no_orders(void **state)
{
    (void)state;
    struct synth s = {.rate_hz = 260417, .noise_rms = 20, .seed = 9};
    struct air_jam_config c = usual(7);
    struct air_jam *j = NULL;
    struct err e = {0};
    assert_int_equal(air_jam_new(&j, &c, &e), ERR_OK);
    struct result r;
    record(&s, 20);
    listen(j, s.rate_hz, 20, 0, &r);
    assert_int_equal(r.n, 0);

    // A click, however loud, is no frame.
    static int16_t iq[2 * BLOCK];
    for (size_t i = 0; i < 5000; i++)
        iq[2 * i] = 2000;
    for (int64_t k = 0; k < 10; k++) {
        synth_render(&s, k * BLOCK, BLOCK, iq);
        for (size_t i = 0; k == 4 && i < 5000; i++)
            iq[2 * i] = (int16_t)lrint(2000 * cos(2 * M_PI * 0.2 * (double)i));
        air_jam_push(j, 10000000 + k * BLOCK, iq, BLOCK);
    }
    assert_false(air_jam_next(j, &r.orders[0]));

    // Nor is dead silence.
    memset(iq, 0, sizeof iq);
    for (int64_t k = 0; k < 20; k++)
        air_jam_push(j, 20000000 + k * BLOCK, iq, BLOCK);
    assert_false(air_jam_next(j, &r.orders[0]));
    air_jam_free(j);
}

// The count of ranks: by pauses, by hand, and by what was received.
static void test_counting(void **state)
{
    (void)state;
    char hex[SYNTH_HEX];
    struct synth_burst b[3];
    make_messages(b, 1, 25, hex);
    struct synth s = {.rate_hz = 260417, .noise_rms = 20, .seed = 6, .bursts = b, .n_bursts = 3};
    struct air_jam_config c = usual(1);
    struct err e = {0};
    struct air_jam *j = NULL;
    struct result r;

    b[2].start_s += 2; // a pause: not rank 3 of this message
    assert_int_equal(air_jam_new(&j, &c, &e), ERR_OK);
    record(&s, 9);
    listen(j, s.rate_hz, 9, 0, &r);
    assert_int_equal(r.n, 2);
    assert_true(fabs(r.orders[1].f_hz - b[2].f_hz) < 8);
    air_jam_free(j);
    b[2].start_s -= 2;

    // Rank 1 was missed; the receiver read rank 2 and says so: what follows is rank 3, not 2.
    c.ranks = 4;
    assert_int_equal(air_jam_new(&j, &c, &e), ERR_OK);
    s.n_bursts = 1;
    static int16_t iq[2 * BLOCK];
    int64_t k = 0;
    for (; (double)k < 2.1 * s.rate_hz; k += BLOCK) {
        synth_render(&s, k, BLOCK, iq);
        air_jam_push(j, k, iq, BLOCK);
    }
    assert_false(air_jam_next(j, &r.orders[0]));
    struct air_frame frame = {.rank = 2, .end_sample = (int64_t)((0.7 + 1.13) * s.rate_hz)};
    air_jam_received(j, &frame);
    s.n_bursts = 2;
    for (; (double)k < 3.5 * s.rate_hz; k += BLOCK) {
        synth_render(&s, k, BLOCK, iq);
        air_jam_push(j, k, iq, BLOCK);
    }
    assert_true(air_jam_next(j, &r.orders[0]));
    assert_int_equal(r.orders[0].rank, 3);
    air_jam_free(j);

    c.ranks = 7;
    assert_int_equal(air_jam_new(&j, &c, &e), ERR_OK);
    s.n_bursts = 3;
    int orders = 0;
    for (k = 0; (double)k < 5.2 * s.rate_hz; k += BLOCK) {
        synth_render(&s, k, BLOCK, iq);
        air_jam_push(j, k, iq, BLOCK);
        while (air_jam_next(j, &r.orders[0]))
            orders++;
    }
    assert_int_equal(orders, 3);
    air_jam_free(j);
}

static void refused(struct air_jam_config c, const char *part)
{
    struct air_jam *j = NULL;
    struct err e = {0};
    assert_int_equal(air_jam_new(&j, &c, &e), ERR_INVALID);
    assert_null(j);
    if (!strstr(e.text, part)) fail_msg("expected '%s' in: %s", part, e.text);
}

static void test_refusals(void **state)
{
    (void)state;
    struct air_jam_config c = usual(0);
    refused(c, "expected ranks out of 1, 2 and 3, got mask 0");
    c = usual(8);
    refused(c, "got mask 8");
    c = usual(1);
    c.high_hz = 140e3;
    refused(c, "within +-130208 Hz");
    c = usual(1);
    c.high_hz = c.low_hz + 1000;
    refused(c, "expected a band of 2 kHz at least");
    c = usual(1);
    c.frame_s = 0.1;
    refused(c, "longer than the 0.13 s");
    c = usual(1);
    c.above_db = 3;
    refused(c, "a threshold of 6 dB at least");
    c = usual(1);
    c.pause_s = 0;
    refused(c, "expected a pause above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_noise_gives_no_orders),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("reactive jammer", tests, NULL, NULL);
}
