#include "bench/stat/sprt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stat/binomial.h"

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

// Moves the probability of runs that end at this trial from `share` to the outcome. Returns it.
static double end_runs(const struct sprt_plan *plan, unsigned n, double *share,
                       struct sprt_outcome *out)
{
    double ended = 0;
    for (unsigned x = 0; x <= n; x++) {
        if (share[x] == 0) continue;
        double *side;
        switch (sprt_decide(plan, n, x)) {
        case SPRT_ACCEPT:
            side = &out->accept;
            break;
        case SPRT_REJECT:
            side = &out->reject;
            break;
        case SPRT_UNDECIDED:
            side = x > plan->slope * n ? &out->undecided_reject : &out->undecided_accept;
            break;
        default:
            continue;
        }
        *side += share[x];
        ended += share[x];
        share[x] = 0;
    }
    out->mean_trials += n * ended;
    return ended;
}

int sprt_evaluate(const struct sprt_plan *plan, double fault_rate, struct sprt_outcome *out,
                  struct err *err)
{
    // share[x]: probability of being still undecided with x faults
    double *share = calloc(plan->n_max + 2, sizeof *share);
    if (!share) return err_set(err, ERR_NOMEM, "plan of %u trials: out of memory", plan->n_max);
    *out = (struct sprt_outcome){.trials_90 = plan->n_max};
    share[0] = 1;
    double ended = 0;
    unsigned most = 0; // faults that a running test can have
    for (unsigned n = 1; n <= plan->n_max && ended < 1 - 1e-15; n++) {
        for (unsigned x = most + 1; x > 0; x--)
            share[x] = share[x] * (1 - fault_rate) + share[x - 1] * fault_rate;
        share[0] *= 1 - fault_rate;
        most++;
        double before = ended;
        ended += end_runs(plan, n, share, out);
        while (most > 0 && share[most] == 0)
            most--;
        if (before < 0.9 && ended >= 0.9) out->trials_90 = n;
    }
    free(share);
    return ERR_OK;
}
