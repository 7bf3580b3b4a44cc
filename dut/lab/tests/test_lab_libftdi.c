// The real libftdi as its own users call it, against the lab's adapters: what the bench's drivers
// do not use must work too, or fail as on hardware. Run by foxlab with ftdi.scenario.
#include <ftdi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ftdi_context *f;

static int open_second(void **state)
{
    (void)state;
    f = ftdi_new();
    return f && ftdi_usb_open_desc(f, 0x0403, 0x6014, NULL, "FOXFTDI2") == 0 ? 0 : -1;
}

static int close_it(void **state)
{
    (void)state;
    ftdi_usb_close(f);
    ftdi_free(f);
    return 0;
}

static void enter_mpsse(void)
{
    assert_int_equal(ftdi_usb_reset(f), 0);
    assert_int_equal(ftdi_set_bitmode(f, 0, BITMODE_RESET), 0);
    assert_int_equal(ftdi_set_bitmode(f, 0, BITMODE_MPSSE), 0);
    assert_int_equal(ftdi_tcioflush(f), 0);
}

static void test_libftdi_lists_adapters(void **state)
{
    (void)state;
    struct ftdi_context *c = ftdi_new();
    struct ftdi_device_list *list = NULL;
    assert_int_equal(ftdi_usb_find_all(c, &list, 0x0403, 0x6014), 4);
    char maker[32], product[64], serial[32];
    assert_int_equal(ftdi_usb_get_strings(c, list->dev, maker, sizeof maker, product,
                                          sizeof product, serial, sizeof serial),
                     0);
    assert_string_equal(maker, "FTDI");
    assert_string_equal(product, "C232HM (virtual lab)");
    assert_string_equal(serial, "FOXFTDI1");
    ftdi_list_free(&list);
    assert_int_equal(ftdi_usb_find_all(c, &list, 0x0403, 0x6010), 0); // no FT2232H
    ftdi_list_free(&list);
    assert_int_equal(ftdi_usb_open_desc(c, 0x0403, 0x6014, NULL, "NOSUCH"), -3);
    ftdi_free(c);
}

static void test_libftdi_knows_the_chip(void **state)
{
    (void)state;
    assert_int_equal(f->type, TYPE_232H);
    assert_int_equal(f->max_packet_size, 512);
    unsigned char ms = 0;
    assert_int_equal(ftdi_set_latency_timer(f, 5), 0);
    assert_int_equal(ftdi_get_latency_timer(f, &ms), 0);
    assert_int_equal(ms, 5);
    unsigned short status = 0;
    assert_int_equal(ftdi_poll_modem_status(f, &status), 0);
    assert_int_equal(ftdi_set_baudrate(f, 115200), 0);
    assert_int_equal(ftdi_setdtr_rts(f, 1, 1), 0);
    assert_true(ftdi_set_bitmode(f, 0xff, BITMODE_BITBANG) < 0); // not modelled: a stall
}

static void test_libftdi_loops_back(void **state)
{
    (void)state;
    enter_mpsse();
    unsigned char out[3 + 300] = {0x31, 299 & 0xff, 299 >> 8}, in[300];
    for (size_t i = 0; i < 300; i++)
        out[3 + i] = (unsigned char)(i * 7);
    unsigned char on = 0x84;
    assert_int_equal(ftdi_write_data(f, &on, 1), 1);
    assert_int_equal(ftdi_write_data(f, out, sizeof out), sizeof out);
    assert_int_equal(ftdi_read_data(f, in, sizeof in), sizeof in);
    assert_memory_equal(in, out + 3, sizeof in);
    assert_int_equal(ftdi_read_data(f, in, 1), 0); // nothing is no error
}

static void test_libftdi_works_asynchronously(void **state)
{
    (void)state;
    enter_mpsse();
    unsigned char out[] = {0xaa, 0xab, 0x87}, in[4] = {0};
    struct ftdi_transfer_control *t = ftdi_write_data_submit(f, out, sizeof out);
    assert_non_null(t);
    assert_int_equal(ftdi_transfer_data_done(t), sizeof out);
    t = ftdi_read_data_submit(f, in, sizeof in);
    assert_non_null(t);
    assert_int_equal(ftdi_transfer_data_done(t), sizeof in);
    assert_memory_equal(in, "\xfa\xaa\xfa\xab", 4);
}

static void test_libftdi_serves_two_handles(void **state)
{
    (void)state;
    enter_mpsse();
    struct ftdi_context *other = ftdi_new();
    assert_int_equal(ftdi_usb_open_desc(other, 0x0403, 0x6014, NULL, "FOXFTDI3"), 0);
    assert_int_equal(ftdi_set_bitmode(other, 0, BITMODE_MPSSE), 0);
    unsigned char a = 0xaa, b = 0xab, in[2];
    assert_int_equal(ftdi_write_data(f, &a, 1), 1);
    assert_int_equal(ftdi_write_data(other, &b, 1), 1);
    assert_int_equal(ftdi_read_data(f, in, 2), 2);
    assert_memory_equal(in, "\xfa\xaa", 2);
    assert_int_equal(ftdi_read_data(other, in, 2), 2);
    assert_memory_equal(in, "\xfa\xab", 2);
    ftdi_usb_close(other);
    ftdi_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libftdi_lists_adapters),
        cmocka_unit_test_setup_teardown(test_libftdi_knows_the_chip, open_second, close_it),
        cmocka_unit_test_setup_teardown(test_libftdi_loops_back, open_second, close_it),
        cmocka_unit_test_setup_teardown(test_libftdi_works_asynchronously, open_second, close_it),
        cmocka_unit_test_setup_teardown(test_libftdi_serves_two_handles, open_second, close_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
