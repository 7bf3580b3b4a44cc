// Several devices under one pump, and the core network that hears them: its memory, its operator
// and its monitor.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/net/history.h"
#include "lua/bind/tests/pump_rig.h"

static const uint8_t other_nak[16] = {0x3c, 0x2f, 0x9a, 0x77, 0x15, 0xe8, 0x4b, 0xd0,
                                      0x86, 0x1c, 0x7e, 0x02, 0xf9, 0x5a, 0xd3, 0x4b};

// The device and two samples, the second of which carries the identifier of the first.
static struct pump_config fleet_config(struct secret *other)
{
    struct pump_config c = config();
    assert_int_equal(secret_init(other, other_nak, sizeof other_nak, NULL), ERR_OK);
    for (unsigned i = 0; i < 2; i++)
        c.samples[i] = (struct pump_unit_config){
            .uart_unit = i ? "d3" : "d2",
            .port = {.path = i ? "/port/2" : "/port/1", .baud = 9600},
            .lines = {[PUMP_POWER] = PORT_LINE_RTS, [PUMP_RESET] = -1},
            .device_id = 0x11223344,
            .key = i ? other : &key,
        };
    c.n_samples = 2;
    return c;
}

static void test_pump_samples_take_the_place(void **state)
{
    (void)state;
    struct secret other;
    struct pump *p = opened(fleet_config(&other));
    struct err e = {0};
    struct pump_answer a;
    assert_int_equal(pump_announce(p, &e), ERR_OK);
    assert_string_equal(text_of(event_of("instrument", 3), "unit"), "d3");
    assert_int_equal(pump_samples(p), 2);
    a = command(p, "OK\r", 0, false);
    jval_free(a.lines);
    assert_true(pump_port_proven(p));

    // What a sample said before its time is nobody's.
    snprintf(sample_ports[1].due, sizeof sample_ports[1].due, "OK\rOK\r");
    assert_int_equal(pump_use(p, 2, &e), ERR_OK);
    assert_string_equal(sample_ports[1].due, "");
    assert_false(pump_port_proven(p));
    assert_int_equal(pump_switch(p, PUMP_POWER, true, &e), ERR_OK);
    assert_true(sample_ports[1].lines[PORT_LINE_RTS]);
    assert_false(sample_ports[0].lines[PORT_LINE_RTS]);
    assert_false(the_port.lines[PORT_LINE_RTS]);
    assert_string_equal(text_of(event_of("power", 0), "unit"), "d3");

    port_plan.answer = "key 3c2f9a7715e84bd0\rOK\r";
    assert_int_equal(pump_command(p, "KEY", pump_now(p) + 10 * BLOCK, false, &a, &e), ERR_OK);
    assert_string_equal(sample_ports[1].written, "KEY\r");
    assert_string_equal(the_port.written, "AT\r");
    assert_string_equal(a.text, "key ****************");
    jval_free(a.lines);
    assert_string_equal(text_of(event_of("command", 1), "unit"), "d3");
    assert_true(pump_port_proven(p));
    struct pump_leak leak;
    char fingerprint[SECRET_FINGERPRINT_LEN];
    assert_int_equal(pump_leaks(p, &leak), 1);
    secret_fingerprint(&other, fingerprint);
    assert_string_equal(leak.fingerprint, fingerprint);

    assert_int_equal(pump_switch(p, PUMP_RESET, true, &e), ERR_UNSUPPORTED);
    assert_string_equal(e.text, "the bench file declares no reset line for the sample at d3; add "
                                "reset = … to its entry in samples");
    assert_int_equal(pump_use(p, 3, &e), ERR_INVALID);
    assert_string_equal(e.text, "expected a unit from 0, the device under test, to 2, got 3");
    pump_close(p);
    secret_deinit(&other);
}

// However an attempt ends, the next one has the device, and the samples are off.
static void test_pump_ends_with_the_device(void **state)
{
    (void)state;
    struct secret other;
    struct pump *p = opened(fleet_config(&other));
    struct err e = {0};
    assert_int_equal(pump_use(p, 1, &e), ERR_OK);
    assert_int_equal(pump_switch(p, PUMP_POWER, true, &e), ERR_OK);
    assert_int_equal(pump_end(p, &e), ERR_OK);
    assert_false(sample_ports[0].lines[PORT_LINE_RTS]);
    assert_string_equal(text_of(event_of("power", 1), "unit"), "d2");
    assert_false(jval_bool(jval_get(event_of("power", 1), "on"), true));
    assert_int_equal(bytes_append(&sink.log, "", 1, &e), ERR_OK);
    assert_non_null(strstr((const char *)sink.log.data, " @ d2\n"));
    assert_int_equal(pump_switch(p, PUMP_POWER, true, &e), ERR_OK);
    assert_true(the_port.lines[PORT_LINE_RTS]);
    pump_close(p);
    secret_deinit(&other);
}

// The recording is of the device f9b439fc. A sample that carries this identifier, too, is judged
// with its own key while it is in use, and only then.
static void test_pump_judges_a_double_with_its_own_key(void **state)
{
    (void)state;
    struct err e = {0};
    for (unsigned unit = 0; unit < 2; unit++) {
        struct secret other;
        struct pump_config c = fleet_config(&other);
        c.samples[0].device_id = c.device_id;
        c.samples[0].key = &other;
        c.n_samples = 1;
        struct pump *p = opened(c);
        struct jval *frame = NULL;
        assert_int_equal(pump_use(p, unit, &e), ERR_OK);
        assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
        assert_string_equal(text_of(frame, "judge"), unit ? "bad_tag" : "accepted");
        jval_free(frame);
        pump_close(p);
        secret_deinit(&other);
    }
}

// ---- the core network's memory, its operator and its monitor

// A worker that tells of its events, and never ends by itself.
static _Noreturn void be_a_worker(int told)
{
    struct err e = {0};
    struct pump *p = opened(config());
    size_t said = 0;
    if (pump_announce(p, &e) < 0) _exit(3);
    for (;;) {
        for (; said < sink.n; said++) {
            char *text = jval_dump(sink.events[said], &e);
            if (!text || write(told, text, strlen(text)) < 0 || write(told, "\n", 1) != 1) _exit(4);
            free(text);
        }
        if (pump_step(p, &e) < 0) _exit(5);
        if (sink.n > said) continue;
        usleep(1000);
    }
}

// Kills it after its first frame, before the next; what the supervisor remembers of its events.
static struct jval *kill_after_a_frame(void)
{
    int told[2];
    char line[4096];
    struct err e = {0};
    struct jval *memory = jval_array(), *kept;
    bool heard = false;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(told[0]);
        be_a_worker(told[1]);
    }
    close(told[1]);
    FILE *in = fdopen(told[0], "r");
    assert_non_null(in);
    while (!heard && fgets(line, sizeof line, in)) {
        struct jval *event = NULL;
        assert_int_equal(jval_parse(&event, line, strlen(line), &e), ERR_OK);
        heard = strcmp(text_of(event, "type"), "uplink") == 0;
        assert_int_equal(history_extract(event, &kept, &e), ERR_OK);
        if (kept) assert_int_equal(jval_append(memory, kept, &e), ERR_OK);
        jval_free(event);
    }
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fclose(in);
    assert_true(heard);
    assert_int_equal(jval_len(memory), 2); // the clock and the frame
    return memory;
}

// The recording played again, 20 s later, to a new worker: with and without the memory of the lost
// one.
static void test_pump_takes_no_replay_after_a_kill(void **state)
{
    (void)state;
    struct err e = {0};
    struct jval *memory = kill_after_a_frame();
    for (int knows = 0; knows < 2; knows++) {
        struct pump_config c = config();
        c.t0 = 20 * RATE;
        struct pump *p = opened(c);
        struct jval *frame = NULL;
        assert_int_equal(pump_announce(p, &e), ERR_OK);
        if (knows && pump_recall(p, memory, &e) < 0) fail_msg("%s", e.text);
        assert_int_equal(pump_next_frame(p, c.t0 + 3 * RATE, &frame, &e), ERR_OK);
        assert_string_equal(text_of(frame, "judge"), knows ? "replay" : "accepted");
        jval_free(frame);
        pump_close(p);
    }
    // what the device's key did not make, or a network that there is not, is no memory
    struct jval *last = jval_at(memory, 1);
    assert_int_equal(jval_set(last, "sample", jval_make(&e, "i", 1), &e), ERR_OK);
    struct pump *p = opened(config());
    assert_int_equal(pump_recall(p, memory, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "expected a sample that has a network of its own, got 1"));
    pump_close(p);
    jval_free(memory);
}

static void test_pump_acts_as_the_operator(void **state)
{
    (void)state;
    struct err e = {0};
    struct pump_config c = config();
    struct pump *p = opened(c);
    struct jval *frame = NULL;
    const struct pump_target device = {.device_id = c.device_id};
    pump_begin(p, 0);
    assert_int_equal(pump_block(p, &device, true, "a test", &e), ERR_OK);
    assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
    assert_string_equal(text_of(frame, "judge"), "blocked");
    assert_true(jval_bool(jval_get(frame, "tag_ok"), false));
    const struct jval *act = event_of("network", 0);
    assert_string_equal(text_of(act, "action"), "block");
    assert_string_equal(text_of(act, "who"), "suite");
    assert_string_equal(text_of(act, "device_id"), "f9b439fc");
    assert_string_equal(text_of(act, "reason"), "a test");
    jval_free(frame);

    // the next attempt has an open network
    assert_int_equal(pump_end(p, &e), ERR_OK);
    act = event_of("network", 1);
    assert_string_equal(text_of(act, "action"), "unblock");
    assert_string_equal(text_of(act, "who"), "bench");
    assert_null(event_of("network", 2));

    const struct pump_target stranger = {.device_id = 1},
                             nowhere = {.is_station = true, .station = 1};
    assert_int_equal(pump_block(p, &stranger, true, "a test", &e), ERR_NOTFOUND);
    assert_int_equal(pump_block(p, &nowhere, true, "a test", &e), ERR_INVALID);
    assert_string_equal(e.text, "there is no station 2: the bench file declares 1 radio(s)");
    assert_int_equal(pump_disengage(p, 1, "a test", &e), ERR_NOTFOUND);
    assert_null(event_of("network", 2));
    pump_close(p);

    // a blocked station hears nothing, and the frame says nothing of a tag that nobody looked at
    p = opened(c);
    const struct pump_target here = {.is_station = true};
    assert_int_equal(pump_block(p, &here, true, "a test", &e), ERR_OK);
    assert_int_equal(jval_int(jval_get(event_of("network", 2), "station"), 0), 1);
    assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
    assert_string_equal(text_of(frame, "judge"), "blocked");
    assert_null(jval_get(frame, "tag_ok"));
    jval_free(frame);
    pump_close(p);
}

// Declared to speak once in 2 s: after these and the time of a message the monitor tells of it,
// once; the rules of a suite end with its attempt.
static void test_pump_tells_what_the_monitor_saw(void **state)
{
    (void)state;
    struct err e = {0};
    struct pump_config c = config();
    c.interval_s = 2;
    struct pump *p = opened(c);
    struct monitor_rules rules = pump_default_rules(p);
    rules.block_device = 1u << MONITOR_SILENCE;
    pump_begin(p, 0);
    assert_int_equal(pump_set_rules(p, &rules, &e), ERR_OK);
    assert_int_equal(pump_wait(p, 10 * RATE, &e), ERR_OK);
    assert_null(event_of("alarm", 0)); // heard at 0.45 s
    assert_int_equal(pump_wait(p, 14 * RATE, &e), ERR_OK);
    const struct jval *alarm = event_of("alarm", 0);
    assert_non_null(alarm);
    assert_string_equal(text_of(alarm, "kind"), "silence");
    assert_string_equal(text_of(alarm, "device_id"), "f9b439fc");
    assert_string_equal(text_of(alarm, "reason"), "nothing of the device was accepted for 10 s, at "
                                                  "most 2 s are declared");
    assert_string_equal(jval_text(jval_at(jval_get(alarm, "blocks"), 0), ""), "device");
    assert_null(jval_get(alarm, "unit"));
    assert_null(event_of("alarm", 1));
    assert_int_equal(pump_alarm(p, 0)->kind, MONITOR_SILENCE);
    assert_null(pump_alarm(p, 1));
    assert_int_equal(pump_end(p, &e), ERR_OK);
    assert_string_equal(text_of(event_of("network", 0), "action"), "unblock");
    pump_begin(p, 0);
    assert_null(pump_alarm(p, 0));
    pump_close(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pump_samples_take_the_place),
        TEST(test_pump_ends_with_the_device),
        TEST(test_pump_judges_a_double_with_its_own_key),
        TEST(test_pump_takes_no_replay_after_a_kill),
        TEST(test_pump_acts_as_the_operator),
        TEST(test_pump_tells_what_the_monitor_saw),
    };
    return cmocka_run_group_tests_name("pump units", tests, NULL, NULL);
}
