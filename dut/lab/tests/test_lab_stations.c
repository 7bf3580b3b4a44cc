// Four seconds at a table with three stations and two devices, everybody sending now and then.
// Prints the SHA-256 of all that was received and of all that the devices said, and on stderr what
// that cost the lab. stations.sh runs it twice and compares. Argument: samples in a block.
#include <ad9361.h>
#include <iio.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/crypto.h"
#include "dut/port.h"

enum { UNITS = 3, DEVICES = 2, DEPTH = 4, RATE = 520834, TOTAL = 4 * RATE };

static struct unit {
    struct iio_context *ctx;
    struct iio_device *phy, *rx, *tx;
    struct iio_buffer *in, *out;
} units[UNITS];
static struct port *ports[DEVICES];
static struct crypto_sha256 *digest;

static void give_up(const char *what)
{
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static void put(struct unit *u, const char *channel, bool output, const char *attr,
                const char *value)
{
    struct iio_channel *c = iio_device_find_channel(u->phy, channel, output);
    if (!c || iio_channel_attr_write(c, attr, value) <= 0) give_up(attr);
}

static void add(const void *data, size_t len)
{
    if (crypto_sha256_update(digest, data, len, NULL) < 0) give_up("sha256");
}

static void connect_unit(struct unit *u, int i)
{
    char name[32], uri[64]; // the library writes into it
    snprintf(name, sizeof name, "FOXLAB_PLUTO_%d_URI", i);
    snprintf(uri, sizeof uri, "%s", getenv(name));
    u->ctx = iio_create_context_from_uri(uri);
    if (!u->ctx || iio_context_set_timeout(u->ctx, 10000) < 0) give_up(name);
    u->phy = iio_context_find_device(u->ctx, "ad9361-phy");
    u->rx = iio_context_find_device(u->ctx, "cf-ad9361-lpc");
    u->tx = iio_context_find_device(u->ctx, "cf-ad9361-dds-core-lpc");
    if (ad9361_set_bb_rate(u->phy, RATE) < 0) give_up("the sampling rate");
    put(u, "voltage0", false, "gain_control_mode", "manual");
    put(u, "altvoltage0", true, "frequency", "868080000");
    put(u, "altvoltage1", true, "frequency", "868000000");
    put(u, "altvoltage1", true, "powerdown", "0");
    put(u, "voltage0", false, "hardwaregain", "40");
    put(u, "voltage0", true, "hardwaregain", "-10");
    for (int k = 0; k < 2; k++) {
        const char *channel = k ? "voltage1" : "voltage0";
        iio_channel_enable(iio_device_find_channel(u->rx, channel, false));
        iio_channel_enable(iio_device_find_channel(u->tx, channel, true));
    }
}

static void push(struct unit *u)
{
    if (iio_buffer_push(u->out) < 0) give_up("push");
}

static void start(struct unit *u, size_t block)
{
    u->in = iio_device_create_buffer(u->rx, block, false);
    if (!u->in || iio_device_set_kernel_buffers_count(u->tx, DEPTH) < 0) give_up("receiving");
    u->out = iio_device_create_buffer(u->tx, block, false);
    if (!u->out) give_up("transmitting");
    memset(iio_buffer_start(u->out), 0, block * 4);
    for (int i = 0; i < DEPTH - 1; i++)
        push(u);
}

// A tone at 100 kHz + 10 kHz a unit, in the unit's own third of every second.
static void fill(int unit, int64_t first, size_t block)
{
    int16_t *out = iio_buffer_start(units[unit].out);
    for (size_t k = 0; k < block; k++) {
        int64_t at = first + (int64_t)k;
        bool on = at % RATE / (RATE / 3) == unit;
        double phase = 2 * M_PI * fmod((100000.0 + 10000 * unit) / RATE * (double)at, 1);
        out[2 * k] = (int16_t)(on ? 12000 * cos(phase) : 0);
        out[2 * k + 1] = (int16_t)(on ? 12000 * sin(phase) : 0);
    }
}

static void talk(int device, int64_t now)
{
    uint8_t said[256];
    struct err e = {0};
    int n = port_read(ports[device], said, sizeof said, &e);
    // Each is told to send, and to listen, twice a second.
    static int64_t next[DEVICES] = {RATE / 4, RATE / 3};
    static int turn[DEVICES];
    if (n >= 0 && now >= next[device]) {
        n = port_write(ports[device], turn[device]++ % 2 ? "l" : "b", 1, &e) < 0 ? -1 : n;
        next[device] += RATE / 4;
    }
    if (n < 0) give_up(e.text);
    add(said, (size_t)n);
}

static long lab_ticks(void)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)getppid());
    FILE *f = fopen(path, "r");
    if (!f || !fread(text, 1, sizeof text - 1, f)) give_up(path);
    fclose(f);
    long user = 0, system = 0;
    const char *behind = strrchr(text, ')');
    if (!behind || sscanf(behind, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld", &user,
                          &system) != 2)
        give_up(path);
    return user + system;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    size_t block = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (block < 1000 || crypto_sha256_new(&digest, NULL) < 0) give_up("the block's size");
    for (int i = 0; i < DEVICES; i++) {
        struct port_config config = {getenv(i ? "FOXLAB_UART_1" : "FOXLAB_UART_0"),
                                     i ? 19200 : 9600};
        struct err e = {0};
        if (port_open(&ports[i], &config, &e) < 0 ||
            port_set_line(ports[i], PORT_LINE_RTS, true, &e) < 0)
            give_up(e.text);
    }
    for (int i = 0; i < UNITS; i++)
        connect_unit(&units[i], i);
    for (int i = 0; i < UNITS; i++)
        start(&units[i], block);
    long ticks = lab_ticks();
    for (int64_t at = 0; at < TOTAL; at += (int64_t)block) {
        for (int i = 0; i < DEVICES; i++)
            talk(i, at);
        for (int i = 0; i < UNITS; i++) {
            if (iio_buffer_refill(units[i].in) != (ssize_t)block * 4) give_up("refill");
            add(iio_buffer_start(units[i].in), block * 4);
            fill(i, at, block);
            push(&units[i]);
        }
    }
    fprintf(stderr, "# the lab took %.1f ms of CPU a second\n",
            (double)(lab_ticks() - ticks) * 1e3 / (double)sysconf(_SC_CLK_TCK) * RATE / TOTAL);
    uint8_t sum[SHA256_LEN];
    if (crypto_sha256_finish(digest, sum, NULL) < 0) give_up("sha256");
    for (int i = 0; i < SHA256_LEN; i++)
        printf("%02x", sum[i]);
    printf("\n");
    for (int i = 0; i < UNITS; i++) {
        uint32_t rx = 1, tx = 1;
        if (iio_device_reg_read(units[i].rx, 0x80000088, &rx) < 0 ||
            iio_device_reg_read(units[i].tx, 0x80000088, &tx) < 0 || rx || tx)
            give_up("an unbroken stream");
        iio_buffer_destroy(units[i].out);
        iio_buffer_destroy(units[i].in);
        iio_context_destroy(units[i].ctx);
    }
    for (int i = 0; i < DEVICES; i++)
        port_close(ports[i]);
    return 0;
}
