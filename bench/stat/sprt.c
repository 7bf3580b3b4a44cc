#include "bench/stat/sprt.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/stat/binomial.h"

enum { BISECTIONS = 40 };

static const double risk_slack = 1.02; // the table's truncations allow the risks this factor

static void set_lines(struct sprt_plan *p)
{
    double per_fault = log(p->bad / p->good);
    double per_success = log((1 - p->good) / (1 - p->bad));
    double both = per_fault + per_success;
    p->slope = per_success / both;
    p->h0 = log(p->beta / (1 - p->alpha)) / both;
    p->h1 = log((1 - p->beta) / p->alpha) / both;
}

int sprt_plan_make(struct sprt_plan *out, double good, double bad, double alpha, double beta,
                   struct err *err)
{
    static const double widths[] = {1.0, 1.25, 1.5, 2.0, 3.0};
    struct binomial_plan fixed;
    int rc = binomial_plan_fixed(&fixed, good, bad, alpha, beta, err);
    if (rc < 0) return rc;

    *out = (struct sprt_plan){.good = good,
                              .bad = bad,
                              .alpha = alpha,
                              .beta = beta,
                              .fixed_n = fixed.trials,
                              .fixed_allowed = fixed.allowed};
    set_lines(out);
    for (unsigned i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct sprt_outcome at_good, at_bad;
        out->n_max = (unsigned)ceil(fixed.trials * widths[i]);
        rc = sprt_evaluate(out, good, &at_good, err);
        if (rc == ERR_OK) rc = sprt_evaluate(out, bad, &at_bad, err);
        if (rc < 0) return rc;
        if (at_good.reject + at_good.undecided_reject <= alpha * risk_slack &&
            at_bad.accept + at_bad.undecided_accept <= beta * risk_slack)
            break;
    }
    return ERR_OK;
}

enum sprt_decision sprt_decide(const struct sprt_plan *plan, unsigned trials, unsigned faults)
{
    double middle = plan->slope * trials;
    if (faults <= middle + plan->h0) return SPRT_ACCEPT;
    if (faults >= middle + plan->h1) return SPRT_REJECT;
    return trials >= plan->n_max ? SPRT_UNDECIDED : SPRT_CONTINUE;
}

const char *sprt_decision_name(enum sprt_decision decision)
{
    static const char *const names[] = {[SPRT_CONTINUE] = "continue",
                                        [SPRT_ACCEPT] = "accept",
                                        [SPRT_REJECT] = "reject",
                                        [SPRT_UNDECIDED] = "undecided"};
    return decision <= SPRT_UNDECIDED ? names[decision] : "unknown";
}

unsigned sprt_earliest_accept(const struct sprt_plan *plan)
{
    return (unsigned)ceil(-plan->h0 / plan->slope);
}

// Exact enumeration: the probability of every way a test can stand after n trials.
struct walk {
    const struct sprt_plan *plan;
    double rate;   // of faults
    double *share; // [x]: still running with x faults
    unsigned most; // faults that a running test can have
    unsigned n;
    double accept, reject, ended_trials; // ended_trials: trials of ended runs, weighted
};

static int walk_init(struct walk *w, const struct sprt_plan *plan, double rate, struct err *err)
{
    *w = (struct walk){.plan = plan, .rate = rate};
    w->share = calloc(plan->n_max + 2, sizeof *w->share);
    if (!w->share) return err_set(err, ERR_NOMEM, "plan of %u trials: out of memory", plan->n_max);
    w->share[0] = 1;
    return ERR_OK;
}

static void walk_deinit(struct walk *w)
{
    free(w->share);
}

// One more trial, then the runs that it decides leave.
static void walk_step(struct walk *w)
{
    double *share = w->share;
    w->n++;
    for (unsigned x = ++w->most; x > 0; x--)
        share[x] = share[x] * (1 - w->rate) + share[x - 1] * w->rate;
    share[0] *= 1 - w->rate;
    for (unsigned x = 0; x <= w->most; x++) {
        if (share[x] == 0) continue;
        enum sprt_decision decision = sprt_decide(w->plan, w->n, x);
        if (decision != SPRT_ACCEPT && decision != SPRT_REJECT) continue;
        *(decision == SPRT_ACCEPT ? &w->accept : &w->reject) += share[x];
        w->ended_trials += w->n * share[x];
        share[x] = 0;
    }
    while (w->most > 0 && share[w->most] == 0)
        w->most--;
}

int sprt_evaluate(const struct sprt_plan *plan, double fault_rate, struct sprt_outcome *out,
                  struct err *err)
{
    struct walk w;
    int rc = walk_init(&w, plan, fault_rate, err);
    if (rc < 0) return rc;
    *out = (struct sprt_outcome){.trials_90 = plan->n_max};
    while (w.n < plan->n_max) {
        double before = w.accept + w.reject;
        walk_step(&w);
        if (before < 0.9 && w.accept + w.reject >= 0.9) out->trials_90 = w.n;
    }
    out->accept = w.accept;
    out->reject = w.reject;
    out->mean_trials = w.ended_trials;
    for (unsigned x = 0; x <= w.most; x++) {
        *(x > plan->slope * w.n ? &out->undecided_reject : &out->undecided_accept) += w.share[x];
        out->mean_trials += w.n * w.share[x];
    }
    walk_deinit(&w);
    return ERR_OK;
}

// How probable an end at least as good as this one is. Ends are ordered by stage: accepted early,
// accepted late, undecided with few faults, with many, rejected late, rejected early.
static int as_good_as(const struct sprt_plan *plan, unsigned trials, unsigned faults, double rate,
                      double *out, struct err *err)
{
    bool rejected = sprt_decide(plan, trials, faults) == SPRT_REJECT;
    bool accepted = sprt_decide(plan, trials, faults) == SPRT_ACCEPT;
    struct walk w;
    int rc = walk_init(&w, plan, rate, err);
    if (rc < 0) return rc;
    while (w.n < (rejected ? trials - 1 : trials))
        walk_step(&w);
    *out = rejected ? 1 - w.reject : w.accept;
    for (unsigned x = 0; !rejected && !accepted && x <= faults && x <= w.most; x++)
        *out += w.share[x];
    walk_deinit(&w);
    return ERR_OK;
}

int sprt_upper(const struct sprt_plan *plan, unsigned trials, unsigned faults, double confidence,
               double *out, struct err *err)
{
    if (trials == 0 || trials > plan->n_max || faults > trials)
        return err_set(err, ERR_INVALID,
                       "a bound needs 1 to %u trials and no more faults than trials, got %u and %u",
                       plan->n_max, trials, faults);
    double low = 0, high = 1;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2, share;
        int rc = as_good_as(plan, trials, faults, middle, &share, err);
        if (rc < 0) return rc;
        *(share > 1 - confidence ? &low : &high) = middle;
    }
    *out = (low + high) / 2;
    return ERR_OK;
}
