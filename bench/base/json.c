#include "bench/base/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"

#define DUMP_FLAGS (JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))

enum { MAX_FILE = 1 << 30 };

static json_t *in(const struct jval *j)
{
    return (json_t *)(uintptr_t)j;
}

static struct jval *lend(json_t *j)
{
    return (struct jval *)j;
}

struct jval *jval_make(struct err *err, const char *format, ...)
{
    json_error_t why;
    va_list args;
    va_start(args, format);
    json_t *j = json_vpack_ex(&why, 0, format, args);
    va_end(args);
    if (!j) err_set(err, ERR_FORMAT, "a value cannot be written as JSON: %s", why.text);
    return lend(j);
}

int jval_read(const struct jval *j, struct err *err, const char *format, ...)
{
    json_error_t why;
    if (!j) return err_set(err, ERR_FORMAT, "expected a JSON value, got nothing");
    va_list args;
    va_start(args, format);
    int rc = json_vunpack_ex(in(j), &why, 0, format, args);
    va_end(args);
    return rc == 0 ? ERR_OK : err_set(err, ERR_FORMAT, "%s", why.text);
}

struct jval *jval_object(void)
{
    return lend(json_object());
}

struct jval *jval_array(void)
{
    return lend(json_array());
}

int jval_set(struct jval *object, const char *key, struct jval *value, struct err *err)
{
    if (!value) return err_set(err, ERR_FORMAT, "no JSON value for \"%s\"", key);
    if (json_object_set_new(in(object), key, in(value)) != 0)
        return err_set(err, ERR_FORMAT, "\"%s\" cannot be put into the object", key);
    return ERR_OK;
}

int jval_append(struct jval *array, struct jval *value, struct err *err)
{
    if (!value) return err_set(err, ERR_FORMAT, "no JSON value to append");
    if (json_array_append_new(in(array), in(value)) != 0)
        return err_set(err, ERR_FORMAT, "value cannot be appended");
    return ERR_OK;
}

void jval_remove(struct jval *object, const char *key)
{
    json_object_del(in(object), key);
}

enum jval_type jval_kind(const struct jval *j)
{
    if (!j) return JVAL_NULL;
    switch (json_typeof(in(j))) {
    case JSON_OBJECT:
        return JVAL_OBJECT;
    case JSON_ARRAY:
        return JVAL_ARRAY;
    case JSON_STRING:
        return JVAL_STRING;
    case JSON_INTEGER:
        return JVAL_INT;
    case JSON_REAL:
        return JVAL_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JVAL_BOOL;
    default:
        return JVAL_NULL;
    }
}

struct jval *jval_get(const struct jval *object, const char *key)
{
    return lend(json_object_get(in(object), key));
}

struct jval *jval_at(const struct jval *array, size_t index)
{
    return lend(json_array_get(in(array), index));
}

size_t jval_len(const struct jval *j)
{
    return json_is_object(in(j)) ? json_object_size(in(j)) : json_array_size(in(j));
}

const char *jval_text(const struct jval *j, const char *otherwise)
{
    return json_is_string(in(j)) ? json_string_value(in(j)) : otherwise;
}

int64_t jval_int(const struct jval *j, int64_t otherwise)
{
    return json_is_integer(in(j)) ? (int64_t)json_integer_value(in(j)) : otherwise;
}

double jval_number(const struct jval *j, double otherwise)
{
    return json_is_number(in(j)) ? json_number_value(in(j)) : otherwise;
}

bool jval_bool(const struct jval *j, bool otherwise)
{
    return json_is_boolean(in(j)) ? json_is_true(in(j)) : otherwise;
}

bool jval_equal(const struct jval *a, const struct jval *b)
{
    return json_equal(in(a), in(b)) == 1;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int jval_each(const struct jval *object, int (*fn)(void *ctx, const char *key, struct jval *value),
              void *ctx)
{
    size_t n = json_object_size(in(object)), i = 0;
    if (n == 0) return 0;
    const char **keys = calloc(n, sizeof *keys);
    if (!keys) return ERR_NOMEM;
    const char *key;
    json_t *value;
    json_object_foreach(in(object), key, value) keys[i++] = key;
    qsort(keys, n, sizeof *keys, compare_keys);
    int rc = 0;
    for (i = 0; i < n && rc == 0; i++)
        rc = fn(ctx, keys[i], jval_get(object, keys[i]));
    free(keys);
    return rc;
}

struct jval *jval_ref(struct jval *j)
{
    return lend(json_incref(in(j)));
}

void jval_free(struct jval *j)
{
    json_decref(in(j));
}

int jval_parse(struct jval **out, const char *text, size_t len, struct err *err)
{
    json_error_t why;
    json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!j)
        return err_set(err, ERR_FORMAT, "not JSON: line %d, column %d: %s", why.line, why.column,
                       why.text);
    *out = lend(j);
    return ERR_OK;
}

int jval_load(struct jval **out, const char *path, struct err *err)
{
    struct bytes text;
    bytes_init(&text, MAX_FILE);
    int rc = bytes_read_file(&text, path, err);
    if (rc == ERR_OK) {
        rc = jval_parse(out, text.data ? (const char *)text.data : "", text.len, err);
        if (rc < 0) err_prefix(err, "%s", path);
    }
    bytes_deinit(&text);
    return rc;
}

char *jval_dump(const struct jval *j, struct err *err)
{
    char *text = json_dumps(in(j), DUMP_FLAGS | JSON_COMPACT);
    if (!text) err_set(err, ERR_FORMAT, "a value cannot be written as JSON");
    return text;
}

int jval_save(const struct jval *j, const char *path, struct err *err)
{
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *f = fopen(temporary, "wbe");
    if (!f) return err_set(err, ERR_IO, "%s: %s", temporary, strerror(errno));
    bool ok = json_dumpf(in(j), f, DUMP_FLAGS | JSON_INDENT(2)) == 0 && fputc('\n', f) != EOF &&
              fflush(f) == 0 && fsync(fileno(f)) == 0;
    int saved = errno;
    if (fclose(f) != 0 || !ok || rename(temporary, path) != 0) {
        if (ok) saved = errno;
        unlink(temporary);
        return err_set(err, ERR_IO, "%s: %s", path, strerror(saved));
    }
    return ERR_OK;
}
