// A device with something to read, for the tests of the adapter: it fills its memory images in a
// way that the reader can work out, and protects them as its argument says.
//
//   open    nothing is protected
//   locked  option bytes: code and data are not readable, RAM is
//   late    code and data are closed by a register 80 ms after each boot
//   closed  the debug port does not answer at all
//
//   mirror  puts the levels of input lines 0 to 3 on its output lines 0 to 3, and the low four bits
//   of a
//           byte on its line on output lines 4 to 7
//
// It says "boot CAUSE PIN\n" on its line, where PIN is the level of input 0, at boot and whenever
// that changes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/lab/tests/vault.h"
#include "dut/port/client.h"

static void fill(struct devport *p, uint32_t image, size_t size)
{
    uint8_t *bytes = malloc(size);
    if (!bytes) exit(1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = vault_byte(image, i);
    devport_image(p, image, 0, bytes, size);
    free(bytes);
}

static void protect(struct devport *p, bool readable, bool is_volatile)
{
    devport_protect(p, PORT_IMAGE_CODE, readable, is_volatile);
    devport_protect(p, PORT_IMAGE_DATA, readable, is_volatile);
}

static void report(struct devport *p)
{
    char text[32];
    int n = snprintf(text, sizeof text, "boot %d %u\n", (int)devport_boot(p)->cause,
                     devport_gpio_read(p, 0));
    devport_uart_write(p, text, (size_t)n);
}

int main(int argc, char **argv)
{
    struct devport *p = NULL;
    char why[160];
    const char *how = argc > 1 ? argv[1] : "open";
    if (devport_open(&p, why, sizeof why) < 0) {
        fprintf(stderr, "%s\n", why);
        return 3;
    }
    devport_ready(p, "vault 1");
    fill(p, PORT_IMAGE_CODE, PORT_IMAGE_CODE_SIZE);
    fill(p, PORT_IMAGE_DATA, PORT_IMAGE_DATA_SIZE);
    fill(p, PORT_IMAGE_RAM, PORT_IMAGE_RAM_SIZE);
    fill(p, PORT_IMAGE_FLASH, PORT_IMAGE_FLASH_SIZE);
    if (strcmp(how, "locked") == 0) protect(p, false, false);
    if (strcmp(how, "closed") == 0) devport_protect(p, PORT_IMAGE_DEBUG, false, false);
    int64_t lock_ns =
        strcmp(how, "late") == 0 ? devport_now_ns(p) + VAULT_LATE_MS * DEVPORT_MS : DEVPORT_NEVER;
    devport_wait(p, devport_now_ns(p)); // what is told at boot
    for (;;) {
        report(p);
        for (unsigned i = 0; i < 4 && strcmp(how, "mirror") == 0; i++)
            devport_gpio_write(p, i, devport_gpio_read(p, i));
        for (unsigned news = 0; !(news & DEVPORT_NEWS_GPIO);) {
            news = devport_wait(p, lock_ns);
            uint8_t byte;
            while (devport_uart_read(p, &byte, 1) == 1 && strcmp(how, "mirror") == 0)
                for (unsigned i = 0; i < 4; i++)
                    devport_gpio_write(p, 4 + i, byte >> i & 1);
            if (devport_now_ns(p) < lock_ns) continue;
            protect(p, false, true);
            lock_ns = DEVPORT_NEVER;
        }
    }
}
