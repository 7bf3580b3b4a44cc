// The serial port over a pseudo terminal whose other end the test holds: settings, bytes, lines,
// the lock, and what is said when it is pulled out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "dut/port.h"

// Pseudo terminals have no modem lines, and libserialport refuses a port without: this stands in
// for the kernel's answer. As the kernel does, the first open would raise both lines.
static int modem_lines;
static bool fake_lines;

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    int waiting;
    if (!fake_lines ||
        (request != TIOCMGET && request != TIOCMSET && request != TIOCMBIS && request != TIOCMBIC))
        return (int)syscall(SYS_ioctl, fd, request, arg);
    if (syscall(SYS_ioctl, fd, FIONREAD, &waiting) < 0) return -1; // hung up
    int *lines = arg;
    if (request == TIOCMGET) *lines = modem_lines;
    if (request == TIOCMSET) modem_lines = *lines;
    if (request == TIOCMBIS) modem_lines |= *lines;
    if (request == TIOCMBIC) modem_lines &= ~*lines;
    return 0;
}

struct world {
    char dir[32];
    char link[64]; // the port's stable name
    char path[96]; // a form of it that the library looks up in /dev and in /sys alike
    int master;
    int slave; // kept open, else the master sees an end before the port is opened
};

static void plug(struct world *w)
{
    w->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    assert_true(w->master >= 0);
    assert_int_equal(grantpt(w->master), 0);
    assert_int_equal(unlockpt(w->master), 0);
    w->slave = open(ptsname(w->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(w->slave >= 0);
    struct termios t;
    assert_int_equal(tcgetattr(w->slave, &t), 0);
    cfmakeraw(&t);
    assert_int_equal(tcsetattr(w->slave, TCSANOW, &t), 0);
    unlink(w->link);
    assert_int_equal(symlink(ptsname(w->master), w->link), 0);
    modem_lines = TIOCM_DTR | TIOCM_RTS;
}

static void unplug(struct world *w)
{
    close(w->slave);
    close(w->master);
    w->slave = w->master = -1;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->dir, sizeof w->dir, "/tmp/foxport-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->link, sizeof w->link, "%s/ttyDUT0", w->dir);
    snprintf(w->path, sizeof w->path, "/dev/../../..%s", w->link);
    fake_lines = true;
    plug(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    if (w->master >= 0) unplug(w);
    unlink(w->link);
    rmdir(w->dir);
    free(w);
    return 0;
}

static struct port *open_ok(const struct world *w, unsigned baud)
{
    struct port *p = NULL;
    struct err e = {0};
    if (port_open(&p, &(struct port_config){w->path, baud}, &e) < 0) fail_msg("%s", e.text);
    return p;
}

static void open_fails(const char *path, unsigned baud, int code, const char *text)
{
    struct port *p = (struct port *)&code; // must be overwritten
    struct err e = {0};
    assert_int_equal(port_open(&p, &(struct port_config){path, baud}, &e), code);
    assert_null(p);
    if (!strstr(e.text, text)) fail_msg("expected '%s' in: %s", text, e.text);
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void test_settings_and_bytes(void **state)
{
    struct world *w = *state;
    assert_int_equal(write(w->master, "stale", 5), 5); // from before: must not be read
    struct port *p = open_ok(w, 9600);
    struct termios t;
    assert_int_equal(tcgetattr(w->master, &t), 0);
    assert_int_equal(cfgetospeed(&t), B9600);
    assert_int_equal(t.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8);
    assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG), 0);

    char data[600];
    assert_int_equal(port_read(p, data, sizeof data, NULL), 0);
    static const char all[] = {0, '\r', '\n', 3, 4, 0x11, 0x13, 0x7f, (char)0xff, 'x'};
    assert_int_equal(write(w->master, all, sizeof all), sizeof all);
    assert_int_equal(port_read(p, data, 4, NULL), 4);
    assert_int_equal(port_read(p, data + 4, sizeof data - 4, NULL), sizeof all - 4);
    assert_memory_equal(data, all, sizeof all);
    assert_int_equal(port_read(p, data, sizeof data, NULL), 0);

    assert_int_equal(port_write(p, all, sizeof all, NULL), ERR_OK);
    assert_int_equal(read(w->master, data, sizeof data), sizeof all);
    assert_memory_equal(data, all, sizeof all);
    port_close(p);

    p = open_ok(w, 115200);
    assert_int_equal(tcgetattr(w->master, &t), 0);
    assert_int_equal(cfgetospeed(&t), B115200);
    port_close(p);
}

static void test_modem_lines(void **state)
{
    struct world *w = *state;
    struct port *p = open_ok(w, 9600);
    assert_int_equal(modem_lines, 0);
    assert_int_equal(port_set_line(p, PORT_LINE_RTS, true, NULL), ERR_OK);
    assert_int_equal(modem_lines, TIOCM_RTS);
    assert_int_equal(port_set_line(p, PORT_LINE_DTR, true, NULL), ERR_OK);
    assert_int_equal(modem_lines, TIOCM_RTS | TIOCM_DTR);
    assert_int_equal(port_set_line(p, PORT_LINE_RTS, false, NULL), ERR_OK);
    assert_int_equal(modem_lines, TIOCM_DTR);
    port_close(p); // leaves the device without power and out of reset
    assert_int_equal(modem_lines, 0);
}

static void test_one_user_at_a_time(void **state)
{
    struct world *w = *state;
    struct port *p = open_ok(w, 9600);
    assert_int_equal(port_set_line(p, PORT_LINE_RTS, true, NULL), ERR_OK);
    open_fails(w->path, 115200, ERR_BUSY, "another program holds it");
    open_fails(w->link, 115200, ERR_BUSY, w->link); // by any of its names

    // The refused one has changed nothing.
    struct termios t;
    assert_int_equal(tcgetattr(w->master, &t), 0);
    assert_int_equal(cfgetospeed(&t), B9600);
    assert_int_equal(modem_lines, TIOCM_RTS);
    char data[8];
    assert_int_equal(write(w->master, "OK\r", 3), 3);
    assert_int_equal(port_read(p, data, sizeof data, NULL), 3);
    port_close(p);
    port_close(open_ok(w, 9600));
}

static void test_unplugged_and_plugged_again(void **state)
{
    struct world *w = *state;
    struct port *p = open_ok(w, 9600);
    unplug(w);
    struct err e = {0};
    char data[8];
    double began = cpu_s();
    assert_int_equal(port_read(p, data, sizeof data, &e), ERR_GONE);
    assert_non_null(strstr(e.text, "it was unplugged; check the cable"));
    assert_non_null(strstr(e.text, w->path));
    for (int i = 0; i < 100; i++)
        assert_int_equal(port_read(p, data, sizeof data, &e), ERR_GONE);
    assert_true(cpu_s() - began < 0.1); // no spinning inside the library
    assert_int_equal(port_write(p, "AT\r", 3, &e), ERR_GONE);
    assert_non_null(strstr(e.text, "cannot write"));
    assert_int_equal(port_set_line(p, PORT_LINE_DTR, true, &e), ERR_GONE);
    port_close(p);

    open_fails(w->path, 9600, ERR_GONE, "check that the adapter is plugged in");
    plug(w);
    p = open_ok(w, 9600);
    assert_int_equal(write(w->master, "again", 5), 5);
    assert_int_equal(port_read(p, data, sizeof data, NULL), 5);
    port_close(p);
}

static void test_a_device_that_takes_nothing(void **state)
{
    struct world *w = *state;
    struct port *p = open_ok(w, 9600);
    size_t len = 1 << 18;
    char *big = calloc(1, len);
    assert_non_null(big);
    struct err e = {0};
    int rc = port_write(p, big, len, &e);
    if (rc != ERR_TIMEOUT) fail_msg("%d: %s", rc, e.text);
    size_t taken = 0, asked = 0;
    const char *at = strstr(e.text, "took ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "took %zu of %zu bytes", &taken, &asked), 2);
    assert_int_equal(asked, len);
    assert_in_range(taken, 1, len - 1);
    size_t seen = 0;
    ssize_t n;
    while ((n = read(w->master, big, len)) > 0)
        seen += (size_t)n;
    assert_int_equal(seen, taken);
    free(big);
    port_close(p);
}

static void test_no_such_port(void **state)
{
    struct world *w = *state;
    open_fails("/dev/ttyFOX99", 9600, ERR_GONE,
               "serial port /dev/ttyFOX99: cannot open it: No such");
    open_fails("/dev/null", 9600, ERR_INVALID, "expected a serial port, found another kind");
    open_fails("", 9600, ERR_USAGE, "expected a path and a rate");
    open_fails(w->path, 0, ERR_USAGE, "at 0 baud");
    fake_lines = false; // a terminal without modem lines
    open_fails(w->path, 9600, ERR_IO, "cannot open it: Inappropriate ioctl");
    fake_lines = true;
    port_close(open_ok(w, 9600)); // nothing was left locked
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_settings_and_bytes),          TEST(test_modem_lines),
        TEST(test_one_user_at_a_time),          TEST(test_unplugged_and_plugged_again),
        TEST(test_a_device_that_takes_nothing), TEST(test_no_such_port),
    };
    return cmocka_run_group_tests_name("serial port", tests, NULL, NULL);
}
