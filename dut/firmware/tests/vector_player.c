// A device that sends the frames of a file of uplink vectors and knows nothing of the protocol: the
// bits are the file's, as other implementations made them. Once through, then silence. Frames with
// wrong bits in the frame type are left out: see bench/air/tests/test_vectors_air.c.
#include <stdio.h>
#include <stdlib.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "dut/port/client.h"
#include "dut/port/dbpsk.h"

enum { BIT_RATE = 600, SAMPLES_PER_SYMBOL = 32, FRAME_MAX = 64, STEP_HZ = 37, STEPS = 100 };

static const int64_t start_ns = 3 * DEVPORT_SECOND, gap_ns = 100 * DEVPORT_MS;
static const double carrier_hz = 868130000.0;
static const float amplitude = 5.0f; // sqrt(mW): 14 dBm

static unsigned sent; // frames, each at a frequency of its own

static void wait_until(struct devport *port, int64_t until_ns)
{
    while (devport_now_ns(port) < until_ns)
        devport_wait(port, until_ns);
}

static void send(struct devport *port, const struct jval *frame)
{
    uint8_t bits[FRAME_MAX];
    int len = hex_decode(jval_text(jval_get(frame, "frame_hex"), ""), bits, sizeof bits, NULL);
    if (len <= 0) {
        fprintf(stderr, "vector_player: frame %u has no frame_hex\n", sent);
        exit(4);
    }
    size_t n = devport_dbpsk_len(8 * (size_t)len, SAMPLES_PER_SYMBOL);
    float *iq = malloc(2 * n * sizeof *iq);
    if (!iq) exit(4);
    devport_dbpsk(bits, 8 * (size_t)len, SAMPLES_PER_SYMBOL, amplitude, iq);
    devport_rf_transmit(port, carrier_hz + STEP_HZ * (double)(sent++ % STEPS),
                        BIT_RATE * SAMPLES_PER_SYMBOL, iq, n);
    free(iq);
    wait_until(port, devport_now_ns(port) + gap_ns +
                         (int64_t)n * DEVPORT_SECOND / (BIT_RATE * SAMPLES_PER_SYMBOL));
}

static void play(struct devport *port, const struct jval *file)
{
    const struct jval *encode = jval_get(file, "encode"), *decode = jval_get(file, "decode");
    for (size_t i = 0; i < jval_len(encode); i++) {
        const struct jval *frames = jval_get(jval_at(encode, i), "frames");
        for (size_t r = 0; r < jval_len(frames); r++)
            send(port, jval_at(frames, r));
    }
    for (size_t i = 0; i < jval_len(decode); i++) {
        const struct jval *expect = jval_get(jval_at(decode, i), "expect");
        if (jval_int(jval_get(expect, "ft_bit_errors"), 0) == 0) send(port, jval_at(decode, i));
    }
}

int main(int argc, char **argv)
{
    struct devport *port = NULL;
    struct jval *file = NULL;
    struct err e = {0};
    char why[160];
    if (argc != 2 || jval_load(&file, argv[1], &e) < 0) {
        fprintf(stderr, "vector_player: expected a file of uplink vectors: %s\n", e.text);
        return 4;
    }
    if (devport_open(&port, why, sizeof why) < 0) {
        fprintf(stderr, "vector_player: %s\n", why);
        return 4;
    }
    devport_ready(port, "vector_player 1");
    wait_until(port, devport_now_ns(port) + start_ns);
    play(port, file);
    for (;;) // ends inside when the lab takes the power away
        devport_wait(port, DEVPORT_NEVER);
}
