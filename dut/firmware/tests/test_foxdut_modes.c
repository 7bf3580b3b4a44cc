// The certification test modes of protocol.md 10: what is sent, when and where.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/rig.h"
#include "dut/firmware/tests/run.h"

static const double centre_hz = 868130000.0;

// Runs a mode and forgets nothing but what does not fit into the fake lab's list.
static void start(struct lab *l, unsigned counter)
{
    lab_init(l);
    lab_set_counter(l, (uint16_t)(counter - 1));
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    lab_run(l, DEVPORT_MS);
}

static void frame_of(const struct lab_burst *b, char hex[53])
{
    struct demod d;
    demod_burst(b, &d);
    memcpy(hex, d.hex, 53);
}

// Nine single frames 100 Hz and 9 s apart, empty messages under counters of their own.
static void test_mode_a(void **state)
{
    (void)state;
    struct lab l;
    start(&l, 0x100);
    assert_string_equal(lab_command(&l, "AT$TM=5,1"), "OK\r");
    assert_int_equal(l.n_bursts, 9);
    for (int i = 0; i < 9; i++) {
        char hex[53], head[13];
        frame_of(&l.bursts[i], hex);
        snprintf(head, sizeof head, "aaaaa06b0%03x", 0x100 + i);
        assert_memory_equal(hex, head, 12);
        assert_true(l.bursts[i].carrier_hz == centre_hz + 100.0 * i);
        assert_true(llabs(l.bursts[i].t_ns - l.bursts[0].t_ns - i * 9 * DEVPORT_SECOND) <
                    20 * DEVPORT_MS);
    }
    lab_deinit(&l);
}

// 300 single frames, three in each 18 s, every kind among them, spread over the whole band.
static void test_mode_b(void **state)
{
    (void)state;
    struct lab l;
    start(&l, 0x100);
    lab_uart(&l, "AT$TM=6,1\r", 10);
    unsigned n = 0, below = 0, kinds[256] = {0};
    double low_hz = 1e12, high_hz = 0;
    int64_t first_ns = 0;
    for (int i = 0; i < 102; i++) {
        lab_run(&l, 18 * DEVPORT_SECOND);
        for (size_t k = 0; k < l.n_bursts; k++, n++) {
            char hex[53];
            frame_of(&l.bursts[k], hex);
            unsigned type = 0;
            assert_int_equal(sscanf(hex + 6, "%2x", &type), 1);
            kinds[type]++;
            double f_hz = l.bursts[k].carrier_hz;
            low_hz = fmin(low_hz, f_hz);
            high_hz = fmax(high_hz, f_hz);
            below += f_hz < centre_hz;
            if (n == 0) first_ns = l.bursts[k].t_ns;
            assert_true(llabs(l.bursts[k].t_ns - first_ns - n * 6 * DEVPORT_SECOND) <
                        20 * DEVPORT_MS);
        }
        bool over = l.uart_len > 0;
        lab_forget(&l);
        if (over) break;
    }
    assert_int_equal(n, 300);
    assert_in_range(below, 110, 190);
    assert_true(high_hz - low_hz > 140e3 && high_hz - low_hz < 2 * (96000 - 18780));
    assert_true(kinds[0x6b] && kinds[0x8d] && kinds[0x5f] && kinds[0x11] && kinds[0x4c]);
    assert_true(kinds[0x67]); // keep-alives
    lab_deinit(&l);
}

// Three ranks of twelve AA, all at the centre, a second between them.
static void test_mode_c(void **state)
{
    (void)state;
    struct lab l;
    start(&l, 0x100);
    assert_string_equal(lab_command(&l, "AT$TM=0,1"), "OK\r");
    assert_int_equal(l.n_bursts, 3);
    struct demod d[3];
    for (int i = 0; i < 3; i++) {
        demod_burst(&l.bursts[i], &d[i]);
        assert_true(l.bursts[i].carrier_hz == centre_hz);
        if (i > 0)
            assert_true(llabs(d[i].start_ns - d[i - 1].end_ns - DEVPORT_SECOND) < 20 * DEVPORT_MS);
    }
    assert_memory_equal(d[0].hex + 20, "aaaaaaaaaaaaaaaaaaaaaaaa", 24);
    lab_deinit(&l);
}

// 30 s at the downlink's centre; it counts the pattern as it comes, unscrambled.
static void test_mode_d(void **state)
{
    (void)state;
    static const uint8_t pattern[15] = {0x1f, 0x20, 0x41, 0x84, 0x32, 0x68, 0xc5, 0xba,
                                        0x53, 0xae, 0x79, 0xe7, 0xf6, 0xdd, 0x9b};
    static struct downlink_air air;
    struct lab l;
    uint8_t other[15];
    start(&l, 0x100);
    downlink_air_init(&air, &l);
    memcpy(other, pattern, sizeof other);
    other[4] ^= 1;
    for (int i = 0; i < 7; i++)
        downlink_air_send(&air, l.now_ns + (1 + 4 * i) * DEVPORT_SECOND, 869525000.0,
                          i == 3 ? other : pattern);
    downlink_air_send(&air, l.now_ns + 35 * DEVPORT_SECOND, 869525000.0, pattern);
    assert_string_equal(lab_command(&l, "AT$TM=3,1"), "OK\r");
    assert_int_equal(l.n_bursts, 0);
    assert_string_equal(l.log, "test mode D: 6 frames with the pattern, 1 without");
    lab_deinit(&l);
}

// Rounds of an uplink, 4 s of listening right behind it and 6 s of pause; what was heard is told in
// the next uplink.
static void test_mode_e(void **state)
{
    (void)state;
    static struct downlink_air air;
    struct lab l;
    start(&l, 0x100);
    downlink_air_init(&air, &l);
    lab_uart(&l, "AT$TM=4,1\r", 10);
    for (unsigned round = 0; round < 3; round++) {
        while (l.n_bursts <= round)
            lab_run(&l, DEVPORT_SECOND / 2);
        struct demod d;
        demod_burst(&l.bursts[round], &d);
        char expected[11];
        // The second round's answer is lost.
        snprintf(expected, sizeof expected, "%04x%04x00", round, round > 0 ? 1u : 0);
        assert_memory_equal(d.hex + 20, expected, 10);
        struct downlink_message m = {
            .id = 0x0badcafe, .counter = (uint16_t)(0x100 + round), .key_hex = RIG_KEY};
        uint8_t frame[15];
        downlink_message_frame(&m, frame);
        if (round != 1)
            downlink_air_send(&air, d.end_ns + DEVPORT_SECOND,
                              l.bursts[round].carrier_hz + 1395000.0, frame);
        if (round == 0) continue;
        assert_true(l.bursts[round].t_ns - l.bursts[round - 1].t_ns > 11 * DEVPORT_SECOND);
        assert_true(l.bursts[round].t_ns - l.bursts[round - 1].t_ns < 13 * DEVPORT_SECOND);
    }
    lab_deinit(&l);
}

// An exchange, and one more bit: 1 when the answer was the one that the mode expects.
static void test_mode_f(void **state)
{
    (void)state;
    for (int right = 0; right < 2; right++) {
        struct rig r;
        rig_start(&r, NULL, RIG_KEY, 0x100, NULL);
        lab_run(&r.lab, DEVPORT_MS);
        lab_uart(&r.lab, "AT$TM=2,1\r", 10);
        for (int i = 0; i < 12; i++)
            lab_run(&r.lab, DEVPORT_SECOND);
        assert_int_equal(r.lab.n_bursts, 3);
        demod_burst(&r.lab.bursts[0], &r.first);
        struct downlink_message m = {.id = 0x0badcafe, .counter = 0x100, .key_hex = RIG_KEY};
        for (uint8_t i = 0; i < 8; i++)
            m.payload[i] = (uint8_t)(0x30 + i + (i == 7 && !right));
        uint8_t frame[15];
        downlink_message_frame(&m, frame);
        rig_send(&r, 25, rig_frequency(&r), frame);
        for (int i = 0; i < 30; i++)
            lab_run(&r.lab, DEVPORT_SECOND);
        assert_int_equal(r.lab.n_bursts, 3 + 1 + 3);
        char hex[53];
        frame_of(&r.lab.bursts[4], hex);
        assert_memory_equal(hex, right ? "aaaaa06bc102" : "aaaaa06b8102", 12);
        assert_string_equal(r.lab.uart, "OK\r");
        lab_deinit(&r.lab);
    }
}

// G: two messages; K: one under the public key, and then the own one again; L: what the memory
// holds.
static void test_modes_g_k_l(void **state)
{
    (void)state;
    struct lab l;
    char hex[53];
    start(&l, 0x100);
    assert_string_equal(lab_command(&l, "AT$TM=11,1"), "OK\r");
    assert_int_equal(l.n_bursts, 6);
    assert_string_equal(lab_command(&l, "AT$TM=12,1"), "OK\r");
    assert_string_equal(lab_command(&l, "AT$SB=0"), "OK\r");
    for (int i = 0; i < 2; i++) {
        const uint8_t in[6] = {0x81, (uint8_t)(2 + i), 0xfe, 0xca, 0xad, 0x0b};
        uint8_t mac[16];
        char tag[5];
        run_mac(i ? RIG_KEY : "00112233445566778899aabbccddeeff", in, 6, 1, mac);
        snprintf(tag, sizeof tag, "%02x%02x", mac[0], mac[1]);
        frame_of(&l.bursts[6 + 3 * i], hex);
        assert_memory_equal(hex + 20, tag, 4);
    }
    assert_string_equal(lab_command(&l, "AT$TM=13,1"), "OK\r");
    frame_of(&l.bursts[12], hex);
    assert_memory_equal(hex + 20, "01030000", 8);
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode_a),      cmocka_unit_test(test_mode_b),
        cmocka_unit_test(test_mode_c),      cmocka_unit_test(test_mode_d),
        cmocka_unit_test(test_mode_e),      cmocka_unit_test(test_mode_f),
        cmocka_unit_test(test_modes_g_k_l),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
