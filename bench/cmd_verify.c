// foxbench verify: whether a run directory is what the bench wrote, and what somebody signed.
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/record/seal.h"
#include "bench/record/verify.h"

static const char help[] =
    "usage: foxbench verify RUN [--key PUBLIC]\n"
    "\n"
    "Checks a run directory offline: both chains of the ledger, the digest of every file that the\n"
    "ledger names, every verdict, recomputed from its events, and in a signed run the signature "
    "and\n"
    "the digest of every file that was there at the time.\n"
    "\n"
    "--key PUBLIC   the signer's public key (PEM), got from the signer and not with the run: only\n"
    "               then the signature says who signed. A run without one is refused.\n"
    "\n"
    "Exit: 0 intact, 4 not a run directory or no key, 6 unfinished (what is there is intact), 7\n"
    "altered, or not signed by that key; what was altered is named.\n";

struct arguments {
    const char *run;
    const char *key;
};

static int refuse(const char *expected, const char *got)
{
    fprintf(stderr,
            "foxbench verify: expected %s, got %s; for example foxbench verify results/latest "
            "--key signer.pub\n",
            expected, got);
    return CMD_EXIT_USAGE;
}

static int read_arguments(struct arguments *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--key") == 0) {
            if (a->key) return refuse("one --key", "two");
            if (++i == argc) return refuse("a file after --key", "nothing");
            a->key = argv[i];
        } else if (argv[i][0] == '-') {
            return refuse("a run directory", argv[i]);
        } else if (a->run) {
            return refuse("one run directory", "several");
        } else {
            a->run = argv[i];
        }
    }
    return a->run ? CMD_EXIT_OK : refuse("one run directory", "nothing");
}

// Files that anyone can make again from the others.
static bool is_derived(const char *path)
{
    return strcmp(path, "junit.xml") == 0 || strncmp(path, "report/", 7) == 0;
}

static void print_paths(const char *what, const struct jval *paths)
{
    for (size_t i = 0; i < jval_len(paths); i++) {
        const char *path = jval_text(jval_at(paths, i), "");
        printf("%s: %s%s\n", what, path, is_derived(path) ? " (made from the run)" : "");
    }
}

static void print_signature(const struct seal_result *seal)
{
    if (seal->state == SEAL_NONE)
        printf("; not signed\n");
    else
        printf("; signed %s by key %s, %zu files%s\n", seal->signed_at, seal->signer, seal->files,
               seal->own_key ? ". The run itself names this key: to learn who signed, give the "
                               "signer's with --key"
                             : "");
}

// What neither the ledger nor the signature covers.
static void print_uncovered(const struct verify_result *r, const struct seal_result *seal)
{
    if (seal->state == SEAL_GOOD)
        print_paths("not signed", seal->unsigned_too);
    else
        print_paths("not covered", r->uncovered);
}

// Nothing was changed since it was signed, but it is not what this bench would have written.
static void print_versions(const char *run)
{
    char path[PATH_MAX];
    struct jval *j = NULL;
    struct err ignored;
    snprintf(path, sizeof path, "%s/run.json", run);
    if (jval_load(&j, path, &ignored) < 0) j = NULL;
    printf("the signature fits: every file is as it was signed. This is foxbench %s, the run was "
           "made by %s; if they differ, verify it with that version\n",
           FOX_VERSION, jval_text(jval_get(j, "foxbench"), "an unknown one"));
    jval_free(j);
}

static void print_altered(const struct verify_result *r, const struct seal_result *seal)
{
    bool named = false;
    for (size_t i = 0; i < jval_len(seal->altered); i++) {
        const struct jval *a = jval_at(seal->altered, i);
        const char *path = jval_text(jval_get(a, "path"), "");
        printf("altered: %s: %s\n", path, jval_text(jval_get(a, "why"), ""));
        named = named || strcmp(path, r->where) == 0;
    }
    if (r->state == VERIFY_ALTERED && !named) printf("altered: %s: %s\n", r->where, r->why);
}

static int print_result(const char *run, const struct verify_result *r,
                        const struct seal_result *seal, bool must_be_signed)
{
    if (seal->state == SEAL_BROKEN || r->state == VERIFY_ALTERED) {
        print_altered(r, seal);
        if (seal->state == SEAL_GOOD) print_versions(run);
        return CMD_EXIT_EVIDENCE;
    }
    if (seal->state == SEAL_NONE && must_be_signed) {
        printf("not signed: expected a signature, found neither root.json nor root.sig\n");
        return CMD_EXIT_EVIDENCE;
    }
    if (r->state == VERIFY_UNFINISHED)
        printf("unfinished: %s; %zu events and %zu files before it are intact", r->why, r->events,
               r->files);
    else
        printf("intact: %zu events and %zu files", r->events, r->files);
    print_signature(seal);
    print_uncovered(r, seal);
    return r->state == VERIFY_UNFINISHED ? CMD_EXIT_OPEN : CMD_EXIT_OK;
}

static int exit_of(int rc)
{
    return rc == ERR_NOTFOUND || rc == ERR_USAGE ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
}

int cmd_verify(int argc, char **argv)
{
    struct arguments a = {0};
    struct verify_result r = {0};
    struct seal_result seal = {0};
    struct crypto_key *key = NULL;
    struct err e = {0};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return CMD_EXIT_OK;
    }
    int code = read_arguments(&a, argc, argv);
    if (code != CMD_EXIT_OK) return code;

    int rc = a.key ? crypto_key_read_public(&key, a.key, &e) : ERR_OK;
    if (rc == ERR_OK) rc = seal_check(&seal, a.run, key, &e);
    if (rc == ERR_OK) rc = verify_run_read(&r, a.run, seal.digests, &e);
    if (rc < 0) {
        fprintf(stderr, "foxbench verify: %s\n", e.text);
        code = exit_of(rc);
    } else {
        code = print_result(a.run, &r, &seal, key != NULL);
    }
    crypto_key_free(key);
    seal_result_deinit(&seal);
    verify_result_deinit(&r);
    return code;
}
