#include "dut/firmware/modes.h"

#include <string.h>

#include "dut/firmware/device.h"

enum {
    J_MESSAGES = 16,
    FIRST_VALUE = 0x40,
    A_FRAMES = 9,
    A_STEP_HZ = 100,
    B_WINDOWS = 100,
    B_MESSAGES = 3,
    C_VALUE = 0xaa,
    E_ROUNDS = 301,
    E_LAST = 0x23, // the command in the last round
    F_VALUE = 0x30
};

static const int64_t a_spacing_ns = 9 * DEVPORT_SECOND;
static const int64_t slot_ns = 18 * DEVPORT_SECOND; // modes B and J
static const int64_t c_gap_ns = DEVPORT_SECOND;
static const int64_t d_lasts_ns = 30 * DEVPORT_SECOND;
static const int64_t e_listens_ns = 4 * DEVPORT_SECOND;
static const int64_t e_pause_ns = 6 * DEVPORT_SECOND;

// The kinds in mode J's order: bit 0, bit 1, 1..12 bytes, empty, keep-alive.
static struct uplink_request message_of_j(unsigned i, unsigned frames)
{
    struct uplink_request r = {.frames = frames};
    if (i == 0) {
        r.type = SFX_MESSAGE_BIT0;
    } else if (i == 1) {
        r.type = SFX_MESSAGE_BIT1;
    } else if (i == J_MESSAGES - 2) {
        r.type = SFX_MESSAGE_EMPTY;
    } else if (i == J_MESSAGES - 1) {
        r.type = SFX_MESSAGE_KEEP_ALIVE;
    } else {
        r.type = SFX_MESSAGE_BYTES;
        r.payload_len = i - 1;
        for (unsigned k = 0; k < r.payload_len; k++)
            r.payload[k] = (uint8_t)(FIRST_VALUE + k);
    }
    return r;
}

// Synthesis step.
static enum uplink_result run_a(struct device *d)
{
    const int64_t start_ns = devport_now_ns(d->port);
    enum uplink_result result = UPLINK_SENT;
    for (int i = 0; i < A_FRAMES && result == UPLINK_SENT; i++) {
        const struct uplink_request r = {
            .type = SFX_MESSAGE_EMPTY, .frames = 1, .f_hz = d->zone->uplink_hz + i * A_STEP_HZ};
        device_wait_until(d, start_ns + i * a_spacing_ns);
        result = uplink_send(d, &r, NULL);
    }
    return result;
}

// Distribution over the band.
static enum uplink_result run_b(struct device *d)
{
    const int64_t start_ns = devport_now_ns(d->port);
    enum uplink_result result = UPLINK_SENT;
    for (int i = 0; i < B_WINDOWS * B_MESSAGES && result == UPLINK_SENT; i++) {
        const struct uplink_request r = message_of_j((unsigned)i % J_MESSAGES, 1);
        device_wait_until(d, start_ns + i * (slot_ns / B_MESSAGES));
        result = uplink_send(d, &r, NULL);
    }
    return result;
}

// Modulation and spectrum.
static enum uplink_result run_c(struct device *d)
{
    struct uplink_request r = {.type = SFX_MESSAGE_BYTES,
                               .payload_len = SFX_PAYLOAD_MAX,
                               .frames = SFX_RANKS,
                               .f_hz = d->zone->uplink_hz,
                               .gap_ns = c_gap_ns};
    memset(r.payload, C_VALUE, sizeof r.payload);
    return uplink_send(d, &r, NULL);
}

// Receiver alone: how many patterns came goes into the log.
static enum uplink_result run_d(struct device *d)
{
    static const uint8_t pattern[SFX_DL_FRAME] = {0x1f, 0x20, 0x41, 0x84, 0x32, 0x68, 0xc5, 0xba,
                                                  0x53, 0xae, 0x79, 0xe7, 0xf6, 0xdd, 0x9b};
    const int64_t until_ns = devport_now_ns(d->port) + d_lasts_ns;
    struct devport_gfsk_frame heard;
    int64_t end_ns;
    unsigned right = 0, wrong = 0;
    ear_init(&d->ear, devport_now_ns(d->port), d->zone->downlink_hz);
    while (ear_next(d, &d->ear, until_ns, &heard, &end_ns)) {
        if (memcmp(heard.data, pattern, sizeof pattern) == 0)
            right++;
        else
            wrong++;
    }
    devport_log(d->port, "test mode D: %u frames with the pattern, %u without", right, wrong);
    return UPLINK_SENT;
}

// Sensitivity: each uplink tells how many of the listenings before it got their frame.
static enum uplink_result run_e(struct device *d)
{
    unsigned got = 0;
    for (unsigned i = 0; i < E_ROUNDS; i++) {
        const struct uplink_request r = {.type = SFX_MESSAGE_BYTES,
                                         .payload = {(uint8_t)(i >> 8), (uint8_t)i,
                                                     (uint8_t)(got >> 8), (uint8_t)got,
                                                     i + 1 == E_ROUNDS ? E_LAST : 0},
                                         .payload_len = 5,
                                         .frames = 1};
        enum uplink_result result = uplink_send(d, &r, NULL);
        if (result != UPLINK_SENT) return result;
        const int64_t now_ns = devport_now_ns(d->port);
        const struct downlink_window window = {.from_ns = now_ns,
                                               .to_ns = now_ns + e_listens_ns,
                                               .f_hz = d->downlink_hz,
                                               .counter = d->downlink_counter};
        struct downlink downlink;
        got += downlink_listen(d, &window, &downlink) == DOWNLINK_TAKEN;
        device_wait_until(d, window.to_ns + e_pause_ns);
    }
    return UPLINK_SENT;
}

// A whole exchange, and whether the answer was the expected one.
static enum uplink_result run_f(struct device *d)
{
    const struct uplink_request ask = {
        .type = SFX_MESSAGE_BIT1, .frames = SFX_RANKS, .downlink = true};
    struct downlink answer;
    enum uplink_result result = uplink_send(d, &ask, &answer);
    if (result != UPLINK_ANSWERED) return result;
    bool right = true;
    for (unsigned i = 0; i < SFX_DL_PAYLOAD; i++)
        right = right && answer.payload[i] == F_VALUE + i;
    const struct uplink_request say = {.type = right ? SFX_MESSAGE_BIT1 : SFX_MESSAGE_BIT0,
                                       .frames = SFX_RANKS};
    return uplink_send(d, &say, NULL);
}

// Two messages back to back; zones of this device sense no carrier.
static enum uplink_result run_g(struct device *d)
{
    const struct uplink_request r = {.type = SFX_MESSAGE_BIT0, .frames = SFX_RANKS};
    enum uplink_result result = uplink_send(d, &r, NULL);
    return result == UPLINK_SENT ? uplink_send(d, &r, NULL) : result;
}

// Every message once, one per slot.
static enum uplink_result run_j(struct device *d)
{
    const int64_t start_ns = devport_now_ns(d->port);
    enum uplink_result result = UPLINK_SENT;
    for (unsigned i = 0; i < J_MESSAGES && result == UPLINK_SENT; i++) {
        device_wait_until(d, start_ns + i * slot_ns);
        const struct uplink_request r = message_of_j(i, SFX_RANKS);
        result = uplink_send(d, &r, NULL);
    }
    return result;
}

static enum uplink_result run_k(struct device *d)
{
    const bool before = d->public_key;
    const struct uplink_request r = {.type = SFX_MESSAGE_BIT0, .frames = SFX_RANKS};
    d->public_key = true;
    enum uplink_result result = uplink_send(d, &r, NULL);
    d->public_key = before;
    return result;
}

// One message that says what the memory holds: counter and epoch of the message before.
static enum uplink_result run_l(struct device *d)
{
    const struct counter *c = &d->counter;
    const struct uplink_request r = {.type = SFX_MESSAGE_BYTES,
                                     .payload = {(uint8_t)(c->last >> 8), (uint8_t)c->last,
                                                 (uint8_t)(c->epoch >> 8), (uint8_t)c->epoch},
                                     .payload_len = 4,
                                     .frames = SFX_RANKS};
    return uplink_send(d, &r, NULL);
}

static enum uplink_result (*const modes[MODES_MAX + 1])(struct device *d) = {
    [0] = run_c, [MODE_J] = run_j, [2] = run_f,  [3] = run_d,  [4] = run_e,
    [5] = run_a, [6] = run_b,      [11] = run_g, [12] = run_k, [13] = run_l};

bool modes_known(unsigned number)
{
    return number <= MODES_MAX && modes[number];
}

enum uplink_result modes_run(struct device *d, unsigned number)
{
    const enum uplink_result result = modes[number](d);
    if (faults_on(&d->faults, FAULT_UP_MODE)) d->public_key = true;
    return result;
}
