// Device processes: how they start, and every way in which they can go wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/lab/device.h"

static char uart_text[256];
static char path[64];

static void take_uart(void *ctx, unsigned index, int64_t t_ns, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)index;
    (void)t_ns;
    size_t have = strlen(uart_text);
    assert_true(have + len < sizeof uart_text);
    memcpy(uart_text + have, data, len);
    uart_text[have + len] = '\0';
}

static int take_rf(void *ctx, unsigned index, int64_t t_ns, double carrier_hz, double rate_hz,
                   float *iq, size_t n, struct err *err)
{
    (void)ctx;
    (void)index;
    (void)t_ns;
    (void)err;
    free(iq);
    return carrier_hz == 868140000 && rate_hz == 9600 && n == 960 ? 0 : ERR_INVALID;
}

static struct device *make(const char *how)
{
    static char program[256], argument[32];
    static char *argv[3] = {program, argument};
    snprintf(program, sizeof program, "%s", FOXLAB_PROBE);
    snprintf(argument, sizeof argument, "%s", how);
    uart_text[0] = '\0';
    struct device_config config = {
        .name = "d", .argv = argv, .nvm_path = path, .seed = 5, .host = {NULL, take_uart, take_rf}};
    struct device *d;
    assert_int_equal(device_new(&d, &config, NULL), ERR_OK);
    return d;
}

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/test_lab_device.XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void test_device_runs_by_grants(void **state)
{
    (void)state;
    struct device *d = make("");
    struct err e = {0};
    assert_int_equal(device_start(d, PORT_BOOT_RESET, 1000, &e), ERR_OK);
    assert_string_equal(d->program, "probe 1");
    assert_int_equal(device_next_ns(d), 1000);
    assert_int_equal(device_grant(d, 1000, &e), ERR_OK);
    assert_int_equal(device_next_ns(d), 401000); // four bytes of NVM
    assert_string_equal(uart_text, "");
    assert_int_equal(device_grant(d, 401000, &e), ERR_OK);
    assert_string_equal(uart_text, "boot 0 1\n");
    assert_true(device_next_ns(d) == PORT_NEVER);
    assert_int_equal(device_uart_rx(d, 500000, (const uint8_t *)"b", 1, &e), ERR_OK);
    assert_int_equal(device_grant(d, 500000, &e), ERR_OK);
    assert_string_equal(uart_text, "boot 0 1\nb 500000\n");

    // Power off and on: the count survives. A cut inside the write keeps what was written by then:
    // of the four bytes, low first, none.
    device_stop(d, 600000);
    assert_int_equal(device_start(d, PORT_BOOT_POWER, 700000, &e), ERR_OK);
    assert_int_equal(device_grant(d, 700000, &e), ERR_OK);
    device_stop(d, 750000);
    uart_text[0] = '\0';
    assert_int_equal(device_start(d, PORT_BOOT_POWER, 800000, &e), ERR_OK);
    assert_int_equal(device_grant(d, 800000, &e), ERR_OK);
    assert_int_equal(device_grant(d, device_next_ns(d), &e), ERR_OK);
    assert_string_equal(uart_text, "boot 1 0\n");
    device_free(d);
}

static const struct {
    const char *how;
    int code;
    const char *says;
} wrongs[] = {
    {"die", ERR_GONE, "closed its end of the device port (exit status 7)"},
    {"crash", ERR_GONE, "(killed by signal 6"},
    {"hang", ERR_TIMEOUT, "did not answer for 0.3 s"},
    {"past", ERR_FORMAT, "next event is at 0 ns, which is over"},
    {"garbage", ERR_FORMAT, "header that is none"},
    {"future", ERR_FORMAT, "expected a time from 0 to 0"},
};

static void test_device_that_misbehaves_is_dead(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct device *d = make(wrongs[i].how);
        d->limit_ms = 300;
        struct err e = {0};
        assert_int_equal(device_start(d, PORT_BOOT_POWER, 0, &e), ERR_OK);
        int rc = device_grant(d, 0, &e);
        if (rc != wrongs[i].code || strncmp(e.text, "device d: ", 10) != 0 ||
            !strstr(e.text, wrongs[i].says))
            fail_msg("%s gave %d: %s", wrongs[i].how, rc, e.text);
        assert_int_equal(d->state, DEVICE_STATE_DEAD);
        assert_true(device_next_ns(d) == PORT_NEVER);
        device_stop(d, 0); // power off and on again
        assert_int_equal(d->state, DEVICE_STATE_OFF);
        device_free(d);
    }
}

static void test_device_that_does_not_start(void **state)
{
    (void)state;
    struct device *d = make("refuse");
    struct err e = {0};
    assert_int_equal(device_start(d, PORT_BOOT_POWER, 0, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "device d: refuses to start: unknown fault nothing"));
    device_free(d);

    char name[32] = "no-such-program";
    char *argv[] = {name, NULL};
    struct device_config config = {.name = "d", .argv = argv, .nvm_path = path};
    assert_int_equal(device_new(&d, &config, NULL), ERR_OK);
    assert_int_equal(device_start(d, PORT_BOOT_POWER, 0, &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "neither in"));
    device_free(d);

    snprintf(name, sizeof name, "true"); // a program, but no device
    assert_int_equal(device_new(&d, &config, NULL), ERR_OK);
    assert_int_equal(device_start(d, PORT_BOOT_POWER, 0, &e), ERR_GONE);
    assert_non_null(strstr(e.text, "(exit status 0)"));
    device_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_device_runs_by_grants, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_that_misbehaves_is_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_device_that_does_not_start, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
