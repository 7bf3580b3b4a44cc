#include "dut/trace.h"

#include <string.h>

enum { PATTERN_MAX = 3 * TRACE_RUN }; // as text, a sign between two bytes

static const char *const form_names[] = {"as they are", "last byte first", "as hexadecimal text"};

const char *trace_form_name(enum trace_form form)
{
    return form_names[form];
}

// The next place at or behind `from` that changed; false: none.
static bool next_change(const uint8_t *before, const uint8_t *after, size_t len, size_t from,
                        struct trace_range *out)
{
    enum { STRIDE = 4096 };
    size_t at = from;
    while (len - at >= STRIDE && memcmp(before + at, after + at, STRIDE) == 0)
        at += STRIDE;
    while (at < len && before[at] == after[at])
        at++;
    if (at == len) return false;
    size_t last = at;
    for (size_t i = at; i < len && i - last <= TRACE_RUN; i++)
        if (before[i] != after[i]) last = i;
    *out = (struct trace_range){at, last + 1 - at};
    return true;
}

size_t trace_changes(const uint8_t *before, const uint8_t *after, size_t len,
                     struct trace_range *out, size_t max, size_t *bytes)
{
    size_t n = 0, changed = 0;
    struct trace_range range = {0};
    while (next_change(before, after, len, range.from + range.len, &range)) {
        for (size_t i = range.from; i < range.from + range.len; i++)
            changed += before[i] != after[i];
        if (n < max) out[n] = range;
        n++;
    }
    if (bytes) *bytes = changed;
    return n;
}

static bool says_enough(const uint8_t run[TRACE_RUN])
{
    size_t distinct = 0;
    for (size_t i = 0; i < TRACE_RUN; i++)
        distinct += memchr(run, run[i], i) == NULL;
    return distinct >= TRACE_DISTINCT;
}

// Whether this pattern stands at a place that changed.
static bool stands(const uint8_t *before, const uint8_t *after, size_t len, const uint8_t *pattern,
                   size_t n, size_t *offset)
{
    struct trace_range range = {0};
    while (next_change(before, after, len, range.from + range.len, &range)) {
        size_t from = range.from < n ? 0 : range.from - n + 1;
        size_t to = len - range.from - range.len < n ? len : range.from + range.len + n - 1;
        const uint8_t *hit = memmem(after + from, to - from, pattern, n);
        if (!hit) continue;
        *offset = (size_t)(hit - after);
        return true;
    }
    return false;
}

static size_t write_text(const uint8_t run[TRACE_RUN], const char *digits, char between,
                         uint8_t pattern[PATTERN_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < TRACE_RUN; i++) {
        if (between && i > 0) pattern[n++] = (uint8_t)between;
        pattern[n++] = (uint8_t)digits[run[i] >> 4];
        pattern[n++] = (uint8_t)digits[run[i] & 15];
    }
    return n;
}

static void reverse(const uint8_t run[TRACE_RUN], uint8_t out[TRACE_RUN])
{
    for (size_t i = 0; i < TRACE_RUN; i++)
        out[i] = run[TRACE_RUN - 1 - i];
}

// Whether it is in `known`, forwards, backwards, or where two of them follow each other.
static bool is_known(struct trace_payload known, const uint8_t run[TRACE_RUN])
{
    uint8_t twice[2 * TRACE_KNOWN_MAX], backwards[TRACE_RUN];
    const size_t len = known.len < TRACE_KNOWN_MAX ? known.len : TRACE_KNOWN_MAX;
    if (len == 0) return false;
    memcpy(twice, known.data, len);
    memcpy(twice + len, known.data, len);
    reverse(run, backwards);
    return memmem(twice, 2 * len, run, TRACE_RUN) || memmem(twice, 2 * len, backwards, TRACE_RUN);
}

static bool find_run(const uint8_t *before, const uint8_t *after, size_t len,
                     const uint8_t run[TRACE_RUN], struct trace_hit *out)
{
    static const char signs[] = {0, ' ', ':', '-'};
    static const char *const cases[] = {"0123456789abcdef", "0123456789ABCDEF"};
    uint8_t pattern[PATTERN_MAX];
    out->form = TRACE_RAW;
    if (stands(before, after, len, run, TRACE_RUN, &out->offset)) return true;
    out->form = TRACE_REVERSED;
    reverse(run, pattern);
    if (stands(before, after, len, pattern, TRACE_RUN, &out->offset)) return true;
    out->form = TRACE_TEXT;
    for (size_t i = 0; i < sizeof signs * 2; i++) {
        size_t n = write_text(run, cases[i % 2], signs[i / 2], pattern);
        if (stands(before, after, len, pattern, n, &out->offset)) return true;
    }
    return false;
}

bool trace_find(const uint8_t *before, const uint8_t *after, size_t len,
                struct trace_payload payload, struct trace_payload known, struct trace_hit *out)
{
    for (size_t first = 0; first + TRACE_RUN <= payload.len; first++) {
        const uint8_t *run = payload.data + first;
        if (is_known(known, run) || !says_enough(run)) continue;
        out->first = first;
        if (find_run(before, after, len, run, out)) return true;
    }
    return false;
}
