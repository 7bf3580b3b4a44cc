// Reading and comparing the fields of a vector.
#include "bench/cmd_vectors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"

enum { SHOWN_MAX = 600, HEX_MAX = 256, BITS_MAX = 2048 };

static const char remarks[] = "name conventions note notes agree what source";

// Whether `word` stands in a list separated by spaces.
static bool lists(const char *list, const char *word)
{
    size_t len = strlen(word);
    if (len == 0 || strchr(word, ' ')) return false; // JSON allows such keys; we have none
    for (const char *at = list; (at = strstr(at, word)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == 0 || at[len] == ' ')) return true;
    return false;
}

struct opening {
    struct vector *v;
    const char *fields;
};

static int refuse_unknown(void *ctx, const char *key, struct jval *value)
{
    (void)value;
    const struct opening *o = ctx;
    if (lists(o->fields, key) || lists(remarks, key)) return ERR_OK;
    return err_set(&o->v->malformed, ERR_FORMAT, "unknown field \"%s%.60s\"; known are: %s",
                   o->v->part, key, o->fields);
}

static bool demand(struct vector *v, const char *fields)
{
    char word[48];
    while (*fields && *fields != '|') {
        size_t len = strcspn(fields, " ");
        snprintf(word, sizeof word, "%.*s", (int)len, fields);
        if (!jval_get(v->fields, word)) {
            err_set(&v->malformed, ERR_FORMAT, "field \"%s%s\" is missing", v->part, word);
            return false;
        }
        fields += len;
        fields += strspn(fields, " ");
    }
    return true;
}

bool vector_open(struct vector *v, const char *fields)
{
    struct opening o = {.v = v, .fields = fields};
    return jval_each(v->fields, refuse_unknown, &o) == ERR_OK && demand(v, fields);
}

bool vector_enter(struct vector *v, const struct jval *part, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(v->part, sizeof v->part, fmt, args);
    va_end(args);
    v->fields = part;
    if (part && jval_kind(part) == JVAL_OBJECT) return true;
    err_set(&v->malformed, ERR_FORMAT, "\"%s\": expected an object", v->part);
    return false;
}

void vector_fail(struct vector *v, const char *field, const char *expected, const char *got)
{
    if (v->failed || v->malformed.code) return;
    v->failed = true;
    printf("FAIL %s: %s: %s%s: expected %s, got %s\n", v->file, v->name, v->part, field, expected,
           got);
}

// What the file says, as text. Long texts are cut.
static const char *shown(const struct vector *v, const char *field, char out[SHOWN_MAX])
{
    char *text = jval_dump(jval_get(v->fields, field), NULL);
    snprintf(out, SHOWN_MAX, "%s", text ? text : "nothing");
    free(text);
    return out;
}

// The file's value is expected, ours is got.
static void differ(struct vector *v, const char *field, const char *ours)
{
    char theirs[SHOWN_MAX];
    vector_fail(v, field, shown(v, field, theirs), ours);
}

static void unusable(struct vector *v, const char *field, const char *wanted)
{
    char theirs[SHOWN_MAX];
    vector_fail(v, field, wanted, shown(v, field, theirs));
}

size_t vector_hex(struct vector *v, const char *field, uint8_t *out, size_t min, size_t max)
{
    const char *text = jval_text(jval_get(v->fields, field), NULL);
    int n = text ? hex_decode(text, out, max, NULL) : -1;
    if (n >= (int)min) return (size_t)n;
    char wanted[64];
    if (min == max)
        snprintf(wanted, sizeof wanted, "%zu bytes in hex", min);
    else
        snprintf(wanted, sizeof wanted, "%zu to %zu bytes in hex", min, max);
    unusable(v, field, wanted);
    memset(out, 0, max);
    return min;
}

uint64_t vector_number(struct vector *v, const char *field, uint64_t max)
{
    int64_t n = jval_int(jval_get(v->fields, field), -1);
    if (n >= 0 && (uint64_t)n <= max) return (uint64_t)n;
    char wanted[48];
    snprintf(wanted, sizeof wanted, "a number from 0 to %llu", (unsigned long long)max);
    unusable(v, field, wanted);
    return 0;
}

uint32_t vector_id(struct vector *v)
{
    uint8_t b[4];
    vector_hex(v, "device_id", b, sizeof b, sizeof b);
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

void vector_key(struct vector *v, const char *field, struct secret *out)
{
    uint8_t b[16];
    vector_hex(v, field, b, sizeof b, sizeof b);
    out->len = sizeof b;
    memcpy(out->data, b, sizeof b);
}

const char *vector_text(struct vector *v, const char *field)
{
    const char *text = jval_text(jval_get(v->fields, field), NULL);
    if (text) return text;
    unusable(v, field, "a text");
    return "";
}

size_t vector_bits(struct vector *v, const char *field, uint8_t *packed, size_t max_bits)
{
    const char *text = jval_text(jval_get(v->fields, field), "x");
    size_t n = strspn(text, "01");
    memset(packed, 0, (max_bits + 7) / 8);
    if (text[n] || n > max_bits) {
        unusable(v, field, "a text of 0 and 1");
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        if (text[i] == '1') packed[i / 8] |= (uint8_t)(0x80 >> i % 8);
    return n;
}

static bool same_hex(const struct jval *theirs, const uint8_t *data, size_t len)
{
    uint8_t bytes[HEX_MAX];
    const char *text = jval_text(theirs, NULL);
    if (!text || strlen(text) != 2 * len) return false;
    return hex_decode(text, bytes, sizeof bytes, NULL) == (int)len && memcmp(bytes, data, len) == 0;
}

void vector_expect_hex(struct vector *v, const char *field, const uint8_t *data, size_t len)
{
    char ours[2 * HEX_MAX + 1];
    if (same_hex(jval_get(v->fields, field), data, len)) return;
    hex_encode(data, len, ours);
    differ(v, field, ours);
}

void vector_expect_hex_list(struct vector *v, const char *field, const uint8_t *data, size_t each,
                            size_t n)
{
    const struct jval *list = jval_get(v->fields, field);
    bool same = jval_kind(list) == JVAL_ARRAY && jval_len(list) == n;
    for (size_t i = 0; same && i < n; i++)
        same = same_hex(jval_at(list, i), data + i * each, each);
    if (same) return;
    char ours[SHOWN_MAX] = "[";
    size_t at = 1;
    for (size_t i = 0; i < n && at + 2 * each + 4 < sizeof ours; i++) {
        if (i) ours[at++] = ' ';
        hex_encode(data + i * each, each, ours + at);
        at += 2 * each;
    }
    snprintf(ours + at, sizeof ours - at, "]");
    differ(v, field, ours);
}

void vector_expect_number(struct vector *v, const char *field, long long value)
{
    const struct jval *theirs = jval_get(v->fields, field);
    char ours[32];
    if (jval_kind(theirs) == JVAL_INT && jval_int(theirs, 0) == value) return;
    snprintf(ours, sizeof ours, "%lld", value);
    differ(v, field, ours);
}

void vector_expect_bool(struct vector *v, const char *field, bool value)
{
    const struct jval *theirs = jval_get(v->fields, field);
    if (jval_kind(theirs) == JVAL_BOOL && jval_bool(theirs, !value) == value) return;
    differ(v, field, value ? "true" : "false");
}

void vector_expect_text(struct vector *v, const char *field, const char *value)
{
    const char *theirs = jval_text(jval_get(v->fields, field), NULL);
    if (theirs && strcmp(theirs, value) == 0) return;
    differ(v, field, value);
}

void vector_expect_digits(struct vector *v, const char *field, const uint8_t *values, size_t n)
{
    char ours[BITS_MAX + 1];
    if (n > BITS_MAX) n = BITS_MAX;
    for (size_t i = 0; i < n; i++)
        ours[i] = values[i] ? '1' : '0';
    ours[n] = 0;
    vector_expect_text(v, field, ours);
}

void vector_expect_bits(struct vector *v, const char *field, const uint8_t *packed, size_t n)
{
    uint8_t values[BITS_MAX] = {0};
    if (n > BITS_MAX) n = BITS_MAX;
    for (size_t i = 0; i < n; i++)
        values[i] = packed[i / 8] >> (7 - i % 8) & 1;
    vector_expect_digits(v, field, values, n);
}

bool vector_ok(struct vector *v, const char *field, int rc, const struct err *e)
{
    if (rc >= 0) return true;
    vector_fail(v, field, "a message that can be sent", e->text);
    return false;
}
