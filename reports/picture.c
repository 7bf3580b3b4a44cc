#include "reports/picture.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/phy/measure.h"
#include "bench/phy/spectrogram.h"
#include "bench/phy/png.h"

enum { COLOURS = 64, FRAMES_MAX = 3, PHASE_WIDTH = 200, PHASE_HEIGHT = 72 };

#define DATA_MAX         ((size_t)512 << 20)
#define MARGIN_S         0.25
#define FRAME_HALF_HZ    1250.0
#define OVERVIEW_MIN_HZ  30000.0 // on either side of the frames' middle
#define OVERVIEW_EDGE_HZ 10000.0

struct recording {
    double rate_hz;
    double centre_hz;
    struct bytes data;
    size_t n; // samples
};

// What one panel shows. Pixels are cut out of a finer matrix by taking the strongest of `pool`
// frequency cells: a signal of 100 Hz must not drown in a pixel of 2 kHz.
struct panel {
    const char *kind;
    const char *label; // lent
    double from_s, to_s, low_hz, high_hz;
    size_t width, height, pool;
};

// Anchors of viridis (van der Walt and Smith, CC0): even steps of brightness, readable without
// colour vision and in grey print.
static const struct png_colour anchors[] = {
    {0x44, 0x01, 0x54}, {0x47, 0x2d, 0x7b}, {0x3b, 0x52, 0x8b},
    {0x2c, 0x72, 0x8e}, {0x21, 0x91, 0x8c}, {0x28, 0xae, 0x80},
    {0x5e, 0xc9, 0x62}, {0xad, 0xdc, 0x30}, {0xfd, 0xe7, 0x25},
};

static uint8_t between(uint8_t a, uint8_t b, double part)
{
    return (uint8_t)lround(a + (b - a) * part);
}

static void make_palette(struct png_colour palette[COLOURS])
{
    const size_t steps = sizeof anchors / sizeof *anchors - 1;
    for (size_t i = 0; i < COLOURS; i++) {
        double at = (double)(i * steps) / (COLOURS - 1);
        size_t k = (size_t)fmin(at, (double)(steps - 1));
        double part = at - (double)k;
        palette[i] = (struct png_colour){
            between(anchors[k].red, anchors[k + 1].red, part),
            between(anchors[k].green, anchors[k + 1].green, part),
            between(anchors[k].blue, anchors[k + 1].blue, part),
        };
    }
}

static int data_uri(const struct bytes *png, struct bytes *out, struct err *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int rc = bytes_append(out, "data:image/png;base64,", 22, err);
    for (size_t i = 0; rc == ERR_OK && i < png->len; i += 3) {
        size_t left = png->len - i;
        unsigned v = (unsigned)png->data[i] << 16 |
                     (left > 1 ? (unsigned)png->data[i + 1] << 8 : 0) |
                     (left > 2 ? png->data[i + 2] : 0u);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                        left > 2 ? digits[v & 63] : '='};
        rc = bytes_append(out, four, sizeof four, err);
    }
    return rc;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// The range of colours: from just under the noise to the strongest cell, at least 20 dB.
static void find_range(const float *cells, size_t n, float *low, float *high)
{
    float *sorted = malloc(n * sizeof *sorted);
    if (!sorted) {
        *low = -120;
        *high = 0;
        return;
    }
    memcpy(sorted, cells, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_floats);
    *low = floorf(sorted[n / 4]);
    *high = ceilf(fmaxf(sorted[n - 1], *low + 20));
    free(sorted);
}

// Draws one panel into a new JSON object.
static struct jval *draw(const struct recording *r, const struct panel *p, struct err *err)
{
    struct jval *j = NULL;
    const size_t columns = p->height * p->pool, cells = p->width * p->height;
    size_t first = (size_t)(p->from_s * r->rate_hz), last = (size_t)(p->to_s * r->rate_hz);
    if (last > r->n) last = r->n;
    const struct phy_spectrogram_config config = {.rate_hz = r->rate_hz,
                                                  .low_hz = p->low_hz - r->centre_hz,
                                                  .high_hz = p->high_hz - r->centre_hz,
                                                  .columns = columns,
                                                  .rows = p->width};
    float *matrix = malloc(columns * p->width * sizeof *matrix);
    float *picture = malloc(cells * sizeof *picture);
    uint8_t *pixels = malloc(cells);
    struct bytes png, uri;
    bytes_init(&png, 8 << 20);
    bytes_init(&uri, 16 << 20);
    if (!matrix || !picture || !pixels) {
        err_set(err, ERR_NOMEM, "no memory for a picture");
        goto fail;
    }
    const int16_t *iq = (const int16_t *)(const void *)r->data.data + 2 * first;
    if (phy_spectrogram(&config, iq, last - first, matrix, err) < 0) goto fail;
    for (size_t x = 0; x < p->width; x++)
        for (size_t y = 0; y < p->height; y++) {
            const float *column = matrix + x * columns + (p->height - 1 - y) * p->pool;
            float strongest = column[0];
            for (size_t k = 1; k < p->pool; k++)
                strongest = fmaxf(strongest, column[k]);
            picture[y * p->width + x] = strongest;
        }
    float low, high;
    find_range(picture, cells, &low, &high);
    for (size_t i = 0; i < cells; i++) {
        float part = (picture[i] - low) / (high - low);
        pixels[i] = (uint8_t)lroundf(fminf(fmaxf(part, 0), 1) * (COLOURS - 1));
    }
    struct png_colour palette[COLOURS];
    make_palette(palette);
    if (png_write(&png, p->width, p->height, pixels, palette, COLOURS, err) < 0 ||
        data_uri(&png, &uri, err) < 0)
        goto fail;
    j = jval_make(err, "{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:s}", "kind", p->kind,
                  "label", p->label, "from_s", p->from_s, "to_s", p->to_s, "low_hz", p->low_hz,
                  "high_hz", p->high_hz, "low_db", (double)low, "high_db", (double)high, "width",
                  (int)p->width, "height", (int)p->height, "png", (const char *)uri.data);
fail:
    free(matrix);
    free(picture);
    free(pixels);
    bytes_deinit(&png);
    bytes_deinit(&uri);
    return j;
}

// One PNG out of levels 0 … 1; new text.
static struct jval *png_of(const float *levels, size_t width, size_t height, struct err *err)
{
    struct jval *j = NULL;
    struct png_colour palette[COLOURS];
    struct bytes png, uri;
    bytes_init(&png, 8 << 20);
    bytes_init(&uri, 16 << 20);
    uint8_t *pixels = malloc(width * height);
    make_palette(palette);
    for (size_t i = 0; pixels && i < width * height; i++)
        pixels[i] = (uint8_t)lroundf(fminf(fmaxf(levels[i], 0), 1) * (COLOURS - 1));
    if (!pixels)
        (void)err_set(err, ERR_NOMEM, "no memory for a picture");
    else if (png_write(&png, width, height, pixels, palette, COLOURS, err) == ERR_OK &&
             data_uri(&png, &uri, err) == ERR_OK)
        j = jval_make(err, "s", (const char *)uri.data);
    free(pixels);
    bytes_deinit(&png);
    bytes_deinit(&uri);
    return j;
}

// The burst that an annotation describes; false when it does not say which bits were sent.
static bool read_burst(const struct recording *r, const struct jval *a,
                       struct phy_measure_burst *burst)
{
    static const char digits[] = "0123456789abcdef";
    const char *hex = jval_text(jval_get(a, "frame_hex"), "");
    size_t n = strlen(hex);
    if (n < 8 || 4 * n + 1 > PHY_SYMBOLS_MAX || strspn(hex, digits) != n) return false;
    *burst = (struct phy_measure_burst){.start_sample = jval_number(jval_get(a, "sample"), 0),
                                        .f_hz = jval_number(jval_get(a, "f_hz"), 0) - r->centre_hz,
                                        .drift_hz_s = jval_number(jval_get(a, "drift_hz_s"), 0),
                                        .bit_rate = jval_number(jval_get(a, "bit_rate"), 0),
                                        .n_symbols = 4 * n + 1};
    burst->sign[0] = 1;
    for (size_t k = 1; k < burst->n_symbols; k++) {
        unsigned v = (unsigned)(strchr(digits, hex[(k - 1) / 4]) - digits);
        bool bit = v >> (3 - (k - 1) % 4) & 1;
        burst->sign[k] = bit ? burst->sign[k - 1] : -burst->sign[k - 1];
    }
    return true;
}

static struct jval *measured(const struct phy_measurement *m, struct err *err)
{
    struct jval *list = jval_array();
    for (enum phy_quantity q = 0; list && q < PHY_QUANTITIES; q++) {
        const struct phy_value *v = &m->q[q];
        struct jval *j = jval_make(err, "{s:s, s:s}", "name", phy_quantity_name(q), "unit",
                                   phy_quantity_unit(q));
        int rc = j ? ERR_OK : ERR_FORMAT;
        if (rc == ERR_OK && v->why)
            rc = jval_set(j, "void", jval_make(err, "s", v->why), err);
        else if (rc == ERR_OK)
            rc = jval_set(j, "value", jval_make(err, "f", phy_quantity_round(q, v->value)), err);
        if (rc == ERR_OK && !v->why && v->u >= 0)
            rc = jval_set(j, "u", jval_make(err, "f", phy_quantity_round(q, v->u)), err);
        if (rc == ERR_OK)
            rc = jval_append(list, j, err);
        else
            jval_free(j);
        if (rc < 0) {
            jval_free(list);
            return NULL;
        }
    }
    return list;
}

// Adds phase picture and measurements to a frame's panel. What cannot be measured is said there.
static int add_measured(const struct recording *r, const struct jval *mark, struct jval *panel,
                        struct err *err)
{
    struct phy_measure_burst burst;
    struct phy_measurement m;
    float *cells = NULL;
    struct err why = {0};
    if (!read_burst(r, mark, &burst)) return ERR_OK;
    // of the frame and what lies beside it, not of the whole recording
    double symbol = r->rate_hz / burst.bit_rate, lead = PHY_MEASURE_SIDE * symbol;
    size_t from = (size_t)fmax(0, burst.start_sample - lead);
    size_t to =
        (size_t)fmin((double)r->n, burst.start_sample + lead + (double)burst.n_symbols * symbol);
    const int16_t *iq = (const int16_t *)(const void *)r->data.data + 2 * from;
    const struct phy_measure_config config = {.rate_hz = r->rate_hz};
    burst.start_sample -= (double)from;
    int rc = to > from ? phy_measure(&config, iq, to - from, &burst, &m, &why) : ERR_INVALID;
    if (rc < 0) return jval_set(panel, "unmeasured", jval_make(err, "s", why.text), err);
    m.q[PHY_QUANTITY_t_mid_s].value += (double)from / r->rate_hz;
    m.q[PHY_QUANTITY_f_mid_hz].value += r->centre_hz;
    rc = jval_set(panel, "measured", measured(&m, err), err);
    if (rc < 0) return rc;

    cells = malloc(sizeof *cells * PHASE_WIDTH * PHASE_HEIGHT);
    if (!cells) return err_set(err, ERR_NOMEM, "no memory for a picture");
    rc = phy_measure_picture(&config, iq, to - from, &burst, PHASE_WIDTH, PHASE_HEIGHT, cells, err);
    // square root: what happens between two states is short, but is what the picture is for
    float top = 1e-6f,
          *flipped = rc == ERR_OK ? malloc(sizeof *cells * PHASE_WIDTH * PHASE_HEIGHT) : NULL;
    for (size_t i = 0; rc == ERR_OK && i < (size_t)PHASE_WIDTH * PHASE_HEIGHT; i++)
        top = fmaxf(top, cells[i]);
    for (size_t y = 0; flipped && y < PHASE_HEIGHT; y++)
        for (size_t x = 0; x < PHASE_WIDTH; x++)
            flipped[y * PHASE_WIDTH + x] =
                sqrtf(cells[(PHASE_HEIGHT - 1 - y) * PHASE_WIDTH + x] / top);
    if (rc == ERR_OK && !flipped) rc = err_set(err, ERR_NOMEM, "no memory for a picture");
    if (rc == ERR_OK)
        rc = jval_set(panel, "phase_png", png_of(flipped, PHASE_WIDTH, PHASE_HEIGHT, err), err);
    free(flipped);
    free(cells);
    return rc;
}

static int read_recording(struct recording *r, const char *base, const struct jval *meta,
                          struct err *err)
{
    const struct jval *global = jval_get(meta, "global");
    const struct jval *capture = jval_at(jval_get(meta, "captures"), 0);
    const char *type = jval_text(jval_get(global, "core:datatype"), "none");
    r->rate_hz = jval_number(jval_get(global, "core:sample_rate"), 0);
    r->centre_hz = jval_number(jval_get(capture, "core:frequency"), 0);
    if (strcmp(type, "ci16_le") != 0)
        return err_set(err, ERR_UNSUPPORTED, "expected samples of type ci16_le, got %s", type);
    if (!(r->rate_hz >= 8000 && r->rate_hz <= 1e8))
        return err_set(err, ERR_FORMAT, "core:sample_rate: expected 8 kS/s to 100 MS/s, got %g",
                       r->rate_hz);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s.sigmf-data", base);
    int rc = bytes_read_file(&r->data, path, err);
    if (rc < 0) return rc;
    r->n = r->data.len / 4;
    if ((double)r->n < r->rate_hz / 10)
        return err_set(err, ERR_FORMAT, "%s: expected at least 0.1 s of samples, got %zu", path,
                       r->n);
    return ERR_OK;
}

// The annotated frames, cut to what the recording covers.
static struct jval *read_marks(const struct recording *r, const struct jval *meta, struct err *err)
{
    struct jval *marks = jval_array();
    const struct jval *list = jval_get(meta, "annotations");
    const double low = r->centre_hz - r->rate_hz / 2, high = r->centre_hz + r->rate_hz / 2;
    for (size_t i = 0; marks && i < jval_len(list); i++) {
        const struct jval *a = jval_at(list, i);
        double from = jval_number(jval_get(a, "core:sample_start"), -1) / r->rate_hz;
        double to = from + jval_number(jval_get(a, "core:sample_count"), 0) / r->rate_hz;
        double from_hz = jval_number(jval_get(a, "core:freq_lower_edge"), 0);
        double to_hz = jval_number(jval_get(a, "core:freq_upper_edge"), 0);
        if (!(from >= 0 && to > from && from < (double)r->n / r->rate_hz && from_hz >= low &&
              to_hz > from_hz && to_hz <= high))
            continue;
        if (jval_append(marks,
                        jval_make(err, "{s:f, s:f, s:f, s:f, s:s, s:f, s:f, s:f, s:f, s:s}",
                                  "from_s", from, "to_s", fmin(to, (double)r->n / r->rate_hz),
                                  "low_hz", from_hz, "high_hz", to_hz, "label",
                                  jval_text(jval_get(a, "core:label"), ""), "sample",
                                  jval_number(jval_get(a, "core:sample_start"), 0), "f_hz",
                                  jval_number(jval_get(a, "foxbench:f_hz"), 0), "drift_hz_s",
                                  jval_number(jval_get(a, "foxbench:drift_hz_s"), 0), "bit_rate",
                                  fmax(jval_number(jval_get(a, "foxbench:bit_rate"), 0), 1),
                                  "frame_hex", jval_text(jval_get(a, "foxbench:frame_hex"), "")),
                        err) < 0) {
            jval_free(marks);
            return NULL;
        }
    }
    return marks;
}

static void plan_overview(const struct recording *r, const struct jval *marks, struct panel *p)
{
    double half = r->rate_hz / 2, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < jval_len(marks); i++) {
        low = fmin(low, jval_number(jval_get(jval_at(marks, i), "low_hz"), low));
        high = fmax(high, jval_number(jval_get(jval_at(marks, i), "high_hz"), high));
    }
    double middle = jval_len(marks) ? (low + high) / 2 : r->centre_hz;
    double reach =
        jval_len(marks) ? fmax((high - low) / 2 + OVERVIEW_EDGE_HZ, OVERVIEW_MIN_HZ) : half;
    *p = (struct panel){.kind = "overview",
                        .label = "the whole recording",
                        .to_s = (double)r->n / r->rate_hz,
                        .low_hz = fmax(middle - reach, r->centre_hz - half),
                        .high_hz = fmin(middle + reach, r->centre_hz + half),
                        .width = 480,
                        .height = 180};
    // cells of about 150 Hz, a little more than a frame is wide
    p->pool = (size_t)fmin(fmax(1, round((p->high_hz - p->low_hz) / (double)p->height / 150)), 16);
}

static void plan_frame(const struct recording *r, const struct jval *mark, struct panel *p)
{
    double half = r->rate_hz / 2;
    double middle =
        (jval_number(jval_get(mark, "low_hz"), 0) + jval_number(jval_get(mark, "high_hz"), 0)) / 2;
    *p = (struct panel){
        .kind = "frame",
        .from_s = fmax(jval_number(jval_get(mark, "from_s"), 0) - MARGIN_S, 0),
        .to_s = fmin(jval_number(jval_get(mark, "to_s"), 0) + MARGIN_S, (double)r->n / r->rate_hz),
        .low_hz = fmax(middle - FRAME_HALF_HZ, r->centre_hz - half),
        .high_hz = fmin(middle + FRAME_HALF_HZ, r->centre_hz + half),
        .width = 200,
        .height = 100,
        .pool = 1,
        .label = jval_text(jval_get(mark, "label"), "frame")};
}

static int draw_all(const struct recording *r, struct jval *picture, struct err *err)
{
    const struct jval *marks = jval_get(picture, "marks");
    struct jval *panels = jval_get(picture, "panels");
    struct panel p;
    plan_overview(r, marks, &p);
    int rc = jval_append(panels, draw(r, &p, err), err);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(marks) && i < FRAMES_MAX; i++) {
        plan_frame(r, jval_at(marks, i), &p);
        rc = jval_append(panels, draw(r, &p, err), err);
        if (rc == ERR_OK) rc = add_measured(r, jval_at(marks, i), jval_at(panels, i + 1), err);
    }
    struct png_colour palette[COLOURS];
    make_palette(palette);
    for (size_t i = 0; rc == ERR_OK && i < COLOURS; i += 9) {
        char text[8];
        snprintf(text, sizeof text, "#%02x%02x%02x", palette[i].red, palette[i].green,
                 palette[i].blue);
        rc = jval_append(jval_get(picture, "colours"), jval_make(err, "s", text), err);
    }
    return rc;
}

int picture_make(const char *base, struct jval **out, struct err *err)
{
    struct recording r = {0};
    struct jval *meta = NULL, *picture = NULL;
    char path[PATH_MAX];
    *out = NULL;
    bytes_init(&r.data, DATA_MAX);
    snprintf(path, sizeof path, "%s.sigmf-meta", base);
    int rc = jval_load(&meta, path, err);
    if (rc < 0) goto fail;
    rc = read_recording(&r, base, meta, err);
    if (rc < 0) {
        (void)err_prefix(err, "%s", path);
        goto fail;
    }
    picture = jval_make(err, "{s:f, s:f, s:f, s:[], s:[], s:o}", "rate_hz", r.rate_hz, "centre_hz",
                        r.centre_hz, "seconds", (double)r.n / r.rate_hz, "colours", "panels",
                        "marks", read_marks(&r, meta, err));
    rc = picture ? draw_all(&r, picture, err) : ERR_FORMAT;
    if (rc == ERR_OK) {
        *out = picture;
        picture = NULL;
    }
fail:
    jval_free(picture);
    jval_free(meta);
    bytes_deinit(&r.data);
    return rc;
}
