// Wald's sequential test on a fault rate, truncated: stop as soon as the faults counted so far
// decide. catalogue.md F.2, dsp.md 8. Pure.
//
// A plan is made, and recorded, before the first trial. After n trials with x faults: accept when
// x <= slope n + h0, reject when x >= slope n + h1, undecided at n = n_max (a third outcome, never
// a pass). Trials must be independent.
#ifndef BENCH_STAT_SPRT_H
#define BENCH_STAT_SPRT_H

#include "bench/base/err.h"

struct sprt_plan {
    double good, bad;   // fault rates to accept and to reject
    double alpha, beta; // risks of rejecting a good device, of accepting a bad one
    double slope, h0, h1;
    unsigned n_max;
    unsigned fixed_n, fixed_allowed; // the smallest single-stage plan with the same risks
};

enum sprt_decision { SPRT_CONTINUE, SPRT_ACCEPT, SPRT_REJECT, SPRT_UNDECIDED };

/// What a plan does to devices of one fault rate, by exact enumeration.
struct sprt_outcome {
    double accept, reject;   // before or at n_max
    double undecided_accept; // undecided at n_max, nearer to accepting
    double undecided_reject; // undecided at n_max, nearer to rejecting
    double mean_trials;
    unsigned trials_90; // 90 % of runs have ended by then
};

/// n_max is the smallest of 1, 1.25, 1.5, 2 and 3 times the single-stage plan for which both risks
/// hold (within 2 % of their value) if undecided runs were given to the nearer side. ERR_INVALID,
/// ERR_LIMIT.
FOX_CHECK int sprt_plan_make(struct sprt_plan *out, double good, double bad, double alpha,
                             double beta, struct err *err);
enum sprt_decision sprt_decide(const struct sprt_plan *plan, unsigned trials, unsigned faults);
/// "continue", "accept", "reject", "undecided".
const char *sprt_decision_name(enum sprt_decision decision);
/// The earliest trial at which no fault at all is accepted.
unsigned sprt_earliest_accept(const struct sprt_plan *plan);
FOX_CHECK int sprt_evaluate(const struct sprt_plan *plan, double fault_rate,
                            struct sprt_outcome *out, struct err *err);

/// One-sided upper bound on the fault rate after a test that ended (or stands) at `trials` with
/// `faults`. It knows that the test could stop early, which a plain binomial bound does not: ends
/// are ordered by stage (accepted early is best, rejected early worst). ERR_INVALID.
FOX_CHECK int sprt_upper(const struct sprt_plan *plan, unsigned trials, unsigned faults,
                         double confidence, double *out, struct err *err);

#endif
