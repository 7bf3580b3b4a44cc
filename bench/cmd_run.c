// foxbench run: a new run.
#include <stdio.h>

#include "bench/cmd.h"
#include "bench/run_job.h"

int cmd_run(int argc, char **argv)
{
    struct run_options options;
    struct err e = {0};
    if (run_options_parse(&options, argc, argv, &e) < 0) {
        fprintf(stderr, "foxbench run: %s\n", e.text);
        return CMD_EXIT_USAGE;
    }
    if (options.help) {
        fputs(run_options_help, stdout);
        return CMD_EXIT_OK;
    }
    return run_job("run", &options, NULL);
}
