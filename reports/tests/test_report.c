// The page that comes out of a run directory.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "reports/report.h"
#include "reports/tests/sample_run.h"

static char folder[] = "/tmp/test_report.XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

// Makes a run, renders it, gives the page (bytes_deinit it).
static void page_of(const char *name, const struct sample_run *what, struct bytes *page)
{
    struct err err = {0};
    char run[600], path[700];
    snprintf(run, sizeof run, "%s", path_of(name));
    if (access(run, F_OK) != 0) sample_run_make(run, what);
    if (report_render(run, &err) != 0) fail_msg("%s", err.text);
    snprintf(path, sizeof path, "%s/report/report.html", run);
    bytes_init(page, 64 << 20);
    if (bytes_read_file(page, path, &err) != 0) fail_msg("%s", err.text);
}

static void assert_has(const struct bytes *page, const char *text)
{
    if (!strstr((const char *)page->data, text)) fail_msg("the page lacks \"%s\"", text);
}

static void assert_lacks(const struct bytes *page, const char *text)
{
    if (strstr((const char *)page->data, text)) fail_msg("the page has \"%s\"", text);
}

static void test_report_tells_what_happened(void **state)
{
    (void)state;
    struct bytes page;
    page_of("plain", &(struct sample_run){0}, &page);
    assert_has(&page, "<h2>Refused</h2>");
    assert_has(&page, "The device failed 1 case of 6.");
    assert_has(&page, "tag of frame 2: expected true, got false");
    assert_has(&page, "On account of the device under test.");
    assert_has(&page, "the radio went away");
    assert_has(&page, "On account of the bench or the laboratory.");
    assert_has(&page, "the device declares no downlink");
    assert_has(&page, "the bench gave up");
    assert_has(&page, "Samples were lost at 3 min 31 s");
    assert_has(&page, "Listened for 2 h 50 min of device time.");
    assert_has(&page, "<strong>Virtual lab.</strong>");
    assert_has(&page, "The results relate only to the items tested.");
    assert_has(&page, "foxbench run --seed 1 AUTH-UL-001");
    assert_has(&page, "868.121000");               // frequency of the first frame, MHz
    assert_has(&page, "17.2 dB");                  // Eb/N0
    assert_has(&page, "404142434445464748494a4b"); // payload
    assert_has(&page, "<span class=\"bad\">wrong</span>");
    assert_has(&page, "below 9.50 %");
    assert_has(&page, "[ASSUMED]");
    assert_has(&page, "iq/message.sigmf-data");
    assert_has(&page, "1 (a case failed)");
    assert_has(&page, "The message counter has 12 bits.");
    assert_lacks(&page, "ertified");
    bytes_deinit(&page);
}

static void test_report_without_a_fail_is_still_no_certificate(void **state)
{
    (void)state;
    struct bytes page;
    page_of("nofail", &(struct sample_run){.without_fail = true}, &page);
    assert_has(&page, "<h2>Not granted yet</h2>"); // a bench error and a notrun remain
    assert_lacks(&page, "<h2>Refused</h2>");
    assert_lacks(&page, "<h2>Granted");
    bytes_deinit(&page);
}

static void test_report_of_an_unfinished_run(void **state)
{
    (void)state;
    struct bytes page;
    page_of("unfinished", &(struct sample_run){.unfinished = true}, &page);
    assert_has(&page, "<strong>Unfinished.</strong> The ledger has no end");
    assert_has(&page, "the run ended before this attempt did");
    assert_has(&page, "the run ended before this case began");
    bytes_deinit(&page);

    // a torn last line, as a kill in the middle of a write leaves it
    FILE *f = fopen(path_of("unfinished/events.jsonl"), "a");
    assert_non_null(f);
    fputs("{\"seq\":", f);
    fclose(f);
    page_of("unfinished", NULL, &page);
    assert_has(&page, "ends in the middle of a line");
    bytes_deinit(&page);
}

static void test_report_has_a_picture_and_fetches_nothing(void **state)
{
    (void)state;
    struct bytes page;
    page_of("picture", &(struct sample_run){0}, &page);
    const char *at = (const char *)page.data;
    int pictures = 0;
    while ((at = strstr(at, "=\"data:image/png;base64,iVBORw0KGgo"))) {
        pictures++;
        at++;
    }
    assert_int_equal(pictures, 7); // the whole recording, and two of each of three frames
    assert_lacks(&page, "http:");
    assert_lacks(&page, "https:");
    for (at = (const char *)page.data; (at = strstr(at, "src=")); at++)
        assert_memory_equal(at, "src=\"data:", 10);
    assert_lacks(&page, "url(");
    assert_lacks(&page, "@import");
    assert_lacks(&page, "<script");
    assert_lacks(&page, "<link");
    bytes_deinit(&page);
}

static void test_report_draws_a_curve_and_counts_transmissions(void **state)
{
    (void)state;
    struct bytes page;
    page_of("jammed", &(struct sample_run){.jammed = true}, &page);
    assert_has(&page, "aria-label=\"Share of frame lost against J/S\"");
    assert_has(&page, "J/S in dB");
    assert_has(&page, "Jammed by jammer1 with 3 bursts: 2 on rank 1, 1 on rank 3.");
    assert_has(&page, "60 trials in all");
    assert_has(&page, "two-sided 95 % intervals (Clopper–Pearson)");
    assert_has(&page, "0.0 % … 16.8 %");   // 0 of 20
    assert_has(&page, "5.7 % … 43.7 %");   // 4 of 20
    assert_has(&page, "83.2 % … 100.0 %"); // 20 of 20
    assert_has(&page, "<td class=\"tight\">867.850 … 868.400 MHz</td>");
    assert_has(&page, "3 bursts, 6.0 s"); // the jammer's, 2 s each
    assert_has(&page, "1 burst, 0.5 s");  // the downlink
    assert_has(&page, "4 bursts in all, 6.5 s");
    assert_lacks(&page, "in no permitted band");
    assert_has(&page, "Interfered: 3 bursts (2 × rank 1, 1 × rank 3); J/S -6.0 … 6.0 dB.");
    assert_has(&page, "Transmitted 1 downlink.");
    assert_has(&page, "Sent 2 commands (1 × dut, 1 × dut2); answers: 2 × ok.");
    bytes_deinit(&page);

    page_of("plain", &(struct sample_run){0}, &page);
    assert_lacks(&page, "Measured curves");
    assert_has(&page, "The bench transmitted nothing.");
    bytes_deinit(&page);
}

static void test_same_directory_same_bytes(void **state)
{
    (void)state;
    struct bytes a, b;
    page_of("twice", &(struct sample_run){.jammed = true}, &a);
    page_of("twice", NULL, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    bytes_deinit(&a);
    bytes_deinit(&b);
}

static void test_hostile_text_stays_text(void **state)
{
    (void)state;
    static const char hostile[] = "<script>alert(1)</script>\"' onload='x' &lt; \u202e\x01 %s %d";
    struct bytes page;
    page_of("hostile", &(struct sample_run){.hostile = hostile, .jammed = true}, &page);
    assert_lacks(&page, "<script");
    assert_lacks(&page, "\"' onload");
    assert_lacks(&page, "\u202e");
    assert_lacks(&page, "\x01");
    assert_has(&page,
               "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=&#39;x&#39; &amp;lt; "
               "[U+202E][U+0001] %s %d");
    bytes_deinit(&page);
}

static void test_no_secret_of_the_device_file_is_shown(void **state)
{
    (void)state;
    struct bytes page;
    page_of("secret", &(struct sample_run){0}, &page);
    assert_lacks(&page, "topsecret");
    assert_lacks(&page, "c0ffee00c0ffee00");
    assert_has(&page, "known to the bench, not shown");
    assert_has(&page, "KNOWNKEY"); // a value may hold the word
    bytes_deinit(&page);
}

static void test_no_picture_of_altered_evidence(void **state)
{
    (void)state;
    struct bytes page;
    page_of("altered", &(struct sample_run){.altered_iq = true}, &page);
    assert_lacks(&page, "data:image/png");
    assert_has(&page, "is not what the ledger recorded");
    bytes_deinit(&page);
}

static void check_fails(const char *name, int code, const char *expected)
{
    struct err err = {0};
    int rc = report_render(path_of(name), &err);
    if (rc != code || !strstr(err.text, expected))
        fail_msg("expected %d \"%s\", got %d \"%s\"", code, expected, rc, err.text);
}

static void test_broken_directories_are_errors_that_name_the_file(void **state)
{
    (void)state;
    check_fails("nothing", ERR_IO, "expected a run directory, but there is none");
    mkdir(path_of("empty"), 0777);
    check_fails("empty", ERR_IO, "run.json: No such file");

    char path[600];
    snprintf(path, sizeof path, "%s", path_of("broken"));
    sample_run_make(path, &(struct sample_run){0});
    snprintf(path, sizeof path, "%s", path_of("broken/events.jsonl"));
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fputs("XX", f); // the first line is no JSON any more
    fclose(f);
    check_fails("broken", ERR_FORMAT, "events.jsonl: line 1 is no event");
    f = fopen(path, "w");
    fputs("{\"seq\":0,\"t\":0,\"type\":\"note\",\"case\":\"NO-SUCH-1\",\"axes\":\"_\"}\n", f);
    fclose(f);
    check_fails("broken", ERR_FORMAT, "case NO-SUCH-1/_ is not in plan.json");
    snprintf(path, sizeof path, "%s", path_of("broken/plan.json"));
    f = fopen(path, "w");
    fputs("[1]\n", f);
    fclose(f);
    check_fails("broken", ERR_FORMAT, "plan.json: expected a JSON object");
    f = fopen(path, "w");
    fputs("{\"cases\": \"none\", \"device\": 3}\n", f);
    fclose(f);
    check_fails("broken", ERR_FORMAT, "not in plan.json");
}

static void test_unwritable_report_folder(void **state)
{
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s", path_of("blocked"));
    sample_run_make(path, &(struct sample_run){0});
    snprintf(path, sizeof path, "%s", path_of("blocked/report"));
    FILE *f = fopen(path, "w"); // a file where the folder should be
    assert_non_null(f);
    fclose(f);
    check_fails("blocked", ERR_IO, "report.html");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_tells_what_happened),
        cmocka_unit_test(test_report_without_a_fail_is_still_no_certificate),
        cmocka_unit_test(test_report_of_an_unfinished_run),
        cmocka_unit_test(test_report_has_a_picture_and_fetches_nothing),
        cmocka_unit_test(test_report_draws_a_curve_and_counts_transmissions),
        cmocka_unit_test(test_same_directory_same_bytes),
        cmocka_unit_test(test_hostile_text_stays_text),
        cmocka_unit_test(test_no_secret_of_the_device_file_is_shown),
        cmocka_unit_test(test_no_picture_of_altered_evidence),
        cmocka_unit_test(test_broken_directories_are_errors_that_name_the_file),
        cmocka_unit_test(test_unwritable_report_folder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
