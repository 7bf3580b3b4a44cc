#include "reports/picture.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/base64.h"
#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/phy/canvas.h"
#include "bench/phy/picture.h"
#include "bench/phy/spectrogram.h"

enum { COLOURS = CANVAS_LEVELS, RECORDED_MAX = 3, KEPT_MAX = 6 };

#define DATA_MAX         ((size_t)512 << 20)
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

static int data_uri(const struct bytes *png, struct bytes *out, struct err *err)
{
    int rc = bytes_append(out, "data:image/png;base64,", 22, err);
    return rc < 0 ? rc : base64_encode(png->data, png->len, out, err);
}

static int put_uri(struct jval *panel, const char *key, const struct bytes *png, struct err *err)
{
    struct bytes uri;
    if (png->len == 0) return ERR_OK;
    bytes_init(&uri, 2 * PHY_PICTURE_SIZE_MAX);
    int rc = data_uri(png, &uri, err);
    if (rc >= 0) rc = jval_set(panel, key, jval_make(err, "s", (const char *)uri.data), err);
    bytes_deinit(&uri);
    return rc < 0 ? rc : ERR_OK;
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
    for (int i = 0; i < COLOURS; i++)
        palette[i] = canvas_colour(i);
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

// ---- pictures that the run keeps

// The file of this name in the ledger's list; NULL: there is none.
static const struct jval *find_file(const struct picture_evidence *e, const char *path)
{
    for (size_t i = 0; i < jval_len(e->files); i++)
        if (strcmp(jval_text(jval_get(jval_at(e->files, i), "path"), ""), path) == 0)
            return jval_at(e->files, i);
    return NULL;
}

// Puts a kept picture into the panel; ERR_NOTFOUND: the run has none.
static int put_kept(const struct picture_evidence *e, int64_t start, const char *kind,
                    struct jval *panel, struct err *err)
{
    char name[64], path[PATH_MAX], hex[SHA256_HEX_LEN];
    uint8_t digest[SHA256_LEN];
    snprintf(name, sizeof name, "frames/%lld-%s.png", (long long)start, kind);
    const struct jval *file = find_file(e, name);
    if (!file) return err_set(err, ERR_NOTFOUND, "the run has no %s", name);
    struct bytes png;
    bytes_init(&png, PHY_PICTURE_SIZE_MAX);
    snprintf(path, sizeof path, "%s/%s", e->dir, name);
    int rc = bytes_read_file(&png, path, err);
    if (rc >= 0) rc = crypto_sha256(png.data, png.len, digest, err);
    if (rc >= 0) {
        hex_encode(digest, sizeof digest, hex);
        if (strcmp(hex, jval_text(jval_get(file, "sha256"), "")) != 0)
            rc = err_set(
                err, ERR_CHECK,
                "%s is not what the ledger recorded (SHA-256 differs); see foxbench verify", name);
    }
    if (rc >= 0) rc = put_uri(panel, kind, &png, err);
    bytes_deinit(&png);
    return rc < 0 ? rc : ERR_OK;
}

// Both kept pictures of a frame. What is there but cannot be shown is said in the panel.
static int put_both(const struct picture_evidence *e, int64_t start, struct jval *panel,
                    bool *found, struct err *err)
{
    static const char *const kinds[] = {"spectrogram", "phase"};
    *found = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct err why = {0};
        int rc = put_kept(e, start, kinds[i], panel, &why);
        if (rc == ERR_NOTFOUND) continue;
        *found = true;
        if (rc == ERR_NOMEM) return err_set(err, rc, "%s", why.text);
        if (rc < 0) rc = jval_set(panel, "lost", jval_make(err, "s", why.text), err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// ---- frames of a recording

// The frame and what lies beside it, not the whole recording.
struct cut {
    const int16_t *iq;
    size_t from, n;
    struct phy_measure_burst burst;
};

static bool cut_out(const struct recording *r, const struct jval *mark, struct cut *c)
{
    if (!read_burst(r, mark, &c->burst)) return false;
    const double symbol = r->rate_hz / c->burst.bit_rate, lead = PHY_MEASURE_SIDE * symbol;
    const double end = c->burst.start_sample + lead + (double)c->burst.n_symbols * symbol;
    c->from = (size_t)fmax(0, c->burst.start_sample - lead);
    const size_t to = (size_t)fmax(0, fmin((double)r->n, end));
    c->n = to > c->from ? to - c->from : 0;
    c->iq = (const int16_t *)(const void *)r->data.data + 2 * c->from;
    c->burst.start_sample -= (double)c->from;
    return true;
}

// Pictures that the run did not keep: an older bench made it, or it came to more than are kept.
static int draw_frame(const struct recording *r, const struct cut *c, const struct jval *mark,
                      struct jval *panel, struct err *err)
{
    const struct phy_measure_config config = {.rate_hz = r->rate_hz};
    const struct phy_picture_about about = {
        .title = jval_text(jval_get(mark, "label"), "frame"),
        .f_hz = jval_number(jval_get(mark, "f_hz"), 0),
        .start_s = jval_number(jval_get(mark, "from_s"), 0),
    };
    struct bytes spectrogram, phase;
    struct err why = {0};
    bytes_init(&spectrogram, PHY_PICTURE_SIZE_MAX);
    bytes_init(&phase, PHY_PICTURE_SIZE_MAX);
    int rc = phy_picture(&config, c->iq, c->n, &c->burst, &about, &spectrogram, &phase, &why);
    if (rc >= 0) rc = put_uri(panel, "spectrogram", &spectrogram, err);
    if (rc >= 0) rc = put_uri(panel, "phase", &phase, err);
    if (rc == ERR_INVALID) rc = ERR_OK; // unmeasured says why
    bytes_deinit(&spectrogram);
    bytes_deinit(&phase);
    return rc;
}

static int add_measured(const struct recording *r, const struct cut *c, struct jval *panel,
                        struct err *err)
{
    const struct phy_measure_config config = {.rate_hz = r->rate_hz};
    struct phy_measurement m;
    struct err why = {0};
    int rc = phy_measure(&config, c->iq, c->n, &c->burst, &m, &why);
    if (rc < 0) return jval_set(panel, "unmeasured", jval_make(err, "s", why.text), err);
    m.q[PHY_QUANTITY_t_mid_s].value += (double)c->from / r->rate_hz;
    m.q[PHY_QUANTITY_f_mid_hz].value += r->centre_hz;
    return jval_set(panel, "measured", measured(&m, err), err);
}

// New; NULL with err set.
static struct jval *make_frame(const struct recording *r, const struct picture_evidence *e,
                               const struct jval *mark, struct err *err)
{
    struct cut c;
    bool found = false;
    const int64_t start = jval_int(jval_get(mark, "start"), -1);
    struct jval *panel = jval_make(
        err, "{s:s, s:s, s:I, s:f, s:f, s:f, s:f}", "kind", "frame", "label",
        jval_text(jval_get(mark, "label"), "frame"), "start", (long long)start, "from_s",
        jval_number(jval_get(mark, "from_s"), 0), "to_s", jval_number(jval_get(mark, "to_s"), 0),
        "low_hz", jval_number(jval_get(mark, "low_hz"), 0), "high_hz",
        jval_number(jval_get(mark, "high_hz"), 0));
    int rc = panel ? ERR_OK : ERR_NOMEM;
    if (rc == ERR_OK && start >= 0) rc = put_both(e, start, panel, &found, err);
    if (rc == ERR_OK && cut_out(r, mark, &c)) {
        rc = add_measured(r, &c, panel, err);
        if (rc == ERR_OK && !found) rc = draw_frame(r, &c, mark, panel, err);
    }
    if (rc == ERR_OK) return panel;
    jval_free(panel);
    return NULL;
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
                        jval_make(err, "{s:f, s:f, s:f, s:f, s:s, s:I, s:f, s:f, s:f, s:f, s:s}",
                                  "from_s", from, "to_s", fmin(to, (double)r->n / r->rate_hz),
                                  "low_hz", from_hz, "high_hz", to_hz, "label",
                                  jval_text(jval_get(a, "core:label"), ""), "start",
                                  (long long)jval_int(jval_get(a, "foxbench:start"), -1), "sample",
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

static int draw_all(const struct recording *r, const struct picture_evidence *e,
                    struct jval *picture, struct err *err)
{
    const struct jval *marks = jval_get(picture, "marks");
    struct jval *panels = jval_get(picture, "panels");
    struct panel p;
    plan_overview(r, marks, &p);
    int rc = jval_append(panels, draw(r, &p, err), err);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(marks) && i < RECORDED_MAX; i++)
        rc = jval_append(panels, make_frame(r, e, jval_at(marks, i), err), err);
    for (int i = 0; rc == ERR_OK && i < COLOURS; i += 9) {
        const struct png_colour c = canvas_colour(i);
        char text[8];
        snprintf(text, sizeof text, "#%02x%02x%02x", c.red, c.green, c.blue);
        rc = jval_append(jval_get(picture, "colours"), jval_make(err, "s", text), err);
    }
    return rc;
}

int picture_make(const char *base, const struct picture_evidence *evidence, struct jval **out,
                 struct err *err)
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
    rc = picture ? draw_all(&r, evidence, picture, err) : ERR_FORMAT;
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

// Whether a picture of a recording shows the frame already.
static bool is_shown(const struct jval *pictures, int64_t start)
{
    for (size_t i = 0; i < jval_len(pictures); i++) {
        const struct jval *panels = jval_get(jval_at(pictures, i), "panels");
        for (size_t k = 0; k < jval_len(panels); k++)
            if (jval_int(jval_get(jval_at(panels, k), "start"), -1) == start) return true;
    }
    return false;
}

int picture_kept(const struct picture_evidence *e, const struct jval *pictures, struct jval **out,
                 struct err *err)
{
    struct jval *list = jval_array();
    int rc = list ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for pictures");
    *out = NULL;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(e->files) && jval_len(list) < KEPT_MAX; i++) {
        const struct jval *file = jval_at(e->files, i);
        const char *path = jval_text(jval_get(file, "path"), "");
        long long start = -1;
        char name[64];
        bool found;
        if (sscanf(path, "frames/%18lld-", &start) != 1 || start < 0) continue;
        snprintf(name, sizeof name, "frames/%lld-spectrogram.png", start);
        if (strcmp(path, name) != 0 || is_shown(pictures, start)) continue;
        const char *note = jval_text(jval_get(file, "note"), "frame"), *of = strstr(note, " of ");
        struct jval *panel = jval_make(err, "{s:s, s:s, s:I}", "kind", "frame", "label",
                                       of ? of + 4 : note, "start", start);
        rc = panel ? put_both(e, start, panel, &found, err) : ERR_NOMEM;
        if (rc == ERR_OK)
            rc = jval_append(list, panel, err);
        else
            jval_free(panel);
    }
    if (rc == ERR_OK)
        *out = list;
    else
        jval_free(list);
    return rc;
}
