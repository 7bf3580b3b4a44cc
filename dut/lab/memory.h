// What a probe on a device's debug port, or a programmer on its flash chip, can find: memory images
// as the device has told them, and what may be read of them.
//
// Owned by the device; outlives its process. One thread. Protection is kept in a file beside the
// NVM, because option bytes are there before any firmware runs.
#ifndef DUT_LAB_MEMORY_H
#define DUT_LAB_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct memory;

/// `path` names the file of the option bytes; made when protection is first told. ERR_FORMAT when
/// something else is in it.
FOX_CHECK int memory_new(struct memory **out, const char *path, struct err *err);
/// Accepts NULL.
void memory_free(struct memory *m);
/// The device tells what stands in image number `image`.
FOX_CHECK int memory_write(struct memory *m, uint32_t image, uint32_t offset, const uint8_t *data,
                           size_t len, struct err *err);
/// The device tells what may be read; `image` with PORT_PROTECT_VOLATILE or without.
FOX_CHECK int memory_protect(struct memory *m, uint32_t image, bool readable, struct err *err);
/// Power comes: RAM is lost, and so is protection that was not kept.
void memory_power_up(struct memory *m);
/// May the debug port read image `image` (PORT_IMAGE_DEBUG: may it answer)?
bool memory_is_readable(const struct memory *m, uint32_t image);
/// The bytes of an image as they are now, lent; *size gets how many.
const uint8_t *memory_image(const struct memory *m, uint32_t image, size_t *size);

#endif
