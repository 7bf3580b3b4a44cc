// The radio of the device port as a whole program uses it: what leaves, when it is over, what is
// heard and how strong, and what wrong calls are told. AES against published vectors.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/downlink_air.h"
#include "dut/firmware/tests/fake_lab.h"
#include "dut/port/aes.h"

static void start(struct lab *l)
{
    lab_init(l);
    l->program = "../tests/radiocheck";
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
}

// The answer to a line, at the time at which it was said.
static const char *ask(struct lab *l, const char *line)
{
    char bytes[80];
    size_t before = l->uart_len;
    int n = snprintf(bytes, sizeof bytes, "%s\r", line);
    lab_uart(l, bytes, (size_t)n);
    while (l->uart_len == before || l->uart[l->uart_len - 1] != '\r')
        lab_run(l, l->next_ns == DEVPORT_NEVER ? 0 : l->next_ns - l->now_ns);
    l->uart[l->uart_len] = '\0';
    return l->uart + before;
}

static void test_radio_sends_bits(void **state)
{
    (void)state;
    struct lab l;
    start(&l);
    // 32 bits, ramps, reference and held symbol: 36 symbols.
    assert_string_equal(ask(&l, "send 100 14"), "sent at 360.000 ms\r");
    assert_string_equal(ask(&l, "send 600 -3"), "sent at 420.000 ms\r");
    assert_string_equal(ask(&l, "start 600"), "until 480.000 ms\r");
    assert_int_equal(l.n_bursts, 3);
    struct demod d;
    demod_burst(&l.bursts[0], &d);
    assert_int_equal(d.n_bits, 32);
    assert_string_equal(d.hex, "aaaab235");
    // The others are the same, faster and weaker.
    for (size_t k = 0; k < 2 * l.bursts[0].n; k++) {
        assert_float_equal(l.bursts[0].iq[k], l.bursts[2].iq[k], 1e-6);
        assert_float_equal(l.bursts[0].iq[k] * powf(10, -17.0f / 20), l.bursts[1].iq[k], 1e-4);
    }
    assert_int_equal(l.bursts[2].n, l.bursts[0].n);
    const float *iq = l.bursts[1].iq + 2 * 96; // in the plain symbol
    assert_float_equal(20 * log10f(hypotf(iq[0], iq[1])), -3, 0.01);
    assert_true(l.bursts[1].carrier_hz == 869525000 && l.bursts[1].rate_hz == 38400);
    lab_deinit(&l);
}

static void test_radio_sends_a_tone(void **state)
{
    (void)state;
    struct lab l;
    start(&l);
    assert_string_equal(ask(&l, "tone 2.5"), "sent at 2501.000 ms\r");
    int64_t at_ns = 0;
    for (size_t i = 0; i < l.n_bursts; i++) { // one behind the other
        assert_int_equal(l.bursts[i].t_ns, at_ns);
        at_ns += (int64_t)l.bursts[i].n * DEVPORT_MS;
    }
    assert_int_equal(at_ns, 2501 * DEVPORT_MS);
    lab_deinit(&l);
}

static void test_radio_receives_every_frame_of_a_window(void **state)
{
    (void)state;
    struct lab l;
    struct downlink_air air;
    start(&l);
    downlink_air_init(&air, &l);
    // Four frames close together, as when several devices are answered; their first bytes differ.
    int64_t at_ns = 123456789;
    for (uint8_t i = 0; i < 4; i++) {
        uint8_t frame[DOWNLINK_FRAME] = {
            (uint8_t)(0x10 + i), 1, 2, 3, 0x55, 0xff, 0, 7, [14] = 0x99};
        downlink_air_send(&air, at_ns, 869525000 + 200 * (i % 2), frame);
        at_ns += downlink_burst_ns + 20 * DEVPORT_MS;
    }
    const char *heard = ask(&l, "receive 3");
    const char *p = heard;
    at_ns = 123456789 + downlink_burst_ns;
    for (int i = 0; i < 4; i++, at_ns += downlink_burst_ns + 20 * DEVPORT_MS) {
        unsigned bytes = 0;
        double end_ms, hz, dbm;
        int n = 0;
        if (sscanf(p, "%x %lf ms %lf Hz %lf dBm, %n", &bytes, &end_ms, &hz, &dbm, &n) != 4)
            fail_msg("frame %d of '%s'", i, heard);
        assert_int_equal(bytes, 0x1099 + 0x100 * i);
        if (fabs(end_ms - (double)at_ns * 1e-6) > 0.5 ||
            fabs(hz - 869525000 - 200 * (i % 2)) > 200 || fabs(dbm + 100) > 1)
            fail_msg("frame %d: %.3f ms, expected %.3f; %.0f Hz; %.1f dBm", i, end_ms,
                     (double)at_ns * 1e-6, hz, dbm);
        p += n;
    }
    assert_string_equal(p, "over at 3000.000 ms\r");
    // A window that is over already hears nothing and takes no time.
    assert_string_equal(ask(&l, "receive 0"), "over at 3000.000 ms\r");
    lab_deinit(&l);
}

// A carrier of -70 dBm from 1 s to 2 s.
static void hear_carrier(void *ctx, const struct lab_listen *w, float *iq, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        double t_s = (double)w->from_ns * 1e-9 + (double)i / w->rate_hz;
        iq[2 * i] = t_s >= 1 && t_s < 2 ? powf(10, -70.0f / 20) : 1e-8f;
    }
}

static void test_radio_senses_the_carrier(void **state)
{
    (void)state;
    struct lab l;
    start(&l);
    l.hear = hear_carrier;
    assert_string_equal(ask(&l, "power 200000 5"), "-160.0 dBm\r");
    assert_string_equal(ask(&l, "clear -80 9"), "free at 10.000 ms\r");
    lab_run(&l, 1000 * DEVPORT_MS - l.now_ns);
    assert_string_equal(ask(&l, "power 200000 5"), "-70.0 dBm\r");
    assert_string_equal(ask(&l, "clear -60 9"), "free at 1010.000 ms\r"); // not that loud
    assert_string_equal(ask(&l, "clear -80 1.5"), "busy at 1500.000 ms\r");
    assert_string_equal(ask(&l, "clear -80 9"), "free at 2005.000 ms\r");
    lab_deinit(&l);
}

static void test_radio_wakes_and_sleeps(void **state)
{
    (void)state;
    struct lab l;
    start(&l);
    assert_string_equal(ask(&l, "wake 5"), "awake at 0.000 ms\r"); // it was
    assert_string_equal(ask(&l, "sleep"), "asleep\r");
    assert_string_equal(ask(&l, "wake 5"), "awake at 5.000 ms\r");
    assert_string_equal(ask(&l, "send 600 0"), "sent at 65.000 ms\r");
    lab_deinit(&l);
}

// --- wrong calls

// What the program writes on stderr when it is told `before` and then `line`; it must end with 3.
static void complaint(const char *before, const char *line, char *text, size_t size)
{
    char path[] = "/tmp/test_devport_radio.XXXXXX", bytes[80];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    setenv("RADIOCHECK_STDERR", path, 1);
    struct lab l;
    start(&l);
    unsetenv("RADIOCHECK_STDERR");
    if (before) ask(&l, before);
    int n = snprintf(bytes, sizeof bytes, "%s\r", line);
    lab_uart(&l, bytes, (size_t)n);
    uint8_t grant[16] = {PORT_GRANT, 0, 0, 0, 8}; // by hand: it ends instead of answering
    memcpy(grant + 8, &l.now_ns, 8);
    assert_int_equal(write(l.fd, grant, sizeof grant), 16);
    int status = 0;
    assert_int_equal(waitpid(l.pid, &status, 0), l.pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    l.pid = 0;
    close(l.fd);
    lab_deinit(&l);
    ssize_t got = read(fd, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    close(fd);
    unlink(path);
}

static void test_wrong_calls_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *before, *line, *says;
    } wrong[] = {
        {"sleep", "send 100 0", "devport_radio_send: the radio is asleep; call devport_radio_wake"},
        {"sleep", "receive 1", "devport_radio_receive: the radio is asleep"},
        {"sleep", "power 1000 1000", "devport_radio_power: the radio is asleep"},
        {"start 100", "send 100 0", "devport_radio_send: the radio still sends; wait until"},
        {"start 100", "sleep", "devport_radio_sleep: the radio still sends"},
        {NULL, "send 300 0", "expected 100 or 600 bit/s, got 300"},
        {NULL, "send 100 99", "expected a level from -60 to 40 dBm, got 99"},
        {NULL, "power 5 1", "expected a band from 100 Hz to 10 MHz"},
        {NULL, "pin 32", "expected a line from 0 to 31 and a level of 0 or 1, got line 32"},
        {NULL, "past", "devport_rf_listen: expected a window that begins now"},
        {NULL, "again", "devport_ready: expected one call, behind devport_open"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[400];
        complaint(wrong[i].before, wrong[i].line, text, sizeof text);
        if (strncmp(text, "device port: ", 13) != 0 || !strstr(text, wrong[i].says))
            fail_msg("'%s' was told '%s'", wrong[i].line, text);
    }
}

static void test_a_call_before_the_port_is_open_is_told(void **state)
{
    (void)state;
    FILE *f = popen("FOXPORT_FD= " FOX_BIN_DIR "/../tests/radiocheck early 2>&1", "r");
    char text[300] = "";
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    assert_int_equal(WEXITSTATUS(pclose(f)), 3);
    assert_non_null(
        strstr(text, "devport_wait: the port is not open for it yet; call devport_open"));
}

// --- AES: FIPS 197, appendices B and C.1; CBC by its definition

static void test_aes_is_the_standard(void **state)
{
    (void)state;
    static const struct {
        uint8_t key[16], in[16], out[16];
    } published[] = {
        {{0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
          0x3c},
         {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07,
          0x34},
         {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b,
          0x32}},
        {{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e,
          0x0f},
         {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
          0xff},
         {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5,
          0x5a}},
    };
    uint8_t got[48], in[48], chain[16];
    for (size_t i = 0; i < 2; i++) {
        devport_aes128(published[i].key, published[i].in, got);
        assert_memory_equal(got, published[i].out, 16);
    }
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 37);
    assert_int_equal(devport_aes128_cbc(published[0].key, in, got, sizeof in), 0);
    memset(chain, 0, sizeof chain);
    for (size_t b = 0; b < 3; b++) {
        for (size_t i = 0; i < 16; i++)
            chain[i] ^= in[16 * b + i];
        devport_aes128(published[0].key, chain, chain);
        assert_memory_equal(got + 16 * b, chain, 16);
    }
    assert_int_equal(devport_aes128_cbc(published[0].key, in, in, sizeof in), 0); // in place
    assert_memory_equal(in, got, sizeof in);
    assert_true(devport_aes128_cbc(published[0].key, in, got, 15) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_radio_sends_bits),
        cmocka_unit_test(test_radio_sends_a_tone),
        cmocka_unit_test(test_radio_receives_every_frame_of_a_window),
        cmocka_unit_test(test_radio_senses_the_carrier),
        cmocka_unit_test(test_radio_wakes_and_sleeps),
        cmocka_unit_test(test_wrong_calls_are_told),
        cmocka_unit_test(test_a_call_before_the_port_is_open_is_told),
        cmocka_unit_test(test_aes_is_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
