#include "bench/run_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return strncmp(a, b, n) == 0 && b[n] == '=';
}

// The environment with `more` in it. The strings are borrowed; free() the array alone.
static const char **merge_environment(const char *const *more)
{
    size_t n = 0, n_more = 0;
    while (environ[n])
        n++;
    while (more && more[n_more])
        n_more++;
    const char **all = calloc(n + n_more + 1, sizeof *all);
    if (!all) return NULL;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        bool replaced = false;
        for (size_t k = 0; k < n_more && !replaced; k++)
            replaced = same_name(more[k], environ[i]);
        if (!replaced) all[at++] = environ[i];
    }
    for (size_t k = 0; k < n_more; k++)
        all[at++] = more[k];
    return all;
}

static void become(const struct process_config *c, pid_t parent, char **env)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (!c->same_group) setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, c->death_signal) != 0 || getppid() != parent) _exit(127);
    int std[3] = {c->in, c->out, c->err};
    for (int i = 0; i < 3; i++) // above 2 first, so that none is overwritten before its turn
        if ((std[i] = fcntl(std[i], F_DUPFD, 3)) < 0) _exit(127);
    for (int i = 0; i < 3; i++) {
        if (dup2(std[i], i) < 0) _exit(127);
        close(std[i]);
    }
    if (c->keep >= 0) fcntl(c->keep, F_SETFD, 0);
    execve(c->program, (char *const *)(uintptr_t)c->argv, env);
    fprintf(stderr, "%s cannot be started: %s\n", c->program, strerror(errno));
    _exit(127);
}

int process_start(struct process *p, const struct process_config *config, struct err *err)
{
    *p = (struct process){.pidfd = -1};
    const char **env = merge_environment(config->env);
    if (!env) return err_set(err, ERR_NOMEM, "%s: out of memory", config->program);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) become(config, parent, (char **)(uintptr_t)env);
    int why = errno;
    free(env);
    if (pid < 0)
        return err_set(err, ERR_IO, "%s cannot be started: %s", config->program, strerror(why));
    p->pid = pid;
    p->pidfd = pidfd_open(pid, 0);
    if (p->pidfd < 0) {
        why = errno;
        process_end(p);
        return err_set(err, ERR_IO, "%s cannot be watched: %s", config->program, strerror(why));
    }
    return ERR_OK;
}

static bool reap(struct process *p, int flags)
{
    if (p->pid <= 0 || p->reaped) return true;
    pid_t got;
    do {
        got = waitpid(p->pid, &p->status, flags);
    } while (got < 0 && errno == EINTR);
    if (got != 0) p->reaped = true;
    return p->reaped;
}

bool process_is_alive(struct process *p)
{
    return p->pid > 0 && !reap(p, WNOHANG);
}

bool process_wait(struct process *p, int timeout_ms)
{
    if (reap(p, WNOHANG)) return true;
    struct pollfd poller = {.fd = p->pidfd, .events = POLLIN};
    (void)!poll(&poller, 1, timeout_ms);
    return reap(p, WNOHANG);
}

void process_end(struct process *p)
{
    if (p->pid <= 0) return;
    if (!p->reaped) {
        kill(p->pid, SIGKILL);
        reap(p, 0);
    }
    if (p->pidfd >= 0) close(p->pidfd);
    p->pidfd = -1;
    p->pid = 0;
}

void process_describe(const struct process *p, char *out, size_t size)
{
    if (!p->reaped)
        snprintf(out, size, "still running");
    else if (WIFSIGNALED(p->status))
        snprintf(out, size, "signal %d (%s)", WTERMSIG(p->status), strsignal(WTERMSIG(p->status)));
    else
        snprintf(out, size, "exit %d", WEXITSTATUS(p->status));
}

struct process_time process_time(const struct process *p)
{
    char path[64], text[1024];
    unsigned long long ran_ns, waited_ns;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)p->pid);
    FILE *f = fopen(path, "re");
    int found = f ? fscanf(f, "%llu %llu", &ran_ns, &waited_ns) : 0;
    if (f) fclose(f);
    if (found == 2)
        return (struct process_time){(long)(ran_ns / 1000000), (long)(waited_ns / 1000000)};

    // A kernel that does not count the waiting.
    const struct process_time unknown = {-1, 0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)p->pid);
    f = fopen(path, "re");
    if (!f) return unknown;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    const char *after = strrchr(text, ')'); // the name before it may hold anything
    unsigned long user, kernel;
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                         &kernel) != 2)
        return unknown;
    return (struct process_time){
        (long)((user + kernel) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK)), 0};
}
