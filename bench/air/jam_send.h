// Interference of any shape, handed to the transmitter: inside its permit, armed. One thread.
#ifndef BENCH_AIR_JAM_SEND_H
#define BENCH_AIR_JAM_SEND_H

#include "bench/air/transmit.h"
#include "bench/phy/jam_wave.h"

enum { AIR_FLOOD_BITS = 32 };

/// n samples of the wave round f_hz from at_sample on. level_dbm: at the connector, its power while
/// it is on; the permit's level holds for its peaks. Errors are those of air_transmit_burst, and
/// ERR_INVALID for a wave that cannot be.
FOX_CHECK int air_jam_send(struct air_transmit *t, const struct phy_jam_wave *wave, double f_hz,
                           double level_dbm, int64_t at_sample, size_t n, struct err *err);
/// n samples out of the middle of a wave: pieces that follow each other have no gap between them.
/// `first` begins softly. room_db as of air_burst.
FOX_CHECK int air_jam_piece(struct air_transmit *t, const struct phy_jam_wave *wave, double f_hz,
                            double level_dbm, int64_t at_sample, size_t n, bool first,
                            double room_db, struct err *err);
/// The samples of such a piece, appended to iq; *power as of phy_jam_wave_make.
FOX_CHECK int air_jam_piece_wave(const struct phy_jam_wave *wave, double rate_hz, size_t n,
                                 bool first, struct bytes *iq, double *power, struct err *err);
/// What a flood repeats, a bit a byte: preamble and frame type of a frame of this rank and so many
/// bits in all (the nearest class).
void air_jam_flood(double frame_bits, unsigned rank, uint8_t bits[AIR_FLOOD_BITS]);

#endif
