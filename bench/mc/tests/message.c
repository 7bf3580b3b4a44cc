#include "bench/mc/tests/message.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/receive.h"
#include "bench/base/rng.h"
#include "bench/phy/tests/synth.h"

enum { MESSAGES = 24, RANKS = 3, PACKET = 12, CHUNK = 25000 };

static const double rate_hz = 250e3, bit_rate = 100, frame_s = 1.45, pause_s = 0.1;

struct messages {
    uint8_t packet[MESSAGES][PACKET];
    char hex[MESSAGES * RANKS][SYNTH_HEX];
    struct synth_burst bursts[MESSAGES * RANKS];
    bool heard[MESSAGES];
};

static void make(double ebn0_db, uint64_t seed, struct messages *m)
{
    uint64_t key = rng_key(seed, "message"), next = 0;
    for (size_t i = 0; i < MESSAGES; i++) {
        for (size_t k = 0; k < PACKET; k++)
            m->packet[i][k] = (uint8_t)rng_u64(key, next++);
        double start = 0.1 + 0.3 * rng_uniform(key, next++);
        for (size_t r = 0; r < RANKS; r++) {
            size_t b = i * RANKS + r, slot = (i + 7 * r) % MESSAGES;
            synth_frame_rank(m->packet[i], PACKET, (unsigned)r + 1, m->hex[b]);
            m->bursts[b] = (struct synth_burst){
                .hex = m->hex[b],
                .bit_rate = bit_rate,
                .start_s = start + (double)r * (frame_s + pause_s),
                .f_hz = -92e3 + 184e3 * ((double)slot + 0.3 * rng_uniform(key, next++)) / MESSAGES,
                .ebn0_db = ebn0_db,
                .phase = rng_uniform(key, next++),
            };
        }
    }
}

static void count(struct messages *m, struct air_receiver *r, struct message_tally *t)
{
    struct air_frame f;
    while (air_receiver_next(r, &f)) {
        if (!f.burst.checked) continue;
        bool sent = false;
        for (size_t i = 0; i < MESSAGES; i++)
            if (f.packet_len == PACKET + 2 && memcmp(f.packet, m->packet[i], PACKET) == 0)
                sent = m->heard[i] = true;
        t->wrong += !sent;
    }
}

int message_stream(double ebn0_db, uint64_t seed, struct message_tally *t, struct err *err)
{
    struct air_receiver_config config = {
        .rate_hz = rate_hz,
        .low_hz = -96e3,
        .high_hz = 96e3,
        .bit_rate_100 = true,
        .combine_s = 10,
    };
    struct air_receiver *r = NULL;
    struct messages *m = calloc(1, sizeof *m);
    int16_t *iq = malloc(2 * CHUNK * sizeof *iq);
    int rc = m && iq ? air_receiver_new(&r, &config, err)
                     : err_set(err, ERR_NOMEM, "no memory for messages");
    if (rc < 0) goto fail;
    make(ebn0_db, seed, m);
    struct synth s = {rate_hz, 30, 0, seed, m->bursts, MESSAGES * RANKS};
    int64_t n = (int64_t)((0.5 + RANKS * (frame_s + pause_s)) * rate_hz);
    for (int64_t at = 0; at < n && rc == ERR_OK; at += CHUNK) {
        synth_render(&s, at, CHUNK, iq);
        rc = air_receiver_push(r, iq, CHUNK, err);
        count(m, r, t);
    }
    if (rc == ERR_OK) rc = air_receiver_finish(r, err);
    if (rc < 0) goto fail;
    count(m, r, t);
    t->sent += MESSAGES;
    for (size_t i = 0; i < MESSAGES; i++)
        t->lost += !m->heard[i];
fail:
    air_receiver_free(r);
    free(iq);
    free(m);
    return rc;
}
