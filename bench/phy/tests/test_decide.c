// What is taken for a frame: what the check lets pass by chance is not, however it was decoded.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/phy/decide.h"

enum { BITS = 96 };

// Lets everything pass, as one check in 65536 does of what is none.
static bool lenient(const void *ctx, size_t sync, const uint8_t *body)
{
    (void)ctx;
    (void)sync;
    (void)body;
    return true;
}

static enum phy_vouch vouches(const void *ctx, size_t sync, const uint8_t *body)
{
    (void)sync;
    (void)body;
    return *(const enum phy_vouch *)ctx;
}

static struct phy_burst decide(double ebn0, const enum phy_vouch *word, bool plain_only)
{
    static struct phy_demodulated d;
    memset(&d, 0, sizeof d);
    d.ebn0 = ebn0;
    d.body_bits = BITS;
    for (size_t k = 0; k <= BITS; k++)
        d.weak[k] = 1;
    struct phy_receive_config config = {.check = lenient,
                                        .check_ctx = word,
                                        .vouch = word ? vouches : NULL,
                                        .plain_only = plain_only};
    struct phy_burst burst = {.body_bits = BITS};
    phy_decide(&config, &d, &burst);
    return burst;
}

static void test_a_check_below_noise_is_chance(void **state)
{
    (void)state;
    const double remains[] = {0.1, 0.36, 1, 1.3};
    for (size_t i = 0; i < sizeof remains / sizeof *remains; i++) {
        assert_false(decide(remains[i], NULL, false).checked);
        assert_false(decide(remains[i], NULL, true).checked);
    }
    assert_true(decide(1.5, NULL, false).checked);
    assert_int_equal(decide(1.5, NULL, false).how, PHY_HOW_PLAIN);
    assert_true(decide(1.5, NULL, true).checked);
}

static void test_the_sender_s_word_counts_at_any_level(void **state)
{
    (void)state;
    const enum phy_vouch right = PHY_VOUCH_RIGHT, wrong = PHY_VOUCH_WRONG;
    assert_true(decide(0.36, &right, false).checked);
    assert_false(decide(0.36, &wrong, false).checked);
    // A frame with a wrong tag that was received well is there, and must be seen.
    assert_true(decide(1.5, &wrong, false).checked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_check_below_noise_is_chance),
        cmocka_unit_test(test_the_sender_s_word_counts_at_any_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
