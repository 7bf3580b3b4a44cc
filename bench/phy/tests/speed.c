#include "bench/phy/tests/speed.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "bench/base/rng.h"
#include "bench/phy/detect.h"
#include "bench/phy/fft.h"
#include "bench/phy/frontend.h"
#include "bench/phy/receive.h"
#include "bench/phy/tests/syncs.h"
#include "bench/phy/tests/synth.h"

enum { PUSH = 32768 };

double speed_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double time_of_fft(size_t n, enum phy_fft_direction direction, double count)
{
    struct phy_fft *f;
    struct err err = {0};
    if (phy_fft_new(&f, n, direction, &err) < 0) return 0;
    for (size_t i = 0; i < n; i++)
        phy_fft_in(f)[i] = (float)(i % 7);
    int runs = 1 + (int)(4e6 / (double)n);
    double best = 1e9;
    for (int round = 0; round < 3; round++) {
        double begin = speed_cpu_s();
        for (int i = 0; i < runs; i++)
            phy_fft_run(f);
        double each = (speed_cpu_s() - begin) / runs;
        best = each < best ? each : best;
    }
    phy_fft_free(f);
    return best * count;
}

// What the receiver's own transforms cost for so many seconds of this stream.
static double own_ffts_s(const struct phy_receive_config *c, double seconds)
{
    struct phy_frontend *frontend;
    struct err err = {0};
    if (phy_frontend_new(&frontend, c->rate_hz, c->low_hz, c->high_hz, &err) < 0) return 0;
    unsigned d = phy_frontend_decimation(frontend);
    phy_frontend_free(frontend);
    double rate = c->rate_hz / d, blocks = seconds * rate / PHY_FRONTEND_BLOCK, sum = 0;
    if (d > 1)
        sum += time_of_fft(512 * d, PHY_FFT_FORWARD, blocks) +
               time_of_fft(512, PHY_FFT_BACKWARD, blocks);
    if (c->bit_rate_100)
        sum += time_of_fft(phy_fft_good_size((size_t)(32 * rate / 100)), PHY_FFT_FORWARD,
                           seconds * 100 / PHY_DETECT_HOP_SYMBOLS);
    if (c->bit_rate_600)
        sum += time_of_fft(phy_fft_good_size((size_t)(32 * rate / 600)), PHY_FFT_FORWARD,
                           seconds * 600 / PHY_DETECT_HOP_SYMBOLS);
    return sum;
}

static int receive(const struct phy_receive_config *config, const int16_t *iq, size_t n,
                   struct speed *out, struct err *err)
{
    struct phy_receiver *r = NULL;
    struct phy_burst burst;
    int rc = phy_receiver_new(&r, config, err);
    out->right = 0;
    double begin = speed_cpu_s();
    for (size_t at = 0; at < n && rc == ERR_OK; at += PUSH) {
        rc = phy_receiver_push(r, iq + 2 * at, n - at < PUSH ? n - at : PUSH, err);
        while (rc == ERR_OK && phy_receiver_next(r, &burst))
            out->right += burst.checked;
    }
    out->spent_s = speed_cpu_s() - begin;
    if (rc == ERR_OK) rc = phy_receiver_finish(r, err);
    while (rc == ERR_OK && phy_receiver_next(r, &burst))
        out->right += burst.checked;
    phy_receiver_free(r);
    return rc;
}

static void make_bursts(const struct speed_config *c, struct synth_burst *bursts,
                        char (*hex)[SYNTH_HEX])
{
    for (size_t i = 0; i < c->bursts; i++) {
        uint64_t key = rng_key(i, "burst");
        static const size_t lens[] = {8, 9, 12, 16, 20};
        uint8_t packet[20];
        for (size_t k = 0; k < sizeof packet; k++)
            packet[k] = (uint8_t)rng_u64(key, k);
        synth_frame(packet, lens[i % 5], hex[i]);
        bursts[i] = (struct synth_burst){
            .hex = hex[i],
            .bit_rate = 100,
            .start_s = 0.2 + (c->seconds - 2.6) * ((double)i + 0.5) / (double)c->bursts,
            .f_hz = c->low_hz + 1000 + (c->high_hz - c->low_hz - 2000) * rng_uniform(key, 100),
            .drift_hz_s = 10 * (rng_uniform(key, 101) - 0.5),
            .ebn0_db = 20,
            .rho = 0.25,
        };
    }
}

int speed_measure(const struct speed_config *c, struct speed *out, struct err *err)
{
    if (c->bursts > SPEED_BURSTS_MAX || !(c->seconds > 3))
        return err_set(err, ERR_USAGE, "expected at most %d bursts in more than 3 s",
                       SPEED_BURSTS_MAX);
    size_t n = (size_t)(c->seconds * c->rate_hz);
    struct synth_burst *bursts = calloc(c->bursts + 1, sizeof *bursts);
    char(*hex)[SYNTH_HEX] = calloc(c->bursts + 1, sizeof *hex);
    int16_t *iq = malloc(n * 2 * sizeof *iq);
    int rc = bursts && hex && iq ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for %zu samples", n);
    if (rc < 0) goto fail;
    make_bursts(c, bursts, hex);
    struct synth synth = {c->rate_hz, 20, 0, 1, bursts, c->bursts};
    synth_render(&synth, 0, n, iq);

    struct phy_sync syncs[SYNCS];
    struct phy_receive_config config = {
        .rate_hz = c->rate_hz,
        .low_hz = c->low_hz,
        .high_hz = c->high_hz,
        .bit_rate_100 = c->bit_rate_100,
        .bit_rate_600 = c->bit_rate_600,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
        .check = syncs_check,
    };
    *out = (struct speed){.spent_s = 1e9};
    for (unsigned round = 0; round < c->rounds && rc == ERR_OK; round++) {
        struct speed one;
        rc = receive(&config, iq, n, &one, err);
        out->right = one.right;
        if (one.spent_s < out->spent_s) out->spent_s = one.spent_s;
    }
    out->ffts_s = own_ffts_s(&config, c->seconds);
fail:
    free(iq);
    free(hex);
    free(bursts);
    return rc;
}
