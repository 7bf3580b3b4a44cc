#include "dut/lab/usb/ft232h.h"

#include <stdlib.h>
#include <string.h>

#include "dut/lab/usb/mpsse.h"

enum {
    PACKET = 512,
    MODE_RESET = 0x00,
    MODE_MPSSE = 0x02,
    IN_ENDPOINT = 0x81,
    OUT_ENDPOINT = 0x02
};

struct ft232h {
    const char *strings[3];
    char serial[32];
    uint8_t device[FT232H_DEVICE_LEN];
    uint8_t config[FT232H_CONFIG_LEN];
    uint8_t mode, latency;
    uint16_t eeprom[128];
    struct mpsse mpsse;
};

void ft232h_run(struct ft232h *c, int64_t now_ns)
{
    mpsse_run(&c->mpsse, now_ns);
}

int64_t ft232h_next_ns(const struct ft232h *c)
{
    return c->mpsse.wake_ns;
}

int ft232h_new(struct ft232h **out, const char *serial, const struct ft232h_wires *wires,
               struct err *err)
{
    // USB 2, vendor 0403, product 6014, release 9.00; one interface, two bulk endpoints.
    static const uint8_t device[FT232H_DEVICE_LEN] = {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0x03,
                                                      0x04, 0x14, 0x60, 0x00, 9, 1, 2, 3,  1};
    static const uint8_t config[FT232H_CONFIG_LEN] = {
        9, 2,           32, 0, 1, 1, 0, 0x80, 45,           9, 4, 0, 0, 2, 0xff, 0xff, 0xff, 2, 7,
        5, IN_ENDPOINT, 2,  0, 2, 0, 7, 5,    OUT_ENDPOINT, 2, 0, 2, 0};
    struct ft232h *c = calloc(1, sizeof *c);
    if (!c) return err_set(err, ERR_NOMEM, "adapter %s", serial);
    memcpy(c->device, device, sizeof device);
    memcpy(c->config, config, sizeof config);
    memcpy(c->serial, serial, strnlen(serial, sizeof c->serial - 1));
    c->strings[0] = "FTDI";
    c->strings[1] = "C232HM (virtual lab)";
    c->strings[2] = c->serial;
    memset(c->eeprom, 0xff, sizeof c->eeprom); // none is fitted
    mpsse_init(&c->mpsse, wires);
    ft232h_unplug(c);
    *out = c;
    return ERR_OK;
}

void ft232h_free(struct ft232h *c)
{
    if (!c) return;
    mpsse_deinit(&c->mpsse);
    free(c);
}

static void set_mode(struct ft232h *c, uint8_t mode)
{
    c->mode = mode;
    mpsse_reset(&c->mpsse);
}

void ft232h_unplug(struct ft232h *c)
{
    c->latency = 16;
    bytes_drop(&c->mpsse.to_host, c->mpsse.to_host.len);
    set_mode(c, MODE_RESET);
}

const uint8_t *ft232h_device_descriptor(const struct ft232h *c)
{
    return c->device;
}

const uint8_t *ft232h_config_descriptor(const struct ft232h *c)
{
    return c->config;
}

static int string_descriptor(const struct ft232h *c, unsigned index, uint8_t *in)
{
    if (index > 3) return -1;
    int n = 2;
    const char *text = index ? c->strings[index - 1] : "\x09\x04"; // 0: the languages
    for (const char *t = text; *t; t++) {
        in[n++] = (uint8_t)*t;
        if (index) in[n++] = 0;
    }
    in[0] = (uint8_t)n;
    in[1] = 3;
    return n;
}

static int standard(const struct ft232h *c, uint8_t request, uint16_t value, uint8_t *in)
{
    if (request == 9 || request == 11) return 0; // set configuration, interface
    if (request != 6) return -1;
    switch (value >> 8) {
    case 1:
        memcpy(in, c->device, sizeof c->device);
        return sizeof c->device;
    case 2:
        memcpy(in, c->config, sizeof c->config);
        return sizeof c->config;
    case 3:
        return string_descriptor(c, value & 0xff, in);
    default:
        return -1;
    }
}

static int vendor(struct ft232h *c, uint8_t request, uint16_t value, uint16_t index, uint8_t *in)
{
    switch (request) {
    case 0x00: // reset; 1: forget what came in, 2: forget what goes out
        if (value == 0 || value == 1) bytes_drop(&c->mpsse.to_chip, c->mpsse.to_chip.len);
        if (value == 0 || value == 2) bytes_drop(&c->mpsse.to_host, c->mpsse.to_host.len);
        return 0;
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x06:
    case 0x07:
        return 0; // of the serial port
    case 0x05:
        in[0] = 0x32;
        in[1] = 0x60;
        return 2;
    case 0x09:
        c->latency = (uint8_t)value;
        return 0;
    case 0x0a:
        in[0] = c->latency;
        return 1;
    case 0x0b: // other modes are not modelled
        if (value >> 8 != MODE_RESET && value >> 8 != MODE_MPSSE) return -1;
        set_mode(c, (uint8_t)(value >> 8));
        return 0;
    case 0x0c:
        mpsse_drive(&c->mpsse);
        in[0] = (uint8_t)c->mpsse.level;
        return 1;
    case 0x90:
        in[0] = (uint8_t)c->eeprom[index & 127];
        in[1] = (uint8_t)(c->eeprom[index & 127] >> 8);
        return 2;
    default:
        return -1;
    }
}

int ft232h_control(struct ft232h *c, const uint8_t setup[8], uint8_t *in, int64_t now_ns)
{
    uint16_t value = (uint16_t)(setup[2] | setup[3] << 8);
    uint16_t index = (uint16_t)(setup[4] | setup[5] << 8);
    int len = setup[6] | setup[7] << 8, n;
    if ((setup[0] & 0x60) == 0)
        n = standard(c, setup[1], value, in);
    else
        n = vendor(c, setup[1], value, index, in);
    ft232h_run(c, now_ns); // it may go on now that there is room
    return n > len ? len : n;
}

int ft232h_out(struct ft232h *c, uint8_t endpoint, const uint8_t *data, size_t len, int64_t now_ns)
{
    if (endpoint != OUT_ENDPOINT) return -1;
    if (c->mode != MODE_MPSSE) return (int)len; // leaves by the serial port, where nobody listens
    size_t done = 0;
    while (done < len) {
        size_t room = mpsse_is_stuck(&c->mpsse) ? FT232H_FIFO : MPSSE_COMMAND_MAX;
        if (c->mpsse.to_chip.len >= room) break;
        size_t n =
            room - c->mpsse.to_chip.len < len - done ? room - c->mpsse.to_chip.len : len - done;
        if (n > FT232H_FIFO) n = FT232H_FIFO; // it may get stuck any time
        if (bytes_append(&c->mpsse.to_chip, data + done, n, NULL) < 0) break;
        done += n;
        ft232h_run(c, now_ns);
    }
    return (int)done;
}

int ft232h_in(struct ft232h *c, uint8_t endpoint, uint8_t *data, size_t max, int64_t now_ns)
{
    if (endpoint != IN_ENDPOINT || max < 2) return -1;
    size_t n = 0, used = 0, part;
    do {
        part = c->mpsse.to_host.len - used;
        if (part > PACKET - 2) part = PACKET - 2;
        if (part > max - n - 2) part = max - n - 2;
        data[n++] = 0x32;
        data[n++] = 0x60;
        if (part) memcpy(data + n, c->mpsse.to_host.data + used, part);
        n += part;
        used += part;
    } while (part == PACKET - 2 && max - n >= PACKET); // a short packet ends the transfer
    bytes_drop(&c->mpsse.to_host, used);
    ft232h_run(c, now_ns);
    return (int)n;
}
