// Adapters of two channels, JTAG, the lines between adapter and device, and what a bench is told of
// an adapter that is ill. Run by foxlab with probes.scenario, through the real libftdi; time goes
// on by the adapters' own clocks.
#include <ftdi.h>
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
#include "dut/jtag.h"
#include "dut/lab/tests/ask.h"
#include "dut/lab/tests/vault.h"
#include "dut/port/port_wire.h"
#include "dut/power.h"
#include "dut/swd.h"

#define IDCODE    0x4ba00477u
#define CODE_BASE 0x08000000u
#define DATA_BASE 0x08080000u
#define RAM_BASE  0x20000000u

static void must(int rc, const struct err *e)
{
    if (rc < 0) fail_msg("%s", e->text);
}

static struct ftdi *open_adapter(const char *serial)
{
    struct ftdi *f = NULL;
    struct err e = {0};
    must(ftdi_open(&f, serial, &e), &e);
    return f;
}

// 20 ms, by the adapter's clock.
static void let_time_pass(struct ftdi *f)
{
    const uint8_t get_high = 0x83;
    struct ftdi_batch b;
    struct err e = {0};
    uint8_t level;
    ftdi_batch_init(&b, FTDI_BATCH_MAX);
    ftdi_batch_delay(&b, 20000);
    ftdi_batch_put(&b, &get_high, 1, 1);
    must(ftdi_batch_start(f, &b, &e), &e);
    int rc;
    while ((rc = ftdi_batch_collect(f, &level, &e)) == 0)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    must(rc, &e);
    ftdi_batch_deinit(&b);
}

static struct power powered(struct ftdi *f)
{
    struct power p;
    struct err e = {0};
    must(power_init(&p, f, "AC0", "AC1", "AC2", &e), &e);
    must(power_on(&p, &e), &e);
    let_time_pass(f);
    return p;
}

// --- an FT2232H, as libftdi sees it

static void test_double_is_an_ft2232h(void **state)
{
    (void)state;
    struct ftdi_context *c = ftdi_new();
    struct ftdi_device_list *list = NULL;
    assert_int_equal(ftdi_usb_find_all(c, &list, 0x0403, 0x6010), 1);
    ftdi_list_free(&list);
    assert_int_equal(ftdi_set_interface(c, INTERFACE_B), 0);
    assert_int_equal(ftdi_usb_open_desc(c, 0x0403, 0x6010, NULL, "FOXTWO"), 0);
    assert_int_equal(c->type, TYPE_2232H);
    assert_int_equal(c->max_packet_size, 512);
    assert_int_equal(ftdi_set_bitmode(c, 0, BITMODE_MPSSE), 0);
    // Both channels at once, each with answers of its own; 9E is an FT232H's alone.
    struct ftdi *a = open_adapter("FOXTWO");
    const unsigned char ask[] = {0xab, 0x9e, 0x87};
    unsigned char in[4] = {0};
    bool high;
    struct err e = {0};
    assert_int_equal(ftdi_write_data(c, ask, sizeof ask), 3);
    must(ftdi_pin_get(a, 9, &high, &e), &e);
    assert_int_equal(ftdi_read_data(c, in, sizeof in), 4);
    assert_memory_equal(in, "\xfa\xab\xfa\x9e", 4);
    ftdi_close(a);
    ftdi_usb_close(c);
    ftdi_free(c);
}

static void test_a_channel_has_one_owner(void **state)
{
    (void)state;
    struct ftdi *a = open_adapter("FOXTWO"), *b = NULL, *other = NULL;
    struct err e = {0};
    assert_int_equal(ftdi_open(&other, "FOXTWO", &e), ERR_BUSY);
    assert_non_null(strstr(e.text, "another program holds it"));
    must(ftdi_open_second(&b, "FOXTWO", &e), &e);
    assert_int_equal(ftdi_open_second(&other, "FOXTWO", &e), ERR_BUSY);
    ftdi_close(b);
    must(ftdi_open_second(&b, "FOXTWO", &e), &e); // it was given back
    ftdi_close(b);
    ftdi_close(a);
    assert_int_equal(ftdi_open_second(&other, "FOXJTAG", &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "expected an FT2232H with this serial number"));
    assert_non_null(strstr(e.text, "found FOXJTAG, FOXDARK, FOXLOCK, FOXTWO;"));
}

// --- lines

static void test_lines_reach_the_device_and_come_back(void **state)
{
    (void)state;
    struct err e = {0};
    struct ftdi *f = open_adapter("FOXTWO");
    struct power p = powered(f);
    static const unsigned to_device[] = {10, 12, 13, 14}; // lab enable, boot, tamper, jam
    for (unsigned pattern = 0; pattern < 16; pattern++) {
        for (unsigned i = 0; i < 4; i++)
            must(ftdi_pin_set(f, to_device[i], pattern >> i & 1, &e), &e);
        let_time_pass(f);
        for (unsigned i = 0; i < 4; i++) {
            bool high;
            must(ftdi_pin_get(f, 4 + i, &high, &e), &e);
            if (high != (pattern >> i & 1))
                fail_msg("pattern %x: AD%u is %d", pattern, 4 + i, high);
        }
        // The same in one question, with the pins that the adapter drives.
        uint16_t levels;
        must(ftdi_pins_get(f, &levels, &e), &e);
        assert_int_equal(levels >> 4 & 0x0f, pattern);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(levels >> to_device[i] & 1, pattern >> i & 1);
    }
    // In reset its outputs are low; without power they float, pulled up by the adapter.
    bool high;
    must(power_reset(&p, true, &e), &e);
    must(ftdi_pin_get(f, 4, &high, &e), &e);
    assert_false(high);
    must(power_off(&p, &e), &e);
    must(ftdi_pin_get(f, 4, &high, &e), &e);
    assert_true(high);
    ftdi_close(f);
}

// --- JTAG

static int scan(struct ftdi *f, uint32_t *id, size_t *n)
{
    uint32_t ids[JTAG_CHAIN_MAX] = {0};
    struct err e = {0};
    int rc = jtag_scan(f, ids, n, &e);
    must(rc, &e);
    *id = ids[0];
    return rc;
}

static void test_jtag_names_itself(void **state)
{
    (void)state;
    struct err e = {0};
    uint32_t id, dpidr;
    size_t n;
    struct ftdi *f = open_adapter("FOXJTAG");
    assert_int_equal(scan(f, &id, &n), JTAG_SILENT); // no power
    powered(f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(scan(f, &id, &n), JTAG_CHAIN);
        assert_int_equal(n, 1);
        assert_int_equal(id, IDCODE);
    }
    // The same pins still reach the flash, and the switch keeps the two apart.
    struct flash_id flash;
    must(flash_identify(f, &flash, &e), &e);
    assert_int_equal(flash.size, 1 << 20);
    assert_int_equal(scan(f, &id, &n), JTAG_CHAIN);
    ftdi_close(f);

    struct ftdi *a = open_adapter("FOXTWO"), *b = NULL;
    powered(a);
    must(ftdi_open_second(&b, "FOXTWO", &e), &e);
    assert_int_equal(scan(b, &id, &n), JTAG_CHAIN);
    assert_int_equal(id, IDCODE);
    assert_int_equal(swd_connect(a, &dpidr, &e), SWD_WORDS); // serial wire is on the first one
    assert_int_equal(dpidr, 0x2ba01477);
    ftdi_close(b);
    ftdi_close(a);

    f = open_adapter("FOXDARK"); // its port is closed for good
    powered(f);
    assert_int_equal(scan(f, &id, &n), JTAG_SILENT);
    ftdi_close(f);
}

// The port by hand: the instruction register, bypass, and that the machine goes where it should.
static void test_jtag_is_the_standard(void **state)
{
    (void)state;
    struct ftdi *f = open_adapter("FOXJTAG");
    powered(f);
    struct err e = {0};
    must(ftdi_select(f, FTDI_BUS_JTAG, &e), &e);
    // Reset, idle, shift IR; 4 bits in (BYPASS), of which the first two read 1 and 0; the last one
    // with TMS, into exit; update; shift DR: one bit of bypass, so that A5 comes back one bit
    // later.
    const uint8_t commands[] = {0x4b, 4, 0x1f, 0x4b, 4, 0x06, 0x3b, 2, 0x07, 0x6b, 0, 0x81,
                                0x4b, 3, 0x03, 0x3b, 7, 0xa5, 0x3b, 0, 0x00, 0x4b, 4, 0x1f};
    uint8_t got[4] = {0};
    struct ftdi_batch b;
    ftdi_batch_init(&b, 64);
    ftdi_batch_put(&b, commands, sizeof commands, 4);
    must(ftdi_batch_run(f, &b, got, &e), &e);
    ftdi_batch_deinit(&b);
    assert_int_equal(got[0] >> 5, 1); // 1, 0, 0: the captured instruction, lowest first
    assert_int_equal(got[2], (uint8_t)(0xa5 << 1)); // a 0 first
    assert_int_equal(got[3] >> 7, 0xa5 >> 7);
    ftdi_close(f);
}

static void must_connect(struct ftdi *f)
{
    uint32_t id;
    struct err e = {0};
    int rc = jtag_connect(f, &id, &e);
    must(rc, &e);
    assert_int_equal(rc, SWD_WORDS);
    assert_int_equal(id, IDCODE);
}

static int read_words(struct ftdi *f, uint32_t address, uint32_t *words, size_t n, size_t *done)
{
    struct err e = {0};
    int rc = jtag_read_words(f, address, words, n, done, NULL, NULL, &e);
    must(rc, &e);
    return rc;
}

static void expect_words(struct ftdi *f, uint32_t base, uint32_t image, size_t from, size_t n)
{
    static uint32_t words[4096];
    size_t done;
    assert_true(n <= sizeof words / sizeof *words);
    assert_int_equal(read_words(f, base + (uint32_t)from, words, n, &done), SWD_WORDS);
    assert_int_equal(done, n);
    for (size_t i = 0; i < n; i++)
        if (words[i] != vault_word(image, from + 4 * i))
            fail_msg("%08x: %08x, the device keeps %08x", (unsigned)(base + from + 4 * i), words[i],
                     vault_word(image, from + 4 * i));
}

static void test_jtag_reads_an_open_device(void **state)
{
    (void)state;
    struct err e = {0};
    uint32_t words[8];
    size_t done;
    struct ftdi *f = open_adapter("FOXJTAG");
    powered(f);
    must_connect(f);
    expect_words(f, CODE_BASE, PORT_IMAGE_CODE, 0, 4096);
    expect_words(f, CODE_BASE, PORT_IMAGE_CODE, PORT_IMAGE_CODE_SIZE - 0x404, 0x101); // odd pieces
    expect_words(f, DATA_BASE, PORT_IMAGE_DATA, 0, PORT_IMAGE_DATA_SIZE / 4);
    expect_words(f, RAM_BASE, PORT_IMAGE_RAM, 0x3f8, 5);
    assert_int_equal(read_words(f, SWD_CPUID, words, 1, &done), SWD_WORDS);
    assert_int_equal(words[0], 0x412fc230);
    // Behind the end of a memory is nothing: the words before it still come, and it is said which.
    assert_int_equal(read_words(f, CODE_BASE + PORT_IMAGE_CODE_SIZE - 12, words, 8, &done),
                     SWD_REFUSED);
    assert_int_equal(done, 3);
    for (size_t i = 0; i < done; i++)
        assert_int_equal(words[i], vault_word(PORT_IMAGE_CODE, PORT_IMAGE_CODE_SIZE - 12 + 4 * i));
    must_connect(f); // what stuck is gone
    expect_words(f, CODE_BASE, PORT_IMAGE_CODE, 64, 1);
    assert_int_equal(jtag_read_words(f, CODE_BASE + 2, words, 1, &done, NULL, NULL, &e),
                     ERR_INVALID);
    ftdi_close(f);

    // The second channel of an FT2232H, and serial wire on its first, at the same memory.
    struct ftdi *a = open_adapter("FOXTWO"), *b = NULL;
    uint32_t dpidr, word;
    powered(a);
    must(ftdi_open_second(&b, "FOXTWO", &e), &e);
    for (unsigned i = 0; i < 2; i++) {
        must_connect(b);
        expect_words(b, DATA_BASE, PORT_IMAGE_DATA, 4 * i, 100);
        assert_int_equal(swd_connect(a, &dpidr, &e), SWD_WORDS);
        assert_int_equal(swd_read_words(a, DATA_BASE, &word, 1, &done, NULL, NULL, &e), SWD_WORDS);
        assert_int_equal(word, vault_word(PORT_IMAGE_DATA, 0));
    }
    ftdi_close(b);
    ftdi_close(a);
}

static void test_jtag_locked_device_refuses(void **state)
{
    (void)state;
    struct err e = {0};
    uint32_t id, words[8];
    size_t done;
    struct ftdi *f = open_adapter("FOXLOCK");
    struct power p = powered(f);
    for (int boot = 0; boot < 3; boot++) {
        static const uint32_t closed[] = {CODE_BASE, DATA_BASE + 64};
        for (size_t i = 0; i < 2; i++) {
            must_connect(f);
            assert_int_equal(read_words(f, closed[i], words, 8, &done), SWD_REFUSED);
            assert_int_equal(done, 0);
        }
        must_connect(f);
        assert_int_equal(read_words(f, RAM_BASE, words, 8, &done), SWD_WORDS);
        if (boot == 0) must(power_reset(&p, true, &e), &e);
        if (boot == 1) {
            must(power_off(&p, &e), &e);
            assert_int_equal(jtag_connect(f, &id, &e), SWD_SILENT);
            must(power_on(&p, &e), &e);
        }
    }
    ftdi_close(f);
    f = open_adapter("FOXDARK");
    powered(f);
    assert_int_equal(jtag_connect(f, &id, &e), SWD_SILENT);
    assert_int_equal(read_words(f, RAM_BASE, words, 1, &done), SWD_SILENT);
    assert_int_equal(done, 0);
    ftdi_close(f);
}

// --- what is wrong with an adapter has a name

static void expect_error(int rc, enum err_code code, const struct err *e, const char *says)
{
    if (rc != (int)code || !strstr(e->text, says)) fail_msg("%d: %s", rc, e->text);
}

static void test_faults_have_names(void **state)
{
    (void)state;
    struct err e = {0};
    struct flash_id id;
    struct ftdi *f = open_adapter("FOXJTAG");
    powered(f);

    lab_order("short ftdi jtag");
    expect_error(flash_identify(f, &id, &e), ERR_TIMEOUT, &e, "expected an answer of");
    lab_order("mend ftdi jtag");
    ftdi_close(f);

    f = open_adapter("FOXJTAG");
    powered(f);
    lab_order("empty ftdi jtag");
    expect_error(flash_identify(f, &id, &e), ERR_TIMEOUT, &e,
                 "expected an answer of 3 bytes, got 0");
    lab_order("mend ftdi jtag");
    ftdi_close(f);

    f = open_adapter("FOXJTAG");
    powered(f);
    bool high;
    lab_order("echo ftdi jtag");
    expect_error(ftdi_pin_get(f, 9, &high, &e), ERR_FORMAT, &e, "answers are out of step");
    ftdi_close(f);

    f = open_adapter("FOXJTAG");
    struct power p = powered(f);
    lab_order("rot flash jtag");
    static uint8_t bytes[65536];
    int rc = flash_identify(f, &id, &e);
    if (rc == ERR_OK) rc = flash_read(f, &id, 0, bytes, sizeof bytes, NULL, NULL, &e);
    expect_error(rc, ERR_FORMAT, &e, "flash behind FTDI adapter FOXJTAG");
    lab_order("mend flash jtag");
    must(flash_identify(f, &id, &e), &e);
    must(flash_read(f, &id, 0, bytes, sizeof bytes, NULL, NULL, &e), &e);

    lab_order("stick relay jtag");
    must(power_off(&p, &e), &e);
    expect_error(power_check_off(&p, true, &e), ERR_IO, &e, "the relay sticks");
    lab_order("free relay jtag");
    must(power_check_off(&p, true, &e), &e);
    ftdi_close(f);
}

static void test_stuck_debug_lines_have_names(void **state)
{
    (void)state;
    struct err e = {0};
    uint32_t id, dpidr;
    size_t n;
    struct ftdi *f = open_adapter("FOXJTAG");
    powered(f);
    lab_order("ones debug jtag");
    assert_int_equal(scan(f, &id, &n), JTAG_SILENT);
    lab_order("zeros debug jtag");
    assert_int_equal(scan(f, &id, &n), JTAG_STUCK);
    assert_int_equal(jtag_connect(f, &id, &e), SWD_GARBLED);
    lab_order("mend debug jtag");
    assert_int_equal(scan(f, &id, &n), JTAG_CHAIN);
    ftdi_close(f);
    f = open_adapter("FOXTWO");
    powered(f);
    lab_order("ones debug double");
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_SILENT);
    lab_order("zeros debug double");
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_GARBLED);
    lab_order("mend debug double");
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_WORDS);
    ftdi_close(f);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double_is_an_ft2232h),
        cmocka_unit_test(test_a_channel_has_one_owner),
        cmocka_unit_test(test_lines_reach_the_device_and_come_back),
        cmocka_unit_test(test_jtag_names_itself),
        cmocka_unit_test(test_jtag_is_the_standard),
        cmocka_unit_test(test_jtag_reads_an_open_device),
        cmocka_unit_test(test_jtag_locked_device_refuses),
        cmocka_unit_test(test_faults_have_names),
        cmocka_unit_test(test_stuck_debug_lines_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
