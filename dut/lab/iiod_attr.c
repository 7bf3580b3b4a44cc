// Contexts and attributes on the wire.
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dut/lab/iiod_conn.h"

void iiod_print(struct conn *c)
{
    const struct context *x = c->server->pluto->context;
    iiod_put_code(c, (long)x->xml_len);
    iiod_put(c, x->xml, x->xml_len);
    iiod_put(c, "\n", 1);
}

// Where an attribute command points: "DEV [DEBUG|BUFFER|INPUT CHN|OUTPUT CHN] [ATTR]".
struct target {
    struct context_device *device; // NULL: no such device
    enum context_kind kind;
    const char *channel;
    const char *attr; // NULL: all
};

static struct target parse_target(struct conn *c, char **words, int n)
{
    struct target t = {.kind = CONTEXT_KIND_DEVICE, .channel = ""};
    t.device = context_find_device(c->server->pluto->context, words[0]);
    int at = 1;
    if (n > at && strcmp(words[at], "DEBUG") == 0) {
        t.kind = CONTEXT_KIND_DEBUG;
        at++;
    } else if (n > at && strcmp(words[at], "BUFFER") == 0) {
        t.kind = CONTEXT_KIND_BUFFER;
        at++;
    } else if (n > at + 1 &&
               (strcmp(words[at], "INPUT") == 0 || strcmp(words[at], "OUTPUT") == 0)) {
        t.kind = words[at][0] == 'I' ? CONTEXT_KIND_INPUT : CONTEXT_KIND_OUTPUT;
        t.channel = words[at + 1];
        at += 2;
    }
    t.attr = n > at ? words[at] : NULL;
    return t;
}

// All attributes in one answer: each a big-endian length or -errno, then the value padded to four
// bytes.
static void read_all(struct conn *c, const struct target *t)
{
    size_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass) iiod_put_code(c, (long)total);
        for (size_t i = 0; i < t->device->n_attrs; i++) {
            const struct context_attr *a = &t->device->attrs[i];
            if (a->kind != t->kind || strcmp(a->channel, t->channel) != 0) continue;
            const char *value;
            int rc = pluto_read(c->server->pluto, t->device, a, &value);
            size_t len = rc < 0 ? 0 : strlen(value) + 1, padded = (len + 3) & ~(size_t)3;
            total += 4 + (pass ? 0 : padded);
            if (!pass) continue;
            uint32_t word = htonl(rc < 0 ? (uint32_t)rc : (uint32_t)len);
            iiod_put(c, &word, 4);
            uint8_t *at = iiod_out_reserve(c, padded);
            if (!at) return;
            memset(at, 0, padded);
            if (len) memcpy(at, value, len);
        }
    }
    iiod_put(c, "\n", 1);
}

void iiod_read(struct conn *c, char **words, int n)
{
    struct target t = parse_target(c, words + 1, n - 1);
    if (!t.device) {
        iiod_put_code(c, -ENODEV);
        return;
    }
    if (!t.attr) {
        read_all(c, &t);
        return;
    }
    const struct context_attr *a = context_find_attr(t.device, t.kind, t.channel, t.attr);
    const char *value;
    int rc = a ? pluto_read(c->server->pluto, t.device, a, &value) : -ENOENT;
    if (rc < 0) {
        iiod_put_code(c, rc);
        return;
    }
    size_t len = strlen(value) + 1; // the daemon counts the terminating zero
    iiod_put_code(c, (long)len);
    iiod_put(c, value, len);
    iiod_put(c, "\n", 1);
}

void iiod_write(struct conn *c, char **words, int n)
{
    char *end;
    unsigned long len = strtoul(words[n - 1], &end, 10);
    if (*end || len > ATTR_MAX) { // what follows cannot be told from commands any more
        iiod_put_code(c, -EINVAL);
        c->closing = true;
        return;
    }
    struct target t = parse_target(c, words + 1, n - 2);
    c->taking = true;
    c->write_len = len;
    c->write_device = t.device;
    c->write_attr =
        t.device && t.attr ? context_find_attr(t.device, t.kind, t.channel, t.attr) : NULL;
}

void iiod_write_taken(struct conn *c, const char *data)
{
    char *text = strndup(data, c->write_len);
    int rc = !c->write_device ? -ENODEV : !c->write_attr ? -ENOENT : !text ? -ENOMEM : 0;
    if (rc == 0) rc = pluto_write(c->server->pluto, c->write_device, c->write_attr, text);
    free(text);
    iiod_put_code(c, rc < 0 ? rc : (long)c->write_len);
}
