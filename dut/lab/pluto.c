#include "dut/lab/pluto.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/phy/iq.h"
#include "dut/lab/ad936x.h"
#include "dut/lab/pluto_model.h"

enum { RECEIVE_CHUNK = 16384 };

// With this much gain, an input of -(gain + 24) dBm is full scale; close to what a unit does at 868
// MHz, and it puts the noise of a 520 kS/s stream at 20 codes for a gain of 50 dB.
static const double full_scale_dbm_at_0db = -24;
static const double thermal_dbm_hz = -174;
static const double tx_full_scale_dbm = 7;          // at the connector without attenuation [P]
static const uint32_t status_register = 0x80000088; // bit 2: receive overflow
static const uint32_t status_overflow = 4;
static const uint32_t status_underflow = 1;

static const size_t tx_depth_default = 4; // the kernel's
// Nobody may count on the place where a transmit stream begins: it is drawn for each stream.
enum { TX_DELAY_MIN = 16, TX_DELAY_SPREAD = 256 };

int pluto_new(struct pluto **out, const struct pluto_config *config, struct err *err)
{
    struct pluto *p = calloc(1, sizeof *p);
    if (!p) return err_set(err, ERR_NOMEM, "pluto %s", config->name);
    p->name = config->name;
    p->ppm = config->ppm;
    p->figure_db = config->figure_db;
    p->seed = config->seed;
    p->sender = config->sender;
    p->tx_delay = config->tx_delay;
    p->tx_depth = tx_depth_default;
    p->rx_decimation = 1;
    p->scratch = malloc(RECEIVE_CHUNK * 2 * sizeof *p->scratch);
    int rc = p->scratch ? context_load(&p->context, config->context_path, config->serial, err)
                        : err_set(err, ERR_NOMEM, "pluto %s", config->name);
    if (rc < 0) goto fail;
    p->phy = context_find_device(p->context, "ad9361-phy");
    p->rx = context_find_device(p->context, "cf-ad9361-lpc");
    p->tx = context_find_device(p->context, "cf-ad9361-dds-core-lpc");
    if (!p->phy || !p->rx || !p->tx || p->rx->scan_mask != 3) {
        rc = err_set(err, ERR_FORMAT,
                     "%s: expected the devices ad9361-phy, cf-ad9361-lpc (voltage0, voltage1) and "
                     "cf-ad9361-dds-core-lpc",
                     config->context_path);
        goto fail;
    }
    pluto_model_reset(p);
    *out = p;
    return ERR_OK;
fail:
    pluto_free(p);
    return rc;
}

void pluto_free(struct pluto *p)
{
    if (!p) return;
    transmitter_deinit(&p->transmitter);
    context_free(p->context);
    free(p->scratch);
    free(p);
}

// The true rate of the stream: what the attributes say, decimated, by a crystal that is off.
static int64_t stream_rate_uhz(struct pluto *p)
{
    double rate = strtod(context_value(p->phy, "in_voltage_sampling_frequency"), NULL);
    return (int64_t)llround(rate / p->rx_decimation * (1e6 + p->ppm));
}

// The transmitter's: full, or an eighth when the FPGA interpolates.
static int64_t transmit_rate_uhz(struct pluto *p)
{
    double full = strtod(context_value(p->phy, "out_voltage_sampling_frequency"), NULL);
    double core = strtod(context_value(p->tx, "out_voltage_sampling_frequency"), NULL);
    return (int64_t)llround(full / (core < full / 2 ? 8 : 1) * (1e6 + p->ppm));
}

void pluto_apply(struct pluto *p)
{
    struct air_receiver *r = &p->receiver;
    int64_t rate_uhz = stream_rate_uhz(p);
    if (!p->streaming)
        r->clock.rate_uhz = rate_uhz;
    else if (rate_uhz != r->clock.rate_uhz)
        clock_set_rate(&r->clock, p->next_sample, rate_uhz);
    struct transmitter *t = &p->transmitter;
    int64_t tx_rate_uhz = transmit_rate_uhz(p);
    if (t->open && tx_rate_uhz != t->clock.rate_uhz)
        clock_set_rate(&t->clock, t->played, tx_rate_uhz);
    double lo = strtod(context_value(p->phy, "out_altvoltage0_RX_LO_frequency"), NULL);
    r->centre_hz = lo * (1 + p->ppm * 1e-6);
    double band_dbm = thermal_dbm_hz + p->figure_db + 10 * log10((double)r->clock.rate_uhz * 1e-6);
    r->noise_mw = pow(10, band_dbm / 10);
}

// Both directions run from one clock: a sample is received when one is sent.
static int64_t on_grid(const struct pluto *p, int64_t t_ns)
{
    const struct transmitter *t = &p->transmitter;
    return t->open ? clock_time_ns(&t->clock, clock_index(&t->clock, t_ns)) : t_ns;
}

void pluto_stream_begin(struct pluto *p, int64_t t_ns)
{
    char stream[128];
    snprintf(stream, sizeof stream, "pluto %s receive %u", p->name, p->streams++);
    p->receiver.noise_key = rng_key(p->seed, stream);
    p->receiver.clock =
        (struct sample_clock){.base_ns = on_grid(p, t_ns), .rate_uhz = stream_rate_uhz(p)};
    p->streaming = true;
    p->next_sample = 0;
    pluto_apply(p);
}

void pluto_stream_skip(struct pluto *p, int64_t t_ns)
{
    if (pluto_stream_until(p, 0) >= t_ns) return;
    p->receiver.clock.base_index = p->next_sample;
    p->receiver.clock.base_ns = on_grid(p, t_ns);
    pluto_overflow(p, 0);
}

void pluto_stream_end(struct pluto *p)
{
    p->streaming = false;
}

int64_t pluto_stream_until(const struct pluto *p, size_t n)
{
    return clock_time_ns(&p->receiver.clock, p->next_sample + (int64_t)n);
}

// Rounds to nearest and clips to 12 bit. Adding 1.5 * 2^23 leaves the integer in the low bits of a
// float, which the compiler can do for a whole vector at once.
static void quantise(const float *restrict in, size_t n, int16_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        float x = in[i];
        x = x > IQ_FULL_SCALE_RX ? IQ_FULL_SCALE_RX : x;
        x = x < -IQ_FULL_SCALE_RX ? -IQ_FULL_SCALE_RX : x;
        union {
            float f;
            int32_t i;
        } u = {.f = x + 12582912.0f};
        out[i] = (int16_t)(u.i - 0x4b400000);
    }
}

// The chip hands back what it is given to send: no converter, no antenna, no noise.
static void loop_back(const struct pluto *p, size_t n, int16_t *iq)
{
    const struct transmitter *t = &p->transmitter;
    long double since = clock_seconds_since(&p->receiver.clock, p->next_sample, t->clock.base_ns);
    long double at = since * (long double)t->clock.rate_uhz * 1e-6L;
    if (t->clock.rate_uhz == p->receiver.clock.rate_uhz) {
        transmitter_copy(t, t->clock.base_index + llroundl(at), n, iq);
    } else { // the nearest sample
        long double step = (long double)t->clock.rate_uhz / (long double)p->receiver.clock.rate_uhz;
        for (size_t i = 0; i < n; i++)
            transmitter_copy(t, t->clock.base_index + llroundl(at + step * (long double)i), 1,
                             iq + 2 * i);
    }
    for (size_t i = 0; i < 2 * n; i++)
        iq[i] = (int16_t)(iq[i] >> 4); // 16 bit, of which 12 are converted
}

int pluto_receive(struct pluto *p, struct air *air, size_t n, int16_t *iq, struct err *err)
{
    if (!p->streaming) return err_set(err, ERR_SEQUENCE, "pluto %s: no stream is open", p->name);
    double gain_db = strtod(context_value(p->phy, "in_voltage0_hardwaregain"), NULL);
    double codes = IQ_FULL_SCALE_RX * pow(10, (gain_db - full_scale_dbm_at_0db) / 20);
    bool off = strtol(context_value(p->phy, "out_altvoltage0_RX_LO_powerdown"), NULL, 10) != 0;
    bool looped = strtol(context_value(p->phy, "debug/loopback"), NULL, 10) == 1;
    if (looped) {
        loop_back(p, n, iq);
        p->next_sample += (int64_t)n;
        return ERR_OK;
    }
    while (n) {
        size_t here = n < RECEIVE_CHUNK ? n : RECEIVE_CHUNK;
        if (off)
            memset(p->scratch, 0, here * 2 * sizeof *p->scratch);
        else
            air_hear(air, &p->receiver, p->next_sample, here, codes, p->scratch);
        quantise(p->scratch, 2 * here, iq);
        iq += 2 * here;
        n -= here;
        p->next_sample += (int64_t)here;
    }
    return ERR_OK;
}

static struct pluto_reg *find_reg(struct pluto *p, const struct context_device *d, uint32_t address)
{
    for (size_t i = 0; i < p->n_regs; i++)
        if (p->regs[i].device == d && p->regs[i].address == address) return &p->regs[i];
    return NULL;
}

uint32_t pluto_reg_read(struct pluto *p, const struct context_device *d, uint32_t address)
{
    const struct pluto_reg *r = find_reg(p, d, address);
    return r ? r->value : 0;
}

int pluto_reg_write(struct pluto *p, const struct context_device *d, uint32_t address,
                    uint32_t value)
{
    struct pluto_reg *r = find_reg(p, d, address);
    if (address == status_register) { // write one to clear
        if (r) r->value &= ~value;
        return 0;
    }
    if (!r) {
        if (p->n_regs == PLUTO_REGS_MAX) return -ENOSPC;
        r = &p->regs[p->n_regs++];
        *r = (struct pluto_reg){.device = d, .address = address};
    }
    r->value = value;
    return 0;
}

void pluto_overflow(struct pluto *p, int64_t n)
{
    if (p->streaming) {
        struct sample_clock *c = &p->receiver.clock;
        *c = (struct sample_clock){.base_index = p->next_sample,
                                   .base_ns = clock_time_ns(c, p->next_sample + n),
                                   .rate_uhz = c->rate_uhz};
    }
    struct pluto_reg *r = find_reg(p, p->rx, status_register);
    if (r) r->value |= status_overflow;
}

void pluto_underflow(struct pluto *p, int64_t n)
{
    struct transmitter *t = &p->transmitter;
    if (t->open) t->end += n;
    struct pluto_reg *r = find_reg(p, p->tx, status_register);
    if (r) r->value |= status_underflow;
}

void pluto_transmit_begin(struct pluto *p, int64_t now_ns)
{
    struct sample_clock clock = {.base_ns = now_ns, .rate_uhz = transmit_rate_uhz(p)};
    // On the grid of the receive stream, and with its numbers.
    if (p->streaming && p->receiver.clock.rate_uhz == clock.rate_uhz) clock = p->receiver.clock;
    int64_t delay = p->tx_delay;
    if (delay < 0) {
        char stream[128];
        snprintf(stream, sizeof stream, "pluto %s transmit", p->name);
        delay = TX_DELAY_MIN + (int64_t)(rng_u64(rng_key(p->seed, stream), p->transmitter.streams) %
                                         TX_DELAY_SPREAD);
    }
    p->transmitter.depth = p->tx_depth;
    transmitter_begin(&p->transmitter, &clock, delay, now_ns);
}

void pluto_transmit_end(struct pluto *p)
{
    transmitter_end(&p->transmitter);
}

// The flag that clients poll.
static void show_underflow(struct pluto *p)
{
    struct pluto_reg *r = find_reg(p, p->tx, status_register);
    if (p->transmitter.underflow && r) r->value |= status_underflow;
    p->transmitter.underflow = false;
}

int pluto_transmit_push_take(struct pluto *p, int64_t now_ns, int16_t *iq, size_t n,
                             struct err *err)
{
    if (!p->transmitter.open) {
        free(iq);
        return err_set(err, ERR_SEQUENCE, "pluto %s: no transmit stream is open", p->name);
    }
    int rc = transmitter_push_take(&p->transmitter, now_ns, iq, n, err);
    show_underflow(p);
    return rc;
}

// A block as the antenna has it, in sqrt(mW); taken by the air.
static int put_on_air(struct pluto *p, struct air *air, const struct transmit_block *b,
                      struct err *err)
{
    float *iq = malloc(b->n * 2 * sizeof *iq);
    if (!iq) return err_set(err, ERR_NOMEM, "%zu samples to transmit", b->n);
    double level_dbm =
        tx_full_scale_dbm + strtod(context_value(p->phy, "out_voltage0_hardwaregain"), NULL);
    float scale = (float)(pow(10, level_dbm / 20) / IQ_FULL_SCALE_RX);
    for (size_t i = 0; i < 2 * b->n; i++)
        iq[i] = scale * (float)(b->iq[i] >> 4); // 16 bit, of which 12 are converted
    double lo = strtod(context_value(p->phy, "out_altvoltage1_TX_LO_frequency"), NULL);
    return air_play_take(air, p->sender, &p->transmitter.clock, b->first, lo * (1 + p->ppm * 1e-6),
                         iq, b->n, err);
}

int pluto_transmit(struct pluto *p, struct air *air, int64_t until_ns, struct err *err)
{
    struct transmitter *t = &p->transmitter;
    if (!t->open) return ERR_OK;
    transmitter_settle(t, until_ns);
    show_underflow(p);
    bool off = strtol(context_value(p->phy, "out_altvoltage1_TX_LO_powerdown"), NULL, 10) != 0;
    struct transmit_block part;
    int rc = ERR_OK;
    while (rc >= 0 && transmitter_play(t, clock_index(&t->clock, until_ns), &part))
        if (!off) rc = put_on_air(p, air, &part, err);
    return rc;
}
