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
    PIN_LAB_ENABLE = 1 << 10,
    PIN_SWITCH = 1 << 11
};

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

static void switch_device(struct probe *p, bool powered, bool held, bool enabled)
{
    if (powered != p->powered || held != p->held) {
        p->powered = powered;
        p->held = held;
        swd_target_reset(&p->swd);
        p->target.set_lines(p->target.ctx, p->target.index, powered, held);
    }
    if (enabled != p->enabled) {
        p->enabled = enabled;
        p->target.set_lab_enable(p->target.ctx, p->target.index, enabled);
    }
}

static uint16_t change(void *ctx, uint16_t level, uint16_t driven)
{
    struct probe *p = ctx;
    uint16_t high = level & driven;
    switch_device(p, high & PIN_RELAY, high & PIN_RESET, high & PIN_LAB_ENABLE);
    bool debug = high & PIN_SWITCH, in = true;
    bool clock = level & PIN_CLOCK, data = level & PIN_OUT;
    bool answers = p->powered && memory_is_readable(p->target.memory, PORT_IMAGE_DEBUG);
    if (p->powered && !debug && !p->lifted)
        in = spi_flash_pins(&p->flash, clock, data, !(level & PIN_SELECT));
    else
        spi_flash_pins(&p->flash, false, true, false);
    if (debug) in = data;
    if (debug && answers) {
        swd_target_pins(&p->swd, clock, data);
        if (p->swd.drives) in = p->swd.out;
    }
    return driven & PIN_IN ? level : (uint16_t)(in ? level | PIN_IN : level & ~PIN_IN);
}

int probe_new(struct probe **out, const char *serial, const struct probe_target *target,
              struct err *err)
{
    struct probe *p = calloc(1, sizeof *p);
    if (!p) return err_set(err, ERR_NOMEM, "adapter %s", serial);
    p->target = *target;
    p->plugged = true;
    size_t size;
    const uint8_t *image = memory_image(target->memory, PORT_IMAGE_FLASH, &size);
    spi_flash_init(&p->flash, image, size);
    swd_target_init(&p->swd, read_word, p);
    const struct ft232h_wires wires = {p, change};
    int rc = ft232h_new(&p->chip, serial, &wires, err);
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
