// How fast the receiver is: multiples of real time, and of the time of its own transforms, measured
// side by side in one thread. Not a test: figures depend on the machine.
//
//   bench_receive [RATE LOW HIGH SECONDS BURSTS [BIT_RATES]]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/tests/speed.h"

int main(int argc, char **argv)
{
    const char *bit_rates = argc > 6 ? argv[6] : "100";
    struct speed_config c = {
        .rate_hz = argc > 1 ? atof(argv[1]) : 1e6,
        .low_hz = argc > 2 ? atof(argv[2]) : -96e3,
        .high_hz = argc > 3 ? atof(argv[3]) : 96e3,
        .seconds = argc > 4 ? atof(argv[4]) : 20,
        .bursts = argc > 5 ? (size_t)atoi(argv[5]) : 6,
        .bit_rate_100 = strstr(bit_rates, "100") != NULL,
        .bit_rate_600 = strstr(bit_rates, "600") != NULL,
        .rounds = 3,
    };
    struct speed s;
    struct err err = {0};
    if (speed_measure(&c, &s, &err) < 0) {
        fprintf(stderr, "bench_receive: %s\n", err.text);
        return 3;
    }
    printf("%.0f S/s, %s bit/s, %.0f s, %zu bursts: %.3f s = %.0f x real time, %.2f x own FFTs, "
           "%zu decoded\n",
           c.rate_hz, bit_rates, c.seconds, c.bursts, s.spent_s, c.seconds / s.spent_s,
           s.spent_s / s.ffts_s, s.right);
    return 0;
}
