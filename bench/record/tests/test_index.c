// The index follows the run directories, whatever becomes of them or of itself. SQLite's own tool
// is not needed: what is asked is what is listed.
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/record/index.h"

struct place {
    char folder[64];
    int decided; // how often a decision was asked for
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->folder, sizeof p->folder, "/tmp/foxbench-index-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    *state = p;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int remove_place(void **state)
{
    struct place *p = *state;
    nftw(p->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static void put(const struct place *p, const char *name, const char *file, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", p->folder, name, file);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void put_run(const struct place *p, const char *name, const char *device, bool finished)
{
    char run[256];
    snprintf(
        run, sizeof run,
        "{\"device\":\"%s\",\"bench\":\"desk\",\"profile\":\"smoke\",\"seed\":7,\"faults\":[]}",
        device);
    put(p, name, "run.json", run);
    put(p, name, "events.jsonl",
        finished ? "{\"type\":\"run.begin\"}\n"
                   "{\"type\":\"run.end\",\"exit\":1,\"counts\":{\"fail\":1,\"pass\":2}}\n"
                 : "{\"type\":\"run.begin\"}\n{\"type\":\"run.end\",\"exit\":0}");
    put(p, name, "wall.jsonl",
        "{\"seq\":0,\"wall\":\"2026-01-02T03:04:05.678Z\"}\n"
        "{\"seq\":1,\"wall\":\"2026-01-02T03:05:06.789Z\"}\n{\"end\":true}\n");
}

static int decide(void *ctx, const char *run_dir, char word[INDEX_WORD_MAX], struct err *err)
{
    struct place *p = ctx;
    p->decided++;
    if (strstr(run_dir, "hollow")) return err_set(err, ERR_IO, "plan.json is gone");
    snprintf(word, INDEX_WORD_MAX, "refused");
    return ERR_OK;
}

static struct jval *list(struct place *p, int expect_read, const char *device, int last)
{
    const struct index_judge judge = {.decide = decide, .ctx = p};
    struct index *ix = NULL;
    struct jval *runs = NULL;
    struct err err = {0};
    if (index_open(&ix, p->folder, &err) < 0) fail_msg("%s", err.text);
    int n = index_refresh(ix, &judge, &err);
    if (n < 0) fail_msg("%s", err.text);
    if (expect_read >= 0) assert_int_equal(n, expect_read);
    if (index_runs(ix, device, last, &runs, &err) < 0) fail_msg("%s", err.text);
    index_close(ix);
    return runs;
}

static const char *field(const struct jval *runs, size_t i, const char *key)
{
    return jval_text(jval_get(jval_at(runs, i), key), "none");
}

static void test_a_finished_run(void **state)
{
    struct place *p = *state;
    put_run(p, "20260102T030405Z-0-a", "a", true);
    struct jval *runs = list(p, 1, NULL, 0);
    assert_int_equal(jval_len(runs), 1);
    assert_string_equal(field(runs, 0, "name"), "20260102T030405Z-0-a");
    assert_string_equal(field(runs, 0, "state"), "finished");
    assert_string_equal(field(runs, 0, "device"), "a");
    assert_string_equal(field(runs, 0, "begun"), "2026-01-02T03:04:05.678Z");
    assert_string_equal(field(runs, 0, "ended"), "2026-01-02T03:05:06.789Z");
    assert_string_equal(field(runs, 0, "decision"), "refused");
    const struct jval *one = jval_at(runs, 0);
    assert_int_equal(jval_int(jval_get(one, "seed"), 0), 7);
    assert_int_equal(jval_int(jval_get(one, "exit"), 0), 1);
    assert_int_equal(jval_int(jval_get(jval_get(one, "counts"), "pass"), 0), 2);
    assert_false(jval_bool(jval_get(one, "signed"), true));
    jval_free(runs);
}

static void test_only_what_changed_is_read(void **state)
{
    struct place *p = *state;
    put_run(p, "1-a", "a", true);
    put_run(p, "2-b", "b", true);
    jval_free(list(p, 2, NULL, 0));
    jval_free(list(p, 0, NULL, 0));
    assert_int_equal(p->decided, 2);
    put(p, "2-b", "root.sig", "{}");
    struct jval *runs = list(p, 1, NULL, 0);
    assert_true(jval_bool(jval_get(jval_at(runs, 1), "signed"), false));
    assert_int_equal(p->decided, 3);
    jval_free(runs);
}

static void test_a_run_that_is_gone_is_forgotten(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    put_run(p, "1-a", "a", true);
    put_run(p, "2-b", "b", true);
    jval_free(list(p, 2, NULL, 0));
    snprintf(path, sizeof path, "%s/1-a", p->folder);
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    struct jval *runs = list(p, 0, NULL, 0);
    assert_int_equal(jval_len(runs), 1);
    assert_string_equal(field(runs, 0, "name"), "2-b");
    jval_free(runs);
}

static void test_half_written_runs(void **state)
{
    struct place *p = *state;
    put_run(p, "1-torn", "a", false); // its last line has no end: cut off
    put(p, "2-no-json", "run.json", "{\"device\":");
    put(p, "3-bare", "run.json", "{\"device\":\"bare\"}");
    put(p, "4-not-a-run", "notes.txt", "x");
    put_run(p, "5-hollow", "h", true);
    put(p, "6-empty", "run.json", "");
    struct jval *runs = list(p, 5, NULL, 0);
    assert_int_equal(jval_len(runs), 5);
    assert_string_equal(field(runs, 0, "state"), "unfinished");
    assert_non_null(strstr(field(runs, 0, "why"), "no run.end"));
    assert_string_equal(field(runs, 0, "decision"), "");
    assert_string_equal(field(runs, 1, "state"), "unreadable");
    assert_non_null(strstr(field(runs, 1, "why"), "run.json"));
    assert_string_equal(field(runs, 2, "state"), "unfinished");
    assert_string_equal(field(runs, 2, "device"), "bare");
    assert_string_equal(field(runs, 3, "state"), "unreadable");
    assert_string_equal(field(runs, 3, "why"), "plan.json is gone");
    assert_string_equal(field(runs, 4, "state"), "unreadable");
    jval_free(runs);
    put_run(p, "1-torn", "a", true); // it went on
    runs = list(p, 1, NULL, 0);
    assert_string_equal(field(runs, 0, "state"), "finished");
    jval_free(runs);
}

static void test_selection(void **state)
{
    struct place *p = *state;
    put_run(p, "1-a", "a", true);
    put_run(p, "2-b", "b", true);
    put_run(p, "3-a", "a", true);
    put_run(p, "4-a", "a", true);
    struct jval *runs = list(p, 4, "a", 2);
    assert_int_equal(jval_len(runs), 2);
    assert_string_equal(field(runs, 0, "name"), "3-a");
    assert_string_equal(field(runs, 1, "name"), "4-a");
    jval_free(runs);
    runs = list(p, 0, "it's \"x\"", 0);
    assert_int_equal(jval_len(runs), 0);
    jval_free(runs);
}

// Whatever stands in its file, the same is listed.
static void test_a_damaged_index_is_made_anew(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    put_run(p, "1-a", "a", true);
    jval_free(list(p, 1, NULL, 0));
    snprintf(path, sizeof path, "%s/index.sqlite", p->folder);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (int part = 0; part < 4; part++) {
        int fd = open(path, O_RDWR);
        assert_true(fd >= 0);
        char junk[512];
        memset(junk, 'x', sizeof junk);
        if (part == 3)
            assert_int_equal(ftruncate(fd, st.st_size / 2 + 1), 0);
        else
            assert_int_equal(pwrite(fd, junk, sizeof junk, part * (st.st_size / 3)), sizeof junk);
        close(fd);
        struct jval *runs = list(p, -1, NULL, 0);
        assert_int_equal(jval_len(runs), 1);
        assert_string_equal(field(runs, 0, "name"), "1-a");
        jval_free(runs);
    }
    unlink(path);
    jval_free(list(p, 1, NULL, 0));
}

static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    struct index *ix = NULL;
    struct err err = {0};
    assert_int_equal(index_open(&ix, "/nonexistent/results", &err), ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "expected a folder with run directories"));
    assert_int_equal(index_open(&ix, "/dev/null", &err), ERR_NOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

// Two cases, the second broken off; a frame that two stations heard, and a downlink.
static void put_timed_run(const struct place *p, const char *name, const char *profile, int case_s)
{
    char run[256], events[2048], wall[1024];
    size_t n = 0;
    snprintf(run, sizeof run,
             "{\"device\":\"fox\",\"bench\":\"desk\",\"profile\":\"%s\",\"seed\":7,"
             "\"faults\":[]}",
             profile);
    put(p, name, "run.json", run);
    snprintf(events, sizeof events, "%s",
             "{\"type\":\"clock\",\"rate_hz\":100.0,\"t\":0}\n"
             "{\"type\":\"case.begin\",\"t\":100,\"case\":\"A-1\",\"axes\":\"k=v\"}\n"
             "{\"type\":\"uplink\",\"start\":200,\"end\":400,\"t\":500}\n"
             "{\"type\":\"uplink\",\"start\":201,\"end\":401,\"t\":500}\n"
             "{\"type\":\"downlink\",\"start\":600,\"end\":650,\"t\":700}\n"
             "{\"type\":\"case.end\",\"t\":1100,\"case\":\"A-1\",\"verdict\":\"pass\"}\n"
             "{\"type\":\"case.begin\",\"t\":1100,\"case\":\"A-2\",\"axes\":\"_\"}\n"
             "{\"type\":\"case.end\",\"t\":1200,\"case\":\"A-2\",\"verdict\":\"error\"}\n");
    put(p, name, "events.jsonl", events);
    for (int i = 0; i < 8; i++)
        n += (size_t)snprintf(wall + n, sizeof wall - n,
                              "{\"seq\":%d,\"wall\":\"2026-01-02T03:04:%02d.500Z\"}\n", i,
                              i < 5 ? 1 : 1 + case_s);
    put(p, name, "wall.jsonl", wall);
}

static void test_durations(void **state)
{
    const struct place *p = *state;
    struct err e = {0};
    struct index *ix = NULL;
    struct jval *found = NULL;
    put_timed_run(p, "20260101T000000Z-a-fox", "smoke", 2);
    put_timed_run(p, "20260102T000000Z-a-fox", "basic", 4);
    put_timed_run(p, "20260103T000000Z-a-fox", "smoke", 3);
    assert_int_equal(index_open(&ix, p->folder, &e), ERR_OK);
    assert_int_equal(index_refresh_newest(ix, 2, &e), 2);
    assert_int_equal(index_durations(ix, "fox", "desk", "smoke", &found, &e), ERR_OK);
    assert_int_equal(jval_len(found), 2);
    jval_free(found);
    assert_int_equal(index_refresh_newest(ix, 9, &e), 1); // the known ones are not read again
    assert_int_equal(index_durations(ix, "fox", "desk", "smoke", &found, &e), ERR_OK);

    // This profile first, the newest first; the case that broke off is no measure of anything.
    static const double wall_s[] = {3, 2, 4};
    assert_int_equal(jval_len(found), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct jval *d = jval_at(found, i);
        assert_string_equal(jval_text(jval_get(d, "name"), ""), "A-1/k=v");
        assert_int_equal(jval_bool(jval_get(d, "same"), false), i < 2);
        assert_false(jval_bool(jval_get(d, "virtual"), true));
        assert_true(jval_number(jval_get(d, "wall_s"), 0) == wall_s[i]);
        assert_true(jval_number(jval_get(d, "bench_s"), 0) == 10.0);
        assert_true(jval_number(jval_get(d, "air_s"), 0) == 2.5);
    }
    jval_free(found);

    // Whoever wants to know what a run amounts to reads those again that were read without.
    struct place asked = *p;
    const struct index_judge judge = {decide, &asked};
    assert_int_equal(index_refresh(ix, &judge, &e), 3);
    assert_int_equal(index_refresh_newest(ix, 9, &e), 0);
    index_close(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_finished_run),
        TEST(test_only_what_changed_is_read),
        TEST(test_a_run_that_is_gone_is_forgotten),
        TEST(test_half_written_runs),
        TEST(test_selection),
        TEST(test_a_damaged_index_is_made_anew),
        TEST(test_a_folder_that_is_not_there),
        TEST(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
