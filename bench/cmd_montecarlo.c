// foxbench montecarlo: loss against J/S, simulated symbol by symbol.
#include "bench/cmd_montecarlo.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench/cmd.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int simulate(const struct montecarlo_options *o, struct err *err)
{
    struct mc_curves *curves = calloc(o->n_plans, sizeof *curves);
    if (!curves) return err_set(err, ERR_NOMEM, "no memory for %u curves", o->n_plans);
    int rc = ERR_OK;
    for (unsigned i = 0; i < o->n_plans && rc == ERR_OK; i++) {
        const struct mc_plan *plan = &o->plans[i];
        double begin = now_s();
        rc = mc_run(plan, &curves[i], err);
        if (rc == ERR_OK && !o->json) montecarlo_print(o, plan, &curves[i], stdout);
        if (rc == ERR_OK && isatty(STDERR_FILENO))
            fprintf(stderr, "%u/%u %s: %u messages at %zu levels in %.1f s\n", i + 1, o->n_plans,
                    mc_jammer_name(plan->config.jammer), plan->trials, plan->points,
                    now_s() - begin);
    }
    if (rc == ERR_OK && o->json) rc = montecarlo_print_json(o, curves, stdout, err);
    if (rc == ERR_OK && fflush(stdout) != 0)
        rc = err_set(err, ERR_IO, "writing the curves to standard output failed");
    free(curves);
    return rc;
}

int cmd_montecarlo(int argc, char **argv)
{
    struct montecarlo_options *o = calloc(1, sizeof *o);
    struct err err = {0};
    int rc = o ? montecarlo_parse(o, argc, argv, &err)
               : err_set(&err, ERR_NOMEM, "no memory for the options");
    if (rc == ERR_OK && o->help)
        fputs(montecarlo_help, stdout);
    else if (rc == ERR_OK)
        rc = simulate(o, &err);
    free(o);
    if (rc == ERR_OK) return CMD_EXIT_OK;
    fprintf(stderr, "foxbench montecarlo: %s\n", err.text);
    return rc == ERR_USAGE ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
}
