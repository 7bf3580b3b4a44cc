#include "bench/phy/tests/fer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/phy/tests/syncs.h"

static const size_t packet_len[] = {8, 9, 12, 16, 20};

struct stream {
    struct synth_burst bursts[FER_PER_STREAM_MAX];
    char hex[FER_PER_STREAM_MAX][SYNTH_HEX];
    uint8_t body[FER_PER_STREAM_MAX][PHY_BODY_BITS_MAX / 8];
    bool found[FER_PER_STREAM_MAX], plain[FER_PER_STREAM_MAX], tracked[FER_PER_STREAM_MAX];
    bool list[FER_PER_STREAM_MAX];
};

struct fer_config fer_config_default(double ebn0_db)
{
    return (struct fer_config){
        .rate_hz = 250e3,
        .side_hz = 92e3,
        .per_stream = 24,
        .class = 2,
        .bit_rate = 100,
        .ebn0_db = ebn0_db,
        .noise_rms = 30,
    };
}

size_t fer_bits(const struct fer_config *c)
{
    return 8 * packet_len[c->class] + 16;
}

double fer_theory_plain(double ebn0_db, size_t bits)
{
    return 1 - pow(1 - 0.5 * exp(-pow(10, ebn0_db / 10)), (double)bits);
}

double fer_theory_tracked(double ebn0_db, size_t bits)
{
    return 1 - pow(1 - 0.5 * erfc(sqrt(pow(10, ebn0_db / 10))), (double)bits + 1);
}

double fer_theory_point(double (*theory)(double, size_t), size_t bits, double loss)
{
    double low = -5, high = 20;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (theory(middle, bits) > loss)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static void make_bursts(const struct fer_config *c, uint64_t seed, struct stream *s)
{
    uint64_t key = rng_key(seed, "fer");
    for (size_t i = 0; i < c->per_stream; i++) {
        uint8_t packet[20];
        uint64_t at = i * 100;
        for (uint64_t k = 0; k < sizeof packet; k++)
            packet[k] = (uint8_t)rng_u64(key, at + k);
        if (c->packet) c->packet(c->ctx, seed * FER_PER_STREAM_MAX + i, packet);
        synth_frame(packet, packet_len[c->class], s->hex[i]);
        for (size_t k = 0; s->hex[i][8 + 2 * k]; k++) {
            char digits[3] = {s->hex[i][8 + 2 * k], s->hex[i][9 + 2 * k], 0};
            s->body[i][k] = (uint8_t)strtoul(digits, NULL, 16);
        }
        double slot = 2 * c->side_hz / (double)c->per_stream;
        s->bursts[i] = (struct synth_burst){
            .hex = s->hex[i],
            .bit_rate = c->bit_rate,
            .start_s = 0.1 + 0.3 * rng_uniform(key, at + 30),
            .f_hz = -c->side_hz + slot * ((double)i + 0.35 + 0.3 * rng_uniform(key, at + 31)),
            .drift_hz_s = c->drift_hz_s * (2 * rng_uniform(key, at + 32) - 1),
            .ebn0_db = c->ebn0_db,
            .rho = c->rho,
            .phase = rng_uniform(key, at + 33),
        };
    }
}

// Cramer-Rao bounds with bits known and phase, frequency and drift fitted together: polynomials
// over n symbols, orthogonal about the middle. The start is bounded by the slopes of its
// transitions, which a hard-keyed burst does not have.
static void add_bounds(const struct synth_burst *sent, size_t symbols, struct fer_tally *t)
{
    double n = (double)symbols, gain = pow(10, sent->ebn0_db / 10), pi = M_PI;
    double rate = sent->bit_rate, flips = 0;
    for (const char *h = sent->hex; *h; h++) {
        int v = *h <= '9' ? *h - '0' : (*h | 32) - 'a' + 10;
        flips += 4 - __builtin_popcount((unsigned)v);
    }
    t->bound_f2 += 12 / (8 * pi * pi * gain * n * n * n) * rate * rate;
    t->bound_drift2 += 720 / (8 * pi * pi * gain * pow(n, 5)) * rate * rate * rate * rate;
    t->bound_start2 += sent->rho / (pi * pi * flips * gain);
}

static void measure(const struct fer_config *c, const struct synth_burst *sent,
                    const struct phy_burst *b, struct fer_tally *t)
{
    double symbols = 33.0 + b->body_bits, middle = symbols / 2 / b->bit_rate;
    double f = b->f_mid_hz - (sent->f_hz + sent->drift_hz_s * middle);
    double drift = b->drift_hz_s - sent->drift_hz_s;
    double start = (b->start_sample / c->rate_hz - sent->start_s) * b->bit_rate;
    t->f_mid_hz2 += f * f;
    t->drift_hz_s2 += drift * drift;
    t->start_symbols2 += start * start;
    add_bounds(sent, (size_t)symbols, t);
    t->measured++;
}

static void count(const struct fer_config *c, struct stream *s, const struct phy_burst *b,
                  struct fer_tally *t)
{
    bool right = false;
    for (size_t i = 0; i < c->per_stream; i++) {
        const struct synth_burst *sent = &s->bursts[i];
        if (fabs(b->f_hz - sent->f_hz) > 0.2 * c->bit_rate ||
            fabs(b->start_sample / c->rate_hz - sent->start_s) > 6 / c->bit_rate)
            continue;
        right = memcmp(b->body, s->body[i], sizeof s->body[i]) == 0;
        s->found[i] = true;
        s->plain[i] |= memcmp(b->body_plain, s->body[i], sizeof s->body[i]) == 0;
        s->tracked[i] |= right && b->how != PHY_HOW_LIST;
        if (right && !s->list[i]) measure(c, sent, b, t);
        s->list[i] |= right;
    }
    if (!b->checked || right) return;
    t->wrong++;
    t->believed += !c->believes || c->believes(c->ctx, b);
}

int fer_stream(const struct fer_config *c, uint64_t seed, struct fer_tally *t, struct err *err)
{
    struct phy_sync syncs[SYNCS];
    struct phy_receive_config config = {
        .rate_hz = c->rate_hz,
        .low_hz = -fmin(96e3, 0.46 * c->rate_hz),
        .high_hz = fmin(96e3, 0.46 * c->rate_hz),
        .bit_rate_100 = c->bit_rate == 100,
        .bit_rate_600 = c->bit_rate == 600,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
        .check = syncs_check,
        .check_ctx = c->ctx, // which the check has no use for
        .vouch = c->vouch,
        .unsure = true, // so that `found` tells what was detected
    };
    double seconds = 0.5 + (33.0 + (double)fer_bits(c)) / c->bit_rate;
    size_t n = (size_t)(seconds * c->rate_hz);
    struct phy_receiver *r = NULL;
    struct phy_burst b;
    struct stream *s = calloc(1, sizeof *s);
    int16_t *iq = malloc(2 * n * sizeof *iq);
    int rc = s && iq ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for %zu samples", n);
    if (rc < 0) goto fail;
    make_bursts(c, seed, s);
    struct synth synth = {c->rate_hz, c->noise_rms, 0, seed, s->bursts, c->per_stream};
    synth_render(&synth, 0, n, iq);
    if (c->disturb) c->disturb(c->ctx, &synth, n, iq);

    rc = phy_receiver_new(&r, &config, err);
    if (rc == ERR_OK) rc = phy_receiver_push(r, iq, n, err);
    if (rc == ERR_OK) rc = phy_receiver_finish(r, err);
    if (rc < 0) goto fail;
    while (phy_receiver_next(r, &b))
        count(c, s, &b, t);
    t->sent += (unsigned)c->per_stream;
    for (size_t i = 0; i < c->per_stream; i++) {
        t->found += s->found[i];
        t->plain += s->plain[i];
        t->tracked += s->tracked[i];
        t->list += s->list[i];
    }
fail:
    phy_receiver_free(r);
    free(iq);
    free(s);
    return rc;
}
