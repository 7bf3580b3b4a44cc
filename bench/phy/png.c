#include "bench/phy/png.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

int png_write(struct bytes *out, size_t width, size_t height, const uint8_t *pixels,
              const struct png_colour *palette, size_t n_colours, struct err *err)
{
    if (width < 1 || height < 1 || width > 16384 || height > 16384 || n_colours < 1 ||
        n_colours > 256)
        return err_set(err, ERR_INVALID,
                       "picture of %zu x %zu pixels in %zu colours: expected 1 to 16384 each way "
                       "and 1 to 256 colours",
                       width, height, n_colours);
    for (size_t i = 0; i < width * height; i++)
        if (pixels[i] >= n_colours)
            return err_set(err, ERR_INVALID, "pixel %zu has colour %u of %zu", i, pixels[i],
                           n_colours);

    uint8_t map[256 * 3];
    for (size_t i = 0; i < n_colours; i++) {
        map[3 * i] = palette[i].red;
        map[3 * i + 1] = palette[i].green;
        map[3 * i + 2] = palette[i].blue;
    }
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .flags = PNG_IMAGE_FLAG_FAST,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB_COLORMAP,
                       .colormap_entries = (png_uint_32)n_colours};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *memory = malloc(size);
    if (!memory) return err_set(err, ERR_NOMEM, "no memory for a picture");
    int rc;
    if (png_image_write_to_memory(&image, memory, &size, 0, pixels, 0, map))
        rc = bytes_append(out, memory, size, err);
    else
        rc = err_set(err, ERR_INTERNAL, "picture: %s", image.message);
    png_image_free(&image);
    free(memory);
    return rc;
}
