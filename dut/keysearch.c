#include "dut/keysearch.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/crypto.h"

enum { ROUNDS = 10, ROUND_KEY = 16, SECRET_MIN = 4, BASE64_MAX = SECRET_MAX * 4 / 3 + 2 };

struct search {
    const uint8_t *data;
    size_t len;
    struct keysearch_hit *hits;
    size_t max, n;
    struct keysearch_hit now; // name and fingerprint of the present secret
};

static void hit(struct search *s, enum keysearch_form form, size_t offset, size_t len,
                uint8_t xored_with, unsigned round)
{
    if (s->n < s->max) {
        struct keysearch_hit *h = &s->hits[s->n];
        *h = s->now;
        h->form = form;
        h->offset = offset;
        h->len = len;
        h->xored_with = xored_with;
        h->round = round;
    }
    s->n++;
}

const char *keysearch_form_name(enum keysearch_form form)
{
    static const char *const names[KEYSEARCH_FORMS] = {
        [KEYSEARCH_RAW] = "raw",
        [KEYSEARCH_REVERSED] = "bytes reversed",
        [KEYSEARCH_WORDS_16] = "16-bit words swapped",
        [KEYSEARCH_WORDS_32] = "32-bit words reversed",
        [KEYSEARCH_BITS] = "bits reversed",
        [KEYSEARCH_BITS_REVERSED] = "bits and bytes reversed",
        [KEYSEARCH_HEX] = "hex text",
        [KEYSEARCH_HEX_REVERSED] = "hex text, bytes reversed",
        [KEYSEARCH_BASE64] = "base64 text",
        [KEYSEARCH_SCHEDULE] = "AES key schedule",
        [KEYSEARCH_SCHEDULE_WORDS_32] = "AES key schedule, 32-bit words reversed",
    };
    return names[form];
}

// --- bytes

static uint8_t mirror(uint8_t b)
{
    uint8_t out = 0;
    for (int i = 0; i < 8; i++)
        out = (uint8_t)(out << 1 | (b >> i & 1));
    return out;
}

// The secret as it would lie in memory in one of the first six forms.
static void arrange(enum keysearch_form form, const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i;
        if (form == KEYSEARCH_REVERSED || form == KEYSEARCH_BITS_REVERSED) from = n - 1 - i;
        if (form == KEYSEARCH_WORDS_16) from = i ^ 1;
        if (form == KEYSEARCH_WORDS_32) from = i ^ 3;
        bool bits = form == KEYSEARCH_BITS || form == KEYSEARCH_BITS_REVERSED;
        out[i] = from >= n ? in[i] : bits ? mirror(in[from]) : in[from];
    }
}

static bool is_constant(const uint8_t *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i] != p[0]) return false;
    return true;
}

// Equal up to one value that all bytes are XORed with: the differences of neighbours tell.
static bool matches_xored(const uint8_t *data, const uint8_t *pattern, size_t n)
{
    uint8_t x = data[0] ^ pattern[0];
    for (size_t i = 1; i < n; i++)
        if ((data[i] ^ pattern[i]) != x) return false;
    return true;
}

static void find_bytes(struct search *s, enum keysearch_form form, const uint8_t *pattern, size_t n,
                       bool xored, unsigned round)
{
    // A constant pattern would be "found" in every erased page.
    xored = xored && !is_constant(pattern, n);
    for (size_t i = 0; i + n <= s->len; i++) {
        uint8_t x = s->data[i] ^ pattern[0];
        if ((x == 0 || xored) && matches_xored(s->data + i, pattern, n))
            hit(s, form, i, n, x, round);
    }
}

static void find_arranged(struct search *s, const uint8_t *secret, size_t n)
{
    uint8_t patterns[KEYSEARCH_HEX][SECRET_MAX];
    for (int form = KEYSEARCH_RAW; form < KEYSEARCH_HEX; form++) {
        bool same = false; // a palindrome is reported once
        arrange((enum keysearch_form)form, secret, n, patterns[form]);
        for (int k = 0; k < form && !same; k++)
            same = memcmp(patterns[k], patterns[form], n) == 0;
        if (!same) find_bytes(s, (enum keysearch_form)form, patterns[form], n, true, 0);
    }
    crypto_wipe(patterns, sizeof patterns);
}

// --- AES-128 key schedule (FIPS 197, 5.2)

static uint8_t times(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b; b >>= 1) {
        if (b & 1) product ^= a;
        a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
    }
    return product;
}

static uint8_t substitute(uint8_t a)
{
    uint8_t inverse = 1; // a to the power of 254
    for (int i = 0; i < 7; i++) {
        inverse = times(times(inverse, inverse), a);
    }
    inverse = times(inverse, inverse);
    uint8_t out = 0x63;
    for (int i = 0; i < 5; i++)
        out ^= (uint8_t)(inverse << i | inverse >> (8 - i));
    return out;
}

static void expand(const uint8_t key[ROUND_KEY], uint8_t keys[(ROUNDS + 1) * ROUND_KEY])
{
    uint8_t constant = 1;
    memcpy(keys, key, ROUND_KEY);
    for (size_t at = ROUND_KEY; at < (ROUNDS + 1) * ROUND_KEY; at += 4) {
        uint8_t word[4];
        memcpy(word, keys + at - 4, 4);
        if (at % ROUND_KEY == 0) {
            const uint8_t first = word[0];
            for (int i = 0; i < 4; i++)
                word[i] = substitute(i < 3 ? word[i + 1] : first);
            word[0] ^= constant;
            constant = times(constant, 2);
        }
        for (int i = 0; i < 4; i++)
            keys[at + (size_t)i] = keys[at + (size_t)i - ROUND_KEY] ^ word[i];
        crypto_wipe(word, sizeof word);
    }
}

static void find_schedule(struct search *s, const uint8_t *secret)
{
    uint8_t keys[(ROUNDS + 1) * ROUND_KEY], swapped[ROUND_KEY];
    expand(secret, keys);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        const uint8_t *key = keys + round * ROUND_KEY;
        arrange(KEYSEARCH_WORDS_32, key, ROUND_KEY, swapped);
        find_bytes(s, KEYSEARCH_SCHEDULE, key, ROUND_KEY, false, round);
        find_bytes(s, KEYSEARCH_SCHEDULE_WORDS_32, swapped, ROUND_KEY, false, round);
    }
    crypto_wipe(keys, sizeof keys);
    crypto_wipe(swapped, sizeof swapped);
}

// --- text

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// What may stand between two bytes written as text: blanks, punctuation, 0x, \x, and the zeros of
// UTF-16.
static size_t skip_separator(const uint8_t *p, size_t len)
{
    size_t n = 0;
    while (n < len && (p[n] == 0 || strchr(" \t\r\n:-,_;\"'{}\\", p[n]))) {
        if (n == 8) return 0;
        n++;
    }
    if (n + 1 < len && p[n] == '0' && (p[n + 1] | 0x20) == 'x') return n + 2;
    if (n && n < len && p[n - 1] == '\\' && p[n] == 'x') return n + 1;
    return n;
}

// How many bytes of pattern stand at p as hex text; *used gets the length of that text.
static size_t match_hex(const uint8_t *p, size_t len, const uint8_t *pattern, size_t n,
                        size_t *used)
{
    size_t at = 0, done = 0;
    *used = 0;
    while (done < n) {
        size_t i = at + (done ? skip_separator(p + at, len - at) : 0);
        int high = i < len ? digit(p[i]) : -1;
        i++;
        while (i < len && p[i] == 0)
            i++;
        int low = i < len ? digit(p[i]) : -1;
        if (high < 0 || low < 0 || (high << 4 | low) != pattern[done]) break;
        at = i + 1;
        done++;
        *used = at;
    }
    return done;
}

static void find_hex(struct search *s, enum keysearch_form form, const uint8_t *pattern, size_t n)
{
    for (size_t i = 0; i < s->len; i++) {
        size_t used;
        if (digit(s->data[i]) >= 0 && match_hex(s->data + i, s->len - i, pattern, n, &used) == n)
            hit(s, form, i, used, 0, 0);
    }
}

static int sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

// The sextets of a base64 text that the secret alone decides when `before` bytes (mod 3) precede.
static size_t make_sextets(const uint8_t *secret, size_t n, unsigned before, uint8_t *out)
{
    size_t first_bit = 8 * before, last_bit = 8 * (before + n), count = 0;
    for (size_t bit = (first_bit + 5) / 6 * 6; bit + 6 <= last_bit; bit += 6) {
        uint8_t value = 0;
        for (size_t k = bit; k < bit + 6; k++) {
            size_t in = k - first_bit;
            value = (uint8_t)(value << 1 | (secret[in / 8] >> (7 - in % 8) & 1));
        }
        out[count++] = value;
    }
    return count;
}

// Length of the text at p that holds the sextets, over line ends and zeros; 0: it does not.
static size_t match_base64(const uint8_t *p, size_t len, const uint8_t *sextets, size_t n)
{
    size_t done = 0;
    for (size_t i = 0; i < len; i++) {
        bool blank = p[i] == '\r' || p[i] == '\n' || p[i] == 0;
        if (blank && done) continue;
        if (sextet(p[i]) != sextets[done]) return 0;
        if (++done == n) return i + 1;
    }
    return 0;
}

static void find_base64(struct search *s, const uint8_t *secret, size_t n)
{
    uint8_t sextets[BASE64_MAX];
    for (unsigned before = 0; before < 3; before++) {
        size_t count = make_sextets(secret, n, before, sextets);
        for (size_t i = 0; i < s->len; i++) {
            size_t used = match_base64(s->data + i, s->len - i, sextets, count);
            if (used) hit(s, KEYSEARCH_BASE64, i, used, 0, 0);
        }
    }
    crypto_wipe(sextets, sizeof sextets);
}

// --- the whole

static int check(const struct keysearch_secret *k, struct keysearch_hit *out, struct err *err)
{
    if (k->secret->len < SECRET_MIN)
        return err_set(err, ERR_INVALID,
                       "secret %s has %zu bytes; expected %d or more, shorter ones are everywhere",
                       k->name, k->secret->len, SECRET_MIN);
    *out = (struct keysearch_hit){.name = k->name};
    secret_fingerprint(k->secret, out->fingerprint);
    return ERR_OK;
}

int keysearch_find(const uint8_t *data, size_t len, const struct keysearch_secret *secrets,
                   size_t n_secrets, struct keysearch_hit *hits, size_t max, struct err *err)
{
    struct search s = {.data = data, .len = len, .hits = hits, .max = max};
    for (size_t i = 0; i < n_secrets; i++) {
        const uint8_t *secret = secrets[i].secret->data;
        size_t n = secrets[i].secret->len;
        uint8_t reversed[SECRET_MAX];
        int rc = check(&secrets[i], &s.now, err);
        if (rc < 0) return rc;
        find_arranged(&s, secret, n);
        find_hex(&s, KEYSEARCH_HEX, secret, n);
        arrange(KEYSEARCH_REVERSED, secret, n, reversed);
        if (memcmp(reversed, secret, n) != 0) find_hex(&s, KEYSEARCH_HEX_REVERSED, reversed, n);
        crypto_wipe(reversed, sizeof reversed);
        find_base64(&s, secret, n);
        if (n == ROUND_KEY) find_schedule(&s, secret);
    }
    return (int)s.n;
}

int keysearch_longest_run(const uint8_t *data, size_t len, const struct keysearch_secret *secret,
                          struct keysearch_hit *out, struct err *err)
{
    int rc = check(secret, out, err), best = 0;
    if (rc < 0) return rc;
    const uint8_t *key = secret->secret->data;
    size_t n = secret->secret->len;
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < n; k++) {
            size_t raw = 0, used = 0;
            while (k + raw < n && i + raw < len && data[i + raw] == key[k + raw])
                raw++;
            size_t hex =
                digit(data[i]) >= 0 ? match_hex(data + i, len - i, key + k, n - k, &used) : 0;
            if ((int)raw <= best && (int)hex <= best) continue;
            bool is_raw = raw >= hex;
            best = (int)(is_raw ? raw : hex);
            out->form = is_raw ? KEYSEARCH_RAW : KEYSEARCH_HEX;
            out->offset = i;
            out->len = is_raw ? raw : used;
        }
    }
    return best;
}
