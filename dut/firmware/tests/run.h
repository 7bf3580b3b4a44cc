// What a foxdut says in one go of mode J: every kind of message, three ranks each, coding undone.
#ifndef DUT_FIRMWARE_TESTS_RUN_H
#define DUT_FIRMWARE_TESTS_RUN_H

#include <stddef.h>
#include <stdint.h>

enum { KINDS = 16, RANKS = 3, HEAD = 4, CRC = 2, MAC_INPUT_MAX = 6 + 12 };

struct run {
    uint32_t head[KINDS][RANKS]; // preamble and frame type
    uint8_t packet[KINDS][RANKS][22];
    size_t len[KINDS];
};

/// Starts a device whose first message has this counter, with further arguments (NULL at the end;
/// may be NULL), and lets it go through mode J.
void run_take(struct run *r, const char *key_hex, uint16_t counter, const char *const *args);
/// Payload bytes of each kind: bit 0, bit 1, 1..12 bytes, empty, keep-alive.
size_t run_payload_len(size_t kind);
uint16_t run_crc16(const uint8_t *data, size_t len);
void run_assert_crc(const uint8_t *packet, size_t len);
/// The CBC-MAC of protocol.md 4.1 from AES alone; at most max_blocks of it.
void run_mac(const char *key_hex, const uint8_t *in, size_t len, unsigned max_blocks,
             uint8_t out[16]);
/// One AES block; in and out may be the same.
void run_aes(const char *key_hex, const uint8_t in[16], uint8_t out[16]);

#endif
