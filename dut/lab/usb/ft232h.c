#include "dut/lab/usb/ft232h.h"

#include <stdlib.h>
#include <string.h>

#include "dut/lab/usb/mpsse.h"

enum { PACKET = 512, MODE_RESET = 0x00, MODE_MPSSE = 0x02 };

struct channel {
    uint8_t mode, latency;
    struct mpsse mpsse;
};

struct ft232h {
    const char *strings[3];
    char serial[32];
    uint8_t device[FT232H_DEVICE_LEN];
    uint8_t config[FT232H_CONFIG_MAX];
    size_t config_len;
    size_t n; // channels
    enum ft232h_fault fault;
    uint16_t eeprom[128];
    struct channel channels[FT232H_CHANNELS];
};

void ft232h_run(struct ft232h *c, int64_t now_ns)
{
    for (size_t i = 0; i < c->n; i++)
        mpsse_run(&c->channels[i].mpsse, now_ns);
}

int64_t ft232h_next_ns(const struct ft232h *c)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < c->n; i++)
        if (c->channels[i].mpsse.wake_ns < next_ns) next_ns = c->channels[i].mpsse.wake_ns;
    return next_ns;
}

static void describe(struct ft232h *c)
{
    // USB 2, vendor 0403; an interface with two bulk endpoints for each channel.
    static const uint8_t device[FT232H_DEVICE_LEN] = {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0x03,
                                                      0x04, 0x14, 0x60, 0x00, 9, 1, 2, 3,  1};
    static const uint8_t head[9] = {9, 2, 0, 0, 0, 1, 0, 0x80, 45};
    memcpy(c->device, device, sizeof device);
    if (c->n == 2) {
        c->device[10] = 0x10; // product 6010, release 7.00
        c->device[13] = 7;
    }
    memcpy(c->config, head, sizeof head);
    c->config_len = sizeof head;
    for (uint8_t i = 0; i < c->n; i++) {
        const uint8_t in = (uint8_t)(0x81 + 2 * i), out = (uint8_t)(0x02 + 2 * i);
        const uint8_t one[23] = {9, 4, i, 0, 2, 0xff, 0xff, 0xff, 2, 7, 5, in,
                                 2, 0, 2, 0, 7, 5,    out,  2,    0, 2, 0};
        memcpy(c->config + c->config_len, one, sizeof one);
        c->config_len += sizeof one;
    }
    c->config[2] = (uint8_t)c->config_len;
    c->config[4] = (uint8_t)c->n;
}

int ft232h_new(struct ft232h **out, const char *serial, enum ft232h_kind kind,
               const struct ft232h_wires wires[FT232H_CHANNELS], struct err *err)
{
    struct ft232h *c = calloc(1, sizeof *c);
    if (!c) return err_set(err, ERR_NOMEM, "adapter %s", serial);
    c->n = kind == FT232H_TWO ? 2 : 1;
    describe(c);
    memcpy(c->serial, serial, strnlen(serial, sizeof c->serial - 1));
    c->strings[0] = "FTDI";
    c->strings[1] = kind == FT232H_TWO ? "FT2232H (virtual lab)" : "C232HM (virtual lab)";
    c->strings[2] = c->serial;
    memset(c->eeprom, 0xff, sizeof c->eeprom); // none is fitted
    for (size_t i = 0; i < c->n; i++) {
        mpsse_init(&c->channels[i].mpsse, &wires[i]);
        c->channels[i].mpsse.has_open_drain = kind == FT232H_ONE;
    }
    ft232h_unplug(c);
    *out = c;
    return ERR_OK;
}

void ft232h_free(struct ft232h *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n; i++)
        mpsse_deinit(&c->channels[i].mpsse);
    free(c);
}

static void set_mode(struct channel *ch, uint8_t mode)
{
    ch->mode = mode;
    mpsse_reset(&ch->mpsse);
}

void ft232h_unplug(struct ft232h *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct channel *ch = &c->channels[i];
        ch->latency = 16;
        bytes_drop(&ch->mpsse.to_host, ch->mpsse.to_host.len);
        set_mode(ch, MODE_RESET);
    }
}

void ft232h_set_fault(struct ft232h *c, enum ft232h_fault fault)
{
    c->fault = fault;
    for (size_t i = 0; i < c->n; i++)
        c->channels[i].mpsse.misses_next = fault == FT232H_ECHO;
}

void ft232h_look(struct ft232h *c)
{
    for (size_t i = 0; i < c->n; i++)
        mpsse_drive(&c->channels[i].mpsse);
}

const uint8_t *ft232h_device_descriptor(const struct ft232h *c)
{
    return c->device;
}

const uint8_t *ft232h_config_descriptor(const struct ft232h *c)
{
    return c->config;
}

size_t ft232h_config_len(const struct ft232h *c)
{
    return c->config_len;
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
    switch (request) {
    case 8: // which configuration
        in[0] = 1;
        return 1;
    case 9: // set configuration, interface; clear a feature
    case 11:
    case 1:
        return 0;
    case 0: // status
        in[0] = in[1] = 0;
        return 2;
    case 6:
        break;
    default:
        return -1;
    }
    switch (value >> 8) {
    case 1:
        memcpy(in, c->device, sizeof c->device);
        return sizeof c->device;
    case 2:
        memcpy(in, c->config, c->config_len);
        return (int)c->config_len;
    case 3:
        return string_descriptor(c, value & 0xff, in);
    default:
        return -1;
    }
}

// Requests name their channel in the low byte of the index: 2 is B.
static int vendor(struct ft232h *c, uint8_t request, uint16_t value, uint16_t index, uint8_t *in)
{
    struct channel *ch = &c->channels[c->n == 2 && (index & 0xff) == 2];
    switch (request) {
    case 0x00: // reset; 1: forget what came in, 2: forget what goes out
        if (value == 0 || value == 1) bytes_drop(&ch->mpsse.to_chip, ch->mpsse.to_chip.len);
        if (value == 0 || value == 2) bytes_drop(&ch->mpsse.to_host, ch->mpsse.to_host.len);
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
        ch->latency = (uint8_t)value;
        return 0;
    case 0x0a:
        in[0] = ch->latency;
        return 1;
    case 0x0b: // other modes are not modelled
        if (value >> 8 != MODE_RESET && value >> 8 != MODE_MPSSE) return -1;
        set_mode(ch, (uint8_t)(value >> 8));
        return 0;
    case 0x0c:
        mpsse_drive(&ch->mpsse);
        in[0] = (uint8_t)ch->mpsse.level;
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

// Endpoints 02 and 81 are channel A's, 04 and 83 channel B's.
static struct channel *channel_of(struct ft232h *c, uint8_t endpoint, bool in)
{
    for (size_t i = 0; i < c->n; i++)
        if (endpoint == (in ? 0x81 : 0x02) + 2 * i) return &c->channels[i];
    return NULL;
}

int ft232h_out(struct ft232h *c, uint8_t endpoint, const uint8_t *data, size_t len, int64_t now_ns)
{
    struct channel *ch = channel_of(c, endpoint, false);
    if (!ch) return -1;
    if (ch->mode != MODE_MPSSE) return (int)len; // leaves by the serial port, where nobody listens
    struct mpsse *m = &ch->mpsse;
    size_t done = 0;
    while (done < len) {
        size_t room = mpsse_is_stuck(m) ? FT232H_FIFO : MPSSE_COMMAND_MAX;
        if (m->to_chip.len >= room) break;
        size_t n = room - m->to_chip.len < len - done ? room - m->to_chip.len : len - done;
        if (n > FT232H_FIFO) n = FT232H_FIFO; // it may get stuck any time
        if (bytes_append(&m->to_chip, data + done, n, NULL) < 0) break;
        done += n;
        ft232h_run(c, now_ns);
    }
    return (int)done;
}

int ft232h_in(struct ft232h *c, uint8_t endpoint, uint8_t *data, size_t max, int64_t now_ns)
{
    struct channel *ch = channel_of(c, endpoint, true);
    if (!ch || max < 2) return -1;
    struct bytes *answers = &ch->mpsse.to_host;
    size_t n = 0, used = 0, part;
    if (c->fault == FT232H_EMPTY) bytes_drop(answers, answers->len);
    if (c->fault == FT232H_SHORT && answers->len) answers->len--;
    do {
        part = answers->len - used;
        if (part > PACKET - 2) part = PACKET - 2;
        if (part > max - n - 2) part = max - n - 2;
        data[n++] = 0x32;
        data[n++] = 0x60;
        if (part) memcpy(data + n, answers->data + used, part);
        n += part;
        used += part;
    } while (part == PACKET - 2 && max - n >= PACKET); // a short packet ends the transfer
    bytes_drop(answers, used);
    ft232h_run(c, now_ns);
    return (int)n;
}
