#include "bench/phy/subtract.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAD = 2,      // symbols of the copy before the burst, and after it
    GAIN_SIDE = 6, // symbols on either side that amplitude and phase are smoothed over
    FINE_MAX = 160
};

// Power of all that is near, in powers of the burst, from which on it is not taken out.
static const double drowned = 30;

int phy_subtract_init(struct phy_subtract *x, double rate_hz, double bit_rate, struct err *err)
{
    *x = (struct phy_subtract){.symbol = rate_hz / bit_rate};
    x->fine = 2 * (size_t)(fmin(FINE_MAX, x->symbol / 2) / 2);
    size_t n_copy = (PHY_SYMBOLS_MAX + 2 * LEAD) * x->fine;
    int rc =
        phy_extract_init(&x->extract, rate_hz, bit_rate * (double)x->fine / PHY_OVERSAMPLE, err);
    if (rc < 0) return rc;
    x->copy = calloc(n_copy, sizeof *x->copy);
    x->shape = calloc(2 * (x->fine + 1), sizeof *x->shape);
    if (x->copy && x->shape) return ERR_OK;
    phy_subtract_deinit(x);
    return err_set(err, ERR_NOMEM, "no memory for taking bursts out of the stream");
}

void phy_subtract_deinit(struct phy_subtract *x)
{
    phy_extract_deinit(&x->extract);
    free(x->copy);
    free(x->shape);
    *x = (struct phy_subtract){0};
}

static bool is_flip(const struct phy_subtract_burst *b, size_t k)
{
    return k > 0 && k < b->n_symbols && b->sign[k] * b->sign[k - 1] < 0;
}

// Phase in cycles, beyond a constant middle frequency, that the burst has `t` symbols after its
// start; counted so that drift alone bends it.
static double motion(const struct phy_subtract *x, const struct phy_subtract_burst *b, double t)
{
    double seconds = t * x->symbol / x->extract.rate_hz;
    double middle = (double)b->n_symbols / 2 * x->symbol / x->extract.rate_hz;
    return 0.5 * b->drift_hz_s * seconds * (seconds - 2 * middle);
}

static float complex turn(double cycles)
{
    cycles -= floor(cycles);
    return CMPLXF((float)cos(2 * M_PI * cycles), (float)sin(2 * M_PI * cycles));
}

static void smooth_gain(struct phy_subtract *x, const struct phy_subtract_burst *b)
{
    float complex mean[PHY_SYMBOLS_MAX];
    for (size_t k = 0; k < b->n_symbols; k++) {
        float complex sum = 0;
        const float complex *c = x->copy + (LEAD + k) * x->fine;
        // the middle half, where no transition reaches
        for (size_t i = x->fine / 4; i < 3 * x->fine / 4; i++)
            sum += c[i];
        mean[k] = sum * (b->sign[k] * 2 / (float)x->fine);
    }
    for (size_t k = 0; k < b->n_symbols; k++) {
        size_t from = k < GAIN_SIDE ? 0 : k - GAIN_SIDE;
        size_t to = k + GAIN_SIDE < b->n_symbols ? k + GAIN_SIDE : b->n_symbols - 1;
        float complex sum = 0;
        for (size_t i = from; i <= to; i++)
            sum += mean[i];
        x->gain[k] = sum / (float)(to - from + 1);
    }
}

// The mean course from half a symbol before to half a symbol after a boundary, of each kind.
static void take_shapes(struct phy_subtract *x, const struct phy_subtract_burst *b)
{
    size_t half = x->fine / 2, n[2] = {0, 0};
    memset(x->shape, 0, 2 * (x->fine + 1) * sizeof *x->shape);
    for (size_t k = 1; k < b->n_symbols; k++) {
        float complex g = x->gain[k];
        float power = crealf(g) * crealf(g) + cimagf(g) * cimagf(g);
        if (power <= 0) continue;
        size_t kind = is_flip(b, k);
        float complex *to = x->shape + kind * (x->fine + 1);
        const float complex *from = x->copy + (LEAD + k) * x->fine - half;
        float complex scale = conjf(g) * (b->sign[k] / power);
        for (size_t i = 0; i <= x->fine; i++)
            to[i] += from[i] * scale;
        n[kind]++;
    }
    for (size_t kind = 0; kind < 2; kind++)
        for (size_t i = 0; i <= x->fine; i++)
            x->shape[kind * (x->fine + 1) + i] /= (float)(n[kind] ? n[kind] : 1);
}

static float complex between(const float complex *values, double at, size_t last)
{
    if (at < 0) at = 0;
    size_t i = (size_t)at;
    if (i >= last) return values[last];
    float part = (float)(at - (double)i);
    return values[i] + part * (values[i + 1] - values[i]);
}

// The burst at `t` symbols after its start, without its frequency and drift. Its ramps have no
// average: there, the copy itself.
static float complex model(const struct phy_subtract *x, const struct phy_subtract_burst *b,
                           double t)
{
    double fine = (double)x->fine, n = (double)b->n_symbols;
    if (t < 0.5 || t > n - 0.5)
        return between(x->copy, (t + LEAD) * fine - 0.5, (b->n_symbols + 2 * LEAD) * x->fine - 1);
    size_t k = (size_t)(t + 0.5);
    const float complex *shape = x->shape + (is_flip(b, k) ? x->fine + 1 : 0);
    double at = (t - (double)k + 0.5) * fine - 0.5; // shape[i] is the middle of its interval
    float sign = b->sign[k < b->n_symbols ? k : b->n_symbols - 1];
    float complex g = between(x->gain, t - 0.5, b->n_symbols - 1);
    return sign * g * between(shape, at, x->fine);
}

// Whether something much stronger lies beside the burst. It would enter the shape, and the burst's
// bits would be keyed onto it.
static bool is_drowned(const struct phy_subtract *x, const struct phy_subtract_burst *b)
{
    double own = 0, all = 0;
    for (size_t k = 0; k < b->n_symbols; k++) {
        float complex g = x->gain[k];
        own += (double)(crealf(g) * crealf(g) + cimagf(g) * cimagf(g));
    }
    for (size_t i = LEAD * x->fine; i < (LEAD + b->n_symbols) * x->fine; i++) {
        float complex v = x->copy[i];
        all += (double)(crealf(v) * crealf(v) + cimagf(v) * cimagf(v));
    }
    return all / (double)x->fine > drowned * own;
}

bool phy_subtract_run(struct phy_subtract *x, struct phy_stream *stream,
                      const struct phy_subtract_burst *b)
{
    double rate = x->extract.rate_hz;
    double middle_hz = b->f_hz + b->drift_hz_s * (double)b->n_symbols / 2 * x->symbol / rate;
    double origin = b->start - LEAD * x->symbol;
    size_t n = (b->n_symbols + 2 * LEAD) * x->fine;
    phy_extract_run(&x->extract, stream, origin, middle_hz, 0, n, x->copy);
    for (size_t i = 0; i < n; i++)
        x->copy[i] *= turn(-motion(x, b, ((double)i + 0.5) / (double)x->fine - LEAD));
    smooth_gain(x, b);
    if (is_drowned(x, b)) return false;
    take_shapes(x, b);

    int64_t from = (int64_t)ceil(b->start - x->symbol);
    int64_t to = (int64_t)floor(b->start + (double)(b->n_symbols + 1) * x->symbol);
    from = from > stream->first ? from : stream->first;
    to = to < phy_stream_end(stream) ? to : phy_stream_end(stream);
    // the extraction's phase, turned back step by step and set right now and then
    float complex phase = 0, step = 1;
    for (int64_t i = from; i < to; i++) {
        double t = ((double)i - b->start) / x->symbol;
        if ((i - from) % 64 == 0) {
            double off_hz = b->drift_hz_s * (t - (double)b->n_symbols / 2) * x->symbol / rate;
            phase = turn(middle_hz / rate * (double)(i - llround(origin)) + motion(x, b, t));
            step = turn((middle_hz + off_hz) / rate);
        }
        stream->data[i - stream->first] -= model(x, b, t) * phase;
        phase *= step;
    }
    return true;
}
