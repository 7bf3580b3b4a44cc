// What an attribute accepts, what it becomes, and what changes with it. A table of rules, first
// match counts; a file without a rule cannot be written.
#include "dut/lab/pluto_model.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/lab/ad936x.h"

static const int64_t fir_off_min = 2083333; // 25 MHz / 12
static const int64_t unlocked_off_hz = 137000;
static const double tx_calibrated_within_hz = 100e6;
static const char fir_config_head[] = "FIR Rx: %u,%u Tx: %u,%u";

// One write in progress: `file` is what the attribute names, `text` what the client wrote.
struct change {
    struct pluto *p;
    struct context_device *d;
    struct context_file *file;
    const char *text;
};

// A number, with nothing but white space or a unit of the kernel's behind it.
static int number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || !isfinite(*out)) return -EINVAL;
    while (isspace((unsigned char)*end))
        end++;
    return *end == '\0' || strncmp(end, "dB", 2) == 0 ? 0 : -EINVAL;
}

static int integer(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 0);
    if (end == text || errno) return -EINVAL;
    while (isspace((unsigned char)*end))
        end++;
    return *end == '\0' ? 0 : -EINVAL;
}

static int64_t value_of(struct context_device *d, const char *file)
{
    return strtoll(context_value(d, file), NULL, 10);
}

// "[min step max]" of the file FILE_available.
static bool available_range(struct change *c, double *min, double *step, double *max)
{
    char name[CONTEXT_NAME_MAX + 16];
    snprintf(name, sizeof name, "%s_available", c->file->name);
    return sscanf(context_value(c->d, name), "[%lf %lf %lf]", min, step, max) == 3;
}

static int in_range(struct change *c, double v)
{
    double min, step, max;
    if (!available_range(c, &min, &step, &max)) return -EINVAL;
    return v >= min && v <= max ? 0 : -EINVAL;
}

static int put_range(struct change *c)
{
    int64_t v;
    if (integer(c->text, &v) < 0 || in_range(c, (double)v) < 0) return -EINVAL;
    context_set(c->d, c->file->name, "%lld", (long long)v);
    return 0;
}

static int put_bool(struct change *c)
{
    int64_t v;
    if (integer(c->text, &v) < 0 || v < 0 || v > 1) return -EINVAL;
    context_set(c->d, c->file->name, "%lld", (long long)v);
    return 0;
}

static int put_integer(struct change *c)
{
    int64_t v;
    if (integer(c->text, &v) < 0) return -EINVAL;
    context_set(c->d, c->file->name, "%lld", (long long)v);
    return 0;
}

static int put_scale(struct change *c)
{
    double v;
    if (number(c->text, &v) < 0 || v < 0 || v > 1) return -EINVAL;
    context_set(c->d, c->file->name, "%f", v);
    return 0;
}

// What a tone generator can make: up to half the sampling rate, a turn, full scale.
static int put_dds_frequency(struct change *c)
{
    int64_t v;
    if (integer(c->text, &v) < 0 || v < 0 ||
        v > value_of(c->d, "out_altvoltage_sampling_frequency") / 2)
        return -EINVAL;
    context_set(c->d, c->file->name, "%lld", (long long)v);
    return 0;
}

static int put_dds_phase(struct change *c)
{
    int64_t v;
    if (integer(c->text, &v) < 0 || v < 0 || v > 360000) return -EINVAL;
    context_set(c->d, c->file->name, "%lld", (long long)v);
    return 0;
}

static int put_loopback(struct change *c)
{
    int64_t v;
    if (integer(c->text, &v) < 0 || v < 0 || v > 2) return -EINVAL;
    context_set(c->d, c->file->name, "%lld", (long long)v);
    return 0;
}

// One word of the list in FILE_available, or in the list shared by all channels.
static int put_word(struct change *c)
{
    char word[CONTEXT_NAME_MAX];
    if (sscanf(c->text, "%95s", word) != 1) return -EINVAL;
    char list[CONTEXT_NAME_MAX + 16];
    snprintf(list, sizeof list, "%s_available", c->file->name);
    const char *allowed = context_value(c->d, list);
    if (!*allowed) { // in_voltage0_X: the list is in_voltage_X_available
        char *digit = strpbrk(list, "0123456789");
        if (digit) memmove(digit, digit + 1, strlen(digit));
        allowed = context_value(c->d, list);
    }
    size_t len = strlen(word);
    for (const char *at = strstr(allowed, word); at; at = strstr(at + 1, word)) {
        bool begins = at == allowed || at[-1] == ' ';
        if (begins && (at[len] == '\0' || at[len] == ' ')) {
            context_set(c->d, c->file->name, "%s", word);
            return 0;
        }
    }
    return -EINVAL;
}

static int64_t xo(struct pluto *p)
{
    return value_of(p->phy, "xo_correction");
}

static void show_gain(struct pluto *p)
{
    int min, max;
    ad936x_rx_gain_range(value_of(p->phy, "out_altvoltage0_RX_LO_frequency"), &min, &max);
    context_set(p->phy, "in_voltage0_hardwaregain_available", "[%d 1 %d]", min, max);
    double gain = strtod(context_value(p->phy, "in_voltage0_hardwaregain"), NULL);
    gain = gain < min ? min : gain > max ? max : gain;
    context_set(p->phy, "in_voltage0_hardwaregain", "%f dB", gain);
}

// The transmitter corrects its own errors, for which it sends, unless it is told not to.
static void calibrate(struct pluto *p)
{
    if (!p->fidelity.calibration) return;
    if (strcmp(context_value(p->phy, "calib_mode"), "auto") != 0) return;
    p->calibrate = true;
    p->tx_calibrated_hz = (double)value_of(p->phy, "out_altvoltage1_TX_LO_frequency");
}

static int put_lo(struct change *c)
{
    int64_t hz;
    if (integer(c->text, &hz) < 0 || in_range(c, (double)hz) < 0) return -EINVAL;
    int64_t made = ad936x_lo(hz, xo(c->p));
    if (c->p->faults.unlocked) made -= unlocked_off_hz;
    context_set(c->d, c->file->name, "%lld", (long long)made);
    show_gain(c->p);
    bool transmit = strncmp(c->file->name, "out_altvoltage1", 15) == 0;
    if (transmit && fabs((double)made - c->p->tx_calibrated_hz) > tx_calibrated_within_hz)
        calibrate(c->p);
    return 0;
}

static bool fir_on(const struct pluto *p)
{
    return p->fir_rx || p->fir_tx;
}

static void show_rates(struct pluto *p, const struct ad936x_rates *r)
{
    context_set(p->phy, "rx_path_rates", "BBPLL:%lld ADC:%lld R2:%lld R1:%lld RF:%lld RXSAMP:%lld",
                (long long)r->bbpll, (long long)r->adc, (long long)r->r2, (long long)r->r1,
                (long long)r->rf, (long long)r->rxsamp);
    context_set(p->phy, "tx_path_rates", "BBPLL:%lld DAC:%lld T2:%lld T1:%lld TF:%lld TXSAMP:%lld",
                (long long)r->bbpll, (long long)r->dac, (long long)r->t2, (long long)r->t1,
                (long long)r->tf, (long long)r->txsamp);
    // Both directions run from one clock; the FPGA follows it.
    context_set(p->phy, "in_voltage_sampling_frequency", "%lld", (long long)r->rxsamp);
    context_set(p->phy, "out_voltage_sampling_frequency", "%lld", (long long)r->txsamp);
    struct context_device *cores[] = {p->rx, p->tx};
    for (int i = 0; i < 2; i++) {
        const char *side = i ? "out" : "in";
        char file[CONTEXT_NAME_MAX];
        snprintf(file, sizeof file, "%s_voltage_sampling_frequency_available", side);
        context_set(cores[i], file, "%lld %lld ", (long long)r->rxsamp, (long long)r->rxsamp / 8);
        snprintf(file, sizeof file, "%s_voltage_sampling_frequency", side);
        context_set(cores[i], file, "%lld", (long long)r->rxsamp / (i ? 1 : (int)p->rx_decimation));
    }
    context_set(p->tx, "out_altvoltage_sampling_frequency", "%lld", (long long)r->rxsamp);
    for (int i = 0; i < 2; i++) // a quarter of the floor with the FIR on
        context_set(p->phy,
                    i ? "out_voltage_sampling_frequency_available"
                      : "in_voltage_sampling_frequency_available",
                    "[%lld 1 61440000]", (long long)(fir_on(p) ? fir_off_min / 4 : fir_off_min));
}

static int set_rate(struct pluto *p, int64_t hz)
{
    struct ad936x_rates rates;
    if (!ad936x_rates(hz, fir_on(p), xo(p), &rates)) return -EINVAL;
    if (rates.txsamp != value_of(p->phy, "out_voltage_sampling_frequency")) calibrate(p);
    show_rates(p, &rates);
    return 0;
}

static int put_rate(struct change *c)
{
    int64_t hz;
    if (integer(c->text, &hz) < 0) return -EINVAL;
    return set_rate(c->p, c->p->faults.misrated ? hz + hz / 64 : hz);
}

// The FPGA's decimator: exactly the full rate or an eighth of it.
static int put_core_rate(struct change *c)
{
    int64_t hz, full = value_of(c->p->phy, "in_voltage_sampling_frequency");
    if (integer(c->text, &hz) < 0 || (hz != full && hz != full / 8)) return -EINVAL;
    if (c->d == c->p->rx) c->p->rx_decimation = hz == full ? 1 : 8;
    context_set(c->d, c->file->name, "%lld", (long long)hz);
    return 0;
}

static void show_fir(struct pluto *p)
{
    context_set(p->phy, "in_voltage_filter_fir_en", "%d", p->fir_rx);
    context_set(p->phy, "out_voltage_filter_fir_en", "%d", p->fir_tx);
    context_set(p->phy, "in_out_voltage_filter_fir_en", "%d", p->fir_rx && p->fir_tx);
}

static int put_fir_enable(struct change *c)
{
    int64_t on;
    if (integer(c->text, &on) < 0 || on < 0 || on > 1) return -EINVAL;
    struct pluto *p = c->p;
    if (on && !p->fir_loaded) return -EINVAL;
    int64_t rate = value_of(p->phy, "in_voltage_sampling_frequency");
    bool both = strncmp(c->file->name, "in_out", 6) == 0;
    bool rx = both || c->file->name[0] == 'i', tx = both || c->file->name[0] == 'o';
    bool was_rx = p->fir_rx, was_tx = p->fir_tx;
    if (rx) p->fir_rx = on;
    if (tx) p->fir_tx = on;
    int rc = set_rate(p, rate);
    if (rc < 0) { // the converters cannot run that slowly without the filter
        p->fir_rx = was_rx;
        p->fir_tx = was_tx;
    }
    show_fir(p);
    return rc;
}

// "RX 3 GAIN -6 DEC 4\nTX 3 GAIN 0 INT 4\n" and a line "rx,tx" for every tap.
static int put_fir_config(struct change *c)
{
    const char *rx = strstr(c->text, "RX "), *tx = strstr(c->text, "TX ");
    int rx_gain, tx_gain;
    unsigned dec = 0, inter = 0;
    if (!rx || !tx || sscanf(rx, "RX %*u GAIN %d DEC %u", &rx_gain, &dec) != 2 ||
        sscanf(tx, "TX %*u GAIN %d INT %u", &tx_gain, &inter) != 2)
        return -EINVAL;
    if (fir_on(c->p)) return -EBUSY; // loading while it runs would tear the coefficients
    if ((dec != 1 && dec != 2 && dec != 4) || (inter != 1 && inter != 2 && inter != 4) ||
        (rx_gain != 6 && rx_gain != 0 && rx_gain != -6 && rx_gain != -12) ||
        (tx_gain != 0 && tx_gain != -6))
        return -EINVAL;
    unsigned taps = 0;
    for (const char *line = c->text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        int a, b;
        if (sscanf(line, "%d,%d", &a, &b) == 2) {
            if (a < INT16_MIN || a > INT16_MAX || b < INT16_MIN || b > INT16_MAX) return -EINVAL;
            taps++;
        }
    }
    if (taps == 0 || taps > 128 || taps % 16) return -EINVAL;
    c->p->fir_loaded = true;
    context_set(c->d, c->file->name, fir_config_head, taps, dec, taps, inter);
    return 0;
}

static int put_rx_gain(struct change *c)
{
    double db;
    if (strcmp(context_value(c->d, "in_voltage0_gain_control_mode"), "manual") != 0)
        return -EOPNOTSUPP; // the automatic control owns the gain
    if (number(c->text, &db) < 0 || in_range(c, db) < 0) return -EINVAL;
    if (c->p->faults.stuck) return 0;
    context_set(c->d, c->file->name, "%f dB", round(db));
    return 0;
}

static int put_tx_gain(struct change *c)
{
    double db;
    if (number(c->text, &db) < 0 || in_range(c, db) < 0) return -EINVAL;
    if (c->p->faults.stuck) return 0;
    context_set(c->d, c->file->name, "%f dB", round(db * 4) / 4);
    return 0;
}

static int put_xo(struct change *c)
{
    int rc = put_range(c);
    if (rc < 0) return rc;
    rc = set_rate(c->p, value_of(c->d, "in_voltage_sampling_frequency"));
    return rc;
}

// "ADDRESS" chooses what the next read shows, "ADDRESS VALUE" writes.
static int put_register(struct change *c)
{
    char *end;
    unsigned long address = strtoul(c->text, &end, 0);
    if (end == c->text || address > UINT32_MAX) return -EINVAL;
    while (isspace((unsigned char)*end))
        end++;
    // The chip has 10 address bits; the FPGA core's registers carry the top bit.
    bool core = (address & 0x80000000ul) != 0;
    if (core ? (address & 0x7ffffffful) > 0xffff : address > 0x3ff && c->d == c->p->phy)
        return -EINVAL;
    if (*end) {
        int64_t value;
        if (integer(end, &value) < 0 || value < 0 || value > UINT32_MAX) return -EINVAL;
        int rc = pluto_reg_write(c->p, c->d, (uint32_t)address, (uint32_t)value);
        if (rc < 0) return rc;
    }
    context_set(c->d, c->file->name, "0x%X", pluto_reg_read(c->p, c->d, (uint32_t)address));
    return 0;
}

static const struct rule {
    const char *device; // name, or NULL for any
    const char *file;   // shell pattern
    int (*put)(struct change *c);
} rules[] = {
    {NULL, "*_available", NULL},
    {"ad9361-phy", "out_altvoltage?_?X_LO_frequency", put_lo},
    {"ad9361-phy", "out_altvoltage?_?X_LO_powerdown", put_bool},
    {"ad9361-phy", "*_voltage_sampling_frequency", put_rate},
    {"ad9361-phy", "*_voltage_filter_fir_en", put_fir_enable},
    {"ad9361-phy", "filter_fir_config", put_fir_config},
    {"ad9361-phy", "in_voltage0_gain_control_mode", put_word},
    {"ad9361-phy", "in_voltage0_hardwaregain", put_rx_gain},
    {"ad9361-phy", "out_voltage0_hardwaregain", put_tx_gain},
    {"ad9361-phy", "*_voltage_rf_bandwidth", put_range},
    {"ad9361-phy", "*_voltage0_rf_port_select", put_word},
    {"ad9361-phy", "in_voltage_*_tracking_en", put_bool},
    {"ad9361-phy", "calib_mode", put_word},
    {"ad9361-phy", "ensm_mode", put_word},
    {"ad9361-phy", "trx_rate_governor", put_word},
    {"ad9361-phy", "xo_correction", put_xo},
    {"ad9361-phy", "debug/loopback", put_loopback},
    {"cf-ad9361-lpc", "in_voltage_sampling_frequency", put_core_rate},
    {"cf-ad9361-dds-core-lpc", "out_voltage_sampling_frequency", put_core_rate},
    {"cf-ad9361-dds-core-lpc", "out_altvoltage?_*_raw", put_bool},
    {"cf-ad9361-dds-core-lpc", "out_altvoltage?_*_scale", put_scale},
    {"cf-ad9361-dds-core-lpc", "out_altvoltage?_*_frequency", put_dds_frequency},
    {"cf-ad9361-dds-core-lpc", "out_altvoltage?_*_phase", put_dds_phase},
    {NULL, "buffer/watermark", put_integer},
    {NULL, "debug/direct_reg_access", put_register},
};

int pluto_write(struct pluto *p, struct context_device *d, const struct context_attr *a,
                const char *text)
{
    struct change c = {.p = p, .d = d, .file = &d->files[a->file], .text = text};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *r = &rules[i];
        if (r->device && strcmp(r->device, d->name) != 0) continue;
        if (fnmatch(r->file, c.file->name, 0) != 0) continue;
        if (!r->put) return -EACCES;
        int rc = r->put(&c);
        if (rc == 0) pluto_apply(p);
        return rc;
    }
    return -EACCES;
}

int pluto_read(struct pluto *p, struct context_device *d, const struct context_attr *a,
               const char **value)
{
    (void)p;
    // The capture only says that these failed; the codes are what the driver's sources return.
    static const struct {
        const char *file;
        int rc;
    } errors[] = {
        {"in_voltage_samples_pps", -ENODEV}, {"dcxo_tune_*", -ENODEV},
        {"multichip_sync", -EACCES},         {"gain_table_config", -EACCES},
        {"debug/gaininfo_rx2", -EAGAIN},     {"*fastlock_recall", -EINVAL},
    };
    const struct context_file *f = &d->files[a->file];
    *value = f->value;
    if (strcmp(f->value, "ERROR") != 0) return 0;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (fnmatch(errors[i].file, f->name, 0) == 0) return errors[i].rc;
    return -EIO;
}

void pluto_model_reset(struct pluto *p)
{
    p->tx_calibrated_hz = (double)value_of(p->phy, "out_altvoltage1_TX_LO_frequency");
    show_fir(p);
    show_gain(p);
    int rc = set_rate(p, value_of(p->phy, "in_voltage_sampling_frequency"));
    // The status register exists from the start; the captured value of the attribute shows another.
    if (rc == 0) rc = pluto_reg_write(p, p->phy, 0x37, 0x0a); // product id
    p->regs[p->n_regs++] = (struct pluto_reg){.device = p->rx, .address = 0x80000088};
    p->regs[p->n_regs++] = (struct pluto_reg){.device = p->tx, .address = 0x80000088};
    (void)rc;
    pluto_apply(p);
}
