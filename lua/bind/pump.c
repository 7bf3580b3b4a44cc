#include "lua/bind/pump.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lua/bind/pump_internal.h"

static const double progress_every_s = 0.2;

static double wall_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int pump_open_ear(struct pump *p, double rate_hz, double lo_hz, struct air_ear **out,
                  struct err *err)
{
    const struct air_ear_config config = {
        .receiver =
            {
                .rate_hz = rate_hz,
                .low_hz = p->config.low_hz - lo_hz,
                .high_hz = p->config.high_hz - lo_hz,
                .bit_rate_100 = !p->config.bit_rate_600,
                .bit_rate_600 = p->config.bit_rate_600,
                .verify = pump_verify,
                .verify_ctx = p,
            },
        .alive = pump_still_alive,
        .alive_ctx = p,
    };
    return air_ear_new(out, &config, err);
}

int pump_open_receiver(struct pump *p, struct err *err)
{
    const struct radio_info *info = radio_info(p->radio);
    air_ear_free(p->ear);
    p->ear = NULL;
    p->heard_from = p->now;
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
    return pump_open_ear(p, p->rate_hz, p->lo_hz, &p->ear, err);
}

int pump_open(struct pump **out, const struct pump_config *config, const struct pump_sink *sink,
              struct err *err)
{
    struct pump *p = calloc(1, sizeof *p);
    if (!p) return err_set(err, ERR_NOMEM, "pump: out of memory");
    p->config = *config;
    p->sink = *sink;
    p->now = config->t0;
    p->gap_at = p->overload_at = -1;
    p->spoken_s = wall_s();
    bytes_init(&p->log, PUMP_LOG_MAX);

    int rc = pump_open_units(p, err);
    if (rc < 0) goto fail;
    rc = pump_open_ftdi(p, err);
    if (rc < 0) goto fail;
    rc = radio_open(&p->radio, &config->radio, err);
    if (rc < 0) {
        pump_name_unit(err, "radio", config->radio.uri, config->radio_unit);
        goto fail;
    }
    rc = pump_open_receiver(p, err);
    if (rc < 0) goto fail;
    rc = pump_open_transmit(p, err);
    if (rc < 0) goto fail;
    rc = pump_open_cores(p, err);
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
    pump_queue_clear(&p->frames);
    pump_queue_clear(&p->lines);
    jval_free(p->answer);
    iq_ring_deinit(&p->ring);
    bytes_deinit(&p->log);
    pump_close_cores(p);
    air_ear_free(p->ear);
    pump_close_units(p);
    ftdi_close(p->ftdi);
    air_jam_free(p->jam);
    air_transmit_free(p->transmit);
    pump_close_stations(p);
    radio_close(p->radio);
    free(p);
}

int pump_announce_radio(struct pump *p, const char *unit, const struct radio *radio,
                        struct err *err)
{
    const struct radio_info *i = radio_info(radio);
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:f, s:f, s:f, s:f, s:f}}",
                               "type", "instrument", "unit", unit, "kind", "radio", "serial",
                               i->serial, "model", i->model, "firmware", i->firmware, "settings",
                               "rate_hz", i->rate_hz, "lo_hz", i->lo_hz, "gain_db", i->gain_db,
                               "band_low_hz", p->config.low_hz, "band_high_hz", p->config.high_hz),
                     err);
}

int pump_announce_calibration(struct pump *p, const char *unit, const struct radio *radio,
                              struct err *err)
{
    const struct radio_info *i = radio_info(radio);
    if (!i->transmit || !i->tx_markers) return ERR_OK;
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:I, s:i, s:I}", "type", "calibration", "unit",
                               unit, "offset_samples", (long long)i->tx_offset_samples, "markers",
                               (int)i->tx_markers, "spread_samples",
                               (long long)i->tx_spread_samples),
                     err);
}

int pump_announce(struct pump *p, struct err *err)
{
    int rc = pump_emit(p,
                       jval_make(err, "{s:s, s:f, s:i}", "type", "clock", "rate_hz", p->rate_hz,
                                 "worker", (int)p->config.worker),
                       err);
    if (rc == ERR_OK) rc = pump_announce_radio(p, p->config.radio_unit, p->radio, err);
    if (rc == ERR_OK) rc = pump_announce_calibration(p, p->config.radio_unit, p->radio, err);
    if (rc == ERR_OK) rc = pump_announce_units(p, err);
    if (rc == ERR_OK) rc = pump_announce_tokens(p, err);
    return rc < 0 || !p->ftdi ? rc : pump_announce_ftdi(p, err);
}

int64_t pump_now(const struct pump *p)
{
    return p->now;
}

double pump_rate_hz(const struct pump *p)
{
    return p->rate_hz;
}

void pump_begin(struct pump *p, int64_t deadline)
{
    pump_queue_clear(&p->frames);
    pump_queue_clear(&p->lines);
    p->log.len = p->log_chunk = p->log_mark = 0;
    p->n_leaks = 0;
    p->n_pictured = 0;
    p->n_lines = 0;
    p->trust = (struct pump_trust){0};
    pump_forget_downlinks(p);
    p->deadline = deadline;
    pump_begin_network(p);
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

int pump_still_alive(void *pump, struct err *err)
{
    return pump_alive(pump, err);
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

static int take_frame(struct pump *p, const struct air_frame *f, struct err *err)
{
    const struct frame_event_context context = {
        .unit = p->config.radio_unit,
        .t0 = p->heard_from,
        .rate_hz = p->rate_hz,
        .lo_hz = p->lo_hz,
    };
    struct jval *event = NULL;
    if (f->status == SFX_STATUS_OK) p->air_proven = true;
    pump_jam_heard(p, f);
    int rc = pump_hear(p, 0, &context, f, &event, err);
    if (rc == ERR_OK) pump_queue_put(&p->frames, event);
    return rc;
}

// An overloaded receiver stays so for many blocks: one event a second tells it.
int pump_take_gap(struct pump *p, const char *unit, int64_t lost, unsigned flags,
                  int64_t *overload_at, struct err *err)
{
    bool overload = lost == 0 && !(flags & IQ_FLAG_OVERFLOW);
    bool told = overload && *overload_at >= 0 && p->now - *overload_at < (int64_t)p->rate_hz;
    p->gap_at = p->now;
    if (told) return ERR_OK;
    if (overload) *overload_at = p->now;
    if (overload)
        snprintf(p->gap_text, sizeof p->gap_text,
                 "the receiver of %s is overloaded at %.3f s: lower gain_db in the bench file or "
                 "raise the attenuation",
                 unit, (double)p->now / p->rate_hz);
    else if (lost > 0)
        snprintf(p->gap_text, sizeof p->gap_text, "%lld samples of %s missing before %.3f s",
                 (long long)lost, unit, (double)p->now / p->rate_hz);
    else
        snprintf(p->gap_text, sizeof p->gap_text, "%s reports an overflow at %.3f s", unit,
                 (double)p->now / p->rate_hz);
    return pump_emit(
        p, jval_make(err, "{s:s, s:s, s:s}", "type", "gap", "unit", unit, "reason", p->gap_text),
        err);
}

static int drain(struct pump *p, struct err *err)
{
    struct air_frame f;
    while (air_ear_next(p->ear, &f)) {
        int rc = take_frame(p, &f, err);
        if (rc < 0) return rc;
    }
    struct dut_line line;
    while (dut_next_line(p->unit->dut, &line)) {
        int rc = pump_withhold(p, &line, err);
        if (rc == ERR_OK) rc = pump_take_line(p, &line, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// What the air asks too much of is the bench's affair, never the suite's.
int pump_receiver_failed(int rc, const char *unit, struct err *err)
{
    if (err) {
        err_prefix(err, "receiver of %s", unit);
        if (rc == ERR_LIMIT) err->code = ERR_IO;
    }
    return rc == ERR_LIMIT ? ERR_IO : rc;
}

static int step(struct pump *p, struct err *err)
{
    struct iq_block block;
    int rc = radio_read(p->radio, &block, err);
    if (rc < 0) return pump_name_unit(err, "radio", p->config.radio.uri, p->config.radio_unit);
    int64_t lost = block.first_sample - (p->now - p->config.t0);
    p->now = p->config.t0 + block.first_sample + (int64_t)block.n_samples;
    if (lost != 0 || (block.flags & (IQ_FLAG_OVERFLOW | IQ_FLAG_CLIPPED))) {
        rc = pump_take_gap(p, p->config.radio_unit, lost, block.flags, &p->overload_at, err);
        if (rc < 0) return rc;
    }
    if (lost != 0) iq_ring_jump(&p->ring, block.first_sample);
    iq_ring_put(&p->ring, block.iq, block.n_samples);
    rc = air_ear_push(p->ear, block.iq, block.n_samples, err);
    if (rc < 0) return pump_receiver_failed(rc, p->config.radio_unit, err);
    rc = pump_step_stations(p, err);
    if (rc < 0) return rc;
    rc = pump_step_jam(p, &block, err);
    if (rc == ERR_OK) rc = pump_step_steady(p, err);
    if (rc < 0) return rc;
    rc = pump_poll_unit(p, err);
    if (rc < 0) return rc;
    rc = drain(p, err);
    if (rc == ERR_OK) rc = pump_step_core(p, err);
    if (rc < 0) return rc;
    rc = pump_step_transmit(p, err);
    if (rc < 0) return pump_name_unit(err, "radio", p->config.radio.uri, p->config.radio_unit);
    return pump_alive(p, err);
}

int pump_broken(const struct pump *p, struct err *err)
{
    return p->broken ? pump_refuse(p, err) : ERR_OK;
}

int pump_step(struct pump *p, struct err *err)
{
    if (p->broken) return pump_refuse(p, err);
    if (p->deadline && p->now >= p->deadline)
        return err_set(err, ERR_LIMIT,
                       "the case outlived its deadline_s; raise it, or see in the record what the "
                       "case waited for");
    int rc = step(p, err);
    return rc < 0 ? pump_fail(p, rc, err) : ERR_OK;
}

int pump_wait(struct pump *p, int64_t until, struct err *err)
{
    while (p->now < until) {
        int rc = pump_step(p, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// Whether a frame that ended before that time may still come. Mostly the samples so far say so,
// searched or not.
static bool may_come(struct pump *p, int64_t until)
{
    return p->heard_from + air_ear_settled_at_most(p->ear) < until ||
           p->heard_from + air_ear_settled(p->ear) < until;
}

int pump_next_frame(struct pump *p, int64_t until, struct jval **out, struct err *err)
{
    while (p->frames.count == 0 && may_come(p, until)) {
        int rc = pump_step(p, err);
        if (rc < 0) return rc;
    }
    *out = pump_queue_take(&p->frames);
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
    return p->unit->proven;
}
