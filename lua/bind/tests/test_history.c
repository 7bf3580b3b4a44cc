// The network's memory survives the bench: a writer is killed (SIGKILL) at any moment between or
// within its frames, the judge is rebuilt from the ledger that it left, and no frame that the
// ledger holds is accepted a second time. The ledger is a real one, its events are the bench's own.
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/net/history.h"
#include "bench/record/ledger.h"
#include "bench/record/lines.h"
#include "lua/bind/frame_event.h"

enum { DEVICES = 3, FRAMES = 400, KILLS = 40, LINE_BYTES = 512 };

static const double rate_hz = 520834;
static const uint32_t ids[DEVICES] = {0x00F0C5A1, 0xFEDCBA98, 0x7};
static const unsigned moduli[DEVICES] = {4096, 1024, 512};

static struct secret key_of(unsigned device)
{
    uint8_t raw[16] = {0x51, 0xAB, (uint8_t)device};
    struct secret key;
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), ERR_OK);
    return key;
}

static struct judge *new_judge(void)
{
    struct judge *j;
    assert_int_equal(judge_new(&j, NULL), ERR_OK);
    for (unsigned i = 0; i < DEVICES; i++) {
        struct secret key = key_of(i);
        const struct judge_device d = {
            .id = ids[i], .key = &key, .modulus = moduli[i], .window = 60};
        assert_int_equal(judge_register(j, &d, NULL), ERR_OK);
        secret_deinit(&key);
    }
    return j;
}

// Frame n of the whole story: each device in turn, its counter stepping by 1 … 3 past its
// roll-over.
static struct air_frame frame_at(unsigned n)
{
    unsigned i = n % DEVICES, k = n / DEVICES;
    struct sfx_uplink up = {
        .type = n % 7 ? SFX_MESSAGE_BYTES : SFX_MESSAGE_BIT1,
        .device_id = ids[i],
        .counter = (uint16_t)((moduli[i] - 100 + 2 * k + k % 2) % moduli[i]),
        .payload = {(uint8_t)n, 0x5A},
        .payload_len = n % 7 ? 2 : 0,
    };
    struct secret key = key_of(i);
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(&up, &key, NULL), ERR_OK);
    secret_deinit(&key);
    struct air_frame f = {.class = up.class, .rank = 1, .status = SFX_STATUS_OK};
    f.packet_len = sfx_uplink_packet(&up, f.packet);
    f.uplink = up;
    f.burst.start_sample = 20.0 * n * rate_hz;
    f.burst.bit_rate = 100;
    f.end_sample = (int64_t)(f.burst.start_sample + 1.6 * rate_hz);
    return f;
}

static int append(struct ledger *l, struct jval *event, int64_t t)
{
    if (!event || jval_set(event, "t", jval_make(NULL, "I", (long long)t), NULL) < 0) return -1;
    int rc = ledger_append(l, event, NULL);
    jval_free(event);
    return rc;
}

static struct jval *event_made(struct judge *j, const struct air_frame *f)
{
    const struct frame_event_context c = {
        .unit = "station1", .rate_hz = rate_hz, .lo_hz = 868.13e6};
    struct judge_result r;
    struct jval *event = frame_event(&c, f, NULL);
    double t_s = f->burst.start_sample / rate_hz;
    if (!event || judge_frame(j, &f->uplink, f->status, t_s, &r, NULL) < 0 ||
        frame_event_judge(event, &r, NULL) < 0) {
        jval_free(event);
        return NULL;
    }
    return event;
}

// The writer, until it is killed: it tells its parent of every frame whose event is written.
static _Noreturn void write_story(const char *dir, int told)
{
    struct ledger *l;
    struct judge *j = new_judge();
    if (ledger_create(&l, dir, NULL) < 0) _exit(3);
    if (append(l,
               jval_make(NULL, "{s:s, s:f, s:i}", "type", "clock", "rate_hz", rate_hz, "worker", 1),
               0) < 0)
        _exit(4);
    for (unsigned n = 0; n < FRAMES; n++) {
        struct air_frame f = frame_at(n);
        if (append(l, event_made(j, &f), f.end_sample) < 0) _exit(5);
        if (write(told, &n, sizeof n) != sizeof n) _exit(6);
    }
    for (;;)
        pause();
}

static size_t rebuild(const char *dir, struct judge *j)
{
    char path[LINE_BYTES];
    snprintf(path, sizeof path, "%s/events.jsonl", dir);
    struct lines lines = {0};
    struct history h = {0};
    struct err e = {0};
    assert_int_equal(lines_open(&lines, path, &e), ERR_OK);
    while (lines_next(&lines, &e) == 1) {
        if (lines.torn) break; // the kill came in the middle of this line
        assert_non_null(lines.value);
        if (history_event(&h, j, lines.value, &e) != ERR_OK) fail_msg("%s", e.text);
    }
    lines_close(&lines);
    return h.restored;
}

static enum judge_verdict play(struct judge *j, unsigned n, double t_s)
{
    struct air_frame f = frame_at(n);
    struct judge_result r;
    assert_int_equal(judge_frame(j, &f.uplink, f.status, t_s, &r, NULL), ERR_OK);
    return r.verdict;
}

static void remove_folder(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(dir);
}

// Kills a writer some microseconds after it has told of `after` frames; gives the frames it told
// of.
static unsigned kill_writer(const char *dir, unsigned after, unsigned more_us)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(told[0]);
        write_story(dir, told[1]);
    }
    close(told[1]);
    unsigned n, known = 0;
    while (known < after && read(told[0], &n, sizeof n) == sizeof n)
        known++;
    usleep(more_us);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (read(told[0], &n, sizeof n) == sizeof n)
        known++;
    close(told[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return known;
}

static void test_no_replay_after_a_kill(void **state)
{
    (void)state;
    const uint64_t seed = rng_key(20, "kills");
    size_t cut = 0;
    for (unsigned k = 0; k < KILLS; k++) {
        char dir[] = "/tmp/fox-history.XXXXXX";
        assert_non_null(mkdtemp(dir));
        unsigned known = kill_writer(dir, (unsigned)(rng_u64(seed, 2 * k) % (FRAMES / 2)),
                                     (unsigned)(rng_u64(seed, 2 * k + 1) % 2000));
        struct judge *j = new_judge();
        size_t restored = rebuild(dir, j);
        // every frame that was told of is there; at most the one in the making beside
        assert_true(restored == known || restored == known + 1);
        cut += restored < FRAMES;

        double now_s = 20.0 * FRAMES + 100;
        for (unsigned n = 0; n < restored; n++)
            if (play(j, n, now_s + n) == JUDGE_ACCEPTED) fail_msg("frame %u was replayed", n);
        // within the time of a message it is its repetition, which delivers nothing either
        if (restored > 0)
            assert_int_equal(play(j, (unsigned)restored - 1, 20.0 * ((double)restored - 1) + 5),
                             JUDGE_REPETITION);
        for (unsigned n = (unsigned)restored; n < restored + DEVICES; n++)
            assert_int_equal(play(j, n, now_s + 2 * FRAMES), JUDGE_ACCEPTED);
        judge_free(j);
        remove_folder(dir);
    }
    assert_true(cut > KILLS / 2); // most were stopped in the middle of their story
}

static int take(struct judge *j, struct history *h, struct jval *event, struct err *e)
{
    assert_non_null(event);
    int rc = history_event(h, j, event, e);
    jval_free(event);
    return rc;
}

static struct jval *event_of(unsigned n)
{
    struct judge *j = new_judge();
    struct air_frame f = frame_at(n);
    struct jval *event = event_made(j, &f);
    judge_free(j);
    return event;
}

static struct jval *clock_event(void)
{
    return jval_make(NULL, "{s:s, s:f}", "type", "clock", "rate_hz", rate_hz);
}

static void test_history_refuses_what_the_bench_did_not_write(void **state)
{
    (void)state;
    struct judge *j = new_judge();
    struct history h = {0};
    struct err e = {0};
    assert_int_equal(take(j, &h, event_of(0), &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "before any clock event"));
    assert_int_equal(take(j, &h, clock_event(), &e), ERR_OK);

    struct jval *bent = event_of(0);
    assert_int_equal(jval_set(bent, "packet_hex", jval_make(NULL, "s", "00"), NULL), ERR_OK);
    assert_int_equal(take(j, &h, bent, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "does not decode"));

    // right in form, made with another device's key
    struct air_frame f = frame_at(1);
    f.uplink.device_id = ids[0];
    f.packet_len = sfx_uplink_packet(&f.uplink, f.packet);
    char hex[2 * SFX_PACKET_MAX + 1] = "";
    for (size_t i = 0; i < f.packet_len; i++)
        snprintf(hex + 2 * i, 3, "%02x", f.packet[i]);
    bent = event_of(1);
    assert_int_equal(jval_set(bent, "packet_hex", jval_make(NULL, "s", hex), NULL), ERR_OK);
    assert_int_equal(take(j, &h, bent, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "foxbench verify"));
    assert_int_equal(h.restored, 0);

    // what was not accepted moves nothing
    bent = event_of(0);
    assert_int_equal(jval_set(bent, "judge", jval_make(NULL, "s", "replay"), NULL), ERR_OK);
    assert_int_equal(take(j, &h, bent, &e), ERR_OK);
    assert_int_equal(h.restored, 0);
    assert_int_equal(take(j, &h, event_of(0), &e), ERR_OK);
    assert_int_equal(h.restored, 1);
    judge_free(j);
}

static struct jval *act(const char *action)
{
    return jval_make(NULL, "{s:s, s:s, s:s}", "type", "network", "action", action, "device_id",
                     "00f0c5a1");
}

static void test_history_repeats_what_the_operator_did(void **state)
{
    (void)state;
    struct judge *j = new_judge();
    struct history h = {0};
    struct err e = {0};
    assert_int_equal(take(j, &h, clock_event(), &e), ERR_OK);
    assert_int_equal(take(j, &h, event_of(30), &e), ERR_OK);
    assert_int_equal(play(j, 0, 9000), JUDGE_REPLAY);
    assert_int_equal(take(j, &h, act("block"), &e), ERR_OK);
    assert_int_equal(play(j, 33, 9000), JUDGE_BLOCKED);
    assert_int_equal(take(j, &h, act("unblock"), &e), ERR_OK);
    assert_int_equal(take(j, &h, act("disengage"), &e), ERR_OK);
    assert_int_equal(play(j, 0, 9100), JUDGE_ACCEPTED);
    assert_int_equal(h.operators, 3);
    judge_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_replay_after_a_kill),
        cmocka_unit_test(test_history_refuses_what_the_bench_did_not_write),
        cmocka_unit_test(test_history_repeats_what_the_operator_did),
    };
    return cmocka_run_group_tests_name("net/history", tests, NULL, NULL);
}
