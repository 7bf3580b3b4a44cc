#include "bench/validate_child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/record/lines.h"
#include "bench/run_process.h"

enum { STOP_MS = 10000 };

// ---- the folder

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)!remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int runner_open(struct runner *r, const char *profile, struct err *err)
{
    *r = (struct runner){.profile = profile, .signal_fd = -1};
    ssize_t n = readlink("/proc/self/exe", r->program, sizeof r->program - 1);
    if (n < 0) return err_set(err, ERR_IO, "/proc/self/exe: %s", strerror(errno));
    r->program[n] = 0;
    const char *tmp = getenv("TMPDIR");
    if (!tmp || !*tmp) tmp = "/tmp";
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/foxbench-validate-XXXXXX", tmp);
    if (!mkdtemp(path))
        return err_set(err, ERR_IO, "%s: no folder for the runs can be made there: %s", tmp,
                       strerror(errno));
    snprintf(r->folder, sizeof r->folder, "%s", path);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return r->signal_fd < 0 ? err_set(err, ERR_IO, "signalfd: %s", strerror(errno)) : ERR_OK;
}

void runner_close(struct runner *r)
{
    if (*r->folder) {
        remove_tree(r->folder);
        close(r->signal_fd);
    }
    *r = (struct runner){.signal_fd = -1};
}

// ---- reading a run

static const char *text_of(const struct jval *object, const char *key)
{
    return jval_text(jval_get(object, key), "");
}

static void add(const struct matrix *m, struct matrix_outcome *outcomes, const char *id,
                enum verdict v, enum blame b, const char *reason)
{
    int c = matrix_find_case(m, id);
    if (c >= 0) matrix_outcome_add(&outcomes[c], v, b, reason);
}

static int read_plan(const char *run_dir, const struct matrix *m, struct matrix_outcome *outcomes,
                     struct err *err)
{
    char path[PATH_MAX];
    struct jval *plan;
    snprintf(path, sizeof path, "%s/plan.json", run_dir);
    int rc = jval_load(&plan, path, err);
    if (rc < 0) return rc;
    const struct jval *cases = jval_get(plan, "cases");
    for (size_t i = 0; i < jval_len(cases); i++) {
        const char *na = text_of(jval_at(cases, i), "na");
        if (*na) add(m, outcomes, text_of(jval_at(cases, i), "id"), VERDICT_NA, BLAME_NONE, na);
    }
    jval_free(plan);
    return ERR_OK;
}

static int read_event(const struct jval *event, const struct matrix *m,
                      struct matrix_outcome *outcomes, struct err *err)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "case.end") == 0) {
        enum verdict v;
        enum blame b;
        if (!verdict_find(text_of(event, "verdict"), &v) ||
            !blame_find(text_of(event, "blame"), &b))
            return err_set(err, ERR_FORMAT, "case.end of %s has verdict \"%s\", blame \"%s\"",
                           text_of(event, "case"), text_of(event, "verdict"),
                           text_of(event, "blame"));
        add(m, outcomes, text_of(event, "case"), v, b, text_of(event, "reason"));
    } else if (strcmp(type, "run.end") == 0) {
        const struct jval *notrun = jval_get(event, "notrun");
        for (size_t i = 0; i < jval_len(notrun); i++)
            add(m, outcomes, text_of(jval_at(notrun, i), "case"), VERDICT_NOTRUN, BLAME_BENCH,
                text_of(jval_at(notrun, i), "reason"));
    }
    return ERR_OK;
}

int child_read(const char *run_dir, const struct matrix *m, struct matrix_outcome *outcomes,
               struct err *err)
{
    char path[PATH_MAX];
    struct lines l = {0};
    int rc = read_plan(run_dir, m, outcomes, err);
    if (rc < 0) return rc;
    snprintf(path, sizeof path, "%s/events.jsonl", run_dir);
    rc = lines_open(&l, path, err);
    while (rc == ERR_OK && (rc = lines_next(&l, err)) == 1) {
        rc = l.value ? read_event(l.value, m, outcomes, err)
                     : err_set(err, ERR_FORMAT, "line %zu is no event", l.number);
        if (rc < 0) (void)err_prefix(err, "%s", path);
    }
    lines_close(&l);
    return rc < 0 ? rc : ERR_OK;
}

// ---- running

static void last_line(int fd, char *out, size_t size)
{
    char text[1024];
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > (off_t)sizeof text - 1 ? end - ((off_t)sizeof text - 1) : 0;
    ssize_t n = pread(fd, text, sizeof text - 1, from);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    text[n > 0 ? n : 0] = 0;
    const char *line = strrchr(text, '\n');
    snprintf(out, size, "%s", line ? line + 1 : text);
}

// Until the child ends, or the operator wants it all to end.
static int await(struct runner *r, struct process *p, struct err *err)
{
    while (process_is_alive(p)) {
        struct pollfd poller[] = {{.fd = p->pidfd, .events = POLLIN},
                                  {.fd = r->signal_fd, .events = POLLIN}};
        (void)!poll(poller, 2, -1);
        if (!(poller[1].revents & POLLIN)) continue;
        kill(p->pid, SIGTERM); // it makes its own lab and devices safe
        process_wait(p, STOP_MS);
        return err_set(err, ERR_TIMEOUT, "stopped by the operator");
    }
    if (WIFEXITED(p->status) && WEXITSTATUS(p->status) == CMD_EXIT_INTERRUPTED)
        return err_set(err, ERR_TIMEOUT, "foxbench run was stopped by a signal");
    return ERR_OK;
}

static int start(struct runner *r, struct process *p, const struct child_request *q,
                 const char *profile, const struct matrix *m, int out, struct err *err)
{
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0) return err_set(err, ERR_IO, "/dev/null: %s", strerror(errno));
    const char **argv = calloc(m->n_cases + 16, sizeof *argv);
    if (!argv) {
        close(in);
        return err_set(err, ERR_NOMEM, "no memory for a command line");
    }
    size_t n = 0;
    argv[n++] = "foxbench";
    argv[n++] = "run";
    argv[n++] = "-o";
    argv[n++] = r->folder;
    const char *const options[][2] = {{"--profile", profile},
                                      {"--device", q->device},
                                      {"--bench", q->bench},
                                      {"--fault", q->fault}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (!options[i][1]) continue;
        argv[n++] = options[i][0];
        argv[n++] = options[i][1];
    }
    for (size_t c = 0; c < m->n_cases; c++)
        if (q->cases[c]) argv[n++] = m->cases[c].id;
    // What a run that was stopped leaves to be resumed with goes when the folder goes.
    char tmp[PATH_MAX + 8];
    snprintf(tmp, sizeof tmp, "TMPDIR=%s", r->folder);
    const char *const env[] = {"FOXBENCH_PDF=off", tmp, NULL};
    const struct process_config config = {.program = r->program,
                                          .argv = argv,
                                          .env = env,
                                          .in = in,
                                          .out = out,
                                          .err = out,
                                          .keep = -1,
                                          .death_signal = SIGTERM};
    int rc = process_start(p, &config, err);
    free(argv);
    close(in);
    return rc;
}

static void fail_all(const struct child_request *q, const struct matrix *m,
                     struct matrix_outcome *outcomes, const char *why)
{
    for (size_t c = 0; c < m->n_cases; c++)
        if (q->cases[c] && !outcomes[c].known)
            matrix_outcome_add(&outcomes[c], VERDICT_ERROR, BLAME_BENCH, why);
}

static int run_at(struct runner *r, const struct child_request *q, const char *profile,
                  const struct matrix *m, struct matrix_outcome *outcomes, struct err *err)
{
    char log_path[PATH_MAX + 8], latest[PATH_MAX + 8], run_dir[PATH_MAX], how[128], line[400];
    struct process p = {.pidfd = -1};
    snprintf(log_path, sizeof log_path, "%s/log", r->folder);
    snprintf(latest, sizeof latest, "%s/latest", r->folder);
    int log = open(log_path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0) return err_set(err, ERR_IO, "%s: %s", log_path, strerror(errno));
    for (size_t c = 0; c < m->n_cases; c++)
        if (q->cases[c]) outcomes[c] = (struct matrix_outcome){0};
    int rc = start(r, &p, q, profile, m, log, err);
    if (rc == ERR_OK) rc = await(r, &p, err);
    if (rc < 0) goto out;

    process_describe(&p, how, sizeof how);
    last_line(log, line, sizeof line);
    bool refused = WIFEXITED(p.status) && WEXITSTATUS(p.status) == CMD_EXIT_USAGE;
    if (!realpath(latest, run_dir)) {
        rc = refused ? err_set(err, ERR_USAGE, "%s", line) : ERR_OK;
        char why[sizeof how + sizeof line + 8];
        snprintf(why, sizeof why, "%s: %s", how, line);
        fail_all(q, m, outcomes, why);
        goto out;
    }
    struct err why = {0};
    if (child_read(run_dir, m, outcomes, &why) < 0) fail_all(q, m, outcomes, why.text);
    fail_all(q, m, outcomes, "the run's ledger says nothing of this case");
    remove_tree(run_dir);
    unlink(latest);
out:
    process_end(&p);
    close(log);
    return rc;
}

int runner_run(struct runner *r, const struct child_request *q, const struct matrix *m,
               struct matrix_outcome *outcomes, struct err *err)
{
    static const char *const levels[] = {"basic", "substantial", "high"};
    if (r->profile) return run_at(r, q, r->profile, m, outcomes, err);
    bool *cases = calloc(m->n_cases + 1, sizeof *cases);
    int rc = cases ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for a selection");
    for (size_t i = 0; rc == ERR_OK && i < sizeof levels / sizeof *levels; i++) {
        bool any = false;
        for (size_t c = 0; c < m->n_cases; c++) {
            const char *level = *m->cases[c].level ? m->cases[c].level : levels[0];
            cases[c] = q->cases[c] && strcmp(level, levels[i]) == 0;
            any = any || cases[c];
        }
        struct child_request one = *q;
        one.cases = cases;
        if (any) rc = run_at(r, &one, levels[i], m, outcomes, err);
    }
    free(cases);
    return rc;
}
