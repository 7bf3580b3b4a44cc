// What foxdut puts on air: every vector that its host can ask for, bit by bit, and when and where.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/json.h"
#include "dut/firmware/layout.h"
#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

// protocol.md 8, written again: half of 192 kHz less 18 780 Hz around 868.13 MHz.
static const double centre_hz = 868130000.0, half_band_hz = 96000.0 - 18780.0;

enum { MODE_J_EMPTY = 14, VECTORS_ASKABLE = 64 };

static const char *text_of(struct jval *v, const char *key)
{
    return jval_text(jval_get(v, key), "");
}

static void assert_frames(struct lab *l, size_t first, struct jval *vector)
{
    struct jval *frames = jval_get(vector, "frames");
    assert_true(l->n_bursts >= first + 3);
    for (size_t i = 0; i < 3; i++) {
        struct demod d;
        demod_burst(&l->bursts[first + i], &d);
        assert_string_equal(d.hex, text_of(jval_at(frames, i), "frame_hex"));
    }
}

// The command line that makes the device send this vector's message; false when there is none.
static bool command_for(struct jval *vector, char *line, size_t size)
{
    const char *type = text_of(vector, "message_type");
    const char *flag = jval_int(jval_get(vector, "bidirectional"), 0) ? ",1" : "";
    if (strcmp(type, "bit0") == 0) {
        snprintf(line, size, "AT$SB=0%s", flag);
    } else if (strcmp(type, "bit1") == 0) {
        snprintf(line, size, "AT$SB=1%s", flag);
    } else if (strcmp(type, "bytes") == 0) {
        snprintf(line, size, "AT$SF=%s%s", text_of(vector, "payload_hex"), flag);
    } else if (strcmp(type, "empty") == 0 && !*flag) {
        snprintf(line, size, "AT$TM=1,1");
    } else if (strcmp(text_of(vector, "payload_hex"), "08e40c670cfa00") == 0) {
        // What a device at 3.3 V and 25 degrees says after its first transmission.
        snprintf(line, size, "AT$SO");
    } else {
        return false;
    }
    return true;
}

// How many messages go before the vector's own.
static unsigned messages_before(const char *line)
{
    return strcmp(line, "AT$TM=1,1") == 0 ? MODE_J_EMPTY : strcmp(line, "AT$SO") == 0 ? 1 : 0;
}

static void test_foxdut_sends_the_vectors(void **state)
{
    (void)state;
    struct jval *file = NULL;
    struct err err = {0};
    assert_int_equal(jval_load(&file, FOX_SOURCE_DIR "/fixtures/vectors/uplink.json", &err), 0);
    struct jval *encode = jval_get(file, "encode");
    unsigned sent = 0;
    for (size_t i = 0; i < jval_len(encode); i++) {
        struct jval *vector = jval_at(encode, i);
        char line[64];
        if (!command_for(vector, line, sizeof line)) continue;
        unsigned before = messages_before(line);
        struct lab l;
        lab_init(&l);
        l.id = text_of(vector, "device_id");
        l.key_hex = text_of(vector, "private_key_hex");
        int64_t counter = jval_int(jval_get(vector, "message_counter"), -1);
        lab_set_counter(&l, (uint16_t)((counter + 4096 - 1 - before) % 4096));
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        if (strcmp(text_of(vector, "key_type"), "public") == 0) {
            lab_gpio(&l, LAYOUT_PIN_LAB_ENABLE, 1);
            assert_string_equal(lab_command(&l, "ATS410=1"), "OK\r");
        }
        if (strcmp(line, "AT$SO") == 0) assert_string_equal(lab_command(&l, "AT$SB=1"), "OK\r");
        const char *answer = lab_command(&l, line);
        bool downlink = jval_int(jval_get(vector, "bidirectional"), 0) != 0;
        assert_string_equal(answer, downlink ? "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT\r" : "OK\r");
        assert_frames(&l, 3 * (size_t)before, vector);
        lab_deinit(&l);
        sent++;
    }
    assert_int_equal(sent, VECTORS_ASKABLE);
    jval_free(file);
}

static struct lab *started(struct lab *l)
{
    lab_init(l);
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    return l;
}

static void test_foxdut_spaces_frames_by_500_ms(void **state)
{
    (void)state;
    static const char *const lines[] = {"AT$SB=1", "AT$SF=01,1", "AT$SF=000102030405060708090a0b"};
    static const unsigned bits[] = {112, 120, 208};
    for (size_t i = 0; i < 3; i++) {
        struct lab l;
        lab_command(started(&l), lines[i]);
        assert_int_equal(l.n_bursts, 3);
        struct demod d[3];
        for (size_t k = 0; k < 3; k++) {
            demod_burst(&l.bursts[k], &d[k]);
            assert_int_equal(d[k].n_bits, bits[i]);
            assert_true(fabs(d[k].power_dbm - 14.0) < 0.1);
        }
        for (size_t k = 1; k < 3; k++)
            assert_true(llabs(d[k].start_ns - d[k - 1].end_ns - 500 * DEVPORT_MS) <= DEVPORT_MS);
        lab_deinit(&l);
    }
}

static void test_foxdut_downlink_request_keeps_distances_and_window(void **state)
{
    (void)state;
    struct lab l;
    started(&l);
    for (int i = 0; i < 20; i++) {
        lab_forget(&l);
        const char *answer = lab_command(&l, "AT$SF=01,1");
        assert_string_equal(answer, "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT\r");
        struct demod first;
        demod_burst(&l.bursts[0], &first);
        int64_t silent_ns = l.last_ns - first.end_ns;
        assert_true(llabs(silent_ns - 45 * DEVPORT_SECOND) <= DEVPORT_MS);
        assert_true(l.bursts[1].carrier_hz - l.bursts[0].carrier_hz == 6000.0);
        assert_true(l.bursts[2].carrier_hz - l.bursts[0].carrier_hz == -6000.0);
        for (int k = 0; k < 3; k++)
            assert_true(fabs(l.bursts[k].carrier_hz - centre_hz) <= half_band_hz);
    }
    lab_deinit(&l);
}

static void test_foxdut_hops_all_over_the_allowed_band(void **state)
{
    (void)state;
    struct lab l;
    started(&l);
    unsigned in_eighth[8] = {0}, repeated = 0;
    double previous = 0;
    for (int i = 0; i < 100; i++) {
        lab_forget(&l);
        assert_string_equal(lab_command(&l, "AT$SB=0"), "OK\r");
        for (int k = 0; k < 3; k++) {
            double f = l.bursts[k].carrier_hz - centre_hz;
            assert_true(fabs(f) <= half_band_hz);
            in_eighth[(int)fmin(7, (f + half_band_hz) / (2 * half_band_hz) * 8)]++;
            repeated += f == previous;
            previous = f;
        }
    }
    // 300 draws, 37.5 expected in each eighth: 15 would be 3.9 standard deviations off.
    for (int i = 0; i < 8; i++)
        assert_true(in_eighth[i] > 15);
    assert_int_equal(repeated, 0);
    lab_deinit(&l);
}

// Two devices of one seed do the same whatever pieces time comes in; another seed hops elsewhere.
static void test_foxdut_is_reproducible(void **state)
{
    (void)state;
    struct lab a, b, other;
    started(&a);
    lab_init(&b);
    b.grant_step_ns = 7 * DEVPORT_MS;
    assert_true(lab_power_on(&b, PORT_BOOT_POWER));
    lab_init(&other);
    other.seed = 2;
    assert_true(lab_power_on(&other, PORT_BOOT_POWER));
    struct lab *all[] = {&a, &b, &other};
    for (int i = 0; i < 3; i++)
        assert_string_equal(lab_command(all[i], "AT$SF=cafe"), "OK\r");
    unsigned same_place = 0;
    for (int k = 0; k < 3; k++) {
        assert_int_equal(a.bursts[k].t_ns, b.bursts[k].t_ns);
        assert_true(a.bursts[k].carrier_hz == b.bursts[k].carrier_hz);
        assert_int_equal(a.bursts[k].n, b.bursts[k].n);
        assert_memory_equal(a.bursts[k].iq, b.bursts[k].iq, 2 * a.bursts[k].n * sizeof(float));
        same_place += a.bursts[k].carrier_hz == other.bursts[k].carrier_hz;
    }
    assert_true(same_place < 3);
    for (int i = 0; i < 3; i++)
        lab_deinit(all[i]);
}

// One message of every kind, one per 18 s, three frames each (protocol.md 10).
static void test_foxdut_mode_j(void **state)
{
    (void)state;
    static const char *const types[3][6] = {{"06b", "08d", "35f", "611", "94c", "f67"},
                                            {"6e0", "0d2", "598", "6bf", "971", "fc9"},
                                            {"034", "302", "5a3", "72c", "997", "1be"}};
    // classes of bit 0, bit 1, 1..12 bytes, empty, keep-alive
    static const int classes[16] = {0, 0, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 0, 5};
    struct lab l;
    started(&l);
    assert_string_equal(lab_command(&l, "AT$TR=0"), "OK\r"); // has no say in a test mode
    assert_string_equal(lab_command(&l, "AT$TM=1,1"), "OK\r");
    assert_int_equal(l.n_bursts, 48);
    for (size_t i = 0; i < 48; i++) {
        struct demod d;
        demod_burst(&l.bursts[i], &d);
        assert_memory_equal(d.hex + 5, types[i % 3][classes[i / 3]], 3);
        if (i % 3 == 0) {
            char counter[4];
            snprintf(counter, sizeof counter, "%03x", (unsigned)(i / 3));
            assert_memory_equal(d.hex + 9, counter, 3);
            int64_t due_ns = l.bursts[0].t_ns + (int64_t)(i / 3) * 18 * DEVPORT_SECOND;
            assert_true(llabs(l.bursts[i].t_ns - due_ns) < 2 * DEVPORT_MS);
        }
        if (i == 39) assert_memory_equal(d.hex + 20, "404142434445464748494a4b", 24 - 2);
    }
    lab_deinit(&l);
}

static void test_foxdut_transmit_repeat_and_power(void **state)
{
    (void)state;
    struct lab l;
    started(&l);
    assert_string_equal(lab_command(&l, "AT$TR=0"), "OK\r");
    assert_string_equal(lab_command(&l, "ATS302=3"), "OK\r");
    assert_string_equal(lab_command(&l, "AT$SF=01"), "OK\r");
    assert_int_equal(l.n_bursts, 1);
    struct demod d;
    demod_burst(&l.bursts[0], &d);
    assert_true(fabs(d.power_dbm - 3.0) < 0.1);
    lab_deinit(&l);
}

static void test_foxdut_sends_keep_alive_every_day(void **state)
{
    (void)state;
    struct lab l;
    started(&l);
    lab_run(&l, 24 * 3600 * DEVPORT_SECOND - DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 0);
    lab_run(&l, 10 * DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 3);
    lab_run(&l, 24 * 3600 * DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 6);
    assert_string_equal(lab_command(&l, "ATS300=0"), "OK\r");
    lab_run(&l, 200 * 3600 * DEVPORT_SECOND);
    assert_int_equal(l.n_bursts, 6);
    assert_int_equal(l.uart_len, 3); // nothing was said but OK
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foxdut_sends_the_vectors),
        cmocka_unit_test(test_foxdut_spaces_frames_by_500_ms),
        cmocka_unit_test(test_foxdut_downlink_request_keeps_distances_and_window),
        cmocka_unit_test(test_foxdut_hops_all_over_the_allowed_band),
        cmocka_unit_test(test_foxdut_is_reproducible),
        cmocka_unit_test(test_foxdut_mode_j),
        cmocka_unit_test(test_foxdut_transmit_repeat_and_power),
        cmocka_unit_test(test_foxdut_sends_keep_alive_every_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
