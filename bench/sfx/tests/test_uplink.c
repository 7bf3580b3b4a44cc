// The uplink frame against the worked example of protocol.md section 3 and its own algebra. The
// public vectors run in test_vectors.c.
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/uplink.h"

static const uint8_t test_key[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                     0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
    char text[2 * SFX_FRAME_MAX + 1];
    hex_encode(data, len, text);
    assert_string_equal(text, expected);
}

static void sign_and_pack(struct sfx_uplink *up, const struct secret *key, uint8_t *packet,
                          size_t *len)
{
    assert_int_equal(sfx_uplink_plan(up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(up, key, NULL), ERR_OK);
    *len = sfx_uplink_packet(up, packet);
    assert_int_equal(8 * *len, sfx_body_bits(up->class));
}

static void test_uplink_makes_the_worked_example(void **state)
{
    (void)state;
    static const char *const frames[] = {"aaaaa35f800198badcfe0102a6b7c6cf0a66",
                                         "aaaaa598e00132c905be81c35c41d41b4dcc",
                                         "aaaaa5a3a001fe946bc181420f1a377cc8ff"};
    struct secret key;
    assert_int_equal(secret_init(&key, test_key, sizeof test_key, NULL), ERR_OK);
    struct sfx_uplink up = {.type = SFX_MESSAGE_BYTES,
                            .device_id = 0xFEDCBA98,
                            .counter = 1,
                            .payload = {1, 2},
                            .payload_len = 2};
    uint8_t packet[SFX_PACKET_MAX], frame[SFX_FRAME_MAX], back[SFX_PACKET_MAX];
    size_t len;
    sign_and_pack(&up, &key, packet, &len);
    assert_hex(packet, len, "800198badcfe0102a6b7c6cf0a66");
    for (unsigned rank = 1; rank <= SFX_RANKS; rank++) {
        size_t n = sfx_uplink_frame(up.class, rank, packet, len, frame);
        assert_hex(frame, n, frames[rank - 1]);
        assert_int_equal(sfx_uplink_uncode(up.class, rank, frame + 4, back), len);
        assert_memory_equal(back, packet, len);
    }
    secret_deinit(&key);
}

static void random_message(uint64_t key, uint64_t n, struct sfx_uplink *up)
{
    uint64_t r = rng_u64(key, 16 * n);
    *up = (struct sfx_uplink){.type = (enum sfx_message_type)(r % (SFX_MESSAGE_CONTROL + 1)),
                              .counter = r >> 8 & 0xFFF,
                              .repeater = r >> 24 & 1,
                              .device_id = (uint32_t)(r >> 32)};
    for (unsigned i = 0; i < SFX_PAYLOAD_MAX; i++)
        up->payload[i] = (uint8_t)rng_u64(key, 16 * n + 1 + i);
    bool control = up->type >= SFX_MESSAGE_KEEP_ALIVE;
    if (!control) up->bidirectional = r >> 25 & 1;
    if (up->type == SFX_MESSAGE_BYTES) up->payload_len = 1 + (r >> 26) % 12;
    if (up->type == SFX_MESSAGE_KEEP_ALIVE) up->payload[0] = 8, up->payload_len = 7;
    if (up->type == SFX_MESSAGE_DL_CONFIRMATION) up->payload[0] = 9, up->payload_len = 8;
    if (up->type == SFX_MESSAGE_CONTROL) {
        up->payload_len = 5 + (r >> 26) % 4;
        if (up->payload[0] == 8 || up->payload[0] == 9) up->payload[0] = 0x77;
    }
    memset(up->payload + up->payload_len, 0, SFX_PAYLOAD_MAX - up->payload_len);
}

static void test_uplink_decodes_what_it_encodes(void **state)
{
    (void)state;
    const uint64_t stream = rng_key(1, "uplink round trip");
    for (uint64_t n = 0; n < 2000; n++) {
        struct sfx_uplink up, back;
        random_message(stream, n, &up);
        uint8_t raw[16], packet[SFX_PACKET_MAX], frame[SFX_FRAME_MAX], body[SFX_PACKET_MAX];
        for (unsigned i = 0; i < 16; i++)
            raw[i] = (uint8_t)rng_u64(stream, 1000000 + 16 * n + i);
        struct secret key;
        assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), ERR_OK);
        size_t len;
        sign_and_pack(&up, &key, packet, &len);
        unsigned rank = 1 + (unsigned)(n % SFX_RANKS);
        sfx_uplink_frame(up.class, rank, packet, len, frame);
        enum sfx_class class;
        unsigned found_rank, errors;
        assert_true(sfx_frame_type_find((uint16_t)((frame[2] & 0x1F) << 8 | frame[3]), &class,
                                        &found_rank, &errors));
        assert_int_equal(found_rank, rank);
        assert_int_equal(errors, 0);
        size_t body_len = sfx_uplink_uncode(class, rank, frame + 4, body);
        assert_int_equal(sfx_uplink_decode(class, body, body_len, &back), SFX_STATUS_OK);
        assert_int_equal(back.type, up.type);
        assert_int_equal(back.class, up.class);
        assert_int_equal(back.bidirectional, up.bidirectional);
        assert_int_equal(back.repeater, up.repeater);
        assert_int_equal(back.li, up.li);
        assert_int_equal(back.counter, up.counter);
        assert_int_equal(back.device_id, up.device_id);
        assert_int_equal(back.payload_len, up.payload_len);
        assert_memory_equal(back.payload, up.payload, sizeof up.payload);
        assert_int_equal(back.tag_len, up.tag_len);
        assert_memory_equal(back.tag, up.tag, sizeof up.tag);
        assert_int_equal(back.crc, up.crc);
        assert_int_equal(sfx_uplink_verify(&back, &key, NULL), 1);
        back.counter ^= 1;
        assert_int_equal(sfx_uplink_verify(&back, &key, NULL), 0);
        secret_deinit(&key);
    }
}

// Every frame type with any one or two of its 13 bits wrong is still recognised; the distance of 5
// allows no more.
static void test_uplink_recognises_types_with_two_wrong_bits(void **state)
{
    (void)state;
    for (unsigned c = 0; c < SFX_CLASSES; c++)
        for (unsigned r = 1; r <= SFX_RANKS; r++) {
            uint16_t type = sfx_frame_type((enum sfx_class)c, r);
            for (unsigned i = 0; i < 13; i++)
                for (unsigned j = i; j < 13; j++) {
                    enum sfx_class class;
                    unsigned rank, errors;
                    unsigned wrong = 1u << i | 1u << j;
                    assert_true(
                        sfx_frame_type_find((uint16_t)(type ^ wrong), &class, &rank, &errors));
                    assert_int_equal(class, c);
                    assert_int_equal(rank, r);
                    assert_int_equal(errors, i == j ? 1 : 2);
                }
        }
}

static void test_uplink_refuses_types_three_bits_away(void **state)
{
    (void)state;
    enum sfx_class class;
    unsigned rank, errors, refused = 0;
    for (unsigned type = 0; type < 1u << 13; type++)
        refused += !sfx_frame_type_find((uint16_t)type, &class, &rank, &errors);
    // 18 disjoint balls of radius 2 around the codewords: 1 + 13 + 78 words each
    assert_int_equal(refused, 8192 - 18 * 92);
}

static void set_crc(uint8_t *packet, size_t len)
{
    // bit by bit, straight from the polynomial, so that it does not share the decoder's routine
    unsigned crc = 0;
    for (size_t n = 0; n < 8 * (len - 2); n++) {
        unsigned top = (crc >> 15 & 1) ^ sfx_bit(packet, n);
        crc = (crc << 1 & 0xFFFF) ^ (top ? 0x1021 : 0);
    }
    crc ^= 0xFFFF;
    packet[len - 2] = (uint8_t)(crc >> 8);
    packet[len - 1] = (uint8_t)crc;
}

static enum sfx_status decode_with(enum sfx_class class, unsigned li, uint8_t body,
                                   struct sfx_uplink *up)
{
    uint8_t packet[SFX_PACKET_MAX] = {(uint8_t)(li << 6), 0x17, 1, 2, 3, 4, body};
    size_t len = sfx_body_bits(class) / 8;
    set_crc(packet, len);
    return sfx_uplink_decode(class, packet, len, up);
}

static void test_uplink_rejects_impossible_length_indicators(void **state)
{
    (void)state;
    struct sfx_uplink up;
    for (unsigned c = 0; c <= SFX_CLASS_E; c++)
        for (unsigned li = 0; li < 4; li++) {
            bool possible = !((c == SFX_CLASS_A && li == 1) || (c == SFX_CLASS_B && li != 0) ||
                              (c == SFX_CLASS_C && li == 3));
            assert_int_equal(decode_with((enum sfx_class)c, li, 0, &up),
                             possible ? SFX_STATUS_OK : SFX_STATUS_BAD_LI);
        }
}

static void test_uplink_reads_control_messages_by_their_type_byte(void **state)
{
    (void)state;
    struct sfx_uplink up;
    assert_int_equal(decode_with(SFX_CLASS_CONTROL, 1, 0x08, &up), SFX_STATUS_OK);
    assert_int_equal(up.type, SFX_MESSAGE_KEEP_ALIVE);
    assert_int_equal(decode_with(SFX_CLASS_CONTROL, 0, 0x09, &up), SFX_STATUS_OK);
    assert_int_equal(up.type, SFX_MESSAGE_DL_CONFIRMATION);
    assert_int_equal(decode_with(SFX_CLASS_CONTROL, 0, 0x08, &up), SFX_STATUS_BAD_CONTROL);
    assert_int_equal(decode_with(SFX_CLASS_CONTROL, 1, 0x09, &up), SFX_STATUS_BAD_CONTROL);
    assert_int_equal(decode_with(SFX_CLASS_CONTROL, 3, 0x5A, &up), SFX_STATUS_OK);
    assert_int_equal(up.type, SFX_MESSAGE_CONTROL);
    assert_int_equal(up.payload_len, 5);
    assert_int_equal(up.tag_len, 5);
}

static void test_uplink_reports_short_and_damaged_packets(void **state)
{
    (void)state;
    uint8_t packet[SFX_PACKET_MAX] = {0x80, 0x17, 1, 2, 3, 4};
    struct sfx_uplink up;
    set_crc(packet, 14);
    assert_int_equal(sfx_uplink_decode(SFX_CLASS_C, packet, 13, &up), SFX_STATUS_TRUNCATED);
    assert_int_equal(sfx_uplink_decode(SFX_CLASS_C, packet, 0, &up), SFX_STATUS_TRUNCATED);
    assert_int_equal(sfx_uplink_decode(SFX_CLASS_C, packet, 14, &up), SFX_STATUS_OK);
    for (unsigned bit = 0; bit < 14 * 8; bit++) {
        packet[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        assert_int_equal(sfx_uplink_decode(SFX_CLASS_C, packet, 14, &up), SFX_STATUS_BAD_CRC);
        packet[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    }
    assert_int_equal(sfx_uplink_decode(SFX_CLASSES, packet, 14, &up), SFX_STATUS_BAD_TYPE);
}

static void refuse(struct sfx_uplink up, const char *part)
{
    struct err e = {0};
    assert_int_equal(sfx_uplink_plan(&up, &e), ERR_INVALID);
    if (!strstr(e.text, part)) fail_msg("expected \"%s\" in \"%s\"", part, e.text);
}

static void test_uplink_says_what_cannot_be_sent(void **state)
{
    (void)state;
    refuse((struct sfx_uplink){.type = SFX_MESSAGE_BYTES}, "1 to 12 bytes, got 0");
    refuse((struct sfx_uplink){.type = SFX_MESSAGE_BYTES, .payload_len = 13}, "got 13");
    refuse((struct sfx_uplink){.type = SFX_MESSAGE_BIT1, .payload_len = 1}, "no payload");
    refuse((struct sfx_uplink){.type = SFX_MESSAGE_BIT1, .counter = 4096}, "got 4096");
    refuse((struct sfx_uplink){.type = SFX_MESSAGE_KEEP_ALIVE, .payload_len = 7}, "the first 08");
    refuse((struct sfx_uplink){.type = SFX_MESSAGE_CONTROL, .payload_len = 4}, "5 to 8 bytes");
    refuse((struct sfx_uplink){.type = SFX_MESSAGE_CONTROL, .payload_len = 5, .bidirectional = 1},
           "cannot ask for a downlink");
}

static void assert_lower(const char *name, const char *upper)
{
    assert_int_equal(strlen(name), strlen(upper));
    for (size_t i = 0; name[i]; i++)
        assert_int_equal(name[i], tolower((unsigned char)upper[i]));
}

static void test_uplink_names_follow_the_list(void **state)
{
    (void)state;
#define STATUS(name, text)                                                                         \
    assert_lower(sfx_status_name(SFX_STATUS_##name), #name);                                       \
    assert_string_equal(sfx_status_text(SFX_STATUS_##name), text);
#include "bench/sfx/frame_status.def"
#undef STATUS
    assert_string_equal(sfx_message_type_name(SFX_MESSAGE_DL_CONFIRMATION), "dl_confirmation");
    assert_string_equal(sfx_class_name(SFX_CLASS_CONTROL), "control");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uplink_makes_the_worked_example),
        cmocka_unit_test(test_uplink_decodes_what_it_encodes),
        cmocka_unit_test(test_uplink_recognises_types_with_two_wrong_bits),
        cmocka_unit_test(test_uplink_refuses_types_three_bits_away),
        cmocka_unit_test(test_uplink_rejects_impossible_length_indicators),
        cmocka_unit_test(test_uplink_reads_control_messages_by_their_type_byte),
        cmocka_unit_test(test_uplink_reports_short_and_damaged_packets),
        cmocka_unit_test(test_uplink_says_what_cannot_be_sent),
        cmocka_unit_test(test_uplink_names_follow_the_list),
    };
    return cmocka_run_group_tests_name("sfx/uplink", tests, NULL, NULL);
}
