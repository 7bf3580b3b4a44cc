// foxbench run: a new run.
#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/run_fleet.h"
#include "bench/run_job.h"

int cmd_run(int argc, char **argv)
{
    struct run_options options;
    struct err e = {0};
    int rc = run_options_parse(&options, false, argc, argv, &e);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("run", rc, &e);
    return options.devices.n > 1 ? run_fleet("run", &options) : run_job("run", &options, NULL);
}
