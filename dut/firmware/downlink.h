// Listening for a downlink: the receive window, and which frames in it count. The seam of every
// fault in what a device accepts.
//
// Blocks, in the lab's time, until a frame is accepted or the window is over. protocol.md 4.2 and
// 7.
#ifndef DUT_FIRMWARE_DOWNLINK_H
#define DUT_FIRMWARE_DOWNLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sfx/downlink.h"

struct device;

struct downlink_window {
    int64_t from_ns;
    int64_t to_ns; // the last bit must come before
    double f_hz;
    uint16_t counter; // of the request
    bool tag_ignored; // take any frame with a good CRC
};

struct downlink {
    uint8_t payload[SFX_DL_PAYLOAD]; // in clear
    int64_t end_ns;                  // of its last bit
    int rssi_dbm;
    double offset_hz; // its carrier against the window's
};

/// Where the answer to a request on f1_hz is to be heard.
double downlink_frequency(const struct device *d, double f1_hz);
/// Frames that do not count are ignored, and listening goes on. False when none came.
bool downlink_listen(struct device *d, const struct downlink_window *window, struct downlink *out);

#endif
