#include "bench/air/tests/scene.h"

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/receive.h"
#include "bench/base/bytes.h"
#include "bench/base/rng.h"

static double n0(const struct scene *s)
{
    return 2 * s->noise_rms * s->noise_rms / s->rate_hz; // words squared per hertz
}

static double complex turn(double cycles)
{
    cycles -= floor(cycles);
    return cexp(2 * M_PI * I * cycles);
}

static int hex_bit(const char *hex, size_t i)
{
    char c = hex[i / 4];
    int v = c <= '9' ? c - '0' : c - 'a' + 10;
    return v >> (3 - i % 4) & 1;
}

static void add_burst(const struct scene *s, size_t index, double complex *sum, size_t n)
{
    enum { SYMBOLS_MAX = 8 * 26 + 1 };
    const struct scene_burst *b = &s->bursts[index];
    double sign[SYMBOLS_MAX + 1], phase[SYMBOLS_MAX + 1];
    size_t symbols = 4 * strlen(b->hex) + 1;
    uint64_t key = rng_key(s->key + index, "phase");
    sign[0] = 1;
    phase[0] = rng_uniform(key, 0);
    for (size_t i = 1; i < symbols; i++) {
        sign[i] = hex_bit(b->hex, i - 1) ? sign[i - 1] : -sign[i - 1];
        phase[i] = phase[i - 1] + s->phase_deg_symbol / 360 * rng_normal(key, i);
    }
    const struct synth_burst same = {.hex = b->hex, .rho = b->rho};
    double amplitude =
        sqrt(pow(10, b->ebn0_db / 10) * n0(s) * b->bit_rate / synth_mean_power(&same));
    double from = (b->t_s - 0.5 / b->bit_rate) * s->rate_hz;
    double to = (b->t_s + ((double)symbols + 0.5) / b->bit_rate) * s->rate_hz;
    for (size_t i = from > 0 ? (size_t)ceil(from) : 0; i < n && (double)i < to; i++) {
        double t = (double)i / s->rate_hz - b->t_s, k = t * b->bit_rate, y, half = b->rho / 2;
        size_t q = k < 0 ? 0 : k >= (double)symbols ? symbols - 1 : (size_t)k;
        double part = k - (double)q;
        y = sign[q];
        if (k < 0)
            y *= 0.5 * (1 + cos(2 * M_PI * k));
        else if (k >= (double)symbols)
            y *= 0.5 * (1 + cos(2 * M_PI * (k - (double)symbols)));
        else if (half > 0 && part > 1 - half && q + 1 < symbols && sign[q + 1] != sign[q])
            y *= sin(M_PI / 2 * (1 - part) / half);
        else if (half > 0 && part < half && q > 0 && sign[q - 1] != sign[q])
            y *= sin(M_PI / 2 * part / half);
        sum[i] += amplitude * y * turn(b->f_hz * t + 0.5 * b->drift_hz_s * t * t + phase[q]);
    }
}

// Lines a hertz or two apart with random phases are noise for as long as a recording lasts.
static void add_jammer(const struct scene *s, size_t index, double complex *sum, size_t n)
{
    enum { PIECE = 64 };
    const struct scene_jammer *j = &s->jammers[index];
    uint64_t key = rng_key(s->key + index, "jammer");
    double amplitude = sqrt(pow(10, j->jn0_dbhz / 10) * n0(s)), start = rng_uniform(key, 0);
    double complex held = 0, wave = 0;
    double pole = exp(-M_PI * j->bw_hz / s->rate_hz), fresh = sqrt((1 - pole * pole) / 2);
    double complex wave2 = 0;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / s->rate_hz, in = t / j->period_s + start;
        in -= floor(in);
        switch (j->kind) {
        case SCENE_JAMMER_CW:
            wave = turn(j->f_hz * t + start);
            break;
        case SCENE_JAMMER_NOISE: // two poles: steep enough to lie beside a burst
            held =
                pole * held + fresh * CMPLX(rng_normal(key, 2 * i + 1), rng_normal(key, 2 * i + 2));
            wave2 = pole * wave2 + (1 - pole) * held;
            wave = M_SQRT2 * wave2 * turn(j->f_hz * t);
            break;
        case SCENE_JAMMER_SWEEP: {
            double u = in * j->period_s;
            wave = turn((j->f_hz - j->bw_hz / 2) * u + 0.5 * j->bw_hz / j->period_s * u * u);
            break;
        }
        case SCENE_JAMMER_BPSK:
            wave = turn(j->f_hz * t);
            if (rng_u64(key, (uint64_t)((t + start) * 100) + 1) & 1) wave = -wave;
            break;
        }
        if (in < j->duty && t >= j->t0_s && t < j->t1_s) sum[i] += amplitude * wave;
    }
}

static int16_t word(double v, double limit)
{
    return (int16_t)lrint(fmax(-limit, fmin(limit, v)));
}

int16_t *scene_render(const struct scene *s, size_t *n_out)
{
    size_t n = (size_t)(s->seconds * s->rate_hz);
    double complex *sum = calloc(n, sizeof *sum);
    int16_t *iq = malloc(2 * n * sizeof *iq);
    if (!sum || !iq) goto done;
    uint64_t key = rng_key(s->key, "noise");
    for (size_t i = 0; i < n; i++)
        sum[i] = s->noise_rms * CMPLX(rng_normal(key, 2 * i), rng_normal(key, 2 * i + 1));
    for (size_t b = 0; b < s->n_bursts; b++)
        add_burst(s, b, sum, n);
    for (size_t j = 0; j < s->n_jammers; j++)
        add_jammer(s, j, sum, n);
    double gain = pow(10, s->iq_gain_db / 20), angle = s->iq_phase_deg * M_PI / 180;
    for (size_t i = 0; i < n; i++) {
        double re = creal(sum[i]), im = cimag(sum[i]);
        im = gain * (im * cos(angle) + re * sin(angle));
        iq[2 * i] = word(re + s->dc_i, s->limit);
        iq[2 * i + 1] = word(im + s->dc_q, s->limit);
    }
done:
    free(sum);
    *n_out = iq ? n : 0;
    return iq;
}

static bool same_packet(const struct scene_burst *b, const struct air_frame *f)
{
    return f->packet_len == b->packet_len && memcmp(f->packet, b->packet, b->packet_len) == 0;
}

static bool same_place(const struct scene_burst *b, const struct air_frame *f, double rate)
{
    return f->rank == b->rank && f->burst.bit_rate == b->bit_rate &&
           fabs(f->burst.start_sample / rate - b->t_s) < 6 / b->bit_rate &&
           fabs(f->burst.f_hz - b->f_hz) < 20;
}

struct compared {
    struct scene_score score;
    size_t hits[SCENE_BURSTS_MAX];
};

static void compare(const struct scene *s, const struct air_frame *f, bool verbose,
                    struct compared *c)
{
    bool known = false;
    for (size_t i = 0; i < s->n_bursts; i++) {
        const struct scene_burst *b = &s->bursts[i];
        if (!same_packet(b, f)) continue;
        known = true;
        if (!same_place(b, f, s->rate_hz)) continue;
        c->hits[i]++;
        if (c->hits[i] == 1 && !b->cut) {
            c->score.right++;
            c->score.list += f->burst.how == PHY_HOW_LIST;
            c->score.combined += f->burst.how == PHY_HOW_COMBINED;
            return;
        }
        if (b->cut && c->hits[i] == 1) return;
    }
    *(known ? &c->score.ghosts : &c->score.wrong) += 1;
    if (verbose)
        printf("  %s: %.3f s %+.2f Hz %.0f bit/s rank %u %.1f dB how %d\n",
               known ? "ghost" : "WRONG", f->burst.start_sample / s->rate_hz, f->burst.f_hz,
               f->burst.bit_rate, f->rank, f->burst.ebn0_db, f->burst.how);
}

struct scene_score scene_run(const struct scene *s, bool verbose)
{
    struct compared c = {0};
    struct err e = {0};
    size_t n;
    int16_t *iq = scene_render(s, &n);
    struct air_receiver *r = NULL;
    struct air_receiver_config config = {
        .rate_hz = s->rate_hz,
        .low_hz = -96e3,
        .high_hz = 96e3,
        .bit_rate_100 = true,
        .bit_rate_600 = true,
        .combine_s = 10,
    };
    for (size_t i = 0; i < n; i++) {
        config.dc_i += iq[2 * i] / (double)n;
        config.dc_q += iq[2 * i + 1] / (double)n;
    }
    int rc = iq ? air_receiver_new(&r, &config, &e) : err_set(&e, ERR_NOMEM, "no memory");
    if (rc == ERR_OK) rc = air_receiver_push(r, iq, n, &e);
    if (rc == ERR_OK) rc = air_receiver_finish(r, &e);
    if (rc < 0) {
        fprintf(stderr, "scene: %s\n", e.text);
        abort();
    }
    struct air_frame f;
    while (air_receiver_next(r, &f))
        if (f.burst.checked) compare(s, &f, verbose, &c);
    for (size_t i = 0; i < s->n_bursts; i++) {
        const struct scene_burst *b = &s->bursts[i];
        c.score.sent += !b->cut;
        if (verbose && !b->cut && !c.hits[i])
            printf("  missed: %.3f s %+.2f Hz %+.1f Hz/s %.0f bit/s rank %u %.1f dB len %zu\n",
                   b->t_s, b->f_hz, b->drift_hz_s, b->bit_rate, b->rank, b->ebn0_db, b->packet_len);
    }
    air_receiver_free(r);
    free(iq);
    return c.score;
}
