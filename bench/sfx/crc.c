#include "bench/sfx/crc.h"

uint16_t sfx_crc16(const uint8_t *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
        crc &= 0xFFFF;
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
