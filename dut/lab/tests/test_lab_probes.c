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
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/flash.h"
#include "dut/jtag.h"
#include "dut/power.h"
#include "dut/swd.h"

#define IDCODE 0x4ba00477u

static void order(const char *command)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", getenv("FOXLAB_CONTROL"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char answer[256];
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    assert_true(dprintf(fd, "%s\n", command) > 0);
    ssize_t n = read(fd, answer, sizeof answer - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    assert_string_equal(answer, "ok\n");
    close(fd);
}

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
    assert_non_null(strstr(e.text, "found FOXJTAG, FOXDARK, FOXTWO;"));
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

    order("short ftdi jtag");
    expect_error(flash_identify(f, &id, &e), ERR_TIMEOUT, &e, "expected an answer of");
    order("mend ftdi jtag");
    ftdi_close(f);

    f = open_adapter("FOXJTAG");
    powered(f);
    order("empty ftdi jtag");
    expect_error(flash_identify(f, &id, &e), ERR_TIMEOUT, &e,
                 "expected an answer of 3 bytes, got 0");
    order("mend ftdi jtag");
    ftdi_close(f);

    f = open_adapter("FOXJTAG");
    powered(f);
    bool high;
    order("echo ftdi jtag");
    expect_error(ftdi_pin_get(f, 9, &high, &e), ERR_FORMAT, &e, "answers are out of step");
    ftdi_close(f);

    f = open_adapter("FOXJTAG");
    struct power p = powered(f);
    order("rot flash jtag");
    static uint8_t bytes[65536];
    int rc = flash_identify(f, &id, &e);
    if (rc == ERR_OK) rc = flash_read(f, &id, 0, bytes, sizeof bytes, NULL, NULL, &e);
    expect_error(rc, ERR_FORMAT, &e, "flash behind FTDI adapter FOXJTAG");
    order("mend flash jtag");
    must(flash_identify(f, &id, &e), &e);
    must(flash_read(f, &id, 0, bytes, sizeof bytes, NULL, NULL, &e), &e);

    order("stick relay jtag");
    must(power_off(&p, &e), &e);
    expect_error(power_check_off(&p, true, &e), ERR_IO, &e, "the relay sticks");
    order("free relay jtag");
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
    order("ones debug jtag");
    assert_int_equal(scan(f, &id, &n), JTAG_SILENT);
    order("zeros debug jtag");
    assert_int_equal(scan(f, &id, &n), JTAG_STUCK);
    order("mend debug jtag");
    assert_int_equal(scan(f, &id, &n), JTAG_CHAIN);
    ftdi_close(f);
    f = open_adapter("FOXTWO");
    powered(f);
    order("ones debug double");
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_SILENT);
    order("zeros debug double");
    assert_int_equal(swd_connect(f, &dpidr, &e), SWD_GARBLED);
    order("mend debug double");
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
        cmocka_unit_test(test_faults_have_names),
        cmocka_unit_test(test_stuck_debug_lines_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
