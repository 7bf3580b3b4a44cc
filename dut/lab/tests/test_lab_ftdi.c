// The bench's adapter drivers on the real libftdi against the lab's adapters, through the
// substitute libusb. Run by foxlab with ftdi.scenario.
//
// The tests share one lab; time goes on only where a stream is pulled. The first test runs before
// there is one.
#include <errno.h>
#include <iio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dut/flash.h"
#include "dut/lab/tests/ask.h"
#include "dut/lab/tests/vault.h"
#include "dut/port.h"
#include "dut/port_ftdi.h"
#include "dut/power.h"
#include "dut/swd.h"

enum {
    BLOCK = 4096,
    RATE = 2083334, // a block is about 2 ms
    IMAGE_CODE = 0,
    IMAGE_DATA = 1,
    IMAGE_RAM = 2,
    IMAGE_FLASH = 3,
    FLASH_SIZE = 1 << 20
};

#define CODE_BASE 0x08000000u
#define DATA_BASE 0x08080000u
#define RAM_BASE  0x20000000u

static struct iio_context *context;
static struct iio_buffer *buffer;

// --- the lab

static void open_stream(void)
{
    char uri[64];
    snprintf(uri, sizeof uri, "%s", getenv("FOXLAB_PLUTO_0_URI"));
    context = iio_create_context_from_uri(uri);
    assert_non_null(context);
    struct iio_device *phy = iio_context_find_device(context, "ad9361-phy");
    struct iio_device *rx = iio_context_find_device(context, "cf-ad9361-lpc");
    struct iio_channel *c = iio_device_find_channel(phy, "voltage0", false);
    iio_channel_attr_write_longlong(c, "sampling_frequency", RATE);
    iio_channel_enable(iio_device_find_channel(rx, "voltage0", false));
    iio_channel_enable(iio_device_find_channel(rx, "voltage1", false));
    buffer = iio_device_create_buffer(rx, BLOCK, false);
    assert_non_null(buffer);
}

static int close_stream(void **state)
{
    (void)state;
    if (buffer) iio_buffer_destroy(buffer);
    if (context) iio_context_destroy(context);
    return 0;
}

static void pull(int blocks)
{
    for (int i = 0; i < blocks; i++)
        assert_true(iio_buffer_refill(buffer) > 0);
}

// --- the bench

static struct ftdi *open_adapter(const char *serial)
{
    struct ftdi *f = NULL;
    struct err e = {0};
    if (ftdi_open(&f, serial, &e) < 0) fail_msg("%s", e.text);
    return f;
}

static void must(int rc, const struct err *e)
{
    if (rc < 0) fail_msg("%s", e->text);
}

static struct power wire(struct ftdi *f)
{
    struct power p;
    struct err e = {0};
    must(power_init(&p, f, "AC0", "AC1", "AC2", &e), &e);
    return p;
}

static struct power powered(struct ftdi *f)
{
    struct power p = wire(f);
    struct err e = {0};
    must(power_on(&p, &e), &e);
    pull(2); // it boots
    return p;
}

static void must_connect(struct ftdi *f)
{
    struct err e = {0};
    uint32_t dpidr = 0;
    int rc = swd_connect(f, &dpidr, &e);
    must(rc, &e);
    assert_int_equal(rc, SWD_WORDS);
    assert_int_equal(dpidr, 0x2ba01477);
}

static int read_words(struct ftdi *f, uint32_t address, uint32_t *words, size_t n, size_t *done)
{
    struct err e = {0};
    int rc = swd_read_words(f, address, words, n, done, NULL, NULL, &e);
    must(rc, &e);
    return rc;
}

// --- tests

static void test_ftdi_is_named_when_absent(void **state)
{
    (void)state;
    struct ftdi *f = NULL;
    struct err e = {0};
    assert_int_equal(ftdi_open(&f, "NOSUCH", &e), ERR_NOTFOUND);
    assert_null(f);
    assert_non_null(strstr(e.text, "NOSUCH"));
    assert_non_null(strstr(e.text, "found FOXFTDI1, FOXFTDI2, FOXFTDI3, FOXFTDI4;"));
}

static void test_ftdi_pins(void **state)
{
    (void)state;
    struct err e = {0};
    unsigned pin;
    must(ftdi_pin_parse("AC0", &pin, &e), &e);
    assert_int_equal(pin, 8);
    must(ftdi_pin_parse("AD7", &pin, &e), &e);
    assert_int_equal(pin, 7);
    static const char *const wrong[] = {"AD0", "AD3", "AC3", "AC8", "BD0", "AC", "AC00", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ftdi_pin_parse(wrong[i], &pin, &e), ERR_INVALID);

    struct ftdi *f = open_adapter("FOXFTDI1");
    assert_string_equal(ftdi_serial(f), getenv("FOXLAB_FTDI_0_SERIAL"));
    for (unsigned n = 13; n < 16; n++) { // free pins: nothing hangs on them
        bool high = false;
        must(ftdi_pin_get(f, n, &high, &e), &e);
        assert_true(high); // pulled up while it floats
        must(ftdi_pin_set(f, n, false, &e), &e);
        must(ftdi_pin_get(f, n, &high, &e), &e);
        assert_false(high);
        must(ftdi_pin_set(f, n, true, &e), &e);
        must(ftdi_pin_get(f, n, &high, &e), &e);
        assert_true(high);
        must(ftdi_pin_set(f, n, false, &e), &e);
        must(ftdi_pin_float(f, n, &e), &e);
        must(ftdi_pin_get(f, n, &high, &e), &e);
        assert_true(high);
    }
    ftdi_close(f);
}

static struct port *port;

static void hear(const char *expected)
{
    char text[256];
    size_t n = 0;
    for (int i = 0; i < 30; i++) {
        pull(1);
        int got = port_read(port, text + n, sizeof text - 1 - n, NULL);
        assert_true(got >= 0);
        n += (size_t)got;
    }
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static void test_power_and_reset_act_on_the_device(void **state)
{
    (void)state;
    struct err e = {0};
    const struct port_config config = {getenv("FOXLAB_UART_0"), 9600};
    must(port_open(&port, &config, &e), &e);
    hear("");
    must(port_set_line(port, PORT_LINE_RTS, true, &e), &e); // no longer wired
    hear("");
    struct ftdi *f = open_adapter("FOXFTDI1");
    struct power p = wire(f);
    hear("");
    must(power_on(&p, &e), &e);
    hear("boot 0 0\n");
    must(power_lab_enable(&p, true, &e), &e);
    hear("boot 0 1\n");
    must(power_reset(&p, true, &e), &e);
    hear("");
    must(power_reset(&p, false, &e), &e);
    hear("boot 1 1\n"); // told again
    must(power_off(&p, &e), &e);
    hear("");
    must(power_lab_enable(&p, false, &e), &e);
    must(power_on(&p, &e), &e);
    hear("boot 0 0\n");
    // A pulse of no length is one.
    must(power_off(&p, &e), &e);
    must(power_on(&p, &e), &e);
    hear("boot 0 0\n");
    // Whoever lets go of the adapter lets go of the device.
    ftdi_close(f);
    hear("");
    f = open_adapter("FOXFTDI1");
    p = wire(f);
    hear("");
    ftdi_close(f);
    port_close(port);
}

static int count(void *ctx, size_t done, size_t total)
{
    (void)total;
    size_t *calls = ctx;
    assert_true(done > 0);
    ++*calls;
    return 0;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void test_flash_is_read_bit_exact(void **state)
{
    (void)state;
    static uint8_t bytes[FLASH_SIZE];
    struct err e = {0};
    struct flash_id id;
    struct ftdi *f = open_adapter("FOXFTDI1");
    struct power p = powered(f);
    must(flash_identify(f, &id, &e), &e);
    assert_int_equal(id.maker, 0xef);
    assert_int_equal(id.kind, 0x40);
    assert_int_equal(id.capacity, 0x14);
    assert_string_equal(id.name, "Winbond");
    assert_int_equal(id.size, FLASH_SIZE);
    size_t calls = 0;
    double before = seconds();
    must(flash_read(f, &id, 0, bytes, sizeof bytes, count, &calls, &e), &e);
    print_message("# 1 MiB of flash in %.3f s\n", seconds() - before);
    assert_true(calls >= 16);
    for (size_t i = 0; i < sizeof bytes; i++)
        if (bytes[i] != vault_byte(IMAGE_FLASH, i))
            fail_msg("byte %zu is %02x, expected %02x", i, bytes[i], vault_byte(IMAGE_FLASH, i));
    // From any place, also while the device is held in reset.
    must(power_reset(&p, true, &e), &e);
    must(flash_read(f, &id, 0xfff01, bytes, 255, NULL, NULL, &e), &e);
    for (size_t i = 0; i < 255; i++)
        assert_int_equal(bytes[i], vault_byte(IMAGE_FLASH, 0xfff01 + i));
    assert_int_equal(flash_read(f, &id, 0xfff01, bytes, 256, NULL, NULL, &e), ERR_INVALID);
    // Both ways at once says the same.
    const uint8_t command[700] = {0x03, 0x01, 0x02, 0x03};
    must(ftdi_spi(f, command, bytes, sizeof command, &e), &e);
    for (size_t i = 4; i < sizeof command; i++)
        assert_int_equal(bytes[i], vault_byte(IMAGE_FLASH, 0x010203 + i - 4));
    ftdi_close(f);
}

static void test_flash_without_power_or_clip_is_all_ones(void **state)
{
    (void)state;
    struct err e = {0};
    struct flash_id id;
    struct ftdi *f = open_adapter("FOXFTDI1");
    struct power p = wire(f);
    assert_false(p.is_on);
    assert_int_equal(flash_identify(f, &id, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "got all ones"));
    must(power_on(&p, &e), &e);
    must(flash_identify(f, &id, &e), &e);
    lab_order("lift clip ftdi1"); // the same to the eye
    assert_int_equal(flash_identify(f, &id, &e), ERR_FORMAT);
    lab_order("seat clip ftdi1");
    must(flash_identify(f, &id, &e), &e);
    ftdi_close(f);
}

static void test_open_device_is_read_out(void **state)
{
    (void)state;
    static uint32_t words[2048];
    size_t done;
    struct ftdi *f = open_adapter("FOXFTDI1");
    struct power p = powered(f);
    must_connect(f);
    bool high = true;
    struct err e = {0};
    must(ftdi_pin_get(f, 0, &high, &e), &e);
    assert_false(high); // the clock rests low
    must(power_off(&p, &e), &e);
    must(ftdi_pin_get(f, 0, &high, &e), &e);
    assert_true(high); // and floats: it must not feed the device
    must(power_on(&p, &e), &e);
    pull(2);
    must_connect(f);
    assert_int_equal(read_words(f, SWD_CPUID, words, 1, &done), SWD_WORDS);
    assert_int_equal(words[0], 0x412fc230);
    // Over every border that the reader has: blocks, kilobytes.
    assert_int_equal(read_words(f, CODE_BASE + 0x123c, words, 2048, &done), SWD_WORDS);
    assert_int_equal(done, 2048);
    for (size_t i = 0; i < 2048; i++)
        assert_int_equal(words[i], vault_word(IMAGE_CODE, 0x123c + 4 * i));
    assert_int_equal(read_words(f, DATA_BASE, words, 2048, &done), SWD_WORDS);
    for (size_t i = 0; i < 2048; i++)
        assert_int_equal(words[i], vault_word(IMAGE_DATA, 4 * i));
    static uint32_t code[65536];
    double before = seconds();
    assert_int_equal(read_words(f, CODE_BASE, code, 65536, &done), SWD_WORDS);
    print_message("# 256 KiB through the debug port in %.3f s\n", seconds() - before);
    for (size_t i = 0; i < 65536; i++)
        assert_int_equal(code[i], vault_word(IMAGE_CODE, 4 * i));
    // The end of a memory is a fault in the middle of a block.
    assert_int_equal(read_words(f, CODE_BASE + 256 * 1024 - 40, words, 20, &done), SWD_REFUSED);
    assert_int_equal(done, 10);
    assert_int_equal(words[9], vault_word(IMAGE_CODE, 256 * 1024 - 4));
    // And no obstacle for the next one.
    must_connect(f);
    assert_int_equal(read_words(f, RAM_BASE, words, 1, &done), SWD_WORDS);
    assert_int_equal(words[0], vault_word(IMAGE_RAM, 0));
    assert_int_equal(swd_read_words(f, RAM_BASE + 2, words, 1, &done, NULL, NULL, &e), ERR_INVALID);
    ftdi_close(f);
}

static void test_locked_device_refuses(void **state)
{
    (void)state;
    uint32_t words[4];
    size_t done;
    struct err e = {0};
    struct ftdi *f = open_adapter("FOXFTDI2");
    struct power p = powered(f);
    for (int boot = 0; boot < 3; boot++) {
        must_connect(f);
        assert_int_equal(read_words(f, CODE_BASE, words, 4, &done), SWD_REFUSED);
        assert_int_equal(done, 0);
        must_connect(f);
        assert_int_equal(read_words(f, DATA_BASE + 64, words, 4, &done), SWD_REFUSED);
        assert_int_equal(done, 0);
        must_connect(f);
        assert_int_equal(read_words(f, RAM_BASE, words, 4, &done), SWD_WORDS);
        // Option bytes hold in reset, and from the first instant after a power cut.
        if (boot == 0) must(power_reset(&p, true, &e), &e);
        if (boot == 1) {
            must(power_off(&p, &e), &e);
            must(power_reset(&p, true, &e), &e);
            must(power_on(&p, &e), &e);
        }
    }
    must_connect(f);
    assert_int_equal(read_words(f, RAM_BASE, words, 4, &done), SWD_WORDS);
    assert_int_equal(words[0], 0); // lost with the power, and the firmware has not run
    ftdi_close(f);
}

static void test_closed_device_and_no_power_are_silent(void **state)
{
    (void)state;
    struct err e = {0};
    uint32_t dpidr;
    struct ftdi *f = open_adapter("FOXFTDI4");
    struct power p = powered(f);
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_SILENT);
    must(power_off(&p, &e), &e);
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_SILENT);
    ftdi_close(f);
    f = open_adapter("FOXFTDI1");
    p = wire(f);
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_SILENT);
    ftdi_close(f);
}

// One race: what came, and that it came at the time asked for.
static enum swd_outcome run_race(struct power *p, unsigned delay_us, size_t *done)
{
    struct err e = {0};
    struct swd_race race = {
        .address = CODE_BASE + 0x400, .n = SWD_RACE_WORDS_MAX, .delay_us = delay_us};
    uint32_t words[SWD_RACE_WORDS_MAX];
    enum swd_outcome outcome = SWD_GARBLED;
    int64_t began_ns = lab_ns();
    must(swd_race_start(p, &race, &e), &e);
    int rc = 0;
    for (int i = 0; i < 200 && rc == 0; i++) {
        rc = swd_race_finish(p, &race, words, done, &outcome, &e);
        must(rc, &e);
        if (rc == 0) pull(1);
    }
    assert_int_equal(rc, 1);
    int64_t took_ns = lab_ns() - began_ns, block_ns = INT64_C(1000000000) * BLOCK / RATE + 2;
    if (took_ns < delay_us * INT64_C(1000) || took_ns > delay_us * INT64_C(1000) + block_ns)
        fail_msg("a race of %u us took %lld ns", delay_us, (long long)took_ns);
    for (size_t i = 0; i < *done; i++)
        assert_int_equal(words[i], vault_word(IMAGE_CODE, 0x400 + 4 * i));
    must(power_off(p, &e), &e);
    pull(1);
    return outcome;
}

static void test_race_sees_a_late_lock(void **state)
{
    (void)state;
    size_t done;
    struct ftdi *f = open_adapter("FOXFTDI3");
    struct power p = powered(f); // fills its memory once
    struct err e = {0};
    must(power_off(&p, &e), &e);
    for (unsigned us = 0; us < 100000; us += 10000) {
        enum swd_outcome o = run_race(&p, us, &done);
        bool open = us <= VAULT_LATE_MS * 1000;
        assert_int_equal(o, open ? SWD_WORDS : SWD_REFUSED);
        assert_int_equal(done, open ? SWD_RACE_WORDS_MAX : 0);
    }
    // To the step.
    assert_int_equal(run_race(&p, VAULT_LATE_MS * 1000 - 100, &done), SWD_WORDS);
    assert_int_equal(run_race(&p, VAULT_LATE_MS * 1000 + 100, &done), SWD_REFUSED);
    // Held in reset the firmware never locks.
    must(power_reset(&p, true, &e), &e);
    assert_int_equal(run_race(&p, 200000, &done), SWD_WORDS);
    ftdi_close(f);
    // A device with option bytes never opens.
    f = open_adapter("FOXFTDI2");
    p = wire(f);
    for (unsigned us = 0; us < 2000; us += 500)
        assert_int_equal(run_race(&p, us, &done), SWD_REFUSED);
    struct swd_race wrong = {.address = CODE_BASE + 0x3f0, .n = 8};
    assert_int_equal(swd_race_start(&p, &wrong, &e), ERR_INVALID);
    must(power_on(&p, &e), &e);
    struct swd_race late = {.address = CODE_BASE, .n = 8};
    assert_int_equal(swd_race_start(&p, &late, &e), ERR_SEQUENCE);
    ftdi_close(f);
}

// Nobody pulls samples: the lab lets time go by at wall rate, so that a batch with a delay ends.
static void test_race_without_a_stream(void **state)
{
    (void)state;
    struct err e = {0};
    struct ftdi *f = open_adapter("FOXFTDI3");
    struct power p = wire(f);
    struct swd_race race = {.address = CODE_BASE, .n = 1, .delay_us = 30000};
    uint32_t word;
    size_t done;
    enum swd_outcome outcome = SWD_GARBLED;
    bool high;
    assert_int_equal(lab_ns(), 0);
    must(swd_race_start(&p, &race, &e), &e);
    assert_int_equal(ftdi_pin_set(f, p.relay_pin, false, &e), ERR_SEQUENCE);
    assert_int_equal(ftdi_pin_get(f, p.relay_pin, &high, &e), ERR_SEQUENCE);
    int rc = 0;
    for (int i = 0; i < 2000 && rc == 0; i++) {
        rc = swd_race_finish(&p, &race, &word, &done, &outcome, &e);
        must(rc, &e);
        if (rc == 0) nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    assert_int_equal(rc, 1);
    assert_int_equal(outcome, SWD_WORDS);
    assert_int_equal(word, vault_word(IMAGE_CODE, 0));
    assert_true(lab_ns() >= 30000000);
    must(ftdi_pin_get(f, p.relay_pin, &high, &e), &e); // in step again
    assert_true(high);
    ftdi_close(f);
    open_stream(); // for those that follow
}

// What is too long for the chip is refused before anything is sent.
static void test_batch_has_a_limit(void **state)
{
    (void)state;
    struct err e = {0};
    struct ftdi *f = open_adapter("FOXFTDI1");
    struct ftdi_batch b;
    ftdi_batch_init(&b, FTDI_BATCH_MAX);
    for (int i = 0; i < 60; i++)
        ftdi_swd_read(f, &b, false, 0);
    assert_int_equal(ftdi_batch_start(f, &b, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "more than 1000 bytes"));
    ftdi_batch_deinit(&b);
    ftdi_close(f);
}

static void test_power_needs_its_pins(void **state)
{
    (void)state;
    struct err e = {0};
    struct power p;
    struct ftdi *f = open_adapter("FOXFTDI1");
    assert_int_equal(power_init(&p, f, NULL, NULL, NULL, &e), ERR_USAGE);
    assert_int_equal(power_init(&p, f, "AC0", "AC0", NULL, &e), ERR_USAGE);
    assert_int_equal(power_init(&p, f, "AC9", NULL, NULL, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "'AC9' is no free pin"));
    must(power_init(&p, f, "AC0", NULL, NULL, &e), &e);
    assert_int_equal(power_reset(&p, true, &e), ERR_UNSUPPORTED);
    assert_int_equal(power_lab_enable(&p, true, &e), ERR_UNSUPPORTED);
    assert_int_equal(power_set_low(&p, true, &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "supply_low = \"AC7\""));
    assert_int_equal(power_add_ladder(&p, "AC0", &e), ERR_USAGE);
    must(power_add_ladder(&p, "AC7", &e), &e);
    must(power_set_low(&p, true, &e), &e);
    must(power_set_low(&p, false, &e), &e);
    ftdi_close(f);
}

static int pull_plug(void *ctx, size_t done, size_t total)
{
    (void)ctx;
    (void)total;
    if (done == 4 * 65536) lab_order("unplug ftdi ftdi4");
    return 0;
}

static void test_adapter_is_pulled_in_mid_dump(void **state)
{
    (void)state;
    static uint8_t bytes[FLASH_SIZE];
    struct err e = {0};
    struct flash_id id;
    struct ftdi *f = open_adapter("FOXFTDI4");
    powered(f);
    must(flash_identify(f, &id, &e), &e);
    assert_int_equal(flash_read(f, &id, 0, bytes, sizeof bytes, pull_plug, NULL, &e), ERR_GONE);
    assert_non_null(strstr(e.text, "FOXFTDI4: went away"));
    assert_int_equal(ftdi_pin_set(f, 8, true, &e), ERR_GONE);
    ftdi_close(f);
    f = NULL;
    assert_int_equal(ftdi_open(&f, "FOXFTDI4", &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "found FOXFTDI1, FOXFTDI2, FOXFTDI3;"));
    lab_order("replug ftdi ftdi4");
    f = open_adapter("FOXFTDI4");
    assert_int_equal(flash_identify(f, &id, &e), ERR_FORMAT); // the device lost its power
    ftdi_close(f);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race_without_a_stream),
        cmocka_unit_test(test_ftdi_is_named_when_absent),
        cmocka_unit_test(test_batch_has_a_limit),
        cmocka_unit_test(test_power_needs_its_pins),
        cmocka_unit_test(test_ftdi_pins),
        cmocka_unit_test(test_power_and_reset_act_on_the_device),
        cmocka_unit_test(test_flash_is_read_bit_exact),
        cmocka_unit_test(test_flash_without_power_or_clip_is_all_ones),
        cmocka_unit_test(test_open_device_is_read_out),
        cmocka_unit_test(test_locked_device_refuses),
        cmocka_unit_test(test_closed_device_and_no_power_are_silent),
        cmocka_unit_test(test_race_sees_a_late_lock),
        cmocka_unit_test(test_adapter_is_pulled_in_mid_dump),
    };
    return cmocka_run_group_tests(tests, NULL, close_stream);
}
