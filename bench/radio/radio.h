// A radio: a continuous stream of receive samples, from hardware or from a recording, and for some
// a continuous stream of samples to send, which is zeros except for the bursts laid into it.
//
// radio_open owns everything until radio_close. One thread calls. After any failure of the radio it
// is dead: close it and open another one; there is no half-working state. A request that is only
// refused (ERR_INVALID, ERR_LIMIT, ERR_SEQUENCE, ERR_UNSUPPORTED) changes nothing. The block that
// radio_read lends is valid until the next call. The transmitter is off when a radio opens, closes
// and fails, and at any other time that radio_set_tx has not switched it on.
#ifndef BENCH_RADIO_RADIO_H
#define BENCH_RADIO_RADIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/iq.h"

struct radio;

struct radio_config {
    const char *uri;    // "ip:…", "usb:…" (libiio) or "file:PATH.sigmf-meta"
    const char *serial; // hw_serial that must be found behind the URI; NULL: any
    double rate_hz;     // asked; radio_info says what it became
    double lo_hz;       // centre of the samples
    double gain_db;     // manual gain
    size_t block_samples;
    unsigned timeout_ms;      // wall time after which a silent radio is dead
    bool transmit;            // open the transmit stream too
    double tx_lo_hz;          // its centre
    double tx_attenuation_db; // 0 … 89.75
    bool wait;                // open only: radio_align starts its streams, before the first read
};

struct radio_info {
    char serial[64];
    char model[128];
    char firmware[64];
    double rate_hz; // as read back
    double lo_hz;
    double gain_db;
    bool transmit;
    double tx_lo_hz;
    double tx_attenuation_db;
    int64_t tx_offset_samples; // between the two streams' counts, as calibrated …
    unsigned tx_markers;       // … by so many markers …
    int64_t tx_spread_samples; // … that lay so far apart
};

// A radio that is plugged in or answers at an address; not opened.
struct radio_found {
    char uri[128];
    char serial[64];
    char model[128];
};

/// Radios on USB and those that announce themselves on the network. Returns how many, at most max;
/// none also where neither can be looked through.
FOX_CHECK int radio_find(struct radio_found *out, size_t max, struct err *err);
/// Asks who is behind an address, and changes nothing there. ERR_GONE: nobody answers.
FOX_CHECK int radio_identify(struct radio_found *out, const char *uri, struct err *err);

/// Hands over, one after the other, everything that a radio tells about itself: its context, and
/// each attribute of its devices and channels ("ad9361-phy voltage0 input hardwaregain") with the
/// value, or "error -22 (Invalid argument)"; then under "refused …" how it answers to three
/// settings that it must refuse. Nothing is transmitted; afterwards all is as before. `line` ends
/// it with a negative code. Of `config` the address, the serial number and the time limit count.
FOX_CHECK int radio_survey(const struct radio_config *config,
                           int (*line)(void *ctx, const char *name, const char *value), void *ctx,
                           struct err *err);

/// Powers the transmitter of a radio down that a program which died may have left on; nothing else
/// changes. Of `config` the address, the serial number and the time limit count.
FOX_CHECK int radio_silence(const struct radio_config *config, struct err *err);
/// Opens a radio and, unless it shall wait, starts its streams.
FOX_CHECK int radio_open(struct radio **out, const struct radio_config *config, struct err *err);
/// Accepts NULL.
void radio_close(struct radio *r);
const struct radio_info *radio_info(const struct radio *r);
/// Starts the streams of several radios anew, together. Needed once after opening them when there
/// are several and one of them sends: a stream that nobody serves while the next radio is opened
/// loses its place. Their samples then begin at the same time, as far as the hardware can. Sample
/// counts go on where they were; what comes meanwhile is not seen. After a failure one is dead.
FOX_CHECK int radio_align(struct radio *const *radios, size_t n, struct err *err);
/// The next block. A recording's end is ERR_NOTFOUND; a radio that is gone ERR_GONE.
FOX_CHECK int radio_read(struct radio *r, struct iq_block *out, struct err *err);

/// Sends n samples (I, Q; IQ_FULL_SCALE_TX is full scale) so that the first of them leaves when
/// sample `at_sample` of the receive stream comes in. Copied; bursts that overlap are summed,
/// limited to full scale. ERR_LIMIT when at_sample < radio_earliest. What is sent is heard only
/// while radio_set_tx has the oscillator on.
FOX_CHECK int radio_transmit(struct radio *r, int64_t at_sample, const int16_t *iq, size_t n,
                             struct err *err);
/// The first sample that can still be sent; moves on with every radio_read, and lies up to a few
/// blocks behind what has been read. INT64_MAX when this radio cannot send.
int64_t radio_earliest(const struct radio *r);
/// Forgets every burst as far as it has not been handed to the hardware: from radio_earliest on
/// nothing but zeros is sent.
FOX_CHECK int radio_drop(struct radio *r, struct err *err);
/// Switches the transmit oscillator and sets the attenuation, both read back. Acts at once: what
/// has been read lies up to four blocks behind.
FOX_CHECK int radio_set_tx(struct radio *r, bool lo_on, double attenuation_db, struct err *err);
/// Moves the transmit stream's centre, with the oscillator off and no burst waiting (ERR_SEQUENCE
/// otherwise). The attenuation is at its most afterwards; radio_set_tx sets it.
FOX_CHECK int radio_tune_tx(struct radio *r, double lo_hz, struct err *err);

#endif
