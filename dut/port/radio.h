// A transceiver chip on the device port, as the radio functions of an end-point library see one:
// bit streams out, frames of 15 bytes in, carrier sense, wake and sleep.
//
// Owns its demodulator and buffers; borrows the port, which outlives it. One thread. Calls block:
// lab time passes inside them, and what comes in meanwhile ends the next devport_wait at once. A
// call that no board should make (asleep, a rate that the chip lacks) ends the program with one
// line on stderr, as everywhere in this client.
#ifndef DUT_PORT_RADIO_H
#define DUT_PORT_RADIO_H

#include <stddef.h>
#include <stdint.h>

#include "dut/port/client.h"

enum { DEVPORT_FRAME = 15 };

// A downlink as it came off the air: descramble it, correct it, check its CRC and its tag.
struct devport_frame {
    uint8_t data[DEVPORT_FRAME]; // behind the sync word B2 27
    int64_t end_ns;              // of its last bit
    double carrier_hz;           // to 100 Hz
    double dbm;
};

struct devport_radio;

/// A radio that is awake; NULL: no memory.
struct devport_radio *devport_radio_new(struct devport *p);
/// Accepts NULL.
void devport_radio_free(struct devport_radio *r);

/// Asleep it can neither send nor hear.
void devport_radio_sleep(struct devport_radio *r);
/// Takes wake_ns, as chips with a crystal to start do; 0 for none.
void devport_radio_wake(struct devport_radio *r, int64_t wake_ns);

/// Sends n_bits (most significant first; a 0 flips the phase) by DBPSK at 100 or 600 bit/s and
/// returns when the carrier is down. dbm at the antenna connector, -60 to 40.
void devport_radio_send(struct devport_radio *r, double carrier_hz, unsigned bit_rate, double dbm,
                        const uint8_t *bits, size_t n_bits);
/// The same for libraries with callbacks: returns at once with the time at which the carrier will
/// be down. Nothing else may be sent before.
int64_t devport_radio_start(struct devport_radio *r, double carrier_hz, unsigned bit_rate,
                            double dbm, const uint8_t *bits, size_t n_bits);
/// A plain carrier for for_ns.
void devport_radio_tone(struct devport_radio *r, double carrier_hz, double dbm, int64_t for_ns);

/// Listens for a GFSK downlink (600 bit/s, +-800 Hz, sync word B2 27) until a frame has come: 1. 0:
/// none by until_ns. A call for the same carrier that follows at once goes on where this one ended
/// and misses nothing, so ask again when the frame was not for this device. Returns up to 50 ms
/// after the frame's last bit.
int devport_radio_receive(struct devport_radio *r, double carrier_hz, int64_t until_ns,
                          struct devport_frame *out);

/// Mean power in band_hz around carrier_hz over the next for_ns, in dBm.
double devport_radio_power(struct devport_radio *r, double carrier_hz, double band_hz,
                           int64_t for_ns);
/// Carrier sense: 1 as soon as the band has been below threshold_dbm for clear_ns without a break,
/// 0 when it has not by until_ns.
int devport_radio_wait_clear(struct devport_radio *r, double carrier_hz, double band_hz,
                             double threshold_dbm, int64_t clear_ns, int64_t until_ns);

#endif
