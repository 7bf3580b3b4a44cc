// Fuzzes the uplink decoder with received frames. Whatever it accepts must encode to the very same
// frame.
#include <stdlib.h>
#include <string.h>

#include "bench/sfx/control.h"
#include "bench/sfx/crc.h"
#include "bench/sfx/uplink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) abort();
}

static void check_accepted(struct sfx_uplink up, const uint8_t *packet, size_t len)
{
    uint8_t again[SFX_PACKET_MAX];
    struct sfx_uplink planned = up;
    struct sfx_control body;
    demand(sfx_uplink_packet(&up, again) == len && memcmp(again, packet, len) == 0);
    (void)sfx_control_read(&up, &body);
    bool control = up.class == SFX_CLASS_CONTROL;
    if (control) planned.bidirectional = false; // a device may not send it, a receiver reads it
    demand(sfx_uplink_plan(&planned, NULL) == ERR_OK);
    demand(planned.class == up.class && planned.li == up.li && planned.tag_len == up.tag_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum sfx_class class;
    unsigned rank, errors;
    uint8_t packet[SFX_PACKET_MAX], frame[SFX_FRAME_MAX];
    struct sfx_uplink up;
    if (size < 4) return 0;
    uint16_t type = (uint16_t)((data[2] & 0x1F) << 8 | data[3]);
    if (!sfx_frame_type_find(type, &class, &rank, &errors)) return 0;
    demand(errors <= 2 && rank >= 1 && rank <= SFX_RANKS);
    size_t len = sfx_body_bits(class) / 8;
    if (size - 4 < len) {
        demand(sfx_uplink_decode(class, data + 4, size - 4, &up) == SFX_STATUS_TRUNCATED);
        return 0;
    }
    demand(sfx_uplink_uncode(class, rank, data + 4, packet) == len);
    demand(sfx_uplink_frame(class, rank, packet, len, frame) == len + 4);
    demand(memcmp(frame + 4, data + 4, len) == 0);
    enum sfx_status status = sfx_uplink_decode(class, packet, len, &up);
    demand(up.payload_len <= SFX_PAYLOAD_MAX && up.tag_len <= SFX_TAG_MAX);
    if (status == SFX_STATUS_OK) check_accepted(up, packet, len);

    // with the CRC put right, the checks behind it are reached
    uint16_t crc = sfx_crc16(packet, len - 2);
    packet[len - 2] = (uint8_t)(crc >> 8);
    packet[len - 1] = (uint8_t)crc;
    status = sfx_uplink_decode(class, packet, len, &up);
    demand(status != SFX_STATUS_BAD_CRC);
    if (status == SFX_STATUS_OK) check_accepted(up, packet, len);
    return 0;
}
