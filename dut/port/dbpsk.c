#include "dut/port/dbpsk.h"

#include <math.h>

enum { HALF_STEPS = 20, AROUND = 4 }; // AROUND: symbols beside the bits

// Attenuation on the way to a phase flip, 40 steps a symbol; the way back is the mirror image
// (protocol.md 1.1).
static const float attenuation_db[HALF_STEPS] = {
    0, 0, 0, 0, 0, 0.5f, 0.5f, 0.5f, 1, 1, 2, 3, 4.5f, 6.5f, 9, 12, 15, 19, 29.5f, INFINITY};

size_t devport_dbpsk_len(size_t n_bits, unsigned samples_per_symbol)
{
    return (n_bits + AROUND) * samples_per_symbol;
}

static float step(int i)
{
    if (i < 0) return 1.0f;
    if (i >= HALF_STEPS) i = HALF_STEPS - 1;
    return powf(10.0f, -attenuation_db[i] / 20.0f);
}

// Envelope on the way down, u from 0 (full) to 1 (zero), drawn as straight lines between the steps'
// centres.
static float falling(double u)
{
    double x = u * HALF_STEPS - 0.5;
    int i = (int)floor(x);
    float part = (float)(x - i);
    return step(i) * (1.0f - part) + step(i + 1) * part;
}

// Signed envelope inside a slot whose phase flips: +1 at u = 0, -1 at u = 1.
static float flipping(double u)
{
    return u < 0.5 ? falling(2.0 * u) : -falling(2.0 * (1.0 - u));
}

void devport_dbpsk(const uint8_t *bits, size_t n_bits, unsigned samples_per_symbol, float amplitude,
                   float *iq)
{
    float sign = amplitude;
    for (size_t slot = 0; slot < n_bits + AROUND; slot++) {
        size_t bit = slot - 2;
        int flips = slot >= 2 && bit < n_bits && !(bits[bit / 8] >> (7 - bit % 8) & 1);
        for (unsigned i = 0; i < samples_per_symbol; i++) {
            double u = (i + 0.5) / samples_per_symbol;
            float envelope = 1.0f;
            if (flips)
                envelope = flipping(u);
            else if (slot == 0)
                envelope = falling(1.0 - u);
            else if (slot == n_bits + AROUND - 1)
                envelope = falling(u);
            *iq++ = sign * envelope;
            *iq++ = 0.0f;
        }
        if (flips) sign = -sign;
    }
}
