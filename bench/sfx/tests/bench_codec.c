// How fast the uplink codec is, beside OpenSSL's own AES-CBC on the same blocks: ratios of one run,
// because machines differ. Usage: bench_codec [MESSAGES], 200000 by default.
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/base/crypto.h"
#include "bench/base/rng.h"
#include "bench/sfx/mac.h"
#include "bench/sfx/uplink.h"

enum { MESSAGES = 512, ROUNDS = 5 };

struct work {
    struct secret key;
    struct sfx_uplink up[MESSAGES];
    uint8_t frames[MESSAGES][SFX_FRAME_MAX];
    uint8_t blocks[MESSAGES][SFX_MAC_MAX];
    size_t n_blocks[MESSAGES];
    unsigned rank[MESSAGES];
    EVP_CIPHER_CTX *aes;
};

static void stop(const char *what)
{
    fprintf(stderr, "bench_codec: %s\n", what);
    exit(1);
}

// Every payload length in turn, each rank in turn.
static void make(struct work *w)
{
    const uint64_t stream = rng_key(1, "bench codec");
    w->key.len = 16;
    for (unsigned i = 0; i < 16; i++)
        w->key.data[i] = (uint8_t)rng_u64(stream, i);
    for (unsigned n = 0; n < MESSAGES; n++) {
        uint8_t input[6 + SFX_PAYLOAD_MAX];
        struct sfx_uplink *up = &w->up[n];
        *up = (struct sfx_uplink){.type = SFX_MESSAGE_BYTES,
                                  .device_id = (uint32_t)rng_u64(stream, 100 + n),
                                  .counter = (uint16_t)n,
                                  .payload_len = 1 + n % SFX_PAYLOAD_MAX};
        for (unsigned i = 0; i < up->payload_len; i++)
            up->payload[i] = (uint8_t)rng_u64(stream, 1000 + 16 * n + i);
        w->rank[n] = 1 + n / SFX_PAYLOAD_MAX % SFX_RANKS;
        if (sfx_uplink_plan(up, NULL) < 0) stop("a message cannot be planned");
        w->n_blocks[n] = sfx_mac_pad(input, sfx_uplink_auth_input(up, input), w->blocks[n]);
    }
}

static void encode(struct work *w, unsigned n)
{
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink *up = &w->up[n];
    if (sfx_uplink_sign(up, &w->key, NULL) < 0) stop("no tag");
    size_t len = sfx_uplink_packet(up, packet);
    sfx_uplink_frame(up->class, w->rank[n], packet, len, w->frames[n]);
}

// From the received frame to the verdict on its tag.
static void decode(struct work *w, unsigned n)
{
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    enum sfx_class class;
    unsigned rank;
    const uint8_t *frame = w->frames[n];
    uint16_t type = (uint16_t)((frame[2] & 0x1F) << 8 | frame[3]);
    if (!sfx_frame_type_find(type, &class, &rank, NULL)) stop("no frame type");
    size_t len = sfx_uplink_uncode(class, rank, frame + 4, packet);
    if (sfx_uplink_decode(class, packet, len, &up) != SFX_STATUS_OK) stop("not decoded");
    if (sfx_uplink_verify(&up, &w->key, NULL) != 1) stop("wrong tag");
}

// What of decode is not cryptography: what a receiver does with a candidate.
static void read_only(struct work *w, unsigned n)
{
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    size_t len = sfx_uplink_uncode(w->up[n].class, w->rank[n], w->frames[n] + 4, packet);
    if (sfx_uplink_decode(w->up[n].class, packet, len, &up) != SFX_STATUS_OK) stop("not decoded");
}

// The yardsticks: OpenSSL alone on the message's padded blocks, out of one context that is kept;
// and the same with the key set up for each message, as the codec must, since each device has its
// own.
static void aes(struct work *w, unsigned n, const uint8_t *key)
{
    static const uint8_t zero_iv[AES_BLOCK];
    uint8_t out[SFX_MAC_MAX];
    int len = (int)w->n_blocks[n] * AES_BLOCK, got = 0;
    if (EVP_EncryptInit_ex2(w->aes, NULL, key, zero_iv, NULL) != 1 ||
        EVP_EncryptUpdate(w->aes, out, &got, w->blocks[n], len) != 1 || got != len)
        stop("no AES");
}

static void aes_kept_key(struct work *w, unsigned n)
{
    aes(w, n, NULL);
}

static void aes_own_key(struct work *w, unsigned n)
{
    aes(w, n, w->key.data);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const struct {
    const char *name;
    void (*run)(struct work *w, unsigned n);
} parts[] = {{"OpenSSL's AES-CBC, key kept", aes_kept_key},
             {"OpenSSL's AES-CBC, key set up", aes_own_key},
             {"encode (tag, CRC, replica code)", encode},
             {"decode (type, code, CRC, tag)", decode},
             {"decode without the tag", read_only}};

enum { PARTS = sizeof parts / sizeof parts[0] };

int main(int argc, char **argv)
{
    static struct work w;
    long messages = argc > 1 ? atol(argv[1]) : 200000;
    double best[PARTS];
    make(&w);
    w.aes = EVP_CIPHER_CTX_new();
    if (!w.aes || EVP_EncryptInit_ex2(w.aes, EVP_aes_128_cbc(), w.key.data, NULL, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(w.aes, 0) != 1)
        stop("no AES");
    for (unsigned n = 0; n < MESSAGES; n++)
        encode(&w, n); // so that decode has something
    for (unsigned p = 0; p < PARTS; p++)
        best[p] = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) // in turn, so that a busy moment hits all
        for (unsigned p = 0; p < PARTS; p++) {
            double begin = seconds();
            for (long n = 0; n < messages; n++)
                parts[p].run(&w, (unsigned)(n % MESSAGES));
            double took = (seconds() - begin) / (double)messages;
            if (took < best[p]) best[p] = took;
        }
    for (unsigned p = 0; p < PARTS; p++)
        printf("%-34s %8.0f ns  %5.2f x AES-CBC, %5.2f x with key set up\n", parts[p].name,
               1e9 * best[p], best[p] / best[0], best[p] / best[1]);
    EVP_CIPHER_CTX_free(w.aes);
    return 0;
}
