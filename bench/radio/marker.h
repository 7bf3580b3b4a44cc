// A short pseudo-random burst that is sent and looked for again: how far the transmit stream's
// count of samples lies from the receive stream's. Pure.
#ifndef BENCH_RADIO_MARKER_H
#define BENCH_RADIO_MARKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MARKER_SAMPLES = 255 };

/// The burst, as the transmitter takes it: half of full scale, I and Q.
void marker_make(int16_t iq[2 * MARKER_SAMPLES]);
/// Finds the first marker that begins at or after sample `from` of n received samples (int16 I, Q),
/// between which is next to nothing. False when there is none; *index gets its first sample.
bool marker_find(const int16_t *iq, size_t n, size_t from, size_t *index);

#endif
