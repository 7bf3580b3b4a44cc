// foxbench: picks the subcommand.
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/nearest.h"

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
    fprintf(out, "\nBegin with foxbench doctor, then foxbench run. foxbench COMMAND --help tells "
                 "more;\nfoxbench help --man is the manual page, foxbench help --bash completion "
                 "for bash.\n");
}

static const struct command *find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(name, c->name) == 0) return c;
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[sizeof commands / sizeof *commands], *near;
    size_t n = 0;
    for (const struct command *c = commands; c->name; c++)
        if (c->visible) names[n++] = c->name;
    near = nearest_word(name, names, n);
    fprintf(
        stderr,
        "foxbench: unknown command '%s'; expected one of those that foxbench --help lists%s%s\n",
        name, near ? "; the nearest is " : "", near ? near : "");
    return CMD_EXIT_USAGE;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

// Every command's help ends with examples.
static int run_command(const struct command *c, int argc, char **argv)
{
    int code = c->run(argc, argv);
    if (argc == 2 && asks_for_help(argv[1]) && code == CMD_EXIT_OK)
        manual_print_examples(c->name, stdout);
    return code;
}

// foxbench help [COMMAND | --man | --bash]
static int explain(int argc, char **argv)
{
    if (argc < 2) {
        help(stdout);
        return CMD_EXIT_OK;
    }
    const struct command *c = argc == 2 ? find(argv[1]) : NULL;
    if (c) {
        char ask[] = "--help";
        char *words[] = {argv[1], ask, NULL};
        return run_command(c, 2, words);
    }
    if (argc == 2 && strcmp(argv[1], "--man") == 0) {
        manual_print_roff(stdout);
        return CMD_EXIT_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--bash") == 0) {
        manual_print_bash(stdout);
        return CMD_EXIT_OK;
    }
    if (argc == 2 && argv[1][0] != '-') return unknown(argv[1]);
    fprintf(stderr, "foxbench help: expected a command, --man or --bash, got '%s'\n",
            argv[argc - 1]);
    return CMD_EXIT_USAGE;
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
    if (asks_for_help(argv[1])) {
        help(stdout);
        return delivered(CMD_EXIT_OK);
    }
    if (strcmp(argv[1], "help") == 0) return delivered(explain(argc - 1, argv + 1));
    if (strcmp(argv[1], "--version") == 0) {
        puts("foxbench " FOX_VERSION);
        return CMD_EXIT_OK;
    }
    const struct command *c = find(argv[1]);
    return c ? delivered(run_command(c, argc - 1, argv + 1)) : unknown(argv[1]);
}
