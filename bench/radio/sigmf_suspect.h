// Whether a recording's samples can be of the type that its description names.
//
// Pure. A wrong type is seldom an error: any bytes are words of some kind, and a receiver hears
// nothing in them. What is sure enough to be said is said; the rest passes.
#ifndef BENCH_RADIO_SIGMF_SUSPECT_H
#define BENCH_RADIO_SIGMF_SUSPECT_H

#include <stddef.h>
#include <stdint.h>

/// Looks at n bytes from the beginning of the data, some thousand samples. Returns what they look
/// like beside `datatype`, and what to do: a sentence; NULL when there is nothing to say.
const char *sigmf_suspect(const char *datatype, const uint8_t *raw, size_t n);

#endif
