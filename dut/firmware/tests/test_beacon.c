// The example device does what its page says, power cuts included.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

enum { WRITE_LEN = 4 };

static void start(struct lab *l)
{
    lab_init(l);
    l->program = "beacon";
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    assert_string_equal(l->ready, "beacon 1");
}

// The counter of a burst, which carries it twice.
static unsigned counter_of(const struct lab_burst *b)
{
    struct demod d;
    demod_burst(b, &d);
    assert_int_equal(d.n_bits, 64);
    assert_memory_equal(d.hex, "aaaaaaa3", 8);
    assert_memory_equal(d.hex + 8, d.hex + 12, 4);
    d.hex[12] = '\0';
    return (unsigned)strtoul(d.hex + 8, NULL, 16);
}

static void test_beacon_sends_every_minute_until_stopped(void **state)
{
    (void)state;
    struct lab l;
    start(&l);
    lab_run(&l, 59 * DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 0);
    lab_run(&l, 180 * DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 3);
    assert_string_equal(lab_command(&l, "now"), "sending\r");
    lab_run(&l, DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(counter_of(&l.bursts[i]), i + 1);
    assert_string_equal(lab_command(&l, "stop"), "stopped\r");
    lab_run(&l, 3600 * DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 4);
    lab_deinit(&l);
}

static void test_beacon_never_repeats_a_counter(void **state)
{
    (void)state;
    for (int cut = 0; cut < WRITE_LEN; cut++) {
        struct lab l;
        start(&l);
        lab_run(&l, 200 * DEVPORT_SECOND); // 1, 2, 3
        l.cut_write_after = cut;
        lab_command(&l, "now");
        assert_int_equal(l.pid, 0);
        l.cut_write_after = -1;
        lab_forget(&l);
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        lab_command(&l, "now");
        lab_run(&l, DEVPORT_SECOND);
        assert_int_equal(l.n_bursts, 1);
        // 4 was never sent; without its last byte, which does not change here, it is stored.
        assert_int_equal(counter_of(&l.bursts[0]), cut < WRITE_LEN - 1 ? 4 : 5);
        lab_deinit(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beacon_sends_every_minute_until_stopped),
        cmocka_unit_test(test_beacon_never_repeats_a_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
