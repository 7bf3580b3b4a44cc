// Pictures of a burst: what is bright lies where the axes say, libpng reads them, and the same
// samples give the same bytes.
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/phy/canvas.h"
#include "bench/phy/picture.h"
#include "bench/phy/tests/synth.h"

// The plot inside a picture, by its own axes: picture.c has the same numbers.
enum { PLOT_X = 58, PLOT_Y = 38, PLOT_W = 352, PLOT_H = 200 };

static const double rate_hz = 520834;

struct image {
    uint8_t *grey;
    size_t width, height;
};

static struct image read_back(const struct bytes *png)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, png->data, png->len))
        fail_msg("libpng: %s", image.message);
    struct image out = {.width = image.width, .height = image.height};
    image.format = PNG_FORMAT_GRAY;
    out.grey = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, out.grey, 0, NULL));
    return out;
}

// The row of the plot, from its top, that is brightest from one column of it to another.
static size_t brightest(const struct image *i, size_t from, size_t to, size_t top, size_t bottom)
{
    size_t best = top;
    double most = -1;
    for (size_t y = top; y < bottom; y++) {
        double sum = 0;
        for (size_t x = from; x < to; x++)
            sum += i->grey[(PLOT_Y + y) * i->width + PLOT_X + x];
        if (sum > most) {
            most = sum;
            best = y;
        }
    }
    return best;
}

struct scene {
    struct synth_burst burst;
    char hex[SYNTH_HEX];
    int16_t *iq;
    size_t n;
    struct phy_measure_burst found;
};

// A frame of 12 bytes, 0.5 s of noise before it, with the drift asked for.
static void make(struct scene *s, double bit_rate, double drift_hz_s)
{
    static const uint8_t packet[12] = {0x10, 7, 0, 0xa1, 0xc5, 0xf0, 0, 1, 2, 3, 4, 5};
    synth_frame(packet, sizeof packet, s->hex);
    s->burst = (struct synth_burst){.hex = s->hex,
                                    .bit_rate = bit_rate,
                                    .start_s = 0.5,
                                    .f_hz = 21000,
                                    .drift_hz_s = drift_hz_s,
                                    .ebn0_db = 25,
                                    .rho = 0.2};
    const struct synth synth = {
        .rate_hz = rate_hz, .noise_rms = 3, .seed = 11, .bursts = &s->burst, .n_bursts = 1};
    const size_t symbols = synth_symbols(&s->burst);
    s->n = (size_t)((1.0 + (double)symbols / bit_rate) * rate_hz);
    s->iq = malloc(2 * s->n * sizeof *s->iq);
    synth_render(&synth, 0, s->n, s->iq);
    s->found = (struct phy_measure_burst){.start_sample = 0.5 * rate_hz,
                                          .f_hz = s->burst.f_hz,
                                          .drift_hz_s = drift_hz_s,
                                          .bit_rate = bit_rate,
                                          .n_symbols = symbols};
    s->found.sign[0] = 1;
    for (size_t k = 1; k < symbols; k++) {
        const char digit = s->hex[(k - 1) / 4];
        const int v = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        const bool bit = v >> (3 - (k - 1) % 4) & 1;
        s->found.sign[k] = bit ? s->found.sign[k - 1] : -s->found.sign[k - 1];
    }
}

static void draw(const struct scene *s, const char *title, struct bytes *spectrogram,
                 struct bytes *phase)
{
    const struct phy_measure_config config = {.rate_hz = rate_hz};
    const struct phy_picture_about about = {.title = title, .f_hz = 868.021e6, .start_s = 3.5};
    struct err err = {0};
    bytes_init(spectrogram, PHY_PICTURE_SIZE_MAX);
    bytes_init(phase, PHY_PICTURE_SIZE_MAX);
    if (phy_picture(&config, s->iq, s->n, &s->found, &about, spectrogram, phase, &err) < 0)
        fail_msg("%s", err.text);
}

// At its start the burst lies in the middle, and then where its drift takes it; beside it in time
// there is noise.
static void test_the_burst_is_where_the_axes_say(void **state)
{
    (void)state;
    static const struct {
        double bit_rate, drift_hz_s;
    } kinds[] = {{100, 0}, {100, 400}, {600, 0}, {100, -300}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct scene s;
        struct bytes png, phase;
        make(&s, kinds[i].bit_rate, kinds[i].drift_hz_s);
        draw(&s, "a burst", &png, &phase);
        struct image image = read_back(&png);
        const double symbols = (double)s.found.n_symbols, shown = symbols + 2 * PHY_MEASURE_SIDE;
        const double hz_per_pixel = 25 * kinds[i].bit_rate / PLOT_H;
        for (double at = 0.25; at < 1; at += 0.5) {
            const double middle = (PHY_MEASURE_SIDE + at * symbols) / shown * PLOT_W;
            const size_t y =
                brightest(&image, (size_t)(middle - 25), (size_t)(middle + 25), 0, PLOT_H);
            const double hz = (PLOT_H / 2 - ((double)y + 0.5)) * hz_per_pixel;
            const double due = kinds[i].drift_hz_s * at * symbols / kinds[i].bit_rate;
            if (fabs(hz - due) > 0.9 * kinds[i].bit_rate) // within its main lobe
                fail_msg("at %.2f of %.0f bit/s: expected %.0f Hz, is %.0f Hz", at,
                         kinds[i].bit_rate, due, hz);
        }
        // before it: nothing of its brightness
        double before = 0, in = 0;
        for (size_t x = 0; x < 8; x++) {
            before += image.grey[(PLOT_Y + PLOT_H / 2) * image.width + PLOT_X + x];
            in += image.grey[(PLOT_Y + PLOT_H / 2) * image.width + PLOT_X + 60 + x];
        }
        if (kinds[i].drift_hz_s == 0) assert_true(in > before + 8 * 60);
        free(image.grey);
        free(s.iq);
        bytes_deinit(&png);
        bytes_deinit(&phase);
    }
}

// The two states of the symbols are lines at 0 and 180 degrees: a quarter and three quarters up.
static void test_the_phase_has_two_states(void **state)
{
    (void)state;
    struct scene s;
    struct bytes png, phase;
    make(&s, 100, 12);
    draw(&s, "a burst", &png, &phase);
    struct image image = read_back(&phase);
    const size_t high = brightest(&image, 0, PLOT_W, 0, PLOT_H / 2);
    const size_t low = brightest(&image, 0, PLOT_W, PLOT_H / 2, PLOT_H);
    if (abs((int)high - PLOT_H / 4) > 3) fail_msg("one state in row %zu", high);
    if (abs((int)low - 3 * PLOT_H / 4) > 3) fail_msg("the other in row %zu", low);
    free(image.grey);
    free(s.iq);
    bytes_deinit(&png);
    bytes_deinit(&phase);
}

static void test_equal_samples_give_equal_bytes(void **state)
{
    (void)state;
    struct scene s;
    struct bytes a, b, a_phase, b_phase, other, other_phase;
    make(&s, 100, 0);
    draw(&s, "00F0C5A1", &a, &a_phase);
    draw(&s, "00F0C5A1", &b, &b_phase);
    draw(&s, "00F0C5A2", &other, &other_phase);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    assert_int_equal(a_phase.len, b_phase.len);
    assert_memory_equal(a_phase.data, b_phase.data, a_phase.len);
    // one letter of the title more or less is seen
    assert_true(other.len != a.len || memcmp(other.data, a.data, a.len) != 0);
    struct bytes *all[] = {&a, &b, &a_phase, &b_phase, &other, &other_phase};
    for (size_t i = 0; i < 6; i++)
        bytes_deinit(all[i]);
    free(s.iq);
}

// Bits of another burst: there is a spectrogram, and no phase to follow.
static void test_a_burst_of_other_bits(void **state)
{
    (void)state;
    struct scene s;
    struct bytes png, phase;
    make(&s, 100, 0);
    for (size_t k = 0; k < s.found.n_symbols; k++)
        s.found.sign[k] = k & 1 ? -1 : 1;
    draw(&s, "a burst", &png, &phase);
    assert_true(png.len > 1000);
    assert_int_equal(phase.len, 0);
    bytes_deinit(&png);
    bytes_deinit(&phase);

    struct err err = {0};
    const struct phy_measure_config config = {.rate_hz = rate_hz};
    const struct phy_picture_about about = {.title = ""};
    s.found.start_sample = 1e9;
    assert_int_equal(phy_picture(&config, s.iq, s.n, &s.found, &about, &png, NULL, &err),
                     ERR_INVALID);
    assert_non_null(strstr(err.text, "samples of all of it"));
    free(s.iq);
}

// Text stays inside, and what has no glyph is left out.
static void test_text(void **state)
{
    (void)state;
    struct canvas c;
    assert_int_equal(canvas_init(&c, 60, 20, NULL), ERR_OK);
    canvas_text(&c, 2, 2, CANVAS_LEFT, "I");
    size_t ink = 0;
    for (int i = 0; i < 60 * 20; i++)
        ink += c.pixels[i] == CANVAS_INK;
    assert_in_range(ink, 9, 30);
    assert_int_equal(c.pixels[8 * 60 + 5], CANVAS_INK); // its stem
    canvas_text(&c, 100, 2, CANVAS_RIGHT, "\x01 far outside, far outside, far outside \u20ac");
    canvas_text(&c, -50, -5, CANVAS_MIDDLE, "\u00b0");
    canvas_text_up(&c, 55, 400, "far outside");
    canvas_deinit(&c);
    struct err err = {0};
    assert_int_equal(canvas_init(&c, 0, 20, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "expected 1 to 4096"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_burst_is_where_the_axes_say),
        cmocka_unit_test(test_the_phase_has_two_states),
        cmocka_unit_test(test_equal_samples_give_equal_bytes),
        cmocka_unit_test(test_a_burst_of_other_bits),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
