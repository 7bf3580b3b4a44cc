// The command engine over a fake port: however a device's bytes are cut, damaged, late or too many,
// no line is invented and no command takes an answer that is not its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "dut/dut.h"
#include "dut/port_ops.h"

// Gives what was put into `in`, at most `chunk` bytes a read; keeps what was written.
struct fake {
    struct port base;
    struct bytes in;
    struct bytes out;
    size_t chunk;
    bool gone;
    unsigned reads;
};

static int fake_write(struct port *p, const void *data, size_t len, struct err *err)
{
    struct fake *f = (struct fake *)p;
    if (f->gone) return err_set(err, ERR_GONE, "fake: unplugged");
    return bytes_append(&f->out, data, len, err);
}

static int fake_read(struct port *p, void *data, size_t max, struct err *err)
{
    struct fake *f = (struct fake *)p;
    f->reads++;
    if (f->gone) return err_set(err, ERR_GONE, "fake: unplugged");
    size_t n = f->in.len < max ? f->in.len : max;
    if (n > f->chunk) n = f->chunk;
    if (n == 0) return 0;
    memcpy(data, f->in.data, n);
    bytes_drop(&f->in, n);
    return (int)n;
}

static int fake_set_line(struct port *p, enum port_line line, bool active, struct err *err)
{
    (void)p, (void)line, (void)active, (void)err;
    return ERR_OK;
}

static void fake_close(struct port *p)
{
    struct fake *f = (struct fake *)p;
    bytes_deinit(&f->in);
    bytes_deinit(&f->out);
    free(f);
}

static const struct port_ops fake_ops = {fake_write, fake_read, fake_set_line, fake_close};

static const struct dut_dialect plain = {
    .name = "plain", .line_end = "\r", .ok = "OK", .errors = {"ERR", "ERROR"}, .downlink = "RX="};
static const struct dut_dialect echoing = {
    .name = "echoing", .line_end = "\r", .ok = "OK", .errors = {"AT_"}, .echo = true};
static const struct dut_dialect raw = {.name = "raw",
                                       .line_end = "\r",
                                       .ok = "OK",
                                       .errors = {"AT_"},
                                       .downlink = "+RX=",
                                       .downlink_raw_len = 8};

struct world {
    struct fake *port;
    struct dut *dut;
};

static struct world make(const struct dut_dialect *dialect)
{
    struct world w = {calloc(1, sizeof *w.port), NULL};
    assert_non_null(w.port);
    w.port->base.ops = &fake_ops;
    w.port->chunk = SIZE_MAX;
    bytes_init(&w.port->in, 1 << 22);
    bytes_init(&w.port->out, 1 << 16);
    struct err e = {0};
    assert_int_equal(dut_new(&w.dut, &w.port->base, dialect, &e), ERR_OK);
    return w;
}

static void end(struct world *w)
{
    dut_free(w->dut);
    port_close(&w->port->base);
}

static void put(struct world *w, const char *data, size_t len)
{
    assert_int_equal(bytes_append(&w->port->in, data, len, NULL), ERR_OK);
}

static void say(struct world *w, const char *text, int64_t at)
{
    put(w, text, strlen(text));
    assert_int_equal(dut_poll(w->dut, at, NULL), ERR_OK);
}

static void command(struct world *w, const char *line, int64_t at)
{
    struct err e = {0};
    int rc = dut_command(w->dut, line, at, &e);
    if (rc < 0) fail_msg("%s", e.text);
}

static void expect_line(struct world *w, const char *text, bool solicited, int64_t at)
{
    struct dut_line line;
    assert_true(dut_next_line(w->dut, &line));
    assert_string_equal(line.text, text);
    assert_int_equal(line.len, strlen(text));
    assert_int_equal(line.solicited, solicited);
    assert_int_equal(line.at_sample, at);
}

static void expect_none(struct world *w)
{
    struct dut_line line;
    assert_false(dut_next_line(w->dut, &line));
}

static void test_command_and_answer(void **state)
{
    (void)state;
    struct world w = make(&plain);
    assert_int_equal(dut_state(w.dut), DUT_STATE_IDLE);
    command(&w, "AT$I=10", 100);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    assert_string_equal((char *)w.port->out.data, "AT$I=10\r");
    say(&w, "0123ABCD\r\n", 200);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    say(&w, "OK\r", 300);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    expect_line(&w, "0123ABCD", true, 200);
    expect_line(&w, "OK", true, 300);
    expect_none(&w);

    // What comes after the answer is news, also an OK: a downlink, a banner.
    say(&w, "\nRX=01 02 03 04 05 06 07 08\rOK\r", 400);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    expect_line(&w, "RX=01 02 03 04 05 06 07 08", false, 400);
    expect_line(&w, "OK", false, 400);
    end(&w);
}

// Echo can be switched, so what the device does counts, not what its dialect says.
static void test_echo_is_learned(void **state)
{
    (void)state;
    struct world w = make(&plain);
    for (int i = 0; i < 3; i++) {
        command(&w, "AT", i);
        say(&w, "AT\rOK\r", i);
        assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
        expect_line(&w, "OK", true, i);
        expect_none(&w);
    }
    end(&w);

    // Two answers are owed and never come, as by a device that was off.
    w = make(&echoing);
    command(&w, "AT$ID", 0);
    dut_abandon(w.dut);
    command(&w, "AT$ID", 1);
    dut_abandon(w.dut);
    unsigned tries = 0;
    do {
        command(&w, "AT$ID", 2);
        say(&w, "0BADCAFE\rOK\r", 2);
        if (dut_state(w.dut) == DUT_STATE_WAITING) dut_abandon(w.dut);
    } while (dut_state(w.dut) != DUT_STATE_OK && ++tries < 10);
    assert_true(tries < 3);
    end(&w);
}

// Some firmwares put blanks before their line ends; they say nothing.
static void test_blanks_before_a_line_end(void **state)
{
    (void)state;
    struct world w = make(&plain);
    command(&w, "AT", 0);
    say(&w, "  \r\nABCD \t\r\nOK  \r\n", 1);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    expect_line(&w, "ABCD", true, 1);
    expect_line(&w, "OK", true, 1);
    expect_none(&w);
    end(&w);
}

static void test_failure_and_lookalikes(void **state)
{
    (void)state;
    struct world w = make(&plain);
    command(&w, "AT$SF=zz", 0);
    say(&w, "OKAY\r OK\r ERR\r", 1); // neither success nor failure
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    say(&w, "ERROR: parse error\r", 2);
    assert_int_equal(dut_state(w.dut), DUT_STATE_ERROR);
    command(&w, "AT", 3);
    say(&w, "OK\r", 4);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    end(&w);
}

// The same conversation, cut in two at every byte, and byte by byte.
static void test_split_at_every_byte(void **state)
{
    (void)state;
    static const char talk[] = "AT$SF=01\r\nabc\r\n\r\nOK\r\nRX=00\r";
    size_t len = sizeof talk - 1;
    for (size_t cut = 0; cut <= len + 1; cut++) {
        struct world w = make(&echoing);
        command(&w, "AT$SF=01", 0);
        if (cut <= len) {
            put(&w, talk, cut);
            assert_int_equal(dut_poll(w.dut, 1, NULL), ERR_OK);
            put(&w, talk + cut, len - cut);
        } else {
            w.port->chunk = 1;
            put(&w, talk, len);
        }
        assert_int_equal(dut_poll(w.dut, 1, NULL), ERR_OK);
        assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
        expect_line(&w, "abc", true, 1);
        expect_line(&w, "OK", true, 1);
        expect_line(&w, "RX=00", false, 1);
        expect_none(&w);
        end(&w);
    }
}

static void test_echo_is_not_an_answer(void **state)
{
    (void)state;
    struct world w = make(&echoing);
    command(&w, "OK", 0); // whose echo looks like success
    say(&w, "OK\r", 1);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    expect_none(&w);
    say(&w, "AT_ERROR\r", 2);
    assert_int_equal(dut_state(w.dut), DUT_STATE_ERROR);
    end(&w);

    // A device whose echo was switched off still gets its answer recognised.
    w = make(&echoing);
    command(&w, "AT", 0);
    say(&w, "OK\r", 1);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    end(&w);
}

static void test_raw_bytes(void **state)
{
    (void)state;
    struct world w = make(&raw);
    static const char talk[] = "\r\n+RX=\x00\r\n\xff\r\r\n\x01\r\nOK\r\n";
    command(&w, "AT$SF=00,1", 0);
    put(&w, talk, sizeof talk - 1);
    assert_int_equal(dut_poll(w.dut, 1, NULL), ERR_OK);
    struct dut_line line;
    assert_true(dut_next_line(w.dut, &line));
    assert_int_equal(line.len, 12);
    assert_memory_equal(line.text, "+RX=\x00\r\n\xff\r\r\n\x01", 12);
    expect_line(&w, "OK", true, 1);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);

    // Garbage with NULs is a line as well, and ends nothing.
    command(&w, "AT", 2);
    put(&w, "\x00OK\x80\r", 5);
    assert_int_equal(dut_poll(w.dut, 3, NULL), ERR_OK);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    assert_true(dut_next_line(w.dut, &line));
    assert_int_equal(line.len, 4);
    assert_memory_equal(line.text, "\x00OK\x80", 5); // and its end
    end(&w);
}

static void test_line_that_comes_in_pieces_tells_since_when(void **state)
{
    (void)state;
    struct world w = make(&plain);
    assert_int_equal(dut_unfinished(w.dut), 0);
    command(&w, "AT", 0);
    say(&w, "\nO", 3);
    assert_int_equal(dut_unfinished(w.dut), 1);
    say(&w, "K", 7);
    assert_int_equal(dut_unfinished(w.dut), 2);
    say(&w, "\rnext", 9);
    assert_int_equal(dut_unfinished(w.dut), 4);
    struct dut_line line;
    assert_true(dut_next_line(w.dut, &line));
    assert_string_equal(line.text, "OK");
    assert_int_equal(line.began_sample, 3);
    assert_int_equal(line.at_sample, 9);
    end(&w);
}

static void test_overlong_line_is_cut_and_says_so(void **state)
{
    (void)state;
    struct world w = make(&plain);
    command(&w, "AT", 0);
    char big[3 * DUT_LINE_MAX];
    memset(big, 'x', sizeof big);
    put(&w, big, sizeof big);
    assert_int_equal(dut_poll(w.dut, 1, NULL), ERR_OK);
    say(&w, "OK\rOK\r", 2); // the first OK is the end of the flood
    struct dut_line line;
    assert_true(dut_next_line(w.dut, &line));
    assert_true(line.cut);
    assert_int_equal(line.len, DUT_LINE_MAX);
    assert_int_equal(line.text[DUT_LINE_MAX], 0);
    assert_true(dut_next_line(w.dut, &line));
    assert_false(line.cut);
    assert_string_equal(line.text, "OK");
    expect_none(&w);

    // Exactly the maximum is not cut.
    put(&w, big, DUT_LINE_MAX);
    say(&w, "\r", 3);
    assert_true(dut_next_line(w.dut, &line));
    assert_false(line.cut);
    assert_int_equal(line.len, DUT_LINE_MAX);
    end(&w);
}

static void test_flood_is_bounded_and_counted(void **state)
{
    (void)state;
    struct world w = make(&plain);
    command(&w, "AT", 0);
    unsigned sent = DUT_QUEUE_MAX + 1000;
    for (unsigned i = 0; i < sent; i++)
        put(&w, "noise\r", 6);
    put(&w, "OK\r", 3);
    assert_int_equal(dut_poll(w.dut, 1, NULL), ERR_OK);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK); // seen although its line queue overflowed
    struct dut_line line;
    unsigned seen = 0, lost = 0;
    while (dut_next_line(w.dut, &line)) {
        seen++;
        lost += line.lost;
    }
    assert_int_equal(seen, DUT_QUEUE_MAX);
    assert_int_equal(seen + lost, sent + 1);
    assert_string_equal(line.text, "OK");

    // One poll takes a bounded share of an endless stream.
    for (unsigned i = 0; i < 300; i++) {
        char block[1000];
        memset(block, 'y', sizeof block);
        put(&w, block, sizeof block);
    }
    assert_int_equal(dut_poll(w.dut, 2, NULL), ERR_OK);
    assert_in_range(w.port->in.len, 200000, 299999);
    end(&w);
}

static void test_lines_in_the_queue_when_the_next_command_goes_out(void **state)
{
    (void)state;
    struct world w = make(&plain);
    command(&w, "AT$I=10", 0);
    say(&w, "0123\rOK\r", 1);
    say(&w, "+BOOT\r", 2); // nobody read any of it
    put(&w, "+LATE\r", 6); // still in the port
    command(&w, "AT", 3);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    expect_line(&w, "+BOOT", false, 2);
    expect_line(&w, "+LATE", false, 3);
    expect_none(&w);
    end(&w);
}

static void test_late_answer_of_an_abandoned_command(void **state)
{
    (void)state;
    struct world w = make(&plain);

    // Late, but before the next command: news.
    command(&w, "AT$SF=01", 0);
    dut_abandon(w.dut);
    assert_int_equal(dut_state(w.dut), DUT_STATE_IDLE);
    put(&w, "OK\r", 3); // in the port when the next command is sent
    command(&w, "AT$I=10", 1);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    expect_line(&w, "OK", false, 1);
    say(&w, "77\rOK\r", 2);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    assert_false(dut_is_doubtful(w.dut));
    expect_line(&w, "77", true, 2);
    expect_line(&w, "OK", true, 2);

    // A line that began before the command was sent is never its answer.
    command(&w, "AT$SF=02", 3);
    dut_abandon(w.dut);
    say(&w, "O", 4);
    command(&w, "AT", 5);
    say(&w, "K\r", 6);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    expect_line(&w, "OK", false, 6);
    say(&w, "OK\r", 7);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    assert_false(dut_is_doubtful(w.dut));

    // After the next command nothing tells them apart without an echo: said to be doubtful, once.
    command(&w, "AT$SF=03", 8);
    dut_abandon(w.dut);
    command(&w, "AT", 9);
    say(&w, "OK\r", 10);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    assert_true(dut_is_doubtful(w.dut));
    command(&w, "AT", 11);
    say(&w, "OK\r", 12);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    assert_false(dut_is_doubtful(w.dut));
    end(&w);
}

static void test_question_without_ok(void **state)
{
    (void)state;
    struct world w = make(&plain);
    command(&w, "AT$I=10", 0);
    say(&w, "00F0C5A1\r", 1);
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    expect_line(&w, "00F0C5A1", true, 1);
    dut_conclude(w.dut);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    command(&w, "AT", 2);
    say(&w, "OK\r", 3);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    assert_false(dut_is_doubtful(w.dut));
    end(&w);
}

static void test_echo_tells_late_answers_apart(void **state)
{
    (void)state;
    struct world w = make(&echoing);
    command(&w, "AT$SF=01", 0);
    say(&w, "AT$SF=01\r", 1);
    dut_abandon(w.dut);
    command(&w, "AT", 2);
    say(&w, "AT_TX_TIMEOUT\r\n", 3); // the first command's
    assert_int_equal(dut_state(w.dut), DUT_STATE_WAITING);
    expect_line(&w, "AT_TX_TIMEOUT", false, 3);
    say(&w, "AT\r\nOK\r\n", 4);
    assert_int_equal(dut_state(w.dut), DUT_STATE_OK);
    assert_false(dut_is_doubtful(w.dut));
    end(&w);
}

static void test_misuse_is_refused_with_its_reason(void **state)
{
    (void)state;
    struct world w = make(&plain);
    struct err e = {0};
    assert_int_equal(dut_command(w.dut, "AT\rAT", 0, &e), ERR_INVALID);
    assert_string_equal(e.text,
                        "device: expected one line as a command, got a line end inside 'AT\rAT'");
    char big[DUT_LINE_MAX + 2];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(dut_command(w.dut, big, 0, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "at most 512 characters, got 513"));
    assert_int_equal(w.port->out.len, 0);
    command(&w, "AT", 0);
    assert_int_equal(dut_command(w.dut, "AT$SB=1", 0, &e), ERR_SEQUENCE);
    assert_non_null(strstr(e.text, "'AT$SB=1' while 'AT' waits"));
    assert_string_equal((char *)w.port->out.data, "AT\r");

    w.port->gone = true;
    assert_int_equal(dut_poll(w.dut, 1, &e), ERR_GONE);
    dut_abandon(w.dut);
    assert_int_equal(dut_command(w.dut, "AT", 2, &e), ERR_GONE);
    assert_int_equal(dut_state(w.dut), DUT_STATE_IDLE);
    end(&w);

    static const struct dut_dialect bad = {.name = "bad", .ok = "OK"};
    struct dut *d = NULL;
    assert_int_equal(dut_new(&d, NULL, &bad, &e), ERR_USAGE);
    assert_null(d);
    dut_free(NULL);
    port_close(NULL);
}

struct heard {
    struct bytes text;
    int64_t last;
};

static void hear(void *ctx, char direction, int64_t at, const uint8_t *data, size_t len)
{
    struct heard *h = ctx;
    assert_int_equal(bytes_append(&h->text, &direction, 1, NULL), ERR_OK);
    assert_int_equal(bytes_append(&h->text, data, len, NULL), ERR_OK);
    h->last = at;
}

static void test_tap_hears_every_byte(void **state)
{
    (void)state;
    struct world w = make(&echoing);
    struct heard h = {.last = -1};
    bytes_init(&h.text, 4096);
    dut_set_tap(w.dut, hear, &h);
    put(&w, "boot\r", 5);
    command(&w, "AT", 5);
    say(&w, "AT\rOK\r", 6);
    assert_string_equal((char *)h.text.data, "<boot\r>AT\r<AT\rOK\r");
    assert_int_equal(h.last, 6);
    bytes_deinit(&h.text);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_and_answer),
        cmocka_unit_test(test_echo_is_learned),
        cmocka_unit_test(test_blanks_before_a_line_end),
        cmocka_unit_test(test_failure_and_lookalikes),
        cmocka_unit_test(test_split_at_every_byte),
        cmocka_unit_test(test_echo_is_not_an_answer),
        cmocka_unit_test(test_raw_bytes),
        cmocka_unit_test(test_line_that_comes_in_pieces_tells_since_when),
        cmocka_unit_test(test_overlong_line_is_cut_and_says_so),
        cmocka_unit_test(test_flood_is_bounded_and_counted),
        cmocka_unit_test(test_lines_in_the_queue_when_the_next_command_goes_out),
        cmocka_unit_test(test_late_answer_of_an_abandoned_command),
        cmocka_unit_test(test_question_without_ok),
        cmocka_unit_test(test_echo_tells_late_answers_apart),
        cmocka_unit_test(test_misuse_is_refused_with_its_reason),
        cmocka_unit_test(test_tap_hears_every_byte),
    };
    return cmocka_run_group_tests_name("dut", tests, NULL, NULL);
}
