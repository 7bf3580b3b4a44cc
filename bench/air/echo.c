#include "bench/air/echo.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/fft.h"
#include "bench/phy/gfsk.h"
#include "bench/phy/iq.h"

enum {
    UNKNOWNS = 4,
    ROUNDS = 6,
    BEST_PART = 80,      // per cent of the parts are weaker
    FIT_MAX = 65536,     // samples that are enough to fit; of more, every second, third, …
    SEARCH_MAX = 1 << 24 // samples transformed when a burst must be looked for
};

static const double like_least = 0.02; // below, it is something else
static const double like_first = 0.12; // at the place where it is due: no need to look elsewhere
static const double settled = 0.002;   // steps that a fit still moves
static const double part_s = 0.02;   // what can be missing; or ten symbols, not all of which cancel
static const double near_hz = 30;    // beside its frequency, the same
static const double slow_hz = 16000; // of the lowered rate, at least
static const double oversampling = 3.2; // of the burst's bandwidth

// Both signals at a lower rate. Element 0 of `ref` is the burst's first sample; element `lead` of
// `got` is where that one is due.
struct work {
    unsigned by; // input samples a step
    double rate_hz;
    float complex *ref, *got;
    size_t n_ref, n_got, lead;
    double *ref_energy, *got_energy; // sums of all before
    struct phy_fft *fft;
    size_t fft_len;
};

// ---- down to a lower rate

// A triangle of 2 * by - 1 samples: two moving averages. What it does to the edges of the band, it
// does to both signals. Input sample k is turned by -cycles * k.
static void lower(const int16_t *iq, size_t n, unsigned by, double cycles, double full,
                  float complex *out, size_t n_out)
{
    const double scale = 1.0 / (full * by * by);
    for (size_t m = 0; m < n_out; m++)
        out[m] = 0;
    double complex step = cexp(-2 * M_PI * I * cycles), turn = 1;
    for (size_t k = 0; k < n; k++) {
        if (k % 1024 == 0) {
            double at = cycles * (double)k;
            turn = cexp(-2 * M_PI * I * (at - floor(at)));
        }
        float complex x = (float complex)(scale * turn * (iq[2 * k] + I * iq[2 * k + 1]));
        turn *= step;
        size_t m = k / by;
        float right = (float)(k - m * by);
        if (m < n_out) out[m] += ((float)by - right) * x;
        if (m + 1 < n_out) out[m + 1] += right * x;
    }
}

static void sum_energy(const float complex *x, size_t n, double *sum)
{
    sum[0] = 0;
    for (size_t i = 0; i < n; i++) {
        double re = crealf(x[i]), im = cimagf(x[i]);
        sum[i + 1] = sum[i] + re * re + im * im;
    }
}

static void work_deinit(struct work *w)
{
    free(w->ref);
    free(w->got);
    free(w->ref_energy);
    free(w->got_energy);
    phy_fft_free(w->fft);
}

static int work_init(struct work *w, const struct air_echo_burst *b, const int16_t *iq,
                     int64_t first, size_t n, struct err *err)
{
    const double want_hz = fmax(slow_hz, oversampling * b->bandwidth_hz);
    *w = (struct work){.by = (unsigned)fmax(1, floor(b->rate_hz / want_hz))};
    w->rate_hz = b->rate_hz / w->by;
    // The received samples begin a whole number of steps before the burst.
    const size_t before = (size_t)(b->at_sample - first), skip = before % w->by;
    w->lead = before / w->by;
    w->n_ref = b->n / w->by;
    w->n_got = (n - skip) / w->by;
    w->ref = malloc(w->n_ref * sizeof *w->ref);
    w->got = malloc(w->n_got * sizeof *w->got);
    w->ref_energy = malloc((w->n_ref + 1) * sizeof *w->ref_energy);
    w->got_energy = malloc((w->n_got + 1) * sizeof *w->got_energy);
    if (!w->ref || !w->got || !w->ref_energy || !w->got_energy)
        return err_set(err, ERR_NOMEM, "echo of a burst: out of memory");
    lower(b->iq, b->n, w->by, 0, IQ_FULL_SCALE_TX, w->ref, w->n_ref);
    lower(iq + 2 * skip, n - skip, w->by, b->f_hz / b->rate_hz, IQ_FULL_SCALE_RX, w->got, w->n_got);
    sum_energy(w->ref, w->n_ref, w->ref_energy);
    sum_energy(w->got, w->n_got, w->got_energy);
    w->fft_len = phy_fft_good_size(2 * w->n_ref);
    return phy_fft_new(&w->fft, w->fft_len, PHY_FFT_FORWARD, err);
}

// ---- the rough place

// How like the burst the samples from `at` on are, whatever their frequency: *off_hz.
static double likeness_at(struct work *w, size_t at, double most_hz, double *off_hz)
{
    const double energy =
        w->ref_energy[w->n_ref] * (w->got_energy[at + w->n_ref] - w->got_energy[at]);
    *off_hz = 0;
    if (!(energy > 0)) return 0;
    float complex *in = phy_fft_in(w->fft);
    for (size_t i = 0; i < w->n_ref; i++)
        in[i] = w->got[at + i] * conjf(w->ref[i]);
    memset(in + w->n_ref, 0, (w->fft_len - w->n_ref) * sizeof *in);
    phy_fft_run(w->fft);
    const float complex *out = phy_fft_out(w->fft);
    const double bin_hz = w->rate_hz / (double)w->fft_len;
    const int most = (int)fmin(most_hz / bin_hz, (double)w->fft_len / 2 - 1);
    double best = 0;
    for (int k = -most; k <= most; k++) {
        float complex x = out[k < 0 ? k + (int)w->fft_len : k];
        double power = (double)crealf(x) * crealf(x) + (double)cimagf(x) * cimagf(x);
        if (power <= best) continue;
        best = power;
        *off_hz = k * bin_hz;
    }
    return best / energy;
}

// Where it is most like the burst: as it should be, and everywhere else when it is not there.
static double search(struct work *w, const struct air_echo_burst *b, size_t *at, size_t *step,
                     double *off_hz)
{
    const double most_hz = fmax(b->bandwidth_hz / 2, w->rate_hz / 4);
    *at = w->lead;
    *step = 1;
    double best = likeness_at(w, w->lead, fmin(most_hz, near_hz), off_hz);
    if (best >= like_first) return best;
    best = likeness_at(w, w->lead, most_hz, off_hz);
    if (best >= like_first) return best;
    const size_t side = (size_t)(AIR_ECHO_SEARCH_S * w->rate_hz);
    const size_t from = w->lead > side ? w->lead - side : 0;
    const size_t last = (size_t)fmin((double)(w->n_got - w->n_ref), (double)(w->lead + side));
    const size_t most = SEARCH_MAX / w->fft_len + 16;
    *step = (size_t)fmax(1, w->rate_hz / fmax(b->bandwidth_hz, 500) / 2);
    if ((last - from) / *step > most) *step = (last - from) / most;
    for (size_t i = from; i <= last; i += *step) {
        double f, like = likeness_at(w, i, most_hz, &f);
        if (like <= best) continue;
        best = like;
        *at = i;
        *off_hz = f;
    }
    for (size_t fine = *step / 2; fine; fine /= 2)
        for (int side_of = -1; side_of <= 1; side_of += 2) {
            const size_t i = *at + (size_t)(side_of * (ptrdiff_t)fine);
            double f, like = i > last ? 0 : likeness_at(w, i, most_hz, &f);
            if (like <= best) continue;
            best = like;
            *at = i;
            *off_hz = f;
        }
    *step = 1;
    return best;
}

// Correlation with the samples from `at` on, at a given frequency.
static double power_at(const struct work *w, size_t at, double off_hz)
{
    const size_t every = w->n_ref / FIT_MAX + 1;
    const double complex step = cexp(-2 * M_PI * I * off_hz / w->rate_hz * (double)every);
    double complex sum = 0, turn = 1;
    for (size_t i = 0; i < w->n_ref; i += every) {
        sum += turn * w->got[at + i] * conjf(w->ref[i]);
        turn *= step;
    }
    return creal(sum) * creal(sum) + cimag(sum) * cimag(sum);
}

static size_t climb(const struct work *w, size_t at, size_t first_step, double off_hz)
{
    const size_t last = w->n_got - w->n_ref;
    double here = power_at(w, at, off_hz);
    for (size_t step = first_step; step; step /= 2)
        for (bool moved = true; moved;) {
            moved = false;
            double up = at + step <= last ? power_at(w, at + step, off_hz) : 0;
            double down = at >= step ? power_at(w, at - step, off_hz) : 0;
            if (up <= here && down <= here) continue;
            at = up > down ? at + step : at - step;
            here = fmax(up, down);
            moved = true;
        }
    return at;
}

// ---- the exact place

// Between the samples (Catmull-Rom), and how it changes there; zero outside.
static void value_at(const struct work *w, double place, double complex *x, double complex *slope)
{
    double whole = floor(place), f = place - whole;
    ptrdiff_t k = (ptrdiff_t)whole;
    double complex p[4];
    for (int i = 0; i < 4; i++) {
        ptrdiff_t at = k - 1 + i;
        p[i] = at >= 0 && at < (ptrdiff_t)w->n_ref ? w->ref[at] : 0;
    }
    double complex c1 = 0.5 * (p[2] - p[0]), c2 = p[0] - 2.5 * p[1] + 2 * p[2] - 0.5 * p[3];
    double complex c3 = 1.5 * (p[1] - p[2]) + 0.5 * (p[3] - p[0]);
    *x = p[1] + f * (c1 + f * (c2 + f * c3));
    *slope = c1 + f * (2 * c2 + 3 * f * c3);
}

// Solves and inverts a small symmetric matrix in place; false: it is singular.
static bool invert(double m[UNKNOWNS][2 * UNKNOWNS])
{
    for (int i = 0; i < UNKNOWNS; i++)
        for (int k = 0; k < UNKNOWNS; k++)
            m[i][UNKNOWNS + k] = i == k;
    for (int i = 0; i < UNKNOWNS; i++) {
        if (!(fabs(m[i][i]) > 1e-300)) return false;
        for (int r = 0; r < UNKNOWNS; r++) {
            if (r == i) continue;
            double times = m[r][i] / m[i][i];
            for (int k = i; k < 2 * UNKNOWNS; k++)
                m[r][k] -= times * m[i][k];
        }
    }
    for (int i = 0; i < UNKNOWNS; i++)
        for (int k = 0; k < UNKNOWNS; k++)
            m[i][UNKNOWNS + k] /= m[i][i];
    return true;
}

struct fit {
    double place; // of the burst's first sample among the received ones
    double off;   // radians a step
    double complex amplitude;
    double place_u, off_u;
};

// One round of Gauss and Newton: amplitude and phase, time and frequency together, so that none of
// them pulls another. False when the samples do not tell. *moved: by how much.
static bool refine(const struct work *w, struct fit *f, double *moved)
{
    const ptrdiff_t every = (ptrdiff_t)(w->n_ref / FIT_MAX + 1);
    const ptrdiff_t from = (ptrdiff_t)fmax(0, ceil(f->place));
    const ptrdiff_t to = (ptrdiff_t)fmin((double)w->n_got, f->place + (double)w->n_ref - 1);
    const double middle = f->place + (double)w->n_ref / 2;
    double m[UNKNOWNS][2 * UNKNOWNS] = {{0}}, right[UNKNOWNS] = {0}, rest = 0;
    for (ptrdiff_t k = from; k < to; k += every) {
        double complex x, slope, turn = cexp(I * f->off * ((double)k - middle));
        value_at(w, (double)k - f->place, &x, &slope);
        const double complex model = f->amplitude * x * turn;
        const double complex column[UNKNOWNS] = {
            x * turn, I * x * turn, -f->amplitude * slope * turn, I * ((double)k - middle) * model};
        const double complex e = w->got[k] - model;
        rest += creal(e) * creal(e) + cimag(e) * cimag(e);
        for (int i = 0; i < UNKNOWNS; i++) {
            right[i] += creal(conj(column[i]) * e);
            for (int j = 0; j < UNKNOWNS; j++)
                m[i][j] += creal(conj(column[i]) * column[j]);
        }
    }
    if (to - from < 16 || !invert(m)) return false;
    double by[UNKNOWNS] = {0};
    for (int i = 0; i < UNKNOWNS; i++)
        for (int j = 0; j < UNKNOWNS; j++)
            by[i] += m[i][UNKNOWNS + j] * right[j];
    const double noise = rest / (2 * (double)(to - from) / (double)every);
    f->amplitude += by[0] + I * by[1];
    *moved = fmin(fmax(by[2], -2), 2);
    f->place += *moved;
    f->off += by[3];
    f->place_u = sqrt(fmax(0, noise * m[2][UNKNOWNS + 2]));
    f->off_u = sqrt(fmax(0, noise * m[3][UNKNOWNS + 3]));
    return isfinite(f->place) && isfinite(f->off);
}

static void start_fit(const struct work *w, size_t at, double off_hz, struct fit *f)
{
    *f = (struct fit){.place = (double)at, .off = 2 * M_PI * off_hz / w->rate_hz};
    const double middle = f->place + (double)w->n_ref / 2;
    double complex sum = 0;
    for (size_t i = 0; i < w->n_ref; i++)
        sum += w->got[at + i] * conjf(w->ref[i]) * cexp(-I * f->off * ((double)(at + i) - middle));
    f->amplitude = sum / w->ref_energy[w->n_ref];
}

// ---- what of it was there

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct part {
    double size;     // of the amplitude found there
    double size_u;   // of it, by what else was there
    double loudness; // amplitude that the received power would be, all of it together
    bool silent;     // nothing was due
};

static void take_part(const struct work *w, const struct fit *f, size_t from, size_t to,
                      struct part *out)
{
    const double middle = f->place + (double)w->n_ref / 2;
    double complex sum = 0;
    double due = 0, power = 0;
    for (size_t i = from; i < to; i++) {
        ptrdiff_t at = (ptrdiff_t)i + (ptrdiff_t)llround(f->place);
        if (at < 0 || at >= (ptrdiff_t)w->n_got) continue;
        double complex x, slope;
        value_at(w, (double)at - f->place, &x, &slope);
        double complex y = w->got[at] * cexp(-I * f->off * ((double)at - middle));
        sum += y * conj(x);
        due += creal(x) * creal(x) + cimag(x) * cimag(x);
        power += creal(y) * creal(y) + cimag(y) * cimag(y);
    }
    const double all = w->ref_energy[w->n_ref] / (double)w->n_ref * (double)(to - from);
    *out = (struct part){.silent = due < 0.1 * all};
    if (out->silent) return;
    out->size = cabs(sum) / due;
    out->size_u = sqrt(fmax(0, power / due - out->size * out->size) / (double)(to - from));
    out->loudness = sqrt(power / due);
}

// A part is missing when all that was received there is too little for it, or when
// what was received is plainly not it.
static int look_for_holes(const struct work *w, const struct fit *f, double against_s,
                          struct air_echo *out, struct err *err)
{
    const double each_s = fmax(part_s, 10 * against_s);
    const double alike = fmax(1, against_s * w->rate_hz); // samples that err together

    const size_t len = (size_t)fmin((double)w->n_ref, fmax(16, each_s * w->rate_hz));
    const size_t n = w->n_ref / len;
    struct part *parts = calloc(n, sizeof *parts);
    double *sizes = calloc(n, sizeof *sizes);
    if (!parts || !sizes) {
        free(parts);
        free(sizes);
        return err_set(err, ERR_NOMEM, "echo of a burst: out of memory");
    }
    size_t loud = 0, first = n, last = 0, missing = 0;
    for (size_t i = 0; i < n; i++) {
        take_part(w, f, i * len, (i + 1) * len, &parts[i]);
        if (!parts[i].silent) sizes[loud++] = parts[i].size;
    }
    qsort(sizes, loud, sizeof *sizes, by_size);
    const double due = loud ? sizes[loud * BEST_PART / 100] : 0;
    double sum = 0;
    size_t there = 0;
    for (size_t i = 0; i < n; i++) {
        const struct part *p = &parts[i];
        if (p->silent) continue;
        bool gone = p->loudness < 0.5 * due ||
                    (p->size < 0.5 * due && due - p->size > 6 * p->size_u * sqrt(alike));
        if (gone) {
            missing++;
            continue;
        }
        if (first == n) first = i;
        last = i;
        sum += p->size * p->size;
        there++;
    }
    const double len_s = (double)len / w->rate_hz;
    size_t head = 0, tail = 0;
    for (size_t i = 0; i < n; i++) { // silent parts at the ends are no loss
        if (parts[i].silent) continue;
        head += i < first;
        tail += i > last;
    }
    out->head_s = (double)head * len_s;
    out->tail_s = first < n ? (double)tail * len_s : 0;
    out->hole_s = (double)(missing - head - (first < n ? tail : 0)) * len_s;
    out->dbfs = there ? 10 * log10(fmax(sum / (double)there, 1e-20)) : -200;
    free(parts);
    free(sizes);
    return ERR_OK;
}

// Bit by bit, by the frequency in the middle of each: nothing of what was ordered helps here.
static unsigned count_bit_errors(const struct work *w, const struct fit *f,
                                 const struct air_echo_burst *b)
{
    const struct phy_gfsk_config c = {.bit_rate = PHY_GFSK_DOWNLINK_BIT_RATE, .ramp_bits = 2};
    const double bit = w->rate_hz / c.bit_rate, lead = phy_gfsk_lead_s(&c) * w->rate_hz;
    unsigned wrong = 0;
    for (size_t k = 0; k < b->n_bits; k++) {
        const double begin = f->place + lead + (double)k * bit;
        const ptrdiff_t from = (ptrdiff_t)ceil(begin + 0.25 * bit);
        const ptrdiff_t to = (ptrdiff_t)floor(begin + 0.75 * bit);
        double complex turn = 0;
        for (ptrdiff_t i = from; i < to; i++)
            if (i >= 0 && i + 1 < (ptrdiff_t)w->n_got) turn += w->got[i + 1] * conjf(w->got[i]);
        bool heard = carg(turn * cexp(-I * f->off)) > 0;
        bool meant = b->bits[k / 8] >> (7 - k % 8) & 1;
        wrong += heard != meant;
    }
    return wrong;
}

// ---- all of it

void air_echo_span(const struct air_echo_burst *b, int64_t *from, int64_t *to)
{
    const int64_t side = (int64_t)ceil(AIR_ECHO_SEARCH_S * b->rate_hz);
    *from = b->at_sample - side;
    *to = b->at_sample + (int64_t)b->n + side;
}

static int check(const struct air_echo_burst *b, int64_t first, size_t n, struct err *err)
{
    if (b->n < 64 || !(b->rate_hz > 0) || !(b->bandwidth_hz > 0) ||
        fabs(b->f_hz) + b->bandwidth_hz / 2 > b->rate_hz / 2)
        return err_set(
            err, ERR_INVALID,
            "echo of a burst: expected 64 samples at least and a burst within +-%.0f Hz, "
            "got %zu samples, %.0f Hz wide at %+.0f Hz",
            b->rate_hz / 2, b->n, b->bandwidth_hz, b->f_hz);
    if (first <= b->at_sample && first + (int64_t)n >= b->at_sample + (int64_t)b->n) return ERR_OK;
    return err_set(err, ERR_LIMIT,
                   "echo of a burst: expected the samples %lld to %lld, got %lld to %lld",
                   (long long)b->at_sample, (long long)b->at_sample + (long long)b->n,
                   (long long)first, (long long)first + (long long)n);
}

int air_echo_find(const struct air_echo_burst *b, const int16_t *iq, int64_t first, size_t n,
                  struct air_echo *out, struct err *err)
{
    *out = (struct air_echo){.bit_errors = (unsigned)b->n_bits};
    int rc = check(b, first, n, err);
    if (rc < 0) return rc;
    struct work w;
    rc = work_init(&w, b, iq, first, n, err);
    if (rc < 0) goto done;
    size_t at, step;
    double off_hz;
    out->likeness = search(&w, b, &at, &step, &off_hz);
    if (out->likeness < like_least) goto done;
    struct fit f;
    start_fit(&w, climb(&w, at, step, off_hz), off_hz, &f);
    bool told = true;
    double moved = 1;
    for (int i = 0; i < ROUNDS && told && fabs(moved) > settled; i++)
        told = refine(&w, &f, &moved);
    if (!told) goto done;
    rc = look_for_holes(&w, &f, b->against_s, out, err);
    if (rc < 0) goto done;
    const double beside = M_PI * f.off / (2 * M_PI); // where the triangle takes a little away
    if (fabs(beside) > 1e-6) out->dbfs -= 40 * log10(fmax(sin(beside) / beside, 0.1));
    out->found = true;
    out->off_hz = f.off / (2 * M_PI) * w.rate_hz;
    out->off_u_hz = f.off_u / (2 * M_PI) * w.rate_hz;
    // The fit knows the burst's middle; a crystal that runs slow stretches what comes before it.
    out->late_samples = (f.place - (double)w.lead) * w.by +
                        (double)b->n / 2 * out->off_hz / fmax(b->carrier_hz, 1e6);
    out->late_u_samples = f.place_u * w.by;
    out->bit_errors = b->bits ? count_bit_errors(&w, &f, b) : 0;
done:
    work_deinit(&w);
    return rc;
}
