// The device port's client against a lab that has written its whole part in advance.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/port/client.h"

enum { WIRE_MAX = 65536 };

// A recording of one direction of the wire.
struct wire {
    uint8_t data[WIRE_MAX];
    size_t len;
};

static void put(struct wire *w, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        w->data[w->len++] = (uint8_t)(v >> 8 * i);
}

static void put_head(struct wire *w, unsigned type, size_t body_len)
{
    put(w, type, 2);
    put(w, 0, 2);
    put(w, body_len, 4);
}

static void put_hello(struct wire *w, unsigned version)
{
    put_head(w, PORT_HELLO, 32 + 3);
    put(w, version, 4);
    put(w, PORT_BOOT_RESET, 4);
    put(w, 1000, 8);
    put(w, UINT64_C(0x123456789abcdef0), 8);
    put(w, 3300, 4);
    put(w, PORT_NVM_SIZE, 4);
    put(w, 'a', 1);
    put(w, 'b', 1);
    put(w, 'c', 1);
}

static void put_grant(struct wire *w, int64_t until)
{
    put_head(w, PORT_GRANT, 8);
    put(w, (uint64_t)until, 8);
}

static void put_uart(struct wire *w, int64_t t, const char *text)
{
    put_head(w, PORT_UART_RX, 8 + strlen(text));
    put(w, (uint64_t)t, 8);
    for (; *text; text++)
        put(w, (uint8_t)*text, 1);
}

static void put_event(struct wire *w, unsigned type, int64_t t, const uint32_t *values, int n)
{
    put_head(w, type, 8 + 4 * (size_t)n);
    put(w, (uint64_t)t, 8);
    for (int i = 0; i < n; i++)
        put(w, values[i], 4);
}

// Gives the client a socket in which the lab's part is waiting; returns the lab's end.
static int offer(const struct wire *lab)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(send(pair[0], lab->data, lab->len, 0), (ssize_t)lab->len);
    char number[16];
    snprintf(number, sizeof number, "%d", pair[1]);
    setenv("FOXPORT_FD", number, 1);
    return pair[0];
}

static struct devport *opened(const struct wire *lab, int *fd)
{
    struct devport *p = NULL;
    char why[160];
    *fd = offer(lab);
    assert_int_equal(devport_open(&p, why, sizeof why), 0);
    devport_ready(p, "test");
    return p;
}

// Closes the client and compares what it has sent after READY.
static void assert_sent(struct devport *p, int fd, const struct wire *expected)
{
    static uint8_t got[WIRE_MAX];
    devport_close(p);
    size_t len = 0;
    for (ssize_t n; (n = recv(fd, got + len, sizeof got - len, 0)) > 0;)
        len += (size_t)n;
    close(fd);
    const size_t ready_len = 8 + 8 + 4;
    assert_int_equal(len, ready_len + expected->len);
    assert_memory_equal(got + ready_len, expected->data, expected->len);
}

static void test_devport_reads_hello(void **state)
{
    (void)state;
    struct wire lab = {.len = 0};
    put_hello(&lab, PORT_VERSION);
    put_grant(&lab, 1000);
    int fd;
    struct devport *p = opened(&lab, &fd);
    const struct devport_boot *boot = devport_boot(p);
    assert_int_equal(boot->cause, PORT_BOOT_RESET);
    assert_int_equal(boot->now_ns, 1000);
    assert_int_equal(boot->seed, 0x123456789abcdef0);
    assert_int_equal(boot->supply_mv, 3300);
    assert_int_equal(boot->nvm_size, PORT_NVM_SIZE);
    assert_string_equal(boot->unit, "abc");
    assert_int_equal(devport_now_ns(p), 1000);
    assert_sent(p, fd, &(struct wire){.len = 0});
}

// What the lab tells in advance happens at its own time, not when it is told.
static void test_devport_keeps_events_in_their_time(void **state)
{
    (void)state;
    struct wire lab = {.len = 0}, device = {.len = 0};
    put_hello(&lab, PORT_VERSION);
    put_grant(&lab, 1000);
    put_uart(&lab, 1500, "x");
    put_event(&lab, PORT_GPIO_IN, 1500, (uint32_t[]){3, 1}, 2);
    put_event(&lab, PORT_SUPPLY, 1700, (uint32_t[]){2900}, 1);
    put_grant(&lab, 2000);
    put_grant(&lab, 3000);
    int fd;
    struct devport *p = opened(&lab, &fd);

    assert_int_equal(devport_wait(p, 1200), 0);
    assert_int_equal(devport_now_ns(p), 1200);
    char c = 0;
    assert_int_equal(devport_uart_read(p, &c, 1), 0);
    assert_int_equal(devport_wait(p, 2500), DEVPORT_NEWS_UART);
    assert_int_equal(devport_now_ns(p), 1500);
    assert_int_equal(devport_uart_read(p, &c, 1), 1);
    assert_int_equal(c, 'x');
    assert_int_equal(devport_gpio_read(p, 3), 0);
    assert_int_equal(devport_wait(p, 2500), DEVPORT_NEWS_GPIO);
    assert_int_equal(devport_now_ns(p), 1500);
    assert_int_equal(devport_gpio_read(p, 3), 1);
    assert_int_equal(devport_wait(p, 1600), 0);
    assert_int_equal(devport_supply_mv(p), 3300);
    assert_int_equal(devport_wait(p, 2500), DEVPORT_NEWS_SUPPLY);
    assert_int_equal(devport_now_ns(p), 1700);
    assert_int_equal(devport_supply_mv(p), 2900);
    devport_uart_write(p, "y", 1);
    assert_int_equal(devport_wait(p, 2500), 0);
    assert_int_equal(devport_now_ns(p), 2500);

    // One IDLE for each time the grant was used up; what was written came before it.
    put_head(&device, PORT_IDLE, 8);
    put(&device, 1200, 8);
    put_head(&device, PORT_UART_TX, 9);
    put(&device, 1700, 8);
    put(&device, 'y', 1);
    put_head(&device, PORT_IDLE, 8);
    put(&device, 2500, 8);
    assert_sent(p, fd, &device);
}

static void test_devport_nvm_waits_and_keeps_what_comes(void **state)
{
    (void)state;
    struct wire lab = {.len = 0}, device = {.len = 0};
    put_hello(&lab, PORT_VERSION);
    put_grant(&lab, 1000);
    put_event(&lab, PORT_NVM_DONE, 201000, (uint32_t[]){0, 0}, 2); // the write
    put_uart(&lab, 50000, "z");
    put_grant(&lab, 100000);
    put_grant(&lab, 300000);
    put_head(&lab, PORT_NVM_DONE, 18); // the read
    put(&lab, 201000, 8);
    put(&lab, 0, 8);
    put(&lab, 0xbeef, 2);
    put_event(&lab, PORT_NVM_DONE, 201000, (uint32_t[]){EINVAL, 0}, 2); // a bad one
    int fd;
    struct devport *p = opened(&lab, &fd);

    assert_int_equal(devport_nvm_write(p, 16, "\xef\xbe", 2), 0);
    assert_int_equal(devport_now_ns(p), 201000);
    assert_int_equal(devport_wait(p, 250000), DEVPORT_NEWS_UART);
    assert_int_equal(devport_now_ns(p), 201000);
    uint8_t data[2] = {0};
    assert_int_equal(devport_nvm_read(p, 16, data, 2), 0);
    assert_int_equal(data[0] | data[1] << 8, 0xbeef);
    assert_int_equal(devport_nvm_read(p, 99999, data, 2), -EINVAL);

    put_head(&device, PORT_NVM_WRITE, 18);
    put(&device, 1000, 8);
    put(&device, 16, 4);
    put(&device, 2, 4);
    put(&device, 0xbeef, 2);
    for (int i = 0; i < 2; i++) { // the first grant does not reach the end of the access
        put_head(&device, PORT_IDLE, 8);
        put(&device, 201000, 8);
    }
    for (int i = 0; i < 2; i++) {
        put_head(&device, PORT_NVM_READ, 16);
        put(&device, 201000, 8);
        put(&device, i ? 99999 : 16, 4);
        put(&device, 2, 4);
    }
    assert_sent(p, fd, &device);
}

static void test_devport_bursts_are_little_endian(void **state)
{
    (void)state;
    struct wire lab = {.len = 0}, device = {.len = 0};
    put_hello(&lab, PORT_VERSION);
    put_grant(&lab, 1000);
    put_grant(&lab, 2000);
    int fd;
    struct devport *p = opened(&lab, &fd);
    devport_rf_transmit(p, 868e6, 6400.0, (const float[]){1.0f, -2.0f, 0.5f, 0.0f}, 2);
    devport_gpio_write(p, 4, 1);
    devport_log(p, "n=%d", 7);
    devport_image(p, 2, 512, "ab", 2);
    devport_protect(p, 0, false, false);
    devport_protect(p, 2, true, true);
    devport_wait(p, 1001);

    put_head(&device, PORT_RF_TX, 24 + 16);
    put(&device, 1000, 8);
    put(&device, 0x41c9de5080000000, 8); // 868e6 as IEEE 754 double
    put(&device, 0x40b9000000000000, 8); // 6400
    put(&device, 0x3f800000, 4);
    put(&device, 0xc0000000, 4);
    put(&device, 0x3f000000, 4);
    put(&device, 0, 4);
    put_event(&device, PORT_GPIO_OUT, 1000, (uint32_t[]){4, 1}, 2);
    put_head(&device, PORT_LOG, 11);
    put(&device, 1000, 8);
    put(&device, 'n' | '=' << 8 | '7' << 16, 3);
    put_head(&device, PORT_IMAGE, 10);
    put(&device, 2, 4);
    put(&device, 512, 4);
    put(&device, 'a' | 'b' << 8, 2);
    put_event(&device, PORT_PROTECT, 1000, (uint32_t[]){0, 0}, 2);
    put_event(&device, PORT_PROTECT, 1000, (uint32_t[]){0x80000002, 1}, 2);
    put_head(&device, PORT_IDLE, 8);
    put(&device, 1001, 8);
    assert_sent(p, fd, &device);
}

static void put_samples(struct wire *lab)
{
    put_head(lab, PORT_RF_SAMPLES, 24 + 16);
    put(lab, 2000, 8);
    put(lab, 0, 8);
    put(lab, 0, 8);
    put(lab, 0x3f800000, 4);
    put(lab, 0xc0000000, 4);
    put(lab, 0x3f000000, 4);
    put(lab, 0, 4);
}

static void put_listen(struct wire *device)
{
    put_head(device, PORT_RF_LISTEN, 32);
    put(device, 2000, 8);
    put(device, 4000, 8);
    put(device, 0x41c9de5080000000, 8);
    put(device, 0x40b9000000000000, 8);
}

// The grant may already reach beyond the window when the device decides to listen.
static void test_devport_listens_inside_a_grant(void **state)
{
    (void)state;
    struct wire lab = {.len = 0}, device = {.len = 0};
    put_hello(&lab, PORT_VERSION);
    put_grant(&lab, 9000);
    put_samples(&lab);
    put_grant(&lab, 9500);
    int fd;
    struct devport *p = opened(&lab, &fd);
    float iq[2] = {0};
    assert_int_equal(devport_rf_listen(p, 2000, 4000, 868e6, 6400.0, iq, 1), 1); // room for one
    assert_true(iq[0] == 1.0f && iq[1] == -2.0f);
    assert_int_equal(devport_now_ns(p), 4000);
    put_listen(&device);
    put_head(&device, PORT_IDLE, 8);
    put(&device, 9001, 8);
    assert_sent(p, fd, &device);
}

static void test_devport_listens(void **state)
{
    (void)state;
    struct wire lab = {.len = 0}, device = {.len = 0};
    put_hello(&lab, PORT_VERSION);
    put_grant(&lab, 1000);
    put_uart(&lab, 1500, "u");
    put_grant(&lab, 1600);
    put_samples(&lab);
    put_grant(&lab, 4000);
    int fd;
    struct devport *p = opened(&lab, &fd);
    float iq[8] = {0};
    assert_int_equal(devport_rf_listen(p, 2000, 4000, 868e6, 6400.0, iq, 4), 2);
    assert_true(iq[0] == 1.0f && iq[1] == -2.0f && iq[2] == 0.5f && iq[3] == 0.0f);
    assert_int_equal(devport_now_ns(p), 4000);
    assert_int_equal(devport_wait(p, 5000), DEVPORT_NEWS_UART);

    put_listen(&device);
    for (int i = 0; i < 2; i++) {
        put_head(&device, PORT_IDLE, 8);
        put(&device, 4000, 8);
    }
    assert_sent(p, fd, &device);
}

// Runs the client in a process of its own; returns how that ended.
static int exit_code_against(const struct wire *lab)
{
    int fd = offer(lab);
    assert_int_equal(shutdown(fd, SHUT_WR), 0); // after the lab's part: power off
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct devport *p = NULL;
        char why[160];
        if (!freopen("/dev/null", "w", stderr)) _exit(100);
        if (devport_open(&p, why, sizeof why) < 0) _exit(42);
        devport_ready(p, "test");
        devport_wait(p, DEVPORT_NEVER);
        devport_wait(p, DEVPORT_NEVER);
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(fd);
    close(atoi(getenv("FOXPORT_FD")));
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_devport_ends_quietly_when_the_power_goes(void **state)
{
    (void)state;
    struct wire lab = {.len = 0};
    put_hello(&lab, PORT_VERSION);
    assert_int_equal(exit_code_against(&lab), 0);
    put_grant(&lab, 5000);
    assert_int_equal(exit_code_against(&lab), 0);
    size_t whole = lab.len;
    for (lab.len = 0; lab.len < whole; lab.len += 5) // in the middle of a message
        assert_int_equal(exit_code_against(&lab), 0);
}

static void test_devport_ends_when_the_lab_breaks_the_protocol(void **state)
{
    (void)state;
    static const struct {
        unsigned type;
        size_t len;
    } bad[] = {{PORT_HELLO, 35},
               {99, 0},
               {0, 0},
               {PORT_GRANT, 7},
               {PORT_UART_RX, 7},
               {PORT_GPIO_IN, 15},
               {PORT_SUPPLY, 16},
               {PORT_TEMPERATURE, 12},
               {PORT_RF_SAMPLES, 40},
               {PORT_NVM_DONE, 15},
               {PORT_IDLE, 8},
               {PORT_GRANT, PORT_BODY_MAX + 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire lab = {.len = 0};
        put_hello(&lab, PORT_VERSION);
        put_head(&lab, bad[i].type, bad[i].len);
        for (size_t k = 0; k < bad[i].len && k < 64; k++)
            put(&lab, 0, 1);
        assert_int_equal(exit_code_against(&lab), 3);
    }
    struct wire lab = {.len = 0};
    put_grant(&lab, 1); // where HELLO is expected
    assert_int_equal(exit_code_against(&lab), 42);
    lab.len = 0;
    put_hello(&lab, PORT_VERSION - 1);
    assert_int_equal(exit_code_against(&lab), 42);
    lab.len = 0;
    put_hello(&lab, PORT_VERSION + 1); // such a lab keeps to the version of READY
    assert_int_equal(exit_code_against(&lab), 0);
}

// Whatever the lab says, the client ends in one of its two ways.
static void test_devport_survives_a_mad_lab(void **state)
{
    (void)state;
    uint32_t x = 7;
    for (int round = 0; round < 150; round++) {
        struct wire lab = {.len = 0};
        put_hello(&lab, PORT_VERSION);
        put_grant(&lab, 2000);
        for (int i = 0; i < 8; i++) {
            x = x * 1664525 + 1013904223;
            unsigned type = 1 + (x >> 16) % 8;
            size_t len = (x >> 24) % 40;
            put_head(&lab, type, len);
            for (size_t k = 0; k < len; k++) {
                x = x * 1664525 + 1013904223;
                put(&lab, (x >> 20) % 3 ? 0 : x >> 24, 1);
            }
        }
        int code = exit_code_against(&lab);
        assert_true(code == 0 || code == 3 || code == 99);
    }
}

static void test_devport_open_without_a_lab(void **state)
{
    (void)state;
    static const char *const values[] = {"", "x", "-1", "3x", "99999999999"};
    struct devport *p = NULL;
    char why[160];
    unsetenv("FOXPORT_FD");
    assert_int_equal(devport_open(&p, why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, "FOXPORT_FD"));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        setenv("FOXPORT_FD", values[i], 1);
        assert_int_equal(devport_open(&p, why, sizeof why), -ENOENT);
    }
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devport_reads_hello),
        cmocka_unit_test(test_devport_keeps_events_in_their_time),
        cmocka_unit_test(test_devport_nvm_waits_and_keeps_what_comes),
        cmocka_unit_test(test_devport_bursts_are_little_endian),
        cmocka_unit_test(test_devport_listens),
        cmocka_unit_test(test_devport_listens_inside_a_grant),
        cmocka_unit_test(test_devport_ends_quietly_when_the_power_goes),
        cmocka_unit_test(test_devport_ends_when_the_lab_breaks_the_protocol),
        cmocka_unit_test(test_devport_survives_a_mad_lab),
        cmocka_unit_test(test_devport_open_without_a_lab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
