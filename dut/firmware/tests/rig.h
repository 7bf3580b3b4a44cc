// A foxdut with its air, asked for a downlink: for tests of what it does with the answer.
#ifndef DUT_FIRMWARE_TESTS_RIG_H
#define DUT_FIRMWARE_TESTS_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/downlink_air.h"
#include "dut/firmware/tests/fake_lab.h"

#define RIG_KEY       "000102030405060708090a0b0c0d0e0f"
#define RIG_NO_ANSWER "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT\r"
#define RIG_TAKEN     "OK\r\nRX=01 02 03 04 05 06 07 08\r" // what rig_make_frame says

struct rig {
    struct lab lab;
    struct downlink_air air;
    struct demod first; // frame 1 of the request
    size_t before;      // serial bytes before its answer
};

/// A device whose next message has this counter. id NULL: 0badcafe; args end with NULL, may be
/// NULL. Ended by lab_deinit.
void rig_start(struct rig *r, const char *id, const char *key_hex, uint16_t counter,
               const char *const *args);
/// Asks for a downlink and stops about 10 s after frame 1: then it is known where the answer
/// belongs.
void rig_request(struct rig *r);
/// Waits for the answer on the serial line; lent.
const char *rig_answer(struct rig *r);
/// Where the answer to the newest request belongs.
double rig_frequency(const struct rig *r);
/// Sends a frame that begins at this time after the end of frame 1; returns when it ends.
int64_t rig_send(struct rig *r, double after_s, double hz, const uint8_t frame[DOWNLINK_FRAME]);
/// A frame for 0badcafe under RIG_KEY, with these bits of the tag wrong.
void rig_make_frame(unsigned counter, uint16_t tag_flips, uint8_t out[DOWNLINK_FRAME]);

#endif
