// The report on paper: the same page, the same bytes each time, and a printer that fails breaks
// nothing.
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

static char folder[] = "/tmp/test_pdf.XXXXXX";

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    struct err err = {0};
    if (!mkdtemp(folder)) return -1;
    char run[600];
    snprintf(run, sizeof run, "%s", path_of("run"));
    sample_run_make(run, &(struct sample_run){.hostile = "<img src='file:///etc/passwd'>"});
    return report_render(run, &err);
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void read_pdf(struct bytes *pdf)
{
    struct err err = {0};
    bytes_init(pdf, 64 << 20);
    if (bytes_read_file(pdf, path_of("run/report/report.pdf"), &err) != 0) fail_msg("%s", err.text);
}

static void test_same_page_same_bytes(void **state)
{
    (void)state;
    struct err err = {0};
    struct bytes a, b;
    if (report_pdf(path_of("run"), &err) != 0) fail_msg("%s", err.text);
    read_pdf(&a);
    sleep(1); // another second must not show
    if (report_pdf(path_of("run"), &err) != 0) fail_msg("%s", err.text);
    read_pdf(&b);
    assert_true(a.len > 10000);
    assert_memory_equal(a.data, "%PDF-", 5);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    bytes_deinit(&a);
    bytes_deinit(&b);
}

// Read back by another program: the decision is on the first page, and pages are counted.
static void test_first_page_decides(void **state)
{
    (void)state;
    char command[1200];
    snprintf(command, sizeof command, "pdftotext -l 1 -layout '%s/run/report/report.pdf' '%s/text'",
             folder, folder);
    assert_int_equal(system(command), 0);
    struct bytes text;
    struct err err = {0};
    bytes_init(&text, 1 << 20);
    assert_int_equal(bytes_read_file(&text, path_of("text"), &err), ERR_OK);
    assert_non_null(strstr((const char *)text.data, "Refused"));
    assert_non_null(strstr((const char *)text.data, "Decision · level Basic"));
    assert_non_null(strstr((const char *)text.data, "Virtual lab."));
    assert_non_null(strstr((const char *)text.data, "page 1 of "));
    bytes_deinit(&text);
}

// Another printer in a root of its own; what is expected of the error.
static void check_printer(const char *script, int code, const char *expected)
{
    char root[600];
    struct err err = {0};
    mkdir(path_of("root"), 0777);
    mkdir(path_of("root/reports"), 0777);
    FILE *f = fopen(path_of("root/reports/pdf.py"), "w");
    assert_non_null(f);
    fputs(script, f);
    fclose(f);
    snprintf(root, sizeof root, "%s", path_of("root"));
    setenv("FOXBENCH_ROOT", root, 1);
    int rc = report_pdf(path_of("run"), &err);
    unsetenv("FOXBENCH_ROOT");
    if (rc != code || !strstr(err.text, expected))
        fail_msg("expected %d \"%s\", got %d \"%s\"", code, expected, rc, err.text);
    assert_int_not_equal(access(path_of("run/report/report.pdf.part"), F_OK), 0);
}

static void test_a_printer_that_fails_says_why(void **state)
{
    (void)state;
    struct err err = {0};
    check_printer("import sys; print('no module', file=sys.stderr); sys.exit(5)", ERR_UNSUPPORTED,
                  "apt-get install weasyprint");
    check_printer("import sys; print('out of paper', file=sys.stderr); sys.exit(3)", ERR_FORMAT,
                  "WeasyPrint failed: out of paper");
    check_printer("import os, sys; open(sys.argv[2], 'w').write('half'); os.abort()", ERR_FORMAT,
                  "without a word");
    check_printer("pass", ERR_IO, "report.pdf"); // says it is done, but left nothing
    assert_int_equal(report_pdf(path_of("nothing"), &err), ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "expected the page to print"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_page_same_bytes),
        cmocka_unit_test(test_first_page_decides),
        cmocka_unit_test(test_a_printer_that_fails_says_why),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
