// Opening a radio where there is none: each reason has its code and its sentence.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/radio/lock.h"
#include "bench/radio/radio.h"

static void refused(struct radio_config config, int code, const char *text)
{
    struct radio *r = (struct radio *)&config; // must be overwritten
    struct err e = {0};
    assert_int_equal(radio_open(&r, &config, &e), code);
    assert_null(r);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, text)) fail_msg("expected '%s' in: %s", text, e.text);
}

static void test_addresses_of_no_kind(void **state)
{
    (void)state;
    refused((struct radio_config){.uri = "pluto.local"}, ERR_USAGE,
            "radio 'pluto.local': expected an address that begins with usb:, ip: or file:");
    refused((struct radio_config){.uri = ""}, ERR_USAGE, "radio ''");
    refused((struct radio_config){.uri = NULL}, ERR_USAGE, "radio ''");
    radio_close(NULL);
}

static void test_nothing_listens(void **state)
{
    (void)state;
    struct radio_config config = {.uri = "ip:127.0.0.1:9", // discard: never served here
                                  .rate_hz = 520834,
                                  .lo_hz = 868e6,
                                  .block_samples = 65536,
                                  .timeout_ms = 500};
    refused(config, ERR_GONE,
            "radio ip:127.0.0.1:9: no Pluto answers there: Connection refused; check its cable");
    config.block_samples = 100;
    refused(config, ERR_INVALID,
            "expected an even block of 1024 to 1048576 samples, asked for 100");
    config.block_samples = 65536;
    config.timeout_ms = 0;
    refused(config, ERR_INVALID, "expected a time limit");
}

// A radio has one user: another process is told who it is, and gets the radio when that one ends,
// however it ends.
static void test_one_program_has_a_radio(void **state)
{
    (void)state;
    int lock = -1, other = -1, told[2];
    struct err err = {0};
    char name[64], who[64];
    snprintf(name, sizeof name, "test %d", (int)getpid());
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        int own;
        _exit(radio_lock_take(&own, "usb:1.2.3", name, NULL) == ERR_OK &&
                      write(told[1], "x", 1) == 1 && pause()
                  ? 0
                  : 1);
    }
    assert_int_equal(read(told[0], who, 1), 1);
    // wherever it is plugged in
    assert_int_equal(radio_lock_take(&lock, "ip:192.168.2.1", name, &err), ERR_BUSY);
    assert_int_equal(lock, -1);
    snprintf(who, sizeof who, "process %d (", (int)child);
    assert_non_null(strstr(err.text, who));
    assert_non_null(strstr(err.text, "test_radio"));
    assert_non_null(strstr(err.text, "wait for its end"));
    // radios of two labs have the same serial numbers
    assert_int_equal(radio_lock_take(&lock, "ip:127.0.0.1:4000", name, &err), ERR_OK);
    assert_int_equal(radio_lock_take(&other, "ip:127.0.0.1:4001", name, &err), ERR_OK);
    close(lock);
    close(other);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(radio_lock_take(&lock, "usb:1.2.3", name, &err), ERR_OK);
    close(lock);
    close(told[0]);
    close(told[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_program_has_a_radio),
        cmocka_unit_test(test_addresses_of_no_kind),
        cmocka_unit_test(test_nothing_listens),
    };
    return cmocka_run_group_tests_name("radio", tests, NULL, NULL);
}
