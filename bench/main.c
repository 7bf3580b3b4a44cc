// foxbench: picks the subcommand.
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"

struct command {
    const char *name;
    bool visible;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
#define COMMAND(name, visible, summary) {#name, visible, summary, cmd_##name},
#include "bench/commands.def"
#undef COMMAND
    {NULL, false, NULL, NULL},
};

const char *cmd_root(void)
{
    const char *root = getenv("FOXBENCH_ROOT");
    return root && *root ? root : FOX_ROOT;
}

static void help(FILE *out)
{
    fprintf(out, "usage: foxbench COMMAND [ARGUMENTS]\n\n"
                 "Security certification bench for ultra-narrow-band devices.\n\n");
    for (const struct command *c = commands; c->name; c++)
        if (c->visible) fprintf(out, "  %-10s %s\n", c->name, c->summary);
    fprintf(out, "\nfoxbench COMMAND --help tells more.\n");
}

// Data that nobody could receive are no success. A reader that went away had enough.
static int delivered(int exit_code)
{
    bool lost = fflush(stdout) != 0;
    lost = ferror(stdout) || lost;
    struct pollfd out = {.fd = STDOUT_FILENO};
    if (!lost || (poll(&out, 1, 0) == 1 && (out.revents & POLLERR))) return exit_code;
    fprintf(stderr, "foxbench: standard output could not be written, what it should hold is not "
                    "whole; give it another place and repeat the command\n");
    return exit_code == CMD_EXIT_OK ? CMD_EXIT_ERROR : exit_code;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); // libiio writes to sockets that may be gone
    if (argc < 2) {
        help(stderr);
        return CMD_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return CMD_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("foxbench " FOX_VERSION);
        return CMD_EXIT_OK;
    }
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(argv[1], c->name) == 0) return delivered(c->run(argc - 1, argv + 1));
    fprintf(stderr,
            "foxbench: unknown command '%s'; expected one of those that foxbench --help lists\n",
            argv[1]);
    return CMD_EXIT_USAGE;
}
