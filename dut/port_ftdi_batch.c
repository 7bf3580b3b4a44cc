// Batches for an FT232H: bytes only, nothing is sent here.
#include "dut/port_ftdi_internal.h"

// --- pins

// The command that puts the outputs of one half into effect.
void ftdi_put_half(const struct ftdi *f, bool high, uint8_t out[3])
{
    unsigned shift = high ? 8 : 0;
    out[0] = high ? SET_HIGH : SET_LOW;
    out[1] = (uint8_t)(f->value >> shift);
    out[2] = (uint8_t)(f->direction >> shift);
}

void ftdi_change_pin(struct ftdi *f, unsigned pin, bool driven, bool high)
{
    uint16_t bit = (uint16_t)(1u << pin);
    f->direction = (uint16_t)(driven ? f->direction | bit : f->direction & ~bit);
    f->value = (uint16_t)(high ? f->value | bit : f->value & ~bit);
}

// --- any batch

void ftdi_batch_init(struct ftdi_batch *b, size_t max)
{
    *b = (struct ftdi_batch){.answers = 0};
    bytes_init(&b->commands, max);
}

void ftdi_batch_deinit(struct ftdi_batch *b)
{
    if (b) bytes_deinit(&b->commands);
}

void ftdi_batch_put(struct ftdi_batch *b, const uint8_t *commands, size_t len, size_t answers)
{
    int rc = bytes_append(&b->commands, commands, len, NULL);
    if (rc < 0 && !b->failed) b->failed = rc;
    b->answers += answers;
}

void ftdi_batch_pin(struct ftdi *f, struct ftdi_batch *b, unsigned pin, bool high)
{
    uint8_t command[3];
    ftdi_change_pin(f, pin, true, high);
    ftdi_put_half(f, pin >= 8, command);
    ftdi_batch_put(b, command, sizeof command, 0);
}

void ftdi_batch_delay(struct ftdi_batch *b, unsigned us)
{
    // Clocks without data at 10 kHz: the chip's only clockwork.
    unsigned clocks = us / FTDI_DELAY_STEP_US;
    const uint8_t slow[] = {SET_DIVISOR, DIVIDE_10_KHZ & 0xff, DIVIDE_10_KHZ >> 8};
    const uint8_t fast[] = {SET_DIVISOR, DIVIDE_6_MHZ, 0};
    ftdi_batch_put(b, slow, sizeof slow, 0);
    if (clocks >= 8) {
        unsigned n = clocks / 8 - 1;
        const uint8_t many[] = {CLOCK_BYTES, (uint8_t)n, (uint8_t)(n >> 8)};
        ftdi_batch_put(b, many, sizeof many, 0);
    }
    if (clocks % 8) {
        const uint8_t few[] = {CLOCK_BITS, (uint8_t)(clocks % 8 - 1)};
        ftdi_batch_put(b, few, sizeof few, 0);
    }
    ftdi_batch_put(b, fast, sizeof fast, 0);
}

// --- serial wire

static void swd_drive(struct ftdi *f, struct ftdi_batch *b, bool driven)
{
    uint8_t command[3];
    ftdi_change_pin(f, 1, driven, true);
    ftdi_put_half(f, false, command);
    ftdi_batch_put(b, command, sizeof command, 0);
}

// start, AP, read, A2, A3, parity, stop, park; the first bit is bit 0.
static uint8_t swd_request(bool ap, bool read, unsigned address)
{
    unsigned what = (unsigned)ap | (unsigned)read << 1 | (address >> 2 & 3) << 2;
    return (uint8_t)(0x81 | what << 1 | ((unsigned)__builtin_parity(what) << 5));
}

// Request, release the line, turnaround, acknowledge (1 byte).
static void swd_begin(struct ftdi *f, struct ftdi_batch *b, bool ap, bool read, unsigned address)
{
    const uint8_t request[] = {SWD_WRITE_BYTES, 0, 0, swd_request(ap, read, address)};
    const uint8_t turn_ack[] = {CLOCK_BITS, 0, SWD_READ_BITS, 2};
    ftdi_batch_put(b, request, sizeof request, 0);
    swd_drive(f, b, false);
    ftdi_batch_put(b, turn_ack, sizeof turn_ack, 1);
}

// The line rests low, so that the next request's start is seen.
static void swd_end(struct ftdi *f, struct ftdi_batch *b)
{
    const uint8_t idle[] = {SWD_WRITE_BYTES, 0, 0, 0x00};
    swd_drive(f, b, true);
    ftdi_batch_put(b, idle, sizeof idle, 0);
}

void ftdi_swd_read(struct ftdi *f, struct ftdi_batch *b, bool ap, unsigned address)
{
    const uint8_t data[] = {SWD_READ_BYTES, 3, 0, SWD_READ_BITS, 0, CLOCK_BITS, 0};
    swd_begin(f, b, ap, true, address);
    ftdi_batch_put(b, data, sizeof data, 5);
    swd_end(f, b);
}

void ftdi_swd_write(struct ftdi *f, struct ftdi_batch *b, bool ap, unsigned address, uint32_t value)
{
    const uint8_t turn[] = {CLOCK_BITS, 0};
    const uint8_t data[] = {SWD_WRITE_BYTES,
                            3,
                            0,
                            (uint8_t)value,
                            (uint8_t)(value >> 8),
                            (uint8_t)(value >> 16),
                            (uint8_t)(value >> 24),
                            SWD_WRITE_BITS,
                            0,
                            (uint8_t)__builtin_parity(value)};
    swd_begin(f, b, ap, false, address);
    ftdi_batch_put(b, turn, sizeof turn, 0);
    swd_drive(f, b, true);
    ftdi_batch_put(b, data, sizeof data, 0);
    swd_end(f, b);
}

void ftdi_swd_wake(struct ftdi *f, struct ftdi_batch *b)
{
    // 56 ones, the switch sequence E79E, 56 ones, 8 zeros.
    static const uint8_t line[] = {SWD_WRITE_BYTES,
                                   16,
                                   0,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0x9e,
                                   0xe7,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0xff,
                                   0x00};
    swd_drive(f, b, true);
    ftdi_batch_put(b, line, sizeof line, 0);
    ftdi_swd_read(f, b, false, 0);
}

unsigned ftdi_swd_ack(const uint8_t *answer)
{
    return answer[0] >> 5; // three bits, the first came lowest
}

bool ftdi_swd_word(const uint8_t *answer, uint32_t *word)
{
    *word = (uint32_t)(answer[1] | answer[2] << 8 | answer[3] << 16) | (uint32_t)answer[4] << 24;
    return (unsigned)__builtin_parity(*word) == answer[5] >> 7;
}

// --- JTAG

void ftdi_jtag_mode(struct ftdi_batch *b, uint8_t mode, unsigned n)
{
    const uint8_t command[] = {JTAG_MODE_BITS, (uint8_t)(n - 1), (uint8_t)(mode | 0x80)}; // TDI: 1
    ftdi_batch_put(b, command, sizeof command, 0);
}

void ftdi_jtag_read(struct ftdi_batch *b, size_t n)
{
    const uint8_t command[] = {JTAG_BOTH_BYTES, (uint8_t)(n - 1), (uint8_t)((n - 1) >> 8)};
    const uint8_t ones = 0xff;
    ftdi_batch_put(b, command, sizeof command, n);
    for (size_t i = 0; i < n; i++)
        ftdi_batch_put(b, &ones, 1, 0);
}

enum {
    IDLE_TO_SHIFT_DR = 0x1, // 1, 0, 0
    IDLE_TO_SHIFT_IR = 0x3, // 1, 1, 0, 0
    EXIT_TO_IDLE = 0x1      // 1, 0
};

size_t ftdi_jtag_len(unsigned bits)
{
    return (bits - 1) / 8 + ((bits - 1) % 8 > 0) + 1;
}

// Whole bytes, then bits, then the last bit on the way out of shifting.
static void put_bits(struct ftdi_batch *b, uint64_t value, unsigned bits)
{
    unsigned bytes = (bits - 1) / 8, rest = (bits - 1) % 8;
    if (bytes) {
        uint8_t command[3 + 8] = {JTAG_BOTH_BYTES, (uint8_t)(bytes - 1), 0};
        for (unsigned i = 0; i < bytes; i++)
            command[3 + i] = (uint8_t)(value >> 8 * i);
        ftdi_batch_put(b, command, 3 + bytes, bytes);
    }
    if (rest) {
        const uint8_t few[] = {JTAG_BOTH_BITS, (uint8_t)(rest - 1), (uint8_t)(value >> 8 * bytes)};
        ftdi_batch_put(b, few, sizeof few, 1);
    }
    const uint8_t last[] = {JTAG_MODE_BOTH_BITS, 0,
                            (uint8_t)(0x01 | (value >> (bits - 1) & 1) << 7)};
    ftdi_batch_put(b, last, sizeof last, 1);
}

void ftdi_jtag_instruction(struct ftdi_batch *b, uint64_t value, unsigned bits)
{
    ftdi_jtag_mode(b, IDLE_TO_SHIFT_IR, 4);
    put_bits(b, value, bits);
    ftdi_jtag_mode(b, EXIT_TO_IDLE, 2);
}

void ftdi_jtag_data(struct ftdi_batch *b, uint64_t value, unsigned bits, unsigned rests)
{
    ftdi_jtag_mode(b, IDLE_TO_SHIFT_DR, 3);
    put_bits(b, value, bits);
    ftdi_jtag_mode(b, EXIT_TO_IDLE, 2);
    if (rests == 0) return;
    const uint8_t clocks[] = {CLOCK_BYTES, (uint8_t)(rests - 1), (uint8_t)((rests - 1) >> 8)};
    ftdi_batch_put(b, clocks, sizeof clocks, 0);
}

uint64_t ftdi_jtag_value(const uint8_t *answer, unsigned bits)
{
    unsigned bytes = (bits - 1) / 8, rest = (bits - 1) % 8;
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*answer++ << 8 * i;
    if (rest)
        value |= (uint64_t)(*answer++ >> (8 - rest)) << 8 * bytes; // they come in from the top
    return value | (uint64_t)(*answer >> 7) << (bits - 1);
}
