#include "bench/phy/canvas.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct glyph {
    uint8_t character;
    uint8_t rows[CANVAS_GLYPH_HEIGHT];
} glyphs[] = {
#define GLYPH(character, ...) {character, {__VA_ARGS__}},
#include "bench/phy/font.def"
#undef GLYPH
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

struct png_colour canvas_colour(int level)
{
    const int steps = sizeof anchors / sizeof *anchors - 1;
    double at = (double)(level * steps) / (CANVAS_LEVELS - 1);
    int k = (int)fmin(at, steps - 1);
    double part = at - k;
    return (struct png_colour){
        between(anchors[k].red, anchors[k + 1].red, part),
        between(anchors[k].green, anchors[k + 1].green, part),
        between(anchors[k].blue, anchors[k + 1].blue, part),
    };
}

int canvas_init(struct canvas *c, int width, int height, struct err *err)
{
    *c = (struct canvas){.width = width, .height = height};
    if (width < 1 || height < 1 || width > 4096 || height > 4096)
        return err_set(err, ERR_INVALID, "canvas of %d x %d: expected 1 to 4096 pixels each way",
                       width, height);
    c->pixels = malloc((size_t)width * (size_t)height);
    if (!c->pixels) return err_set(err, ERR_NOMEM, "no memory for a picture");
    memset(c->pixels, CANVAS_WHITE, (size_t)width * (size_t)height);
    return ERR_OK;
}

void canvas_deinit(struct canvas *c)
{
    free(c->pixels);
    *c = (struct canvas){0};
}

void canvas_fill(struct canvas *c, int x, int y, int width, int height, uint8_t colour)
{
    const int right = x + width < c->width ? x + width : c->width;
    const int bottom = y + height < c->height ? y + height : c->height;
    const int left = x > 0 ? x : 0;
    if (left >= right) return;
    for (int row = y > 0 ? y : 0; row < bottom; row++)
        memset(c->pixels + (size_t)row * (size_t)c->width + left, colour, (size_t)(right - left));
}

void canvas_frame(struct canvas *c, int x, int y, int width, int height)
{
    canvas_fill(c, x, y, width, 1, CANVAS_INK);
    canvas_fill(c, x, y + height - 1, width, 1, CANVAS_INK);
    canvas_fill(c, x, y, 1, height, CANVAS_INK);
    canvas_fill(c, x + width - 1, y, 1, height, CANVAS_INK);
}

// The next character of a text: its number in ISO 8859-1, 0 at the end.
static int next_character(const char **text)
{
    const uint8_t *t = (const uint8_t *)*text;
    if (!*t) return 0;
    const bool two = (t[0] & 0xfe) == 0xc2 && (t[1] & 0xc0) == 0x80;
    *text += two ? 2 : 1;
    return two ? (t[0] & 3) << 6 | (t[1] & 0x3f) : t[0];
}

static int width_of(const char *text)
{
    int n = 0;
    while (next_character(&text))
        n += CANVAS_GLYPH_WIDTH;
    return n;
}

static void draw_glyph(struct canvas *c, int x, int y, int character, bool up)
{
    const struct glyph *g = NULL;
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs && !g; i++)
        if (glyphs[i].character == character) g = &glyphs[i];
    for (int row = 0; g && row < CANVAS_GLYPH_HEIGHT; row++)
        for (int column = 0; column < CANVAS_GLYPH_WIDTH; column++)
            if (g->rows[row] >> (7 - column) & 1)
                canvas_fill(c, up ? x + row : x + column, up ? y - column : y + row, 1, 1,
                            CANVAS_INK);
}

void canvas_text(struct canvas *c, int x, int y, enum canvas_align align, const char *text)
{
    if (align != CANVAS_LEFT) x -= align == CANVAS_MIDDLE ? width_of(text) / 2 : width_of(text);
    for (int character; (character = next_character(&text)); x += CANVAS_GLYPH_WIDTH)
        draw_glyph(c, x, y, character, false);
}

void canvas_text_up(struct canvas *c, int x, int y, const char *text)
{
    y += width_of(text) / 2;
    for (int character; (character = next_character(&text)); y -= CANVAS_GLYPH_WIDTH)
        draw_glyph(c, x, y, character, true);
}

int canvas_write(const struct canvas *c, struct bytes *png, struct err *err)
{
    struct png_colour palette[CANVAS_COLOURS] = {
        [CANVAS_WHITE] = {0xff, 0xff, 0xff},
        [CANVAS_INK] = {0x22, 0x22, 0x22},
        [CANVAS_GREY] = {0x99, 0x99, 0x99},
    };
    for (int i = 0; i < CANVAS_LEVELS; i++)
        palette[i] = canvas_colour(i);
    return png_write(png, (size_t)c->width, (size_t)c->height, c->pixels, palette, CANVAS_COLOURS,
                     err);
}
