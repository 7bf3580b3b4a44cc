#include "dut/lab/fidelity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/base/wide.h"

// Phase is known at the ends of chunks and runs evenly in between; the turn is computed at the ends
// of parts, and runs straight in between.
enum { CHUNK = 1024, PART = 128, OCTAVES = 3 };
static const int64_t drift_period_ns = 600000000000;

const char fidelity_words[] = "leak=-NdB takeover calibration stale=N settle=Nms dc=-NdB "
                              "image=-NdB phase=Ndeg drift=Nppb";

static bool number_of(const char *text, const char *unit, double low, double high, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && strcmp(end, unit) == 0 && *out >= low && *out <= high;
}

// An amplitude from "-50dB".
static bool amplitude_of(const char *text, double *out)
{
    double db;
    if (!number_of(text, "dB", -200, 0, &db)) return false;
    *out = pow(10, db / 20);
    return true;
}

int fidelity_take(struct fidelity *f, const char *word, struct err *err)
{
    const char *value = strchr(word, '=');
    size_t len = value ? (size_t)(value - word) : strlen(word);
    value = value ? value + 1 : "";
    double x = 0;
    bool good = false;
    if (strcmp(word, "takeover") == 0) {
        good = f->takeover = true;
    } else if (strcmp(word, "calibration") == 0) {
        good = f->calibration = true;
    } else if (strncmp(word, "leak", len) == 0 && len == 4) {
        good = amplitude_of(value, &f->leak);
    } else if (strncmp(word, "dc", len) == 0 && len == 2) {
        good = amplitude_of(value, &f->dc);
    } else if (strncmp(word, "image", len) == 0 && len == 5) {
        good = amplitude_of(value, &f->image);
    } else if (strncmp(word, "stale", len) == 0 && len == 5) {
        good = number_of(value, "", 0, 16, &x) && x == floor(x);
        f->stale = (unsigned)x;
    } else if (strncmp(word, "settle", len) == 0 && len == 6) {
        good = number_of(value, "ms", 0, 1000, &x);
        f->settle_s = x * 1e-3;
    } else if (strncmp(word, "phase", len) == 0 && len == 5) {
        good = number_of(value, "deg", 0, 90, &x);
        f->phase_rad = x * M_PI / 180;
    } else if (strncmp(word, "drift", len) == 0 && len == 5) {
        good = number_of(value, "ppb", 0, 1e5, &x);
        f->drift = x * 1e-9;
    }
    f->drift_period_ns = drift_period_ns;
    return good ? ERR_OK
                : err_set(err, ERR_USAGE, "fidelity: '%s' is not understood; there are: %s", word,
                          fidelity_words);
}

bool wander_exists(const struct wander *w)
{
    return w->of->phase_rad > 0 || w->of->drift > 0;
}

// Noise whose power falls with frequency: octaves of straight lines between random points, each
// four times slower than the one before and as strong as all faster ones together.
static double phase_noise(const struct wander *w, double t_s)
{
    static const double step_s[OCTAVES] = {0.002, 0.008, 0.032};
    double sum = 0;
    for (int i = 0; i < OCTAVES; i++) {
        double at = t_s / step_s[i], whole = floor(at);
        uint64_t index = (uint64_t)((int64_t)whole * OCTAVES + i);
        double a = rng_normal(w->lo_key, index), b = rng_normal(w->lo_key, index + OCTAVES);
        sum += a + (b - a) * (at - whole);
    }
    // Straight lines between points of variance 1 have a mean variance of 2/3.
    return sum * w->of->phase_rad / sqrt(OCTAVES * 2.0 / 3.0);
}

double wander_phase(const struct wander *w, double t_s)
{
    double phase = 0;
    if (w->of->phase_rad > 0) phase += phase_noise(w, t_s);
    if (w->of->drift > 0) {
        // The crystal's error is a sine of time; its integral is what the LO has turned too far.
        double omega = 2 * M_PI / ((double)w->of->drift_period_ns * 1e-9);
        double from = 2 * M_PI * rng_uniform(w->crystal_key, 0);
        phase += 2 * M_PI * w->lo_hz * w->of->drift / omega * (cos(from) - cos(omega * t_s + from));
    }
    return phase;
}

// The ends of the chunk that begins at index `chunk`.
static void know(struct wander *w, const struct sample_clock *clock, int64_t chunk)
{
    if (w->known == chunk) return;
    double from_s = (double)clock_seconds_since(clock, chunk, 0);
    double to_s = (double)clock_seconds_since(clock, chunk + CHUNK, 0);
    w->ends[0] = w->known == chunk - CHUNK ? w->ends[1] : wander_phase(w, from_s);
    w->ends[1] = wander_phase(w, to_s);
    w->known = chunk;
}

FOX_WIDE static void turn_part(float *restrict iq, size_t n, size_t at, const double from[2],
                               const double to[2])
{
    float c = (float)from[0], s = (float)from[1];
    float dc = (float)((to[0] - from[0]) / PART), ds = (float)((to[1] - from[1]) / PART);
    for (size_t k = 0; k < n; k++) {
        float x = (float)(at + k);
        float re = c + dc * x, im = s + ds * x;
        float i = iq[2 * k], q = iq[2 * k + 1];
        iq[2 * k] = i * re - q * im;
        iq[2 * k + 1] = i * im + q * re;
    }
}

void wander_turn(struct wander *w, const struct sample_clock *clock, int64_t first, size_t n,
                 int sign, float *iq)
{
    while (n) {
        int64_t chunk = first - (first % CHUNK + CHUNK) % CHUNK;
        size_t in_chunk = (size_t)(first - chunk);
        size_t part = in_chunk / PART * PART, at = in_chunk - part;
        size_t here = PART - at < n ? PART - at : n;
        know(w, clock, chunk);
        double ends[2][2];
        for (size_t i = 0; i < 2; i++) {
            double along = (double)(part + i * PART) / CHUNK;
            double phase = sign * (w->ends[0] + (w->ends[1] - w->ends[0]) * along);
            ends[i][0] = cos(phase);
            ends[i][1] = sin(phase);
        }
        turn_part(iq, here, at, ends[0], ends[1]);
        iq += 2 * here;
        first += (int64_t)here;
        n -= here;
    }
}
