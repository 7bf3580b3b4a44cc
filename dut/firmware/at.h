// The serial line's command language: which dialect a device speaks is data, chosen when it is
// made.
//
// at_execute finds the command in the dialect's table and runs it; at_answer.h has what commands
// need. One thread.
#ifndef DUT_FIRMWARE_AT_H
#define DUT_FIRMWARE_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/sfx/downlink.h"

struct device;

struct at_command {
    const char *name; // after "AT", up to '=', '?' or the end of the line
    /// `args` is what follows the name. False: it cannot be understood, and nothing was answered.
    bool (*run)(struct device *d, const char *args);
};

struct at_dialect {
    const char *name;
    bool echo; // until it is switched off
    const struct at_command *commands;
    size_t n_commands;
    /// Answers a line that was done.
    void (*accept)(struct device *d);
    /// Answers a line that cannot be understood; `known`: the command is one of the dialect's.
    void (*refuse)(struct device *d, bool known);
    /// Hands the payload of a downlink to the host.
    void (*tell_downlink)(struct device *d, const uint8_t payload[SFX_DL_PAYLOAD]);
};

extern const struct at_dialect at_sfm10r; // protocol.md 9.1
extern const struct at_dialect at_slave;  // protocol.md 9.2

/// "sfm10r", "at_slave"; NULL when no dialect has this name.
const struct at_dialect *at_find(const char *name);
/// Executes one command line and writes its answer. `line` NULL: a line came that was too long.
void at_execute(struct device *d, const char *line, size_t len);
void at_tell_downlink(struct device *d, const uint8_t payload[SFX_DL_PAYLOAD]);

#endif
