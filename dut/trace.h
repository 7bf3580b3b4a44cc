// What one image of a memory holds that the image before it did not: where it changed, and bytes of
// a message that somebody sent meanwhile.
//
// Pure; images and payloads are lent. Nothing of an image leaves but places.
#ifndef DUT_TRACE_H
#define DUT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRACE_RUN = 6,       // bytes in a row that no memory holds by accident …
    TRACE_DISTINCT = 4,  // … when this many of them differ
    TRACE_KNOWN_MAX = 64 // bytes of a known payload that are looked at
};

// Bytes that changed, with those between them that did not: fewer than TRACE_RUN in a row.
struct trace_range {
    size_t from, len;
};

/// The places that changed, in order, at most max of them; how many there are is returned, *bytes
/// (may be NULL) gets how many bytes changed.
size_t trace_changes(const uint8_t *before, const uint8_t *after, size_t len,
                     struct trace_range *out, size_t max, size_t *bytes);

enum trace_form { TRACE_RAW, TRACE_REVERSED, TRACE_TEXT };

/// "as they are", "last byte first", "as hexadecimal text"
const char *trace_form_name(enum trace_form form);

struct trace_payload {
    const uint8_t *data;
    size_t len;
};

struct trace_hit {
    size_t offset; // in the image
    size_t first;  // byte of the payload, from 0: TRACE_RUN of them from there
    enum trace_form form;
};

/// Whether a place that changed holds TRACE_RUN bytes in a row of the payload that are not in a
/// row in `known` (either way round, or in two of it, one behind the other), such as a genuine
/// message that the device may well have stored.
bool trace_find(const uint8_t *before, const uint8_t *after, size_t len,
                struct trace_payload payload, struct trace_payload known, struct trace_hit *out);

#endif
