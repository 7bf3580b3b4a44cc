// The subcommands of foxbench: one file each (cmd_NAME.c), listed once in commands.def.
#ifndef BENCH_CMD_H
#define BENCH_CMD_H

// Exit codes of foxbench and foxlab; precedence where several apply: USAGE INTERRUPTED FAIL ERROR
// OPEN NOTHING OK.
enum cmd_exit {
    CMD_EXIT_OK = 0,          // nothing worse than warn
    CMD_EXIT_FAIL = 1,        // a fail, a regression, a survivor, a failed vector
    CMD_EXIT_INTERRUPTED = 2, // by a signal
    CMD_EXIT_ERROR = 3,       // the bench or a suite failed
    CMD_EXIT_USAGE = 4,       // command line, configuration, unknown id
    CMD_EXIT_NOTHING = 5,     // nothing applicable
    CMD_EXIT_OPEN = 6,        // no fail, but inconclusive or notrun remain
    CMD_EXIT_EVIDENCE = 7     // evidence or signature invalid
};

/// argv[0] is the subcommand's name. Data go to stdout, everything else to stderr. Returns an enum
/// cmd_exit.
#define COMMAND(name, visible, summary) int cmd_##name(int argc, char **argv);
#include "bench/commands.def"
#undef COMMAND

/// The folder that holds suites/, lua/, fixtures/ and reports/: FOXBENCH_ROOT, or the source tree
/// this was built from.
const char *cmd_root(void);

#endif
