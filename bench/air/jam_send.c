#include "bench/air/jam_send.h"

#include <math.h>

#include "bench/sfx/uplink.h"

int air_jam_send(struct air_transmit *t, const struct phy_jam_wave *wave, double f_hz,
                 double level_dbm, int64_t at_sample, size_t n, struct err *err)
{
    struct bytes iq;
    bytes_init(&iq, 4 * n);
    double power = 1;
    int rc = phy_jam_wave_make(wave, air_transmit_rate_hz(t), n, &iq, &power, err);
    if (rc == ERR_OK)
        rc = air_transmit_burst(t,
                                &(struct air_burst){.at_sample = at_sample,
                                                    .freq_hz = f_hz,
                                                    .bandwidth_hz = phy_jam_wave_bandwidth_hz(wave),
                                                    .level_dbm = level_dbm - 10 * log10(power),
                                                    .iq = (const int16_t *)(const void *)iq.data,
                                                    .n = n,
                                                    .purpose = AIR_INTERFERENCE},
                                err);
    bytes_deinit(&iq);
    return rc;
}

void air_jam_flood(double frame_bits, unsigned rank, uint8_t bits[AIR_FLOOD_BITS])
{
    enum { PREAMBLE = 0x55555, TYPE_BITS = 13 };
    enum sfx_class class = SFX_CLASS_A;
    for (enum sfx_class c = SFX_CLASS_A; c <= SFX_CLASS_E; c++) {
        double off = fabs(frame_bits - AIR_FLOOD_BITS - sfx_body_bits(c));
        if (off < fabs(frame_bits - AIR_FLOOD_BITS - sfx_body_bits(class))) class = c;
    }
    uint32_t head = (uint32_t)PREAMBLE << TYPE_BITS | sfx_frame_type(class, rank);
    for (int i = 0; i < AIR_FLOOD_BITS; i++)
        bits[i] = head >> (AIR_FLOOD_BITS - 1 - i) & 1;
}
