// foxbench tx: sends one burst from a radio of the bench, inside its permit, and says how the bench
// itself heard it.
//
// A process of its own sends; the one that was started watches it, and powers the transmitters down
// when it is lost.
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/cmd_tx.h"
#include "bench/desk.h"
#include "bench/nearest.h"
#include "lua/bind/ring.h"

enum { SILENCE_TIMEOUT_MS = 4000, TAIL_BLOCKS = 2, STARTS = 3 };

static const double head_s = 0.3;      // before the burst, so that it can still be handed over
static const double seconds_max = 10;  // of a jammer
static const double edge_part = 0.45;  // of the rate: a radio hears well so far out
static const double beside_hz = 115e3; // where a listener's own carrier is put

// ---- radios

// A radio is tuned so that it hears the burst well.
static void tune(struct radio_config *c, const struct tx_burst *b)
{
    if (fabs(b->f_hz - c->lo_hz) + b->bandwidth_hz / 2 > edge_part * c->rate_hz)
        c->lo_hz = b->f_hz - beside_hz;
}

static int open_sender(struct tx *t, struct err *err)
{
    struct radio_config config = desk_radios_config(&t->radios, t->sender);
    const char *unit = desk_radios_unit(&t->radios, t->sender);
    if (!config.transmit)
        return err_set(err, ERR_USAGE,
                       "%s only listens; set transmit = true for it in the bench file, with its rf "
                       "paths and the permit, or name another radio",
                       unit);
    config.wait = true;
    tune(&config, &t->burst);
    return desk_radios_open(&t->radios, t->sender, &config, &t->radio, err);
}

// The sender itself where it hears itself, else the first radio with a declared path that nobody
// else has.
static int open_listener(struct tx *t, struct err *err)
{
    t->listener = t->sender;
    t->listens = desk_radios_path(&t->radios, t->sender, t->sender) != NULL;
    if (t->listens) t->ear = t->radio;
    for (unsigned i = 0; i < desk_radios_count(&t->radios) && !t->listens; i++) {
        if (i == t->sender || !desk_radios_path(&t->radios, t->sender, i)) continue;
        struct radio_config config = desk_radios_config(&t->radios, i);
        struct err why = {0};
        config.transmit = false;
        config.wait = true;
        tune(&config, &t->burst);
        int rc = desk_radios_open(&t->radios, i, &config, &t->ear, &why);
        t->listener = i;
        t->listens = rc == ERR_OK;
        if (rc == ERR_BUSY)
            fprintf(stderr, "foxbench tx: %s does not listen: %s\n",
                    desk_radios_unit(&t->radios, i), why.text);
        else if (rc < 0)
            return err_set(err, rc, "%s", why.text);
    }
    return ERR_OK;
}

static void close_radios(struct tx *t)
{
    air_transmit_free(t->transmit);
    if (t->ear != t->radio) radio_close(t->ear);
    radio_close(t->radio);
    iq_ring_deinit(&t->ring);
    t->transmit = NULL;
    t->ear = t->radio = NULL;
}

static int read_block(struct tx *t, int64_t *now, struct err *err)
{
    struct iq_block block;
    int rc = radio_read(t->radio, &block, err);
    if (rc < 0) return rc;
    *now = block.first_sample + (int64_t)block.n_samples;
    if (t->ear == t->radio) {
        iq_ring_put(&t->ring, block.iq, block.n_samples);
    } else if (t->ear) {
        struct iq_block heard;
        rc = radio_read(t->ear, &heard, err);
        if (rc < 0) return rc;
        iq_ring_put(&t->ring, heard.iq, heard.n_samples);
    }
    return air_transmit_step(t->transmit, *now, err);
}

static int open_once(struct tx *t, const struct tx_request *q, int64_t *now, struct err *err)
{
    const struct radio_config config = desk_radios_config(&t->radios, t->sender);
    int rc = tx_burst_make(q, &t->radios, config.rate_hz, &t->burst, err);
    if (rc == ERR_OK) rc = open_sender(t, err);
    if (rc == ERR_OK) rc = open_listener(t, err);
    if (rc < 0) return rc;
    struct radio *radios[] = {t->radio, t->ear};
    rc = radio_align(radios, t->ear && t->ear != t->radio ? 2 : 1, err);
    if (rc < 0)
        return pump_name_unit(err, "radio", config.uri, desk_radios_unit(&t->radios, t->sender));
    rc = air_transmit_new(&t->transmit, t->radio, desk_radios_permit(&t->radios, t->sender),
                          t->armed, err);
    if (rc < 0) return rc;
    // the rate that the radio took
    const double rate_hz = radio_info(t->radio)->rate_hz;
    rc = tx_burst_make(q, &t->radios, rate_hz, &t->burst, err);
    if (rc == ERR_OK && t->ear)
        rc = iq_ring_init(&t->ring,
                          t->burst.n + (size_t)((head_s + 4 * AIR_ECHO_SEARCH_S) * rate_hz) +
                              2 * TAIL_BLOCKS * config.block_samples,
                          err);
    return rc == ERR_OK ? read_block(t, now, err) : rc;
}

// A stream that loses its place while it is started is begun anew: nothing has been sent yet.
static int open_all(struct tx *t, const struct tx_request *q, int64_t *now, struct err *err)
{
    int rc = ERR_OK;
    for (int i = 0; i < STARTS; i++) {
        close_radios(t);
        *err = (struct err){0};
        rc = open_once(t, q, now, err);
        if (rc != ERR_GONE || desk_interrupted()) break;
    }
    return rc;
}

// ---- sending

// 1: interrupted.
static int send_burst(struct tx *t, int64_t now, struct err *err)
{
    const double rate = radio_info(t->radio)->rate_hz;
    t->burst.start = air_transmit_earliest(t->transmit) + (int64_t)(head_s * rate);
    int rc = tx_burst_send(&t->burst, t->transmit, err);
    const int64_t end = t->burst.start + (int64_t)t->burst.n;
    const int64_t until = end + (int64_t)(2 * AIR_ECHO_SEARCH_S * rate);
    while (rc == ERR_OK && now < until) {
        if (desk_interrupted()) {
            rc = air_transmit_stop(t->transmit, err);
            if (rc < 0) return rc;
            fprintf(stderr, "stopped: the oscillator is off\n");
            return 1;
        }
        rc = read_block(t, &now, err);
    }
    return rc;
}

// ---- the two processes

struct files {
    const char *bench, *device, *unit;
};

// The radio that is named, or the first that may send.
static int find_sender(const struct desk_radios *d, const char *unit, unsigned *out,
                       struct err *err)
{
    int rc = desk_radios_find(d, unit, out, err);
    for (unsigned i = 0; rc == ERR_OK && !unit && i < desk_radios_count(d); i++)
        if (desk_radios_config(d, i).transmit) {
            *out = i;
            break;
        }
    return rc;
}

static int act(const struct files *files, struct tx_request *q, unsigned armed)
{
    struct tx t = {.armed = armed};
    struct err err = {0};
    int code = CMD_EXIT_OK;
    int64_t now = 0;
    int rc = desk_radios_read(&t.radios, files->bench, files->device, &err);
    if (rc == ERR_OK) rc = find_sender(&t.radios, files->unit, &t.sender, &err);
    const struct jval *level = jval_get(desk_radios_entry(&t.radios, t.sender), "downlink_dbm");
    if (rc == ERR_OK && isnan(q->level_dbm) && !level)
        rc = err_set(&err, ERR_USAGE,
                     "expected --dbm LEVEL: the bench file has no downlink_dbm for %s",
                     desk_radios_unit(&t.radios, t.sender));
    q->usual_dbm = jval_number(level, NAN);
    if (rc == ERR_OK) rc = open_all(&t, q, &now, &err);
    if (rc == ERR_OK) rc = send_burst(&t, now, &err);
    if (rc > 0) code = CMD_EXIT_INTERRUPTED;
    if (rc == ERR_OK) rc = tx_tell(&t, &err);
    if (rc > 0 && code == CMD_EXIT_OK) code = rc;
    close_radios(&t);
    desk_radios_deinit(&t.radios);
    fflush(stdout);
    return rc < 0 ? desk_fail("tx", &err) : code;
}

static void silence_all(const struct files *files)
{
    struct desk_radios d;
    struct err err = {0};
    int rc = desk_radios_read(&d, files->bench, files->device, &err);
    for (unsigned i = 0; rc == ERR_OK && i < desk_radios_count(&d); i++) {
        struct radio_config config = desk_radios_config(&d, i);
        config.timeout_ms = SILENCE_TIMEOUT_MS;
        if (config.transmit && radio_silence(&config, &err) < 0)
            fprintf(stderr, "foxbench tx: %s: %s\n", desk_radios_unit(&d, i), err.text);
    }
    if (rc < 0) fprintf(stderr, "foxbench tx: %s\n", err.text);
    desk_radios_deinit(&d);
}

// Waits for the sending process; what signals this one meets is passed on.
static int watch(pid_t child, const struct files *files)
{
    int status = 0;
    bool told = false;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return CMD_EXIT_ERROR;
        if (desk_interrupted() && !told) kill(child, SIGTERM);
        told = desk_interrupted();
    }
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    fprintf(stderr,
            "foxbench tx: the sending process was lost (signal %d); the transmitters are "
            "powered down\n",
            WTERMSIG(status));
    silence_all(files);
    return CMD_EXIT_ERROR;
}

static int guarded(const struct files *files, struct tx_request *q, unsigned armed)
{
    (void)desk_interrupted(); // signals are taken from here on, in both
    const pid_t parent = getpid(), child = fork();
    if (child > 0) return watch(child, files);
    if (child < 0) {
        fprintf(stderr, "foxbench tx: no second process: %s; end other programs\n",
                strerror(errno));
        return CMD_EXIT_ERROR;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int code = getppid() == parent ? act(files, q, armed) : CMD_EXIT_INTERRUPTED;
    fflush(stderr);
    _exit(code);
}

// ---- the command line

static int take_what(const struct words *w, struct tx_request *q, struct err *err)
{
    const char *what = w->n ? w->list[0] : "nothing", *shapes[PHY_JAM_SHAPES];
    const bool jam = strcmp(what, "jam") == 0;
    q->what = jam ? TX_JAM : strcmp(what, "uplink") == 0 ? TX_UPLINK : TX_DOWNLINK;
    if (w->n == 0 || (q->what == TX_DOWNLINK && strcmp(what, "downlink") != 0) ||
        w->n != (jam ? 2 : 1))
        return err_set(err, ERR_USAGE, "expected downlink, uplink or jam SHAPE, got '%s'%s", what,
                       w->n > 1 ? " and more" : "");
    if (!jam || phy_jam_shape_find(w->list[1], &q->shape)) return ERR_OK;
    char names[128] = "";
    for (int i = 0; i < PHY_JAM_SHAPES; i++) {
        const size_t n = strlen(names);
        shapes[i] = phy_jam_shape_name((enum phy_jam_shape)i);
        snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", shapes[i]);
    }
    const char *near = nearest_word(w->list[1], shapes, PHY_JAM_SHAPES);
    return err_set(err, ERR_USAGE, "jam: expected a shape (%s), got '%s'%s%s", names, w->list[1],
                   near ? "; the nearest is " : "", near ? near : "");
}

static int take_number(const char *option, const char *text, double least, double most, double *out,
                       struct err *err)
{
    char *end;
    if (!text) return ERR_OK;
    *out = strtod(text, &end);
    if (end != text && !*end && *out >= least && *out <= most) return ERR_OK;
    return err_set(err, ERR_USAGE, "%s: expected a number from %g to %g, got '%s'", option, least,
                   most, text);
}

static int take_armed(const struct values *arm, unsigned *armed, struct err *err)
{
    for (size_t i = 0; i < arm->n; i++) {
        if (strcmp(arm->list[i], "interference") != 0)
            return err_set(err, ERR_USAGE, "--arm: expected interference, got '%s'", arm->list[i]);
        *armed |= AIR_ARMED_INTERFERENCE;
    }
    return ERR_OK;
}

int cmd_tx(int argc, char **argv)
{
    struct tx_request q = {.rank = 1, .seconds = 1, .f_hz = NAN, .level_dbm = NAN};
    struct files files = {0};
    struct values arm = {0};
    const char *counter = NULL, *rank = NULL, *seconds = NULL, *hz = NULL, *dbm = NULL;
    const struct argument arguments[] = {
        {.name = "--bench", .value = &files.bench},
        {.name = "--device", .value = &files.device},
        {.name = "--radio", .value = &files.unit},
        {.name = "--hz", .value = &hz},
        {.name = "--dbm", .value = &dbm},
        {.name = "--payload", .value = &q.payload},
        {.name = "--counter", .value = &counter},
        {.name = "--rank", .value = &rank},
        {.name = "--for", .value = &seconds},
        {.name = "--arm", .values = &arm},
        {0},
    };
    struct words words = {.max = 2};
    struct err err = {0};
    unsigned armed = 0;
    int rc = arguments_parse(arguments, &words, argc, argv, &err);
    if (rc == ARGUMENTS_GO_ON) rc = take_what(&words, &q, &err);
    if (rc == ARGUMENTS_GO_ON) rc = take_number("--hz", hz, 1e6, 6e9, &q.f_hz, &err);
    if (rc == ARGUMENTS_GO_ON) rc = take_number("--dbm", dbm, -120, 30, &q.level_dbm, &err);
    if (rc == ARGUMENTS_GO_ON)
        rc = take_number("--for", seconds, 0.1, seconds_max, &q.seconds, &err);
    if (rc == ARGUMENTS_GO_ON && counter)
        rc = arguments_number("--counter", counter, 0, 4095, &q.counter, &err);
    if (rc == ARGUMENTS_GO_ON && rank) rc = arguments_number("--rank", rank, 1, 3, &q.rank, &err);
    if (rc == ARGUMENTS_GO_ON) rc = take_armed(&arm, &armed, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("tx", rc, &err);
    if (files.bench) return guarded(&files, &q, armed);
    return desk_in_lab("tx", "interference", argc, argv); // where nothing leaves the computer
}
