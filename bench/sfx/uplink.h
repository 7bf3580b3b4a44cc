// The uplink frame: message to packet to three coded frames, and back. protocol.md sections 1, 2
// and 4.1.
//
// Pure: no I/O, no state. A packet is header | ID | payload | tag | CRC (8 to 22 bytes with CRC),
// never coded; a frame is preamble and frame type (32 bits) and the packet after its rank's replica
// code.
#ifndef BENCH_SFX_UPLINK_H
#define BENCH_SFX_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"
#include "bench/sfx/signer.h"

enum {
    SFX_PAYLOAD_MAX = 12,
    SFX_TAG_MAX = 5,
    SFX_PACKET_MAX = 22,
    SFX_FRAME_MAX = 26,
    SFX_RANKS = 3
};

enum sfx_message_type {
    SFX_MESSAGE_EMPTY,
    SFX_MESSAGE_BIT0,
    SFX_MESSAGE_BIT1,
    SFX_MESSAGE_BYTES,
    SFX_MESSAGE_KEEP_ALIVE,
    SFX_MESSAGE_DL_CONFIRMATION,
    SFX_MESSAGE_CONTROL // a control message of unknown type byte
};

enum sfx_class {
    SFX_CLASS_A,
    SFX_CLASS_B,
    SFX_CLASS_C,
    SFX_CLASS_D,
    SFX_CLASS_E,
    SFX_CLASS_CONTROL,
    SFX_CLASSES
};

enum sfx_status {
#define STATUS(name, text) SFX_STATUS_##name,
#include "bench/sfx/frame_status.def"
#undef STATUS
};

struct sfx_uplink {
    enum sfx_message_type type;
    enum sfx_class class;
    bool bidirectional; // BF
    bool repeater;      // REP
    unsigned li;
    uint16_t counter;
    uint32_t device_id;
    uint8_t payload[SFX_PAYLOAD_MAX];
    size_t payload_len;
    uint8_t tag[SFX_TAG_MAX];
    size_t tag_len;
    uint16_t crc;
};

/// "empty", "bit0", "bit1", "bytes", "keep_alive", "dl_confirmation", "control".
const char *sfx_message_type_name(enum sfx_message_type type);
/// "A" … "E", "control".
const char *sfx_class_name(enum sfx_class class);
/// "ok", "bad_crc", … and the sentence of frame_status.def.
const char *sfx_status_name(enum sfx_status status);
const char *sfx_status_text(enum sfx_status status);

/// The 13-bit frame type of a class and rank (1..3).
uint16_t sfx_frame_type(enum sfx_class class, unsigned rank);
/// Bits of the coded body after the frame type: 80 … 176.
unsigned sfx_body_bits(enum sfx_class class);
/// Nearest known frame type; false when more than two bits away. errors may be NULL.
bool sfx_frame_type_find(uint16_t type13, enum sfx_class *class, unsigned *rank, unsigned *errors);

/// Fills li, class, tag_len from type and payload_len. ERR_INVALID names what cannot be sent.
FOX_CHECK int sfx_uplink_plan(struct sfx_uplink *up, struct err *err);
/// The tag's input: header, ID, payload. Returns its length (6 … 18).
size_t sfx_uplink_auth_input(const struct sfx_uplink *up, uint8_t out[6 + SFX_PAYLOAD_MAX]);
/// Computes the tag of a planned message with `key` (AES-128): writes tag_len bytes into up->tag.
FOX_CHECK int sfx_uplink_sign(struct sfx_uplink *up, const struct secret *key, struct err *err);
/// Whether up->tag is what `key` gives; constant time. Negative on a crypto failure, else 0 or 1.
FOX_CHECK int sfx_uplink_verify(const struct sfx_uplink *up, const struct secret *key,
                                struct err *err);
/// The same two with a key wherever it lies.
FOX_CHECK int sfx_uplink_sign_by(struct sfx_uplink *up, const struct sfx_signer *signer,
                                 struct err *err);
FOX_CHECK int sfx_uplink_verify_by(const struct sfx_uplink *up, const struct sfx_signer *signer,
                                   struct err *err);
/// Packet of a signed message, CRC computed here (and put into up->crc). Returns its length.
size_t sfx_uplink_packet(struct sfx_uplink *up, uint8_t packet[SFX_PACKET_MAX]);
/// Frame of a packet for rank 1..3: preamble, frame type and coded packet. Returns its length in
/// bytes.
size_t sfx_uplink_frame(enum sfx_class class, unsigned rank, const uint8_t *packet,
                        size_t packet_len, uint8_t frame[SFX_FRAME_MAX]);

/// Undoes the replica code of a received body (bits packed, body_bits / 8 bytes). Returns the
/// packet's length.
size_t sfx_uplink_uncode(enum sfx_class class, unsigned rank, const uint8_t *body,
                         uint8_t packet[SFX_PACKET_MAX]);
/// Reads a packet. On anything but OK, `out` holds what could be read.
enum sfx_status sfx_uplink_decode(enum sfx_class class, const uint8_t *packet, size_t packet_len,
                                  struct sfx_uplink *out);

#endif
