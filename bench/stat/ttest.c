#include "bench/stat/ttest.h"

#include <math.h>
#include <stdlib.h>

#include "bench/stat/special.h"

double student_two_sided(double x, double freedom)
{
    if (isinf(x)) return 0;
    return stat_beta(freedom / 2, 0.5, freedom / (freedom + x * x));
}

double student_threshold(double overall, double points)
{
    // Of so many traces that t is normal: each point has this two-sided chance.
    return -normal_quantile(-expm1(log1p(-overall) / points) / 2);
}

void moments_add(struct moments *m, double x)
{
    double from_old = x - m->mean;
    m->n++;
    m->mean += from_old / (double)m->n;
    m->squares += from_old * (x - m->mean);
}

int welch_test(const struct moments *a, const struct moments *b, struct welch_result *out,
               struct err *err)
{
    if (a->n < 2 || b->n < 2)
        return err_set(err, ERR_INVALID,
                       "t-test: expected 2 values at least in each set, got %zu and %zu", a->n,
                       b->n);
    double na = (double)a->n, nb = (double)b->n;
    double va = a->squares / (na - 1) / na, vb = b->squares / (nb - 1) / nb;
    if (!(va + vb > 0))
        return err_set(err, ERR_INVALID,
                       "t-test: neither set has any spread; compare the values themselves");
    double t = (a->mean - b->mean) / sqrt(va + vb);
    double freedom = (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1));
    *out = (struct welch_result){.t = t, .freedom = freedom, .p = student_two_sided(t, freedom)};
    return ERR_OK;
}

struct ranked {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

int holm_reject(const double *p, size_t n, double level, bool *rejected, struct err *err)
{
    struct ranked *order = calloc(n ? n : 1, sizeof *order);
    if (!order) return err_set(err, ERR_NOMEM, "Holm's correction of %zu tests: out of memory", n);
    for (size_t i = 0; i < n; i++)
        order[i] = (struct ranked){.p = p[i], .at = i};
    qsort(order, n, sizeof *order, by_p);
    bool falls = true; // until the first one that stands: all behind it stand too
    for (size_t i = 0; i < n; i++) {
        falls = falls && order[i].p <= level / (double)(n - i);
        rejected[order[i].at] = falls;
    }
    free(order);
    return ERR_OK;
}
