// Recordings of every type read as the same words, alone and as a radio.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/radio/radio.h"
#include "bench/radio/sigmf.h"

enum { SAMPLES = 10000, PATH = 256 };

static char folder[] = "/tmp/sigmf-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static void path_of(char path[PATH], const char *name, const char *kind)
{
    snprintf(path, PATH, "%s/%s.sigmf-%s", folder, name, kind);
}

static int drop_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"ci16_le", "cf32_le", "cu8", "ci8", "quiet"};
    char path[PATH];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(path, names[i], "meta");
        unlink(path);
        path_of(path, names[i], "data");
        unlink(path);
    }
    return rmdir(folder);
}

static int16_t word(size_t i)
{
    return (int16_t)((int)(i * 2654435761u >> 16 & 0xfff) - 2048); // all 12-bit words, in no order
}

static void write_file(const char *name, const char *kind, const void *data, size_t n)
{
    char path[PATH];
    path_of(path, name, kind);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

static void write_recording(const char *name, const char *type, const void *data, size_t n)
{
    char meta[512];
    int len = snprintf(meta, sizeof meta,
                       "{\"global\":{\"core:datatype\":\"%s\",\"core:sample_rate\":520833.3333,"
                       "\"core:version\":\"1.0.0\"},\"captures\":[{\"core:sample_start\":0,"
                       "\"core:frequency\":868130000.5}],\"annotations\":[]}",
                       type);
    write_file(name, "meta", meta, (size_t)len);
    write_file(name, "data", data, n);
}

static int16_t *read_all(const char *name)
{
    char path[PATH];
    path_of(path, name, "meta");
    struct sigmf *s = NULL;
    struct err e = {0};
    if (sigmf_open(&s, path, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(sigmf_info(s)->n_samples, SAMPLES);
    assert_true(sigmf_info(s)->rate_hz == 520833.3333);
    assert_true(sigmf_info(s)->center_hz == 868130000.5);
    int16_t *iq = malloc(2 * SAMPLES * sizeof *iq);
    assert_non_null(iq);
    size_t n = 0;
    int got;
    while ((got = sigmf_read(s, iq + 2 * n, n == 0 ? 7 : SAMPLES - n, &e)) > 0)
        n += (size_t)got;
    assert_int_equal(got, 0);
    assert_int_equal(n, SAMPLES);
    sigmf_close(s);
    return iq;
}

static void test_words(void **state)
{
    (void)state;
    uint8_t *raw = malloc(4 * SAMPLES);
    assert_non_null(raw);
    for (size_t i = 0; i < 2 * SAMPLES; i++) {
        raw[2 * i] = (uint8_t)word(i);
        raw[2 * i + 1] = (uint8_t)((uint16_t)word(i) >> 8);
    }
    write_recording("ci16_le", "ci16_le", raw, 4 * SAMPLES);
    int16_t *iq = read_all("ci16_le");
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        assert_int_equal(iq[i], word(i));
    free(iq);
    free(raw);
}

static void test_floats(void **state)
{
    (void)state;
    float *raw = malloc(2 * SAMPLES * sizeof *raw);
    assert_non_null(raw);
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        raw[i] = (float)word(i) / 2047;
    write_recording("cf32_le", "cf32_le", raw, 2 * SAMPLES * sizeof *raw);
    int16_t *iq = read_all("cf32_le");
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        assert_int_equal(iq[i], word(i));
    free(iq);

    // A quiet one keeps its shape: raised as a whole, not rounded away.
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        raw[i] /= 1000;
    write_recording("quiet", "cf32_le", raw, 2 * SAMPLES * sizeof *raw);
    iq = read_all("quiet");
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        assert_true(abs(iq[i] - word(i) / 4) <= 2);
    free(iq);

    // One absurd value does not make all others vanish, and lies at full scale, where it shows.
    raw[2468] = 1e9f;
    write_recording("quiet", "cf32_le", raw, 2 * SAMPLES * sizeof *raw);
    iq = read_all("quiet");
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        if (i != 2468) assert_true(abs(iq[i] - word(i) / 4) <= 2);
    assert_int_equal(iq[2468], IQ_FULL_SCALE_RX);
    free(iq);
    free(raw);
}

static void test_bytes(void **state)
{
    (void)state;
    uint8_t *raw = malloc(2 * SAMPLES);
    assert_non_null(raw);
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        raw[i] = (uint8_t)(word(i) >> 4);
    write_recording("ci8", "ci8", raw, 2 * SAMPLES);
    int16_t *iq = read_all("ci8");
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        assert_int_equal(iq[i], (word(i) >> 4) * 16);
    free(iq);
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        raw[i] = (uint8_t)((word(i) >> 4) + 128);
    write_recording("cu8", "cu8", raw, 2 * SAMPLES);
    iq = read_all("cu8");
    for (size_t i = 0; i < 2 * SAMPLES; i++)
        assert_int_equal(iq[i], (word(i) >> 4) * 16 + 8); // its zero lies between two values
    free(iq);
    free(raw);
}

static void test_as_a_radio(void **state)
{
    (void)state;
    char uri[PATH + 8];
    snprintf(uri, sizeof uri, "file:%s/ci16_le.sigmf-meta", folder);
    struct radio_config config = {.uri = uri, .rate_hz = 48e3, .block_samples = 3000};
    struct radio *r = NULL;
    struct err e = {0};
    if (radio_open(&r, &config, &e) < 0) fail_msg("%s", e.text);
    assert_true(radio_info(r)->rate_hz == 520833.3333); // what it is, not what was asked
    assert_true(radio_info(r)->lo_hz == 868130000.5);
    struct iq_block block;
    size_t n = 0;
    int rc;
    while ((rc = radio_read(r, &block, &e)) == ERR_OK) {
        assert_int_equal(block.first_sample, n);
        assert_int_equal(block.n_samples, n + 3000 <= SAMPLES ? 3000 : SAMPLES - n);
        assert_int_equal(block.iq[1], word(2 * n + 1));
        assert_true(block.flags & IQ_FLAG_CLIPPED); // the words above go to both ends
        n += block.n_samples;
    }
    assert_int_equal(rc, ERR_NOTFOUND);
    assert_int_equal(n, SAMPLES);
    radio_close(r);

    config.uri = "file:/nowhere/x.sigmf-meta";
    assert_int_equal(radio_open(&r, &config, &e), ERR_IO);
    assert_non_null(strstr(e.text, "/nowhere/x.sigmf-meta"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_as_a_radio),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
