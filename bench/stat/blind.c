#include "bench/stat/blind.h"

#include <math.h>
#include <string.h>

#include "bench/stat/binomial.h"

static bool is_reversed(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[len - 1 - i]) return false;
    return true;
}

static bool is_rotated(const uint8_t *a, const uint8_t *b, size_t len, size_t by)
{
    return memcmp(a, b + by, len - by) == 0 && memcmp(a + len - by, b, by) == 0;
}

static bool is_constant(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if ((a[i] ^ b[i]) != (a[0] ^ b[0])) return false;
    return true;
}

struct blind_match blind_relate(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (memcmp(a, b, len) == 0) return (struct blind_match){BLIND_SAME, 0};
    if (is_reversed(a, b, len)) return (struct blind_match){BLIND_REVERSED, 0};
    for (size_t by = 1; by < len; by++)
        if (is_rotated(a, b, len, by)) return (struct blind_match){BLIND_ROTATED, by};
    for (size_t by = 1; by + BLIND_OVERLAP <= len; by++)
        if (memcmp(a + by, b, len - by) == 0 || memcmp(b + by, a, len - by) == 0)
            return (struct blind_match){BLIND_SHIFTED, by};
    if (len > 1 && is_constant(a, b, len)) return (struct blind_match){BLIND_CONSTANT, 0};
    return (struct blind_match){BLIND_NONE, 0};
}

static double capped(double odds)
{
    return odds < 1 ? odds : 1;
}

static double bytes_agree(size_t n)
{
    return pow(256, -(double)n);
}

double blind_relate_odds(size_t payloads, size_t len)
{
    double pairs = (double)payloads * ((double)payloads - 1) / 2;
    // the same, rotated, a constant; reversed agrees when half of it does
    double each = (double)len * bytes_agree(len) + bytes_agree(len / 2);
    if (len > 1) each += bytes_agree(len - 1);
    for (size_t by = 1; by + BLIND_OVERLAP <= len; by++)
        each += 2 * bytes_agree(len - by);
    return payloads < 2 ? 0 : capped(pairs * each);
}

size_t blind_reuse(const uint8_t *air1, const uint8_t *air2, const uint8_t *text1,
                   const uint8_t *text2, size_t len)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < len; i++) {
        run = (air1[i] ^ air2[i]) == (text1[i] ^ text2[i]) ? run + 1 : 0;
        if (run > longest) longest = run;
    }
    return longest;
}

double blind_reuse_odds(size_t pairs, size_t len, size_t run)
{
    if (run > len) return 0;
    return capped((double)pairs * (double)(len - run + 1) * bytes_agree(run));
}

double blind_bits_odds(const uint8_t *data, size_t payloads, size_t len)
{
    double least = 1;
    unsigned n = (unsigned)payloads;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        unsigned ones = 0;
        for (size_t k = 0; k < payloads; k++)
            ones += data[k * len + bit / 8] >> bit % 8 & 1;
        unsigned few = ones < n - ones ? ones : n - ones;
        least = fmin(least, 2 * binomial_cdf(few, n, 0.5));
    }
    return capped(least * 8 * (double)len);
}

double blind_bytes_odds(const uint8_t *data, size_t payloads, size_t len)
{
    double equal = 0;
    for (size_t place = 0; place < len; place++) {
        unsigned seen[256] = {0};
        for (size_t k = 0; k < payloads; k++)
            equal += seen[data[k * len + place]]++;
    }
    // pairs are independent two by two: mean and variance are those of single pairs
    double pairs = (double)len * (double)payloads * ((double)payloads - 1) / 2;
    double mean = pairs / 256, deviation = sqrt(pairs / 256 * 255 / 256);
    if (pairs == 0) return 1;
    return 0.5 * erfc((equal - 0.5 - mean) / deviation / sqrt(2));
}
