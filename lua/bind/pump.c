#include "lua/bind/pump.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench/air/receive.h"
#include "bench/base/bytes.h"
#include "bench/net/judge.h"
#include "lua/bind/ring.h"

enum { QUEUE_MAX = 4096, LOG_MAX = 8 << 20, STEP_TEXT_MAX = 160 };

static const double progress_every_s = 0.2;

// A bounded queue of JSON values.
struct queue {
    struct jval *items[QUEUE_MAX];
    size_t head, count;
};

struct pump {
    struct pump_config config;
    struct pump_sink sink;
    struct radio *radio;
    struct port *port;
    struct dut *dut;
    struct air_receiver *receiver;
    struct judge *judge;
    struct iq_ring ring;
    double rate_hz;
    double lo_hz;
    int64_t now;
    int64_t deadline;
    uint64_t steps;

    struct queue frames;
    struct queue lines;  // unsolicited
    struct jval *answer; // array: lines of the present command
    char last[DUT_LINE_MAX * 4 + 1];
    int64_t last_at;
    bool answered;

    int64_t gap_at; // last lost sample, -1: none
    char gap_text[160];
    bool air_proven, port_proven;
    struct bytes log;
    char step[STEP_TEXT_MAX];
    double spoken_s; // wall time of the last progress
    int broken;
    struct err why;
};

static double wall_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void queue_clear(struct queue *q)
{
    while (q->count > 0) {
        jval_free(q->items[q->head]);
        q->head = (q->head + 1) % QUEUE_MAX;
        q->count--;
    }
}

// Takes item, also on failure.
static int queue_put(struct queue *q, struct jval *item, const char *what, struct err *err)
{
    if (q->count == QUEUE_MAX) {
        jval_free(item);
        return err_set(err, ERR_LIMIT,
                       "more than %d %s wait to be looked at; collect them more often", QUEUE_MAX,
                       what);
    }
    q->items[(q->head + q->count) % QUEUE_MAX] = item;
    q->count++;
    return ERR_OK;
}

static struct jval *queue_take(struct queue *q)
{
    if (q->count == 0) return NULL;
    struct jval *item = q->items[q->head];
    q->head = (q->head + 1) % QUEUE_MAX;
    q->count--;
    return item;
}

// Bytes as printable ASCII; everything else, and the backslash, as \xHH.
static void printable(const char *data, size_t len, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 5 < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c >= 0x20 && c < 0x7f && c != '\\')
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
    }
    out[n] = '\0';
}

static void log_bytes(void *ctx, char direction, int64_t at_sample, const uint8_t *data, size_t len)
{
    struct pump *p = ctx;
    if (p->log.len + len * 4 + 64 > LOG_MAX)
        return; // the rest of a flood; the run's time limits end it
    struct err ignored;
    if (bytes_printf(&p->log, &ignored, "%lld %c ", (long long)at_sample, direction) < 0) return;
    for (size_t i = 0; i < len; i++) {
        char text[8];
        printable((const char *)data + i, 1, text, sizeof text);
        if (bytes_printf(&p->log, &ignored, "%s", text) < 0) return;
    }
    if (bytes_append(&p->log, "\n", 1, &ignored) < 0) return;
}

static int fail(struct pump *p, int rc, struct err *err)
{
    if (!p->broken) {
        p->broken = rc;
        p->why = *err;
        p->why.code = rc;
    }
    return rc;
}

static int refuse(const struct pump *p, struct err *err)
{
    return err_set(err, p->broken, "%s", p->why.text);
}

// Endpoints are recorded by their unit's name: an address or a path would differ from run to run.
static int name_unit(struct err *err, const char *kind, const char *endpoint, const char *unit)
{
    struct err told = {0};
    const char *at = endpoint && *endpoint ? strstr(err->text, endpoint) : NULL;
    if (!at) return err_prefix(err, "%s %s", kind, unit);
    err_set(&told, err->code, "%.*s%s%s", (int)(at - err->text), err->text, unit,
            at + strlen(endpoint));
    *err = told;
    return told.code;
}

static int open_judge(struct pump *p, struct err *err)
{
    int rc = judge_new(&p->judge, err);
    if (rc < 0 || !p->config.key) return rc;
    const struct judge_device device = {
        .id = p->config.device_id,
        .key = p->config.key,
        .modulus = p->config.modulus,
        .window = p->config.window,
    };
    return judge_register(p->judge, &device, err);
}

static int open_receiver(struct pump *p, struct err *err)
{
    const struct radio_info *info = radio_info(p->radio);
    p->rate_hz = info->rate_hz;
    p->lo_hz = info->lo_hz;
    double edge = p->rate_hz / 2;
    double low = p->config.low_hz - p->lo_hz, high = p->config.high_hz - p->lo_hz;
    if (low < -edge || high > edge)
        return err_set(err, ERR_USAGE,
                       "radio %s: the band %.0f … %.0f Hz does not fit into %.0f Hz round %.0f Hz; "
                       "move lo_hz or raise "
                       "rate_hz in the bench file",
                       p->config.radio_unit, p->config.low_hz, p->config.high_hz, p->rate_hz,
                       p->lo_hz);
    const struct air_receiver_config config = {
        .rate_hz = p->rate_hz,
        .low_hz = low,
        .high_hz = high,
        .bit_rate_100 = true,
    };
    return air_receiver_new(&p->receiver, &config, err);
}

int pump_open(struct pump **out, const struct pump_config *config, const struct pump_sink *sink,
              struct err *err)
{
    struct pump *p = calloc(1, sizeof *p);
    if (!p) return err_set(err, ERR_NOMEM, "pump: out of memory");
    p->config = *config;
    p->sink = *sink;
    p->now = config->t0;
    p->gap_at = -1;
    p->spoken_s = wall_s();
    bytes_init(&p->log, LOG_MAX);

    int rc = port_open(&p->port, &config->port, err);
    if (rc < 0) {
        name_unit(err, "port", config->port.path, config->uart_unit);
        goto fail;
    }
    rc = dut_new(&p->dut, p->port, &p->config.dialect, err);
    if (rc < 0) goto fail;
    dut_set_tap(p->dut, log_bytes, p);
    rc = radio_open(&p->radio, &config->radio, err);
    if (rc < 0) {
        name_unit(err, "radio", config->radio.uri, config->radio_unit);
        goto fail;
    }
    rc = open_receiver(p, err);
    if (rc < 0) goto fail;
    rc = open_judge(p, err);
    if (rc < 0) goto fail;
    rc = iq_ring_init(&p->ring, (size_t)(config->keep_s * p->rate_hz), err);
    if (rc < 0) goto fail;
    *out = p;
    return ERR_OK;
fail:
    pump_close(p);
    return rc;
}

void pump_close(struct pump *p)
{
    if (!p) return;
    queue_clear(&p->frames);
    queue_clear(&p->lines);
    jval_free(p->answer);
    iq_ring_deinit(&p->ring);
    bytes_deinit(&p->log);
    judge_free(p->judge);
    air_receiver_free(p->receiver);
    dut_free(p->dut);
    port_close(p->port);
    radio_close(p->radio);
    free(p);
}

int pump_announce(struct pump *p, struct err *err)
{
    const struct radio_info *i = radio_info(p->radio);
    int rc = pump_emit(p,
                       jval_make(err, "{s:s, s:f, s:i}", "type", "clock", "rate_hz", p->rate_hz,
                                 "worker", (int)p->config.worker),
                       err);
    if (rc < 0) return rc;
    rc = pump_emit(p,
                   jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:f, s:f, s:f, s:f, s:f}}",
                             "type", "instrument", "unit", p->config.radio_unit, "kind", "radio",
                             "serial", i->serial, "model", i->model, "firmware", i->firmware,
                             "settings", "rate_hz", i->rate_hz, "lo_hz", i->lo_hz, "gain_db",
                             i->gain_db, "band_low_hz", p->config.low_hz, "band_high_hz",
                             p->config.high_hz),
                   err);
    if (rc < 0) return rc;
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:i, s:b, s:b, s:s}}",
                               "type", "instrument", "unit", p->config.uart_unit, "kind", "uart",
                               "serial", "", "model", "", "firmware", "", "settings", "baud",
                               (int)p->config.port.baud, "power", p->config.lines[PUMP_POWER] >= 0,
                               "reset", p->config.lines[PUMP_RESET] >= 0, "dialect",
                               p->config.dialect.name),
                     err);
}

int64_t pump_now(const struct pump *p)
{
    return p->now;
}

double pump_rate_hz(const struct pump *p)
{
    return p->rate_hz;
}

uint64_t pump_steps(const struct pump *p)
{
    return p->steps;
}

void pump_begin(struct pump *p, int64_t deadline)
{
    queue_clear(&p->frames);
    queue_clear(&p->lines);
    p->log.len = 0;
    p->deadline = deadline;
    pump_set_step(p, "");
}

void pump_set_step(struct pump *p, const char *step)
{
    snprintf(p->step, sizeof p->step, "%s", step);
}

int pump_alive(struct pump *p, struct err *err)
{
    double now_s = wall_s();
    if (now_s - p->spoken_s < progress_every_s) return ERR_OK;
    p->spoken_s = now_s;
    return p->sink.progress(p->sink.ctx, p->now, p->step, err);
}

int pump_emit(struct pump *p, struct jval *event, struct err *err)
{
    if (!event) return ERR_FORMAT; // jval_make has said why
    int rc = jval_set(event, "t", jval_make(err, "I", (long long)p->now), err);
    if (rc == ERR_OK) rc = p->sink.event(p->sink.ctx, event, err);
    jval_free(event);
    return rc;
}

// ---- what came

// To a fraction of two, which JSON writes in a few exact digits.
static double rounded(double x, double parts)
{
    return isfinite(x) ? round(x * parts) / parts + 0.0 : 0; // never a negative zero
}

static const char *how_name(enum phy_how how)
{
    static const char *const names[] = {"plain", "tracked", "list", "combined"};
    return names[how];
}

static int put_text(struct jval *event, const char *key, const char *text, struct err *err)
{
    return jval_set(event, key, jval_make(err, "s", text), err);
}

static int put_hex(struct jval *event, const char *key, const uint8_t *data, size_t len,
                   struct err *err)
{
    char text[2 * SFX_PACKET_MAX + 1];
    hex_encode(data, len, text);
    return put_text(event, key, text, err);
}

static struct jval *reception(const struct pump *p, const struct air_frame *f, struct err *err)
{
    const struct phy_burst *b = &f->burst;
    int64_t start = p->config.t0 + (int64_t)llround(b->start_sample);
    return jval_make(
        err, "{s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:s, s:s, s:s, s:i}", "type",
        "uplink", "unit", p->config.radio_unit, "start", (long long)start, "end",
        (long long)(p->config.t0 + f->end_sample), "f_hz", rounded(p->lo_hz + b->f_hz, 64),
        "f_mid_hz", rounded(p->lo_hz + b->f_mid_hz, 64), "drift_hz_s", rounded(b->drift_hz_s, 512),
        "bit_rate", rounded(b->bit_rate, 512), "ebn0_db", rounded(b->ebn0_db, 64), "power_dbfs",
        rounded(b->power_dbfs, 64), "rank", (int)f->rank, "class", sfx_class_name(f->class), "how",
        how_name(b->how), "status", sfx_status_name(f->status), "head_errors", (int)b->head_errors);
}

static int put_content(struct jval *event, const struct sfx_uplink *up, struct err *err)
{
    char id[9];
    snprintf(id, sizeof id, "%08x", up->device_id);
    int rc = put_text(event, "device_id", id, err);
    if (rc == ERR_OK) rc = jval_set(event, "counter", jval_make(err, "i", (int)up->counter), err);
    if (rc == ERR_OK) rc = put_text(event, "message", sfx_message_type_name(up->type), err);
    if (rc == ERR_OK) rc = put_hex(event, "payload_hex", up->payload, up->payload_len, err);
    if (rc == ERR_OK) rc = jval_set(event, "li", jval_make(err, "i", (int)up->li), err);
    if (rc == ERR_OK) rc = jval_set(event, "bf", jval_make(err, "b", up->bidirectional), err);
    if (rc == ERR_OK) rc = jval_set(event, "rep", jval_make(err, "b", up->repeater), err);
    if (rc == ERR_OK) rc = put_hex(event, "tag_hex", up->tag, up->tag_len, err);
    return rc;
}

static int put_judgement(struct pump *p, struct jval *event, const struct air_frame *f,
                         struct err *err)
{
    struct judge_result r;
    double t_s = (f->burst.start_sample + (double)p->config.t0) / p->rate_hz;
    int rc = judge_frame(p->judge, &f->uplink, f->status, t_s, &r, err);
    if (rc == ERR_OK) rc = put_text(event, "judge", judge_verdict_name(r.verdict), err);
    bool known = r.verdict != JUDGE_MALFORMED && r.verdict != JUDGE_UNKNOWN_DEVICE;
    if (rc == ERR_OK && known) rc = jval_set(event, "tag_ok", jval_make(err, "b", r.tag_ok), err);
    if (rc == ERR_OK && known && r.counter_known)
        rc = jval_set(event, "counter_step", jval_make(err, "i", r.counter_step), err);
    return rc;
}

static int take_frame(struct pump *p, const struct air_frame *f, struct err *err)
{
    struct jval *event = reception(p, f, err);
    if (!event) return ERR_FORMAT;
    int rc = put_hex(event, "packet_hex", f->packet, f->packet_len, err);
    if (rc == ERR_OK && f->status == SFX_STATUS_OK) {
        p->air_proven = true;
        rc = put_content(event, &f->uplink, err);
    }
    if (rc == ERR_OK) rc = put_judgement(p, event, f, err);
    if (rc == ERR_OK) rc = pump_emit(p, jval_ref(event), err);
    if (rc < 0) {
        jval_free(event);
        return rc;
    }
    return queue_put(&p->frames, event, "frames", err);
}

static int take_line(struct pump *p, const struct dut_line *line, struct err *err)
{
    char text[sizeof p->last];
    printable(line->text, line->len, text, sizeof text);
    if (line->solicited && p->answer) {
        bool final = dut_state(p->dut) != DUT_STATE_WAITING;
        if (!p->answered || strcmp(text, p->config.dialect.ok) != 0 || !final)
            snprintf(p->last, sizeof p->last, "%s", text);
        p->answered = true;
        p->last_at = line->at_sample;
        return jval_append(p->answer, jval_make(err, "s", text), err);
    }
    struct jval *event = jval_make(err, "{s:s, s:s, s:s, s:b}", "type", "line", "unit",
                                   p->config.uart_unit, "text", text, "cut", line->cut);
    if (!event) return ERR_FORMAT;
    int rc = pump_emit(p, jval_ref(event), err);
    if (rc < 0) {
        jval_free(event);
        return rc;
    }
    return queue_put(&p->lines, event, "lines", err);
}

static int take_gap(struct pump *p, int64_t lost, struct err *err)
{
    p->gap_at = p->now;
    if (lost > 0)
        snprintf(p->gap_text, sizeof p->gap_text, "%lld samples missing before %.3f s",
                 (long long)lost, (double)p->now / p->rate_hz);
    else
        snprintf(p->gap_text, sizeof p->gap_text, "the radio reports an overflow at %.3f s",
                 (double)p->now / p->rate_hz);
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s}", "type", "gap", "unit", p->config.radio_unit,
                               "reason", p->gap_text),
                     err);
}

static int drain(struct pump *p, struct err *err)
{
    struct air_frame f;
    while (air_receiver_next(p->receiver, &f)) {
        int rc = take_frame(p, &f, err);
        if (rc < 0) return rc;
    }
    struct dut_line line;
    while (dut_next_line(p->dut, &line)) {
        int rc = take_line(p, &line, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

static int step(struct pump *p, struct err *err)
{
    struct iq_block block;
    int rc = radio_read(p->radio, &block, err);
    if (rc < 0) return name_unit(err, "radio", p->config.radio.uri, p->config.radio_unit);
    int64_t lost = block.first_sample - (p->now - p->config.t0);
    p->now = p->config.t0 + block.first_sample + (int64_t)block.n_samples;
    p->steps++;
    if (lost != 0 || (block.flags & IQ_FLAG_OVERFLOW)) {
        rc = take_gap(p, lost, err);
        if (rc < 0) return rc;
    }
    iq_ring_put(&p->ring, block.iq, block.n_samples);
    rc = air_receiver_push(p->receiver, block.iq, block.n_samples, err);
    if (rc < 0) return err_prefix(err, "receiver of %s", p->config.radio_unit);
    rc = dut_poll(p->dut, p->now, err);
    if (rc < 0) return name_unit(err, "port", p->config.port.path, p->config.uart_unit);
    rc = drain(p, err);
    if (rc < 0) return rc;
    return pump_alive(p, err);
}

int pump_broken(const struct pump *p, struct err *err)
{
    return p->broken ? refuse(p, err) : ERR_OK;
}

int pump_step(struct pump *p, struct err *err)
{
    if (p->broken) return refuse(p, err);
    if (p->deadline && p->now >= p->deadline)
        return err_set(err, ERR_LIMIT,
                       "the case outlived its deadline_s; raise it, or see in the record what the "
                       "case waited for");
    int rc = step(p, err);
    return rc < 0 ? fail(p, rc, err) : ERR_OK;
}

int pump_wait(struct pump *p, int64_t until, struct err *err)
{
    while (p->now < until) {
        int rc = pump_step(p, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

int pump_next_frame(struct pump *p, int64_t until, struct jval **out, struct err *err)
{
    while (p->frames.count == 0 && p->config.t0 + air_receiver_settled(p->receiver) < until) {
        int rc = pump_step(p, err);
        if (rc < 0) return rc;
    }
    *out = queue_take(&p->frames);
    return ERR_OK;
}

const char *pump_gap_since(const struct pump *p, int64_t since)
{
    return p->gap_at >= 0 && p->gap_at >= since ? p->gap_text : NULL;
}

bool pump_air_proven(const struct pump *p)
{
    return p->air_proven;
}

bool pump_port_proven(const struct pump *p)
{
    return p->port_proven;
}

// ---- the device

static bool is_over(const struct pump *p, bool one_line)
{
    enum dut_state state = dut_state(p->dut);
    return state == DUT_STATE_OK || state == DUT_STATE_ERROR || (one_line && p->answered);
}

static int emit_command(struct pump *p, const char *line, const struct pump_answer *a,
                        struct err *err)
{
    static const char *const outcomes[] = {"ok", "error", "timeout"};
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "type", "command",
                               "unit", p->config.uart_unit, "text", line, "answer", a->text,
                               "outcome", outcomes[a->outcome], "sent", (long long)a->sent, "until",
                               (long long)a->until),
                     err);
}

int pump_command(struct pump *p, const char *line, int64_t until, bool one_line,
                 struct pump_answer *out, struct err *err)
{
    *out = (struct pump_answer){.outcome = PUMP_TIMEOUT, .sent = p->now};
    if (p->broken) return refuse(p, err);
    int rc = dut_command(p->dut, line, p->now, err);
    if (rc == ERR_INVALID || rc == ERR_LIMIT) return rc; // the suite's line, not the port
    if (rc < 0)
        return fail(p, name_unit(err, "port", p->config.port.path, p->config.uart_unit), err);
    p->answer = jval_array();
    p->answered = false;
    p->last[0] = '\0';
    while (!is_over(p, one_line) && p->now < until) {
        rc = pump_step(p, err);
        if (rc < 0) break;
    }
    if (rc >= 0) {
        enum dut_state state = dut_state(p->dut);
        if (state == DUT_STATE_ERROR)
            out->outcome = PUMP_ERROR;
        else if (is_over(p, one_line))
            out->outcome = PUMP_OK;
        p->port_proven = p->port_proven || out->outcome != PUMP_TIMEOUT;
        out->until = p->answered ? p->last_at : p->now;
        snprintf(out->text, sizeof out->text, "%s", p->last);
        rc = emit_command(p, line, out, err);
    }
    dut_abandon(p->dut);
    out->lines = p->answer;
    p->answer = NULL;
    return rc < 0 ? rc : ERR_OK;
}

int pump_next_line(struct pump *p, int64_t until, struct jval **out, struct err *err)
{
    while (p->lines.count == 0 && p->now < until) {
        int rc = pump_step(p, err);
        if (rc < 0) return rc;
    }
    *out = queue_take(&p->lines);
    return ERR_OK;
}

int pump_switch(struct pump *p, enum pump_switch which, bool active, struct err *err)
{
    static const char *const names[] = {"power", "reset"};
    if (p->broken) return refuse(p, err);
    if (p->config.lines[which] < 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "the bench file declares no %s line; add %s = { uart = …, line = … }",
                       names[which], names[which]);
    int rc = port_set_line(p->port, (enum port_line)p->config.lines[which], active, err);
    if (rc < 0)
        return fail(p, name_unit(err, "port", p->config.port.path, p->config.uart_unit), err);
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:b}", "type", names[which], "unit",
                               p->config.uart_unit, "on", active),
                     err);
}

// ---- evidence

static int send_memfd(struct pump *p, const char *path, const char *media_type, const char *note,
                      int fd, struct err *err)
{
    if (lseek(fd, 0, SEEK_SET) < 0) return err_set(err, ERR_IO, "evidence %s: cannot rewind", path);
    return p->sink.evidence(p->sink.ctx, path, media_type, note, fd, err);
}

int pump_evidence(struct pump *p, const char *path, const char *media_type, const char *note,
                  const void *data, size_t len, struct err *err)
{
    int fd = memfd_create("evidence", MFD_CLOEXEC);
    if (fd < 0) return err_set(err, ERR_NOMEM, "evidence %s: no memory file", path);
    int rc = ERR_OK;
    for (size_t done = 0; done < len && rc == ERR_OK;) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n <= 0)
            rc = err_set(err, ERR_IO, "evidence %s: no memory", path);
        else
            done += (size_t)n;
    }
    if (rc == ERR_OK) rc = send_memfd(p, path, media_type, note, fd, err);
    close(fd);
    return rc;
}

static int capture_samples(struct pump *p, const char *path, const char *note, int64_t from,
                           int64_t to, struct err *err)
{
    int fd = memfd_create("iq", MFD_CLOEXEC);
    if (fd < 0) return err_set(err, ERR_NOMEM, "evidence %s: no memory file", path);
    int rc = iq_ring_write(&p->ring, from, to, fd, err);
    if (rc == ERR_OK) rc = send_memfd(p, path, "application/octet-stream", note, fd, err);
    close(fd);
    return rc;
}

int pump_capture(struct pump *p, const char *name, const char *note, int64_t from, int64_t to,
                 const struct jval *frames, bool *kept, struct err *err)
{
    *kept = false;
    int rc = pump_wait(p, to, err);
    if (rc < 0) return rc;
    from -= p->config.t0;
    to -= p->config.t0;
    if (from < 0) from = 0;
    if (!iq_ring_has(&p->ring, from, to)) return ERR_OK;

    const struct iq_ring_meta meta = {
        .rate_hz = p->rate_hz,
        .centre_hz = p->lo_hz,
        .description = note,
        .from = from,
        .offset = p->config.t0,
        .samples = to - from,
    };
    struct jval *sigmf = iq_ring_sigmf(&meta, frames, err);
    char *text = sigmf ? jval_dump(sigmf, err) : NULL;
    jval_free(sigmf);
    if (!text) return ERR_FORMAT;
    char path[128];
    snprintf(path, sizeof path, "iq/%s.sigmf-meta", name);
    rc = pump_evidence(p, path, "application/json", note, text, strlen(text), err);
    free(text);
    if (rc < 0) return rc;
    snprintf(path, sizeof path, "iq/%s.sigmf-data", name);
    rc = capture_samples(p, path, note, from, to, err);
    *kept = rc == ERR_OK;
    return rc;
}

int pump_end(struct pump *p, struct err *err)
{
    if (p->log.len == 0) return ERR_OK;
    int rc = pump_evidence(p, "uart.log", "text/plain",
                           "sample time, direction, bytes of the serial line", p->log.data,
                           p->log.len, err);
    p->log.len = 0;
    return rc;
}
