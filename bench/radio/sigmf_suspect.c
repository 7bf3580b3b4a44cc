#include "bench/radio/sigmf_suspect.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { VALUES_MIN = 512, EXPONENTS = 256, BYTES = 256 };

// Samples of a radio lie within so many powers of two but for a few.
enum { EXPONENT_SPAN = 24 };
static const double most = 0.99, few = 0.8;
// Branches of one radio differ by far less; decibels.
static const double branches_db = 15;

// Which part of the values that are not zero could be floats of one recording: all of about one
// size. Words and bytes read as floats are of all sizes. Negative: too few values.
static double part_of_floats(const uint8_t *raw, size_t n)
{
    size_t count[EXPONENTS] = {0}, near = 0, all = 0;
    for (size_t i = 0; i < n / 4; i++) {
        unsigned exponent = (unsigned)(raw[4 * i + 3] & 0x7f) << 1 | raw[4 * i + 2] >> 7;
        bool zero = exponent == 0 && raw[4 * i] == 0 && raw[4 * i + 1] == 0 && raw[4 * i + 2] == 0;
        if (!zero) count[exponent]++;
        all += !zero;
    }
    // 2^-40 … 2^20: from far below a quantum of full scale 1 to words
    for (size_t low = 87; low + EXPONENT_SPAN <= 147; low++) {
        size_t inside = 0;
        for (size_t e = low; e < low + EXPONENT_SPAN; e++)
            inside += count[e];
        near = inside > near ? inside : near;
    }
    bool numbers = count[EXPONENTS - 1] < all - all / 10; // else NaN was written
    return all < VALUES_MIN || !numbers ? -1 : (double)near / (double)all;
}

static int16_t word_at(const uint8_t *raw, size_t i)
{
    return (int16_t)(raw[2 * i] | raw[2 * i + 1] << 8);
}

struct word_counts {
    size_t all;                // without the largest and the smallest: a clipped signal is those
    size_t zeros, ones, kinds; // low bytes 0, 255; different high bytes
    size_t near[2], exact[2];  // low bytes near 0 and near 128, exactly those
    size_t large;              // beyond a byte
};

static struct word_counts count_words(const uint8_t *raw, size_t n)
{
    struct word_counts c = {0};
    size_t words = n / 2;
    int low = 0, high = 0;
    bool seen[BYTES] = {false};
    for (size_t i = 0; i < words; i++) {
        int word = word_at(raw, i);
        low = word < low ? word : low;
        high = word > high ? word : high;
    }
    for (size_t i = 0; i < words; i++) {
        int word = word_at(raw, i);
        if (word == low || word == high) continue;
        c.all++;
        c.zeros += raw[2 * i] == 0;
        c.ones += raw[2 * i] == 255;
        c.kinds += !seen[raw[2 * i + 1]];
        seen[raw[2 * i + 1]] = true;
        for (unsigned k = 0; k < 2; k++) {
            uint8_t off = (uint8_t)(raw[2 * i] - 128 * k + 32);
            c.near[k] += off < 64;
            c.exact[k] += off == 32;
        }
        c.large += word > 127 || word < -128;
    }
    return c;
}

// The low bytes of small words are of all kinds, their high bytes 0 or 255. The other way round,
// the bytes are swapped.
static bool looks_swapped(const struct word_counts *c)
{
    return c->all >= VALUES_MIN && c->zeros > c->all / 5 && c->ones > c->all / 5 &&
           c->zeros + c->ones > c->all / 2 && c->kinds > 4;
}

// Words of two bytes of small samples: low bytes about one value, where those of words are of all.
static bool looks_like_bytes(const struct word_counts *c)
{
    for (unsigned k = 0; k < 2; k++)
        if (c->all >= VALUES_MIN && c->near[k] > c->all * 3 / 4 && c->exact[k] < c->all * 9 / 10 &&
            c->large > c->all / 2 && c->zeros + c->ones < c->all / 2)
            return true;
    return false;
}

// Bytes of words: every second one is near the end of its range.
static bool looks_like_words(const uint8_t *raw, size_t n)
{
    size_t ends[2] = {0, 0}, bytes = n / 2 * 2;
    for (size_t i = 0; i < bytes; i++)
        ends[i % 2] += (uint8_t)(raw[i] + 2) < 4;
    return bytes >= VALUES_MIN && ends[1] > bytes / 4 && ends[0] < ends[1] / 2;
}

// Power of Q over that of I, both about their means, in dB; infinite when one of them is silent.
static double branches_differ_db(const char *datatype, const uint8_t *raw, size_t n)
{
    double sum[2] = {0, 0}, square[2] = {0, 0};
    bool floats = strcmp(datatype, "cf32_le") == 0, words = strcmp(datatype, "ci16_le") == 0;
    size_t bytes = floats ? 4 : words ? 2 : 1, values = n / bytes / 2 * 2;
    for (size_t i = 0; i < values; i++) {
        const uint8_t *at = raw + i * bytes;
        double v;
        float f;
        if (floats) {
            memcpy(&f, at, sizeof f);
            v = isfinite(f) ? (double)f : 0;
        } else if (words) {
            v = (int16_t)(at[0] | at[1] << 8);
        } else {
            v = strcmp(datatype, "ci8") == 0 ? (int8_t)*at : *at - 127.5;
        }
        sum[i % 2] += v;
        square[i % 2] += v * v;
    }
    double pairs = (double)values / 2, power[2];
    for (int k = 0; k < 2; k++)
        power[k] = square[k] / pairs - (sum[k] / pairs) * (sum[k] / pairs);
    if (values < VALUES_MIN) return 0;
    if (!(power[0] > 0)) return power[1] > 0 ? INFINITY : 0;
    if (!(power[1] > 0)) return -INFINITY;
    return 10 * log10(power[1] / power[0]);
}

const char *sigmf_suspect(const char *datatype, const uint8_t *raw, size_t n)
{
    bool floats = strcmp(datatype, "cf32_le") == 0;
    double part = part_of_floats(raw, n);
    if (!floats && part > most)
        return "the samples look like cf32_le, and core:datatype says otherwise: what is found in "
               "them, or not found, means nothing; correct the description";
    if (floats && part >= 0 && part < few)
        return "the samples look like integers, and core:datatype is cf32_le: what is found in "
               "them, or not found, means nothing; correct the description";
    bool words = strcmp(datatype, "ci16_le") == 0;
    struct word_counts counts = count_words(raw, n);
    if (words && looks_swapped(&counts))
        return "the samples look like ci16_be, their bytes swapped: what is found in them, or not "
               "found, means nothing; convert the recording";
    if (words && looks_like_bytes(&counts))
        return "the samples look like ci8 or cu8, and core:datatype is ci16_le: what is found in "
               "them, or not found, means nothing; correct the description";
    if (!words && !floats && looks_like_words(raw, n))
        return "the samples look like ci16_le, and core:datatype says otherwise: what is found in "
               "them, or not found, means nothing; correct the description";
    double q_db = branches_differ_db(datatype, raw, n);
    if (fabs(q_db) > branches_db)
        return "I and Q are not of one size: the samples are of another core:datatype, or of a "
               "radio with one branch; what is found in them, or not found, may mean nothing";
    return NULL;
}
