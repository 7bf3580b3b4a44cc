// The encrypted variant and its faults, against a keystream made here from AES alone: protocol.md
// 6, profile bench-assumed-1.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"
#include "dut/firmware/tests/run.h"

static const char own_key[] = "000102030405060708090a0b0c0d0e0f";

enum { FIRST = 0x0a0, STREAM_MAX = 12 };

static void take(struct run *r, uint16_t counter, const char *fault)
{
    const char *const args[] = {"--encrypt", fault ? "--fault" : NULL, fault, NULL};
    run_take(r, own_key, counter, args);
}

static void keystream(unsigned counter, unsigned rollover, uint8_t out[16])
{
    uint8_t session[16] = {0};
    run_aes(own_key, session, session);
    char session_hex[33];
    for (int i = 0; i < 16; i++)
        snprintf(session_hex + 2 * i, 3, "%02x", session[i]);
    const uint8_t block[16] = {
        0xfe, 0xca, 0xad, 0x0b, (uint8_t)counter, (uint8_t)(counter >> 8), (uint8_t)rollover};
    run_aes(session_hex, block, out);
}

// Only messages of bytes are encrypted.
static bool has_bytes(size_t kind)
{
    return kind >= 2 && kind < 14;
}

static void assert_payload(const struct run *r, size_t kind, unsigned rank, const uint8_t *stream)
{
    for (size_t i = 0; i < run_payload_len(kind); i++)
        assert_int_equal(r->packet[kind][rank - 1][6 + i], (0x40 + i) ^ stream[i]);
}

// The tag covers what is sent in frame 1, under the device's own key.
static void assert_tag(const struct run *r, size_t kind, unsigned rank)
{
    size_t body = 6 + run_payload_len(kind);
    uint8_t full[16];
    run_mac(own_key, r->packet[kind][0], body, 2, full);
    assert_memory_equal(r->packet[kind][rank - 1] + body, full, r->len[kind] - CRC - body);
    run_assert_crc(r->packet[kind][rank - 1], r->len[kind]);
}

static const uint8_t clear[STREAM_MAX];

static void test_payloads_are_encrypted_under_the_profile(void **state)
{
    (void)state;
    struct run r, plain;
    run_take(&plain, own_key, FIRST, NULL);
    take(&r, FIRST, NULL);
    for (size_t k = 0; k < KINDS; k++) {
        uint8_t stream[16];
        keystream(FIRST + (unsigned)k, 0, stream);
        for (unsigned rank = 1; rank <= RANKS; rank++) {
            assert_int_equal(r.head[k][rank - 1], plain.head[k][rank - 1]);
            assert_int_equal(r.len[k], plain.len[k]);
            assert_memory_equal(r.packet[k][rank - 1], plain.packet[k][rank - 1], 6);
            if (has_bytes(k))
                assert_payload(&r, k, rank, stream);
            else
                assert_memory_equal(r.packet[k][rank - 1], plain.packet[k][rank - 1], r.len[k]);
            assert_tag(&r, k, rank);
        }
    }
}

// The roll-over counter takes part, and moves when the message counter starts again at 0.
static void test_rollover_changes_the_keystream(void **state)
{
    (void)state;
    struct run r;
    take(&r, 4090, NULL);
    for (size_t k = 2; k < 14; k++) {
        unsigned counter = 4090 + (unsigned)k;
        uint8_t stream[16];
        keystream(counter % 4096, counter / 4096, stream);
        assert_payload(&r, k, 1, stream);
    }
}

// It outlives the power like the counter itself.
static void test_rollover_is_stored(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    l.args[0] = "--encrypt";
    lab_set_counter(&l, 4094);
    for (unsigned i = 0; i < 3; i++) {
        unsigned counter = 4095 + i;
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        lab_forget(&l);
        assert_string_equal(lab_command(&l, "AT$SF=40"), "OK\r");
        struct demod d;
        demod_burst(&l.bursts[0], &d);
        uint8_t stream[16];
        keystream(counter % 4096, counter / 4096, stream);
        char expected[3];
        snprintf(expected, sizeof expected, "%02x", 0x40 ^ stream[0]);
        assert_memory_equal(d.hex + 20, expected, 2);
        lab_kill(&l);
    }
    lab_deinit(&l);
}

static void test_enc_001_sends_in_clear(void **state)
{
    (void)state;
    struct run r, plain;
    run_take(&plain, own_key, FIRST, NULL);
    take(&r, FIRST, "MUT-ENC-001");
    for (size_t k = 0; k < KINDS; k++)
        for (unsigned i = 0; i < RANKS; i++)
            assert_memory_equal(r.packet[k][i], plain.packet[k][i], r.len[k]);
}

static void test_enc_002_sends_the_third_frame_in_clear(void **state)
{
    (void)state;
    struct run r, good;
    take(&good, FIRST, NULL);
    take(&r, FIRST, "MUT-ENC-002");
    for (size_t k = 0; k < KINDS; k++) {
        for (unsigned i = 0; i < 2; i++)
            assert_memory_equal(r.packet[k][i], good.packet[k][i], r.len[k]);
        assert_memory_equal(r.packet[k][2], good.packet[k][2], 6);
        if (has_bytes(k)) assert_payload(&r, k, 3, clear);
        assert_tag(&r, k, 3); // the message's own tag, and a good CRC
    }
}

static void test_enc_003_ignores_the_counter(void **state)
{
    (void)state;
    struct run r;
    take(&r, FIRST, "MUT-ENC-003");
    uint8_t stream[16];
    keystream(0, 0, stream);
    for (size_t k = 2; k < 14; k++) {
        for (unsigned rank = 1; rank <= RANKS; rank++) {
            assert_payload(&r, k, rank, stream);
            assert_tag(&r, k, rank);
        }
    }
}

// The whitening sequence of protocol.md 7.4, bit by bit, from a register that holds the ID alone.
static void whitening(uint32_t id, uint8_t out[15])
{
    unsigned reg = id % 512;
    if (reg == 0) reg = 511;
    memset(out, 0, 15);
    for (unsigned n = 0; n < 120; n++) {
        if (n % 9 == 0) {
            for (int i = 0; i < 8; i++)
                reg = reg >> 1 | ((reg >> 5 ^ reg) & 1) << 8;
        }
        out[n / 8] |= (uint8_t)((reg >> (8 - n % 9) & 1) << (7 - n % 8));
    }
}

static void test_enc_008_uses_the_whitening_sequence(void **state)
{
    (void)state;
    struct run r;
    take(&r, FIRST, "MUT-ENC-008");
    uint8_t stream[15];
    whitening(0x0badcafe, stream);
    for (size_t k = 0; k < KINDS; k++) {
        for (unsigned rank = 1; rank <= RANKS; rank++) {
            if (has_bytes(k)) assert_payload(&r, k, rank, stream);
            assert_tag(&r, k, rank);
        }
    }
}

static void test_enc_004_ignores_the_rollover(void **state)
{
    (void)state;
    struct run r;
    take(&r, 4090, "MUT-ENC-004");
    for (size_t k = 2; k < 14; k++) {
        uint8_t stream[16];
        keystream((4090 + (unsigned)k) % 4096, 0, stream);
        assert_payload(&r, k, 1, stream);
        assert_tag(&r, k, 1);
    }
}

// A register of 16 bits, x^16 + x^14 + x^13 + x^11 + 1, from the counter alone.
static void test_enc_012_uses_a_register(void **state)
{
    (void)state;
    struct run r;
    take(&r, 4090, "MUT-ENC-012");
    for (size_t k = 2; k < 14; k++) {
        unsigned reg = (4090 + (unsigned)k) % 4096;
        uint8_t stream[16] = {0};
        if (reg == 0) reg = 0xffff;
        for (size_t i = 0; i < STREAM_MAX; i++) {
            for (int n = 0; n < 8; n++) {
                unsigned out = reg & 1;
                reg >>= 1;
                if (out) reg ^= 1u << 15 | 1u << 13 | 1u << 12 | 1u << 10;
            }
            stream[i] = (uint8_t)reg;
        }
        assert_payload(&r, k, 3, stream);
        assert_tag(&r, k, 3);
    }
}

// First payload byte of the next message AT$SF=40, as it is on air; -1 when none was sent.
static int next_byte(struct lab *l, unsigned *counter)
{
    lab_forget(l);
    lab_command(l, "AT$SF=40");
    if (l->n_bursts == 0) return -1;
    struct demod d;
    unsigned byte;
    demod_burst(&l->bursts[0], &d);
    assert_int_equal(sscanf(d.hex + 9, "%3x", counter), 1);
    assert_int_equal(sscanf(d.hex + 20, "%2x", &byte), 1);
    return (int)byte;
}

static int encrypted_byte(unsigned counter, unsigned rollover)
{
    uint8_t stream[16];
    keystream(counter, rollover, stream);
    return 0x40 ^ stream[0];
}

static void start_with(struct lab *l, const char *fault, const char *more, const char *value)
{
    lab_init(l);
    l->args[0] = "--encrypt";
    l->args[1] = fault ? "--fault" : more;
    l->args[2] = fault ? fault : value;
    if (fault) {
        l->args[3] = more;
        l->args[4] = value;
    }
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    lab_gpio(l, 0, 1);
}

// MUT-ENC-005: as long as nothing resets it, the roll-over counter is right.
static void test_enc_005_forgets_the_epoch_at_reset(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        struct lab l;
        unsigned counter = 0;
        start_with(&l, faulty ? "MUT-ENC-005" : NULL, "--rollover", "128");
        assert_string_equal(lab_command(&l, "AT$CNT=126,4"), "OK\r");
        unsigned epoch = faulty ? 0 : 4;
        for (unsigned i = 0; i < 3; i++) {
            int byte = next_byte(&l, &counter);
            assert_int_equal(counter, (127 + i) % 128);
            assert_int_equal(byte, encrypted_byte(counter, epoch + (i > 0)));
        }
        lab_kill(&l);
        assert_true(lab_power_on(&l, PORT_BOOT_RESET));
        int byte = next_byte(&l, &counter);
        assert_int_equal(byte, encrypted_byte(counter, faulty ? 0 : 5));
        lab_deinit(&l);
    }
}

// Without its key the device sends no payload, with MUT-ENC-009 it sends it in clear. What needs no
// key is sent, and all comes back with the key.
static void test_a_missing_key(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        struct lab l;
        unsigned counter = 0;
        start_with(&l, faulty ? "MUT-ENC-009" : NULL, NULL, NULL);
        assert_int_equal(next_byte(&l, &counter), encrypted_byte(0, 0));
        assert_string_equal(lab_command(&l, "AT$EK=0"), "OK\r");
        lab_kill(&l);
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        lab_gpio(&l, 0, 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(next_byte(&l, &counter), faulty ? 0x40 : -1);
        if (!faulty)
            assert_string_equal(l.uart, "ERROR: not sent, the encryption key is missing\r");
        lab_forget(&l);
        assert_string_equal(lab_command(&l, "AT$SB=1"), "OK\r");
        assert_int_equal(l.n_bursts, 3);
        assert_string_equal(lab_command(&l, "AT$EK=1"), "ERROR: parse error\r");
        lab_gpio(&l, 0, 1);
        assert_string_equal(lab_command(&l, "AT$EK=1"), "OK\r");
        int byte = next_byte(&l, &counter);
        assert_int_equal(counter, faulty ? 4 : 2); // what was not sent took no value
        assert_int_equal(byte, encrypted_byte(counter, 0));
        lab_deinit(&l);
    }
}

// The 256th epoch is the last: then no keystream is left, and none is used twice.
static void test_keystreams_are_used_up(void **state)
{
    (void)state;
    struct lab l;
    unsigned counter = 0;
    start_with(&l, NULL, "--rollover", "128");
    assert_string_equal(lab_command(&l, "AT$CNT=126,255"), "OK\r");
    int byte = next_byte(&l, &counter);
    assert_int_equal(byte, encrypted_byte(127, 255));
    assert_int_equal(next_byte(&l, &counter), -1);
    assert_string_equal(l.uart, "ERROR: not sent, the keystream is used up\r");
    lab_kill(&l);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_int_equal(next_byte(&l, &counter), -1);
    lab_deinit(&l);
}

// The faults of encryption change nothing in a device that does not encrypt.
static void test_without_the_variant_the_faults_do_nothing(void **state)
{
    (void)state;
    static const char *const faults[] = {"MUT-ENC-001", "MUT-ENC-003", "MUT-ENC-005",
                                         "MUT-ENC-008", "MUT-ENC-009", "MUT-ENC-012"};
    struct run plain;
    run_take(&plain, own_key, FIRST, NULL);
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        const char *const args[] = {"--fault", faults[f], NULL};
        struct run r;
        run_take(&r, own_key, FIRST, args);
        for (size_t k = 0; k < KINDS; k++)
            for (unsigned i = 0; i < RANKS; i++)
                assert_memory_equal(r.packet[k][i], plain.packet[k][i], r.len[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payloads_are_encrypted_under_the_profile),
        cmocka_unit_test(test_rollover_changes_the_keystream),
        cmocka_unit_test(test_rollover_is_stored),
        cmocka_unit_test(test_enc_001_sends_in_clear),
        cmocka_unit_test(test_enc_002_sends_the_third_frame_in_clear),
        cmocka_unit_test(test_enc_003_ignores_the_counter),
        cmocka_unit_test(test_enc_008_uses_the_whitening_sequence),
        cmocka_unit_test(test_enc_004_ignores_the_rollover),
        cmocka_unit_test(test_enc_012_uses_a_register),
        cmocka_unit_test(test_enc_005_forgets_the_epoch_at_reset),
        cmocka_unit_test(test_a_missing_key),
        cmocka_unit_test(test_keystreams_are_used_up),
        cmocka_unit_test(test_without_the_variant_the_faults_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
