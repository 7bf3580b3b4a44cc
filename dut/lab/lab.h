// The virtual lab as a whole: everything a scenario names, wired together.
//
// lab_open owns all of it until lab_close. One thread: lab_step is the only place where anything
// happens.
#ifndef DUT_LAB_LAB_H
#define DUT_LAB_LAB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"
#include "dut/lab/agenda.h"
#include "dut/lab/control.h"
#include "dut/lab/iiod.h"
#include "dut/lab/loop.h"
#include "dut/lab/scenario.h"
#include "dut/lab/usb/bus.h"
#include "dut/lab/world.h"

enum lab_pluto_action {
    LAB_PLUTO_STALL,
    LAB_PLUTO_RELEASE,
    LAB_PLUTO_UNPLUG,
    LAB_PLUTO_REPLUG,
    LAB_PLUTO_OVERFLOW,
    LAB_PLUTO_UNDERFLOW
};

// Actions that wait for the end of the block that is being made, in their order.
enum { LAB_ACTIONS_MAX = 8 };
struct lab_actions {
    enum lab_pluto_action list[LAB_ACTIONS_MAX];
    size_t n;
};

// Power fails so long after an edge of the device's next burst.
struct lab_cut {
    bool armed, at_end;
    int64_t offset_ns, hold_ns;
};

struct lab_config {
    struct scenario *scenario; // lent
    const char *fixtures;      // folder with iio/pluto-context.xml
    const char *work;          // folder for the devices' NVM; NULL: temporary
    const char *chaos;         // faults to draw (chaos.h), or NULL
    uint64_t seed;
};

struct lab {
    struct scenario *scenario;
    uint64_t seed;
    char dir[128]; // temporary folder of this lab
    bool own_nvm;  // NVM files are in dir
    struct loop *loop;
    struct foxshim_page *shim;
    char shim_path[160];
    struct air *air;
    struct pluto *plutos[SCENARIO_UNITS_MAX];
    struct iiod *daemons[SCENARIO_UNITS_MAX];
    struct lab_actions actions[SCENARIO_UNITS_MAX];
    bool in_block; // a client waits inside a block: its connection must not vanish yet
    struct uart *uarts[SCENARIO_UNITS_MAX];
    struct device *devices[SCENARIO_UNITS_MAX];
    struct probe *probes[SCENARIO_UNITS_MAX];
    struct usb_bus *usb; // NULL: no adapter in the scenario
    struct world world;
    struct control *control;
    struct agenda agenda;                    // what the scenario, chaos and armed cuts have planned
    struct lab_cut cuts[SCENARIO_UNITS_MAX]; // of devices
    unsigned streams, tx_streams;            // open now, received and transmitted
    bool began;                              // a stream was open once
    // Receive streams keep together.
    struct lab_stream {
        uint64_t blocks;      // delivered so far
        int64_t block_ns;     // length of the last block asked for
        int64_t held_wall_ns; // since when its client waits for others; 0: it does not
        int64_t push_wall_ns; // since when it waits for room to send; 0: it does not
        bool pushes_alone;    // nobody reads while it waits for room: it moves time itself
        bool left_behind;     // its client was silent for too long; the others go on without it
    } receives[SCENARIO_UNITS_MAX];
    bool free_running;
    int64_t wall_ns; // of the last free-running step
    // For the report.
    int64_t opened_wall_ns;
    int64_t free_ns;            // lab time that went by at wall rate
    unsigned long stale_blocks; // delivered late
    int64_t skew_ns;            // the furthest that one stream was ahead of another
    unsigned faults;            // commands carried out
    FILE *fault_log; // a line for each: lab time in ns and the command. NULL: no work folder
    struct bytes fault_text;
};

FOX_CHECK int lab_open(struct lab **out, const struct lab_config *config, struct err *err);
/// Accepts NULL. Ends all devices and removes the temporary folder.
void lab_close(struct lab *lab);
/// Starts every device once, asks whether it would run, and switches it off again. ERR_USAGE with
/// the device's own words when it refuses.
FOX_CHECK int lab_check_devices(struct lab *lab, struct err *err);
/// Waits for work, at most limit_ms (-1: for ever), and does it.
FOX_CHECK int lab_step(struct lab *lab, int limit_ms, struct err *err);
/// Does it at once, or behind the block that is being made.
FOX_CHECK int lab_act_on_pluto(struct lab *lab, unsigned pluto, enum lab_pluto_action action,
                               struct err *err);
/// A command was carried out just now.
void lab_note_fault(struct lab *lab, const char *line);
/// Calls put(ctx, "NAME=value") for each variable that a client of this lab needs.
int lab_environment(const struct lab *lab, int (*put)(void *ctx, const char *line), void *ctx);
/// How it went: a line, and one for each fault that was injected.
void lab_report(const struct lab *lab, FILE *out);

#endif
