#include "dut/lab/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"

enum { XML_MAX = 1 << 20 };

// A capture is machine-written XML without text content: a scan over tags reads all of it. Anything
// else in a tag's place is refused.
struct scan {
    const char *path;
    const char *at;
    struct context *context;
    struct context_device *device; // being filled
    char channel[CONTEXT_NAME_MAX];
    bool output;
    struct err *err;
};

// One tag: `begin` behind '<', `end` on '>'.
struct tag {
    const char *begin, *end;
};

static bool tag_is(const struct tag *t, const char *name)
{
    size_t len = strlen(name);
    return (size_t)(t->end - t->begin) >= len && memcmp(t->begin, name, len) == 0 &&
           (t->begin[len] == ' ' || t->begin[len] == '>' || t->begin[len] == '/');
}

static char entity(const char **p, const char *end)
{
    static const struct {
        const char *text;
        char c;
    } known[] = {{"&gt;", '>'},   {"&lt;", '<'},    {"&amp;", '&'},
                 {"&quot;", '"'}, {"&apos;", '\''}, {"&#10;", '\n'}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(known[i].text);
        if ((size_t)(end - *p) >= len && memcmp(*p, known[i].text, len) == 0) {
            *p += len;
            return known[i].c;
        }
    }
    return *(*p)++;
}

// Copies the value of an XML attribute, decoded and cut to `max`; false when the tag has none.
static bool tag_value(const struct tag *t, const char *name, char *out, size_t max)
{
    char pattern[CONTEXT_NAME_MAX];
    int len = snprintf(pattern, sizeof pattern, " %s=\"", name);
    const char *p = memmem(t->begin, (size_t)(t->end - t->begin), pattern, (size_t)len);
    out[0] = '\0';
    if (!p) return false;
    p += len;
    const char *end = memchr(p, '"', (size_t)(t->end - p));
    if (!end) return false;
    size_t n = 0;
    while (p < end && n + 1 < max)
        out[n++] = entity(&p, end);
    out[n] = '\0';
    return true;
}

// Finds the next tag; quoted '>' do not end it. False at the end of the text.
static bool next_tag(struct scan *s, struct tag *t)
{
    const char *open = strchr(s->at, '<');
    if (!open) return false;
    bool quoted = false;
    const char *p = open + 1;
    if (strncmp(open, "<!--", 4) == 0) {
        const char *close = strstr(p, "-->");
        if (!close) return false;
        *t = (struct tag){p, close + 2};
    } else if (strncmp(open, "<!DOCTYPE", 9) == 0) {
        const char *close = strstr(p, "]>");
        if (!close) return false;
        *t = (struct tag){p, close + 1};
    } else {
        for (; *p && (quoted || *p != '>'); p++)
            if (*p == '"') quoted = !quoted;
        if (!*p) return false;
        *t = (struct tag){open + 1, p};
    }
    s->at = t->end + 1;
    return true;
}

static void *grow(void *array, size_t n, size_t size)
{
    // Doubling at powers of two keeps this linear without a field for the capacity.
    return n & (n - 1) ? array : realloc(array, (n ? 2 * n : 1) * size);
}

static int add_device(struct scan *s, const struct tag *t)
{
    struct context *c = s->context;
    struct context_device *more = grow(c->devices, c->n_devices, sizeof *more);
    if (!more) return err_set(s->err, ERR_NOMEM, "%s", s->path);
    c->devices = more;
    s->device = &c->devices[c->n_devices++];
    memset(s->device, 0, sizeof *s->device);
    tag_value(t, "id", s->device->id, sizeof s->device->id);
    tag_value(t, "name", s->device->name, sizeof s->device->name);
    s->channel[0] = '\0';
    return ERR_OK;
}

static int add_attr(struct scan *s, const struct tag *t, enum context_kind kind)
{
    struct context_device *d = s->device;
    if (!d) return err_set(s->err, ERR_FORMAT, "%s: an attribute outside a device", s->path);
    struct context_attr *more = grow(d->attrs, d->n_attrs, sizeof *more);
    if (more) d->attrs = more;
    struct context_file *files = grow(d->files, d->n_files, sizeof *files);
    if (files) d->files = files;
    if (!more || !files) return err_set(s->err, ERR_NOMEM, "%s", s->path);

    struct context_attr *a = &d->attrs[d->n_attrs];
    *a = (struct context_attr){.kind = kind};
    tag_value(t, "name", a->name, sizeof a->name);
    if (kind == CONTEXT_KIND_INPUT || kind == CONTEXT_KIND_OUTPUT)
        memcpy(a->channel, s->channel, sizeof a->channel);
    struct context_file *f = &d->files[d->n_files];
    char file[CONTEXT_NAME_MAX];
    if (!tag_value(t, "filename", file, sizeof file)) memcpy(file, a->name, sizeof file);
    // Debug and buffer attributes live in folders of their own.
    const char *folder = kind == CONTEXT_KIND_DEBUG    ? "debug/"
                         : kind == CONTEXT_KIND_BUFFER ? "buffer/"
                                                       : "";
    snprintf(f->name, sizeof f->name, "%s%.80s", folder, file);
    tag_value(t, "value", f->value, sizeof f->value);
    struct context_file *same = context_find_file(d, f->name);
    a->file = same ? (size_t)(same - d->files) : d->n_files++;
    d->n_attrs++;
    return ERR_OK;
}

static int take_tag(struct scan *s, const struct tag *t)
{
    char text[CONTEXT_NAME_MAX];
    if (tag_is(t, "device")) return add_device(s, t);
    if (tag_is(t, "channel")) {
        tag_value(t, "id", s->channel, sizeof s->channel);
        tag_value(t, "type", text, sizeof text);
        s->output = strcmp(text, "output") == 0;
    } else if (tag_is(t, "/channel")) {
        s->channel[0] = '\0';
    } else if (tag_is(t, "scan-element") && s->device) {
        tag_value(t, "index", text, sizeof text);
        s->device->scan_mask |= 1u << (strtoul(text, NULL, 10) & 31);
        s->device->scan_output = s->output;
    } else if (tag_is(t, "attribute")) {
        return add_attr(s, t,
                        !s->channel[0] ? CONTEXT_KIND_DEVICE
                        : s->output    ? CONTEXT_KIND_OUTPUT
                                       : CONTEXT_KIND_INPUT);
    } else if (tag_is(t, "debug-attribute")) {
        return add_attr(s, t, CONTEXT_KIND_DEBUG);
    } else if (tag_is(t, "buffer-attribute")) {
        return add_attr(s, t, CONTEXT_KIND_BUFFER);
    }
    return ERR_OK;
}

// The captured unit's serial number is replaced in the text that clients get.
static int personalise(struct context *c, const char *text, const char *path, const char *serial,
                       struct err *err)
{
    static const char key[] = "name=\"hw_serial\" value=\"";
    const char *at = strstr(text, key);
    const char *end = at ? strchr(at + sizeof key - 1, '"') : NULL;
    if (!end) return err_set(err, ERR_FORMAT, "%s: no context attribute hw_serial", path);
    struct bytes b;
    bytes_init(&b, XML_MAX);
    size_t head = (size_t)(at - text) + sizeof key - 1;
    int rc = bytes_append(&b, text, head, err);
    if (rc >= 0) rc = bytes_append(&b, serial, strlen(serial), err);
    size_t tail = strlen(end);
    while (tail && end[tail - 1] == '\n')
        tail--;
    if (rc >= 0) rc = bytes_append(&b, end, tail, err);
    if (rc >= 0) c->xml = (char *)bytes_take(&b, &c->xml_len);
    bytes_deinit(&b);
    return rc;
}

int context_load(struct context **out, const char *path, const char *serial, struct err *err)
{
    struct bytes text;
    bytes_init(&text, XML_MAX);
    struct context *c = calloc(1, sizeof *c);
    int rc = c ? bytes_read_file(&text, path, err) : err_set(err, ERR_NOMEM, "%s", path);
    if (rc < 0) goto fail;
    // Without a single byte there is no text, not even an empty one.
    rc = text.data ? personalise(c, (const char *)text.data, path, serial, err)
                   : err_set(err, ERR_FORMAT, "%s: empty, expected an IIO context", path);
    if (rc < 0) goto fail;

    struct scan s = {.path = path, .at = (const char *)text.data, .context = c, .err = err};
    struct tag t;
    while (next_tag(&s, &t)) {
        rc = take_tag(&s, &t);
        if (rc < 0) goto fail;
    }
    if (!c->n_devices || strchr(s.at, '<')) {
        rc = err_set(err, ERR_FORMAT, "%s: not an IIO context, or cut short", path);
        goto fail;
    }
    bytes_deinit(&text);
    *out = c;
    return ERR_OK;
fail:
    bytes_deinit(&text);
    context_free(c);
    return rc;
}

void context_free(struct context *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n_devices; i++) {
        free(c->devices[i].attrs);
        free(c->devices[i].files);
    }
    free(c->devices);
    free(c->xml);
    free(c);
}

struct context_device *context_find_device(struct context *c, const char *name)
{
    for (size_t i = 0; i < c->n_devices; i++)
        if (strcmp(c->devices[i].id, name) == 0 || strcmp(c->devices[i].name, name) == 0)
            return &c->devices[i];
    return NULL;
}

const struct context_attr *context_find_attr(const struct context_device *d, enum context_kind kind,
                                             const char *channel, const char *name)
{
    for (size_t i = 0; i < d->n_attrs; i++) {
        const struct context_attr *a = &d->attrs[i];
        if (a->kind == kind && strcmp(a->channel, channel) == 0 && strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

struct context_file *context_find_file(struct context_device *d, const char *file)
{
    for (size_t i = 0; i < d->n_files; i++)
        if (strcmp(d->files[i].name, file) == 0) return &d->files[i];
    return NULL;
}

const char *context_value(struct context_device *d, const char *file)
{
    const struct context_file *f = context_find_file(d, file);
    return f ? f->value : "";
}

void context_set(struct context_device *d, const char *file, const char *fmt, ...)
{
    struct context_file *f = context_find_file(d, file);
    if (!f) return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->value, sizeof f->value, fmt, args);
    va_end(args);
}
