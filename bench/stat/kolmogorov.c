#include "bench/stat/kolmogorov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stat/special.h"

// ---- the exact distribution
//
// Durbin's formula: P(D < d) = n!/n^n times the middle element of H^n. With k = ceil(n d) and
// h = k - n d, H has 2 k - 1 rows; it counts the paths of the empirical distribution that stay in
// the band. Powers grow beyond any double, so a common exponent goes beside each matrix.

struct matrix {
    size_t m;
    int exponent; // of 2
    double *v;    // [m][m]
};

static void normalise(struct matrix *a)
{
    double middle = a->v[(a->m / 2) * a->m + a->m / 2];
    int e = 0;
    (void)frexp(middle, &e);
    if (abs(e) < 400) return;
    for (size_t i = 0; i < a->m * a->m; i++)
        a->v[i] = ldexp(a->v[i], -e);
    a->exponent += e;
}

// out = a b; out is neither of them.
static void multiply(struct matrix *out, const struct matrix *a, const struct matrix *b)
{
    size_t m = a->m;
    memset(out->v, 0, m * m * sizeof *out->v);
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < m; k++) {
            double f = a->v[i * m + k];
            for (size_t j = 0; f != 0 && j < m; j++)
                out->v[i * m + j] += f * b->v[k * m + j];
        }
    out->exponent = a->exponent + b->exponent;
    normalise(out);
}

static double inverse_factorial(size_t n)
{
    return exp(-stat_log_gamma((double)n + 1));
}

static void fill(struct matrix *a, double h)
{
    size_t m = a->m;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            a->v[i * m + j] = i + 1 >= j ? inverse_factorial(i + 1 - j) : 0;
    for (size_t i = 0; i < m; i++) {
        // The borders: paths that leave the band at its first or last step.
        a->v[i * m] -= pow(h, (double)i + 1) * inverse_factorial(i + 1);
        a->v[(m - 1) * m + i] -= pow(h, (double)(m - i)) * inverse_factorial(m - i);
    }
    if (2 * h > 1) a->v[(m - 1) * m] += pow(2 * h - 1, (double)m) * inverse_factorial(m);
}

// The middle element of a^n, times n!/n^n.
static double power_middle(struct matrix *a, struct matrix *r, struct matrix *spare, size_t n)
{
    memset(r->v, 0, r->m * r->m * sizeof *r->v);
    for (size_t i = 0; i < r->m; i++)
        r->v[i * r->m + i] = 1;
    r->exponent = 0;
    for (size_t left = n; left; left >>= 1) {
        if (left & 1) {
            multiply(spare, r, a);
            struct matrix swap = *r;
            *r = *spare;
            *spare = swap;
        }
        if (left == 1) break;
        multiply(spare, a, a);
        struct matrix swap = *a;
        *a = *spare;
        *spare = swap;
    }
    size_t k = (r->m + 1) / 2;
    double middle = r->v[(k - 1) * r->m + k - 1];
    double log_front =
        stat_log_gamma((double)n + 1) - (double)n * log((double)n) + r->exponent * M_LN2;
    return middle > 0 ? exp(log(middle) + log_front) : 0;
}

static int exact_tail(double d, size_t n, double *out, struct err *err)
{
    size_t k = (size_t)ceil((double)n * d);
    size_t m = 2 * k - 1;
    double *all = calloc(3 * m * m, sizeof *all);
    if (!all) return err_set(err, ERR_NOMEM, "Kolmogorov-Smirnov of %zu samples: out of memory", n);
    struct matrix a = {m, 0, all}, r = {m, 0, all + m * m}, spare = {m, 0, all + 2 * m * m};
    fill(&a, (double)k - (double)n * d);
    *out = 1 - power_middle(&a, &r, &spare, n);
    free(all);
    return ERR_OK;
}

// ---- many samples

// Kolmogorov's limit, at a distance corrected for n (Vrbik, 2018).
static double limit_tail(double d, size_t n)
{
    double root = sqrt((double)n), sum = 0;
    double z = root * d + 1 / (6 * root) + (root * d - 1) / (4 * (double)n);
    for (int j = 1; j <= 100; j++)
        sum += (j % 2 ? 2 : -2) * exp(-2.0 * j * j * z * z);
    return fmin(fmax(sum, 0), 1);
}

int kolmogorov_tail(double d, size_t n, double *out, struct err *err)
{
    static const double far = 18; // n d^2 beyond which the tail is below 10^-15
    *out = 1;
    if (n == 0 || d <= 0.5 / (double)n) return ERR_OK;
    *out = 0;
    if (d >= 1 || (double)n * d * d > far) return ERR_OK;
    if (n <= KOLMOGOROV_EXACT_MAX) return exact_tail(d, n, out, err);
    *out = limit_tail(d, n);
    return ERR_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int kolmogorov_uniform(double *u, size_t n, struct kolmogorov_result *out, struct err *err)
{
    if (n == 0) return err_set(err, ERR_INVALID, "Kolmogorov-Smirnov: expected samples, got none");
    for (size_t i = 0; i < n; i++)
        if (!(u[i] >= 0 && u[i] <= 1))
            return err_set(err, ERR_INVALID,
                           "Kolmogorov-Smirnov: expected samples in 0 … 1, sample %zu is %g", i + 1,
                           u[i]);
    qsort(u, n, sizeof *u, ascending);
    double d = 0;
    for (size_t i = 0; i < n; i++) {
        double above = (double)(i + 1) / (double)n - u[i], below = u[i] - (double)i / (double)n;
        d = fmax(d, fmax(above, below));
    }
    out->d = d;
    return kolmogorov_tail(d, n, &out->p, err);
}
