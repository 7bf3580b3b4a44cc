// A bench made of fakes for the tests of the pump: a radio that plays a recording and hears what
// another one sends, a port that answers, and a sink that remembers. They stand in for the
// libraries' own by being linked first; a test program has one rig, and one thread.
#ifndef LUA_BIND_TESTS_PUMP_RIG_H
#define LUA_BIND_TESTS_PUMP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "lua/bind/pump.h"

enum { BLOCK = 4096, RATE = 48000, EVENTS_MAX = 256 };

// What becomes of a burst between two radios.
struct rig_way {
    bool open;      // it is heard at all
    double loss_db; // from connector to connector
    double off_hz;  // of the sender's oscillator
    int late;       // samples
    int from, to;   // samples of it that leave; 0, 0: all
    unsigned flips; // so many samples in a thousand are turned round
    bool dark;      // the oscillator stays off, whatever is said
};

// What the radios do; setup clears it.
extern struct rig_radio_plan {
    const char *recording;
    int overflow_in; // block with the overflow flag, -1: none
    int gone_in;     // block that fails, -1: none
    int rate_hz;     // 0: RATE
    struct rig_way way;
} radio_plan;

// What was sent last, and whether the oscillator was on when the first and the last sample left.
extern struct rig_radio_sent {
    int64_t at;
    size_t n;
    int switches; // of the oscillator
    bool lo_on;
} radio_sent;

// A port that answers every command with the next text of a list, some reads later.
struct port {
    char written[256];
    char due[256];
    int reads_left;
    bool lines[2];
};

extern struct rig_port_plan {
    const char *answer;
    int delay; // reads until it comes
    bool gone;
} port_plan;

// The device's port; those of samples have a digit in their path.
extern struct port the_port, sample_ports[3];

extern struct rig_sink {
    struct jval *events[EVENTS_MAX];
    size_t n;
    bool gone;
    bool count_only;
    char data_path[128], meta_path[128];
    struct bytes data, meta, log;
    char picture_paths[2][128]; // of the last two
    unsigned n_pictures;
} sink;

extern struct secret key; // of the recording's device
extern const struct pump_sink sink_ops;

const struct jval *event_of(const char *type, size_t nth);
const char *text_of(const struct jval *j, const char *key);
double number_of(const struct jval *j, const char *key);
/// A bench of one radio that listens, one device and its key.
struct pump_config config(void);
/// The same, with a radio that sends downlinks at -10 dBm.
struct pump_config sending(void);
struct pump *opened(struct pump_config c);
/// Sends AT; the answer comes `delay` reads later.
struct pump_answer command(struct pump *p, const char *answer, int delay, bool one_line);
int setup(void **state);
int teardown(void **state);

#endif
