// What the vector kinds share: one entry, its fields, and comparing them. Inside of `foxbench
// vectors`.
//
// An entry's check first calls vector_open with all the fields the entry may have, then reads its
// inputs and compares everything else. Only the first difference of an entry is printed.
#ifndef BENCH_CMD_VECTORS_H
#define BENCH_CMD_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/json.h"
#include "bench/base/secret.h"

struct vector {
    const char *file, *list;
    char name[96];             // the entry's name, or its place in the list
    const struct jval *root;   // the file
    const struct jval *fields; // the object being read: the entry or a part of it
    char part[32];             // "frames[1]." while a part is being read
    bool failed;
    struct err malformed; // code != 0: the file is at fault, not a value
};

struct vector_list {
    const char *name;
    void (*check)(struct vector *v);
};

struct vector_kind {
    const char *name;
    const struct vector_list *lists; // ends with a NULL name
};

extern const struct vector_kind vectors_uplink, vectors_downlink, vectors_crypto;

/// The fields of v->fields are these, separated by spaces; those after "|" may be missing. Remarks
/// are always welcome. False, and v->malformed set, otherwise.
bool vector_open(struct vector *v, const char *fields);
/// Steps into a part of the entry, NULL steps back to the entry. False when it is not an object.
bool vector_enter(struct vector *v, const struct jval *part, const char *fmt, ...) FOX_PRINTF(3, 4);

/// Marks the entry as failed and prints why, once an entry.
void vector_fail(struct vector *v, const char *field, const char *expected, const char *got);

// Inputs. A value that cannot be used fails the vector and gives zeros.
size_t vector_hex(struct vector *v, const char *field, uint8_t *out, size_t min, size_t max);
uint64_t vector_number(struct vector *v, const char *field, uint64_t max);
uint32_t vector_id(struct vector *v);
void vector_key(struct vector *v, const char *field, struct secret *out);
const char *vector_text(struct vector *v, const char *field);
/// A text of 0 and 1, packed. Returns the number of bits.
size_t vector_bits(struct vector *v, const char *field, uint8_t *packed, size_t max_bits);

// Values that are computed here and must be in the file.
void vector_expect_hex(struct vector *v, const char *field, const uint8_t *data, size_t len);
/// A list of hex texts, `each` bytes long.
void vector_expect_hex_list(struct vector *v, const char *field, const uint8_t *data, size_t each,
                            size_t n);
void vector_expect_number(struct vector *v, const char *field, long long value);
void vector_expect_bool(struct vector *v, const char *field, bool value);
void vector_expect_text(struct vector *v, const char *field, const char *value);
/// n values of 0 and 1, one a byte.
void vector_expect_digits(struct vector *v, const char *field, const uint8_t *values, size_t n);
/// n packed bits.
void vector_expect_bits(struct vector *v, const char *field, const uint8_t *packed, size_t n);
/// True when rc tells no error; otherwise the vector fails with its text.
bool vector_ok(struct vector *v, const char *field, int rc, const struct err *e);

#endif
