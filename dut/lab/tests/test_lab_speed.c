// What listening costs: CPU time of the lab for one second of a 520 834 S/s stream. Prints the
// figures; the limits are those of the design (10 ms with noise alone, 20 ms with a burst on air).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dut/lab/pluto.h"

enum { SECONDS = 5, RATE = 520833, BLOCK = 65536 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const double patience = 30; // a sanitizer's checks are not the lab's cost
#else
static const double patience = 1;
#endif

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void put(struct pluto *p, enum context_kind kind, const char *channel, const char *attr,
                const char *value)
{
    const struct context_attr *a = context_find_attr(p->phy, kind, channel, attr);
    assert_non_null(a);
    assert_int_equal(pluto_write(p, p->phy, a, value), 0);
}

// Milliseconds of CPU a second of lab time, with `bursts` carriers on air all the time.
static double cost(int bursts)
{
    static int16_t iq[2 * BLOCK];
    struct pluto_config config = {.name = "s",
                                  .serial = "0",
                                  .figure_db = 6,
                                  .context_path = FOX_SOURCE_DIR "/fixtures/iio/pluto-context.xml"};
    struct pluto *p;
    struct air *air;
    assert_int_equal(pluto_new(&p, &config, NULL), ERR_OK);
    assert_int_equal(air_new(&air, NULL), ERR_OK);
    put(p, CONTEXT_KIND_OUTPUT, "voltage0", "sampling_frequency", "2100000");
    char fir[1024] = "RX 3 GAIN -6 DEC 4\nTX 3 GAIN 0 INT 4\n";
    size_t used = strlen(fir);
    for (int i = 0; i < 64; i++)
        used += (size_t)snprintf(fir + used, sizeof fir - used, "1,1\n");
    put(p, CONTEXT_KIND_DEVICE, "", "filter_fir_config", fir);
    put(p, CONTEXT_KIND_INPUT, "out", "voltage_filter_fir_en", "1");
    put(p, CONTEXT_KIND_OUTPUT, "voltage0", "sampling_frequency", "520834");
    put(p, CONTEXT_KIND_OUTPUT, "altvoltage0", "frequency", "868030000");
    p->receiver.path[0] = 1e-6;
    for (int b = 0; b < bursts; b++) {
        size_t n = 9600 * SECONDS;
        float *samples = malloc(n * 8);
        assert_non_null(samples);
        for (size_t i = 0; i < 2 * n; i++)
            samples[i] = 1;
        assert_int_equal(air_send_take(air, 0, 0, 868130000 + 1000 * b, 9600, samples, n, NULL),
                         ERR_OK);
    }
    pluto_stream_begin(p, 0);
    double before = cpu_ms();
    for (int i = 0; i < SECONDS * RATE / BLOCK; i++)
        assert_int_equal(pluto_receive(p, air, BLOCK, iq, NULL), ERR_OK);
    double ms = (cpu_ms() - before) / SECONDS;
    pluto_free(p);
    air_free(air);
    return ms;
}

static void test_speed_of_noise(void **state)
{
    (void)state;
    double ms = cost(0);
    printf("# noise alone: %.2f ms of CPU a second\n", ms);
    assert_true(ms < 10 * patience);
}

static void test_speed_with_a_burst(void **state)
{
    (void)state;
    double ms = cost(1);
    printf("# noise and a burst: %.2f ms of CPU a second\n", ms);
    assert_true(ms < 20 * patience);
}

// The same for one receiver while another unit transmits in every sample.
static double cost_of_stream(double receiver_hz)
{
    static float heard[2 * BLOCK];
    struct air *air;
    assert_int_equal(air_new(&air, NULL), ERR_OK);
    struct sample_clock sender = {.rate_uhz = (int64_t)RATE * 1000000};
    struct air_receiver rx = {.clock = {.rate_uhz = (int64_t)llround(receiver_hz * 1e6)},
                              .centre_hz = 868100000,
                              .noise_mw = 1e-12,
                              .path = {[9] = 1e-4}};
    for (int64_t first = 0; first < (int64_t)SECONDS * RATE; first += BLOCK) {
        float *iq = malloc(BLOCK * 2 * sizeof *iq);
        assert_non_null(iq);
        for (int k = 0; k < 2 * BLOCK; k++)
            iq[k] = 1;
        assert_int_equal(air_play_take(air, 9, &sender, first, 868030000, iq, BLOCK, NULL), ERR_OK);
    }
    double before = cpu_ms();
    size_t per_call = (size_t)(receiver_hz * BLOCK / RATE);
    for (int64_t at = 0; at < (int64_t)(receiver_hz * SECONDS); at += (int64_t)per_call)
        air_hear(air, &rx, at, per_call, 1, heard);
    double ms = (cpu_ms() - before) / SECONDS;
    air_free(air);
    return ms;
}

static void test_speed_of_hearing_a_stream(void **state)
{
    (void)state;
    double ms = cost_of_stream(RATE * (1 + 1e-6));
    printf("# a station hears another one: %.2f ms of CPU a second\n", ms);
    assert_true(ms < 20 * patience);
    ms = cost_of_stream(4800);
    printf("# a device at 4800 S/s hears a station: %.2f ms of CPU a second\n", ms);
    assert_true(ms < 20 * patience);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speed_of_noise),
        cmocka_unit_test(test_speed_with_a_burst),
        cmocka_unit_test(test_speed_of_hearing_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
