// beacon: the smallest device for the lab, as an example for a vendor's own firmware.
//
// It sends a counter every minute until its serial line says "stop", and at once for any other
// line; power cuts do not turn the counter back. The frame is only a preamble and the counter,
// twice: no Sigfox message. docs/DEVICE_PORT.md walks through it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/port/client.h"
#include "dut/port/dbpsk.h"

enum { BIT_RATE = 100, SAMPLES_PER_SYMBOL = 32, FRAME_LEN = 8, LINE_MAX_LEN = 32 };

struct line {
    char text[LINE_MAX_LEN + 1];
    size_t len;
};

static const int64_t minute_ns = 60 * DEVPORT_SECOND;
static const double carrier_hz = 868130000.0;
static const float amplitude = 5.0f; // sqrt(mW): 14 dBm

// The counter lies in two slots, written in turn, each value beside its complement: a torn write
// leaves the value before it.
static uint16_t load_counter(struct devport *port)
{
    uint16_t counter = 0;
    for (uint32_t slot = 0; slot < 2; slot++) {
        uint8_t raw[4];
        if (devport_nvm_read(port, 4 * slot, raw, sizeof raw) < 0) continue;
        if ((raw[0] ^ raw[2]) != 0xff || (raw[1] ^ raw[3]) != 0xff) continue;
        uint16_t value = (uint16_t)(raw[0] | raw[1] << 8);
        if ((int16_t)(value - counter) > 0) counter = value;
    }
    return counter;
}

static int store_counter(struct devport *port, uint16_t counter)
{
    uint8_t low = (uint8_t)counter, high = (uint8_t)(counter >> 8);
    const uint8_t raw[4] = {low, high, (uint8_t)~low, (uint8_t)~high};
    return devport_nvm_write(port, 4 * (counter % 2u), raw, sizeof raw); // lab time passes here
}

// Sends one burst and returns when it is over; serial bytes that come meanwhile wait in the port.
static void send(struct devport *port, uint16_t counter)
{
    const uint8_t high = (uint8_t)(counter >> 8), low = (uint8_t)counter;
    const uint8_t frame[FRAME_LEN] = {0xaa, 0xaa, 0xaa, 0xa3, high, low, high, low};
    size_t n = devport_dbpsk_len(8 * FRAME_LEN, SAMPLES_PER_SYMBOL);
    float *iq = malloc(2 * n * sizeof *iq);
    if (!iq) return;
    devport_dbpsk(frame, 8 * FRAME_LEN, SAMPLES_PER_SYMBOL, amplitude, iq);
    devport_rf_transmit(port, carrier_hz, BIT_RATE * SAMPLES_PER_SYMBOL, iq, n);
    free(iq);
    devport_log(port, "sent %u", counter);
    int64_t end_ns =
        devport_now_ns(port) + (int64_t)n * DEVPORT_SECOND / (BIT_RATE * SAMPLES_PER_SYMBOL);
    while (devport_now_ns(port) < end_ns)
        devport_wait(port, end_ns);
}

// The serial line so far. True when a whole one is there.
static bool read_line(struct devport *port, struct line *line)
{
    for (char c; devport_uart_read(port, &c, 1) == 1;) {
        if (c == '\r') {
            line->text[line->len] = '\0';
            line->len = 0;
            return true;
        }
        if (line->len < LINE_MAX_LEN) line->text[line->len++] = c;
    }
    return false;
}

static void say(struct devport *port, const char *text)
{
    devport_uart_write(port, text, strlen(text));
}

int main(void)
{
    struct devport *port = NULL;
    char why[160];
    if (devport_open(&port, why, sizeof why) < 0) {
        fprintf(stderr, "beacon: %s\n", why);
        return 4;
    }
    devport_ready(port, "beacon 1");

    uint16_t counter = load_counter(port);
    int64_t next_ns = devport_now_ns(port) + minute_ns;
    struct line line = {.len = 0};
    for (;;) { // ends inside devport_wait when the lab takes the power away
        bool due = devport_now_ns(port) >= next_ns;
        if (read_line(port, &line)) {
            bool stop = strcmp(line.text, "stop") == 0;
            say(port, stop ? "stopped\r" : "sending\r");
            if (stop) next_ns = DEVPORT_NEVER;
            due = !stop;
        } else if (!due) {
            devport_wait(port, next_ns);
            continue;
        }
        if (!due) continue;
        if (next_ns != DEVPORT_NEVER) next_ns = devport_now_ns(port) + minute_ns;
        if (store_counter(port, ++counter) < 0)
            say(port, "memory error\r");
        else
            send(port, counter);
    }
}
