// Curves out of the measured points of a run: proportion of bad events against x.
//
// Pure. Any thread may call.
#ifndef REPORTS_CURVE_H
#define REPORTS_CURVE_H

#include "bench/base/err.h"
#include "bench/base/json.h"

/// Out of the `point` events of the model's cases (closed: superseded attempts are left out), new:
///   [{series, event, x_name, x_unit, confidence,
///     cases:  [full id, …]                      where its points were measured
///     points: [{x, bad, trials, low, high}]     by x; those of equal x are added up
///   }]
/// in order of first appearance; event and x_name may be "". ERR_FORMAT: a point that is none.
FOX_CHECK int curve_collect(const struct jval *cases, struct jval **out, struct err *err);

#endif
