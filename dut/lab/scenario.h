// What stands on the lab's table: a scenario file, read strictly.
//
// A pure value; owns its strings until scenario_free. The language is described in docs/LAB.md.
#ifndef DUT_LAB_SCENARIO_H
#define DUT_LAB_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/fidelity.h"

enum {
    SCENARIO_NAME_MAX = 32,
    SCENARIO_UNITS_MAX = 8,
    SCENARIO_ARGS_MAX = 32,
    SCENARIO_PATHS_MAX = 64,
    SCENARIO_EVENTS_MAX = 64,
    SCENARIO_TEXT_MAX = 128,
    SCENARIO_SKEW_BLOCKS = 64, // where the scenario does not say
};

struct scenario_pluto {
    char name[SCENARIO_NAME_MAX];
    char serial[64];
    double ppm;
    double figure_db; // noise figure
    struct fidelity fidelity;
    int tx_delay; // samples from the kernel's block to the antenna; -1: drawn for each stream
};

struct scenario_uart {
    char name[SCENARIO_NAME_MAX];
    unsigned baud;
};

struct scenario_device {
    char name[SCENARIO_NAME_MAX];
    int uart; // index, -1: none
    uint32_t supply_mv;
    int32_t temperature_mc; // thousandths of a degree Celsius
    double ppm;             // error of its radio's crystal
    double figure_db;       // noise figure of its receiver
    uint8_t *nvm;           // what a new one holds, owned; NULL: erased
    char *argv[SCENARIO_ARGS_MAX + 1];
    int argc;
};

struct scenario_ftdi {
    char name[SCENARIO_NAME_MAX];
    char serial[SCENARIO_NAME_MAX];
    unsigned device; // index of the device it is wired to
    bool is_double;  // an FT2232H
    bool is_jtag;    // its debug side, in the place of serial wire
};

// Either end is a station on the air: a device's number, or SCENARIO_UNITS_MAX and a pluto's.
struct scenario_path {
    unsigned a, b;
    double loss_db; // the same both ways
};

struct scenario_event {
    int64_t t_ns;
    char command[SCENARIO_TEXT_MAX]; // as on the control socket
};

struct scenario {
    struct scenario_pluto plutos[SCENARIO_UNITS_MAX];
    size_t n_plutos;
    struct scenario_uart uarts[SCENARIO_UNITS_MAX];
    size_t n_uarts;
    struct scenario_device devices[SCENARIO_UNITS_MAX];
    size_t n_devices;
    struct scenario_ftdi ftdis[SCENARIO_UNITS_MAX];
    size_t n_ftdis;
    struct scenario_path paths[SCENARIO_PATHS_MAX];
    size_t n_paths;
    struct scenario_event events[SCENARIO_EVENTS_MAX]; // in order of time
    size_t n_events;
    unsigned skew_blocks; // how far a receive stream may be ahead of another one
};

/// Reads `what`: a file, or the name of one in FIXTURES/scenarios (NAME.scenario). In arguments of
/// devices {fixtures} stands for the folder FIXTURES and {here} for the scenario's own.
FOX_CHECK int scenario_load(struct scenario **out, const char *what, const char *fixtures,
                            struct err *err);
/// The same from text; `path` is for messages and {here}.
FOX_CHECK int scenario_parse(struct scenario **out, const char *text, const char *path,
                             const char *fixtures, struct err *err);
/// Accepts NULL.
void scenario_free(struct scenario *s);
/// Appends two arguments to every device command.
FOX_CHECK int scenario_add_option(struct scenario *s, const char *option, const char *value,
                                  struct err *err);

#endif
