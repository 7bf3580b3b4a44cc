#include "bench/stat/logistic.h"

#include <math.h>

#include "bench/stat/special.h"

enum { STEPS_MAX = 100 };

static double chance(double a, double b, double x)
{
    return 1 / (1 + exp(-(a + b * x)));
}

// Where events end and non-events begin, along x.
struct reach {
    double event_low, event_high, other_low, other_high, low, high;
};

static struct reach reach_of(const struct logistic_point *p, size_t n)
{
    struct reach r = {INFINITY, -INFINITY, INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        if (p[i].trials == 0) continue;
        r.low = fmin(r.low, p[i].x);
        r.high = fmax(r.high, p[i].x);
        if (p[i].events > 0) {
            r.event_low = fmin(r.event_low, p[i].x);
            r.event_high = fmax(r.event_high, p[i].x);
        }
        if (p[i].events < p[i].trials) {
            r.other_low = fmin(r.other_low, p[i].x);
            r.other_high = fmax(r.other_high, p[i].x);
        }
    }
    return r;
}

static int check(const struct logistic_point *p, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (p[i].events > p[i].trials || !isfinite(p[i].x))
            return err_set(
                err, ERR_INVALID,
                "logistic fit, point %zu: expected a finite x and at most as many events "
                "as trials, got %g, %u of %u",
                i + 1, p[i].x, p[i].events, p[i].trials);
    struct reach r = reach_of(p, n);
    if (!(r.low < r.high))
        return err_set(err, ERR_INVALID, "logistic fit: expected two different x at least");
    if (isinf(r.event_low) || isinf(r.other_low))
        return err_set(
            err, ERR_CHECK, "logistic fit: %s trial between %g and %g had the event; measure %s",
            isinf(r.event_low) ? "no" : "every", r.low, r.high, "beyond these, where both happen");
    if (r.event_high <= r.other_low || r.other_high <= r.event_low)
        return err_set(err, ERR_CHECK,
                       "logistic fit: the chance jumps from 0 to 1 between %g and %g, so any steep "
                       "curve fits; measure between them",
                       fmin(r.event_high, r.other_high), fmax(r.event_low, r.other_low));
    return ERR_OK;
}

static double log_likelihood(const struct logistic_point *p, size_t n, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double z = a + b * p[i].x;
        // log(1 + exp(z)) without overflow
        double soft = z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
        sum += p[i].events * z - p[i].trials * soft;
    }
    return sum;
}

static double deviance_of(const struct logistic_point *p, size_t n, double a, double b)
{
    double free = 0;
    for (size_t i = 0; i < n; i++) {
        double events = p[i].events, others = p[i].trials - p[i].events;
        if (events > 0) free += events * log(events / p[i].trials);
        if (others > 0) free += others * log(others / p[i].trials);
    }
    return 2 * (free - log_likelihood(p, n, a, b));
}

int logistic_fit(const struct logistic_point *p, size_t n, struct logistic_fit *out,
                 struct err *err)
{
    int rc = check(p, n, err);
    if (rc < 0) return rc;
    // In z = (x - middle) / width, so that the steps are well scaled whatever x measures.
    struct reach r = reach_of(p, n);
    double middle = (r.low + r.high) / 2, width = (r.high - r.low) / 2;
    double a = 0, b = 0, faa = 0, fab = 0, fbb = 0, determinant = 0;
    for (int step = 0; step < STEPS_MAX; step++) {
        double ga = 0, gb = 0;
        faa = fab = fbb = 0;
        for (size_t i = 0; i < n; i++) {
            double z = (p[i].x - middle) / width, q = chance(a, b, z);
            double left = p[i].events - p[i].trials * q, weight = p[i].trials * q * (1 - q);
            ga += left;
            gb += left * z;
            faa += weight;
            fab += weight * z;
            fbb += weight * z * z;
        }
        determinant = faa * fbb - fab * fab;
        if (!(determinant > 0)) break;
        double da = (fbb * ga - fab * gb) / determinant, db = (faa * gb - fab * ga) / determinant;
        double far = fmax(fabs(da), fabs(db));
        if (far > 5) { // Newton's step overshoots where the curve is flat
            da *= 5 / far;
            db *= 5 / far;
        }
        a += da;
        b += db;
        if (far < 1e-12) break;
    }
    if (!(determinant > 0))
        return err_set(err, ERR_CHECK,
                       "logistic fit: the points allow no curve; measure more of them");
    double vaa = fbb / determinant, vbb = faa / determinant, vab = -fab / determinant;
    double shift = middle / width;
    unsigned used = 0;
    for (size_t i = 0; i < n; i++)
        used += p[i].trials > 0;
    *out = (struct logistic_fit){.a = a - b * shift,
                                 .b = b / width,
                                 .var_a = vaa - 2 * shift * vab + shift * shift * vbb,
                                 .var_b = vbb / width / width,
                                 .cov_ab = (vab - shift * vbb) / width,
                                 .freedom = used - 2};
    out->deviance = deviance_of(p, n, out->a, out->b);
    return ERR_OK;
}

int logistic_at(const struct logistic_fit *f, double p, double confidence,
                struct logistic_level *out, struct err *err)
{
    if (!(p > 0 && p < 1 && confidence > 0 && confidence < 1))
        return err_set(
            err, ERR_INVALID,
            "logistic fit: expected a chance and a confidence between 0 and 1, got %g and "
            "%g",
            p, confidence);
    double logit = log(p / (1 - p)), k = normal_quantile((1 + confidence) / 2);
    double g = k * k * f->var_b / (f->b * f->b);
    if (!(g < 1))
        return err_set(
            err, ERR_CHECK,
            "logistic fit: the slope %g +- %g cannot be told from 0, so the level has no "
            "bounds; take more trials, or points further apart",
            f->b, k * sqrt(f->var_b));
    double x = (logit - f->a) / f->b;
    // Fieller: the x whose a + b x - logit lies within k standard deviations of 0.
    double centre = x + g / (1 - g) * (x + f->cov_ab / f->var_b);
    double inside = f->var_a + 2 * x * f->cov_ab + x * x * f->var_b -
                    g * (f->var_a - f->cov_ab * f->cov_ab / f->var_b);
    double half = k / (fabs(f->b) * (1 - g)) * sqrt(fmax(inside, 0));
    *out = (struct logistic_level){.x = x, .low = centre - half, .high = centre + half};
    return ERR_OK;
}
