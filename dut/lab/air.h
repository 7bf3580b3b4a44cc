// The air of the lab: what devices and radios transmit, and what a receiver hears of it.
//
// One thread. Bursts are absolute in time (ns) and carrier (Hz), in sqrt(mW) at the antenna of
// their transmitter, and are kept until air_forget. What a receiver hears is a pure function of its
// description, the bursts and the sample index: any split into calls gives the same samples.
#ifndef DUT_LAB_AIR_H
#define DUT_LAB_AIR_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/clock.h"

enum { AIR_SENDERS_MAX = 16 };

struct air;

struct air_receiver {
    struct sample_clock clock; // of the samples; its true rate, ppm included
    double centre_hz;          // true LO
    uint64_t noise_key;
    double noise_mw;              // in the whole sampled band
    double path[AIR_SENDERS_MAX]; // amplitude factor of the path from each sender; 0: not heard
};

FOX_CHECK int air_new(struct air **out, struct err *err);
/// Accepts NULL.
void air_free(struct air *a);
/// A burst of sender `sender`; iq (n complex floats, n > 0) is taken, also on failure.
FOX_CHECK int air_send_take(struct air *a, unsigned sender, int64_t t_ns, double carrier_hz,
                            double rate_hz, float *iq, size_t n, struct err *err);
/// A stretch of a stream that `sender` transmits: iq (n > 0, taken) are the samples from index
/// `first` on of `clock`. Stretches of one stream join without a seam. A receiver hears it through
/// its filter, some 12 periods of the common band later (23 us in 520 kS/s).
FOX_CHECK int air_play_take(struct air *a, unsigned sender, const struct sample_clock *clock,
                            int64_t first, double carrier_hz, float *iq, size_t n, struct err *err);
/// A steady carrier of `sender` from t_ns to end_ns, with that amplitude and phase at time 0. One
/// that goes on where the last one of the same sender and frequency ended joins it without a seam.
FOX_CHECK int air_tone(struct air *a, unsigned sender, int64_t t_ns, int64_t end_ns,
                       double carrier_hz, const float amplitude[2], struct err *err);
/// The sender lost power at t_ns: what it still had to send is never sent.
void air_cut(struct air *a, unsigned sender, int64_t t_ns);
/// Drops bursts that ended before t_ns.
void air_forget(struct air *a, int64_t t_ns);
/// n complex samples from index `first` on, in sqrt(mW) at the receiver's antenna times `gain`.
void air_hear(struct air *a, const struct air_receiver *rx, int64_t first, size_t n, double gain,
              float *iq);
/// Bursts of devices sent so far, and all that is kept.
size_t air_burst_count(const struct air *a);
size_t air_kept_count(const struct air *a);

#endif
