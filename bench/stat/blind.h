// Blind checks of encrypted payloads: what can be said without knowing the cipher, each with its
// odds for a cipher that is as good as chance. protocol.md section 6, end. Pure.
#ifndef BENCH_STAT_BLIND_H
#define BENCH_STAT_BLIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLIND_OVERLAP = 4 }; // bytes that must agree before a shift counts

enum blind_relation {
    BLIND_NONE,
    BLIND_SAME,
    BLIND_REVERSED,
    BLIND_ROTATED,
    BLIND_SHIFTED,
    BLIND_CONSTANT // each byte differs by the same value
};

struct blind_match {
    enum blind_relation relation;
    size_t by; // bytes, of ROTATED and SHIFTED
};

/// How one payload could have been made of another one of the same length: the plainest way. Equal
/// texts under an XOR cipher whose keystream came back, came rotated …
struct blind_match blind_relate(const uint8_t *a, const uint8_t *b, size_t len);
/// An upper bound on the chance that among `payloads` independent random ones of this length any
/// two are related.
double blind_relate_odds(size_t payloads, size_t len);

/// Whether two messages were sent under one keystream, their texts being known: the longest run of
/// bytes, in place, in which the difference on air is that of the texts.
size_t blind_reuse(const uint8_t *air1, const uint8_t *air2, const uint8_t *text1,
                   const uint8_t *text2, size_t len);
/// An upper bound on the chance of such a run of `run` bytes or more in any of `pairs` pairs.
double blind_reuse_odds(size_t pairs, size_t len, size_t run);

/// The chance that random payloads are as uneven as these, in the worst bit of all (two-sided,
/// corrected for the number of bits looked at). `payloads` lie one after another, `len` bytes each.
double blind_bits_odds(const uint8_t *data, size_t payloads, size_t len);
/// The chance that random payloads hold as many equal bytes at equal places. Sees what few values a
/// place takes, however even its bits are. Normal approximation: for 30 payloads or more.
double blind_bytes_odds(const uint8_t *data, size_t payloads, size_t len);

#endif
