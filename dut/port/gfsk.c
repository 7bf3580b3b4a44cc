#include "dut/port/gfsk.h"

#include <math.h>
#include <string.h>

enum {
    SPB = DEVPORT_GFSK_SAMPLES_PER_BIT,
    OFFSETS = DEVPORT_GFSK_OFFSETS,
    HISTORY = DEVPORT_GFSK_HISTORY,
    TURN = DEVPORT_GFSK_TURN,
    STEP_HZ = DEVPORT_GFSK_RATE_HZ / TURN,
    TONE_STEPS = 4, // deviation of 800 Hz
    TONES = OFFSETS + 2 * TONE_STEPS,
    SYNC_BITS = 32, // 16 bits of the preamble, then its tail with the sync word
    WORD_BITS = 16,
    FRAME_BITS = 8 * DEVPORT_GFSK_FRAME
};

static const uint32_t sync_word = 0xAAAAB227;
static const float agreement = 0.6f; // noise reaches it less than once in a thousand windows
static const float tiny_mw = 1e-30f; // keeps silence from being divided by itself

void devport_gfsk_init(struct devport_gfsk *g)
{
    memset(g, 0, sizeof *g);
    for (int i = 0; i < TURN; i++) {
        double phase = 2 * 3.14159265358979 * i / TURN;
        g->turn[2 * i] = (float)cos(phase);
        g->turn[2 * i + 1] = (float)-sin(phase);
    }
}

// Power of each tone over the last bit's worth of samples.
static void measure_tones(const struct devport_gfsk *g, float tone_mw[TONES])
{
    float x[2 * SPB]; // oldest first
    for (unsigned m = 0; m < SPB; m++)
        memcpy(&x[2 * m], &g->recent[2 * ((g->n + m) % SPB)], 2 * sizeof *x);
    for (int t = 0; t < TONES; t++) {
        int steps = t - TONES / 2 + TURN; // of STEP_HZ, a turn more so that it is positive
        float re = 0, im = 0;
        for (int m = 0, at = 0; m < SPB; m++, at = (at + steps) % TURN) {
            const float *turn = &g->turn[2 * at];
            re += x[2 * m] * turn[0] - x[2 * m + 1] * turn[1];
            im += x[2 * m] * turn[1] + x[2 * m + 1] * turn[0];
        }
        tone_mw[t] = (re * re + im * im) / (SPB * SPB);
    }
}

static void file_sample(struct devport_gfsk *g)
{
    float tone_mw[TONES];
    measure_tones(g, tone_mw);
    for (unsigned o = 0; o < OFFSETS; o++) {
        float low = tone_mw[o], high = tone_mw[o + 2 * TONE_STEPS];
        g->power[o][g->n % HISTORY] = high + low;
        g->soft[o][g->n % HISTORY] = (high - low) / (high + low + tiny_mw);
    }
}

// Place in the history of the bit that lies `ago` bits before the newest sample.
static unsigned bit_place(const struct devport_gfsk *g, unsigned ago)
{
    return (unsigned)((g->n - (uint64_t)ago * SPB) % HISTORY);
}

// Whether the newest sample ends a sync word on this carrier; *strength_mw compares neighbours in
// time and frequency, which all agree with a strong one.
static bool ends_sync(const struct devport_gfsk *g, unsigned offset, float *strength_mw)
{
    // The word alone must agree too: the preamble by itself agrees with five eighths of the whole.
    float sum = 0;
    *strength_mw = 0;
    for (unsigned ago = 0; ago < SYNC_BITS; ago++) {
        if (ago == WORD_BITS && sum < agreement * WORD_BITS) return false;
        unsigned at = bit_place(g, ago);
        float sign = sync_word >> ago & 1 ? 1.0f : -1.0f;
        sum += sign * g->soft[offset][at];
        *strength_mw += sign * g->soft[offset][at] * g->power[offset][at];
    }
    return sum >= agreement * SYNC_BITS;
}

// The strongest sync word counts until a frame is complete: an echo beside it, or one that came
// just before, does not hide it.
static void search_sync(struct devport_gfsk *g)
{
    if (g->n < (uint64_t)SYNC_BITS * SPB) return;
    for (unsigned o = 0; o < OFFSETS; o++) {
        float strength_mw;
        if (!ends_sync(g, o, &strength_mw)) continue;
        if (g->found && strength_mw <= g->sync_mw) continue;
        g->found = true;
        g->sync_n = g->n;
        g->sync_offset = o;
        g->sync_mw = strength_mw;
    }
}

static void read_frame(const struct devport_gfsk *g, struct devport_gfsk_frame *out)
{
    unsigned o = g->sync_offset;
    double sum_mw = 0;
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < FRAME_BITS; i++) {
        unsigned at = bit_place(g, FRAME_BITS - 1 - i);
        if (g->soft[o][at] > 0) out->data[i / 8] |= (uint8_t)(0x80 >> i % 8);
        sum_mw += (double)(g->power[o][at] * (1 + fabsf(g->soft[o][at])) / 2); // of its own tone
    }
    out->end_sample = g->n;
    out->offset_hz = ((int)o - OFFSETS / 2) * (double)STEP_HZ;
    out->power_mw = sum_mw / FRAME_BITS;
}

size_t devport_gfsk_push(struct devport_gfsk *g, const float *iq, size_t n,
                         struct devport_gfsk_frame *out, bool *got)
{
    *got = false;
    for (size_t i = 0; i < n; i++) {
        memcpy(&g->recent[2 * (g->n % SPB)], &iq[2 * i], 2 * sizeof *iq);
        g->n++;
        file_sample(g);
        search_sync(g);
        if (!g->found || g->n != g->sync_n + (uint64_t)FRAME_BITS * SPB) continue;
        read_frame(g, out);
        g->found = false;
        *got = true;
        return i + 1;
    }
    return n;
}
