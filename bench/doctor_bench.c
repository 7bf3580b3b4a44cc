#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/doctor.h"
#include "bench/radio/radio.h"
#include "bench/sfx/zone.h"
#include "dut/port.h"
#include "dut/port_ftdi.h"
#include "lua/bind/script.h"
#include "lua/bind/setup.h"

enum { BAUD = 9600 };

static const char *text_of(const struct jval *object, const char *key, const char *otherwise)
{
    return jval_text(jval_get(object, key), otherwise);
}

// --- the files

struct files {
    struct findings *f;
    const char *device_path;
    struct state *state;
    struct jval *device; // as read, then as checked
    struct jval *bench;
    struct jval *limits;
};

static int read_file(struct files *s, const char *subject, const char *path, struct jval **out)
{
    struct err err = {0};
    char good[PATH_MAX + 64];
    int rc = script_read_data(path, out, &err);
    snprintf(good, sizeof good, "%s (%s)", text_of(*out, "name", "without a name"), path);
    findings_add_result(s->f, subject, &err, good);
    return rc;
}

// The limits that the device file names. Returns ERR_OK when there are none to read.
static int read_limits(struct files *s)
{
    char path[PATH_MAX];
    struct err err = {0};
    const char *name = text_of(s->device, "limits", "report-only");
    snprintf(path, sizeof path, "%s/fixtures/limits/%s.lua", cmd_root(), name);
    int rc = script_read_data(path, &s->limits, &err);
    char good[96];
    snprintf(good, sizeof good, "%s (%zu)", name, jval_len(s->limits));
    findings_add_result(s->f, "limits", &err, good);
    return rc;
}

// A wrong device file shall not hide what is wrong with the bench: the reference device stands in.
static void read_stand_in(struct files *s)
{
    char path[PATH_MAX];
    struct err ignored = {0};
    jval_free(s->device);
    jval_free(s->limits);
    s->device = s->limits = NULL;
    snprintf(path, sizeof path, "%s/fixtures/devices/foxdut.lua", cmd_root());
    if (script_read_data(path, &s->device, &ignored) < 0) return;
    snprintf(path, sizeof path, "%s/fixtures/limits/%s.lua", cmd_root(),
             text_of(s->device, "limits", "report-only"));
    if (script_read_data(path, &s->limits, &ignored) < 0) s->limits = NULL;
}

static int check_contents(struct files *s, struct err *err)
{
    struct jval *device = NULL, *bench = NULL;
    int rc = state_check(s->state, s->device, s->bench, s->limits, &device, &bench, err);
    if (rc < 0) {
        jval_free(device);
        jval_free(bench);
        return rc;
    }
    jval_free(s->device);
    jval_free(s->bench);
    s->device = device;
    s->bench = bench;
    return ERR_OK;
}

// A text of the check begins with the table that is wrong.
static bool is_about_bench(const struct err *err)
{
    return strncmp(err->text, "bench", 5) == 0;
}

// Whether the bench is one that can be looked at; device_good tells the same of the device.
static bool check_both(struct files *s, bool *device_good)
{
    struct err err = {0};
    if (*device_good && check_contents(s, &err) == ERR_OK) {
        findings_add(s->f, FINDING_OK, "contents", "device and bench file fit each other");
        return true;
    }
    if (*device_good) findings_add(s->f, FINDING_CONFIG, "contents", "%s", err.text);
    if (*device_good && is_about_bench(&err)) return false;
    *device_good = false;
    read_stand_in(s);
    err = (struct err){0};
    if (check_contents(s, &err) == ERR_OK) return true;
    findings_add(s->f, FINDING_CONFIG, "contents", "%s", err.text);
    return false;
}

// --- keys and dialect

static void describe_key(const struct setup_key *key, const char *reference, char out[480])
{
    char fingerprint[SECRET_FINGERPRINT_LEN];
    if (key->token) {
        const struct token_info *info = token_key_info(key->token);
        snprintf(out, 480, "in token %s (%s %s, serial %s)", info->label, info->manufacturer,
                 info->model, info->serial);
    } else {
        secret_fingerprint(&key->key, fingerprint);
        snprintf(out, 480, "%s, fingerprint %s", reference, fingerprint);
    }
}

static void check_key(struct files *s, const char *subject, struct jval *holder)
{
    struct setup_key key = {0};
    struct err err = {0};
    char reference[200], good[480] = "";
    const char *named = text_of(holder, "key", NULL);
    if (!named) {
        findings_add(s->f, FINDING_OK, subject,
                     "none declared: cases that need it are not applicable");
        return;
    }
    snprintf(reference, sizeof reference, "%s", named);
    if (setup_read_key(holder, s->device_path, &key, &err) == ERR_OK)
        describe_key(&key, reference, good);
    findings_add_result(s->f, subject, &err, good);
    secret_deinit(&key.key);
    token_key_close(key.token);
}

static void check_keys(struct files *s)
{
    check_key(s, "key", s->device);
    const struct jval *samples = jval_get(s->device, "samples");
    for (size_t i = 0; i < jval_len(samples); i++) {
        char subject[48];
        snprintf(subject, sizeof subject, "key of unit %zu", i + 2);
        check_key(s, subject, jval_at(samples, i));
    }
}

// A port without a rate of its own gets the dialect's.
static void check_dialect(struct files *s, bool wanted)
{
    struct jval *dialect = NULL;
    struct err err = {0}, ignored = {0};
    const char *name = text_of(s->device, "dialect", "");
    int rc = state_dialect(s->state, name, &dialect, &err);
    if (wanted) findings_add_result(s->f, "dialect", &err, name);
    const struct jval *uarts = jval_get(s->bench, "uarts");
    for (size_t i = 0; rc == ERR_OK && i < jval_len(uarts); i++)
        if (!jval_get(jval_at(uarts, i), "baud"))
            rc = jval_set(
                jval_at(uarts, i), "baud",
                jval_make(&ignored, "I", (long long)jval_int(jval_get(dialect, "baud"), BAUD)),
                &ignored);
    jval_free(dialect);
}

void doctor_check_files(struct findings *f, const struct doctor_options *o, struct jval **bench)
{
    struct files s = {.f = f, .device_path = o->device};
    struct err err = {0};
    *bench = NULL;
    bool device_good = read_file(&s, "device file", o->device, &s.device) == ERR_OK;
    if (device_good) device_good = read_limits(&s) == ERR_OK;
    bool bench_good = read_file(&s, "bench file", o->bench, &s.bench) == ERR_OK;
    int rc = state_open(&s.state, cmd_root(), &err);
    if (rc == ERR_OK && bench_good) {
        bench_good = check_both(&s, &device_good);
        if (bench_good) check_dialect(&s, device_good);
        if (bench_good) *bench = jval_ref(s.bench);
    }
    if (device_good) check_keys(&s);
    state_close(s.state);
    jval_free(s.device);
    jval_free(s.bench);
    jval_free(s.limits);
}

// --- the instruments

static void check_radio(struct findings *f, const struct jval *unit, bool is_virtual)
{
    struct radio_config config;
    setup_fill_radio(unit, sfx_zone_at(0), &config);
    config.transmit = false; // nothing is sent, so the zone does not matter
    char subject[48], good[480] = "";
    struct radio *radio = NULL;
    struct iq_block block;
    struct err err = {0};
    snprintf(subject, sizeof subject, "radio %s", text_of(unit, "unit", "radio"));
    int rc = radio_open(&radio, &config, &err);
    if (rc == ERR_OK) rc = radio_read(radio, &block, &err);
    if (rc == ERR_OK) {
        const struct radio_info *info = radio_info(radio);
        snprintf(good, sizeof good, "%s, serial %s, firmware %s, %.0f S/s, samples arrive",
                 info->model, info->serial, info->firmware, info->rate_hz);
    }
    findings_add_result(f, subject, &err, good);
    if (rc == ERR_OK && !config.serial && !is_virtual && strncmp(config.uri, "file:", 5) != 0) {
        f->list[f->n - 1].state = FINDING_WARN;
        findings_mend(f, "addresses change hands: add serial = \"%s\" to this radio",
                      radio_info(radio)->serial);
    }
    radio_close(radio);
}

// Opening leaves both lines inactive: a device that they feed stays off.
static void check_uart(struct findings *f, const struct jval *unit)
{
    const struct port_config config = {.path = text_of(unit, "path", ""),
                                       .baud = (unsigned)jval_int(jval_get(unit, "baud"), BAUD)};
    char subject[48], good[480];
    struct port *port = NULL;
    struct err err = {0};
    snprintf(subject, sizeof subject, "uart %s", text_of(unit, "unit", "uart"));
    snprintf(good, sizeof good, "%s opens with %u baud", config.path, config.baud);
    if (port_open(&port, &config, &err) < 0) port = NULL;
    findings_add_result(f, subject, &err, good);
    port_close(port);
}

static void check_pin(const struct jval *unit, const char *name, struct err *err)
{
    unsigned pin;
    const char *text = text_of(unit, name, NULL);
    if (text && err->code == ERR_OK && ftdi_pin_parse(text, &pin, err) < 0)
        (void)err_prefix(err, "ftdi.%s", name);
}

static void check_watched(const struct jval *pins, struct err *err)
{
    unsigned pin;
    for (size_t i = 0; i < jval_len(pins) && err->code == ERR_OK; i++)
        if (ftdi_pin_parse(jval_text(jval_at(pins, i), ""), &pin, err) < 0)
            (void)err_prefix(err, "ftdi.watch");
}

static void check_ftdi(struct findings *f, const struct jval *unit)
{
    char subject[48], good[480];
    struct ftdi *ftdi = NULL;
    struct err err = {0};
    const char *serial = text_of(unit, "serial", "");
    snprintf(subject, sizeof subject, "ftdi %s", text_of(unit, "unit", "ftdi"));
    snprintf(good, sizeof good, "serial %s answers", serial);
    check_pin(unit, "relay", &err);
    check_pin(unit, "reset", &err);
    check_pin(unit, "lab_enable", &err);
    check_pin(unit, "supply_low", &err);
    check_watched(jval_get(unit, "watch"), &err);
    if (err.code == ERR_OK && ftdi_open(&ftdi, serial, &err) < 0) ftdi = NULL;
    findings_add_result(f, subject, &err, good);
    ftdi_close(ftdi);
}

void doctor_check_instruments(struct findings *f, const struct jval *bench)
{
    const struct jval *radios = jval_get(bench, "radios"), *uarts = jval_get(bench, "uarts");
    const struct jval *ftdi = jval_get(bench, "ftdi");
    bool is_virtual = jval_bool(jval_get(bench, "virtual"), false);
    for (size_t i = 0; i < jval_len(radios); i++)
        check_radio(f, jval_at(radios, i), is_virtual);
    for (size_t i = 0; i < jval_len(uarts); i++)
        check_uart(f, jval_at(uarts, i));
    if (ftdi) check_ftdi(f, ftdi);
}
