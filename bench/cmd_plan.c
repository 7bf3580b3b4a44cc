// foxbench plan: what a run would do, how long it would take, and what it would leave out.
#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/run_fleet.h"
#include "bench/run_job.h"

int cmd_plan(int argc, char **argv)
{
    struct run_options options;
    struct err e = {0};
    int rc = run_options_parse(&options, true, argc, argv, &e);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("plan", rc, &e);
    return options.devices.n > 1 ? run_fleet("plan", &options) : run_job("plan", &options, NULL);
}
