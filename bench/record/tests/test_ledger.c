// The ledger's chains, checked with the words of docs/EVIDENCE.md and sha256sum rather than with
// our own reader.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/record/ledger.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/ledger-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static int append(struct ledger *l, const char *type, long long t, struct err *err)
{
    struct jval *event = jval_make(NULL, "{s:s, s:I}", "type", type, "t", t);
    int rc = ledger_append(l, event, err);
    jval_free(event);
    return rc;
}

// Runs a shell command in the run directory; its output without the last newline.
static void shell(const char *command, char *out, size_t size)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "cd %s && %s", dir, command);
    FILE *p = popen(whole, "r");
    assert_non_null(p);
    size_t n = fread(out, 1, size - 1, p);
    out[n] = 0;
    if (n > 0 && out[n - 1] == '\n') out[n - 1] = 0;
    pclose(p);
}

static void test_chains_as_documented(void **state)
{
    (void)state;
    struct ledger *l;
    assert_int_equal(ledger_create(&l, dir, NULL), ERR_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(append(l, i ? "note" : "run.begin", i * 7, NULL), ERR_OK);
    assert_int_equal(ledger_time(l), 21);
    assert_int_equal(ledger_seal(l, NULL), ERR_OK);
    assert_int_equal(append(l, "note", 99, NULL), ERR_SEQUENCE);
    ledger_free(l);

    char out[512], digest[80], command[256];
    shell("wc -l < events.jsonl; wc -l < wall.jsonl", out, sizeof out);
    assert_string_equal(out, "4\n5");
    shell("head -1 events.jsonl", out, sizeof out);
    assert_string_equal(out, "{\"prev\":\"00000000000000000000000000000000000000000000000000000000"
                             "00000000\",\"seq\":0,\"t\":0,\"type\":\"run.begin\"}");
    for (int i = 1; i <= 3; i++) {
        snprintf(command, sizeof command,
                 "sed -n %dp events.jsonl | tr -d '\\n' | sha256sum | cut -d' ' -f1", i);
        shell(command, digest, sizeof digest);
        snprintf(command, sizeof command,
                 "sed -n %dp events.jsonl | grep -c '\"prev\":\"%s\",\"seq\":%d,'", i + 1, digest,
                 i);
        shell(command, out, sizeof out);
        assert_string_equal(out, "1");
        snprintf(command, sizeof command, "sed -n %dp wall.jsonl | grep -c '\"event\":\"%s\"'", i,
                 digest);
        shell(command, out, sizeof out);
        assert_string_equal(out, "1");
    }
    shell("sed -n 4p wall.jsonl | tr -d '\\n' | sha256sum | cut -d' ' -f1", digest, sizeof digest);
    snprintf(command, sizeof command, "{\"end\":true,\"prev\":\"%s\",\"seq\":4}", digest);
    shell("tail -1 wall.jsonl", out, sizeof out);
    assert_string_equal(out, command);
}

static void test_locked_and_never_overwritten(void **state)
{
    (void)state;
    struct ledger *a, *b;
    struct err e;
    assert_int_equal(ledger_create(&a, dir, NULL), ERR_OK);
    assert_int_equal(ledger_create(&b, dir, &e), ERR_BUSY);
    assert_non_null(strstr(e.text, "another process"));
    ledger_free(a);
    assert_int_equal(ledger_create(&b, dir, &e), ERR_IO);
    assert_non_null(strstr(e.text, "events.jsonl"));
}

static void test_refusals_write_nothing(void **state)
{
    (void)state;
    struct ledger *l;
    struct err e;
    assert_int_equal(ledger_create(&l, dir, NULL), ERR_OK);
    assert_int_equal(append(l, "run.begin", 50, NULL), ERR_OK);
    assert_int_equal(append(l, "note", 49, &e), ERR_SEQUENCE);
    assert_non_null(strstr(e.text, "went back from 50 to 49"));
    assert_int_equal(append(l, "note", -1, NULL), ERR_FORMAT);
    struct jval *no_type = jval_make(NULL, "{s:i}", "t", 60);
    assert_int_equal(ledger_append(l, no_type, NULL), ERR_FORMAT);
    jval_free(no_type);
    char *long_text = malloc(LEDGER_LINE_MAX + 1);
    memset(long_text, 'x', LEDGER_LINE_MAX);
    long_text[LEDGER_LINE_MAX] = 0;
    struct jval *big =
        jval_make(NULL, "{s:s, s:i, s:s}", "type", "note", "t", 60, "text", long_text);
    assert_int_equal(ledger_append(l, big, NULL), ERR_LIMIT);
    jval_free(big);
    free(long_text);
    assert_int_equal(append(l, "note", 50, NULL), ERR_OK);
    ledger_free(l);
    char out[16];
    shell("wc -l < events.jsonl; wc -l < wall.jsonl", out, sizeof out);
    assert_string_equal(out, "2\n2");
}

// A disk that fills up in the middle of a line: the whole lines stay, the ledger says so and
// closes.
static void test_full_disk(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct ledger *l;
        struct err e;
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {400, 400}; // stands in for the disk
        if (ledger_create(&l, dir, NULL) != ERR_OK || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(1);
        int n = 0;
        while (append(l, n ? "note" : "run.begin", n, &e) == ERR_OK)
            n++;
        bool good = n > 0 && e.code == ERR_IO && strstr(e.text, "cannot be written");
        _exit(good && append(l, "note", 999, NULL) == ERR_SEQUENCE ? n : 100);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_in_range(WEXITSTATUS(status), 1, 10);
    char out[64], expected[64];
    shell("tail -c 1 events.jsonl | od -An -tx1; tail -c 1 wall.jsonl | od -An -tx1", out,
          sizeof out);
    assert_string_equal(out, " 0a\n 0a");
    shell("wc -l < wall.jsonl", out, sizeof out);
    snprintf(expected, sizeof expected, "%d", WEXITSTATUS(status));
    assert_string_equal(out, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chains_as_documented, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked_and_never_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals_write_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
