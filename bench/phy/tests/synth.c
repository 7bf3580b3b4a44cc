#include "bench/phy/tests/synth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/rng.h"

static int hex_bit(const char *hex, size_t i)
{
    char c = hex[i / 4];
    int v = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    return v >> (3 - i % 4) & 1;
}

size_t synth_symbols(const struct synth_burst *b)
{
    return 4 * strlen(b->hex) + 1;
}

// A transition costs half its width.
double synth_mean_power(const struct synth_burst *b)
{
    size_t n = synth_symbols(b), flips = 0;
    for (size_t i = 0; i + 1 < n; i++)
        flips += !hex_bit(b->hex, i);
    return 1 - b->rho * 0.5 * (double)flips / (double)n;
}

double synth_phase_error(const struct synth *s, const struct synth_flaws *flaws, size_t b, size_t k)
{
    if (!(flaws->phase_rms > 0)) return 0;
    return flaws->phase_rms * rng_normal(rng_key(s->seed, "phase"), 1000 * b + k);
}

static double flawed_level(const struct synth_flaws *flaws, double k, double symbols)
{
    if (flaws->overshoot_db == 0 && flaws->droop_db == 0) return 1;
    double db = k >= 0 && k < 0.5 ? flaws->overshoot_db : 0;
    return pow(10, (db - flaws->droop_db * (k / symbols - 0.5)) / 20);
}

static void add_burst(const struct synth *s, const struct synth_flaws *flaws, size_t index,
                      int64_t from, size_t n, double complex *sum)
{
    enum { SYMBOLS_MAX = 8 * 26 + 1 };
    const struct synth_burst *b = &s->bursts[index];
    int sign[SYMBOLS_MAX];
    size_t symbols = synth_symbols(b);
    double t_symbol = 1 / (b->bit_rate * (1 + flaws->rate_error));
    double up = flaws->ramp_up > 0 ? flaws->ramp_up : 0.5;
    double down = flaws->ramp_down > 0 ? flaws->ramp_down : 0.5;
    double begin = b->start_s - up * t_symbol;
    double end = b->start_s + ((double)symbols + down) * t_symbol;
    if ((double)from / s->rate_hz > end || (double)(from + (int64_t)n) / s->rate_hz < begin) return;

    sign[0] = 1;
    for (size_t i = 1; i < symbols; i++)
        sign[i] = hex_bit(b->hex, i - 1) ? sign[i - 1] : -sign[i - 1];
    double n0 = 2 * s->noise_rms * s->noise_rms / s->rate_hz;
    double amplitude = sqrt(pow(10, b->ebn0_db / 10) * n0 * b->bit_rate / synth_mean_power(b));
    for (size_t i = 0; i < n; i++) {
        double t = (double)(from + (int64_t)i) / s->rate_hz - b->start_s, k = t / t_symbol, y;
        size_t q = k < 0 ? 0 : k >= (double)symbols ? symbols - 1 : (size_t)k;
        if (k < -up || k > (double)symbols + down) continue;
        if (k < 0) {
            y = 0.5 * (1 + cos(M_PI * k / up));
        } else if (k >= (double)symbols) {
            y = sign[q] * 0.5 * (1 + cos(M_PI * (k - (double)symbols) / down));
        } else {
            double part = k - (double)q, half = b->rho / 2;
            y = sign[q];
            if (half > 0 && part > 1 - half && q + 1 < symbols && sign[q + 1] != sign[q])
                y *= sin(M_PI / 2 * (1 - part) / half);
            else if (half > 0 && part < half && q > 0 && sign[q - 1] != sign[q])
                y *= sin(M_PI / 2 * part / half);
        }
        double turns = b->f_hz * t + 0.5 * b->drift_hz_s * t * t + b->phase;
        turns += synth_phase_error(s, flaws, index, q) / (2 * M_PI);
        if (y < 0) turns += flaws->step_error / (2 * M_PI);
        turns -= floor(turns);
        sum[i] +=
            amplitude * flawed_level(flaws, k, (double)symbols) * y * cexp(2 * M_PI * I * turns);
    }
}

static int16_t word(double v)
{
    return (int16_t)lrint(fmax(-2048, fmin(2047, v)));
}

void synth_render(const struct synth *s, int64_t from, size_t n, int16_t *iq)
{
    synth_render_flawed(s, &(struct synth_flaws){0}, from, n, iq);
}

void synth_render_flawed(const struct synth *s, const struct synth_flaws *flaws, int64_t from,
                         size_t n, int16_t *iq)
{
    enum { PIECE = 1024 };
    uint64_t key = rng_key(s->seed, "synth");
    while (n) {
        size_t m = n < PIECE ? n : PIECE;
        double complex sum[PIECE];
        for (size_t i = 0; i < m; i++) {
            uint64_t at = 2 * (uint64_t)(from + (int64_t)i);
            sum[i] = s->no_noise
                         ? 0
                         : s->noise_rms * CMPLX(rng_normal(key, at), rng_normal(key, at + 1));
        }
        for (size_t b = 0; b < s->n_bursts; b++)
            add_burst(s, flaws, b, from, m, sum);
        for (size_t i = 0; i < m; i++) {
            iq[2 * i] = word(creal(sum[i]));
            iq[2 * i + 1] = word(cimag(sum[i]));
        }
        iq += 2 * m;
        from += (int64_t)m;
        n -= m;
    }
}

uint16_t synth_crc(const uint8_t *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < 8 * len; i++) {
        unsigned bit = data[i / 8] >> (7 - i % 8) & 1, top = crc >> 15 & 1;
        crc = (crc << 1 & 0xffff) ^ (bit ^ top ? 0x1021 : 0);
    }
    return (uint16_t)~crc;
}

void synth_frame(const uint8_t *packet, size_t len, char *hex)
{
    synth_frame_rank(packet, len, 1, hex);
}

void synth_frame_rank(const uint8_t *packet, size_t len, unsigned rank, char *hex)
{
    static const struct {
        size_t len;
        unsigned type[3];
    } types[] = {{8, {0x06b, 0x6e0, 0x034}},
                 {9, {0x08d, 0x0d2, 0x302}},
                 {12, {0x35f, 0x598, 0x5a3}},
                 {16, {0x611, 0x6bf, 0x72c}},
                 {20, {0x94c, 0x971, 0x997}}};
    enum { BYTES_MAX = 22 };
    unsigned type = 0, before = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].len == len) type = types[i].type[rank - 1];
    uint8_t body[BYTES_MAX];
    uint16_t crc = synth_crc(packet, len);
    memcpy(body, packet, len);
    body[len] = (uint8_t)(crc >> 8);
    body[len + 1] = (uint8_t)crc;
    size_t at = (size_t)snprintf(hex, SYNTH_HEX, "aaaaa%03x", type);
    for (size_t i = 0; i < len + 2; i++) {
        // the last byte and the one on its way out, a bit apart or two: D and D^2
        unsigned now = before << 8 | body[i], coded = now;
        if (rank == 2) coded ^= now >> 1 ^ now >> 2;
        if (rank == 3) coded ^= now >> 2;
        at += (size_t)snprintf(hex + at, SYNTH_HEX - at, "%02x", coded & 0xff);
        before = body[i];
    }
}
