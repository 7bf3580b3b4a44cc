// A serial port through libserialport, and the only file that knows it.
//
// Three habits of that library are worked round here: it locks nothing, so two benches could share
// a port; its blocking read spins at full load on a port that was unplugged; and its open leaves
// the modem lines as the kernel raised them.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dut/port_ops.h"

// A device that takes no byte for so long has stopped its flow; commands are far shorter than the
// kernel's queue.
enum { WRITE_LIMIT_MS = 1000 };

struct port_serial {
    struct port base;
    char *path;
    int lock_fd; // holds the lock, and the port open before the library touches it
    struct sp_port *sp;
    bool opened; // sp was opened
};

static struct port_serial *serial_of(struct port *p)
{
    return (struct port_serial *)p;
}

// Error of a library call: `doing` is what was tried. EIO and its kin mean that the port is gone.
static int sp_error(const struct port_serial *s, enum sp_return rc, const char *doing,
                    struct err *err)
{
    if (rc != SP_ERR_FAIL)
        return err_set(err, rc == SP_ERR_MEM ? ERR_NOMEM : ERR_UNSUPPORTED,
                       "serial port %s: cannot %s: %s; check the adapter and its driver", s->path,
                       doing,
                       rc == SP_ERR_MEM    ? "out of memory"
                       : rc == SP_ERR_SUPP ? "not supported"
                                           : "not accepted");
    int why = sp_last_error_code();
    bool gone = why == EIO || why == ENXIO || why == ENODEV || why == EBADF;
    return err_set(err, gone ? ERR_GONE : ERR_IO, "serial port %s: cannot %s: %s; %s", s->path,
                   doing, strerror(why),
                   gone ? "it was unplugged: check the cable, then start again"
                        : "check the adapter and its driver");
}

// Opens and locks the port before the library changes anything, so that a port in use stays as its
// user set it.
static int lock_port(struct port_serial *s, struct err *err)
{
    s->lock_fd = open(s->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (s->lock_fd < 0) {
        int why = errno;
        if (why == EBUSY)
            return err_set(err, ERR_BUSY,
                           "serial port %s: another program holds it; end that program (fuser %s "
                           "names it)",
                           s->path, s->path);
        if (why == EACCES)
            return err_set(err, ERR_IO,
                           "serial port %s: permission denied; add this user to the port's group "
                           "(dialout) and log in again",
                           s->path);
        return err_set(err, ERR_GONE,
                       "serial port %s: cannot open it: %s; check that the adapter is plugged in "
                       "and the path in the bench file (/dev/serial/by-id lists what is there)",
                       s->path, strerror(why));
    }
    if (!isatty(s->lock_fd))
        return err_set(err, ERR_INVALID,
                       "serial port %s: expected a serial port, found another kind of file; mend "
                       "the path in the bench file",
                       s->path);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, ERR_BUSY,
                       "serial port %s: another program holds it; end that program (fuser %s names "
                       "it)",
                       s->path, s->path);
    // Opening raised both lines: lower them again before anything slow happens.
    int lines = TIOCM_DTR | TIOCM_RTS;
    (void)ioctl(s->lock_fd, TIOCMBIC, &lines); // reported later, by lower_lines
    return ERR_OK;
}

static int lower_lines(struct port_serial *s, struct err *err)
{
    enum sp_return rc = sp_set_dtr(s->sp, SP_DTR_OFF);
    if (rc != SP_OK) return sp_error(s, rc, "release DTR", err);
    rc = sp_set_rts(s->sp, SP_RTS_OFF);
    if (rc != SP_OK) return sp_error(s, rc, "release RTS", err);
    return ERR_OK;
}

static int check_baud(struct port_serial *s, unsigned baud, struct err *err)
{
    struct sp_port_config *got = NULL;
    int value = 0;
    enum sp_return rc = sp_new_config(&got);
    if (rc == SP_OK) rc = sp_get_config(s->sp, got);
    if (rc == SP_OK) rc = sp_get_config_baudrate(got, &value);
    int out = rc != SP_OK ? sp_error(s, rc, "read its settings", err) : ERR_OK;
    if (out == ERR_OK && value != (int)baud)
        out =
            err_set(err, ERR_IO,
                    "serial port %s: rate was set to %u baud and reads back as %d; use an adapter "
                    "that can do this rate",
                    s->path, baud, value);
    if (got) sp_free_config(got);
    return out;
}

static int configure(struct port_serial *s, unsigned baud, struct err *err)
{
    enum sp_return rc = sp_set_flowcontrol(s->sp, SP_FLOWCONTROL_NONE);
    if (rc != SP_OK) return sp_error(s, rc, "switch flow control off", err);
    rc = sp_set_baudrate(s->sp, (int)baud);
    if (rc != SP_OK) return sp_error(s, rc, "set its rate", err);
    rc = sp_set_bits(s->sp, 8);
    if (rc != SP_OK) return sp_error(s, rc, "set 8 data bits", err);
    rc = sp_set_parity(s->sp, SP_PARITY_NONE);
    if (rc != SP_OK) return sp_error(s, rc, "set no parity", err);
    rc = sp_set_stopbits(s->sp, 1);
    if (rc != SP_OK) return sp_error(s, rc, "set 1 stop bit", err);
    int out = lower_lines(s, err);
    if (out < 0) return out;
    out = check_baud(s, baud, err);
    if (out < 0) return out;
    rc = sp_flush(s->sp, SP_BUF_BOTH);
    if (rc != SP_OK) return sp_error(s, rc, "empty its buffers", err);
    return ERR_OK;
}

static int serial_write(struct port *p, const void *data, size_t len, struct err *err)
{
    struct port_serial *s = serial_of(p);
    int fd = -1;
    enum sp_return rc = sp_get_port_handle(s->sp, &fd);
    if (rc != SP_OK) return sp_error(s, rc, "reach it", err);
    size_t done = 0;
    while (done < len) {
        int n = sp_nonblocking_write(s->sp, (const char *)data + done, len - done);
        // A full queue comes as a failure with EAGAIN, not as the documented zero.
        if (n == SP_ERR_FAIL && sp_last_error_code() == EAGAIN) n = 0;
        if (n < 0) return sp_error(s, (enum sp_return)n, "write", err);
        done += (size_t)n;
        if (n > 0) continue;
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        int ready = poll(&wait, 1, WRITE_LIMIT_MS);
        if (ready < 0 && errno != EINTR)
            return err_set(err, ERR_IO, "serial port %s: cannot wait for it: %s", s->path,
                           strerror(errno));
        if (ready == 0)
            return err_set(
                err, ERR_TIMEOUT,
                "serial port %s: took %zu of %zu bytes and no more for %d ms; check that "
                "the device is powered and its flow control is off",
                s->path, done, len, WRITE_LIMIT_MS);
    }
    return ERR_OK;
}

static int unplugged(const struct port_serial *s, struct err *err)
{
    return err_set(err, ERR_GONE,
                   "serial port %s: it was unplugged; check the cable, then start again", s->path);
}

static int serial_read(struct port *p, void *data, size_t max, struct err *err)
{
    struct port_serial *s = serial_of(p);
    int fd = -1;
    enum sp_return rc = sp_get_port_handle(s->sp, &fd);
    if (rc != SP_OK) return sp_error(s, rc, "reach it", err);
    // poll also makes the kernel hand over what lies half-way; counting the waiting bytes does not.
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int n = poll(&ready, 1, 0);
    if (n < 0 && errno == EINTR) return 0;
    if (n < 0)
        return err_set(err, ERR_IO, "serial port %s: cannot look at it: %s", s->path,
                       strerror(errno));
    if (n == 0) return 0;
    if (!(ready.revents & POLLIN)) return unplugged(s, err);
    n = sp_nonblocking_read(s->sp, data, max);
    if (n < 0) return sp_error(s, (enum sp_return)n, "read", err);
    if (n == 0 && max > 0) return unplugged(s, err); // readable and nothing there: hung up
    return n;
}

static int serial_set_line(struct port *p, enum port_line line, bool active, struct err *err)
{
    struct port_serial *s = serial_of(p);
    enum sp_return rc = line == PORT_LINE_DTR ? sp_set_dtr(s->sp, active ? SP_DTR_ON : SP_DTR_OFF)
                                              : sp_set_rts(s->sp, active ? SP_RTS_ON : SP_RTS_OFF);
    if (rc != SP_OK) return sp_error(s, rc, line == PORT_LINE_DTR ? "set DTR" : "set RTS", err);
    return ERR_OK;
}

static void serial_close(struct port *p)
{
    struct port_serial *s = serial_of(p);
    if (!s) return;
    if (s->opened) {
        (void)lower_lines(s, NULL); // a port that is gone has no lines
        sp_close(s->sp);
    }
    if (s->sp) sp_free_port(s->sp);
    if (s->lock_fd >= 0) close(s->lock_fd);
    free(s->path);
    free(s);
}

static const struct port_ops serial_ops = {serial_write, serial_read, serial_set_line,
                                           serial_close};

int port_open(struct port **out, const struct port_config *config, struct err *err)
{
    *out = NULL;
    if (!config->path || !config->path[0] || config->baud == 0)
        return err_set(err, ERR_USAGE,
                       "serial port '%s' at %u baud: expected a path and a rate; mend the bench "
                       "file and the device file",
                       config->path ? config->path : "", config->baud);
    struct port_serial *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "serial port %s: out of memory", config->path);
    s->base.ops = &serial_ops;
    s->lock_fd = -1;
    enum sp_return sp = SP_OK;
    s->path = strdup(config->path);
    int rc = s->path ? lock_port(s, err)
                     : err_set(err, ERR_NOMEM, "serial port %s: out of memory", config->path);
    if (rc < 0) goto fail;

    sp = sp_get_port_by_name(s->path, &s->sp);
    if (sp == SP_OK) sp = sp_open(s->sp, SP_MODE_READ_WRITE);
    if (sp != SP_OK) {
        rc = sp_error(s, sp, "open it", err);
        goto fail;
    }
    s->opened = true;
    // Shuts out programs that do not look at the lock (all but the superuser's).
    (void)ioctl(s->lock_fd, TIOCEXCL);
    rc = configure(s, config->baud, err);
    if (rc < 0) goto fail;

    *out = &s->base;
    return ERR_OK;
fail:
    serial_close(&s->base);
    return rc;
}

// --- finding ports

// tty numbers change with the order of plugging; the link that udev makes does not.
static void find_lasting_path(const char *path, char *out, size_t size)
{
    static const char folder[] = "/dev/serial/by-id";
    char wanted[PATH_MAX], link[PATH_MAX], target[PATH_MAX];
    snprintf(out, size, "%s", path);
    DIR *dir = realpath(path, wanted) ? opendir(folder) : NULL;
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        int n = snprintf(link, sizeof link, "%s/%s", folder, entry->d_name);
        if (n > 0 && (size_t)n < size && realpath(link, target) && strcmp(target, wanted) == 0)
            snprintf(out, size, "%s", link);
    }
    if (dir) closedir(dir);
}

static void copy_or_empty(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

int port_find(struct port_found *out, size_t max, struct err *err)
{
    struct sp_port **list = NULL;
    size_t n = 0;
    if (sp_list_ports(&list) != SP_OK)
        return err_set(err, ERR_IO, "serial ports cannot be listed: %s; is /sys mounted?",
                       strerror(sp_last_error_code()));
    for (size_t i = 0; list[i] && n < max; i++) {
        int vendor = 0, product = 0;
        if (sp_get_port_transport(list[i]) != SP_TRANSPORT_USB ||
            sp_get_port_usb_vid_pid(list[i], &vendor, &product) != SP_OK)
            continue;
        struct port_found *one = &out[n++];
        *one = (struct port_found){.vendor = (unsigned)vendor, .product = (unsigned)product};
        find_lasting_path(sp_get_port_name(list[i]), one->path, sizeof one->path);
        copy_or_empty(one->description, sizeof one->description, sp_get_port_description(list[i]));
        copy_or_empty(one->serial, sizeof one->serial, sp_get_port_usb_serial(list[i]));
    }
    sp_free_port_list(list);
    return (int)n;
}
