// Frame error rate against Eb/N0, beside theory, and how well bursts are measured. Not a test:
// takes seconds to minutes.
//
//   bench_fer [EBN0 … | --class A..E --rate 100|600 --drift HZ_S --rho R --frames N]
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/phy/receive.h"
#include "bench/phy/tests/syncs.h"
#include "bench/phy/tests/synth.h"

enum { PER_STREAM = 24, CHUNK = 25000 };

struct options {
    int class;
    double bit_rate, drift_hz_s, rho;
    int frames;
};

struct tally {
    int sent, detected, plain, tracked, list, wrong;
    double f2, drift2, start2; // sums of squared errors of right frames
    int measured;
};

static const size_t packet_len[] = {8, 9, 12, 16, 20};
static const double stream_rate_hz = 250e3;

static double theory_plain(double ebn0_db, double bits)
{
    return 1 - pow(1 - 0.5 * exp(-pow(10, ebn0_db / 10)), bits);
}

static double theory_tracked(double ebn0_db, double symbols)
{
    return 1 - pow(1 - 0.5 * erfc(sqrt(pow(10, ebn0_db / 10))), symbols);
}

static void count(struct tally *t, const struct synth_burst *sent, const struct phy_burst *b,
                  double rate)
{
    uint8_t body[PHY_BODY_BITS_MAX / 8] = {0};
    for (size_t i = 0; sent->hex[8 + 2 * i]; i++) {
        char digits[3] = {sent->hex[8 + 2 * i], sent->hex[9 + 2 * i], 0};
        body[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    t->detected++;
    bool plain = memcmp(b->body_plain, body, sizeof body) == 0;
    bool right = memcmp(b->body, body, sizeof body) == 0;
    t->plain += plain;
    t->tracked += right && b->how != PHY_HOW_LIST;
    t->list += right;
    if (!right) return;
    double symbols = 33.0 + b->body_bits, middle = symbols / 2 / b->bit_rate;
    double f = b->f_mid_hz - (sent->f_hz + sent->drift_hz_s * middle);
    double start = (b->start_sample / rate - sent->start_s) * b->bit_rate;
    t->f2 += f * f;
    t->drift2 += (b->drift_hz_s - sent->drift_hz_s) * (b->drift_hz_s - sent->drift_hz_s);
    t->start2 += start * start;
    t->measured++;
}

static int run_stream(const struct options *o, double ebn0_db, uint64_t seed, struct tally *t)
{
    static struct synth_burst bursts[PER_STREAM];
    static char hex[PER_STREAM][64];
    uint64_t key = rng_key(seed, "fer");
    for (int i = 0; i < PER_STREAM; i++) {
        uint8_t packet[20];
        uint64_t at = (uint64_t)i * 100;
        for (uint64_t k = 0; k < sizeof packet; k++)
            packet[k] = (uint8_t)rng_u64(key, at + k);
        synth_frame(packet, packet_len[o->class], hex[i]);
        bursts[i] = (struct synth_burst){
            .hex = hex[i],
            .bit_rate = o->bit_rate,
            .start_s = 0.1 + 0.3 * rng_uniform(key, at + 30),
            .f_hz = -92e3 + 184e3 * ((double)i + 0.3 * rng_uniform(key, at + 31)) / PER_STREAM,
            .drift_hz_s = o->drift_hz_s * (2 * rng_uniform(key, at + 32) - 1),
            .ebn0_db = ebn0_db,
            .rho = o->rho,
            .phase = rng_uniform(key, at + 33),
        };
    }
    struct synth s = {stream_rate_hz, 30, 0, seed, bursts, PER_STREAM};
    struct phy_sync syncs[SYNCS];
    struct phy_receive_config config = {
        .rate_hz = stream_rate_hz,
        .low_hz = -96e3,
        .high_hz = 96e3,
        .bit_rate_100 = o->bit_rate == 100,
        .bit_rate_600 = o->bit_rate == 600,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
        .check = syncs_check,
        .unsure = true, // so that `found` tells what was detected
    };
    struct err e = {0};
    struct phy_receiver *r = NULL;
    if (phy_receiver_new(&r, &config, &e) < 0) goto fail;
    double seconds = 0.4 + 0.1 + (33.0 + 8 * (double)packet_len[o->class] + 16) / o->bit_rate;
    int64_t n = (int64_t)(seconds * stream_rate_hz);
    static int16_t iq[2 * CHUNK];
    for (int64_t at = 0; at < n; at += CHUNK) {
        synth_render(&s, at, CHUNK, iq);
        if (phy_receiver_push(r, iq, CHUNK, &e) < 0) goto fail;
    }
    if (phy_receiver_finish(r, &e) < 0) goto fail;
    t->sent += PER_STREAM;
    struct phy_burst b;
    while (phy_receiver_next(r, &b)) {
        int hit = -1;
        for (int i = 0; i < PER_STREAM; i++)
            if (fabs(b.f_hz - bursts[i].f_hz) < 0.2 * o->bit_rate &&
                fabs(b.start_sample / stream_rate_hz - bursts[i].start_s) < 6 / o->bit_rate)
                hit = i;
        int before = t->list;
        if (hit >= 0) count(t, &bursts[hit], &b, stream_rate_hz);
        t->wrong += b.checked && t->list == before;
    }
    phy_receiver_free(r);
    return 0;
fail:
    fprintf(stderr, "bench_fer: %s\n", e.text);
    phy_receiver_free(r);
    return 3;
}

int main(int argc, char **argv)
{
    struct options o = {.class = 2, .bit_rate = 100, .frames = 480};
    double points[64];
    int n_points = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--class") == 0)
            o.class = value[0] - 'A', i++;
        else if (strcmp(argv[i], "--rate") == 0)
            o.bit_rate = atof(value), i++;
        else if (strcmp(argv[i], "--drift") == 0)
            o.drift_hz_s = atof(value), i++;
        else if (strcmp(argv[i], "--rho") == 0)
            o.rho = atof(value), i++;
        else if (strcmp(argv[i], "--frames") == 0)
            o.frames = atoi(value), i++;
        else if (n_points < 64)
            points[n_points++] = atof(argv[i]);
    }
    if (o.class < 0 || o.class > 4) return 4;
    if (!n_points)
        for (double p = 4; p <= 9; p++)
            points[n_points++] = p;
    double bits = 8 * (double)packet_len[o.class] + 16;
    printf("class %c, %.0f bit/s, drift +-%.0f Hz/s, rho %.2f; loss: theory / measured\n",
           'A' + o.class, o.bit_rate, o.drift_hz_s, o.rho);
    printf(" Eb/N0  frames  found   plain           tracked         list    wrong  f_mid Hz  "
           "drift Hz/s  start sym\n");
    for (int p = 0; p < n_points; p++) {
        struct tally t = {0};
        for (uint64_t seed = 1; t.sent < o.frames; seed++)
            if (run_stream(&o, points[p], seed + 1000 * (uint64_t)(10 * points[p]), &t)) return 3;
        double n = t.sent, m = t.measured ? t.measured : 1;
        printf(
            "%6.1f  %6d  %.3f  %.3f / %.3f   %.3f / %.3f   %.3f   %4d   %.4f    %.4f      %.4f\n",
            points[p], t.sent, t.detected / n, theory_plain(points[p], bits), 1 - t.plain / n,
            theory_tracked(points[p], bits + 1), 1 - t.tracked / n, 1 - t.list / n, t.wrong,
            sqrt(t.f2 / m), sqrt(t.drift2 / m), sqrt(t.start2 / m));
        fflush(stdout);
    }
    return 0;
}
