#include "dut/firmware/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/crypto.h"
#include "bench/base/rng.h"
#include "dut/firmware/device.h"
#include "dut/firmware/layout.h"

enum {
    CREDENTIALS_LEN = 4 + DEVICE_PAC_LEN + LAYOUT_KEY_LEN,
    CODE_LEN = 24 * 1024,
    TABLE_LEN = 8 * 1024,
    STACK_LEN = 1024,
    TEXT_MAX = 512,
    PROTECTED_AFTER_MS = 80
};

static void put32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

// Bytes that mean nothing, the same in every device.
static void fill(uint8_t *out, size_t len, const char *what)
{
    uint64_t key = rng_key(0, what);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)rng_u64(key, i);
}

// ID, PAC and key as they were written at manufacture.
static void credentials(const struct device *d, uint8_t out[CREDENTIALS_LEN])
{
    put32(out, d->factory_id);
    memcpy(out + 4, d->pac, DEVICE_PAC_LEN);
    memcpy(out + 4 + DEVICE_PAC_LEN, d->key.data, LAYOUT_KEY_LEN);
}

int memory_read_data(struct device *d, uint32_t offset, uint8_t *out, size_t len)
{
    uint8_t data[PORT_NVM_SIZE];
    if (offset > sizeof data || len > sizeof data - offset) return -EINVAL;
    int rc = devport_nvm_read(d->port, 0, data, sizeof data);
    credentials(d, data + LAYOUT_CREDENTIALS_OFFSET);
    if (rc == 0) memcpy(out, data + offset, len);
    crypto_wipe(data, sizeof data);
    return rc;
}

static void show_data(struct device *d)
{
    uint8_t data[PORT_NVM_SIZE];
    if (memory_read_data(d, 0, data, sizeof data) == 0)
        devport_image(d->port, PORT_IMAGE_DATA, 0, data, sizeof data);
    crypto_wipe(data, sizeof data);
}

// A vector table, a version and what stands for machine code. No secret is part of the program.
static void show_code(struct device *d)
{
    uint8_t code[CODE_LEN];
    fill(code, sizeof code, "foxdut code");
    put32(code, 0x20000000 + PORT_IMAGE_RAM_SIZE); // stack
    put32(code + 4, 0x08000101);                   // reset
    static const char version[] = "foxdut " FOX_VERSION;
    memcpy(code + 0x40, version, sizeof version);
    devport_image(d->port, PORT_IMAGE_CODE, 0, code, sizeof code);
}

// What is left in RAM between two messages: the key and what is derived from it is wiped after use.
static void show_ram(struct device *d)
{
    uint8_t stack[STACK_LEN];
    fill(stack, sizeof stack, "foxdut stack");
    put32(stack, device_id(d));
    devport_image(d->port, PORT_IMAGE_RAM, 0, stack, sizeof stack);
}

static void memory_config(const struct device *d, char text[TEXT_MAX])
{
    char secret[64] = "";
    if (faults_on(&d->faults, FAULT_KEY_009)) {
        size_t n = (size_t)snprintf(secret, sizeof secret, ",\"nak\":\"");
        for (size_t i = 0; i < LAYOUT_KEY_LEN; i++)
            n += (size_t)snprintf(secret + n, sizeof secret - n, "%02x", d->key.data[i]);
        snprintf(secret + n, sizeof secret - n, "\"");
    }
    snprintf(text, TEXT_MAX,
             "{\"format\":1,\"model\":\"foxdut\",\"id\":\"%08X\",\"zone\":\"RC1\",\"sensor\":"
             "{\"type\":\"temperature\",\"offset\":-3,\"gain\":1024}%s}",
             d->factory_id, secret);
    crypto_wipe(secret, sizeof secret);
}

// MUT-KEY-008. The rest of the block stays erased.
static void memory_backup_key(struct device *d)
{
    enum { MASK = 0xa5 };
    if (!faults_on(&d->faults, FAULT_KEY_008)) return;
    uint8_t masked[LAYOUT_KEY_LEN];
    for (size_t i = 0; i < sizeof masked; i++)
        masked[i] = d->key.data[i] ^ MASK;
    devport_image(d->port, PORT_IMAGE_FLASH, LAYOUT_FLASH_BACKUP_OFFSET, masked, sizeof masked);
}

// The chip on the board that everybody can read: a calibration table and the configuration.
static void show_flash(struct device *d)
{
    uint8_t table[TABLE_LEN];
    fill(table, sizeof table, "foxdut table");
    devport_image(d->port, PORT_IMAGE_FLASH, 0, table, sizeof table);
    char text[TEXT_MAX];
    memory_config(d, text);
    devport_image(d->port, PORT_IMAGE_FLASH, LAYOUT_FLASH_CONFIG_OFFSET, text, strlen(text));
    crypto_wipe(text, sizeof text);
    memory_backup_key(d);
}

void memory_refused(struct device *d, const uint8_t payload[])
{
    enum { REFUSED = LAYOUT_FLASH_REFUSED_OFFSET };
    if (faults_on(&d->faults, FAULT_DOWN_FLASH))
        devport_image(d->port, PORT_IMAGE_FLASH, REFUSED, payload, SFX_DL_PAYLOAD);
    if (faults_on(&d->faults, FAULT_DOWN_FLASH_TEXT)) {
        char text[sizeof "bad tag: " + 2 * SFX_DL_PAYLOAD];
        size_t n = (size_t)snprintf(text, sizeof text, "bad tag: ");
        for (size_t i = 0; i < SFX_DL_PAYLOAD; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%02X", payload[i]);
        devport_image(d->port, PORT_IMAGE_FLASH, REFUSED, text, n);
    }
    const uint8_t windows = (uint8_t)d->strange.windows;
    if (faults_on(&d->faults, FAULT_DOWN_FLASH_COUNT))
        devport_image(d->port, PORT_IMAGE_FLASH, REFUSED, &windows, 1);
}

void memory_sent(struct device *d)
{
    uint8_t messages[4];
    if (!faults_on(&d->faults, FAULT_FLASH)) return;
    put32(messages, d->strange.messages);
    devport_image(d->port, PORT_IMAGE_FLASH, LAYOUT_FLASH_LIFE_OFFSET, messages, sizeof messages);
}

void memory_taken(struct device *d, const uint8_t payload[])
{
    enum { BEHIND = 16 };
    if (!faults_on(&d->faults, FAULT_FLASH)) return;
    devport_image(d->port, PORT_IMAGE_FLASH, LAYOUT_FLASH_LIFE_OFFSET + BEHIND, payload,
                  SFX_DL_PAYLOAD);
}

static void protect_all(struct device *d, bool readable, bool is_volatile)
{
    static const enum port_image inner[] = {PORT_IMAGE_CODE, PORT_IMAGE_DATA, PORT_IMAGE_RAM};
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
        devport_protect(d->port, inner[i], readable, is_volatile);
}

// Option bytes: the debug port says what it is and reads nothing.
static void memory_protect(struct device *d)
{
    bool late = faults_on(&d->faults, FAULT_KEY_002);
    devport_protect(d->port, PORT_IMAGE_DEBUG, true, false);
    protect_all(d, late || faults_on(&d->faults, FAULT_KEY_001), false);
    if (faults_on(&d->faults, FAULT_KEY_004))
        devport_protect(d->port, PORT_IMAGE_DATA, true, false);
    if (!late) return;
    device_wait_until(d, devport_now_ns(d->port) + PROTECTED_AFTER_MS * DEVPORT_MS);
    protect_all(d, false, true);
}

void memory_boot(struct device *d)
{
    show_code(d);
    show_data(d);
    show_ram(d);
    show_flash(d);
    memory_protect(d);
}
