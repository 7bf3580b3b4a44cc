// A device for the tests of the radio and of the client's complaints: each line on its serial line
// is one call, and the answer is what it gave.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/port/client.h"
#include "dut/port/radio.h"

static const double carrier_hz = 869525000;

static void say(struct devport *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct devport *p, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    devport_uart_write(p, text, strlen(text));
}

static double ms(const struct devport *p)
{
    return (double)devport_now_ns(p) / (double)DEVPORT_MS;
}

static void receive(struct devport *p, struct devport_radio *r, double seconds)
{
    struct devport_frame f;
    int64_t until_ns = devport_now_ns(p) + (int64_t)(seconds * (double)DEVPORT_SECOND);
    while (devport_radio_receive(r, carrier_hz, until_ns, &f))
        say(p, "%02x%02x %.3f ms %.0f Hz %.1f dBm, ", f.data[0], f.data[14],
            (double)f.end_ns / (double)DEVPORT_MS, f.carrier_hz, f.dbm);
    say(p, "over at %.3f ms\r", ms(p));
}

static void obey(struct devport *p, struct devport_radio *r, const char *line)
{
    static const uint8_t bits[4] = {0xaa, 0xaa, 0xb2, 0x35};
    unsigned a = 0;
    double x = 0, y = 0;
    if (sscanf(line, "send %u %lf", &a, &x) == 2) {
        devport_radio_send(r, carrier_hz, a, x, bits, 32);
        say(p, "sent at %.3f ms\r", ms(p));
    } else if (sscanf(line, "start %u", &a) == 1) {
        int64_t end_ns = devport_radio_start(r, carrier_hz, a, 14, bits, 32);
        say(p, "until %.3f ms\r", (double)end_ns / (double)DEVPORT_MS);
    } else if (sscanf(line, "tone %lf", &x) == 1) {
        devport_radio_tone(r, carrier_hz, 0, (int64_t)(x * (double)DEVPORT_SECOND));
        say(p, "sent at %.3f ms\r", ms(p));
    } else if (sscanf(line, "receive %lf", &x) == 1) {
        receive(p, r, x);
    } else if (sscanf(line, "power %lf %lf", &x, &y) == 2) {
        say(p, "%.1f dBm\r",
            devport_radio_power(r, carrier_hz, x, (int64_t)(y * (double)DEVPORT_MS)));
    } else if (sscanf(line, "clear %lf %lf", &x, &y) == 2) {
        int clear = devport_radio_wait_clear(r, carrier_hz, 200000, x, 5 * DEVPORT_MS,
                                             (int64_t)(y * (double)DEVPORT_SECOND));
        say(p, "%s at %.3f ms\r", clear ? "free" : "busy", ms(p));
    } else if (strcmp(line, "sleep") == 0) {
        devport_radio_sleep(r);
        say(p, "asleep\r");
    } else if (sscanf(line, "wake %lf", &x) == 1) {
        devport_radio_wake(r, (int64_t)(x * (double)DEVPORT_MS));
        say(p, "awake at %.3f ms\r", ms(p));
    } else if (sscanf(line, "pin %u", &a) == 1) {
        devport_gpio_write(p, a, 1);
        say(p, "set\r");
    } else if (strcmp(line, "past") == 0) {
        float iq[2];
        devport_rf_listen(p, devport_now_ns(p) - 1, devport_now_ns(p) + 1, carrier_hz, 1e6, iq, 1);
    } else if (strcmp(line, "again") == 0) {
        devport_ready(p, "twice");
    } else {
        say(p, "?\r");
    }
}

int main(int argc, char **argv)
{
    struct devport *p = NULL;
    char why[160], line[80];
    size_t len = 0;
    const char *log = getenv("RADIOCHECK_STDERR");
    if (log && !freopen(log, "w", stderr)) return 4;
    if (argc > 1 && strcmp(argv[1], "early") == 0) devport_wait(p, 0);
    if (devport_open(&p, why, sizeof why) < 0) return 4;
    devport_ready(p, "radiocheck 1");
    struct devport_radio *r = devport_radio_new(p);
    if (!r) return 4;
    for (;;) {
        char c;
        if (devport_uart_read(p, &c, 1) == 0) {
            devport_wait(p, DEVPORT_NEVER);
        } else if (c == '\r') {
            line[len] = '\0';
            len = 0;
            obey(p, r, line);
        } else if (len + 1 < sizeof line) {
            line[len++] = c;
        }
    }
}
