#include "bench/phy/frontend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/fft.h"
#include "bench/phy/window.h"

enum {
    SPAN = 512, // output samples of a transform, of which BLOCK are free of wrap-around
    OVERLAP = SPAN - PHY_FRONTEND_BLOCK,
    DECIMATION_MAX = 64
};

struct phy_frontend {
    unsigned decimation;
    size_t len;         // input samples of a transform
    size_t fill;        // how many of them are there
    int64_t shift;      // bin that becomes the centre
    unsigned block_mod; // number of the block, modulo what the phase repeats after
    double center_hz;
    float dc[2];       // words taken from I and Q
    float complex *in; // lent by `forward`, or own memory when nothing is decimated
    float complex *own;
    float complex *block;
    float complex *response; // of the filter, per output bin, scaling included
    struct phy_fft *forward;
    struct phy_fft *backward;
};

// The filter keeps 0.43 of the output rate on either side and lets nothing in from beyond 0.57.
static unsigned choose_decimation(double rate_hz, double width_hz)
{
    unsigned best = 1;
    for (unsigned d = 2; d <= DECIMATION_MAX; d++) {
        unsigned left = d;
        for (unsigned p = 2; p <= 7; p++)
            while (left % p == 0)
                left /= p;
        double out_hz = rate_hz / d;
        if (left == 1 && out_hz >= 1.22 * width_hz && out_hz >= 40e3) best = d;
    }
    return best;
}

static int make_response(struct phy_frontend *f, struct err *err)
{
    // Kaiser-windowed sinc of OVERLAP * decimation + 1 taps, as a circular response
    size_t taps = (size_t)OVERLAP * f->decimation;
    double sum = 0;
    float complex *in = phy_fft_in(f->forward);
    for (size_t i = 0; i <= taps; i++) {
        double x = ((double)i - (double)taps / 2) / f->decimation,
               r = 2 * (double)i / (double)taps - 1;
        double sinc = x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
        double h = sinc * phy_window_kaiser(r, 7);
        in[i] = (float)h;
        sum += h;
    }
    phy_fft_run(f->forward);
    const float complex *h = phy_fft_out(f->forward);
    float scale = (float)(1 / (sum * (double)f->len));
    for (size_t m = 0; m < SPAN; m++)
        f->response[m] = scale * h[m < SPAN / 2 ? m : f->len - SPAN + m];
    memset(in, 0, f->len * sizeof *in);
    (void)err;
    return ERR_OK;
}

int phy_frontend_new(struct phy_frontend **out, double rate_hz, double low_hz, double high_hz,
                     struct err *err)
{
    struct phy_frontend *f = calloc(1, sizeof *f);
    if (!f) return err_set(err, ERR_NOMEM, "no memory for a receiver's front end");

    int rc = ERR_OK;
    f->decimation = choose_decimation(rate_hz, high_hz - low_hz);
    f->block = calloc(PHY_FRONTEND_BLOCK, sizeof *f->block);
    if (f->decimation == 1) {
        f->len = PHY_FRONTEND_BLOCK;
        f->own = calloc(f->len, sizeof *f->own);
        f->in = f->own;
    } else {
        f->len = (size_t)SPAN * f->decimation;
        f->fill = (size_t)OVERLAP * f->decimation / 2; // silence before the first sample
        f->shift = llround((low_hz + high_hz) / 2 / (rate_hz / (double)f->len));
        f->center_hz = (double)f->shift * rate_hz / (double)f->len;
        f->response = calloc(SPAN, sizeof *f->response);
        rc = phy_fft_new(&f->forward, f->len, PHY_FFT_FORWARD, err);
        if (rc < 0) goto fail;
        rc = phy_fft_new(&f->backward, SPAN, PHY_FFT_BACKWARD, err);
        if (rc < 0) goto fail;
        f->in = phy_fft_in(f->forward);
    }
    if (!f->block || !f->in || (f->decimation > 1 && !f->response)) {
        rc = err_set(err, ERR_NOMEM, "no memory for a receiver's front end");
        goto fail;
    }
    if (f->decimation > 1) {
        rc = make_response(f, err);
        if (rc < 0) goto fail;
    }
    *out = f;
    return ERR_OK;
fail:
    phy_frontend_free(f);
    return rc;
}

void phy_frontend_free(struct phy_frontend *f)
{
    if (!f) return;
    phy_fft_free(f->forward);
    phy_fft_free(f->backward);
    free(f->own);
    free(f->block);
    free(f->response);
    free(f);
}

unsigned phy_frontend_decimation(const struct phy_frontend *f)
{
    return f->decimation;
}

double phy_frontend_center_hz(const struct phy_frontend *f)
{
    return f->center_hz;
}

void phy_frontend_set_dc(struct phy_frontend *f, double dc_i, double dc_q)
{
    f->dc[0] = (float)dc_i;
    f->dc[1] = (float)dc_q;
}

size_t phy_frontend_fill(struct phy_frontend *f, const int16_t *iq, size_t n)
{
    size_t room = f->len - f->fill, take = n < room ? n : room;
    float *to = (float *)(f->in + f->fill);
    float dc_i = f->dc[0], dc_q = f->dc[1];
    for (size_t i = 0; i < take; i++) {
        to[2 * i] = iq[2 * i] - dc_i;
        to[2 * i + 1] = iq[2 * i + 1] - dc_q;
    }
    f->fill += take;
    return take;
}

bool phy_frontend_is_full(const struct phy_frontend *f)
{
    return f->fill == f->len;
}

const float complex *phy_frontend_block(struct phy_frontend *f)
{
    if (f->decimation == 1) {
        memcpy(f->block, f->in, PHY_FRONTEND_BLOCK * sizeof *f->block);
        f->fill = 0;
        return f->block;
    }
    phy_fft_run(f->forward);
    const float complex *bins = phy_fft_out(f->forward);
    float complex *kept = phy_fft_in(f->backward);
    int64_t len = (int64_t)f->len;
    for (int half = 0; half < 2; half++) {
        // output bins 0 … SPAN/2-1, then -SPAN/2 … -1, each a run of input bins that may wrap
        int64_t first = f->shift + (half ? -SPAN / 2 : 0);
        size_t at = ((size_t)(first % len + len)) % f->len, to = half ? SPAN / 2 : 0;
        size_t left = SPAN / 2;
        while (left) {
            size_t run = f->len - at < left ? f->len - at : left;
            for (size_t i = 0; i < run; i++)
                kept[to + i] = bins[at + i] * f->response[to + i];
            at = 0;
            to += run;
            left -= run;
        }
    }
    phy_fft_run(f->backward);

    // Each transform counts the shift's phase from its own first sample; a block further on that
    // is shift * BLOCK / SPAN turns more, which repeats after SPAN blocks at the latest.
    double turns =
        (double)((f->shift % SPAN + SPAN) % SPAN) * PHY_FRONTEND_BLOCK / SPAN * f->block_mod;
    turns -= floor(turns);
    float complex phase = CMPLXF((float)cos(2 * M_PI * turns), (float)-sin(2 * M_PI * turns));
    const float complex *good = phy_fft_out(f->backward) + OVERLAP;
    for (size_t i = 0; i < PHY_FRONTEND_BLOCK; i++)
        f->block[i] = good[i] * phase;
    f->block_mod = (f->block_mod + 1) % SPAN;

    size_t keep = (size_t)OVERLAP * f->decimation;
    memmove(f->in, f->in + f->len - keep, keep * sizeof *f->in);
    f->fill = keep;
    return f->block;
}
