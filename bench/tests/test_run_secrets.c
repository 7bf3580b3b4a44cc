// The search for keys in a run directory: planted ones are found and named without being shown, in
// every kind of file; what is no key is left in peace.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/run_secrets.h"

#define KEY    "51ab0c77e29d3f10886a54c2bb07d9fe"
#define SAMPLE "0f1e2d3c4b5a69788796a5b4c3d2e1f1"

static char dir[] = "/tmp/fox-secrets-XXXXXX";
static char device[64];

static void put(const char *name, const void *data, size_t len, size_t after)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t i = 0; i < after; i++)
        fputc((int)(i * 7 % 251), f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void remove_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(unlink(path), 0);
}

static struct run_secrets search(const char *prefix)
{
    struct run_secrets out;
    struct err e = {0};
    const char *const prefixes[] = {prefix, NULL};
    if (run_secrets_search(&out, dir, device, prefixes, &e) < 0) fail_msg("%s", e.text);
    for (size_t i = 0; i < out.n && i < RUN_SECRETS_FOUND_MAX; i++) {
        assert_null(strstr(out.found[i].text, "51ab"));
        assert_null(strstr(out.found[i].text, "0f1e"));
    }
    return out;
}

static void expect_one(const char *name, const char *words, const char *place)
{
    struct run_secrets s = search("");
    assert_int_equal(s.n, 1);
    if (!strstr(s.found[0].text, words) || !strstr(s.found[0].text, place))
        fail_msg("expected '%s' and '%s' in: %s", words, place, s.found[0].text);
    remove_file(name);
    assert_int_equal(search("").n, 0);
}

static void test_finds_planted_keys(void **state)
{
    (void)state;
    uint8_t raw[16], back[16];
    for (int i = 0; i < 16; i++) {
        unsigned byte;
        assert_int_equal(sscanf(&SAMPLE[2 * i], "%2x", &byte), 1);
        raw[i] = (uint8_t)byte;
        back[15 - i] = (uint8_t)byte;
    }
    put("dump.bin", raw, 16, 100);
    expect_one("dump.bin", "the key of sample 1", "in dump.bin as raw at byte 100");
    put("dump.bin", back, 16, 5);
    expect_one("dump.bin", "the key of sample 1", "as bytes reversed at byte 5");
    put("events.jsonl", KEY, 32, 9);
    expect_one("events.jsonl", "the device's key", "in events.jsonl as hex text at byte 9");
    // printf KEY | xxd -r -p | base64
    put("plan.json", "UasMd+KdPxCIalTCuwfZ/g==", 24, 0);
    expect_one("plan.json", "the device's key", "as base64 text");
}

// What lies across two pieces of a large file is found, and once.
static void test_finds_across_chunks(void **state)
{
    (void)state;
    const size_t chunk = 4 << 20;
    for (size_t back = 0; back < 34; back += 11) {
        char place[64];
        put("iq.sigmf-data", KEY, 32, chunk - back);
        snprintf(place, sizeof place, "at byte %zu", chunk - back);
        expect_one("iq.sigmf-data", "as hex text", place);
    }
}

static void test_says_a_repeated_key_once(void **state)
{
    (void)state;
    struct run_secrets s;
    put("uart.log", KEY "\n" KEY "\n" KEY "\n", 99, 0);
    s = search("");
    assert_int_equal(s.n, 1);
    assert_false(s.found[0].said_by_device); // no log of an attempt
    remove_file("uart.log");
    char cases[64];
    snprintf(cases, sizeof cases, "%s/cases", dir);
    assert_int_equal(mkdir(cases, 0700), 0);
    put("cases/uart.log", KEY, 32, 0);
    s = search("cases/");
    assert_int_equal(s.n, 1);
    assert_true(s.found[0].said_by_device);
    assert_int_equal(search("report/").n, 0);
    remove_file("cases/uart.log");
    assert_int_equal(rmdir(cases), 0);
}

// In the file the text stands as numbers; only who renders it reads the key.
static void test_reads_a_pdf(void **state)
{
    (void)state;
    char pdf[2048], text[128] = "";
    for (const char *p = KEY; *p; p++)
        snprintf(text + strlen(text), 3, "%02x", (unsigned)*p);
    snprintf(pdf, sizeof pdf,
             "%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
             "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
             "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 200]/Contents 4 0 R/Resources"
             "<</Font<</F 5 0 R>>>>>>endobj\n"
             "4 0 obj<</Length %zu>>stream\nBT /F 12 Tf 20 100 Td <%s> Tj ET\nendstream endobj\n"
             "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
             "trailer<</Root 1 0 R/Size 6>>\n%%%%EOF\n",
             strlen(text) + 32, text);
    put("report.pdf", pdf, strlen(pdf), 0);
    struct run_secrets s = search("");
    assert_false(s.pdf_unread);
    expect_one("report.pdf", "stands in the text of report.pdf", "as hex text");
}

static void test_names_a_key_that_cannot_be_read(void **state)
{
    (void)state;
    struct run_secrets out;
    struct err e = {0};
    const char *const all[] = {"", NULL};
    unsetenv("FOX_TEST_KEY");
    assert_true(run_secrets_search(&out, dir, device, all, &e) < 0);
    assert_non_null(strstr(e.text, "the device's key"));
    assert_non_null(strstr(e.text, "FOX_TEST_KEY"));
    setenv("FOX_TEST_KEY", KEY, 1);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(device, sizeof device, "%s.lua", dir);
    FILE *f = fopen(device, "w");
    if (!f) return -1;
    fputs("syntax(1)\nreturn { key = \"env:FOX_TEST_KEY\", samples = {\n"
          "  { key = \"env:FOX_TEST_SAMPLE\" }, { key = \"pkcs11:token=t;object=o\" } } }\n",
          f);
    setenv("FOX_TEST_KEY", KEY, 1);
    setenv("FOX_TEST_SAMPLE", SAMPLE, 1);
    return fclose(f);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(device);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_planted_keys),
        cmocka_unit_test(test_finds_across_chunks),
        cmocka_unit_test(test_says_a_repeated_key_once),
        cmocka_unit_test(test_reads_a_pdf),
        cmocka_unit_test(test_names_a_key_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
