#include "dut/lab/pluto.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/base/wide.h"
#include "bench/phy/iq.h"
#include "dut/lab/ad936x.h"
#include "dut/lab/pluto_model.h"

enum { RECEIVE_CHUNK = 16384, SETTLED = 12 };

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
// A client pauses before its first block, and then once in so many.
enum { PAUSE_EVERY = 64 };
// The transmitter's calibration: so long, so far beside its LO in parts of the sampling rate.
static const int64_t calibration_ns = 2000000;
static const double calibration_offset = 1.0 / 32;

static void begin_wandering(struct pluto *p)
{
    char stream[128];
    snprintf(stream, sizeof stream, "pluto %s crystal", p->name);
    p->rx_wander = (struct wander){
        .of = &p->fidelity, .crystal_key = rng_key(p->seed, stream), .known = INT64_MIN};
    p->tx_wander = p->rx_wander;
    snprintf(stream, sizeof stream, "pluto %s receive LO", p->name);
    p->rx_wander.lo_key = rng_key(p->seed, stream);
    snprintf(stream, sizeof stream, "pluto %s transmit LO", p->name);
    p->tx_wander.lo_key = rng_key(p->seed, stream);
}

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
    p->fidelity = config->fidelity;
    begin_wandering(p);
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
    if (p->rx_wander.lo_hz != lo) p->rx_wander.known = INT64_MIN;
    p->rx_wander.lo_hz = lo;
    double tx_lo = strtod(context_value(p->phy, "out_altvoltage1_TX_LO_frequency"), NULL);
    if (p->tx_wander.lo_hz != tx_lo) p->tx_wander.known = INT64_MIN;
    p->tx_wander.lo_hz = tx_lo;
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
    p->rx_wander.known = INT64_MIN; // its indices count from another time
    p->codes_since = 0;
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
FOX_WIDE static void quantise(const float *restrict in, size_t n, int16_t *restrict out)
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
    if (t->n_blocks == 0) {
        memset(iq, 0, n * 2 * sizeof *iq);
        return;
    }
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

static bool is_set(struct pluto *p, const char *file)
{
    return strtol(context_value(p->phy, file), NULL, 10) != 0;
}

// The gain does not jump: it goes from the old value to the new one.
static void settle(struct pluto *p, size_t n, float *iq)
{
    double tau = p->fidelity.settle_s * (double)p->receiver.clock.rate_uhz * 1e-6;
    double since = (double)(p->next_sample - p->codes_since);
    if (tau <= 0 || p->codes_before == p->codes || since > SETTLED * tau) return;
    double excess = p->codes_before / p->codes - 1;
    for (size_t i = 0; i < n && since + (double)i <= SETTLED * tau; i++) {
        float factor = (float)(1 + excess * exp(-(since + (double)i) / tau));
        iq[2 * i] *= factor;
        iq[2 * i + 1] *= factor;
    }
}

static void set_codes(struct pluto *p, double codes)
{
    if (codes == p->codes) return;
    p->codes_before = p->codes > 0 ? p->codes : codes;
    p->codes = codes;
    p->codes_since = p->next_sample;
}

// Adds the mirror image about the LO, and an offset (dc_i, dc_q).
FOX_WIDE static void mirror(float *restrict iq, size_t n, float image_i, float image_q, float dc_i,
                            float dc_q)
{
    for (size_t k = 0; k < n; k++) {
        float i = iq[2 * k], q = iq[2 * k + 1];
        iq[2 * k] = i + image_i * i + image_q * q + dc_i;
        iq[2 * k + 1] = q + image_q * i - image_i * q + dc_q;
    }
}

// What a receiver adds of its own. Its corrections are ten times better than what they correct.
static void impair(struct pluto *p, size_t n, float *iq)
{
    const struct fidelity *f = &p->fidelity;
    settle(p, n, iq);
    if (wander_exists(&p->rx_wander))
        wander_turn(&p->rx_wander, &p->receiver.clock, p->next_sample, n, -1, iq);
    if (f->image <= 0 && f->dc <= 0) return;
    double image = f->image * (is_set(p, "in_voltage_quadrature_tracking_en") ? 1 : 10);
    double dc = f->dc * (is_set(p, "in_voltage_rf_dc_offset_tracking_en") ? 1 : 10);
    double image_at = 2 * M_PI * rng_uniform(p->rx_wander.crystal_key, 1);
    double dc_at = 2 * M_PI * rng_uniform(p->rx_wander.crystal_key, 2);
    mirror(iq, n, (float)(image * cos(image_at)), (float)(image * sin(image_at)),
           (float)(IQ_FULL_SCALE_RX * dc * cos(dc_at)),
           (float)(IQ_FULL_SCALE_RX * dc * sin(dc_at)));
}

int pluto_receive(struct pluto *p, struct air *air, size_t n, int16_t *iq, struct err *err)
{
    if (!p->streaming) return err_set(err, ERR_SEQUENCE, "pluto %s: no stream is open", p->name);
    double gain_db = strtod(context_value(p->phy, "in_voltage0_hardwaregain"), NULL);
    double codes = IQ_FULL_SCALE_RX * pow(10, (gain_db - full_scale_dbm_at_0db) / 20);
    bool off = is_set(p, "out_altvoltage0_RX_LO_powerdown");
    set_codes(p, codes);
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
        impair(p, here, p->scratch);
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

void pluto_transmit_begin(struct pluto *p, int64_t now_ns, bool cyclic)
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
    transmitter_begin(&p->transmitter, &clock, delay, now_ns, cyclic);
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

static double tx_lo_hz(struct pluto *p)
{
    return strtod(context_value(p->phy, "out_altvoltage1_TX_LO_frequency"), NULL) *
           (1 + p->ppm * 1e-6);
}

// Of full scale, at the antenna.
static double tx_level_dbm(struct pluto *p)
{
    return tx_full_scale_dbm + strtod(context_value(p->phy, "out_voltage0_hardwaregain"), NULL);
}

// A block as the antenna has it, in sqrt(mW); taken by the air.
static int put_on_air(struct pluto *p, struct air *air, const struct transmit_block *b,
                      struct err *err)
{
    float *iq = malloc(b->n * 2 * sizeof *iq);
    if (!iq) return err_set(err, ERR_NOMEM, "%zu samples to transmit", b->n);
    float scale = (float)(pow(10, tx_level_dbm(p) / 20) / IQ_FULL_SCALE_RX);
    for (size_t i = 0; i < 2 * b->n; i++)
        iq[i] = scale * (float)(b->iq[i] >> 4); // 16 bit, of which 12 are converted
    const struct sample_clock *clock = &p->transmitter.clock;
    double image_at = 2 * M_PI * rng_uniform(p->tx_wander.crystal_key, 3),
           image = p->fidelity.image;
    if (image > 0)
        mirror(iq, b->n, (float)(image * cos(image_at)), (float)(image * sin(image_at)), 0, 0);
    if (wander_exists(&p->tx_wander)) wander_turn(&p->tx_wander, clock, b->first, b->n, 1, iq);
    return air_play_take(air, p->sender, clock, b->first, tx_lo_hz(p), iq, b->n, err);
}

// A carrier until until_ns, so far beside the LO.
static int put_tone(struct pluto *p, struct air *air, int64_t until_ns, double offset_hz,
                    const float amplitude[2], struct err *err)
{
    if (amplitude[0] == 0 && amplitude[1] == 0) return ERR_OK;
    return air_tone(air, p->sender, p->aired_ns, until_ns,
                    tx_lo_hz(p) + offset_hz * (1 + p->ppm * 1e-6), amplitude, err);
}

// One tone generator: a cosine on I or Q, which is half of it on either side of the LO.
static int put_generator(struct pluto *p, struct air *air, int64_t until_ns, const char *name,
                         double mw_root, struct err *err)
{
    char file[CONTEXT_NAME_MAX];
    double v[4];
    static const char *const what[] = {"raw", "scale", "frequency", "phase"};
    for (int i = 0; i < 4; i++) {
        snprintf(file, sizeof file, "out_%s_%s", name, what[i]);
        v[i] = strtod(context_value(p->tx, file), NULL);
    }
    if (v[0] == 0 || v[1] == 0) return ERR_OK;
    double at = v[3] * 1e-3 * M_PI / 180, half = mw_root * v[1] / 2;
    bool on_q = strstr(name, "_Q_") != NULL;
    int rc = ERR_OK;
    for (int side = -1; side <= 1 && rc >= 0; side += 2) {
        double turn = side * at + (on_q ? M_PI / 2 : 0);
        const float amplitude[2] = {(float)(half * cos(turn)), (float)(half * sin(turn))};
        rc = put_tone(p, air, until_ns, side * v[2], amplitude, err);
    }
    return rc;
}

// What a transmitter with its LO on sends besides its samples.
static int put_carriers(struct pluto *p, struct air *air, int64_t until_ns, struct err *err)
{
    static const char *const generators[] = {"altvoltage0_TX1_I_F1", "altvoltage1_TX1_I_F2",
                                             "altvoltage2_TX1_Q_F1", "altvoltage3_TX1_Q_F2"};
    const struct fidelity *f = &p->fidelity;
    double full = pow(10, tx_level_dbm(p) / 20);
    const float leak[2] = {(float)(full * f->leak), 0};
    int rc = put_tone(p, air, until_ns, 0, leak, err);
    for (int i = 0; i < 4 && f->takeover && !p->transmitter.open && rc >= 0; i++)
        rc = put_generator(p, air, until_ns, generators[i], full, err);
    if (rc < 0 || !p->calibrate) return rc;
    p->calibrate = false;
    // Whatever the attenuation is.
    const float drive[2] = {(float)pow(10, tx_full_scale_dbm / 20), 0};
    double offset = (double)transmit_rate_uhz(p) * 1e-6 * calibration_offset;
    return put_tone(p, air, p->aired_ns + calibration_ns, offset, drive, err);
}

unsigned pluto_stale_blocks(const struct pluto *p, uint64_t block)
{
    if (!p->fidelity.stale) return 0;
    char stream[128];
    snprintf(stream, sizeof stream, "pluto %s pauses %u", p->name, p->streams);
    uint64_t bits = rng_u64(rng_key(p->seed, stream), block);
    if (block > 0 && bits % PAUSE_EVERY != 0) return 0;
    return (unsigned)((bits >> 32) % (p->fidelity.stale + 1));
}

int pluto_transmit(struct pluto *p, struct air *air, int64_t until_ns, struct err *err)
{
    struct transmitter *t = &p->transmitter;
    bool off = is_set(p, "out_altvoltage1_TX_LO_powerdown");
    int rc = off ? ERR_OK : put_carriers(p, air, until_ns, err);
    p->aired_ns = until_ns;
    p->calibrate = false;
    if (!t->open) return rc;
    transmitter_settle(t, until_ns);
    show_underflow(p);
    struct transmit_block part;
    while (rc >= 0 && transmitter_play(t, clock_index(&t->clock, until_ns), &part))
        if (!off) rc = put_on_air(p, air, &part, err);
    return rc;
}
