// Replica codes and differential keying undone together: the three frames of the recording
// rep_4dB, encoded by librenard, and error rates against what the trellis' own distances allow.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/joint.h"
#include "bench/sfx/soft.h"

enum { BITS = 144, PACKETS = 1000, WEIGHT_MAX = 48, PHASES = 8 };

static const char *const frames[SFX_RANKS] = {
    "aaaaa611cfe3da5576627ce9f94ec3a8eddc4eb7229a",
    "aaaaa6bf9beac1ea90cbdda77bba1296a0457a417b71",
    "aaaaa72cfc1b2cc02bfae3d3871d7342d6ab5d1aea3c",
};

struct states {
    float frame[SFX_RANKS][SFX_JOINT_BITS_MAX + 1];
    const float *some[SFX_RANKS]; // of the ranks that were received
};

static double db(double x)
{
    return pow(10, x / 10);
}

// Keys the coded bits of one rank (0 changes the state) and adds noise; es_n0 of 0: none.
static void key_frame(struct states *s, unsigned rank, const uint8_t *coded, size_t bits,
                      double es_n0, uint64_t noise)
{
    uint64_t key = rng_key(noise, "joint noise");
    float sign = 1, scale = es_n0 > 0 ? (float)(4 * es_n0) : 4;
    double sigma = es_n0 > 0 ? sqrt(1 / (2 * es_n0)) : 0;
    for (size_t i = 0; i <= bits; i++) {
        if (i > 0 && !sfx_bit(coded, i - 1)) sign = -sign;
        s->frame[rank - 1][i] = scale * (sign + (float)(sigma * rng_normal(key, i)));
    }
    s->frame[rank - 1][0] = fabsf(s->frame[rank - 1][0]) * 8; // the head is known
    s->some[rank - 1] = s->frame[rank - 1];
}

static void make_message(struct states *s, unsigned ranks, size_t bits, double es_n0, uint64_t n,
                         uint8_t *sent)
{
    uint64_t key = rng_key(n, "joint packet");
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < bits / 8; i++)
        sent[i] = (uint8_t)rng_u64(key, i);
    for (unsigned r = 1; r <= SFX_RANKS; r++) {
        uint8_t coded[SFX_PACKET_MAX];
        if (!(ranks >> (r - 1) & 1)) continue;
        sfx_replica_encode(r, sent, bits / 8, coded);
        key_frame(s, r, coded, bits, es_n0, 10 * n + r);
    }
}

static void test_any_ranks_of_a_recorded_message(void **state)
{
    (void)state;
    uint8_t frame[SFX_RANKS][SFX_FRAME_MAX], packet[SFX_PACKET_MAX];
    for (size_t r = 0; r < SFX_RANKS; r++)
        assert_int_equal(hex_decode(frames[r], frame[r], sizeof frame[r], NULL), 22);
    for (unsigned ranks = 1; ranks < 8; ranks++) {
        struct states s = {0};
        for (unsigned r = 1; r <= SFX_RANKS; r++)
            if (ranks >> (r - 1) & 1) key_frame(&s, r, frame[r - 1] + 4, BITS, 0, 0);
        assert_true(sfx_joint_decode(s.some, BITS, packet) < 1e-6);
        assert_memory_equal(packet, frame[0] + 4, BITS / 8);
    }
}

static double q_function(double x)
{
    return 0.5 * erfc(x / sqrt(2));
}

// What two packets that differ in bit u differ in: phases that become (un)equal.
static unsigned turned(unsigned ranks, unsigned u, unsigned memory)
{
    unsigned d1 = memory & 1, d2 = memory >> 1;
    return ranks & (u | (u ^ d1 ^ d2) << 1 | (u ^ d2) << 2);
}

// The union bound of the packet error rate of the best decoder: every way to leave the right path
// and come back, or not to come back before the packet ends, with the number of symbols in which
// it differs.
static double packet_bound(unsigned ranks, double es_n0)
{
    static double paths[PHASES][4][WEIGHT_MAX + 1], next[PHASES][4][WEIGHT_MAX + 1];
    double bound = 0;
    memset(paths, 0, sizeof paths);
    unsigned first = turned(ranks, 1, 0);
    paths[first][1][__builtin_popcount(first)] = 1;
    for (unsigned after = 0; after < BITS; after++) {
        memset(next, 0, sizeof next);
        for (unsigned p = 0; p < PHASES; p++)
            for (unsigned m = 0; m < 4; m++)
                for (unsigned d = 0; d <= WEIGHT_MAX; d++) {
                    double ways = paths[p][m][d];
                    if (ways == 0) continue;
                    bound += ways * q_function(sqrt(2 * d * es_n0)); // the packet ended here
                    for (unsigned u = 0; u < 2; u++) {
                        unsigned to = (m << 1 | u) & 3, phase = p ^ turned(ranks, u, m);
                        unsigned weight = d + (unsigned)__builtin_popcount(phase);
                        if (weight > WEIGHT_MAX) continue;
                        if (to || phase)
                            next[phase][to][weight] += ways;
                        else // back: it could have left this much earlier or anywhere before
                            bound +=
                                (BITS - after - 1.0) * ways * q_function(sqrt(2 * weight * es_n0));
                    }
                }
        memcpy(paths, next, sizeof paths);
    }
    return bound;
}

static double level_for(unsigned ranks, double lost)
{
    double low = -5, high = 12;
    for (int i = 0; i < 12; i++) {
        double mid = (low + high) / 2;
        if (packet_bound(ranks, db(mid)) > lost)
            low = mid;
        else
            high = mid;
    }
    return high;
}

// Bits compared first, decoded then.
static bool soft_bits_do(const struct states *s, const uint8_t *sent)
{
    static float soft[SFX_RANKS][BITS];
    const float *some[SFX_RANKS] = {NULL};
    uint8_t packet[SFX_PACKET_MAX];
    for (size_t r = 0; r < SFX_RANKS; r++) {
        if (!s->some[r]) continue;
        for (size_t i = 0; i < BITS; i++) {
            float a = s->some[r][i], b = s->some[r][i + 1];
            soft[r][i] = copysignf(fminf(fabsf(a), fabsf(b)), a * b);
        }
        some[r] = soft[r];
    }
    sfx_soft_decode(some, BITS, packet);
    return memcmp(packet, sent, BITS / 8) == 0;
}

// Every choice of two or three ranks loses no more packets than the trellis' distances say, at
// levels at which bits compared first lose several times as many.
static void test_losses_are_what_theory_says(void **state)
{
    (void)state;
    static const unsigned choices[] = {3, 5, 6, 7};
    for (unsigned i = 0; i < 4; i++) {
        unsigned ranks = choices[i], lost = 0, lost_soft = 0;
        double level = level_for(ranks, 0.05);
        for (uint64_t n = 0; n < PACKETS; n++) {
            struct states s;
            uint8_t sent[SFX_PACKET_MAX], packet[SFX_PACKET_MAX];
            make_message(&s, ranks, BITS, db(level), 10000 * ranks + n, sent);
            (void)sfx_joint_decode(s.some, BITS, packet);
            lost += memcmp(packet, sent, BITS / 8) != 0;
            lost_soft += !soft_bits_do(&s, sent);
        }
        print_message("# ranks %x at %.2f dB: %u of %d lost, %u with bits compared first\n", ranks,
                      level, lost, PACKETS, lost_soft);
        // 0.05 is an upper bound; standard deviation 7
        assert_true(lost < 0.05 * PACKETS + 21 && lost > 0.02 * PACKETS);
        assert_true(lost_soft > 3 * lost);
    }
}

// From the bit that begins with symbol `at` on, the carrier is half a turn off.
static void slip(float *frame, size_t bits, size_t at)
{
    for (size_t i = at; i <= bits; i++)
        frame[i] = -frame[i];
}

static void test_carriers_that_slip_are_followed(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t n = 0; n < 200; n++) {
        struct states s;
        uint8_t sent[SFX_PACKET_MAX], packet[SFX_PACKET_MAX];
        make_message(&s, 7, BITS, db(4), 90000 + n, sent);
        slip(s.frame[n % 3], BITS, 1 + n * 31 % BITS);
        slip(s.frame[(n + 1) % 3], BITS, 1 + n * 17 % BITS);
        double doubt = sfx_joint_decode(s.some, BITS, packet);
        lost += memcmp(packet, sent, BITS / 8) != 0;
        assert_true(doubt < 0.04);
    }
    assert_in_range(lost, 0, 10);
}

// Frames of one message, and frames of three messages, are told apart by the doubt alone.
static void test_doubt_tells_strangers(void **state)
{
    (void)state;
    for (unsigned c = 0; c < SFX_CLASSES; c++) {
        size_t bits = sfx_body_bits((enum sfx_class)c);
        double together_two = 0, apart_two = 1, together = 0, apart = 1;
        for (uint64_t n = 0; n < 150; n++) {
            struct states s, other;
            uint8_t sent[SFX_PACKET_MAX], packet[SFX_PACKET_MAX];
            make_message(&s, 7, bits, db(2.5), 1000 * c + n, sent);
            make_message(&other, 7, bits, db(2.5), 100000 + 1000 * c + n, sent);
            together = fmax(together, sfx_joint_decode(s.some, bits, packet));
            const float *mixed[SFX_RANKS] = {s.frame[0], other.frame[1], NULL};
            apart_two = fmin(apart_two, sfx_joint_decode(mixed, bits, packet));
            s.some[n % 3] = NULL;
            together_two = fmax(together_two, sfx_joint_decode(s.some, bits, packet));
            make_message(&other, 1, bits, db(2.5), 200000 + 1000 * c + n, sent);
            mixed[2] = s.frame[2];
            mixed[0] = other.frame[0];
            apart = fmin(apart, sfx_joint_decode(mixed, bits, packet));
        }
        print_message("# class %c: doubt to %.3f and from %.3f of two, to %.3f and from %.3f of "
                      "three\n",
                      'A' + (int)c, together_two, apart_two, together, apart);
        assert_true(together_two < 0.045 && together < 0.045);
        assert_true(apart_two > 0.05 && apart > 0.06);
    }
}

static void test_values_that_are_no_numbers_do_no_harm(void **state)
{
    (void)state;
    static float odd[SFX_RANKS][10 * SFX_JOINT_BITS_MAX + 1];
    const float *const all[SFX_RANKS] = {odd[0], odd[1], odd[2]}, *const none[SFX_RANKS] = {NULL};
    uint8_t packet[SFX_PACKET_MAX + 1] = {[SFX_PACKET_MAX] = 0xA5};
    for (size_t i = 0; i < sizeof odd[0] / sizeof odd[0][0]; i++) {
        odd[0][i] = NAN;
        odd[1][i] = i % 2 ? INFINITY : -INFINITY;
        odd[2][i] = i % 3 ? 3e38f : -3e38f;
    }
    (void)sfx_joint_decode(all, SFX_JOINT_BITS_MAX, packet);
    (void)sfx_joint_decode(all, 10 * SFX_JOINT_BITS_MAX, packet); // more than there can be
    assert_int_equal(packet[SFX_PACKET_MAX], 0xA5);
    assert_true(sfx_joint_decode(none, SFX_JOINT_BITS_MAX, packet) == 1);
    for (size_t i = 0; i < SFX_PACKET_MAX; i++)
        assert_int_equal(packet[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_ranks_of_a_recorded_message),
        cmocka_unit_test(test_losses_are_what_theory_says),
        cmocka_unit_test(test_carriers_that_slip_are_followed),
        cmocka_unit_test(test_doubt_tells_strangers),
        cmocka_unit_test(test_values_that_are_no_numbers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
