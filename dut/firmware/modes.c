#include "dut/firmware/modes.h"

#include "dut/firmware/device.h"

static const int64_t spacing_ns = 18 * DEVPORT_SECOND;

enum { MODE_J_MESSAGES = 16, FIRST_VALUE = 0x40 };

// The kinds in mode J's order: bit 0, bit 1, 1..12 bytes, empty, keep-alive.
static struct uplink_request message_of_j(unsigned i)
{
    struct uplink_request r = {.frames = SFX_RANKS};
    if (i == 0) {
        r.type = SFX_MESSAGE_BIT0;
    } else if (i == 1) {
        r.type = SFX_MESSAGE_BIT1;
    } else if (i == MODE_J_MESSAGES - 2) {
        r.type = SFX_MESSAGE_EMPTY;
    } else if (i == MODE_J_MESSAGES - 1) {
        r.type = SFX_MESSAGE_KEEP_ALIVE;
    } else {
        r.type = SFX_MESSAGE_BYTES;
        r.payload_len = i - 1;
        for (unsigned k = 0; k < r.payload_len; k++)
            r.payload[k] = (uint8_t)(FIRST_VALUE + k);
    }
    return r;
}

enum uplink_result modes_run_j(struct device *d)
{
    int64_t start_ns = devport_now_ns(d->port);
    for (unsigned i = 0; i < MODE_J_MESSAGES; i++) {
        device_wait_until(d, start_ns + i * spacing_ns);
        struct uplink_request request = message_of_j(i);
        enum uplink_result result = uplink_send(d, &request, NULL);
        if (result != UPLINK_SENT) return result;
    }
    return UPLINK_SENT;
}
