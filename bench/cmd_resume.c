// foxbench resume: goes on with a run that broke off.
#include <stdio.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/run_again.h"
#include "bench/run_job.h"

static bool is_signed(const char *dir)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/root.sig", dir);
    return access(path, F_OK) == 0;
}

int cmd_resume(int argc, char **argv)
{
    const char *device = NULL, *bench = NULL;
    struct words words = {.max = 1};
    struct err e = {0};
    const struct argument arguments[] = {
        {.name = "--device", .value = &device}, {.name = "--bench", .value = &bench}, {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, &e);
    if (rc == ARGUMENTS_GO_ON && words.n == 0)
        rc = err_set(&e, ERR_USAGE,
                     "expected a run directory; for example foxbench resume results/latest");
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("resume", rc, &e);
    const char *run = words.list[0];

    struct run_again again;
    if (run_again_read(&again, run, device, bench, &e) < 0) {
        fprintf(stderr, "foxbench resume: %s\n", e.text);
        return CMD_EXIT_USAGE;
    }
    int code;
    if (is_signed(again.dir)) {
        fprintf(stderr,
                "foxbench resume: %s is signed, so it is finished; begin a new one with "
                "foxbench rerun\n",
                run);
        code = CMD_EXIT_USAGE;
    } else {
        code = run_job("resume", &again.options, again.dir);
    }
    run_again_deinit(&again);
    return code;
}
