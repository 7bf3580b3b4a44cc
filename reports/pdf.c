// report.pdf: the same page on paper. WeasyPrint runs as a child, since it is Python.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/ledger_read.h"
#include "reports/report.h"

// Debian's own Python: it is the one that has Debian's WeasyPrint; another may come first in PATH.
static const char python[] = "/usr/bin/python3";

enum { WALL_S = 300, EXIT_NOT_INSTALLED = 5, EXIT_NOT_STARTED = 127 };

// WeasyPrint dates its files by this variable: the run's begin, so that equal runs give equal
// bytes.
static int read_epoch(const char *run_dir, char out[32], struct err *err)
{
    struct jval *wall = NULL;
    int rc = ledger_read_wall(run_dir, &wall, err);
    if (rc < 0) return rc;
    struct tm tm = {0};
    const char *first = jval_text(jval_get(wall, "first"), "");
    time_t t = strptime(first, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : 0;
    snprintf(out, 32, "%lld", (long long)t);
    jval_free(wall);
    return ERR_OK;
}

static pid_t start(const char *script, const char *page, const char *part, const char *epoch,
                   int said)
{
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid != 0) return pid;
    int null = open("/dev/null", O_RDWR);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
        dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(said, STDERR_FILENO) < 0 || setenv("SOURCE_DATE_EPOCH", epoch, 1) != 0 ||
        unsetenv("LD_PRELOAD") != 0)
        _exit(EXIT_NOT_STARTED);
    execl(python, "python3", "-I", script, page, part, (char *)NULL);
    _exit(EXIT_NOT_STARTED);
}

// Its exit status; -1 when it had to be killed. What it said is in `text`.
static int await(pid_t pid, int said, char *text, size_t size)
{
    int status = 0, pidfd = pidfd_open(pid, 0);
    struct pollfd poller = {.fd = pidfd, .events = POLLIN};
    int ended = pidfd < 0 ? 1 : poll(&poller, 1, WALL_S * 1000);
    if (ended <= 0) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pidfd >= 0) close(pidfd);
    ssize_t n = pread(said, text, size - 1, 0);
    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    if (ended <= 0) snprintf(text, size, "not done after %d s", WALL_S);
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int report_pdf(const char *run_dir, struct err *err)
{
    char script[PATH_MAX], page[PATH_MAX], path[PATH_MAX], part[PATH_MAX + 8], epoch[32], text[400];
    snprintf(script, sizeof script, "%s/reports/pdf.py", report_root());
    snprintf(page, sizeof page, "%s/report/report.html", run_dir);
    snprintf(path, sizeof path, "%s/report/report.pdf", run_dir);
    snprintf(part, sizeof part, "%s.part", path);
    if (access(page, R_OK) != 0)
        return err_set(err, ERR_NOTFOUND, "%s: expected the page to print: %s", page,
                       strerror(errno));
    int rc = read_epoch(run_dir, epoch, err);
    if (rc < 0) return rc;
    FILE *said = tmpfile();
    if (!said) return err_set(err, ERR_IO, "report.pdf: no temporary file: %s", strerror(errno));
    pid_t pid = start(script, page, part, epoch, fileno(said));
    if (pid < 0) {
        rc = err_set(err, ERR_IO, "report.pdf: %s cannot be started: %s", python, strerror(errno));
    } else {
        int code = await(pid, fileno(said), text, sizeof text);
        if (code == EXIT_NOT_INSTALLED || code == EXIT_NOT_STARTED)
            rc = err_set(err, ERR_UNSUPPORTED,
                         "report.pdf needs WeasyPrint, which is not installed (apt-get install "
                         "weasyprint); report.html says the same%s%s",
                         *text ? ": " : "", text);
        else if (code != 0)
            rc = err_set(err, ERR_FORMAT, "report.pdf: WeasyPrint failed: %s",
                         *text ? text : "without a word");
        else if (rename(part, path) != 0)
            rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    }
    fclose(said);
    if (rc < 0) unlink(part);
    return rc;
}
