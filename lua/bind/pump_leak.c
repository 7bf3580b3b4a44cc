// What of the device's key a device says on its serial line: found, booked, and kept out of the
// record.
#include <string.h>

#include "dut/keysearch.h"
#include "lua/bind/pump_internal.h"

enum { LEAK_RUN_MIN = 4 }; // bytes of the key in a row; fewer come by accident

// All that the device said since the line before: pieces "TIME < BYTES" of the log.
static void star_log(struct pump *p)
{
    char *from = (char *)p->log.data + p->log_mark, *end = (char *)p->log.data + p->log.len;
    while (from < end) {
        char *stop = memchr(from, '\n', (size_t)(end - from));
        if (!stop) stop = end;
        char *text = memchr(from, ' ', (size_t)(stop - from));
        if (text && stop - text > 3 && text[1] == '<')
            memset(text + 3, '*', (size_t)(stop - text) - 3);
        from = stop + 1;
    }
}

int pump_withhold(struct pump *p, struct dut_line *line, struct err *err)
{
    const struct keysearch_secret secret = {"NAK", &p->key};
    bool found = false;
    for (; p->key.len > 0 && line->len > 0;) {
        struct keysearch_hit hit;
        int run = keysearch_longest_run((const uint8_t *)line->text, line->len, &secret, &hit, err);
        if (run < 0) return run;
        if (run < LEAK_RUN_MIN) break;
        if (!found) {
            p->leak = (struct pump_leak){.at = line->at_sample,
                                         .offset = hit.offset,
                                         .run = (size_t)run,
                                         .form = keysearch_form_name(hit.form)};
            secret_fingerprint(&p->key, p->leak.fingerprint);
            p->n_leaks++;
        }
        found = true;
        memset(line->text + hit.offset, '*', hit.len);
    }
    if (found) star_log(p);
    p->log_mark = p->log_chunk;
    return ERR_OK;
}

size_t pump_leaks(const struct pump *p, struct pump_leak *out)
{
    *out = p->leak;
    return p->n_leaks;
}
