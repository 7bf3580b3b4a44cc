#include "dut/firmware/serial.h"

#include <stdio.h>
#include <string.h>

#include "dut/firmware/device.h"

static const int64_t split_pause_ns = 300 * DEVPORT_MS;
static const int64_t flood_period_ns = 50 * DEVPORT_MS; // 48 bytes of it fill a line of 9600 baud

bool serial_take(struct device *d)
{
    uint8_t byte;
    const bool deaf = faults_on(&d->faults, FAULT_DEAF_SERIAL);
    if (devport_uart_read(d->port, &byte, 1) == 1) {
        if (deaf) return true;
        if (d->echo) serial_write(d, &byte, 1);
        input_push(&d->input, byte);
        return true;
    }
    if (devport_uart_lost(d->port) != d->uart_lost) {
        d->uart_lost = devport_uart_lost(d->port);
        if (!deaf) input_lose(&d->input);
    }
    return false;
}

static void write_garbled(struct device *d, const uint8_t *data, size_t len)
{
    enum { EVERY = 3 };
    for (size_t i = 0; i < len; i++) {
        const unsigned n = d->bytes_written++;
        const unsigned flip = n % EVERY == EVERY - 1 ? 1u << (n / EVERY) % 8 : 0;
        const uint8_t byte = (uint8_t)(data[i] ^ flip);
        devport_uart_write(d->port, &byte, 1);
    }
}

static void pause(struct device *d, int64_t ns)
{
    const int64_t until_ns = devport_now_ns(d->port) + ns;
    while (devport_now_ns(d->port) < until_ns)
        devport_wait(d->port, until_ns);
}

// The bytes that come meanwhile are taken later.
static void write_split(struct device *d, const uint8_t *data, size_t len)
{
    const bool line_end = d->bytes_written++ % 2 == 0;
    for (size_t i = 0; i < len; i++) {
        devport_uart_write(d->port, data + i, 1);
        if (line_end && i + 1 == len / 2) devport_uart_write(d->port, "\r\n", 2);
        if (!line_end && i % 2 == 1) pause(d, split_pause_ns);
    }
}

// "00f0c5a1", "+RX=1f 20": a line of hexadecimal digits, behind its prefix.
static bool is_digits(const char *text, size_t len, size_t *from)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '=') *from = i + 1;
    for (size_t i = *from; i < len; i++)
        if (!strchr("0123456789abcdefABCDEF \r\n", text[i]) || text[i] == '\0') return false;
    return true;
}

static bool is_otherwise(const struct faults *f)
{
    return faults_on(f, FAULT_LF_ALONE) || faults_on(f, FAULT_SPACES) || faults_on(f, FAULT_LOWER);
}

// The ways of writing that are nobody's fault: LAW-LF, LAW-SPACES, LAW-LOWER.
static void write_otherwise(struct device *d, const char *text, size_t len)
{
    const bool lf = faults_on(&d->faults, FAULT_LF_ALONE);
    const bool spaces = faults_on(&d->faults, FAULT_SPACES);
    size_t digits = 0;
    const bool lower = faults_on(&d->faults, FAULT_LOWER) && is_digits(text, len, &digits);
    bool empty = true;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '\r' && spaces && !empty) devport_uart_write(d->port, "  ", 2);
        empty = c == '\r' || c == '\n';
        if (c == '\n' && lf) continue;
        if (c == '\r' && lf) c = '\n';
        if (lower && i >= digits && c >= 'A' && c <= 'F') c = (char)(c - 'A' + 'a');
        devport_uart_write(d->port, &c, 1);
    }
}

void serial_write(struct device *d, const void *data, size_t len)
{
    if (faults_on(&d->faults, FAULT_GARBLE_SERIAL))
        write_garbled(d, data, len);
    else if (faults_on(&d->faults, FAULT_SPLIT_SERIAL) && len > 1) // an echo is of one byte
        write_split(d, data, len);
    else if (len > 1 && is_otherwise(&d->faults))
        write_otherwise(d, data, len);
    else
        devport_uart_write(d->port, data, len);
}

int64_t serial_flood_ns(const struct device *d)
{
    return faults_on(&d->faults, FAULT_FLOOD_SERIAL) ? d->next_flood_ns : DEVPORT_NEVER;
}

void serial_flood(struct device *d)
{
    char line[64];
    int n = snprintf(line, sizeof line, "\r\n#%08X nobody asked for this line at all\r\n",
                     d->bytes_written++);
    devport_uart_write(d->port, line, (size_t)n);
    d->next_flood_ns = devport_now_ns(d->port) + flood_period_ns;
}
