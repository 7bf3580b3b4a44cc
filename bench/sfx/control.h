// The bodies of the control messages. protocol.md section 2.5. Pure.
#ifndef BENCH_SFX_CONTROL_H
#define BENCH_SFX_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sfx/uplink.h"

struct sfx_control {
    uint16_t idle_mv;           // supply, not transmitting
    uint16_t transmit_mv;       // supply, during a transmission
    int16_t temperature_tenths; // 0.1 degC
    int rssi_dbm;               // of the received downlink; confirmations only, -228 … 27
};

/// Writes type, payload and payload_len of a keep-alive or a downlink confirmation.
void sfx_control_put_keep_alive(struct sfx_uplink *up, const struct sfx_control *body);
void sfx_control_put_confirmation(struct sfx_uplink *up, const struct sfx_control *body);
/// False when the message is neither.
bool sfx_control_read(const struct sfx_uplink *up, struct sfx_control *body);

#endif
