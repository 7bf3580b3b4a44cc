// foxbench discover: what is plugged in, as a bench file to be completed by hand.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/radio/radio.h"
#include "dut/port.h"
#include "dut/port_ftdi.h"

// What a bench file may have; more is printed as a comment.
enum { RADIOS = 4, UARTS = 16, FOUND_MAX = 32 };
enum { PLUTO_VENDOR = 0x0456, FTDI_VENDOR = 0x0403, FT232H = 0x6014, FT2232H = 0x6010 };

struct discovery {
    struct radio_found radios[FOUND_MAX];
    struct port_found ports[FOUND_MAX];
    struct ftdi_found adapters[FOUND_MAX];
    size_t n_radios, n_ports, n_adapters;
    bool silent; // an address that was named does not answer
};

static void complain(const struct err *err)
{
    fprintf(stderr, "foxbench discover: %s\n", err->text);
}

// --- looking

static void add_address(struct discovery *d, const char *address)
{
    struct err err = {0};
    if (address[0] == '/' && d->n_ports < FOUND_MAX) {
        struct port_found *port = &d->ports[d->n_ports];
        *port = (struct port_found){0};
        if (strlen(address) >= sizeof port->path || access(address, F_OK) != 0) {
            err_set(&err, ERR_NOTFOUND, "%s: expected a serial port, found %s", address,
                    strerror(errno ? errno : ENAMETOOLONG));
            complain(&err);
            d->silent = true;
            return;
        }
        snprintf(port->path, sizeof port->path, "%s", address);
        d->n_ports++;
    } else if (d->n_radios < FOUND_MAX) {
        if (radio_identify(&d->radios[d->n_radios], address, &err) < 0) {
            complain(&err);
            d->silent = true;
            return;
        }
        d->n_radios++;
    }
}

static size_t counted(int rc, const struct err *err)
{
    if (rc < 0) complain(err);
    return rc < 0 ? 0 : (size_t)rc;
}

static void look(struct discovery *d, const struct words *addresses)
{
    struct err err = {0};
    d->n_radios = counted(radio_find(d->radios, FOUND_MAX, &err), &err);
    d->n_ports = counted(port_find(d->ports, FOUND_MAX, &err), &err);
    d->n_adapters = counted(ftdi_find(d->adapters, FOUND_MAX, &err), &err);
    for (size_t i = 0; i < addresses->n; i++)
        add_address(d, addresses->list[i]);
}

// --- printing

// Names come from whatever was plugged in: nothing of them may end a string or a comment.
static void print_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (isprint((unsigned char)*text) && *text != '"' && *text != '\\')
            putchar(*text);
        else
            printf("\\%03u", (unsigned char)*text);
    }
    putchar('"');
}

static void print_comment(const char *before, const char *text)
{
    fputs(before, stdout);
    for (; *text; text++)
        putchar(isprint((unsigned char)*text) ? *text : '?');
    putchar('\n');
}

static void print_radios(const struct discovery *d)
{
    puts("  radios = {");
    if (d->n_radios == 0) puts("    -- none was found: plug a Pluto in, or name its address");
    for (size_t i = 0; i < d->n_radios; i++) {
        const struct radio_found *r = &d->radios[i];
        const char *off = i < RADIOS ? "" : "-- ";
        print_comment("    -- ", r->model);
        printf("    %s{ unit = \"station%zu\", uri = ", off, i + 1);
        print_string(r->uri);
        if (*r->serial) {
            fputs(", serial = ", stdout);
            print_string(r->serial);
        }
        printf(",\n    %s  lo_hz = 868015000, gain_db = 50, path = \"antenna\" },\n", off);
    }
    puts("  },");
}

// Ports that belong to instruments are no device's.
static const char *owner(const struct port_found *p)
{
    if (p->vendor == PLUTO_VENDOR) return "the console of a Pluto";
    if (p->vendor == FTDI_VENDOR && (p->product == FT232H || p->product == FT2232H))
        return "the adapter below";
    return NULL;
}

static void print_uarts(const struct discovery *d)
{
    size_t unit = 0;
    puts("  uarts = { -- the device's own first");
    for (size_t i = 0; i < d->n_ports; i++) {
        const struct port_found *p = &d->ports[i];
        const char *of = owner(p);
        char about[240];
        snprintf(about, sizeof about, "%s%s%04x:%04x %s", of ? of : "", of ? ": " : "", p->vendor,
                 p->product, p->description);
        print_comment("    -- ", p->vendor ? about : "as named");
        bool off = of || unit >= UARTS;
        if (!off) unit++;
        printf("    %s{ unit = \"dut%zu\", path = ", off ? "-- " : "", off ? i + 1 : unit);
        print_string(p->path);
        puts(" },");
    }
    if (unit == 0) puts("    -- none was found: plug the device's adapter in, or name its port");
    puts("  },");
}

static void print_adapters(const struct discovery *d)
{
    for (size_t i = 0; i < d->n_adapters; i++) {
        const struct ftdi_found *f = &d->adapters[i];
        char about[sizeof f->description + 64];
        snprintf(about, sizeof about, "%s%s", f->is_double ? "FT2232H, JTAG on BD0 to BD3: " : "",
                 f->description);
        print_comment("  -- ", about);
        if (!*f->serial) {
            puts("  -- an adapter without a serial number, or one that this user may not open:");
            puts("  -- give it one with ftdi_eeprom; foxbench doctor says what else is missing");
            continue;
        }
        printf("  %sftdi = { serial = ", i ? "-- " : "");
        print_string(f->serial);
        puts(", relay = \"AC0\", reset = \"AC1\", discharge_s = 0.5, wired = {} },");
    }
}

static void print_bench(const struct discovery *d)
{
    puts("-- What foxbench discover found. Complete it: docs/HARDWARE.md says how things are\n"
         "-- wired, and what to add before a radio may send (path, attenuation_db, transmit, rf,\n"
         "-- permit).\n"
         "syntax(1)\n"
         "\n"
         "return {\n"
         "  name = \"desk\",");
    print_radios(d);
    print_uarts(d);
    print_adapters(d);
    puts("}");
}

int cmd_discover(int argc, char **argv)
{
    static const struct argument none[] = {{0}};
    struct words addresses = {.max = FOUND_MAX};
    struct err err = {0};
    int rc = arguments_parse(none, &addresses, argc, argv, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("discover", rc, &err);
    struct discovery *d = calloc(1, sizeof *d);
    if (!d) {
        fputs("foxbench discover: out of memory\n", stderr);
        return CMD_EXIT_ERROR;
    }
    look(d, &addresses);
    size_t n = d->n_radios + d->n_ports + d->n_adapters;
    print_bench(d);
    fprintf(stderr, "radios: %zu, serial ports: %zu, adapters: %zu. %s\n", d->n_radios, d->n_ports,
            d->n_adapters,
            n ? "Save this as a file, complete it, then: foxbench doctor --bench FILE"
              : "Plug something in, or see with foxbench doctor --udev who may open it");
    int code = d->silent ? CMD_EXIT_ERROR : n ? CMD_EXIT_OK : CMD_EXIT_NOTHING;
    free(d);
    return code;
}
