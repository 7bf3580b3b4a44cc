#include "dut/firmware/strange.h"

#include <string.h>

#include "dut/firmware/device.h"
#include "dut/firmware/frames.h"
#include "dut/firmware/judge.h"
#include "dut/firmware/layout.h"
#include "dut/firmware/memory.h"
#include "dut/firmware/pins.h"
#include "dut/firmware/serial.h"
#include "dut/firmware/uplink.h"

enum { NOTES_LEN = STRANGE_NOTES, SHORT_WINDOWS = 8, BOOT_LOOP = 5, MANY_RESTARTS = 20 };

static const double weak_mw = 3.16e-12; // -115 dBm
static const int64_t edge_ns = 5 * DEVPORT_SECOND, wakes_after_ns = 60 * DEVPORT_SECOND;
static const int64_t sleeps_after_ns = 120 * DEVPORT_SECOND;
static const int64_t listens_after_ns = 3 * DEVPORT_SECOND, listens_for_ns = 6 * DEVPORT_SECOND;
static const int64_t beside_ns = 8 * DEVPORT_SECOND;

void strange_note(struct device *d, enum strange_note note, uint8_t value)
{
    if (d->strange.notes[note] == value) return;
    d->strange.notes[note] = value;
    if (record_store(&d->strange.record, d->strange.notes) < 0)
        devport_log(d->port, "a note could not be stored");
}

static bool counts_restarts(const struct faults *f)
{
    return faults_on(f, FAULT_COUNT_BOOT_LOOP) || faults_on(f, FAULT_COUNT_FIVE);
}

static void start_over(struct device *d)
{
    if (counter_restart(&d->counter) < 0) devport_log(d->port, "the counter could not be stored");
}

// What a restart does to counter, key and cipher.
static void restart(struct device *d, enum counter_boot cause)
{
    const struct faults *f = &d->faults;
    const uint8_t *notes = d->strange.notes;
    if (counts_restarts(f)) {
        const uint8_t most = faults_on(f, FAULT_COUNT_BOOT_LOOP) ? 1 : BOOT_LOOP - 1;
        const uint8_t restarts = notes[STRANGE_NOTE_RESTARTS];
        if (restarts >= most) start_over(d);
        strange_note(d, STRANGE_NOTE_RESTARTS, restarts < most ? restarts + 1 : most);
    }
    if (faults_on(f, FAULT_COUNT_TWENTY)) {
        const uint8_t restarts = notes[STRANGE_NOTE_ALL_RESTARTS] + 1;
        if (restarts == MANY_RESTARTS) start_over(d);
        strange_note(d, STRANGE_NOTE_ALL_RESTARTS, restarts % MANY_RESTARTS);
    }
    if (cause == COUNTER_BOOT_POWER && faults_on(f, FAULT_DOWN_PUBLIC))
        strange_note(d, STRANGE_NOTE_PUBLIC_DOWN, 0);
    if (faults_on(f, FAULT_CIPHER_SESSION)) {
        if (cause == COUNTER_BOOT_POWER) strange_note(d, STRANGE_NOTE_ENCRYPTION_OFF, 0);
        if (notes[STRANGE_NOTE_ENCRYPTION_OFF]) d->encrypts = false;
    }
    if (faults_on(f, FAULT_KEY_SESSION) && cause == COUNTER_BOOT_POWER)
        d->public_key = notes[STRANGE_NOTE_PUBLIC_KEY] != 0;
}

static bool keeps_notes(const struct faults *f)
{
    return counts_restarts(f) || faults_on(f, FAULT_CIPHER_SESSION) ||
           faults_on(f, FAULT_KEY_SESSION) || faults_on(f, FAULT_DOWN_PUBLIC) ||
           faults_on(f, FAULT_COUNT_TWENTY);
}

void strange_boot(struct device *d, enum counter_boot cause)
{
    d->strange = (struct strange){.record = {.port = d->port,
                                             .kind = LAYOUT_NOTES_KIND,
                                             .offset = LAYOUT_NOTES_OFFSET,
                                             .body_len = NOTES_LEN},
                                  .cause = cause,
                                  .sent_ns = devport_now_ns(d->port),
                                  .wakes_ns = DEVPORT_NEVER,
                                  .listens_ns = DEVPORT_NEVER};
    if (!keeps_notes(&d->faults) || !record_load(&d->strange.record, d->strange.notes))
        memset(d->strange.notes, 0, sizeof d->strange.notes);
    if (faults_on(&d->faults, FAULT_UP_WAKES) && cause == COUNTER_BOOT_POWER)
        d->strange.wakes_ns = devport_now_ns(d->port) + wakes_after_ns;
    if (faults_on(&d->faults, FAULT_DOWN_BOOT))
        d->strange.listens_ns = devport_now_ns(d->port) + listens_after_ns;
    restart(d, cause);
}

static bool is_low(const struct device *d)
{
    enum { LOW_MV = 2500 };
    return devport_supply_mv(d->port) < LOW_MV;
}

void strange_message_begins(struct device *d)
{
    struct strange *s = &d->strange;
    s->is_low = is_low(d);
    s->in_field = !device_lab_enabled(d);
    if (faults_on(&d->faults, FAULT_COUNT_SLEEP) &&
        devport_now_ns(d->port) - s->sent_ns > sleeps_after_ns)
        d->counter.last = counter_before(&d->counter, d->counter.last);
}

void strange_message_sent(struct device *d)
{
    d->strange.messages++;
    memory_sent(d);
    pins_sent(d);
    d->strange.answered = d->strange.line_refused = false;
    d->strange.sent_ns = devport_now_ns(d->port);
    if (counts_restarts(&d->faults)) strange_note(d, STRANGE_NOTE_RESTARTS, 0);
}

void strange_answered(struct device *d)
{
    d->strange.answered = true;
    d->strange.sent_ns = devport_now_ns(d->port);
}

void strange_line_refused(struct device *d, bool too_long)
{
    d->strange.line_refused = true;
    if (too_long && faults_on(&d->faults, FAULT_COUNT_LONG_LINE)) start_over(d);
}

void strange_key_chosen(struct device *d, bool public_key)
{
    if (faults_on(&d->faults, FAULT_COUNT_KEY)) start_over(d);
    if (faults_on(&d->faults, FAULT_DOWN_PUBLIC))
        strange_note(d, STRANGE_NOTE_PUBLIC_DOWN, public_key);
}

void strange_factory_reset(struct device *d)
{
    if (faults_on(&d->faults, FAULT_KEY_FACTORY) && !device_lab_enabled(d)) d->public_key = true;
    if (faults_on(&d->faults, FAULT_CIPHER_EPOCH_FACTORY) &&
        counter_preset(&d->counter, d->counter.last, 0) < 0)
        devport_log(d->port, "the counter could not be stored");
}

void strange_control(const struct device *d, struct sfx_uplink *up,
                     const struct downlink *confirmed)
{
    enum { FROM = 1, LEN = 4 };
    if (!confirmed && faults_on(&d->faults, FAULT_CIPHER_LEAK))
        memcpy(up->payload + FROM, d->strange.payload, LEN);
    if (!confirmed) return;
    if (faults_on(&d->faults, FAULT_CONFIRM_LEAK))
        memcpy(up->payload + FROM, confirmed->payload, LEN);
    up->bidirectional = faults_on(&d->faults, FAULT_CONFIRM_FLAG);
}

bool strange_listens_beside(struct device *d, const struct downlink_window *window, bool before,
                            struct downlink *answer)
{
    if (!faults_on(&d->faults, before ? FAULT_DOWN_BEFORE : FAULT_DOWN_BEHIND)) return false;
    struct downlink_window beside = *window;
    beside.tag_ignored = true;
    beside.from_ns = before ? window->from_ns - beside_ns : window->to_ns;
    beside.to_ns = beside.from_ns + beside_ns;
    return downlink_listen(d, &beside, answer) == DOWNLINK_TAKEN;
}

void strange_listen(struct device *d)
{
    const int64_t now_ns = devport_now_ns(d->port);
    const struct downlink_window window = {.from_ns = now_ns,
                                           .to_ns = now_ns + listens_for_ns,
                                           .f_hz = d->downlink_hz,
                                           .counter = d->downlink_counter};
    struct downlink downlink;
    d->strange.listens_ns = DEVPORT_NEVER;
    d->strange.unasked = true;
    if (downlink_listen(d, &window, &downlink) == DOWNLINK_TAKEN)
        at_tell_downlink(d, downlink.payload);
    d->strange.unasked = false;
}

void strange_handed(const struct device *d, uint8_t payload[SFX_DL_PAYLOAD])
{
    uint8_t *zero = memchr(payload, 0, SFX_DL_PAYLOAD);
    if (zero && faults_on(&d->faults, FAULT_DOWN_ZERO_ENDS))
        memset(zero, 0, (size_t)(payload + SFX_DL_PAYLOAD - zero));
}

void strange_window_opens(struct device *d, const struct downlink_window *window)
{
    d->strange.windows++;
    d->strange.opens_ns = window->from_ns;
    d->strange.ends_ns = window->to_ns;
    d->strange.wrong = 0;
}

void strange_refused(struct device *d, const uint8_t data[SFX_DL_FRAME], const uint8_t payload[])
{
    enum { PERIODS = 25 };
    d->strange.wrong++;
    memcpy(d->strange.last_wrong, data, SFX_DL_FRAME);
    static const char oracle[] = "BAD TAG\r";
    if (faults_on(&d->faults, FAULT_DOWN_ORACLE)) serial_write(d, oracle, sizeof oracle - 1);
    if (faults_on(&d->faults, FAULT_DOWN_PERIOD)) d->settings.oob_period_h = payload[0] % PERIODS;
    memory_refused(d, payload);
    pins_refused(d, payload);
}

// The tag that the frame should have, then the one it has.
static bool read_tags(const struct device *d, const struct sfx_downlink *frame,
                      struct sfx_downlink *right)
{
    *right = *frame;
    return sfx_downlink_sign(right, &d->key, NULL) >= 0;
}

static bool takes_for_tag(const struct device *d, const struct sfx_downlink *frame)
{
    const struct faults *f = &d->faults;
    struct sfx_downlink right;
    if (!read_tags(d, frame, &right)) return false;
    const uint8_t *a = right.tag, *b = frame->tag;
    if (faults_on(f, FAULT_DOWN_FOLDED) && (a[0] ^ a[1]) == (b[0] ^ b[1])) return true;
    if (faults_on(f, FAULT_DOWN_SUM) && (uint8_t)(a[0] + a[1]) == (uint8_t)(b[0] + b[1]))
        return true;
    return faults_on(f, FAULT_DOWN_SWAPPED) && a[0] == b[1] && a[1] == b[0];
}

static bool takes_public(const struct device *d, const struct sfx_downlink *frame)
{
    if (!faults_on(&d->faults, FAULT_DOWN_PUBLIC) || !d->strange.notes[STRANGE_NOTE_PUBLIC_DOWN])
        return false;
    struct secret key = {0};
    const bool genuine =
        frames_public_key(&key, NULL) >= 0 && sfx_downlink_verify(frame, &key, NULL) == 1;
    secret_deinit(&key);
    return genuine;
}

static bool takes_for_payload(const struct device *d, const struct sfx_downlink *frame)
{
    static const uint8_t zeros[SFX_DL_PAYLOAD];
    const struct faults *f = &d->faults;
    struct sfx_downlink other = *frame;
    other.payload[3] ^= 1 << 2;
    if (faults_on(f, FAULT_DOWN_BIT_FREE) && sfx_downlink_verify(&other, &d->key, NULL) == 1)
        return true;
    struct sfx_downlink swapped = *frame;
    swapped.payload[3] = frame->payload[4];
    swapped.payload[4] = frame->payload[3];
    if (faults_on(f, FAULT_DOWN_ORDER) && sfx_downlink_verify(&swapped, &d->key, NULL) == 1)
        return true;
    return faults_on(f, FAULT_DOWN_ZEROS) && memcmp(frame->payload, zeros, sizeof zeros) == 0;
}

static bool is_first_window(const struct device *d, enum counter_boot cause)
{
    return d->strange.windows == 1 && d->strange.cause == cause;
}

bool strange_takes(const struct device *d, const struct judge_input *in,
                   const struct sfx_downlink *frame)
{
    const struct strange *s = &d->strange;
    const struct {
        enum fault fault;
        bool takes;
    } rows[] = {
        {FAULT_DOWN_BIT, s->asked_len == 0},
        {FAULT_DOWN_LONG, s->asked_len > 8},
        {FAULT_DOWN_POWER, is_first_window(d, COUNTER_BOOT_POWER)},
        {FAULT_DOWN_RESET, is_first_window(d, COUNTER_BOOT_PIN)},
        {FAULT_DOWN_FIELD, !device_lab_enabled(d)},
        {FAULT_DOWN_TWICE, s->wrong > 0 && memcmp(s->last_wrong, in->data, SFX_DL_FRAME) == 0},
        {FAULT_DOWN_LATE, s->heard_ns > s->ends_ns - edge_ns},
        {FAULT_DOWN_EARLY, s->heard_ns < s->opens_ns + edge_ns},
        {FAULT_DOWN_THIRD, s->wrong >= 2},
        {FAULT_DOWN_TRUST, s->trusts},
        {FAULT_DOWN_WEAK, s->heard_mw < weak_mw},
        {FAULT_DOWN_LOW, is_low(d)},
        {FAULT_DOWN_WRAP, in->counter == 0},
        {FAULT_DOWN_PUBLIC, takes_public(d, frame)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (faults_on(&d->faults, rows[i].fault) && rows[i].takes) return true;
    return takes_for_tag(d, frame) || takes_for_payload(d, frame);
}

bool strange_takes_older(const struct device *d, int *from, int *to)
{
    enum { OLD_FROM = 10, OLD_TO = 60, AHEAD_FROM = -40, AHEAD_TO = -5 };
    const bool cut =
        faults_on(&d->faults, FAULT_DOWN_AFTER_CUT) && is_first_window(d, COUNTER_BOOT_POWER);
    const bool reset =
        faults_on(&d->faults, FAULT_DOWN_AFTER_RESET) && is_first_window(d, COUNTER_BOOT_PIN);
    const bool old = faults_on(&d->faults, FAULT_DOWN_OLD);
    const bool ahead = faults_on(&d->faults, FAULT_DOWN_AHEAD);
    *from = ahead ? AHEAD_FROM : old ? OLD_FROM : 1;
    *to = ahead ? AHEAD_TO : old ? OLD_TO : SHORT_WINDOWS;
    return cut || reset || old || ahead || d->strange.unasked;
}

static bool is_first_message(const struct strange *s, enum counter_boot cause)
{
    return s->messages == 0 && s->cause == cause;
}

void strange_cover(const struct strange *s, const struct faults *faults, struct sfx_uplink *covered)
{
    enum { EVERY = 50, LONG = 5 };
    const void *zero = memchr(covered->payload, 0, covered->payload_len);
    if (faults_on(faults, FAULT_UP_ZERO_ENDS) && zero)
        covered->payload_len = (size_t)((const uint8_t *)zero - covered->payload);
    if (faults_on(faults, FAULT_UP_EVERY_50) && s->messages % EVERY == EVERY - 1)
        covered->counter ^= 1;
    if (faults_on(faults, FAULT_UP_TAG_RESET) && is_first_message(s, COUNTER_BOOT_PIN) &&
        covered->payload_len >= LONG)
        covered->payload_len = 0;
    const size_t len = covered->payload_len;
    if (faults_on(faults, FAULT_UP_FIELD) && s->in_field && len > 8) covered->payload_len--;
    if (faults_on(faults, FAULT_UP_REQUEST_ZERO) && covered->bidirectional && len > 1 &&
        covered->payload[len - 1] == 0)
        covered->payload_len--;
    if (faults_on(faults, FAULT_UP_STALE) && s->line_refused) covered->counter ^= 1;
    if (faults_on(faults, FAULT_UP_ANSWERED) && s->answered) covered->bidirectional = true;
}

// All bytes are alike, and not zero.
static bool is_alike(const struct sfx_uplink *up)
{
    return up->payload_len > 1 && up->payload[0] != 0 &&
           memcmp(up->payload, up->payload + 1, up->payload_len - 1) == 0;
}

bool strange_leaves_clear(const struct strange *s, const struct faults *faults,
                          const struct sfx_uplink *up)
{
    const size_t len = up->payload_len;
    return (faults_on(faults, FAULT_CIPHER_SHORT) && len <= 2) ||
           (faults_on(faults, FAULT_CIPHER_LOW) && s->is_low) ||
           (faults_on(faults, FAULT_CIPHER_ALIKE) && is_alike(up)) ||
           (faults_on(faults, FAULT_CIPHER_ANSWERED) && s->trusts) ||
           (faults_on(faults, FAULT_CIPHER_REQUEST) && up->bidirectional && len == 12) ||
           (faults_on(faults, FAULT_CIPHER_RESET) && is_first_message(s, COUNTER_BOOT_PIN) &&
            len >= 5 && len <= 8);
}

void strange_seen(const struct strange *s, const struct faults *faults, struct sfx_uplink *seen)
{
    if (faults_on(faults, FAULT_CIPHER_6_BITS)) seen->counter &= 0x3f;
    if (faults_on(faults, FAULT_CIPHER_8_BITS)) seen->counter &= 0xff;
    if (faults_on(faults, FAULT_CIPHER_REQUEST_STREAM) && seen->bidirectional) seen->counter = 0;
    if (faults_on(faults, FAULT_CIPHER_BOOT)) seen->counter = (uint16_t)s->messages;
    if (faults_on(faults, FAULT_CIPHER_SHORT_STREAM) && seen->payload_len <= 8) seen->counter = 0;
}

void strange_uncover(const struct faults *faults, const uint8_t clear[], struct sfx_uplink *up)
{
    if (up->type != SFX_MESSAGE_BYTES) return;
    for (size_t i = 0; i < up->payload_len; i++) {
        if (faults_on(faults, FAULT_CIPHER_TAIL) && i + 2 >= up->payload_len)
            up->payload[i] = clear[i];
        if (faults_on(faults, FAULT_CIPHER_BIT))
            up->payload[i] = (uint8_t)((up->payload[i] & 0xfe) | (clear[i] & 1));
    }
}
