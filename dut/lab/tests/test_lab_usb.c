// The lab's adapter model without the libraries: descriptors, commands cut anywhere, what it does
// not know, what does not fit, and the time that clocks take. Expectations are from the chip's data
// sheets and application notes (DS_FT232H, AN_108).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "dut/lab/memory.h"
#include "dut/lab/usb/ft232h.h"
#include "dut/lab/usb/jtag_target.h"
#include "dut/lab/usb/swd_target.h"
#include "dut/port/port_wire.h"

enum { OUT = 0x02, IN = 0x81 };

static struct ft232h *chip;
static uint16_t last_level, last_driven;
static unsigned rises;   // of AD0
static uint8_t sent[64]; // bits of AD1 at these
static bool answer;      // on AD2

static uint16_t change(void *ctx, uint16_t level, uint16_t driven)
{
    (void)ctx;
    if (level & 1 && !(last_level & 1) && rises < 512) {
        unsigned bit = level >> 1 & 1;
        sent[rises / 8] = (uint8_t)(sent[rises / 8] << 1 | bit);
        rises++;
    }
    last_level = level;
    last_driven = driven;
    return (uint16_t)(driven & 4 ? level : (level & ~4) | (answer ? 4 : 0));
}

static void control(uint8_t type, uint8_t request, uint16_t value, uint16_t len, int expected)
{
    uint8_t in[256];
    const uint8_t setup[8] = {type, request, (uint8_t)value, (uint8_t)(value >> 8),
                              0,    0,       (uint8_t)len,   (uint8_t)(len >> 8)};
    assert_int_equal(ft232h_control(chip, setup, in, 0), expected);
}

static int plug_in(void **state)
{
    (void)state;
    const struct ft232h_wires wires[FT232H_CHANNELS] = {{NULL, change}};
    rises = 0;
    answer = false;
    memset(sent, 0, sizeof sent);
    return ft232h_new(&chip, "T1", FT232H_ONE, wires, NULL);
}

static int mpsse(void **state)
{
    if (plug_in(state) < 0) return -1;
    control(0x40, 0x0b, 0x0200, 0, 0);
    return 0;
}

static int pull_out(void **state)
{
    (void)state;
    ft232h_free(chip);
    return 0;
}

static void say(const uint8_t *data, size_t len, int64_t now_ns)
{
    assert_int_equal(ft232h_out(chip, OUT, data, len, now_ns), len);
}

// Reads one transfer; returns its bytes without the status.
static size_t hear(uint8_t *out, size_t max, int64_t now_ns)
{
    uint8_t raw[8192];
    int n = ft232h_in(chip, IN, raw, sizeof raw, now_ns);
    assert_true(n >= 2);
    size_t len = 0;
    for (int at = 0; at < n; at += 512) {
        assert_int_equal(raw[at], 0x32);
        assert_int_equal(raw[at + 1], 0x60);
        int part = n - at < 512 ? n - at : 512;
        for (int i = 2; i < part && len < max; i++)
            out[len++] = raw[at + i];
    }
    return len;
}

#define SAY(...)                                                                                   \
    do {                                                                                           \
        const uint8_t bytes_[] = {__VA_ARGS__};                                                    \
        say(bytes_, sizeof bytes_, 0);                                                             \
    } while (0)

static void expect(const uint8_t *bytes, size_t len)
{
    uint8_t got[64];
    assert_int_equal(hear(got, sizeof got, 0), len);
    if (len) assert_memory_equal(got, bytes, len);
}

#define EXPECT(...)                                                                                \
    do {                                                                                           \
        const uint8_t bytes_[] = {__VA_ARGS__};                                                    \
        expect(bytes_, sizeof bytes_);                                                             \
    } while (0)

static void test_usb_describes_itself(void **state)
{
    (void)state;
    const uint8_t *d = ft232h_device_descriptor(chip);
    static const uint8_t head[] = {18, 1, 0, 2, 0, 0, 0, 64, 0x03, 0x04, 0x14, 0x60, 0, 9};
    assert_memory_equal(d, head, sizeof head);
    const uint8_t *c = ft232h_config_descriptor(chip);
    assert_int_equal(c[2], 32); // total length, and its parts add up
    assert_int_equal(c[0] + c[9] + c[18] + c[25], 32);
    control(0x80, 6, 0x0100, 18, 18);
    control(0x80, 6, 0x0100, 8, 8); // cut to what is asked
    control(0x80, 6, 0x0200, 255, 32);
    control(0x80, 6, 0x0303, 255, 6); // "T1"
    control(0x80, 6, 0x0304, 255, -1);
    control(0x80, 6, 0x0f00, 255, -1);
    control(0xc0, 0x0a, 0, 1, 1);
    control(0x40, 0x0b, 0x0100, 0, -1); // bit bang is not modelled
    control(0x40, 0x77, 0, 0, -1);
    assert_int_equal(ft232h_out(chip, 0x04, (const uint8_t *)"", 1, 0), -1);
    uint8_t in[64];
    assert_int_equal(ft232h_in(chip, 0x83, in, sizeof in, 0), -1);
    assert_int_equal(ft232h_in(chip, IN, in, sizeof in, 0), 2); // nothing: two bytes of status
}

static void test_usb_drives_pins(void **state)
{
    (void)state;
    assert_int_equal(last_driven, 0);
    SAY(0x80, 0x08, 0x0b, 0x82, 0x05, 0x07);
    assert_int_equal(last_driven, 0x070b);
    assert_int_equal(last_level & last_driven, 0x0508);
    SAY(0x81, 0x83);
    EXPECT(0xf8, 0xfd);    // what floats is high, but AD2, which the wire holds low
    SAY(0x9e, 0x00, 0x01); // AC0 open drain: at 1 it floats
    assert_int_equal(last_driven, 0x060b);
    control(0x40, 0x0b, 0x0200, 0, 0);
    assert_int_equal(last_driven, 0);
}

static void test_usb_shifts(void **state)
{
    (void)state;
    SAY(0x80, 0x08, 0x0b);
    SAY(0x11, 0x01, 0x00, 0xa5, 0x3c); // bytes out, MSB first
    assert_int_equal(rises, 16);
    assert_memory_equal(sent, "\xa5\x3c", 2);
    SAY(0x19, 0x00, 0x00, 0xa5);             // LSB first
    assert_int_equal(sent[2], 0xa5);         // a palindrome
    SAY(0x1b, 0x02, 0x03, 0x1b, 0x04, 0x00); // 3 bits 110…, 5 bits 0
    assert_int_equal(sent[3], 0xc0);
    answer = true;
    SAY(0x80, 0x08, 0x0b);
    SAY(0x20, 0x01, 0x00, 0x22, 0x02, 0x2a, 0x02); // bytes and bits in
    EXPECT(0xff, 0xff, 0x07, 0xe0);
    answer = false;
    SAY(0x84, 0x31, 0x01, 0x00, 0xca, 0xfe, 0x39, 0x00, 0x00, 0x12, 0x85); // looped back
    EXPECT(0xca, 0xfe, 0x12);
    unsigned before = rises;
    SAY(0x8e, 0x04, 0x8f, 0x01, 0x00); // 5 + 16 clocks
    assert_int_equal(rises - before, 21);
    SAY(0x4b, 0x04, 0x1f, 0x6b, 0x01, 0x80); // TMS: 5, then 2 with reading
    EXPECT(0x00);
}

static void test_usb_names_what_it_does_not_know(void **state)
{
    (void)state;
    SAY(0xaa, 0xab, 0x00, 0x40, 0xff);
    EXPECT(0xfa, 0xaa, 0xfa, 0xab, 0xfa, 0x00, 0xfa, 0x40, 0xfa, 0xff);
    SAY(0x84, 0x39, 0x00, 0x00, 0x77); // and goes on
    EXPECT(0x77);
}

static void test_usb_takes_commands_in_any_pieces(void **state)
{
    (void)state;
    static const uint8_t all[] = {0x80, 0x08, 0x0b, 0x84, 0x31, 0x03, 0x00, 1,    2,    3,
                                  4,    0x86, 0x01, 0x00, 0x3b, 0x06, 0xfe, 0x81, 0x85, 0xaa};
    for (size_t cut = 0; cut <= sizeof all; cut++) {
        control(0x40, 0x0b, 0x0200, 0, 0);
        if (cut) say(all, cut, 0);
        if (cut < sizeof all) say(all + cut, sizeof all - cut, 0);
        EXPECT(1, 2, 3, 4, 0xfc, 0xfa, 0xfa, 0xaa);
    }
    for (size_t i = 0; i < sizeof all; i++)
        say(all + i, 1, 0);
    EXPECT(1, 2, 3, 4, 0xfc, 0xfa, 0xfa, 0xaa);
    // A flush forgets half a command, and answers that were not fetched.
    SAY(0x31, 0x03, 0x00, 1, 2);
    control(0x40, 0x00, 1, 0, 0);
    SAY(0xaa);
    EXPECT(0xfa, 0xaa);
    SAY(0xaa);
    control(0x40, 0x00, 2, 0, 0);
    uint8_t got[8];
    assert_int_equal(hear(got, sizeof got, 0), 0);
}

static void test_usb_waits_by_its_clock(void **state)
{
    (void)state;
    uint8_t got[8];
    // 60 MHz / (2 * 3000) = 10 kHz; 21 clocks are 2.1 ms.
    SAY(0x8a, 0x86, 0xb7, 0x0b, 0x82, 0x00, 0x01, 0x8f, 0x01, 0x00, 0x8e, 0x04, 0x82, 0x01, 0x01,
        0xaa);
    assert_int_equal(ft232h_next_ns(chip), 1600000);
    ft232h_run(chip, 1599999);
    assert_int_equal(ft232h_next_ns(chip), 1600000);
    ft232h_run(chip, 1600000);
    assert_int_equal(ft232h_next_ns(chip), 2100000);
    assert_int_equal(last_level & 0x0100, 0);
    assert_int_equal(hear(got, sizeof got, 1700000), 0);
    ft232h_run(chip, 2100000);
    assert_int_equal(last_level & 0x0100, 0x0100);
    assert_int_equal(ft232h_next_ns(chip), INT64_MAX);
    assert_int_equal(hear(got, sizeof got, 2100000), 2);
    // At 12 MHz base a clock of divisor 0 takes 1/6 us: 600 are 0.1 ms, 592 are less.
    SAY(0x8b, 0x86, 0x00, 0x00, 0x8f, 73, 0x00);
    assert_int_equal(ft232h_next_ns(chip), INT64_MAX);
    SAY(0x8f, 74, 0x00);
    assert_int_equal(ft232h_next_ns(chip), 100000);
    control(0x40, 0x0b, 0x0200, 0, 0); // a new mode waits for nothing
    assert_int_equal(ft232h_next_ns(chip), INT64_MAX);
}

static void test_usb_holds_a_kilobyte(void **state)
{
    (void)state;
    static uint8_t many[4096], got[4096];
    memset(many, 0x81, sizeof many);
    // Answers that nobody fetches stop it, and then commands are not taken any more.
    int taken = ft232h_out(chip, OUT, many, sizeof many, 0);
    assert_int_equal(taken, 2 * FT232H_FIFO);
    assert_int_equal(hear(got, sizeof got, 0), FT232H_FIFO);
    assert_int_equal(hear(got, sizeof got, 0), FT232H_FIFO);
    assert_int_equal(hear(got, sizeof got, 0), 0);
    // While it waits, too.
    SAY(0x8a, 0x86, 0xb7, 0x0b, 0x8f, 0x01, 0x00);
    assert_int_equal(ft232h_out(chip, OUT, many, sizeof many, 0), FT232H_FIFO);
    assert_int_equal(ft232h_out(chip, OUT, many, 1, 0), 0);
}

static void test_usb_survives_noise(void **state)
{
    (void)state;
    uint64_t key = rng_key(1, "usb noise");
    uint8_t data[300], in[600];
    for (uint64_t round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)rng_u64(key, round * 1000 + i);
        size_t len = rng_u64(key, round * 1000 + 999) % sizeof data;
        int taken = ft232h_out(chip, OUT, data, len, (int64_t)round * 1000000);
        assert_true(taken >= 0 && (size_t)taken <= len);
        assert_true(ft232h_in(chip, IN, in, sizeof in, (int64_t)round * 1000000) >= 2);
        ft232h_control(chip, data, in, (int64_t)round * 1000000);
        if (round % 50 == 0) control(0x40, 0x0b, 0x0200, 0, 0);
    }
}

// --- debug port: what it must not answer

static bool read_any(void *ctx, uint32_t address, uint32_t *value)
{
    ++*(unsigned *)ctx;
    *value = address;
    return true;
}

static void clock_bits(struct swd_target *t, uint64_t bits, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        swd_target_pins(t, false, bits >> i & 1);
        swd_target_pins(t, true, bits >> i & 1);
    }
}

// One request; its acknowledge as a probe samples it, 7 when nobody drives.
static unsigned request(struct swd_target *t, uint8_t bits)
{
    clock_bits(t, bits, 8);
    clock_bits(t, 1, 1);
    unsigned ack = 0;
    for (unsigned i = 0; i < 3; i++) {
        ack |= (unsigned)(t->drives ? t->out : true) << i;
        clock_bits(t, 1, 1);
    }
    return ack;
}

static void line_reset(struct swd_target *t)
{
    clock_bits(t, UINT64_MAX, 56);
}

static void test_swd_is_strict(void **state)
{
    (void)state;
    unsigned reads = 0;
    struct debug_port port;
    struct swd_target t;
    debug_port_init(&port, read_any, &reads);
    swd_target_init(&t, &port);
    line_reset(&t);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0xa5), 7); // still on JTAG
    line_reset(&t);
    clock_bits(&t, 0xe79f, 16); // almost
    line_reset(&t);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0xa5), 7);
    line_reset(&t);
    clock_bits(&t, 0xe79e, 16);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0xa5), 7); // no line reset behind it
    line_reset(&t);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0x8d), 7); // CTRL/STAT before DPIDR
    assert_int_equal(request(&t, 0xa5), 7); // and that locks it
    line_reset(&t);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0xa5), 1);
    clock_bits(&t, UINT64_MAX, 32 + 1 + 1);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0x85), 7); // wrong parity
    line_reset(&t);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0xa5), 1);
    clock_bits(&t, UINT64_MAX, 32 + 1 + 1);
    clock_bits(&t, 0, 8);
    assert_int_equal(request(&t, 0x9f), 4); // access port without power: fault
    clock_bits(&t, 0, 1);
    assert_int_equal(reads, 0);
}

// The machine's steps: `mode` bits with 1 on the data line.
static bool step(struct jtag_target *t, bool data, bool mode)
{
    jtag_target_pins(t, false, data, mode);
    bool out = jtag_target_pins(t, false, data, mode);
    jtag_target_pins(t, true, data, mode);
    jtag_target_pins(t, false, data, mode);
    return out;
}

// From idle to idle and `rest` clocks there; what came out.
static uint64_t jtag_shift(struct jtag_target *t, bool ir, uint64_t bits, unsigned n, unsigned rest)
{
    uint64_t out = 0;
    step(t, true, true);
    if (ir) step(t, true, true);
    step(t, true, false);
    step(t, true, false);
    for (unsigned i = 0; i < n; i++)
        out |= (uint64_t)step(t, bits >> i & 1, i + 1 == n) << i;
    step(t, true, true);
    step(t, true, false);
    for (unsigned i = 0; i < rest; i++)
        step(t, true, false);
    return out;
}

static uint64_t jtag_access(struct jtag_target *t, bool read, unsigned address, uint32_t value,
                            unsigned rest)
{
    return jtag_shift(t, false, (uint64_t)value << 3 | address >> 1 | read, 35, rest);
}

enum { JTAG_ABORT = 0x8, JTAG_DPACC = 0xa, JTAG_APACC = 0xb, TAKEN = 2, WAIT = 1, RESTS = 8 };

static uint32_t control_of(struct jtag_target *t)
{
    jtag_shift(t, true, JTAG_DPACC, 4, 0);
    jtag_access(t, true, 4, 0, 0);
    return (uint32_t)(jtag_access(t, true, 12, 0, 0) >> 3);
}

static void test_jtag_debug_port_is_strict(void **state)
{
    (void)state;
    unsigned reads = 0;
    struct debug_port port;
    struct jtag_target t;
    debug_port_init(&port, read_any, &reads);
    jtag_target_init(&t, &port);
    step(&t, true, false);
    assert_int_equal(jtag_shift(&t, true, JTAG_APACC, 4, 0), 1); // 0001 is what it captures
    // Without power an access goes wrong, and that sticks until 1 is written to it.
    jtag_access(&t, true, 12, 0, RESTS);
    assert_int_equal(control_of(&t), 1 << 5);
    jtag_access(&t, false, 4, 0x50000000, 0);
    assert_int_equal(control_of(&t), 0xf0000020);
    jtag_access(&t, false, 4, 0x50000020, 0);
    assert_int_equal(control_of(&t), 0xf0000000);
    assert_int_equal(reads, 0);

    // Each access brings what the one before has read.
    jtag_shift(&t, true, JTAG_APACC, 4, 0);
    jtag_access(&t, false, 0, 0x12, RESTS);
    jtag_access(&t, false, 4, 0x20000100, RESTS);
    jtag_access(&t, true, 12, 0, RESTS);
    for (uint32_t a = 0x20000100; a < 0x20000140; a += 4)
        assert_int_equal(jtag_access(&t, true, 12, 0, RESTS), (uint64_t)a << 3 | TAKEN);
    assert_int_equal(reads, 17);
    // Too early: told to wait, and not carried out; then everything goes on where it was.
    assert_int_equal(jtag_access(&t, true, 12, 0, 0) & 7, TAKEN);
    assert_int_equal(jtag_access(&t, true, 12, 0, 0) & 7, WAIT);
    assert_int_equal(reads, 18);
    assert_int_equal(jtag_access(&t, true, 12, 0, RESTS), (uint64_t)0x20000144 << 3 | TAKEN);
    // ABORT ends what hangs.
    jtag_access(&t, true, 12, 0, 0);
    t.busy = 1000;
    assert_int_equal(jtag_access(&t, true, 12, 0, 0) & 7, WAIT);
    jtag_shift(&t, true, JTAG_ABORT, 4, 0);
    jtag_shift(&t, false, 1 << 3, 35, 0);
    jtag_shift(&t, true, JTAG_APACC, 4, 0);
    assert_int_equal(jtag_access(&t, true, 12, 0, RESTS) & 7, TAKEN);
    // A wait is an overrun where that was asked for.
    assert_int_equal(control_of(&t), 0xf0000000);
    jtag_access(&t, false, 4, 0x50000001, 0);
    jtag_shift(&t, true, JTAG_APACC, 4, 0);
    jtag_access(&t, true, 12, 0, 0);
    jtag_access(&t, true, 12, 0, RESTS);
    assert_int_equal(control_of(&t), 0xf0000003);
    // Nothing is read while a flag sticks; a reset of the machine does not clear it.
    unsigned before = reads;
    for (int i = 0; i < 5; i++)
        step(&t, true, true);
    step(&t, true, false);
    jtag_shift(&t, true, JTAG_APACC, 4, 0);
    jtag_access(&t, true, 12, 0, RESTS);
    assert_int_equal(reads, before);
    assert_int_equal(control_of(&t) & 0x22, 0x22);
}

// --- memory

static void test_memory_protection_lasts(void **state)
{
    (void)state;
    char path[] = "/tmp/foxlab-options-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    struct memory *m = NULL;
    struct err e = {0};
    size_t size;
    assert_int_equal(memory_new(&m, path, &e), ERR_OK);
    assert_true(memory_is_readable(m, PORT_IMAGE_CODE)); // a new one is open
    assert_int_equal(memory_write(m, PORT_IMAGE_RAM, 4, (const uint8_t *)"ab", 2, &e), ERR_OK);
    assert_int_equal(memory_write(m, PORT_IMAGE_CODE, 4, (const uint8_t *)"cd", 2, &e), ERR_OK);
    assert_int_equal(memory_protect(m, PORT_IMAGE_CODE | PORT_PROTECT_VOLATILE, false, &e), ERR_OK);
    assert_false(memory_is_readable(m, PORT_IMAGE_CODE));
    memory_power_up(m); // forgotten, and RAM with it
    assert_true(memory_is_readable(m, PORT_IMAGE_CODE));
    assert_int_equal(memory_image(m, PORT_IMAGE_RAM, &size)[4], 0);
    assert_int_equal(size, PORT_IMAGE_RAM_SIZE);
    assert_int_equal(memory_image(m, PORT_IMAGE_CODE, &size)[4], 'c');
    assert_int_equal(memory_image(m, PORT_IMAGE_CODE, &size)[6], 0xff);
    assert_int_equal(memory_protect(m, PORT_IMAGE_DATA, false, &e), ERR_OK);
    memory_free(m);
    assert_int_equal(memory_new(&m, path, &e), ERR_OK); // another lab, the same device
    assert_false(memory_is_readable(m, PORT_IMAGE_DATA));
    assert_true(memory_is_readable(m, PORT_IMAGE_CODE));
    assert_int_equal(memory_protect(m, PORT_IMAGE_DATA | PORT_PROTECT_VOLATILE, true, &e), ERR_OK);
    assert_true(memory_is_readable(m, PORT_IMAGE_DATA)); // the latest word counts
    memory_power_up(m);
    assert_false(memory_is_readable(m, PORT_IMAGE_DATA));

    assert_int_equal(memory_write(m, 4, 0, NULL, 0, &e), ERR_FORMAT);
    assert_int_equal(memory_write(m, PORT_IMAGE_DATA, PORT_IMAGE_DATA_SIZE, NULL, 0, &e), ERR_OK);
    assert_int_equal(
        memory_write(m, PORT_IMAGE_DATA, PORT_IMAGE_DATA_SIZE, (const uint8_t *)"a", 1, &e),
        ERR_FORMAT);
    assert_int_equal(memory_write(m, PORT_IMAGE_DATA, UINT32_MAX, (const uint8_t *)"a", 1, &e),
                     ERR_FORMAT);
    assert_int_equal(memory_protect(m, PORT_IMAGE_FLASH, false, &e), ERR_FORMAT);
    assert_int_equal(memory_protect(m, 5, false, &e), ERR_FORMAT);
    memory_free(m);

    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("11011\nx", f);
    fclose(f);
    m = NULL;
    assert_int_equal(memory_new(&m, path, &e), ERR_FORMAT);
    assert_null(m);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_usb_describes_itself, plug_in, pull_out),
        cmocka_unit_test_setup_teardown(test_usb_drives_pins, mpsse, pull_out),
        cmocka_unit_test_setup_teardown(test_usb_shifts, mpsse, pull_out),
        cmocka_unit_test_setup_teardown(test_usb_names_what_it_does_not_know, mpsse, pull_out),
        cmocka_unit_test_setup_teardown(test_usb_takes_commands_in_any_pieces, mpsse, pull_out),
        cmocka_unit_test_setup_teardown(test_usb_waits_by_its_clock, mpsse, pull_out),
        cmocka_unit_test_setup_teardown(test_usb_holds_a_kilobyte, mpsse, pull_out),
        cmocka_unit_test_setup_teardown(test_usb_survives_noise, mpsse, pull_out),
        cmocka_unit_test(test_swd_is_strict),
        cmocka_unit_test(test_jtag_debug_port_is_strict),
        cmocka_unit_test(test_memory_protection_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
