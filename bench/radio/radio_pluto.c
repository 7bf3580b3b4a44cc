// An ADALM-Pluto through libiio and libad9361, and the only file that knows them.
//
// Order of opening: silence the transmitter, set the receiver (rate, bandwidth, frequency, gain:
// each may disturb the ones before), read everything back, start the stream, then that to send.
#include <ad9361.h>
#include <errno.h>
#include <iio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/base/log.h"
#include "bench/base/wide.h"
#include "bench/radio/lock.h"
#include "bench/radio/pluto.h"

enum { BLOCK_SAMPLES_MIN = 1024, BLOCK_SAMPLES_MAX = 1 << 20, BYTES_PER_SAMPLE = 4 };

// Lowest rate that libad9361's filter (divide by four) leaves above the converter's 25 MHz minimum.
static const double rate_min_hz = 520834;
static const double rate_max_hz = 61440000;

// Flag register of either core: set by the hardware, cleared by writing a one.
enum { REG_STATUS = 0x80000088u, STATUS_RX_OVERFLOW = 1u << 2, STATUS_TX_UNDERFLOW = 1u << 0 };

struct pluto {
    struct iio_context *ctx;
    struct iio_device *phy;
    struct iio_device *rx; // stream of samples
    struct iio_device *tx; // stream to send, and its tone generators
    struct iio_channel *rx_lo;
    struct iio_channel *tx_lo;
    struct iio_channel *rx_path; // gain, rate, bandwidth of the receiver
    struct iio_channel *tx_path;
    struct iio_buffer *buffer;
    struct iio_channel *first; // of the stream, for the address of the samples
    struct iio_buffer *tx_buffer;
    struct iio_channel *tx_first;
    struct pluto_tx tx_side;
    size_t block_samples;
    unsigned timeout_ms;
    unsigned suspect_blocks; // blocks still to be marked after an overflow
    int lock;                // against other programs, a descriptor; -1: not had
};

static int find_device(struct radio *r, const char *name, struct iio_device **out, struct err *err)
{
    struct pluto *p = r->state;
    *out = iio_context_find_device(p->ctx, name);
    if (*out) return ERR_OK;
    return err_set(err, ERR_NOTFOUND,
                   "radio %s: expected a Pluto with a device %s, found '%s' without it; check that "
                   "the address leads to an ADALM-Pluto",
                   r->uri, name, r->info.model[0] ? r->info.model : "something unknown");
}

static int find_channel(struct radio *r, struct iio_device *dev, const char *id, bool output,
                        struct iio_channel **out, struct err *err)
{
    *out = iio_device_find_channel(dev, id, output);
    if (*out) return ERR_OK;
    return err_set(err, ERR_NOTFOUND, "radio %s: %s has no %s channel %s; check its firmware",
                   r->uri, iio_device_get_name(dev), output ? "output" : "input", id);
}

// Error of one attribute access; dead transport and refused value read differently.
static int attr_error(struct radio *r, const char *verb, const char *what, ssize_t rc,
                      struct err *err)
{
    if (rc == -EBUSY)
        return err_set(err, ERR_BUSY,
                       "radio %s: cannot %s its %s: another program streams from it; end that "
                       "program, or restart the radio",
                       r->uri, verb, what);
    bool gone = rc == -EPIPE || rc == -ECONNRESET || rc == -ETIMEDOUT || rc == -ENODEV ||
                rc == -EBADF || rc == -ENOTCONN;
    return err_set(err, gone ? ERR_GONE : ERR_IO, "radio %s: cannot %s its %s: %s; %s", r->uri,
                   verb, what, strerror((int)-rc),
                   gone ? "check its cable and power, then start again"
                        : "check its firmware with iio_attr, or restart it");
}

static int read_number(struct radio *r, struct iio_channel *ch, const char *attr, const char *what,
                       double *out, struct err *err)
{
    char text[128];
    ssize_t rc = iio_channel_attr_read(ch, attr, text, sizeof text);
    if (rc < 0) return attr_error(r, "read", what, rc, err);
    char *end = text;
    *out = strtod(text, &end); // a unit may follow: "71.000000 dB"
    if (end == text)
        return err_set(err, ERR_FORMAT,
                       "radio %s: expected a number as its %s, read '%.40s'; check its firmware",
                       r->uri, what, text);
    return ERR_OK;
}

static int write_text(struct radio *r, struct iio_channel *ch, const char *attr, const char *what,
                      const char *value, struct err *err)
{
    ssize_t rc = iio_channel_attr_write(ch, attr, value);
    if (rc < 0) {
        char setting[80];
        snprintf(setting, sizeof setting, "%s to %s", what, value);
        return attr_error(r, "set", setting, rc, err);
    }
    return ERR_OK;
}

// Reads a setting back: within tolerance of what was asked, or an error that says both.
static int check_number(struct radio *r, struct iio_channel *ch, const char *attr, const char *what,
                        double asked, double tolerance, double *out, struct err *err)
{
    double got = 0;
    int rc = read_number(r, ch, attr, what, &got, err);
    if (rc < 0) return rc;
    if (!(fabs(got - asked) <= tolerance))
        return err_set(err, ERR_IO,
                       "radio %s: %s was set to %.10g and reads back as %.10g; another program may "
                       "use this radio, or its firmware is at fault: restart the radio",
                       r->uri, what, asked, got);
    if (out) *out = got;
    return ERR_OK;
}

static int set_number(struct radio *r, struct iio_channel *ch, const char *attr, const char *what,
                      double value, double tolerance, double *out, struct err *err)
{
    char text[64];
    snprintf(text, sizeof text, "%.10g", value);
    int rc = write_text(r, ch, attr, what, text, err);
    if (rc < 0) return rc;
    return check_number(r, ch, attr, what, value, tolerance, out, err);
}

static int connect_context(struct radio *r, const struct radio_config *config, struct err *err)
{
    struct pluto *p = r->state;
    // The library writes into the address it is given.
    char *uri = strdup(config->uri);
    if (!uri) return err_set(err, ERR_NOMEM, "radio %s: out of memory", r->uri);
    errno = 0;
    p->ctx = iio_create_context_from_uri(uri);
    int why = errno;
    free(uri);
    if (!p->ctx)
        return err_set(err, ERR_GONE,
                       "radio %s: no Pluto answers there: %s; check its cable, power and address "
                       "(iio_info -s lists what is plugged in)",
                       r->uri, why ? strerror(why) : "no reason given");
    // One limit for everything that is asked of this radio.
    ssize_t rc = iio_context_set_timeout(p->ctx, config->timeout_ms);
    if (rc < 0) return attr_error(r, "set", "time limit", rc, err);
    return ERR_OK;
}

static void copy_attr(struct iio_context *ctx, const char *name, char *out, size_t size)
{
    const char *value = iio_context_get_attr_value(ctx, name);
    snprintf(out, size, "%s", value ? value : "");
}

// A radio is known by its serial alone: addresses change hands.
static int identify(struct radio *r, const struct radio_config *config, struct err *err)
{
    struct pluto *p = r->state;
    copy_attr(p->ctx, "hw_serial", r->info.serial, sizeof r->info.serial);
    copy_attr(p->ctx, "hw_model", r->info.model, sizeof r->info.model);
    copy_attr(p->ctx, "fw_version", r->info.firmware, sizeof r->info.firmware);
    if (config->serial && strcmp(config->serial, r->info.serial) != 0)
        return err_set(err, ERR_NOTFOUND,
                       "radio %s: expected serial %s, found %s; mend the address or the serial in "
                       "the bench file, or swap the radios",
                       r->uri, config->serial, r->info.serial[0] ? r->info.serial : "none");

    int rc = find_device(r, "ad9361-phy", &p->phy, err);
    if (rc < 0) return rc;
    rc = find_device(r, "cf-ad9361-lpc", &p->rx, err);
    if (rc < 0) return rc;
    rc = find_device(r, "cf-ad9361-dds-core-lpc", &p->tx, err);
    if (rc < 0) return rc;
    rc = find_channel(r, p->phy, "altvoltage0", true, &p->rx_lo, err);
    if (rc < 0) return rc;
    rc = find_channel(r, p->phy, "altvoltage1", true, &p->tx_lo, err);
    if (rc < 0) return rc;
    rc = find_channel(r, p->phy, "voltage0", false, &p->rx_path, err);
    if (rc < 0) return rc;
    return find_channel(r, p->phy, "voltage0", true, &p->tx_path, err);
}

static int check_loopback(struct radio *r, double value, struct err *err)
{
    struct pluto *p = r->state;
    char text[32];
    ssize_t rc = iio_device_debug_attr_read(p->phy, "loopback", text, sizeof text);
    if (rc < 0) return attr_error(r, "read", "loopback switch", rc, err);
    if (strtod(text, NULL) == value) return ERR_OK;
    return err_set(err, ERR_IO,
                   "radio %s: its loopback was set to %g and reads back as %.20s; another program "
                   "may use this radio, or its firmware is at fault: restart the radio",
                   r->uri, value, text);
}

static int set_loopback(struct radio *r, double value, struct err *err)
{
    struct pluto *p = r->state;
    ssize_t rc = iio_device_debug_attr_write(p->phy, "loopback", value != 0 ? "1" : "0");
    if (rc < 0) return attr_error(r, "set", "loopback switch", rc, err);
    return check_loopback(r, value, err);
}

// What the transmit side sets by name.
static int find_setting(struct radio *r, enum pluto_setting setting, struct iio_channel **ch,
                        const char **attr, const char **what, double *tolerance)
{
    struct pluto *p = r->state;
    switch (setting) {
    case PLUTO_TX_POWERDOWN:
        *ch = p->tx_lo;
        *attr = "powerdown";
        *what = "transmit oscillator's power-down";
        *tolerance = 0;
        return 1;
    case PLUTO_TX_GAIN:
        *ch = p->tx_path;
        *attr = "hardwaregain";
        *what = "transmit gain";
        *tolerance = 0.126; // steps of a quarter
        return 1;
    case PLUTO_TX_LO:
        *ch = p->tx_lo;
        *attr = "frequency";
        *what = "transmit centre frequency";
        *tolerance = 10; // the synthesizer's steps
        return 1;
    case PLUTO_LOOPBACK:
        break;
    }
    return 0;
}

int pluto_check(struct radio *r, enum pluto_setting setting, double value, struct err *err)
{
    struct iio_channel *ch = NULL;
    const char *attr = NULL, *what = NULL;
    double tolerance = 0;
    if (!find_setting(r, setting, &ch, &attr, &what, &tolerance))
        return check_loopback(r, value, err);
    return check_number(r, ch, attr, what, value, tolerance, NULL, err);
}

int pluto_set(struct radio *r, enum pluto_setting setting, double value, double *out,
              struct err *err)
{
    struct iio_channel *ch = NULL;
    const char *attr = NULL, *what = NULL;
    double tolerance = 0;
    if (!find_setting(r, setting, &ch, &attr, &what, &tolerance))
        return set_loopback(r, value, err);
    return set_number(r, ch, attr, what, value, tolerance, out, err);
}

// Transmitter off: its oscillator leaks a carrier whenever it is powered, and the tone generators
// take over whenever no transmit stream is open.
static int silence(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    int rc = pluto_set(r, PLUTO_TX_POWERDOWN, 1, NULL, err);
    if (rc < 0) return rc;
    rc = pluto_set(r, PLUTO_TX_GAIN, -PLUTO_TX_ATTENUATION_MAX_DB, NULL, err);
    if (rc < 0) return rc;
    // A program that died while it calibrated leaves a receiver that hears its own transmitter
    // only.
    rc = pluto_set(r, PLUTO_LOOPBACK, 0, NULL, err);
    if (rc < 0) return rc;
    for (unsigned i = 0; i < iio_device_get_channels_count(p->tx); i++) {
        struct iio_channel *ch = iio_device_get_channel(p->tx, i);
        if (!iio_channel_is_output(ch) || !iio_channel_find_attr(ch, "scale")) continue;
        char what[64];
        snprintf(what, sizeof what, "amplitude of tone %s", iio_channel_get_id(ch));
        rc = set_number(r, ch, "scale", what, 0, 0, NULL, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

static double rate_tolerance(double rate_hz)
{
    return 1 + 20e-6 * rate_hz; // the divider chain steps by some 2.5 Hz
}

static int set_rate(struct radio *r, double rate_hz, struct err *err)
{
    struct pluto *p = r->state;
    if (!(rate_hz >= rate_min_hz && rate_hz <= rate_max_hz))
        return err_set(err, ERR_INVALID,
                       "radio %s: expected a rate of %.0f to %.0f S/s, asked for %.10g; mend the "
                       "rate in the bench file",
                       r->uri, rate_min_hz, rate_max_hz, rate_hz);
    int rc = ad9361_set_bb_rate(p->phy, (unsigned long)llround(rate_hz));
    if (rc < 0) return attr_error(r, "set", "sample rate", rc, err);
    rc = check_number(r, p->rx_path, "sampling_frequency", "sample rate", rate_hz,
                      rate_tolerance(rate_hz), &r->info.rate_hz, err);
    if (rc < 0) return rc;

    // Behind the chip the receive core may divide by eight again, left so by its last user.
    double core_hz = 0;
    rc = read_number(r, p->first, "sampling_frequency", "stream rate", &core_hz, err);
    if (rc < 0) return rc;
    if (fabs(core_hz - r->info.rate_hz) <= rate_tolerance(rate_hz)) return ERR_OK;
    return set_number(r, p->first, "sampling_frequency", "stream rate", r->info.rate_hz,
                      rate_tolerance(rate_hz), NULL, err);
}

// "[min step max]" -> min and max
static int read_range(struct radio *r, struct iio_channel *ch, const char *attr, const char *what,
                      double *min, double *max, struct err *err)
{
    char text[128];
    ssize_t rc = iio_channel_attr_read(ch, attr, text, sizeof text);
    if (rc < 0) return attr_error(r, "read", what, rc, err);
    double step = 0;
    if (sscanf(text, "[%lf %lf %lf]", min, &step, max) != 3)
        return err_set(err, ERR_FORMAT,
                       "radio %s: expected '[min step max]' as its %s, read '%.60s'; check its "
                       "firmware",
                       r->uri, what, text);
    return ERR_OK;
}

static int set_lo(struct radio *r, double lo_hz, struct err *err)
{
    struct pluto *p = r->state;
    double min = 0, max = 0;
    int rc = read_range(r, p->rx_lo, "frequency_available", "frequency range", &min, &max, err);
    if (rc < 0) return rc;
    if (!(lo_hz >= min && lo_hz <= max))
        return err_set(err, ERR_INVALID,
                       "radio %s: expected a centre of %.0f to %.0f Hz, asked for %.10g; mend it "
                       "in the bench file or use another radio",
                       r->uri, min, max, lo_hz);
    rc = set_number(r, p->rx_lo, "powerdown", "receive oscillator's power-down", 0, 0, NULL, err);
    if (rc < 0) return rc;
    // The synthesizer's steps are a few hertz wide.
    return set_number(r, p->rx_lo, "frequency", "centre frequency", lo_hz, 10, &r->info.lo_hz, err);
}

static int check_manual(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    char mode[64];
    ssize_t rc = iio_channel_attr_read(p->rx_path, "gain_control_mode", mode, sizeof mode);
    if (rc < 0) return attr_error(r, "read", "gain mode", rc, err);
    if (strcmp(mode, "manual") != 0)
        return err_set(err, ERR_IO,
                       "radio %s: gain mode was set to manual and reads back as %.40s; another "
                       "program may use this radio: restart the radio",
                       r->uri, mode);
    return ERR_OK;
}

static int set_gain(struct radio *r, double gain_db, struct err *err)
{
    struct pluto *p = r->state;
    int rc = write_text(r, p->rx_path, "gain_control_mode", "gain mode", "manual", err);
    if (rc < 0) return rc;
    rc = check_manual(r, err);
    if (rc < 0) return rc;
    double min = 0, max = 0; // depend on the frequency, so only now
    rc = read_range(r, p->rx_path, "hardwaregain_available", "gain range", &min, &max, err);
    if (rc < 0) return rc;
    if (!(gain_db >= min && gain_db <= max))
        return err_set(err, ERR_INVALID,
                       "radio %s: expected a gain of %g to %g dB at %.0f Hz, asked for %g; mend it "
                       "in the bench file",
                       r->uri, min, max, r->info.lo_hz, gain_db);
    return set_number(r, p->rx_path, "hardwaregain", "receive gain", gain_db, 0.99,
                      &r->info.gain_db, err);
}

// A later setting can undo an earlier one (a rate change loses the gain, a calibration wakes the
// oscillator), so all of them are read once more.
static int check_all(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    struct radio_info *i = &r->info;
    int rc =
        check_number(r, p->rx_path, "sampling_frequency", "sample rate", i->rate_hz, 0, NULL, err);
    if (rc < 0) return rc;
    rc = check_number(r, p->rx_lo, "frequency", "centre frequency", i->lo_hz, 0, NULL, err);
    if (rc < 0) return rc;
    rc = check_manual(r, err);
    if (rc < 0) return rc;
    rc = check_number(r, p->rx_path, "hardwaregain", "receive gain", i->gain_db, 0.01, NULL, err);
    if (rc < 0) return rc;
    return pluto_check(r, PLUTO_TX_POWERDOWN, 1, err);
}

static int check_format(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    const struct iio_data_format *f = iio_channel_get_data_format(p->first);
    if (iio_device_get_sample_size(p->rx) == BYTES_PER_SAMPLE && f->is_signed && !f->is_be &&
        f->length == 16 && f->bits == 12 && f->shift == 0)
        return ERR_OK;
    return err_set(err, ERR_UNSUPPORTED,
                   "radio %s: expected samples as le:S12/16>>0, found %ce:%c%u/%u>>%u; check its "
                   "firmware",
                   r->uri, f->is_be ? 'b' : 'l', f->is_signed ? 'S' : 'U', f->bits, f->length,
                   f->shift);
}

// Blocks of the transmit core: 16 bit a component, and as many samples a second as are received.
static int prepare_transmit(struct radio *r, const struct radio_config *config, struct err *err)
{
    struct pluto *p = r->state;
    struct iio_channel *second = NULL;
    int rc = find_channel(r, p->tx, "voltage0", true, &p->tx_first, err);
    if (rc < 0) return rc;
    rc = find_channel(r, p->tx, "voltage1", true, &second, err);
    if (rc < 0) return rc;
    iio_channel_enable(p->tx_first);
    iio_channel_enable(second);
    const struct iio_data_format *f = iio_channel_get_data_format(p->tx_first);
    if (iio_device_get_sample_size(p->tx) != BYTES_PER_SAMPLE || !f->is_signed || f->is_be ||
        f->length != 16 || f->bits != 16 || f->shift != 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "radio %s: expected samples to send as le:S16/16>>0, found %ce:%c%u/%u>>%u; "
                       "check its firmware",
                       r->uri, f->is_be ? 'b' : 'l', f->is_signed ? 'S' : 'U', f->bits, f->length,
                       f->shift);
    double tolerance = rate_tolerance(r->info.rate_hz);
    rc = check_number(r, p->tx_path, "sampling_frequency", "transmit sample rate", r->info.rate_hz,
                      tolerance, NULL, err);
    if (rc < 0) return rc;
    rc = set_number(r, p->tx_first, "sampling_frequency", "transmit stream rate", r->info.rate_hz,
                    tolerance, NULL, err);
    if (rc < 0) return rc;
    rc = set_number(r, p->tx_path, "rf_bandwidth", "transmit bandwidth",
                    fmin(r->info.rate_hz, 40e6), 0.1 * r->info.rate_hz, NULL, err);
    if (rc < 0) return rc;
    double min = 0, max = 0;
    rc =
        read_range(r, p->tx_lo, "frequency_available", "transmit frequency range", &min, &max, err);
    if (rc < 0) return rc;
    if (config->tx_lo_hz >= min && config->tx_lo_hz <= max) return ERR_OK;
    return err_set(err, ERR_INVALID,
                   "radio %s: expected a transmit centre of %.0f to %.0f Hz, asked for %.10g; mend "
                   "it in the bench file or use another radio",
                   r->uri, min, max, config->tx_lo_hz);
}

static int start_stream(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    if (p->buffer) iio_buffer_destroy(p->buffer);
    p->buffer = NULL;
    p->suspect_blocks = 0;
    ssize_t rc = iio_device_set_kernel_buffers_count(p->rx, PLUTO_KERNEL_BUFFERS);
    if (rc < 0) return attr_error(r, "set", "number of buffers", rc, err);
    errno = 0;
    p->buffer = iio_device_create_buffer(p->rx, p->block_samples, false);
    if (!p->buffer) {
        int why = errno;
        return err_set(err, why == EBUSY ? ERR_BUSY : ERR_GONE,
                       "radio %s: cannot start its stream of %zu-sample blocks: %s; end other "
                       "programs that use this radio, or restart it",
                       r->uri, p->block_samples, strerror(why ? why : EIO));
    }
    // Forget what happened before this stream. Without the flag lost samples would go unnoticed,
    // and silence would prove nothing: then better no stream at all.
    rc = iio_device_reg_write(p->rx, REG_STATUS, STATUS_RX_OVERFLOW);
    if (rc < 0) return attr_error(r, "clear", "overflow flag (register 0x80000088)", rc, err);
    return ERR_OK;
}

static int pluto_open(struct radio *r, const struct radio_config *config, struct err *err)
{
    if (config->block_samples < BLOCK_SAMPLES_MIN || config->block_samples > BLOCK_SAMPLES_MAX ||
        config->block_samples % 2 != 0)
        return err_set(err, ERR_INVALID,
                       "radio %s: expected an even block of %d to %d samples, asked for %zu",
                       r->uri, BLOCK_SAMPLES_MIN, BLOCK_SAMPLES_MAX, config->block_samples);
    if (config->timeout_ms == 0)
        return err_set(err, ERR_INVALID,
                       "radio %s: expected a time limit in milliseconds, got none", r->uri);
    struct pluto *p = calloc(1, sizeof *p);
    if (!p) return err_set(err, ERR_NOMEM, "radio %s: out of memory", r->uri);
    r->state = p;
    p->block_samples = config->block_samples;
    p->timeout_ms = config->timeout_ms;
    p->tx_side.block_samples = config->block_samples;
    p->lock = -1;

    int rc = connect_context(r, config, err);
    if (rc < 0) return rc;
    rc = identify(r, config, err);
    if (rc < 0) return rc;
    rc = radio_lock_take(&p->lock, r->uri, r->info.serial, err);
    if (rc < 0) return rc;

    struct iio_channel *second = NULL;
    rc = find_channel(r, p->rx, "voltage0", false, &p->first, err);
    if (rc < 0) return rc;
    rc = find_channel(r, p->rx, "voltage1", false, &second, err);
    if (rc < 0) return rc;
    iio_channel_enable(p->first);
    iio_channel_enable(second);
    rc = check_format(r, err);
    if (rc < 0) return rc;

    rc = silence(r, err);
    if (rc < 0) return rc;
    rc = set_rate(r, config->rate_hz, err);
    if (rc < 0) return rc;
    rc = set_number(r, p->rx_path, "rf_bandwidth", "receive bandwidth", fmin(r->info.rate_hz, 56e6),
                    0.1 * r->info.rate_hz, NULL, err);
    if (rc < 0) return rc;
    rc = set_lo(r, config->lo_hz, err);
    if (rc < 0) return rc;
    rc = set_gain(r, config->gain_db, err);
    if (rc < 0) return rc;
    if (config->transmit) {
        rc = prepare_transmit(r, config, err);
        if (rc < 0) return rc;
    }
    rc = check_all(r, err);
    if (rc < 0) return rc;
    return config->transmit ? pluto_tx_prepare(r, config, err) : ERR_OK;
}

// Lost samples leave no trace in the stream itself: the hardware keeps the oldest blocks, so the
// gap lies behind those that were waiting when the flag rose.
static int watch_overflow(struct radio *r, unsigned *flags, struct err *err)
{
    struct pluto *p = r->state;
    uint32_t status = 0;
    int rc = iio_device_reg_read(p->rx, REG_STATUS, &status);
    if (rc < 0) return attr_error(r, "read", "overflow flag (register 0x80000088)", rc, err);
    if (status & STATUS_RX_OVERFLOW) {
        rc = iio_device_reg_write(p->rx, REG_STATUS, STATUS_RX_OVERFLOW);
        if (rc < 0) return attr_error(r, "clear", "overflow flag (register 0x80000088)", rc, err);
        p->suspect_blocks = PLUTO_KERNEL_BUFFERS + 1;
    }
    if (p->suspect_blocks > 0) {
        p->suspect_blocks--;
        *flags |= IQ_FLAG_OVERFLOW;
    }
    return ERR_OK;
}

FOX_WIDE static bool is_clipped(const int16_t *iq, size_t n)
{
    int hit = 0;
    for (size_t i = 0; i < n; i++) // no early exit: this form becomes vector code
        hit |= (iq[i] >= IQ_FULL_SCALE_RX) | (iq[i] <= -IQ_FULL_SCALE_RX);
    return hit != 0;
}

static int64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int pluto_refill(struct radio *r, const int16_t **iq, struct err *err)
{
    struct pluto *p = r->state;
    int64_t began_ms = wall_ms(); // to tell silence from a break: the library says EPIPE to both
    ssize_t n = iio_buffer_refill(p->buffer);
    if (n < 0 && wall_ms() - began_ms >= (int64_t)p->timeout_ms * 9 / 10)
        return err_set(
            err, ERR_GONE,
            "radio %s: its stream stopped at sample %lld: expected a block, nothing came "
            "for %u ms; restart the radio, then start again",
            r->uri, (long long)r->next_index, p->timeout_ms);
    if (n < 0)
        return err_set(err, ERR_GONE,
                       "radio %s: its stream broke off at sample %lld: %s; check its cable and "
                       "power, then start again",
                       r->uri, (long long)r->next_index, strerror((int)-n));
    if ((size_t)n != p->block_samples * BYTES_PER_SAMPLE)
        return err_set(err, ERR_GONE,
                       "radio %s: expected a block of %zu bytes at sample %lld, came %zd; restart "
                       "the radio, then start again",
                       r->uri, p->block_samples * BYTES_PER_SAMPLE, (long long)r->next_index, n);
    // A daemon that delivers something else says so in front of the block.
    if (iio_buffer_step(p->buffer) != BYTES_PER_SAMPLE)
        return err_set(
            err, ERR_GONE,
            "radio %s: expected both components of a sample at sample %lld, came a block "
            "of other channels (%td bytes a sample); restart the radio, then start again",
            r->uri, (long long)r->next_index, iio_buffer_step(p->buffer));
    *iq = iio_buffer_first(p->buffer, p->first);
    p->tx_side.received += (int64_t)p->block_samples;
    return ERR_OK;
}

int pluto_push_open(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    if (p->tx_buffer) iio_buffer_destroy(p->tx_buffer);
    p->tx_buffer = NULL;
    ssize_t rc = iio_device_set_kernel_buffers_count(p->tx, PLUTO_KERNEL_BUFFERS);
    if (rc < 0) return attr_error(r, "set", "number of transmit buffers", rc, err);
    errno = 0;
    p->tx_buffer = iio_device_create_buffer(p->tx, p->block_samples, false);
    if (p->tx_buffer) return ERR_OK;
    int why = errno;
    return err_set(err, why == EBUSY ? ERR_BUSY : ERR_GONE,
                   "radio %s: cannot start its transmit stream of %zu-sample blocks: %s; end other "
                   "programs that use this radio, or restart it",
                   r->uri, p->block_samples, strerror(why ? why : EIO));
}

int16_t *pluto_push_block(struct radio *r)
{
    struct pluto *p = r->state;
    return iio_buffer_first(p->tx_buffer, p->tx_first);
}

int pluto_push(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    ssize_t n = iio_buffer_push(p->tx_buffer);
    if (n == (ssize_t)(p->block_samples * BYTES_PER_SAMPLE)) return ERR_OK;
    return err_set(err, ERR_GONE,
                   "radio %s: its transmit stream broke off: expected to hand over %zu bytes, %s; "
                   "check its cable and power, then start again",
                   r->uri, p->block_samples * BYTES_PER_SAMPLE,
                   n < 0 ? strerror((int)-n) : "it took fewer");
}

int pluto_underflow(struct radio *r, bool *was, struct err *err)
{
    struct pluto *p = r->state;
    uint32_t status = 0;
    int rc = iio_device_reg_read(p->tx, REG_STATUS, &status);
    if (rc < 0) return attr_error(r, "read", "underflow flag (register 0x80000088)", rc, err);
    *was = (status & STATUS_TX_UNDERFLOW) != 0;
    if (!*was) return ERR_OK;
    rc = iio_device_reg_write(p->tx, REG_STATUS, STATUS_TX_UNDERFLOW);
    if (rc < 0) return attr_error(r, "clear", "underflow flag (register 0x80000088)", rc, err);
    return ERR_OK;
}

struct pluto_tx *pluto_tx_of(struct radio *r)
{
    struct pluto *p = r->state;
    return &p->tx_side;
}

const struct pluto_tx *pluto_tx_of_const(const struct radio *r)
{
    const struct pluto *p = r->state;
    return &p->tx_side;
}

static int pluto_read(struct radio *r, struct iq_block *out, struct err *err)
{
    struct pluto *p = r->state;
    int rc = pluto_refill(r, &out->iq, err);
    if (rc < 0) return rc;
    if (p->tx_side.on) {
        rc = pluto_tx_step(r, err);
        if (rc < 0) return rc;
    }
    out->n_samples = p->block_samples;
    if (is_clipped(out->iq, 2 * out->n_samples)) out->flags |= IQ_FLAG_CLIPPED;
    return watch_overflow(r, &out->flags, err);
}

static int pluto_start(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    int rc = start_stream(r, err);
    if (rc < 0 || !p->tx_first) return rc;
    return pluto_tx_begin(r, err);
}

static int pluto_align(struct radio *r, struct err *err)
{
    struct pluto *p = r->state;
    const int16_t *iq = NULL;
    int rc = pluto_refill(r, &iq, err);
    if (rc < 0 || !p->tx_first) return rc;
    return pluto_tx_align(r, iq, err);
}

// The transmitter off, whatever happened: also when the stream is dead, as long as it may be on or
// is looped back for calibration.
static void quieten(struct radio *r)
{
    struct pluto *p = r->state;
    if (r->dead && !p->tx_side.lo_on && !p->tx_side.seen) return;
    if (iio_channel_attr_write_longlong(p->tx_lo, "powerdown", 1) < 0)
        LOG_WARN("radio", "%s: cannot power its transmit oscillator down; switch it off", r->uri);
    if (!p->tx_first) return;
    // Calibration may have broken off in the middle.
    if (iio_channel_attr_write_double(p->tx_path, "hardwaregain", -PLUTO_TX_ATTENUATION_MAX_DB) <
            0 ||
        iio_device_debug_attr_write(p->phy, "loopback", "0") < 0)
        LOG_WARN("radio", "%s: cannot put its transmitter back; restart it", r->uri);
}

// A dead stream is not told goodbye: that would wait for the answer once more.
static void end_stream(struct iio_buffer *buffer, bool dead)
{
    if (!buffer) return;
    if (dead) iio_buffer_cancel(buffer);
    iio_buffer_destroy(buffer);
}

static void pluto_close(struct radio *r)
{
    struct pluto *p = r->state;
    if (!p) return;
    if (p->buffer || p->tx_first) quieten(r);
    end_stream(p->tx_buffer, r->dead);
    end_stream(p->buffer, r->dead);
    if (p->ctx) iio_context_destroy(p->ctx);
    if (p->lock >= 0) close(p->lock);
    tx_queue_deinit(&p->tx_side.queue);
    free(p->tx_side.seen);
    free(p);
    r->state = NULL;
}

const struct radio_ops radio_pluto_ops = {
    .open = pluto_open,
    .start = pluto_start,
    .align = pluto_align,
    .read = pluto_read,
    .close = pluto_close,
    .transmit = pluto_tx_transmit,
    .earliest = pluto_tx_earliest,
    .drop = pluto_tx_drop,
    .set_tx = pluto_tx_set,
    .tune_tx = pluto_tx_tune,
};

int radio_silence(const struct radio_config *config, struct err *err)
{
    if (strncmp(config->uri, "file:", 5) == 0) return ERR_OK; // a recording
    struct radio r = {.ops = &radio_pluto_ops, .uri = strdup(config->uri)};
    struct pluto *p = calloc(1, sizeof *p);
    if (p) p->lock = -1; // who has it may be the one that does not answer
    r.state = p;
    int rc = r.uri && p ? ERR_OK : err_set(err, ERR_NOMEM, "radio: out of memory");
    if (rc == ERR_OK) rc = connect_context(&r, config, err);
    if (rc == ERR_OK) rc = identify(&r, config, err);
    if (rc == ERR_OK) rc = silence(&r, err);
    pluto_close(&r);
    free(r.uri);
    return rc;
}

// --- all that a radio tells

struct survey {
    int (*line)(void *ctx, const char *name, const char *value);
    void *ctx;
    char device[64];
    int rc; // what `line` said
};

static int tell_value(struct survey *s, const char *name, const char *value, ssize_t n)
{
    char text[96];
    snprintf(text, sizeof text, "error %zd (%s)", n, strerror((int)-n));
    if (s->rc == ERR_OK) s->rc = s->line(s->ctx, name, n < 0 ? text : value);
    return s->rc;
}

static void tell_device(struct survey *s, const struct iio_device *dev)
{
    char name[256], value[4096];
    for (unsigned i = 0; i < iio_device_get_attrs_count(dev); i++) {
        const char *attr = iio_device_get_attr(dev, i);
        snprintf(name, sizeof name, "%s %s", s->device, attr);
        ssize_t n = iio_device_attr_read(dev, attr, value, sizeof value);
        if (tell_value(s, name, value, n) < 0) return;
    }
    for (unsigned i = 0; i < iio_device_get_debug_attrs_count(dev); i++) {
        const char *attr = iio_device_get_debug_attr(dev, i);
        snprintf(name, sizeof name, "%s debug %s", s->device, attr);
        ssize_t n = iio_device_debug_attr_read(dev, attr, value, sizeof value);
        if (tell_value(s, name, value, n) < 0) return;
    }
}

// One by one: asked for all at once, a radio with an attribute that cannot be read tells none.
static void tell_channel(struct survey *s, struct iio_channel *ch)
{
    char name[256], value[4096];
    for (unsigned i = 0; i < iio_channel_get_attrs_count(ch); i++) {
        const char *attr = iio_channel_get_attr(ch, i);
        snprintf(name, sizeof name, "%s %s %s %s", s->device, iio_channel_get_id(ch),
                 iio_channel_is_output(ch) ? "output" : "input", attr);
        ssize_t n = iio_channel_attr_read(ch, attr, value, sizeof value);
        if (tell_value(s, name, value, n) < 0) return;
    }
}

static void tell_context(struct survey *s, struct iio_context *ctx)
{
    for (unsigned i = 0; i < iio_context_get_attrs_count(ctx); i++) {
        const char *name, *value;
        char subject[128];
        if (iio_context_get_attr(ctx, i, &name, &value) < 0 || strcmp(name, "uri") == 0) continue;
        snprintf(subject, sizeof subject, "context %s", name);
        if (tell_value(s, subject, value, 0) < 0) return;
    }
    for (unsigned i = 0; i < iio_context_get_devices_count(ctx) && s->rc == ERR_OK; i++) {
        const struct iio_device *dev = iio_context_get_device(ctx, i);
        const char *name = iio_device_get_name(dev);
        snprintf(s->device, sizeof s->device, "%s", name ? name : iio_device_get_id(dev));
        tell_device(s, dev);
        for (unsigned c = 0; c < iio_device_get_channels_count(dev) && s->rc == ERR_OK; c++)
            tell_channel(s, iio_device_get_channel(dev, c));
    }
}

// What must not work: said with the error that this firmware has for it.
static void tell_refusals(struct survey *s, const struct pluto *p)
{
    char mode[64] = "";
    tell_value(s, "refused ad9361-phy altvoltage0 output frequency 1e12", "accepted",
               iio_channel_attr_write_longlong(p->rx_lo, "frequency", 1000000000000LL));
    tell_value(s, "refused ad9361-phy voltage0 input hardwaregain 1000", "accepted",
               iio_channel_attr_write_double(p->rx_path, "hardwaregain", 1000));
    if (iio_channel_attr_read(p->rx_path, "gain_control_mode", mode, sizeof mode) < 0) return;
    if (iio_channel_attr_write(p->rx_path, "gain_control_mode", "slow_attack") < 0) return;
    tell_value(s, "refused ad9361-phy voltage0 input hardwaregain 10 in slow_attack", "accepted",
               iio_channel_attr_write_double(p->rx_path, "hardwaregain", 10));
    if (iio_channel_attr_write(p->rx_path, "gain_control_mode", mode) < 0)
        LOG_WARN("radio", "cannot set the gain mode back to %s", mode);
}

int radio_survey(const struct radio_config *config,
                 int (*line)(void *ctx, const char *name, const char *value), void *ctx,
                 struct err *err)
{
    struct radio r = {.ops = &radio_pluto_ops, .uri = strdup(config->uri)};
    struct pluto *p = calloc(1, sizeof *p);
    struct survey s = {.line = line, .ctx = ctx};
    if (p) p->lock = -1;
    r.state = p;
    int rc = r.uri && p ? ERR_OK : err_set(err, ERR_NOMEM, "radio: out of memory");
    if (rc == ERR_OK && strncmp(config->uri, "file:", 5) == 0)
        rc = err_set(err, ERR_UNSUPPORTED, "radio %s: a recording tells nothing of a radio", r.uri);
    if (rc == ERR_OK) rc = connect_context(&r, config, err);
    if (rc == ERR_OK) rc = identify(&r, config, err);
    if (rc == ERR_OK) rc = radio_lock_take(&p->lock, r.uri, r.info.serial, err);
    if (rc == ERR_OK) {
        tell_context(&s, p->ctx);
        if (s.rc == ERR_OK) tell_refusals(&s, p);
        rc = s.rc == ERR_OK ? ERR_OK : err_set(err, s.rc, "radio %s: not written down", r.uri);
    }
    if (p) pluto_close(&r);
    free(r.uri);
    return rc;
}

// --- finding radios

// "0456:b673 (Analog Devices Inc. PlutoSDR (ADALM-PLUTO)), serial=1044…": the serial is last.
static void read_description(const char *description, struct radio_found *out)
{
    const char *serial = strstr(description, "serial=");
    snprintf(out->model, sizeof out->model, "%.*s",
             (int)(serial ? strcspn(description, ",") : strlen(description)), description);
    snprintf(out->serial, sizeof out->serial, "%s", serial ? serial + strlen("serial=") : "");
}

// Where there is no name service the library complains on stderr, so it is not asked.
static bool has_name_service(void)
{
    return access("/run/avahi-daemon/socket", F_OK) == 0;
}

// Backends that are not there (no USB) have nothing to show.
static size_t scan(const char *backend, struct radio_found *out, size_t max)
{
    struct iio_context_info **list = NULL;
    struct iio_scan_context *s = iio_create_scan_context(backend, 0);
    ssize_t n = s ? iio_scan_context_get_info_list(s, &list) : 0;
    size_t found = 0;
    for (ssize_t i = 0; i < n && found < max; i++) {
        struct radio_found *one = &out[found++];
        snprintf(one->uri, sizeof one->uri, "%s", iio_context_info_get_uri(list[i]));
        read_description(iio_context_info_get_description(list[i]), one);
    }
    if (list) iio_context_info_list_free(list);
    if (s) iio_scan_context_destroy(s);
    return found;
}

int radio_find(struct radio_found *out, size_t max, struct err *err)
{
    size_t n = scan("usb=0456:*", out, max), n_usb = n;
    if (has_name_service()) n += scan("ip", out + n, max - n);
    // One that is reached both ways counts once; a scan of the network tells no serial number.
    size_t kept = n_usb;
    for (size_t i = n_usb; i < n; i++) {
        struct radio_found one = out[i];
        bool known = radio_identify(&one, out[i].uri, err) < 0;
        for (size_t k = 0; k < kept && !known; k++)
            known = *one.serial && strcmp(one.serial, out[k].serial) == 0;
        if (!known) out[kept++] = one;
    }
    return (int)kept;
}

int radio_identify(struct radio_found *out, const char *uri, struct err *err)
{
    *out = (struct radio_found){0};
    snprintf(out->uri, sizeof out->uri, "%s", uri);
    char *copy = strdup(uri); // the library writes into it
    if (!copy) return err_set(err, ERR_NOMEM, "radio %s: out of memory", uri);
    errno = 0;
    struct iio_context *ctx = iio_create_context_from_uri(copy);
    int why = errno;
    free(copy);
    if (!ctx)
        return err_set(err, ERR_GONE,
                       "radio %s: nobody answers there: %s; check its cable, power and address",
                       uri, why ? strerror(why) : "no reason given");
    copy_attr(ctx, "hw_serial", out->serial, sizeof out->serial);
    copy_attr(ctx, "hw_model", out->model, sizeof out->model);
    bool is_radio = iio_context_find_device(ctx, "ad9361-phy") != NULL;
    iio_context_destroy(ctx);
    return is_radio ? ERR_OK
                    : err_set(err, ERR_UNSUPPORTED, "radio %s: expected a Pluto, found '%s'", uri,
                              *out->model ? out->model : "something unknown");
}
