#include "dut/lab/ad936x.h"

#include <stddef.h>

static const int64_t bbpll_min = 715000000, bbpll_max = 1430000000, bbpll_modulus = 2088960;
static const int64_t converter_min = 25000000, converter_max = 640000000;
static const int64_t rate_max = 61440000;
static const int64_t rfpll_modulus = 8388593;

// The fractional PLL of the baseband: steps of xo / 2088960, rounded to the nearest.
static int64_t bbpll_round(int64_t hz, int64_t xo_hz)
{
    int64_t whole = hz / xo_hz;
    int64_t fraction = ((hz % xo_hz) * bbpll_modulus + xo_hz / 2) / xo_hz;
    return whole * xo_hz + fraction * xo_hz / bbpll_modulus;
}

bool ad936x_rates(int64_t rate, bool fir, int64_t xo_hz, struct ad936x_rates *out)
{
    int64_t fir_factor = fir ? 4 : 1;
    // What the half-band filters divide by: 8, and 12 where the converter would run too slow.
    static const int64_t half_bands[][3] = {{2, 2, 2}, {3, 2, 2}, {1, 2, 2}, {1, 1, 2}, {1, 1, 1}};
    if (rate <= 0 || rate > rate_max) return false;
    for (size_t i = 0; i < sizeof half_bands / sizeof *half_bands; i++) {
        const int64_t *h = half_bands[i];
        int64_t product = h[0] * h[1] * h[2];
        int64_t adc = rate * fir_factor * product;
        // A rate that a client rounded down by less than a hertz is still the lowest one.
        if (adc < converter_min - fir_factor * product || adc > converter_max) continue;
        int64_t divider = 2;
        while (adc * divider < bbpll_min)
            divider *= 2;
        if (adc * divider > bbpll_max || divider > 64) continue;
        int64_t bbpll = bbpll_round(adc * divider, xo_hz);
        int64_t true_adc = bbpll / divider;
        int64_t dac = h[0] == 2 ? true_adc / 2 : true_adc; // the transmit side skips that half-band
        int64_t sample = true_adc / product / fir_factor;
        *out = (struct ad936x_rates){
            .bbpll = bbpll,
            .adc = true_adc,
            .r2 = true_adc / h[0],
            .r1 = true_adc / h[0] / h[1],
            .rf = true_adc / product,
            .rxsamp = sample,
            .dac = dac,
            .t2 = true_adc / h[0],
            .t1 = true_adc / h[0] / h[1],
            .tf = true_adc / product,
            .txsamp = sample,
        };
        return true;
    }
    return false;
}

int64_t ad936x_lo(int64_t hz, int64_t xo_hz)
{
    // The driver keeps half the frequency, because it must fit 32 bits; the VCO runs at 6 to 12
    // GHz.
    int64_t reference = 2 * xo_hz;
    int64_t half = hz >> 1;
    int64_t vco = 2 * half;
    int divider = 0;
    while (vco < 6000000000) {
        vco *= 2;
        divider++;
    }
    int64_t whole = vco / reference;
    int64_t fraction =
        (int64_t)(((__int128)(vco % reference) * rfpll_modulus + reference / 2) / reference);
    int64_t made = whole * reference + (int64_t)((__int128)fraction * reference / rfpll_modulus);
    return (made >> (divider + 1)) << 1;
}

void ad936x_rx_gain_range(int64_t lo_hz, int *min_db, int *max_db)
{
    // Limits of the driver's three gain tables; the middle one as the captured unit shows it.
    *min_db = lo_hz <= 1300000000 ? 1 : lo_hz <= 4000000000 ? -3 : -10;
    *max_db = lo_hz <= 1300000000 ? 77 : lo_hz <= 4000000000 ? 71 : 62;
}
