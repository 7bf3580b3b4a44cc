// Reads SigMF recordings: NAME.sigmf-meta and NAME.sigmf-data, one channel of complex samples.
//
// sigmf_open checks the whole description, and that the data are as long as it says, before a
// sample is read. Whatever the file's type, samples come as the radio's words (full scale
// IQ_FULL_SCALE_RX). One thread.
#ifndef BENCH_RADIO_SIGMF_H
#define BENCH_RADIO_SIGMF_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct sigmf;

struct sigmf_info {
    double rate_hz;   // may be fractional
    double center_hz; // of the first segment; 0 when not given
    int64_t n_samples;
    char datatype[16];
    char description[256];
    char suspicion[256]; // why the samples may not be of this type; empty: nothing speaks for it
};

/// meta_path ends in .sigmf-meta. ERR_USAGE: another name; ERR_IO: missing or unreadable;
/// ERR_FORMAT: the description or the data are broken; ERR_UNSUPPORTED: sound, but not of a kind
/// that can be read here.
FOX_CHECK int sigmf_open(struct sigmf **out, const char *meta_path, struct err *err);
/// Accepts NULL.
void sigmf_close(struct sigmf *s);
const struct sigmf_info *sigmf_info(const struct sigmf *s);
/// Up to `max` samples into iq (2 * max values). Returns how many, 0 at the end.
FOX_CHECK int sigmf_read(struct sigmf *s, int16_t *iq, size_t max, struct err *err);

#endif
