#include "bench/phy/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/canvas.h"
#include "bench/phy/fft.h"
#include "bench/phy/iq.h"
#include "bench/phy/measure_parts.h"

// A cell of data is CELL x CELL pixels.
enum { CELL = 2, COLUMNS = 176, ROWS = 100, BAR_WIDTH = 12 };
enum { LEFT = 58, TOP = 38, PLOT_WIDTH = CELL * COLUMNS, PLOT_HEIGHT = CELL * ROWS };
enum { BAR_LEFT = LEFT + PLOT_WIDTH + 10, WIDTH = BAR_LEFT + BAR_WIDTH + 42, HEIGHT = 276 };

static const double half_band = 12.5; // bit rates shown on either side of the burst
static const double range_min_db = 20;
static const double silence_db = -250; // where there are no samples

// Data run from (low_x, low_y) at the lower left corner; places outside are not marked.
struct plot {
    double low_x, high_x, low_y, high_y;
    const char *x_name, *y_name;
};

static int x_of(const struct plot *p, double x)
{
    return LEFT + (int)lround((x - p->low_x) / (p->high_x - p->low_x) * (PLOT_WIDTH - 1));
}

static int y_of(const struct plot *p, double y)
{
    return TOP + (int)lround((p->high_y - y) / (p->high_y - p->low_y) * (PLOT_HEIGHT - 1));
}

// The roundest step (1, 2 or 5 times a power of ten) of which about `most` fit.
static double step_of(double low, double high, double most)
{
    double raw = (high - low) / most, ten = pow(10, floor(log10(raw)));
    double part = raw / ten;
    return ten * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

static void label_of(char *text, size_t size, double value, double step)
{
    const int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    snprintf(text, size, "%.*f", decimals, value + 0.0);
}

static void tick_x(struct canvas *c, const struct plot *p, double x, const char *text)
{
    canvas_fill(c, x_of(p, x), TOP + PLOT_HEIGHT, 1, 4, CANVAS_INK);
    canvas_text(c, x_of(p, x), TOP + PLOT_HEIGHT + 5, CANVAS_MIDDLE, text);
}

static void tick_y(struct canvas *c, const struct plot *p, double y, const char *text)
{
    canvas_fill(c, LEFT - 4, y_of(p, y), 4, 1, CANVAS_INK);
    canvas_text(c, LEFT - 6, y_of(p, y) - 6, CANVAS_RIGHT, text);
}

// Everything but the data and the ticks of y.
static void draw_axes(struct canvas *c, const struct plot *p, const char *title, const char *below)
{
    canvas_text(c, LEFT, 3, CANVAS_LEFT, title);
    canvas_text(c, LEFT, 18, CANVAS_LEFT, below);
    canvas_frame(c, LEFT - 1, TOP - 1, PLOT_WIDTH + 2, PLOT_HEIGHT + 2);
    char text[32];
    const double step = step_of(p->low_x, p->high_x, 7);
    for (double k = ceil(p->low_x / step); k * step <= p->high_x; k++) {
        label_of(text, sizeof text, k * step, step);
        tick_x(c, p, k * step, text);
    }
    canvas_text(c, LEFT + PLOT_WIDTH / 2, HEIGHT - 16, CANVAS_MIDDLE, p->x_name);
    canvas_text_up(c, 1, TOP + PLOT_HEIGHT / 2, p->y_name);
}

static void draw_bar(struct canvas *c, const char *top, const char *bottom, const char *name)
{
    for (int y = 0; y < PLOT_HEIGHT; y++)
        canvas_fill(c, BAR_LEFT, TOP + y, BAR_WIDTH, 1,
                    (uint8_t)((PLOT_HEIGHT - 1 - y) * (CANVAS_LEVELS - 1) / (PLOT_HEIGHT - 1)));
    canvas_frame(c, BAR_LEFT - 1, TOP - 1, BAR_WIDTH + 2, PLOT_HEIGHT + 2);
    canvas_text(c, BAR_LEFT + BAR_WIDTH + 4, TOP - 2, CANVAS_LEFT, top);
    canvas_text(c, BAR_LEFT + BAR_WIDTH + 4, TOP + PLOT_HEIGHT - 12, CANVAS_LEFT, bottom);
    canvas_text_up(c, BAR_LEFT + BAR_WIDTH + 12, TOP + PLOT_HEIGHT / 2, name);
}

// cells[column * ROWS + row], rows from below, levels 0 … 1.
static void draw_cells(struct canvas *c, const float *cells)
{
    for (int x = 0; x < COLUMNS; x++)
        for (int y = 0; y < ROWS; y++) {
            const float level = fminf(fmaxf(cells[x * ROWS + y], 0), 1);
            canvas_fill(c, LEFT + CELL * x, TOP + CELL * (ROWS - 1 - y), CELL, CELL,
                        (uint8_t)lroundf(level * (CANVAS_LEVELS - 1)));
        }
}

// ---- spectrogram

// The burst with its drift, which lowering took out, centred on its frequency at its start.
static float complex *with_drift(const struct phy_measure_state *m)
{
    const struct phy_lowered *l = &m->wide;
    float complex *z = malloc(l->n * sizeof *z);
    const double rate = m->burst->bit_rate, drift = m->burst->drift_hz_s;
    for (size_t i = 0; z && i < l->n; i++) {
        double s = (l->origin + (double)i / l->per_symbol) / rate;
        double turns = 0.5 * drift * s * s;
        turns -= floor(turns);
        z[i] = l->z[i] * CMPLXF((float)cos(2 * M_PI * turns), (float)sin(2 * M_PI * turns));
    }
    return z;
}

// Power density in dB of full scale in 1 Hz; `low` and `high` in symbols.
static int fill_cells(const struct phy_measure_state *m, double low, double high, float *cells,
                      struct err *err)
{
    const struct phy_lowered *l = &m->wide;
    const double row_width = 2 * half_band / ROWS; // in bit rates
    const size_t len = phy_fft_good_size((size_t)ceil(1.5 * l->per_symbol / row_width));
    struct phy_fft *fft = NULL;
    float *window = malloc(len * sizeof *window);
    float complex *z = with_drift(m);
    double energy = 0;
    int rc = window && z ? phy_fft_new(&fft, len, PHY_FFT_FORWARD, err)
                         : err_set(err, ERR_NOMEM, "no memory for a spectrogram");
    if (rc < 0) goto fail;
    for (size_t i = 0; i < len; i++) {
        window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)len));
        energy += (double)window[i] * (double)window[i];
    }
    const double full = IQ_FULL_SCALE_RX;
    const double scale = 1 / (energy * l->per_symbol * m->burst->bit_rate * full * full);
    for (int x = 0; x < COLUMNS; x++) {
        const double middle = low + (high - low) * (x + 0.5) / COLUMNS;
        const int64_t first = llround((middle - l->origin) * l->per_symbol - (double)len / 2);
        float complex *in = phy_fft_in(fft);
        bool heard = false;
        for (size_t i = 0; i < len; i++) {
            const int64_t k = first + (int64_t)i;
            const bool there = k >= 0 && k < (int64_t)l->n;
            in[i] = there ? window[i] * z[k] : 0;
            heard = heard || there;
        }
        phy_fft_run(fft);
        for (int y = 0; y < ROWS; y++) {
            const double f = (y + 0.5) * row_width - half_band; // in bit rates
            const int64_t bin = llround(f / l->per_symbol * (double)len);
            const float complex v = phy_fft_out(fft)[(bin + (int64_t)len) % (int64_t)len];
            const double p = (double)(crealf(v) * crealf(v) + cimagf(v) * cimagf(v)) * scale;
            cells[x * ROWS + y] = (float)(heard && p > 0 ? 10 * log10(p) : silence_db);
        }
    }
fail:
    phy_fft_free(fft);
    free(window);
    free(z);
    return rc < 0 ? rc : ERR_OK;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// The range of colours: from the noise's lower half to the strongest cell. Every seventh cell is
// enough to know it by, but the strongest.
static void find_range(const float *cells, float *low, float *high)
{
    enum { EVERY = 7 };
    float some[COLUMNS * ROWS / EVERY + 1], top = cells[0];
    size_t n = 0;
    for (size_t i = 0; i < COLUMNS * ROWS; i++) {
        top = fmaxf(top, cells[i]);
        if (i % EVERY == 0 && cells[i] > (float)silence_db) some[n++] = cells[i];
    }
    qsort(some, n, sizeof *some, compare_floats);
    *low = n ? floorf(some[n / 4]) : (float)-range_min_db;
    *high = ceilf(fmaxf(top, *low + (float)range_min_db));
}

static int draw_spectrogram(const struct phy_measure_state *m,
                            const struct phy_picture_about *about, float *cells, struct bytes *png,
                            struct err *err)
{
    const struct phy_measure_burst *b = m->burst;
    const double side = PHY_MEASURE_SIDE, n = (double)b->n_symbols;
    int rc = fill_cells(m, -side, n + side, cells, err);
    if (rc < 0) return rc;
    float low, high;
    find_range(cells, &low, &high);
    for (size_t i = 0; i < COLUMNS * ROWS; i++)
        cells[i] = (cells[i] - low) / (high - low);

    struct canvas c;
    char below[80], y_name[80], top[16], bottom[16], text[32];
    const double up_db = m->config->calibrated ? m->config->full_scale_dbm : 0;
    const struct plot p = {
        .low_x = -side / b->bit_rate,
        .high_x = (n + side) / b->bit_rate,
        .low_y = -half_band * b->bit_rate,
        .high_y = half_band * b->bit_rate,
        .x_name = "time from the frame's start in s",
        .y_name = "Hz from that frequency",
    };
    snprintf(below, sizeof below, "Spectrogram: starts at %.3f s, %.6f MHz", about->start_s,
             about->f_hz * 1e-6);
    snprintf(y_name, sizeof y_name, "%s", p.y_name);
    snprintf(top, sizeof top, "%.0f", (double)high + up_db);
    snprintf(bottom, sizeof bottom, "%.0f", (double)low + up_db);
    rc = canvas_init(&c, WIDTH, HEIGHT, err);
    if (rc < 0) return rc;
    draw_cells(&c, cells);
    draw_axes(&c, &p, about->title, below);
    const double step = step_of(p.low_y, p.high_y, 6);
    for (double k = ceil(p.low_y / step); k * step <= p.high_y; k++) {
        label_of(text, sizeof text, k * step, step);
        tick_y(&c, &p, k * step, text);
    }
    draw_bar(&c, top, bottom, m->config->calibrated ? "dBm in 1 Hz" : "dBFS in 1 Hz");
    rc = canvas_write(&c, png, err);
    canvas_deinit(&c);
    return rc < 0 ? rc : ERR_OK;
}

// ---- phase

static int draw_phase(const struct phy_measure_state *m, const struct phy_picture_about *about,
                      float *cells, struct bytes *png, struct err *err)
{
    phy_measure_phase(m, COLUMNS, ROWS, cells);
    float top = 1e-6f;
    for (size_t i = 0; i < COLUMNS * ROWS; i++)
        top = fmaxf(top, cells[i]);
    // square root: what happens between two states is short, but is what the picture is for
    for (size_t i = 0; i < COLUMNS * ROWS; i++)
        cells[i] = sqrtf(cells[i] / top);

    struct canvas c;
    const struct plot p = {
        .high_x = (double)m->burst->n_symbols,
        .low_y = -90,
        .high_y = 270,
        .x_name = "symbols from the reference symbol",
        .y_name = "phase in \u00b0",
    };
    char below[80], text[32];
    snprintf(below, sizeof below, "Phase: frequency and drift taken out, %.0f bit/s",
             m->burst->bit_rate);
    int rc = canvas_init(&c, WIDTH, HEIGHT, err);
    if (rc < 0) return rc;
    draw_cells(&c, cells);
    draw_axes(&c, &p, about->title, below);
    for (double y = p.low_y; y <= p.high_y; y += 90) {
        label_of(text, sizeof text, y, 90);
        tick_y(&c, &p, y, text);
    }
    draw_bar(&c, "often", "never", "how often it is there");
    rc = canvas_write(&c, png, err);
    canvas_deinit(&c);
    return rc < 0 ? rc : ERR_OK;
}

int phy_picture(const struct phy_measure_config *config, const int16_t *iq, size_t n,
                const struct phy_measure_burst *burst, const struct phy_picture_about *about,
                struct bytes *spectrogram, struct bytes *phase, struct err *err)
{
    int rc = phy_measure_check(config, n, burst, err);
    if (rc < 0) return rc;
    struct phy_measurement unused = {0};
    struct phy_measure_state *m = calloc(1, sizeof *m);
    float *cells = malloc(sizeof *cells * COLUMNS * ROWS);
    if (!m || !cells) {
        rc = err_set(err, ERR_NOMEM, "no memory for a picture");
        goto fail;
    }
    *m = (struct phy_measure_state){.config = config, .burst = burst, .out = &unused};
    rc = phy_measure_lower(m, iq, n, err);
    if (rc == ERR_OK) rc = draw_spectrogram(m, about, cells, spectrogram, err);
    if (rc < 0 || !phase) goto fail;
    struct err why = {0};
    rc = phy_measure_motion(m, &why);
    if (rc == ERR_OK)
        rc = draw_phase(m, about, cells, phase, err);
    else if (rc == ERR_CHECK)
        rc = ERR_OK; // there is no such burst: nothing to follow
    else
        rc = err_set(err, rc, "%s", why.text);
fail:
    if (m) {
        free(m->wide.z);
        free(m->narrow.z);
    }
    free(m);
    free(cells);
    return rc;
}
