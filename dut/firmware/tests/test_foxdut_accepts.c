// The faults in what a device accepts: each takes exactly the frames that faults.def says, in every
// window, and refuses all others that are wrong in some way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dut/firmware/tests/rig.h"
#include "dut/firmware/tests/run.h"

static const uint32_t own_id = 0x0badcafe;
static const char own_key[] = RIG_KEY, public_key[] = "00112233445566778899aabbccddeeff";
static const char test_key[] = "0123456789abcdef0123456789abcdef";
static const char zero_key[] = "00000000000000000000000000000000";

enum { COUNTER = 0x123, WRONGS_MAX = 32 };

// A frame scrambled for the device, whose tag is made for something else.
struct wrong {
    const char *name;
    uint32_t id;           // 0: as it is
    const char *key;       // NULL: the own
    unsigned counter_flip; // bits of the counter that the tag is made for
    uint8_t changed[8];    // bits of the payload that were turned over behind the tag
    bool id_zero, zero_tag;
};

static const struct wrong wrongs[] = {
    {.name = "another ID", .id = 0x0badcaff},
    {.name = "the ID turned round", .id = 0xfecaad0b},
    {.name = "the test ID", .id = 0xfedcba98},
    {.name = "the ID 0", .id_zero = true},
    {.name = "the public key", .key = public_key},
    {.name = "the test key", .key = test_key},
    {.name = "the zero key", .key = zero_key},
    {.name = "counter, bit 0", .counter_flip = 0x001},
    {.name = "counter, bit 7", .counter_flip = 0x080},
    {.name = "counter, bit 8", .counter_flip = 0x100},
    {.name = "counter, bits 9 and 10", .counter_flip = 0x600},
    {.name = "counter, bit 11", .counter_flip = 0x800},
    {.name = "payload byte 0", .changed = {0x01}},
    {.name = "payload byte 5", .changed = {0, 0, 0, 0, 0, 0x80}},
    {.name = "payload byte 6", .changed = {0, 0, 0, 0, 0, 0, 0x10}},
    {.name = "payload byte 7", .changed = {0, 0, 0, 0, 0, 0, 0, 0xff}},
    {.name = "a tag of zeros", .zero_tag = true},
};
enum { WRONGS = sizeof wrongs / sizeof wrongs[0] };

static void tag_of(uint32_t id, unsigned counter, const char *key, const uint8_t payload[8],
                   uint8_t tag[2])
{
    uint8_t block[16] = {(uint8_t)id,         (uint8_t)(id >> 8), (uint8_t)(id >> 16),
                         (uint8_t)(id >> 24), (uint8_t)counter,   (uint8_t)(counter >> 8)};
    memcpy(block + 6, payload, 8);
    memcpy(block + 14, block, 2);
    run_aes(key, block, block);
    memcpy(tag, block, 2);
}

static void make_wrong(const struct wrong *w, uint8_t frame[15])
{
    struct downlink_message m = {
        .id = own_id, .counter = COUNTER, .key_hex = own_key, .payload = {1, 2, 3, 4, 5, 6, 7, 8}};
    uint8_t right[2], wanted[2] = {0};
    const uint32_t id = w->id_zero ? 0 : w->id ? w->id : own_id;
    if (!w->zero_tag)
        tag_of(id, COUNTER ^ w->counter_flip, w->key ? w->key : own_key, m.payload, wanted);
    for (int i = 0; i < 8; i++)
        m.payload[i] ^= w->changed[i];
    tag_of(own_id, COUNTER, own_key, m.payload, right);
    assert_true(right[0] != wanted[0] || right[1] != wanted[1]);
    for (int i = 0; i < 2; i++)
        m.tag_flips[i] = right[i] ^ wanted[i];
    downlink_message_frame(&m, frame);
}

// Sends these frames into one window; which of them the device takes, n for none.
static size_t taken_of(const char *fault, uint8_t frames[][15], size_t n)
{
    const char *const args[] = {"--fault", fault, NULL};
    struct rig r;
    rig_start(&r, NULL, own_key, COUNTER, fault ? args : NULL);
    rig_request(&r);
    int64_t ends_ns[WRONGS_MAX];
    for (size_t i = 0; i < n; i++)
        ends_ns[i] = rig_send(&r, 20.1 + 0.45 * (double)i, rig_frequency(&r), frames[i]);
    const char *answer = rig_answer(&r);
    bool took = strcmp(answer, RIG_NO_ANSWER) != 0;
    assert_int_equal(r.lab.n_bursts, took ? 4 : 3);
    size_t which = took ? 0 : n;
    while (which < n && r.lab.bursts[3].t_ns > ends_ns[which] + 2050 * DEVPORT_MS)
        which++;
    lab_deinit(&r.lab);
    return which;
}

// All that a device refuses comes before the right frame, which it takes; the rest is taken alone.
static void check_fault(const char *fault, const char *const *takes)
{
    uint8_t refused[WRONGS_MAX][15];
    size_t n = 0, n_taken = 0;
    for (size_t i = 0; i < WRONGS; i++) {
        bool is_taken = false;
        for (size_t k = 0; takes[k]; k++)
            is_taken = is_taken || strcmp(takes[k], wrongs[i].name) == 0;
        if (!is_taken) {
            make_wrong(&wrongs[i], refused[n++]);
            continue;
        }
        uint8_t one[1][15];
        make_wrong(&wrongs[i], one[0]);
        assert_int_equal(taken_of(fault, one, 1), 0);
        n_taken++;
    }
    for (size_t k = 0; takes[k]; k++)
        n_taken--;
    assert_int_equal(n_taken, 0); // every name was one of the list
    rig_make_frame(COUNTER, 0, refused[n]);
    assert_int_equal(taken_of(fault, refused, n + 1), n);
}

static void test_each_fault_takes_what_it_says(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    static const char *const last_bytes[] = {"payload byte 6", "payload byte 7", NULL};
    static const char *const high_bits[] = {"counter, bit 8", "counter, bits 9 and 10",
                                            "counter, bit 11", NULL};
    static const char *const public[] = {"the public key", NULL};
    check_fault(NULL, nothing);
    check_fault("MUT-AUTH-019", last_bytes);
    check_fault("MUT-AUTH-021", high_bits);
    check_fault("MUT-AUTH-023", public);
    check_fault("MUT-AUTH-022", nothing);
    check_fault("MUT-CNT-018", nothing);
    check_fault("MUT-CNT-019", nothing);
}

// A request that is answered or not; whether a frame for another counter is taken then.
static bool takes_older(const char *fault, unsigned requests, bool answered, unsigned counter)
{
    const char *const args[] = {"--fault", fault, NULL};
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, COUNTER, fault ? args : NULL);
    for (unsigned i = 0; i + 1 < requests; i++) {
        rig_request(&r);
        rig_make_frame(COUNTER + i, 0, frame);
        if (answered) rig_send(&r, 21, rig_frequency(&r), frame);
        assert_string_equal(rig_answer(&r), answered ? RIG_TAKEN : RIG_NO_ANSWER);
    }
    rig_request(&r);
    rig_make_frame(counter, 0, frame);
    rig_send(&r, 21, rig_frequency(&r), frame);
    bool taken = strcmp(rig_answer(&r), RIG_TAKEN) == 0;
    lab_deinit(&r.lab);
    return taken;
}

static void test_auth_022_takes_the_one_before(void **state)
{
    (void)state;
    static const char fault[] = "MUT-AUTH-022";
    // Unanswered, the requests follow each other.
    assert_true(takes_older(fault, 3, false, COUNTER + 1));
    assert_false(takes_older(fault, 3, false, COUNTER));
    assert_false(takes_older(fault, 3, false, COUNTER + 3));
    // Answered, a confirmation lies between them.
    assert_true(takes_older(fault, 2, true, COUNTER));
    assert_true(takes_older(fault, 2, true, COUNTER + 1));
    assert_false(takes_older(fault, 2, true, COUNTER - 1));
    assert_true(takes_older(fault, 1, false, COUNTER - 1));
    assert_false(takes_older(NULL, 2, true, COUNTER));
    assert_false(takes_older(NULL, 2, false, COUNTER));
}

static void test_cnt_019_takes_any_of_the_last_eight(void **state)
{
    (void)state;
    static const char fault[] = "MUT-CNT-019";
    assert_true(takes_older(fault, 10, false, COUNTER + 2));
    assert_false(takes_older(fault, 10, false, COUNTER + 1));
    assert_false(takes_older(fault, 3, false, COUNTER - 1)); // no request of this device
    assert_true(takes_older(fault, 2, true, COUNTER));
    assert_false(takes_older(fault, 2, true, COUNTER + 1)); // a confirmation
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

// Copies before and after the confirmation are told again; another frame is not, and nothing after
// the window. Without the fault each is told once.
static void test_cnt_018_tells_copies_again(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        static const char *const args[] = {"--fault", "MUT-CNT-018", NULL};
        struct rig r;
        uint8_t frame[15], other[15];
        rig_start(&r, NULL, own_key, COUNTER, faulty ? args : NULL);
        rig_request(&r);
        rig_make_frame(COUNTER, 0, frame);
        rig_make_frame(COUNTER, 0x0100, other);
        static const double copies_s[] = {21, 21.4, 22, 30, 44, 45.5};
        for (size_t i = 0; i < sizeof copies_s / sizeof copies_s[0]; i++)
            rig_send(&r, copies_s[i], rig_frequency(&r), frame);
        rig_send(&r, 28, rig_frequency(&r), other);
        (void)rig_answer(&r);
        for (int i = 0; i < 40; i++)
            lab_run(&r.lab, DEVPORT_SECOND);
        const char *said = r.lab.uart + r.before;
        assert_int_equal(count(said, "OK\r"), 1);
        assert_int_equal(count(said, "RX=01 02 03 04 05 06 07 08\r"), faulty ? 5 : 1);
        assert_int_equal(count(said, "RX="), faulty ? 5 : 1);
        assert_int_equal(r.lab.n_bursts, 4); // one confirmation
        assert_string_equal(lab_command(&r.lab, "AT$I=10"), "0BADCAFE\r");
        lab_deinit(&r.lab);
    }
}

// MUT-AUTH-024: the host sees what is refused, and nothing else happens.
static void test_auth_024_tells_before_it_checks(void **state)
{
    (void)state;
    for (int faulty = 0; faulty < 2; faulty++) {
        static const char *const args[] = {"--fault", "MUT-AUTH-024", NULL};
        struct rig r;
        uint8_t frame[15];
        rig_start(&r, NULL, own_key, COUNTER, faulty ? args : NULL);
        rig_request(&r);
        for (unsigned i = 0; i < 3; i++) {
            rig_make_frame(COUNTER, (uint16_t)(1 << i), frame);
            rig_send(&r, 21 + i, rig_frequency(&r), frame);
        }
        rig_make_frame(COUNTER + 1, 0, frame); // no good CRC
        rig_send(&r, 30, rig_frequency(&r), frame);
        for (int i = 0; i < 40; i++)
            lab_run(&r.lab, DEVPORT_SECOND);
        const char *said = r.lab.uart + r.before;
        assert_int_equal(count(said, "\nRX=01 02 03 04 05 06 07 08\r"), faulty ? 3 : 0);
        assert_int_equal(count(said, RIG_NO_ANSWER), 1);
        assert_int_equal(r.lab.n_bursts, 3);
        lab_deinit(&r.lab);
    }
}

// MUT-AUTH-025: a confirmation for each, under the next counters; the host has none of it, and a
// genuine frame later in the window still counts.
static void test_auth_025_confirms_what_it_refuses(void **state)
{
    (void)state;
    static const char *const args[] = {"--fault", "MUT-AUTH-025", NULL};
    struct rig r;
    uint8_t frame[15];
    rig_start(&r, NULL, own_key, COUNTER, args);
    rig_request(&r);
    rig_make_frame(COUNTER, 0x8000, frame);
    rig_send(&r, 21, rig_frequency(&r), frame);
    rig_send(&r, 28, rig_frequency(&r), frame);
    rig_make_frame(COUNTER, 0, frame);
    rig_send(&r, 35, rig_frequency(&r), frame);
    assert_string_equal(rig_answer(&r), RIG_TAKEN);
    assert_int_equal(r.lab.n_bursts, 6);
    for (unsigned i = 0; i < 3; i++) {
        struct demod d;
        char head[13];
        demod_burst(&r.lab.bursts[3 + i], &d);
        snprintf(head, sizeof head, "aaaaaf67%04x", COUNTER + 1 + i);
        assert_memory_equal(d.hex, head, 12);
    }
    rig_request(&r);
    rig_make_frame(COUNTER + 4, 0x0001, frame);
    rig_send(&r, 21, rig_frequency(&r), frame);
    assert_string_equal(rig_answer(&r), RIG_NO_ANSWER);
    assert_int_equal(r.lab.n_bursts, 4);
    lab_deinit(&r.lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_takes_what_it_says),
        cmocka_unit_test(test_auth_022_takes_the_one_before),
        cmocka_unit_test(test_cnt_019_takes_any_of_the_last_eight),
        cmocka_unit_test(test_cnt_018_tells_copies_again),
        cmocka_unit_test(test_auth_024_tells_before_it_checks),
        cmocka_unit_test(test_auth_025_confirms_what_it_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
