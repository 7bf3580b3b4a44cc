#include "bench/stat/chi2.h"

#include <math.h>

#include "bench/stat/special.h"

static const double cell_least = 5; // the usual bound below which chi-square misleads

double chi2_tail(double x, unsigned freedom)
{
    return stat_gamma_upper(freedom / 2.0, x / 2);
}

int chi2_test(const double *count, const double *expected, size_t n, struct chi2_result *out,
              struct err *err)
{
    if (n < 2)
        return err_set(err, ERR_INVALID, "chi-square: expected 2 cells at least, got %zu", n);
    double total = 0, promised = 0, x = 0;
    for (size_t i = 0; i < n; i++) {
        total += count[i];
        promised += expected ? expected[i] : 0;
    }
    if (expected && !(fabs(promised - total) <= 1e-9 * fmax(total, 1)))
        return err_set(err, ERR_INVALID,
                       "chi-square: expected the cells to sum up to the %g counted, they sum up to "
                       "%g",
                       total, promised);
    for (size_t i = 0; i < n; i++) {
        double want = expected ? expected[i] : total / (double)n;
        if (!(want >= cell_least))
            return err_set(err, ERR_INVALID,
                           "chi-square: cell %zu expects %g counts, %g are the least that allow a "
                           "decision; join cells or take more samples",
                           i + 1, want, cell_least);
        x += (count[i] - want) * (count[i] - want) / want;
    }
    *out = (struct chi2_result){
        .x = x, .freedom = (unsigned)n - 1, .p = chi2_tail(x, (unsigned)n - 1)};
    return ERR_OK;
}
