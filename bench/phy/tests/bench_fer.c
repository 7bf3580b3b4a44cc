// Frame error rate against Eb/N0, beside theory, and how well bursts are measured. Not a test:
// takes seconds to minutes.
//
//   bench_fer [EBN0 … | --class A..E --rate 100|600 --drift HZ_S --rho R --frames N]
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/tests/fer.h"

enum { POINTS_MAX = 64 };

static int run_point(struct fer_config *c, double ebn0_db, unsigned frames)
{
    struct fer_tally t = {0};
    struct err err = {0};
    c->ebn0_db = ebn0_db;
    for (uint64_t seed = 1; t.sent < frames; seed++)
        if (fer_stream(c, seed + 1000 * (uint64_t)(10 * ebn0_db), &t, &err) < 0) {
            fprintf(stderr, "bench_fer: %s\n", err.text);
            return 3;
        }
    double n = t.sent, m = t.measured ? t.measured : 1;
    printf("%6.1f  %6u  %.3f  %.3f / %.3f   %.3f / %.3f   %.3f   %4u   %.4f / %.4f   "
           "%.4f / %.4f   %.4f / %.4f\n",
           ebn0_db, t.sent, t.found / n, fer_theory_plain(ebn0_db, fer_bits(c)), 1 - t.plain / n,
           fer_theory_tracked(ebn0_db, fer_bits(c)), 1 - t.tracked / n, 1 - t.list / n, t.wrong,
           sqrt(t.bound_f2 / m), sqrt(t.f_mid_hz2 / m), sqrt(t.bound_drift2 / m),
           sqrt(t.drift_hz_s2 / m), sqrt(t.bound_start2 / m), sqrt(t.start_symbols2 / m));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct fer_config c = fer_config_default(0);
    unsigned frames = 480;
    double points[POINTS_MAX];
    int n_points = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--class") == 0)
            c.class = value[0] - 'A', i++;
        else if (strcmp(argv[i], "--rate") == 0)
            c.bit_rate = atof(value), i++;
        else if (strcmp(argv[i], "--drift") == 0)
            c.drift_hz_s = atof(value), i++;
        else if (strcmp(argv[i], "--rho") == 0)
            c.rho = atof(value), i++;
        else if (strcmp(argv[i], "--frames") == 0)
            frames = (unsigned)atoi(value), i++;
        else if (n_points < POINTS_MAX)
            points[n_points++] = atof(argv[i]);
    }
    if (c.class < 0 || c.class > 4) return 4;
    if (!n_points)
        for (double p = 4; p <= 9; p++)
            points[n_points++] = p;
    printf("class %c, %.0f bit/s, drift +-%.0f Hz/s, rho %.2f; loss: theory / measured; errors: "
           "bound / measured\n",
           'A' + c.class, c.bit_rate, c.drift_hz_s, c.rho);
    printf(
        " Eb/N0  frames  found   plain           tracked         list    wrong  f_mid Hz          "
        "drift Hz/s        start symbols\n");
    for (int p = 0; p < n_points; p++)
        if (run_point(&c, points[p], frames)) return 3;
    return 0;
}
