// Inside the Pluto driver: what its transmit side (pluto_tx.c) needs of the file that knows libiio
// (radio_pluto.c), and the other way round. For these two alone.
//
// All calls are made by the radio's one thread. Errors name the radio and what to do.
#ifndef BENCH_RADIO_PLUTO_H
#define BENCH_RADIO_PLUTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/radio/radio_ops.h"
#include "bench/radio/tx_queue.h"

enum { PLUTO_KERNEL_BUFFERS = 4, PLUTO_MARKERS = 8, PLUTO_ALIGN_BLOCKS = RADIO_ALIGN_BLOCKS };
#define PLUTO_TX_ATTENUATION_MAX_DB 89.75

// The transmit side of one radio; lives in the driver's state.
struct pluto_tx {
    bool on; // there is a transmit stream
    size_t block_samples;
    struct tx_queue queue;
    int64_t received;   // samples out of the receive stream since it began
    int64_t skipped;    // of these, those before the stream's sample 0 (calibration)
    int64_t offset;     // what is sent as transmit sample i is received as sample i + offset
    int64_t busy_until; // transmit sample behind the last burst
    bool flag_stuck;    // the underflow flag is always up in this firmware
    bool lo_on;
    // While the streams are being aligned.
    size_t blocks;               // received so far
    int64_t sent[PLUTO_MARKERS]; // transmit samples of the markers
    int64_t seen_first;          // receive sample of seen[0]
    int16_t *seen;
};

enum pluto_setting {
    PLUTO_TX_POWERDOWN, // 1: the oscillator is off
    PLUTO_TX_GAIN,      // dB, 0 and below
    PLUTO_TX_LO,        // Hz
    PLUTO_LOOPBACK      // 1: the chip hands back what it is given to send
};

// radio_pluto.c

/// Sets and reads back; *out (may be NULL) gets what was read.
FOX_CHECK int pluto_set(struct radio *r, enum pluto_setting setting, double value, double *out,
                        struct err *err);
FOX_CHECK int pluto_check(struct radio *r, enum pluto_setting setting, double value,
                          struct err *err);
/// The next block of the receive stream; iq is lent until the next call.
FOX_CHECK int pluto_refill(struct radio *r, const int16_t **iq, struct err *err);
/// Makes the transmit buffer anew. Nothing is sent before the first push.
FOX_CHECK int pluto_push_open(struct radio *r, struct err *err);
/// Where the next block to send is put.
int16_t *pluto_push_block(struct radio *r);
FOX_CHECK int pluto_push(struct radio *r, struct err *err);
/// Reads the flag that says that the transmit stream ran dry; clears it.
FOX_CHECK int pluto_underflow(struct radio *r, bool *was, struct err *err);
struct pluto_tx *pluto_tx_of(struct radio *r);
const struct pluto_tx *pluto_tx_of_const(const struct radio *r);

// pluto_tx.c

/// Tunes and sets the attenuation, with everything off.
FOX_CHECK int pluto_tx_prepare(struct radio *r, const struct radio_config *config, struct err *err);
/// After the receive stream has started: starts the stream of zeros and puts markers into it.
FOX_CHECK int pluto_tx_begin(struct radio *r, struct err *err);
/// After each of the PLUTO_ALIGN_BLOCKS refills that follow: finds the markers; with the last one
/// the streams are aligned.
FOX_CHECK int pluto_tx_align(struct radio *r, const int16_t *iq, struct err *err);
/// After each refill: one block is sent for each that was received.
FOX_CHECK int pluto_tx_step(struct radio *r, struct err *err);
FOX_CHECK int pluto_tx_transmit(struct radio *r, int64_t at_sample, const int16_t *iq, size_t n,
                                struct err *err);
int64_t pluto_tx_earliest(const struct radio *r);
void pluto_tx_drop(struct radio *r);
FOX_CHECK int pluto_tx_set(struct radio *r, bool lo_on, double attenuation_db, struct err *err);
FOX_CHECK int pluto_tx_tune(struct radio *r, double lo_hz, struct err *err);

#endif
