#include "dut/firmware/uplink.h"

#include <math.h>
#include <string.h>

#include "dut/firmware/device.h"
#include "dut/firmware/frames.h"
#include "dut/port/dbpsk.h"

enum {
    BIT_RATE = 100,
    SAMPLES_PER_SYMBOL = 64,
    BURST_SYMBOLS_MAX = 8 * SFX_FRAME_MAX + 4,
    CONTROL_KEEP_ALIVE = 0x08
};

static const int64_t symbol_ns = DEVPORT_SECOND / BIT_RATE;
static const int64_t gap_ns = 500 * DEVPORT_MS;             // end of a frame to start of the next
static const int64_t window_opens_ns = 20 * DEVPORT_SECOND; // after the end of frame 1
static const int64_t window_lasts_ns = 25 * DEVPORT_SECOND;
static const double lead_symbols = DEVPORT_DBPSK_LEAD;

static void put16(uint8_t *out, uint32_t v)
{
    out[0] = (uint8_t)v;
    out[1] = (uint8_t)(v >> 8);
}

// Supply voltage at rest and in transmission, temperature (protocol.md 2.5).
static void fill_keep_alive(struct sfx_uplink *up, const struct device *d)
{
    up->payload_len = 7;
    up->payload[0] = CONTROL_KEEP_ALIVE;
    put16(up->payload + 1, devport_supply_mv(d->port));
    put16(up->payload + 3, d->tx_supply_mv);
    put16(up->payload + 5, DEVICE_TEMPERATURE_DC);
}

// The message's counter, stored before it is used: whatever happens from here on, no other message
// will carry it.
static int uplink_take_counter(struct device *d, const struct uplink_request *request)
{
    bool bare = request->type != SFX_MESSAGE_KEEP_ALIVE && request->payload_len == 0;
    if (bare && faults_on(&d->faults, FAULT_CNT_001)) return 0;
    return counter_advance(&d->counter);
}

static void choose_frequencies(struct device *d, const struct uplink_request *request,
                               double f_hz[SFX_RANKS])
{
    if (request->downlink) {
        // Frames 2 and 3 lie at fixed distances, so that the network knows f1 from any of them.
        uint32_t above = request->frames > 1 ? HOP_STEP_HZ : 0;
        uint32_t below = request->frames > 2 ? HOP_STEP_HZ : 0;
        f_hz[0] = hop_next_hz(&d->hop, below, above);
        f_hz[1] = f_hz[0] + HOP_STEP_HZ;
        f_hz[2] = f_hz[0] - HOP_STEP_HZ;
        return;
    }
    for (unsigned i = 0; i < request->frames; i++)
        f_hz[i] = hop_next_hz(&d->hop, 0, 0);
}

// Sends one frame, starting now, and returns the time at which its last symbol ends: a little
// before the burst itself does.
static int64_t transmit(struct device *d, const uint8_t *frame, size_t frame_len, double f_hz)
{
    static float iq[2 * BURST_SYMBOLS_MAX * SAMPLES_PER_SYMBOL];
    size_t n_bits = 8 * frame_len;
    float amplitude = powf(10.0f, (float)d->settings.power_dbm / 20.0f); // sqrt(mW)
    devport_dbpsk(frame, n_bits, SAMPLES_PER_SYMBOL, amplitude, iq);
    devport_rf_transmit(d->port, f_hz, BIT_RATE * SAMPLES_PER_SYMBOL, iq,
                        devport_dbpsk_len(n_bits, SAMPLES_PER_SYMBOL));
    uint32_t supply_mv = devport_supply_mv(d->port);
    d->tx_supply_mv = supply_mv > DEVICE_TX_DROP_MV ? supply_mv - DEVICE_TX_DROP_MV : 0;
    return devport_now_ns(d->port) +
           (int64_t)((lead_symbols + (double)n_bits + 1.0) * (double)symbol_ns);
}

// Sends the frames and returns when the last burst is over; *end_ns is the end of frame 1.
static void transmit_all(struct device *d, const struct frames *frames, const double f_hz[],
                         unsigned n_frames, int64_t *first_end_ns)
{
    const int64_t lead_ns = (int64_t)(lead_symbols * (double)symbol_ns);
    for (unsigned i = 0; i < n_frames; i++) {
        int64_t end_ns = transmit(d, frames->frame[i], frames->len, f_hz[i]);
        if (i == 0) *first_end_ns = end_ns;
        bool last = i + 1 == n_frames;
        // The ramps belong to the gap: it is measured between symbols.
        device_wait_until(d, last ? end_ns + lead_ns : end_ns + gap_ns - lead_ns);
    }
}

enum uplink_result uplink_send(struct device *d, const struct uplink_request *request)
{
    struct sfx_uplink up = {.type = request->type, .bidirectional = request->downlink};
    memcpy(up.payload, request->payload, request->payload_len);
    up.payload_len = request->payload_len;
    if (request->type == SFX_MESSAGE_KEEP_ALIVE) fill_keep_alive(&up, d);

    if (uplink_take_counter(d, request) < 0) return UPLINK_NOT_STORED;
    up.counter = d->counter.last;

    const struct frames_signer signer = {
        .id = device_id(d), .key = &d->key, .public_key = d->public_key, .faults = &d->faults};
    struct frames frames;
    struct err err = {0};
    if (frames_build(&frames, &up, &signer, &err) < 0) {
        devport_log(d->port, "message not built: %s", err.text);
        return UPLINK_NOT_BUILT;
    }
    double f_hz[SFX_RANKS];
    choose_frequencies(d, request, f_hz);
    int64_t first_end_ns = 0;
    transmit_all(d, &frames, f_hz, request->frames, &first_end_ns);
    if (!request->downlink) return UPLINK_SENT;

    // The receive window. What the network sends into it is for the receiver to hear.
    device_wait_until(d, first_end_ns + window_opens_ns + window_lasts_ns);
    return UPLINK_NO_DOWNLINK;
}
