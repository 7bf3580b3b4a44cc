#include "dut/firmware/downlink.h"

#include <math.h>
#include <string.h>

#include "dut/firmware/device.h"
#include "dut/port/gfsk.h"

// The radio is read in pieces, so that a frame is answered in time and the serial line is served.
enum { PIECE_MS = 200, PIECE_SAMPLES = DEVPORT_GFSK_RATE_HZ * PIECE_MS / 1000 };

static const int64_t piece_ns = PIECE_MS * DEVPORT_MS;

double downlink_frequency(const struct device *d, double f1_hz)
{
    if (faults_on(&d->faults, FAULT_RF_010)) return HOP_DOWNLINK_HZ;
    return f1_hz + (HOP_DOWNLINK_HZ - HOP_CENTRE_HZ);
}

// Whether a fault lets a wrong tag pass.
static bool deviates(const struct device *d, const struct sfx_downlink *frame)
{
    if (faults_on(&d->faults, FAULT_AUTH_014)) return true;
    struct sfx_downlink right = *frame;
    if (sfx_downlink_sign(&right, &d->key, NULL) < 0) return false;
    uint8_t wrong[SFX_DL_TAG];
    for (int i = 0; i < SFX_DL_TAG; i++)
        wrong[i] = right.tag[i] ^ frame->tag[i];
    if (faults_on(&d->faults, FAULT_AUTH_015)) wrong[1] = 0;
    if (faults_on(&d->faults, FAULT_AUTH_016)) {
        wrong[0] &= 0x7f;
        wrong[1] &= 0x7f;
    }
    return (wrong[0] | wrong[1]) == 0;
}

// What the frame says to this device; false when it says nothing to it.
static bool take_frame(const struct device *d, const struct downlink_window *window,
                       const uint8_t data[SFX_DL_FRAME], uint8_t payload[SFX_DL_PAYLOAD])
{
    struct sfx_downlink frame = {.device_id = device_id(d), .counter = window->counter};
    const struct sfx_signer signer = {.key = &d->key};
    int status = sfx_downlink_read(data, &frame, &signer, NULL, NULL);
    bool pass = status == SFX_DOWNLINK_OK ||
                (status == SFX_DOWNLINK_BAD_TAG && (window->tag_ignored || deviates(d, &frame)));
    if (!pass) return false;
    memcpy(payload, frame.payload, SFX_DL_PAYLOAD);
    if (!d->native) return true;
    const struct sfx_native_message m = {.device_id = frame.device_id,
                                         .counter = frame.counter,
                                         .rollover = (uint8_t)d->counter.epoch,
                                         .direction = SFX_DIRECTION_DOWN};
    return sfx_native_apply(d->native, &m, &d->key, payload, SFX_DL_PAYLOAD, NULL) == 0;
}

bool downlink_listen(struct device *d, const struct downlink_window *window, struct downlink *out)
{
    struct devport_gfsk receiver;
    devport_gfsk_init(&receiver);
    device_wait_until(d, window->from_ns);
    for (int64_t from_ns = window->from_ns; from_ns < window->to_ns; from_ns += piece_ns) {
        int64_t to_ns = from_ns + piece_ns < window->to_ns ? from_ns + piece_ns : window->to_ns;
        float iq[2 * PIECE_SAMPLES];
        size_t n = devport_rf_listen(d->port, from_ns, to_ns, window->f_hz, DEVPORT_GFSK_RATE_HZ,
                                     iq, PIECE_SAMPLES);
        device_wait_until(d, to_ns); // the serial line's bytes
        for (size_t at = 0; at < n;) {
            struct devport_gfsk_frame frame;
            bool got = false;
            at += devport_gfsk_push(&receiver, iq + 2 * at, n - at, &frame, &got);
            if (!got || !take_frame(d, window, frame.data, out->payload)) continue;
            out->end_ns =
                window->from_ns + (int64_t)frame.end_sample * DEVPORT_SECOND / DEVPORT_GFSK_RATE_HZ;
            out->rssi_dbm = (int)lround(10.0 * log10(frame.power_mw + 1e-30));
            out->offset_hz = frame.offset_hz;
            return true;
        }
    }
    return false;
}
