#include "bench/run_fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/log.h"
#include "bench/cmd.h"
#include "bench/record/tap.h"
#include "bench/run_job.h"
#include "bench/run_process.h"
#include "bench/run_screen.h"

enum { FLEET_MAX = ARGUMENT_VALUES_MAX, OUTPUT_MAX = 64 << 20 };

// What comes from a run: its TAP, what it says to people, and how far it is.
enum { PIPE_TAP, PIPE_TEXT, PIPE_REPORT, PIPES };

struct member {
    const char *device;
    const char *bench; // NULL: a virtual lab of its own
    char name[64];
    struct process process;
    int fd[PIPES]; // -1: not open (any more)
    struct bytes said[PIPES];
    char dir[PATH_MAX]; // of its run, once it has one
    struct screen_report report;
    bool started, ended, shown;
    int exit_code;
};

struct fleet {
    const struct run_options *options;
    struct member members[FLEET_MAX];
    size_t n;
    int signal_fd;
    int signal; // that came to stop everything
    bool on_terminal;
    size_t drawn; // lines on the terminal that are drawn over
};

// --- starting

static void name_member(struct member *m)
{
    const char *name = strrchr(m->device, '/');
    name = name ? name + 1 : m->device;
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, ".lua") == 0) n -= 4;
    snprintf(m->name, sizeof m->name, "%.*s", (int)(n < 60 ? n : 60), name);
}

struct command {
    const char **words;
    size_t n;
    char numbers[4][32];
};

static void add(struct command *c, const char *option, const char *value)
{
    if (!value) return;
    if (option) c->words[c->n++] = option;
    c->words[c->n++] = value;
}

static const char *number(struct command *c, size_t i, long long value)
{
    snprintf(c->numbers[i], sizeof c->numbers[i], "%lld", value);
    return c->numbers[i];
}

// The command line of one device's run.
static int make_command(struct command *c, const struct run_options *o, const struct member *m,
                        struct err *err)
{
    enum { OPTIONS_MAX = 40 };
    c->n = 0;
    c->words = calloc(o->n_select + OPTIONS_MAX, sizeof *c->words);
    if (!c->words) return err_set(err, ERR_NOMEM, "run: out of memory");
    add(c, "foxbench", "run");
    add(c, "--device", m->device);
    add(c, "--bench", m->bench);
    add(c, "--profile", o->profile);
    add(c, "-o", o->parent);
    add(c, "-i", o->include);
    add(c, "-e", o->exclude);
    add(c, "--fault", o->fault);
    add(c, "--chaos", o->chaos);
    add(c, "--arm", o->arm_interference ? "interference" : NULL);
    add(c, "--arm", o->arm_destructive ? "destructive" : NULL);
    add(c, "--seed", number(c, 0, o->seed));
    add(c, "--retry", number(c, 1, o->retry));
    if (o->shards) {
        snprintf(c->numbers[2], sizeof c->numbers[2], "%u/%u", o->shard, o->shards);
        add(c, "--shard", c->numbers[2]);
    }
    c->words[c->n++] = "--";
    for (size_t i = 0; i < o->n_select; i++)
        c->words[c->n++] = o->select[i];
    return ERR_OK;
}

static int open_pipes(struct member *m, int theirs[PIPES], struct err *err)
{
    for (int i = 0; i < PIPES; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) != 0)
            return err_set(err, ERR_IO, "no pipe to the run of %s: %s", m->name, strerror(errno));
        m->fd[i] = pair[0];
        theirs[i] = pair[1];
        (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
    }
    return ERR_OK;
}

static int start_member(struct fleet *f, struct member *m, struct err *err)
{
    struct command command = {0};
    int theirs[PIPES] = {-1, -1, -1};
    char report[48];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int rc = null < 0 ? err_set(err, ERR_IO, "/dev/null: %s", strerror(errno)) : ERR_OK;
    if (rc == ERR_OK) rc = make_command(&command, f->options, m, err);
    if (rc == ERR_OK) rc = open_pipes(m, theirs, err);
    snprintf(report, sizeof report, "FOXBENCH_REPORT_FD=%d", theirs[PIPE_REPORT]);
    const char *const env[] = {report, NULL};
    const struct process_config config = {.program = "/proc/self/exe",
                                          .argv = command.words,
                                          .env = env,
                                          .in = null,
                                          .out = theirs[PIPE_TAP],
                                          .err = theirs[PIPE_TEXT],
                                          .keep = theirs[PIPE_REPORT],
                                          .death_signal = SIGTERM};
    if (rc == ERR_OK) rc = process_start(&m->process, &config, err);
    m->started = rc == ERR_OK;
    for (int i = 0; i < PIPES; i++)
        if (theirs[i] >= 0) close(theirs[i]);
    if (null >= 0) close(null);
    free(command.words);
    return rc;
}

// --- the terminal: one line for each run that goes on

static void undraw(struct fleet *f)
{
    if (f->drawn > 0) fprintf(stderr, "\033[%zuA\r\033[J", f->drawn);
    f->drawn = 0;
}

static void draw(struct fleet *f)
{
    if (!f->on_terminal) return;
    int columns = screen_columns() - 1;
    undraw(f);
    for (size_t i = 0; i < f->n; i++) {
        const struct member *m = &f->members[i];
        char text[640];
        if (!m->started || m->ended) continue;
        screen_report_text(&m->report, columns - 18, text, sizeof text);
        fprintf(stderr, "%-16.16s  %s\n", m->name, m->report.total ? text : "begins");
        f->drawn++;
    }
    fflush(stderr);
}

// --- what they say

static void take_line(struct member *m, const char *line)
{
    if (strncmp(line, "dir\t", 4) == 0)
        snprintf(m->dir, sizeof m->dir, "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
    else
        (void)screen_report_read(&m->report, line);
}

// Whole lines are taken, the rest is kept.
static void take_reports(struct member *m)
{
    struct bytes *b = &m->said[PIPE_REPORT];
    uint8_t *newline;
    while (b->len > 0 && (newline = memchr(b->data, '\n', b->len))) {
        size_t used = (size_t)(newline - b->data) + 1;
        *newline = 0;
        take_line(m, (const char *)b->data);
        memmove(b->data, b->data + used, b->len - used);
        b->len -= used;
    }
}

static void listen(struct member *m, int i)
{
    char chunk[65536];
    ssize_t n = read(m->fd[i], chunk, sizeof chunk);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // What is too much is not kept: everything stands in the run directory, too.
    if (n > 0 && bytes_append(&m->said[i], chunk, (size_t)n, NULL) < 0)
        LOG_WARN("run", "%s says more than is kept here", m->name);
    if (i == PIPE_REPORT) take_reports(m);
    if (n > 0) return;
    close(m->fd[i]);
    m->fd[i] = -1;
}

static bool is_over(struct member *m)
{
    bool open = false;
    for (int i = 0; i < PIPES; i++)
        open = open || m->fd[i] >= 0;
    return !open && !process_is_alive(&m->process);
}

// Behind what the run itself said.
static void add_text(struct member *m, const char *text)
{
    if (bytes_append(&m->said[PIPE_TEXT], text, strlen(text), NULL) < 0)
        LOG_WARN("run", "%s: %s", m->name, text);
}

static void end_member(struct member *m)
{
    char how[128], text[PATH_MAX + 256];
    m->ended = true;
    if (WIFEXITED(m->process.status)) {
        m->exit_code = WEXITSTATUS(m->process.status);
        return;
    }
    process_describe(&m->process, how, sizeof how);
    m->exit_code = CMD_EXIT_ERROR;
    snprintf(text, sizeof text,
             "The supervisor of this run ended (%s); every verdict so far is kept. Next: foxbench "
             "resume %s\n",
             how, *m->dir ? m->dir : "RUN, as foxbench runs names it");
    add_text(m, text);
}

// --- what came of them

static void print_indented(FILE *out, const char *before, const struct bytes *b)
{
    const char *at = (const char *)b->data, *end = at + b->len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        fprintf(out, "%s%.*s\n", before, (int)(stop - at), at);
        at = newline ? newline + 1 : end;
    }
}

static void show(struct fleet *f, struct member *m, size_t number)
{
    bool ok = m->exit_code == CMD_EXIT_OK || m->exit_code == CMD_EXIT_NOTHING;
    char name[160];
    undraw(f);
    print_indented(stdout, "    ", &m->said[PIPE_TAP]);
    printf("%s %zu - %s%s\n", ok ? "ok" : "not ok", number, tap_escape(m->name, name, sizeof name),
           m->exit_code == CMD_EXIT_NOTHING ? " # SKIP nothing is applicable" : "");
    if (!ok) printf("  ---\n  exit: %d\n  ...\n", m->exit_code);
    fflush(stdout);
    fprintf(stderr, "%s%s%s%s\n", number > 1 ? "\n" : "", colour_begin(COLOUR_STRONG), m->name,
            colour_end());
    print_indented(stderr, "  ", &m->said[PIPE_TEXT]);
    m->shown = true;
}

static void show_ready(struct fleet *f)
{
    for (size_t i = 0; i < f->n && (f->members[i].shown || f->members[i].ended); i++)
        if (!f->members[i].shown) show(f, &f->members[i], i + 1);
}

// Of two exit codes the one that comes first in the order of precedence.
static int weightier(int a, int b)
{
    static const int order[] = {CMD_EXIT_USAGE, CMD_EXIT_INTERRUPTED, CMD_EXIT_FAIL,
                                CMD_EXIT_ERROR, CMD_EXIT_OPEN,        CMD_EXIT_NOTHING};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        if (a == order[k] || b == order[k]) return order[k];
    return CMD_EXIT_OK;
}

static void summarize(const struct fleet *f)
{
    size_t good = 0;
    for (size_t i = 0; i < f->n; i++)
        good += f->members[i].exit_code == CMD_EXIT_OK;
    if (good == f->n)
        fprintf(stderr, "\nNext: nothing is left to do for the %zu devices.\n", f->n);
    else
        fprintf(stderr, "\nNext: %zu of %zu devices need a look; each says above what to do.\n",
                f->n - good, f->n);
    for (size_t i = 0; i < f->n; i++) {
        const struct member *m = &f->members[i];
        enum colour c = m->exit_code == CMD_EXIT_OK ? COLOUR_GOOD : COLOUR_BAD;
        fprintf(stderr, "  %sexit %d%s  %-16s %s\n", colour_begin(c), m->exit_code, colour_end(),
                m->name, *m->dir ? m->dir : "no run directory");
    }
}

// --- all of them

static void stop_all(struct fleet *f, int sent)
{
    for (size_t i = 0; i < f->n; i++) {
        struct member *m = &f->members[i];
        if (m->started && !m->ended && process_is_alive(&m->process)) kill(m->process.pid, sent);
    }
}

static void take_signal(struct fleet *f)
{
    struct signalfd_siginfo info;
    if (read(f->signal_fd, &info, sizeof info) != sizeof info) return;
    f->signal = (int)info.ssi_signo;
    stop_all(f, f->signal);
}

static void refuse_member(struct member *m, const struct err *e)
{
    m->started = m->ended = true;
    m->exit_code = CMD_EXIT_ERROR;
    char text[sizeof e->text + 32];
    snprintf(text, sizeof text, "foxbench run: %s\n", e->text);
    add_text(m, text);
}

// Starts what may start; how many go on.
static size_t start_ready(struct fleet *f)
{
    size_t running = 0;
    for (size_t i = 0; i < f->n; i++)
        running += f->members[i].started && !f->members[i].ended;
    for (size_t i = 0; i < f->n && running < f->options->jobs; i++) {
        struct member *m = &f->members[i];
        struct err e = {0};
        if (m->started) continue;
        if (f->signal) {
            m->started = m->ended = true;
            m->exit_code = CMD_EXIT_INTERRUPTED;
        } else if (start_member(f, m, &e) < 0) {
            refuse_member(m, &e);
        } else {
            running++;
        }
    }
    return running;
}

static void wait_for_news(struct fleet *f)
{
    struct pollfd p[1 + FLEET_MAX * PIPES] = {{.fd = f->signal_fd, .events = POLLIN}};
    for (size_t i = 0; i < f->n; i++)
        for (int k = 0; k < PIPES; k++)
            p[1 + i * PIPES + (size_t)k] =
                (struct pollfd){.fd = f->members[i].fd[k], .events = POLLIN};
    // A run that has closed its pipes is about to end.
    (void)poll(p, 1 + f->n * PIPES, 200);
    if (p[0].revents) take_signal(f);
    for (size_t i = 0; i < f->n; i++) {
        struct member *m = &f->members[i];
        for (int k = 0; k < PIPES; k++)
            if (p[1 + i * PIPES + (size_t)k].revents && m->fd[k] >= 0) listen(m, k);
        if (m->started && !m->ended && is_over(m)) end_member(m);
    }
}

static int take_over_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void init_members(struct fleet *f)
{
    const struct run_options *o = f->options;
    f->n = o->devices.n;
    for (size_t i = 0; i < f->n; i++) {
        struct member *m = &f->members[i];
        m->device = o->devices.list[i];
        m->bench = o->benches.n > 0 ? o->benches.list[i] : NULL;
        m->process.pidfd = -1;
        name_member(m);
        for (int k = 0; k < PIPES; k++) {
            m->fd[k] = -1;
            bytes_init(&m->said[k], OUTPUT_MAX);
        }
    }
}

static void deinit_members(struct fleet *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct member *m = &f->members[i];
        process_end(&m->process);
        for (int k = 0; k < PIPES; k++) {
            if (m->fd[k] >= 0) close(m->fd[k]);
            bytes_deinit(&m->said[k]);
        }
    }
}

static int show_plans(const char *command, const struct run_options *options)
{
    struct run_options one = *options;
    int exit_code = CMD_EXIT_OK;
    for (size_t i = 0; i < options->devices.n; i++) {
        one.device = options->devices.list[i];
        one.bench = options->benches.n > 0 ? options->benches.list[i] : NULL;
        exit_code = weightier(exit_code, run_job(command, &one, NULL));
        if (i + 1 < options->devices.n && !one.json) putchar('\n');
    }
    return exit_code;
}

int run_fleet(const char *command, const struct run_options *options)
{
    if (options->dry_run) return show_plans(command, options);
    struct fleet *f = calloc(1, sizeof *f);
    if (!f) {
        fprintf(stderr, "foxbench %s: out of memory\n", command);
        return CMD_EXIT_ERROR;
    }
    f->options = options;
    f->on_terminal = screen_is_watched();
    f->signal_fd = take_over_signals();
    init_members(f);
    printf("TAP version %d\n1..%zu\n", options->tap_version, f->n);
    fflush(stdout);
    while (start_ready(f) > 0) {
        wait_for_news(f);
        show_ready(f);
        draw(f);
    }
    show_ready(f);
    undraw(f);
    summarize(f);
    int exit_code = f->signal ? CMD_EXIT_INTERRUPTED : CMD_EXIT_OK;
    for (size_t i = 0; i < f->n; i++)
        exit_code = weightier(exit_code, f->members[i].exit_code);
    deinit_members(f);
    if (f->signal_fd >= 0) close(f->signal_fd);
    free(f);
    return exit_code;
}
