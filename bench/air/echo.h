// What the bench hears of a burst that it sent itself: was it on the air when, where, as strong and
// as long as it was ordered, and with the bits that were meant? Pure.
//
// The samples as ordered are looked for in received ones: shift in time, in frequency and amplitude
// are fitted together. The caller owns all; any thread.
#ifndef BENCH_AIR_ECHO_H
#define BENCH_AIR_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

// A burst as it was ordered, seen from the receiver that listens.
struct air_echo_burst {
    double rate_hz;      // of both
    const int16_t *iq;   // as given to the transmitter, IQ_FULL_SCALE_TX is full scale; lent
    size_t n;            //
    double bandwidth_hz; // round zero, that holds its power
    int64_t at_sample;   // received sample in which the first of them is due
    double f_hz;         // where its zero frequency is due, relative to the received centre
    double carrier_hz;   // the same, absolute: a crystal that is off moves time with frequency
    double against_s;    // something runs against it that keeps its phase so long, a frame's
                         // symbol; 0: nothing but noise
    const uint8_t *bits; // of a downlink (sfx_downlink_on_air), packed; NULL: none. Lent
    size_t n_bits;
};

struct air_echo {
    bool found;            // anything that is like it, within AIR_ECHO_SEARCH_S of its time
    double late_samples;   // behind its time; negative: before it
    double late_u_samples; // standard uncertainty, of noise alone
    double off_hz;         // beside its frequency
    double off_u_hz;
    double dbfs;     // of a full-scale sample of the burst, where it was there
    double likeness; // 0 … 1: share of the received power in its band that is the burst
    double head_s;   // missing at the beginning, to 20 ms or ten symbols
    double tail_s;   // at the end
    double hole_s;   // in between
    unsigned bit_errors;
};

#define AIR_ECHO_SEARCH_S 0.1

/// Received samples from … to - 1 are what air_echo_find wants.
void air_echo_span(const struct air_echo_burst *b, int64_t *from, int64_t *to);
/// iq: n received samples, the first of which has index `first`. ERR_INVALID: a burst of no length
/// or beyond the received band; ERR_LIMIT: not enough samples round its time.
FOX_CHECK int air_echo_find(const struct air_echo_burst *b, const int16_t *iq, int64_t first,
                            size_t n, struct air_echo *out, struct err *err);

#endif
