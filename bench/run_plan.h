// The plan that a worker made, checked and brought into the form of plan.json.
#ifndef BENCH_RUN_PLAN_H
#define BENCH_RUN_PLAN_H

#include "bench/base/err.h"
#include "bench/base/json.h"

/// New value for plan.json: every case has id, title and deadline_s, its axes as text ("k=v,k=v" or
/// "_") and a name that is safe as a path; none is there twice; the bench is without endpoints.
/// ERR_FORMAT and ERR_INVALID say what is wrong with which case.
FOX_CHECK int run_plan_make(struct jval **out, const struct jval *message, struct err *err);

#endif
