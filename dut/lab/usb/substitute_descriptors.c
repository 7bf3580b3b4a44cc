// The substitute libusb's descriptors: what the lab sent as bytes, in libusb's structures.
#include <stddef.h>
#include <stdlib.h>

#include "dut/lab/usb/substitute.h"

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

int LIBUSB_CALL libusb_get_device_descriptor(libusb_device *d, struct libusb_device_descriptor *out)
{
    const uint8_t *p = d->unit.device;
    *out = (struct libusb_device_descriptor){.bLength = p[0],
                                             .bDescriptorType = p[1],
                                             .bcdUSB = le16(p + 2),
                                             .bDeviceClass = p[4],
                                             .bDeviceSubClass = p[5],
                                             .bDeviceProtocol = p[6],
                                             .bMaxPacketSize0 = p[7],
                                             .idVendor = le16(p + 8),
                                             .idProduct = le16(p + 10),
                                             .bcdDevice = le16(p + 12),
                                             .iManufacturer = p[14],
                                             .iProduct = p[15],
                                             .iSerialNumber = p[16],
                                             .bNumConfigurations = p[17]};
    return 0;
}

static int add_interface(struct libusb_interface *to, const uint8_t *p)
{
    struct libusb_interface_descriptor *d = calloc(1, sizeof *d);
    if (!d) return LIBUSB_ERROR_NO_MEM;
    *d = (struct libusb_interface_descriptor){.bLength = p[0],
                                              .bDescriptorType = p[1],
                                              .bInterfaceNumber = p[2],
                                              .bAlternateSetting = p[3],
                                              .bInterfaceClass = p[5],
                                              .bInterfaceSubClass = p[6],
                                              .bInterfaceProtocol = p[7],
                                              .iInterface = p[8]};
    to->altsetting = d;
    to->num_altsetting = 1;
    d->endpoint = calloc(p[4] ? p[4] : 1, sizeof *d->endpoint);
    return d->endpoint ? p[4] : LIBUSB_ERROR_NO_MEM;
}

// One configuration; each interface has one setting.
static int parse_config(struct libusb_config_descriptor *c, const uint8_t *p, size_t len)
{
    if (len < 9 || p[0] < 9) return LIBUSB_ERROR_IO;
    c->bLength = p[0];
    c->bDescriptorType = p[1];
    c->wTotalLength = le16(p + 2);
    c->bConfigurationValue = p[5];
    c->iConfiguration = p[6];
    c->bmAttributes = p[7];
    c->MaxPower = p[8];
    struct libusb_interface *interfaces = calloc(p[4] ? p[4] : 1, sizeof *interfaces);
    c->interface = interfaces;
    if (!interfaces) return LIBUSB_ERROR_NO_MEM;
    const uint8_t total = p[4];
    struct libusb_interface_descriptor *into = NULL;
    int room = 0;
    for (size_t at = p[0]; at + 2 <= len && p[at] >= 2 && at + p[at] <= len; at += p[at]) {
        const uint8_t *d = p + at;
        if (d[1] == LIBUSB_DT_INTERFACE && d[0] >= 9 && c->bNumInterfaces < total) {
            room = add_interface(&interfaces[c->bNumInterfaces++], d);
            if (room < 0) return room;
            into =
                (struct libusb_interface_descriptor *)interfaces[c->bNumInterfaces - 1].altsetting;
        } else if (d[1] == LIBUSB_DT_ENDPOINT && d[0] >= 7 && into && into->bNumEndpoints < room) {
            struct libusb_endpoint_descriptor *e =
                (struct libusb_endpoint_descriptor *)&into->endpoint[into->bNumEndpoints++];
            *e = (struct libusb_endpoint_descriptor){.bLength = d[0],
                                                     .bDescriptorType = d[1],
                                                     .bEndpointAddress = d[2],
                                                     .bmAttributes = d[3],
                                                     .wMaxPacketSize = le16(d + 4),
                                                     .bInterval = d[6]};
        }
    }
    return 0;
}

int LIBUSB_CALL libusb_get_config_descriptor(libusb_device *d, uint8_t index,
                                             struct libusb_config_descriptor **out)
{
    if (index != 0) return LIBUSB_ERROR_NOT_FOUND;
    if (d->unit.config_len > sizeof d->unit.config) return LIBUSB_ERROR_IO;
    struct libusb_config_descriptor *c = calloc(1, sizeof *c);
    if (!c) return LIBUSB_ERROR_NO_MEM;
    int rc = parse_config(c, d->unit.config, d->unit.config_len);
    if (rc < 0) {
        libusb_free_config_descriptor(c);
        return rc;
    }
    *out = c;
    return 0;
}

int LIBUSB_CALL libusb_get_active_config_descriptor(libusb_device *d,
                                                    struct libusb_config_descriptor **out)
{
    return libusb_get_config_descriptor(d, 0, out);
}

void LIBUSB_CALL libusb_free_config_descriptor(struct libusb_config_descriptor *c)
{
    if (!c) return;
    for (int i = 0; c->interface && i < c->bNumInterfaces; i++) {
        struct libusb_interface_descriptor *d =
            (struct libusb_interface_descriptor *)c->interface[i].altsetting;
        if (d) free((void *)d->endpoint);
        free(d);
    }
    free((void *)c->interface);
    free(c);
}

int LIBUSB_CALL libusb_get_string_descriptor_ascii(libusb_device_handle *h, uint8_t index,
                                                   unsigned char *data, int len)
{
    unsigned char raw[255];
    if (index == 0 || len < 1) return LIBUSB_ERROR_INVALID_PARAM;
    int n = libusb_control_transfer(h, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_DESCRIPTOR,
                                    (uint16_t)(LIBUSB_DT_STRING << 8 | index), 0x0409, raw,
                                    sizeof raw, 1000);
    if (n < 0) return n;
    if (n < 2 || raw[1] != LIBUSB_DT_STRING || raw[0] > n) return LIBUSB_ERROR_IO;
    int out = 0;
    for (int i = 2; i + 1 < raw[0] && out < len - 1; i += 2)
        data[out++] = raw[i + 1] || raw[i] > 0x7f ? '?' : raw[i];
    data[out] = 0;
    return out;
}
