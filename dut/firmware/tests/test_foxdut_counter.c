// The message counter of foxdut: one step a message, stored before anything leaves, and through
// power cuts at every byte of its write.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

enum { WRITE_LEN = 12 }; // of the counter's record: sequence, counter, epoch, CRC

// Counter field of a message's first frame.
static unsigned counter_of(const struct lab_burst *b)
{
    struct demod d;
    demod_burst(b, &d);
    char field[4] = {d.hex[9], d.hex[10], d.hex[11], '\0'};
    return (unsigned)strtoul(field, NULL, 16);
}

static unsigned counter_of_next(struct lab *l)
{
    lab_forget(l);
    assert_string_equal(lab_command(l, "AT$SF=aa"), "OK\r");
    assert_int_equal(l->n_bursts, 3);
    return counter_of(&l->bursts[0]);
}

static void test_counter_starts_at_zero_and_steps_by_one(void **state)
{
    (void)state;
    static const char *const lines[] = {"AT$SB=0", "AT$SF=01", "AT$SO", "AT$SB=1,1", "AT$SF=0102"};
    struct lab l;
    lab_init(&l);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    for (unsigned i = 0; i < 10; i++) {
        lab_forget(&l);
        lab_command(&l, lines[i % 5]);
        assert_int_equal(counter_of(&l.bursts[0]), i);
    }
    lab_deinit(&l);
}

static void test_counter_rolls_over(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    lab_set_counter(&l, 4093);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_int_equal(counter_of_next(&l), 4094);
    assert_int_equal(counter_of_next(&l), 4095);
    assert_int_equal(counter_of_next(&l), 0);
    assert_int_equal(counter_of_next(&l), 1);
    lab_deinit(&l);
}

static void test_counter_blank_memory_of_any_colour(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct lab l;
        lab_init(&l);
        memset(l.nvm, i ? 0x00 : 0xff, sizeof l.nvm);
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        assert_int_equal(counter_of_next(&l), 0);
        lab_deinit(&l);
    }
}

static void test_counter_survives_reset_and_power_loss(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    lab_set_counter(&l, 99);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(lab_power_on(&l, i % 2 ? PORT_BOOT_RESET : PORT_BOOT_POWER));
        assert_int_equal(counter_of_next(&l), 100 + 2 * i);
        assert_string_equal(lab_command(&l, "AT$P=0"), "OK\r");
        assert_int_equal(counter_of_next(&l), 101 + 2 * i);
        assert_string_equal(lab_command(&l, "AT$RFS"), "OK\r");
        lab_kill(&l);
    }
    lab_deinit(&l);
}

// The first frame is on air: its counter must already be spent.
static void test_counter_is_stored_before_the_first_frame(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    lab_set_counter(&l, 41);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    l.cut_at_first_burst = true;
    lab_command(&l, "AT$SF=bb");
    assert_int_equal(l.pid, 0);
    assert_int_equal(l.n_bursts, 1);
    assert_int_equal(l.n_writes, 1);
    assert_int_equal(l.writes[0].bursts_before, 0);
    assert_true(l.bursts[0].t_ns >=
                l.writes[0].t_ns + (int64_t)l.writes[0].len * PORT_NVM_NS_PER_BYTE);
    assert_int_equal(counter_of(&l.bursts[0]), 42);

    l.cut_at_first_burst = false;
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_int_equal(counter_of_next(&l), 43);
    lab_deinit(&l);
}

// Whatever byte the power fails at: nothing was sent, so the next message takes the same value or,
// when the record was complete, the one after. The same again at the second cut in a row.
static void test_counter_survives_a_cut_at_every_byte_of_its_write(void **state)
{
    (void)state;
    for (unsigned slot = 0; slot < 2; slot++) {
        for (int cut = 0; cut < WRITE_LEN; cut++) {
            struct lab l;
            lab_init(&l);
            lab_set_counter(&l, 0x01ff);
            assert_true(lab_power_on(&l, PORT_BOOT_POWER));
            for (unsigned i = 0; i < slot; i++)
                counter_of_next(&l);
            for (int again = 0; again < 2; again++) {
                lab_forget(&l);
                l.cut_write_after = cut;
                lab_command(&l, "AT$SF=cc");
                assert_int_equal(l.pid, 0);
                assert_int_equal(l.n_bursts, 0);
                assert_int_equal(l.writes[0].len, WRITE_LEN);
                l.cut_write_after = -1;
                assert_true(lab_power_on(&l, PORT_BOOT_POWER));
            }
            assert_int_equal(counter_of_next(&l), 0x200 + slot);
            assert_int_equal(counter_of_next(&l), 0x201 + slot);
            lab_deinit(&l);
        }
    }
}

// Kills at any moment, in frames, gaps and writes: a counter that was on air never comes again
// under another message, and none goes back.
static void test_counter_never_repeats_whatever_happens(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    uint32_t x = 99;
    unsigned newest = 0, kills_on_air = 0;
    bool any = false;
    for (unsigned boot = 0; boot < 80; boot++) {
        assert_true(lab_power_on(&l, boot % 3 ? PORT_BOOT_RESET : PORT_BOOT_POWER));
        for (unsigned m = 0; m < 3; m++) {
            lab_forget(&l);
            x = x * 1664525 + 1013904223;
            char line[32];
            snprintf(line, sizeof line, "AT$SF=%02x%04x\r", boot, x >> 16);
            lab_uart(&l, line, strlen(line));
            bool last = m == 2;
            // A whole message takes 5.4 s and its counter's write 1.2 ms: every second boot ends
            // inside or just after that write.
            int64_t for_ns = !last      ? 6 * DEVPORT_SECOND
                             : boot % 2 ? (int64_t)(x >> 8) % (2 * DEVPORT_MS)
                                        : (int64_t)(x >> 8) * 1000 % (6 * DEVPORT_SECOND);
            lab_run(&l, for_ns);
            if (last) lab_kill(&l);
            kills_on_air += last && l.n_bursts > 0;
            if (l.n_bursts == 0) continue;
            unsigned counter = counter_of(&l.bursts[0]);
            if (any) assert_true(counter > newest);
            newest = counter;
            any = true;
        }
    }
    assert_true(newest >= 160 && newest < 240);
    assert_true(kills_on_air > 20);
    lab_deinit(&l);
}

// Without a stored counter nothing leaves, and the value is not lost.
static void test_counter_that_cannot_be_stored_sends_nothing(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    lab_set_counter(&l, 9);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    l.write_errno = 5;
    assert_string_equal(lab_command(&l, "AT$SF=dd"),
                        "ERROR: not sent, the message counter could not be stored\r");
    assert_string_equal(lab_command(&l, "AT$TM=1,1"),
                        "ERROR: not sent, the message counter could not be stored\r");
    assert_string_equal(lab_command(&l, "AT$WR"), "ERROR: not stored, memory error 5\r");
    assert_int_equal(l.n_bursts, 0);
    l.write_errno = 0;
    assert_int_equal(counter_of_next(&l), 10);
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_starts_at_zero_and_steps_by_one),
        cmocka_unit_test(test_counter_rolls_over),
        cmocka_unit_test(test_counter_blank_memory_of_any_colour),
        cmocka_unit_test(test_counter_survives_reset_and_power_loss),
        cmocka_unit_test(test_counter_is_stored_before_the_first_frame),
        cmocka_unit_test(test_counter_survives_a_cut_at_every_byte_of_its_write),
        cmocka_unit_test(test_counter_never_repeats_whatever_happens),
        cmocka_unit_test(test_counter_that_cannot_be_stored_sends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
