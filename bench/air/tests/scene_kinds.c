// What each kind of scene is made of.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/air/tests/scene.h"
#include "bench/base/rng.h"

struct dice {
    uint64_t key, at;
};

static double uniform(struct dice *d, double low, double high)
{
    return low + (high - low) * rng_uniform(d->key, d->at++);
}

static size_t choose(struct dice *d, size_t n)
{
    return (size_t)(rng_u64(d->key, d->at++) % n);
}

static double sign(struct dice *d)
{
    return choose(d, 2) ? 1 : -1;
}

// Classes A to E, and control frames as long as D.
static const size_t class_len[] = {8, 9, 12, 16, 20, 16};
static const unsigned control_type[] = {0x0f67, 0x0fc9, 0x11be};

static void set_rank(struct scene_burst *b, size_t class, unsigned rank)
{
    synth_frame_rank(b->packet, b->packet_len - 2, rank, b->hex);
    if (class == 5) {
        char head[9];
        snprintf(head, sizeof head, "%08x", 0x55555u << 13 | control_type[rank - 1]);
        memcpy(b->hex, head, 8);
    }
    b->rank = rank;
}

static struct scene_burst *add(struct scene *s, struct dice *d, size_t class, unsigned rank)
{
    struct scene_burst *b = &s->bursts[s->n_bursts++];
    *b = (struct scene_burst){.bit_rate = 100, .rho = 0.25};
    size_t len = class_len[class];
    for (size_t i = 0; i < len; i++)
        b->packet[i] = (uint8_t)rng_u64(d->key, d->at++);
    if (class == 5) b->packet[0] &= 0xfb; // control frames do not ask for a downlink
    uint16_t crc = synth_crc(b->packet, len);
    b->packet[len] = (uint8_t)(crc >> 8);
    b->packet[len + 1] = (uint8_t)crc;
    b->packet_len = len + 2;
    set_rank(b, class, rank);
    return b;
}

static struct scene_burst *add_any(struct scene *s, struct dice *d)
{
    size_t class = choose(d, 6);
    return add(s, d, class, 1 + (unsigned)choose(d, 3));
}

static void place(struct scene_burst *b, double t_s, double f_hz, double ebn0_db)
{
    b->t_s = t_s;
    b->f_hz = f_hz;
    b->ebn0_db = ebn0_db;
}

static double cn0_db(const struct scene_burst *b)
{
    return b->ebn0_db + 10 * log10(b->bit_rate);
}

static struct scene_jammer *jam(struct scene *s, enum scene_jammer_kind kind, double f_hz,
                                double jn0_dbhz)
{
    struct scene_jammer *j = &s->jammers[s->n_jammers++];
    *j = (struct scene_jammer){.kind = kind,
                               .f_hz = f_hz,
                               .jn0_dbhz = jn0_dbhz,
                               .period_s = 0.1,
                               .duty = 1,
                               .t1_s = s->seconds};
    return j;
}

static void weak(struct scene *s, struct dice *d)
{
    double ebn0 = uniform(d, 6.5, 12);
    for (size_t i = 0; i < 12; i++) {
        struct scene_burst *b = add_any(s, d);
        place(b, uniform(d, 0.1, 0.9), -20e3 + 3.6e3 * (double)i + uniform(d, -300, 300), ebn0);
        b->drift_hz_s = uniform(d, -5, 5);
    }
}

static void ranks(struct scene *s, struct dice *d)
{
    size_t class = choose(d, 6);
    double ebn0 = uniform(d, 3, 5), t = 0.5, drift = uniform(d, -3, 3);
    struct scene_burst *first = add(s, d, class, 1);
    for (unsigned rank = 1; rank <= 3; rank++) {
        struct scene_burst *b = first;
        if (rank > 1) {
            b = &s->bursts[s->n_bursts++];
            *b = *first;
            set_rank(b, class, rank);
        }
        place(b, t, uniform(d, -20e3, 20e3), ebn0);
        b->drift_hz_s = drift;
        t += (33 + 8 * (double)b->packet_len) / 100 + 0.5;
    }
    s->seconds = t + 0.3;
}

static void drift(struct scene *s, struct dice *d)
{
    for (size_t i = 0; i < 4; i++) {
        struct scene_burst *b = add(s, d, 4 - choose(d, 2), 1 + (unsigned)choose(d, 3));
        place(b, uniform(d, 0.2, 0.6), -15e3 + 10e3 * (double)i, 13);
        b->drift_hz_s = sign(d) * uniform(d, 15, 30);
    }
}

static void neighbour(struct scene *s, struct dice *d)
{
    static const double apart[] = {300, 500, 1000, 2000, 4000, 6000};
    static const double more[] = {20, 30, 35, 40, 45, 50};
    size_t i = choose(d, 6);
    double f = uniform(d, -10e3, 10e3);
    struct scene_burst *b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), f, 13);
    b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), f + sign(d) * apart[i], 13 + more[i]);
    s->noise_rms = 5;
}

static void iq(struct scene *s, struct dice *d)
{
    s->noise_rms = 3;
    s->iq_gain_db = sign(d) * uniform(d, 0.3, 1.5);
    s->iq_phase_deg = sign(d) * uniform(d, 1, 8);
    for (size_t i = 0; i < 1 + choose(d, 3); i++)
        place(add_any(s, d), uniform(d, 0.3, 0.7), uniform(d, -20e3, 20e3), uniform(d, 30, 48));
}

static void dc(struct scene *s, struct dice *d)
{
    s->dc_i = sign(d) * uniform(d, 2, 60);
    s->dc_q = sign(d) * uniform(d, 2, 60);
    static const double apart[] = {45, 60, 80, 120, 200, 500};
    place(add_any(s, d), uniform(d, 0.3, 0.6), sign(d) * apart[choose(d, 6)], uniform(d, 15, 25));
}

static void clip(struct scene *s, struct dice *d)
{
    s->noise_rms = 5;
    s->limit = uniform(d, 60, 400);
    for (size_t i = 0; i < 1 + choose(d, 3); i++)
        place(add_any(s, d), uniform(d, 0.3, 0.7), uniform(d, -20e3, 20e3), uniform(d, 45, 58));
}

static void phase_noise(struct scene *s, struct dice *d)
{
    s->phase_deg_symbol = uniform(d, 2, 8);
    for (size_t i = 0; i < 4; i++)
        place(add_any(s, d), uniform(d, 0.3, 0.7), -15e3 + 10e3 * (double)i, uniform(d, 13, 20));
}

static void jam_cw(struct scene *s, struct dice *d)
{
    static const double apart[] = {60, 100, 150, 200, 300, 500, 1000, 2000, 5000};
    static const double js[] = {3, 6, 10, 10, 15, 15, 20, 25, 35};
    size_t i = choose(d, 9);
    struct scene_burst *b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), uniform(d, -10e3, 10e3), 20);
    jam(s, SCENE_JAMMER_CW, b->f_hz + sign(d) * apart[i], cn0_db(b) + js[i]);
}

static void jam_noise(struct scene *s, struct dice *d)
{
    struct scene_burst *b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), uniform(d, -5e3, 5e3), 20);
    double bw = pow(10, uniform(d, 2.5, 4.3));
    // inside the band, by so much that some 9 to 12 dB are left
    double left = uniform(d, 9, 12);
    jam(s, SCENE_JAMMER_NOISE, b->f_hz, 40 - left + 10 * log10(bw) - 20)->bw_hz = bw;
}

static void jam_beside(struct scene *s, struct dice *d)
{
    struct scene_burst *b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), uniform(d, -5e3, 5e3), 20);
    double bw = uniform(d, 1000, 6000);
    jam(s, SCENE_JAMMER_NOISE, b->f_hz + sign(d) * (bw / 2 + uniform(d, 200, 1500)),
        40 + uniform(d, 10, 30))
        ->bw_hz = bw;
}

static void jam_sweep(struct scene *s, struct dice *d)
{
    struct scene_burst *b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), uniform(d, -10e3, 10e3), 20);
    struct scene_jammer *j = jam(s, SCENE_JAMMER_SWEEP, 0, 40 + uniform(d, 3, 12));
    j->bw_hz = uniform(d, 30e3, 46e3);
    j->period_s = pow(10, uniform(d, -1.7, 0));
}

static void jam_pulse(struct scene *s, struct dice *d)
{
    struct scene_burst *b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), uniform(d, -10e3, 10e3), 20);
    struct scene_jammer *j = jam(s, choose(d, 2) ? SCENE_JAMMER_CW : SCENE_JAMMER_NOISE,
                                 b->f_hz + uniform(d, -40, 40), 40 + uniform(d, -3, 10));
    j->bw_hz = 2000;
    j->period_s = uniform(d, 0.2, 1);
    j->duty = uniform(d, 0.01, 0.04) / j->period_s;
}

static void jam_bpsk(struct scene *s, struct dice *d)
{
    struct scene_burst *b = add_any(s, d);
    place(b, uniform(d, 0.3, 0.6), uniform(d, -10e3, 10e3), 20);
    jam(s, SCENE_JAMMER_BPSK, b->f_hz + sign(d) * uniform(d, 100, 600), 40 + uniform(d, -6, 6));
}

static void collide(struct scene *s, struct dice *d)
{
    static const double apart[] = {25, 60, 80, 100, 150, 200};
    double f = uniform(d, -10e3, 10e3), more = uniform(d, 0, 20);
    place(add_any(s, d), uniform(d, 0.3, 0.8), f, 15);
    place(add_any(s, d), uniform(d, 0.3, 0.8), f + sign(d) * apart[choose(d, 6)], 15 + more);
}

static void both_rates(struct scene *s, struct dice *d)
{
    static const double rates[] = {192e3, 250e3, 520833.333333, 1e6};
    s->rate_hz = rates[choose(d, 4)];
    s->noise_rms = 30;
    double edge = fmin(s->rate_hz / 2 - 2e3, 94e3), step = 2 * edge / 12;
    edge -= step / 2;
    for (size_t i = 0; i < 12; i++) {
        struct scene_burst *b = add_any(s, d);
        place(b, uniform(d, 0.1, 0.6), -edge + step * ((double)i + uniform(d, -0.3, 0.3)),
              uniform(d, 9, 20));
        b->drift_hz_s = uniform(d, -10, 10);
        if (choose(d, 2)) b->bit_rate = 600;
    }
}

static void odd_rate(struct scene *s, struct dice *d)
{
    static const double rates[] = {48000,    50000,  61440, 100000, 122880.5,
                                   333333.3, 768000, 2.4e6, 2.5e6};
    s->rate_hz = rates[choose(d, 9)];
    s->noise_rms = 30;
    bool fast = s->rate_hz > 1e6;
    if (fast) s->seconds = 0.8;
    double edge = fmin(s->rate_hz / 2 - 2e3, 94e3);
    for (size_t i = 0; i < 5; i++) {
        struct scene_burst *b = add_any(s, d);
        place(b, uniform(d, 0.1, 0.3), -edge + 2 * edge * ((double)i + 0.5) / 5,
              uniform(d, 10, 25));
        if (fast) b->bit_rate = 600;
    }
}

// First and last symbols at the ends of the recording, and bursts of which a piece is missing.
static void ends(struct scene *s, struct dice *d)
{
    for (size_t i = 0; i < 8; i++) {
        struct scene_burst *b = add_any(s, d);
        double length = (33 + 8 * (double)b->packet_len) / 100, t = 0;
        if (i == 0) t = 0.002;
        if (i == 1) t = s->seconds - length - 0.002;
        if (i == 2 || i == 3) t = -uniform(d, 0.02, length - 0.05);
        if (i == 4 || i == 5) t = s->seconds - uniform(d, 0.05, length - 0.02);
        if (i > 5) t = uniform(d, 0.3, s->seconds - length - 0.3);
        b->cut = i >= 2 && i <= 5;
        place(b, t, -18e3 + 5e3 * (double)i, uniform(d, 12, 25));
    }
}

static void crowd(struct scene *s, struct dice *d)
{
    s->seconds = 4;
    for (size_t i = 0; i < 30; i++) {
        struct scene_burst *b = add_any(s, d);
        place(b, uniform(d, 0.05, 1.8), -21e3 + 1.45e3 * (double)i + uniform(d, -300, 300),
              uniform(d, 10, 35));
    }
}

static void twins(struct scene *s, struct dice *d)
{
    // the same packet from two senders at once, and again a little later
    struct scene_burst *a = add(s, d, 2, 1), *b;
    place(a, 0.3, uniform(d, -18e3, -3e3), uniform(d, 12, 20));
    b = &s->bursts[s->n_bursts++];
    *b = *a;
    place(b, 0.3 + uniform(d, 0.05, 0.5), uniform(d, 3e3, 18e3), a->ebn0_db + uniform(d, -4, 4));
    b = &s->bursts[s->n_bursts++];
    *b = *a;
    s->seconds = 4.5;
    place(b, 2.5, a->f_hz, a->ebn0_db);
}

static void noise(struct scene *s, struct dice *d)
{
    (void)d;
    s->seconds = 6;
}

static void carriers(struct scene *s, struct dice *d)
{
    double f = uniform(d, -10e3, 10e3), level = uniform(d, 25, 60), apart = uniform(d, 40, 60);
    for (int i = -1; i <= 1; i++)
        jam(s, SCENE_JAMMER_CW, f + i * apart, level + uniform(d, -2, 2));
}

static void strangers(struct scene *s, struct dice *d)
{
    jam(s, SCENE_JAMMER_BPSK, uniform(d, -10e3, 10e3), uniform(d, 30, 60));
    jam(s, SCENE_JAMMER_SWEEP, 0, uniform(d, 40, 65))->bw_hz = uniform(d, 1e3, 40e3);
    struct scene_jammer *j =
        jam(s, SCENE_JAMMER_NOISE, uniform(d, -10e3, 10e3), uniform(d, 50, 75));
    j->bw_hz = uniform(d, 500, 10e3);
    j->period_s = uniform(d, 0.02, 1);
    j->duty = uniform(d, 0.1, 1);
}

static const struct {
    const char *name;
    void (*fill)(struct scene *, struct dice *);
} kinds[] = {
    {"weak", weak},
    {"ranks", ranks},
    {"drift", drift},
    {"neighbour", neighbour},
    {"iq", iq},
    {"dc", dc},
    {"clip", clip},
    {"phase_noise", phase_noise},
    {"jam_cw", jam_cw},
    {"jam_noise", jam_noise},
    {"jam_beside", jam_beside},
    {"jam_sweep", jam_sweep},
    {"jam_pulse", jam_pulse},
    {"jam_bpsk", jam_bpsk},
    {"collide", collide},
    {"both_rates", both_rates},
    {"odd_rate", odd_rate},
    {"ends", ends},
    {"crowd", crowd},
    {"twins", twins},
    {"noise", noise},
    {"carriers", carriers},
    {"strangers", strangers},
};

const char *scene_kind_name(size_t kind)
{
    return kind < sizeof kinds / sizeof kinds[0] ? kinds[kind].name : NULL;
}

void scene_make(size_t kind, uint64_t number, struct scene *out)
{
    *out = (struct scene){.rate_hz = 48000, .seconds = 3.2, .noise_rms = 20, .limit = 2047};
    out->key = rng_key(number, kinds[kind].name);
    struct dice d = {.key = out->key};
    kinds[kind].fill(out, &d);
}
