// The pump's side of the device: commands and their answers, unsolicited lines, switches, the
// serial log.
#include <stdio.h>
#include <string.h>

#include "lua/bind/pump_internal.h"

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

void pump_log_bytes(void *ctx, char direction, int64_t at_sample, const uint8_t *data, size_t len)
{
    struct pump *p = ctx;
    if (p->log.len + len * 4 + 64 > PUMP_LOG_MAX)
        return; // the rest of a flood; the run's time limits end it
    struct err ignored;
    p->log_chunk = p->log.len;
    if (bytes_printf(&p->log, &ignored, "%lld %c ", (long long)at_sample, direction) < 0) return;
    for (size_t i = 0; i < len; i++) {
        char text[8];
        printable((const char *)data + i, 1, text, sizeof text);
        if (bytes_printf(&p->log, &ignored, "%s", text) < 0) return;
    }
    if (bytes_append(&p->log, "\n", 1, &ignored) < 0) return;
}

void pump_log_unit(struct pump *p)
{
    struct err ignored;
    if (p->log.len + 256 > PUMP_LOG_MAX) return;
    p->log_chunk = p->log_mark = p->log.len;
    if (bytes_printf(&p->log, &ignored, "%lld @ %s\n", (long long)p->now,
                     p->unit->config.uart_unit) < 0)
        return;
}

int pump_take_line(struct pump *p, const struct dut_line *line, struct err *err)
{
    char text[sizeof p->last];
    printable(line->text, line->len, text, sizeof text);
    pump_weigh_line(p, line, text);
    if (line->solicited && p->answer) {
        bool final = dut_state(p->unit->dut) != DUT_STATE_WAITING;
        if (!p->answered || strcmp(text, p->config.dialect.ok) != 0 || !final)
            snprintf(p->last, sizeof p->last, "%s", text);
        p->answered = true;
        p->last_at = line->at_sample;
        return jval_append(p->answer, jval_make(err, "s", text), err);
    }
    if (p->n_lines++ >= PUMP_LINES_MAX) return ERR_OK; // a flood; pump_end says how much of it
    struct jval *event = jval_make(err, "{s:s, s:s, s:s, s:b}", "type", "line", "unit",
                                   p->unit->config.uart_unit, "text", text, "cut", line->cut);
    if (!event) return ERR_FORMAT;
    int rc = pump_emit(p, jval_ref(event), err);
    if (rc < 0) {
        jval_free(event);
        return rc;
    }
    pump_queue_put(&p->lines, event);
    return ERR_OK;
}

static bool is_over(const struct pump *p, bool one_line)
{
    enum dut_state state = dut_state(p->unit->dut);
    return state == DUT_STATE_OK || state == DUT_STATE_ERROR || (one_line && p->answered);
}

enum { COMMAND_LINES_MAX = 64 };

static int emit_command(struct pump *p, const char *line, const struct pump_answer *a,
                        struct err *err)
{
    static const char *const outcomes[] = {"ok", "error", "timeout"};
    struct jval *event =
        jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "type", "command", "unit",
                  p->unit->config.uart_unit, "text", line, "answer", a->text, "outcome",
                  outcomes[a->outcome], "sent", (long long)a->sent, "until", (long long)a->until);
    size_t n = jval_len(p->answer);
    if (!event || n < 2) return pump_emit(p, event, err);
    // What passive cases look through; a flood stands in uart.log.
    int rc = ERR_OK;
    struct jval *lines = jval_array();
    for (size_t i = 0; rc == ERR_OK && lines && i < n && i < COMMAND_LINES_MAX; i++)
        rc = jval_append(lines, jval_ref(jval_at(p->answer, i)), err);
    if (rc == ERR_OK)
        rc = jval_set(event, "lines", lines, err);
    else
        jval_free(lines);
    if (rc == ERR_OK) return pump_emit(p, event, err);
    jval_free(event);
    return rc;
}

int pump_command(struct pump *p, const char *line, int64_t until, bool one_line,
                 struct pump_answer *out, struct err *err)
{
    *out = (struct pump_answer){.outcome = PUMP_TIMEOUT, .sent = p->now};
    if (p->broken) return pump_refuse(p, err);
    int rc = dut_command(p->unit->dut, line, p->now, err);
    if (rc == ERR_INVALID || rc == ERR_LIMIT) return rc; // the suite's line, not the port
    if (rc < 0)
        return pump_fail(
            p, pump_name_unit(err, "port", p->unit->config.port.path, p->unit->config.uart_unit),
            err);
    p->answer = jval_array();
    p->answered = false;
    p->last[0] = '\0';
    while (!is_over(p, one_line) && p->now < until) {
        rc = pump_step(p, err);
        if (rc < 0) break;
    }
    if (rc >= 0) {
        enum dut_state state = dut_state(p->unit->dut);
        if (state == DUT_STATE_ERROR)
            out->outcome = PUMP_ERROR;
        else if (is_over(p, one_line))
            out->outcome = PUMP_OK;
        p->unit->proven = p->unit->proven || out->outcome != PUMP_TIMEOUT;
        out->until = p->answered ? p->last_at : p->now;
        snprintf(out->text, sizeof out->text, "%s", p->last);
        rc = emit_command(p, line, out, err);
    }
    dut_abandon(p->unit->dut);
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
    *out = pump_queue_take(&p->lines);
    return ERR_OK;
}

uint64_t pump_unasked_lines(const struct pump *p)
{
    return p->n_lines;
}

// The lines of the unit's own port.
static int switch_line(struct pump *p, const char *name, enum pump_switch which, bool active,
                       struct err *err)
{
    const struct pump_unit_config *c = &p->unit->config;
    if (c->lines[which] >= 0) {
        int rc = port_set_line(p->unit->port, (enum port_line)c->lines[which], active, err);
        return rc < 0 ? pump_fail(p, pump_name_unit(err, "port", c->port.path, c->uart_unit), err)
                      : ERR_OK;
    }
    if (p->unit != &p->units[0])
        return err_set(err, ERR_UNSUPPORTED,
                       "the bench file declares no %s line for the sample at %s; add %s = … to its "
                       "entry in samples",
                       name, c->uart_unit, name);
    return err_set(err, ERR_UNSUPPORTED,
                   "the bench file declares no %s line; add %s = { uart = …, line = … }", name,
                   name);
}

int pump_switch(struct pump *p, enum pump_switch which, bool active, struct err *err)
{
    static const char *const names[] = {"power", "reset"};
    if (p->broken) return pump_refuse(p, err);
    bool adapter = p->ftdi && p->unit == &p->units[0]; // it stands at the device under test alone
    int rc = adapter ? pump_switch_ftdi(p, which, active, err)
                     : switch_line(p, names[which], which, active, err);
    if (rc < 0) return rc;
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:b}", "type", names[which], "unit",
                               p->unit->config.uart_unit, "on", active),
                     err);
}
