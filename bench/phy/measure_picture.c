// The phase of a burst over time, as a picture: the two states of its symbols, 180 degrees apart,
// and the way between them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/measure_parts.h"

// Where the device sends with less than this part of its amplitude, there is no phase to show.
static const double amplitude_min = 0.15;

void phy_measure_phase(const struct phy_measure_state *m, size_t columns, size_t rows, float *out)
{
    const struct phy_lowered *l = &m->narrow;
    const struct phy_motion *o = &m->motion;
    double half = (double)m->burst->n_symbols / 2 * o->stretch;
    memset(out, 0, columns * rows * sizeof *out);
    for (size_t i = 0; i < l->n; i++) {
        double x = l->origin + (double)i / l->per_symbol - o->middle;
        double part = (double)cabsf(l->z[i]) / o->amplitude;
        if (x < -half || x >= half || part < amplitude_min) continue;
        double turns = (double)cargf(l->z[i]) / (2 * M_PI) + 0.25; // the picture begins at -90
        turns -= floor(turns);
        size_t column = (size_t)((x + half) / (2 * half) * (double)columns);
        size_t row = (size_t)(turns * (double)rows);
        if (column >= columns || row >= rows) continue;
        out[column * rows + row] += (float)fmin(part, 1);
    }
}

int phy_measure_picture(const struct phy_measure_config *config, const int16_t *iq, size_t n,
                        const struct phy_measure_burst *burst, size_t columns, size_t rows,
                        float *out, struct err *err)
{
    if (columns < 1 || rows < 1)
        return err_set(err, ERR_INVALID, "phase picture: expected at least 1 x 1 cells");
    int rc = phy_measure_check(config, n, burst, err);
    if (rc < 0) return rc;
    struct phy_measurement unused = {0};
    struct phy_measure_state *m = calloc(1, sizeof *m);
    if (!m) return err_set(err, ERR_NOMEM, "no memory for a phase picture");
    *m = (struct phy_measure_state){.config = config, .burst = burst, .out = &unused};
    rc = phy_measure_lower(m, iq, n, err);
    if (rc == ERR_OK) rc = phy_measure_motion(m, err);
    if (rc == ERR_OK) phy_measure_phase(m, columns, rows, out);
    free(m->wide.z);
    free(m->narrow.z);
    free(m);
    return rc;
}
