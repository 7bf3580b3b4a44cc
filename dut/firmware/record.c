#include "dut/firmware/record.h"

#include <string.h>

static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}

static uint32_t slot_crc(uint8_t kind, const uint8_t *slot, uint32_t body_len)
{
    return crc32(crc32(0, &kind, 1), slot, 4 + body_len);
}

static uint32_t get32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static void put32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t slot_offset(const struct record *r, unsigned slot)
{
    return r->offset + slot * RECORD_SLOT;
}

size_t record_encode(uint8_t kind, uint32_t sequence, const uint8_t *body, uint32_t body_len,
                     uint8_t out[RECORD_SLOT])
{
    put32(out, sequence);
    memcpy(out + 4, body, body_len);
    put32(out + 4 + body_len, slot_crc(kind, out, body_len));
    return 4 + body_len + 4;
}

bool record_load(struct record *r, uint8_t *body)
{
    bool found = false;
    // A new record starts in slot 0: the other one counts until then.
    r->slot = 1;
    r->sequence = 0;
    for (unsigned slot = 0; slot < 2; slot++) {
        uint8_t raw[RECORD_SLOT];
        uint32_t len = 4 + r->body_len + 4;
        if (devport_nvm_read(r->port, slot_offset(r, slot), raw, len) < 0) continue;
        if (get32(raw + 4 + r->body_len) != slot_crc(r->kind, raw, r->body_len)) continue;
        uint32_t sequence = get32(raw);
        if (found && (int32_t)(sequence - r->sequence) < 0) continue;
        found = true;
        r->slot = slot;
        r->sequence = sequence;
        memcpy(body, raw + 4, r->body_len);
    }
    return found;
}

int record_store(struct record *r, const uint8_t *body)
{
    uint8_t raw[RECORD_SLOT];
    unsigned slot = 1 - r->slot;
    const uint32_t len = (uint32_t)record_encode(r->kind, r->sequence + 1, body, r->body_len, raw);
    const uint32_t offset = slot_offset(r, slot);
    int rc = devport_nvm_write(r->port, offset, raw, len);
    if (rc < 0) return rc;
    devport_image(r->port, PORT_IMAGE_DATA, offset, raw, len); // it is the same memory
    r->slot = slot;
    r->sequence++;
    return 0;
}
