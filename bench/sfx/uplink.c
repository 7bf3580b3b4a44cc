#include "bench/sfx/uplink.h"

#include <string.h>

#include "bench/base/crypto.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/counter.h"
#include "bench/sfx/crc.h"
#include "bench/sfx/mac.h"

// A frame, bytes in transmission order, bits most significant first:
//
//     101010101 0101010101 T TTTTTTTTTTTT | LLBR CCCC CCCC CCCC | I0 I1 I2 I3 | payload | tag | crc
//     preamble (19)        frame type(13) | header (16)         | ID, low byte first
//
//     L length indicator, B downlink asked for, R repeater, C counter. Coding starts at the header.

enum {
    HEADER_LEN = 2,
    ID_LEN = 4,
    CRC_LEN = 2,
    PREAMBLE = 0x55555,
    TYPE_BITS = 13,
    TYPE_ERRORS_MAX = 2, // half of the smallest distance between two frame types, 5
    BODY_KEEP_ALIVE = 0x08,
    BODY_DL_CONFIRMATION = 0x09,
    KEEP_ALIVE_LEN = 7,
    DL_CONFIRMATION_LEN = 8,
    CONTROL_LEN_MIN = 5,
    CONTROL_LEN_MAX = 8
};

struct class_row {
    const char *name;
    uint16_t types[SFX_RANKS];
    unsigned packet_len;  // header … CRC
    unsigned payload_max; // with LI 0
};

static const struct class_row classes[SFX_CLASSES] = {
    [SFX_CLASS_A] = {"A", {0x006B, 0x06E0, 0x0034}, 10, 0},
    [SFX_CLASS_B] = {"B", {0x008D, 0x00D2, 0x0302}, 11, 1},
    [SFX_CLASS_C] = {"C", {0x035F, 0x0598, 0x05A3}, 14, 4},
    [SFX_CLASS_D] = {"D", {0x0611, 0x06BF, 0x072C}, 18, 8},
    [SFX_CLASS_E] = {"E", {0x094C, 0x0971, 0x0997}, 22, 12},
    [SFX_CLASS_CONTROL] = {"control", {0x0F67, 0x0FC9, 0x11BE}, 18, 8},
};

const char *sfx_message_type_name(enum sfx_message_type type)
{
    static const char *const names[] = {
        [SFX_MESSAGE_EMPTY] = "empty",
        [SFX_MESSAGE_BIT0] = "bit0",
        [SFX_MESSAGE_BIT1] = "bit1",
        [SFX_MESSAGE_BYTES] = "bytes",
        [SFX_MESSAGE_KEEP_ALIVE] = "keep_alive",
        [SFX_MESSAGE_DL_CONFIRMATION] = "dl_confirmation",
        [SFX_MESSAGE_CONTROL] = "control",
    };
    return type <= SFX_MESSAGE_CONTROL ? names[type] : "unknown";
}

const char *sfx_class_name(enum sfx_class class)
{
    return class < SFX_CLASSES ? classes[class].name : "unknown";
}

const char *sfx_status_name(enum sfx_status status)
{
    switch (status) {
    case SFX_STATUS_OK:
        return "ok";
    case SFX_STATUS_TRUNCATED:
        return "truncated";
    case SFX_STATUS_BAD_TYPE:
        return "bad_type";
    case SFX_STATUS_BAD_CRC:
        return "bad_crc";
    case SFX_STATUS_BAD_LI:
        return "bad_li";
    case SFX_STATUS_BAD_CONTROL:
        return "bad_control";
    }
    return "unknown";
}

const char *sfx_status_text(enum sfx_status status)
{
    switch (status) {
#define STATUS(name, text)                                                                         \
    case SFX_STATUS_##name:                                                                        \
        return text;
#include "bench/sfx/frame_status.def"
#undef STATUS
    }
    return "unknown";
}

uint16_t sfx_frame_type(enum sfx_class class, unsigned rank)
{
    return classes[class].types[rank - 1];
}

unsigned sfx_body_bits(enum sfx_class class)
{
    return 8 * classes[class].packet_len;
}

bool sfx_frame_type_find(uint16_t type13, enum sfx_class *class, unsigned *rank, unsigned *errors)
{
    unsigned best = TYPE_BITS + 1;
    for (unsigned c = 0; c < SFX_CLASSES; c++)
        for (unsigned r = 0; r < SFX_RANKS; r++) {
            unsigned distance = (unsigned)__builtin_popcount(type13 ^ classes[c].types[r]);
            if (distance >= best) continue;
            best = distance;
            *class = (enum sfx_class)c;
            *rank = r + 1;
        }
    if (errors) *errors = best;
    return best <= TYPE_ERRORS_MAX;
}

// Class and LI of a message that carries bytes: the smallest class that holds them, LI what is left
// over.
static void plan_bytes(struct sfx_uplink *up)
{
    up->class = up->payload_len == 1   ? SFX_CLASS_B
                : up->payload_len <= 4 ? SFX_CLASS_C
                : up->payload_len <= 8 ? SFX_CLASS_D
                                       : SFX_CLASS_E;
    up->li = classes[up->class].payload_max - (unsigned)up->payload_len;
}

static int refuse_length(const struct sfx_uplink *up, const char *expected, struct err *err)
{
    return err_set(err, ERR_INVALID, "a message of type %s carries %s, got %zu bytes",
                   sfx_message_type_name(up->type), expected, up->payload_len);
}

static int plan_control(struct sfx_uplink *up, struct err *err)
{
    if (up->bidirectional)
        return err_set(err, ERR_INVALID, "a control message cannot ask for a downlink");
    if (up->payload_len < CONTROL_LEN_MIN || up->payload_len > CONTROL_LEN_MAX)
        return refuse_length(up, "5 to 8 bytes", err);
    up->class = SFX_CLASS_CONTROL;
    up->li = CONTROL_LEN_MAX - (unsigned)up->payload_len;
    uint8_t body = up->payload[0];
    if (up->type == SFX_MESSAGE_KEEP_ALIVE) {
        if (up->payload_len != KEEP_ALIVE_LEN || body != BODY_KEEP_ALIVE)
            return refuse_length(up, "7 bytes, the first 08", err);
    } else if (up->type == SFX_MESSAGE_DL_CONFIRMATION) {
        if (up->payload_len != DL_CONFIRMATION_LEN || body != BODY_DL_CONFIRMATION)
            return refuse_length(up, "8 bytes, the first 09", err);
    }
    return ERR_OK;
}

int sfx_uplink_plan(struct sfx_uplink *up, struct err *err)
{
    if (up->counter >= SFX_COUNTER_MODULUS_MAX)
        return err_set(err, ERR_INVALID, "a counter has 12 bits (0 to 4095), got %u", up->counter);
    int rc = ERR_OK;
    switch (up->type) {
    case SFX_MESSAGE_EMPTY:
    case SFX_MESSAGE_BIT0:
    case SFX_MESSAGE_BIT1:
        if (up->payload_len) return refuse_length(up, "no payload", err);
        up->class = SFX_CLASS_A;
        up->li = up->type == SFX_MESSAGE_EMPTY ? 0 : up->type == SFX_MESSAGE_BIT0 ? 2 : 3;
        break;
    case SFX_MESSAGE_BYTES:
        if (up->payload_len < 1 || up->payload_len > SFX_PAYLOAD_MAX)
            return refuse_length(up, "1 to 12 bytes", err);
        plan_bytes(up);
        break;
    case SFX_MESSAGE_KEEP_ALIVE:
    case SFX_MESSAGE_DL_CONFIRMATION:
    case SFX_MESSAGE_CONTROL:
        rc = plan_control(up, err);
        break;
    default:
        return err_set(err, ERR_INVALID, "there is no message type %d", (int)up->type);
    }
    if (rc < 0) return rc;
    up->tag_len = up->class == SFX_CLASS_A ? 2 : 2 + up->li;
    return ERR_OK;
}

static void put_header(const struct sfx_uplink *up, uint8_t *out)
{
    unsigned header = (up->li & 3) << 14 | (unsigned)up->bidirectional << 13 |
                      (unsigned)up->repeater << 12 | (up->counter & 0x0FFFu);
    out[0] = (uint8_t)(header >> 8);
    out[1] = (uint8_t)header;
    for (unsigned i = 0; i < ID_LEN; i++)
        out[HEADER_LEN + i] = (uint8_t)(up->device_id >> 8 * i);
}

size_t sfx_uplink_auth_input(const struct sfx_uplink *up, uint8_t out[6 + SFX_PAYLOAD_MAX])
{
    put_header(up, out);
    memcpy(out + HEADER_LEN + ID_LEN, up->payload, up->payload_len);
    return HEADER_LEN + ID_LEN + up->payload_len;
}

static int make_tag(const struct sfx_uplink *up, const struct sfx_signer *signer,
                    uint8_t tag[AES_BLOCK], struct err *err)
{
    uint8_t input[HEADER_LEN + ID_LEN + SFX_PAYLOAD_MAX], states[SFX_MAC_MAX];
    int n_blocks = sfx_mac_by(signer, input, sfx_uplink_auth_input(up, input), states, err);
    if (n_blocks < 0) return n_blocks;
    memcpy(tag, n_blocks == 2 ? states + AES_BLOCK : states, AES_BLOCK);
    return ERR_OK;
}

int sfx_uplink_sign_by(struct sfx_uplink *up, const struct sfx_signer *signer, struct err *err)
{
    uint8_t tag[AES_BLOCK];
    int rc = make_tag(up, signer, tag, err);
    if (rc == ERR_OK) memcpy(up->tag, tag, up->tag_len);
    return rc;
}

int sfx_uplink_verify_by(const struct sfx_uplink *up, const struct sfx_signer *signer,
                         struct err *err)
{
    uint8_t tag[AES_BLOCK];
    int rc = make_tag(up, signer, tag, err);
    if (rc < 0) return rc;
    return up->tag_len > 0 && crypto_equal(tag, up->tag, up->tag_len);
}

int sfx_uplink_sign(struct sfx_uplink *up, const struct secret *key, struct err *err)
{
    return sfx_uplink_sign_by(up, &(struct sfx_signer){.key = key}, err);
}

int sfx_uplink_verify(const struct sfx_uplink *up, const struct secret *key, struct err *err)
{
    return sfx_uplink_verify_by(up, &(struct sfx_signer){.key = key}, err);
}

size_t sfx_uplink_packet(struct sfx_uplink *up, uint8_t packet[SFX_PACKET_MAX])
{
    size_t len = sfx_uplink_auth_input(up, packet);
    memcpy(packet + len, up->tag, up->tag_len);
    len += up->tag_len;
    up->crc = sfx_crc16(packet, len);
    packet[len] = (uint8_t)(up->crc >> 8);
    packet[len + 1] = (uint8_t)up->crc;
    return len + CRC_LEN;
}

size_t sfx_uplink_frame(enum sfx_class class, unsigned rank, const uint8_t *packet,
                        size_t packet_len, uint8_t frame[SFX_FRAME_MAX])
{
    uint32_t start = (uint32_t)PREAMBLE << TYPE_BITS | sfx_frame_type(class, rank);
    for (unsigned i = 0; i < 4; i++)
        frame[i] = (uint8_t)(start >> (24 - 8 * i));
    sfx_replica_encode(rank, packet, packet_len, frame + 4);
    return 4 + packet_len;
}

size_t sfx_uplink_uncode(enum sfx_class class, unsigned rank, const uint8_t *body,
                         uint8_t packet[SFX_PACKET_MAX])
{
    sfx_replica_decode(rank, body, classes[class].packet_len, packet);
    return classes[class].packet_len;
}

// Whether the class has this LI, and what the two say about the lengths.
static bool read_lengths(struct sfx_uplink *up)
{
    size_t room = classes[up->class].packet_len - HEADER_LEN - ID_LEN - CRC_LEN;
    bool possible = !(up->class == SFX_CLASS_A && up->li == 1) &&
                    !(up->class == SFX_CLASS_B && up->li != 0) &&
                    !(up->class == SFX_CLASS_C && up->li == 3);
    up->tag_len = possible && up->class >= SFX_CLASS_C ? 2 + up->li : 2;
    up->payload_len = room - up->tag_len;
    return possible;
}

// Type byte first; a body nobody described stays raw.
static enum sfx_status read_control(struct sfx_uplink *up)
{
    up->type = SFX_MESSAGE_CONTROL;
    size_t expected_len = up->payload_len;
    if (up->payload[0] == BODY_KEEP_ALIVE) {
        up->type = SFX_MESSAGE_KEEP_ALIVE;
        expected_len = KEEP_ALIVE_LEN;
    } else if (up->payload[0] == BODY_DL_CONFIRMATION) {
        up->type = SFX_MESSAGE_DL_CONFIRMATION;
        expected_len = DL_CONFIRMATION_LEN;
    }
    return up->payload_len == expected_len ? SFX_STATUS_OK : SFX_STATUS_BAD_CONTROL;
}

static enum sfx_message_type type_of_class_a(unsigned li)
{
    return li == 3 ? SFX_MESSAGE_BIT1 : li == 2 ? SFX_MESSAGE_BIT0 : SFX_MESSAGE_EMPTY;
}

enum sfx_status sfx_uplink_decode(enum sfx_class class, const uint8_t *packet, size_t packet_len,
                                  struct sfx_uplink *out)
{
    *out = (struct sfx_uplink){.class = class, .type = SFX_MESSAGE_BYTES};
    if (class >= SFX_CLASSES) return SFX_STATUS_BAD_TYPE;
    const size_t len = classes[class].packet_len;
    if (packet_len < len) return SFX_STATUS_TRUNCATED;

    unsigned header = (unsigned)packet[0] << 8 | packet[1];
    out->li = header >> 14;
    out->bidirectional = header >> 13 & 1;
    out->repeater = header >> 12 & 1;
    out->counter = header & 0x0FFF;
    for (unsigned i = 0; i < ID_LEN; i++)
        out->device_id |= (uint32_t)packet[HEADER_LEN + i] << 8 * i;
    bool li_ok = read_lengths(out);
    const uint8_t *rest = packet + HEADER_LEN + ID_LEN;
    memcpy(out->payload, rest, out->payload_len);
    memcpy(out->tag, rest + out->payload_len, out->tag_len);
    out->crc = (uint16_t)(packet[len - 2] << 8 | packet[len - 1]);

    enum sfx_status content = SFX_STATUS_OK;
    if (class == SFX_CLASS_A)
        out->type = type_of_class_a(out->li);
    else if (class == SFX_CLASS_CONTROL)
        content = read_control(out);

    if (sfx_crc16(packet, len - CRC_LEN) != out->crc) return SFX_STATUS_BAD_CRC;
    if (!li_ok) return SFX_STATUS_BAD_LI;
    return content;
}
