// The pump: the only thread that sequences serial port and receiver. It moves sample time on, block
// by block, and turns what comes into events.
//
// A pump owns its radio, port, receiver, device engine and judge from pump_open to pump_close;
// strings of the configuration are lent and outlive it. Times are absolute samples: `t0` plus what
// the radio has delivered. Everything happens in pump_step, in an order that depends on the samples
// alone. After a failure the pump is dead: every later call gives the same error.
#ifndef LUA_BIND_PUMP_H
#define LUA_BIND_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/air/transmit.h"
#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/base/secret.h"
#include "bench/base/token.h"
#include "bench/net/monitor.h"
#include "bench/phy/jam_wave.h"
#include "bench/radio/radio.h"
#include "bench/sfx/cipher.h"
#include "bench/sfx/zone.h"
#include "dut/dut.h"
#include "dut/port.h"
#include "dut/port_ftdi.h"
#include "dut/power.h"
#include "lua/bind/forge.h"

// Where the pump's events, files and signs of life go. Each call may fail with ERR_GONE.
struct pump_sink {
    void *ctx;
    int (*event)(void *ctx, struct jval *event, struct err *err); // lent
    int (*progress)(void *ctx, int64_t t, const char *step, struct err *err);
    // fd is lent; path is relative to the attempt
    int (*evidence)(void *ctx, const char *path, const char *media_type, const char *note, int fd,
                    struct err *err);
};

enum pump_switch { PUMP_POWER, PUMP_RESET, PUMP_SWITCHES };

// The adapter at the device's pins; unit NULL: there is none. Power and reset go through it then.
struct pump_ftdi {
    const char *unit, *serial;
    const char *relay, *reset, *lab_enable; // pins; NULL: not wired, but for the relay
    const char *supply_low;                 // the same, of the ladder that lowers the supply
    bool spi, swd;                          // whether the device's flash, its debug port is wired
};

// A further radio: it listens to the same band, and may send.
struct pump_station_config {
    const char *unit;
    struct radio_config radio;
    struct air_permit permit; // where it may send, if it does
    double downlink_lo_hz;    // where it can listen to what the bench sends; 0: nowhere
};

// What power the first radio's samples stand for: measured once, with another instrument.
struct pump_calibration {
    bool known;
    double full_scale_dbm; // at the connector, that is full scale …
    double gain_db;        // … at this gain
    double u_db;           // standard uncertainty
};

enum { PUMP_STATIONS_MAX = 3, PUMP_SAMPLES_MAX = 12, PUMP_UNITS_MAX = PUMP_SAMPLES_MAX + 1 };

// A device at a serial line of its own.
struct pump_unit_config {
    const char *uart_unit;
    struct port_config port;
    int lines[PUMP_SWITCHES]; // enum port_line, or -1: not wired
    uint32_t device_id;
    const struct secret *key; // NULL: not known, or in the token. Copied
    struct token_key *token;  // NULL: in none
};

struct pump_config {
    const char *radio_unit;
    struct radio_config radio;
    struct pump_station_config stations[PUMP_STATIONS_MAX]; // beside the radio
    size_t n_stations;
    double low_hz, high_hz; // band to listen to, absolute
    const char *uart_unit;
    struct port_config port;
    struct dut_dialect dialect;
    int lines[PUMP_SWITCHES];                          // enum port_line, or -1: not wired
    struct pump_unit_config samples[PUMP_SAMPLES_MAX]; // further units of the device's make
    size_t n_samples;
    struct pump_ftdi ftdi;
    uint32_t device_id;
    const struct secret *key; // NULL: tags cannot be judged, unless by the token. Copied
    struct token_key *token;  // holds the key instead; lent
    unsigned modulus;
    unsigned window;
    unsigned messages_per_day; // of the subscription; 0: 140
    double interval_s;         // longest pause between two messages; 0: none is declared
    int64_t t0;                // sample time at which this pump's clock starts
    unsigned worker;
    double keep_s;                           // raw samples kept for evidence
    const struct sfx_zone *zone;             // of the device
    bool bit_rate_600;                       // its uplinks are sent so; else at 100 bit/s
    struct air_permit permit;                // where the radio may send, if it does
    unsigned armed;                          // bits of enum air_armed
    double downlink_dbm;                     // at the radio's connector
    struct pump_calibration calibration;     // of the radio
    const struct sfx_native_profile *cipher; // of downlink payloads; NULL: they are sent in clear
    unsigned rollover; // how often the device's counter had rolled over when the run began
};

struct pump;

/// Puts the unit's name where `endpoint` (an address, a path) stands in the text: an endpoint would
/// differ from run to run. Returns the code.
int pump_name_unit(struct err *err, const char *kind, const char *endpoint, const char *unit);

FOX_CHECK int pump_open(struct pump **out, const struct pump_config *config,
                        const struct pump_sink *sink, struct err *err);
/// Accepts NULL and a half-opened pump.
void pump_close(struct pump *p);
/// Sends the clock and instrument events.
FOX_CHECK int pump_announce(struct pump *p, struct err *err);

int64_t pump_now(const struct pump *p);
double pump_rate_hz(const struct pump *p);

/// A new attempt begins: forgets queued frames and lines, empties the serial log. From `deadline`
/// on (absolute; 0: none) every step fails with ERR_LIMIT.
void pump_begin(struct pump *p, int64_t deadline);
/// The attempt is over: its serial log becomes evidence.
FOX_CHECK int pump_end(struct pump *p, struct err *err);
/// What the progress messages say from now on. Copied.
void pump_set_step(struct pump *p, const char *step);
/// A sign of life without a new sample, for long computations. At most five a second leave.
FOX_CHECK int pump_alive(struct pump *p, struct err *err);

/// Puts "t" into event and sends it. event is taken, also on failure; NULL is ERR_FORMAT.
FOX_CHECK int pump_emit(struct pump *p, struct jval *event, struct err *err);

/// ERR_OK while the instruments work, else the failure that broke the pump.
FOX_CHECK int pump_broken(const struct pump *p, struct err *err);

/// One block of samples and all that follows from it.
FOX_CHECK int pump_step(struct pump *p, struct err *err);
/// Steps until the clock has reached `until`.
FOX_CHECK int pump_wait(struct pump *p, int64_t until, struct err *err);

/// The next received frame (an uplink event's fields; new), or *out = NULL when every frame that
/// ended before `until` has been handed out.
FOX_CHECK int pump_next_frame(struct pump *p, int64_t until, struct jval **out, struct err *err);
/// Why samples were lost at or after `since`; NULL when none were.
const char *pump_gap_since(const struct pump *p, int64_t since);
/// Whether any frame that decodes was received, whether the device ever answered a command, since
/// the pump was opened; of the port, the unit in use.
bool pump_air_proven(const struct pump *p);
bool pump_port_proven(const struct pump *p);

enum pump_outcome { PUMP_OK, PUMP_ERROR, PUMP_TIMEOUT };

struct pump_answer {
    enum pump_outcome outcome;
    char text[DUT_LINE_MAX * 4 +
              1];       // last line before OK, the error, or "OK"; bytes outside ASCII as \xHH
    struct jval *lines; // new: every line that answered
    int64_t sent;
    int64_t until;
};

/// Sends a command and waits for its end (the dialect's OK or error), or with `one_line` for any
/// line. A silent device is an outcome, not an error.
FOX_CHECK int pump_command(struct pump *p, const char *line, int64_t until, bool one_line,
                           struct pump_answer *out, struct err *err);
/// The next line that answers no command (new), or NULL when none came until then.
FOX_CHECK int pump_next_line(struct pump *p, int64_t until, struct jval **out, struct err *err);
/// Lines of this attempt that answered no command, those of a flood that were not kept among them.
uint64_t pump_unasked_lines(const struct pump *p);
/// How the lines of this attempt came, asked for or not; what is broken is not held against anyone.
struct pump_line_state {
    uint64_t spoiled;   // with bytes that are no text, or cut off
    uint64_t in_pieces; // with longer pauses than the dialect allows
    size_t unfinished;  // bytes whose line end has not come
    const char *text;   // the last such line as a command's answer has it, "": none. Lent
};
struct pump_line_state pump_line_state(const struct pump *p);
/// The adapter and the power switch on it; NULL when the bench has none. Lent; what moves power or
/// reset goes through pump_switch, so that it is recorded.
struct ftdi *pump_ftdi(struct pump *p);
struct power *pump_power(struct pump *p);
/// The lab-enable line of the device under test, which the bench may have wired to the adapter.
bool pump_has_lab_enable(const struct pump *p);
FOX_CHECK int pump_lab_enable(struct pump *p, bool high, struct err *err);
/// The ladder that lowers the supply of the device under test.
bool pump_has_ladder(const struct pump *p);
FOX_CHECK int pump_supply_low(struct pump *p, bool low, struct err *err);
/// Books the failure of a call on the adapter: ERR_GONE is the end of the pump. Returns rc.
int pump_ftdi_failed(struct pump *p, int rc, struct err *err);

/// Further units beside the device under test.
unsigned pump_samples(const struct pump *p);
/// Unit 0, the device under test, or sample 1 …. Lent.
const struct pump_unit_config *pump_unit_of(const struct pump *p, unsigned unit);
/// From now on commands, lines, switches and the serial log are those of sample 1 …, or of the
/// device under test, 0. Power stays as it is. An attempt begins and ends with the device; samples
/// are off then.
FOX_CHECK int pump_use(struct pump *p, unsigned unit, struct err *err);

// A known secret in what a device said: four of its bytes or more, raw or as text. The record
// shows stars in its place.
struct pump_leak {
    int64_t at;    // sample time of the line
    size_t offset; // of its first byte in the line
    size_t run;    // bytes of the secret
    const char *form;
    char fingerprint[SECRET_FINGERPRINT_LEN];
};

/// Those of this attempt: the last one in *out, how many there were returned.
size_t pump_leaks(const struct pump *p, struct pump_leak *out);

/// ERR_UNSUPPORTED when the bench has no such line.
FOX_CHECK int pump_switch(struct pump *p, enum pump_switch which, bool active, struct err *err);

/// Keeps the samples from `from` to `to` as SigMF evidence iq/NAME with an annotation for each of
/// `frames` (an array of uplink events, lent), and pictures of them: frames/START-spectrogram.png,
/// frames/START-phase.png. Waits until `to`. *kept is false when the beginning is not there any
/// more.
FOX_CHECK int pump_capture(struct pump *p, const char *name, const char *note, int64_t from,
                           int64_t to, const struct jval *frames, bool *kept, struct err *err);
/// New: what air_measure_json makes of this frame (an uplink event's fields), in absolute frequency
/// and time. Its pictures become evidence, as of pump_capture. ERR_NOTFOUND: it cannot be
/// measured, and why.
FOX_CHECK int pump_measure(struct pump *p, const struct jval *frame, struct jval **out,
                           struct err *err);
/// Hands a text over as evidence.
FOX_CHECK int pump_evidence(struct pump *p, const char *path, const char *media_type,
                            const char *note, const void *data, size_t len, struct err *err);

// ---- sending

enum { PUMP_DOWNLINKS_MAX = 128 };

// How a request is answered.
struct pump_reply {
    uint8_t payload[SFX_DL_PAYLOAD];
    struct forge forge; // how it differs from the genuine one
    double after_s;     // from the end of frame 1; negative: the middle of the window
    bool on_uplink;     // at the frequency of frame 1 instead of the downlink's
    double below_db;    // weaker than the bench's downlinks are
    double off_hz;      // beside the frequency that is due
};

// A downlink for the request with this counter, at a given time.
struct pump_downlink {
    uint8_t payload[SFX_DL_PAYLOAD];
    struct forge forge;
    uint16_t counter;
    double f_hz; // absolute
    int64_t at_sample;
    double below_db;
};

struct pump_sent {
    int64_t start, end; // of the burst
    bool genuine;       // nothing was altered, or what was altered came to the same
    bool looked;        // it has been looked for in what the bench itself receives …
    bool heard;         // … where a radio could hear it
    char why[256];      // … and this was not in order; empty: nothing
};

// ---- several stations

// A frame that decodes, as one station heard it.
struct pump_heard {
    uint32_t device_id;
    uint16_t counter;
    unsigned rank;
    int64_t start, end;
    double f_hz; // its middle, in the station's own scale
    double power_dbfs;
};

/// Listens with the first radio and those of the bit mask `others` (bit 0: the second radio) from
/// now on: opens, closes, and starts all streams together. The receivers begin anew. What the
/// device says and sends meanwhile is not heard, and sample time stands still, so its power should
/// be off. After a failure the pump is dead. Those of the mask `monitors` listen to the bench's own
/// downlinks instead.
FOX_CHECK int pump_use_radios(struct pump *p, unsigned others, unsigned monitors, struct err *err);
/// Those that are open, as above: *monitors (may be NULL) gets those that are.
unsigned pump_radios(const struct pump *p, unsigned *monitors);
/// The i-th last frame (0: the newest) that station 0 … heard since it was opened; NULL: none, or
/// it is forgotten.
const struct pump_heard *pump_heard(const struct pump *p, unsigned station, size_t i);
/// How often the core network delivered the device's message with this counter.
unsigned pump_delivered(const struct pump *p, uint16_t counter);

// ---- jamming

enum { PUMP_JAMS_MAX = 32 };

struct pump_jam_request {
    unsigned by;              // station 0 … that sends
    unsigned ranks;           // bit r - 1: jam the frame of rank r
    double js_db;             // at the first radio; when that one sends, where it is heard least
    struct phy_jam_wave wave; // its bits, bit rate and seed are the pump's
};

// A frame that was jammed, or was to be.
struct pump_jam {
    unsigned rank;
    int64_t start, onset, end; // of the frame (to 20 ms), of the jammer
    double f_hz;               // in the first radio's scale
    double level_dbm;          // at the sender's connector
    bool done;
    bool heard;    // a radio of the bench could hear it: `why` would say if it was not in order
    bool measured; // js_db, u_db: in the first radio's samples; when that one sends, in those of
                   // the station that hears it least
    double js_db, u_db;
    char why[256]; // what went wrong; empty: nothing
};

/// From now on the frames of these ranks are jammed by this wave, while the first radio hears them
/// begin. They last as long as the last frame that was heard. *id ends it.
FOX_CHECK int pump_jam_start(struct pump *p, const struct pump_jam_request *request, unsigned *id,
                             struct err *err);
/// Silence at once. 0: whichever there is. May run twice.
FOX_CHECK int pump_jam_stop(struct pump *p, unsigned id, struct err *err);
/// Those since the last pump_jam_start. Lent.
size_t pump_jams(const struct pump *p, const struct pump_jam **out);
/// Which rank the jammer's own receiver decoded there; 0: none. It does not hear itself.
unsigned pump_jam_rank(const struct pump *p, const struct pump_jam *jam);

// Interference that needs no frame.
enum { PUMP_STEADY_MAX = 4 };

struct pump_steady_request {
    unsigned by;              // station 0 … that sends
    double f_hz;              // its middle, in the first radio's scale
    double level_dbm;         // at its connector; NAN: by js_db
    double js_db;             // at the first radio, over the last frame that it heard
    struct phy_jam_wave wave; // its bits, bit rate and seed are the pump's
};

// What became of it.
struct pump_steady_state {
    bool heard;       // a radio of the bench could hear it
    int64_t start;    // 0: nothing has left yet
    double level_dbm; // at the connector, while it is on
    double js_db;     // as heard by the bench, over the last frame before it; NAN: not measured
    const char *why;  // what went wrong; NULL: nothing. Lent
};

/// From now on it is there, with whatever else jams, until it is stopped, the attempt ends or the
/// pump does.
FOX_CHECK int pump_steady_start(struct pump *p, const struct pump_steady_request *request,
                                unsigned *id, struct err *err);
/// Silence at once; the others of the same transmitter begin anew. 0: all. May run twice.
FOX_CHECK int pump_steady_stop(struct pump *p, unsigned id, struct err *err);
/// Also of the one that was stopped last. False: there is none.
bool pump_steady_look(const struct pump *p, unsigned id, struct pump_steady_state *out);

// ---- the core network

/// What the network knew when an earlier worker was lost: history_extract of the ledger's events,
/// in their order. After pump_announce, before the first attempt. ERR_FORMAT when the bench did not
/// write them.
FOX_CHECK int pump_recall(struct pump *p, const struct jval *events, struct err *err);

// Whom an act of the operator is about.
struct pump_target {
    bool is_station;
    unsigned station; // 0 …
    uint32_t device_id;
};

/// The operator's acts, done by the suite: they are booked, and undone at the attempt's end.
/// ERR_NOTFOUND, ERR_INVALID: there is no such device or station.
FOX_CHECK int pump_block(struct pump *p, const struct pump_target *target, bool blocked,
                         const char *reason, struct err *err);
/// The device's next counter is accepted whatever it is. Nothing undoes that.
FOX_CHECK int pump_disengage(struct pump *p, uint32_t device_id, const char *reason,
                             struct err *err);
/// The monitor's rules until the attempt's end; those in force without them.
FOX_CHECK int pump_set_rules(struct pump *p, const struct monitor_rules *rules, struct err *err);
struct monitor_rules pump_default_rules(const struct pump *p);
/// The monitor's alarms of this attempt, oldest first, the last MONITOR_ALARMS_MAX of them; NULL
/// beyond. Lent.
const struct monitor_alarm *pump_alarm(const struct pump *p, size_t i);
/// "station1": a radio's name in the bench file.
const char *pump_station_unit(const struct pump *p, unsigned station);

/// Frames of this attempt with this status, of all stations.
unsigned pump_malformed(const struct pump *p, enum sfx_status status);

/// Whether the bench file lets the radio send.
bool pump_transmits(const struct pump *p);
/// dBm at the radio's connector, and in *loss_db what the bench file declares from there to the
/// device; NAN when it says nothing.
double pump_downlink_level(const struct pump *p, double *loss_db);
/// Whether the payloads of downlinks are encrypted.
bool pump_encrypts(const struct pump *p);
/// The device's next authentic request for a downlink is answered so, by all of these; what waited
/// for a request before is forgotten.
FOX_CHECK int pump_reply(struct pump *p, const struct pump_reply *replies, size_t n,
                         struct err *err);
FOX_CHECK int pump_downlink(struct pump *p, const struct pump_downlink *downlink, struct err *err);
/// The bursts of this attempt that have been handed over (lent, in that order; the first
/// PUMP_DOWNLINKS_MAX since pump_silence), and why one was not: NULL when all were.
size_t pump_sent(const struct pump *p, const struct pump_sent **out, const char **refusal);
/// Nothing more is sent, and what was sent is forgotten.
FOX_CHECK int pump_silence(struct pump *p, struct err *err);
/// Whether downlinks can be signed under this key.
bool pump_can_sign(const struct pump *p, enum forge_key key);

#endif
