// The downlink receiver against bursts drawn here from the definition of GFSK: every vector, off
// frequency, off the sample grid, cut into pieces, in noise, and noise alone.
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
#include "dut/port/gfsk.h"

enum { ON_AIR = 28, BITS = 8 * ON_AIR, RATE = DEVPORT_GFSK_RATE_HZ, SPB = RATE / 600 };

struct burst {
    uint8_t bits[ON_AIR];
    double start;     // in samples, any fraction
    double offset_hz; // of the carrier
    double amplitude; // sqrt(mW)
};

static double bit_value(const struct burst *b, int i)
{
    if (i < 0 || i >= BITS) return 0;
    return b->bits[i / 8] >> (7 - i % 8) & 1 ? 1 : -1;
}

// Frequency at time t (in bits): the bits through a Gaussian filter with BT 1.
static double frequency_hz(const struct burst *b, double t)
{
    const double a = M_PI * sqrt(2 / log(2));
    double sum = 0;
    int now = (int)floor(t);
    for (int i = now - 2; i <= now + 2; i++)
        sum += bit_value(b, i) * (erf(a * (t - i)) - erf(a * (t - i - 1))) / 2;
    return b->offset_hz + 800 * sum;
}

// Adds a burst to n samples; its phase is the integral of its frequency.
static void add(const struct burst *b, float *iq, size_t n)
{
    enum { STEPS = 16 };
    double phase = 1; // any
    for (size_t k = 0; k < n; k++) {
        double t = ((double)k - b->start) / SPB;
        if (t < 0 || t >= BITS) continue;
        iq[2 * k] += (float)(b->amplitude * cos(phase));
        iq[2 * k + 1] += (float)(b->amplitude * sin(phase));
        for (int i = 0; i < STEPS; i++)
            phase += 2 * M_PI * frequency_hz(b, t + (i + 0.5) / STEPS / SPB) / RATE / STEPS;
    }
}

static double uniform(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return ((double)(*x >> 11) + 0.5) * 0x1p-53;
}

// Complex noise of this power in the whole sampled band.
static void add_noise(float *iq, size_t n, double noise_mw, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t k = 0; k < n; k++) {
        double r = sqrt(-noise_mw * log(uniform(&x))), turn = 2 * M_PI * uniform(&x);
        iq[2 * k] += (float)(r * cos(turn));
        iq[2 * k + 1] += (float)(r * sin(turn));
    }
}

// Feeds everything in pieces; returns how many frames came, the first `max` of them in out.
static size_t receive(const float *iq, size_t n, size_t piece, struct devport_gfsk_frame *out,
                      size_t max)
{
    static struct devport_gfsk g;
    devport_gfsk_init(&g);
    size_t frames = 0;
    for (size_t from = 0; from < n;) {
        size_t len = n - from < piece ? n - from : piece;
        struct devport_gfsk_frame frame;
        bool got = false;
        size_t taken = devport_gfsk_push(&g, iq + 2 * from, len, &frame, &got);
        assert_true(taken == len || got);
        from += taken;
        if (got && frames < max) out[frames] = frame;
        frames += got;
    }
    return frames;
}

static struct burst burst_of(const char *on_air_hex)
{
    struct burst b = {.start = 400, .amplitude = 1};
    assert_int_equal(hex_decode(on_air_hex, b.bits, sizeof b.bits, NULL), ON_AIR);
    return b;
}

static const char *first_vector(void)
{
    return "aaaaaaaaaaaaaaaaaaaaaab227835fe82fec19fe7bde0842b0e97f66";
}

static void assert_frame(const struct devport_gfsk_frame *frame, const struct burst *b)
{
    assert_memory_equal(frame->data, b->bits + ON_AIR - 15, 15);
    assert_true(fabs((double)frame->end_sample - (b->start + BITS * SPB)) <= 2);
    assert_true(fabs(frame->offset_hz - b->offset_hz) <= 201);
}

enum { N = 3 * RATE };

static float *silence(void)
{
    static float iq[2 * N];
    memset(iq, 0, sizeof iq);
    return iq;
}

static void test_every_vector_comes_through(void **state)
{
    (void)state;
    struct jval *file = NULL;
    struct err err = {0};
    assert_int_equal(jval_load(&file, FOX_SOURCE_DIR "/fixtures/vectors/downlink.json", &err), 0);
    struct jval *encode = jval_get(file, "encode");
    assert_int_equal(jval_len(encode), 33);
    for (size_t i = 0; i < jval_len(encode); i++) {
        struct burst b = burst_of(jval_text(jval_get(jval_at(encode, i), "onair_hex"), ""));
        b.start += (double)i / 33 * SPB;
        b.amplitude = 1e-5; // -100 dBm
        float *iq = silence();
        add(&b, iq, N);
        add_noise(iq, N, 1e-13, i);
        struct devport_gfsk_frame frame;
        assert_int_equal(receive(iq, N, 480, &frame, 1), 1);
        assert_frame(&frame, &b);
        assert_true(fabs(10 * log10(frame.power_mw) + 100) < 1.5);
    }
    jval_free(file);
}

static void test_carriers_off_frequency_and_any_timing(void **state)
{
    (void)state;
    for (int i = -14; i <= 14; i++) {
        struct burst b = burst_of(first_vector());
        b.offset_hz = 100 * i;
        b.start += i * 0.37;
        float *iq = silence();
        add(&b, iq, N);
        add_noise(iq, N, 0.01, (uint64_t)(i + 20));
        struct devport_gfsk_frame frame;
        assert_int_equal(receive(iq, N, 1000, &frame, 1), 1);
        assert_frame(&frame, &b);
    }
}

// The same samples in pieces of any size give the same frame at the same sample.
static void test_pieces_do_not_matter(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 479, 480, N};
    struct burst first = burst_of(first_vector()), second = first;
    second.start = first.start + BITS * SPB; // at once after the first
    second.bits[20] ^= 0xff;
    float *iq = silence();
    add(&first, iq, N);
    add(&second, iq, N);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct devport_gfsk_frame frames[2];
        assert_int_equal(receive(iq, N, pieces[i], frames, 2), 2);
        assert_frame(&frames[0], &first);
        assert_frame(&frames[1], &second);
    }
}

// Non-coherent detection of two tones errs in exp(-Eb/2N0)/2 of the bits: a bit in 2 500 at 12.2
// dB. At 14 dB nearly every frame must come whole, and none may come by chance at -10 dB.
static void test_noise(void **state)
{
    (void)state;
    unsigned whole = 0;
    for (uint64_t i = 0; i < 100; i++) {
        struct burst b = burst_of(first_vector());
        b.start += (double)i * 0.13;
        b.offset_hz = (double)i * 5 - 250;
        float *iq = silence();
        add(&b, iq, N);
        add_noise(iq, N, SPB / pow(10, 1.4), i + 100);
        struct devport_gfsk_frame frame;
        if (receive(iq, N, 480, &frame, 1) != 1) continue;
        whole += memcmp(frame.data, b.bits + ON_AIR - 15, 15) == 0;
    }
    assert_true(whole >= 95);
}

static void test_noise_alone_is_silence(void **state)
{
    (void)state;
    size_t frames = 0;
    for (uint64_t i = 0; i < 100; i++) {
        float *iq = silence();
        add_noise(iq, N, 1e-12, i + 1000);
        frames += receive(iq, N, N, NULL, 0);
    }
    assert_int_equal(frames, 0); // in five minutes
    assert_int_equal(receive(silence(), N, N, NULL, 0), 0);
}

// What a frame needs: without its sync word, or with a burst that is cut, nothing comes out; the
// preamble may be short.
static void test_parts_of_a_burst(void **state)
{
    (void)state;
    struct burst b = burst_of(first_vector());
    struct devport_gfsk_frame frame;
    float *iq = silence();
    add(&b, iq, N);
    size_t cut = (size_t)b.start + (BITS - 2) * SPB;
    assert_int_equal(receive(iq, cut, 480, NULL, 0), 0);
    size_t late = (size_t)b.start + 9 * 8 * SPB; // all of the preamble but its last 16 bits
    assert_int_equal(receive(iq + 2 * late, N - late, 480, &frame, 1), 1);
    assert_memory_equal(frame.data, b.bits + ON_AIR - 15, 15);
    assert_int_equal(receive(iq + 2 * (late + 40 * SPB), N - late - 40 * SPB, 480, NULL, 0), 0);

    b.bits[11] ^= 0xff;
    b.bits[12] ^= 0xff;
    iq = silence();
    add(&b, iq, N);
    assert_int_equal(receive(iq, N, 480, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_comes_through),
        cmocka_unit_test(test_carriers_off_frequency_and_any_timing),
        cmocka_unit_test(test_pieces_do_not_matter),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_noise_alone_is_silence),
        cmocka_unit_test(test_parts_of_a_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
