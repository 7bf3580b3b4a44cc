// Pictures of what an attempt recorded: the whole recording, drawn here, and each frame close up,
// as the run kept it.
#ifndef REPORTS_PICTURE_H
#define REPORTS_PICTURE_H

#include "bench/base/err.h"
#include "bench/base/json.h"

// What the ledger says of an attempt's files; all lent.
struct picture_evidence {
    const char *dir;          // of the attempt
    const struct jval *files; // [{path, sha256, note}]
};

/// Reads NAME.sigmf-meta and NAME.sigmf-data (`base` is the path without the ending). New:
///   {rate_hz, centre_hz, seconds, colours: ["#rrggbb", …] from weak to strong,
///    marks:  [{from_s, to_s, low_hz, high_hz, label, start}]  the annotated frames
///    panels: [{kind: overview, label, from_s, to_s, low_hz, high_hz, low_db, high_db, width,
///              height, png} or {kind: frame, label, start, from_s, to_s, low_hz, high_hz,
///              spectrogram, phase, lost, measured: [{name, unit, value, u | void}] or
///              unmeasured: why}]}
/// Times count from the recording's start, `start` (-1: not told) on the run's clock in samples;
/// frequencies are absolute, dB are relative to full scale in one pixel's bandwidth. Pictures are
/// data URIs of PNGs. `png` has no axes: time goes right, frequency up. `spectrogram` and `phase`
/// have, and are the run's evidence where it has some, else drawn from the recording; absent where
/// neither can be; `lost` says what became of the evidence.
FOX_CHECK int picture_make(const char *base, const struct picture_evidence *evidence,
                           struct jval **out, struct err *err);
/// New: panels of kind `frame` of kept pictures that none of `pictures` (a list of the above)
/// shows: of frames that were measured and not recorded. The first few.
FOX_CHECK int picture_kept(const struct picture_evidence *evidence, const struct jval *pictures,
                           struct jval **out, struct err *err);

#endif
