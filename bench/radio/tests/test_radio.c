// Opening a radio where there is none: each reason has its code and its sentence.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>

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

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_no_kind),
        cmocka_unit_test(test_nothing_listens),
    };
    return cmocka_run_group_tests_name("radio", tests, NULL, NULL);
}
