// A picture with text and axes, as PNG: 64 colours for data, and white, ink and grey for the rest.
//
// The caller owns the struct (canvas_init … canvas_deinit). Pure; any thread. Places are in pixels
// from the upper left corner; what lies outside is cut off. The same calls give the same bytes.
#ifndef BENCH_PHY_CANVAS_H
#define BENCH_PHY_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"
#include "bench/phy/png.h"

enum {
    CANVAS_LEVELS = 64, // colours 0 … 63: from weak to strong
    CANVAS_WHITE = CANVAS_LEVELS,
    CANVAS_INK,
    CANVAS_GREY,
    CANVAS_COLOURS
};

enum { CANVAS_GLYPH_WIDTH = 7, CANVAS_GLYPH_HEIGHT = 13 };

enum canvas_align { CANVAS_LEFT, CANVAS_MIDDLE, CANVAS_RIGHT };

struct canvas {
    int width, height;
    uint8_t *pixels;
};

/// All white.
FOX_CHECK int canvas_init(struct canvas *c, int width, int height, struct err *err);
/// Accepts a zeroed struct.
void canvas_deinit(struct canvas *c);
void canvas_fill(struct canvas *c, int x, int y, int width, int height, uint8_t colour);
/// A line of ink one pixel wide round the inside of a rectangle.
void canvas_frame(struct canvas *c, int x, int y, int width, int height);
/// y: of its upper edge. UTF-8 of ISO 8859-1; what has no glyph is left blank.
void canvas_text(struct canvas *c, int x, int y, enum canvas_align align, const char *text);
/// The same, upwards: x is its left edge, y its middle.
void canvas_text_up(struct canvas *c, int x, int y, const char *text);
FOX_CHECK int canvas_write(const struct canvas *c, struct bytes *png, struct err *err);

/// The colour of level 0 … CANVAS_LEVELS - 1.
struct png_colour canvas_colour(int level);

#endif
