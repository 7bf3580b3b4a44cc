// Soft decoding of replica codes: the three frames of the recording rep_4dB, encoded by librenard,
// and error rates against what the code's own distances allow.
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
#include "bench/sfx/soft.h"

enum { BITS = 144 };

static const char *const frames[SFX_RANKS] = {
    "aaaaa611cfe3da5576627ce9f94ec3a8eddc4eb7229a",
    "aaaaa6bf9beac1ea90cbdda77bba1296a0457a417b71",
    "aaaaa72cfc1b2cc02bfae3d3871d7342d6ab5d1aea3c",
};

// Returns how many bits of rank 1 to 3 are wrong in wrong_bits (may be NULL).
static void make_soft(float soft[SFX_RANKS][BITS], double wrong, unsigned wrong_bits[SFX_RANKS])
{
    unsigned unused[SFX_RANKS];
    if (!wrong_bits) wrong_bits = unused;
    uint64_t key = rng_key(5, "combine");
    for (size_t r = 0; r < SFX_RANKS; r++) {
        uint8_t frame[SFX_FRAME_MAX];
        wrong_bits[r] = 0;
        assert_int_equal(hex_decode(frames[r], frame, sizeof frame, NULL), 22);
        for (size_t i = 0; i < BITS; i++) {
            float sign = frame[4 + i / 8] >> (7 - i % 8) & 1 ? 1 : -1;
            // a wrong bit is a doubtful one, as on the air
            bool bad = rng_uniform(key, 1000 * r + i) < wrong;
            wrong_bits[r] += bad;
            soft[r][i] = bad ? -0.5f * sign : 2 * sign;
        }
    }
}

static void test_three_ranks_mend_each_other(void **state)
{
    (void)state;
    float soft[SFX_RANKS][BITS];
    uint8_t sent[SFX_FRAME_MAX], packet[SFX_PACKET_MAX];
    assert_int_equal(hex_decode(frames[0], sent, sizeof sent, NULL), 22);
    unsigned wrong[SFX_RANKS];
    make_soft(soft, 0.15, wrong);
    const float *all[SFX_RANKS] = {soft[0], soft[1], soft[2]};
    sfx_soft_decode(all, BITS, packet);
    assert_memory_equal(packet, sent + 4, BITS / 8);
    for (unsigned r = 0; r < SFX_RANKS; r++) {
        double part = sfx_soft_contradiction(r + 1, packet, BITS / 8, soft[r]);
        assert_true(wrong[r] > 5);
        assert_true(part * BITS > wrong[r] - 0.5 && part * BITS < wrong[r] + 0.5);
    }
}

static void test_any_two_ranks_and_any_one(void **state)
{
    (void)state;
    float soft[SFX_RANKS][BITS];
    uint8_t sent[SFX_FRAME_MAX], packet[SFX_PACKET_MAX];
    assert_int_equal(hex_decode(frames[0], sent, sizeof sent, NULL), 22);
    for (size_t missing = 0; missing < SFX_RANKS; missing++) {
        make_soft(soft, 0.04, NULL);
        const float *two[SFX_RANKS] = {soft[0], soft[1], soft[2]};
        two[missing] = NULL;
        sfx_soft_decode(two, BITS, packet);
        assert_memory_equal(packet, sent + 4, BITS / 8);

        make_soft(soft, 0, NULL);
        const float *one[SFX_RANKS] = {NULL};
        one[missing] = soft[missing];
        sfx_soft_decode(one, BITS, packet);
        assert_memory_equal(packet, sent + 4, BITS / 8);
    }
}

static void test_a_stranger_contradicts(void **state)
{
    (void)state;
    float soft[SFX_RANKS][BITS];
    uint8_t other[SFX_PACKET_MAX];
    make_soft(soft, 0, NULL);
    for (size_t i = 0; i < sizeof other; i++)
        other[i] = (uint8_t)rng_u64(7, i);
    for (unsigned r = 0; r < SFX_RANKS; r++) {
        double part = sfx_soft_contradiction(r + 1, other, BITS / 8, soft[r]);
        assert_true(part > 0.35 && part < 0.65);
    }
}

enum { PACKETS = 1500, WEIGHT_MAX = 48, CLASS_E_BITS = 8 * SFX_PACKET_MAX };

static double q_function(double x)
{
    return 0.5 * erfc(x / sqrt(2));
}

static unsigned sent_weight(unsigned ranks, unsigned u, unsigned state)
{
    unsigned d1 = state & 1, d2 = state >> 1, weight = 0;
    if (ranks & 1) weight += u;
    if (ranks & 2) weight += u ^ d1 ^ d2;
    if (ranks & 4) weight += u ^ d2;
    return weight;
}

// The union bound of the packet error rate of the best decoder: every way to leave the right path
// and come back, or not to come back before the packet ends, with the number of bits it differs in.
static double packet_bound(unsigned ranks, double es_n0)
{
    double paths[4][WEIGHT_MAX + 1] = {{0}}, bound = 0;
    paths[1][sent_weight(ranks, 1, 0)] = 1;
    for (unsigned after = 0; after < BITS; after++) {
        double next[4][WEIGHT_MAX + 1] = {{0}};
        for (unsigned s = 1; s < 4; s++)
            for (unsigned d = 0; d <= WEIGHT_MAX; d++) {
                if (paths[s][d] == 0) continue;
                double q = paths[s][d] * q_function(sqrt(2 * d * es_n0));
                bound += q; // left so late that the packet ended here
                for (unsigned u = 0; u < 2; u++) {
                    unsigned to = (s << 1 | u) & 3, weight = d + sent_weight(ranks, u, s);
                    if (weight > WEIGHT_MAX) continue;
                    if (to)
                        next[to][weight] += paths[s][d];
                    else // back: it could have left this much earlier or anywhere before
                        bound += (BITS - after - 1.0) * paths[s][d] *
                                 q_function(sqrt(2 * weight * es_n0));
                }
            }
        memcpy(paths, next, sizeof paths);
    }
    return bound;
}

// How many of PACKETS random packets come out wrong, with soft values or their signs alone. The
// packets and the noise are the same for both.
static unsigned wrong_packets(unsigned ranks, double es_n0, bool hard)
{
    uint64_t key = rng_key(ranks, "soft and hard");
    double sigma = sqrt(1 / (2 * es_n0));
    unsigned wrong = 0;
    for (uint64_t n = 0; n < PACKETS; n++) {
        static float soft[SFX_RANKS][BITS];
        const float *some[SFX_RANKS] = {NULL};
        uint8_t sent[BITS / 8], coded[BITS / 8], packet[BITS / 8];
        for (size_t i = 0; i < sizeof sent; i++)
            sent[i] = (uint8_t)rng_u64(key, 100000 * n + i);
        for (unsigned r = 0; r < SFX_RANKS; r++) {
            if (!(ranks >> r & 1)) continue;
            sfx_replica_encode(r + 1, sent, sizeof sent, coded);
            for (size_t i = 0; i < BITS; i++) {
                double y = (sfx_bit(coded, i) ? 1 : -1) +
                           sigma * rng_normal(key, 100000 * n + 1000 * (r + 1) + i);
                soft[r][i] = (float)(hard ? (y > 0 ? 1 : -1) : y);
            }
            some[r] = soft[r];
        }
        sfx_soft_decode(some, BITS, packet);
        wrong += memcmp(packet, sent, sizeof sent) != 0;
    }
    return wrong;
}

static double db(double x)
{
    return pow(10, x / 10);
}

// The level at which the bound says that this part of all packets is lost.
static double level_for(unsigned ranks, double lost)
{
    double low = -5, high = 12;
    for (int i = 0; i < 40; i++) {
        double mid = (low + high) / 2;
        if (packet_bound(ranks, db(mid)) > lost)
            low = mid;
        else
            high = mid;
    }
    return high;
}

// Every choice of two or three ranks loses as many packets as the code's distances say, and soft
// values are worth more than a decibel: signs alone, at one decibel more, still lose more.
static void test_soft_values_are_worth_what_theory_says(void **state)
{
    (void)state;
    static const unsigned choices[] = {3, 5, 6, 7};
    for (unsigned i = 0; i < 4; i++) {
        unsigned ranks = choices[i];
        double level = level_for(ranks, 0.06);
        unsigned soft = wrong_packets(ranks, db(level), false);
        unsigned hard = wrong_packets(ranks, db(level), true);
        unsigned hard_1db = wrong_packets(ranks, db(level + 1), true);
        print_message("# ranks %x at %.2f dB: %u of %d lost soft, %u hard, %u hard at 1 dB more\n",
                      ranks, level, soft, PACKETS, hard, hard_1db);
        // 0.06 is an upper bound; 90 expected at most, standard deviation 9
        assert_true(soft < 0.06 * PACKETS + 27 && soft > 0.025 * PACKETS);
        assert_true(hard_1db > soft && hard > 3 * soft);
    }
}

// One rank has no redundancy: every wrong bit is a wrong packet, soft or not.
static void test_one_rank_alone_is_its_hard_bits(void **state)
{
    (void)state;
    for (unsigned rank = 1; rank <= SFX_RANKS; rank++) {
        unsigned ranks = 1u << (rank - 1);
        double es_n0 = db(5), expected = 1 - pow(1 - q_function(sqrt(2 * es_n0)), BITS);
        unsigned soft = wrong_packets(ranks, es_n0, false),
                 hard = wrong_packets(ranks, es_n0, true);
        double sd = sqrt(PACKETS * expected * (1 - expected));
        assert_int_equal(soft, hard);
        assert_true(fabs(soft - PACKETS * expected) < 4 * sd);
    }
}

// Without noise any choice of ranks gives the packet, of every length there is.
static void test_any_choice_of_ranks_is_free_of_errors(void **state)
{
    (void)state;
    const uint64_t key = rng_key(3, "soft clean");
    for (unsigned c = 0; c < SFX_CLASSES; c++)
        for (unsigned ranks = 1; ranks < 8; ranks++)
            for (unsigned n = 0; n < 50; n++) {
                float soft[SFX_RANKS][CLASS_E_BITS];
                const float *some[SFX_RANKS] = {NULL};
                uint8_t sent[SFX_PACKET_MAX], coded[SFX_PACKET_MAX], packet[SFX_PACKET_MAX];
                size_t bits = sfx_body_bits((enum sfx_class)c);
                for (size_t i = 0; i < sizeof sent; i++)
                    sent[i] = (uint8_t)rng_u64(key, 10000 * c + 1000 * ranks + 20 * n + i);
                for (unsigned r = 0; r < SFX_RANKS; r++) {
                    if (!(ranks >> r & 1)) continue;
                    sfx_replica_encode(r + 1, sent, bits / 8, coded);
                    for (size_t i = 0; i < bits; i++)
                        soft[r][i] = sfx_bit(coded, i) ? 0.1f : -0.1f;
                    some[r] = soft[r];
                }
                sfx_soft_decode(some, bits, packet);
                assert_memory_equal(packet, sent, bits / 8);
            }
}

static void test_values_that_are_no_numbers_do_no_harm(void **state)
{
    (void)state;
    float odd[SFX_RANKS][CLASS_E_BITS];
    const float *const all[SFX_RANKS] = {odd[0], odd[1], odd[2]}, *const none[SFX_RANKS] = {NULL};
    uint8_t packet[SFX_PACKET_MAX + 1] = {[SFX_PACKET_MAX] = 0xA5};
    for (size_t i = 0; i < CLASS_E_BITS; i++) {
        odd[0][i] = NAN;
        odd[1][i] = i % 2 ? INFINITY : -INFINITY;
        odd[2][i] = i % 3 ? 3e38f : -3e38f;
    }
    sfx_soft_decode(all, CLASS_E_BITS, packet);
    sfx_soft_decode(all, 10 * CLASS_E_BITS, packet); // more than there can be
    assert_int_equal(packet[SFX_PACKET_MAX], 0xA5);
    sfx_soft_decode(none, CLASS_E_BITS, packet);
    for (size_t i = 0; i < SFX_PACKET_MAX; i++)
        assert_int_equal(packet[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_ranks_mend_each_other),
        cmocka_unit_test(test_any_two_ranks_and_any_one),
        cmocka_unit_test(test_a_stranger_contradicts),
        cmocka_unit_test(test_soft_values_are_worth_what_theory_says),
        cmocka_unit_test(test_one_rank_alone_is_its_hard_bits),
        cmocka_unit_test(test_any_choice_of_ranks_is_free_of_errors),
        cmocka_unit_test(test_values_that_are_no_numbers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
