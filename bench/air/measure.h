// Measures a received frame in the samples it came from: phy_measure with the frame's symbols, and
// its result as JSON.
//
// Pure; the caller owns all. Nobody pays for it who does not ask: the receiver itself measures
// nothing of this.
#ifndef BENCH_AIR_MEASURE_H
#define BENCH_AIR_MEASURE_H

#include <stdint.h>

#include "bench/air/receive.h"
#include "bench/base/json.h"
#include "bench/phy/measure.h"
#include "bench/phy/picture.h"

// A frame whose packet is known, by its CRC or otherwise.
struct air_measure_frame {
    enum sfx_class class;
    unsigned rank;
    const uint8_t *packet; // lent, sfx_body_bits / 8 bytes
    double start_sample;   // of the reference symbol, on the samples' clock
    double f_hz;           // at start_sample, relative to the samples' centre
    double drift_hz_s;
    double bit_rate;
};

/// The frame as the receiver gave it, which is lent.
struct air_measure_frame air_measure_frame(const struct air_frame *f);
/// Samples from … to - 1 are what a measurement wants; where there are fewer, it can do less.
void air_measure_span(const struct air_measure_frame *f, double rate_hz, int64_t *from,
                      int64_t *to);
/// iq: n samples, the first of which has index `first`. Times in the result count on that clock.
FOX_CHECK int air_measure(const struct phy_measure_config *config,
                          const struct air_measure_frame *frame, const int16_t *iq, int64_t first,
                          size_t n, struct phy_measurement *out, struct err *err);
/// The frame's pictures, out of the same samples: phy_picture.
FOX_CHECK int air_measure_draw(const struct phy_measure_config *config,
                               const struct air_measure_frame *frame,
                               const struct phy_picture_about *about, const int16_t *iq,
                               int64_t first, size_t n, struct bytes *spectrogram,
                               struct bytes *phase, struct err *err);
/// New: {NAME: {value, u, unit} or {void: why, unit}, …, mask: [{offset, width, below, above,
/// mark}]}, numbers rounded. NULL with err set.
struct jval *air_measure_json(const struct phy_measurement *m, struct err *err);

#endif
