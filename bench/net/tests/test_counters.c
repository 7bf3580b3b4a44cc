// The judge's counters against a slow and obvious model, over random stories: lost messages, jumps,
// repetitions, replays, counters out of the air, the operator. The model never rolls over: it
// counts messages up from the first for ever, and walks.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/net/judge.h"

enum { ID = 0x00C0FFEE, STEPS = 600, CONTENTS = 2 };

static const unsigned moduli[] = {128, 256, 512, 1024, 2048, 4096};
static const unsigned windows[] = {20, 63, 420, 5000};

struct accepted {
    unsigned counter; // as on air
    unsigned content;
    double t_s;
    long place; // how many counters lie before it since the first
};

struct model {
    unsigned modulus, window;
    struct accepted list[STEPS];
    unsigned n;
    unsigned from; // the operator had it forget those before
};

static enum judge_verdict model_judge(struct model *m, unsigned counter, unsigned content,
                                      double t_s)
{
    // the same message as one of the last eight, within eight seconds of its first frame
    for (unsigned i = m->n; i > m->from && m->n - i < 8; i--) {
        const struct accepted *a = &m->list[i - 1];
        if (a->counter == counter && a->content == content && t_s - a->t_s <= 8 &&
            t_s - a->t_s >= -8)
            return JUDGE_REPETITION;
    }
    if (counter >= m->modulus) return JUDGE_OUT_OF_WINDOW;
    long place = 0;
    if (m->n > m->from) {
        const struct accepted *last = &m->list[m->n - 1];
        long walked = 0;
        for (unsigned c = last->counter; c != counter; c = c + 1 == m->modulus ? 0 : c + 1)
            walked++;
        if (walked == 0 || walked > (long)m->window) {
            // had since it was last passed? then a replay; else whichever side is nearer
            bool had = walked == 0;
            for (unsigned i = m->from; i < m->n; i++)
                had |= m->list[i].counter == counter &&
                       last->place - m->list[i].place < (long)m->modulus;
            return had || walked > (long)m->modulus / 2 ? JUDGE_REPLAY : JUDGE_OUT_OF_WINDOW;
        }
        place = last->place + walked;
    }
    m->list[m->n++] = (struct accepted){counter, content, t_s, place};
    return JUDGE_ACCEPTED;
}

static struct sfx_uplink messages[SFX_COUNTER_MODULUS_MAX][CONTENTS];

static int make_messages(void **state)
{
    (void)state;
    static const uint8_t raw[16] = {3, 1, 4};
    struct secret key;
    if (secret_init(&key, raw, sizeof raw, NULL) < 0) return -1;
    for (unsigned c = 0; c < SFX_COUNTER_MODULUS_MAX; c++)
        for (unsigned k = 0; k < CONTENTS; k++) {
            struct sfx_uplink *up = &messages[c][k];
            *up = (struct sfx_uplink){.type = k ? SFX_MESSAGE_BIT1 : SFX_MESSAGE_BIT0,
                                      .device_id = ID,
                                      .counter = (uint16_t)c};
            if (sfx_uplink_plan(up, NULL) < 0 || sfx_uplink_sign(up, &key, NULL) < 0) return -1;
        }
    secret_deinit(&key);
    return 0;
}

static struct judge *open_judge(unsigned modulus, unsigned window)
{
    static const uint8_t raw[16] = {3, 1, 4};
    struct judge *j;
    struct secret key;
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), ERR_OK);
    assert_int_equal(judge_new(&j, NULL), ERR_OK);
    const struct judge_device d = {.id = ID, .key = &key, .modulus = modulus, .window = window};
    assert_int_equal(judge_register(j, &d, NULL), ERR_OK);
    secret_deinit(&key);
    return j;
}

static void test_judge_equals_the_model(void **state)
{
    (void)state;
    unsigned seen[JUDGE_BLOCKED + 1] = {0};
    for (unsigned i = 0; i < 24; i++) {
        const uint64_t seed = rng_key(i, "counters");
        static struct model m;
        m = (struct model){.modulus = moduli[i % 6], .window = windows[i / 6]};
        struct judge *j = open_judge(m.modulus, m.window);
        unsigned first = (unsigned)(rng_u64(seed, 0) % m.modulus);
        double t_s = 0;
        for (unsigned k = 1; k < STEPS; k++) {
            uint64_t r = rng_u64(seed, k);
            unsigned what = r % 16, far = (unsigned)(r >> 8 & 0xffffff);
            unsigned content = r >> 7 & 1;
            unsigned now = m.n > m.from ? m.list[m.n - 1].counter : first;
            t_s += (double)(r >> 40 & 15);
            if (what < 6)
                now = (now + 1) % m.modulus; // the next message
            else if (what < 9)
                now = (now + 1 + far % (m.window + 2)) % m.modulus; // some were lost; just too many
            else if (what < 11)
                now %= m.modulus; // again
            else if (what < 13 && m.n > m.from)
                now = m.list[m.from + far % (m.n - m.from)].counter; // out of a recording
            else if (what < 14)
                now = (now + m.modulus - 1 - far % 30) % m.modulus; // behind
            else if (what < 15 || far % 8)
                now = far % SFX_COUNTER_MODULUS_MAX; // any twelve bits
            else {
                assert_int_equal(judge_disengage(j, ID, NULL), ERR_OK);
                m.from = m.n;
            }
            struct judge_result got;
            enum judge_verdict wanted = model_judge(&m, now, content, t_s);
            assert_int_equal(
                judge_frame(j, &messages[now][content], SFX_STATUS_OK, t_s, &got, NULL), ERR_OK);
            if (got.verdict != wanted)
                fail_msg("modulus %u, window %u, step %u, counter %u: expected %s, got %s",
                         m.modulus, m.window, k, now, judge_verdict_name(wanted),
                         judge_verdict_name(got.verdict));
            seen[got.verdict]++;
        }
        judge_free(j);
    }
    // every verdict that a counter can have came often
    assert_true(seen[JUDGE_ACCEPTED] > 1000 && seen[JUDGE_REPETITION] > 100);
    assert_true(seen[JUDGE_REPLAY] > 1000 && seen[JUDGE_OUT_OF_WINDOW] > 100);
}

// However long a device is silent or far ahead: time brings nothing back, the operator does.
static void test_only_the_operator_resynchronises(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        unsigned m = moduli[i], ahead = 21;
        struct judge *j = open_judge(m, 20);
        struct judge_result r;
        assert_int_equal(judge_frame(j, &messages[0][0], SFX_STATUS_OK, 0, &r, NULL), ERR_OK);
        for (unsigned k = 1; k < 200; k++) {
            double t_s = 86400.0 * k; // months of it
            assert_int_equal(judge_frame(j, &messages[ahead][0], SFX_STATUS_OK, t_s, &r, NULL),
                             ERR_OK);
            assert_int_equal(r.verdict, JUDGE_OUT_OF_WINDOW);
        }
        assert_int_equal(judge_disengage(j, ID, NULL), ERR_OK);
        assert_int_equal(judge_frame(j, &messages[ahead][0], SFX_STATUS_OK, 2e7, &r, NULL), ERR_OK);
        assert_int_equal(r.verdict, JUDGE_ACCEPTED);
        judge_free(j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_equals_the_model),
        cmocka_unit_test(test_only_the_operator_resynchronises),
    };
    return cmocka_run_group_tests_name("net/counters", tests, make_messages, NULL);
}
