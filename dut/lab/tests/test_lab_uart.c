// Serial ports through the real libserialport: rates that differ, breaks, every modem line, several
// ports at once, and a plug that is pulled. Run by foxlab with uart.scenario and --live.
#include <libserialport.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dut/lab/tests/ask.h"
#include "dut/lab/uart_line.h"

// --- what one end makes of the other's bytes

static const struct uart_format at_9600 = {.baud = 9600, .bits = 8};

static void convert(struct uart_format tx, struct uart_format rx, uint8_t byte,
                    const char *expected)
{
    uint8_t out[UART_LINE_GROWTH];
    char hex[3 * UART_LINE_GROWTH + 1] = "";
    size_t n = uart_line_convert(tx, rx, &byte, 1, out);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 3 * i, 4, "%02x ", out[i]);
    assert_string_equal(hex, expected);
}

static void test_line_is_sampled_by_the_receiver(void **state)
{
    (void)state;
    // Within 4 percent every byte arrives, however many follow each other.
    uint8_t all[256], out[UART_LINE_GROWTH * 256];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)(i * 167);
    for (unsigned baud = 9216; baud <= 9984; baud += 64) {
        struct uart_format tx = {.baud = baud, .bits = 8};
        assert_int_equal(uart_line_convert(tx, at_9600, all, 256, out), 256);
        assert_memory_equal(out, all, 256);
    }
    // Twice as slow: the start bit fills two places.
    struct uart_format slow = {.baud = 4800, .bits = 8}, fast = {.baud = 38400, .bits = 8};
    convert(slow, at_9600, 0xff, "fe ");
    convert(slow, at_9600, 0x00, "00 ");    // its stop bit is missing
    convert(slow, at_9600, 0x55, "66 e6 "); // 0 10101010 1, doubled
    convert(fast, at_9600, 0xff, "");       // shorter than half a bit: a spike
    convert(fast, at_9600, 0x00, "fe ");    // nine quarters: the start and a bit
    // 7E1 at an end that has 8N1: the parity bit is the top bit.
    struct uart_format even = {.baud = 9600, .bits = 7, .parity = true};
    convert(even, at_9600, 'A', "41 ");
    convert(even, at_9600, 'C', "c3 ");
    even.odd = true;
    convert(even, at_9600, 'A', "c1 ");
}

// --- in the lab

// A device that has no current any more.
static void is_off(const char *question)
{
    char answer[64];
    lab_ask(question, answer, sizeof answer);
    if (strncmp(answer, "off", 3) != 0) fail_msg("%s: %s", question, answer);
}

static struct sp_port *open_port(unsigned number, int baud)
{
    char name[32];
    snprintf(name, sizeof name, "FOXLAB_UART_%u", number);
    struct sp_port *p = NULL;
    assert_int_equal(sp_get_port_by_name(getenv(name), &p), SP_OK);
    assert_int_equal(sp_open(p, SP_MODE_READ_WRITE), SP_OK);
    assert_int_equal(sp_set_baudrate(p, baud), SP_OK);
    assert_int_equal(sp_set_bits(p, 8), SP_OK);
    assert_int_equal(sp_set_parity(p, SP_PARITY_NONE), SP_OK);
    assert_int_equal(sp_set_stopbits(p, 1), SP_OK);
    assert_int_equal(sp_set_flowcontrol(p, SP_FLOWCONTROL_NONE), SP_OK);
    assert_int_equal(sp_set_dtr(p, SP_DTR_OFF), SP_OK);
    return p;
}

static void close_port(struct sp_port *p)
{
    (void)sp_set_rts(p, SP_RTS_OFF); // a port that is gone has no lines
    assert_int_equal(sp_close(p), SP_OK);
    sp_free_port(p);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

// What has come, once `end` is among it; within 2 s of wall time. Returns its length.
static size_t hear_until(struct sp_port *p, char end, char *text, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < 200 && n + 1 < size; i++) {
        int got = sp_nonblocking_read(p, text + n, size - 1 - n);
        assert_true(got >= 0);
        n += (size_t)got;
        text[n] = '\0';
        if (memchr(text, end, n)) return n;
        pause_ms(10);
    }
    return n;
}

static void say(struct sp_port *p, const char *bytes, size_t n)
{
    assert_int_equal(sp_blocking_write(p, bytes, n, 1000), n);
}

static void test_port_has_the_rate_of_its_device(void **state)
{
    (void)state;
    struct sp_port *p = open_port(0, 9600);
    char text[128];
    assert_int_equal(sp_set_rts(p, SP_RTS_ON), SP_OK);
    hear_until(p, '\n', text, sizeof text);
    assert_string_equal(text, "boot 0 0\n");
    say(p, "x", 1);
    hear_until(p, '\n', text, sizeof text);
    assert_int_equal(strncmp(text, "x ", 2), 0);
    // At half the rate the device hears another byte, and what it answers is another text.
    assert_int_equal(sp_set_baudrate(p, 4800), SP_OK);
    say(p, "x", 1);
    pause_ms(200);
    int n = sp_nonblocking_read(p, text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    long long at_ns;
    assert_int_not_equal(sscanf(text, "x %lld", &at_ns), 1);
    // A rate that no table has, 2 percent off, is none the worse.
    assert_int_equal(sp_set_baudrate(p, 9408), SP_OK);
    say(p, "y", 1);
    hear_until(p, '\n', text, sizeof text);
    assert_int_equal(strncmp(text, "y ", 2), 0);
    close_port(p);
}

// All signals that the device drives, once they are as expected; else as they are after 1 s.
static int signals_of(struct sp_port *p, int expected)
{
    enum sp_signal s = 0;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(sp_get_signals(p, &s), SP_OK);
        if ((int)s == expected) break;
        pause_ms(5);
    }
    return (int)s;
}

static void test_break_reaches_the_device(void **state)
{
    (void)state;
    struct sp_port *p = open_port(1, 115200);
    char text[128];
    const int all = SP_SIG_CTS | SP_SIG_DSR | SP_SIG_DCD | SP_SIG_RI;
    assert_int_equal(sp_set_rts(p, SP_RTS_ON), SP_OK);
    hear_until(p, '\n', text, sizeof text);
    say(p, "O", 1);
    assert_int_equal(signals_of(p, all), all);
    assert_int_equal(sp_start_break(p), SP_OK); // the device's UART gives a 00
    assert_int_equal(sp_end_break(p), SP_OK);
    assert_int_equal(signals_of(p, 0), 0);
    close_port(p);
}

static void test_modem_lines_come_from_the_device(void **state)
{
    (void)state;
    struct sp_port *p = open_port(1, 115200);
    char text[128];
    assert_int_equal(sp_set_rts(p, SP_RTS_ON), SP_OK);
    hear_until(p, '\n', text, sizeof text);
    static const int signals[] = {SP_SIG_CTS, SP_SIG_DSR, SP_SIG_DCD, SP_SIG_RI};
    for (unsigned pattern = 0; pattern < 16; pattern++) {
        const char byte = (char)(0x40 + pattern);
        int expected = 0;
        for (unsigned i = 0; i < 4; i++)
            if (pattern >> i & 1) expected |= signals[i];
        say(p, &byte, 1);
        assert_int_equal(signals_of(p, expected), expected);
    }
    assert_int_equal(sp_set_rts(p, SP_RTS_OFF), SP_OK);
    assert_int_equal(signals_of(p, 0), 0); // without power nothing is driven
    close_port(p);
}

static void test_ports_are_apart_and_replug(void **state)
{
    (void)state;
    struct sp_port *slow = open_port(0, 9600), *fast = open_port(1, 115200),
                   *idle = open_port(2, 1200);
    char text[128];
    assert_int_equal(sp_set_rts(fast, SP_RTS_ON), SP_OK);
    hear_until(fast, '\n', text, sizeof text);
    pause_ms(50);
    is_off("state device echo"); // its own line is down
    lab_order("unplug uart fast");
    pause_ms(50);
    assert_true(sp_input_waiting(fast) < 0);
    is_off("state device mirror"); // the plug took its power along
    assert_int_equal(sp_input_waiting(slow), 0);
    assert_int_equal(sp_input_waiting(idle), 0);
    close_port(fast);
    lab_order("replug uart fast");
    fast = open_port(1, 115200);
    assert_int_equal(sp_set_rts(fast, SP_RTS_ON), SP_OK);
    hear_until(fast, '\n', text, sizeof text);
    assert_string_equal(text, "boot 0 0\n");
    close_port(fast);
    close_port(idle);
    close_port(slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_is_sampled_by_the_receiver),
        cmocka_unit_test(test_port_has_the_rate_of_its_device),
        cmocka_unit_test(test_break_reaches_the_device),
        cmocka_unit_test(test_modem_lines_come_from_the_device),
        cmocka_unit_test(test_ports_are_apart_and_replug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
