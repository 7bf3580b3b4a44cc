// Ranks joined: the three frames are those of the recording rep_4dB, encoded by librenard.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/air/combine.h"
#include "bench/base/bytes.h"
#include "bench/base/rng.h"

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
    air_combine(all, BITS, packet);
    assert_memory_equal(packet, sent + 4, BITS / 8);
    for (unsigned r = 0; r < SFX_RANKS; r++) {
        double part = air_contradiction(SFX_CLASS_D, r + 1, packet, BITS / 8, soft[r]);
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
        air_combine(two, BITS, packet);
        assert_memory_equal(packet, sent + 4, BITS / 8);

        make_soft(soft, 0, NULL);
        const float *one[SFX_RANKS] = {NULL};
        one[missing] = soft[missing];
        air_combine(one, BITS, packet);
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
        double part = air_contradiction(SFX_CLASS_D, r + 1, other, BITS / 8, soft[r]);
        assert_true(part > 0.35 && part < 0.65);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_ranks_mend_each_other),
        cmocka_unit_test(test_any_two_ranks_and_any_one),
        cmocka_unit_test(test_a_stranger_contradicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
