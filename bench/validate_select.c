#include "bench/validate_select.h"

#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAULTS_TEXT_MAX = 1 << 20 };

const char validate_help[] =
    "usage: foxbench validate [SELECT…] [--profile P] [--fault GLOB] [--full] [--json]\n"
    "                         [--html FILE]\n"
    "\n"
    "Proves that the tests can fail: gives the reference device each seeded fault in turn and "
    "runs\n"
    "the cases that name it, in the virtual lab. A fault is killed when a case that names it "
    "fails\n"
    "and the device is to blame, and the same case passes without the fault. Prints the kill\n"
    "matrix.\n"
    "\n"
    "SELECT is a case id (AUTH-UL-001), a glob ('AUTH-*') or a suite (AUTH); none is all of them.\n"
    "With SELECT or --profile only the faults that these cases name are tried.\n"
    "\n"
    "  --profile P    the cases of this profile, with its numbers of trials; without it each case\n"
    "                 is judged at its own level, with all its trials\n"
    "  --fault GLOB   these faults only ('MUT-AUTH-*'); foxdut --list-faults prints all\n"
    "  --full         run every selected case against every fault, and show accidental fails\n"
    "  --json         the result as JSON: faults killed survivors reference canary ratio matrix\n"
    "  --html FILE    the result as a page as well\n"
    "\n"
    "Three controls go with it: the reference device without a fault, a canary that must die, and "
    "a\n"
    "bench without instruments, which must kill nothing.\n"
    "Exit: 0 every fault killed, 1 survivors, or a case that names a fault lets it pass, 2\n"
    "interrupted, 3 a control failed, 4 usage, 5 no fault to try.\n";

// ---- options

int validate_options_parse(struct validate_options *o, int argc, char **argv, struct err *err)
{
    *o = (struct validate_options){.select = argv + 1};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], **value = NULL;
        if (arg[0] != '-') {
            o->select[o->n_select++] = argv[i];
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            o->help = true;
        } else if (strcmp(arg, "--full") == 0) {
            o->full = true;
        } else if (strcmp(arg, "--json") == 0) {
            o->json = true;
        } else if (strcmp(arg, "--profile") == 0) {
            value = &o->profile;
        } else if (strcmp(arg, "--fault") == 0) {
            value = &o->fault;
        } else if (strcmp(arg, "--html") == 0) {
            value = &o->html;
        } else if (strncmp(arg, "--profile=", 10) == 0) {
            o->profile = arg + 10;
        } else if (strncmp(arg, "--fault=", 8) == 0) {
            o->fault = arg + 8;
        } else if (strncmp(arg, "--html=", 7) == 0) {
            o->html = arg + 7;
        } else {
            return err_set(err, ERR_USAGE,
                           "unknown option '%s'; foxbench validate --help lists those there are",
                           arg);
        }
        if (!value) continue;
        if (*value) return err_set(err, ERR_USAGE, "%s: expected once, got it twice", arg);
        if (++i == argc) return err_set(err, ERR_USAGE, "%s: expected a value after it", arg);
        *value = argv[i];
    }
    return ERR_OK;
}

// ---- cases

static const char *text_of(const struct jval *object, const char *key)
{
    return jval_text(jval_get(object, key), "");
}

static bool has_text(const struct jval *list, const char *text)
{
    for (size_t i = 0; i < jval_len(list); i++)
        if (strcmp(jval_text(jval_at(list, i), ""), text) == 0) return true;
    return false;
}

static bool fits(const struct jval *c, const char *pattern)
{
    return fnmatch(pattern, text_of(c, "id"), 0) == 0 || strcmp(pattern, text_of(c, "suite")) == 0;
}

static bool is_selected(const struct jval *c, const struct validate_options *o)
{
    if (o->profile && !has_text(jval_get(c, "profiles"), o->profile)) return false;
    for (size_t i = 0; i < o->n_select; i++)
        if (fits(c, o->select[i])) return true;
    return o->n_select == 0;
}

// Every pattern and the profile must mean something: a typo must not prove less than was asked for.
static int check_selection(const struct jval *cases, const struct validate_options *o,
                           struct err *err)
{
    for (size_t i = 0; i < o->n_select; i++) {
        bool any = false;
        for (size_t k = 0; k < jval_len(cases) && !any; k++)
            any = fits(jval_at(cases, k), o->select[i]);
        if (!any)
            return err_set(err, ERR_USAGE,
                           "unknown case '%s'; expected an id, a pattern such as 'CNT-*', or a "
                           "suite, as foxbench list prints them",
                           o->select[i]);
    }
    bool any = !o->profile;
    for (size_t k = 0; k < jval_len(cases) && !any; k++)
        any = has_text(jval_get(jval_at(cases, k), "profiles"), o->profile);
    return any ? ERR_OK
               : err_set(err, ERR_USAGE,
                         "unknown profile '%s'; expected one that a case belongs to (foxbench list "
                         "--json: profiles)",
                         o->profile);
}

// ---- faults

static const struct jval *find_case(const struct jval *cases, const char *id)
{
    for (size_t i = 0; i < jval_len(cases); i++)
        if (strcmp(text_of(jval_at(cases, i), "id"), id) == 0) return jval_at(cases, i);
    return NULL;
}

static int add_fault(struct matrix *m, const struct validate_options *o, const struct jval *cases,
                     const char *id, const char *text, struct err *err)
{
    bool all = o->n_select == 0 && !o->profile, named = false;
    for (size_t c = 0; c < m->n_cases && !named; c++)
        named = has_text(jval_get(find_case(cases, m->cases[c].id), "faults"), id);
    if (!named && !all) return ERR_OK;
    struct matrix_fault *f;
    int rc = matrix_add_fault(m, id, text, &f, err);
    for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++)
        f->cells[c].named = has_text(jval_get(find_case(cases, m->cases[c].id), "faults"), id);
    return rc;
}

static int add_faults(struct matrix *m, const struct validate_options *o, const struct jval *cases,
                      const char *faults, struct err *err)
{
    bool any = false;
    int rc = ERR_OK;
    for (const char *line = faults; rc == ERR_OK && *line;) {
        size_t len = strcspn(line, "\n"), id_len = strcspn(line, " \n");
        if (id_len > 0 && id_len < MATRIX_NAME_MAX) {
            char id[MATRIX_NAME_MAX], text[MATRIX_REASON_MAX];
            size_t gap = strspn(line + id_len, " ");
            snprintf(id, sizeof id, "%.*s", (int)id_len, line);
            snprintf(text, sizeof text, "%.*s", (int)(len - id_len - gap), line + id_len + gap);
            if (!o->fault || fnmatch(o->fault, id, 0) == 0) {
                any = true;
                rc = add_fault(m, o, cases, id, text, err);
            }
        }
        line += len + (line[len] == '\n');
    }
    if (rc < 0 || any) return rc;
    return err_set(err, ERR_USAGE,
                   "--fault: expected a fault of the reference device, or a glob that fits one, "
                   "got '%s'; foxdut --list-faults prints them",
                   o->fault ? o->fault : "*");
}

int validate_select(struct matrix *m, const struct validate_options *o, const struct jval *cases,
                    const char *faults, struct err *err)
{
    int rc = check_selection(cases, o, err);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++) {
        const struct jval *c = jval_at(cases, i);
        struct matrix_case *made;
        if (!is_selected(c, o)) continue;
        rc = matrix_add_case(m, text_of(c, "id"), &made, err);
        if (rc == ERR_OK) snprintf(made->level, sizeof made->level, "%s", text_of(c, "level"));
    }
    return rc == ERR_OK ? add_faults(m, o, cases, faults, err) : rc;
}

int validate_list_faults(const char *foxbench, struct bytes *out, struct err *err)
{
    char copy[PATH_MAX], path[PATH_MAX + 16];
    snprintf(copy, sizeof copy, "%s", foxbench);
    snprintf(path, sizeof path, "%s/foxdut", dirname(copy));
    int fd[2];
    if (access(path, X_OK) != 0)
        return err_set(err, ERR_NOTFOUND,
                       "expected the reference device at %s: %s; build the target foxdut", path,
                       strerror(errno));
    if (pipe(fd) != 0) return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd[1], STDOUT_FILENO);
        close(fd[0]);
        close(fd[1]);
        execl(path, "foxdut", "--list-faults", (char *)NULL);
        _exit(127);
    }
    close(fd[1]);
    int rc = pid < 0 ? err_set(err, ERR_IO, "%s: %s", path, strerror(errno)) : ERR_OK, status = 0;
    char chunk[4096];
    ssize_t n;
    bytes_init(out, FAULTS_TEXT_MAX);
    while (rc == ERR_OK && (n = read(fd[0], chunk, sizeof chunk)) > 0)
        rc = bytes_append(out, chunk, (size_t)n, err);
    close(fd[0]);
    if (pid > 0) waitpid(pid, &status, 0);
    if (rc == ERR_OK && (status != 0 || out->len == 0))
        rc = err_set(err, ERR_FORMAT, "%s --list-faults: expected a list of faults, got %s", path,
                     status ? "a failure" : "nothing");
    return rc;
}
