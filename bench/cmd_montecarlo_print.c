#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "bench/base/json.h"
#include "bench/cmd_montecarlo.h"
#include "bench/stat/binomial.h"

static const double parts[] = {0.1, 0.5, 0.9};
enum { PARTS = 3 };

// A curve that is worth a column: what cannot differ from another is left out.
struct column {
    int who;
    enum mc_way way;
    const char *title;
    const char *name;
};

static size_t list_columns(const struct mc_config *c, struct column out[2 * MC_WAYS])
{
    static const struct column all[] = {
        {0, MC_WAY_FRAME, "one frame", "frame"},
        {0, MC_WAY_RANKS, "any of 3", "ranks"},
        {0, MC_WAY_COMBINED, "combined", "combined"},
        {1, MC_WAY_FRAME, "one frame, all rx", "frame"},
        {1, MC_WAY_RANKS, "any of 3, all rx", "ranks"},
        {1, MC_WAY_COMBINED, "combined, all rx", "combined"},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if ((all[i].who == 0 || c->receivers > 1) && (all[i].way == MC_WAY_FRAME || c->ranks > 1))
            out[n++] = all[i];
    return n;
}

static void print_head(const struct mc_plan *plan, FILE *out)
{
    const struct mc_config *c = &plan->config;
    fprintf(out, "%s: %s\n", mc_jammer_name(c->jammer), mc_jammer_text(c->jammer));
    fprintf(out, "class %s, %.0f bit/s, Eb/N0 %g dB, %s detection, %u rank%s",
            sfx_class_name(c->class), c->bit_rate, c->ebn0_db, c->tracked ? "tracked" : "plain",
            c->ranks, c->ranks == 1 ? "" : "s");
    if (c->receivers > 1) fprintf(out, ", %u receivers %g dB apart", c->receivers, c->spread_db);
    fprintf(out, ", %u messages, seed %llu\n", plan->trials, (unsigned long long)plan->seed);
}

static void print_crossing(const struct mc_crossing *x, FILE *out)
{
    if (!x->reached)
        fprintf(out, "  %-24s", "not reached");
    else if (!x->begun)
        fprintf(out, "  %-24s", "below the first level");
    else
        fprintf(out, "  %+7.2f (%+.2f … %+.2f)%*s", x->js_db, x->low_db, x->high_db, 1, "");
}

void montecarlo_print(const struct montecarlo_options *o, const struct mc_plan *plan,
                      const struct mc_curves *curves, FILE *out)
{
    struct column columns[2 * MC_WAYS];
    size_t n = list_columns(&plan->config, columns);
    print_head(plan, out);
    fprintf(out, "%9s", "J/S dB");
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-24s", columns[i].title);
    fputc('\n', out);
    for (size_t p = 0; p < plan->points; p++) {
        fprintf(out, "%+9.2f", plan->js_db[p]);
        for (size_t i = 0; i < n; i++) {
            unsigned lost = curves->lost[columns[i].who][columns[i].way][p];
            struct binomial_interval b = binomial_interval(lost, plan->trials, o->confidence);
            fprintf(out, "  %7.4f (%.4f-%.4f)", (double)lost / plan->trials, b.low, b.high);
        }
        fputc('\n', out);
    }
    for (size_t k = 0; k < PARTS; k++) {
        fprintf(out, "%4.0f %% at", 100 * parts[k]);
        for (size_t i = 0; i < n; i++) {
            struct mc_crossing x = mc_crossing_find(
                plan, curves->lost[columns[i].who][columns[i].way], parts[k], o->confidence);
            print_crossing(&x, out);
        }
        fputc('\n', out);
    }
    fputc('\n', out);
}

// A level, or null where the curve does not tell it.
static struct jval *level(double js_db, struct err *err)
{
    return isfinite(js_db) ? jval_make(err, "f", js_db) : jval_make(err, "n");
}

static int add_crossings(const struct montecarlo_options *o, const struct mc_plan *plan,
                         const unsigned *lost, struct jval *curve, struct err *err)
{
    struct jval *list = jval_array();
    int rc = ERR_OK;
    for (size_t k = 0; k < PARTS && rc == ERR_OK; k++) {
        struct mc_crossing x = mc_crossing_find(plan, lost, parts[k], o->confidence);
        struct jval *js = level(x.js_db, err), *low = level(x.low_db, err);
        struct jval *high = level(x.high_db, err);
        rc = jval_append(list,
                         jval_make(err, "{s:f, s:o, s:o, s:o}", "loss", parts[k], "js_db", js,
                                   "low_db", low, "high_db", high),
                         err);
    }
    if (rc == ERR_OK) return jval_set(curve, "crossings", list, err);
    jval_free(list);
    return rc;
}

static int add_curve(const struct montecarlo_options *o, const struct mc_plan *plan,
                     const struct mc_curves *curves, const struct column *c, struct jval *list,
                     struct err *err)
{
    const unsigned *lost = curves->lost[c->who][c->way];
    struct jval *points = jval_array();
    int rc = ERR_OK;
    for (size_t p = 0; p < plan->points && rc == ERR_OK; p++) {
        struct binomial_interval b = binomial_interval(lost[p], plan->trials, o->confidence);
        rc = jval_append(points,
                         jval_make(err, "{s:f, s:I, s:f, s:f, s:f}", "js_db", plan->js_db[p],
                                   "lost", (long long)lost[p], "loss",
                                   (double)lost[p] / plan->trials, "low", b.low, "high", b.high),
                         err);
    }
    if (rc < 0) {
        jval_free(points);
        return rc;
    }
    struct jval *curve =
        jval_make(err, "{s:s, s:I, s:o}", "way", c->name, "receivers",
                  (long long)(c->who ? plan->config.receivers : 1), "points", points);
    if (!curve) return err->code;
    rc = add_crossings(o, plan, lost, curve, err);
    if (rc == ERR_OK) return jval_append(list, curve, err);
    jval_free(curve);
    return rc;
}

static struct jval *describe(const struct mc_plan *plan, struct err *err)
{
    const struct mc_config *c = &plan->config;
    return jval_make(err,
                     "{s:s, s:s, s:I, s:f, s:I, s:I, s:I, s:f, s:s, s:f, s:f, s:f, s:f, s:f, s:f, "
                     "s:f, s:I, s:I}",
                     "jammer", mc_jammer_name(c->jammer), "class", sfx_class_name(c->class),
                     "bit_rate", (long long)c->bit_rate, "ebn0_db", c->ebn0_db, "ranks",
                     (long long)c->ranks, "jammed_ranks_mask", (long long)c->jammed, "receivers",
                     (long long)c->receivers, "spread_db", c->spread_db, "detect",
                     c->tracked ? "tracked" : "plain", "offset_hz", c->offset_hz, "band_hz",
                     c->band_hz, "period_s", c->period_s, "step_hz", c->step_hz, "dwell_s",
                     c->dwell_s, "on_s", c->on_s, "late_s", c->late_s, "trials",
                     (long long)plan->trials, "seed", (long long)plan->seed);
}

static int add_jammer(const struct montecarlo_options *o, const struct mc_plan *plan,
                      const struct mc_curves *curves, struct jval *list, struct err *err)
{
    struct column columns[2 * MC_WAYS];
    size_t n = list_columns(&plan->config, columns);
    struct jval *jammer = describe(plan, err), *all = jval_array();
    int rc = jammer ? ERR_OK : err->code;
    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        rc = add_curve(o, plan, curves, &columns[i], all, err);
    if (rc < 0) {
        jval_free(jammer);
        jval_free(all);
        return rc;
    }
    rc = jval_set(jammer, "curves", all, err);
    if (rc == ERR_OK) return jval_append(list, jammer, err);
    jval_free(jammer);
    return rc;
}

int montecarlo_print_json(const struct montecarlo_options *o, const struct mc_curves *curves,
                          FILE *out, struct err *err)
{
    struct jval *list = jval_array(), *root = NULL;
    char *text = NULL;
    int rc = ERR_OK;
    for (unsigned i = 0; i < o->n_plans && rc == ERR_OK; i++)
        rc = add_jammer(o, &o->plans[i], &curves[i], list, err);
    if (rc < 0) {
        jval_free(list);
        return rc;
    }
    root = jval_make(err, "{s:f, s:o}", "confidence", o->confidence, "jammers", list);
    text = root ? jval_dump(root, err) : NULL;
    jval_free(root);
    if (!text) return err->code;
    fprintf(out, "%s\n", text);
    free(text);
    return ERR_OK;
}
