// A radio: a continuous stream of receive samples, from hardware or from a recording.
//
// radio_open owns everything until radio_close. One thread calls. After any failure the radio is
// dead: close it and open another one; there is no half-working state. The block that radio_read
// lends is valid until the next call.
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
    unsigned timeout_ms; // wall time after which a silent radio is dead
};

struct radio_info {
    char serial[64];
    char model[128];
    char firmware[64];
    double rate_hz; // as read back
    double lo_hz;
    double gain_db;
};

FOX_CHECK int radio_open(struct radio **out, const struct radio_config *config, struct err *err);
/// Accepts NULL.
void radio_close(struct radio *r);
const struct radio_info *radio_info(const struct radio *r);
/// The next block. A recording's end is ERR_NOTFOUND; a radio that is gone ERR_GONE.
FOX_CHECK int radio_read(struct radio *r, struct iq_block *out, struct err *err);

#endif
