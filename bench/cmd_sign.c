// foxbench sign: put a signature under a finished run.
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/cmd.h"
#include "bench/record/seal.h"
#include "bench/record/verify.h"

static const char help[] =
    "usage: foxbench sign RUN --key PRIVATE\n"
    "\n"
    "Signs a finished, unaltered run directory: root.json gets the digest of every file that is\n"
    "there now, root.sig an Ed25519 signature over it (DSSE). Nothing else is changed, and no key\n"
    "enters the run. foxbench verify checks both.\n"
    "\n"
    "PRIVATE is a PEM file that only its owner can read:\n"
    "  openssl genpkey -algorithm ed25519 -out signer.key && chmod 600 signer.key\n"
    "  openssl pkey -in signer.key -pubout -out signer.pub     for those who verify\n"
    "\n"
    "Exit: 0 signed, 3 it could not be written, 4 no run, no usable key or signed already, 6 the "
    "run\n"
    "is unfinished, 7 the run is altered.\n";

struct arguments {
    const char *run;
    const char *key;
};

static int refuse(const char *expected, const char *got)
{
    fprintf(stderr,
            "foxbench sign: expected %s, got %s; for example foxbench sign results/latest --key "
            "signer.key\n",
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
            return refuse("a run directory and --key", argv[i]);
        } else if (a->run) {
            return refuse("one run directory", "several");
        } else {
            a->run = argv[i];
        }
    }
    if (!a->run) return refuse("a run directory", "none");
    if (!a->key)
        return refuse("--key with a private key (openssl genpkey -algorithm ed25519 -out "
                      "signer.key makes one)",
                      "none");
    return CMD_EXIT_OK;
}

// A key inside the run would be signed, and handed on with it.
static int check_place(const char *key, const char *run)
{
    struct err e = {0};
    if (seal_check_key_place(key, run, &e) == ERR_OK) return CMD_EXIT_OK;
    fprintf(stderr, "foxbench sign: %s\n", e.text);
    return CMD_EXIT_USAGE;
}

// Only what is whole and unaltered deserves a signature.
static int check_run(const char *run)
{
    struct verify_result r;
    struct err e = {0};
    int rc = verify_run(&r, run, &e);
    if (rc < 0) {
        fprintf(stderr, "foxbench sign: %s\n", e.text);
        return rc == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
    }
    int code = CMD_EXIT_OK;
    if (r.state == VERIFY_ALTERED) {
        fprintf(stderr, "foxbench sign: expected an unaltered run, but %s: %s; not signed\n",
                r.where, r.why);
        code = CMD_EXIT_EVIDENCE;
    } else if (r.state == VERIFY_UNFINISHED) {
        fprintf(stderr,
                "foxbench sign: expected a finished run, but it is unfinished: %s; not signed. "
                "Certify the device again\n",
                r.why);
        code = CMD_EXIT_OPEN;
    }
    verify_result_deinit(&r);
    return code;
}

// The signature is good all the same: whoever reads run.json sees it too.
static void warn_of_substitutes(const char *run)
{
    char path[PATH_MAX];
    struct jval *j = NULL;
    struct err ignored;
    snprintf(path, sizeof path, "%s/run.json", run);
    if (jval_load(&j, path, &ignored) == ERR_OK && jval_len(jval_get(j, "substitutes")) > 0)
        fprintf(stderr, "foxbench sign: warning: parts of the bench were replaced in this run "
                        "(substitutes in run.json); it certifies nothing\n");
    jval_free(j);
}

static int exit_of(int rc)
{
    return rc == ERR_USAGE || rc == ERR_SEQUENCE || rc == ERR_NOTFOUND ? CMD_EXIT_USAGE
                                                                       : CMD_EXIT_ERROR;
}

// Returns an exit code; key is a usable one.
static int sign_run(const struct arguments *a, const struct crypto_key *key)
{
    struct err e = {0};
    char signed_at[SEAL_TIME_MAX], signer[SHA256_HEX_LEN];
    const time_t now = time(NULL);
    struct tm tm;
    strftime(signed_at, sizeof signed_at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    int files = 0;
    int rc = crypto_key_fingerprint(key, signer, &e);
    if (rc == ERR_OK) rc = files = seal_write(a->run, key, signed_at, FOX_VERSION, &e);
    if (rc < 0) {
        fprintf(stderr, "foxbench sign: %s\n", e.text);
        return exit_of(rc);
    }
    printf("signed: %d files, %s, by key %s\n", files, signed_at, signer);
    return CMD_EXIT_OK;
}

int cmd_sign(int argc, char **argv)
{
    struct arguments a = {0};
    struct crypto_key *key = NULL;
    struct err e = {0};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return CMD_EXIT_OK;
    }
    int code = read_arguments(&a, argc, argv);
    if (code != CMD_EXIT_OK) return code;
    int rc = crypto_key_read_private(&key, a.key, &e);
    if (rc < 0) {
        fprintf(stderr, "foxbench sign: %s\n", e.text);
        return exit_of(rc);
    }
    code = check_run(a.run);
    if (code == CMD_EXIT_OK) code = check_place(a.key, a.run);
    if (code == CMD_EXIT_OK) {
        warn_of_substitutes(a.run);
        code = sign_run(&a, key);
    }
    crypto_key_free(key);
    return code;
}
