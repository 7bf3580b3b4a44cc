// foxlab: the virtual lab as a program.
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/base/log.h"
#include "dut/lab/lab.h"
#include "dut/lab/streams.h"

enum { EXIT_LAB = 3, EXIT_USAGE = 4, FAULTS_MAX = 32 };

static const char usage[] =
    "usage: foxlab run [OPTION]... SCENARIO [-- COMMAND...]\n"
    "  SCENARIO    a file, or the name of one in fixtures/scenarios (default)\n"
    "  COMMAND     is run inside the lab, and its exit code is foxlab's; without one the lab\n"
    "              prints its environment and the line 'ready', and runs until its input ends\n"
    "  --seed N    for all that is random (default 1)\n"
    "  --fault ID  goes to every device; may be given several times\n"
    "  --chaos WHAT  draws faults from the seed: kinds, rate=N/min, window=As-Bs, hold=As-Bs\n"
    "  --work DIR  keeps the devices' memory there; default is a folder that is removed\n"
    "  --live      time runs at wall rate while nobody receives, from the start: for work by hand\n"
    "  --report    prints on exit how fast lab time went by\n"
    "  -v          says what happens; -vv: everything\n";

struct options {
    const char *scenario;
    char **command; // NULL: none
    const char *faults[FAULTS_MAX];
    size_t n_faults;
    const char *work;
    const char *chaos;
    uint64_t seed;
    bool report;
    bool live;
    int verbose;
};

// What runs beside the lab: signals, the command, the end of our input.
struct session {
    struct lab *lab;
    int signals; // signalfd
    pid_t command;
    int exit_code;
    bool done;
};

static int option_value(int argc, char **argv, int *i, const char **out, struct err *err)
{
    if (*i + 1 >= argc) return err_set(err, ERR_USAGE, "%s: expected a value behind it", argv[*i]);
    *out = argv[++*i];
    return ERR_OK;
}

static int parse_option(struct options *o, int argc, char **argv, int *i, struct err *err)
{
    const char *name = argv[*i], *value = NULL;
    if (strcmp(name, "--report") == 0) {
        o->report = true;
        return ERR_OK;
    }
    if (strcmp(name, "--live") == 0) {
        o->live = true;
        return ERR_OK;
    }
    if (strcmp(name, "-v") == 0 || strcmp(name, "-vv") == 0) {
        o->verbose = (int)strlen(name) - 1;
        return ERR_OK;
    }
    bool seed = strcmp(name, "--seed") == 0, fault = strcmp(name, "--fault") == 0;
    bool chaos = strcmp(name, "--chaos") == 0;
    if (!seed && !fault && !chaos && strcmp(name, "--work") != 0)
        return err_set(err, ERR_USAGE, "'%s' is no option; foxlab --help lists them", name);
    int rc = option_value(argc, argv, i, &value, err);
    if (rc < 0) return rc;
    if (fault) {
        if (o->n_faults == FAULTS_MAX)
            return err_set(err, ERR_USAGE, "more than %d faults", FAULTS_MAX);
        o->faults[o->n_faults++] = value;
    } else if (seed) {
        char *end;
        errno = 0;
        o->seed = strtoull(value, &end, 10);
        if (*end || end == value || errno || value[0] == '-')
            return err_set(err, ERR_USAGE, "--seed %s: expected a whole number, 0 or more", value);
    } else if (chaos) {
        o->chaos = value;
    } else {
        o->work = value;
    }
    return ERR_OK;
}

static int parse_options(struct options *o, int argc, char **argv, struct err *err)
{
    *o = (struct options){.seed = 1};
    if (argc < 2 || strcmp(argv[1], "run") != 0)
        return err_set(err, ERR_USAGE, "expected 'foxlab run SCENARIO', got '%s'",
                       argc < 2 ? "nothing" : argv[1]);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            o->command = argv + i + 1;
            if (!o->command[0]) return err_set(err, ERR_USAGE, "expected a command behind --");
            break;
        }
        int rc = ERR_OK;
        if (argv[i][0] == '-')
            rc = parse_option(o, argc, argv, &i, err);
        else if (o->scenario)
            rc = err_set(err, ERR_USAGE, "one scenario only: '%s' after '%s'; a command follows --",
                         argv[i], o->scenario);
        else
            o->scenario = argv[i];
        if (rc < 0) return rc;
    }
    if (!o->scenario)
        return err_set(err, ERR_USAGE, "a scenario is missing; try: foxlab run default");
    return ERR_OK;
}

// --- environment

// The shim goes into the bench, behind a sanitizer's runtime, which must come first.
static void preload_line(char *out, size_t size)
{
    const char *before = getenv("LD_PRELOAD");
    snprintf(out, size, "LD_PRELOAD=%s%s%s%s%s", FOXLAB_SANITIZER, FOXLAB_SANITIZER[0] ? ":" : "",
             FOXLAB_SHIM_PATH, before && *before ? ":" : "", before ? before : "");
}

// The substitute libusb stands before the system's, in a lab with USB adapters only.
static void library_line(char *out, size_t size)
{
    const char *before = getenv("LD_LIBRARY_PATH");
    snprintf(out, size, "LD_LIBRARY_PATH=%s%s%s", FOXLAB_USB_FOLDER, before && *before ? ":" : "",
             before ? before : "");
}

static int give_environment(const struct lab *lab, int (*put)(void *ctx, const char *line))
{
    char line[4096];
    int rc = lab_environment(lab, put, NULL);
    if (rc >= 0 && lab->usb) {
        library_line(line, sizeof line);
        rc = put(NULL, line);
    }
    preload_line(line, sizeof line);
    return rc < 0 ? rc : put(NULL, line);
}

static int print_line(void *ctx, const char *line)
{
    (void)ctx;
    return printf("%s\n", line) < 0 ? -1 : 0;
}

static int set_line(void *ctx, const char *line)
{
    (void)ctx;
    char *copy = strdup(line);
    return copy ? putenv(copy) : -1; // belongs to the environment from here on
}

// --- the command

static int start_command(struct session *s, char **command, struct err *err)
{
    pid_t lab = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) return err_set(err, ERR_IO, "fork: %s", strerror(errno));
    if (pid > 0) {
        s->command = pid;
        return ERR_OK;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != lab) _exit(EXIT_LAB);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (give_environment(s->lab, set_line) < 0) _exit(EXIT_LAB);
    execvp(command[0], command);
    int why = errno;
    fprintf(stderr, "foxlab: %s: %s\n", command[0], strerror(why));
    _exit(why == ENOENT ? 127 : 126);
}

static void command_ended(struct session *s)
{
    int status;
    if (s->command <= 0 || waitpid(s->command, &status, WNOHANG) != s->command) return;
    s->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    s->command = 0;
    s->done = true;
}

static void signal_ready(void *ctx, short revents)
{
    (void)revents;
    struct session *s = ctx;
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            command_ended(s);
        else if (s->command > 0)
            kill(s->command, (int)info.ssi_signo); // it ends, and we with it
        else
            s->done = true;
    }
}

static void input_ready(void *ctx, short revents)
{
    struct session *s = ctx;
    char ignored[256];
    ssize_t n = revents & POLLIN ? read(STDIN_FILENO, ignored, sizeof ignored) : 0;
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;
    loop_remove(s->lab->loop, STDIN_FILENO);
    s->done = true;
}

static int watch_signals(struct session *s, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0) return err_set(err, ERR_IO, "signalfd: %s", strerror(errno));
    return loop_add(s->lab->loop, s->signals, POLLIN, signal_ready, s, err);
}

static int announce(struct session *s, struct err *err)
{
    if (give_environment(s->lab, print_line) < 0 || print_line(NULL, "ready") < 0 ||
        fflush(stdout) != 0)
        return err_set(err, ERR_IO, "standard output: %s", strerror(errno));
    return loop_add(s->lab->loop, STDIN_FILENO, POLLIN, input_ready, s, err);
}

static int run(const struct options *o, int *exit_code, struct err *err)
{
    struct session s = {.signals = -1};
    struct scenario *scenario = NULL;
    int rc = scenario_load(&scenario, o->scenario, FOXLAB_FIXTURES, err);
    for (size_t i = 0; i < o->n_faults && rc >= 0; i++)
        rc = scenario_add_option(scenario, "--fault", o->faults[i], err);
    if (rc < 0) goto fail;
    struct lab_config config = {.scenario = scenario,
                                .fixtures = FOXLAB_FIXTURES,
                                .work = o->work,
                                .chaos = o->chaos,
                                .seed = o->seed};
    rc = lab_open(&s.lab, &config, err);
    if (rc >= 0) rc = lab_check_devices(s.lab, err);
    if (rc >= 0 && o->live) streams_go_live(s.lab);
    if (rc >= 0) rc = watch_signals(&s, err);
    if (rc >= 0) rc = o->command ? start_command(&s, o->command, err) : announce(&s, err);
    while (rc >= 0 && !s.done)
        rc = lab_step(s.lab, -1, err);
    *exit_code = s.exit_code;
    if (o->report && rc >= 0) lab_report(s.lab, stderr);
fail:
    if (s.command > 0) kill(s.command, SIGTERM);
    lab_close(s.lab);
    if (s.signals >= 0) close(s.signals);
    scenario_free(scenario);
    return rc;
}

// Blocks of samples come and go sixteen times a second: their memory is not given back each time,
// because the kernel would have to clear it for the next one.
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int main(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    keep_memory();
    struct options o;
    struct err err = {0};
    int exit_code = EXIT_SUCCESS;
    int rc = parse_options(&o, argc, argv, &err);
    if (rc >= 0) {
        if (o.verbose) log_set_level(o.verbose > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
        signal(SIGPIPE, SIG_IGN);
        pid_t parent = getppid();
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) return EXIT_LAB; // it died before we could follow
        rc = run(&o, &exit_code, &err);
    }
    if (rc < 0) {
        fprintf(stderr, "foxlab: %s\n", err.text);
        return rc == ERR_USAGE ? EXIT_USAGE : EXIT_LAB;
    }
    return exit_code;
}
