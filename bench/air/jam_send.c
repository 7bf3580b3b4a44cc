#include "bench/air/jam_send.h"

#include <math.h>

#include "bench/sfx/uplink.h"

static const double edge_s = 0.003; // of a wave, and a little

static int send(struct air_transmit *t, const struct phy_jam_wave *wave, double f_hz,
                double level_dbm, int64_t at_sample, const struct bytes *iq, double power,
                double room_db, struct err *err)
{
    return air_transmit_burst(t,
                              &(struct air_burst){.at_sample = at_sample,
                                                  .freq_hz = f_hz,
                                                  .bandwidth_hz = phy_jam_wave_bandwidth_hz(wave),
                                                  .level_dbm = level_dbm - 10 * log10(power),
                                                  .iq = (const int16_t *)(const void *)iq->data,
                                                  .n = iq->len / 4,
                                                  .room_db = room_db,
                                                  .purpose = AIR_INTERFERENCE},
                              err);
}

int air_jam_send(struct air_transmit *t, const struct phy_jam_wave *wave, double f_hz,
                 double level_dbm, int64_t at_sample, size_t n, struct err *err)
{
    struct bytes iq;
    bytes_init(&iq, 4 * n);
    double power = 1;
    int rc = phy_jam_wave_make(wave, air_transmit_rate_hz(t), n, &iq, &power, err);
    if (rc == ERR_OK) rc = send(t, wave, f_hz, level_dbm, at_sample, &iq, power, 0, err);
    bytes_deinit(&iq);
    return rc;
}

int air_jam_piece_wave(const struct phy_jam_wave *wave, double rate_hz, size_t n, bool first,
                       struct bytes *iq, double *power, struct err *err)
{
    const size_t edge = (size_t)ceil(edge_s * rate_hz), skip = first ? 0 : edge;
    struct bytes whole;
    bytes_init(&whole, 4 * (n + 2 * edge));
    int rc = phy_jam_wave_make(wave, rate_hz, n + skip + edge, &whole, power, err);
    if (rc == ERR_OK) rc = bytes_append(iq, whole.data + 4 * skip, 4 * n, err);
    bytes_deinit(&whole);
    return rc < 0 ? rc : ERR_OK;
}

int air_jam_piece(struct air_transmit *t, const struct phy_jam_wave *wave, double f_hz,
                  double level_dbm, int64_t at_sample, size_t n, bool first, double room_db,
                  struct err *err)
{
    struct bytes iq;
    bytes_init(&iq, 4 * n);
    double power = 1;
    int rc = air_jam_piece_wave(wave, air_transmit_rate_hz(t), n, first, &iq, &power, err);
    if (rc == ERR_OK) rc = send(t, wave, f_hz, level_dbm, at_sample, &iq, power, room_db, err);
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
