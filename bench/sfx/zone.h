// The radio zones RC1 … RC7: frequencies, receive window, access rule. protocol.md
// sections 7.1, 7.2 and 8. Constant data, any thread.
#ifndef BENCH_SFX_ZONE_H
#define BENCH_SFX_ZONE_H

#include <stdbool.h>
#include <stddef.h>

#define SFX_ZONE_BAND_HZ       192e3         // operational band, round the uplink centre
#define SFX_ZONE_GAP_S         0.5           // between the frames of a bidirectional message
#define SFX_ZONE_SENSE_S       8.0           // carrier sensing: frames 2 … N within this time
#define SFX_DL_BURST_S         (224.0 / 600) // a downlink, preamble included
#define SFX_CONFIRM_EARLIEST_S 1.4           // from the end of a downlink to its confirmation
#define SFX_CONFIRM_LATEST_S   4.0

enum sfx_access { SFX_ACCESS_DUTY_CYCLE, SFX_ACCESS_HOPPING, SFX_ACCESS_LBT, SFX_ACCESS_LDC };

struct sfx_zone {
    const char *name; // "RC1", "RC3-LBT"
    double uplink_hz; // centres
    double downlink_hz;
    double wait_s;   // T_W: end of frame 1 to the opening of the window
    double listen_s; // T_RX: how long it stays open
    double step_hz;  // frame 2 lies so far above frame 1, frame 3 so far below
    double guard_hz; // oscillator error kept free at each edge of the band
    double eirp_dbm; // highest
    enum sfx_access access;
    double sense_dbm; // threshold of carrier sensing; 0: none
    bool bit_rate_100;
    bool bit_rate_600;
};

/// One figure of a zone and how well it is known: "C", read in the named source; "ASSUMED", nothing
/// public says so.
struct sfx_zone_fact {
    const char *name, *unit;
    double value;
    const char *mark;
    unsigned sources; // that agree
    const char *source;
};

/// NULL when no zone has this name.
const struct sfx_zone *sfx_zone_find(const char *name);
/// NULL beyond the last one.
const struct sfx_zone *sfx_zone_at(size_t index);
/// The figures of a zone one after another; false beyond the last.
bool sfx_zone_fact(const struct sfx_zone *z, size_t index, struct sfx_zone_fact *out);
/// "duty cycle", "frequency hopping", "listen before talk", "low duty cycle".
const char *sfx_access_name(enum sfx_access access);
/// From an uplink's frequency to that of its downlink.
double sfx_zone_shift_hz(const struct sfx_zone *z);
/// Frequency of frame 1 of a bidirectional message, from that of frame `rank` (1 … 3).
double sfx_zone_frame1_hz(const struct sfx_zone *z, unsigned rank, double f_hz);
/// How much carrier sensing may have stretched a message between frame 1 and frame `rank`, at most
/// and in all; frames last `frame_s`. 0 in zones without. The number of frames is not known from
/// one of them: frame 2 may be the last.
double sfx_zone_sense_s(const struct sfx_zone *z, unsigned rank, double frame_s);

#endif
