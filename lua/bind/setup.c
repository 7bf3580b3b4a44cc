#include "lua/bind/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sfx/counter.h"
#include "lua/bind/dialect.h"
#include "lua/bind/script.h"

enum { PATH_SIZE = 1024, KEY_LEN = 16, BLOCK_SAMPLES = 32768, RADIO_TIMEOUT_MS = 4000 };

static const double keep_s = 12; // the longest message with its gaps, and a little
static const double tx_attenuation_max_db = 89.75;
static const double tx_offset_hz = 125e3; // the transmitter's own carrier stays out of the way

static const char *text_of(const struct jval *object, const char *key, const char *otherwise)
{
    return jval_text(jval_get(object, key), otherwise);
}

static int read_limits(struct setup *s, const char *root, struct err *err)
{
    char path[PATH_SIZE];
    const char *name = text_of(s->device, "limits", "report-only");
    snprintf(path, sizeof path, "%s/fixtures/limits/%s.lua", root, name);
    int rc = script_read_data(path, &s->limits, err);
    return rc < 0 ? err_prefix(err, "limits '%s' of the device file", name) : ERR_OK;
}

// The plan says which key was used, not where this computer keeps module and pin.
static int shorten_reference(struct jval *holder, const char *reference, struct err *err)
{
    return jval_set(holder, "key", jval_make(err, "s%", reference, (size_t)strcspn(reference, "?")),
                    err);
}

// A key file is named relative to the device file.
int setup_read_key(struct jval *holder, const char *device_path, struct setup_key *out,
                   struct err *err)
{
    const char *reference = text_of(holder, "key", NULL);
    if (!reference) return ERR_OK;
    char folder[PATH_SIZE];
    snprintf(folder, sizeof folder, "%s", device_path);
    char *slash = strrchr(folder, '/');
    if (slash) *slash = '\0';
    struct err why = {0};
    const char *base_dir = slash ? folder : NULL;
    bool in_token = strncmp(reference, "pkcs11:", 7) == 0;
    int rc = in_token ? token_key_open(&out->token, reference, base_dir, &why)
                      : secret_from_ref(&out->key, reference, base_dir, KEY_LEN, &why);
    if (rc == ERR_OK) return in_token ? shorten_reference(holder, reference, err) : ERR_OK;
    // A token that is not there is an absent instrument; all else is mended in the device file.
    bool absent = in_token && (rc == ERR_NOTFOUND || rc == ERR_GONE);
    return err_set(err, absent ? ERR_GONE : ERR_USAGE, "%s: key: %s", device_path, why.text);
}

static int read_keys(struct setup *s, const char *device_path, struct err *err)
{
    struct setup_key own = {0};
    int rc = setup_read_key(s->device, device_path, &own, err);
    if (rc == ERR_OK && own.key.len) rc = secret_init(&s->key, own.key.data, own.key.len, err);
    secret_deinit(&own.key);
    s->token = own.token;
    return rc == ERR_OK ? setup_read_samples(s, device_path, err) : rc;
}

// A text of lua/cert/config.lua begins with the table that is wrong.
static const char *file_of(const char *text, const char *device_path, const char *bench_path)
{
    if (strncmp(text, "limits", 6) == 0) return "the limits that the device file names";
    return strncmp(text, "bench", 5) == 0 ? bench_path : device_path;
}

static int check(struct setup *s, struct state *state, const char *device_path,
                 const char *bench_path, struct err *err)
{
    struct jval *device = NULL, *bench = NULL;
    struct err why = {0};
    int rc = state_check(state, s->device, s->bench, s->limits, &device, &bench, &why);
    if (rc < 0) {
        jval_free(device);
        jval_free(bench);
        return err_set(err, rc, "%s: %s", file_of(why.text, device_path, bench_path), why.text);
    }
    jval_free(s->device);
    jval_free(s->bench);
    s->device = device;
    s->bench = bench;
    return ERR_OK;
}

int setup_read(struct setup *s, const char *root, const struct jval *request, struct state *state,
               struct err *err)
{
    char device_default[PATH_SIZE], bench_default[PATH_SIZE];
    snprintf(device_default, sizeof device_default, "%s/fixtures/devices/foxdut.lua", root);
    snprintf(bench_default, sizeof bench_default, "%s/fixtures/benches/virtual.lua", root);
    const char *device_path = text_of(request, "device", device_default);
    const char *bench_path = text_of(request, "bench", bench_default);

    int rc = script_read_data(device_path, &s->device, err);
    if (rc == ERR_OK) rc = script_read_data(bench_path, &s->bench, err);
    if (rc == ERR_OK) rc = read_limits(s, root, err);
    if (rc == ERR_OK) rc = check(s, state, device_path, bench_path, err);
    if (rc == ERR_OK) rc = read_keys(s, device_path, err);
    if (rc == ERR_OK)
        rc = state_dialect(state, text_of(s->device, "dialect", ""), &s->dialect, err);
    return rc;
}

void setup_deinit(struct setup *s)
{
    jval_free(s->device);
    jval_free(s->bench);
    jval_free(s->limits);
    jval_free(s->dialect);
    secret_deinit(&s->key);
    token_key_close(s->token);
    setup_free_samples(s);
    *s = (struct setup){0};
}

static bool is_wired(const struct jval *ftdi, const char *what)
{
    const struct jval *wired = jval_get(ftdi, "wired");
    for (size_t i = 0; i < jval_len(wired); i++)
        if (strcmp(jval_text(jval_at(wired, i), ""), what) == 0) return true;
    return false;
}

static void fill_ftdi(const struct jval *ftdi, struct pump_ftdi *out)
{
    *out = (struct pump_ftdi){
        .unit = text_of(ftdi, "unit", NULL),
        .serial = text_of(ftdi, "serial", ""),
        .relay = text_of(ftdi, "relay", ""),
        .reset = text_of(ftdi, "reset", NULL),
        .lab_enable = text_of(ftdi, "lab_enable", NULL),
        .supply_low = text_of(ftdi, "supply_low", NULL),
        .spi = is_wired(ftdi, "spi"),
        .swd = is_wired(ftdi, "swd"),
    };
}

static int line_of(const struct jval *bench, const char *name)
{
    const char *line = text_of(jval_get(bench, name), "line", NULL);
    if (!line) return -1;
    return strcmp(line, "rts") == 0 ? PORT_LINE_RTS : PORT_LINE_DTR;
}

static int add_path(struct air_permit *out, const char *to, const char *kind, double attenuation_db,
                    double tolerance_db, struct err *err)
{
    if (out->n_paths == AIR_PATHS_MAX)
        return err_set(err, ERR_USAGE,
                       "bench.rf: expected at most %d paths from %s, got more; one that is left "
                       "out could lead to an antenna",
                       AIR_PATHS_MAX, out->unit);
    struct air_path *path = &out->paths[out->n_paths++];
    snprintf(path->to, sizeof path->to, "%s", to);
    snprintf(path->kind, sizeof path->kind, "%s", kind);
    path->attenuation_db = attenuation_db;
    path->tolerance_db = tolerance_db;
    return ERR_OK;
}

static int fill_permit(const struct jval *bench, const struct jval *radio, const char *unit,
                       struct air_permit *out, struct err *err)
{
    snprintf(out->unit, sizeof out->unit, "%s", unit);
    // A radio with an antenna sends into the open air, whatever its paths are said to be.
    const char *own = text_of(radio, "path", "");
    int rc = ERR_OK;
    if (strcmp(own, "antenna") == 0) rc = add_path(out, "the open air", own, 0, 0, err);
    const struct jval *rf = jval_get(bench, "rf");
    for (size_t i = 0; rc >= 0 && i < jval_len(rf); i++) {
        const struct jval *path = jval_at(rf, i);
        if (strcmp(text_of(path, "from", ""), unit) != 0) continue;
        rc = add_path(out, text_of(path, "to", ""), text_of(path, "kind", ""),
                      jval_number(jval_get(path, "attenuation_db"), 0),
                      jval_number(jval_get(path, "tolerance_db"), AIR_PATH_TOLERANCE_DB), err);
    }
    const struct jval *bands = jval_get(jval_get(bench, "permit"), "bands");
    for (size_t i = 0; i < jval_len(bands) && out->n_bands < AIR_BANDS_MAX; i++) {
        const struct jval *band = jval_at(bands, i);
        out->bands[out->n_bands++] = (struct air_band){
            .low_hz = jval_number(jval_get(band, "low_hz"), 0),
            .high_hz = jval_number(jval_get(band, "high_hz"), 0),
            .max_dbm = jval_number(jval_get(band, "max_dbm"), 0),
        };
    }
    return rc;
}

void setup_fill_radio(const struct jval *radio, const struct sfx_zone *zone,
                      struct radio_config *out)
{
    *out = (struct radio_config){
        .uri = text_of(radio, "uri", ""),
        .serial = text_of(radio, "serial", NULL),
        .rate_hz = jval_number(jval_get(radio, "rate_hz"), 0),
        .lo_hz = jval_number(jval_get(radio, "lo_hz"), 0),
        .gain_db = jval_number(jval_get(radio, "gain_db"), 0),
        .block_samples = BLOCK_SAMPLES,
        .timeout_ms = RADIO_TIMEOUT_MS,
        .transmit = jval_bool(jval_get(radio, "transmit"), false),
        .tx_lo_hz = jval_number(jval_get(radio, "tx_lo_hz"), zone->downlink_hz - tx_offset_hz),
        .tx_attenuation_db = tx_attenuation_max_db, // each burst sets its own
    };
}

static void fill_calibration(const struct jval *radio, struct pump_calibration *out)
{
    const struct jval *c = jval_get(radio, "calibration");
    *out = (struct pump_calibration){
        .known = c != NULL,
        .full_scale_dbm = jval_number(jval_get(c, "full_scale_dbm"), 0),
        .gain_db = jval_number(jval_get(c, "gain_db"), jval_number(jval_get(radio, "gain_db"), 0)),
        .u_db = jval_number(jval_get(c, "u_db"), 0),
    };
}

static int fill_first(const struct jval *bench, const struct jval *radio, struct pump_config *out,
                      struct err *err)
{
    setup_fill_radio(radio, out->zone, &out->radio);
    out->downlink_dbm = jval_number(jval_get(radio, "downlink_dbm"), 0);
    fill_calibration(radio, &out->calibration);
    if (!out->radio.transmit) return ERR_OK;
    return fill_permit(bench, radio, out->radio_unit, &out->permit, err);
}

// Under which cipher downlinks go. The device file has been checked: without a profile it is no
// device that encrypts, or one that no downlink can be made for (lua/cert/downlink.lua says so).
static int fill_cipher(const struct jval *device, struct pump_config *out, struct err *err)
{
    const struct jval *encryption = jval_get(device, "encryption");
    const char *name = text_of(encryption, "profile", NULL);
    if (!name) return ERR_OK;
    out->cipher = sfx_native_find(name);
    out->rollover = (unsigned)jval_int(jval_get(encryption, "rollover"), 0);
    if (out->cipher) return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "device.encryption.profile: \"%s\" is unknown; there is: %s (assumed: no cipher "
                   "for payloads is published)",
                   name, sfx_native_assumed()->name);
}

static int fill_stations(const struct jval *bench, struct pump_config *out, struct err *err)
{
    const struct jval *radios = jval_get(bench, "radios");
    for (size_t i = 1; i < jval_len(radios) && out->n_stations < PUMP_STATIONS_MAX; i++) {
        const struct jval *radio = jval_at(radios, i);
        struct pump_station_config *station = &out->stations[out->n_stations++];
        station->unit = text_of(radio, "unit", "radio");
        setup_fill_radio(radio, out->zone, &station->radio);
        station->radio.tx_lo_hz = station->radio.lo_hz; // it sends against what it hears
        station->downlink_lo_hz = jval_number(jval_get(radio, "downlink_lo_hz"), 0);
        if (!station->radio.transmit) continue;
        const int rc = fill_permit(bench, radio, station->unit, &station->permit, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

int setup_pump(const struct setup *s, struct pump_config *out, struct err *err)
{
    const struct jval *radio = jval_at(jval_get(s->bench, "radios"), 0);
    const struct jval *uart = jval_at(jval_get(s->bench, "uarts"), 0);
    if (!radio || !uart) return err_set(err, ERR_USAGE, "bench: expected one radio and one uart");
    const struct sfx_zone *zone = sfx_zone_find(text_of(s->device, "zone", "RC1"));
    if (!zone) return err_set(err, ERR_USAGE, "device: zone: no such zone");
    int64_t bit_rate = jval_int(jval_get(s->device, "bit_rate"), zone->bit_rate_100 ? 100 : 600);
    int64_t dialect_baud = jval_int(jval_get(s->dialect, "baud"), 9600);
    *out = (struct pump_config){
        .radio_unit = text_of(radio, "unit", "radio"),
        .zone = zone,
        .bit_rate_600 = bit_rate == 600,
        .low_hz = zone->uplink_hz - SFX_ZONE_BAND_HZ / 2,
        .high_hz = zone->uplink_hz + SFX_ZONE_BAND_HZ / 2,
        .uart_unit = text_of(uart, "unit", "uart"),
        .port = {.path = text_of(uart, "path", ""),
                 .baud = (unsigned)jval_int(jval_get(uart, "baud"), dialect_baud)},
        .lines =
            {[PUMP_POWER] = line_of(s->bench, "power"), [PUMP_RESET] = line_of(s->bench, "reset")},
        .device_id = (uint32_t)strtoul(text_of(s->device, "id", "0"), NULL, 16),
        .key = s->key.len ? &s->key : NULL,
        .token = s->token,
        .modulus = (unsigned)jval_int(jval_get(s->device, "modulus"), SFX_COUNTER_MODULUS_MAX),
        .window =
            sfx_counter_window((unsigned)jval_int(jval_get(s->device, "messages_per_day"), 140)),
        .messages_per_day =
            (unsigned)jval_int(jval_get(s->device, "messages_per_day"), SFX_MESSAGES_PER_DAY_MAX),
        .interval_s = jval_number(jval_get(s->device, "interval_s"), 0),
        .keep_s = keep_s,
    };
    fill_ftdi(jval_get(s->bench, "ftdi"), &out->ftdi);
    int rc = fill_first(s->bench, radio, out, err);
    if (rc < 0) return rc;
    rc = fill_stations(s->bench, out, err);
    if (rc < 0) return rc;
    setup_fill_samples(s, out);
    rc = fill_cipher(s->device, out, err);
    if (rc < 0) return rc;
    dialect_fill(s->dialect, &out->dialect);
    return ERR_OK;
}
