// The lab's commands, one list for the control socket and for `at` lines of scenarios.
//
// Parsing is pure; what a command does is a function of struct lab.
#ifndef DUT_LAB_COMMANDS_H
#define DUT_LAB_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"

struct lab;
struct scenario;

enum command_unit {
    COMMAND_UNIT_NONE,
    COMMAND_UNIT_PLUTO,
    COMMAND_UNIT_UART,
    COMMAND_UNIT_DEVICE,
    COMMAND_UNIT_FTDI
};

enum { COMMAND_VALUES = 2 };

// A number behind the unit, with what must follow it at once.
struct command_value {
    const char *suffix; // "mV"; NULL: there is no such value
    double low, high;   // inclusive
};

struct command;

struct command_entry {
    const char *words; // "kill device"
    enum command_unit unit;
    bool query; // changes nothing
    /// Writes one line without its end into `answer`. 0, or a negative code with err set.
    int (*run)(struct lab *lab, const struct command *c, char *answer, size_t size,
               struct err *err);
    struct command_value values[COMMAND_VALUES];
    int code;   // which of the things that `run` can do
    bool mends; // ends a fault
};

struct command {
    const struct command_entry *what;
    unsigned unit; // index in the scenario
    double values[COMMAND_VALUES];
};

/// Name of unit i of a kind; NULL: there is none.
const char *command_unit_name(const struct scenario *s, enum command_unit kind, size_t i);
/// Parses a line, does it, and keeps in mind what was done. As the entry's run.
FOX_CHECK int command_carry_out(struct lab *lab, const char *line, char *answer, size_t size,
                                struct err *err);

/// A unit is given by its name or its number. ERR_USAGE lists the commands.
FOX_CHECK int command_parse(struct command *out, const char *line, const struct scenario *s,
                            struct err *err);

#endif
