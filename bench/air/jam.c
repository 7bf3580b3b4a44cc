#include "bench/air/jam.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/fft.h"
#include "bench/phy/iq.h"

enum {
    ROWS = 4,      // spectra in a row in which a frame must show: noise does not
    ORDERS_MAX = 4 // more than can arise between two looks
};

static const double row_s = 0.008;   // one short spectrum: 125 Hz a bin
static const double near_hz = 150;   // a frame's power lies within that of its middle
static const double wide_most = 0.5; // of a band may be frames; the rest shows the noise

struct air_jam {
    struct air_jam_config c;
    struct phy_fft *row_fft, *long_fft;
    size_t row_len, long_len;
    size_t n_bins; // of the band
    int low_bin;
    float *rows; // [ROWS][n_bins], a ring
    float *sorted;
    uint64_t n_rows;
    int16_t *recent; // [long_len], a ring, at position (index % long_len)
    int64_t next;    // index of the next sample
    size_t row_fill; // samples of the row that is not complete yet
    // The frame that is being listened to.
    bool hearing;
    int64_t heard;
    int64_t deaf_until; // the frame, and what was sent against it
    unsigned rank;      // of the last frame; 0: none yet
    int64_t last_end;
    struct air_jam_order orders[ORDERS_MAX];
    size_t n_orders;
};

static int check(const struct air_jam_config *c, struct err *err)
{
    if (!(c->rate_hz > 0 && c->low_hz < c->high_hz && c->low_hz > -c->rate_hz / 2 &&
          c->high_hz < c->rate_hz / 2 && c->high_hz - c->low_hz >= 2000))
        return err_set(err, ERR_INVALID,
                       "jammer: expected a band of 2 kHz at least within +-%.0f Hz, got %+.0f to "
                       "%+.0f Hz",
                       c->rate_hz / 2, c->low_hz, c->high_hz);
    if (!(c->ranks >= 1 && c->ranks <= 7))
        return err_set(err, ERR_INVALID, "jammer: expected ranks out of 1, 2 and 3, got mask %u",
                       c->ranks);
    if (!(c->frame_s > AIR_JAM_LISTEN_S && c->frame_s <= 10 && c->tail_s >= 0 && c->tail_s <= 10))
        return err_set(
            err, ERR_INVALID,
            "jammer: expected frames longer than the %.2f s that it listens, up to 10 s, "
            "and a tail up to 10 s, got %g and %g s",
            AIR_JAM_LISTEN_S, c->frame_s, c->tail_s);
    if (!(c->pause_s > 0 && c->above_db >= 6))
        return err_set(
            err, ERR_INVALID,
            "jammer: expected a pause above 0 and a threshold of 6 dB at least, got %g s "
            "and %g dB",
            c->pause_s, c->above_db);
    return ERR_OK;
}

int air_jam_new(struct air_jam **out, const struct air_jam_config *config, struct err *err)
{
    *out = NULL;
    int rc = check(config, err);
    if (rc < 0) return rc;
    struct air_jam *j = calloc(1, sizeof *j);
    if (!j) return err_set(err, ERR_NOMEM, "jammer: out of memory");
    j->c = *config;
    j->row_len = phy_fft_good_size((size_t)(row_s * config->rate_hz));
    // All of it inside the frame when the decision falls.
    j->long_len = (size_t)((AIR_JAM_LISTEN_S - 2 * row_s) * config->rate_hz);
    j->low_bin = (int)ceil(config->low_hz * (double)j->row_len / config->rate_hz);
    int high_bin = (int)floor(config->high_hz * (double)j->row_len / config->rate_hz);
    j->n_bins = (size_t)(high_bin - j->low_bin + 1);
    rc = phy_fft_new(&j->row_fft, j->row_len, PHY_FFT_FORWARD, err);
    if (rc < 0) goto fail;
    rc = phy_fft_new(&j->long_fft, j->long_len, PHY_FFT_FORWARD, err);
    if (rc < 0) goto fail;
    j->rows = calloc(ROWS * j->n_bins, sizeof *j->rows);
    j->sorted = calloc(j->n_bins, sizeof *j->sorted);
    j->recent = calloc(2 * j->long_len, sizeof *j->recent);
    if (!j->rows || !j->sorted || !j->recent) {
        rc = err_set(err, ERR_NOMEM, "jammer: out of memory");
        goto fail;
    }
    *out = j;
    return ERR_OK;
fail:
    air_jam_free(j);
    return rc;
}

void air_jam_free(struct air_jam *j)
{
    if (!j) return;
    phy_fft_free(j->row_fft);
    phy_fft_free(j->long_fft);
    free(j->rows);
    free(j->sorted);
    free(j->recent);
    free(j);
}

// The last `len` samples of the stream through a Hann window into the transform.
static void fill(const struct air_jam *j, struct phy_fft *fft, size_t len)
{
    float complex *in = phy_fft_in(fft);
    for (size_t i = 0; i < len; i++) {
        size_t at = (size_t)((uint64_t)(j->next - (int64_t)len + (int64_t)i) % j->long_len);
        double w = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)len);
        in[i] = (float)w * ((float)j->recent[2 * at] + I * (float)j->recent[2 * at + 1]);
    }
    phy_fft_run(fft);
}

static double bin_power(const struct phy_fft *fft, size_t len, int bin)
{
    float complex x = phy_fft_out(fft)[bin < 0 ? bin + (int)len : bin];
    return (double)(crealf(x) * crealf(x) + cimagf(x) * cimagf(x));
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// The band's noise in one bin and row: what half of the bins lie below.
static double noise_of(struct air_jam *j, const float *row)
{
    memcpy(j->sorted, row, j->n_bins * sizeof *row);
    qsort(j->sorted, j->n_bins, sizeof *j->sorted, by_size);
    return j->sorted[(size_t)((double)j->n_bins * wide_most)] / M_LN2; // median to mean
}

// The strongest bin that stands out of the noise in each of the last rows, or -1. Three bins are
// taken together: a phase flip in mid-row moves the power sideways.
static int find_frame(struct air_jam *j)
{
    const double above = pow(10, j->c.above_db / 10);
    double limit[ROWS], best = 0;
    int found = -1;
    for (int r = 0; r < ROWS; r++)
        limit[r] = 3 * above * noise_of(j, j->rows + (size_t)r * j->n_bins);
    for (size_t b = 1; b + 1 < j->n_bins; b++) {
        double sum = 0;
        for (int r = 0; r < ROWS && sum >= 0; r++) {
            const float *p = j->rows + (size_t)r * j->n_bins + b;
            double power = (double)p[-1] + (double)p[0] + (double)p[1];
            sum = power > limit[r] && power > 0 ? sum + power : -1;
        }
        if (sum > best) {
            best = sum;
            found = j->low_bin + (int)b;
        }
    }
    return found;
}

// The middle of the spectrum's power round its highest place, and that power.
static void measure(struct air_jam *j, double *f_hz, double *dbfs)
{
    fill(j, j->long_fft, j->long_len);
    const double bin_hz = j->c.rate_hz / (double)j->long_len;
    int low = (int)ceil(j->c.low_hz / bin_hz), high = (int)floor(j->c.high_hz / bin_hz);
    int reach = (int)(near_hz / bin_hz);
    // The window with the most power, first.
    double sum = 0, best = -1;
    int middle = low;
    for (int b = low - reach; b <= high + reach; b++) {
        sum += bin_power(j->long_fft, j->long_len, b);
        if (b - 2 * reach - 1 >= low - reach)
            sum -= bin_power(j->long_fft, j->long_len, b - 2 * reach - 1);
        if (sum > best) {
            best = sum;
            middle = b - reach;
        }
    }
    double power = 0, moment = 0;
    for (int b = middle - reach; b <= middle + reach; b++) {
        double p = bin_power(j->long_fft, j->long_len, b);
        power += p;
        moment += p * b;
    }
    *f_hz = power > 0 ? moment / power * bin_hz : 0;
    // Hann: 3/8 of the power.
    double scale = 0.375 * (double)j->long_len * (double)j->long_len;
    *dbfs = 10 * log10(fmax(power, 1e-12) / scale / IQ_FULL_SCALE_RX / IQ_FULL_SCALE_RX);
}

static int64_t samples(const struct air_jam *j, double s)
{
    return llround(s * j->c.rate_hz);
}

static void decide(struct air_jam *j)
{
    bool new_message =
        j->rank == 0 || j->rank >= SFX_RANKS || j->heard - j->last_end > samples(j, j->c.pause_s);
    j->rank = new_message ? 1 : j->rank + 1;
    j->last_end = j->heard + samples(j, j->c.frame_s);
    struct air_jam_order o = {
        .rank = j->rank, .heard = j->heard, .until = j->last_end + samples(j, j->c.tail_s)};
    bool jam = j->c.ranks >> (j->rank - 1) & 1;
    // A row more: the spectrum in which the end falls.
    j->deaf_until = (jam ? o.until : j->last_end) + (int64_t)j->row_len;
    j->hearing = false;
    if (!jam || j->n_orders == ORDERS_MAX) return;
    measure(j, &o.f_hz, &o.dbfs);
    j->orders[j->n_orders++] = o;
}

static void take_row(struct air_jam *j)
{
    fill(j, j->row_fft, j->row_len);
    float *row = j->rows + (size_t)(j->n_rows++ % ROWS) * j->n_bins;
    for (size_t b = 0; b < j->n_bins; b++)
        row[b] = (float)bin_power(j->row_fft, j->row_len, j->low_bin + (int)b);
    if (j->next < j->deaf_until) {
        j->n_rows = 0; // what was heard meanwhile is no beginning
        return;
    }
    if (j->n_rows < ROWS) return;
    bool there = find_frame(j) >= 0;
    if (there && !j->hearing) {
        j->hearing = true;
        j->heard = j->next - ROWS * (int64_t)j->row_len;
    } else if (!there) {
        j->hearing = false;
    }
    if (j->hearing && j->next - j->heard >= samples(j, AIR_JAM_LISTEN_S)) decide(j);
}

void air_jam_push(struct air_jam *j, int64_t first, const int16_t *iq, size_t n)
{
    if (first != j->next) {
        j->next = first;
        j->row_fill = 0;
        j->n_rows = 0;
        j->hearing = false;
    }
    for (size_t k = 0; k < n;) {
        size_t at = (size_t)((uint64_t)j->next % j->long_len);
        size_t here = j->row_len - j->row_fill;
        if (here > n - k) here = n - k;
        if (here > j->long_len - at) here = j->long_len - at;
        memcpy(j->recent + 2 * at, iq + 2 * k, 2 * here * sizeof *iq);
        k += here;
        j->next += (int64_t)here;
        j->row_fill += here;
        if (j->row_fill < j->row_len) continue;
        j->row_fill = 0;
        take_row(j);
    }
}

bool air_jam_next(struct air_jam *j, struct air_jam_order *out)
{
    if (j->n_orders == 0) return false;
    *out = j->orders[0];
    memmove(j->orders, j->orders + 1, --j->n_orders * sizeof *j->orders);
    return true;
}

void air_jam_received(struct air_jam *j, const struct air_frame *frame)
{
    // Known only when it is over: meanwhile the next one may have begun.
    if (j->rank && llabs(frame->end_sample - j->last_end) < samples(j, 0.5 * j->c.frame_s))
        j->rank = frame->rank;
}
