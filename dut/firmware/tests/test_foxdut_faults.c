// Each seeded fault does exactly what faults.def says: frames are compared with those of the
// faultless device, field by field, for every kind of message. The tags are computed here with
// AES alone, not with the device's code.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"
#include "dut/firmware/tests/run.h"

static const char own_key[] = "000102030405060708090a0b0c0d0e0f";

static void take_run(struct run *r, const char *fault)
{
    const char *const args[] = {"--fault", fault, NULL};
    run_take(r, own_key, 0x0a1, fault ? args : NULL);
}

// Same packet but for its tag and CRC; the CRC must be good again.
static void assert_differs_in_tag_only(const struct run *a, const struct run *b, size_t kind,
                                       unsigned rank)
{
    size_t covered = 6 + run_payload_len(kind);
    assert_int_equal(a->len[kind], b->len[kind]);
    assert_memory_equal(a->packet[kind][rank - 1], b->packet[kind][rank - 1], covered);
    run_assert_crc(b->packet[kind][rank - 1], b->len[kind]);
}

static void assert_same(const struct run *a, const struct run *b, size_t kind, unsigned rank)
{
    assert_int_equal(a->len[kind], b->len[kind]);
    assert_memory_equal(a->packet[kind][rank - 1], b->packet[kind][rank - 1], a->len[kind]);
}

// Every frame of `r` carries the first bytes of the MAC that key, covered length and blocks give.
static void assert_tags(const struct run *r, const char *key_hex, bool payload_covered,
                        unsigned max_blocks)
{
    for (size_t k = 0; k < KINDS; k++) {
        size_t body = 6 + run_payload_len(k), tag_len = r->len[k] - CRC - body;
        assert_true(tag_len >= 2 && tag_len <= 5);
        uint8_t full[16];
        run_mac(key_hex, r->packet[k][0], payload_covered ? body : 6, max_blocks, full);
        for (unsigned rank = 0; rank < RANKS; rank++)
            assert_memory_equal(r->packet[k][rank] + body, full, tag_len);
    }
}

static void test_no_fault_is_right(void **state)
{
    const struct run *good = *state;
    assert_tags(good, own_key, true, 2);
    for (size_t k = 0; k < KINDS; k++) {
        run_assert_crc(good->packet[k][0], good->len[k]);
        for (unsigned rank = 2; rank <= RANKS; rank++)
            assert_memory_equal(good->packet[k][0], good->packet[k][rank - 1], good->len[k]);
    }
}

static void test_auth_001_leaves_the_payload_out_of_the_tag(void **state)
{
    struct run r;
    take_run(&r, "MUT-AUTH-001");
    assert_tags(&r, own_key, false, 2);
    for (size_t k = 0; k < KINDS; k++)
        for (unsigned rank = 1; rank <= RANKS; rank++)
            assert_differs_in_tag_only(*state, &r, k, rank);
}

static void test_auth_003_drops_the_second_block(void **state)
{
    struct run r;
    take_run(&r, "MUT-AUTH-003");
    assert_tags(&r, own_key, true, 1);
    for (size_t k = 0; k < KINDS; k++) {
        for (unsigned rank = 1; rank <= RANKS; rank++) {
            if (run_payload_len(k) > 10)
                assert_differs_in_tag_only(*state, &r, k, rank);
            else
                assert_same(*state, &r, k, rank);
        }
    }
}

static void test_auth_005_pads_to_the_class_size(void **state)
{
    static const size_t class_size[KINDS] = {0, 0, 1, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 0, 8};
    const struct run *good = *state;
    struct run r;
    take_run(&r, "MUT-AUTH-005");
    for (size_t k = 0; k < KINDS; k++) {
        // Frames that already have LI 0 and bit messages, whose LI is the message, stay.
        if (run_payload_len(k) == class_size[k]) {
            for (unsigned rank = 1; rank <= RANKS; rank++)
                assert_same(good, &r, k, rank);
            continue;
        }
        assert_int_equal(r.len[k], good->len[k]);
        uint8_t expected[22] = {0};
        memcpy(expected, good->packet[k][0], 6 + run_payload_len(k));
        expected[0] &= 0x3f; // LI
        uint8_t full[16];
        run_mac(own_key, expected, 6 + class_size[k], 2, full);
        memcpy(expected + 6 + class_size[k], full, 2);
        uint16_t crc = run_crc16(expected, 8 + class_size[k]);
        expected[8 + class_size[k]] = (uint8_t)(crc >> 8);
        expected[9 + class_size[k]] = (uint8_t)crc;
        assert_int_equal(r.len[k], 10 + class_size[k]);
        for (unsigned rank = 0; rank < RANKS; rank++)
            assert_memory_equal(r.packet[k][rank], expected, r.len[k]);
    }
}

// The last key is what `printf vendor0BADCAFE | sha256sum` begins with.
static void test_other_keys_sign(void **state)
{
    static const char *const cases[][2] = {{"MUT-AUTH-006", "00112233445566778899aabbccddeeff"},
                                           {"MUT-AUTH-007", "0123456789abcdef0123456789abcdef"},
                                           {"MUT-AUTH-008", "0badcafe0badcafe0badcafe0badcafe"},
                                           {"MUT-CLN-002", "95ffddddc0845d3b51cd14da0f6691aa"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run r;
        take_run(&r, cases[i][0]);
        assert_tags(&r, cases[i][1], true, 2);
        for (size_t k = 0; k < KINDS; k++)
            for (unsigned rank = 1; rank <= RANKS; rank++)
                assert_differs_in_tag_only(*state, &r, k, rank);
    }
}

// What the MAC is made of, before it is filled up to whole blocks.
static size_t mac_input(const struct run *r, size_t kind, uint8_t in[MAC_INPUT_MAX])
{
    size_t len = 6 + run_payload_len(kind);
    memcpy(in, r->packet[kind][0], len);
    return len;
}

static void assert_tag_of(const struct run *r, size_t kind, const uint8_t *in, size_t len)
{
    uint8_t full[16];
    size_t body = 6 + run_payload_len(kind);
    run_mac(own_key, in, len, 2, full);
    for (unsigned rank = 0; rank < RANKS; rank++)
        assert_memory_equal(r->packet[kind][rank] + body, full, r->len[kind] - CRC - body);
}

static void test_auth_002_turns_the_id_round_in_the_tag(void **state)
{
    struct run r;
    take_run(&r, "MUT-AUTH-002");
    for (size_t k = 0; k < KINDS; k++) {
        uint8_t in[MAC_INPUT_MAX];
        size_t len = mac_input(&r, k, in);
        const uint8_t turned[4] = {in[5], in[4], in[3], in[2]};
        memcpy(in + 2, turned, 4);
        assert_tag_of(&r, k, in, len);
        for (unsigned rank = 1; rank <= RANKS; rank++)
            assert_differs_in_tag_only(*state, &r, k, rank);
    }
}

// An input of exactly 16 bytes needs no filling and keeps its tag.
static void test_auth_004_fills_with_zeros(void **state)
{
    struct run r;
    take_run(&r, "MUT-AUTH-004");
    for (size_t k = 0; k < KINDS; k++) {
        uint8_t in[32] = {0};
        size_t len = mac_input(&r, k, in);
        assert_tag_of(&r, k, in, len <= 16 ? 16 : 32);
        for (unsigned rank = 1; rank <= RANKS; rank++) {
            if (len == 16)
                assert_same(*state, &r, k, rank);
            else
                assert_differs_in_tag_only(*state, &r, k, rank);
        }
    }
}

static void test_auth_009_zeroes_the_third_tag(void **state)
{
    struct run r;
    take_run(&r, "MUT-AUTH-009");
    for (size_t k = 0; k < KINDS; k++) {
        assert_same(*state, &r, k, 1);
        assert_same(*state, &r, k, 2);
        assert_differs_in_tag_only(*state, &r, k, 3);
        static const uint8_t zeros[5];
        size_t body = 6 + run_payload_len(k);
        assert_memory_equal(r.packet[k][2] + body, zeros, r.len[k] - CRC - body);
    }
}

// Thirteen bits of frame 3 and nothing else; the code lies too far from every one of the table to
// be corrected.
static void test_jam_010_gives_frame_3_a_wrong_type(void **state)
{
    static const unsigned types[] = {0x006b, 0x06e0, 0x0034, 0x008d, 0x00d2, 0x0302,
                                     0x035f, 0x0598, 0x05a3, 0x0611, 0x06bf, 0x072c,
                                     0x094c, 0x0971, 0x0997, 0x0f67, 0x0fc9, 0x11be};
    const struct run *good = *state;
    struct run r;
    take_run(&r, "MUT-JAM-010");
    for (size_t k = 0; k < KINDS; k++) {
        for (unsigned rank = 1; rank <= RANKS; rank++) {
            assert_same(good, &r, k, rank);
            uint32_t head = r.head[k][rank - 1];
            assert_int_equal(head >> 13, 0x55555);
            if (rank < 3) {
                assert_int_equal(head, good->head[k][rank - 1]);
                continue;
            }
            for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
                assert_true(__builtin_popcount((head & 0x1fff) ^ types[i]) > 3);
        }
    }
}

static void test_cnt_001_keeps_the_counter_of_bare_messages(void **state)
{
    (void)state;
    struct run r;
    take_run(&r, "MUT-CNT-001");
    // Before the run the counter stood at 0a0; bits and the empty message do not move it.
    unsigned expected = 0x0a0;
    for (size_t k = 0; k < KINDS; k++) {
        if (run_payload_len(k) > 0) expected++;
        for (unsigned rank = 0; rank < RANKS; rank++)
            assert_int_equal((r.packet[k][rank][0] & 0x0f) << 8 | r.packet[k][rank][1], expected);
    }
    assert_tags(&r, own_key, true, 2);
}

static void test_unknown_fault_is_refused(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    l.args[0] = "--fault";
    l.args[1] = "MUT-NONE-999";
    assert_false(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(l.refused,
                        "there is no fault 'MUT-NONE-999'; foxdut --list-faults prints them");
    assert_int_equal(l.exit_code, 4);
    lab_deinit(&l);
}

static void test_list_names_every_fault_with_a_sentence(void **state)
{
    (void)state;
    // Those that the cases of authentication, counters and encryption name, and the others.
    static const char *const ids[] = {
        "MUT-AUTH-001", "MUT-AUTH-002", "MUT-AUTH-003", "MUT-AUTH-004", "MUT-AUTH-005",
        "MUT-AUTH-006", "MUT-AUTH-007", "MUT-AUTH-008", "MUT-AUTH-009", "MUT-AUTH-010",
        "MUT-AUTH-011", "MUT-AUTH-012", "MUT-AUTH-013", "MUT-AUTH-014", "MUT-AUTH-015",
        "MUT-AUTH-016", "MUT-AUTH-019", "MUT-AUTH-021", "MUT-AUTH-022", "MUT-AUTH-023",
        "MUT-AUTH-024", "MUT-AUTH-025", "MUT-CLN-001", "MUT-CLN-002", "MUT-RF-010", "MUT-CNT-001",
        "MUT-CNT-002", "MUT-CNT-003", "MUT-CNT-004", "MUT-CNT-005", "MUT-CNT-006", "MUT-CNT-007",
        "MUT-CNT-008", "MUT-CNT-009", "MUT-CNT-011", "MUT-CNT-013", "MUT-CNT-014", "MUT-CNT-018",
        "MUT-CNT-019", "MUT-ENC-001", "MUT-ENC-002", "MUT-ENC-003", "MUT-ENC-004", "MUT-ENC-005",
        "MUT-ENC-006", "MUT-ENC-008", "MUT-ENC-009", "MUT-ENC-010", "MUT-ENC-012",
        // beyond those 49
        "MUT-CLN-003", "MUT-FWL-003", "MUT-JAM-010", "MUT-KEY-001", "MUT-KEY-002", "MUT-KEY-004",
        "MUT-KEY-008", "MUT-KEY-009", "MUT-KEY-011", "MUT-RES-007"};
    FILE *list = popen(FOX_BIN_DIR "/foxdut --list-faults", "r");
    assert_non_null(list);
    char text[16384];
    size_t len = fread(text, 1, sizeof text - 1, list);
    text[len] = '\0';
    assert_int_equal(pclose(list), 0);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const char *line = strstr(text, ids[i]);
        assert_non_null(line);
        assert_memory_equal(line + strlen(ids[i]), "  ", 2);
        assert_true(strcspn(line, "\n") > strlen(ids[i]) + 20);
    }
}

static void test_no_id_stands_twice(void **state)
{
    (void)state;
    char twice[64] = "";
    FILE *list = popen("for kind in faults hostile strange lawful; do " FOX_BIN_DIR
                       "/foxdut --list-$kind || exit; done | cut -d' ' -f1 | sort | uniq -d",
                       "r");
    assert_non_null(list);
    twice[fread(twice, 1, sizeof twice - 1, list)] = '\0';
    assert_int_equal(pclose(list), 0);
    assert_string_equal(twice, "");
}

static struct run good_run;

static int take_good_run(void **state)
{
    take_run(&good_run, NULL);
    *state = &good_run;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_fault_is_right),
        cmocka_unit_test(test_auth_001_leaves_the_payload_out_of_the_tag),
        cmocka_unit_test(test_auth_003_drops_the_second_block),
        cmocka_unit_test(test_auth_005_pads_to_the_class_size),
        cmocka_unit_test(test_other_keys_sign),
        cmocka_unit_test(test_auth_002_turns_the_id_round_in_the_tag),
        cmocka_unit_test(test_auth_004_fills_with_zeros),
        cmocka_unit_test(test_auth_009_zeroes_the_third_tag),
        cmocka_unit_test(test_jam_010_gives_frame_3_a_wrong_type),
        cmocka_unit_test(test_cnt_001_keeps_the_counter_of_bare_messages),
        cmocka_unit_test(test_unknown_fault_is_refused),
        cmocka_unit_test(test_list_names_every_fault_with_a_sentence),
        cmocka_unit_test(test_no_id_stands_twice),
    };
    return cmocka_run_group_tests(tests, take_good_run, NULL);
}
