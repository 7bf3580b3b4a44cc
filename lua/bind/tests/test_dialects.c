// The dialects of lua/dialects over a real serial port: a peer on the other end of a pseudo
// terminal answers, byte for byte, as the makers' documents and published sources say, and the
// device engine understands it through libserialport.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "lua/bind/dialect.h"
#include "lua/bind/state.h"

// Pseudo terminals have no modem lines, and libserialport refuses a port without: this stands in
// for the kernel's answer.
int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    if (request == TIOCMGET) *(int *)arg = TIOCM_DTR | TIOCM_RTS;
    if (request == TIOCMGET || request == TIOCMSET || request == TIOCMBIS || request == TIOCMBIC)
        return 0;
    return (int)syscall(SYS_ioctl, fd, request, arg);
}

struct world {
    char dir[32], link[64], path[96];
    int master, slave;
    struct state *state;
    struct jval *dialect;
    struct dut_dialect language;
    struct port *port;
    struct dut *dut;
};

static void plug(struct world *w, const char *dialect)
{
    struct err e = {0};
    *w = (struct world){.dir = "/tmp/foxdialect-XXXXXX"};
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->link, sizeof w->link, "%s/ttyDUT0", w->dir);
    snprintf(w->path, sizeof w->path, "/dev/../../..%s", w->link);
    w->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    assert_true(w->master >= 0 && grantpt(w->master) == 0 && unlockpt(w->master) == 0);
    w->slave = open(ptsname(w->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(w->slave >= 0);
    struct termios t;
    assert_int_equal(tcgetattr(w->slave, &t), 0);
    cfmakeraw(&t);
    assert_int_equal(tcsetattr(w->slave, TCSANOW, &t), 0);
    assert_int_equal(symlink(ptsname(w->master), w->link), 0);

    assert_int_equal(state_open(&w->state, FOX_SOURCE_DIR, &e), ERR_OK);
    if (state_dialect(w->state, dialect, &w->dialect, &e) < 0) fail_msg("%s", e.text);
    dialect_fill(w->dialect, &w->language);
    const struct port_config config = {w->path,
                                       (unsigned)jval_int(jval_get(w->dialect, "baud"), 0)};
    if (port_open(&w->port, &config, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(dut_new(&w->dut, w->port, &w->language, &e), ERR_OK);
}

static void unplug(struct world *w)
{
    dut_free(w->dut);
    port_close(w->port);
    jval_free(w->dialect);
    state_close(w->state);
    close(w->slave);
    close(w->master);
    unlink(w->link);
    rmdir(w->dir);
}

// What the device gets, up to its line's end.
static void read_command(const struct world *w, char *out, size_t size)
{
    size_t n = 0;
    for (int turn = 0; turn < 2000 && n + 1 < size; turn++) {
        ssize_t got = read(w->master, out + n, 1);
        if (got == 1 && out[n++] == '\r') break;
        if (got != 1) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    out[n] = '\0';
}

static enum dut_state settle(struct world *w)
{
    for (int turn = 0; turn < 300; turn++) { // until nothing has come for a while
        assert_int_equal(dut_poll(w->dut, turn, NULL), ERR_OK);
        if (dut_state(w->dut) != DUT_STATE_WAITING) break;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return dut_state(w->dut);
}

struct exchange {
    const char *command;
    const char *answer; // as it comes over the wire
    size_t len;         // of the answer; 0: up to its NUL
    enum dut_state state;
    const char *line; // the last line but OK; NULL: none
    size_t line_len;  // 0: up to its NUL
};

static void run(struct world *w, const struct exchange *x)
{
    char sent[128], wanted[128];
    struct err e = {0};
    if (dut_command(w->dut, x->command, 0, &e) < 0) fail_msg("%s", e.text);
    read_command(w, sent, sizeof sent);
    snprintf(wanted, sizeof wanted, "%s\r", x->command);
    assert_string_equal(sent, wanted);
    if (w->language.echo) assert_int_equal(write(w->master, sent, strlen(sent)), strlen(sent));
    size_t len = x->len ? x->len : strlen(x->answer);
    assert_int_equal(write(w->master, x->answer, len), len);
    enum dut_state state = settle(w);
    if (state != x->state)
        fail_msg("%s, %s: expected state %d, got %d", w->language.name, x->command, x->state,
                 state);

    struct dut_line line, last = {0};
    while (dut_next_line(w->dut, &line))
        if (line.len != 2 || memcmp(line.text, "OK", 2) != 0) last = line;
    size_t line_len = x->line_len ? x->line_len : x->line ? strlen(x->line) : 0;
    if (last.len != line_len || (line_len && memcmp(last.text, x->line, line_len) != 0))
        fail_msg("%s, %s: expected the line \"%s\", got \"%s\"", w->language.name, x->command,
                 x->line ? x->line : "", last.text);
    dut_conclude(w->dut);
}

static void run_all(const char *dialect, const struct exchange *list, size_t n)
{
    struct world w;
    plug(&w, dialect);
    for (size_t i = 0; i < n; i++)
        run(&w, &list[i]);
    unplug(&w);
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define OK          DUT_STATE_OK
#define BAD         DUT_STATE_ERROR
#define OPEN        DUT_STATE_WAITING // no OK belongs to it

static void test_sfm10r(void **state)
{
    (void)state;
    static const struct exchange list[] = {
        {"AT", "OK\r", 0, OK, NULL, 0},
        {"AT$SB=1", "OK\r", 0, OK, NULL, 0},
        {"AT$SF=CAFE,1", "OK\rRX=30 31 32 33 34 35 36 37\r", 0, OK, "RX=30 31 32 33 34 35 36 37",
         0},
        {"AT$SB=0,1", "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT\r", 0, BAD,
         "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT", 0},
        {"AT$SO", "OK\r", 0, OK, NULL, 0},
        {"AT$TR?", "2\r", 0, OPEN, "2", 0},
        {"ATS302=15", "OK\r", 0, OK, NULL, 0},
        {"AT$GI?", "1,6\r", 0, OPEN, "1,6", 0},
        {"AT$I=10", "00F0C5A1\r", 0, OPEN, "00F0C5A1", 0},
        {"AT$I=11", "5E7A1C0D9B3F2468\r\n", 0, OPEN, "5E7A1C0D9B3F2468", 0},
        {"AT$XX", "ERROR: parse error\r", 0, BAD, "ERROR: parse error", 0},
        {"AT$P=0", "OK\r", 0, OK, NULL, 0},
        {"AT$WR", "OK\r", 0, OK, NULL, 0},
    };
    run_all("sfm10r", list, COUNT(list));
}

static void test_at_slave(void **state)
{
    (void)state;
#define FRAMED(text) "\r\n" text "\r\n"
    static const struct exchange list[] = {
        {"AT$ID", FRAMED("00F0C5A1") FRAMED("OK"), 0, OK, "00F0C5A1", 0},
        {"AT$PAC", FRAMED("5E7A1C0D9B3F2468") FRAMED("OK"), 0, OK, "5E7A1C0D9B3F2468", 0},
        {"AT+BAT=?", FRAMED("3300") FRAMED("OK"), 0, OK, "3300", 0},
        {"ATS410=?", FRAMED("0") FRAMED("OK"), 0, OK, "0", 0},
        {"ATS410=0", FRAMED("OK"), 0, OK, NULL, 0},
        {"AT$SB=1", FRAMED("OK"), 0, OK, NULL, 0},
        {"AT$SB=1,1", FRAMED("+RX=3031323334353637") FRAMED("OK"), 0, OK, "+RX=3031323334353637",
         0},
        {"AT$SF=CAFE,1", "\r\n+RX=01234567" FRAMED("OK"), 0, OK, "+RX=01234567", 0},
        // bytes that look like line ends, an OK and an error, as the published code prints them
        {"AT$SF=CA,1", "\r\n+RX=\r\nOK\r\n\0\xff" FRAMED("OK"), 20, OK, "+RX=\r\nOK\r\n\0\xff", 12},
        {"AT$SF=CB,1", "\r\nRX=\r\r\r\r\n\n\n\n" FRAMED("OK"), 0, OK, "RX=\r\r\r\r\n\n\n\n", 0},
        {"AT$SF=CC,1", FRAMED("AT_RX_TIMEOUT"), 0, BAD, "AT_RX_TIMEOUT", 0},
        {"AT$SB=0", FRAMED("AT_TX_TIMEOUT"), 0, BAD, "AT_TX_TIMEOUT", 0},
        {"AT$XX", FRAMED("AT_ERROR"), 0, BAD, "AT_ERROR", 0},
        {"AT$SB=7", FRAMED("AT_PARAM_ERROR"), 0, BAD, "AT_PARAM_ERROR", 0},
        {"AT$CW=0", FRAMED("AT_BUSY_ERROR"), 0, BAD, "AT_BUSY_ERROR", 0},
        {"AT$TM=1,99", FRAMED("AT_TEST_PARAM_OVERFLOW"), 0, BAD, "AT_TEST_PARAM_OVERFLOW", 0},
        {"AT$MN=1", FRAMED("AT_LIB_ERROR"), 0, BAD, "AT_LIB_ERROR", 0},
        {"AT$SF=CD", FRAMED("AT_RX_ERROR"), 0, BAD, "AT_RX_ERROR", 0},
        {"AT$RC=1", FRAMED("AT_RECONF_ERROR"), 0, BAD, "AT_RECONF_ERROR", 0},
        {"ATS300", FRAMED("OK"), 0, OK, NULL, 0},
    };
    run_all("at_slave", list, COUNT(list));
}

static void test_nucleo(void **state)
{
    (void)state;
    static const struct exchange list[] = {
        {"ATI=3", "00F0C5A1\r\nOK\r\n", 0, OK, "00F0C5A1", 0},
        {"AT$RC=RC1", "OK\r\n", 0, OK, NULL, 0},
        {"AT$UL_BR?", "100\r\nOK\r\n", 0, OK, "100", 0},
        {"AT$MSG=CAFE,0", "$MSG:1,1,1,0,0,0,0\r\nOK\r\n", 0, OK, "$MSG:1,1,1,0,0,0,0", 0},
        {"AT$MSG=NULL,1", "$MSG:1,1,1,1,1,0,0,3031323334353637,-97\r\nOK\r\n", 0, OK,
         "$MSG:1,1,1,1,1,0,0,3031323334353637,-97", 0},
        {"AT$RFP=J", "$RFP:0,100\r\nOK\r\n", 0, OK, "$RFP:0,100", 0},
        {"AT$N=9", "ERROR:COMMAND_BAD_PARAMETER_VALUE:0\r\n", 0, BAD,
         "ERROR:COMMAND_BAD_PARAMETER_VALUE:0", 0},
        {"AT$XX", "ERROR:COMMAND_NOT_FOUND\r\n", 0, BAD, "ERROR:COMMAND_NOT_FOUND", 0},
        {"AT$MSG=1,0", "ERROR:COMMAND_CORE_ERROR:SIGFOX_EP_API\r\n", 0, BAD,
         "ERROR:COMMAND_CORE_ERROR:SIGFOX_EP_API", 0},
    };
    run_all("nucleo", list, COUNT(list));
}

static void test_an_unknown_dialect_is_told(void **state)
{
    (void)state;
    struct state *s;
    struct jval *d = NULL;
    struct err e = {0};
    assert_int_equal(state_open(&s, FOX_SOURCE_DIR, &e), ERR_OK);
    assert_int_equal(state_dialect(s, "klingon", &d, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "there must be a lua/dialects/klingon.lua"));
    state_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sfm10r),
        cmocka_unit_test(test_at_slave),
        cmocka_unit_test(test_nucleo),
        cmocka_unit_test(test_an_unknown_dialect_is_told),
    };
    return cmocka_run_group_tests_name("lua/dialects", tests, NULL, NULL);
}
