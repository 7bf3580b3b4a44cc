// A device file may name every zone of bench/sfx/zone.c, on a bench whose radio just covers its
// band; a radio that misses it by a hertz is an error that says which way to turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/sfx/zone.h"
#include "lua/bind/state.h"

enum { RATE = 600000 };

static int check(struct state *s, const char *zone, int bit_rate, double lo_hz, double tx_lo_hz,
                 struct err *e)
{
    struct jval *device = jval_make(e, "{s:s, s:s, s:s, s:s, s:[]}", "name", "d", "id", "00f0c5a1",
                                    "zone", zone, "dialect", "sfm10r", "features");
    struct jval *bench =
        jval_make(e, "{s:s, s:[{s:s, s:s, s:i, s:f, s:i, s:s, s:b, s:f}], s:[{s:s, s:s}]}", "name",
                  "b", "radios", "unit", "r", "uri", "ip:1.2.3.4", "rate_hz", RATE, "lo_hz", lo_hz,
                  "gain_db", 30, "path", "conducted", "transmit", 1, "tx_lo_hz", tx_lo_hz, "uarts",
                  "unit", "u", "path", "/dev/x");
    struct jval *limits = jval_array();
    assert_non_null(device);
    assert_non_null(bench);
    if (bit_rate)
        assert_int_equal(jval_set(device, "bit_rate", jval_make(e, "i", bit_rate), e), ERR_OK);
    struct jval *checked = NULL, *checked_bench = NULL;
    int rc = state_check(s, device, bench, limits, &checked, &checked_bench, e);
    jval_free(device);
    jval_free(bench);
    jval_free(limits);
    jval_free(checked);
    jval_free(checked_bench);
    return rc;
}

static void test_every_zone_of_the_table(void **state)
{
    (void)state;
    struct state *s;
    struct err e = {0};
    const double room_hz = RATE / 2 - SFX_ZONE_BAND_HZ / 2;
    assert_int_equal(state_open(&s, FOX_SOURCE_DIR, &e), ERR_OK);
    size_t n = 0;
    for (const struct sfx_zone *z; (z = sfx_zone_at(n)); n++) {
        double up = z->uplink_hz, down = z->downlink_hz;
        for (int side = -1; side <= 1; side += 2) {
            if (check(s, z->name, 0, up + side * room_hz, down - side * room_hz, &e) != ERR_OK)
                fail_msg("%s: %s", z->name, e.text);
            assert_int_equal(check(s, z->name, 0, up + side * (room_hz + 1), down, &e), ERR_USAGE);
            assert_non_null(strstr(e.text, "bench.radios[1]: the band"));
            assert_non_null(strstr(e.text, z->name));
            assert_non_null(strstr(e.text, "move lo_hz"));
            assert_int_equal(check(s, z->name, 0, up, down + side * (room_hz + 1), &e), ERR_USAGE);
            assert_non_null(strstr(e.text, "move tx_lo_hz"));
        }
        assert_int_equal(check(s, z->name, 600, up, down, &e), ERR_OK);
        assert_int_equal(check(s, z->name, 100, up, down, &e),
                         z->bit_rate_100 ? ERR_OK : ERR_USAGE);
        if (!z->bit_rate_100) assert_non_null(strstr(e.text, "send at 600 bit/s, got 100"));
        assert_int_equal(check(s, z->name, 300, up, down, &e), ERR_USAGE);
    }
    assert_int_equal(n, 8);
    assert_int_equal(check(s, "RC8", 0, 868.13e6, 869.4e6, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "RC1, RC2, RC3-LBT, RC3-LDC, RC4, RC5, RC6, RC7"));
    state_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_zone_of_the_table)};
    return cmocka_run_group_tests_name("lua/zones", tests, NULL, NULL);
}
