// A worker that misbehaves on demand, for tests of the supervisor (FOXBENCH_WORKER names it).
//
// It plans one case for every pattern of the selection, FAKE-<PATTERN>-<place>, and in the case
// does what the pattern says. FAKE_PLAN and FAKE_OPEN say how it behaves before the cases.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/record/link.h"

static struct link *supervisor;
static long long now = 0; // sample time

static void check(int rc)
{
    if (rc < 0) _exit(9);
}

static void say_with(struct jval *m, int fd)
{
    if (!m) _exit(8);
    check(link_send(supervisor, m, fd, NULL));
    jval_free(m);
}

static void say(struct jval *m)
{
    say_with(m, -1);
}

static void event(struct jval *e)
{
    say(jval_make(NULL, "{s:s, s:o}", "is", "event", "event", e));
}

static void expect(const char *verdict, const char *blame, const char *reason)
{
    event(jval_make(NULL, "{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:b}", "type", "expect", "t",
                    now += 10, "subject", "the answer", "demand", "equals", "verdict", verdict,
                    "blame", blame, "reason", reason, "fatal", 0));
}

static void evidence(const char *path, const void *data, size_t len, off_t size)
{
    int fd = memfd_create("evidence", MFD_CLOEXEC);
    if (len && write(fd, data, len) != (ssize_t)len) _exit(7);
    if (size && ftruncate(fd, size) != 0) _exit(7);
    say_with(jval_make(NULL, "{s:s, s:s, s:s, s:s}", "is", "evidence", "path", path, "media_type",
                       "text/plain", "note", "made up"),
             fd);
    close(fd);
}

static void done(void)
{
    say(jval_make(NULL, "{s:s, s:I}", "is", "done", "t", now += 100));
}

static void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void progress(const char *step)
{
    say(jval_make(NULL, "{s:s, s:I, s:s}", "is", "progress", "t", now += 1, "step", step));
}

static void raw(const void *data, size_t len)
{
    if (write(link_fd(supervisor), data, len) < 0) _exit(6);
}

static void kill_lab(void)
{
    const char *pid = getenv("FAKE_LAB_PID");
    if (pid) kill(atoi(pid), SIGKILL);
}

static void note(const char *case_id)
{
    struct jval *e = jval_make(NULL, "{s:s, s:I, s:s}", "type", "note", "t", now, "text", "hello");
    if (case_id) check(jval_set(e, "case", jval_make(NULL, "s", case_id), NULL));
    event(e);
}

// What an attempt books, a letter each; the attempts are parted by Z, and the last one repeats.
// True: it ended as it should.
static bool follow(const char *script, int64_t attempt)
{
    for (; attempt > 1 && strchr(script, 'Z'); attempt--)
        script = strchr(script, 'Z') + 1;
    for (; *script && *script != 'Z'; script++) {
        static const struct {
            char letter;
            const char *verdict, *blame;
        } words[] = {{'N', "info", "none"},          {'P', "pass", "none"},
                     {'W', "warn", "device"},        {'I', "inconclusive", "bench"},
                     {'J', "inconclusive", "suite"}, {'F', "fail", "device"},
                     {'G', "fail", "bench"},         {'E', "error", "bench"},
                     {'S', "error", "suite"},        {'C', "error", "config"}};
        if (*script == 'K') raise(SIGKILL);
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (*script == words[i].letter) expect(words[i].verdict, words[i].blame, "as told");
    }
    return true;
}

// The ways a case can go, each in the word of its pattern. True: it ended as it should.
static bool act(const char *what, const struct jval *request)
{
    static volatile unsigned long spin;
    if (strncmp(what, "ZZ", 2) == 0)
        return follow(what + 2, jval_int(jval_get(request, "attempt"), 1));
    if (strcmp(what, "PASS") == 0) {
        note(NULL);
        evidence("log.txt", "all is well\n", 12, 0);
        evidence("iq/first.bin", "\1\2\3", 3, 0);
        event(jval_make(NULL, "{s:s, s:I, s:s, s:f, s:s, s:s, s:s}", "type", "measure", "t", now,
                        "name", "level", "value", -12.5, "unit", "dB", "limit_name", "x.level",
                        "verdict", "pass"));
        expect("pass", "none", "it is 42");
    } else if (strcmp(what, "FAIL") == 0) {
        expect("pass", "none", "fine so far");
        expect("fail", "device",
               "the tag is wrong # TO"
               "DO \\ \"quoted\"\nnot ok 99 - forged");
    } else if (strcmp(what, "WARN") == 0) {
        expect("warn", "device", "only just");
    } else if (strcmp(what, "INFO") == 0) {
        expect("info", "none", "seen");
    } else if (strcmp(what, "OPEN") == 0) {
        expect("inconclusive", "bench", "samples were lost");
    } else if (strcmp(what, "EMPTY") == 0) {
    } else if (strcmp(what, "CRASH") == 0) {
        expect("pass", "none", "before the crash");
        raise(SIGKILL); // sanitizers turn other signals into an exit
    } else if (strcmp(what, "ONCE") == 0 || strcmp(what, "WORSE") == 0) {
        if (jval_int(jval_get(request, "attempt"), 0) == 1) raise(SIGKILL);
        bool good = strcmp(what, "ONCE") == 0;
        expect(good ? "pass" : "fail", good ? "none" : "device", "after the crash");
    } else if (strcmp(what, "EXIT") == 0) {
        _exit(3);
    } else if (strcmp(what, "HANG") == 0) {
        for (;;)
            sleep_ms(1000);
    } else if (strcmp(what, "SPIN") == 0) {
        for (;;)
            spin++;
    } else if (strcmp(what, "SLOW") == 0) {
        for (;;) {
            progress("still at it");
            sleep_ms(200);
        }
    } else if (strcmp(what, "FLOOD") == 0) {
        for (;;)
            note(NULL);
    } else if (strcmp(what, "GARBAGE") == 0) {
        raw("GET / HTTP/1.0\r\n\r\n", 18);
        sleep_ms(60000);
    } else if (strcmp(what, "HALF") == 0) {
        raw("\x40\0\0\0{\"is\":\"do", 14);
        _exit(0);
    } else if (strcmp(what, "OTHER") == 0) {
        note("FAKE-PASS-1");
        sleep_ms(60000);
    } else if (strcmp(what, "FORGE") == 0) {
        event(jval_make(NULL, "{s:s, s:I, s:i}", "type", "run.end", "t", now, "exit", 0));
        sleep_ms(60000);
    } else if (strcmp(what, "VERDICT") == 0) {
        expect("splendid", "none", "");
        sleep_ms(60000);
    } else if (strcmp(what, "NOTRUN") == 0) {
        expect("notrun", "none", "");
        sleep_ms(60000);
    } else if (strcmp(what, "BACK") == 0) {
        now += 1000;
        note(NULL);
        now -= 500;
        note(NULL);
        sleep_ms(60000);
    } else if (strcmp(what, "TALK") == 0) {
        say(jval_make(NULL, "{s:s}", "is", "hungry"));
        sleep_ms(60000);
    } else if (strcmp(what, "NOFILE") == 0) {
        say(jval_make(NULL, "{s:s, s:s}", "is", "evidence", "path", "x.txt"));
        sleep_ms(60000);
    } else if (strcmp(what, "BIG") == 0) {
        expect("pass", "none", "it is 42");
        evidence("big.bin", NULL, 0, ((off_t)256 << 20) + 1);
    } else if (strcmp(what, "GIGA") == 0) {
        expect("pass", "none", "it is 42");
        for (int i = 0; i < 4; i++) {
            char name[] = "part-0.bin";
            name[5] = (char)('0' + i);
            evidence(name, name, sizeof name, (off_t)250 << 20);
        }
    } else if (strcmp(what, "ESCAPE") == 0) {
        expect("pass", "none", "it is 42");
        evidence("../../../run.json", "x", 1, 0);
    } else if (strcmp(what, "LEAK") == 0) {
        const char *hex = getenv("FAKE_KEY");
        expect("pass", "none", "it is 42");
        if (hex) evidence("dump.txt", hex, strlen(hex), 0);
    } else if (strcmp(what, "OWN") == 0) {
        expect("pass", "none", "it is 42");
        evidence("verdict.json", "x", 1, 0);
    } else if (strcmp(what, "TWICE") == 0) {
        expect("pass", "none", "it is 42");
        evidence("a.txt", "x", 1, 0);
        evidence("a.txt", "y", 1, 0);
    } else if (strcmp(what, "PIPE") == 0) {
        int pair[2];
        if (pipe(pair) != 0) _exit(5);
        expect("pass", "none", "it is 42");
        say_with(jval_make(NULL, "{s:s, s:s}", "is", "evidence", "path", "pipe.txt"), pair[0]);
    } else if (strcmp(what, "FAULT") == 0) {
        say(jval_make(NULL, "{s:s, s:s, s:s, s:s}", "is", "fault", "code", "GONE", "blame", "bench",
                      "text", "the radio station1 is gone; look at its cable"));
        _exit(3);
    } else if (strcmp(what, "SUITE") == 0) {
        expect("pass", "none", "it is 42");
        event(jval_make(NULL, "{s:s, s:I, s:s, s:s, s:s}", "type", "fault", "t", now, "code",
                        "INVALID", "blame", "suite", "text", "suites/x.lua:3: no such option"));
    } else if (strcmp(what, "NOLAB") == 0) {
        expect("pass", "none", "heard in a dying laboratory");
        kill_lab();
        sleep_ms(300);
    } else if (strcmp(what, "LOSTLAB") == 0) {
        kill_lab();
        sleep_ms(60000);
    } else if (strcmp(what, "WATCH") == 0) {
        char text[64];
        snprintf(text, sizeof text, "%zu", jval_len(jval_get(request, "watched")));
        expect(jval_len(jval_get(request, "watched")) > 0 ? "pass" : "fail", "device", text);
    } else if (strcmp(what, "AXES") == 0) {
        const struct jval *axes = jval_get(request, "axes");
        bool right = jval_len(axes) == 2 && strcmp(jval_text(jval_get(axes, "k"), ""), "v") == 0 &&
                     strcmp(jval_text(jval_get(axes, "a"), ""), "1+2") == 0;
        expect(right ? "pass" : "fail", "device", "the axes come back as they went");
    } else if (strcmp(what, "WAIT") == 0) {
        expect("pass", "none", "it is 42");
        while (jval_int(jval_get(request, "attempt"), 0) == 1) {
            progress("waiting for a signal");
            sleep_ms(50);
        }
    } else {
        _exit(4);
    }
    return true;
}

static void plan(const struct jval *request)
{
    const char *how = getenv("FAKE_PLAN");
    if (how && strcmp(how, "refuse") == 0) {
        say(jval_make(NULL, "{s:s, s:s, s:s}", "is", "refused", "code", "USAGE", "text",
                      "device.lua:3: expected a dialect, got 'sfm99'; one of sfm10r"));
        return;
    }
    if (how && strcmp(how, "crash") == 0) abort();
    if (how && strcmp(how, "garbage") == 0) raw("\0\0\0\0", 4);
    struct jval *cases = jval_array();
    const struct jval *select = jval_get(request, "select");
    for (size_t i = 0; i < jval_len(select); i++) {
        char id[128];
        const char *what = jval_text(jval_at(select, i), "?");
        bool na = strcmp(what, "NA") == 0;
        snprintf(id, sizeof id, "FAKE-%s-%zu", what, i + 1);
        if (how && strcmp(how, "twins") == 0) snprintf(id, sizeof id, "FAKE-%s", what);
        struct jval *c = jval_make(NULL, "{s:s, s:s, s:s, s:s, s:s, s:i, s:[s], s:[s], s:s}", "id",
                                   id, "suite", "FAKE", "title",
                                   getenv("FAKE_TITLE") ? getenv("FAKE_TITLE") : "a made-up case",
                                   "severity", "high", "level", "basic", "deadline_s", 1, "covers",
                                   "WP:A1", "faults", "MUT-FAKE-001", "axes", "_");
        check(jval_set(c, "na", na ? jval_make(NULL, "s", "no downlink") : jval_make(NULL, "n"),
                       NULL));
        if (strcmp(what, "AXES") == 0)
            check(jval_set(c, "axes", jval_make(NULL, "{s:s, s:s}", "k", "v", "a", "1+2"), NULL));
        if (strcmp(what, "WATCH") == 0)
            check(jval_set(c, "watches", jval_make(NULL, "[s]", "FAKE-PASS-1"), NULL));
        check(jval_append(cases, c, NULL));
    }
    say(jval_make(NULL, "{s:s, s:o, s:{s:s}, s:{s:s}, s:[]}", "is", "plan", "cases", cases,
                  "device", "name", "fake", "bench", "name", "fake", "limits"));
}

static void open_instruments(const struct jval *request)
{
    const char *how = getenv("FAKE_OPEN");
    now = jval_int(jval_get(request, "t"), 0);
    if (how && strcmp(how, "crash") == 0) abort();
    if (how && strcmp(how, "fault") == 0) {
        say(jval_make(NULL, "{s:s, s:s, s:s, s:s}", "is", "fault", "code", "GONE", "blame", "bench",
                      "text", "station1: no radio behind ip:127.0.0.1:1; plug it in"));
        _exit(3);
    }
    if (how && strcmp(how, "judge") == 0) expect("fail", "device", "judged before any case");
    event(jval_make(NULL, "{s:s, s:I, s:I, s:I}", "type", "clock", "t", now, "rate_hz",
                    (long long)520833, "worker",
                    (long long)jval_int(jval_get(request, "worker"), 0)));
    event(jval_make(NULL, "{s:s, s:I, s:s, s:s, s:s}", "type", "instrument", "t", now, "unit",
                    "station1", "kind", "radio", "serial", "fake"));
    say(jval_make(NULL, "{s:s, s:I}", "is", "opened", "t", now));
}

static void run_case(const struct jval *request)
{
    char what[64] = "";
    sscanf(jval_text(jval_get(request, "case"), ""), "FAKE-%63[A-Z]", what);
    progress("begins");
    if (act(what, request)) done();
}

int main(void)
{
    const char *fd = getenv("FOXBENCH_WORKER_FD");
    if (!fd || link_new(&supervisor, atoi(fd), NULL) < 0) return 9;
    for (;;) {
        struct jval *request;
        int with;
        if (link_receive(supervisor, &request, &with, -1, NULL) < 0) return 0;
        const char *what = jval_text(jval_get(request, "do"), "");
        if (strcmp(what, "plan") == 0) plan(request);
        if (strcmp(what, "open") == 0) open_instruments(request);
        if (strcmp(what, "case") == 0) run_case(request);
        const bool last = strcmp(what, "quit") == 0 || strcmp(what, "silence") == 0;
        jval_free(request);
        if (last) return 0;
    }
}
