#include "bench/sfx/control.h"

// Body, bytes in transmission order; all values little-endian:
//
//     TT | VL VH | XL XH | CL CH [ RR ]     T 08 keep-alive, 09 confirmation; V supply when idle, X
//                                           when transmitting, C temperature, R RSSI + 100 dBm

enum { KEEP_ALIVE = 0x08, CONFIRMATION = 0x09, RSSI_OFFSET = 100 };

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static unsigned get16(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

static void put_common(struct sfx_uplink *up, uint8_t type, const struct sfx_control *body)
{
    up->payload[0] = type;
    put16(up->payload + 1, body->idle_mv);
    put16(up->payload + 3, body->transmit_mv);
    put16(up->payload + 5, (uint16_t)body->temperature_tenths);
}

void sfx_control_put_keep_alive(struct sfx_uplink *up, const struct sfx_control *body)
{
    up->type = SFX_MESSAGE_KEEP_ALIVE;
    up->payload_len = 7;
    put_common(up, KEEP_ALIVE, body);
}

void sfx_control_put_confirmation(struct sfx_uplink *up, const struct sfx_control *body)
{
    up->type = SFX_MESSAGE_DL_CONFIRMATION;
    up->payload_len = 8;
    put_common(up, CONFIRMATION, body);
    up->payload[7] = (uint8_t)(body->rssi_dbm + RSSI_OFFSET);
}

bool sfx_control_read(const struct sfx_uplink *up, struct sfx_control *body)
{
    if (up->type != SFX_MESSAGE_KEEP_ALIVE && up->type != SFX_MESSAGE_DL_CONFIRMATION) return false;
    *body = (struct sfx_control){.idle_mv = (uint16_t)get16(up->payload + 1),
                                 .transmit_mv = (uint16_t)get16(up->payload + 3),
                                 .temperature_tenths = (int16_t)get16(up->payload + 5)};
    if (up->type == SFX_MESSAGE_DL_CONFIRMATION)
        body->rssi_dbm = (int8_t)up->payload[7] - RSSI_OFFSET;
    return true;
}
