// The real serial port and the command engine against the reference device in the laboratory: its
// power and reset hang on the modem lines. Run it inside foxlab.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dut/dut.h"

enum { WALL_LIMIT_MS = 5000, SILENCE_MS = 300 };

static const struct dut_dialect dialect = {
    .name = "SFM10R", .line_end = "\r", .ok = "OK", .errors = {"ERR"}, .downlink = "RX="};

static int64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_a_little(struct dut *d)
{
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    struct err e = {0};
    if (dut_poll(d, wall_ms(), &e) < 0) fail_msg("%s", e.text);
}

// Sends and waits; the lines before OK go to `answer`. Says how it ended.
static enum dut_state ask(struct dut *d, const char *command, int limit_ms, char *answer,
                          size_t size)
{
    struct err e = {0};
    if (dut_command(d, command, wall_ms(), &e) < 0) fail_msg("%s", e.text);
    int64_t until = wall_ms() + limit_ms;
    while (dut_state(d) == DUT_STATE_WAITING && wall_ms() < until)
        wait_a_little(d);
    enum dut_state end = dut_state(d);
    dut_abandon(d);
    struct dut_line line;
    answer[0] = '\0';
    while (dut_next_line(d, &line))
        if (line.solicited && strcmp(line.text, "OK") != 0)
            snprintf(answer + strlen(answer), size - strlen(answer), "%s ", line.text);
    return end;
}

// The laboratory's clock stands still unless somebody pulls samples: here the stock tool does.
static pid_t pump;

static int start_pump(void **state)
{
    (void)state;
    const char *uri = getenv("FOXLAB_PLUTO_0_URI");
    if (!uri) return -1;
    char line[256];
    snprintf(line, sizeof line,
             "iio_attr -u %s -o -c ad9361-phy voltage0 sampling_frequency 2083334 >/dev/null", uri);
    if (system(line) != 0) return -1;
    pump = fork();
    if (pump == 0) {
        if (!freopen("/dev/null", "w", stdout)) _exit(1);
        execlp("iio_readdev", "iio_readdev", "-u", uri, "-b", "16384", "cf-ad9361-lpc", NULL);
        _exit(127);
    }
    return pump < 0 ? -1 : 0;
}

static int stop_pump(void **state)
{
    (void)state;
    kill(pump, SIGKILL);
    waitpid(pump, NULL, 0);
    return 0;
}

static void test_power_reset_and_commands(void **state)
{
    (void)state;
    const char *path = getenv("FOXLAB_UART_0");
    if (!path)
        fail_msg("FOXLAB_UART_0 is not set; run this test with foxlab run serial.scenario --");
    struct port *p = NULL;
    struct dut *d = NULL;
    struct err e = {0};
    if (port_open(&p, &(struct port_config){path, 9600}, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(dut_new(&d, p, &dialect, NULL), ERR_OK);
    char answer[256];

    // Without power there is nobody.
    assert_int_equal(ask(d, "AT", SILENCE_MS, answer, sizeof answer), DUT_STATE_WAITING);

    assert_int_equal(port_set_line(p, PORT_LINE_RTS, true, NULL), ERR_OK);
    int64_t until = wall_ms() + WALL_LIMIT_MS; // it boots
    while (ask(d, "AT", SILENCE_MS, answer, sizeof answer) != DUT_STATE_OK)
        assert_true(wall_ms() < until);
    // A question is answered without an OK.
    assert_int_equal(ask(d, "AT$I=10", SILENCE_MS, answer, sizeof answer), DUT_STATE_WAITING);
    assert_non_null(strstr(answer, "00F0C5A1")); // as the scenario says
    assert_int_equal(ask(d, "AT$NONSENSE", WALL_LIMIT_MS, answer, sizeof answer), DUT_STATE_ERROR);
    assert_memory_equal(answer, "ERR", 3);

    // Held in reset it is silent, released it answers again.
    assert_int_equal(port_set_line(p, PORT_LINE_DTR, true, NULL), ERR_OK);
    assert_int_equal(ask(d, "AT", SILENCE_MS, answer, sizeof answer), DUT_STATE_WAITING);
    assert_int_equal(port_set_line(p, PORT_LINE_DTR, false, NULL), ERR_OK);
    until = wall_ms() + WALL_LIMIT_MS;
    while (ask(d, "AT", SILENCE_MS, answer, sizeof answer) != DUT_STATE_OK)
        assert_true(wall_ms() < until);

    // One user at a time, here as on a desk.
    struct port *second = NULL;
    assert_int_equal(port_open(&second, &(struct port_config){path, 9600}, &e), ERR_BUSY);
    assert_null(second);

    dut_free(d);
    port_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_power_reset_and_commands)};
    return cmocka_run_group_tests_name("device in the laboratory", tests, start_pump, stop_pump);
}
