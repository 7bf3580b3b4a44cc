// Traces of a message in a memory: places written by hand, not by the code that looks for them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "dut/trace.h"

enum { SIZE = 64 * 1024 };

static uint8_t before[SIZE], after[SIZE];

static const uint8_t genuine[] = "PAYLOADS", refused[] = "PAXLOADS";

static void renew(void)
{
    uint64_t noise = rng_key(20261123, "trace");
    for (size_t i = 0; i < SIZE; i++)
        before[i] = (uint8_t)rng_u64(noise, i);
    memcpy(after, before, SIZE);
}

static bool find(struct trace_hit *hit)
{
    return trace_find(before, after, SIZE, (struct trace_payload){refused, 8},
                      (struct trace_payload){genuine, 8}, hit);
}

static void test_changes_are_listed_as_places(void **state)
{
    (void)state;
    renew();
    struct trace_range r[2];
    size_t bytes = 9;
    assert_int_equal(trace_changes(before, after, SIZE, r, 2, &bytes), 0);
    assert_int_equal(bytes, 0);
    static const size_t at[] = {0, 5, 12, 30000, SIZE - 1}; // 4 between, then 6
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        after[at[i]] ^= 1;
    assert_int_equal(trace_changes(before, after, SIZE, r, 2, &bytes), 4);
    assert_int_equal(bytes, 5);
    assert_int_equal(r[0].from, 0);
    assert_int_equal(r[0].len, 6);
    assert_int_equal(r[1].from, 12);
    assert_int_equal(r[1].len, 1);
}

static void test_a_refused_payload_is_found_in_each_form(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum trace_form form;
        size_t first;
    } rows[] = {
        {"PAXLOADS", TRACE_RAW, 0},           {"AXLOAD", TRACE_RAW, 1},
        {"SDAOLXAP", TRACE_REVERSED, 0},      {"5041584c4f41", TRACE_TEXT, 0},
        {"50 41 58 4C 4F 41", TRACE_TEXT, 0}, {"58:4c:4f:41:44:53", TRACE_TEXT, 2},
    };
    static const size_t places[] = {0, 4093, SIZE - 18};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            struct trace_hit hit;
            renew();
            memcpy(after + places[k], rows[i].bytes, strlen(rows[i].bytes));
            if (!find(&hit)) fail_msg("%s at %zu is not found", rows[i].bytes, places[k]);
            assert_int_equal(hit.form, rows[i].form);
            assert_int_equal(hit.first, rows[i].first);
            // The last six bytes of what is turned round are the first ones of the payload.
            assert_int_equal(hit.offset, places[k] + (rows[i].form == TRACE_REVERSED ? 2 : 0));
        }
}

static void test_what_may_well_be_there_is_no_trace(void **state)
{
    (void)state;
    struct trace_hit hit;
    renew();
    assert_false(find(&hit));
    memcpy(after + 100, genuine, 8); // it took the genuine one
    memcpy(after + 150, "SDAOLYAP", 8);
    memcpy(after + 200, "PAXLO", 5); // five bytes
    assert_false(find(&hit));
    static const char *const turned[] = {"SDAOLYAP", "AYLOADSP", "ADSPAYLO"};
    memcpy(after + 1000, "PAYLOADSPAYLOADS", 16);
    for (size_t i = 0; i < sizeof turned / sizeof turned[0]; i++)
        assert_false(trace_find(before, after, SIZE,
                                (struct trace_payload){(const uint8_t *)turned[i], 8},
                                (struct trace_payload){genuine, 8}, &hit));
    memcpy(before + 300, refused, 8); // of an earlier time
    memcpy(after + 300, refused, 8);
    after[310] ^= 1;
    assert_false(find(&hit));
    memcpy(after + 400, "\0\0\0\0\0\1\1\2", 8); // as any figures may be
    assert_false(trace_find(before, after, SIZE,
                            (struct trace_payload){(const uint8_t *)"\0\0\0\0\0\1\1\2", 8},
                            (struct trace_payload){genuine, 8}, &hit));
    after[302] = 'Y';
    assert_false(find(&hit));
    before[305] ^= 1; // written now
    after[302] = 'X';
    assert_true(find(&hit));
    assert_int_equal(hit.offset, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_are_listed_as_places),
        cmocka_unit_test(test_a_refused_payload_is_found_in_each_form),
        cmocka_unit_test(test_what_may_well_be_there_is_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
