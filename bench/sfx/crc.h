// Checksums of the link layer. protocol.md sections 2.3 and 7.4. Pure.
#ifndef BENCH_SFX_CRC_H
#define BENCH_SFX_CRC_H

#include <stddef.h>
#include <stdint.h>

/// Uplink: CRC-16/GSM (0x1021, start 0, no reflection, final inversion).
uint16_t sfx_crc16(const uint8_t *data, size_t len);
/// Downlink: CRC-8/OPENSAFETY (0x2F, start 0, no reflection, no inversion).
uint8_t sfx_crc8(const uint8_t *data, size_t len);

#endif
