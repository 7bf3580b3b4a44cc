// What of a known key a device says on its serial line, its own or another unit's: found, booked,
// and kept out of the record.
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

// The longest run of any unit's key in a line: its length, 0 when there is none; `key` is whose.
static int find_run(const struct pump *p, const struct dut_line *line, struct keysearch_hit *hit,
                    const struct secret **key, struct err *err)
{
    int longest = 0;
    for (size_t i = 0; i < 1 + p->config.n_samples && line->len > 0; i++) {
        const struct keysearch_secret secret = {"NAK", &p->units[i].key};
        struct keysearch_hit found;
        if (p->units[i].key.len == 0) continue;
        int run =
            keysearch_longest_run((const uint8_t *)line->text, line->len, &secret, &found, err);
        if (run < 0) return run;
        if (run <= longest) continue;
        longest = run;
        *hit = found;
        *key = &p->units[i].key;
    }
    return longest;
}

int pump_withhold(struct pump *p, struct dut_line *line, struct err *err)
{
    bool found = false;
    for (;;) {
        struct keysearch_hit hit;
        const struct secret *key = NULL;
        int run = find_run(p, line, &hit, &key, err);
        if (run < 0) return run;
        if (run < LEAK_RUN_MIN) break;
        if (!found) {
            p->leak = (struct pump_leak){.at = line->at_sample,
                                         .offset = hit.offset,
                                         .run = (size_t)run,
                                         .form = keysearch_form_name(hit.form)};
            secret_fingerprint(key, p->leak.fingerprint);
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
