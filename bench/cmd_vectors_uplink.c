// Vectors of kind uplink: message to packet to frames, and received frames to verdicts.
#include <stdio.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/cmd_vectors.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/control.h"
#include "bench/sfx/mac.h"
#include "bench/sfx/uplink.h"

static const uint8_t public_key[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                       0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};

static void read_type(struct vector *v, struct sfx_uplink *up)
{
    const char *name = vector_text(v, "message_type");
    for (int t = SFX_MESSAGE_EMPTY; t <= SFX_MESSAGE_CONTROL; t++) {
        up->type = (enum sfx_message_type)t;
        if (strcmp(name, sfx_message_type_name(up->type)) == 0) return;
    }
    vector_fail(v, "message_type", "empty, bit0, bit1, bytes, keep_alive or dl_confirmation", name);
}

// Which of the two keys the tag is made with is itself a statement of the vector.
static void check_key(struct vector *v, struct secret *key)
{
    const char *type = vector_text(v, "key_type");
    struct secret own;
    vector_key(v, "private_key_hex", &own);
    vector_key(v, "auth_key_hex", key);
    if (strcmp(type, "private") == 0)
        vector_expect_hex(v, "auth_key_hex", own.data, own.len);
    else if (strcmp(type, "public") == 0)
        vector_expect_hex(v, "auth_key_hex", public_key, sizeof public_key);
    else
        vector_fail(v, "key_type", "private or public", type);
    secret_deinit(&own);
}

static void check_control(struct vector *v, const struct sfx_uplink *up)
{
    const struct jval *entry = v->fields, *control = jval_get(entry, "control");
    struct sfx_control body;
    if (!control) return;
    if (!sfx_control_read(up, &body)) {
        vector_fail(v, "control", "a control message", sfx_message_type_name(up->type));
        return;
    }
    bool confirms = up->type == SFX_MESSAGE_DL_CONFIRMATION;
    if (vector_enter(v, control, "control.") &&
        vector_open(v, confirms ? "voltage_idle_mv voltage_tx_mv temperature_tenth_degc rssi_dbm"
                                : "voltage_idle_mv voltage_tx_mv temperature_tenth_degc")) {
        vector_expect_number(v, "voltage_idle_mv", body.idle_mv);
        vector_expect_number(v, "voltage_tx_mv", body.transmit_mv);
        vector_expect_number(v, "temperature_tenth_degc", body.temperature_tenths);
        if (confirms) vector_expect_number(v, "rssi_dbm", body.rssi_dbm);
    }
    v->fields = entry;
    v->part[0] = 0;
}

static void check_tag(struct vector *v, struct sfx_uplink *up, const struct secret *key)
{
    uint8_t header[6 + SFX_PAYLOAD_MAX], blocks[SFX_MAC_MAX], states[SFX_MAC_MAX];
    struct err e = {0};
    size_t len = sfx_uplink_auth_input(up, header);
    vector_expect_number(v, "li", up->li);
    vector_expect_hex(v, "header_hex", header, 2);
    vector_expect_hex(v, "auth_input_hex", header, len);
    size_t n_blocks = sfx_mac_pad(header, len, blocks);
    vector_expect_hex_list(v, "auth_blocks_hex", blocks, AES_BLOCK, n_blocks);
    if (!vector_ok(v, "cbc_states_hex", sfx_mac(key, header, len, states, &e), &e)) return;
    vector_expect_hex_list(v, "cbc_states_hex", states, AES_BLOCK, n_blocks);
    if (!vector_ok(v, "auth_hex", sfx_uplink_sign(up, key, &e), &e)) return;
    vector_expect_number(v, "auth_len_bytes", (long long)up->tag_len);
    vector_expect_hex(v, "auth_hex", up->tag, up->tag_len);
}

static void check_frame(struct vector *v, enum sfx_class class, const uint8_t *packet, size_t len)
{
    if (!vector_open(v, "rank ft_13bit coded_hex frame_hex n_bits bits dbpsk_states")) return;
    unsigned rank = (unsigned)vector_number(v, "rank", SFX_RANKS);
    if (rank == 0) {
        vector_fail(v, "rank", "1 to 3", "0");
        return;
    }
    uint8_t frame[SFX_FRAME_MAX], states[8 * SFX_FRAME_MAX + 1];
    uint16_t type = sfx_frame_type(class, rank);
    const uint8_t type_bytes[2] = {(uint8_t)(type >> 8), (uint8_t)type};
    size_t n = sfx_uplink_frame(class, rank, packet, len, frame);
    sfx_phase_states(frame, 8 * n, states);
    vector_expect_hex(v, "ft_13bit", type_bytes, sizeof type_bytes);
    vector_expect_hex(v, "coded_hex", frame + 4, n - 4);
    vector_expect_hex(v, "frame_hex", frame, n);
    vector_expect_number(v, "n_bits", (long long)(8 * n));
    vector_expect_bits(v, "bits", frame, 8 * n);
    vector_expect_digits(v, "dbpsk_states", states, 8 * n + 1);
}

static void check_frames(struct vector *v, enum sfx_class class, const uint8_t *packet, size_t len)
{
    const struct jval *entry = v->fields, *frames = jval_get(entry, "frames");
    if (jval_kind(frames) != JVAL_ARRAY || jval_len(frames) == 0) {
        vector_fail(v, "frames", "a list of frames", "none");
        return;
    }
    for (size_t i = 0; i < jval_len(frames); i++)
        if (vector_enter(v, jval_at(frames, i), "frames[%zu].", i))
            check_frame(v, class, packet, len);
    v->fields = entry;
    v->part[0] = 0;
}

static void check_encode(struct vector *v)
{
    if (!vector_open(v, "device_id key_type private_key_hex auth_key_hex message_counter "
                        "message_type bidirectional payload_hex li header_hex auth_input_hex "
                        "auth_blocks_hex cbc_states_hex auth_len_bytes auth_hex crc16_hex "
                        "packet_hex frames | control"))
        return;
    struct secret key;
    struct sfx_uplink up = {.counter = (uint16_t)vector_number(v, "message_counter", 4095),
                            .bidirectional = vector_number(v, "bidirectional", 1)};
    up.device_id = vector_id(v);
    up.payload_len = vector_hex(v, "payload_hex", up.payload, 0, sizeof up.payload);
    read_type(v, &up);
    check_key(v, &key);
    struct err e = {0};
    if (vector_ok(v, "message_type", sfx_uplink_plan(&up, &e), &e)) {
        uint8_t packet[SFX_PACKET_MAX];
        check_control(v, &up);
        check_tag(v, &up, &key);
        size_t len = sfx_uplink_packet(&up, packet);
        vector_expect_hex(v, "crc16_hex", packet + len - 2, 2);
        vector_expect_hex(v, "packet_hex", packet, len);
        check_frames(v, up.class, packet, len);
    }
    secret_deinit(&key);
}

// A received frame and what was made of it.
struct received {
    uint8_t frame[SFX_FRAME_MAX];
    size_t len;
    enum sfx_class class;
    unsigned rank, type_errors;
    uint8_t packet[SFX_PACKET_MAX];
    size_t packet_len;
    struct sfx_uplink up;
    const char *result;
};

static const char *result_of(enum sfx_status status, int tag_ok)
{
    if (status == SFX_STATUS_BAD_CRC) return "crc_bad";
    if (status != SFX_STATUS_OK) return sfx_status_name(status);
    return tag_ok == 1 ? "ok" : "auth_bad";
}

static bool decode(struct vector *v, struct received *r, const struct secret *key)
{
    uint16_t type = (uint16_t)((r->frame[2] & 0x1F) << 8 | r->frame[3]);
    if (!sfx_frame_type_find(type, &r->class, &r->rank, &r->type_errors)) {
        r->result = sfx_status_name(SFX_STATUS_BAD_TYPE);
        return false;
    }
    r->packet_len = sfx_body_bits(r->class) / 8;
    if (r->len < 4 + r->packet_len) {
        r->result = sfx_status_name(SFX_STATUS_TRUNCATED);
        return false;
    }
    sfx_uplink_uncode(r->class, r->rank, r->frame + 4, r->packet);
    enum sfx_status status = sfx_uplink_decode(r->class, r->packet, r->packet_len, &r->up);
    struct err e = {0};
    int tag_ok = sfx_uplink_verify(&r->up, key, &e);
    vector_ok(v, "auth_key_hex", tag_ok, &e);
    r->result = result_of(status, tag_ok);
    return true;
}

static const struct jval *find_encode(const struct vector *v, const char *name)
{
    const struct jval *entries = jval_get(v->root, "encode");
    for (size_t i = 0; entries && i < jval_len(entries); i++) {
        const struct jval *entry = jval_at(entries, i);
        if (strcmp(jval_text(jval_get(entry, "name"), ""), name) == 0) return entry;
    }
    return NULL;
}

static const struct jval *find_frame(const struct jval *base, int64_t rank)
{
    const struct jval *frames = jval_get(base, "frames");
    for (size_t i = 0; frames && i < jval_len(frames); i++)
        if (jval_int(jval_get(jval_at(frames, i), "rank"), 0) == rank) return jval_at(frames, i);
    return NULL;
}

// Applies flipped_bits to a text of bits.
static void flip(struct vector *v, char *bits)
{
    const struct jval *flipped = jval_get(v->fields, "flipped_bits");
    size_t n = strlen(bits);
    if (jval_kind(flipped) != JVAL_ARRAY) {
        vector_fail(v, "flipped_bits", "a list of bit positions", "another type");
        return;
    }
    for (size_t i = 0; i < jval_len(flipped); i++) {
        int64_t at = jval_int(jval_at(flipped, i), -1);
        if (at < 0 || (size_t)at >= n) {
            vector_fail(v, "flipped_bits", "positions inside the frame", "one outside");
            return;
        }
        bits[at] ^= '0' ^ '1';
    }
}

// A frame without flipped bits is its base's, or a forgery with another counter or payload and a
// new CRC: then the flags, the ID and the stale tag must still be the base's.
static bool is_forged_from(const struct received *r, const struct jval *base)
{
    uint8_t packet[SFX_PACKET_MAX];
    int len = hex_decode(jval_text(jval_get(base, "packet_hex"), ""), packet, sizeof packet, NULL);
    size_t tag_at = r->packet_len - 2 - r->up.tag_len;
    return strcmp(r->result, "auth_bad") == 0 && len == (int)r->packet_len &&
           (packet[0] ^ r->packet[0]) >> 4 == 0 && memcmp(packet + 2, r->packet + 2, 4) == 0 &&
           memcmp(packet + tag_at, r->packet + tag_at, r->up.tag_len) == 0;
}

static void check_base(struct vector *v, const struct received *r)
{
    const struct jval *encode = jval_get(v->root, "encode");
    if (!encode || jval_len(encode) == 0) return; // a file of received frames alone
    const char *name = vector_text(v, "based_on");
    const struct jval *base = find_encode(v, name);
    if (!base) {
        vector_fail(v, "based_on", "the name of an entry under encode", name);
        return;
    }
    vector_expect_text(v, "device_id", jval_text(jval_get(base, "device_id"), ""));
    const struct jval *frame = find_frame(base, jval_int(jval_get(v->fields, "rank"), 0));
    char bits[8 * SFX_FRAME_MAX + 1];
    snprintf(bits, sizeof bits, "%s", jval_text(jval_get(frame, "bits"), ""));
    flip(v, bits);
    const char *theirs = jval_text(jval_get(v->fields, "bits"), "");
    bool untouched = jval_len(jval_get(v->fields, "flipped_bits")) == 0;
    if (strcmp(bits, theirs) == 0 || (untouched && is_forged_from(r, base))) return;
    char wanted[128];
    snprintf(wanted, sizeof wanted,
             "the positions where this frame differs from rank %lld of %.60s",
             (long long)jval_int(jval_get(v->fields, "rank"), 0), name);
    vector_fail(v, "flipped_bits", wanted, "others");
}

static void check_decode(struct vector *v)
{
    if (!vector_open(v, "based_on rank flipped_bits device_id auth_key_hex frame_hex bits expect"))
        return;
    struct secret key;
    struct received r = {.rank = 0};
    uint32_t id = vector_id(v);
    vector_key(v, "auth_key_hex", &key);
    r.len = vector_hex(v, "frame_hex", r.frame, 4, sizeof r.frame);
    vector_expect_bits(v, "bits", r.frame, 8 * r.len);
    bool readable = decode(v, &r, &key);
    vector_expect_number(v, "rank", r.rank);
    if (readable && strcmp(r.result, "crc_bad") != 0 && r.up.device_id != id) {
        const uint8_t b[4] = {(uint8_t)(r.up.device_id >> 24), (uint8_t)(r.up.device_id >> 16),
                              (uint8_t)(r.up.device_id >> 8), (uint8_t)r.up.device_id};
        vector_expect_hex(v, "device_id", b, sizeof b);
    }
    check_base(v, &r);
    if (vector_enter(v, jval_get(v->fields, "expect"), "expect.") &&
        vector_open(v, "result rank_detected ft_bit_errors")) {
        vector_expect_text(v, "result", r.result);
        vector_expect_number(v, "rank_detected", r.rank);
        vector_expect_number(v, "ft_bit_errors", r.type_errors);
    }
    secret_deinit(&key);
}

static const struct vector_list lists[] = {
    {"encode", check_encode}, {"decode", check_decode}, {NULL, NULL}};

const struct vector_kind vectors_uplink = {"uplink", lists};
