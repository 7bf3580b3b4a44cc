// What the bench heard of the burst that `foxbench tx` sent.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/cmd.h"
#include "bench/cmd_tx.h"

static const double nominal_db = 24;      // full scale at a gain of 0 dB: -24 dBm, typical
static const double level_step_db = 0.05; // of what is printed

static double shown(double db)
{
    return round(db / level_step_db) * level_step_db + 0.0;
}

// In words what was not as ordered, or nothing.
static void judge(const struct tx *t, const struct air_path *path, const struct air_echo *e,
                  double due_dbfs, char *why, size_t size)
{
    const double allowed_db = path->tolerance_db > 0 ? path->tolerance_db : AIR_PATH_TOLERANCE_DB;
    const double missing_s = e->head_s + e->tail_s + e->hole_s;
    why[0] = '\0';
    if (!e->found)
        snprintf(why, size,
                 "nothing like it was on the air within %.0f ms of its time: check the "
                 "transmitter, its cable and the declared path",
                 1e3 * AIR_ECHO_SEARCH_S);
    else if (fabs(e->dbfs - due_dbfs) > allowed_db)
        snprintf(why, size,
                 "%.1f dBFS were expected, %.0f dB to either side are allowed: mend the path, or "
                 "its attenuation_db in the bench file",
                 due_dbfs, allowed_db);
    else if (missing_s > 0.02)
        snprintf(why, size, "%.2f s of it were missing", missing_s);
    else if (t->burst.what == TX_DOWNLINK && e->bit_errors > 0)
        snprintf(why, size, "%u of its bits were not those that were sent", e->bit_errors);
}

static int look(struct tx *t, struct air_echo *echo, struct err *err)
{
    const double rate = radio_info(t->radio)->rate_hz;
    const int64_t side = (int64_t)(2 * AIR_ECHO_SEARCH_S * rate);
    int64_t from = t->burst.start - side, to = t->burst.start + (int64_t)t->burst.n + side;
    if (from < iq_ring_oldest(&t->ring)) from = iq_ring_oldest(&t->ring);
    if (to > t->ring.end) to = t->ring.end;
    if (!iq_ring_has(&t->ring, from, to))
        return err_set(err, ERR_LIMIT, "samples were lost while it was sent");
    int16_t *iq = malloc(2 * (size_t)(to - from) * sizeof *iq);
    if (!iq) return err_set(err, ERR_NOMEM, "no memory to look for the burst");
    iq_ring_copy(&t->ring, from, to, iq);
    int rc = tx_burst_find(&t->burst, rate, radio_info(t->ear)->lo_hz, iq, from,
                           (size_t)(to - from), t->burst.start, echo, err);
    free(iq);
    return rc;
}

int tx_tell(struct tx *t, struct err *err)
{
    const double rate = radio_info(t->radio)->rate_hz;
    const char *unit = desk_radios_unit(&t->radios, t->sender);
    printf("sent %s: %.6f MHz, %.1f dBm at the connector of %s, %.3f s\n", t->burst.name,
           t->burst.f_hz * 1e-6, t->burst.level_dbm, unit, (double)t->burst.n / rate);
    if (!t->listens) {
        printf("heard by nobody: no free radio of this bench has a declared path from %s\n", unit);
        return CMD_EXIT_OPEN;
    }
    const char *ear = desk_radios_unit(&t->radios, t->listener);
    const struct air_path *path = desk_radios_path(&t->radios, t->sender, t->listener);
    const double due_dbfs =
        t->burst.level_dbm - path->attenuation_db + radio_info(t->ear)->gain_db + nominal_db;
    struct air_echo echo = {0};
    char why[256];
    int rc = look(t, &echo, err);
    if (rc < 0) return rc;
    judge(t, path, &echo, due_dbfs, why, sizeof why);
    if (!echo.found) {
        printf("not heard by %s: %s\n", ear, why);
        return CMD_EXIT_ERROR;
    }
    printf("heard by %s: ", ear);
    if (t->listener == t->sender) // others begin when they do
        printf("%.3f ms late, ", 1e3 * echo.late_samples / rate);
    printf("%+.0f Hz beside its frequency, %.1f dBFS (%.1f expected), %.0f %% of what was there is "
           "it",
           echo.off_hz + 0.0, shown(echo.dbfs), shown(due_dbfs), 100 * echo.likeness);
    if (t->burst.what == TX_DOWNLINK) printf(", %u wrong bits", echo.bit_errors);
    puts("");
    if (!*why) return CMD_EXIT_OK;
    printf("not as ordered: %s\n", why);
    return CMD_EXIT_ERROR;
}
