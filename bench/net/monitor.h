// The anomaly monitor of the core network: sees clones, floods, counter jumps, silence and forgery
// in judged frames, and may block the device or the station they come from.
//
// A monitor borrows the judge, whose registry holds what is remembered of each device. Every limit
// is declared in its rules; with rules of zeros nothing is ever blocked. Frames may come out of
// order between stations. Times are sample times in seconds. One thread.
//
// What it cannot see: a clone that repeats the original's message word for word while no station
// hears a rank of it twice. Only the transmitters' fingerprints would tell these apart.
#ifndef BENCH_NET_MONITOR_H
#define BENCH_NET_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/net/judge.h"

#define MONITOR_DAY_S  86400.0
#define MONITOR_HOUR_S 3600.0
#define MONITOR_OVERLAP_S                                                                          \
    0.05 // two frames at one time: more than what a burst's edges are known to

enum { MONITOR_FORGED_MAX = 255, MONITOR_ALARMS_MAX = 64, MONITOR_TEXT_MAX = 240 };

enum monitor_kind {
#define MONITOR(name, text) MONITOR_##name,
#include "bench/net/monitor.def"
#undef MONITOR
    MONITOR_KINDS
};

struct monitor_rules {
    unsigned jump_steps; // largest step that lost messages explain; 0: what a device can have sent
                         // within its subscription since the last one
    // Stations of equal numbers hear the same devices; no device comes from one number to another
    // in less than travel_s. 0: places are not looked at.
    unsigned place[STATIONS_MAX];
    double travel_s;
    unsigned forged_per_hour; // of one station, at most MONITOR_FORGED_MAX; 0: not counted
    double begin_s;           // from when on a device that was never heard counts as silent
    unsigned block_device;    // bits 1 << kind: what blocks the device, and
    unsigned block_station;   // the station that heard it
};

struct monitor_alarm {
    enum monitor_kind kind;
    double t_s;
    uint32_t device_id;                   // meaningless for FORGERY
    unsigned station;                     // that heard it; meaningless for SILENCE
    bool blocked_device, blocked_station; // by this alarm
    char text[MONITOR_TEXT_MAX];          // what was seen, in figures
};

/// One judged frame as one station heard it.
struct monitor_frame {
    unsigned station;
    const struct sfx_uplink *up;
    const struct judge_result *judged;
    double start_s, end_s;
    bool rank_again; // this station has heard this rank of this message before
};

struct monitor;

/// ERR_INVALID for rules beyond their limits.
FOX_CHECK int monitor_new(struct monitor **out, struct judge *judge,
                          const struct monitor_rules *rules, struct err *err);
/// Other rules from now on; what was seen stays. ERR_INVALID as above, and the rules stay, too.
FOX_CHECK int monitor_set_rules(struct monitor *m, const struct monitor_rules *rules,
                                struct err *err);
/// Accepts NULL.
void monitor_free(struct monitor *m);
/// After the judge's verdict. A device or station may be blocked when this returns.
void monitor_frame(struct monitor *m, const struct monitor_frame *frame);
/// Time has come to now_s: looks for devices that are silent.
void monitor_tick(struct monitor *m, double now_s);
/// Whether monitor_tick would raise an alarm.
bool monitor_would_tell(const struct monitor *m, double now_s);
/// Alarms, oldest first, each once; one kind is told once an hour for each device (or station). Of
/// more than MONITOR_ALARMS_MAX that wait the oldest are dropped, which *lost (may be NULL) counts.
bool monitor_next(struct monitor *m, struct monitor_alarm *out, unsigned *lost);
bool monitor_station_blocked(const struct monitor *m, unsigned station);
/// The operator's word. Devices: judge_block.
FOX_CHECK int monitor_block_station(struct monitor *m, unsigned station, bool blocked,
                                    struct err *err);
/// Whether there is a kind of this name.
bool monitor_kind_find(const char *name, enum monitor_kind *out);
/// "clone", "flood" … and the sentence of monitor.def.
const char *monitor_kind_name(enum monitor_kind kind);
const char *monitor_kind_text(enum monitor_kind kind);

#endif
