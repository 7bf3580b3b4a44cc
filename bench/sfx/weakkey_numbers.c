// Weak keys that need no knowledge of the device: public ones, patterns, and numbers stretched to a
// key.
#include <string.h>

#include "bench/sfx/weakkey_try.h"

enum {
    WORDS = 1 << 16,
    NUMBERS = 1 << 22, // of each of three layouts
    SEEDS = 1 << 21    // of each of two generators
};
_Static_assert(3 * NUMBERS + 2 * SEEDS == WEAKKEY_LOW_ENTROPY, "the promised number of keys");

struct public_key {
    const char *name;
    uint8_t bytes[WEAKKEY_LEN];
};

static const struct public_key public_keys[] = {
    {"the library's public key",
     {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE,
      0xFF}},
    {"the library's test key",
     {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD,
      0xEF}},
    {"the test key as misprinted in a modem's manual",
     {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAC, 0xBD,
      0xEF}},
    {"all bytes 00", {0}},
    {"all bytes FF",
     {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
      0xFF}},
    {"the example key of FIPS-197, appendix A",
     {0x2B, 0x7E, 0x15, 0x16, 0x28, 0xAE, 0xD2, 0xA6, 0xAB, 0xF7, 0x15, 0x88, 0x09, 0xCF, 0x4F,
      0x3C}},
    {"the example key of FIPS-197, appendix C",
     {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E,
      0x0F}},
    {"the public key backwards",
     {0xFF, 0xEE, 0xDD, 0xCC, 0xBB, 0xAA, 0x99, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
      0x00}},
    {"the digits FEDCBA98 76543210 twice",
     {0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32,
      0x10}},
    {"the text 0123456789ABCDEF", {"0123456789ABCDEF"}},
    {"the text 0123456789abcdef", {"0123456789abcdef"}},
    {"the text 1234567890123456", {"1234567890123456"}},
};

int weakkey_try_public(struct weakkey_search *s, struct err *err)
{
    for (size_t i = 0; i < sizeof public_keys / sizeof *public_keys; i++) {
        int rc = weakkey_try(s, public_keys[i].bytes, "public key", err, "%s", public_keys[i].name);
        if (rc != 0) return rc;
    }
    return 0;
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void repeat_word(uint8_t key[WEAKKEY_LEN], unsigned word)
{
    for (unsigned i = 0; i < WEAKKEY_LEN; i += 2) {
        key[i] = (uint8_t)(word >> 8);
        key[i + 1] = (uint8_t)word;
    }
}

static void count_up(uint8_t key[WEAKKEY_LEN], unsigned start, unsigned step)
{
    for (unsigned i = 0; i < WEAKKEY_LEN; i++)
        key[i] = (uint8_t)(start + i * step);
}

int weakkey_try_patterns(struct weakkey_search *s, uint32_t id, struct err *err)
{
    uint8_t key[WEAKKEY_LEN], id_bytes[4];
    put_be32(id_bytes, id);
    int rc = 0;
    for (unsigned n = 0; rc == 0 && n < WORDS; n++) {
        count_up(key, n >> 8, n & 0xFF);
        rc = weakkey_try(s, key, "counting pattern", err, "each byte a fixed step after the last");
        if (rc != 0) break;
        repeat_word(key, n);
        rc = weakkey_try(s, key, "repeated word", err, "two bytes repeated eight times");
        if (rc != 0) break;
        for (unsigned i = 0; i < WEAKKEY_LEN; i++)
            key[i] ^= id_bytes[i % 4];
        rc = weakkey_try(s, key, "ID with a repeated word", err,
                         "ID repeated, exclusive-or two bytes repeated");
    }
    return rc;
}

// The two linear congruential generators of the C libraries that makers' tools are built with.
static void from_generator(uint8_t key[WEAKKEY_LEN], uint32_t seed, uint32_t factor, uint32_t add)
{
    for (unsigned i = 0; i < WEAKKEY_LEN; i++) {
        seed = seed * factor + add;
        key[i] = (uint8_t)(seed >> 16);
    }
}

static int try_numbers(struct weakkey_search *s, struct err *err)
{
    uint8_t key[WEAKKEY_LEN];
    int rc = 0;
    for (uint32_t n = 0; rc == 0 && n < NUMBERS; n++) {
        memset(key, 0, sizeof key);
        put_be32(key + 12, n);
        rc = weakkey_try(s, key, "low entropy: small number", err,
                         "a number of 22 bits at the end, zeros before");
        if (rc != 0) break;
        memset(key, 0, sizeof key);
        for (unsigned i = 0; i < 4; i++)
            key[i] = (uint8_t)(n >> 8 * i);
        rc = weakkey_try(s, key, "low entropy: small number", err,
                         "a number of 22 bits at the start, low byte first, zeros after");
        if (rc != 0) break;
        for (unsigned i = 0; i < WEAKKEY_LEN; i += 4)
            put_be32(key + i, n);
        rc = weakkey_try(s, key, "low entropy: repeated number", err,
                         "a number of 22 bits repeated four times");
    }
    return rc;
}

static int try_generators(struct weakkey_search *s, struct err *err)
{
    uint8_t key[WEAKKEY_LEN];
    int rc = 0;
    for (uint32_t seed = 0; rc == 0 && seed < SEEDS; seed++) {
        from_generator(key, seed, 1103515245, 12345);
        rc = weakkey_try(s, key, "low entropy: rand()", err,
                         "bytes of the C standard's example rand() after a seed of 21 bits");
        if (rc != 0) break;
        from_generator(key, seed, 214013, 2531011);
        rc = weakkey_try(s, key, "low entropy: rand()", err,
                         "bytes of the Visual C rand() after a seed of 21 bits");
    }
    return rc;
}

int weakkey_try_low_entropy(struct weakkey_search *s, struct err *err)
{
    int rc = try_numbers(s, err);
    return rc != 0 ? rc : try_generators(s, err);
}
