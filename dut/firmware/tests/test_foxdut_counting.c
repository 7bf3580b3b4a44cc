// The faults in how a device counts: which counters go on air and when they are stored, through
// roll-over, resets, power cuts, a factory reset and a change of zone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "dut/firmware/layout.h"
#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

static void start(struct lab *l, const char *fault, unsigned last)
{
    lab_init(l);
    if (fault) {
        l->args[0] = "--fault";
        l->args[1] = fault;
    }
    lab_set_counter(l, (uint16_t)last);
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
}

static unsigned counter_of(const struct lab_burst *b)
{
    struct demod d;
    demod_burst(b, &d);
    char field[4] = {d.hex[9], d.hex[10], d.hex[11], '\0'};
    return (unsigned)strtoul(field, NULL, 16);
}

static unsigned next_counter(struct lab *l)
{
    lab_forget(l);
    lab_command(l, "AT$SF=aa");
    assert_int_equal(l->n_bursts, 3);
    return counter_of(&l->bursts[0]);
}

static void restart(struct lab *l, enum port_boot_cause cause)
{
    lab_kill(l);
    assert_true(lab_power_on(l, cause));
}

// What follows each of these counters.
static void check_steps(const char *fault, unsigned last, const unsigned *expected, size_t n)
{
    struct lab l;
    start(&l, fault, last);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(next_counter(&l), expected[i]);
    lab_deinit(&l);
}

static void test_roll_over(void **state)
{
    (void)state;
    static const unsigned right[] = {4094, 4095, 0, 1}, stuck[] = {4094, 4095, 4095, 4095};
    static const unsigned skips[] = {4094, 4095, 1, 2}, soon[] = {126, 127, 0, 1};
    static const unsigned goes_on[] = {126, 127, 128, 129};
    check_steps(NULL, 4093, right, 4);
    check_steps("MUT-CNT-003", 4093, stuck, 4);
    check_steps("MUT-CNT-004", 4093, skips, 4);
    check_steps(NULL, 125, goes_on, 4);
    check_steps("MUT-CNT-003", 125, goes_on, 4);
    check_steps("MUT-CNT-004", 125, goes_on, 4);
    check_steps("MUT-CNT-005", 125, soon, 4);
}

// A new device begins at 0 under each of them: that is no roll-over.
static void test_a_new_device_begins_at_zero(void **state)
{
    (void)state;
    static const char *const faults[] = {NULL,          "MUT-CNT-003", "MUT-CNT-004",
                                         "MUT-CNT-005", "MUT-CNT-009", "MUT-CNT-011"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct lab l;
        start(&l, faults[i], 0);
        lab_kill(&l);
        memset(l.nvm, 0xff, sizeof l.nvm);
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        assert_int_equal(next_counter(&l), 0);
        assert_int_equal(next_counter(&l), 1);
        lab_deinit(&l);
    }
}

// --rollover: another declared value, and what is no power of two is refused.
static void test_declared_rollover(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    l.args[0] = "--rollover";
    l.args[1] = "128";
    lab_set_counter(&l, 126);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_int_equal(next_counter(&l), 127);
    assert_int_equal(next_counter(&l), 0);
    lab_kill(&l);
    l.args[1] = "129";
    assert_false(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(l.refused,
                        "--rollover expects 128, 256, 512, 1024, 2048 or 4096, got '129'");
    lab_deinit(&l);
}

// The counter behind the replica code of protocol.md 2.4.
static unsigned counter_of_rank(const struct lab_burst *b, unsigned rank)
{
    struct demod d;
    demod_burst(b, &d);
    char field[5] = {d.hex[8], d.hex[9], d.hex[10], d.hex[11], '\0'};
    unsigned coded = (unsigned)strtoul(field, NULL, 16), plain = 0;
    for (int at = 15; at >= 0; at--) {
        unsigned u1 = plain >> (at + 1) & 1, u2 = plain >> (at + 2) & 1;
        unsigned bit = (coded >> at & 1) ^ (rank == 2 ? u1 ^ u2 : rank == 3 ? u2 : 0);
        plain |= bit << at;
    }
    return plain & 0xfff;
}

// Three values a message, one a frame; a message of a single frame takes one.
static void test_cnt_002_counts_frames(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "MUT-CNT-002", 99);
    for (unsigned m = 0; m < 3; m++) {
        lab_forget(&l);
        lab_command(&l, m == 1 ? "AT$SB=1" : "AT$SF=0102030405060708090a0b0c");
        assert_int_equal(l.n_bursts, 3);
        for (unsigned rank = 1; rank <= 3; rank++)
            assert_int_equal(counter_of_rank(&l.bursts[rank - 1], rank), 100 + 3 * m + rank - 1);
        assert_int_equal(l.n_writes, 3);
    }
    assert_string_equal(lab_command(&l, "AT$TR=0"), "OK\r");
    for (unsigned i = 0; i < 2; i++) {
        lab_forget(&l);
        lab_command(&l, "AT$SB=0");
        assert_int_equal(l.n_bursts, 1);
        assert_int_equal(counter_of(&l.bursts[0]), 109 + i);
    }
    lab_deinit(&l);
}

// The value in memory, as record.h describes it.
static unsigned stored(const struct lab *l)
{
    const uint8_t *slots[2] = {l->nvm + LAYOUT_COUNTER_OFFSET, l->nvm + LAYOUT_COUNTER_OFFSET + 24};
    uint32_t sequence[2];
    for (int i = 0; i < 2; i++)
        sequence[i] = slots[i][0] | (uint32_t)slots[i][1] << 8 | (uint32_t)slots[i][2] << 16 |
                      (uint32_t)slots[i][3] << 24;
    const uint8_t *newest =
        sequence[1] != 0xffffffff && sequence[1] > sequence[0] ? slots[1] : slots[0];
    return newest[4] | (unsigned)newest[5] << 8;
}

// When the counter of a message of 4.82 s (three frames of one byte) is stored.
static void test_when_it_is_stored(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        double from_s, to_s; // after the command
    } cases[] = {{NULL, 0, 0.1}, {"MUT-CNT-009", 4.5, 4.8}, {"MUT-CNT-008", 7.5, 7.8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab l;
        start(&l, cases[i].fault, 41);
        lab_run(&l, DEVPORT_SECOND);
        int64_t asked_ns = l.now_ns;
        lab_uart(&l, "AT$SF=bb\r", 9);
        lab_run(&l, (int64_t)(cases[i].from_s * 1e9));
        if (cases[i].from_s > 0) assert_int_equal(stored(&l), 41);
        lab_run(&l, asked_ns + (int64_t)(cases[i].to_s * 1e9) - l.now_ns);
        assert_int_equal(stored(&l), 42);
        assert_int_equal(l.n_writes, 1);
        lab_run(&l, 20 * DEVPORT_SECOND);
        assert_int_equal(l.n_writes, 1);
        lab_deinit(&l);
    }
}

// A power cut in frame 2 brings the value back under the late writers, and only the one of 3 s
// after the last frame too.
static void test_cuts_bring_the_value_back(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        double cut_s;
        bool again;
    } cases[] = {{NULL, 2.5, false},        {NULL, 6, false},           {"MUT-CNT-009", 2.5, true},
                 {"MUT-CNT-009", 6, false}, {"MUT-CNT-008", 2.5, true}, {"MUT-CNT-008", 6, true},
                 {"MUT-CNT-008", 12, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab l;
        start(&l, cases[i].fault, 41);
        lab_uart(&l, "AT$SF=bb\r", 9);
        lab_run(&l, (int64_t)(cases[i].cut_s * 1e9));
        assert_int_equal(counter_of(&l.bursts[0]), 42);
        restart(&l, PORT_BOOT_POWER);
        assert_int_equal(next_counter(&l), cases[i].again ? 42 : 43);
        lab_deinit(&l);
    }
}

// MUT-CNT-011: one write for 1024 messages; each power-up jumps to the value after the reserve.
static void test_cnt_011_jumps_at_power_up(void **state)
{
    (void)state;
    struct lab l;
    start(&l, "MUT-CNT-011", 99);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(next_counter(&l), 100 + i);
    assert_int_equal(l.n_writes, 0); // the reserve was taken with the first
    restart(&l, PORT_BOOT_POWER);
    assert_int_equal(next_counter(&l), 100 + 1024);
    assert_int_equal(next_counter(&l), 101 + 1024);
    restart(&l, PORT_BOOT_RESET);
    assert_int_equal(next_counter(&l), 100 + 2048);
    lab_deinit(&l);
}

static void test_cnt_013_restarts_at_factory_reset(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        struct lab l;
        start(&l, faulty ? "MUT-CNT-013" : NULL, 99);
        assert_int_equal(next_counter(&l), 100);
        assert_string_equal(lab_command(&l, "AT$RFS"), "OK\r");
        assert_int_equal(next_counter(&l), faulty ? 0 : 101);
        restart(&l, PORT_BOOT_POWER);
        assert_int_equal(next_counter(&l), faulty ? 1 : 102);
        lab_deinit(&l);
    }
}

// In the other dialect, in a laboratory; asking for the zone that it is in changes nothing.
static void test_cnt_014_restarts_with_the_zone(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        struct lab l;
        lab_init(&l);
        l.args[0] = "--dialect";
        l.args[1] = "at_slave";
        if (faulty) {
            l.args[2] = "--fault";
            l.args[3] = "MUT-CNT-014";
        }
        lab_set_counter(&l, 99);
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        lab_gpio(&l, 0, 1);
        lab_command(&l, "ATE=0");
        assert_string_equal(lab_command(&l, "AT$RC=1"), "\r\nOK\r\n");
        assert_int_equal(next_counter(&l), 100);
        assert_string_equal(lab_command(&l, "AT$RC=6"), "\r\nOK\r\n");
        assert_int_equal(next_counter(&l), faulty ? 0 : 101);
        lab_deinit(&l);
    }
}

// MUT-ENC-006 belongs to the encrypted variant: after a power cut, and after nothing else, the last
// counter comes again.
static void test_enc_006_repeats_after_a_power_cut(void **state)
{
    (void)state;
    for (int encrypts = 0; encrypts < 2; encrypts++) {
        struct lab l;
        lab_init(&l);
        l.args[0] = "--fault";
        l.args[1] = "MUT-ENC-006";
        l.args[2] = encrypts ? "--encrypt" : NULL;
        lab_set_counter(&l, 99);
        assert_true(lab_power_on(&l, PORT_BOOT_RESET));
        assert_int_equal(next_counter(&l), 100);
        restart(&l, PORT_BOOT_RESET);
        assert_string_equal(lab_command(&l, "AT$P=0"), "OK\r");
        assert_int_equal(next_counter(&l), 101);
        restart(&l, PORT_BOOT_POWER);
        assert_int_equal(next_counter(&l), encrypts ? 101 : 102);
        assert_int_equal(next_counter(&l), encrypts ? 102 : 103);
        lab_deinit(&l);
    }
}

// The laboratory's preset: stored, effective through a restart, refused without the line.
static void test_preset(void **state)
{
    (void)state;
    struct lab l;
    start(&l, NULL, 99);
    lab_gpio(&l, 0, 0);
    assert_string_equal(lab_command(&l, "AT$CNT=4000"), "ERROR: parse error\r");
    assert_int_equal(next_counter(&l), 100);
    lab_gpio(&l, 0, 1);
    assert_string_equal(lab_command(&l, "AT$CNT=4096"), "ERROR: parse error\r");
    assert_string_equal(lab_command(&l, "AT$CNT=4000,70000"), "ERROR: parse error\r");
    assert_string_equal(lab_command(&l, "AT$CNT=4000,3"), "OK\r");
    assert_int_equal(stored(&l), 4000);
    assert_int_equal(next_counter(&l), 4001);
    restart(&l, PORT_BOOT_POWER);
    assert_int_equal(next_counter(&l), 4002);
    lab_deinit(&l);
}

// What foxdut prints for a scenario is a memory that it takes for its own.
static void take_printed(struct lab *l, const char *spec)
{
    char command[512], line[256], hex[64];
    unsigned offset;
    snprintf(command, sizeof command, "%s/foxdut --print-nvm %s", FOX_BIN_DIR, spec);
    FILE *printed = popen(command, "r");
    assert_non_null(printed);
    while (fgets(line, sizeof line, printed)) {
        assert_int_equal(sscanf(line, "nvm dut1 offset=0x%x hex=%63s", &offset, hex), 2);
        assert_true(hex_decode(hex, l->nvm + offset, 24, NULL) >= 9);
    }
    assert_int_equal(pclose(printed), 0);
}

static void test_a_device_with_a_past(void **state)
{
    (void)state;
    struct lab l;
    start(&l, NULL, 0);
    lab_kill(&l);
    memset(l.nvm, 0xff, sizeof l.nvm);
    take_printed(&l, "dut1,counter=4094,epoch=2");
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_int_equal(next_counter(&l), 4095);
    assert_int_equal(next_counter(&l), 0);
    lab_kill(&l);
    take_printed(&l, "dut1,key=missing");
    l.args[0] = "--encrypt";
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(lab_command(&l, "AT$SF=aa"),
                        "ERROR: not sent, the encryption key is missing\r");
    assert_string_equal(lab_command(&l, "AT$TM=13,1"),
                        "ERROR: not sent, the encryption key is missing\r");
    take_printed(&l, "dut1,counter=7,key=there");
    lab_kill(&l);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(lab_command(&l, "AT$SF=aa"), "OK\r");
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roll_over),
        cmocka_unit_test(test_a_new_device_begins_at_zero),
        cmocka_unit_test(test_declared_rollover),
        cmocka_unit_test(test_cnt_002_counts_frames),
        cmocka_unit_test(test_when_it_is_stored),
        cmocka_unit_test(test_cuts_bring_the_value_back),
        cmocka_unit_test(test_cnt_011_jumps_at_power_up),
        cmocka_unit_test(test_cnt_013_restarts_at_factory_reset),
        cmocka_unit_test(test_cnt_014_restarts_with_the_zone),
        cmocka_unit_test(test_enc_006_repeats_after_a_power_cut),
        cmocka_unit_test(test_preset),
        cmocka_unit_test(test_a_device_with_a_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
