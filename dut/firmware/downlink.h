// Listening for a downlink: the receive window, and what becomes of the frames in it.
//
// Blocks, in the lab's time, until a frame is accepted or the window is over. protocol.md 4.2 and
// 7.
#ifndef DUT_FIRMWARE_DOWNLINK_H
#define DUT_FIRMWARE_DOWNLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sfx/downlink.h"
#include "dut/firmware/ear.h"

struct device;

struct downlink_window {
    int64_t from_ns;
    int64_t to_ns; // the last bit must come before
    double f_hz;
    uint16_t counter;  // of the request
    bool tag_ignored;  // take any frame with a good CRC
    bool refused_ends; // a frame with a good CRC and a wrong tag ends it, too
};

struct downlink {
    uint8_t data[SFX_DL_FRAME];      // as it came
    uint8_t payload[SFX_DL_PAYLOAD]; // in clear
    int64_t end_ns;                  // of its last bit
    int rssi_dbm;
    double offset_hz; // its carrier against the window's
};

enum downlink_result {
    DOWNLINK_NONE,
    DOWNLINK_TAKEN,
    DOWNLINK_REFUSED // only with refused_ends
};

/// Where the answer to a request on f1_hz is to be heard.
double downlink_frequency(const struct device *d, double f1_hz);
/// Frames that do not count are ignored, and listening goes on.
enum downlink_result downlink_listen(struct device *d, const struct downlink_window *window,
                                     struct downlink *out);

// MUT-CNT-018: the device listens on for copies of what it took until the window ends, in pieces
// between other work, and tells its host of each.
struct downlink_again {
    bool on;
    int64_t to_ns;
    uint8_t data[SFX_DL_FRAME];
    uint8_t payload[SFX_DL_PAYLOAD];
    unsigned untold;
};

/// Nothing without the fault.
void downlink_again_start(struct device *d, const struct downlink_window *window,
                          const struct downlink *taken);
/// Listens until the next frame or until_ns.
void downlink_again_listen(struct device *d, int64_t until_ns);

#endif
