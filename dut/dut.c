#include "dut/dut.h"

#include <stdlib.h>
#include <string.h>

enum { READ_CHUNK = 1024, READ_LIMIT = 64 * 1024, BARE_ANSWERS = 3 };

struct dut {
    struct port *port;
    const struct dut_dialect *dialect;
    void (*tap)(void *ctx, char direction, int64_t at_sample, const uint8_t *data, size_t len);
    void *tap_ctx;

    enum dut_state state;
    char command[DUT_LINE_MAX + 1]; // the present one, to recognise its echo
    bool echo_due;
    bool echoes;    // what the device does, whatever its dialect says: it can be switched
    unsigned bare;  // answers in a row without an echo that was due
    bool echo_seen; // of the present command
    unsigned owed;  // abandoned commands whose answers may still come
    bool doubtful;

    struct dut_line partial; // the line being received
    bool started;            // partial has begun
    struct dut_line queue[DUT_QUEUE_MAX];
    size_t head;
    size_t count;
};

int dut_new(struct dut **out, struct port *port, const struct dut_dialect *dialect, struct err *err)
{
    *out = NULL;
    if (!dialect->line_end || !dialect->line_end[0] || !dialect->ok || !dialect->ok[0])
        return err_set(err, ERR_USAGE,
                       "dialect %s: expected a line end and the text of success; mend the dialect",
                       dialect->name ? dialect->name : "without a name");
    struct dut *d = calloc(1, sizeof *d);
    if (!d) return err_set(err, ERR_NOMEM, "device: out of memory");
    d->port = port;
    d->dialect = dialect;
    d->echoes = dialect->echo;
    *out = d;
    return ERR_OK;
}

void dut_free(struct dut *d)
{
    free(d);
}

void dut_set_tap(struct dut *d,
                 void (*tap)(void *ctx, char direction, int64_t at_sample, const uint8_t *data,
                             size_t len),
                 void *ctx)
{
    d->tap = tap;
    d->tap_ctx = ctx;
}

enum dut_state dut_state(const struct dut *d)
{
    return d->state;
}

bool dut_is_doubtful(const struct dut *d)
{
    return d->doubtful;
}

static bool has_prefix(const struct dut_line *line, const char *prefix)
{
    size_t n = prefix ? strlen(prefix) : 0;
    return n > 0 && line->len >= n && memcmp(line->text, prefix, n) == 0;
}

static bool is_text(const struct dut_line *line, const char *text)
{
    return line->len == strlen(text) && memcmp(line->text, text, line->len) == 0;
}

static bool is_error(const struct dut *d, const struct dut_line *line)
{
    for (size_t i = 0; i < DUT_PATTERNS_MAX && d->dialect->errors[i]; i++)
        if (has_prefix(line, d->dialect->errors[i])) return true;
    return false;
}

static void enqueue(struct dut *d, const struct dut_line *line)
{
    unsigned lost = 0;
    if (d->count == DUT_QUEUE_MAX) {
        lost = d->queue[d->head].lost + 1;
        d->head = (d->head + 1) % DUT_QUEUE_MAX;
        d->count--;
        d->queue[d->head].lost += lost;
    }
    d->queue[(d->head + d->count) % DUT_QUEUE_MAX] = *line;
    d->count++;
}

// A complete line: echo, answer or news.
static void take_line(struct dut *d, const struct dut_line *line)
{
    bool answers = d->state == DUT_STATE_WAITING && line->solicited;
    if (answers && !d->echo_seen && is_text(line, d->command)) {
        d->echo_seen = d->echoes = true;
        d->bare = 0;
        d->echo_due = false;
        d->doubtful = false; // what follows this echo answers this command
        d->owed = 0;
        return;
    }
    bool ok = is_text(line, d->dialect->ok);
    bool failed = !ok && is_error(d, line);
    struct dut_line copy = *line;
    if (ok || failed) {
        if (answers && d->echo_due && ++d->bare >= BARE_ANSWERS) d->echoes = d->echo_due = false;
        // With an answer owed, only the echo tells whose answer this is.
        bool late = d->owed > 0 && (!answers || d->echo_due);
        if (late) {
            d->owed--;
            copy.solicited = false;
        } else if (answers) {
            d->state = ok ? DUT_STATE_OK : DUT_STATE_ERROR;
            d->doubtful = d->owed > 0;
        }
    }
    enqueue(d, &copy);
}

// Length of a downlink line's beginning; 0: it is none. Some firmwares leave out the plus.
static size_t downlink_start(const struct dut *d)
{
    const char *start = d->dialect->downlink;
    if (has_prefix(&d->partial, start)) return strlen(start);
    if (start && start[0] == '+' && has_prefix(&d->partial, start + 1)) return strlen(start + 1);
    return 0;
}

// Blanks before a line end are no part of what a line says, but may be the bytes of a raw downlink.
static void drop_blanks(struct dut *d)
{
    struct dut_line *line = &d->partial;
    if (d->dialect->downlink_raw_len > 0 && downlink_start(d) > 0) return;
    while (line->len > 0 && (line->text[line->len - 1] == ' ' || line->text[line->len - 1] == '\t'))
        line->len--;
}

// Whether a line end at this place is a byte of a raw downlink.
static bool is_inside_raw(const struct dut *d)
{
    size_t raw_len = d->dialect->downlink_raw_len;
    size_t start = raw_len > 0 ? downlink_start(d) : 0;
    return start > 0 && d->partial.len < start + raw_len;
}

static void take_byte(struct dut *d, char byte, int64_t now_sample)
{
    if ((byte == '\r' || byte == '\n') && !is_inside_raw(d)) {
        if (!d->started) return; // the second of CR LF, or an empty line
        d->partial.at_sample = now_sample;
        d->started = false;
        drop_blanks(d);
        if (d->partial.len == 0) return; // an empty line
        d->partial.text[d->partial.len] = '\0';
        take_line(d, &d->partial);
        d->partial.len = 0;
        return;
    }
    if (!d->started) {
        d->started = true;
        d->partial.len = 0;
        d->partial.cut = false;
        d->partial.lost = 0;
        d->partial.began_sample = now_sample;
        d->partial.solicited = d->state == DUT_STATE_WAITING;
    }
    if (d->partial.len < DUT_LINE_MAX)
        d->partial.text[d->partial.len++] = byte;
    else
        d->partial.cut = true;
}

int dut_poll(struct dut *d, int64_t now_sample, struct err *err)
{
    // A flood must not hold the caller: the rest waits for the next call.
    for (size_t total = 0; total < READ_LIMIT;) {
        uint8_t data[READ_CHUNK];
        int n = port_read(d->port, data, sizeof data, err);
        if (n < 0) return n;
        if (n == 0) break;
        if (d->tap) d->tap(d->tap_ctx, '<', now_sample, data, (size_t)n);
        for (int i = 0; i < n; i++)
            take_byte(d, (char)data[i], now_sample);
        total += (size_t)n;
    }
    return ERR_OK;
}

// Answers go, news stays.
static void forget_answers(struct dut *d)
{
    size_t kept = 0;
    unsigned lost = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct dut_line *line = &d->queue[(d->head + i) % DUT_QUEUE_MAX];
        if (line->solicited) {
            lost += line->lost;
            continue;
        }
        line->lost += lost;
        lost = 0;
        struct dut_line *place = &d->queue[(d->head + kept) % DUT_QUEUE_MAX];
        if (place != line) *place = *line;
        kept++;
    }
    d->count = kept;
}

int dut_command(struct dut *d, const char *line, int64_t now_sample, struct err *err)
{
    size_t len = strlen(line);
    size_t end_len = strlen(d->dialect->line_end);
    if (d->state == DUT_STATE_WAITING)
        return err_set(err, ERR_SEQUENCE,
                       "device: cannot send '%.60s' while '%.60s' waits for its answer; wait or "
                       "abandon it first",
                       line, d->command);
    if (len > DUT_LINE_MAX)
        return err_set(err, ERR_LIMIT,
                       "device: expected a command of at most %d characters, got %zu; shorten it",
                       DUT_LINE_MAX, len);
    if (strpbrk(line, "\r\n"))
        return err_set(err, ERR_INVALID,
                       "device: expected one line as a command, got a line end inside '%.60s'",
                       line);

    // What has arrived by now cannot be this command's answer.
    int rc = dut_poll(d, now_sample, err);
    if (rc < 0) return rc;
    char out[DUT_LINE_MAX + 16];
    if (end_len > sizeof out - DUT_LINE_MAX)
        return err_set(err, ERR_LIMIT, "dialect %s: line end too long", d->dialect->name);
    memcpy(out, line, len);
    memcpy(out + len, d->dialect->line_end, end_len);
    rc = port_write(d->port, out, len + end_len, err);
    if (rc < 0) return rc;
    if (d->tap) d->tap(d->tap_ctx, '>', now_sample, (const uint8_t *)out, len + end_len);

    forget_answers(d);
    memcpy(d->command, line, len + 1);
    // A device answers in order: had the abandoned command been answered, two answers had come.
    if (d->doubtful) d->owed = 0;
    d->echo_due = d->echoes;
    d->echo_seen = false;
    d->doubtful = false;
    d->state = DUT_STATE_WAITING;
    return ERR_OK;
}

void dut_abandon(struct dut *d)
{
    if (d->state != DUT_STATE_WAITING) return;
    d->state = DUT_STATE_IDLE;
    d->owed++;
}

void dut_conclude(struct dut *d)
{
    if (d->state == DUT_STATE_WAITING) d->state = DUT_STATE_OK;
}

size_t dut_unfinished(const struct dut *d)
{
    return d->started ? d->partial.len : 0;
}

bool dut_next_line(struct dut *d, struct dut_line *out)
{
    if (d->count == 0) return false;
    *out = d->queue[d->head];
    d->head = (d->head + 1) % DUT_QUEUE_MAX;
    d->count--;
    return true;
}
