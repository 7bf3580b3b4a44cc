#include "dut/port/radio.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dut/port/dbpsk.h"
#include "dut/port/gfsk.h"
#include "dut/port/link.h"

enum {
    SAMPLES_PER_SYMBOL = 64,
    PIECE_MS = 50, // of listening: 240 samples, so that pieces join without a break
    PIECE = DEVPORT_GFSK_RATE_HZ * PIECE_MS / 1000,
    TONE_RATE_HZ = 1000,
    BITS_MAX = 65536
};

struct devport_radio {
    struct devport *port; // lent
    bool asleep;
    int64_t sends_until_ns;
    struct devport_gfsk gfsk;
    double listens_hz;    // carrier of the last receive
    int64_t heard_to_ns;  // it has listened up to here without a break
    int64_t gfsk_from_ns; // time of the demodulator's first sample
    float piece[2 * PIECE];
    size_t piece_n, piece_used; // what a frame left over of the last piece
};

struct devport_radio *devport_radio_new(struct devport *p)
{
    struct devport_radio *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->port = p;
    r->heard_to_ns = -1;
    return r;
}

void devport_radio_free(struct devport_radio *r)
{
    free(r);
}

void devport_radio_sleep(struct devport_radio *r)
{
    if (r->sends_until_ns > devport_now_ns(r->port))
        portlink_misused("devport_radio_sleep: the radio still sends; wait until the time that "
                         "devport_radio_start returned");
    r->asleep = true;
}

void devport_radio_wake(struct devport_radio *r, int64_t wake_ns)
{
    if (r->asleep && wake_ns > 0) devport_sleep(r->port, devport_now_ns(r->port) + wake_ns);
    r->asleep = false;
}

static void check_awake(const struct devport_radio *r, const char *function)
{
    if (r->asleep)
        portlink_misused("%s: the radio is asleep; call devport_radio_wake first", function);
    if (r->sends_until_ns > devport_now_ns(r->port))
        portlink_misused("%s: the radio still sends; wait until the time that "
                         "devport_radio_start returned",
                         function);
}

static void check_carrier(const char *function, double carrier_hz)
{
    if (!(carrier_hz > 0 && carrier_hz < 1e11))
        portlink_misused("%s: expected a carrier frequency in hertz, got %g", function, carrier_hz);
}

static float amplitude(const char *function, double dbm)
{
    if (!(dbm >= -60 && dbm <= 40))
        portlink_misused("%s: expected a level from -60 to 40 dBm, got %g", function, dbm);
    return (float)pow(10, dbm / 20); // sqrt(mW)
}

// --- sending

// Puts the burst on air and answers when it will be over.
static int64_t transmit(struct devport_radio *r, double carrier_hz, unsigned rate_hz,
                        const float *iq, size_t n)
{
    devport_rf_transmit(r->port, carrier_hz, rate_hz, iq, n);
    int64_t ns = (int64_t)((n * (uint64_t)DEVPORT_SECOND + rate_hz - 1) / rate_hz);
    r->sends_until_ns = devport_now_ns(r->port) + ns;
    r->heard_to_ns = -1; // nothing is heard meanwhile
    return r->sends_until_ns;
}

int64_t devport_radio_start(struct devport_radio *r, double carrier_hz, unsigned bit_rate,
                            double dbm, const uint8_t *bits, size_t n_bits)
{
    static const char me[] = "devport_radio_send";
    check_awake(r, me);
    check_carrier(me, carrier_hz);
    if (bit_rate != 100 && bit_rate != 600)
        portlink_misused("%s: expected 100 or 600 bit/s, got %u", me, bit_rate);
    if (n_bits == 0 || n_bits > BITS_MAX)
        portlink_misused("%s: expected 1 to %d bits, got %zu", me, BITS_MAX, n_bits);
    float level = amplitude(me, dbm);
    size_t n = devport_dbpsk_len(n_bits, SAMPLES_PER_SYMBOL);
    float *iq = malloc(2 * n * sizeof *iq);
    if (!iq) portlink_no_memory();
    devport_dbpsk(bits, n_bits, SAMPLES_PER_SYMBOL, level, iq);
    int64_t end_ns = transmit(r, carrier_hz, bit_rate * SAMPLES_PER_SYMBOL, iq, n);
    free(iq);
    return end_ns;
}

void devport_radio_send(struct devport_radio *r, double carrier_hz, unsigned bit_rate, double dbm,
                        const uint8_t *bits, size_t n_bits)
{
    devport_sleep(r->port, devport_radio_start(r, carrier_hz, bit_rate, dbm, bits, n_bits));
}

void devport_radio_tone(struct devport_radio *r, double carrier_hz, double dbm, int64_t for_ns)
{
    static const char me[] = "devport_radio_tone";
    check_awake(r, me);
    check_carrier(me, carrier_hz);
    float level = amplitude(me, dbm);
    // A second at a time, so that a carrier of an hour needs no memory for an hour.
    for (int64_t end_ns = devport_now_ns(r->port) + for_ns; devport_now_ns(r->port) < end_ns;) {
        int64_t left_ns = end_ns - devport_now_ns(r->port);
        size_t n = left_ns < DEVPORT_SECOND ? (size_t)(left_ns * TONE_RATE_HZ / DEVPORT_SECOND) + 1
                                            : TONE_RATE_HZ;
        float iq[2 * TONE_RATE_HZ + 2] = {0};
        for (size_t i = 0; i < n; i++)
            iq[2 * i] = level;
        devport_sleep(r->port, transmit(r, carrier_hz, TONE_RATE_HZ, iq, n));
    }
}

// --- receiving

static void begin_listening(struct devport_radio *r, double carrier_hz)
{
    devport_gfsk_init(&r->gfsk);
    r->listens_hz = carrier_hz;
    r->gfsk_from_ns = devport_now_ns(r->port);
    r->piece_n = r->piece_used = 0;
}

// Feeds what is there of the last piece; true when a frame came out.
static bool feed(struct devport_radio *r, struct devport_frame *out)
{
    struct devport_gfsk_frame frame;
    bool got = false;
    r->piece_used += devport_gfsk_push(&r->gfsk, r->piece + 2 * r->piece_used,
                                       r->piece_n - r->piece_used, &frame, &got);
    if (!got) return false;
    memcpy(out->data, frame.data, sizeof out->data);
    out->end_ns = r->gfsk_from_ns +
                  (int64_t)(frame.end_sample * (uint64_t)DEVPORT_SECOND / DEVPORT_GFSK_RATE_HZ);
    out->carrier_hz = r->listens_hz + frame.offset_hz;
    out->dbm = 10 * log10(fmax(frame.power_mw, 1e-30));
    return true;
}

int devport_radio_receive(struct devport_radio *r, double carrier_hz, int64_t until_ns,
                          struct devport_frame *out)
{
    static const char me[] = "devport_radio_receive";
    check_awake(r, me);
    check_carrier(me, carrier_hz);
    int64_t now_ns = devport_now_ns(r->port);
    bool seamless = now_ns == r->heard_to_ns && carrier_hz == r->listens_hz;
    if (!seamless) begin_listening(r, carrier_hz);
    while (!feed(r, out)) {
        now_ns = devport_now_ns(r->port);
        if (now_ns >= until_ns) return 0;
        int64_t to_ns = now_ns + PIECE_MS * DEVPORT_MS;
        if (to_ns > until_ns) to_ns = until_ns;
        r->piece_used = 0;
        r->piece_n = devport_rf_listen(r->port, now_ns, to_ns, carrier_hz, DEVPORT_GFSK_RATE_HZ,
                                       r->piece, PIECE);
        r->heard_to_ns = to_ns;
    }
    return 1;
}

double devport_radio_power(struct devport_radio *r, double carrier_hz, double band_hz,
                           int64_t for_ns)
{
    static const char me[] = "devport_radio_power";
    check_awake(r, me);
    check_carrier(me, carrier_hz);
    double samples = floor((double)for_ns / (double)DEVPORT_SECOND * band_hz);
    if (!(band_hz >= 100 && band_hz <= 1e7 && samples >= 1 && samples <= 1e6))
        portlink_misused("%s: expected a band from 100 Hz to 10 MHz and time for 1 to a million "
                         "samples of it, got %g Hz for %g ms",
                         me, band_hz, (double)for_ns / (double)DEVPORT_MS);
    float *iq = malloc(2 * (size_t)samples * sizeof *iq);
    if (!iq) portlink_no_memory();
    int64_t now_ns = devport_now_ns(r->port);
    size_t n = devport_rf_listen(r->port, now_ns, now_ns + for_ns, carrier_hz, band_hz, iq,
                                 (size_t)samples);
    double sum_mw = 0;
    for (size_t i = 0; i < 2 * n; i++)
        sum_mw += (double)(iq[i] * iq[i]);
    free(iq);
    return 10 * log10(fmax(n ? sum_mw / (double)n : 0, 1e-30));
}

int devport_radio_wait_clear(struct devport_radio *r, double carrier_hz, double band_hz,
                             double threshold_dbm, int64_t clear_ns, int64_t until_ns)
{
    // A fifth of the time at once: short enough to see a burst begin, long enough to measure.
    int64_t piece_ns = clear_ns / 5 > DEVPORT_MS ? clear_ns / 5 : DEVPORT_MS;
    for (int64_t free_ns = 0; devport_now_ns(r->port) + piece_ns <= until_ns;) {
        bool quiet = devport_radio_power(r, carrier_hz, band_hz, piece_ns) < threshold_dbm;
        free_ns = quiet ? free_ns + piece_ns : 0;
        if (free_ns >= clear_ns) return 1;
    }
    return 0;
}
