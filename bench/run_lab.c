#include "bench/run_lab.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/log.h"
#include "bench/cmd.h"
#include "bench/run_dir.h"
#include "bench/run_process.h"

enum { READY_MS = 20000, STOP_MS = 3000, ENV_MAX = 64, OUTPUT_MAX = 1 << 16 };
enum { LAB_ROOM = 16 << 20 };

struct lab {
    struct process process;
    char work[PATH_MAX]; // empty: none was made
    bool keep;           // the folder
    int in;              // its stdin: it ends when this closes
    int out;             // its stdout; open as long as it lives, so that no write of it fails
    int log;             // what it writes to stderr
    FILE *faults;        // what it injected
    char *text;          // the environment lines, each ended by a NUL
    const char *env[ENV_MAX + 1];
    size_t n_env;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    (void)!remove(path);
    return 0;
}

// foxlab lies beside foxbench. FOXBENCH_LAB names another one, for tests of the supervisor only:
// run.json says so.
static int find_program(char out[PATH_MAX], struct err *err)
{
    const char *other = getenv("FOXBENCH_LAB");
    if (other && *other) {
        snprintf(out, PATH_MAX, "%s", other);
        return ERR_OK;
    }
    char self[PATH_MAX - 8];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) return err_set(err, ERR_IO, "/proc/self/exe: %s", strerror(errno));
    self[n] = 0;
    snprintf(out, PATH_MAX, "%s/foxlab", dirname(self));
    if (access(out, X_OK) != 0)
        return err_set(
            err, ERR_NOTFOUND,
            "expected the virtual lab at %s: %s; build the target foxlab, or name a bench "
            "with --bench",
            out, strerror(errno));
    return ERR_OK;
}

static int open_log(struct lab *lab, struct err *err)
{
    char log[PATH_MAX + 16];
    snprintf(log, sizeof log, "%s/foxlab.log", lab->work);
    lab->log = open(log, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    return lab->log < 0 ? err_set(err, ERR_IO, "%s: %s", log, strerror(errno)) : ERR_OK;
}

static int make_work_folder(struct lab *lab, const char *earlier, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || !*tmp) tmp = "/tmp";
    char path[PATH_MAX];
    if (earlier) {
        snprintf(lab->work, sizeof lab->work, "%s", earlier);
        return open_log(lab, err);
    }
    snprintf(path, sizeof path, "%s/foxbench-XXXXXX", tmp);
    if (!mkdtemp(path))
        return err_set(err, ERR_IO,
                       "%s: no folder for the lab can be made there: %s; name another place with "
                       "TMPDIR",
                       tmp, strerror(errno));
    snprintf(lab->work, sizeof lab->work, "%s", path);
    if (run_dir_room(path, LAB_ROOM, NULL) < 0)
        return err_set(err, ERR_IO,
                       "%s is full: the virtual lab needs %d MiB there for the memories of its "
                       "devices; free some, or name another place with TMPDIR",
                       tmp, LAB_ROOM >> 20);
    return open_log(lab, err);
}

static int launch(struct lab *lab, const struct lab_config *config, struct err *err)
{
    char program[PATH_MAX], seed[32];
    int rc = find_program(program, err);
    if (rc < 0) return rc;
    snprintf(seed, sizeof seed, "%lld", (long long)config->seed);
    const char *argv[12] = {"foxlab", "run", "--seed", seed, "--work", lab->work};
    int n = 6;
    if (config->fault) {
        argv[n++] = "--fault";
        argv[n++] = config->fault;
    }
    if (config->chaos) {
        argv[n++] = "--chaos";
        argv[n++] = config->chaos;
    }
    if (config->live) argv[n++] = "--live";
    argv[n] = config->scenario;

    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        rc = err_set(err, ERR_IO, "no pipe to the lab: %s", strerror(errno));
    } else {
        const struct process_config start = {.program = program,
                                             .argv = argv,
                                             .in = in[0],
                                             .out = out[1],
                                             .err = lab->log,
                                             .keep = -1,
                                             .death_signal = SIGTERM};
        rc = process_start(&lab->process, &start, err);
    }
    if (in[0] >= 0) close(in[0]);
    if (out[1] >= 0) close(out[1]);
    lab->in = in[1];
    lab->out = out[0];
    return rc;
}

static bool is_assignment(const char *line)
{
    size_t n = 0;
    while (isalnum((unsigned char)line[n]) || line[n] == '_')
        n++;
    return n > 0 && !isdigit((unsigned char)*line) && line[n] == '=';
}

// Cuts the lines apart; keeps the assignments before "ready".
static int read_environment(struct lab *lab, struct bytes *b, struct err *err)
{
    lab->text = (char *)bytes_take(b, NULL);
    char *rest = NULL;
    for (char *line = strtok_r(lab->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strcmp(line, "ready") == 0) return ERR_OK;
        if (!is_assignment(line) || lab->n_env == ENV_MAX)
            return err_set(
                err, ERR_FORMAT,
                "the virtual lab: expected at most %d lines NAME=value and then \"ready\", "
                "got \"%.80s\"",
                ENV_MAX, line);
        lab->env[lab->n_env++] = line;
    }
    return err_set(err, ERR_FORMAT, "the virtual lab never said \"ready\"");
}

static bool has_ready_line(const struct bytes *b)
{
    const char *text = (const char *)b->data;
    return b->len >= 6 && (strncmp(text, "ready\n", 6) == 0 || strstr(text, "\nready\n"));
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void last_line(int fd, char *out, size_t size)
{
    char text[2048];
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > (off_t)sizeof text - 1 ? end - ((off_t)sizeof text - 1) : 0;
    ssize_t n = pread(fd, text, sizeof text - 1, from);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    text[n > 0 ? n : 0] = 0;
    const char *line = strrchr(text, '\n');
    snprintf(out, size, "%s", line ? line + 1 : text);
}

// The lab ended instead of getting ready. What it refuses is the caller's mistake, in its own
// words.
static int ended_early(struct lab *lab, struct err *err)
{
    char text[512];
    process_wait(&lab->process, STOP_MS);
    bool usage = lab->process.reaped && WIFEXITED(lab->process.status) &&
                 WEXITSTATUS(lab->process.status) == CMD_EXIT_USAGE;
    if (usage)
        last_line(lab->log, text, sizeof text);
    else
        lab_describe(lab, text, sizeof text);
    return err_set(err, usage ? ERR_USAGE : ERR_GONE, "%s", text);
}

static int await_ready(struct lab *lab, int signal_fd, struct err *err)
{
    struct bytes b;
    bytes_init(&b, OUTPUT_MAX);
    long end = now_ms() + READY_MS;
    int rc = ERR_OK;
    while (rc == ERR_OK && !(b.len > 0 && has_ready_line(&b))) {
        long left = end - now_ms();
        struct pollfd p[] = {{.fd = lab->out, .events = POLLIN},
                             {.fd = signal_fd, .events = POLLIN}};
        char chunk[4096];
        ssize_t n;
        if (left <= 0 || poll(p, 2, (int)left) <= 0) {
            rc = err_set(err, ERR_TIMEOUT, "the virtual lab was not ready after %d s",
                         READY_MS / 1000);
        } else if (p[1].revents) {
            rc = err_set(err, ERR_TIMEOUT, "stopped by the operator");
        } else if ((n = read(lab->out, chunk, sizeof chunk)) > 0) {
            rc = bytes_append(&b, chunk, (size_t)n, err);
        } else {
            rc = ended_early(lab, err);
        }
    }
    if (rc == ERR_OK) rc = read_environment(lab, &b, err);
    bytes_deinit(&b);
    return rc;
}

// A lab that goes on with another one's memories also finds its notes.
static int open_faults(struct lab *lab, struct err *err)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/faults.log", lab->work);
    lab->faults = fopen(path, "a+e");
    if (!lab->faults || fseek(lab->faults, 0, SEEK_END) != 0)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    return ERR_OK;
}

int lab_start(struct lab **out, const struct lab_config *config, struct err *err)
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (!lab) return err_set(err, ERR_NOMEM, "lab: out of memory");
    lab->in = lab->out = lab->log = -1;
    int rc = make_work_folder(lab, config->work, err);
    if (rc == ERR_OK) rc = open_faults(lab, err);
    if (rc == ERR_OK) rc = launch(lab, config, err);
    if (rc == ERR_OK) rc = await_ready(lab, config->signal_fd, err);
    if (rc < 0) {
        lab_stop(lab);
        return rc;
    }
    *out = lab;
    return ERR_OK;
}

const char *lab_work(const struct lab *lab)
{
    return lab->work;
}

void lab_keep(struct lab *lab)
{
    lab->keep = true;
}

void lab_stop(struct lab *lab)
{
    if (!lab) return;
    if (lab->in >= 0) close(lab->in);
    if (process_is_alive(&lab->process)) {
        kill(lab->process.pid, SIGTERM);
        if (process_wait(&lab->process, STOP_MS) && WIFEXITED(lab->process.status) &&
            WEXITSTATUS(lab->process.status) != 0) {
            char how[512];
            lab_describe(lab, how, sizeof how);
            LOG_WARN("run", "%s", how);
        }
    }
    process_end(&lab->process);
    if (lab->out >= 0) close(lab->out);
    if (lab->log >= 0) close(lab->log);
    if (lab->faults) fclose(lab->faults);
    if (*lab->work && !lab->keep) nftw(lab->work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(lab->text);
    free(lab);
}

const char *const *lab_environment(const struct lab *lab)
{
    return lab->env;
}

bool lab_is_alive(struct lab *lab)
{
    return process_is_alive(&lab->process);
}

bool lab_next_fault(struct lab *lab, int64_t *lab_ns, char *command, size_t size)
{
    char line[256], *end;
    if (!lab->faults) return false;
    clearerr(lab->faults); // it may have grown since
    long at = ftell(lab->faults);
    if (!fgets(line, sizeof line, lab->faults) || !strchr(line, '\n')) {
        (void)fseek(lab->faults, at, SEEK_SET); // the rest of the line is still to come
        return false;
    }
    *lab_ns = strtoll(line, &end, 10);
    snprintf(command, size, "%s", end + strspn(end, " "));
    command[strcspn(command, "\n")] = 0;
    return true;
}

int lab_pidfd(const struct lab *lab)
{
    return lab->process.pidfd;
}

void lab_describe(struct lab *lab, char *out, size_t size)
{
    char how[128], line[400];
    process_is_alive(&lab->process);
    process_describe(&lab->process, how, sizeof how);
    last_line(lab->log, line, sizeof line);
    if (*line)
        snprintf(out, size, "the virtual lab ended (%s): %s", how, line);
    else
        snprintf(out, size, "the virtual lab ended (%s) without a word", how);
}
