#include "bench/desk.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/run_lab.h"
#include "bench/run_process.h"
#include "lua/bind/script.h"
#include "lua/bind/state.h"

enum { ARGS_MAX = 32, TURN_MS = 100, BAUD = 9600, ANSWER_LIMIT_S = 5 };

static const char *text_of(const struct jval *object, const char *key, const char *otherwise)
{
    return jval_text(jval_get(object, key), otherwise);
}

int desk_fail(const char *command, const struct err *err)
{
    fprintf(stderr, "foxbench %s: %s\n", command, err->text);
    return err->code == ERR_USAGE || err->code == ERR_INVALID ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
}

int desk_seconds(const char *option, const char *text, double *out, struct err *err)
{
    if (!text) return ERR_OK;
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= 0 && v <= 86400))
        return err_set(err, ERR_USAGE, "%s: expected seconds from 0 to 86400, got '%s'", option,
                       text);
    *out = v;
    return ERR_OK;
}

// --- signals

// A handler has no context to keep it in.
static volatile sig_atomic_t interrupted;

static void note(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void take_signals(void)
{
    struct sigaction action = {.sa_handler = note}; // no SA_RESTART: a wait ends
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool desk_interrupted(void)
{
    take_signals();
    return interrupted;
}

// --- in a lab

int desk_in_lab(const char *command, const char *armed, int argc, char **argv)
{
    char bench[PATH_MAX];
    const char *words[ARGS_MAX] = {"foxbench", command, "--bench", bench};
    struct lab *lab = NULL;
    struct process child = {0};
    struct err err = {0};
    int n = 4, code = CMD_EXIT_ERROR;
    snprintf(bench, sizeof bench, "%s/fixtures/benches/virtual.lua", cmd_root());
    if (armed) {
        words[n++] = "--arm";
        words[n++] = armed;
    }
    if (n + argc > ARGS_MAX) {
        fprintf(stderr, "foxbench %s: expected at most %d words, got %d\n", command, ARGS_MAX - n,
                argc - 1);
        return CMD_EXIT_USAGE;
    }
    for (int i = 1; i < argc; i++)
        words[n++] = argv[i];
    const struct lab_config config = {
        .seed = 1, .scenario = "default", .live = true, .signal_fd = -1};
    take_signals();
    if (lab_start(&lab, &config, &err) < 0) return desk_fail(command, &err);
    fprintf(stderr, "foxbench %s: without --bench this is the virtual lab\n", command);
    fflush(stdout);
    const struct process_config start = {.program = "/proc/self/exe",
                                         .argv = words,
                                         .env = lab_environment(lab),
                                         .in = STDIN_FILENO,
                                         .out = STDOUT_FILENO,
                                         .err = STDERR_FILENO,
                                         .keep = -1,
                                         .death_signal = SIGTERM,
                                         .same_group = true};
    if (process_start(&child, &start, &err) < 0) {
        code = desk_fail(command, &err);
    } else {
        bool told = false;
        while (!process_wait(&child, TURN_MS)) {
            if (interrupted && !told) kill(child.pid, SIGTERM);
            told = interrupted;
        }
        if (WIFEXITED(child.status)) code = WEXITSTATUS(child.status);
    }
    process_end(&child);
    lab_stop(lab);
    return code;
}

// --- the bench file

// Checked as a run would, with the reference device in the place of the device that may stand
// there.
static int check(struct desk *d, const char *path, struct err *err)
{
    char file[PATH_MAX];
    struct jval *device = NULL, *limits = NULL, *device_out = NULL, *bench_out = NULL;
    struct state *state = NULL;
    snprintf(file, sizeof file, "%s/fixtures/devices/foxdut.lua", cmd_root());
    int rc = script_read_data(file, &device, err);
    snprintf(file, sizeof file, "%s/fixtures/limits/report-only.lua", cmd_root());
    if (rc >= 0) rc = script_read_data(file, &limits, err);
    if (rc >= 0) rc = state_open(&state, cmd_root(), err);
    if (rc >= 0) {
        rc = state_check(state, device, d->bench, limits, &device_out, &bench_out, err);
        if (rc < 0) rc = err_prefix(err, "%s", path);
    }
    if (rc >= 0) {
        jval_free(d->bench);
        d->bench = jval_ref(bench_out);
    }
    jval_free(device_out);
    jval_free(bench_out);
    jval_free(limits);
    jval_free(device);
    state_close(state);
    return rc < 0 ? rc : ERR_OK;
}

int desk_read(struct desk *d, const char *bench, struct err *err)
{
    *d = (struct desk){.power_line = -1, .reset_line = -1};
    int rc = script_read_data(bench, &d->bench, err);
    return rc < 0 ? rc : check(d, bench, err);
}

// --- opening

static bool is_wired(const struct jval *ftdi, const char *what)
{
    const struct jval *wired = jval_get(ftdi, "wired");
    for (size_t i = 0; i < jval_len(wired); i++)
        if (strcmp(jval_text(jval_at(wired, i), ""), what) == 0) return true;
    return false;
}

int desk_open_ftdi(struct desk *d, struct err *err)
{
    const struct jval *f = jval_get(d->bench, "ftdi");
    if (!f)
        return err_set(err, ERR_USAGE,
                       "the bench file names no adapter at the device's pins; expected for example "
                       "ftdi = { serial = \"FT…\", relay = \"AC0\" } (docs/HARDWARE.md)");
    int rc = ftdi_open(&d->ftdi, text_of(f, "serial", ""), err);
    if (rc >= 0)
        rc = power_init(&d->power, d->ftdi, text_of(f, "relay", NULL), text_of(f, "reset", NULL),
                        text_of(f, "lab_enable", NULL), err);
    d->what = text_of(f, "unit", "adapter");
    d->has_flash = is_wired(f, "spi");
    d->has_swd = is_wired(f, "swd");
    d->has_jtag = is_wired(f, "jtag");
    d->discharge_s = jval_number(jval_get(f, "discharge_s"), 0);
    return rc;
}

static int line_of(const struct jval *line)
{
    return strcmp(text_of(line, "line", ""), "rts") == 0 ? PORT_LINE_RTS : PORT_LINE_DTR;
}

// The bench's entry of this port; unit NULL: the first.
static const struct jval *find_uart(const struct desk *d, const char *unit)
{
    const struct jval *uarts = jval_get(d->bench, "uarts");
    for (size_t i = 0; i < jval_len(uarts); i++)
        if (!unit || strcmp(text_of(jval_at(uarts, i), "unit", ""), unit) == 0)
            return jval_at(uarts, i);
    return NULL;
}

static int open_uart(struct desk *d, const struct jval *uart, unsigned baud, struct err *err)
{
    const struct port_config config = {.path = text_of(uart, "path", NULL),
                                       .baud = (unsigned)jval_int(jval_get(uart, "baud"), baud)};
    return port_open(&d->port, &config, err);
}

// Modem lines of the open port that switch the device.
static void take_lines(struct desk *d, const struct jval *power, const char *unit)
{
    const struct jval *reset = jval_get(d->bench, "reset");
    d->what = unit;
    d->discharge_s = jval_number(jval_get(power, "discharge_s"), 0);
    d->power_line = line_of(power);
    if (strcmp(text_of(reset, "uart", ""), unit) == 0) d->reset_line = line_of(reset);
}

static int open_port(struct desk *d, const struct jval *power, struct err *err)
{
    const char *unit = text_of(power, "uart", "");
    int rc = open_uart(d, find_uart(d, unit), BAUD, err);
    if (rc >= 0) take_lines(d, power, unit);
    return rc;
}

// A further device of the make, which its own serial line switches.
static const struct jval *find_sample(const struct desk *d, const char *unit)
{
    const struct jval *samples = jval_get(d->bench, "samples");
    for (size_t i = 0; i < jval_len(samples); i++)
        if (strcmp(text_of(jval_at(samples, i), "uart", ""), unit) == 0) return jval_at(samples, i);
    return NULL;
}

int desk_open_line(struct desk *d, const char *unit, unsigned baud, struct err *err)
{
    const struct jval *uart = find_uart(d, unit), *power = jval_get(d->bench, "power");
    if (!uart)
        return err_set(err, ERR_USAGE,
                       "the bench file has no serial port '%s'; expected one of "
                       "the units in its uarts",
                       unit ? unit : "");
    d->line = text_of(uart, "unit", "");
    const struct jval *sample = find_sample(d, d->line);
    bool is_first = uart == find_uart(d, NULL);
    int rc = ERR_OK;
    // The adapter is the first device's.
    if (is_first && jval_get(d->bench, "ftdi")) {
        rc = desk_open_ftdi(d, err);
        d->switched = true;
    }
    if (rc >= 0) rc = open_uart(d, uart, baud, err);
    if (rc < 0 || d->ftdi) return rc;
    if (strcmp(text_of(power, "uart", ""), d->line) == 0) {
        take_lines(d, power, d->line);
        d->switched = true;
    } else if (sample) {
        d->power_line =
            strcmp(text_of(sample, "power", ""), "dtr") == 0 ? PORT_LINE_DTR : PORT_LINE_RTS;
        d->switched = true;
    }
    return ERR_OK;
}

int desk_open_power(struct desk *d, struct err *err)
{
    const struct jval *power = jval_get(d->bench, "power");
    if (jval_get(d->bench, "ftdi")) return desk_open_ftdi(d, err);
    if (power) return open_port(d, power, err);
    return err_set(err, ERR_USAGE,
                   "the bench file names nothing that switches the device's power; expected "
                   "ftdi = { … } or power = { uart = \"dut1\", line = \"rts\" } "
                   "(docs/HARDWARE.md)");
}

void desk_close(struct desk *d)
{
    ftdi_close(d->ftdi);
    port_close(d->port);
    jval_free(d->bench);
    *d = (struct desk){0};
}

// --- power, reset, time

int desk_set_power(struct desk *d, bool on, struct err *err)
{
    if (d->ftdi) return on ? power_on(&d->power, err) : power_off(&d->power, err);
    return port_set_line(d->port, (enum port_line)d->power_line, on, err);
}

int desk_check_off(struct desk *d, struct err *err)
{
    return d->ftdi ? power_check_off(&d->power, d->has_flash, err) : ERR_OK;
}

int desk_set_reset(struct desk *d, bool held, struct err *err)
{
    if (d->ftdi) return power_reset(&d->power, held, err);
    if (d->reset_line < 0)
        return err_set(err, ERR_USAGE,
                       "the bench file names no reset line; expected for example reset = { uart = "
                       "\"dut1\", line = \"dtr\" }");
    return port_set_line(d->port, (enum port_line)d->reset_line, held, err);
}

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// A signal ends the pause early.
static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

// A stretch of time by the adapter's clock, which also moves a lab's.
static int wait_on_adapter(struct ftdi *f, int ms, struct err *err)
{
    const uint8_t get_high = 0x83; // an answer behind the delay
    struct ftdi_batch b;
    uint8_t level;
    ftdi_batch_init(&b, FTDI_BATCH_MAX);
    ftdi_batch_delay(&b, 1000u * (unsigned)ms);
    ftdi_batch_put(&b, &get_high, 1, 1);
    double limit_s = wall_s() + ms * 1e-3 + ANSWER_LIMIT_S;
    int rc = ftdi_batch_start(f, &b, err);
    while (rc == ERR_OK) {
        pause_ms(1);
        rc = ftdi_batch_collect(f, &level, err);
        if (rc == ERR_OK && wall_s() > limit_s)
            rc = err_set(err, ERR_TIMEOUT,
                         "FTDI adapter %s: does not answer any more; pull it and plug it in again",
                         ftdi_serial(f));
    }
    ftdi_batch_deinit(&b);
    return rc < 0 ? rc : ERR_OK;
}

int desk_wait(struct desk *d, double seconds, struct err *err)
{
    double end_s = seconds < 0 ? INFINITY : wall_s() + seconds;
    int rc = ERR_OK;
    take_signals();
    while (!interrupted && wall_s() < end_s && rc >= 0) {
        double left_ms = (end_s - wall_s()) * 1e3;
        int turn_ms = left_ms < TURN_MS ? (int)left_ms + 1 : TURN_MS;
        uint8_t ignored[64];
        if (d->ftdi) {
            rc = wait_on_adapter(d->ftdi, turn_ms, err);
        } else {
            pause_ms(turn_ms);
            if (!d->line) rc = port_read(d->port, ignored, sizeof ignored, err); // pulled?
        }
    }
    return rc < 0 ? rc : interrupted ? 1 : ERR_OK;
}
