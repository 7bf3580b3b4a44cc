// The device's ear: raw downlink frames out of what the radio hears, one after another, without a
// gap between them.
//
// A plain struct of the caller's, about 260 kB. Time passes only in ear_next.
#ifndef DUT_FIRMWARE_EAR_H
#define DUT_FIRMWARE_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dut/port/gfsk.h"

struct device;

// The radio is read in pieces, so that a frame is answered in time and the serial line is served.
enum { EAR_PIECE_MS = 200, EAR_PIECE_SAMPLES = DEVPORT_GFSK_RATE_HZ * EAR_PIECE_MS / 1000 };

struct ear {
    struct devport_gfsk receiver;
    double f_hz;
    int64_t from_ns; // of the receiver's first sample
    int64_t next_ns; // up to where it has listened
    float iq[2 * EAR_PIECE_SAMPLES];
    size_t n, at; // samples of the newest piece; how many the receiver has taken
};

/// Listens around f_hz from from_ns on.
void ear_init(struct ear *e, int64_t from_ns, double f_hz);
/// The next frame that ends before to_ns; false when that time has come. *end_ns is the end of its
/// last bit.
bool ear_next(struct device *d, struct ear *e, int64_t to_ns, struct devport_gfsk_frame *frame,
              int64_t *end_ns);

#endif
