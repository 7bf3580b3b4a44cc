// What the files of the pump share, and nobody else sees.
#ifndef LUA_BIND_PUMP_INTERNAL_H
#define LUA_BIND_PUMP_INTERNAL_H

#include "bench/air/ear.h"
#include "bench/air/jam.h"
#include "bench/air/jam_send.h"
#include "bench/air/receive.h"
#include "bench/base/bytes.h"
#include "bench/base/secret.h"
#include "bench/net/judge.h"
#include "bench/net/stations.h"
#include "bench/sfx/signer.h"
#include "lua/bind/frame_event.h"
#include "lua/bind/pump.h"
#include "lua/bind/ring.h"

enum {
    PUMP_QUEUE_MAX = 4096,
    PUMP_LOG_MAX = 8 << 20,
    PUMP_LINES_MAX = 1000,
    PUMP_STEP_TEXT_MAX = 160,
    PUMP_REFUSAL_MAX = 480,
    PUMP_HEARD_MAX = 16,
    PUMP_PICTURED_MAX = 12 // frames of an attempt, two pictures each
};

// Nominal power at the connector that is full scale, at a gain of 0 dB: -24 dBm.
#define PUMP_NOMINAL_DB 24.0

// Frames that began together, as two stations see them.
#define PUMP_TOGETHER_S 0.15

// A bounded queue of JSON values.
struct pump_queue {
    struct jval *items[PUMP_QUEUE_MAX];
    size_t head, count;
};

// A burst that was handed over to be sent, as it must be heard.
struct pump_burst {
    unsigned by;   // station 0 … that sends
    int64_t start; // absolute; of its first sample, and n of them
    size_t n;
    double f_hz; // in the first radio's scale
    double bandwidth_hz;
    double level_dbm;         // at the connector, while it is on, if the declared path is right
    bool jam;                 // interference of this wave; else a downlink
    size_t n_made;            // a piece of a steady one: n samples are looked for of so many
    bool cut;                 // out of the middle of its wave
    struct phy_jam_wave wave; // its bits are
    uint8_t flood[AIR_FLOOD_BITS]; // these
    uint8_t frame[SFX_DL_FRAME];   // of a downlink
};

enum { PUMP_PIECES_MAX = 8 };

struct pump_steady {
    unsigned id; // 0: none
    struct pump_steady_request request;
    double level_dbm, s_dbfs;
    int64_t start, next; // of the first piece, of the one that comes; 0: none yet
    int64_t until;       // behind the last one
    uint64_t made;
    bool refused; // in this step
    bool heard;
    struct pump_burst pieces[PUMP_PIECES_MAX]; // not looked for yet
    size_t n_pieces;
    unsigned n_heard;
    double sum_dbfs, sum_squares;
    uint8_t flood[AIR_FLOOD_BITS];
    char why[256];
};

// Lines that came broken.
struct pump_trust {
    uint64_t spoiled, in_pieces;
    char text[DUT_LINE_MAX * 4 + 1]; // the last one
};

// What is known of two radios that hear each other, from the last downlink that was in order.
struct pump_pair {
    bool known;
    int64_t at;
    double late_samples, off_hz;
};

// The last frames that a station heard, a ring.
struct pump_heard_list {
    struct pump_heard frames[PUMP_HEARD_MAX];
    size_t n;
};

struct pump_station {
    const struct pump_station_config *config;
    struct radio *radio;           // NULL: not open now
    bool monitor;                  // it listens to what the bench sends, and to nothing else
    struct air_ear *ear;           // NULL: a monitor
    struct iq_ring ring;           // what it received last
    struct air_transmit *transmit; // NULL: it only listens
    bool began;
    int64_t next;       // sample of this radio
    int64_t shift;      // from its count to the pump's
    int64_t heard_from; // sample of this radio at which its receiver began
    int64_t overload_at;
    struct pump_heard_list heard;
};

// A core network: its judge, the monitor that watches it, the stations that it hears with.
struct pump_core {
    struct judge *judge;
    struct monitor *monitor;
    struct stations *stations; // what they delivered since the radios in use were opened
};

// A device, its port and what the bench knows of it.
struct pump_unit {
    struct pump_unit_config config;
    struct port *port;
    struct dut *dut;
    struct secret key;     // len 0: not known
    struct pump_core core; // empty: the pump's knows the unit; else an earlier one has its id
    bool proven;           // it has answered a command
};

struct pump {
    struct pump_config config;
    struct pump_sink sink;
    struct radio *radio;
    struct pump_unit units[PUMP_UNITS_MAX]; // 0: the device under test, then the samples
    struct pump_unit *unit;                 // the one in use
    struct ftdi *ftdi;                      // NULL: none
    struct power power;
    struct air_ear *ear;
    struct pump_core core;
    unsigned counted[JUDGE_STATUSES];                // frames of each status when the attempt began
    struct monitor_alarm alarms[MONITOR_ALARMS_MAX]; // of the attempt, a ring
    size_t n_alarms;
    struct iq_ring ring;
    double rate_hz;
    double lo_hz;
    int64_t now;
    int64_t heard_from; // where the receiver's count begins
    int64_t overload_at;
    int64_t deadline;

    struct pump_queue frames;
    struct pump_queue lines; // unsolicited
    uint64_t n_lines;        // of this attempt
    struct pump_trust trust; // of this attempt
    struct jval *answer;     // array: lines of the present command
    char last[DUT_LINE_MAX * 4 + 1];
    int64_t last_at;
    bool answered;

    int64_t gap_at; // last lost sample, -1: none
    char gap_text[160];
    bool air_proven;
    struct bytes log;
    size_t log_chunk; // where the last piece of the log begins
    size_t log_mark;  // where the piece began that held the end of the line before
    int64_t pictured[PUMP_PICTURED_MAX]; // `start` of the frames whose pictures are evidence
    size_t n_pictured;
    struct pump_leak leak; // the last one
    size_t n_leaks;
    struct air_transmit *transmit;                 // NULL: the radio only listens
    struct pump_reply replies[PUMP_DOWNLINKS_MAX]; // to the next request
    size_t n_replies;
    struct pump_downlink downlinks[PUMP_DOWNLINKS_MAX]; // not yet handed over
    size_t n_downlinks;
    struct pump_sent sent[PUMP_DOWNLINKS_MAX];
    struct pump_burst sent_bursts[PUMP_DOWNLINKS_MAX]; // of the same place
    size_t n_sent;
    struct station_message asking;  // a request that the sending radio has not heard …
    bool asks;                      // … waits to be answered without it
    char refusal[PUMP_REFUSAL_MAX]; // of the first downlink that could not be sent

    struct pump_station stations[PUMP_STATIONS_MAX];
    struct pump_heard_list heard;                                         // by the first radio
    struct pump_pair pairs[PUMP_STATIONS_MAX + 1][PUMP_STATIONS_MAX + 1]; // sender, listener
    bool told_deaf[PUMP_STATIONS_MAX + 1][2];
    struct air_jam *jam; // NULL: nobody jams
    struct pump_jam_request jam_request;
    unsigned jam_id;
    double jam_loss_db;
    double jam_fix_db[PUMP_STATIONS_MAX + 1]; // by which this sender's levels are wrong
    struct pump_steady steady[PUMP_STEADY_MAX];
    struct pump_steady steady_told; // the one that was stopped last
    struct pump_jam jams[PUMP_JAMS_MAX];
    struct pump_burst jam_bursts[PUMP_JAMS_MAX]; // of the same place; n == 0: not sent
    size_t n_jams;

    char step[PUMP_STEP_TEXT_MAX];
    double spoken_s; // wall time of the last progress
    int broken;
    struct err why;
};

void pump_queue_clear(struct pump_queue *q);
/// Takes item. A full queue loses its oldest: all of them stand in the ledger.
void pump_queue_put(struct pump_queue *q, struct jval *item);
/// New; NULL when empty.
struct jval *pump_queue_take(struct pump_queue *q);

/// The pump is dead from now on, with this error. Returns rc.
int pump_fail(struct pump *p, int rc, const struct err *err);
/// pump_alive, for air_ear_config.alive: with the pump as context.
int pump_still_alive(void *pump, struct err *err);
/// The receiver of one of the pump's radios, over the band of the configuration.
FOX_CHECK int pump_open_ear(struct pump *p, double rate_hz, double lo_hz, struct air_ear **out,
                            struct err *err);
/// What the receiver could not do, with the unit named and the bench to blame. Returns the code.
int pump_receiver_failed(int rc, const char *unit, struct err *err);
/// Says again why a dead pump is dead.
int pump_refuse(const struct pump *p, struct err *err);

/// A line of the device: an answer to the present command, or a `line` event.
FOX_CHECK int pump_take_line(struct pump *p, const struct dut_line *line, struct err *err);
/// Weighs whether a line came whole; `text` is its printable form.
void pump_weigh_line(struct pump *p, const struct dut_line *line, const char *text);
/// For dut_set_tap: the serial log.
void pump_log_bytes(void *ctx, char direction, int64_t at_sample, const uint8_t *data, size_t len);

/// Whether tags can be computed, and with what. The signer lends what the configuration lends.
bool pump_has_key(const struct pump *p);
struct sfx_signer pump_signer(const struct pump *p);
/// The tokens that hold keys.
FOX_CHECK int pump_announce_tokens(struct pump *p, struct err *err);

/// Looks for the device's key in a line. Where there is one, it and the log since the line before
/// are starred out.
FOX_CHECK int pump_withhold(struct pump *p, struct dut_line *line, struct err *err);

/// Opens the adapter, if the bench has one: power is off then.
FOX_CHECK int pump_open_ftdi(struct pump *p, struct err *err);
FOX_CHECK int pump_announce_ftdi(struct pump *p, struct err *err);
/// A device loses its power with the adapter, and what it fails to do then is not its fault: a
/// `fault` event when the adapter is gone.
FOX_CHECK int pump_check_ftdi(struct pump *p, struct err *err);
/// Power or reset through the adapter.
FOX_CHECK int pump_switch_ftdi(struct pump *p, enum pump_switch which, bool active,
                               struct err *err);

/// The transmitter, if the radio has one; it ends in pump_close.
FOX_CHECK int pump_open_transmit(struct pump *p, struct err *err);
/// A message that the core network accepted, at each of its frames: sees whether a reply waits for
/// it.
FOX_CHECK int pump_answer_message(struct pump *p, const struct station_message *message,
                                  struct err *err);
/// Replies, downlinks and what was sent.
void pump_forget_downlinks(struct pump *p);
/// After each block: hands over what is due.
FOX_CHECK int pump_step_transmit(struct pump *p, struct err *err);

/// What the bench file says of where this station's radio may send.
const struct air_permit *pump_permit(const struct pump *p, unsigned station);
/// How much higher than the first radio's this station's frequency scale reads: from frames that
/// both heard. False: it is not known.
bool pump_scale_offset(const struct pump *p, unsigned station, double *offset_hz);
/// Whether time has come so far that a burst can be looked for.
bool pump_echo_due(const struct pump *p, const struct pump_burst *b);
/// Looks for a burst in what a radio of the bench received, and books it. `why` gets what is not in
/// order, or nothing; *heard says whether there is a radio that can hear it.
FOX_CHECK int pump_echo_check(struct pump *p, const struct pump_burst *b, bool *heard, char *why,
                              size_t size, struct err *err);

/// The same; *dbfs gets its level, NAN when it was not found.
FOX_CHECK int pump_echo_level(struct pump *p, const struct pump_burst *b, bool *heard, double *dbfs,
                              char *why, size_t size, struct err *err);
/// The transmitter of a station; NULL: it is not open, or only listens.
struct air_transmit *pump_transmitter(const struct pump *p, unsigned station);
/// Its radio (NULL: not open), and what that received last.
const struct radio *pump_station_radio(const struct pump *p, unsigned station);
const struct iq_ring *pump_station_ring(const struct pump *p, unsigned station);
/// The declared path between two radios, a radio and itself; NULL: none.
const struct air_path *pump_path(const struct pump *p, unsigned by, unsigned to);
/// From the count of a station's samples to the pump's time.
int64_t pump_station_shift(const struct pump *p, unsigned station);
/// What lies between a jammer and the receiver whose J/S is asked for.
FOX_CHECK int pump_jam_loss(const struct pump *p, unsigned by, double *loss_db, struct err *err);
/// A transmitter was stopped: steady jammers on it begin anew.
void pump_steady_resume(struct pump *p, unsigned by);
/// After each block: the next pieces of steady jammers.
FOX_CHECK int pump_step_steady(struct pump *p, struct err *err);

/// The instrument event of a radio.
FOX_CHECK int pump_announce_radio(struct pump *p, const char *unit, const struct radio *radio,
                                  struct err *err);

/// How the streams of a radio that sends lie to each other; nothing for one that only listens.
FOX_CHECK int pump_announce_calibration(struct pump *p, const char *unit, const struct radio *radio,
                                        struct err *err);

/// The ports and engines of all units; they end in pump_close_units.
FOX_CHECK int pump_open_units(struct pump *p, struct err *err);
void pump_close_units(struct pump *p);
FOX_CHECK int pump_announce_units(struct pump *p, struct err *err);
/// Back to the device under test, with the sample that was in use switched off.
FOX_CHECK int pump_rest(struct pump *p, struct err *err);
/// Reads what the unit in use has said.
FOX_CHECK int pump_poll_unit(struct pump *p, struct err *err);
/// Notes in the serial log whose it is from here on.
void pump_log_unit(struct pump *p);

/// The core network of all units, and one more for each sample that has the identifier of another.
FOX_CHECK int pump_open_cores(struct pump *p, struct err *err);
void pump_close_cores(struct pump *p);
/// What the stations delivered is forgotten; judge and monitor stay.
FOX_CHECK int pump_renew_stations(struct pump *p, struct err *err);
/// The one that hears the unit in use.
struct pump_core *pump_core(struct pump *p);
/// What the units' keys say of a packet: for air_receiver_config.verify, with the pump as context.
enum air_tag pump_verify(void *pump, const struct sfx_uplink *up);
/// 0: the pump's; of a sample its own, NULL: it has none.
struct pump_core *pump_core_at(struct pump *p, size_t sample);
/// Puts into an event which sample's own network it is about; nothing for the pump's.
FOX_CHECK int pump_core_name(const struct pump *p, const struct pump_core *core, struct jval *event,
                             struct err *err);
/// A frame that station 0 … heard: judged, booked, remembered and answered. Its event in *out (new;
/// NULL: not wanted).
FOX_CHECK int pump_hear(struct pump *p, unsigned station, const struct frame_event_context *where,
                        const struct air_frame *f, struct jval **out, struct err *err);
/// For pump_heard.
void pump_note_heard(struct pump *p, unsigned station, const struct air_frame *f,
                     const struct jval *event);
/// After each block: sees whether a device is silent.
FOX_CHECK int pump_step_core(struct pump *p, struct err *err);

/// The counts and alarms of an attempt begin. At its end the counts stand in the ledger, if there
/// are any, and the network is as it was: nothing blocks, nobody is blocked.
void pump_begin_network(struct pump *p);
FOX_CHECK int pump_end_network(struct pump *p, struct err *err);

/// Pictures of this frame (an uplink event's fields) become evidence, while its samples are kept:
/// of the first PUMP_PICTURED_MAX frames of an attempt that decode, once each.
FOX_CHECK int pump_draw(struct pump *p, const struct jval *frame, struct err *err);
/// The first radio's receiver, made anew: it knows nothing of what came before.
FOX_CHECK int pump_open_receiver(struct pump *p, struct err *err);
/// Samples of this unit were lost, or are not to be trusted: hearing nothing there, or something
/// broken, says nothing of the device. *overload_at is the unit's own.
FOX_CHECK int pump_take_gap(struct pump *p, const char *unit, int64_t lost, unsigned flags,
                            int64_t *overload_at, struct err *err);
void pump_close_stations(struct pump *p);
/// A block of the first radio, after pump_step_stations: sees whether it is to be jammed.
FOX_CHECK int pump_step_jam(struct pump *p, const struct iq_block *block, struct err *err);
/// A frame that the first radio heard.
void pump_jam_heard(struct pump *p, const struct air_frame *f);
/// One block of each further radio.
FOX_CHECK int pump_step_stations(struct pump *p, struct err *err);

#endif
