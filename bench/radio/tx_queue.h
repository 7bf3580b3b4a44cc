// Bursts waiting to be laid into an endless transmit stream of zeros. Pure.
//
// Owns copies of the samples. One thread. Indices count samples of the transmit stream; blocks are
// taken in order and without gaps. Where bursts overlap their sum is sent, limited to full scale.
#ifndef BENCH_RADIO_TX_QUEUE_H
#define BENCH_RADIO_TX_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct tx_burst {
    int64_t first; // index of its first sample
    size_t n;
    int16_t *iq;
};

struct tx_queue {
    struct tx_burst *bursts;
    size_t n, cap;
    size_t samples; // in all bursts together
    int64_t next;   // index of the first sample of the block that is taken next
};

/// Frees and forgets all bursts, not q; the stream goes on with zeros.
void tx_queue_deinit(struct tx_queue *q);
/// n samples (I, Q), copied. ERR_LIMIT when `first` lies before q->next or too much waits already.
FOX_CHECK int tx_queue_add(struct tx_queue *q, int64_t first, const int16_t *iq, size_t n,
                           struct err *err);
/// Fills the next n samples of the stream and forgets bursts that are over.
void tx_queue_take(struct tx_queue *q, int16_t *out, size_t n);

#endif
