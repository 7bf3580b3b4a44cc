#include "dut/firmware/tests/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"

// Undoes the replica code of protocol.md 2.4 bit by bit.
static void uncode(unsigned rank, const uint8_t *coded, size_t len, uint8_t *out)
{
    unsigned u1 = 0, u2 = 0;
    memset(out, 0, len);
    for (size_t i = 0; i < 8 * len; i++) {
        unsigned v = coded[i / 8] >> (7 - i % 8) & 1;
        unsigned u = rank == 1 ? v : rank == 2 ? v ^ u1 ^ u2 : v ^ u2;
        out[i / 8] |= (uint8_t)(u << (7 - i % 8));
        u2 = u1;
        u1 = u;
    }
}

void run_take(struct run *r, const char *key_hex, uint16_t counter, const char *const *args)
{
    struct lab l;
    lab_init(&l);
    l.key_hex = key_hex;
    for (int i = 0; args && args[i]; i++)
        l.args[i] = args[i];
    lab_set_counter(&l, (uint16_t)((counter + 4095) % 4096));
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(lab_command(&l, "AT$TM=1,1"), "OK\r");
    assert_int_equal(l.n_bursts, KINDS * RANKS);
    for (size_t k = 0; k < KINDS; k++) {
        for (unsigned rank = 1; rank <= RANKS; rank++) {
            struct demod d;
            demod_burst(&l.bursts[RANKS * k + rank - 1], &d);
            uint8_t f[26];
            int len = hex_decode(d.hex, f, sizeof f, NULL);
            assert_true(len > HEAD);
            r->len[k] = (size_t)len - HEAD;
            r->head[k][rank - 1] =
                (uint32_t)f[0] << 24 | (uint32_t)f[1] << 16 | (uint32_t)f[2] << 8 | f[3];
            uncode(rank, f + HEAD, r->len[k], r->packet[k][rank - 1]);
        }
    }
    lab_deinit(&l);
}

size_t run_payload_len(size_t kind)
{
    return kind < 2 || kind == 14 ? 0 : kind == 15 ? 7 : kind - 1;
}

uint16_t run_crc16(const uint8_t *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < 8 * len; i++) {
        unsigned bit = (data[i / 8] >> (7 - i % 8) & 1) ^ (crc >> 15 & 1);
        crc = (crc << 1 ^ (bit ? 0x1021 : 0)) & 0xffff;
    }
    return (uint16_t)(crc ^ 0xffff);
}

void run_assert_crc(const uint8_t *packet, size_t len)
{
    assert_int_equal(packet[len - 2] << 8 | packet[len - 1], run_crc16(packet, len - CRC));
}

void run_aes(const char *key_hex, const uint8_t in[16], uint8_t out[16])
{
    uint8_t raw[16];
    struct secret key = {.len = 0};
    assert_int_equal(hex_decode(key_hex, raw, sizeof raw, NULL), 16);
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), 0);
    assert_int_equal(crypto_aes128_block(&key, in, out, NULL), 0);
    secret_deinit(&key);
}

void run_mac(const char *key_hex, const uint8_t *in, size_t len, unsigned max_blocks,
             uint8_t out[16])
{
    unsigned blocks = len <= 16 ? 1 : 2;
    if (blocks > max_blocks) blocks = max_blocks;
    memset(out, 0, 16);
    for (unsigned b = 0; b < blocks; b++) {
        for (unsigned i = 0; i < 16; i++)
            out[i] ^= in[(16 * b + i) % len];
        run_aes(key_hex, out, out);
    }
}
