// A device for the lab's own tests: obedient and simple, or wrong in the one way its argument
// names.
//
// It counts its starts in NVM (4 bytes at 0), says "boot COUNT CAUSE" on its UART, answers every
// byte with "BYTE TIME_NS\n", and sends a burst when that byte is 'b': 100 ms of carrier at 868.13
// MHz plus 10 kHz, 14 dBm, 9600 S/s. At 'l' it listens for 20 ms at 868.1 MHz, 9600 S/s, and says
// "heard DBM HZ": the power and the mean frequency beside its own.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dut/lab/wire.h"
#include "dut/port/port_wire.h"

enum { LAB_IS_GONE = 0, BROKEN = 3, BURST = 960 };

static struct wire wire;

static void send_or_exit(unsigned type, const void *head, size_t n, const void *tail, size_t m)
{
    if (wire_send(&wire, type, head, n, tail, m, NULL) < 0) exit(LAB_IS_GONE);
}

static struct wire_message receive(void)
{
    struct wire_message m;
    if (wire_receive(&wire, &m, NULL) < 0) exit(LAB_IS_GONE);
    return m;
}

static void say(int64_t t, const char *text)
{
    uint8_t head[8];
    wire_put_i64(head, t);
    send_or_exit(PORT_UART_TX, head, 8, text, strlen(text));
}

static void idle(int64_t next)
{
    uint8_t head[8];
    wire_put_i64(head, next);
    send_or_exit(PORT_IDLE, head, 8, NULL, 0);
}

static void burst(int64_t t)
{
    static float iq[2 * BURST];
    for (int i = 0; i < BURST; i++)
        iq[2 * i] = (float)pow(10, 14 / 20.0);
    uint8_t head[24];
    wire_put_i64(head, t);
    wire_put_f64(head + 8, 868140000);
    wire_put_f64(head + 16, 9600);
    send_or_exit(PORT_RF_TX, head, sizeof head, iq, sizeof iq);
}

static void listen_now(int64_t t)
{
    uint8_t body[32];
    wire_put_i64(body, t);
    wire_put_i64(body + 8, t + 20000000);
    wire_put_f64(body + 16, 868100000);
    wire_put_f64(body + 24, 9600);
    send_or_exit(PORT_RF_LISTEN, body, sizeof body, NULL, 0);
}

static void judge_samples(const struct wire_message *m, char *text, size_t size)
{
    size_t n = (m->len - 24) / 8;
    double power = 0, re = 0, im = 0;
    float last[2] = {0};
    for (size_t i = 0; i < n; i++) {
        float x[2];
        memcpy(x, m->body + 24 + 8 * i, sizeof x);
        power += (double)(x[0] * x[0] + x[1] * x[1]) / (double)n;
        re += (double)(x[0] * last[0] + x[1] * last[1]);
        im += (double)(x[1] * last[0] - x[0] * last[1]);
        memcpy(last, x, sizeof last);
    }
    snprintf(text, size, "heard %.2f %.1f\n", 10 * log10(fmax(power, 1e-30)),
             atan2(im, re) / (2 * M_PI) * wire_f64(m->body + 16));
}

// Counts this start; answers when the write will have ended.
static int64_t count_start(int64_t t, uint32_t *count)
{
    uint8_t head[20];
    wire_put_i64(head, t);
    wire_put_u32(head + 8, 0);
    wire_put_u32(head + 12, 4);
    send_or_exit(PORT_NVM_READ, head, 16, NULL, 0);
    struct wire_message m = receive();
    *count = wire_u32(m.body + 16) + 1; // erased memory: 0xffffffff + 1 = 0
    wire_put_u32(head + 16, *count);
    send_or_exit(PORT_NVM_WRITE, head, 16, head + 16, 4);
    m = receive();
    return wire_i64(m.body);
}

static void misbehave(const char *how, int64_t until)
{
    if (strcmp(how, "die") == 0) exit(7);
    if (strcmp(how, "crash") == 0) abort();
    if (strcmp(how, "hang") == 0) pause();
    if (strcmp(how, "past") == 0) idle(until);
    if (strcmp(how, "garbage") == 0) {
        static const uint8_t noise[16] = {1, 2, 3, 4, 5, 6, 7, 8};
        if (write(wire.fd, noise, sizeof noise) < 0) exit(LAB_IS_GONE);
    }
    if (strcmp(how, "future") == 0) say(until + 1, "too early");
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    const char *fd = getenv("FOXPORT_FD");
    if (!fd) return BROKEN;
    wire_init(&wire, atoi(fd), 60000);
    struct wire_message m = receive();
    uint32_t cause = wire_u32(m.body + 4), count = 0;
    if (strcmp(how, "refuse") == 0 || (argc > 2 && strcmp(argv[argc - 2], "--fault") == 0)) {
        const char *why = argc > 2 ? argv[argc - 1] : "nothing";
        send_or_exit(PORT_REFUSE, "unknown fault ", 14, why, strlen(why));
        return BROKEN;
    }
    uint8_t ready[8] = {1}; // the first version, which the lab still speaks
    send_or_exit(PORT_READY, ready, 8, "probe 1", 7);

    int64_t written = -1;
    bool booted = false;
    char heard[64] = "";
    for (;;) {
        m = receive();
        int64_t t = wire_i64(m.body);
        char text[64];
        if (m.type == PORT_UART_RX) {
            for (size_t i = 8; i < m.len; i++) {
                snprintf(text, sizeof text, "%c %lld\n", m.body[i], (long long)t);
                say(t, text);
                if (m.body[i] == 'b') burst(t);
                if (m.body[i] == 'l') listen_now(t);
            }
            continue;
        }
        if (m.type == PORT_RF_SAMPLES) {
            judge_samples(&m, heard, sizeof heard);
            continue;
        }
        if (m.type != PORT_GRANT) return BROKEN;
        if (heard[0]) say(t, heard);
        heard[0] = '\0';
        misbehave(how, t);
        if (!booted) {
            booted = true;
            written = count_start(t, &count);
        }
        if (written >= 0 && t >= written) {
            snprintf(text, sizeof text, "boot %u %u\n", count, cause);
            say(written, text);
            written = -1;
        }
        idle(written >= 0 ? written : PORT_NEVER);
    }
}
