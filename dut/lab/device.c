#include "dut/lab/device.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/base/log.h"

enum { PORT_FD = 3, FIRST_VERSION = 1 };

void device_options_path(const char *nvm_path, char *out, size_t size)
{
    snprintf(out, size, "%s.options", nvm_path);
}

int device_new(struct device **out, const struct device_config *config, struct err *err)
{
    struct device *d = calloc(1, sizeof *d);
    if (!d) return err_set(err, ERR_NOMEM, "device %s", config->name);
    snprintf(d->name, sizeof d->name, "%s", config->name);
    d->index = config->index;
    d->argv = config->argv;
    d->seed = config->seed;
    d->host = config->host;
    d->supply_mv = config->supply_mv;
    d->temperature_mc = config->temperature_mc;
    d->wire.fd = -1;
    d->limit_ms = DEVICE_LIMIT_MS;
    int rc = nvm_open(&d->nvm, config->nvm_path, PORT_NVM_SIZE, config->nvm, err);
    char options[PATH_MAX];
    device_options_path(config->nvm_path, options, sizeof options);
    if (rc >= 0) rc = memory_new(&d->memory, options, err);
    if (rc < 0) {
        device_free(d);
        return rc;
    }
    *out = d;
    return ERR_OK;
}

// Ends the process; the text says how it had ended by itself, if it had.
static void end_process(struct device *d, char *how, size_t size)
{
    if (how) how[0] = '\0';
    d->outputs = 0;
    if (d->pid <= 0) return;
    int status = 0;
    pid_t ended = 0;
    // A device that closed its end of the port is about to end by itself: the reason is worth 100
    // ms.
    for (int i = 0; how && i < 100 && ended == 0; i++) {
        ended = waitpid(d->pid, &status, WNOHANG);
        if (ended == 0) usleep(1000);
    }
    if (ended == 0) {
        kill(d->pid, SIGKILL);
        waitpid(d->pid, &status, 0);
    } else if (how && WIFSIGNALED(status)) {
        snprintf(how, size, " (killed by signal %d, %s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else if (how && WIFEXITED(status)) {
        snprintf(how, size, " (exit status %d)", WEXITSTATUS(status));
    }
    d->pid = 0;
    if (d->wire.fd >= 0) close(d->wire.fd);
    wire_deinit(&d->wire);
    d->wire.fd = -1;
}

void device_free(struct device *d)
{
    if (!d) return;
    end_process(d, NULL, 0);
    nvm_close(d->nvm);
    memory_free(d->memory);
    free(d);
}

// Devices are found beside the lab itself, then in PATH.
static int find_program(const char *name, char *path, size_t size, struct err *err)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (strchr(name, '/')) {
        snprintf(path, size, "%s", name);
        if (access(path, X_OK) == 0) return ERR_OK;
        return err_set(err, ERR_NOTFOUND, "program %s: %s", name, strerror(errno));
    }
    if (n > 0) {
        self[n] = '\0';
        char *slash = strrchr(self, '/');
        if (slash) *slash = '\0';
        snprintf(path, size, "%s/%s", self, name);
        if (access(path, X_OK) == 0) return ERR_OK;
    }
    const char *dirs = getenv("PATH");
    while (dirs && *dirs) {
        size_t len = strcspn(dirs, ":");
        snprintf(path, size, "%.*s/%s", (int)len, dirs, name);
        if (len && access(path, X_OK) == 0) return ERR_OK;
        dirs += len + (dirs[len] == ':');
    }
    return err_set(err, ERR_NOTFOUND,
                   "program %s: neither in %s (beside foxlab) nor in PATH; build it or give a path",
                   name, n > 0 ? self : "?");
}

static void child(struct device *d, const char *path, int fd)
{
    // The lab's own preloads are for the bench, not for devices.
    unsetenv("LD_PRELOAD");
    char number[16];
    snprintf(number, sizeof number, "%d", PORT_FD);
    setenv("FOXPORT_FD", number, 1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    // What a firmware prints is for people: the lab's standard output carries its environment.
    int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0) (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    if (fd == PORT_FD || dup2(fd, PORT_FD) == PORT_FD) execv(path, d->argv);
    fprintf(stderr, "foxlab: device %s: %s: %s\n", d->name, path, strerror(errno));
    _exit(127);
}

static int spawn(struct device *d, struct err *err)
{
    char path[PATH_MAX];
    int rc = find_program(d->argv[0], path, sizeof path, err);
    if (rc < 0) return rc;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(err, ERR_IO, "socketpair: %s", strerror(errno));
    pid_t lab = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != lab) _exit(127);
        child(d, path, pair[1]);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return err_set(err, ERR_IO, "fork: %s", strerror(errno));
    }
    d->pid = pid;
    wire_init(&d->wire, pair[0], d->limit_ms);
    return ERR_OK;
}

static int say_hello(struct device *d, enum port_boot_cause cause, int64_t now_ns, struct err *err)
{
    uint8_t head[32];
    wire_put_u32(head, PORT_VERSION);
    wire_put_u32(head + 4, cause);
    wire_put_i64(head + 8, now_ns);
    wire_put_i64(head + 16, (int64_t)d->seed);
    wire_put_u32(head + 24, d->supply_mv);
    wire_put_u32(head + 28, PORT_NVM_SIZE);
    return wire_send(&d->wire, PORT_HELLO, head, sizeof head, d->name, strlen(d->name), err);
}

static int tell_pin(struct device *d, int64_t t_ns, unsigned line, struct err *err)
{
    uint8_t head[16];
    wire_put_i64(head, t_ns);
    wire_put_u32(head + 8, line);
    wire_put_u32(head + 12, d->pins >> line & 1);
    return wire_send(&d->wire, PORT_GPIO_IN, head, sizeof head, NULL, 0, err);
}

// Devices of version 1 know nothing of temperature.
static int tell_temperature(struct device *d, int64_t t_ns, struct err *err)
{
    uint8_t head[16] = {0};
    if (d->version < 2) return ERR_OK;
    wire_put_i64(head, t_ns);
    wire_put_u32(head + 8, (uint32_t)d->temperature_mc);
    return wire_send(&d->wire, PORT_TEMPERATURE, head, sizeof head, NULL, 0, err);
}

static int tell_supply(struct device *d, int64_t t_ns, struct err *err)
{
    uint8_t head[12];
    wire_put_i64(head, t_ns);
    wire_put_u32(head + 8, d->supply_mv);
    return wire_send(&d->wire, PORT_SUPPLY, head, sizeof head, NULL, 0, err);
}

static void log_text(const struct device *d, enum log_level level, int64_t t_ns,
                     const uint8_t *text, size_t len)
{
    log_line(level, "foxlab", "device %s at %.6f s: %.*s", d->name, (double)t_ns * 1e-9,
             len > 480 ? 480 : (int)len, (const char *)text);
}

static int await_ready(struct device *d, struct err *err)
{
    for (;;) {
        struct wire_message m;
        int rc = wire_receive(&d->wire, &m, err);
        if (rc < 0) return rc;
        if (m.type == PORT_LOG && m.len >= 8) {
            log_text(d, LOG_LEVEL_INFO, wire_i64(m.body), m.body + 8, m.len - 8);
        } else if (m.type == PORT_REFUSE) {
            return err_set(err, ERR_USAGE, "refuses to start: %.*s", m.len > 300 ? 300 : (int)m.len,
                           (const char *)m.body);
        } else if (m.type == PORT_READY && m.len >= 8) {
            d->version = wire_u32(m.body);
            if (d->version < FIRST_VERSION || d->version > PORT_VERSION)
                return err_set(err, ERR_USAGE,
                               "speaks version %u of the device port, the lab versions %d to %d; "
                               "build it with the client of this tree (dut/port)",
                               d->version, FIRST_VERSION, PORT_VERSION);
            snprintf(d->program, sizeof d->program, "%.*s", (int)(m.len - 8),
                     (const char *)m.body + 8);
            return ERR_OK;
        } else {
            return err_set(err, ERR_FORMAT, "sent message %u where READY or REFUSE was expected",
                           m.type);
        }
    }
}

// The device is out of the game at now_ns; says why, with the way its process ended.
static int die(struct device *d, int64_t now_ns, struct err *err)
{
    char how[96];
    bool ended = err->code == ERR_GONE;
    end_process(d, ended ? how : NULL, sizeof how);
    d->state = DEVICE_STATE_DEAD;
    d->next_ns = PORT_NEVER;
    d->n_listens = 0;
    nvm_cut(d->nvm, now_ns);
    snprintf(d->why_dead, sizeof d->why_dead, "%.150s%.95s", err->text, ended ? how : "");
    return err_set(err, err->code, "device %s: %s", d->name, d->why_dead);
}

int device_start(struct device *d, enum port_boot_cause cause, int64_t now_ns, struct err *err)
{
    struct err why = {0};
    if (cause == PORT_BOOT_POWER) memory_power_up(d->memory);
    int rc = spawn(d, &why);
    if (rc >= 0) rc = say_hello(d, cause, now_ns, &why);
    if (rc >= 0 || why.code == ERR_GONE) rc = await_ready(d, &why);
    if (rc >= 0) rc = tell_temperature(d, now_ns, &why);
    for (unsigned i = 0; i < 32 && rc >= 0; i++) // low is what it expects
        if (d->pins >> i & 1) rc = tell_pin(d, now_ns, i, &why);
    d->granted_ns = d->message_ns = now_ns;
    if (rc < 0) {
        rc = die(d, now_ns, &why);
        return err ? err_set(err, rc, "%s", why.text) : rc;
    }
    d->state = DEVICE_STATE_RUNNING;
    d->next_ns = now_ns; // it has work to do at once
    d->starts++;
    return ERR_OK;
}

void device_stop(struct device *d, int64_t now_ns)
{
    end_process(d, NULL, 0);
    nvm_cut(d->nvm, now_ns);
    d->state = DEVICE_STATE_OFF;
    d->next_ns = PORT_NEVER;
    d->n_listens = 0;
}

void device_crash(struct device *d, int64_t now_ns, const char *why)
{
    if (d->state != DEVICE_STATE_RUNNING) return;
    struct err e = {0};
    (void)err_set(&e, ERR_IO, "%s", why);
    (void)die(d, now_ns, &e);
    LOG_WARN("foxlab", "%s", e.text);
}

int64_t device_next_ns(const struct device *d)
{
    if (d->state != DEVICE_STATE_RUNNING) return PORT_NEVER;
    int64_t next = d->next_ns;
    for (size_t i = 0; i < d->n_listens; i++)
        if (d->listens[i].to_ns < next) next = d->listens[i].to_ns;
    return next;
}

bool device_next_listen(struct device *d, int64_t t_ns, struct device_listen *out)
{
    size_t best = d->n_listens;
    for (size_t i = 0; i < d->n_listens; i++)
        if (d->listens[i].to_ns <= t_ns &&
            (best == d->n_listens || d->listens[i].to_ns < d->listens[best].to_ns))
            best = i;
    if (best == d->n_listens) return false;
    *out = d->listens[best];
    d->listens[best] = d->listens[--d->n_listens];
    return true;
}

// A running device was told something (rc): it gets the chance to notice, or is dead.
static int told(struct device *d, int64_t t_ns, int rc, const struct err *why, struct err *err)
{
    if (rc >= 0) {
        if (t_ns < d->next_ns) d->next_ns = t_ns;
        return ERR_OK;
    }
    struct err copy = *why;
    rc = die(d, t_ns, &copy);
    return err_set(err, rc, "%s", copy.text);
}

int device_set_pin(struct device *d, int64_t t_ns, unsigned line, bool level, struct err *err)
{
    uint32_t bit = UINT32_C(1) << line;
    if (!(d->pins & bit) == !level) return ERR_OK;
    d->pins ^= bit;
    if (d->state != DEVICE_STATE_RUNNING) return ERR_OK; // told when it starts
    struct err why = {0};
    return told(d, t_ns, tell_pin(d, t_ns, line, &why), &why, err);
}

int device_set_supply(struct device *d, int64_t t_ns, uint32_t mv, struct err *err)
{
    if (d->supply_mv == mv) return ERR_OK;
    d->supply_mv = mv;
    if (d->state != DEVICE_STATE_RUNNING) return ERR_OK;
    struct err why = {0};
    return told(d, t_ns, tell_supply(d, t_ns, &why), &why, err);
}

int device_set_temperature(struct device *d, int64_t t_ns, int32_t mc, struct err *err)
{
    if (d->temperature_mc == mc) return ERR_OK;
    d->temperature_mc = mc;
    if (d->state != DEVICE_STATE_RUNNING) return ERR_OK;
    struct err why = {0};
    return told(d, t_ns, tell_temperature(d, t_ns, &why), &why, err);
}

int device_uart_rx(struct device *d, int64_t t_ns, const uint8_t *data, size_t len, struct err *err)
{
    uint8_t head[8];
    wire_put_i64(head, t_ns);
    struct err why = {0};
    if (wire_send(&d->wire, PORT_UART_RX, head, sizeof head, data, len, &why) >= 0) return ERR_OK;
    int rc = die(d, t_ns, &why);
    return err_set(err, rc, "%s", why.text);
}

int device_rf_samples(struct device *d, const struct device_listen *window, const float *iq,
                      size_t n, struct err *err)
{
    uint8_t head[24];
    wire_put_i64(head, window->from_ns);
    wire_put_f64(head + 8, window->carrier_hz);
    wire_put_f64(head + 16, window->rate_hz);
    struct err why = {0};
    // x86-64 and the port agree on the layout of a float.
    if (wire_send(&d->wire, PORT_RF_SAMPLES, head, sizeof head, iq, n * 8, &why) >= 0)
        return ERR_OK;
    int rc = die(d, window->to_ns, &why);
    return err_set(err, rc, "%s", why.text);
}

// --- what a device says

static int nvm_access(struct device *d, const struct wire_message *m, int64_t t, struct err *err)
{
    if (m->len < 16) return err_set(err, ERR_FORMAT, "sent a short NVM access");
    uint32_t offset = wire_u32(m->body + 8), len = wire_u32(m->body + 12);
    uint8_t data[PORT_NVM_SIZE];
    int64_t done = t;
    int status;
    bool read = m->type == PORT_NVM_READ;
    if (read)
        status = nvm_read(d->nvm, t, offset, len, data);
    else if (m->len - 16 != len)
        return err_set(err, ERR_FORMAT, "sent an NVM write of %u bytes with %zu bytes in it", len,
                       m->len - 16);
    else
        status = nvm_write(d->nvm, t, offset, m->body + 16, len, &done);
    uint8_t head[16] = {0};
    wire_put_i64(head, done);
    wire_put_u32(head + 8, (uint32_t)status);
    return wire_send(&d->wire, PORT_NVM_DONE, head, sizeof head, data,
                     read && status == 0 ? len : 0, err);
}

static int rf_transmit(struct device *d, const struct wire_message *m, int64_t t, struct err *err)
{
    if (m->len < 24 || (m->len - 24) % 8)
        return err_set(err, ERR_FORMAT,
                       "sent a burst of %zu bytes; expected a head of 24 and 8 a "
                       "sample",
                       m->len);
    double carrier = wire_f64(m->body + 8), rate = wire_f64(m->body + 16);
    if (!isfinite(carrier) || carrier <= 0 || !isfinite(rate) || rate < 1 || rate > 1e8)
        return err_set(err, ERR_FORMAT,
                       "sent a burst at %g Hz with %g S/s; expected a carrier "
                       "above 0 and a rate from 1 to 1e8",
                       carrier, rate);
    size_t n = (m->len - 24) / 8;
    if (n == 0) return ERR_OK;
    float *iq = malloc(n * 8);
    if (!iq) return err_set(err, ERR_NOMEM, "a burst of %zu samples", n);
    memcpy(iq, m->body + 24, n * 8);
    for (size_t i = 0; i < 2 * n; i++) {
        if (isfinite(iq[i])) continue;
        free(iq);
        return err_set(err, ERR_FORMAT, "sent a burst with a sample that is no number");
    }
    return d->host.rf_tx(d->host.ctx, d->index, t, carrier, rate, iq, n, err);
}

static int listen_on_air(struct device *d, const struct wire_message *m, int64_t t, struct err *err)
{
    if (m->len != 32) return err_set(err, ERR_FORMAT, "sent an RF_LISTEN of %zu bytes", m->len);
    struct device_listen w = {.from_ns = t,
                              .to_ns = wire_i64(m->body + 8),
                              .carrier_hz = wire_f64(m->body + 16),
                              .rate_hz = wire_f64(m->body + 24)};
    double samples = (double)(w.to_ns - w.from_ns) * 1e-9 * w.rate_hz;
    if (!isfinite(w.carrier_hz) || w.carrier_hz <= 0 || !(w.rate_hz >= 1) || w.to_ns <= w.from_ns ||
        !(samples * 8 + 64 < PORT_BODY_MAX))
        return err_set(err, ERR_FORMAT,
                       "wants to listen from %lld to %lld ns at %g Hz with %g S/s; expected a "
                       "window that fits one message (%d bytes)",
                       (long long)w.from_ns, (long long)w.to_ns, w.carrier_hz, w.rate_hz,
                       PORT_BODY_MAX);
    if (d->n_listens == DEVICE_LISTENS_MAX)
        return err_set(err, ERR_FORMAT, "has more than %d receive windows open",
                       DEVICE_LISTENS_MAX);
    d->listens[d->n_listens++] = w;
    return ERR_OK;
}

static int take(struct device *d, const struct wire_message *m, int64_t until_ns, bool *idle,
                struct err *err)
{
    if (m->len < 8) return err_set(err, ERR_FORMAT, "sent message %u without a time", m->type);
    int64_t t = wire_i64(m->body);
    if (m->type == PORT_IDLE) {
        if (t <= until_ns)
            return err_set(err, ERR_FORMAT,
                           "says its next event is at %lld ns, which is over "
                           "(granted: %lld)",
                           (long long)t, (long long)until_ns);
        d->next_ns = t;
        *idle = true;
        return ERR_OK;
    }
    // A burst or a window may be ordered ahead of time; everything else happens now.
    bool ahead = m->type == PORT_RF_TX || m->type == PORT_RF_LISTEN;
    if (t < d->message_ns || (t > until_ns && !ahead))
        return err_set(err, ERR_FORMAT,
                       "sent message %u for %lld ns; expected a time from %lld to %lld", m->type,
                       (long long)t, (long long)d->message_ns, (long long)until_ns);
    if (!ahead) d->message_ns = t;
    switch (m->type) {
    case PORT_UART_TX:
        d->host.uart_tx(d->host.ctx, d->index, t, m->body + 8, m->len - 8);
        return ERR_OK;
    case PORT_NVM_READ:
    case PORT_NVM_WRITE:
        return nvm_access(d, m, t, err);
    case PORT_RF_TX:
        return rf_transmit(d, m, t, err);
    case PORT_RF_LISTEN:
        return listen_on_air(d, m, t, err);
    case PORT_LOG:
        log_text(d, LOG_LEVEL_INFO, t, m->body + 8, m->len - 8);
        return ERR_OK;
    case PORT_GPIO_OUT:
        if (m->len != 16 || wire_u32(m->body + 8) > 31 || wire_u32(m->body + 12) > 1)
            return err_set(err, ERR_FORMAT, "sent a GPIO_OUT that is none");
        d->outputs &= ~(UINT32_C(1) << wire_u32(m->body + 8));
        d->outputs |= wire_u32(m->body + 12) << wire_u32(m->body + 8);
        return ERR_OK;
    case PORT_PROTECT:
        if (m->len != 16 || wire_u32(m->body + 12) > 1)
            return err_set(err, ERR_FORMAT, "sent a PROTECT that is none");
        return memory_protect(d->memory, wire_u32(m->body + 8), wire_u32(m->body + 12), err);
    default:
        return err_set(err, ERR_FORMAT, "sent message %u, which the lab does not know", m->type);
    }
}

static int take_image(struct device *d, const struct wire_message *m, struct err *err)
{
    if (m->len < 8) return err_set(err, ERR_FORMAT, "sent an IMAGE of %zu bytes", m->len);
    return memory_write(d->memory, wire_u32(m->body), wire_u32(m->body + 4), m->body + 8,
                        m->len - 8, err);
}

int device_grant(struct device *d, int64_t until_ns, struct err *err)
{
    uint8_t head[8];
    wire_put_i64(head, until_ns);
    struct err why = {0};
    int rc = wire_send(&d->wire, PORT_GRANT, head, sizeof head, NULL, 0, &why);
    bool idle = false;
    while (rc >= 0 && !idle) {
        struct wire_message m;
        rc = wire_receive(&d->wire, &m, &why);
        if (rc >= 0 && m.type == PORT_IMAGE) // begins with the image's number, not with a time
            rc = take_image(d, &m, &why);
        else if (rc >= 0)
            rc = take(d, &m, until_ns, &idle, &why);
    }
    if (rc >= 0) {
        d->granted_ns = until_ns;
        nvm_settle(d->nvm, until_ns);
        return ERR_OK;
    }
    rc = die(d, until_ns, &why);
    return err_set(err, rc, "%s", why.text);
}
