// Faults that show in a row of messages: flags that come and go, and what a reset changes that it
// must not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"
#include "dut/firmware/tests/run.h"

static const char own_key[] = "000102030405060708090a0b0c0d0e0f";

// Header, payload and tag of a bit message, rank 1.
static void bit_message(struct lab *l, const char *line, uint8_t frame[26])
{
    struct demod d;
    lab_forget(l);
    lab_command(l, line);
    demod_burst(&l->bursts[0], &d);
    assert_int_equal(hex_decode(d.hex, frame, 26, NULL), 14);
}

static void test_flags_011_and_012(void **state)
{
    (void)state;
    enum { HEADER = 4, BF = 0x20 };
    for (int fault = 0; fault < 3; fault++) {
        static const char *const ids[] = {NULL, "MUT-AUTH-011", "MUT-AUTH-012"};
        struct lab l;
        lab_init(&l);
        if (fault) {
            l.args[0] = "--fault";
            l.args[1] = ids[fault];
        }
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        for (unsigned i = 0; i < 22; i++) {
            uint8_t f[26], full[16];
            bool asks = i % 7 == 3;
            bit_message(&l, asks ? "AT$SB=1,1" : "AT$SB=1", f);
            assert_int_equal(f[HEADER + 1], i);
            bool flagged = asks || (fault == 1 && i % 10 == 9);
            assert_int_equal(f[HEADER] & BF, flagged ? BF : 0);
            if (fault == 2) f[HEADER] &= (uint8_t)~BF;
            run_mac(own_key, f + HEADER, 6, 1, full);
            assert_memory_equal(f + HEADER + 6, full, 2);
        }
        // The flag alone makes nobody listen.
        size_t windows = l.n_listens;
        for (int i = 0; i < 40; i++)
            lab_run(&l, DEVPORT_SECOND);
        assert_int_equal(l.n_listens, windows);
        lab_deinit(&l);
    }
}

static void test_auth_013_keeps_the_public_key(void **state)
{
    (void)state;
    static const char public[] = "00112233445566778899aabbccddeeff";
    struct lab l;
    lab_init(&l);
    l.args[0] = "--fault";
    l.args[1] = "MUT-AUTH-013";
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    for (unsigned i = 0; i < 4; i++) {
        uint8_t f[26], full[16];
        lab_gpio(&l, 0, 0);
        if (i == 1) assert_string_equal(lab_command(&l, "ATS410=1"), "OK\r");
        if (i == 2) {
            lab_kill(&l);
            assert_true(lab_power_on(&l, PORT_BOOT_RESET));
        }
        if (i == 3) assert_string_equal(lab_command(&l, "ATS410=0"), "OK\r");
        bit_message(&l, "AT$SB=1", f);
        run_mac(i == 1 || i == 2 ? public : own_key, f + 4, 6, 1, full);
        assert_memory_equal(f + 10, full, 2);
    }
    lab_deinit(&l);
}

// ID and counter of the next message.
static void next_message(struct lab *l, const char **id, unsigned *counter)
{
    static char text[9];
    lab_forget(l);
    assert_string_equal(lab_command(l, "AT$SB=1"), "OK\r");
    struct demod d;
    demod_burst(&l->bursts[0], &d);
    uint8_t frame[26];
    assert_true(hex_decode(d.hex, frame, sizeof frame, NULL) == 14);
    *counter = (unsigned)(frame[4] & 0x0f) << 8 | frame[5];
    snprintf(text, sizeof text, "%02x%02x%02x%02x", frame[9], frame[8], frame[7], frame[6]);
    *id = text;
}

static void test_auth_010_falls_back_to_the_test_id(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        struct lab l;
        lab_init(&l);
        if (faulty) {
            l.args[0] = "--fault";
            l.args[1] = "MUT-AUTH-010";
        }
        const char *id = NULL;
        unsigned counter = 0;
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        next_message(&l, &id, &counter);
        assert_string_equal(id, "0badcafe");
        assert_string_equal(lab_command(&l, "AT$P=0"), "OK\r");
        assert_string_equal(lab_command(&l, "AT$I=10"), "0BADCAFE\r");
        assert_string_equal(lab_command(&l, "AT$RFS"), "OK\r");
        const char *expected = faulty ? "fedcba98" : "0badcafe";
        for (unsigned i = 0; i < 3; i++) {
            next_message(&l, &id, &counter);
            assert_string_equal(id, expected);
            assert_int_equal(counter, 1 + i); // and nothing else: the counter goes on
            lab_kill(&l);
            assert_true(lab_power_on(&l, i ? PORT_BOOT_RESET : PORT_BOOT_POWER));
        }
        assert_string_equal(lab_command(&l, "AT$I=10"), faulty ? "FEDCBA98\r" : "0BADCAFE\r");
        lab_deinit(&l);
    }
}

static void test_cnt_007_loses_the_counter_on_reset_only(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    lab_set_counter(&l, 499);
    l.args[0] = "--fault";
    l.args[1] = "MUT-CNT-007";
    const char *id = NULL;
    unsigned counter = 0;
    static const struct {
        enum port_boot_cause cause;
        unsigned counter;
    } boots[] = {{PORT_BOOT_POWER, 500}, {PORT_BOOT_POWER, 501}, {PORT_BOOT_RESET, 0},
                 {PORT_BOOT_POWER, 1},   {PORT_BOOT_POWER, 2},   {PORT_BOOT_RESET, 0}};
    for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
        assert_true(lab_power_on(&l, boots[i].cause));
        next_message(&l, &id, &counter);
        assert_int_equal(counter, boots[i].counter);
        lab_kill(&l);
    }
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(lab_command(&l, "AT$P=0"), "OK\r"); // neither pin nor watchdog
    next_message(&l, &id, &counter);
    assert_int_equal(counter, 1);
    lab_deinit(&l);
}

// No write at all, and 0 after a power cut, a pin reset and a software reset; right in between.
static void test_cnt_006_keeps_the_counter_in_ram(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    lab_set_counter(&l, 499);
    l.args[0] = "--fault";
    l.args[1] = "MUT-CNT-006";
    uint8_t before[PORT_NVM_SIZE];
    memcpy(before, l.nvm, sizeof before);
    const char *id = NULL;
    unsigned counter = 0;
    for (unsigned boot = 0; boot < 4; boot++) {
        assert_true(lab_power_on(&l, boot % 2 ? PORT_BOOT_RESET : PORT_BOOT_POWER));
        for (unsigned i = 0; i < 3; i++) {
            next_message(&l, &id, &counter);
            assert_int_equal(counter, i);
        }
        assert_string_equal(lab_command(&l, "AT$P=0"), "OK\r");
        next_message(&l, &id, &counter);
        assert_int_equal(counter, 0);
        lab_kill(&l);
    }
    assert_memory_equal(l.nvm, before, sizeof before);
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_011_and_012),
        cmocka_unit_test(test_auth_013_keeps_the_public_key),
        cmocka_unit_test(test_auth_010_falls_back_to_the_test_id),
        cmocka_unit_test(test_cnt_007_loses_the_counter_on_reset_only),
        cmocka_unit_test(test_cnt_006_keeps_the_counter_in_ram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
