// The AT dialect of foxdut: every command's answer, what is not understood, and a serial line full
// of rubbish.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

static const char parse_error[] = "ERROR: parse error\r";

static int start(void **state)
{
    struct lab *l = calloc(1, sizeof *l);
    if (!l) return -1;
    lab_init(l);
    *state = l;
    return lab_power_on(l, PORT_BOOT_POWER) ? 0 : -1;
}

static int stop(void **state)
{
    lab_deinit(*state);
    free(*state);
    return 0;
}

static void test_dialect_answers(void **state)
{
    static const char *const table[][2] = {
        {"AT", "OK\r"},
        {"AT$I=0", "foxdut " FOX_VERSION "\r"},
        {"AT$I=10", "0BADCAFE\r"},
        {"AT$I=11", "0011223344556677\r"},
        {"AT$TR?", "2\r"},
        {"AT$TR=?", "0-2\r"},
        {"AT$TR=1", "OK\r"},
        {"AT$TR?", "1\r"},
        {"ATS300?", "24\r"},
        {"ATS300=?", "0-24\r"},
        {"ATS300=12", "OK\r"},
        {"ATS300?", "12\r"},
        {"ATS302?", "14\r"},
        {"ATS302=15", "OK\r"},
        {"ATS302?", "15\r"},
        {"ATS410?", "0\r"},
        {"ATS410=0", "OK\r"},
        {"AT$IF?", "868130000\r"},
        {"AT$DR?", "869525000\r"},
        {"AT$GI?", "1,6\r"},
        {"AT$RC", "OK\r"},
        {"AT$T?", "250\r"},
        {"AT$V?", "3300\r\n3300\r"},
        {"AT$SB=0", "OK\r"},
        {"AT$V?", "3300\r\n3175\r"},
        {"AT$SB=1", "OK\r"},
        {"AT$SF=00", "OK\r"},
        {"AT$SF=CAFEcafe,0", "OK\r"},
        {"AT$SO", "OK\r"},
        {"AT$WR", "OK\r"},
        {"AT$RFS", "OK\r"},
        {"AT$P=0", "OK\r"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(lab_command(*state, table[i][0]), table[i][1]);
}

static void test_dialect_refuses(void **state)
{
    static const char *const lines[] = {
        "A",
        "at",
        "BT",
        "ATI",
        "AT ",
        " AT",
        "AT?",
        "AT=1",
        "AT$",
        "AT$SB",
        "AT$SB=",
        "AT$SB=2",
        "AT$SB=00000000001",
        "AT$SB=1,",
        "AT$SB=1,2",
        "AT$SB=1,1,1",
        "AT$SB=1 ",
        "AT$SB=-1",
        "AT$SB=1;",
        "AT$SB?",
        "AT$SF",
        "AT$SF=",
        "AT$SF=1",
        "AT$SF=123",
        "AT$SF=0g",
        "AT$SF=,1",
        "AT$SF=000102030405060708090a0b0c",
        "AT$SF=01,x",
        "AT$SF=01,11",
        "AT$SF=01 ",
        "AT$SO=1",
        "AT$SO?",
        "AT$TR",
        "AT$TR=3",
        "AT$TR=-1",
        "AT$TR=",
        "AT$TR??",
        "AT$TR=1x",
        "ATS300=25",
        "ATS302=16",
        "ATS301?",
        "ATS410=1",
        "ATS410=2",
        "AT$IF",
        "AT$IF=868130000",
        "AT$DR=?",
        "AT$T",
        "AT$V=1",
        "AT$I",
        "AT$I=",
        "AT$I=12",
        "AT$I=6",
        "AT$I?",
        "AT$P",
        "AT$P=9",
        "AT$WR=1",
        "AT$TM",
        "AT$TM=7,1",
        "AT$TM=1",
        "AT$TM=1,0",
        "AT$TM=1,1,1",
        "AT$RFS=1",
        "AT$RC=1",
        "AT$RFSX",
        "AT$SF=0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"};
    struct lab *l = *state;
    lab_gpio(l, 0, 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_string_equal(lab_command(l, lines[i]), parse_error);
    assert_int_equal(l->n_bursts, 0);
    assert_int_equal(l->n_writes, 0);
    assert_string_equal(lab_command(l, "AT"), "OK\r");
}

// Only with the lab-enable pin, and only until the next reset.
static void test_dialect_public_key_needs_the_lab(void **state)
{
    struct lab *l = *state;
    lab_gpio(l, 0, 0);
    assert_string_equal(lab_command(l, "AT$TM=1,1"), parse_error);
    assert_string_equal(lab_command(l, "AT$CNT=1"), parse_error);
    assert_string_equal(lab_command(l, "ATS410=1"), parse_error);
    lab_gpio(l, 0, 1);
    assert_string_equal(lab_command(l, "ATS410=1"), "OK\r");
    assert_string_equal(lab_command(l, "ATS410?"), "1\r");
    assert_string_equal(lab_command(l, "AT$WR"), "OK\r");
    assert_string_equal(lab_command(l, "AT$P=0"), "OK\r");
    assert_string_equal(lab_command(l, "ATS410?"), "0\r");
    lab_gpio(l, 0, 0);
    assert_string_equal(lab_command(l, "ATS410=1"), parse_error);
}

static void test_dialect_keeps_what_was_saved(void **state)
{
    struct lab *l = *state;
    assert_string_equal(lab_command(l, "AT$TR=0"), "OK\r");
    assert_string_equal(lab_command(l, "AT$P=0"), "OK\r");
    assert_string_equal(lab_command(l, "AT$TR?"), "2\r"); // not saved
    assert_string_equal(lab_command(l, "AT$TR=0"), "OK\r");
    assert_string_equal(lab_command(l, "ATS302=7"), "OK\r");
    assert_string_equal(lab_command(l, "AT$WR"), "OK\r");
    lab_kill(l);
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    assert_string_equal(lab_command(l, "AT$TR?"), "0\r");
    assert_string_equal(lab_command(l, "ATS302?"), "7\r");
    assert_string_equal(lab_command(l, "AT$RFS"), "OK\r");
    lab_kill(l);
    assert_true(lab_power_on(l, PORT_BOOT_RESET));
    assert_string_equal(lab_command(l, "AT$TR?"), "2\r");
    assert_string_equal(lab_command(l, "ATS302?"), "14\r");
}

static void test_dialect_line_ends(void **state)
{
    struct lab *l = *state;
    assert_string_equal(lab_command(l, "AT\r\n\nAT"), "OK\rOK\r");
    assert_string_equal(lab_command(l, "\r\r\n\r\nAT"), "OK\r");
    assert_string_equal(lab_command(l, "A\nT"), "OK\r");
    // Byte by byte, a millisecond apart.
    lab_forget(l);
    for (const char *c = "AT$I=10\r"; *c; c++) {
        lab_uart(l, c, 1);
        lab_run(l, DEVPORT_MS);
    }
    assert_string_equal(l->uart, "0BADCAFE\r");
}

// While a message is on its way, 64 bytes wait; what does not fit costs its line, not the next.
static void test_dialect_buffers_while_busy(void **state)
{
    struct lab *l = *state;
    lab_uart(l, "AT$SF=01\r", 9);
    lab_run(l, DEVPORT_SECOND);
    lab_uart(l, "AT\rAT$I=10\r", 11);
    lab_run(l, DEVPORT_SECOND);
    assert_int_equal(l->uart_len, 0);
    lab_run(l, 10 * DEVPORT_SECOND);
    assert_string_equal(l->uart, "OK\rOK\r0BADCAFE\r");

    lab_forget(l);
    lab_uart(l, "AT$SF=01\r", 9);
    lab_run(l, DEVPORT_SECOND);
    for (int i = 0; i < 40; i++)
        lab_uart(l, "AT\r", 3);
    lab_run(l, 10 * DEVPORT_SECOND);
    // 21 whole lines and one byte of the 22nd fit into 64 bytes; one error for all that was lost.
    // "OK\r" once for the message and 21 times for AT.
    assert_int_equal(l->uart_len, 22 * 3 + strlen(parse_error));
    for (size_t i = 0; i < 22; i++)
        assert_memory_equal(l->uart + 3 * i, "OK\r", 3);
    assert_string_equal(l->uart + 22 * 3, parse_error);
    assert_string_equal(lab_command(l, "AT"), "OK\r");
}

// Idle, nothing is lost however many commands come at once.
static void test_dialect_takes_many_commands_at_once(void **state)
{
    struct lab *l = *state;
    for (int i = 0; i < 100; i++)
        lab_uart(l, "AT\r", 3);
    lab_run(l, DEVPORT_SECOND);
    assert_int_equal(l->uart_len, 300);
    // More than even the port keeps, in one piece without an end.
    static char flood[8000];
    memset(flood, 'A', sizeof flood);
    lab_forget(l);
    lab_uart(l, flood, sizeof flood);
    lab_run(l, DEVPORT_SECOND);
    lab_uart(l, "\rAT\r", 4);
    lab_run(l, DEVPORT_SECOND);
    assert_string_equal(l->uart, "ERROR: parse error\rOK\r");
}

static uint32_t random_next(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

// Any bytes at any time: the device lives, keeps its manners and answers a command afterwards.
static void test_dialect_survives_rubbish(void **state)
{
    struct lab *l = *state;
    static const char *const pieces[] = {"AT",     "$SF=", "$SB=", "1",    ",",       "\r",
                                         "\n",     "?",    "=",    "S302", "$TM=1,1", "cafe",
                                         "$P=0\r", "$RFS", "$V?",  "$I=1"};
    uint32_t x = 20240607;
    for (int round = 0; round < 400; round++) {
        uint8_t bytes[200];
        size_t n = 0;
        if (random_next(&x) % 2) {
            n = random_next(&x) % sizeof bytes;
            for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)random_next(&x);
        } else {
            for (int i = 0; i < 6; i++) {
                const char *piece = pieces[random_next(&x) % (sizeof pieces / sizeof pieces[0])];
                memcpy(bytes + n, piece, strlen(piece));
                n += strlen(piece);
            }
        }
        lab_uart(l, bytes, n);
        lab_run(l, random_next(&x) % 3 ? DEVPORT_MS : 2 * DEVPORT_SECOND);
        assert_true(l->pid > 0);
        if (l->n_bursts > LAB_BURSTS_MAX / 2 || l->n_writes > LAB_WRITES_MAX / 2) lab_forget(l);
    }
    lab_forget(l);
    lab_uart(l, "\r", 1);
    for (int i = 0; i < 20; i++) { // whatever was begun comes to its end
        lab_run(l, 60 * DEVPORT_SECOND);
        lab_forget(l);
    }
    assert_string_equal(lab_command(l, "AT$I=10"), "0BADCAFE\r");
}

// The power goes without a word: the process ends by itself, quietly.
static void test_dialect_ends_with_the_socket(void **state)
{
    struct lab *l = *state;
    lab_run(l, DEVPORT_SECOND);
    assert_int_equal(lab_hang_up(l), 0);
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    lab_uart(l, "AT$SF=01\r", 9);
    lab_run(l, DEVPORT_SECOND);
    assert_int_equal(lab_hang_up(l), 0);
}

static void test_command_line_errors(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        const char *key_hex;
        const char *args[LAB_ARGS_MAX];
        const char *why;
    } table[] = {
        {"0badcaf", NULL, {NULL}, "--id expects 8 hex digits, got '0badcaf'"},
        {"0badcafez", NULL, {NULL}, "--id expects 8 hex digits, got '0badcafez'"},
        {NULL, "00", {NULL}, NULL},
        {NULL, NULL, {"--pac", "12"}, "--pac expects 16 hex digits, got '12'"},
        {NULL, NULL, {"surplus"}, "expected options only, got 'surplus'"},
        {NULL,
         NULL,
         {"--colour"},
         "'--colour' is not an option of foxdut or lacks its value; foxdut --help prints them"},
        {NULL, NULL, {"--key", "file:/nonexistent/key"}, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct lab l;
        lab_init(&l);
        l.id = table[i].id;
        l.key_hex = table[i].key_hex;
        memcpy(l.args, table[i].args, sizeof l.args);
        assert_false(lab_power_on(&l, PORT_BOOT_POWER));
        assert_int_equal(l.exit_code, 4);
        assert_true(strlen(l.refused) > 20);
        assert_null(strchr(l.refused, '\n'));
        if (table[i].why) assert_string_equal(l.refused, table[i].why);
        lab_deinit(&l);
    }
    unsetenv("FOXPORT_FD");
    int status = system(FOX_BIN_DIR "/foxdut --id 0badcafe --pac 0011223344556677 "
                                    "--key env:FOXDUT_TEST_KEY 2>/dev/null");
    assert_int_equal(WEXITSTATUS(status), 4);
}

int main(void)
{
#define WITH_DEVICE(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        WITH_DEVICE(test_dialect_answers),
        WITH_DEVICE(test_dialect_refuses),
        WITH_DEVICE(test_dialect_public_key_needs_the_lab),
        WITH_DEVICE(test_dialect_keeps_what_was_saved),
        WITH_DEVICE(test_dialect_line_ends),
        WITH_DEVICE(test_dialect_buffers_while_busy),
        WITH_DEVICE(test_dialect_takes_many_commands_at_once),
        WITH_DEVICE(test_dialect_survives_rubbish),
        WITH_DEVICE(test_dialect_ends_with_the_socket),
        cmocka_unit_test(test_command_line_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
