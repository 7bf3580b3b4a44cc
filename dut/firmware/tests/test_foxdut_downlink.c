// foxdut and the other direction: which downlinks it takes, when and where it listens, what it
// tells its host, and how it confirms.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "dut/firmware/tests/rig.h"
#include "dut/firmware/tests/run.h"

static const char own_key[] = RIG_KEY;
static const char no_answer[] = RIG_NO_ANSWER, taken[] = RIG_TAKEN;

// The host's answer for a payload.
static const char *told(const char *payload_hex)
{
    static char text[64];
    size_t n = (size_t)snprintf(text, sizeof text, "OK\r\nRX=");
    for (int i = 0; i < 8; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%c%c", i ? " " : "", payload_hex[2 * i],
                              payload_hex[2 * i + 1]);
    for (size_t i = 7; i < n; i++)
        if (text[i] >= 'a' && text[i] <= 'f') text[i] = (char)(text[i] - 'a' + 'A');
    snprintf(text + n, sizeof text - n, "\r");
    return text;
}

// The one confirmation of a downlink that ended at end_ns: protocol.md 2.5 and 7.1, byte by byte.
static void assert_confirmed(struct rig *r, int64_t end_ns, unsigned counter, int rssi_dbm)
{
    assert_int_equal(r->lab.n_bursts, 4);
    // Its counter is stored before it leaves.
    assert_int_equal(r->lab.n_writes, 2);
    assert_int_equal(r->lab.writes[1].bursts_before, 3);
    assert_true(r->lab.writes[1].t_ns + r->lab.writes[1].len * PORT_NVM_NS_PER_BYTE <
                r->lab.bursts[3].t_ns);
    struct demod d;
    demod_burst(&r->lab.bursts[3], &d);
    uint8_t f[26];
    assert_int_equal(hex_decode(d.hex, f, sizeof f, NULL), 22);
    assert_memory_equal(d.hex, "aaaaaf67", 8); // control, rank 1
    assert_int_equal(f[4] >> 4, 0);            // LI 0, no BF, no REP
    assert_int_equal((f[4] & 15) << 8 | f[5], counter);
    const uint8_t body[] = {0x09, 3300 & 255, 3300 >> 8, 3175 & 255, 3175 >> 8, 250, 0};
    assert_memory_equal(f + 10, body, sizeof body);
    assert_true(abs((int8_t)f[17] - 100 - rssi_dbm) <= 1);
    assert_int_equal(f[20] << 8 | f[21], run_crc16(f + 4, 16));
    double delay_s = (double)(d.start_ns - end_ns) * 1e-9;
    assert_true(delay_s > 1.99 && delay_s < 2.01);
    assert_true(fabs(r->lab.bursts[3].carrier_hz - 868130000.0) <= 96000 - 18780);
    for (int i = 0; i < 3; i++)
        assert_true(r->lab.bursts[3].carrier_hz != r->lab.bursts[i].carrier_hz);
}

static void test_every_vector_is_taken(void **state)
{
    (void)state;
    struct jval *file = NULL;
    assert_int_equal(jval_load(&file, FOX_SOURCE_DIR "/fixtures/vectors/downlink.json", NULL), 0);
    struct jval *encode = jval_get(file, "encode");
    for (size_t i = 0; i < jval_len(encode); i++) {
        struct jval *v = jval_at(encode, i);
        uint8_t frame[15];
        assert_int_equal(hex_decode(jval_text(jval_get(v, "phy_hex"), ""), frame, 15, NULL), 15);
        uint16_t counter = (uint16_t)jval_int(jval_get(v, "message_counter"), 0);
        struct rig r;
        rig_start(&r, jval_text(jval_get(v, "device_id"), ""),
                  jval_text(jval_get(v, "key_hex"), ""), counter, NULL);
        rig_request(&r);
        r.air.power_dbm = -80 - (double)i;
        int64_t end_ns = rig_send(&r, 20.0 + 0.3 * (double)i, rig_frequency(&r), frame);
        assert_string_equal(rig_answer(&r), told(jval_text(jval_get(v, "payload_hex"), "")));
        assert_confirmed(&r, end_ns, (counter + 1u) % 4096, -80 - (int)i);
        lab_deinit(&r.lab);
    }
    assert_int_equal(jval_len(encode), 33);
    jval_free(file);
}

// What was received with errors, with another key, for another counter or device.
static void test_every_received_vector_is_judged(void **state)
{
    (void)state;
    struct jval *file = NULL;
    assert_int_equal(jval_load(&file, FOX_SOURCE_DIR "/fixtures/vectors/downlink.json", NULL), 0);
    struct jval *decode = jval_get(file, "decode");
    unsigned accepted = 0;
    for (size_t i = 0; i < jval_len(decode); i++) {
        struct jval *v = jval_at(decode, i), *expect = jval_get(v, "expect");
        uint8_t frame[15];
        assert_int_equal(hex_decode(jval_text(jval_get(v, "phy_hex"), ""), frame, 15, NULL), 15);
        struct rig r;
        rig_start(&r, jval_text(jval_get(v, "device_id"), ""),
                  jval_text(jval_get(v, "key_hex"), ""),
                  (uint16_t)jval_int(jval_get(v, "message_counter"), 0), NULL);
        rig_request(&r);
        rig_send(&r, 20.5, rig_frequency(&r), frame);
        bool accept = jval_bool(jval_get(expect, "accept"), false);
        const char *payload = jval_text(jval_get(expect, "payload_after_ecc_hex"), "");
        assert_string_equal(rig_answer(&r), accept ? told(payload) : no_answer);
        assert_int_equal(r.lab.n_bursts, accept ? 4 : 3);
        accepted += accept;
        lab_deinit(&r.lab);
    }
    assert_int_equal(jval_len(decode), 27);
    assert_int_equal(accepted, 14);
    jval_free(file);
}

// A counter that cannot be stored is not sent under: the host has its answer, the network none.
static void test_no_confirmation_without_memory(void **state)
{
    (void)state;
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, 9, NULL);
    rig_request(&r);
    rig_make_frame(9, 0, frame);
    rig_send(&r, 21, rig_frequency(&r), frame);
    r.lab.write_errno = 5;
    assert_string_equal(rig_answer(&r), taken);
    lab_run(&r.lab, 10 * DEVPORT_SECOND);
    assert_int_equal(r.lab.n_bursts, 3);
    assert_string_equal(r.lab.log, "downlink not confirmed: the counter could not be stored");
    lab_deinit(&r.lab);
}

// Bad frames do not end the window, and only the first good one counts.
static void test_listening_goes_on_after_bad_frames(void **state)
{
    (void)state;
    struct rig r;
    uint8_t good[15], bad[15];
    rig_start(&r, NULL, own_key, 7, NULL);
    rig_request(&r);
    rig_make_frame(7, 0, good);
    rig_make_frame(7, 0x0100, bad);
    for (int i = 0; i < 30; i++)
        rig_send(&r, 20.1 + 0.4 * i, rig_frequency(&r), bad);
    int64_t end_ns = rig_send(&r, 33, rig_frequency(&r), good);
    rig_send(&r, 33.5, rig_frequency(&r), good);
    assert_string_equal(rig_answer(&r), taken);
    assert_confirmed(&r, end_ns, 8, -100);
    lab_run(&r.lab, 60 * DEVPORT_SECOND);
    assert_int_equal(r.lab.n_bursts, 4);
    assert_string_equal(r.lab.uart + r.before, taken);
    lab_deinit(&r.lab);
}

// The actuator follows genuine downlinks alone (rig_make_frame's payload turns it on), and is off
// after a reset; STR-PIN-001 heeds those with a wrong tag as well, and takes them no more for that.
static void test_genuine_downlinks_drive_the_output(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        uint16_t tag_flips;
        uint32_t outputs;
    } rows[] = {{NULL, 0, 1}, {NULL, 0x0100, 0}, {"STR-PIN-001", 0, 1}, {"STR-PIN-001", 0x0100, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const args[] = {"--fault", rows[i].fault, NULL};
        struct rig r;
        uint8_t frame[15];
        rig_start(&r, NULL, own_key, 7, rows[i].fault ? args : NULL);
        rig_request(&r);
        assert_int_equal(r.lab.outputs, 0);
        rig_make_frame(7, rows[i].tag_flips, frame);
        rig_send(&r, 25, rig_frequency(&r), frame);
        assert_string_equal(rig_answer(&r), rows[i].tag_flips ? RIG_NO_ANSWER : taken);
        assert_int_equal(r.lab.outputs, rows[i].outputs);
        assert_string_equal(lab_command(&r.lab, "AT$P=0"), "OK\r"); // a software reset
        assert_int_equal(r.lab.outputs, 0);
        lab_deinit(&r.lab);
    }
}

// The window is 20 … 45 s after frame 1 and the whole burst has to lie in it; the device is deaf
// before, after, and on any other frequency.
static void test_window_in_time_and_frequency(void **state)
{
    (void)state;
    static const struct {
        double after_s, off_hz;
        bool heard;
    } cases[] = {{20.001, 0, true}, {44.62, 0, true},  {44.64, 0, false},  {46, 0, false},
                 {19, 0, false},    {5, 0, false},     {19.7, 0, false},   {30, 1000, true},
                 {30, -1000, true}, {30, 5000, false}, {30, -5000, false}, {30, -1395000.0, false}};
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, 100, NULL);
    unsigned counter = 100;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_request(&r);
        rig_make_frame(counter, 0, frame);
        rig_send(&r, cases[i].after_s, rig_frequency(&r) + cases[i].off_hz, frame);
        assert_string_equal(rig_answer(&r), cases[i].heard ? taken : no_answer);
        int64_t from_ns = r.lab.listens[0].from_ns - r.first.end_ns;
        assert_true(llabs(from_ns - 20 * DEVPORT_SECOND) < DEVPORT_MS);
        int64_t to_ns = r.lab.listens[r.lab.n_listens - 1].to_ns - r.first.end_ns;
        if (!cases[i].heard) assert_true(llabs(to_ns - 45 * DEVPORT_SECOND) < DEVPORT_MS);
        for (size_t k = 0; k < r.lab.n_listens; k++) {
            assert_true(r.lab.listens[k].carrier_hz == rig_frequency(&r));
            if (k > 0) // without a gap
                assert_int_equal(r.lab.listens[k].from_ns, r.lab.listens[k - 1].to_ns);
        }
        size_t windows = r.lab.n_listens;
        lab_run(&r.lab, 120 * DEVPORT_SECOND);
        assert_int_equal(r.lab.n_listens, windows);
        counter += cases[i].heard ? 2 : 1;
    }
    lab_deinit(&r.lab);
}

// A message without a request is followed by no listening at all.
static void test_nobody_listens_unasked(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, own_key, 0, NULL);
    assert_string_equal(lab_command(&r.lab, "AT$SF=01"), "OK\r");
    lab_run(&r.lab, 3600 * DEVPORT_SECOND);
    assert_int_equal(r.lab.n_listens, 0);
    lab_deinit(&r.lab);
}

static void test_commands_wait_until_the_exchange_is_over(void **state)
{
    (void)state;
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, 3, NULL);
    rig_request(&r);
    rig_make_frame(3, 0, frame);
    rig_send(&r, 25, rig_frequency(&r), frame);
    lab_run(&r.lab, 12 * DEVPORT_SECOND);
    lab_uart(&r.lab, "AT$I=10\r", 8); // in the window
    lab_run(&r.lab, 20 * DEVPORT_SECOND);
    assert_string_equal(r.lab.uart + r.before, "OK\r\nRX=01 02 03 04 05 06 07 08\r0BADCAFE\r");
    assert_string_equal(lab_command(&r.lab, "AT$SB=1"), "OK\r");
    struct demod d;
    demod_burst(&r.lab.bursts[4], &d);
    assert_memory_equal(d.hex + 9, "005", 3); // 3 asked, 4 confirmed
    lab_deinit(&r.lab);
}

// An exchange is the same whatever pieces time comes in.
static void test_grants_do_not_matter(void **state)
{
    (void)state;
    static struct rig rigs[3];
    static const int64_t steps_ns[] = {0, 7 * DEVPORT_MS, 333333333};
    uint8_t frame[15];
    rig_make_frame(77, 0, frame);
    for (int i = 0; i < 3; i++) {
        struct rig *r = &rigs[i];
        rig_start(r, NULL, own_key, 77, NULL);
        r->lab.grant_step_ns = steps_ns[i];
        rig_request(r);
        rig_send(r, 21, rig_frequency(r), frame);
        assert_string_equal(rig_answer(r), taken);
        assert_int_equal(r->lab.n_bursts, 4);
        for (int k = 0; k < 4; k++) {
            const struct lab_burst *b = &r->lab.bursts[k], *same = &rigs[0].lab.bursts[k];
            assert_int_equal(b->t_ns, same->t_ns);
            assert_true(b->carrier_hz == same->carrier_hz);
            assert_memory_equal(b->iq, same->iq, 2 * b->n * sizeof *b->iq);
        }
    }
    for (int i = 0; i < 3; i++)
        lab_deinit(&rigs[i].lab);
}

// The encrypted variant reads its downlinks under the keystream of direction 1; the tag covers what
// is on air.
static void test_encrypted_downlinks_are_read(void **state)
{
    (void)state;
    static const char *const args[] = {"--encrypt", NULL};
    struct rig r;
    rig_start(&r, NULL, own_key, 0x123, args);
    rig_request(&r);
    uint8_t session[16] = {0}, frame[15];
    run_aes(own_key, session, session);
    char session_hex[33];
    for (int i = 0; i < 16; i++)
        snprintf(session_hex + 2 * i, 3, "%02x", session[i]);
    uint8_t stream[16] = {0xfe, 0xca, 0xad, 0x0b, 0x23, 0x01, 0, 1};
    run_aes(session_hex, stream, stream);
    struct downlink_message m = {.id = 0x0badcafe, .counter = 0x123, .key_hex = own_key};
    for (int i = 0; i < 8; i++)
        m.payload[i] = (uint8_t)((i + 1) ^ stream[i]);
    downlink_message_frame(&m, frame);
    rig_send(&r, 22, rig_frequency(&r), frame);
    assert_string_equal(rig_answer(&r), taken);
    lab_deinit(&r.lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_is_taken),
        cmocka_unit_test(test_every_received_vector_is_judged),
        cmocka_unit_test(test_no_confirmation_without_memory),
        cmocka_unit_test(test_listening_goes_on_after_bad_frames),
        cmocka_unit_test(test_genuine_downlinks_drive_the_output),
        cmocka_unit_test(test_window_in_time_and_frequency),
        cmocka_unit_test(test_nobody_listens_unasked),
        cmocka_unit_test(test_commands_wait_until_the_exchange_is_over),
        cmocka_unit_test(test_grants_do_not_matter),
        cmocka_unit_test(test_encrypted_downlinks_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
