// doctor --record: what instruments are like, written down beside what is assumed of them.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/doctor.h"
#include "bench/radio/radio.h"
#include "bench/run_dir.h"
#include "bench/sfx/zone.h"
#include "dut/port.h"
#include "dut/port_ftdi.h"
#include "lua/bind/setup.h"

enum { BAUD = 9600, LEAK_BLOCKS = 16 };
static const double leak_offset_hz = 100e3; // of the carrier, where no offset of the receiver is
static const double attenuation_max_db = 89.75;

enum agreement { DIFFERS, AGREES, TOLD }; // TOLD: nothing was assumed

struct record {
    char dir[PATH_MAX];
    struct jval *facts;
    struct jval *attributes; // of the radio that is looked at: name -> value
    const char *unit;
    bool is_virtual;
    struct err *err;
    int rc; // the first failure to write down
};

static void fact(struct record *r, enum agreement agrees, const char *what, const char *assumed,
                 const char *format, ...) FOX_PRINTF(5, 6);

static void fact(struct record *r, enum agreement agrees, const char *what, const char *assumed,
                 const char *format, ...)
{
    static const char *const words[] = {"differs", "agrees", "told"};
    char found[480];
    va_list args;
    va_start(args, format);
    vsnprintf(found, sizeof found, format, args);
    va_end(args);
    if (r->rc < 0) return;
    r->rc =
        jval_append(r->facts,
                    jval_make(r->err, "{s:s, s:s, s:s, s:s, s:s}", "unit", r->unit, "what", what,
                              "assumed", assumed, "found", found, "verdict", words[agrees]),
                    r->err);
}

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// ---- attributes

static int take_line(void *ctx, const char *name, const char *value)
{
    struct record *r = ctx;
    struct err ignored = {0};
    char text[4096];
    size_t n = 0; // what is no ASCII could not be written down
    for (const char *c = value; *c && n + 1 < sizeof text; c++)
        text[n++] = *c == '\n' || (*c >= ' ' && *c < 0x7f) ? *c : '?';
    text[n] = '\0';
    return jval_set(r->attributes, name, jval_make(&ignored, "s", text), &ignored);
}

static const char *told(const struct record *r, const char *name)
{
    return jval_text(jval_get(r->attributes, name), "nothing");
}

static void tell(struct record *r, const char *what, const char *name)
{
    fact(r, TOLD, what, "-", "%.400s", told(r, name));
}

// The slowest depends on whether the filter that divides by four is switched on.
static void compare_rates(struct record *r)
{
    const char *range = told(r, "ad9361-phy voltage0 input sampling_frequency_available");
    double low = 0, step = 0, high = 0;
    bool known = sscanf(range, "[%lf %lf %lf]", &low, &step, &high) == 3 && high == 61440000 &&
                 (low == 2083333 || low == 520833);
    fact(r, known ? AGREES : DIFFERS, "range of rates",
         "[2083333 1 61440000], with its filter from 520833", "%.200s", range);
}

static void compare_refusal(struct record *r, const char *what, const char *name,
                            const char *assumed)
{
    const char *value = told(r, name);
    bool refused = strncmp(value, "error", 5) == 0;
    fact(r, refused && (!*assumed || strstr(value, assumed)) ? AGREES : DIFFERS, what,
         *assumed ? assumed : "an error", "%.200s", value);
}

static void compare_crystal(struct record *r)
{
    double hz = strtod(told(r, "ad9361-phy xo_correction"), NULL);
    fact(r, hz > 39e6 && hz < 41e6 ? AGREES : DIFFERS, "crystal (xo_correction)",
         "40 MHz within 200 ppm", "%.0f Hz, %+.1f ppm", hz, (hz / 40e6 - 1) * 1e6);
}

// "[0 250 89750]" in older firmware
static void compare_attenuation(struct record *r)
{
    const char *range = told(r, "ad9361-phy voltage0 output hardwaregain_available");
    double low = 0, step = 0, high = 0;
    bool known = sscanf(range, "[%lf %lf %lf]", &low, &step, &high) == 3 &&
                 ((low == -89.75 && high == 0) || (low == 0 && high == 89750));
    fact(r, known ? AGREES : DIFFERS, "range of the transmit attenuation",
         "[-89.75 0.25 0] (older firmware [0 250 89750])", "%.200s", range);
}

static int save_attributes(struct record *r)
{
    char path[PATH_MAX + 80];
    snprintf(path, sizeof path, "%s/attributes-%.40s.json", r->dir, r->unit);
    return jval_save(r->attributes, path, r->err);
}

static int record_attributes(struct record *r, const struct radio_config *config)
{
    struct err why = {0};
    r->attributes = jval_object();
    if (!r->attributes) return err_set(r->err, ERR_NOMEM, "doctor: out of memory");
    int rc = radio_survey(config, take_line, r, &why);
    if (rc < 0) {
        fact(r, DIFFERS, "attributes", "all can be asked for", "%s", why.text);
        return rc;
    }
    r->rc = r->rc < 0 ? r->rc : save_attributes(r);
    tell(r, "model", "context hw_model");
    tell(r, "serial number", "context hw_serial");
    tell(r, "firmware", "context fw_version");
    compare_rates(r);
    tell(r, "range of the receive centre", "ad9361-phy altvoltage0 output frequency_available");
    tell(r, "range of the transmit centre", "ad9361-phy altvoltage1 output frequency_available");
    tell(r, "range of the receive gain", "ad9361-phy voltage0 input hardwaregain_available");
    compare_attenuation(r);
    compare_crystal(r);
    tell(r, "temperature of the transceiver, m°C", "ad9361-phy temp0 input input");
    compare_refusal(r, "a centre beyond the range is refused",
                    "refused ad9361-phy altvoltage0 output frequency 1e12", "error -22");
    compare_refusal(r, "a gain beyond the range is refused",
                    "refused ad9361-phy voltage0 input hardwaregain 1000", "error -22");
    compare_refusal(r, "a gain outside manual mode is refused",
                    "refused ad9361-phy voltage0 input hardwaregain 10 in slow_attack", "");
    return ERR_OK;
}

// ---- streams

static void record_settings(struct record *r, const struct radio_config *config,
                            const struct radio_info *info)
{
    fact(r, fabs(info->rate_hz - config->rate_hz) <= 1 + 20e-6 * config->rate_hz ? AGREES : DIFFERS,
         "rate as read back", "within 20 ppm of what was set", "%.3f of %.3f S/s", info->rate_hz,
         config->rate_hz);
    fact(r, fabs(info->lo_hz - config->lo_hz) <= 10 ? AGREES : DIFFERS, "centre as read back",
         "within 10 Hz of what was set", "%.3f of %.3f Hz", info->lo_hz, config->lo_hz);
}

// How far apart the streams of sending and receiving begin, over many starts.
static int record_starts(struct record *r, const struct radio_config *config, long long starts,
                         struct err *err)
{
    int64_t least = INT64_MAX, most = INT64_MIN, spread = 0;
    unsigned markers = 0;
    for (long long i = 0; i < starts; i++) {
        struct radio *radio = NULL;
        int rc = radio_open(&radio, config, err);
        if (rc == ERR_OK) {
            const struct radio_info *info = radio_info(radio);
            if (info->tx_offset_samples < least) least = info->tx_offset_samples;
            if (info->tx_offset_samples > most) most = info->tx_offset_samples;
            if (info->tx_spread_samples > spread) spread = info->tx_spread_samples;
            markers = info->tx_markers;
        }
        radio_close(radio);
        if (rc < 0) return rc;
    }
    fact(r, spread == 0 ? AGREES : DIFFERS, "markers within one start of the streams",
         "no sample apart", "%lld apart at most, %u markers, %lld starts", (long long)spread,
         markers, starts);
    fact(r, TOLD, "transmit behind receive, from start to start", "-", "%lld to %lld samples",
         (long long)least, (long long)most);
    return ERR_OK;
}

static int record_drops(struct record *r, struct radio *radio, long long seconds, struct err *err)
{
    const double rate_hz = radio_info(radio)->rate_hz, began_s = wall_s();
    int64_t samples = 0, blocks = 0, lost = 0, clipped = 0;
    while ((double)samples < (double)seconds * rate_hz) {
        struct iq_block block;
        int rc = radio_read(radio, &block, err);
        if (rc < 0) return rc;
        samples += (int64_t)block.n_samples;
        blocks++;
        lost += (block.flags & IQ_FLAG_OVERFLOW) != 0;
        clipped += (block.flags & IQ_FLAG_CLIPPED) != 0;
    }
    const double took_s = wall_s() - began_s, heard_s = (double)samples / rate_hz;
    fact(r, lost == 0 ? AGREES : DIFFERS, "lost samples", "none",
         "%lld of %lld blocks marked, in %.1f s of samples; %lld at full scale", (long long)lost,
         (long long)blocks, heard_s, (long long)clipped);
    if (!r->is_virtual)
        fact(r, TOLD, "samples against the computer's clock", "-", "%+.0f ppm over %.1f s",
             (heard_s / took_s - 1) * 1e6, took_s);
    return ERR_OK;
}

// Power at an offset from the centre, over blocks that are thrown together.
static int power_at(struct radio *radio, double offset_hz, double *dbfs, struct err *err)
{
    const double step = -2 * M_PI * offset_hz / radio_info(radio)->rate_hz;
    double re = 0, im = 0;
    int64_t n = 0;
    for (int i = 0; i < LEAK_BLOCKS; i++) {
        struct iq_block block;
        int rc = radio_read(radio, &block, err);
        if (rc < 0) return rc;
        if (i < LEAK_BLOCKS / 2) continue; // up to four lie behind what was switched
        for (size_t k = 0; k < block.n_samples; k++, n++) {
            const double a = fmod(step * (double)n, 2 * M_PI), c = cos(a), s = sin(a);
            re += block.iq[2 * k] * c - block.iq[2 * k + 1] * s;
            im += block.iq[2 * k] * s + block.iq[2 * k + 1] * c;
        }
    }
    *dbfs = 20 * log10(hypot(re, im) / (double)n / IQ_FULL_SCALE_RX + 1e-12);
    return ERR_OK;
}

// With nothing to send and all attenuation: what its oscillator alone lets out.
static int record_leakage(struct record *r, const struct radio_config *given, struct err *err)
{
    struct radio_config config = *given;
    struct radio *radio = NULL;
    double down = 0, up = 0;
    config.lo_hz = config.tx_lo_hz - leak_offset_hz;
    int rc = radio_open(&radio, &config, err);
    if (rc == ERR_OK) rc = power_at(radio, leak_offset_hz, &down, err);
    if (rc == ERR_OK) rc = radio_set_tx(radio, true, attenuation_max_db, err);
    if (rc == ERR_OK) rc = power_at(radio, leak_offset_hz, &up, err);
    if (rc == ERR_OK) rc = radio_set_tx(radio, false, attenuation_max_db, err);
    radio_close(radio);
    if (rc < 0) return rc;
    fact(r, TOLD, "carrier of its own oscillator, heard by itself", "-",
         "%.1f dBFS off, %.1f dBFS on, at a gain of %g dB", down, up, config.gain_db);
    return ERR_OK;
}

// Whether the bench file lets it send over a cable or inside a shielded box, and nowhere else.
static bool may_send(const struct jval *bench, const struct jval *radio)
{
    const char *unit = jval_text(jval_get(radio, "unit"), "");
    const char *own = jval_text(jval_get(radio, "path"), "");
    const struct jval *rf = jval_get(bench, "rf");
    bool led = *own && strcmp(own, "antenna") != 0;
    if (!jval_bool(jval_get(radio, "transmit"), false) || strcmp(own, "antenna") == 0) return false;
    for (size_t i = 0; i < jval_len(rf); i++) {
        const struct jval *path = jval_at(rf, i);
        if (strcmp(jval_text(jval_get(path, "from"), ""), unit) != 0) continue;
        if (strcmp(jval_text(jval_get(path, "kind"), ""), "antenna") == 0) return false;
        led = true;
    }
    return led;
}

static int record_streams(struct record *r, const struct doctor_options *o,
                          const struct radio_config *config, struct err *err)
{
    struct radio *radio = NULL;
    int rc = radio_open(&radio, config, err);
    if (rc == ERR_OK) record_settings(r, config, radio_info(radio));
    if (rc == ERR_OK) rc = record_drops(r, radio, o->seconds, err);
    radio_close(radio);
    if (rc == ERR_OK && config->transmit) rc = record_starts(r, config, o->starts, err);
    if (rc == ERR_OK && config->transmit) rc = record_leakage(r, config, err);
    return rc;
}

static void record_radio(struct record *r, const struct doctor_options *o, const struct jval *bench,
                         const struct jval *radio)
{
    struct radio_config config;
    struct err why = {0};
    r->unit = jval_text(jval_get(radio, "unit"), "radio");
    fprintf(stderr, "radio %s: %lld s of samples, %lld starts\n", r->unit, o->seconds, o->starts);
    setup_fill_radio(radio, sfx_zone_at(0), &config);
    config.transmit = may_send(bench, radio);
    if (!config.transmit)
        fact(r, TOLD, "sending", "-",
             "not tried: the bench file does not let it send over a "
             "cable or in a shielded box");
    if (record_attributes(r, &config) == ERR_OK && record_streams(r, o, &config, &why) < 0)
        fact(r, DIFFERS, "streams", "run", "%s", why.text);
    jval_free(r->attributes);
    r->attributes = NULL;
}

// ---- lines and adapters

static void record_uart(struct record *r, const struct jval *unit)
{
    const struct port_config config = {.path = jval_text(jval_get(unit, "path"), ""),
                                       .baud = (unsigned)jval_int(jval_get(unit, "baud"), BAUD)};
    struct port *port = NULL;
    struct err why = {0};
    r->unit = jval_text(jval_get(unit, "unit"), "uart");
    const double began_s = wall_s();
    int rc = port_open(&port, &config, &why);
    if (rc < 0)
        fact(r, DIFFERS, "serial line", "opens", "%s", why.text);
    else
        fact(r, AGREES, "serial line", "opens", "with %u baud, in %.1f ms", config.baud,
             1e3 * (wall_s() - began_s));
    port_close(rc < 0 ? NULL : port);
}

static void record_ftdi(struct record *r, const struct jval *unit)
{
    enum { ROUNDS = 100 };
    const char *serial = jval_text(jval_get(unit, "serial"), "");
    struct ftdi *ftdi = NULL;
    struct err why = {0};
    bool high = false;
    r->unit = jval_text(jval_get(unit, "unit"), "ftdi");
    int rc = ftdi_open(&ftdi, serial, &why);
    const double began_s = wall_s();
    for (int i = 0; rc == ERR_OK && i < ROUNDS; i++)
        rc = ftdi_pin_get(ftdi, FTDI_FIRST_FREE, &high, &why);
    if (rc < 0)
        fact(r, DIFFERS, "adapter", "answers", "%s", why.text);
    else
        fact(r, AGREES, "adapter", "answers",
             "%s, serial %s; a pin is asked and answers in %.2f ms",
             ftdi_is_double(ftdi) ? "FT2232H" : "FT232H", serial,
             1e3 * (wall_s() - began_s) / ROUNDS);
    ftdi_close(ftdi);
}

// ---- the folder

static void put_cell(FILE *f, const struct jval *entry, const char *key)
{
    fputs(" ", f);
    for (const char *c = jval_text(jval_get(entry, key), ""); *c; c++)
        fputs(*c == '|' ? "\\|" : *c == '\n' ? " " : (char[]){*c, 0}, f);
    fputs(" |", f);
}

static int write_summary(struct record *r, const char *when, const char *bench)
{
    static const char *const columns[] = {"unit", "what", "assumed", "found", "verdict"};
    char path[PATH_MAX + 32];
    size_t differ = 0, n = jval_len(r->facts);
    snprintf(path, sizeof path, "%s/summary.md", r->dir);
    FILE *f = fopen(path, "we");
    if (!f) return err_set(r->err, ERR_IO, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < n; i++)
        differ += strcmp(jval_text(jval_get(jval_at(r->facts, i), "verdict"), ""), "differs") == 0;
    fprintf(f,
            "# Instruments of the bench %s\n\nRecorded %s by foxbench %s%s. %zu facts, of which "
            "%zu differ from what is assumed.\nEverything that the radios told of themselves is in "
            "`attributes-*.json`, this table in `record.json`.\n\n| unit | what | assumed | found "
            "| verdict |\n| --- | --- | --- | --- | --- |\n",
            bench, when, FOX_VERSION, r->is_virtual ? ", in the virtual laboratory" : "", n,
            differ);
    for (size_t i = 0; i < n; i++) {
        fputs("|", f);
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
            put_cell(f, jval_at(r->facts, i), columns[c]);
        fputs("\n", f);
    }
    bool ok = !ferror(f);
    if (fclose(f) == 0 && ok) return ERR_OK;
    return err_set(r->err, ERR_IO, "%s: it cannot be written whole; is the disk full?", path);
}

static int make_folder(struct record *r, const char *parent, const char *when, struct err *err)
{
    int rc = run_dir_parents(parent, err);
    if (rc < 0) return rc;
    snprintf(r->dir, sizeof r->dir, "%s/instruments-%s", parent, when);
    if (mkdir(r->dir, 0777) == 0) return ERR_OK;
    return err_set(err, ERR_IO, "%s: %s; name another folder with -o, or wait a second", r->dir,
                   strerror(errno));
}

int doctor_record(const struct doctor_options *o, const struct jval *bench, char dir[PATH_MAX],
                  struct err *err)
{
    struct record r = {.facts = jval_array(), .err = err, .unit = ""};
    char when[32], path[PATH_MAX + 32];
    const time_t now = time(NULL);
    struct tm tm;
    const struct jval *radios = jval_get(bench, "radios"), *uarts = jval_get(bench, "uarts");
    const struct jval *ftdi = jval_get(bench, "ftdi");
    const char *name = jval_text(jval_get(bench, "name"), "bench");
    struct jval *whole = NULL;
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    r.is_virtual = jval_bool(jval_get(bench, "virtual"), false);
    r.rc = r.facts ? make_folder(&r, o->results, when, err)
                   : err_set(err, ERR_NOMEM, "doctor: out of memory");
    for (size_t i = 0; r.rc == ERR_OK && i < jval_len(radios); i++)
        record_radio(&r, o, bench, jval_at(radios, i));
    for (size_t i = 0; r.rc == ERR_OK && i < jval_len(uarts); i++)
        record_uart(&r, jval_at(uarts, i));
    if (r.rc == ERR_OK && ftdi) record_ftdi(&r, ftdi);
    if (r.rc == ERR_OK) r.rc = write_summary(&r, when, name);
    if (r.rc == ERR_OK) {
        whole = jval_make(err, "{s:i, s:s, s:s, s:s, s:b, s:O}", "version", 1, "foxbench",
                          FOX_VERSION, "recorded", when, "bench", name, "virtual",
                          (int)r.is_virtual, "facts", r.facts);
        snprintf(path, sizeof path, "%s/record.json", r.dir);
        r.rc = whole ? jval_save(whole, path, err) : ERR_FORMAT;
    }
    snprintf(dir, PATH_MAX, "%s", r.dir);
    jval_free(whole);
    jval_free(r.facts);
    return r.rc;
}
