#include "dut/firmware/tests/demod.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double magnitude(const struct lab_burst *b, size_t i)
{
    return hypot((double)b->iq[2 * i], (double)b->iq[2 * i + 1]);
}

// Product of a sample and the conjugate of another one, real part.
static double alike(const struct lab_burst *b, size_t i, size_t k)
{
    return (double)b->iq[2 * i] * (double)b->iq[2 * k] +
           (double)b->iq[2 * i + 1] * (double)b->iq[2 * k + 1];
}

// Where the phase flips: a quarter symbol before and after a sample the phase differs, and the
// envelope is at its smallest between.
static size_t first_flip(const struct lab_burst *b, size_t symbol)
{
    size_t from = symbol;
    while (from + symbol < b->n && alike(b, from, from + symbol) > 0)
        from++;
    size_t flip = from;
    for (size_t i = from; i < from + symbol && i < b->n; i++)
        if (magnitude(b, i) < magnitude(b, flip)) flip = i;
    return flip;
}

void demod_burst(const struct lab_burst *b, struct demod *out)
{
    *out = (struct demod){0};
    size_t symbol = (size_t)lround(b->rate_hz / 100.0);
    assert_true(symbol >= 8);
    // The ramps at both ends are shorter than the rest: the peak is the carrier itself.
    double peak = 0;
    for (size_t i = 0; i < b->n; i++)
        peak = fmax(peak, magnitude(b, i));
    out->power_dbm = 20.0 * log10(peak);
    size_t last = b->n;
    while (last > 0 && magnitude(b, last - 1) < 0.5 * peak)
        last--;

    // The preamble is 1010…: the second bit is the first to flip, one and a half symbols after the
    // middle of the reference symbol; symbols lie half a symbol before and after a flip.
    size_t flip = first_flip(b, symbol);
    assert_true(flip >= 2 * symbol);
    size_t reference = flip - symbol - symbol / 2; // its middle
    unsigned bits = 0;
    uint8_t frame[26] = {0};
    for (size_t k = reference; k + symbol + symbol / 2 <= last + symbol / 2; k += symbol) {
        if (k + symbol >= b->n || bits == 8 * sizeof frame) break;
        frame[bits / 8] |= (uint8_t)((alike(b, k, k + symbol) > 0) << (7 - bits % 8));
        bits++;
    }
    // The carrier is held for a moment after the last symbol, which reads as one more bit.
    bits -= bits % 8;
    out->n_bits = bits;
    for (unsigned i = 0; i < bits / 8; i++)
        snprintf(out->hex + 2 * i, 3, "%02x", frame[i]);
    double ns_per_sample = 1e9 / b->rate_hz;
    out->start_ns = b->t_ns + (int64_t)(((double)reference - 0.5 * (double)symbol) * ns_per_sample);
    out->end_ns = out->start_ns + (int64_t)((bits + 1) * (double)symbol * ns_per_sample);
}
