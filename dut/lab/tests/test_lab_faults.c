// Every fault of a radio and of a serial line, injected once through the control socket: what the
// bench's own drivers make of it, on the real libiio, libad9361 and libserialport. Run by foxlab.
//
// The tests share one lab and follow each other on its clock.
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/radio/radio.h"
#include "dut/lab/tests/ask.h"
#include "dut/port.h"

enum { BLOCK = 8192 };

static struct radio *radio;
static struct port *port;

static int try_open(bool transmit, struct err *err)
{
    const struct radio_config config = {.uri = getenv("FOXLAB_PLUTO_0_URI"),
                                        .serial = "c11e47",
                                        .rate_hz = 520834,
                                        .lo_hz = 868030000,
                                        .gain_db = 47,
                                        .block_samples = BLOCK,
                                        .timeout_ms = 1000,
                                        .transmit = transmit,
                                        .tx_lo_hz = 869500000,
                                        .tx_attenuation_db = 20};
    return radio_open(&radio, &config, err);
}

static void open_radio(bool transmit)
{
    struct err e = {0};
    if (try_open(transmit, &e) < 0) fail_msg("%s", e.text);
    // Applied and read back: what the radio says of itself is what was asked for.
    const struct radio_info *info = radio_info(radio);
    assert_true(fabs(info->rate_hz - 520834) < 3);
    assert_true(fabs(info->lo_hz - 868030000) < 10);
    assert_true(info->gain_db == 47);
}

static struct iq_block read_block(void)
{
    struct iq_block b = {0};
    struct err e = {0};
    if (radio_read(radio, &b, &e) < 0) fail_msg("%s", e.text);
    return b;
}

// --- radios

// A stream that breaks off: a named error, then a new radio with the settings of the old one.
static void test_faults_break_the_stream(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *mend, *says;
    } faults[] = {
        {"unplug pluto 0", "replug pluto 0", "broke off"},
        {"stall pluto 0", "release pluto 0", "nothing came for 1000 ms"},
        {"crash pluto 0", NULL, "broke off"},
        {"short pluto 0", NULL, "expected a block of 32768 bytes"},
        {"mask pluto 0", NULL, "other channels"},
        {"garbage pluto 0", NULL, "broke off"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        open_radio(false);
        read_block();
        lab_order(faults[i].fault);
        struct iq_block b;
        struct err e = {0};
        int rc = ERR_OK;
        for (int k = 0; k < 2 && rc >= 0; k++)
            rc = radio_read(radio, &b, &e);
        if (rc != ERR_GONE || !strstr(e.text, faults[i].says))
            fail_msg("%s: %d '%s'", faults[i].fault, rc, e.text);
        radio_close(radio);
        radio = NULL;
        if (faults[i].mend) {
            if (strncmp(faults[i].fault, "unplug", 6) == 0)
                assert_int_equal(try_open(false, &e), ERR_GONE);
            radio_close(radio);
            lab_order(faults[i].mend);
        }
        open_radio(false);
        read_block();
        radio_close(radio);
        radio = NULL;
    }
}

// More than was asked for: the library that parses it may not survive that, the program does.
static void test_faults_oversized_block(void **state)
{
    (void)state;
    lab_order("oversize pluto 0");
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = {0};
        struct iq_block b;
        int rc = try_open(false, &e);
        for (int k = 0; k < 3 && rc >= 0; k++)
            rc = radio_read(radio, &b, &e);
        _exit(rc < 0 ? 3 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        fail_msg("a block that was too long went by unnoticed");
    open_radio(false);
    read_block();
    radio_close(radio);
    radio = NULL;
}

static void test_faults_lost_samples_are_told(void **state)
{
    (void)state;
    open_radio(false);
    int64_t before = lab_ns();
    assert_int_equal(read_block().flags & IQ_FLAG_OVERFLOW, 0);
    int64_t block_ns = lab_ns() - before;
    lab_order("overflow pluto 0");
    before = lab_ns();
    unsigned flags = read_block().flags;
    // The block lies behind a gap of 4096 samples.
    int64_t took = lab_ns() - before, expected = block_ns + block_ns / 2;
    assert_true(flags & IQ_FLAG_OVERFLOW);
    if (llabs(took - expected) > 3)
        fail_msg("%lld ns instead of %lld", (long long)took, (long long)expected);
    int marked = 0;
    while (read_block().flags & IQ_FLAG_OVERFLOW)
        marked++;
    assert_true(marked > 0 && marked < 10); // for as long as the gap may still lie ahead
    radio_close(radio);
    radio = NULL;
}

static void test_faults_dry_transmitter_is_told(void **state)
{
    (void)state;
    static const int16_t burst[2 * 64] = {1000};
    open_radio(true);
    struct err e = {0};
    read_block();
    assert_int_equal(radio_transmit(radio, radio_earliest(radio), burst, 64, &e), ERR_OK);
    lab_order("underflow pluto 0");
    int rc = ERR_OK;
    for (int k = 0; k < 4 && rc >= 0; k++) {
        struct iq_block b;
        rc = radio_read(radio, &b, &e);
    }
    if (rc != ERR_GONE || !strstr(e.text, "ran dry")) fail_msg("%d '%s'", rc, e.text);
    radio_close(radio);
    open_radio(true);
    read_block();
    assert_int_equal(radio_transmit(radio, radio_earliest(radio), burst, 64, &e), ERR_OK);
    radio_close(radio);
    radio = NULL;
}

// A chip that does not do what it is told is refused before anything is measured with it.
static void test_faults_settings_that_do_not_hold(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *says;
    } faults[] = {{"unlock pluto 0", "frequency"},
                  {"stick pluto station1", "gain"},
                  {"misrate pluto 0", "rate"}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        // Another gain and rate than those that are asked for below.
        const struct radio_config other = {.uri = getenv("FOXLAB_PLUTO_0_URI"),
                                           .rate_hz = 1000000,
                                           .lo_hz = 915000000,
                                           .gain_db = 30,
                                           .block_samples = BLOCK,
                                           .timeout_ms = 1000};
        struct err e = {0};
        assert_int_equal(radio_open(&radio, &other, &e), ERR_OK);
        radio_close(radio);
        radio = NULL;
        lab_order(faults[i].fault);
        int rc = try_open(false, &e);
        if (rc != ERR_IO || !strstr(e.text, faults[i].says) || !strstr(e.text, "reads back as"))
            fail_msg("%s: %d '%s'", faults[i].fault, rc, e.text);
        lab_order("mend pluto 0");
        open_radio(false);
        radio_close(radio);
        radio = NULL;
    }
}

// --- the serial line

static void open_port(void)
{
    struct port_config config = {getenv("FOXLAB_UART_0"), 9600};
    struct err e = {0};
    if (port_open(&port, &config, &e) < 0) fail_msg("%s", e.text);
}

// What the device says within so many blocks.
static size_t hear(char *text, size_t size, int blocks)
{
    size_t n = 0;
    for (int i = 0; i < blocks; i++) {
        read_block();
        int got = port_read(port, text + n, size - 1 - n, NULL);
        assert_true(got >= 0);
        n += (size_t)got;
    }
    text[n] = '\0';
    return n;
}

// "q" is answered by a line "q TIME".
static size_t converse(char *text, size_t size, int blocks)
{
    for (int i = 0; i < 8; i++) {
        assert_int_equal(port_write(port, "q", 1, NULL), 0);
        read_block();
    }
    return hear(text, size, blocks);
}

static int good_answers(const char *text)
{
    int n = 0;
    long long t, before = 0;
    char end;
    for (const char *line = text; (line = strstr(line, "q ")); line++)
        if (sscanf(line, "q %lld%c", &t, &end) == 2 && end == '\n' && t > before) {
            n++;
            before = t;
        }
    return n;
}

static void test_faults_of_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        bool loses, keeps; // some of the answers, all of them
    } faults[] = {
        {"corrupt uart 0", true, false}, {"drop uart 0", true, false},
        {"double uart 0", true, false},  {"split uart 0", false, true},
        {"misbaud uart 0", true, false}, {"mute uart 0", true, false},
        {"mend uart 0", false, true},
    };
    char text[4096];
    open_radio(false);
    open_port();
    struct err e = {0};
    assert_int_equal(port_set_line(port, PORT_LINE_RTS, true, &e), ERR_OK);
    hear(text, sizeof text, 6);
    size_t plain = converse(text, sizeof text, 40);
    assert_int_equal(good_answers(text), 8);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        lab_order(faults[i].fault);
        bool slow = strncmp(faults[i].fault, "split", 5) == 0;
        size_t n = converse(text, sizeof text, slow ? 350 : 40);
        int good = good_answers(text);
        if ((faults[i].keeps && good != 8) || (faults[i].loses && good == 8))
            fail_msg("%s: %d of 8 answers are whole: '%s'", faults[i].fault, good, text);
        if (strncmp(faults[i].fault, "drop", 4) == 0) assert_true(n < plain);
        if (strncmp(faults[i].fault, "double", 6) == 0) assert_true(n > plain);
        if (strncmp(faults[i].fault, "mute", 4) == 0) assert_int_equal(n, 0);
    }
    // What nobody asked for: a banner, and more than the line carries in seconds.
    lab_order("banner uart 0");
    hear(text, sizeof text, 6);
    assert_non_null(strstr(text, "reset: brown-out"));
    int64_t before = lab_ns();
    lab_order("flood uart 0");
    size_t n = 0;
    while (lab_ns() - before < 3000000000)
        n += hear(text, sizeof text, 10);
    if (n < 2800) fail_msg("%zu bytes of a flood within 3 s", n);
}

static void test_faults_power_fails_at_the_edge_of_a_burst(void **state)
{
    (void)state;
    char answer[256], text[4096];
    lab_order("cut device probe");
    read_block();
    lab_ask("state device 0", answer, sizeof answer);
    assert_int_equal(strncmp(answer, "off", 3), 0);
    lab_order("restore device probe");
    hear(text, sizeof text, 300); // the rest of the flood passes, too
    assert_non_null(strstr(text, "boot"));
    // The burst ("b") lasts 0.1 s; power fails 40 ms after it began, for 50 ms.
    lab_order("cut at-start probe 40ms 0.05s");
    assert_int_equal(port_write(port, "b", 1, NULL), 0);
    int64_t before = lab_ns();
    int64_t off_ns = 0, on_ns = 0;
    for (int i = 0; i < 20; i++) {
        read_block();
        lab_ask("state device 0", answer, sizeof answer);
        bool off = strncmp(answer, "off", 3) == 0;
        if (off && !off_ns) off_ns = lab_ns() - before;
        if (!off && off_ns && !on_ns) on_ns = lab_ns() - before;
    }
    // A byte takes 1.04 ms to reach the device; states are seen at the ends of blocks of 15.7 ms.
    assert_in_range(off_ns, 41000000, 41100000 + 15800000);
    assert_in_range(on_ns, 91000000, 91100000 + 15800000);
    port_close(port);
    radio_close(radio);
    radio = NULL;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_break_the_stream),
        cmocka_unit_test(test_faults_oversized_block),
        cmocka_unit_test(test_faults_lost_samples_are_told),
        cmocka_unit_test(test_faults_dry_transmitter_is_told),
        cmocka_unit_test(test_faults_settings_that_do_not_hold),
        cmocka_unit_test(test_faults_of_the_line),
        cmocka_unit_test(test_faults_power_fails_at_the_edge_of_a_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
