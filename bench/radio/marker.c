#include "bench/radio/marker.h"

#include "bench/phy/iq.h"

enum {
    LEVEL = IQ_FULL_SCALE_TX / 2,
    // A receiver's codes. What comes back through the chip has LEVEL / 16; noise has some ten.
    LEVEL_MIN = 128,
    // Filters on the way may put something before the first full sample.
    SEARCH = 64
};

// x^8 + x^4 + x^3 + x^2 + 1: a sequence of 255 chips that looks like itself nowhere but at itself.
static void chips(int out[MARKER_SAMPLES])
{
    unsigned state = 1;
    for (int i = 0; i < MARKER_SAMPLES; i++) {
        out[i] = state & 1 ? 1 : -1;
        unsigned bit = (state ^ state >> 2 ^ state >> 3 ^ state >> 4) & 1;
        state = state >> 1 | bit << 7;
    }
}

void marker_make(int16_t iq[2 * MARKER_SAMPLES])
{
    int chip[MARKER_SAMPLES];
    chips(chip);
    for (int i = 0; i < MARKER_SAMPLES; i++) {
        iq[2 * i] = (int16_t)(LEVEL * chip[i]);
        iq[2 * i + 1] = 0;
    }
}

// How much of the power in the samples is the marker: 1 when they are nothing else. Its phase is
// free.
static double likeness(const int16_t *iq, const int chip[MARKER_SAMPLES])
{
    double re = 0, im = 0, power = 0;
    for (int i = 0; i < MARKER_SAMPLES; i++) {
        re += chip[i] * iq[2 * i];
        im += chip[i] * iq[2 * i + 1];
        power += (double)iq[2 * i] * iq[2 * i] + (double)iq[2 * i + 1] * iq[2 * i + 1];
    }
    return power > 0 ? (re * re + im * im) / (MARKER_SAMPLES * power) : 0;
}

static bool is_loud(const int16_t *iq)
{
    return iq[0] > LEVEL_MIN || iq[0] < -LEVEL_MIN || iq[1] > LEVEL_MIN || iq[1] < -LEVEL_MIN;
}

bool marker_find(const int16_t *iq, size_t n, size_t from, size_t *index)
{
    int chip[MARKER_SAMPLES];
    chips(chip);
    for (size_t k = from; k + MARKER_SAMPLES <= n; k++) {
        if (!is_loud(iq + 2 * k)) continue;
        size_t first = k - from < SEARCH ? from : k - SEARCH;
        double best = 0;
        for (size_t i = first; i <= k + SEARCH && i + MARKER_SAMPLES <= n; i++) {
            double like = likeness(iq + 2 * i, chip);
            if (like <= best) continue;
            best = like;
            *index = i;
        }
        if (best > 0.5) return true;
        k += SEARCH; // something else
    }
    return false;
}
