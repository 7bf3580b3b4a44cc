// Pictures: a PNG that libpng reads back, and a spectrogram whose bright pixels lie where the
// signal is.
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/crypto.h"
#include "bench/base/json.h"
#include "bench/phy/png.h"
#include "reports/picture.h"
#include "reports/tests/sample_run.h"

static char folder[] = "/tmp/test_picture.XXXXXX";

// A run of an older bench, which kept no pictures.
static const struct picture_evidence none = {"", NULL};

static int setup(void **state)
{
    (void)state;
    char path[128];
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/run", folder);
    sample_run_make(path, &(struct sample_run){0});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void test_png_reads_back(void **state)
{
    (void)state;
    static const struct png_colour palette[] = {{1, 2, 3}, {250, 128, 7}};
    static const uint8_t pixels[] = {0, 1, 1, 1, 0, 0};
    struct bytes png;
    bytes_init(&png, 1 << 16);
    assert_int_equal(png_write(&png, 3, 2, pixels, palette, 2, NULL), 0);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, png.data, png.len));
    assert_int_equal(image.width, 3);
    assert_int_equal(image.height, 2);
    image.format = PNG_FORMAT_RGB;
    uint8_t rgb[18];
    assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    for (size_t i = 0; i < 6; i++)
        assert_memory_equal(rgb + 3 * i, &palette[pixels[i]], 3);
    bytes_deinit(&png);
}

static void test_png_refuses_what_is_no_picture(void **state)
{
    (void)state;
    static const struct png_colour palette[] = {{1, 2, 3}};
    static const uint8_t pixels[] = {1};
    struct bytes png;
    struct err err = {0};
    bytes_init(&png, 1 << 16);
    assert_int_equal(png_write(&png, 0, 1, pixels, palette, 1, &err), ERR_INVALID);
    assert_int_equal(png_write(&png, 1, 1, pixels, palette, 0, &err), ERR_INVALID);
    assert_int_equal(png_write(&png, 1, 1, pixels, palette, 1, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "pixel 0 has colour 1 of 1"));
    bytes_deinit(&png);
}

// Decodes a panel's data URI into grey levels (0 … 255) and checks its size.
static uint8_t *pixels_of(const struct jval *panel, size_t *width, size_t *height)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *text = jval_text(jval_get(panel, "png"), "");
    assert_memory_equal(text, "data:image/png;base64,", 22);
    text += 22;
    uint8_t *data = malloc(strlen(text));
    size_t len = 0;
    unsigned bits = 0, n = 0;
    for (; *text && *text != '='; text++) {
        bits = bits << 6 | (unsigned)(strchr(digits, *text) - digits);
        if ((n += 6) >= 8) data[len++] = (uint8_t)(bits >> (n -= 8));
    }
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, data, len));
    *width = image.width;
    *height = image.height;
    assert_int_equal(image.width, jval_int(jval_get(panel, "width"), 0));
    assert_int_equal(image.height, jval_int(jval_get(panel, "height"), 0));
    image.format = PNG_FORMAT_GRAY;
    uint8_t *grey = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, grey, 0, NULL));
    free(data);
    return grey;
}

static void test_the_signal_is_where_the_axes_say(void **state)
{
    (void)state;
    // the three frames of sample_run.c, written again here
    static const struct {
        double start_s, hz;
    } frames[] = {{0.5, 868121000}, {2.9, 868144250}, {5.3, 868112500}};
    char base[256];
    struct jval *picture;
    struct err err = {0};
    snprintf(base, sizeof base, "%s/run/cases/AUTH-UL-001/_/attempt-1/iq/message", folder);
    if (picture_make(base, &none, &picture, &err) != 0) fail_msg("%s", err.text);
    const struct jval *panels = jval_get(picture, "panels");
    assert_int_equal(jval_len(panels), 4);
    const struct jval *overview = jval_at(panels, 0);
    double low = jval_number(jval_get(overview, "low_hz"), 0),
           high = jval_number(jval_get(overview, "high_hz"), 0);
    size_t width, height;
    uint8_t *grey = pixels_of(overview, &width, &height);
    for (size_t k = 0; k < 3; k++) {
        size_t from = (size_t)((frames[k].start_s + 0.3) / 8 * (double)width);
        size_t to = (size_t)((frames[k].start_s + 1.8) / 8 * (double)width);
        size_t brightest = 0, best_sum = 0;
        for (size_t y = 0; y < height; y++) {
            size_t sum = 0;
            for (size_t x = from; x < to; x++)
                sum += grey[y * width + x];
            if (sum > best_sum) {
                best_sum = sum;
                brightest = y;
            }
        }
        double hz = high - ((double)brightest + 0.5) / (double)height * (high - low);
        assert_true(hz > frames[k].hz - 400 && hz < frames[k].hz + 400);

        const struct jval *panel = jval_at(panels, k + 1);
        double middle = (jval_number(jval_get(panel, "low_hz"), 0) +
                         jval_number(jval_get(panel, "high_hz"), 0)) /
                        2;
        assert_true(middle > frames[k].hz - 1 && middle < frames[k].hz + 1);
    }
    free(grey);
    jval_free(picture);
}

static double value_of(const struct jval *panel, const char *name)
{
    const struct jval *list = jval_get(panel, "measured");
    for (size_t i = 0; i < jval_len(list); i++)
        if (strcmp(jval_text(jval_get(jval_at(list, i), "name"), ""), name) == 0)
            return jval_number(jval_get(jval_at(list, i), "value"), -1e9);
    fail_msg("%s was not measured: %s", name, jval_text(jval_get(panel, "unmeasured"), "?"));
    return 0;
}

// Frames whose bits the recording tells are measured, and their phase is drawn: two states.
static void test_frames_are_measured(void **state)
{
    (void)state;
    static const double hz[] = {868121000, 868144250, 868112500};
    char base[256];
    struct jval *picture;
    struct err err = {0};
    snprintf(base, sizeof base, "%s/run/cases/AUTH-UL-001/_/attempt-1/iq/message", folder);
    if (picture_make(base, &none, &picture, &err) != 0) fail_msg("%s", err.text);
    for (size_t k = 0; k < 3; k++) {
        const struct jval *panel = jval_at(jval_get(picture, "panels"), k + 1);
        double f = value_of(panel, "f_mid_hz"), step = value_of(panel, "phase_step_deg");
        if (!(f > hz[k] - 0.05 && f < hz[k] + 0.05)) fail_msg("frame %zu at %.3f Hz", k, f);
        if (!(step > 174 && step <= 180)) fail_msg("frame %zu: step of %.1f degrees", k, step);
        static const char *const kinds[] = {"spectrogram", "phase"};
        for (size_t i = 0; i < 2; i++) {
            const char *png = jval_text(jval_get(panel, kinds[i]), "");
            assert_true(strlen(png) > 500);
            assert_memory_equal(png, "data:image/png;base64,", 22);
        }
    }
    jval_free(picture);
}

static void put(const char *name, const char *text, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
}

// What the ledger says of a file with this content.
static void add_file(struct jval *files, const char *name, const char *text)
{
    char path[256], hex[SHA256_HEX_LEN];
    struct err err = {0};
    put(name, text, strlen(text));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(crypto_sha256_file(path, hex, NULL, &err), 0);
    assert_int_equal(jval_append(files,
                                 jval_make(&err, "{s:s, s:s, s:s}", "path", name, "sha256", hex,
                                           "note", "spectrogram of abc, rank 1"),
                                 &err),
                     0);
}

// Pictures that the run kept are shown as they are, or it is said why not; the others are drawn.
static void test_kept_pictures(void **state)
{
    (void)state;
    char base[256], frames[256];
    struct jval *files = jval_array(), *picture, *kept;
    struct err err = {0};
    snprintf(frames, sizeof frames, "%s/frames", folder);
    assert_int_equal(mkdir(frames, 0777), 0);
    add_file(files, "frames/24000-spectrogram.png", "Man");
    add_file(files, "frames/24000-phase.png", "any");
    add_file(files, "frames/139200-spectrogram.png", "one");
    add_file(files, "frames/77-spectrogram.png", "two"); // measured alone
    add_file(files, "frames/77-phase.png", "six");
    add_file(files, "frames/x.png", "odd");
    put("frames/139200-spectrogram.png", "One", 3);
    const struct picture_evidence evidence = {folder, files};
    snprintf(base, sizeof base, "%s/run/cases/AUTH-UL-001/_/attempt-1/iq/message", folder);
    if (picture_make(base, &evidence, &picture, &err) != 0) fail_msg("%s", err.text);
    const struct jval *panels = jval_get(picture, "panels"), *panel = jval_at(panels, 1);
    assert_string_equal(jval_text(jval_get(panel, "spectrogram"), ""),
                        "data:image/png;base64,TWFu");
    assert_string_equal(jval_text(jval_get(panel, "phase"), ""), "data:image/png;base64,YW55");
    assert_null(jval_get(panel, "lost"));
    panel = jval_at(panels, 2);
    assert_null(jval_get(panel, "spectrogram"));
    assert_non_null(strstr(jval_text(jval_get(panel, "lost"), ""), "not what the ledger recorded"));
    panel = jval_at(panels, 3);
    assert_true(strlen(jval_text(jval_get(panel, "spectrogram"), "")) > 500);

    struct jval *pictures = jval_array();
    assert_int_equal(jval_append(pictures, picture, &err), 0);
    if (picture_kept(&evidence, pictures, &kept, &err) != 0) fail_msg("%s", err.text);
    assert_int_equal(jval_len(kept), 1);
    panel = jval_at(kept, 0);
    assert_string_equal(jval_text(jval_get(panel, "label"), ""), "abc, rank 1");
    assert_string_equal(jval_text(jval_get(panel, "spectrogram"), ""),
                        "data:image/png;base64,dHdv");
    assert_string_equal(jval_text(jval_get(panel, "phase"), ""), "data:image/png;base64,c2l4");
    jval_free(kept);
    jval_free(pictures);
    jval_free(files);
}

static void check_fails(const char *meta, const char *expected)
{
    static const char silence[40000];
    char base[256];
    struct jval *picture;
    struct err err = {0};
    put("odd.sigmf-meta", meta, strlen(meta));
    put("odd.sigmf-data", silence, sizeof silence);
    snprintf(base, sizeof base, "%s/odd", folder);
    assert_true(picture_make(base, &none, &picture, &err) < 0);
    assert_null(picture);
    if (!strstr(err.text, expected)) fail_msg("expected \"%s\", got \"%s\"", expected, err.text);
}

static void test_odd_recordings(void **state)
{
    (void)state;
    check_fails("{", "not JSON");
    check_fails("[]", "expected samples of type ci16_le, got none");
    check_fails("{\"global\":{\"core:datatype\":\"cf32_le\",\"core:sample_rate\":48000}}",
                "got cf32_le");
    check_fails("{\"global\":{\"core:datatype\":\"ci16_le\",\"core:sample_rate\":-1}}", "got -1");
    check_fails("{\"global\":{\"core:datatype\":\"ci16_le\",\"core:sample_rate\":1e300}}",
                "got 1e+300");
    check_fails("{\"global\":{\"core:datatype\":\"ci16_le\",\"core:sample_rate\":480000}}",
                "expected at least 0.1 s of samples, got 10000");

    // absurd annotations are left out; the recording is still drawn
    static const char meta[] =
        "{\"global\":{\"core:datatype\":\"ci16_le\",\"core:sample_rate\":48000},\"captures\":[],"
        "\"annotations\":[1,{},{\"core:sample_start\":-5,\"core:sample_count\":10},"
        "{\"core:sample_start\":9999999,\"core:sample_count\":10,\"core:freq_lower_edge\":1,"
        "\"core:freq_upper_edge\":2},{\"core:sample_start\":1,\"core:sample_count\":1e300,"
        "\"core:freq_lower_edge\":-1e9,\"core:freq_upper_edge\":1e9},"
        "{\"core:sample_start\":1,\"core:sample_count\":9,\"core:freq_lower_edge\":1,"
        "\"core:freq_upper_edge\":2,\"foxbench:frame_hex\":\"aaaaa35f\","
        "\"foxbench:bit_rate\":-5}]}";
    char base[256];
    struct jval *picture;
    struct err err = {0};
    put("odd.sigmf-meta", meta, strlen(meta));
    snprintf(base, sizeof base, "%s/odd", folder);
    if (picture_make(base, &none, &picture, &err) != 0) fail_msg("%s", err.text);
    assert_int_equal(jval_len(jval_get(picture, "panels")), 2);
    assert_int_equal(jval_len(jval_get(picture, "marks")), 1);
    const struct jval *panel = jval_at(jval_get(picture, "panels"), 1);
    assert_non_null(strstr(jval_text(jval_get(panel, "unmeasured"), ""), "samples of all of it"));
    jval_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_reads_back),
        cmocka_unit_test(test_png_refuses_what_is_no_picture),
        cmocka_unit_test(test_the_signal_is_where_the_axes_say),
        cmocka_unit_test(test_frames_are_measured),
        cmocka_unit_test(test_kept_pictures),
        cmocka_unit_test(test_odd_recordings),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
