#include "dut/lab/scenario.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "dut/lab/commands.h"
#include "dut/lab/scenario_nvm.h"

enum { TEXT_MAX = 1 << 16, LINE_BYTES = 1024, WORDS_MAX = SCENARIO_ARGS_MAX + 8 };

struct parser {
    struct scenario *s;
    const char *path;
    const char *fixtures;
    int line;
    char *words[WORDS_MAX];
    int n;
    struct err *err;
};

static int refuse(struct parser *p, const char *fmt, ...) FOX_PRINTF(2, 3);
static int refuse(struct parser *p, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_set(p->err, ERR_USAGE, "%s:%d: %s", p->path, p->line, text);
}

// "12.5dB" with unit "dB"; the whole word or nothing.
static bool quantity(const char *word, const char *unit, double *out)
{
    char *end;
    *out = strtod(word, &end);
    return end != word && isfinite(*out) && strcmp(end, unit) == 0;
}

static bool valid_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= SCENARIO_NAME_MAX || !isalpha((unsigned char)name[0])) return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-') return false;
    return true;
}

static int take_name(struct parser *p, char out[SCENARIO_NAME_MAX])
{
    if (p->n < 2) return refuse(p, "%s: expected a name behind it", p->words[0]);
    if (!valid_name(p->words[1]))
        return refuse(p,
                      "'%s' cannot be a name: expected a letter, then letters, digits, _ and -, at "
                      "most %d",
                      p->words[1], SCENARIO_NAME_MAX - 1);
    memcpy(out, p->words[1], strlen(p->words[1]) + 1);
    return ERR_OK;
}

static int twice(struct parser *p)
{
    return refuse(p, "%s %s stands here a second time; names of one kind must differ", p->words[0],
                  p->words[1]);
}

static int too_many(struct parser *p, int max)
{
    return refuse(p, "more than %d lines '%s'; the lab's table is full", max, p->words[0]);
}

static int pluto_index(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->n_plutos; i++)
        if (strcmp(s->plutos[i].name, name) == 0) return (int)i;
    return -1;
}

static int uart_index(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->n_uarts; i++)
        if (strcmp(s->uarts[i].name, name) == 0) return (int)i;
    return -1;
}

static int device_index(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->n_devices; i++)
        if (strcmp(s->devices[i].name, name) == 0) return (int)i;
    return -1;
}

// Splits "key=value"; the key is left in the word. NULL when it is not one.
static char *value_of(char *word)
{
    char *equals = strchr(word, '=');
    if (!equals) return NULL;
    *equals = '\0';
    return equals + 1;
}

static int take_pluto(struct parser *p)
{
    struct scenario *s = p->s;
    if (s->n_plutos == SCENARIO_UNITS_MAX) return too_many(p, SCENARIO_UNITS_MAX);
    struct scenario_pluto u = {.figure_db = 6, .tx_delay = -1};
    int rc = take_name(p, u.name);
    if (rc < 0) return rc;
    if (pluto_index(s, u.name) >= 0) return twice(p);
    for (int i = 2; i < p->n; i++) {
        char *value = value_of(p->words[i]);
        const char *key = p->words[i];
        if (value && strcmp(key, "serial") == 0) {
            size_t len = strlen(value);
            if (len == 0 || len >= sizeof u.serial || strspn(value, "0123456789abcdef") != len)
                return refuse(p, "serial=%s: expected 1 to %zu hex digits in lower case", value,
                              sizeof u.serial - 1);
            memcpy(u.serial, value, len + 1);
        } else if (value && strcmp(key, "ppm") == 0) {
            if (!quantity(value, "", &u.ppm) || fabs(u.ppm) > 200)
                return refuse(p, "ppm=%s: expected a number from -200 to 200", value);
        } else if (value && strcmp(key, "figure") == 0) {
            if (!quantity(value, "dB", &u.figure_db) || u.figure_db < 0 || u.figure_db > 60)
                return refuse(p, "figure=%s: expected a noise figure from 0dB to 60dB", value);
        } else if (value && strcmp(key, "delay") == 0) {
            double samples;
            if (!quantity(value, "", &samples) || samples < 0 || samples > 1e6 ||
                samples != floor(samples))
                return refuse(p, "delay=%s: expected whole samples from 0 to 1000000", value);
            u.tx_delay = (int)samples;
        } else {
            return refuse(p,
                          "'%s' is not an option of pluto; allowed are serial=HEX ppm=N "
                          "figure=NdB delay=N",
                          key);
        }
    }
    if (!u.serial[0]) return refuse(p, "pluto %s: serial=HEX is missing", u.name);
    for (size_t i = 0; i < s->n_plutos; i++)
        if (strcmp(s->plutos[i].serial, u.serial) == 0)
            return refuse(p, "pluto %s has the same serial as %s; units are told apart by it",
                          u.name, s->plutos[i].name);
    s->plutos[s->n_plutos++] = u;
    return ERR_OK;
}

static int take_uart(struct parser *p)
{
    struct scenario *s = p->s;
    if (s->n_uarts == SCENARIO_UNITS_MAX) return too_many(p, SCENARIO_UNITS_MAX);
    struct scenario_uart u = {.baud = 9600};
    int rc = take_name(p, u.name);
    if (rc < 0) return rc;
    if (uart_index(s, u.name) >= 0) return twice(p);
    for (int i = 2; i < p->n; i++) {
        char *value = value_of(p->words[i]);
        if (!value || strcmp(p->words[i], "baud") != 0)
            return refuse(p, "'%s' is not an option of uart; allowed is baud=N", p->words[i]);
        double baud;
        if (!quantity(value, "", &baud) || baud < 50 || baud > 4000000 || baud != floor(baud))
            return refuse(p, "baud=%s: expected a whole number from 50 to 4000000", value);
        u.baud = (unsigned)baud;
    }
    s->uarts[s->n_uarts++] = u;
    return ERR_OK;
}

// Puts folders in the place of {fixtures} and {here}.
static char *expand(struct parser *p, const char *word)
{
    struct bytes b;
    bytes_init(&b, 4 * LINE_BYTES);
    const char *slash = strrchr(p->path, '/');
    int rc = ERR_OK;
    while (*word && rc >= 0) {
        if (strncmp(word, "{fixtures}", 10) == 0) {
            rc = bytes_append(&b, p->fixtures, strlen(p->fixtures), p->err);
            word += 10;
        } else if (strncmp(word, "{here}", 6) == 0) {
            rc = slash ? bytes_append(&b, p->path, (size_t)(slash - p->path), p->err)
                       : bytes_append(&b, ".", 1, p->err);
            word += 6;
        } else {
            rc = bytes_append(&b, word++, 1, p->err);
        }
    }
    char *text = rc >= 0 ? (char *)bytes_take(&b, NULL) : NULL;
    bytes_deinit(&b);
    return text;
}

static int take_device(struct parser *p)
{
    struct scenario *s = p->s;
    if (s->n_devices == SCENARIO_UNITS_MAX) return too_many(p, SCENARIO_UNITS_MAX);
    struct scenario_device u = {
        .uart = -1, .supply_mv = 3300, .temperature_mc = 25000, .figure_db = 6};
    int rc = take_name(p, u.name);
    if (rc < 0) return rc;
    if (device_index(s, u.name) >= 0) return twice(p);
    int i = 2;
    for (; i < p->n && strchr(p->words[i], '='); i++) {
        char *value = value_of(p->words[i]);
        double number;
        if (strcmp(p->words[i], "supply") == 0) {
            if (!quantity(value, "mV", &number) || number < 0 || number > 20000)
                return refuse(p, "supply=%s: expected a voltage from 0mV to 20000mV", value);
            u.supply_mv = (uint32_t)lround(number);
            continue;
        }
        if (strcmp(p->words[i], "temperature") == 0) {
            if (!quantity(value, "C", &number) || number < -100 || number > 200)
                return refuse(p, "temperature=%s: expected degrees from -100C to 200C", value);
            u.temperature_mc = (int32_t)lround(number * 1000);
            continue;
        }
        if (strcmp(p->words[i], "ppm") == 0) {
            if (!quantity(value, "", &u.ppm) || fabs(u.ppm) > 200)
                return refuse(p, "ppm=%s: expected a number from -200 to 200", value);
            continue;
        }
        if (strcmp(p->words[i], "figure") == 0) {
            if (!quantity(value, "dB", &u.figure_db) || u.figure_db < 0 || u.figure_db > 60)
                return refuse(p, "figure=%s: expected a noise figure from 0dB to 60dB", value);
            continue;
        }
        if (strcmp(p->words[i], "uart") != 0)
            return refuse(p,
                          "'%s' is not an option of device; allowed are uart=NAME supply=NmV "
                          "temperature=NC ppm=N figure=NdB, then the program and its arguments",
                          p->words[i]);
        u.uart = uart_index(s, value);
        if (u.uart < 0) return refuse(p, "uart=%s: no such uart above this line", value);
        for (size_t k = 0; k < s->n_devices; k++)
            if (s->devices[k].uart == u.uart)
                return refuse(p, "uart %s is already wired to device %s", value,
                              s->devices[k].name);
    }
    if (i == p->n) return refuse(p, "device %s: expected a program and its arguments", u.name);
    if (p->n - i > SCENARIO_ARGS_MAX - 2)
        return refuse(p, "device %s: more than %d arguments", u.name, SCENARIO_ARGS_MAX - 2);
    struct scenario_device *d = &s->devices[s->n_devices++];
    *d = u;
    for (; i < p->n; i++) {
        d->argv[d->argc] = expand(p, p->words[i]);
        if (!d->argv[d->argc])
            return refuse(p, "device %s: argument %d does not fit in memory", u.name, i);
        d->argc++;
    }
    return ERR_OK;
}

static int take_nvm(struct parser *p)
{
    if (p->n < 2) return refuse(p, "expected: nvm NAME [offset=N] file=PATH");
    int device = device_index(p->s, p->words[1]);
    if (device < 0) return refuse(p, "there is no device %s above this line", p->words[1]);
    const char *words[WORDS_MAX] = {NULL};
    int n = 0, rc = ERR_OK;
    for (; n < p->n - 2 && rc >= 0; n++) {
        words[n] = expand(p, p->words[n + 2]);
        if (!words[n]) rc = refuse(p, "nvm %s: a path too long for memory", p->words[1]);
    }
    struct err why = {0};
    if (rc >= 0 && scenario_nvm_put(&p->s->devices[device].nvm, words, n, &why) < 0)
        rc = refuse(p, "nvm %s: %s", p->words[1], why.text);
    while (n > 0)
        free((char *)words[--n]);
    return rc;
}

static bool valid_ftdi_serial(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len >= SCENARIO_NAME_MAX) return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c)) return false;
    return true;
}

static int take_ftdi(struct parser *p)
{
    struct scenario *s = p->s;
    if (s->n_ftdis == SCENARIO_UNITS_MAX) return too_many(p, SCENARIO_UNITS_MAX);
    struct scenario_ftdi u = {0};
    int rc = take_name(p, u.name), device = -1;
    if (rc < 0) return rc;
    for (int i = 2; i < p->n; i++) {
        char *value = value_of(p->words[i]);
        if (value && strcmp(p->words[i], "serial") == 0) {
            if (!valid_ftdi_serial(value))
                return refuse(p, "serial=%s: expected 1 to %d letters and digits", value,
                              SCENARIO_NAME_MAX - 1);
            memcpy(u.serial, value, strlen(value) + 1);
        } else if (value && strcmp(p->words[i], "device") == 0) {
            device = device_index(s, value);
            if (device < 0) return refuse(p, "device=%s: no such device above this line", value);
        } else if (value && strcmp(p->words[i], "chip") == 0) {
            u.is_double = strcmp(value, "2232h") == 0;
            if (!u.is_double && strcmp(value, "232h") != 0)
                return refuse(p, "chip=%s: expected 232h or 2232h", value);
        } else if (value && strcmp(p->words[i], "debug") == 0) {
            u.is_jtag = strcmp(value, "jtag") == 0;
            if (!u.is_jtag && strcmp(value, "swd") != 0)
                return refuse(p, "debug=%s: expected swd or jtag", value);
        } else {
            return refuse(p,
                          "'%s' is not an option of ftdi; expected: ftdi NAME serial=TEXT "
                          "device=NAME [chip=232h|2232h] [debug=swd|jtag]",
                          p->words[i]);
        }
    }
    if (!u.serial[0] || device < 0)
        return refuse(p, "ftdi %s: expected serial=TEXT and device=NAME", u.name);
    u.device = (unsigned)device;
    for (size_t i = 0; i < s->n_ftdis; i++) {
        if (strcmp(s->ftdis[i].name, u.name) == 0) return twice(p);
        if (strcmp(s->ftdis[i].serial, u.serial) == 0)
            return refuse(p, "ftdi %s has the same serial as %s; adapters are told apart by it",
                          u.name, s->ftdis[i].name);
        if (s->ftdis[i].device == u.device)
            return refuse(p, "device %s already hangs on ftdi %s", s->devices[device].name,
                          s->ftdis[i].name);
    }
    s->ftdis[s->n_ftdis++] = u;
    return ERR_OK;
}

// The number of a station on the air, -1 when there is none, -2 when two kinds have the name.
static int station_index(const struct scenario *s, const char *name)
{
    int device = device_index(s, name), pluto = pluto_index(s, name);
    if (device >= 0 && pluto >= 0) return -2;
    return device >= 0 ? device : pluto >= 0 ? SCENARIO_UNITS_MAX + pluto : -1;
}

static int take_path(struct parser *p)
{
    struct scenario *s = p->s;
    if (s->n_paths == SCENARIO_PATHS_MAX) return too_many(p, SCENARIO_PATHS_MAX);
    if (p->n != 4 || strncmp(p->words[3], "loss=", 5) != 0)
        return refuse(p, "expected: path NAME NAME loss=NdB, each a device or a pluto");
    int ends[2];
    for (int i = 0; i < 2; i++) {
        ends[i] = station_index(s, p->words[i + 1]);
        if (ends[i] == -1)
            return refuse(p, "there is no device or pluto %s above this line", p->words[i + 1]);
        if (ends[i] < 0)
            return refuse(p, "%s is a device and a pluto; a path needs names of its own",
                          p->words[i + 1]);
    }
    if (ends[0] == ends[1] && ends[0] < SCENARIO_UNITS_MAX)
        return refuse(p, "device %s does not hear itself", p->words[1]);
    struct scenario_path u = {.a = (unsigned)ends[0], .b = (unsigned)ends[1]};
    if (!quantity(p->words[3] + 5, "dB", &u.loss_db) || u.loss_db < 0 || u.loss_db > 300)
        return refuse(p, "%s: expected a loss from 0dB to 300dB", p->words[3]);
    for (size_t i = 0; i < s->n_paths; i++)
        if ((s->paths[i].a == u.a && s->paths[i].b == u.b) ||
            (s->paths[i].a == u.b && s->paths[i].b == u.a))
            return refuse(p, "the path from %s to %s stands here a second time", p->words[1],
                          p->words[2]);
    s->paths[s->n_paths++] = u;
    return ERR_OK;
}

static int take_fidelity(struct parser *p)
{
    struct scenario *s = p->s;
    bool all = p->n > 1 && strcmp(p->words[1], "all") == 0;
    int one = p->n > 1 ? pluto_index(s, p->words[1]) : -1;
    if (p->n < 3 || (!all && one < 0) || s->n_plutos == 0)
        return refuse(
            p, "expected: fidelity NAME|all WORD..., behind the plutos it is for; words are %s",
            fidelity_words);
    for (int i = 2; i < p->n; i++) {
        for (size_t k = 0; k < s->n_plutos; k++) {
            struct err why = {0};
            if (!all && (int)k != one) continue;
            if (fidelity_take(&s->plutos[k].fidelity, p->words[i], &why) < 0)
                return refuse(p, "%s", why.text);
        }
    }
    return ERR_OK;
}

static int take_skew(struct parser *p)
{
    double blocks;
    if (p->n != 2 || !quantity(p->words[1], "", &blocks) || blocks < 1 || blocks > 4096 ||
        blocks != floor(blocks))
        return refuse(p, "expected: skew BLOCKS, a whole number from 1 to 4096");
    p->s->skew_blocks = (unsigned)blocks;
    return ERR_OK;
}

static int take_event(struct parser *p)
{
    struct scenario *s = p->s;
    if (s->n_events == SCENARIO_EVENTS_MAX) return too_many(p, SCENARIO_EVENTS_MAX);
    struct scenario_event e = {0};
    double seconds;
    if (p->n < 3 || !quantity(p->words[1], "s", &seconds) || seconds < 0 || seconds > 1e8)
        return refuse(p, "expected: at SECONDSs COMMAND, for example: at 12.5s kill device dut1");
    e.t_ns = (int64_t)llround(seconds * 1e9);
    size_t len = 0;
    for (int i = 2; i < p->n; i++) {
        int n = snprintf(e.command + len, sizeof e.command - len, "%s%s", i > 2 ? " " : "",
                         p->words[i]);
        if (n < 0 || (size_t)n >= sizeof e.command - len)
            return refuse(p, "a command longer than %zu bytes", sizeof e.command - 1);
        len += (size_t)n;
    }
    struct command command;
    struct err why = {0};
    if (command_parse(&command, e.command, s, &why) < 0) return refuse(p, "%s", why.text);
    if (command.what->query) return refuse(p, "%s only asks; nothing happens", p->words[2]);
    size_t at = s->n_events++;
    for (; at > 0 && s->events[at - 1].t_ns > e.t_ns; at--)
        s->events[at] = s->events[at - 1];
    s->events[at] = e;
    return ERR_OK;
}

static const struct {
    const char *word;
    int (*take)(struct parser *p);
} statements[] = {
    {"pluto", take_pluto}, {"uart", take_uart}, {"device", take_device},
    {"path", take_path},   {"nvm", take_nvm},   {"ftdi", take_ftdi},
    {"skew", take_skew},   {"at", take_event},  {"fidelity", take_fidelity},
};

static int take_line(struct parser *p, char *line)
{
    char *save = NULL;
    p->n = 0;
    for (char *w = strtok_r(line, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
        if (w[0] == '#') break;
        if (p->n == WORDS_MAX) return refuse(p, "more than %d words in one line", WORDS_MAX);
        p->words[p->n++] = w;
    }
    if (p->n == 0) return ERR_OK;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (strcmp(statements[i].word, p->words[0]) == 0) return statements[i].take(p);
    return refuse(p,
                  "'%s' is unknown; a line begins with pluto, uart, device, nvm, ftdi, path, "
                  "fidelity, skew or at",
                  p->words[0]);
}

int scenario_parse(struct scenario **out, const char *text, const char *path, const char *fixtures,
                   struct err *err)
{
    struct parser p = {.path = path, .fixtures = fixtures, .err = err};
    p.s = calloc(1, sizeof *p.s);
    if (!p.s) return err_set(err, ERR_NOMEM, "scenario %s", path);
    p.s->skew_blocks = SCENARIO_SKEW_BLOCKS;
    int rc = ERR_OK;
    while (*text && rc >= 0) {
        size_t len = strcspn(text, "\n");
        char line[LINE_BYTES];
        p.line++;
        if (len >= sizeof line) {
            rc = refuse(&p, "a line longer than %d bytes", LINE_BYTES - 1);
            break;
        }
        memcpy(line, text, len);
        line[len] = '\0';
        rc = take_line(&p, line);
        text += len + (text[len] == '\n');
    }
    if (rc >= 0 && p.s->n_plutos + p.s->n_uarts + p.s->n_devices == 0)
        rc = err_set(err, ERR_USAGE,
                     "%s: names no unit; expected lines such as 'pluto station1 "
                     "serial=…'",
                     path);
    if (rc < 0) {
        scenario_free(p.s);
        return rc;
    }
    *out = p.s;
    return ERR_OK;
}

int scenario_load(struct scenario **out, const char *what, const char *fixtures, struct err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", what);
    if (access(path, F_OK) < 0 && !strchr(what, '/'))
        snprintf(path, sizeof path, "%s/scenarios/%s.scenario", fixtures, what);
    if (access(path, R_OK) < 0)
        return err_set(err, ERR_USAGE,
                       "scenario %s: neither a file nor the name of one in %s/scenarios", what,
                       fixtures);
    struct bytes text;
    bytes_init(&text, TEXT_MAX);
    int rc = bytes_read_file(&text, path, err);
    if (rc >= 0) rc = scenario_parse(out, text.data ? (char *)text.data : "", path, fixtures, err);
    bytes_deinit(&text);
    return rc;
}

void scenario_free(struct scenario *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n_devices; i++)
        for (int k = 0; k < s->devices[i].argc; k++)
            free(s->devices[i].argv[k]);
    for (size_t i = 0; i < s->n_devices; i++)
        free(s->devices[i].nvm);
    free(s);
}

int scenario_add_option(struct scenario *s, const char *option, const char *value, struct err *err)
{
    for (size_t i = 0; i < s->n_devices; i++) {
        struct scenario_device *d = &s->devices[i];
        if (d->argc + 2 > SCENARIO_ARGS_MAX)
            return err_set(err, ERR_USAGE, "device %s: more than %d arguments", d->name,
                           SCENARIO_ARGS_MAX);
        const char *added[] = {option, value};
        for (int k = 0; k < 2; k++) {
            d->argv[d->argc] = strdup(added[k]);
            if (!d->argv[d->argc]) return err_set(err, ERR_NOMEM, "device %s", d->name);
            d->argc++;
        }
    }
    return ERR_OK;
}
