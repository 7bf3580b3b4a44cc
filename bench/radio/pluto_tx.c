// The transmit side of a Pluto: an endless stream of zeros, one block sent for each received, into
// which bursts are laid. Because neither stream ever pauses, the distance between their counts of
// samples is constant; it is measured once, at the start, by markers sent through the chip's own
// loopback while the oscillator is off.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/log.h"
#include "bench/radio/marker.h"
#include "bench/radio/pluto.h"

enum {
    // A marker must have come back after four blocks more than the hardware can hold.
    SEEN_BLOCKS = PLUTO_MARKERS + PLUTO_KERNEL_BUFFERS + 4,
    // What still waits in the radio then was received inside the chip.
    STALE_BLOCKS = PLUTO_KERNEL_BUFFERS + 1
};
_Static_assert(SEEN_BLOCKS + STALE_BLOCKS == PLUTO_ALIGN_BLOCKS, "radio.c counts on it");

static int push_next(struct radio *r, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    tx_queue_take(&tx->queue, pluto_push_block(r), tx->block_samples);
    return pluto_push(r, err);
}

// Markers are a block apart, and at another place in each.
static int queue_markers(struct pluto_tx *tx, struct err *err)
{
    int16_t marker[2 * MARKER_SAMPLES];
    marker_make(marker);
    for (int i = 0; i < PLUTO_MARKERS; i++) {
        tx->sent[i] = tx->queue.next + i * (int64_t)tx->block_samples + 61 * i;
        int rc = tx_queue_add(&tx->queue, tx->sent[i], marker, MARKER_SAMPLES, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// Streams that run stay where they are: any spread is samples lost.
static const int64_t spread_max = 0;

// One marker says where the streams lie; the others, that they stay there.
static int compare_markers(struct radio *r, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    const size_t n = SEEN_BLOCKS * tx->block_samples;
    size_t from = 0;
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (int i = 0; i < PLUTO_MARKERS; i++) {
        size_t at = 0;
        if (!marker_find(tx->seen, n, from, &at))
            return err_set(err, ERR_IO,
                           "radio %s: calibrating its transmit stream: expected %d markers back "
                           "through the chip's loopback, found %d within %zu samples; restart the "
                           "radio, or check its firmware (debug attribute loopback)",
                           r->uri, PLUTO_MARKERS, i, n);
        from = at + MARKER_SAMPLES;
        int64_t offset = tx->seen_first + (int64_t)at - tx->sent[i];
        if (i == 0) tx->offset = offset;
        if (offset < low) low = offset;
        if (offset > high) high = offset;
        if (high - low > spread_max)
            return err_set(
                err, ERR_IO,
                "radio %s: calibrating its transmit stream: expected a constant distance "
                "from the receive stream, marker 1 lies at %lld samples and marker %d at "
                "%lld: samples were lost; use a lower rate or larger blocks, and end "
                "other programs",
                r->uri, (long long)tx->offset, i + 1, (long long)offset);
    }
    r->info.tx_markers = PLUTO_MARKERS;
    r->info.tx_spread_samples = high - low;
    return ERR_OK;
}

// Forgets the past of the underflow flag, and finds out whether it can be trusted.
static int arm_flag(struct radio *r, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    bool was = false;
    int rc = pluto_underflow(r, &was, err);
    if (rc < 0) return rc;
    rc = pluto_underflow(r, &tx->flag_stuck, err);
    if (rc < 0) return rc;
    if (tx->flag_stuck)
        LOG_WARN("radio",
                 "%s: its firmware always reports a transmit underflow; real ones go unnoticed",
                 r->info.serial);
    return ERR_OK;
}

static int check_attenuation(const struct radio *r, double db, struct err *err)
{
    if (db >= 0 && db <= PLUTO_TX_ATTENUATION_MAX_DB) return ERR_OK;
    return err_set(err, ERR_INVALID,
                   "radio %s: expected a transmit attenuation of 0 to %.2f dB, asked for %g",
                   r->uri, PLUTO_TX_ATTENUATION_MAX_DB, db);
}

int pluto_tx_prepare(struct radio *r, const struct radio_config *config, struct err *err)
{
    int rc = check_attenuation(r, config->tx_attenuation_db, err);
    if (rc < 0) return rc;
    rc = pluto_tx_tune(r, config->tx_lo_hz, err);
    if (rc < 0) return rc;
    return pluto_tx_set(r, false, config->tx_attenuation_db, err);
}

int pluto_tx_begin(struct radio *r, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    tx->on = false;
    tx_queue_deinit(&tx->queue);
    tx->busy_until = INT64_MIN;
    tx->blocks = 0;
    if (!tx->seen) tx->seen = malloc(SEEN_BLOCKS * tx->block_samples * 2 * sizeof *tx->seen);
    if (!tx->seen) return err_set(err, ERR_NOMEM, "radio %s: out of memory", r->uri);
    int rc = pluto_push_open(r, err);
    if (rc < 0) return rc;
    rc = pluto_set(r, PLUTO_LOOPBACK, 1, NULL, err);
    if (rc < 0) return rc;
    for (int i = 0; i < PLUTO_KERNEL_BUFFERS - 1; i++) {
        rc = push_next(r, err);
        if (rc < 0) return rc;
    }
    tx->seen_first = tx->received;
    return queue_markers(tx, err);
}

static int end_alignment(struct radio *r, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    int rc = arm_flag(r, err);
    if (rc < 0) return rc;
    free(tx->seen);
    tx->seen = NULL;
    tx->skipped = tx->received - r->next_index;
    tx->on = true;
    r->info.tx_offset_samples = tx->offset;
    return ERR_OK;
}

int pluto_tx_align(struct radio *r, const int16_t *iq, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    int rc = push_next(r, err);
    if (rc < 0) return rc;
    if (tx->blocks < SEEN_BLOCKS)
        memcpy(tx->seen + 2 * tx->blocks * tx->block_samples, iq,
               2 * tx->block_samples * sizeof *iq);
    tx->blocks++;
    if (tx->blocks == SEEN_BLOCKS) {
        rc = compare_markers(r, err);
        if (rc < 0) return rc;
        return pluto_set(r, PLUTO_LOOPBACK, 0, NULL, err);
    }
    return tx->blocks == PLUTO_ALIGN_BLOCKS ? end_alignment(r, err) : ERR_OK;
}

// A stream that ran dry has moved against the other by nobody knows how much.
static int check_flow(struct radio *r, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    if (tx->flag_stuck) return ERR_OK;
    bool dry = false;
    int rc = pluto_underflow(r, &dry, err);
    if (rc < 0) return rc;
    if (!dry) return ERR_OK;
    return err_set(err, ERR_GONE,
                   "radio %s: its transmit stream ran dry before sample %lld: the time of a burst "
                   "is no longer known; close the radio and open it again, end other programs that "
                   "keep this computer busy",
                   r->uri, (long long)(tx->received - tx->skipped));
}

int pluto_tx_step(struct radio *r, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    int rc = push_next(r, err);
    if (rc < 0) return rc;
    // Only while something is on its way: the question costs a round trip.
    if (tx->received - tx->offset - (int64_t)tx->block_samples >= tx->busy_until) return ERR_OK;
    return check_flow(r, err);
}

int pluto_tx_transmit(struct radio *r, int64_t at_sample, const int16_t *iq, size_t n,
                      struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    if (at_sample < pluto_tx_earliest(r))
        return err_set(err, ERR_LIMIT,
                       "radio %s: a burst at sample %lld comes too late: the earliest possible one "
                       "is at %lld; ask %lld samples earlier",
                       r->uri, (long long)at_sample, (long long)pluto_tx_earliest(r),
                       (long long)(pluto_tx_earliest(r) - at_sample));
    int rc = check_flow(r, err);
    if (rc < 0) return rc;
    int64_t first = at_sample + tx->skipped - tx->offset;
    rc = tx_queue_add(&tx->queue, first, iq, n, err);
    if (rc < 0) return rc;
    if (first + (int64_t)n > tx->busy_until) tx->busy_until = first + (int64_t)n;
    return ERR_OK;
}

int64_t pluto_tx_earliest(const struct radio *r)
{
    const struct pluto_tx *tx = pluto_tx_of_const(r);
    return tx->queue.next + tx->offset - tx->skipped;
}

void pluto_tx_drop(struct radio *r)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    tx_queue_deinit(&tx->queue);
    if (tx->busy_until > tx->queue.next) tx->busy_until = tx->queue.next;
}

int pluto_tx_set(struct radio *r, bool lo_on, double attenuation_db, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    int rc = check_attenuation(r, attenuation_db, err);
    if (rc < 0) return rc;
    // Off at once; on only when the level is right.
    if (!lo_on) {
        rc = pluto_set(r, PLUTO_TX_POWERDOWN, 1, NULL, err);
        if (rc < 0) return rc;
        tx->lo_on = false;
    }
    double gain_db = 0;
    rc = pluto_set(r, PLUTO_TX_GAIN, -attenuation_db, &gain_db, err);
    if (rc < 0) return rc;
    r->info.tx_attenuation_db = -gain_db;
    if (!lo_on) return ERR_OK;
    tx->lo_on = true; // from now on it may be
    return pluto_set(r, PLUTO_TX_POWERDOWN, 0, NULL, err);
}

int pluto_tx_tune(struct radio *r, double lo_hz, struct err *err)
{
    struct pluto_tx *tx = pluto_tx_of(r);
    if (tx->lo_on || tx->received - tx->offset < tx->busy_until)
        return err_set(err, ERR_SEQUENCE,
                       "radio %s: its transmitter can be tuned only when it is off and no burst "
                       "waits; wait for the end of the burst",
                       r->uri);
    // Tuning may run a calibration at full drive, so the antenna is shut off as far as it can be.
    int rc = pluto_set(r, PLUTO_TX_POWERDOWN, 1, NULL, err);
    if (rc < 0) return rc;
    rc = pluto_set(r, PLUTO_TX_GAIN, -PLUTO_TX_ATTENUATION_MAX_DB, NULL, err);
    if (rc < 0) return rc;
    r->info.tx_attenuation_db = PLUTO_TX_ATTENUATION_MAX_DB;
    rc = pluto_set(r, PLUTO_TX_LO, lo_hz, &r->info.tx_lo_hz, err);
    if (rc < 0) return rc;
    return pluto_check(r, PLUTO_TX_POWERDOWN, 1, err);
}
