#include "bench/mc/config.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct jammer_row {
    const char *name;
    const char *text;
};

static const struct jammer_row jammers[MC_JAMMERS] = {
#define JAMMER(name, text) {#name, text},
#include "bench/mc/jammers.def"
#undef JAMMER
};

const char *mc_jammer_name(enum mc_jammer jammer)
{
    return jammers[jammer].name;
}

const char *mc_jammer_text(enum mc_jammer jammer)
{
    return jammers[jammer].text;
}

bool mc_jammer_find(const char *name, enum mc_jammer *out)
{
    for (int i = 0; i < MC_JAMMERS; i++)
        if (strcmp(jammers[i].name, name) == 0) {
            *out = i;
            return true;
        }
    return false;
}

struct mc_config mc_config_default(enum mc_jammer jammer)
{
    struct mc_config c = {
        .jammer = jammer,
        .class = SFX_CLASS_C,
        .bit_rate = 100,
        .ebn0_db = 20,
        .ranks = 3,
        .jammed = 7,
        .receivers = 1,
        .spread_db = 6,
        .offset_hz = 10,
        .band_hz = jammer == MC_JAMMER_noise ? 100 : 192e3,
        .period_s = 0.05,
        .step_hz = 1000,
        .dwell_s = 0.001,
        .on_s = 0.01,
        .late_s = 0.3,
    };
    if (jammer == MC_JAMMER_bpsk || jammer == MC_JAMMER_flood) c.offset_hz = 5;
    return c;
}

void mc_config_range(enum mc_jammer jammer, double *from_db, double *to_db)
{
    static const double ranges[MC_JAMMERS][2] = {
        [MC_JAMMER_cw] = {-6, 3},     [MC_JAMMER_steps] = {12, 36},   [MC_JAMMER_sweep] = {18, 36},
        [MC_JAMMER_noise] = {-10, 2}, [MC_JAMMER_bpsk] = {-5, 4},     [MC_JAMMER_flood] = {-5, 4},
        [MC_JAMMER_pulse] = {-6, 12}, [MC_JAMMER_reactive] = {-6, 3},
    };
    *from_db = ranges[jammer][0];
    *to_db = ranges[jammer][1];
}

struct limit {
    const char *name;
    double value, least, most;
    const char *unit;
};

static int check_limits(const struct limit *limits, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct limit *l = &limits[i];
        if (!(l->value >= l->least && l->value <= l->most)) // also refuses NaN
            return err_set(err, ERR_USAGE, "%s: expected %g to %g %s, got %g", l->name, l->least,
                           l->most, l->unit, l->value);
    }
    return ERR_OK;
}

int mc_config_check(const struct mc_config *c, struct err *err)
{
    if (c->bit_rate != 100 && c->bit_rate != 600)
        return err_set(err, ERR_USAGE, "bit rate: expected 100 or 600 bit/s, got %g", c->bit_rate);
    if (c->ranks != 1 && c->ranks != SFX_RANKS)
        return err_set(err, ERR_USAGE, "ranks: expected 1 or 3 frames a message, got %u", c->ranks);
    if (c->jammed < 1 || c->jammed > 7)
        return err_set(err, ERR_USAGE, "jammed ranks: expected some of 1, 2 and 3");
    if (c->receivers < 1 || c->receivers > MC_RECEIVERS_MAX)
        return err_set(err, ERR_USAGE, "receivers: expected 1 to %d, got %u", MC_RECEIVERS_MAX,
                       c->receivers);
    const struct limit limits[] = {
        {"Eb/N0", c->ebn0_db, -10, 80, "dB"},
        {"spread", c->spread_db, 0, 30, "dB"},
        {"offset", c->offset_hz, 0, c->bit_rate, "Hz"},
        {"band", c->band_hz, 1, 2e6, "Hz"},
        {"period", c->period_s, 1e-4, 100, "s"},
        {"step", c->step_hz, 1, c->jammer == MC_JAMMER_steps ? c->band_hz : 2e6, "Hz"},
        {"dwell", c->dwell_s, 1e-5, 10, "s"},
        {"on", c->on_s, 1e-5, 100, "s"},
        {"late", c->late_s, 0, 10, "s"},
    };
    int rc = check_limits(limits, sizeof limits / sizeof limits[0], err);
    if (rc == ERR_OK && c->jammer == MC_JAMMER_pulse && c->on_s > c->period_s)
        return err_set(err, ERR_USAGE, "on: expected at most the period of %g s, got %g s",
                       c->period_s, c->on_s);
    return rc;
}
