#include "bench/mc/curve.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "bench/stat/binomial.h"

// What one thread counts. Every thread takes every n-th message.
struct share {
    pthread_t thread;
    const struct mc_model *model;
    unsigned first, step, trials;
    struct mc_curves curves;
    struct err err;
    bool started;
};

static void count(struct mc_curves *curves, const struct mc_outcome *o, size_t points)
{
    for (int who = 0; who < 2; who++)
        for (int way = 0; way < MC_WAYS; way++)
            for (size_t p = 0; p < points; p++)
                curves->lost[who][way][p] += !(o->heard[who][way] >> p & 1);
}

static void *work(void *arg)
{
    struct share *s = arg;
    struct mc_workspace *w = NULL;
    if (mc_workspace_new(&w, &s->err) < 0) return NULL;
    for (unsigned t = s->first; t < s->trials; t += s->step) {
        struct mc_outcome o = mc_trial(s->model, t, w);
        count(&s->curves, &o, s->model->points);
    }
    mc_workspace_free(w);
    return NULL;
}

static int check_plan(const struct mc_plan *plan, struct err *err)
{
    int rc = mc_config_check(&plan->config, err);
    if (rc < 0) return rc;
    if (plan->trials < 1 || plan->trials > MC_TRIALS_MAX)
        return err_set(err, ERR_USAGE, "trials: expected 1 to %d messages, got %u", MC_TRIALS_MAX,
                       plan->trials);
    if (plan->threads < 1 || plan->threads > MC_THREADS_MAX)
        return err_set(err, ERR_USAGE, "threads: expected 1 to %d, got %u", MC_THREADS_MAX,
                       plan->threads);
    if (plan->points < 1 || plan->points > MC_POINTS_MAX)
        return err_set(err, ERR_USAGE, "J/S: expected 1 to %d points, got %zu", MC_POINTS_MAX,
                       plan->points);
    for (size_t p = 0; p < plan->points; p++)
        if (!(fabs(plan->js_db[p]) <= 100) || (p > 0 && plan->js_db[p] <= plan->js_db[p - 1]))
            return err_set(
                err, ERR_USAGE,
                "J/S: expected rising values within -100 to 100 dB, got %g as number %zu",
                plan->js_db[p], p + 1);
    return ERR_OK;
}

int mc_run(const struct mc_plan *plan, struct mc_curves *out, struct err *err)
{
    struct mc_model model;
    struct share shares[MC_THREADS_MAX];
    int rc = check_plan(plan, err);
    if (rc < 0) return rc;
    mc_model_init(&model, &plan->config, plan->seed, plan->js_db, plan->points);

    for (unsigned i = 0; i < plan->threads; i++) {
        shares[i] = (struct share){
            .model = &model, .first = i, .step = plan->threads, .trials = plan->trials};
        if (i == 0) continue; // the caller's own
        int failed = pthread_create(&shares[i].thread, NULL, work, &shares[i]);
        shares[i].started = failed == 0;
        if (failed && rc == ERR_OK)
            rc = err_set(err, ERR_IO, "thread %u of %u could not be started: %s; try --threads 1",
                         i + 1, plan->threads, strerror(failed));
    }
    if (rc == ERR_OK) work(&shares[0]);
    *out = (struct mc_curves){0};
    for (unsigned i = 0; i < plan->threads; i++) {
        if (shares[i].started) pthread_join(shares[i].thread, NULL);
        if (shares[i].err.code && rc == ERR_OK)
            rc = err_set(err, ERR_NOMEM, "%s", shares[i].err.text);
        for (int who = 0; who < 2; who++)
            for (int way = 0; way < MC_WAYS; way++)
                for (size_t p = 0; p < plan->points; p++)
                    out->lost[who][way][p] += shares[i].curves.lost[who][way][p];
    }
    return rc;
}

// Where a curve through the points first reaches `part`.
static double cross(const double *js_db, const double *loss, size_t n, double part)
{
    if (loss[0] >= part) return -INFINITY;
    for (size_t p = 1; p < n; p++)
        if (loss[p] >= part)
            return js_db[p - 1] +
                   (js_db[p] - js_db[p - 1]) * (part - loss[p - 1]) / (loss[p] - loss[p - 1]);
    return INFINITY;
}

struct mc_crossing mc_crossing_find(const struct mc_plan *plan, const unsigned *lost, double part,
                                    double confidence)
{
    double loss[MC_POINTS_MAX] = {0}, low[MC_POINTS_MAX] = {0}, high[MC_POINTS_MAX] = {0};
    for (size_t p = 0; p < plan->points; p++) {
        struct binomial_interval i = binomial_interval(lost[p], plan->trials, confidence);
        loss[p] = (double)lost[p] / plan->trials;
        low[p] = i.low;
        high[p] = i.high;
    }
    double at = cross(plan->js_db, loss, plan->points, part);
    return (struct mc_crossing){
        .reached = at<INFINITY, .begun = at> - INFINITY,
        .js_db = at,
        .low_db = cross(plan->js_db, high, plan->points, part),
        .high_db = cross(plan->js_db, low, plan->points, part),
    };
}
