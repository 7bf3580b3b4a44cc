// An IIO context as a capture of a real unit describes it: devices, channels, attributes, values.
//
// Owns everything until context_free. One thread. Attributes that share one sysfs file share one
// value, as in the kernel.
#ifndef DUT_LAB_CONTEXT_H
#define DUT_LAB_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum { CONTEXT_VALUE_MAX = 512, CONTEXT_NAME_MAX = 96 };

enum context_kind {
    CONTEXT_KIND_DEVICE,
    CONTEXT_KIND_DEBUG,
    CONTEXT_KIND_BUFFER,
    CONTEXT_KIND_INPUT,
    CONTEXT_KIND_OUTPUT
};

// One sysfs file.
struct context_file {
    char name[CONTEXT_NAME_MAX];
    char value[CONTEXT_VALUE_MAX]; // "ERROR": reading failed on the captured unit
};

// One way to name a file: an attribute of a device or of one of its channels.
struct context_attr {
    enum context_kind kind;
    char channel[CONTEXT_NAME_MAX]; // id; empty unless INPUT or OUTPUT
    char name[CONTEXT_NAME_MAX];
    size_t file; // index into files of the device
};

struct context_device {
    char id[CONTEXT_NAME_MAX];
    char name[CONTEXT_NAME_MAX];
    struct context_attr *attrs;
    size_t n_attrs;
    struct context_file *files;
    size_t n_files;
    uint32_t scan_mask; // channels that can be streamed
    bool scan_output;
};

struct context {
    char *xml; // what a client is sent
    size_t xml_len;
    struct context_device *devices;
    size_t n_devices;
};

/// Reads the capture at `path`; the context served has `serial` as its hw_serial.
FOX_CHECK int context_load(struct context **out, const char *path, const char *serial,
                           struct err *err);
/// Accepts NULL.
void context_free(struct context *c);
/// By id or name; NULL when there is none. Lent.
struct context_device *context_find_device(struct context *c, const char *name);
/// Channel is "" for device, debug and buffer attributes. NULL when there is none.
const struct context_attr *context_find_attr(const struct context_device *d, enum context_kind kind,
                                             const char *channel, const char *name);
struct context_file *context_find_file(struct context_device *d, const char *file);
/// Value of a file that must be there; "" when it is not.
const char *context_value(struct context_device *d, const char *file);
void context_set(struct context_device *d, const char *file, const char *fmt, ...) FOX_PRINTF(3, 4);

#endif
