#include "bench/base/token_uri.h"

#include <stdbool.h>
#include <string.h>

static const char scheme[] = "pkcs11:";
static const char form[] = "pkcs11:token=LABEL;object=LABEL?module-path=/PATH/MODULE.so&"
                           "pin-source=file:PATH";

enum { SOURCE_MAX = TOKEN_PATH_MAX + 5 }; // "file:" and the path

struct attribute {
    const char *name;
    bool query; // stands behind the question mark
    size_t offset, max;
};

#define TEXT(field) offsetof(struct token_uri, field), sizeof(((struct token_uri *)0)->field) - 1

static const struct attribute attributes[] = {
    {"token", false, TEXT(token)},
    {"serial", false, TEXT(serial)},
    {"manufacturer", false, TEXT(manufacturer)},
    {"model", false, TEXT(model)},
    {"object", false, TEXT(object)},
    {"type", false, TEXT(type)},
    {"id", false, offsetof(struct token_uri, id), TOKEN_OBJECT_MAX},
    {"module-path", true, TEXT(module_path)},
    {"pin-source", true, 0, SOURCE_MAX - 1},
};

enum { N_ATTRIBUTES = sizeof attributes / sizeof *attributes };

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Undoes %XX. Returns the length; -1: badly escaped, -2: longer than max.
static int unescape(const char *from, size_t len, char *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < len; n++) {
        if (n == max) return -2;
        if (from[i] != '%') {
            out[n] = from[i++];
            continue;
        }
        int high = i + 2 < len ? hex_value(from[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_value(from[i + 2]);
        if (low < 0) return -1;
        out[n] = (char)(high << 4 | low);
        i += 3;
    }
    return (int)n;
}

static int take_pin_source(struct token_uri *u, const char *source, struct err *err)
{
    if (strncmp(source, "file:", 5) != 0 || !source[5])
        return err_set(err, ERR_USAGE,
                       "key reference pkcs11: pin-source: expected file:PATH, got something else; "
                       "put the pin into a file of mode 600");
    source += 5;
    if (strncmp(source, "//", 2) == 0) source += 2; // file:///PATH: no host
    if (strlen(source) >= sizeof u->pin_path || !*source)
        return err_set(err, ERR_USAGE,
                       "key reference pkcs11: pin-source: expected a path of 1 to "
                       "%d bytes",
                       TOKEN_PATH_MAX - 1);
    memcpy(u->pin_path, source, strlen(source) + 1);
    return ERR_OK;
}

// What some tools write, and this one does not take.
static int refuse_attribute(const char *name, size_t len, struct err *err)
{
    static const char *const reasons[][2] = {
        {"pin-value", "a pin never stands in a reference; put it into a file of mode 600 and write "
                      "pin-source=file:PATH"},
        {"module-name", "modules are not looked up by name; write module-path=/PATH/MODULE.so"},
        {"slot-id", "slots change their numbers; name the token by token= or serial="},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strlen(reasons[i][0]) == len && memcmp(reasons[i][0], name, len) == 0)
            return err_set(err, ERR_USAGE, "key reference pkcs11: %s: %s", reasons[i][0],
                           reasons[i][1]);
    bool plain = len > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz-") >= len && len <= 20;
    return err_set(err, ERR_USAGE,
                   "key reference pkcs11: unknown attribute%s%.*s; expected token, serial, "
                   "manufacturer, model, object, id, type before the '?' and module-path, "
                   "pin-source behind it",
                   plain ? " " : "", plain ? (int)len : 0, name);
}

static int take_value(struct token_uri *u, const struct attribute *a, const char *value, size_t len,
                      struct err *err)
{
    char text[SOURCE_MAX];
    int n = unescape(value, len, text, a->max);
    if (n == -1)
        return err_set(err, ERR_USAGE,
                       "key reference pkcs11: %s: expected two hex digits after '%%'", a->name);
    if (n == 0 || n == -2)
        return err_set(err, ERR_USAGE, "key reference pkcs11: %s: expected 1 to %zu bytes, got %s",
                       a->name, a->max, n == 0 ? "none" : "more");
    if (strcmp(a->name, "id") == 0) {
        memcpy(u->id, text, (size_t)n);
        u->id_len = (size_t)n;
        return ERR_OK;
    }
    text[n] = '\0';
    if (strlen(text) != (size_t)n)
        return err_set(err, ERR_USAGE, "key reference pkcs11: %s: expected a text, got a zero byte",
                       a->name);
    if (strcmp(a->name, "pin-source") == 0) return take_pin_source(u, text, err);
    memcpy((char *)u + a->offset, text, (size_t)n + 1);
    return ERR_OK;
}

static int take_attribute(struct token_uri *u, unsigned *seen, bool query, const char *text,
                          size_t len, struct err *err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    for (unsigned i = 0; i < N_ATTRIBUTES; i++) {
        const struct attribute *a = &attributes[i];
        if (a->query != query || strlen(a->name) != name_len || memcmp(a->name, text, name_len))
            continue;
        if (!equals)
            return err_set(err, ERR_USAGE, "key reference pkcs11: %s: expected %s=VALUE", a->name,
                           a->name);
        if (*seen & 1u << i)
            return err_set(err, ERR_USAGE, "key reference pkcs11: %s stands there twice", a->name);
        *seen |= 1u << i;
        return take_value(u, a, equals + 1, len - name_len - 1, err);
    }
    return refuse_attribute(text, name_len, err);
}

static int take_part(struct token_uri *u, unsigned *seen, bool query, const char *text, size_t len,
                     struct err *err)
{
    const char separator = query ? '&' : ';';
    const char *end = text + len;
    for (int rc; text < end; text++) {
        const char *stop = memchr(text, separator, (size_t)(end - text));
        if (!stop) stop = end;
        rc = take_attribute(u, seen, query, text, (size_t)(stop - text), err);
        if (rc < 0) return rc;
        text = stop;
    }
    return ERR_OK;
}

static int check_complete(const struct token_uri *u, struct err *err)
{
    const char *missing = !u->token[0] && !u->serial[0] ? "token= or serial="
                          : !u->object[0] && !u->id_len ? "object= or id="
                          : !u->module_path[0]          ? "module-path="
                                                        : NULL;
    if (missing)
        return err_set(err, ERR_USAGE, "key reference pkcs11: %s is missing; expected %s", missing,
                       form);
    if (u->type[0] && strcmp(u->type, "secret-key") != 0)
        return err_set(err, ERR_USAGE,
                       "key reference pkcs11: type: a device's key is a secret-key, nothing else");
    return ERR_OK;
}

int token_uri_parse(struct token_uri *out, const char *text, struct err *err)
{
    *out = (struct token_uri){.id_len = 0};
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return err_set(err, ERR_USAGE, "key reference: expected %s", form);
    text += sizeof scheme - 1;
    unsigned seen = 0;
    const char *mark = strchr(text, '?');
    size_t path_len = mark ? (size_t)(mark - text) : strlen(text);
    int rc = take_part(out, &seen, false, text, path_len, err);
    if (rc == ERR_OK && mark) rc = take_part(out, &seen, true, mark + 1, strlen(mark + 1), err);
    return rc < 0 ? rc : check_complete(out, err);
}
