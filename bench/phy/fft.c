#include "bench/phy/fft.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fftw3.h>

struct phy_fft {
    size_t n;
    fftwf_plan plan;
    float complex *in;
    float complex *out;
};

// FFTW's planner keeps global tables.
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

int phy_fft_new(struct phy_fft **out, size_t n, enum phy_fft_direction direction, struct err *err)
{
    if (n < 1 || n > 1u << 24)
        return err_set(err, ERR_INVALID, "a transform of %zu points: expected 1 to 16777216", n);
    struct phy_fft *f = calloc(1, sizeof *f);
    if (!f) return err_set(err, ERR_NOMEM, "no memory for a transform");

    int rc = ERR_OK;
    f->n = n;
    f->in = fftwf_alloc_complex(n);
    f->out = fftwf_alloc_complex(n);
    if (!f->in || !f->out) {
        rc = err_set(err, ERR_NOMEM, "no memory for a transform of %zu points", n);
        goto fail;
    }
    pthread_mutex_lock(&planner);
    f->plan = fftwf_plan_dft_1d((int)n, f->in, f->out,
                                direction == PHY_FFT_FORWARD ? FFTW_FORWARD : FFTW_BACKWARD,
                                FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    pthread_mutex_unlock(&planner);
    if (!f->plan) {
        rc = err_set(err, ERR_NOMEM, "FFTW has no plan for %zu points", n);
        goto fail;
    }
    memset(f->in, 0, n * sizeof *f->in);
    memset(f->out, 0, n * sizeof *f->out);
    *out = f;
    return ERR_OK;
fail:
    phy_fft_free(f);
    return rc;
}

void phy_fft_free(struct phy_fft *f)
{
    if (!f) return;
    if (f->plan) {
        pthread_mutex_lock(&planner);
        fftwf_destroy_plan(f->plan);
        pthread_mutex_unlock(&planner);
    }
    fftwf_free(f->in);
    fftwf_free(f->out);
    free(f);
}

float complex *phy_fft_in(struct phy_fft *f)
{
    return f->in;
}

const float complex *phy_fft_out(const struct phy_fft *f)
{
    return f->out;
}

void phy_fft_run(struct phy_fft *f)
{
    fftwf_execute(f->plan);
}

// Large pure powers of two make slow estimated plans (16 384 points take 2.4 times as long as
// measured ones, 13 824 only 1.5 times), so a large length also gets a factor of 3, 5 or 7.
static bool is_good(size_t n)
{
    if (n > 64 && n % 32 != 0) return false;
    bool odd_factor = n < 4096;
    for (size_t p = 2; p <= 7; p++)
        while (n % p == 0) {
            odd_factor = odd_factor || p > 2;
            n /= p;
        }
    return n == 1 && odd_factor;
}

size_t phy_fft_good_size(size_t n)
{
    if (n < 1) n = 1;
    while (!is_good(n))
        n++;
    return n;
}
