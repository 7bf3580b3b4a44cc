// foxbench verify: whether a run directory is what the bench wrote.
#include <stdio.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/record/verify.h"

static const char help[] =
    "usage: foxbench verify RUN\n"
    "\n"
    "Checks a run directory offline: both chains of the ledger, the digest of every file that the\n"
    "ledger names, and every verdict, recomputed from its events.\n"
    "\n"
    "Exit: 0 intact, 4 not a run directory, 6 unfinished (what is there is intact), 7 altered; "
    "the\n"
    "first altered file or line is named.\n";

// Files that anyone can make again from the others.
static bool is_derived(const char *path)
{
    return strcmp(path, "junit.xml") == 0 || strncmp(path, "report/", 7) == 0;
}

static void print_uncovered(const struct verify_result *r)
{
    for (size_t i = 0; i < jval_len(r->uncovered); i++) {
        const char *path = jval_text(jval_at(r->uncovered, i), "");
        printf("not covered: %s%s\n", path, is_derived(path) ? " (made from the run)" : "");
    }
}

int cmd_verify(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return CMD_EXIT_OK;
    }
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr,
                "foxbench verify: expected one run directory, got %s; for example "
                "foxbench verify results/latest\n",
                argc < 2   ? "nothing"
                : argc > 2 ? "several words"
                           : argv[1]);
        return CMD_EXIT_USAGE;
    }
    struct verify_result r;
    struct err e = {0};
    int rc = verify_run(&r, argv[1], &e);
    if (rc < 0) {
        fprintf(stderr, "foxbench verify: %s\n", e.text);
        return rc == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
    }
    int exit_code = CMD_EXIT_OK;
    switch (r.state) {
    case VERIFY_INTACT:
        printf("intact: %zu events and %zu files; not signed\n", r.events, r.files);
        print_uncovered(&r);
        break;
    case VERIFY_UNFINISHED:
        printf("unfinished: %s; %zu events and %zu files before it are intact; not signed\n", r.why,
               r.events, r.files);
        print_uncovered(&r);
        exit_code = CMD_EXIT_OPEN;
        break;
    case VERIFY_ALTERED:
        printf("altered: %s: %s\n", r.where, r.why);
        exit_code = CMD_EXIT_EVIDENCE;
        break;
    }
    verify_result_deinit(&r);
    return exit_code;
}
