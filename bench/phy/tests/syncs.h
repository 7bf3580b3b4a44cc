// The uplink's beginnings and its CRC, for tests that stand below the protocol: the table of
// PROTOCOL 1.2, typed anew.
#ifndef BENCH_PHY_TESTS_SYNCS_H
#define BENCH_PHY_TESTS_SYNCS_H

#include <string.h>

#include "bench/phy/receive.h"
#include "bench/phy/tests/synth.h"

enum { SYNCS = 18 };

static inline size_t syncs_fill(struct phy_sync out[SYNCS])
{
    static const unsigned types[SYNCS] = {0x06b, 0x08d, 0x35f, 0x611, 0x94c,  0xf67,
                                          0x6e0, 0x0d2, 0x598, 0x6bf, 0x971,  0xfc9,
                                          0x034, 0x302, 0x5a3, 0x72c, 0x0997, 0x11be};
    static const unsigned bytes[6] = {10, 11, 14, 18, 22, 18};
    for (size_t i = 0; i < SYNCS; i++)
        out[i] =
            (struct phy_sync){.head = 0x55555u << 13 | types[i], .body_bits = 8 * bytes[i % 6]};
    return SYNCS;
}

/// The packet of a body: ranks 2 and 3 were coded with 1 + D + D^2 and 1 + D^2.
static inline size_t syncs_uncode(size_t sync, const uint8_t *body, uint8_t packet[22])
{
    struct phy_sync syncs[SYNCS];
    syncs_fill(syncs);
    size_t bits = syncs[sync].body_bits;
    memset(packet, 0, 22);
    int before = 0, before2 = 0;
    for (size_t i = 0; i < bits; i++) {
        int bit = body[i / 8] >> (7 - i % 8) & 1;
        if (sync / 6 == 1) bit ^= before ^ before2;
        if (sync / 6 == 2) bit ^= before2;
        if (bit) packet[i / 8] |= (uint8_t)(0x80 >> i % 8);
        before2 = before;
        before = bit;
    }
    return bits / 8;
}

static inline bool syncs_check(const void *ctx, size_t sync, const uint8_t *body)
{
    (void)ctx;
    uint8_t packet[22];
    size_t n = syncs_uncode(sync, body, packet) - 2;
    return synth_crc(packet, n) == (packet[n] << 8 | packet[n + 1]);
}

#endif
