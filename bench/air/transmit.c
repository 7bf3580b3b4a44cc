#include "bench/air/transmit.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/phy/fft.h"
#include "bench/phy/gfsk.h"
#include "bench/phy/iq.h"
#include "bench/phy/shape.h"

enum {
    WAITING_MAX = 64,
    FFT_LEN = 4096,
    TURNS = 1024, // samples that a mixer turns step by step before it looks up its phase
};

static const double settle_s = 0.005;    // of the oscillator, generous
static const double scale_min_db = -40;  // below, a 12-bit converter makes noise of it
static const double power_inside = 0.99; // of a burst, within its declared bandwidth
static const double keep_off_hz = 20000; // from the oscillator's own leakage

struct waiting {
    int64_t first, end; // samples of the receive stream
    double scale;
};

struct air_transmit {
    struct radio *radio;
    struct air_permit permit;
    unsigned armed;
    struct phy_fft *fft;
    struct waiting waiting[WAITING_MAX];
    size_t n_waiting;
    double attenuation_db;
    bool lo_on;
    int64_t now;
    int64_t blank_until; // stopped bursts may still leave the radio's buffers before this
    double seconds[AIR_BANDS_MAX];
};

// ------------------------------------------------------------------------------------ the permit

static const char *purpose_name(enum air_purpose purpose)
{
    static const char *const names[] = {"downlink", "interference", "marker"};
    return names[purpose];
}

static int check_paths(const struct air_permit *p, struct err *err)
{
    if (p->n_paths == 0)
        return err_set(err, ERR_USAGE,
                       "%s: transmission refused: no path from it is declared; name in the bench "
                       "file's rf list where its output is cabled to, kind conducted or shielded",
                       p->unit);
    for (size_t i = 0; i < p->n_paths; i++) {
        const struct air_path *path = &p->paths[i];
        if (strcmp(path->kind, "conducted") == 0 || strcmp(path->kind, "shielded") == 0) continue;
        return err_set(
            err, ERR_USAGE,
            "%s: transmission refused: expected its path to %s to be conducted or "
            "shielded, it is declared '%s'; cable or shield it, then mend the bench file",
            p->unit, path->to, path->kind);
    }
    return ERR_OK;
}

static int find_band(const struct air_permit *p, double low_hz, double high_hz)
{
    for (size_t i = 0; i < p->n_bands; i++)
        if (low_hz >= p->bands[i].low_hz && high_hz <= p->bands[i].high_hz) return (int)i;
    return -1;
}

// Index of the band, or ERR_USAGE.
static int check_permit(const struct air_transmit *t, const struct air_burst *b, struct err *err)
{
    const struct air_permit *p = &t->permit;
    int rc = check_paths(p, err);
    if (rc < 0) return rc;
    int band = -1;
    if (isfinite(b->freq_hz) && b->bandwidth_hz > 0 && isfinite(b->bandwidth_hz))
        band = find_band(p, b->freq_hz - b->bandwidth_hz / 2, b->freq_hz + b->bandwidth_hz / 2);
    if (band < 0)
        return err_set(err, ERR_USAGE,
                       "%s: transmission refused: %.0f Hz with %.0f Hz of bandwidth (%s) lies in "
                       "none of the %zu permitted bands; mend the frequency, or the permit in the "
                       "bench file",
                       p->unit, b->freq_hz, b->bandwidth_hz, purpose_name(b->purpose), p->n_bands);
    if (!(b->level_dbm <= p->bands[band].max_dbm))
        return err_set(err, ERR_USAGE,
                       "%s: transmission refused: expected at most %.1f dBm at %.0f Hz, asked for "
                       "%.1f dBm; lower the level, or mend the permit in the bench file",
                       p->unit, p->bands[band].max_dbm, b->freq_hz, b->level_dbm);
    if (b->purpose == AIR_INTERFERENCE && !(t->armed & AIR_ARMED_INTERFERENCE))
        return err_set(err, ERR_USAGE,
                       "%s: transmission refused: interference was not armed; when nobody but this "
                       "bench can be disturbed, run again with --arm interference",
                       p->unit);
    return band;
}

int air_transmit_check(const struct air_transmit *t, const struct air_burst *burst, struct err *err)
{
    int band = check_permit(t, burst, err);
    return band < 0 ? band : ERR_OK;
}

// ----------------------------------------------------------------------------------- the samples

// Whether the burst is what it says: within full scale and within its bandwidth.
static int check_samples(struct air_transmit *t, const struct air_burst *b, struct err *err)
{
    if (b->n == 0 || !b->iq)
        return err_set(err, ERR_INVALID, "%s: expected a burst with samples, got none",
                       t->permit.unit);
    const double rate_hz = radio_info(t->radio)->rate_hz;
    const double most = (IQ_FULL_SCALE_TX + 1.0) * (IQ_FULL_SCALE_TX + 1.0);
    float complex *in = phy_fft_in(t->fft);
    double all = 0, inside = 0;
    for (size_t k = 0; k < b->n; k += FFT_LEN) {
        for (size_t i = 0; i < FFT_LEN; i++) {
            in[i] = 0;
            if (k + i >= b->n) continue;
            const int16_t *iq = b->iq + 2 * (k + i);
            if ((double)iq[0] * iq[0] + (double)iq[1] * iq[1] > most)
                return err_set(err, ERR_INVALID,
                               "%s: expected samples up to full scale, sample %zu of the burst is "
                               "(%d, %d): louder than its level says",
                               t->permit.unit, k + i, iq[0], iq[1]);
            double w = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / FFT_LEN);
            in[i] = (float)w * ((float)iq[0] + I * (float)iq[1]);
        }
        phy_fft_run(t->fft);
        const float complex *out = phy_fft_out(t->fft);
        for (int i = 0; i < FFT_LEN; i++) {
            double f = (i < FFT_LEN / 2 ? i : i - FFT_LEN) * rate_hz / FFT_LEN;
            double p = (double)(crealf(out[i]) * crealf(out[i]) + cimagf(out[i]) * cimagf(out[i]));
            all += p;
            if (fabs(f) <= b->bandwidth_hz / 2 + 2 * rate_hz / FFT_LEN) inside += p;
        }
    }
    if (inside >= power_inside * all) return ERR_OK;
    return err_set(err, ERR_INVALID,
                   "%s: expected a burst within %.0f Hz, %.1f %% of its power lies outside; it is "
                   "not sent, because the permit could not be held",
                   t->permit.unit, b->bandwidth_hz, 100 * (1 - inside / all));
}

// ------------------------------------------------------------------- oscillator, level and centre

// May the oscillator be here for this burst? Its leakage must stay off the burst, and in a band.
static bool lo_fits(const struct air_transmit *t, const struct air_burst *b, double lo_hz)
{
    double away = fabs(b->freq_hz - lo_hz);
    return away - b->bandwidth_hz / 2 >= keep_off_hz &&
           away + b->bandwidth_hz / 2 <= 0.4 * radio_info(t->radio)->rate_hz &&
           find_band(&t->permit, lo_hz - 100, lo_hz + 100) >= 0;
}

static int place_lo(struct air_transmit *t, const struct air_burst *b, struct err *err)
{
    if (lo_fits(t, b, radio_info(t->radio)->tx_lo_hz)) return ERR_OK;
    if (t->n_waiting > 0 || t->now < t->blank_until)
        return err_set(err, ERR_LIMIT,
                       "%s: %.0f Hz needs another centre frequency than the burst that is on its "
                       "way; wait for its end",
                       t->permit.unit, b->freq_hz);
    static const double parts[] = {0.15, -0.15, 0.1, -0.1, 0.2, -0.2, 0.25, -0.25, 0.06, -0.06};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        double lo_hz = round(b->freq_hz - parts[i] * radio_info(t->radio)->rate_hz);
        if (lo_fits(t, b, lo_hz)) return radio_tune_tx(t->radio, lo_hz, err);
    }
    return err_set(err, ERR_USAGE,
                   "%s: transmission refused: round %.0f Hz the permitted band leaves no room for "
                   "the oscillator, %.0f Hz off the burst; widen the permit in the bench file",
                   t->permit.unit, b->freq_hz, keep_off_hz);
}

// The attenuator does the coarse part, once for all bursts that are on their way; the samples'
// scale does the rest.
static int place_level(struct air_transmit *t, const struct air_burst *b, double max_dbm,
                       double *scale, struct err *err)
{
    double attenuation_db = t->attenuation_db;
    if (t->n_waiting == 0 && t->now >= t->blank_until) {
        attenuation_db = floor(4 * (AIR_FULL_SCALE_DBM - b->level_dbm - b->room_db)) / 4;
        attenuation_db = fmin(fmax(attenuation_db, 0), 89.75);
    }
    double scale_db = b->level_dbm - (AIR_FULL_SCALE_DBM - attenuation_db);
    if (!(scale_db >= scale_min_db && scale_db <= 1e-9))
        return err_set(err, ERR_LIMIT,
                       "%s: expected a level from %.1f to %.1f dBm, asked for %.1f%s",
                       t->permit.unit, AIR_FULL_SCALE_DBM - attenuation_db + scale_min_db,
                       AIR_FULL_SCALE_DBM - attenuation_db, b->level_dbm,
                       t->n_waiting ? ": the attenuator stays as it is while a burst is on its way"
                                    : "; change the attenuation of the path");
    *scale = pow(10, scale_db / 20);
    double sum = *scale;
    for (size_t i = 0; i < t->n_waiting; i++) {
        const struct waiting *w = &t->waiting[i];
        bool apart = w->end <= b->at_sample || w->first >= b->at_sample + (int64_t)b->n;
        if (!apart) sum += w->scale;
    }
    if (sum > 1 + 1e-9)
        return err_set(err, ERR_LIMIT,
                       "%s: the burst at sample %lld overlaps others, and together they would "
                       "clip; lower their levels or part them",
                       t->permit.unit, (long long)b->at_sample);
    const double peak_dbm = AIR_FULL_SCALE_DBM - attenuation_db + 20 * log10(sum);
    if (peak_dbm > max_dbm + 1e-6 && sum > *scale)
        return err_set(
            err, ERR_USAGE,
            "%s: transmission refused: with what is on its way, the burst at sample %lld "
            "would reach %.1f dBm, at most %.1f dBm are permitted; lower the levels, or "
            "mend the permit in the bench file",
            t->permit.unit, (long long)b->at_sample, peak_dbm, max_dbm);
    t->attenuation_db = attenuation_db;
    return ERR_OK;
}

static int64_t settle_samples(const struct air_transmit *t)
{
    return (int64_t)ceil(settle_s * radio_info(t->radio)->rate_hz);
}

// How long before its burst the oscillator is powered: what has been read may lie as far behind the
// present as what is sent lies ahead of it.
static int64_t lead_samples(const struct air_transmit *t)
{
    return 2 * (radio_earliest(t->radio) - t->now) + settle_samples(t);
}

static int power_on(struct air_transmit *t, struct err *err)
{
    if (t->lo_on) return ERR_OK;
    int rc = radio_set_tx(t->radio, true, t->attenuation_db, err);
    t->lo_on = rc == ERR_OK;
    return rc;
}

static int power_off(struct air_transmit *t, struct err *err)
{
    t->lo_on = false;
    return radio_set_tx(t->radio, false, 89.75, err);
}

// ------------------------------------------------------------------------------------- life cycle

int air_transmit_new(struct air_transmit **out, struct radio *radio,
                     const struct air_permit *permit, unsigned armed, struct err *err)
{
    *out = NULL;
    int rc = check_paths(permit, err);
    if (rc < 0) return rc;
    if (permit->n_paths > AIR_PATHS_MAX || permit->n_bands > AIR_BANDS_MAX)
        return err_set(err, ERR_USAGE,
                       "%s: expected at most %d paths and %d bands, got %zu and %zu", permit->unit,
                       AIR_PATHS_MAX, AIR_BANDS_MAX, permit->n_paths, permit->n_bands);
    if (permit->n_bands == 0)
        return err_set(err, ERR_USAGE,
                       "%s: transmission refused: no band is permitted; add permit.bands to the "
                       "bench file",
                       permit->unit);
    struct air_transmit *t = calloc(1, sizeof *t);
    if (!t) return err_set(err, ERR_NOMEM, "transmitter: out of memory");
    t->radio = radio;
    t->permit = *permit;
    t->armed = armed;
    t->now = radio_earliest(radio); // until the first step says better
    rc = phy_fft_new(&t->fft, FFT_LEN, PHY_FFT_FORWARD, err);
    if (rc < 0) goto fail;
    rc = power_off(t, err);
    if (rc < 0) goto fail;
    *out = t;
    return ERR_OK;
fail:
    phy_fft_free(t->fft);
    free(t);
    return rc;
}

void air_transmit_free(struct air_transmit *t)
{
    if (!t) return;
    // A radio that fails here is dead, and was switched off or is when it is closed.
    if (t->lo_on || t->n_waiting) (void)(air_transmit_stop(t, NULL) == ERR_OK);
    phy_fft_free(t->fft);
    free(t);
}

static int send_mixed(struct air_transmit *t, const struct air_burst *b, double scale,
                      struct err *err)
{
    const struct radio_info *info = radio_info(t->radio);
    int16_t *mixed = malloc(2 * b->n * sizeof *mixed);
    if (!mixed) return err_set(err, ERR_NOMEM, "%s: out of memory", t->permit.unit);
    // Turned, a full-scale sample must stay one: hence two steps of room.
    double cycles = (b->freq_hz - info->tx_lo_hz) / info->rate_hz; // a sample
    // Counted from the stream's beginning: bursts that follow each other go on in phase.
    const long double before = (long double)cycles * (long double)b->at_sample;
    const double from = (double)(before - floorl(before));
    const double complex step = cexp(2 * M_PI * I * cycles);
    double complex turn = 1;
    for (size_t k = 0; k < b->n; k++, turn *= step) {
        if (k % TURNS == 0) {
            double at = from + cycles * (double)k;
            turn = scale / (IQ_FULL_SCALE_TX + 2.0) * cexp(2 * M_PI * I * (at - floor(at)));
        }
        phy_shape_put(mixed + 2 * k, turn * (b->iq[2 * k] + I * b->iq[2 * k + 1]));
    }
    int rc = radio_transmit(t->radio, b->at_sample, mixed, b->n, err);
    free(mixed);
    return rc;
}

int air_transmit_burst(struct air_transmit *t, const struct air_burst *b, struct err *err)
{
    int band = check_permit(t, b, err);
    if (band < 0) return band;
    int rc = check_samples(t, b, err);
    if (rc < 0) return rc;
    if (t->n_waiting == WAITING_MAX)
        return err_set(err, ERR_LIMIT, "%s: expected at most %d bursts to wait; send them later",
                       t->permit.unit, WAITING_MAX);
    if (b->at_sample < air_transmit_earliest(t))
        return err_set(err, ERR_LIMIT,
                       "%s: a burst at sample %lld comes too late: the earliest possible one is at "
                       "%lld; ask earlier",
                       t->permit.unit, (long long)b->at_sample,
                       (long long)air_transmit_earliest(t));
    double scale = 0;
    rc = place_lo(t, b, err);
    if (rc < 0) return rc;
    rc = place_level(t, b, t->permit.bands[band].max_dbm, &scale, err);
    if (rc < 0) return rc;
    rc = send_mixed(t, b, scale, err);
    if (rc < 0) return rc;
    t->waiting[t->n_waiting++] = (struct waiting){
        .first = b->at_sample, .end = b->at_sample + (int64_t)b->n, .scale = scale};
    t->seconds[band] += (double)b->n / radio_info(t->radio)->rate_hz;
    return air_transmit_step(t, t->now, err);
}

int64_t air_transmit_earliest(const struct air_transmit *t)
{
    int64_t first = radio_earliest(t->radio);
    if (t->blank_until > t->now && t->blank_until + lead_samples(t) > first)
        first = t->blank_until + lead_samples(t);
    return first + settle_samples(t);
}

int air_transmit_step(struct air_transmit *t, int64_t now, struct err *err)
{
    t->now = now;
    size_t kept = 0;
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < t->n_waiting; i++) {
        if (t->waiting[i].end <= now) continue; // received, so it has left
        if (t->waiting[i].first < next) next = t->waiting[i].first;
        t->waiting[kept++] = t->waiting[i];
    }
    t->n_waiting = kept;
    bool wanted = next != INT64_MAX && next - now <= lead_samples(t) && now >= t->blank_until;
    if (wanted) return power_on(t, err);
    return t->lo_on ? power_off(t, err) : ERR_OK;
}

int air_transmit_stop(struct air_transmit *t, struct err *err)
{
    int rc = power_off(t, err);
    if (rc < 0 || t->n_waiting == 0) return rc;
    t->n_waiting = 0;
    t->blank_until = radio_earliest(t->radio);
    return radio_drop(t->radio, err);
}

bool air_transmit_busy(const struct air_transmit *t)
{
    return t->n_waiting > 0;
}

double air_transmit_rate_hz(const struct air_transmit *t)
{
    return radio_info(t->radio)->rate_hz;
}

double air_transmit_seconds(const struct air_transmit *t, size_t band)
{
    return band < t->permit.n_bands ? t->seconds[band] : 0;
}

static struct phy_gfsk_config downlink_config(double rate_hz)
{
    return (struct phy_gfsk_config){.rate_hz = rate_hz,
                                    .bit_rate = PHY_GFSK_DOWNLINK_BIT_RATE,
                                    .deviation_hz = PHY_GFSK_DOWNLINK_DEVIATION_HZ,
                                    .bt = PHY_GFSK_DOWNLINK_BT,
                                    .amplitude = 1,
                                    .ramp_bits = 2};
}

int air_downlink_wave(double rate_hz, const uint8_t frame[SFX_DL_FRAME], struct bytes *iq,
                      struct err *err)
{
    const struct phy_gfsk_config c = downlink_config(rate_hz);
    uint8_t bits[SFX_DL_ON_AIR];
    sfx_downlink_on_air(frame, bits);
    return phy_gfsk_modulate(&c, bits, 8 * sizeof bits, iq, err);
}

size_t air_downlink_samples(double rate_hz)
{
    const struct phy_gfsk_config c = downlink_config(rate_hz);
    return phy_gfsk_samples(&c, 8 * SFX_DL_ON_AIR);
}

int64_t air_downlink_lead(double rate_hz)
{
    const struct phy_gfsk_config c = downlink_config(rate_hz);
    return llround(phy_gfsk_lead_s(&c) * rate_hz);
}

int air_downlink(struct air_transmit *t, const uint8_t frame[SFX_DL_FRAME], double f_hz,
                 double level_dbm, int64_t at_sample, int64_t *end_sample, struct err *err)
{
    const struct phy_gfsk_config c = downlink_config(radio_info(t->radio)->rate_hz);
    const size_t n_bits = 8 * SFX_DL_ON_AIR;
    struct bytes iq;
    bytes_init(&iq, 4 * phy_gfsk_samples(&c, n_bits));
    int rc = air_downlink_wave(c.rate_hz, frame, &iq, err);
    if (rc == ERR_OK)
        rc = air_transmit_burst(
            t,
            &(struct air_burst){.at_sample = at_sample - air_downlink_lead(c.rate_hz),
                                .freq_hz = f_hz,
                                .bandwidth_hz = AIR_DOWNLINK_BAND_HZ,
                                .level_dbm = level_dbm,
                                .iq = (const int16_t *)(const void *)iq.data,
                                .n = iq.len / 4,
                                .purpose = AIR_DOWNLINK},
            err);
    bytes_deinit(&iq);
    if (rc == ERR_OK && end_sample)
        *end_sample = at_sample + (int64_t)ceil((double)n_bits * c.rate_hz / c.bit_rate);
    return rc;
}
