#include "dut/port/aes.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = DEVPORT_AES_BLOCK, ROUNDS = 10 };

static uint8_t times_two(uint8_t x)
{
    return (uint8_t)(x << 1 ^ (x >> 7 ? 0x1b : 0));
}

// The substitution box, worked out instead of typed in: the inverse in GF(2^8), then the affine
// step. p runs through all powers of 3, q through those of its inverse (FIPS 197, 5.1.1).
static void make_box(uint8_t box[256])
{
    uint8_t p = 1, q = 1;
    do {
        p = (uint8_t)(p ^ times_two(p));
        q = (uint8_t)(q ^ q << 1);
        q = (uint8_t)(q ^ q << 2);
        q = (uint8_t)(q ^ q << 4);
        if (q & 0x80) q ^= 0x09;
        uint8_t x = q;
        for (int i = 1; i <= 4; i++)
            x ^= (uint8_t)(q << i | q >> (8 - i));
        box[p] = x ^ 0x63;
    } while (p != 1);
    box[0] = 0x63;
}

static void next_round_key(uint8_t key[BLOCK], const uint8_t box[256], uint8_t constant)
{
    const uint8_t last[4] = {key[12], key[13], key[14], key[15]};
    for (int i = 0; i < 4; i++)
        key[i] ^= box[last[(i + 1) % 4]];
    key[0] ^= constant;
    for (int i = 4; i < BLOCK; i++)
        key[i] ^= key[i - 4];
}

// SubBytes and ShiftRows at once; the state lies column by column.
static void substitute(uint8_t s[BLOCK], const uint8_t box[256])
{
    uint8_t t[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        t[i] = box[s[(i + 4 * (i % 4)) % BLOCK]];
    memcpy(s, t, sizeof t);
}

static void mix_columns(uint8_t s[BLOCK])
{
    for (uint8_t *c = s; c < s + BLOCK; c += 4) {
        uint8_t all = c[0] ^ c[1] ^ c[2] ^ c[3], first = c[0];
        for (int i = 0; i < 4; i++)
            c[i] ^= (uint8_t)(all ^ times_two(c[i] ^ (i < 3 ? c[i + 1] : first)));
    }
}

static void add(uint8_t s[BLOCK], const uint8_t other[BLOCK])
{
    for (int i = 0; i < BLOCK; i++)
        s[i] ^= other[i];
}

static void encrypt(const uint8_t box[256], const uint8_t key[BLOCK], uint8_t s[BLOCK])
{
    uint8_t round_key[BLOCK], constant = 1;
    memcpy(round_key, key, sizeof round_key);
    add(s, round_key);
    for (int round = 1; round <= ROUNDS; round++, constant = times_two(constant)) {
        substitute(s, box);
        if (round < ROUNDS) mix_columns(s);
        next_round_key(round_key, box, constant);
        add(s, round_key);
    }
}

void devport_aes128(const uint8_t key[BLOCK], const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
    uint8_t box[256];
    make_box(box);
    memmove(out, in, BLOCK);
    encrypt(box, key, out);
}

int devport_aes128_cbc(const uint8_t key[BLOCK], const uint8_t *in, uint8_t *out, size_t len)
{
    uint8_t box[256], s[BLOCK] = {0};
    if (len % BLOCK) return -EINVAL;
    make_box(box);
    for (size_t at = 0; at < len; at += BLOCK) {
        add(s, in + at);
        encrypt(box, key, s);
        memcpy(out + at, s, BLOCK);
    }
    return 0;
}
