// What vault_device.c keeps in its memories, for the device and for those who read it.
#ifndef DUT_LAB_TESTS_VAULT_H
#define DUT_LAB_TESTS_VAULT_H

#include <stddef.h>
#include <stdint.h>

enum { VAULT_LATE_MS = 80 };

// A hash of image and place: no two words are alike by accident.
static inline uint8_t vault_byte(uint32_t image, size_t at)
{
    uint64_t x = ((uint64_t)image << 32 | at) + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint8_t)(x ^ x >> 31);
}

static inline uint32_t vault_word(uint32_t image, size_t at)
{
    return (uint32_t)vault_byte(image, at) | (uint32_t)vault_byte(image, at + 1) << 8 |
           (uint32_t)vault_byte(image, at + 2) << 16 | (uint32_t)vault_byte(image, at + 3) << 24;
}

#endif
