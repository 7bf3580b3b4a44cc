// foxbench console: a device's serial line by hand, with its power, rate and line ends.
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/desk.h"
#include "lua/bind/script.h"
#include "lua/bind/state.h"

enum { INPUT_MAX = 512, TURN_MS = 20 };

struct console {
    struct desk desk;
    char line_end[8]; // of the device's dialect
    long long baud;   // 0: of the dialect
    double quiet_s;   // after the end of input: as long without a byte is the end
    bool column;      // something stands in the present line
};

// What the device declares of its line: its dialect's rate and line end.
static int read_dialect(struct console *c, const char *device, struct err *err)
{
    struct jval *file = NULL, *dialect = NULL;
    struct state *state = NULL;
    int rc = script_read_data(device, &file, err);
    if (rc >= 0) rc = state_open(&state, cmd_root(), err);
    if (rc >= 0) rc = state_dialect(state, jval_text(jval_get(file, "dialect"), ""), &dialect, err);
    if (rc >= 0) {
        snprintf(c->line_end, sizeof c->line_end, "%s",
                 jval_text(jval_get(dialect, "line_end"), "\r"));
        if (c->baud == 0) c->baud = jval_int(jval_get(dialect, "baud"), 9600);
    }
    jval_free(dialect);
    jval_free(file);
    state_close(state);
    return rc < 0 ? rc : ERR_OK;
}

// Line ends of either kind end a line; what a terminal might obey is shown as its number.
static void show(struct console *c, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t b = bytes[i];
        bool end = b == '\r' || b == '\n';
        if (end && c->column) putchar('\n');
        if (!end && b >= ' ' && b < 0x7f) putchar(b);
        if (!end && (b < ' ' || b >= 0x7f)) printf("\\x%02x", b);
        c->column = !end;
    }
    fflush(stdout);
}

// One line of input goes to the device with its own line end. 0 at the end of input.
static int send_input(struct console *c, struct err *err)
{
    char text[INPUT_MAX];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);
    if (n < 0) return errno == EINTR ? 1 : err_set(err, ERR_IO, "input: %s", strerror(errno));
    for (ssize_t i = 0; i < n; i++) {
        bool end = text[i] == '\n';
        int rc = port_write(c->desk.port, end ? c->line_end : &text[i],
                            end ? strlen(c->line_end) : 1, err);
        if (rc < 0) return rc;
    }
    return n > 0;
}

static int talk(struct console *c, struct err *err)
{
    bool input = true;
    for (double left_s = c->quiet_s; input || left_s > 0;) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        int rc = input && poll(&in, 1, 0) > 0 ? send_input(c, err) : 1;
        if (rc < 0) return rc;
        if (rc == 0) input = false;
        rc = desk_wait(&c->desk, TURN_MS * 1e-3, err);
        if (rc != ERR_OK) return rc;
        uint8_t bytes[INPUT_MAX];
        int n = port_read(c->desk.port, bytes, sizeof bytes, err);
        if (n < 0) return n;
        show(c, bytes, (size_t)n);
        if (!input) left_s = n > 0 ? c->quiet_s : left_s - TURN_MS * 1e-3;
    }
    if (c->column) putchar('\n');
    return ERR_OK;
}

static int act(struct console *c, const char *unit, double boot_s, struct err *err)
{
    int rc = desk_open_line(&c->desk, unit, (unsigned)c->baud, err);
    if (rc < 0) return rc;
    fprintf(stderr, "%s at %lld baud, %s; Ctrl-D ends\n", c->desk.line, c->baud,
            c->desk.switched ? "its power is on" : "its power is not the bench's");
    rc = c->desk.switched ? desk_set_power(&c->desk, true, err) : ERR_OK;
    if (rc >= 0) rc = desk_wait(&c->desk, boot_s, err);
    return rc != ERR_OK ? rc : talk(c, err);
}

int cmd_console(int argc, char **argv)
{
    const char *bench = NULL, *device = NULL, *baud = NULL, *boot = NULL, *quiet = NULL;
    const struct argument arguments[] = {
        {.name = "--bench", .value = &bench}, {.name = "--device", .value = &device},
        {.name = "--baud", .value = &baud},   {.name = "--boot", .value = &boot},
        {.name = "--quiet", .value = &quiet}, {0},
    };
    char reference[PATH_MAX];
    struct console c = {.quiet_s = 2};
    struct words words = {.max = 1};
    struct err err = {0};
    double boot_s = 0;
    int rc = arguments_parse(arguments, &words, argc, argv, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--boot", boot, &boot_s, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--quiet", quiet, &c.quiet_s, &err);
    if (rc == ARGUMENTS_GO_ON && baud)
        rc = arguments_number("--baud", baud, 50, 4000000, &c.baud, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("console", rc, &err);
    if (!bench) return desk_in_lab("console", NULL, argc, argv);

    snprintf(reference, sizeof reference, "%s/fixtures/devices/foxdut.lua", cmd_root());
    rc = read_dialect(&c, device ? device : reference, &err);
    if (rc >= 0) rc = desk_read(&c.desk, bench, &err);
    if (rc >= 0) rc = act(&c, words.n ? words.list[0] : NULL, boot_s, &err);
    desk_close(&c.desk);
    if (rc < 0) return desk_fail("console", &err);
    return rc > 0 ? CMD_EXIT_INTERRUPTED : CMD_EXIT_OK;
}
