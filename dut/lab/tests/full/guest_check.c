// guest_check: what the bench's drivers find in a guest whose stock kernel has the lab's adapters:
// the same as on the substitute libusb. TAP on stdout; one line a check.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dut/flash.h"
#include "dut/jtag.h"
#include "dut/lab/tests/vault.h"
#include "dut/port.h"
#include "dut/power.h"
#include "dut/swd.h"

enum { FLASH_SIZE = 1 << 20, IMAGE_FLASH = 3, PORTS = 8 };

static unsigned checks, bad;

static bool check(bool good, const char *title, const struct err *e)
{
    printf("%sok %u - %s\n", good ? "" : "not ", ++checks, title);
    if (!good) printf("# %s\n", e && e->text[0] ? e->text : "something else came");
    if (!good) bad++;
    fflush(stdout);
    return good;
}

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// By the adapter's clock, which is the lab's.
static int wait_ms(struct ftdi *f, unsigned ms, struct err *err)
{
    const uint8_t get_high = 0x83;
    struct ftdi_batch b;
    uint8_t level;
    ftdi_batch_init(&b, FTDI_BATCH_MAX);
    ftdi_batch_delay(&b, 1000 * ms);
    ftdi_batch_put(&b, &get_high, 1, 1);
    int rc = ftdi_batch_start(f, &b, err);
    while (rc == 0)
        rc = ftdi_batch_collect(f, &level, err);
    ftdi_batch_deinit(&b);
    return rc;
}

// Before libftdi takes them, the kernel's own driver has made serial ports of the adapters.
static void check_ports(void)
{
    struct err e = {0};
    struct port_found found[PORTS];
    int n = port_find(found, PORTS, &e);
    bool double_seen = false;
    for (int i = 0; i < n; i++) {
        printf("# %s %04x:%04x %s %s\n", found[i].path, found[i].vendor, found[i].product,
               found[i].description, found[i].serial);
        if (found[i].product == 0x6010 && strcmp(found[i].serial, "FOXTWO") == 0)
            double_seen = true;
    }
    check(n == 4, "ftdi_sio made four serial ports of three adapters", &e);
    check(double_seen, "they are found with vendor, product and serial number", NULL);
    struct port *port = NULL;
    const struct port_config config = {.path = "/dev/ttyUSB0", .baud = 9600};
    int rc = n > 0 ? port_open(&port, &config, &e) : -1;
    if (check(rc == 0, "libserialport opens a real ttyUSB", &e))
        check(port_set_line(port, PORT_LINE_RTS, true, &e) == 0, "and moves its modem lines", &e);
    port_close(port);
}

static void check_flash(struct ftdi *f)
{
    static uint8_t bytes[FLASH_SIZE];
    struct err e = {0};
    struct flash_id id = {0};
    int rc = flash_identify(f, &id, &e);
    check(rc == 0 && id.maker == 0xef && id.kind == 0x40 && id.capacity == 0x14,
          "JEDEC id EF 40 14", &e);
    double begin_s = wall_s();
    rc = rc < 0 ? rc : flash_read(f, &id, 0, bytes, sizeof bytes, NULL, NULL, &e);
    size_t same = 0;
    while (rc == 0 && same < sizeof bytes && bytes[same] == vault_byte(IMAGE_FLASH, same))
        same++;
    check(same == sizeof bytes, "1 MiB of flash bit-exact", &e);
    printf("# read twice in %.1f s\n", wall_s() - begin_s);
}

static void check_open_device(void)
{
    struct err e = {0};
    struct ftdi *a = NULL, *b = NULL;
    struct power p;
    uint32_t dpidr = 0, words[16], ids[JTAG_CHAIN_MAX] = {0};
    size_t n = 0;
    if (!check(ftdi_open(&a, "FOXTWO", &e) == 0, "libftdi takes an FT2232H from the kernel", &e))
        return;
    int rc = power_init(&p, a, "AC0", "AC1", "AC2", &e);
    if (rc >= 0) rc = power_on(&p, &e);
    if (rc >= 0) rc = wait_ms(a, 100, &e);
    check(rc >= 0, "GPIO switches power on, and a delay passes", &e);
    check_flash(a);
    rc = swd_connect(a, &dpidr, &e);
    check(rc == SWD_WORDS && dpidr == 0x2ba01477, "DPIDR 2BA01477", &e);
    rc = swd_read_words(a, 0x08000000, words, 16, &n, NULL, NULL, &e);
    check(rc == SWD_WORDS && words[15] == vault_word(0, 60), "an open debug port is read", &e);
    rc = ftdi_open_second(&b, "FOXTWO", &e);
    if (rc >= 0) rc = jtag_scan(b, ids, &n, &e);
    check(rc == JTAG_CHAIN && n == 1 && ids[0] == 0x4ba00477,
          "IDCODE 4BA00477 on the second channel", &e);
    ftdi_close(b);
    ftdi_close(a);
}

static void check_other_devices(void)
{
    struct err e = {0};
    struct ftdi *f = NULL;
    struct power p;
    uint32_t ids[JTAG_CHAIN_MAX];
    size_t n = 0;
    int rc = ftdi_open(&f, "FOXDARK", &e);
    if (rc >= 0) rc = power_init(&p, f, "AC0", NULL, NULL, &e);
    if (rc >= 0) rc = power_on(&p, &e);
    if (rc >= 0) rc = wait_ms(f, 100, &e);
    if (rc >= 0) rc = jtag_scan(f, ids, &n, &e);
    check(rc == JTAG_SILENT, "a closed debug port is silent", &e);
    ftdi_close(f);
    f = NULL;
    check(ftdi_open(&f, "NOSUCH", &e) == ERR_NOTFOUND, "an adapter that is not there is named", &e);
    ftdi_close(f);
}

int main(void)
{
    check_ports();
    check_open_device();
    check_other_devices();
    printf("1..%u\n# full tier: %u passed, %u failed\n", checks, checks - bad, bad);
    return bad != 0;
}
