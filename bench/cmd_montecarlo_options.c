#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd_montecarlo.h"

const char montecarlo_help[] =
    "usage: foxbench montecarlo [JAMMER…] [OPTIONS]\n"
    "\n"
    "Simulates, symbol by symbol, how many messages a jammer takes from a base station, and "
    "prints\n"
    "loss against J/S with its interval, and the J/S of 10, 50 and 90 % loss. J and S are powers\n"
    "while on, J over all of the jammer's band. The receiver is in step from the start: add some\n"
    "tenths of a dB for a real one.\n"
    "\n"
    "JAMMER, none is all of them:\n"
#define JAMMER(name, text) "  " #name "\n    " text "\n"
#include "bench/mc/jammers.def"
#undef JAMMER
    "\n"
    "  --js-db FROM:TO:STEP  levels; default: where the jammer's curve lies\n"
    "  --ebn0-db X           without the jammer; default: 20\n"
    "  --class A..E, --bit-rate 100|600   of the frames; default: C, 100\n"
    "  --ranks 1|3           frames a message is sent in; default: 3\n"
    "  --jam-ranks LIST      which of them are jammed; default: 1,2,3\n"
    "  --receivers N         base stations, any of which will do; default: 1\n"
    "  --spread-db X         by which their J/S differ (standard deviation); default: 6\n"
    "  --detect plain|tracked   differential, or with the carrier's phase tracked; default: plain\n"
    "  --offset-hz X         cw, bpsk, flood, pulse, reactive: anywhere within +-X of the carrier\n"
    "  --band-hz X           steps, sweep, noise; default: 192000, noise 100\n"
    "  --period-s X          sweep, pulse: from one to the next; default: 0.05\n"
    "  --step-hz X, --dwell-s X   steps; default: 1000, 0.001\n"
    "  --on-s X              pulse; default: 0.01\n"
    "  --late-s X            reactive: after the frame's begin; default: 0.3\n"
    "  --trials N            messages at each level; default: 2000\n"
    "  --confidence X        of the intervals; default: 0.95\n"
    "  --seed N              default: 1\n"
    "  --threads N           the result is the same for any; default: 1\n"
    "  --json                one JSON value\n"
    "\n"
    "Exit: 0 simulated, 3 it could not be, 4 usage.\n";

// What the options say, before it is spread over the jammers.
struct asked {
    bool named[MC_JAMMERS];
    bool any;
    bool has_levels;
    double from_db, to_db, step_db;
    struct mc_plan plan;
    bool has_band, has_offset; // those differ between jammers
};

static int parse_number(const char *option, const char *text, double *out, struct err *err)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (errno || end == text || *end || !isfinite(v))
        return err_set(err, ERR_USAGE, "%s: expected a number, got '%s'", option, text);
    *out = v;
    return ERR_OK;
}

static int parse_count(const char *option, const char *text, uint64_t most, uint64_t *out,
                       struct err *err)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] < '0' || text[0] > '9' || v > most)
        return err_set(err, ERR_USAGE, "%s: expected a whole number up to %llu, got '%s'", option,
                       (unsigned long long)most, text);
    *out = v;
    return ERR_OK;
}

static int parse_levels(const char *text, struct asked *a, struct err *err)
{
    double v[3];
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        char *end;
        v[i] = strtod(at, &end);
        if (end == at || *end != (i < 2 ? ':' : 0) || !isfinite(v[i]))
            return err_set(err, ERR_USAGE,
                           "--js-db: expected FROM:TO:STEP in dB, such as -6:3:0.5, got '%s'",
                           text);
        at = end + 1;
    }
    if (v[0] > v[1] || v[2] <= 0 || (v[1] - v[0]) / v[2] > MC_POINTS_MAX - 1)
        return err_set(err, ERR_USAGE,
                       "--js-db: expected FROM up to TO in at most %d levels, got '%s'",
                       MC_POINTS_MAX, text);
    a->has_levels = true;
    a->from_db = v[0];
    a->to_db = v[1];
    a->step_db = v[2];
    return ERR_OK;
}

static int parse_ranks(const char *text, unsigned *out, struct err *err)
{
    unsigned ranks = 0;
    for (const char *at = text;; at += 2) {
        if (at[0] < '1' || at[0] > '3' || (at[1] && at[1] != ','))
            return err_set(err, ERR_USAGE,
                           "--jam-ranks: expected some of 1, 2 and 3, such as 1,3, got '%s'", text);
        ranks |= 1u << (at[0] - '1');
        if (!at[1]) break;
    }
    *out = ranks;
    return ERR_OK;
}

static int parse_words(struct asked *a, const char *option, const char *text, struct err *err)
{
    struct mc_config *c = &a->plan.config;
    if (strcmp(option, "--class") == 0) {
        if (text[0] < 'A' || text[0] > 'E' || text[1])
            return err_set(err, ERR_USAGE, "--class: expected A to E, got '%s'", text);
        c->class = SFX_CLASS_A + (text[0] - 'A');
    } else if (strcmp(text, "plain") == 0 || strcmp(text, "tracked") == 0) {
        c->tracked = text[0] == 't';
    } else {
        return err_set(err, ERR_USAGE, "--detect: expected plain or tracked, got '%s'", text);
    }
    return ERR_OK;
}

struct number {
    const char *option;
    double *value;
    bool *given;
};

struct count {
    const char *option;
    uint64_t most;
    uint64_t value;
    bool given;
};

enum { COUNT_RANKS, COUNT_RECEIVERS, COUNT_TRIALS, COUNT_SEED, COUNT_THREADS, COUNTS };

static int parse_option(struct asked *a, const char *option, const char *text,
                        struct count counts[COUNTS], double *confidence, struct err *err)
{
    struct mc_config *c = &a->plan.config;
    bool ignored;
    const struct number numbers[] = {
        {"--ebn0-db", &c->ebn0_db, &ignored},     {"--bit-rate", &c->bit_rate, &ignored},
        {"--spread-db", &c->spread_db, &ignored}, {"--offset-hz", &c->offset_hz, &a->has_offset},
        {"--band-hz", &c->band_hz, &a->has_band}, {"--period-s", &c->period_s, &ignored},
        {"--step-hz", &c->step_hz, &ignored},     {"--dwell-s", &c->dwell_s, &ignored},
        {"--on-s", &c->on_s, &ignored},           {"--late-s", &c->late_s, &ignored},
        {"--confidence", confidence, &ignored},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(option, numbers[i].option) == 0) {
            *numbers[i].given = true;
            return parse_number(option, text, numbers[i].value, err);
        }
    for (size_t i = 0; i < COUNTS; i++)
        if (strcmp(option, counts[i].option) == 0)
            return parse_count(option, text, counts[i].most, &counts[i].value, err);
    if (strcmp(option, "--js-db") == 0) return parse_levels(text, a, err);
    if (strcmp(option, "--jam-ranks") == 0) return parse_ranks(text, &c->jammed, err);
    return parse_words(a, option, text, err); // --class or --detect
}

// Whether arg is an option with a value: that gets its name, and the value what follows a '=' or is
// NULL.
static bool is_option(const char *arg, const char **name, const char **value)
{
    static const char *const options[] = {"--js-db",   "--ebn0-db",    "--class",     "--bit-rate",
                                          "--ranks",   "--jam-ranks",  "--receivers", "--spread-db",
                                          "--detect",  "--offset-hz",  "--band-hz",   "--period-s",
                                          "--step-hz", "--dwell-s",    "--on-s",      "--late-s",
                                          "--trials",  "--confidence", "--seed",      "--threads"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t n = strlen(options[i]);
        if (strncmp(arg, options[i], n) != 0 || (arg[n] && arg[n] != '=')) continue;
        *name = options[i];
        *value = arg[n] ? arg + n + 1 : NULL;
        return true;
    }
    return false;
}

static int parse_all(struct asked *a, struct montecarlo_options *o, int argc, char **argv,
                     struct err *err)
{
    struct count counts[COUNTS] = {
        [COUNT_RANKS] = {"--ranks", SFX_RANKS, 3, false},
        [COUNT_RECEIVERS] = {"--receivers", MC_RECEIVERS_MAX, 1, false},
        [COUNT_TRIALS] = {"--trials", MC_TRIALS_MAX, 2000, false},
        [COUNT_SEED] = {"--seed", INT64_MAX, 1, false},
        [COUNT_THREADS] = {"--threads", MC_THREADS_MAX, 1, false},
    };
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *name, *value;
        enum mc_jammer jammer;
        int rc = ERR_OK;
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            o->help = true;
        } else if (strcmp(arg, "--json") == 0) {
            o->json = true;
        } else if (is_option(arg, &name, &value)) {
            if (!value && i + 1 < argc) value = argv[++i];
            rc = value ? parse_option(a, name, value, counts, &o->confidence, err)
                       : err_set(err, ERR_USAGE, "%s: expected a value behind it, got none", name);
        } else if (mc_jammer_find(arg, &jammer)) {
            a->named[jammer] = true;
            a->any = true;
        } else if (arg[0] == '-') {
            rc = err_set(err, ERR_USAGE,
                         "unknown option '%s'; foxbench montecarlo --help lists them", arg);
        } else {
            rc = err_set(err, ERR_USAGE,
                         "expected a jammer (cw, steps, sweep, noise, bpsk, flood, pulse, "
                         "reactive), got '%s'",
                         arg);
        }
        if (rc < 0) return rc;
    }
    a->plan.config.ranks = (unsigned)counts[COUNT_RANKS].value;
    a->plan.config.receivers = (unsigned)counts[COUNT_RECEIVERS].value;
    a->plan.trials = (unsigned)counts[COUNT_TRIALS].value;
    a->plan.seed = counts[COUNT_SEED].value;
    a->plan.threads = (unsigned)counts[COUNT_THREADS].value;
    if (!(o->confidence > 0 && o->confidence < 1))
        return err_set(err, ERR_USAGE, "--confidence: expected a part between 0 and 1, got %g",
                       o->confidence);
    return ERR_OK;
}

static void set_levels(const struct asked *a, struct mc_plan *plan)
{
    double from = a->from_db, to = a->to_db, step = a->step_db;
    if (!a->has_levels) {
        mc_config_range(plan->config.jammer, &from, &to);
        step = (to - from) / 18;
    }
    size_t n = (size_t)floor((to - from) / step + 1e-6) + 1;
    plan->points = n < MC_POINTS_MAX ? n : MC_POINTS_MAX;
    for (size_t p = 0; p < plan->points; p++)
        plan->js_db[p] = from + (double)p * step;
}

int montecarlo_parse(struct montecarlo_options *out, int argc, char **argv, struct err *err)
{
    *out = (struct montecarlo_options){.confidence = 0.95};
    struct asked a = {.plan.config = mc_config_default(MC_JAMMER_cw)};
    int rc = parse_all(&a, out, argc, argv, err);
    for (int j = 0; j < MC_JAMMERS && rc == ERR_OK; j++) {
        if (a.any && !a.named[j]) continue;
        struct mc_plan *plan = &out->plans[out->n_plans++];
        struct mc_config own = mc_config_default(j);
        *plan = a.plan;
        plan->config.jammer = j;
        if (!a.has_band) plan->config.band_hz = own.band_hz;
        if (!a.has_offset) plan->config.offset_hz = own.offset_hz;
        set_levels(&a, plan);
        rc = mc_config_check(&plan->config, err);
        if (rc == ERR_OK && (plan->trials < 1 || plan->threads < 1))
            rc = err_set(err, ERR_USAGE, "--trials, --threads: expected 1 or more, got 0");
        if (rc < 0) err_prefix(err, "%s", mc_jammer_name(j));
    }
    return rc;
}
