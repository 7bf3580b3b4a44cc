// The inner loops give, bit for bit, what the order of operations in kernel.h's words gives without
// vectors.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/phy/kernel.h"

enum { SAMPLES_MAX = 531, STARTS = 24, STRIDE = 8, SYMBOLS = 20, ROW = 32 };

static void fill(float *v, size_t n, const char *name)
{
    uint64_t key = rng_key(7, name);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)rng_normal(key, i);
}

// Every fourth product into one of four sums.
static float sum_product(const float *a, const float *b, size_t n)
{
    float part[4] = {0}, sum;
    size_t whole = n / 4 * 4;
    for (size_t i = 0; i < whole; i++)
        part[i % 4] += a[2 * i] * b[2 * i];
    sum = (part[0] + part[2]) + (part[1] + part[3]);
    for (size_t i = whole; i < n; i++)
        sum += a[2 * i] * b[2 * i];
    return sum;
}

static void test_dots(void **state)
{
    (void)state;
    static float s[2][2 * SAMPLES_MAX], re[2][2 * SAMPLES_MAX], im[2][2 * SAMPLES_MAX];
    fill(s[0], sizeof s / sizeof(float), "samples");
    fill(re[0], sizeof re / sizeof(float), "real");
    fill(im[0], sizeof im / sizeof(float), "imaginary");
    for (size_t i = 0; i < SAMPLES_MAX; i++)
        for (size_t d = 0; d < 2; d++) {
            re[d][2 * i + 1] = re[d][2 * i];
            im[d][2 * i + 1] = im[d][2 * i];
        }
    for (size_t n = 1; n <= SAMPLES_MAX; n += 13) {
        const float *samples[2] = {s[0], s[1]};
        const struct phy_kernel_taps taps[2] = {{re[0], im[0]}, {re[1], im[1]}};
        float out[4];
        phy_kernel_dots(samples, taps, n, out);
        for (size_t d = 0; d < 2; d++) {
            float real = sum_product(s[d], re[d], n) - sum_product(s[d] + 1, im[d], n);
            float imaginary = sum_product(s[d], im[d], n) + sum_product(s[d] + 1, re[d], n);
            assert_memory_equal(&out[2 * d], &real, sizeof real);
            assert_memory_equal(&out[2 * d + 1], &imaginary, sizeof imaginary);
        }
    }
}

static void test_preamble(void **state)
{
    (void)state;
    float re[STARTS + SYMBOLS * STRIDE], im[STARTS + SYMBOLS * STRIDE];
    float cosine[SYMBOLS], sine[SYMBOLS], out[4][STARTS];
    fill(re, STARTS + SYMBOLS * STRIDE, "real");
    fill(im, STARTS + SYMBOLS * STRIDE, "imaginary");
    fill(cosine, SYMBOLS, "cosine");
    fill(sine, SYMBOLS, "sine");
    const struct phy_kernel_preamble p = {re, im, STRIDE, SYMBOLS, STARTS, cosine, sine};
    float *const to[4] = {out[0], out[1], out[2], out[3]};
    phy_kernel_preamble(&p, to);
    for (size_t i = 0; i < STARTS; i++) {
        float cr = 0, ci = 0, sr = 0, si = 0;
        for (size_t k = 0; k < SYMBOLS; k++) {
            cr += re[i + k * STRIDE] * cosine[k];
            ci += im[i + k * STRIDE] * cosine[k];
            sr += re[i + k * STRIDE] * sine[k];
            si += im[i + k * STRIDE] * sine[k];
        }
        const float expected[4] = {cr + si, ci - sr, cr - si, ci + sr};
        for (size_t o = 0; o < 4; o++)
            assert_memory_equal(&out[o][i], &expected[o], sizeof(float));
    }
}

static void test_types(void **state)
{
    (void)state;
    enum { TYPES = 16, BITS = 13 };
    static float signs[BITS * ROW], z_re[BITS], z_im[BITS], power[TYPES];
    const float first[2] = {1.25f, -0.75f};
    uint64_t key = rng_key(7, "signs");
    for (size_t i = 0; i < BITS * ROW; i++)
        signs[i] = rng_u64(key, i) & 1 ? 1 : -1;
    fill(z_re, BITS, "real");
    fill(z_im, BITS, "imaginary");
    float best = phy_kernel_types(signs, ROW, TYPES, z_re, z_im, BITS, first, power), top = 0;
    for (size_t s = 0; s < TYPES; s++) {
        float re = first[0], im = first[1];
        for (size_t k = 0; k < BITS; k++) {
            re += signs[k * ROW + s] * z_re[k];
            im += signs[k * ROW + s] * z_im[k];
        }
        float p = re * re + im * im;
        assert_memory_equal(&power[s], &p, sizeof p);
        top = p > top ? p : top;
    }
    assert_memory_equal(&best, &top, sizeof top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_preamble),
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
