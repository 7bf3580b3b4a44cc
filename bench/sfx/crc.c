#include "bench/sfx/crc.h"

// A byte at a time: x is what the byte brings to x^16 and above, and x^16 = x^12 + x^5 + 1 folds it
// back, its upper half twice.
uint16_t sfx_crc16(const uint8_t *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned x = crc >> 8 ^ data[i];
        x ^= x >> 4;
        crc = (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xFFFF;
    }
    return (uint16_t)(crc ^ 0xFFFF);
}

uint8_t sfx_crc8(const uint8_t *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x80 ? (crc << 1) ^ 0x2F : crc << 1;
        crc &= 0xFF;
    }
    return (uint8_t)crc;
}
