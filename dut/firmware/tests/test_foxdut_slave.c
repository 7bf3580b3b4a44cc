// The AT_Slave dialect of foxdut: every command's answer, echo, what only a laboratory may do, and
// that it falls back at a reset.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/rig.h"

static const char ok[] = "\r\nOK\r\n", error[] = "\r\nAT_ERROR\r\n";
static const char param_error[] = "\r\nAT_PARAM_ERROR\r\n";
static const char *const slave[] = {"--dialect", "at_slave", NULL};

static void start_with(struct lab *l, const char *more, const char *value)
{
    lab_init(l);
    l->args[0] = "--dialect";
    l->args[1] = "at_slave";
    l->args[2] = more;
    l->args[3] = value;
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    lab_command(l, "ATE=0");
    lab_forget(l);
}

static void restart(struct lab *l)
{
    lab_kill(l);
    assert_true(lab_power_on(l, PORT_BOOT_RESET));
    lab_command(l, "ATE=0");
}

static void test_answers(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"AT", ok},
        {"AT$ID", "\r\n0BADCAFE\r\n\r\nOK\r\n"},
        {"AT$PAC", "\r\n0011223344556677\r\n\r\nOK\r\n"},
        {"AT+VER", "\r\nfoxdut " FOX_VERSION "\r\n\r\nOK\r\n"},
        {"AT+BAT=?", "\r\n3300\r\n\r\nOK\r\n"},
        {"ATS302=?", "\r\n14\r\n\r\nOK\r\n"},
        {"ATS302=15", ok},
        {"ATS410=?", "\r\n0\r\n\r\nOK\r\n"},
        {"ATS410=0", ok},
        {"ATS411=?", "\r\n0\r\n\r\nOK\r\n"},
        {"ATS411=0", ok},
        {"AT$RC=?", "\r\n1\r\n\r\nOK\r\n"},
        {"AT$RC=1", ok},
        {"AT+VL=3", ok},
        {"AT$SB=0", ok},
        {"AT$SB=1,0,2", ok},
        {"AT$SF=00", ok},
        {"AT$SF=CAFEcafe,0", ok},
        {"AT$SH=5,a,b\"c", ok},
        {"ATS300", ok},
        {"AT$RFS", ok},
        {"AT$NOPE", error},
        {"at", error},
        {"AT$SB", param_error},
        {"AT$SB=2", param_error},
        {"AT$SB=1,1,3", param_error},
        {"AT$SB=1,2", param_error},
        {"AT$SF=0", param_error},
        {"AT$SF=000102030405060708090a0b0c", param_error},
        {"AT$SH=3,ab", param_error},
        {"AT$SH=0,", param_error},
        {"ATS302=16", param_error},
        {"ATS411=1", param_error}, // it has no cipher
        {"AT$RC=3", param_error},
        {"AT$RC=9", param_error},
        {"AT$TM=1,7", param_error},
        {"AT$TM=1", param_error},
        {"ATE=2", param_error},
        // in a laboratory only
        {"ATS410=1", error},
        {"AT$RC=6", error},
        {"AT$TM=1,1", error},
        {"AT$CNT=5", error},
    };
    struct lab l;
    start_with(&l, NULL, NULL);
    lab_gpio(&l, 0, 0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(lab_command(&l, table[i][0]), table[i][1]);
    assert_int_equal(l.n_bursts, 6 * 3);
    lab_deinit(&l);
}

static void hex_of(const struct lab_burst *b, char hex[53])
{
    struct demod d;
    demod_burst(b, &d);
    memcpy(hex, d.hex, 53);
}

// Number of frames as asked for, and characters as they stand.
static void test_what_is_sent(void **state)
{
    (void)state;
    struct lab l;
    char hex[53];
    start_with(&l, NULL, NULL);
    lab_command(&l, "AT$SB=1,0,0");
    assert_int_equal(l.n_bursts, 1);
    lab_forget(&l);
    lab_command(&l, "AT$SF=cafe,0,1");
    assert_int_equal(l.n_bursts, 2);
    lab_forget(&l);
    lab_command(&l, "AT$SH=4,a,b=,0,0");
    assert_int_equal(l.n_bursts, 1);
    hex_of(&l.bursts[0], hex);
    assert_memory_equal(hex + 20, "612c623d", 8);
    lab_deinit(&l);
}

// What comes in goes back until it is switched off; a restart switches it on again.
static void test_echo(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    memcpy(l.args, slave, sizeof slave);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    lab_uart(&l, "AT$ID\r", 6);
    lab_run(&l, DEVPORT_SECOND);
    assert_string_equal(l.uart, "AT$ID\r\r\n0BADCAFE\r\n\r\nOK\r\n");
    lab_command(&l, "ATE=0");
    assert_string_equal(lab_command(&l, "AT"), ok);
    lab_uart(&l, "ATZ\r", 4); // has no answer
    lab_run(&l, DEVPORT_SECOND);
    lab_forget(&l);
    lab_uart(&l, "AT\r", 3);
    lab_run(&l, DEVPORT_SECOND);
    assert_string_equal(l.uart, "AT\r\r\nOK\r\n");
    lab_deinit(&l);
}

// The downlink comes before the OK; silence has a word of its own.
static void test_downlink(void **state)
{
    (void)state;
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, RIG_KEY, 5, slave);
    lab_command(&r.lab, "ATE=0");
    rig_request(&r);
    rig_make_frame(5, 0, frame);
    rig_send(&r, 25, rig_frequency(&r), frame);
    assert_string_equal(rig_answer(&r), "\r\n+RX=0102030405060708\r\n\r\nOK\r\n");
    rig_request(&r);
    assert_string_equal(rig_answer(&r), "\r\nAT_RX_TIMEOUT\r\n");
    lab_deinit(&r.lab);
}

// Zone, key and test modes need the line at that moment and are forgotten at a reset.
static void test_laboratory(void **state)
{
    (void)state;
    struct lab l;
    char hex[53];
    start_with(&l, NULL, NULL);
    lab_gpio(&l, 0, 1);
    assert_string_equal(lab_command(&l, "ATS410=1"), ok);
    assert_string_equal(lab_command(&l, "AT$RC=7"), ok);
    lab_gpio(&l, 0, 0);
    assert_string_equal(lab_command(&l, "AT$RC=6"), error);
    assert_string_equal(lab_command(&l, "ATS410=?"), "\r\n1\r\n\r\nOK\r\n");
    lab_forget(&l);
    lab_command(&l, "AT$SB=0");
    assert_true(fabs(l.bursts[0].carrier_hz - 868800000.0) < 96000);
    assert_string_equal(lab_command(&l, "AT$RC=?"), "\r\n7\r\n\r\nOK\r\n");
    restart(&l);
    assert_string_equal(lab_command(&l, "AT$RC=?"), "\r\n1\r\n\r\nOK\r\n");
    assert_string_equal(lab_command(&l, "ATS410=?"), "\r\n0\r\n\r\nOK\r\n");
    lab_gpio(&l, 0, 1);
    lab_forget(&l);
    assert_string_equal(lab_command(&l, "AT$TM=6,0"), ok); // mode C in zone RC6
    assert_int_equal(l.n_bursts, 3);
    for (int i = 0; i < 3; i++)
        assert_true(l.bursts[i].carrier_hz == 865200000.0);
    hex_of(&l.bursts[0], hex);
    assert_memory_equal(hex + 20, "aaaaaaaaaaaaaaaaaaaaaaaa", 24);
    assert_string_equal(lab_command(&l, "AT$RC=?"), "\r\n1\r\n\r\nOK\r\n");
    lab_deinit(&l);
}

// 600 bit/s, three micro-channels, each message in the macro-channel of the zone; 20 s between two.
static void test_hopping_zone(void **state)
{
    (void)state;
    struct lab l;
    start_with(&l, NULL, NULL);
    lab_gpio(&l, 0, 1);
    assert_string_equal(lab_command(&l, "AT$RC=2"), ok);
    for (int m = 0; m < 20; m++) {
        int64_t last_ns = l.n_bursts ? l.bursts[2].t_ns : INT64_MIN / 2;
        lab_forget(&l);
        assert_string_equal(lab_command(&l, "AT$SF=000102030405060708090a0b"), ok);
        assert_int_equal(l.n_bursts, 3);
        assert_true(l.bursts[0].t_ns - last_ns >= 20 * DEVPORT_SECOND);
        unsigned used = 0;
        for (int i = 0; i < 3; i++) {
            const struct lab_burst *b = &l.bursts[i];
            assert_true(fabs((double)b->n / b->rate_hz - 212.0 / 600) < 0.01);
            double place_hz = b->carrier_hz - (902137500.0 - 12500.0);
            int channel = (int)(place_hz / 25000.0);
            assert_in_range(channel, 0, 5);
            assert_true(fabs(place_hz - channel * 25000.0 - 12500.0) <= 10500.0);
            assert_false(used >> channel & 1);
            used |= 1u << channel;
        }
    }
    lab_deinit(&l);
}

// Encryption: on by default, off in a laboratory only and until the next reset. MUT-ENC-010 lets
// anybody switch it off.
static void test_encryption_flag(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        struct lab l;
        lab_init(&l);
        const char *const args[] = {"--dialect",
                                    "at_slave",
                                    "--encrypt",
                                    faulty ? "--fault" : NULL,
                                    faulty ? "MUT-ENC-010" : NULL,
                                    NULL};
        memcpy(l.args, args, sizeof args);
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        lab_command(&l, "ATE=0");
        for (int i = 0; i < 4; i++) {
            char hex[53];
            lab_gpio(&l, 0, i == 2);
            if (i == 1) assert_string_equal(lab_command(&l, "ATS411=0"), faulty ? ok : error);
            if (i == 2) assert_string_equal(lab_command(&l, "ATS411=0"), ok);
            if (i == 3) restart(&l);
            lab_forget(&l);
            lab_command(&l, "AT$SF=404142434445");
            hex_of(&l.bursts[0], hex);
            bool clear = i == 2 || (i == 1 && faulty);
            assert_int_equal(memcmp(hex + 20, "404142434445", 12) == 0, clear);
            lab_forget(&l);
            assert_string_equal(lab_command(&l, "ATS411=?"),
                                clear ? "\r\n0\r\n\r\nOK\r\n" : "\r\n1\r\n\r\nOK\r\n");
        }
        lab_deinit(&l);
    }
}

static void test_unknown_dialect_is_refused(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    l.args[0] = "--dialect";
    l.args[1] = "nucleo";
    assert_false(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(l.refused, "--dialect expects sfm10r or at_slave, got 'nucleo'");
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_downlink),
        cmocka_unit_test(test_laboratory),
        cmocka_unit_test(test_hopping_zone),
        cmocka_unit_test(test_encryption_flag),
        cmocka_unit_test(test_unknown_dialect_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
