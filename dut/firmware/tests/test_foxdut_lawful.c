// The lawful devices: each differs as lawful.def says, and sends what it was asked for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

static void start(struct lab *l, const char *id)
{
    lab_init(l);
    l->args[0] = "--fault";
    l->args[1] = id;
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
}

static void test_ways_of_writing(void **state)
{
    (void)state;
    static const struct {
        const char *id, *ping, *label, *volts;
    } rows[] = {
        {"LAW-LF", "OK\n", "0BADCAFE\n", "3300\n3300\n"},
        {"LAW-SPACES", "OK  \r", "0BADCAFE  \r", "3300  \r\n3300  \r"},
        {"LAW-LOWER", "OK\r", "0badcafe\r", "3300\r\n3300\r"},
        {"LAW-ECHO", "AT\rOK\r", "AT$I=10\r0BADCAFE\r", "AT$V?\r3300\r\n3300\r"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lab l;
        start(&l, rows[i].id);
        assert_string_equal(lab_command(&l, "AT"), rows[i].ping);
        assert_string_equal(lab_command(&l, "AT$I=10"), rows[i].label);
        assert_string_equal(lab_command(&l, "AT$V?"), rows[i].volts);
        lab_deinit(&l);
    }
}

static void test_late_answers(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "LAW-LATE");
    for (int64_t i = 0; i < 12; i++) {
        const int64_t late_ns = (1000 + 170 * (i % 11)) * DEVPORT_MS;
        lab_forget(&l);
        lab_uart(&l, "AT\r", 3);
        lab_run(&l, late_ns - 20 * DEVPORT_MS);
        assert_int_equal(l.uart_len, 0);
        lab_run(&l, 40 * DEVPORT_MS);
        assert_int_equal(l.uart_len, 3);
        lab_run(&l, DEVPORT_SECOND);
    }
    lab_deinit(&l);
}

static void test_ok_first(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "LAW-EARLY-OK");
    lab_uart(&l, "AT$SF=0102\r", 11);
    lab_run(&l, 500 * DEVPORT_MS);
    assert_int_equal(l.uart_len, 3);
    lab_run(&l, 20 * DEVPORT_SECOND);
    assert_int_equal(l.uart_len, 3); // and once alone
    assert_int_equal(l.n_bursts, 3);
    lab_deinit(&l);
}

static void test_slow_start(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "LAW-BOOTS");
    lab_uart(&l, "AT\r", 3);
    lab_run(&l, 3900 * DEVPORT_MS);
    assert_int_equal(l.uart_len, 0);
    lab_run(&l, 200 * DEVPORT_MS);
    assert_memory_equal(l.uart, "\r\nfoxdut is starting\r\nmemory: good\r\nready\r\n", l.uart_len);
    assert_string_equal(lab_command(&l, "AT"), "OK\r");
    lab_deinit(&l);
}

// Start of a burst to start of the next one, less what the symbols last.
static int64_t gap_ms(const struct lab *l, size_t i, unsigned bits)
{
    const int64_t apart_ns = l->bursts[i + 1].t_ns - l->bursts[i].t_ns;
    return apart_ns / DEVPORT_MS - 10 * (int64_t)(bits + 1);
}

static void test_gaps(void **state)
{
    (void)state;
    enum { BITS = 144 };
    static const struct {
        const char *id;
        int64_t plain_ms, request_ms;
    } rows[] = {{"LAW-GAP-SHORT", 50, 482}, {"LAW-GAP-LONG", 1990, 518}, {"LAW-LF", 500, 500}};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct lab l;
        start(&l, rows[k].id);
        lab_command(&l, "AT$SF=0102");
        lab_command(&l, "AT$SF=0102,1");
        assert_int_equal(l.n_bursts, 6);
        for (size_t i = 0; i < 6; i++) {
            if (i == 2 || i == 5) continue;
            const int64_t want_ms = i < 3 ? rows[k].plain_ms : rows[k].request_ms;
            assert_in_range(gap_ms(&l, i, BITS), want_ms - 1, want_ms + 1);
        }
        lab_deinit(&l);
    }
}

// What a counter leaves out at a restart, and nothing between.
static void test_counters_ahead(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int steps[4]; // of the counter behind a restart, after one to four messages
    } rows[] = {{"LAW-AHEAD", {8, 7, 6, 5}}, {"LAW-FAR-AHEAD", {65, 65, 65, 65}}};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        for (int n = 1; n <= 4; n++) {
            struct lab l;
            struct demod d;
            int last = 0;
            start(&l, rows[k].id);
            for (int i = 0; i <= n; i++) {
                lab_forget(&l);
                lab_command(&l, "AT$SF=0102");
                demod_burst(&l.bursts[0], &d);
                unsigned header = 0;
                assert_int_equal(sscanf(d.hex + 8, "%4x", &header), 1);
                const int counter = (int)(header & 0xfff);
                if (i > 0) assert_int_equal(counter - last, i < n ? 1 : rows[k].steps[n - 1]);
                last = counter;
                if (i + 1 == n) {
                    lab_kill(&l);
                    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
                }
            }
            lab_deinit(&l);
        }
    }
}

static void test_output_turns_with_each_message(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "LAW-BLINK");
    for (uint32_t i = 1; i <= 4; i++) {
        lab_command(&l, "AT$SF=0102");
        assert_int_equal(l.outputs, i % 2);
    }
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_of_writing),
        cmocka_unit_test(test_late_answers),
        cmocka_unit_test(test_ok_first),
        cmocka_unit_test(test_slow_start),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_counters_ahead),
        cmocka_unit_test(test_output_turns_with_each_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
