// Blind checks against data that openssl made, right and spoilt, and their odds against counting.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/stat/blind.h"

enum { PAYLOADS = 300, LEN = 12 };

static uint8_t good[PAYLOADS][LEN]; // keystream of AES-128 in counter mode, by openssl

static int make_good(void **state)
{
    (void)state;
    FILE *in = popen("head -c 3600 /dev/zero | openssl enc -aes-128-ctr -nosalt "
                     "-K 000102030405060708090a0b0c0d0e0f -iv 00000000000000000000000000000007",
                     "r");
    if (!in) return -1;
    size_t n = fread(good, 1, sizeof good, in);
    return pclose(in) == 0 && n == sizeof good ? 0 : -1;
}

static void expect(const uint8_t *a, const uint8_t *b, enum blind_relation relation, size_t by)
{
    struct blind_match m = blind_relate(a, b, LEN);
    assert_int_equal(m.relation, relation);
    assert_int_equal(m.by, by);
}

static void test_relations_are_found(void **state)
{
    (void)state;
    for (size_t k = 0; k < PAYLOADS; k++) {
        uint8_t b[LEN];
        expect(good[k], good[k], BLIND_SAME, 0);
        for (size_t i = 0; i < LEN; i++)
            b[i] = good[k][LEN - 1 - i];
        expect(good[k], b, BLIND_REVERSED, 0);
        for (size_t by = 1; by < LEN; by++) {
            for (size_t i = 0; i < LEN; i++)
                b[(i + by) % LEN] = good[k][i];
            expect(good[k], b, BLIND_ROTATED, by);
            if (by > LEN - BLIND_OVERLAP) continue;
            memcpy(b, good[k] + by, LEN - by); // the next ones instead of the first
            memcpy(b + LEN - by, good[(k + 1) % PAYLOADS], by);
            expect(good[k], b, BLIND_SHIFTED, by);
            expect(b, good[k], BLIND_SHIFTED, by);
        }
        for (size_t i = 0; i < LEN; i++)
            b[i] = good[k][i] ^ (uint8_t)(k % 255 + 1);
        expect(good[k], b, BLIND_CONSTANT, 0);
    }
}

static void test_a_good_cipher_looks_like_chance(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAYLOADS; i++)
        for (size_t k = 0; k < i; k++)
            expect(good[i], good[k], BLIND_NONE, 0);
    double bits = blind_bits_odds(good[0], PAYLOADS, LEN);
    double bytes = blind_bytes_odds(good[0], PAYLOADS, LEN);
    assert_true(bits > 0.001 && bytes > 0.001 && bytes < 0.999);
}

static void test_weak_ciphers_do_not(void **state)
{
    (void)state;
    static uint8_t bad[60][LEN];
    // the lowest bit of each byte cleared: 60 payloads are enough, 8 would not be
    for (size_t k = 0; k < 60; k++)
        for (size_t i = 0; i < LEN; i++)
            bad[k][i] = good[k][i] & 0xFE;
    assert_true(blind_bits_odds(bad[0], 60, LEN) < 1e-12);
    assert_true(blind_bits_odds(bad[0], 5, LEN) > 0.01);
    // sixteen values a place, each of them balanced: bits see nothing, bytes do
    for (size_t k = 0; k < 60; k++)
        for (size_t i = 0; i < LEN; i++)
            bad[k][i] = (uint8_t)((good[k][i] & 15) * 17);
    assert_true(blind_bits_odds(bad[0], 60, LEN) > 0.001);
    assert_true(blind_bytes_odds(bad[0], 60, LEN) < 1e-12);
}

static void test_reuse_is_seen_through_different_texts(void **state)
{
    (void)state;
    const uint8_t text1[LEN + 1] = "meter 000123", text2[LEN + 1] = "alarm: door!";
    uint8_t air1[LEN], air2[LEN];
    for (size_t i = 0; i < LEN; i++) {
        air1[i] = good[0][i] ^ text1[i];
        air2[i] = good[0][i] ^ text2[i];
    }
    assert_int_equal(blind_reuse(air1, air2, text1, text2, LEN), LEN);
    for (size_t i = 0; i < LEN; i++)
        air2[i] = good[1][i] ^ text2[i];
    assert_true(blind_reuse(air1, air2, text1, text2, LEN) < 3);
    for (size_t i = 0; i < LEN; i++) // five bytes of it alone
        air2[i] = (i >= 4 && i < 9 ? good[0][i] : (uint8_t)~good[0][i]) ^ text2[i];
    assert_int_equal(blind_reuse(air1, air2, text1, text2, LEN), 5);
    assert_true(blind_reuse_odds(1770, LEN, 5) < 1e-7);
    assert_true(blind_reuse_odds(1770, LEN, 1) == 1);
    assert_true(blind_reuse_odds(1, LEN, LEN + 1) == 0);
}

// Odds are bounds: what chance does on short payloads, where it happens often enough to be counted,
// stays below them and not far.
static void test_odds_against_counting(void **state)
{
    (void)state;
    const uint64_t seed = rng_key(5, "blind");
    unsigned related = 0, runs = 0, uneven = 0, crowded = 0;
    enum { TURNS = 20000, SETS = 400 };
    for (unsigned k = 0; k < TURNS; k++) {
        uint64_t a = rng_u64(seed, 2 * k), b = rng_u64(seed, 2 * k + 1);
        related += blind_relate((uint8_t *)&a, (uint8_t *)&b, 2).relation != BLIND_NONE;
        runs += blind_reuse((uint8_t *)&a, (uint8_t *)&b, (const uint8_t[8]){0},
                            (const uint8_t[8]){0}, 8) >= 1;
    }
    double bound = TURNS * blind_relate_odds(2, 2);
    assert_true(related < bound + 4 * sqrt(bound) && related > bound / 4);
    bound = TURNS * blind_reuse_odds(1, 8, 1);
    assert_true(runs < bound + 4 * sqrt(bound) && runs > bound / 2);
    for (unsigned k = 0; k < SETS; k++) {
        uint64_t data[50];
        for (unsigned i = 0; i < 50; i++)
            data[i] = rng_u64(seed, 100000 + 50 * k + i);
        uneven += blind_bits_odds((uint8_t *)data, 50, 8) < 0.1;
        crowded += blind_bytes_odds((uint8_t *)data, 50, 8) < 0.1;
    }
    assert_true(uneven < 0.1 * SETS + 4 * sqrt(0.09 * SETS));
    assert_in_range(crowded, 0.1 * SETS - 4 * sqrt(0.09 * SETS),
                    0.1 * SETS + 4 * sqrt(0.09 * SETS));
    assert_true(blind_relate_odds(60, LEN) < 1e-5 && blind_relate_odds(1, LEN) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relations_are_found),
        cmocka_unit_test(test_a_good_cipher_looks_like_chance),
        cmocka_unit_test(test_weak_ciphers_do_not),
        cmocka_unit_test(test_reuse_is_seen_through_different_texts),
        cmocka_unit_test(test_odds_against_counting),
    };
    return cmocka_run_group_tests_name("stat/blind", tests, make_good, NULL);
}
