#include "dut/firmware/downlink.h"

#include <math.h>
#include <string.h>

#include "dut/firmware/at.h"
#include "dut/firmware/device.h"
#include "dut/firmware/judge.h"
#include "dut/firmware/memory.h"
#include "dut/firmware/pins.h"

double downlink_frequency(const struct device *d, double f1_hz)
{
    if (faults_on(&d->faults, FAULT_RF_010)) return d->zone->downlink_hz;
    return f1_hz + sfx_zone_shift_hz(d->zone);
}

// The payload as the host gets it; false when it cannot be deciphered.
static bool decipher(const struct device *d, const struct sfx_downlink *frame,
                     uint8_t payload[SFX_DL_PAYLOAD])
{
    memcpy(payload, frame->payload, SFX_DL_PAYLOAD);
    if (!d->encrypts) return true;
    if (!d->encryption_key) return faults_on(&d->faults, FAULT_ENC_009);
    const uint8_t rollover =
        faults_on(&d->faults, FAULT_CIPHER_DOWN_EPOCH) ? 0 : (uint8_t)d->counter.epoch;
    const struct sfx_native_message m = {.device_id = frame->device_id,
                                         .counter = frame->counter,
                                         .rollover = rollover,
                                         .direction = SFX_DIRECTION_DOWN};
    return sfx_native_apply(d->native, &m, &d->key, payload, SFX_DL_PAYLOAD, NULL) == 0;
}

static void describe(struct downlink *out, const struct devport_gfsk_frame *heard, int64_t end_ns)
{
    memcpy(out->data, heard->data, sizeof out->data);
    out->end_ns = end_ns;
    out->rssi_dbm = (int)lround(10.0 * log10(heard->power_mw + 1e-30));
    out->offset_hz = heard->offset_hz;
}

enum downlink_result downlink_listen(struct device *d, const struct downlink_window *window,
                                     struct downlink *out)
{
    ear_init(&d->ear, window->from_ns, window->f_hz);
    device_wait_until(d, window->from_ns);
    struct judge_input in = {.counter = window->counter};
    struct devport_gfsk_frame heard;
    int64_t end_ns;
    while (ear_next(d, &d->ear, window->to_ns, &heard, &end_ns)) {
        struct sfx_downlink frame;
        in.data = heard.data;
        d->strange.heard_ns = end_ns;
        d->strange.heard_mw = heard.power_mw;
        enum judge_result result = judge_frame(d, &in, &frame);
        if (result == JUDGE_NOISE || !decipher(d, &frame, out->payload)) continue;
        describe(out, &heard, end_ns);
        strange_handed(d, out->payload);
        d->strange.trusts = d->strange.trusts || result == JUDGE_TAKEN;
        if (result == JUDGE_TAKEN || window->tag_ignored) {
            memory_taken(d, out->payload);
            pins_taken(d, out->payload);
            return DOWNLINK_TAKEN;
        }
        strange_refused(d, heard.data, out->payload);
        if (faults_on(&d->faults, FAULT_AUTH_024)) at_tell_downlink(d, out->payload);
        if (window->refused_ends) return DOWNLINK_REFUSED;
    }
    return DOWNLINK_NONE;
}

void downlink_again_start(struct device *d, const struct downlink_window *window,
                          const struct downlink *taken)
{
    struct downlink_again *a = &d->again;
    a->on = faults_on(&d->faults, FAULT_CNT_018);
    if (!a->on) return;
    a->to_ns = window->to_ns;
    a->untold = 0;
    memcpy(a->data, taken->data, sizeof a->data);
    memcpy(a->payload, taken->payload, sizeof a->payload);
}

void downlink_again_listen(struct device *d, int64_t until_ns)
{
    struct downlink_again *a = &d->again;
    struct devport_gfsk_frame heard;
    int64_t end_ns, now_ns = devport_now_ns(d->port);
    int64_t to_ns = until_ns < a->to_ns ? until_ns : a->to_ns;
    if (d->ear.next_ns < now_ns) ear_init(&d->ear, now_ns, d->ear.f_hz); // deaf while it was busy
    if (!ear_next(d, &d->ear, to_ns, &heard, &end_ns))
        a->on = d->ear.next_ns < a->to_ns;
    else if (memcmp(heard.data, a->data, sizeof a->data) == 0)
        a->untold++;
}
