// The reference device behind an adapter, and the faults of its key storage: what a stranger with a
// probe and a clip gets, and that the search finds the key in it. Run by keys.sh, once for each
// fault, which stands in the argument.
#include <iio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/secret.h"
#include "dut/flash.h"
#include "dut/keysearch.h"
#include "dut/port_ftdi.h"
#include "dut/power.h"
#include "dut/swd.h"

enum { BLOCK = 4096, BOOT_BLOCKS = 100, DATA_WORDS = 1024, KEY_OFFSET = 0x08c, HITS = 4 };

#define CODE_BASE 0x08000000u
#define DATA_BASE 0x08080000u
#define RAM_BASE  0x20000000u

static const char *fault;
static struct iio_context *context;
static struct iio_buffer *buffer;
static struct ftdi *ftdi;
static struct power power;
static struct secret key;
static struct keysearch_secret known = {"NAK", &key};

static void must(int rc, const struct err *e)
{
    if (rc < 0) fail_msg("%s", e->text);
}

static bool is(const char *id)
{
    return strcmp(fault, id) == 0;
}

static void pull(int blocks)
{
    for (int i = 0; i < blocks; i++)
        assert_true(iio_buffer_refill(buffer) > 0);
}

static int set_up(void **state)
{
    (void)state;
    char uri[64];
    struct err e = {0};
    snprintf(uri, sizeof uri, "%s", getenv("FOXLAB_PLUTO_0_URI"));
    context = iio_create_context_from_uri(uri);
    if (!context) return -1;
    struct iio_device *rx = iio_context_find_device(context, "cf-ad9361-lpc");
    struct iio_channel *c =
        iio_device_find_channel(iio_context_find_device(context, "ad9361-phy"), "voltage0", false);
    iio_channel_attr_write_longlong(c, "sampling_frequency", 2083334);
    iio_channel_enable(iio_device_find_channel(rx, "voltage0", false));
    buffer = iio_device_create_buffer(rx, BLOCK, false);
    if (!buffer) return -1;
    must(secret_from_ref(&key, "file:" FOX_KEYS "/foxdut.key", NULL, 16, &e), &e);
    must(ftdi_open(&ftdi, getenv("FOXLAB_FTDI_0_SERIAL"), &e), &e);
    must(power_init(&power, ftdi, "AC0", "AC1", "AC2", &e), &e);
    must(power_on(&power, &e), &e);
    pull(BOOT_BLOCKS); // 200 ms
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ftdi_close(ftdi);
    iio_buffer_destroy(buffer);
    iio_context_destroy(context);
    return 0;
}

static void test_flash_holds_the_key_only_when_seeded(void **state)
{
    (void)state;
    struct err e = {0};
    struct flash_id id;
    struct keysearch_hit h[HITS];
    must(flash_identify(ftdi, &id, &e), &e);
    uint8_t *bytes = malloc(id.size);
    assert_non_null(bytes);
    must(flash_read(ftdi, &id, 0, bytes, id.size, NULL, NULL, &e), &e);
    assert_memory_equal(bytes + 0x10000, "{\"format\":1", 11); // it is the device's own
    int n = keysearch_find(bytes, id.size, &known, 1, h, HITS, &e);
    must(n, &e);
    assert_int_equal(n, is("MUT-KEY-008") || is("MUT-KEY-009"));
    if (is("MUT-KEY-008")) {
        assert_int_equal(h[0].form, KEYSEARCH_RAW);
        assert_int_equal(h[0].xored_with, 0xa5);
    } else if (is("MUT-KEY-009")) {
        assert_int_equal(h[0].form, KEYSEARCH_HEX);
        assert_true(h[0].offset > 0x10000 && h[0].offset < 0x10200);
        assert_int_equal(h[0].len, 32);
    }
    free(bytes);
}

// Reads n words; SWD_WORDS or SWD_REFUSED without a single one.
static enum swd_outcome try_read(uint32_t address, uint32_t *words, size_t n)
{
    struct err e = {0};
    uint32_t dpidr, cpuid;
    size_t done;
    int rc = swd_connect(ftdi, &dpidr, &e);
    must(rc, &e);
    assert_int_equal(rc, SWD_WORDS);
    rc = swd_read_words(ftdi, SWD_CPUID, &cpuid, 1, &done, NULL, NULL, &e);
    must(rc, &e);
    assert_int_equal(rc, SWD_WORDS); // proof of wiring
    rc = swd_read_words(ftdi, address, words, n, &done, NULL, NULL, &e);
    must(rc, &e);
    assert_int_equal(done, rc == SWD_WORDS ? n : 0);
    return (enum swd_outcome)rc;
}

static void test_debug_port_reads_only_when_seeded(void **state)
{
    (void)state;
    static uint32_t words[DATA_WORDS];
    struct err e = {0};
    struct keysearch_hit h[HITS];
    bool all = is("MUT-KEY-001"), data = all || is("MUT-KEY-004");
    assert_int_equal(try_read(CODE_BASE, words, 16), all ? SWD_WORDS : SWD_REFUSED);
    assert_int_equal(try_read(RAM_BASE, words, 16), all ? SWD_WORDS : SWD_REFUSED);
    memset(words, 0, sizeof words);
    assert_int_equal(try_read(DATA_BASE, words, DATA_WORDS), data ? SWD_WORDS : SWD_REFUSED);
    int n = keysearch_find((const uint8_t *)words, sizeof words, &known, 1, h, HITS, &e);
    must(n, &e);
    assert_int_equal(n, data);
    if (!data) return;
    assert_int_equal(h[0].form, KEYSEARCH_RAW);
    assert_int_equal(h[0].offset, KEY_OFFSET);
}

static enum swd_outcome race(unsigned delay_us, uint32_t *words)
{
    struct err e = {0};
    struct swd_race r = {.address = DATA_BASE + 0x80, .n = 8, .delay_us = delay_us};
    enum swd_outcome outcome = SWD_GARBLED;
    size_t done;
    int rc = 0;
    must(power_off(&power, &e), &e);
    pull(1);
    must(swd_race_start(&power, &r, &e), &e);
    while (rc == 0) {
        pull(1);
        rc = swd_race_finish(&power, &r, words, &done, &outcome, &e);
    }
    must(rc, &e);
    return outcome;
}

static void test_race_is_won_only_when_seeded(void **state)
{
    (void)state;
    uint32_t words[SWD_RACE_WORDS_MAX];
    bool always = is("MUT-KEY-001") || is("MUT-KEY-004"), early = always || is("MUT-KEY-002");
    for (unsigned ms = 0; ms < 200; ms += 39) {
        bool open = ms < 80 ? early : always;
        assert_int_equal(race(1000 * ms, words), open ? SWD_WORDS : SWD_REFUSED);
        if (open) assert_memory_equal((const uint8_t *)words + 0x0c, key.data, 16);
    }
}

int main(int argc, char **argv)
{
    fault = argc > 1 ? argv[1] : "";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flash_holds_the_key_only_when_seeded),
        cmocka_unit_test(test_debug_port_reads_only_when_seeded),
        cmocka_unit_test(test_race_is_won_only_when_seeded),
    };
    return cmocka_run_group_tests_name(*fault ? fault : "no fault", tests, set_up, tear_down);
}
