// Spectrograms of a recorded message: the whole recording, and each frame close up.
#ifndef REPORTS_PICTURE_H
#define REPORTS_PICTURE_H

#include "bench/base/err.h"
#include "bench/base/json.h"

/// Reads NAME.sigmf-meta and NAME.sigmf-data (`base` is the path without the ending). New:
///   {rate_hz, centre_hz, seconds, colours: ["#rrggbb", …] from weak to strong,
///    marks:  [{from_s, to_s, low_hz, high_hz, label}]  the annotated frames
///    panels: [{kind: overview | frame, label, from_s, to_s, low_hz, high_hz, low_db, high_db,
///              width, height, png,
///              and of a frame whose bits the recording tells: phase_png, measured: [{name, unit,
///              value, u | void}]; or unmeasured: why}]}
/// Times count from the recording's start, frequencies are absolute, dB are relative to full scale
/// in one pixel's bandwidth, png is a data URI: time goes right, frequency (or phase, from -90 to
/// 270 degrees) up.
FOX_CHECK int picture_make(const char *base, struct jval **out, struct err *err);

#endif
