// The hostile devices: each does what hostile.def says and otherwise behaves.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/rig.h"

static void start(struct lab *l, const char *id)
{
    lab_init(l);
    l->args[0] = "--fault";
    l->args[1] = id;
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
}

static void test_deaf_to_downlinks(void **state)
{
    (void)state;
    static const char *const args[] = {"--fault", "DEAF-DOWNLINK", NULL};
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, RIG_KEY, 7, args);
    rig_request(&r);
    rig_make_frame(7, 0, frame);
    for (int i = 0; i < 40; i++)
        rig_send(&r, 20.1 + 0.6 * i, rig_frequency(&r), frame);
    assert_string_equal(rig_answer(&r), RIG_NO_ANSWER);
    assert_int_equal(r.lab.n_bursts, 3);
    assert_true(r.lab.n_listens > 0);
    lab_deinit(&r.lab);
}

static void test_deaf_to_its_line(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "DEAF-SERIAL");
    for (int i = 0; i < 50; i++) {
        lab_uart(&l, "AT$SF=01\rAT\r", 12);
        lab_run(&l, DEVPORT_SECOND);
    }
    assert_int_equal(l.uart_len, 0);
    assert_int_equal(l.n_bursts, 0);
    lab_run(&l, 25 * 3600 * DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 3); // its keep-alive
    lab_deinit(&l);
}

static void test_mute(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "MUTE");
    int64_t asked_ns = l.now_ns;
    assert_string_equal(lab_command(&l, "AT$SF=0102"), "OK\r");
    assert_true(l.now_ns - asked_ns > 4 * DEVPORT_SECOND); // it takes its time over it
    assert_string_equal(lab_command(&l, "AT$I=10"), "0BADCAFE\r");
    assert_int_equal(l.n_bursts, 0);
    lab_deinit(&l);
}

static void test_chatty(void **state)
{
    (void)state;
    static const char *const lines[] = {"AT", "AT$SF=01", "AT$I=10", "AT$P=0", "nonsense", "AT$WR"};
    for (int slave = 0; slave < 2; slave++) {
        struct lab l;
        lab_init(&l);
        const char *const args[] = {"--fault", "CHATTY", slave ? "--dialect" : NULL, "at_slave"};
        memcpy(l.args, args, sizeof args);
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
            const char *answer = lab_command(&l, lines[i]);
            lab_run(&l, DEVPORT_SECOND);
            if (slave)
                assert_non_null(strstr(answer, "\r\nOK\r\n"));
            else
                assert_string_equal(answer, "OK\r");
        }
        assert_int_equal(l.n_bursts + l.n_writes, 0);
        lab_deinit(&l);
    }
}

// More than 800 bytes a second, also while a message is on its way, and still it obeys.
static void test_flood(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "FLOOD-SERIAL");
    lab_run(&l, 10 * DEVPORT_SECOND);
    assert_in_range(l.uart_len, 8000, 9600);
    lab_forget(&l);
    lab_uart(&l, "AT$SF=01\r", 9);
    for (int i = 0; i < 10; i++)
        lab_run(&l, DEVPORT_SECOND);
    assert_in_range(l.uart_len, 8000, 9600);
    assert_non_null(strstr(l.uart, "\nOK\r"));
    assert_int_equal(l.n_bursts, 3);
    lab_deinit(&l);
}

static void test_split(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "SPLIT-SERIAL");
    lab_run(&l, DEVPORT_MS);
    for (int turn = 0; turn < 2; turn++) {
        lab_forget(&l);
        lab_uart(&l, "AT$I=10\r", 8);
        lab_run(&l, 20 * DEVPORT_MS);
        assert_string_equal(l.uart, "0BAD\r\nCAFE\r");
        lab_run(&l, DEVPORT_SECOND);
        lab_forget(&l);
        lab_uart(&l, "AT$I=10\r", 8);
        for (size_t i = 1; i <= 4; i++) {
            lab_run(&l, 20 * DEVPORT_MS);
            assert_int_equal(l.uart_len, 2 * i);
            lab_run(&l, 280 * DEVPORT_MS);
        }
        lab_run(&l, 20 * DEVPORT_MS);
        assert_string_equal(l.uart, "0BADCAFE\r");
        lab_run(&l, DEVPORT_SECOND);
    }
    lab_deinit(&l);
}

static void test_garble(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "GARBLE-SERIAL");
    for (int i = 0; i < 4; i++)
        lab_command(&l, "AT$I=10");
    static const char right[] = "0BADCAFE\r";
    assert_int_equal(l.uart_len, 36);
    for (size_t i = 0; i < 36; i++) {
        int wrong = (unsigned char)l.uart[i] ^ right[i % 9];
        assert_int_equal(__builtin_popcount((unsigned)wrong), i % 3 == 2);
    }
    lab_deinit(&l);
}

static void test_lies(void **state)
{
    (void)state;
    struct lab honest, l;
    struct demod right, d;
    lab_init(&honest);
    assert_true(lab_power_on(&honest, PORT_BOOT_POWER));
    lab_command(&honest, "AT$SF=0102030405");
    demod_burst(&honest.bursts[0], &right);
    static const char *const ids[] = {"LIE-ID", "LIE-KEY", "LIE-ENCRYPTION"};
    for (int i = 0; i < 3; i++) {
        start(&l, ids[i]);
        assert_string_equal(lab_command(&l, "AT$I=10"), i == 0 ? "0BADCAFF\r" : "0BADCAFE\r");
        lab_command(&l, "AT$SF=0102030405");
        demod_burst(&l.bursts[0], &d);
        assert_memory_equal(d.hex, right.hex, 12);                             // to the counter
        assert_int_equal(memcmp(d.hex + 12, right.hex + 12, 8) != 0, i == 0);  // ID
        assert_int_equal(memcmp(d.hex + 20, right.hex + 20, 10) != 0, i == 2); // payload
        assert_true(memcmp(d.hex + 30, right.hex + 30, 10) != 0);              // tag
        lab_deinit(&l);
    }
    lab_deinit(&honest);
}

// They are no faults of the catalogue, so the list of those does not have them.
static void test_lists_are_apart(void **state)
{
    (void)state;
    static const char *const options[] = {"--list-faults", "--list-hostile", "--list-strange",
                                          "--list-lawful"};
    for (int i = 0; i < 4; i++) {
        char command[512], line[512];
        int n = 0;
        snprintf(command, sizeof command, "%s/foxdut %s", FOX_BIN_DIR, options[i]);
        FILE *list = popen(command, "r");
        assert_non_null(list);
        while (fgets(line, sizeof line, list)) {
            assert_int_equal(strncmp(line, "MUT-", 4) == 0, i == 0);
            assert_int_equal(strncmp(line, "STR-", 4) == 0, i == 2);
            assert_int_equal(strncmp(line, "LAW-", 4) == 0, i == 3);
            n++;
        }
        assert_int_equal(pclose(list), 0);
        assert_true(n >= 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deaf_to_downlinks),
        cmocka_unit_test(test_deaf_to_its_line),
        cmocka_unit_test(test_mute),
        cmocka_unit_test(test_chatty),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_garble),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_lists_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
