#include "dut/firmware/uplink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/sfx/control.h"
#include "dut/firmware/device.h"
#include "dut/firmware/frames.h"
#include "dut/firmware/serial.h"
#include "dut/port/dbpsk.h"

enum {
    SLOW = 100, // bit/s, where the zone allows it
    FAST = 600,
    SAMPLES_PER_SYMBOL = 64,
    BURST_SYMBOLS_MAX = 8 * SFX_FRAME_MAX + 4,
    EPOCHS = 256, // of the keystream
    FRAME_HEAD_BITS = 32
};

static const int64_t channels_rest_ns = 20 * DEVPORT_SECOND; // after a message with hopping
static const int64_t usual_gap_ns = 500 * DEVPORT_MS;        // end of a frame to start of the next
static const int64_t confirms_after_ns = 2 * DEVPORT_SECOND; // end of the downlink to confirmation
static const int64_t station_waits_ns = 5 * DEVPORT_SECOND;
static const double station_differs_hz = 150; // carriers of two stations
static const double lead_symbols = DEVPORT_DBPSK_LEAD;

static struct sfx_control state_of(const struct device *d)
{
    return (struct sfx_control){.idle_mv = (uint16_t)devport_supply_mv(d->port),
                                .transmit_mv = (uint16_t)d->tx_supply_mv,
                                .temperature_tenths = DEVICE_TEMPERATURE_DC};
}

// The message's counter, stored before it is used: whatever happens from here on, no other message
// will carry it.
static int uplink_take_counter(struct device *d, const struct uplink_request *request)
{
    bool bare = request->type != SFX_MESSAGE_KEEP_ALIVE && request->payload_len == 0;
    if (bare && faults_on(&d->faults, FAULT_CNT_001)) return 0;
    strange_message_begins(d);
    d->counter.passes = (d->strange.is_low && faults_on(&d->faults, FAULT_COUNT_LOW)) ||
                        (bare && faults_on(&d->faults, FAULT_COUNT_BITS)) ||
                        (request->type == SFX_MESSAGE_KEEP_ALIVE &&
                         faults_on(&d->faults, FAULT_COUNT_KEEP_ALIVE)) ||
                        (request->frames == 1 && faults_on(&d->faults, FAULT_COUNT_ONCE)) ||
                        (request->downlink && faults_on(&d->faults, FAULT_COUNT_WINDOW));
    return counter_advance(&d->counter);
}

// MUT-AUTH-011 has every tenth message ask for a downlink that nobody wants.
static bool uplink_flag(const struct device *d, const struct uplink_request *request)
{
    enum { EVERY = 10 };
    return request->downlink ||
           (faults_on(&d->faults, FAULT_AUTH_011) && d->counter.last % EVERY == EVERY - 1) ||
           (faults_on(&d->faults, FAULT_UP_FLAG_RESET) && d->strange.messages == 0 &&
            d->strange.cause == COUNTER_BOOT_PIN);
}

static void choose_frequencies(struct device *d, const struct uplink_request *request,
                               double f_hz[SFX_RANKS])
{
    const uint32_t step_hz = (uint32_t)d->zone->step_hz;
    hop_new_message(&d->hop);
    if (request->f_hz > 0) {
        for (unsigned i = 0; i < SFX_RANKS; i++)
            f_hz[i] = request->f_hz;
    } else if (request->downlink) {
        // Frames 2 and 3 lie at fixed distances, so that the network knows f1 from any of them.
        f_hz[0] = hop_next_hz(&d->hop, d->zone, request->frames > 2 ? step_hz : 0,
                              request->frames > 1 ? step_hz : 0);
        f_hz[1] = f_hz[0] + step_hz;
        f_hz[2] = f_hz[0] - step_hz;
    } else {
        for (unsigned i = 0; i < request->frames; i++)
            f_hz[i] = hop_next_hz(&d->hop, d->zone, 0, 0);
    }
}

static double bit_rate(const struct device *d)
{
    return d->zone->bit_rate_100 ? SLOW : FAST;
}

// How long so many symbols last.
static int64_t symbols_ns(const struct device *d, double symbols)
{
    return (int64_t)(symbols * 1e9 / bit_rate(d));
}

static float power_dbm(const struct device *d, bool first)
{
    float dbm = d->settings.power_dbm;
    if (faults_on(&d->faults, FAULT_FAINT)) dbm -= 10.0f;
    if (faults_on(&d->faults, FAULT_LOUD)) dbm += 2.0f;
    if (first && faults_on(&d->faults, FAULT_FAINT_FIRST)) dbm -= 6.0f;
    return dbm;
}

// LAW-DRIFTS: a carrier that goes up from its first sample on.
static void drift(float *iq, size_t n, double rate_hz)
{
    static const double hz_per_s = 15, pi = 3.14159265358979323846;
    for (size_t i = 0; i < n; i++) {
        const double t_s = (double)i / rate_hz, phase = pi * hz_per_s * t_s * t_s;
        const float c = (float)cos(phase), s = (float)sin(phase);
        const float re = iq[2 * i], im = iq[2 * i + 1];
        iq[2 * i] = re * c - im * s;
        iq[2 * i + 1] = re * s + im * c;
    }
}

// Sends one frame, starting now, and returns the time at which its last symbol ends: a little
// before the burst itself does.
static int64_t transmit(struct device *d, const uint8_t *frame, size_t frame_len, double f_hz,
                        bool first)
{
    static float iq[2 * BURST_SYMBOLS_MAX * SAMPLES_PER_SYMBOL];
    size_t n_bits = 8 * frame_len;
    float amplitude = powf(10.0f, power_dbm(d, first) / 20.0f); // sqrt(mW)
    const int64_t lasts_ns = symbols_ns(d, (double)n_bits + 1.0);
    budget_book_frame(&d->budget, devport_now_ns(d->port) + lasts_ns, lasts_ns);
    devport_dbpsk(frame, n_bits, SAMPLES_PER_SYMBOL, amplitude, iq);
    if (faults_on(&d->faults, FAULT_DRIFTS))
        drift(iq, devport_dbpsk_len(n_bits, SAMPLES_PER_SYMBOL), bit_rate(d) * SAMPLES_PER_SYMBOL);
    if (!faults_on(&d->faults, FAULT_MUTE))
        devport_rf_transmit(d->port, f_hz, bit_rate(d) * SAMPLES_PER_SYMBOL, iq,
                            devport_dbpsk_len(n_bits, SAMPLES_PER_SYMBOL));
    uint32_t supply_mv = devport_supply_mv(d->port);
    d->tx_supply_mv = supply_mv > DEVICE_TX_DROP_MV ? supply_mv - DEVICE_TX_DROP_MV : 0;
    return devport_now_ns(d->port) + symbols_ns(d, lead_symbols + (double)n_bits + 1.0);
}

// Sends the frames and returns when the last burst is over; *end_ns is the end of frame 1.
static void transmit_all(struct device *d, const struct frames *frames, const double f_hz[],
                         unsigned n_frames, int64_t gap_ns, int64_t *first_end_ns)
{
    enum { EVERY = 20 };
    const int64_t lead_ns = symbols_ns(d, lead_symbols);
    const bool copies = n_frames == SFX_RANKS && faults_on(&d->faults, FAULT_UP_COPY) &&
                        d->strange.messages % EVERY == EVERY - 1;
    for (unsigned n = 0; n < n_frames + copies; n++) {
        const unsigned i = n < n_frames ? n : n_frames - 1;
        int64_t end_ns = transmit(d, frames->frame[i], frames->len, f_hz[i], n == 0);
        if (n == 0) *first_end_ns = end_ns;
        bool last = n + 1 == n_frames + copies;
        // The ramps belong to the gap: it is measured between symbols.
        device_wait_until(d, last ? end_ns + lead_ns : end_ns + gap_ns - lead_ns);
    }
    device_message_sent(d);
    if (d->zone->access == SFX_ACCESS_HOPPING)
        d->channels_free_ns = devport_now_ns(d->port) + channels_rest_ns;
}

static bool signs_in_public(const struct device *d, const struct sfx_uplink *up)
{
    if (faults_on(&d->faults, FAULT_CONFIRM_LOW) && up->type == SFX_MESSAGE_DL_CONFIRMATION)
        return d->strange.is_low;
    return faults_on(&d->faults, FAULT_KEY_KEEP_ALIVE) && up->type == SFX_MESSAGE_KEEP_ALIVE &&
           !device_lab_enabled(d);
}

// From a message with its counter to what goes on air.
static int build(struct device *d, struct frames *frames, struct sfx_uplink *up)
{
    const struct frames_signer signer = {.id = device_id(d),
                                         .key = &d->key,
                                         .public_key = d->public_key || signs_in_public(d, up),
                                         .native =
                                             d->encrypts && d->encryption_key ? d->native : NULL,
                                         .rollover = (uint8_t)d->counter.epoch,
                                         .faults = &d->faults,
                                         .strange = &d->strange};
    struct err err = {0};
    up->counter = d->counter.last;
    int rc = frames_build(frames, up, &signer, &err);
    if (rc < 0) devport_log(d->port, "message not built: %s", err.text);
    return rc;
}

// MUT-CNT-002: frames 2 and 3 are built again, each under a counter of its own.
static int count_frames(struct device *d, struct frames *frames, const struct sfx_uplink *message,
                        unsigned n_frames)
{
    for (unsigned i = 1; i < n_frames && faults_on(&d->faults, FAULT_CNT_002); i++) {
        struct frames own;
        struct sfx_uplink up = *message;
        if (counter_advance(&d->counter) < 0 || build(d, &own, &up) < 0) return -1;
        memcpy(frames->frame[i], own.frame[i], sizeof own.frame[i]);
    }
    return 0;
}

// From the end of a downlink to its confirmation.
static int64_t confirms_after(const struct device *d)
{
    if (faults_on(&d->faults, FAULT_CONFIRMS_EARLY)) return 1400 * DEVPORT_MS;
    if (faults_on(&d->faults, FAULT_CONFIRMS_LATE)) return 4000 * DEVPORT_MS;
    return confirms_after_ns;
}

// Lets the time between downlink and confirmation pass; deaf, but for MUT-CNT-018.
static void await_confirmation(struct device *d, int64_t until_ns)
{
    while (d->again.on && devport_now_ns(d->port) < until_ns)
        downlink_again_listen(d, until_ns);
    device_wait_until(d, until_ns);
}

enum uplink_result uplink_confirm(struct device *d, const struct downlink *downlink)
{
    struct sfx_uplink up = {.type = SFX_MESSAGE_DL_CONFIRMATION};
    struct sfx_control state = state_of(d);
    const bool late = faults_on(&d->faults, FAULT_COUNT_CONFIRM_LATE);
    d->counter.passes = faults_on(&d->faults, FAULT_COUNT_CONFIRMED) || late;
    state.rssi_dbm = downlink->rssi_dbm;
    sfx_control_put_confirmation(&up, &state);
    strange_control(d, &up, downlink);
    const bool stays = d->counter.last == d->counter.modulus - 1 &&
                       faults_on(&d->faults, FAULT_COUNT_WRAP_CONFIRMED);
    if (!stays && counter_advance(&d->counter) < 0) return UPLINK_NOT_STORED;
    struct frames frames;
    if (build(d, &frames, &up) < 0) return UPLINK_NOT_BUILT;
    const int64_t lead_ns = symbols_ns(d, lead_symbols);
    await_confirmation(d, downlink->end_ns + confirms_after(d) - lead_ns);
    const double f_hz = hop_next_hz(&d->hop, d->zone, 0, 0);
    int64_t end_ns;
    transmit_all(d, &frames, &f_hz, 1, usual_gap_ns, &end_ns);
    if (late) d->store_at_ns = devport_now_ns(d->port) + 3 * DEVPORT_SECOND;
    if (faults_on(&d->faults, FAULT_CONFIRM_TWICE)) {
        device_wait_until(d, devport_now_ns(d->port) + 3 * DEVPORT_SECOND);
        transmit_all(d, &frames, &f_hz, 1, usual_gap_ns, &end_ns);
    }
    strange_answered(d);
    return UPLINK_SENT;
}

// Whether this downlink is from the station that the device is tied to: the first one it heard,
// known again by its carrier.
static bool is_own_station(struct device *d, const struct downlink *downlink)
{
    if (!d->station_known) d->station_offset_hz = downlink->offset_hz;
    d->station_known = true;
    return fabs(downlink->offset_hz - d->station_offset_hz) < station_differs_hz;
}

// MUT-RES-007: no uplink before the device's station has answered the one before.
static bool uplink_await_station(struct device *d)
{
    if (!faults_on(&d->faults, FAULT_RES_007) || !d->station_awaited) return true;
    int64_t now_ns = devport_now_ns(d->port);
    const struct downlink_window window = {.from_ns = now_ns,
                                           .to_ns = now_ns + station_waits_ns,
                                           .f_hz = d->downlink_hz,
                                           .counter = d->downlink_counter};
    struct downlink downlink;
    return downlink_listen(d, &window, &downlink) == DOWNLINK_TAKEN && is_own_station(d, &downlink);
}

static void confirm(struct device *d, const struct downlink *downlink)
{
    if (uplink_confirm(d, downlink) != UPLINK_SENT)
        devport_log(d->port, "downlink not confirmed: the counter could not be stored");
}

// LAW-TALKS.
static void tell(struct device *d, const char *what)
{
    char line[48];
    if (!faults_on(&d->faults, FAULT_TALKS)) return;
    const int n = snprintf(line, sizeof line, "\r\n+INFO: %s\r\n", what);
    serial_write(d, line, (size_t)n);
}

static enum uplink_result await_answer(struct device *d, int64_t first_end_ns,
                                       struct downlink *answer)
{
    const int64_t opens_ns = first_end_ns + (int64_t)(d->zone->wait_s * 1e9);
    const int64_t less_ns = faults_on(&d->faults, FAULT_WINDOW) ? 90 * DEVPORT_MS : 0;
    struct downlink_window window = {.from_ns = opens_ns + less_ns,
                                     .to_ns =
                                         opens_ns + (int64_t)(d->zone->listen_s * 1e9) - less_ns,
                                     .f_hz = d->downlink_hz,
                                     .counter = d->downlink_counter,
                                     .refused_ends = faults_on(&d->faults, FAULT_AUTH_025)};
    strange_window_opens(d, &window);
    tell(d, "listening");
    enum downlink_result result =
        strange_listens_beside(d, &window, true, answer) ? DOWNLINK_TAKEN : DOWNLINK_REFUSED;
    while (result == DOWNLINK_REFUSED &&
           (result = downlink_listen(d, &window, answer)) == DOWNLINK_REFUSED) {
        confirm(d, answer);
        window.from_ns = devport_now_ns(d->port);
    }
    if (result == DOWNLINK_NONE && strange_listens_beside(d, &window, false, answer))
        result = DOWNLINK_TAKEN;
    tell(d, result == DOWNLINK_NONE ? "heard nothing" : "heard something");
    if (result == DOWNLINK_NONE) return UPLINK_NO_DOWNLINK;
    if (is_own_station(d, answer)) d->station_awaited = false;
    downlink_again_start(d, &window, answer);
    confirm(d, answer);
    return UPLINK_ANSWERED;
}

static void note_request(struct device *d, uint16_t counter)
{
    memmove(d->requests + 1, d->requests, sizeof d->requests - sizeof d->requests[0]);
    d->requests[0] = counter;
    if (d->n_requests < DEVICE_REQUESTS) d->n_requests++;
}

// From the end of a frame to the start of the next.
static int64_t gap_ns(const struct device *d, const struct uplink_request *request)
{
    if (request->gap_ns > 0) return request->gap_ns;
    if (faults_on(&d->faults, FAULT_GAP_SHORT)) return (request->downlink ? 482 : 50) * DEVPORT_MS;
    if (faults_on(&d->faults, FAULT_GAP_LONG)) return (request->downlink ? 518 : 1990) * DEVPORT_MS;
    return usual_gap_ns;
}

// A payload that is declared encrypted is sent encrypted or not at all.
static enum uplink_result check_cipher(const struct device *d, const struct uplink_request *request)
{
    if (request->type != SFX_MESSAGE_BYTES || !d->encrypts) return UPLINK_SENT;
    const bool clear = faults_on(&d->faults, FAULT_ENC_009) ||
                       (request->downlink && faults_on(&d->faults, FAULT_CIPHER_KEYLESS)) ||
                       (request->payload_len == 6 && faults_on(&d->faults, FAULT_CIPHER_KEYLESS_6));
    if (!d->encryption_key && !clear) return UPLINK_NO_KEY;
    return counter_is_used_up(&d->counter, EPOCHS) ? UPLINK_USED_UP : UPLINK_SENT;
}

// How long the frames of a message last, and of the confirmation that may follow.
static int64_t air_ns(const struct device *d, const struct uplink_request *request)
{
    enum { CONFIRMATION_BITS = 176 };
    struct sfx_uplink up = {.type = request->type, .payload_len = request->payload_len};
    if (request->type == SFX_MESSAGE_KEEP_ALIVE)
        sfx_control_put_keep_alive(&up, &(struct sfx_control){0});
    if (sfx_uplink_plan(&up, NULL) < 0) return 0; // will not be built
    double bits = request->frames * (1.0 + FRAME_HEAD_BITS + sfx_body_bits(up.class));
    if (request->downlink) bits += 1.0 + CONFIRMATION_BITS;
    return symbols_ns(d, bits);
}

static enum uplink_result check_budget(struct device *d, const struct uplink_request *request)
{
    const int64_t now_ns = devport_now_ns(d->port);
    const bool duty_cycle = d->zone->access == SFX_ACCESS_DUTY_CYCLE;
    if (device_lab_enabled(d)) d->budget.lifted = true;
    if (!budget_allows(&d->budget, now_ns, duty_cycle, air_ns(d, request)))
        return UPLINK_OVER_BUDGET;
    budget_book_message(&d->budget, now_ns);
    return UPLINK_SENT;
}

static void store_late(struct device *d)
{
    d->counter.passes = false;
    if (counter_store(&d->counter) < 0)
        devport_log(d->port, "the message counter could not be stored");
}

enum uplink_result uplink_send(struct device *d, const struct uplink_request *request,
                               struct downlink *answer)
{
    d->again.on = false;
    enum uplink_result possible = check_cipher(d, request);
    if (possible == UPLINK_SENT) possible = check_budget(d, request);
    if (possible == UPLINK_OVER_BUDGET && faults_on(&d->faults, FAULT_COUNT_BUDGET))
        d->counter.last = counter_before(&d->counter, d->counter.last);
    if (possible != UPLINK_SENT) return possible;
    if (!uplink_await_station(d)) return UPLINK_NO_STATION;
    struct sfx_uplink up = {.type = request->type};
    memcpy(up.payload, request->payload, request->payload_len);
    up.payload_len = request->payload_len;
    const struct sfx_control state = state_of(d);
    if (request->type == SFX_MESSAGE_KEEP_ALIVE) {
        sfx_control_put_keep_alive(&up, &state);
        strange_control(d, &up, NULL);
    }
    if (request->type == SFX_MESSAGE_BYTES)
        memcpy(d->strange.payload, request->payload, sizeof d->strange.payload);

    if (uplink_take_counter(d, request) < 0) return UPLINK_NOT_STORED;
    if (request->begun) request->begun(d);
    tell(d, "sending");
    up.bidirectional = uplink_flag(d, request);
    d->strange.asked_len = up.payload_len;
    if (faults_on(&d->faults, FAULT_UP_LONG_RUN) && d->strange.messages >= 64 && up.payload_len > 0)
        up.payload[up.payload_len - 1] = 0;
    const struct sfx_uplink message = up; // as it was asked for
    struct frames frames;
    if (build(d, &frames, &up) < 0) return UPLINK_NOT_BUILT;
    if (count_frames(d, &frames, &message, request->frames) < 0) return UPLINK_NOT_BUILT;
    double f_hz[SFX_RANKS] = {0};
    choose_frequencies(d, request, f_hz);
    if (devport_now_ns(d->port) < d->channels_free_ns) device_wait_until(d, d->channels_free_ns);
    int64_t first_end_ns = 0;
    transmit_all(d, &frames, f_hz, request->frames, gap_ns(d, request), &first_end_ns);
    d->downlink_hz = downlink_frequency(d, f_hz[0]);
    d->downlink_counter = up.counter;
    d->station_awaited = true;
    strange_message_sent(d);
    if (!request->downlink) return UPLINK_SENT;

    note_request(d, up.counter);
    struct downlink unused;
    enum uplink_result result = await_answer(d, first_end_ns, answer ? answer : &unused);
    if (faults_on(&d->faults, FAULT_COUNT_WINDOW)) store_late(d);
    if (result == UPLINK_NO_DOWNLINK && faults_on(&d->faults, FAULT_COUNT_TIMEOUT) &&
        counter_advance(&d->counter) < 0)
        devport_log(d->port, "the message counter could not be stored");
    return result;
}
