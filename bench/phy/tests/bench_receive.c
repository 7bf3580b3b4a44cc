// How fast the receiver is: multiples of real time, and of the time of its own transforms, measured
// side by side in one thread. Not a test: figures depend on the machine.
//
//   bench_receive [RATE LOW HIGH SECONDS BURSTS [BIT_RATES]]
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/base/rng.h"
#include "bench/phy/detect.h"
#include "bench/phy/fft.h"
#include "bench/phy/frontend.h"
#include "bench/phy/receive.h"
#include "bench/phy/tests/syncs.h"
#include "bench/phy/tests/synth.h"

enum { BURSTS_MAX = 4096, PUSH = 32768 };

static double cpu_s(void)
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
        double begin = cpu_s();
        for (int i = 0; i < runs; i++)
            phy_fft_run(f);
        double each = (cpu_s() - begin) / runs;
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

static double receive_s(const struct phy_receive_config *config, const int16_t *iq, size_t n,
                        size_t *right)
{
    struct err err = {0};
    struct phy_receiver *r = NULL;
    struct phy_burst burst;
    if (phy_receiver_new(&r, config, &err) < 0) goto fail;
    *right = 0;
    double begin = cpu_s();
    for (size_t at = 0; at < n; at += PUSH) {
        if (phy_receiver_push(r, iq + 2 * at, n - at < PUSH ? n - at : PUSH, &err) < 0) goto fail;
        while (phy_receiver_next(r, &burst))
            *right += burst.checked;
    }
    double spent = cpu_s() - begin;
    if (phy_receiver_finish(r, &err) < 0) goto fail;
    while (phy_receiver_next(r, &burst))
        *right += burst.checked;
    phy_receiver_free(r);
    return spent;
fail:
    fprintf(stderr, "bench_receive: %s\n", err.text);
    exit(3);
}

int main(int argc, char **argv)
{
    double rate = argc > 1 ? atof(argv[1]) : 1e6;
    double low = argc > 2 ? atof(argv[2]) : -96e3, high = argc > 3 ? atof(argv[3]) : 96e3;
    double seconds = argc > 4 ? atof(argv[4]) : 20;
    size_t n_bursts = argc > 5 ? (size_t)atoi(argv[5]) : 6;
    const char *bit_rates = argc > 6 ? argv[6] : "100";
    if (n_bursts > BURSTS_MAX || !(seconds > 3)) return 4;

    static struct synth_burst bursts[BURSTS_MAX];
    static char hex[BURSTS_MAX][64];
    for (size_t i = 0; i < n_bursts; i++) {
        uint64_t key = rng_key(i, "burst");
        static const size_t lens[] = {8, 9, 12, 16, 20};
        uint8_t packet[20];
        for (size_t k = 0; k < sizeof packet; k++)
            packet[k] = (uint8_t)rng_u64(key, k);
        synth_frame(packet, lens[i % 5], hex[i]);
        bursts[i] = (struct synth_burst){
            .hex = hex[i],
            .bit_rate = 100,
            .start_s = 0.2 + (seconds - 2.6) * ((double)i + 0.5) / (double)n_bursts,
            .f_hz = low + 1000 + (high - low - 2000) * rng_uniform(key, 100),
            .drift_hz_s = 10 * (rng_uniform(key, 101) - 0.5),
            .ebn0_db = 20,
            .rho = 0.25,
        };
    }
    struct synth synth = {
        .rate_hz = rate, .noise_rms = 20, .seed = 1, .bursts = bursts, .n_bursts = n_bursts};
    size_t n = (size_t)(seconds * rate);
    int16_t *iq = malloc(n * 2 * sizeof *iq);
    if (!iq) return 3;
    synth_render(&synth, 0, n, iq);

    struct phy_sync syncs[SYNCS];
    struct phy_receive_config config = {
        .rate_hz = rate,
        .low_hz = low,
        .high_hz = high,
        .bit_rate_100 = strstr(bit_rates, "100") != NULL,
        .bit_rate_600 = strstr(bit_rates, "600") != NULL,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
        .check = syncs_check,
    };
    double spent = 1e9;
    size_t right = 0;
    for (int round = 0; round < 3; round++) {
        double each = receive_s(&config, iq, n, &right);
        spent = each < spent ? each : spent;
    }
    double ffts = own_ffts_s(&config, seconds);
    printf("%.0f S/s, %s bit/s, %.0f s, %zu bursts: %.3f s = %.0f x real time, %.2f x own FFTs, "
           "%zu decoded\n",
           rate, bit_rates, seconds, n_bursts, spent, seconds / spent, spent / ffts, right);
    free(iq);
    return 0;
}
