#include "bench/run_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ENV_MAX = 80, SEND_S = 5 };

static int launch(struct worker *w, int theirs, const char *const *env, struct err *err)
{
    char fd_text[48];
    snprintf(fd_text, sizeof fd_text, "FOXBENCH_WORKER_FD=%d", theirs);
    const char *all[ENV_MAX + 2] = {fd_text};
    size_t n = 1;
    for (; env && *env && n <= ENV_MAX; env++)
        all[n++] = *env;

    const char *other = getenv("FOXBENCH_WORKER");
    const char *argv[] = {"foxbench", "worker", NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0) return err_set(err, ERR_IO, "/dev/null: %s", strerror(errno));
    // stdout belongs to TAP: what a worker prints goes to the human
    const struct process_config config = {.program = other && *other ? other : "/proc/self/exe",
                                          .argv = argv,
                                          .env = all,
                                          .in = null,
                                          .out = STDERR_FILENO,
                                          .err = STDERR_FILENO,
                                          .keep = theirs,
                                          .death_signal = SIGKILL};
    int rc = process_start(&w->process, &config, err);
    close(null);
    return rc;
}

int worker_start(struct worker *w, const char *const *env, struct err *err)
{
    *w = (struct worker){.process.pidfd = -1};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_set(err, ERR_IO, "no socket for a worker: %s", strerror(errno));
    // A worker that does not read must not stop the supervisor.
    struct timeval limit = {.tv_sec = SEND_S};
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int rc = link_new(&w->link, pair[0], err);
    if (rc == ERR_OK) rc = launch(w, pair[1], env, err);
    close(pair[1]);
    if (rc < 0) worker_end(w, 0, NULL, 0);
    return rc;
}

int worker_ask(struct worker *w, struct jval *request, struct err *err)
{
    if (!request) return err_set(err, ERR_FORMAT, "a request to the worker cannot be made");
    int rc = link_send(w->link, request, -1, err);
    jval_free(request);
    return rc;
}

void worker_end(struct worker *w, int grace_ms, char *how, size_t size)
{
    bool killed = false;
    if (how && size) *how = 0;
    if (w->process.pid > 0) {
        if (!process_wait(&w->process, grace_ms)) {
            kill(w->process.pid, SIGKILL);
            process_wait(&w->process, 5000);
            killed = true;
        }
        if (how && killed)
            snprintf(how, size, "killed");
        else if (how)
            process_describe(&w->process, how, size);
        process_end(&w->process);
    }
    link_free(w->link);
    w->link = NULL;
}
