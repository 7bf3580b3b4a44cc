// foxdut and the bench's own signal processing, both ways: what the bench modulates the device
// reads, and foxdut as the bench's receiver hears it: bursts resampled into noise at a radio's
// rate, and every frame decoded, verified, at its frequency, 500 ms after the one before.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "bench/phy/gfsk.h"
#include "bench/phy/receive.h"
#include "bench/sfx/uplink.h"
#include "dut/firmware/tests/fake_lab.h"
#include "dut/port/gfsk.h"

enum { RATE_HZ = 250000, HEARD_S = 9, BLOCK = 25000, FRAMES = 3 };

static const double centre_hz = 868130000.0;
static const double scale = 40.0;       // codes per sqrt(mW): 14 dBm becomes 200
static const double noise_codes = 60.0; // about 40 dB of Eb/N0

// One frame as the bench hears it.
struct heard {
    struct phy_burst burst;
    unsigned rank;
    enum sfx_status status;
    struct sfx_uplink uplink;
};

// Every beginning of an uplink: 19 bits of preamble, 13 of frame type (protocol.md 1.2). Entry i is
// class i / 3, rank i % 3 + 1.
static void fill_syncs(struct phy_sync syncs[SFX_CLASSES * SFX_RANKS])
{
    for (unsigned i = 0; i < SFX_CLASSES * SFX_RANKS; i++) {
        enum sfx_class class = (enum sfx_class)(i / SFX_RANKS);
        uint32_t type = sfx_frame_type(class, i % SFX_RANKS + 1);
        syncs[i] = (struct phy_sync){0x55555u << 13 | type, sfx_body_bits(class)};
    }
}

static struct heard read_burst(const struct phy_burst *b)
{
    struct heard h = {.burst = *b, .rank = (unsigned)b->sync % SFX_RANKS + 1};
    enum sfx_class class = (enum sfx_class)(b->sync / SFX_RANKS);
    uint8_t packet[SFX_PACKET_MAX];
    size_t len = sfx_uplink_uncode(class, h.rank, b->body, packet);
    h.status = sfx_uplink_decode(class, packet, len, &h.uplink);
    return h;
}

static uint32_t random_next(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

// Four uniform numbers: near enough to a normal one.
static double noise(uint32_t *x)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += random_next(x) * 0x1p-32 - 0.5;
    return sum * sqrt(3.0) * noise_codes;
}

// Adds a burst to n samples that begin at from_ns.
static void mix(const struct lab_burst *b, int64_t from_ns, double *iq, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double t_s = (double)(from_ns - b->t_ns) * 1e-9 + (double)i / RATE_HZ;
        double at = t_s * b->rate_hz;
        if (at < 0 || at >= (double)(b->n - 1)) continue;
        size_t k = (size_t)at;
        double part = at - (double)k;
        double re = (1 - part) * (double)b->iq[2 * k] + part * (double)b->iq[2 * k + 2];
        double im = (1 - part) * (double)b->iq[2 * k + 1] + part * (double)b->iq[2 * k + 3];
        double turns = (b->carrier_hz - centre_hz) * t_s;
        double c = cos(2 * M_PI * (turns - floor(turns)));
        double s = sin(2 * M_PI * (turns - floor(turns)));
        iq[2 * i] += scale * (re * c - im * s);
        iq[2 * i + 1] += scale * (re * s + im * c);
    }
}

// What the receiver makes of the first HEARD_S seconds after from_ns.
static size_t hear(const struct lab *l, int64_t from_ns, struct heard *out, size_t max)
{
    struct phy_sync syncs[SFX_CLASSES * SFX_RANKS];
    fill_syncs(syncs);
    const struct phy_receive_config config = {.rate_hz = RATE_HZ,
                                              .low_hz = -96000,
                                              .high_hz = 96000,
                                              .bit_rate_100 = true,
                                              .syncs = syncs,
                                              .n_syncs = SFX_CLASSES * SFX_RANKS};
    struct phy_receiver *r = NULL;
    struct err err = {0};
    assert_int_equal(phy_receiver_new(&r, &config, &err), 0);
    static double sum[2 * BLOCK];
    static int16_t codes[2 * BLOCK];
    uint32_t x = 12345;
    size_t n_frames = 0;
    for (int block = 0; block < HEARD_S * RATE_HZ / BLOCK; block++) {
        int64_t block_ns = from_ns + (int64_t)block * BLOCK * (DEVPORT_SECOND / RATE_HZ);
        for (size_t i = 0; i < 2 * BLOCK; i++)
            sum[i] = noise(&x);
        for (size_t i = 0; i < l->n_bursts; i++)
            mix(&l->bursts[i], block_ns, sum, BLOCK);
        for (size_t i = 0; i < 2 * BLOCK; i++)
            codes[i] = (int16_t)lround(sum[i]);
        assert_int_equal(phy_receiver_push(r, codes, BLOCK, &err), 0);
    }
    assert_int_equal(phy_receiver_finish(r, &err), 0);
    for (struct phy_burst b; phy_receiver_next(r, &b);) {
        assert_true(n_frames < max);
        out[n_frames++] = read_burst(&b);
    }
    phy_receiver_free(r);
    return n_frames;
}

static void test_the_bench_hears_foxdut(void **state)
{
    (void)state;
    static const char *const lines[] = {"AT$SB=1", "AT$SF=000102030405060708090a0b", "AT$SF=01,1",
                                        "AT$SO"};
    uint8_t raw[16];
    struct secret key;
    assert_int_equal(hex_decode("000102030405060708090a0b0c0d0e0f", raw, sizeof raw, NULL), 16);
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), 0);
    struct lab l;
    lab_init(&l);
    lab_set_counter(&l, 99);
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    for (unsigned m = 0; m < sizeof lines / sizeof lines[0]; m++) {
        lab_forget(&l);
        int64_t from_ns = l.now_ns;
        lab_command(&l, lines[m]);
        struct heard frames[8];
        assert_int_equal(hear(&l, from_ns, frames, 8), FRAMES);
        for (unsigned i = 0; i < FRAMES; i++) {
            const struct heard *f = &frames[i];
            assert_int_equal(f->status, SFX_STATUS_OK);
            assert_int_equal(f->rank, i + 1);
            assert_int_equal(f->uplink.device_id, 0x0badcafe);
            assert_int_equal(f->uplink.counter, 100 + m);
            assert_int_equal(f->uplink.bidirectional, m == 2);
            assert_int_equal(sfx_uplink_verify(&f->uplink, &key, NULL), 1);
            assert_true(fabs(f->burst.f_hz - (l.bursts[i].carrier_hz - centre_hz)) < 2.0);
            if (i == 0) continue;
            const struct phy_burst *before = &frames[i - 1].burst;
            unsigned symbols = 1 + PHY_HEAD_BITS + before->body_bits;
            double gap_s =
                (f->burst.start_sample - before->start_sample) / RATE_HZ - symbols / 100.0;
            assert_true(fabs(gap_s - 0.5) < 0.003);
        }
    }
    lab_deinit(&l);
    secret_deinit(&key);
}

// MUT-JAM-010: the third copy says nothing to a receiver, however strong it is.
static void test_jam_010_leaves_two_copies(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    l.args[0] = "--fault";
    l.args[1] = "MUT-JAM-010";
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    static const char *const lines[] = {"AT$SB=1", "AT$SF=0102", "AT$SF=000102030405060708090a0b"};
    for (size_t m = 0; m < sizeof lines / sizeof lines[0]; m++) {
        lab_forget(&l);
        int64_t from_ns = l.now_ns;
        assert_string_equal(lab_command(&l, lines[m]), "OK\r");
        assert_int_equal(l.n_bursts, FRAMES);
        struct heard frames[8];
        size_t n = hear(&l, from_ns, frames, 8), copies = 0;
        for (size_t i = 0; i < n; i++) {
            if (frames[i].status != SFX_STATUS_OK) continue;
            assert_int_equal(frames[i].rank, ++copies);
        }
        assert_int_equal(copies, 2);
    }
    lab_deinit(&l);
}

// Every downlink vector as the bench's modulator makes it, at several carriers.
static void test_the_device_reads_what_the_bench_sends(void **state)
{
    (void)state;
    struct jval *file = NULL;
    struct err err = {0};
    assert_int_equal(jval_load(&file, FOX_SOURCE_DIR "/fixtures/vectors/downlink.json", &err), 0);
    struct jval *encode = jval_get(file, "encode");
    for (size_t i = 0; i < jval_len(encode); i++) {
        uint8_t on_air[28];
        const char *hex = jval_text(jval_get(jval_at(encode, i), "onair_hex"), "");
        assert_int_equal(hex_decode(hex, on_air, sizeof on_air, NULL), sizeof on_air);
        const struct phy_gfsk_config config = {.rate_hz = DEVPORT_GFSK_RATE_HZ,
                                               .bit_rate = PHY_GFSK_DOWNLINK_BIT_RATE,
                                               .deviation_hz = PHY_GFSK_DOWNLINK_DEVIATION_HZ,
                                               .bt = PHY_GFSK_DOWNLINK_BT,
                                               .offset_hz = 40.0 * ((double)i - 16),
                                               .amplitude = 0.5,
                                               .ramp_bits = 1};
        struct bytes burst;
        size_t n = phy_gfsk_samples(&config, 8 * sizeof on_air);
        bytes_init(&burst, 4 * n);
        assert_int_equal(phy_gfsk_modulate(&config, on_air, 8 * sizeof on_air, &burst, &err), 0);
        assert_int_equal(burst.len, 4 * n);
        float *iq = malloc(2 * n * sizeof *iq);
        assert_non_null(iq);
        for (size_t k = 0; k < 2 * n; k++) {
            int16_t code;
            memcpy(&code, burst.data + 2 * k, sizeof code);
            iq[k] = code;
        }
        static struct devport_gfsk g;
        struct devport_gfsk_frame frame = {.end_sample = 0};
        bool got = false;
        devport_gfsk_init(&g);
        devport_gfsk_push(&g, iq, n, &frame, &got);
        assert_true(got);
        assert_memory_equal(frame.data, on_air + 13, sizeof frame.data);
        double end =
            (phy_gfsk_lead_s(&config) + 8 * sizeof on_air / config.bit_rate) * DEVPORT_GFSK_RATE_HZ;
        assert_true(fabs((double)frame.end_sample - end) <= 2);
        free(iq);
        bytes_deinit(&burst);
    }
    assert_int_equal(jval_len(encode), 33);
    jval_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bench_hears_foxdut),
        cmocka_unit_test(test_jam_010_leaves_two_copies),
        cmocka_unit_test(test_the_device_reads_what_the_bench_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
