// Everything that leaves the bench's radios leaves through here, and only inside the permit: over a
// declared cabled or shielded path, in a permitted band, below its level, interference only when
// the operator armed it. A refusal is ERR_USAGE and says which rule it was.
//
// An air_transmit borrows its radio, which outlives it; the permit is copied. One thread. The
// oscillator is powered only round a burst: call air_transmit_step after every radio_read. Freeing
// switches it off. After a failure of the radio, free this, close the radio and begin anew.
#ifndef BENCH_AIR_TRANSMIT_H
#define BENCH_AIR_TRANSMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"
#include "bench/radio/radio.h"
#include "bench/sfx/downlink.h"

// A Pluto's level at the connector with full-scale samples and no attenuation: typical, +-3 dB.
#define AIR_FULL_SCALE_DBM 7.0

// A Pluto's levels and gains are known to some 3 dB each.
#define AIR_PATH_TOLERANCE_DB 6.0

// Holds a downlink: 2 x (800 Hz + 600 bit/s), and room.
#define AIR_DOWNLINK_BAND_HZ 5000.0

enum { AIR_PATHS_MAX = 16, AIR_BANDS_MAX = 16 };

enum air_purpose { AIR_DOWNLINK, AIR_INTERFERENCE, AIR_MARKER };
enum air_armed { AIR_ARMED_INTERFERENCE = 1 }; // bits

struct air_path {
    char to[32];
    char kind[16]; // "conducted", "shielded"; anything else forbids the radio to send
    double attenuation_db;
    double tolerance_db; // by which what is heard over it may differ; 0: AIR_PATH_TOLERANCE_DB
};

struct air_band {
    double low_hz, high_hz;
    double max_dbm; // at the radio's connector
};

// What the bench file says of one radio.
struct air_permit {
    char unit[32];
    struct air_path paths[AIR_PATHS_MAX]; // wherever the radio's output can go
    size_t n_paths;
    struct air_band bands[AIR_BANDS_MAX];
    size_t n_bands;
};

struct air_burst {
    int64_t at_sample;   // of the receive stream, for the burst's first sample
    double freq_hz;      // absolute; what the samples' zero frequency becomes
    double bandwidth_hz; // that holds the samples' power; it is checked
    double level_dbm;    // at the connector, of a full-scale sample
    const int16_t *iq;   // at the radio's rate; IQ_FULL_SCALE_TX is full scale
    size_t n;
    double room_db; // the attenuator leaves so much for others beside it, as far as it can
    enum air_purpose purpose;
};

struct air_transmit;

/// armed: bits of enum air_armed. ERR_USAGE when the radio has no declared path or no band at all.
FOX_CHECK int air_transmit_new(struct air_transmit **out, struct radio *radio,
                               const struct air_permit *permit, unsigned armed, struct err *err);
/// Accepts NULL. The oscillator is off afterwards.
void air_transmit_free(struct air_transmit *t);
/// ERR_OK when a burst like this may leave at all; iq and at_sample are not looked at.
FOX_CHECK int air_transmit_check(const struct air_transmit *t, const struct air_burst *burst,
                                 struct err *err);
/// Hands a burst over. ERR_USAGE: refused by the permit; ERR_INVALID: the samples are not what the
/// burst says; ERR_LIMIT: too late (air_transmit_earliest), or not together with what is on its
/// way.
FOX_CHECK int air_transmit_burst(struct air_transmit *t, const struct air_burst *burst,
                                 struct err *err);
/// The first sample at which a burst can begin.
int64_t air_transmit_earliest(const struct air_transmit *t);
/// The clock has come to `now` (index behind the last sample read): powers the oscillator before a
/// burst and down after it.
FOX_CHECK int air_transmit_step(struct air_transmit *t, int64_t now, struct err *err);
/// Silence at once; what has not left is dropped. May run twice.
FOX_CHECK int air_transmit_stop(struct air_transmit *t, struct err *err);
/// Whether a burst is waiting or on air.
bool air_transmit_busy(const struct air_transmit *t);
/// Of the samples that its bursts must have.
double air_transmit_rate_hz(const struct air_transmit *t);
/// Seconds of bursts that were handed over in permitted band `band`.
double air_transmit_seconds(const struct air_transmit *t, size_t band);

/// The samples of a downlink at full scale, appended to iq.
FOX_CHECK int air_downlink_wave(double rate_hz, const uint8_t frame[SFX_DL_FRAME], struct bytes *iq,
                                struct err *err);
size_t air_downlink_samples(double rate_hz);
/// Samples before its first preamble bit, in which it rises.
int64_t air_downlink_lead(double rate_hz);
/// A downlink whose first preamble bit begins at at_sample. *end_sample (may be NULL) gets the
/// sample behind its last bit.
FOX_CHECK int air_downlink(struct air_transmit *t, const uint8_t frame[SFX_DL_FRAME], double f_hz,
                           double level_dbm, int64_t at_sample, int64_t *end_sample,
                           struct err *err);

#endif
