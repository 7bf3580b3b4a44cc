#include "dut/lab/usb/probe.h"

#include <stdlib.h>

#include "dut/port/port_wire.h"

enum {
    PIN_CLOCK = 1 << 0,
    PIN_OUT = 1 << 1,
    PIN_IN = 1 << 2,
    PIN_SELECT = 1 << 3,
    PIN_RELAY = 1 << 8,
    PIN_RESET = 1 << 9,
    PIN_SWITCH = 1 << 11,
    FIRST_OUTPUT = 4,
    OUTPUT_PINS = 0x0f << FIRST_OUTPUT,
    PIN_LADDER = 1 << 15,
    CONTROL_PINS = 0xf700 // relay, reset, the device's input lines and its supply's ladder
};

// Pins of the device's input lines.
static const uint8_t input_pins[PROBE_INPUTS] = {10, 12, 13, 14};

// Where a probe finds what (docs/LAB.md).
#define CODE_BASE   UINT32_C(0x08000000)
#define DATA_BASE   UINT32_C(0x08080000)
#define RAM_BASE    UINT32_C(0x20000000)
#define FLASH_OBR   UINT32_C(0x40023c1c) // protection level
#define SYSTEM_BASE UINT32_C(0xe0000000)
#define CPUID       UINT32_C(0xe000ed00)

enum { CPUID_CORTEX_M3 = 0x412fc230, OBR_OPEN = 0xaa, OBR_LOCKED = 0x00 };

static bool read_image(const struct memory *m, uint32_t image, uint32_t offset, uint32_t *value)
{
    size_t size;
    const uint8_t *p = memory_image(m, image, &size);
    if (!memory_is_readable(m, image) || offset + 4 > size) return false;
    p += offset;
    *value = (uint32_t)(p[0] | p[1] << 8 | p[2] << 16) | (uint32_t)p[3] << 24;
    return true;
}

static bool read_word(void *ctx, uint32_t address, uint32_t *value)
{
    const struct probe *p = ctx;
    const struct memory *m = p->target.memory;
    if (address == CPUID)
        *value = CPUID_CORTEX_M3;
    else if (address == FLASH_OBR)
        *value = memory_is_readable(m, PORT_IMAGE_CODE) ? OBR_OPEN : OBR_LOCKED;
    else if (address >= SYSTEM_BASE)
        *value = 0;
    else if (address >= RAM_BASE && address - RAM_BASE < PORT_IMAGE_RAM_SIZE)
        return read_image(m, PORT_IMAGE_RAM, address - RAM_BASE, value);
    else if (address >= DATA_BASE && address - DATA_BASE < PORT_IMAGE_DATA_SIZE)
        return read_image(m, PORT_IMAGE_DATA, address - DATA_BASE, value);
    else if (address >= CODE_BASE && address - CODE_BASE < PORT_IMAGE_CODE_SIZE)
        return read_image(m, PORT_IMAGE_CODE, address - CODE_BASE, value);
    else
        return false;
    return true;
}

static void switch_device(struct probe *p, uint16_t high)
{
    unsigned inputs = 0;
    bool powered = p->relay_sticks ? p->powered : high & PIN_RELAY, held = high & PIN_RESET;
    p->control_pins = high;
    for (unsigned i = 0; i < PROBE_INPUTS; i++)
        inputs |= (unsigned)(high >> input_pins[i] & 1) << i;
    if (powered != p->powered || held != p->held) {
        p->powered = powered;
        p->held = held;
        debug_port_reset(&p->port);
        swd_target_reset(&p->swd);
        jtag_target_reset(&p->jtag);
        p->target.set_lines(p->target.ctx, p->target.index, powered, held);
    }
    const bool low = high & PIN_LADDER;
    if (low != p->low) p->target.set_ladder(p->target.ctx, p->target.index, low);
    p->low = low;
    unsigned changed = inputs ^ p->inputs;
    p->inputs = inputs;
    for (unsigned i = 0; i < PROBE_INPUTS; i++)
        if (changed >> i & 1)
            p->target.set_input(p->target.ctx, p->target.index, i, inputs >> i & 1);
}

static bool debug_answers(const struct probe *p)
{
    return p->powered && memory_is_readable(p->target.memory, PORT_IMAGE_DEBUG);
}

// One bit in about a thousand is another one.
static bool rot(struct probe *p, bool bit)
{
    p->rot = p->rot * 1664525 + 1013904223;
    return p->rots && p->rot >> 22 == 0 ? !bit : bit;
}

// The data line back to the adapter from the debug port.
static bool debug_side(struct probe *p, bool jtag, bool clock, bool data, bool mode)
{
    if (p->debug != PROBE_DEBUG_WHOLE) return p->debug == PROBE_DEBUG_ONES;
    if (!debug_answers(p)) return jtag ? true : data; // pulled up; the host's own level
    if (jtag) return jtag_target_pins(&p->jtag, clock, data, mode);
    swd_target_pins(&p->swd, clock, data);
    return p->swd.drives ? p->swd.out : data;
}

// Lines that the device drives, where the adapter does not. Without power they are pulled up inside
// the adapter.
static uint16_t add_outputs(const struct probe *p, uint16_t level, uint16_t driven)
{
    uint16_t mine = OUTPUT_PINS & (uint16_t)~driven;
    if (!p->powered) return level;
    return (uint16_t)((level & ~mine) | (*p->target.outputs << FIRST_OUTPUT & mine));
}

static uint16_t change(void *ctx, uint16_t level, uint16_t driven)
{
    struct probe *p = ctx;
    uint16_t high = level & driven;
    if ((high & CONTROL_PINS) != p->control_pins) switch_device(p, high & CONTROL_PINS);
    bool debug = high & PIN_SWITCH, in = true;
    bool clock = level & PIN_CLOCK, data = level & PIN_OUT;
    if (p->powered && !debug && !p->lifted)
        in = rot(p, spi_flash_pins(&p->flash, clock, data, !(level & PIN_SELECT)));
    else
        spi_flash_pins(&p->flash, false, true, false);
    if (debug) in = debug_side(p, p->is_jtag && !p->is_double, clock, data, level & PIN_SELECT);
    if (!(driven & PIN_IN)) level = (uint16_t)(in ? level | PIN_IN : level & ~PIN_IN);
    return add_outputs(p, level, driven);
}

// Channel B: JTAG and nothing else.
static uint16_t change_second(void *ctx, uint16_t level, uint16_t driven)
{
    struct probe *p = ctx;
    bool in = debug_side(p, true, level & PIN_CLOCK, level & PIN_OUT, level & PIN_SELECT);
    return driven & PIN_IN ? level : (uint16_t)(in ? level | PIN_IN : level & ~PIN_IN);
}

int probe_new(struct probe **out, const struct probe_config *config, struct err *err)
{
    struct probe *p = calloc(1, sizeof *p);
    if (!p) return err_set(err, ERR_NOMEM, "adapter %s", config->serial);
    p->target = config->target;
    p->plugged = true;
    p->is_double = config->kind == FT232H_TWO;
    p->is_jtag = config->jtag || p->is_double;
    size_t size;
    const uint8_t *image = memory_image(p->target.memory, PORT_IMAGE_FLASH, &size);
    spi_flash_init(&p->flash, image, size);
    debug_port_init(&p->port, read_word, p);
    swd_target_init(&p->swd, &p->port);
    jtag_target_init(&p->jtag, &p->port);
    const struct ft232h_wires wires[FT232H_CHANNELS] = {{p, change}, {p, change_second}};
    int rc = ft232h_new(&p->chip, config->serial, config->kind, wires, err);
    if (rc < 0) {
        probe_free(p);
        return rc;
    }
    *out = p;
    return ERR_OK;
}

void probe_free(struct probe *p)
{
    if (!p) return;
    ft232h_free(p->chip);
    free(p);
}

void probe_unplug(struct probe *p)
{
    p->plugged = false;
    ft232h_unplug(p->chip);
}

void probe_stick_relay(struct probe *p, bool sticks)
{
    p->relay_sticks = sticks;
    if (!sticks) switch_device(p, p->control_pins);
}
