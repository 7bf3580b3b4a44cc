// foxbench worker: started by foxbench run, which talks to it over FOXBENCH_WORKER_FD. Not for
// people.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/base/log.h"
#include "bench/cmd.h"
#include "lua/bind/worker.h"

int cmd_worker(int argc, char **argv)
{
    (void)argv;
    const char *text = getenv("FOXBENCH_WORKER_FD");
    char *end = NULL;
    long fd = text ? strtol(text, &end, 10) : -1;
    if (argc > 1 || !text || end == text || *end || fd < 0 || fcntl((int)fd, F_GETFD) < 0) {
        fprintf(stderr, "foxbench worker: started by foxbench run, which passes a socket in "
                        "FOXBENCH_WORKER_FD; use "
                        "foxbench run\n");
        return CMD_EXIT_USAGE;
    }
    (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    struct err err = {0};
    int rc = worker_serve((int)fd, cmd_root(), &err);
    if (rc < 0) {
        if (*err.text) LOG_ERROR("worker", "%s", err.text);
        return CMD_EXIT_ERROR;
    }
    return CMD_EXIT_OK;
}
