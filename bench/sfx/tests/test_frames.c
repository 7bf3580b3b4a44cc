// What must hold for every frame, whichever: table of all malformed combinations of an uplink, and
// the odds of chance. Numbers of protocol.md sections 1.2, 2 and 7.4 are written down anew here.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/sfx/bch.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/uplink.h"

enum { LIS = 4, ANY = -1, TYPE_BYTE_AT = 6 };

// One row of the table in section 2.1, and every combination that is not in it: class, LI, type
// byte of a control message, and what becomes of it.
static const struct {
    enum sfx_class class;
    unsigned li;
    int type_byte; // ANY: other than 08 and 09, or no control message
    enum sfx_status status;
    enum sfx_message_type type;
    size_t payload_len, tag_len;
} combinations[] = {
    {SFX_CLASS_A, 0, ANY, SFX_STATUS_OK, SFX_MESSAGE_EMPTY, 0, 2},
    {SFX_CLASS_A, 1, ANY, SFX_STATUS_BAD_LI, 0, 0, 2},
    {SFX_CLASS_A, 2, ANY, SFX_STATUS_OK, SFX_MESSAGE_BIT0, 0, 2},
    {SFX_CLASS_A, 3, ANY, SFX_STATUS_OK, SFX_MESSAGE_BIT1, 0, 2},
    {SFX_CLASS_B, 0, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 1, 2},
    {SFX_CLASS_B, 1, ANY, SFX_STATUS_BAD_LI, 0, 0, 0},
    {SFX_CLASS_B, 2, ANY, SFX_STATUS_BAD_LI, 0, 0, 0},
    {SFX_CLASS_B, 3, ANY, SFX_STATUS_BAD_LI, 0, 0, 0},
    {SFX_CLASS_C, 0, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 4, 2},
    {SFX_CLASS_C, 1, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 3, 3},
    {SFX_CLASS_C, 2, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 2, 4},
    {SFX_CLASS_C, 3, ANY, SFX_STATUS_BAD_LI, 0, 0, 0},
    {SFX_CLASS_D, 0, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 8, 2},
    {SFX_CLASS_D, 1, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 7, 3},
    {SFX_CLASS_D, 2, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 6, 4},
    {SFX_CLASS_D, 3, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 5, 5},
    {SFX_CLASS_E, 0, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 12, 2},
    {SFX_CLASS_E, 1, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 11, 3},
    {SFX_CLASS_E, 2, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 10, 4},
    {SFX_CLASS_E, 3, ANY, SFX_STATUS_OK, SFX_MESSAGE_BYTES, 9, 5},
    {SFX_CLASS_CONTROL, 0, 0x08, SFX_STATUS_BAD_CONTROL, 0, 0, 0},
    {SFX_CLASS_CONTROL, 1, 0x08, SFX_STATUS_OK, SFX_MESSAGE_KEEP_ALIVE, 7, 3},
    {SFX_CLASS_CONTROL, 2, 0x08, SFX_STATUS_BAD_CONTROL, 0, 0, 0},
    {SFX_CLASS_CONTROL, 3, 0x08, SFX_STATUS_BAD_CONTROL, 0, 0, 0},
    {SFX_CLASS_CONTROL, 0, 0x09, SFX_STATUS_OK, SFX_MESSAGE_DL_CONFIRMATION, 8, 2},
    {SFX_CLASS_CONTROL, 1, 0x09, SFX_STATUS_BAD_CONTROL, 0, 0, 0},
    {SFX_CLASS_CONTROL, 2, 0x09, SFX_STATUS_BAD_CONTROL, 0, 0, 0},
    {SFX_CLASS_CONTROL, 3, 0x09, SFX_STATUS_BAD_CONTROL, 0, 0, 0},
    // unknown bodies are kept as raw bytes
    {SFX_CLASS_CONTROL, 0, ANY, SFX_STATUS_OK, SFX_MESSAGE_CONTROL, 8, 2},
    {SFX_CLASS_CONTROL, 1, ANY, SFX_STATUS_OK, SFX_MESSAGE_CONTROL, 7, 3},
    {SFX_CLASS_CONTROL, 2, ANY, SFX_STATUS_OK, SFX_MESSAGE_CONTROL, 6, 4},
    {SFX_CLASS_CONTROL, 3, ANY, SFX_STATUS_OK, SFX_MESSAGE_CONTROL, 5, 5},
};

enum { COMBINATIONS = sizeof combinations / sizeof combinations[0] };

static const unsigned body_bytes[SFX_CLASSES] = {10, 11, 14, 18, 22, 18};

// Bit by bit, straight from the polynomial, so that it does not share the decoder's routine.
static unsigned plain_crc16(const uint8_t *packet, size_t len)
{
    unsigned crc = 0;
    for (size_t n = 0; n < 8 * len; n++) {
        unsigned top = (crc >> 15 & 1) ^ (packet[n / 8] >> (7 - n % 8) & 1);
        crc = (crc << 1 & 0xFFFF) ^ (top ? 0x1021 : 0);
    }
    return crc ^ 0xFFFF;
}

static void put_crc(uint8_t *packet, size_t len)
{
    unsigned crc = plain_crc16(packet, len - 2);
    packet[len - 2] = (uint8_t)(crc >> 8);
    packet[len - 1] = (uint8_t)crc;
}

static void check_combination(size_t row, unsigned type_byte, unsigned flags)
{
    const enum sfx_class class = combinations[row].class;
    const size_t len = body_bytes[class];
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    for (size_t i = 0; i < sizeof packet; i++)
        packet[i] = (uint8_t)rng_u64(row, i);
    packet[0] = (uint8_t)(combinations[row].li << 6 | flags << 4 | (packet[0] & 0x0F));
    packet[TYPE_BYTE_AT] = (uint8_t)type_byte;
    put_crc(packet, len);
    assert_int_equal(sfx_uplink_decode(class, packet, len, &up), combinations[row].status);
    assert_int_equal(up.li, combinations[row].li);
    assert_int_equal(up.bidirectional, flags >> 1);
    assert_int_equal(up.repeater, flags & 1);
    assert_int_equal(up.counter, (packet[0] & 0x0F) << 8 | packet[1]);
    if (combinations[row].status == SFX_STATUS_OK) {
        assert_int_equal(up.type, combinations[row].type);
        assert_int_equal(up.payload_len, combinations[row].payload_len);
        assert_int_equal(up.tag_len, combinations[row].tag_len);
        assert_int_equal(6 + up.payload_len + up.tag_len + 2, len);
    }
    // a short one and one with a wrong CRC have a status of their own, before any other
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(sfx_uplink_decode(class, packet, cut, &up), SFX_STATUS_TRUNCATED);
    packet[len - 1] ^= 1;
    assert_int_equal(sfx_uplink_decode(class, packet, len, &up), SFX_STATUS_BAD_CRC);
}

static void test_uplink_knows_every_combination(void **state)
{
    (void)state;
    unsigned seen[SFX_CLASSES] = {0};
    for (size_t row = 0; row < COMBINATIONS; row++) {
        seen[combinations[row].class] |= 1u << combinations[row].li;
        for (unsigned flags = 0; flags < 4; flags++) { // BF and REP
            bool any = combinations[row].type_byte == ANY;
            for (unsigned b = 0; any && b < 256; b++)
                if (combinations[row].class != SFX_CLASS_CONTROL || (b != 8 && b != 9))
                    check_combination(row, b, flags);
            if (!any) check_combination(row, (unsigned)combinations[row].type_byte, flags);
        }
    }
    for (unsigned c = 0; c < SFX_CLASSES; c++)
        assert_int_equal(seen[c], (1u << LIS) - 1);
}

// Frame types as protocol.md prints them.
static void test_frame_types_are_the_printed_ones(void **state)
{
    (void)state;
    static const uint16_t types[SFX_CLASSES][SFX_RANKS] = {
        {0x006B, 0x06E0, 0x0034}, {0x008D, 0x00D2, 0x0302}, {0x035F, 0x0598, 0x05A3},
        {0x0611, 0x06BF, 0x072C}, {0x094C, 0x0971, 0x0997}, {0x0F67, 0x0FC9, 0x11BE}};
    for (unsigned c = 0; c < SFX_CLASSES; c++)
        for (unsigned r = 1; r <= SFX_RANKS; r++) {
            assert_int_equal(sfx_frame_type((enum sfx_class)c, r), types[c][r - 1]);
            assert_int_equal(sfx_body_bits((enum sfx_class)c), 8 * body_bytes[c]);
        }
}

// A million random bodies: the CRC lets one in 65536 pass (15 expected, 30 is 3.9 standard
// deviations away), and a tag of four bytes or more none of those.
static void test_random_bodies_do_not_pass(void **state)
{
    (void)state;
    const uint64_t stream = rng_key(1, "random bodies");
    const struct secret key = {.len = 16, .data = {1, 2, 3, 4, 5, 6, 7, 8}};
    unsigned passed = 0, long_tags = 0;
    for (uint64_t n = 0; n < 1000000; n++) {
        uint64_t words[3] = {rng_u64(stream, 4 * n), rng_u64(stream, 4 * n + 1),
                             rng_u64(stream, 4 * n + 2)};
        uint8_t packet[SFX_PACKET_MAX];
        struct sfx_uplink up;
        enum sfx_class class = (enum sfx_class)(n % SFX_CLASSES);
        unsigned rank = 1 + (unsigned)(n / SFX_CLASSES % SFX_RANKS);
        size_t len = sfx_uplink_uncode(class, rank, (const uint8_t *)words, packet);
        enum sfx_status status = sfx_uplink_decode(class, packet, len, &up);
        if (status == SFX_STATUS_BAD_CRC) continue;
        passed++;
        if (up.tag_len < 4) continue;
        long_tags++;
        assert_int_equal(sfx_uplink_verify(&up, &key, NULL), 0);
    }
    print_message("# %u of 1000000 passed the CRC, %u of them with a tag of 4 bytes or more\n",
                  passed, long_tags);
    assert_in_range(passed, 3, 30);
}

// Whatever a tag's length, what is not the tag is refused: each wrong bit on its own.
static void test_every_wrong_bit_of_a_signed_packet_is_refused(void **state)
{
    (void)state;
    const struct secret key = {.len = 16, .data = {9, 8, 7}};
    for (unsigned len = 1; len <= SFX_PAYLOAD_MAX; len++) {
        struct sfx_uplink up = {.type = SFX_MESSAGE_BYTES,
                                .device_id = 0x00F0C5A1,
                                .counter = (uint16_t)(100 * len),
                                .payload_len = len};
        uint8_t packet[SFX_PACKET_MAX];
        unsigned accepted = 0;
        assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
        assert_int_equal(sfx_uplink_sign(&up, &key, NULL), ERR_OK);
        size_t bytes = sfx_uplink_packet(&up, packet);
        for (size_t bit = 0; bit < 8 * (bytes - 2); bit++) {
            struct sfx_uplink got;
            packet[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            put_crc(packet, bytes);
            if (sfx_uplink_decode(up.class, packet, bytes, &got) == SFX_STATUS_OK)
                accepted += sfx_uplink_verify(&got, &key, NULL) == 1;
            packet[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        }
        assert_int_equal(accepted, 0);
    }
}

// Every double error in every codeword is turned into a third one; the CRC finds that, but for the
// few that stay in the parity, where nothing of the content is wrong. Counted, not assumed.
static void test_double_errors_are_found_by_the_stages_behind(void **state)
{
    (void)state;
    const uint64_t stream = rng_key(2, "double errors");
    const struct secret key = {.len = 16, .data = {3, 1, 4, 1, 5}};
    const struct sfx_signer signer = {.key = &key};
    unsigned refused[SFX_DOWNLINK_BAD_TAG + 1] = {0}, harmless = 0, all = 0;
    for (uint64_t n = 0; n < 10; n++) {
        struct sfx_downlink dl = {.device_id = (uint32_t)rng_u64(stream, 20 * n),
                                  .counter = (uint16_t)(rng_u64(stream, 20 * n + 1) & 0xFFF)};
        for (unsigned i = 0; i < SFX_DL_PAYLOAD; i++)
            dl.payload[i] = (uint8_t)rng_u64(stream, 20 * n + 2 + i);
        uint8_t frame[SFX_DL_FRAME];
        assert_int_equal(sfx_downlink_sign_by(&dl, &signer, NULL), ERR_OK);
        sfx_downlink_frame(&dl, frame);
        for (unsigned k = 0; k < 8; k++)
            for (unsigned a = 0; a < SFX_DL_FRAME; a++)
                for (unsigned b = a + 1; b < SFX_DL_FRAME; b++) {
                    struct sfx_downlink got = {.device_id = dl.device_id, .counter = dl.counter};
                    unsigned corrected;
                    frame[a] ^= (uint8_t)(1u << k);
                    frame[b] ^= (uint8_t)(1u << k);
                    int status = sfx_downlink_read(frame, &got, &signer, &corrected, NULL);
                    frame[a] ^= (uint8_t)(1u << k);
                    frame[b] ^= (uint8_t)(1u << k);
                    assert_int_equal(corrected, 1); // it believes that it has mended one
                    all++;
                    refused[status]++;
                    if (status != SFX_DOWNLINK_OK) continue;
                    assert_memory_equal(got.payload, dl.payload, SFX_DL_PAYLOAD);
                    harmless++;
                }
    }
    print_message("# %u double errors: %u refused by the CRC, %u by the tag, %u in the parity\n",
                  all, refused[SFX_DOWNLINK_BAD_CRC], refused[SFX_DOWNLINK_BAD_TAG], harmless);
    // Two errors at x^a and x^b become a third at x^c with x^a + x^b + x^c = 0. All three in the
    // parity (below x^4) would need three of 1, x, x^2, x^3 to add up to 0: there is no such pair.
    assert_int_equal(harmless, 0);
    assert_int_equal(refused[SFX_DOWNLINK_BAD_CRC], all);
}

static void test_a_downlink_says_which_stage_refused_it(void **state)
{
    (void)state;
    const struct secret key = {.len = 16, .data = {2, 7}}, other = {.len = 16, .data = {2, 8}};
    struct sfx_downlink dl = {.device_id = 0x00F0C5A1, .counter = 77, .payload = "sevensix"};
    uint8_t frame[SFX_DL_FRAME];
    unsigned corrected;
    assert_int_equal(sfx_downlink_sign(&dl, &key, NULL), ERR_OK);
    sfx_downlink_frame(&dl, frame);
    frame[7] ^= 0x81; // two codewords, one wrong bit each
    struct sfx_downlink got = {.device_id = dl.device_id, .counter = dl.counter};
    int status =
        sfx_downlink_read(frame, &got, &(struct sfx_signer){.key = &key}, &corrected, NULL);
    assert_int_equal(status, SFX_DOWNLINK_OK);
    assert_int_equal(corrected, 2);
    status = sfx_downlink_read(frame, &got, &(struct sfx_signer){.key = &other}, NULL, NULL);
    assert_int_equal(status, SFX_DOWNLINK_BAD_TAG);
    assert_memory_equal(got.payload, dl.payload, SFX_DL_PAYLOAD);
    got.counter ^= 1; // another counter, another scrambling
    status = sfx_downlink_read(frame, &got, &(struct sfx_signer){.key = &key}, NULL, NULL);
    assert_int_equal(status, SFX_DOWNLINK_BAD_CRC);
    assert_string_equal(sfx_downlink_status_name(SFX_DOWNLINK_BAD_TAG), "bad_tag");
    assert_string_equal(sfx_downlink_status_name(SFX_DOWNLINK_BAD_CRC), "bad_crc");
    assert_string_equal(sfx_downlink_status_name(SFX_DOWNLINK_OK), "ok");
    assert_string_equal(sfx_downlink_status_text(SFX_DOWNLINK_BAD_CRC),
                        "CRC wrong after correction");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uplink_knows_every_combination),
        cmocka_unit_test(test_frame_types_are_the_printed_ones),
        cmocka_unit_test(test_random_bodies_do_not_pass),
        cmocka_unit_test(test_every_wrong_bit_of_a_signed_packet_is_refused),
        cmocka_unit_test(test_double_errors_are_found_by_the_stages_behind),
        cmocka_unit_test(test_a_downlink_says_which_stage_refused_it),
    };
    return cmocka_run_group_tests_name("sfx/frames", tests, NULL, NULL);
}
