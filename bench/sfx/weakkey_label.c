// Weak keys that are computed from what stands on the device's label: ID, PAC and serial number.
#include <stdio.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/sfx/weakkey_try.h"

enum { TEXT_MAX = 160, TEXTS_MAX = 24, WORD_MAX = 32 };

// One way to write the label, and its name.
struct text {
    uint8_t data[TEXT_MAX];
    size_t len;
    char name[96];
};

struct texts {
    struct text list[TEXTS_MAX];
    size_t n;
};

static const char *const words[] = {"",       "vendor",   "Vendor", "VENDOR", "sigfox", "Sigfox",
                                    "SIGFOX", "key",      "KEY",    "nak",    "NAK",    "secret",
                                    "device", "password", "test",   "wisol",  "id",     NULL};
static const char *const separators[] = {"", ":", "-", "_", " ", NULL};

static void add(struct texts *t, const char *name, const void *data, size_t len)
{
    if (t->n == TEXTS_MAX || len > TEXT_MAX) return;
    struct text *x = &t->list[t->n++];
    memcpy(x->data, data, len);
    x->len = len;
    snprintf(x->name, sizeof x->name, "%s", name);
}

static void add_printed(struct texts *t, const char *name, const uint8_t *data, size_t len)
{
    char lower[2 * WEAKKEY_LEN + 1], upper[2 * WEAKKEY_LEN + 1], label[40];
    hex_encode(data, len, lower);
    for (size_t i = 0; i <= 2 * len; i++)
        upper[i] = lower[i] >= 'a' && lower[i] <= 'f' ? (char)(lower[i] - 'a' + 'A') : lower[i];
    snprintf(label, sizeof label, "%s in small hex digits", name);
    add(t, label, lower, 2 * len);
    snprintf(label, sizeof label, "%s in capital hex digits", name);
    add(t, label, upper, 2 * len);
}

static void reverse(const uint8_t *data, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i++)
        out[i] = data[len - 1 - i];
}

// Bytes in both orders and digits in both cases.
static void add_forms(struct texts *t, const char *name, const uint8_t *data, size_t len)
{
    uint8_t back[WEAKKEY_LEN];
    char label[40];
    add(t, name, data, len);
    reverse(data, len, back);
    snprintf(label, sizeof label, "%s, low byte first", name);
    add(t, label, back, len);
    add_printed(t, name, data, len);
}

static void list_texts(struct texts *t, const struct weakkey_subject *subject)
{
    uint8_t id[4], both[4 + WEAKKEY_PAC_LEN];
    char decimal[12];
    for (unsigned i = 0; i < 4; i++)
        id[i] = (uint8_t)(subject->id >> (24 - 8 * i));
    add_forms(t, "ID", id, sizeof id);
    snprintf(decimal, sizeof decimal, "%u", subject->id);
    add(t, "ID as a decimal number", decimal, strlen(decimal));
    if (subject->serial)
        add(t, "serial number", subject->serial, strnlen(subject->serial, WEAKKEY_SERIAL_MAX));
    if (!subject->pac) return;
    add_forms(t, "PAC", subject->pac, WEAKKEY_PAC_LEN);
    memcpy(both, id, sizeof id);
    memcpy(both + sizeof id, subject->pac, WEAKKEY_PAC_LEN);
    add_forms(t, "ID and PAC", both, sizeof both);
    memcpy(both, subject->pac, WEAKKEY_PAC_LEN);
    memcpy(both + WEAKKEY_PAC_LEN, id, sizeof id);
    add_forms(t, "PAC and ID", both, sizeof both);
}

static void repeat(const struct text *x, uint8_t key[WEAKKEY_LEN])
{
    for (size_t i = 0; i < WEAKKEY_LEN; i++)
        key[i] = x->data[i % x->len];
}

static int try_stretched(struct weakkey_search *s, const struct text *x, struct err *err)
{
    static const uint8_t fills[] = {0x00, 0xFF, ' ', '0'};
    uint8_t key[WEAKKEY_LEN];
    repeat(x, key);
    int rc = weakkey_try(s, key, "label repeated", err, "%s repeated", x->name);
    for (unsigned i = 0; rc == 0 && i < WEAKKEY_LEN; i++)
        key[i] ^= 0xFF;
    if (rc == 0) rc = weakkey_try(s, key, "label repeated", err, "%s repeated, inverted", x->name);
    size_t len = x->len < WEAKKEY_LEN ? x->len : WEAKKEY_LEN;
    for (unsigned f = 0; rc == 0 && f < sizeof fills; f++) {
        memset(key, fills[f], sizeof key);
        memcpy(key, x->data, len);
        rc = weakkey_try(s, key, "label padded", err, "%s, then bytes %02X", x->name, fills[f]);
        if (rc != 0) break;
        memset(key, fills[f], sizeof key);
        memcpy(key + WEAKKEY_LEN - len, x->data, len);
        rc = weakkey_try(s, key, "label padded", err, "bytes %02X, then %s", fills[f], x->name);
    }
    return rc;
}

int weakkey_try_label(struct weakkey_search *s, const struct weakkey_subject *subject,
                      struct err *err)
{
    struct texts t = {.n = 0};
    list_texts(&t, subject);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t.n; i++)
        if (t.list[i].len) rc = try_stretched(s, &t.list[i], err);
    return rc;
}

static int try_hashes(struct weakkey_search *s, const struct text *x, struct err *err)
{
    int rc = 0;
    for (unsigned h = 0; rc == 0 && h < CRYPTO_HASHES; h++) {
        uint8_t digest[SHA256_LEN];
        const char *name = crypto_hash_name((enum crypto_hash)h);
        int len = crypto_hash((enum crypto_hash)h, x->data, x->len, digest, err);
        if (len < 0) return len;
        rc = weakkey_try(s, digest, "hash of the label", err, "first 16 bytes of %s over %s", name,
                         x->name);
        if (rc == 0 && len > WEAKKEY_LEN)
            rc = weakkey_try(s, digest + len - WEAKKEY_LEN, "hash of the label", err,
                             "last 16 bytes of %s over %s", name, x->name);
    }
    return rc;
}

static uint32_t crc32_step(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    return crc;
}

static unsigned crc16_step(unsigned crc, uint8_t byte)
{
    crc ^= (unsigned)byte << 8;
    for (int bit = 0; bit < 8; bit++)
        crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xFFFF;
    return crc;
}

static void put(uint8_t *at, uint32_t value, unsigned len, bool low_first)
{
    for (unsigned i = 0; i < len; i++)
        at[i] = (uint8_t)(value >> 8 * (low_first ? i : len - 1 - i));
}

// A CRC is stretched to a key by repeating it, or by running it on over a count.
static int try_crc32(struct weakkey_search *s, const struct text *x, struct err *err)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < x->len; i++)
        crc = crc32_step(crc, x->data[i]);
    int rc = 0;
    uint8_t key[WEAKKEY_LEN];
    for (unsigned low_first = 0; rc == 0 && low_first < 2; low_first++) {
        for (unsigned i = 0; i < 4; i++)
            put(key + 4 * i, ~crc, 4, low_first);
        rc = weakkey_try(s, key, "CRC of the label", err, "CRC-32 over %s, repeated", x->name);
        if (rc != 0) break;
        for (unsigned i = 0; i < 4; i++)
            put(key + 4 * i, ~crc32_step(crc, (uint8_t)i), 4, low_first);
        rc = weakkey_try(s, key, "CRC of the label", err, "CRC-32 over %s and 0, 1, 2, 3", x->name);
    }
    return rc;
}

static int try_crc16(struct weakkey_search *s, const struct text *x, unsigned start,
                     struct err *err)
{
    unsigned crc = start;
    for (size_t i = 0; i < x->len; i++)
        crc = crc16_step(crc, x->data[i]);
    int rc = 0;
    uint8_t key[WEAKKEY_LEN];
    for (unsigned low_first = 0; rc == 0 && low_first < 2; low_first++) {
        for (unsigned i = 0; i < 8; i++)
            put(key + 2 * i, crc, 2, low_first);
        rc = weakkey_try(s, key, "CRC of the label", err, "CRC-16 over %s, repeated", x->name);
        if (rc != 0) break;
        for (unsigned i = 0; i < 8; i++)
            put(key + 2 * i, crc16_step(crc, (uint8_t)i), 2, low_first);
        rc = weakkey_try(s, key, "CRC of the label", err, "CRC-16 over %s and 0 to 7", x->name);
    }
    return rc;
}

static int try_text(struct weakkey_search *s, const struct text *x, struct err *err)
{
    int rc = try_hashes(s, x, err);
    return rc != 0 ? rc : try_crc32(s, x, err);
}

// With the words before it a CRC-16 would reach every value, and its name would say nothing.
static int try_bare(struct weakkey_search *s, const struct text *x, struct err *err)
{
    int rc = try_text(s, x, err);
    if (rc == 0) rc = try_crc16(s, x, 0, err);
    return rc != 0 ? rc : try_crc16(s, x, 0xFFFF, err);
}

static bool join(struct text *out, const struct text *label, const char *word, const char *between,
                 bool word_first)
{
    size_t word_len = strnlen(word, WORD_MAX), between_len = strlen(between);
    if (word_len + between_len + label->len > TEXT_MAX) return false;
    uint8_t *at = out->data;
    memcpy(at, word_first ? (const void *)word : label->data, word_first ? word_len : label->len);
    at += word_first ? word_len : label->len;
    memcpy(at, between, between_len);
    at += between_len;
    memcpy(at, word_first ? (const void *)label->data : word, word_first ? label->len : word_len);
    out->len = word_len + between_len + label->len;
    if (word_first)
        snprintf(out->name, sizeof out->name, "\"%.16s%s\" and %.48s", word, between, label->name);
    else
        snprintf(out->name, sizeof out->name, "%.48s and \"%s%.16s\"", label->name, between, word);
    return true;
}

static int try_word(struct weakkey_search *s, const struct text *label, const char *word,
                    struct err *err)
{
    if (!*word) return try_bare(s, label, err);
    int rc = 0;
    for (unsigned i = 0; rc == 0 && separators[i]; i++)
        for (int word_first = 1; rc == 0 && word_first >= 0; word_first--) {
            struct text joined;
            if (join(&joined, label, word, separators[i], word_first))
                rc = try_text(s, &joined, err);
        }
    return rc;
}

int weakkey_try_derived(struct weakkey_search *s, const struct weakkey_subject *subject,
                        struct err *err)
{
    struct texts t = {.n = 0};
    list_texts(&t, subject);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t.n; i++) {
        for (unsigned w = 0; rc == 0 && words[w]; w++)
            rc = try_word(s, &t.list[i], words[w], err);
        for (unsigned w = 0; rc == 0 && subject->words && subject->words[w]; w++)
            rc = try_word(s, &t.list[i], subject->words[w], err);
    }
    return rc;
}
