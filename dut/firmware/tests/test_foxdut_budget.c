// What a device may send in an hour and in a day, with and without the laboratory's line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

static const char refused[] =
    "ERROR: not sent, the budget of messages and transmit time is spent\r";

static void start(struct lab *l)
{
    lab_init(l);
    l->in_the_field = true;
    lab_set_counter(l, 99);
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
}

static bool sends(struct lab *l, const char *line)
{
    lab_forget(l);
    const char *answer = lab_command(l, line);
    bool sent = strcmp(answer, "OK\r") == 0;
    if (!sent) {
        assert_string_equal(answer, refused);
        assert_int_equal(l->n_bursts, 0);
        assert_int_equal(l->n_writes, 0);
    }
    return sent;
}

static unsigned last_counter(const struct lab *l)
{
    struct demod d;
    demod_burst(&l->bursts[0], &d);
    char field[4] = {d.hex[9], d.hex[10], d.hex[11], '\0'};
    return (unsigned)strtoul(field, NULL, 16);
}

// Five messages of 12 bytes: 6.27 s each with their reference symbols. A sixth does not fit, a
// shorter one does; what is refused takes no counter. An hour after the first there is room again.
static void test_an_hour(void **state)
{
    (void)state;
    static const char longest[] = "AT$SF=000102030405060708090a0b";
    struct lab l;
    start(&l);
    int64_t first_ns = l.now_ns;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(sends(&l, longest));
        assert_int_equal(last_counter(&l), 100 + i);
    }
    for (int i = 0; i < 3; i++)
        assert_false(sends(&l, longest));
    assert_true(sends(&l, "AT$SB=1"));
    assert_int_equal(last_counter(&l), 105);
    assert_false(sends(&l, "AT$SB=1"));
    lab_run(&l, first_ns + 3600 * DEVPORT_SECOND - l.now_ns - DEVPORT_SECOND);
    assert_false(sends(&l, longest));
    lab_run(&l, 9 * DEVPORT_SECOND);
    assert_true(sends(&l, longest));
    assert_int_equal(last_counter(&l), 106);
    lab_deinit(&l);
}

// 140 messages in any 24 hours, however short.
static void test_a_day(void **state)
{
    (void)state;
    struct lab l;
    start(&l);
    lab_command(&l, "AT$TR=0");
    lab_command(&l, "ATS300=0");
    int64_t first_ns = l.now_ns;
    for (int i = 0; i < 140; i++) {
        assert_true(sends(&l, "AT$SB=1"));
        lab_run(&l, 300 * DEVPORT_SECOND);
    }
    assert_false(sends(&l, "AT$SB=1"));
    lab_run(&l, first_ns + 86400 * DEVPORT_SECOND - l.now_ns - 5 * DEVPORT_SECOND);
    assert_false(sends(&l, "AT$SB=1"));
    lab_run(&l, 10 * DEVPORT_SECOND);
    assert_true(sends(&l, "AT$SB=1"));
    assert_false(sends(&l, "AT$SB=1"));
    lab_deinit(&l);
}

// A request keeps room for its confirmation.
static void test_a_confirmation_has_room(void **state)
{
    (void)state;
    struct lab l;
    start(&l);
    for (int i = 0; i < 5; i++)
        assert_true(sends(&l, "AT$SF=000102030405060708090a0b"));
    assert_false(sends(&l, "AT$SB=1,1")); // 36 s - 31.35 s = 4.65 s, of which 3.39 s are its own
    assert_true(sends(&l, "AT$SB=1"));
    lab_deinit(&l);
}

// The line lifts it from the next message on, until a reset.
static void test_the_line_lifts_it(void **state)
{
    (void)state;
    static const char longest[] = "AT$SF=000102030405060708090a0b";
    struct lab l;
    start(&l);
    for (int i = 0; i < 5; i++)
        assert_true(sends(&l, longest));
    assert_false(sends(&l, longest));
    lab_gpio(&l, 0, 1);
    for (int i = 0; i < 3; i++)
        assert_true(sends(&l, longest));
    lab_gpio(&l, 0, 0);
    for (int i = 0; i < 3; i++)
        assert_true(sends(&l, longest));
    assert_string_equal(lab_command(&l, "AT$P=0"), "OK\r");
    for (int i = 0; i < 5; i++)
        assert_true(sends(&l, longest));
    assert_false(sends(&l, longest));
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour),
        cmocka_unit_test(test_a_day),
        cmocka_unit_test(test_a_confirmation_has_room),
        cmocka_unit_test(test_the_line_lifts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
