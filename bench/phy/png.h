// A picture as PNG. Home of libpng.
#ifndef BENCH_PHY_PNG_H
#define BENCH_PHY_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"

struct png_colour {
    uint8_t red, green, blue;
};

/// Appends a PNG of width x height pixels, row by row from the top; each pixel is an index into
/// `palette` (at most 256 colours). The same picture gives the same bytes.
FOX_CHECK int png_write(struct bytes *out, size_t width, size_t height, const uint8_t *pixels,
                        const struct png_colour *palette, size_t n_colours, struct err *err);

#endif
