// Synthetic recordings for tests: frames keyed onto carriers, in noise. Independent of the
// receiver.
//
// Every sample is a function of its index alone, so a recording can be made in pieces of any size.
#ifndef BENCH_PHY_TESTS_SYNTH_H
#define BENCH_PHY_TESTS_SYNTH_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

struct synth_burst {
    const char *hex; // preamble, frame type and coded body
    double bit_rate;
    double start_s; // of the reference symbol
    double f_hz;    // at start_s
    double drift_hz_s;
    double ebn0_db;
    double rho;   // width of the half-sine transition, in symbols; 0: hard keying
    double phase; // cycles at start_s
};

struct synth {
    double rate_hz;
    double noise_rms; // of each component, in words; also the reference of ebn0_db
    int no_noise;     // leaves the noise itself out
    uint64_t seed;
    const struct synth_burst *bursts;
    size_t n_bursts;
};

// What a transmitter may do wrong; the same for every burst. All zero: nothing.
struct synth_flaws {
    double rate_error;   // of the bit rate, relative
    double phase_rms;    // of each symbol, radians
    double step_error;   // radians by which a state lies off the other's opposite
    double ramp_up;      // symbols of raised cosine before the reference symbol; 0: a half
    double ramp_down;    // the same behind the last symbol
    double overshoot_db; // in the first half symbol
    double droop_db;     // from beginning to end, in dB straight down
};

/// Samples from … from + n - 1 as words; rounded, and clipped to the 12 bits of a Pluto.
void synth_render(const struct synth *s, int64_t from, size_t n, int16_t *iq);
void synth_render_flawed(const struct synth *s, const struct synth_flaws *flaws, int64_t from,
                         size_t n, int16_t *iq);
/// Phase error in radians that symbol k of burst b is given by `flaws`.
double synth_phase_error(const struct synth *s, const struct synth_flaws *flaws, size_t b,
                         size_t k);
/// Mean power over the symbols of a burst of amplitude 1: transitions cost some.
double synth_mean_power(const struct synth_burst *b);
/// Symbols of a burst with its reference symbol.
size_t synth_symbols(const struct synth_burst *b);
enum { SYNTH_HEX = 2 * 26 + 1 };

/// A rank-1 frame of `len` packet bytes without CRC (8, 9, 12, 16, 20), CRC added, as hex text.
/// hex: SYNTH_HEX characters.
void synth_frame(const uint8_t *packet, size_t len, char *hex);
/// The same for rank 1 to 3, with its type and replica code.
void synth_frame_rank(const uint8_t *packet, size_t len, unsigned rank, char *hex);
/// CRC-16 of the protocol, bit by bit.
uint16_t synth_crc(const uint8_t *data, size_t len);

#endif
