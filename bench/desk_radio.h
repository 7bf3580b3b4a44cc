// The radios of a bench file, for manual use: opened by the same driver, under the same lock and
// permit as in a run.
//
// The caller owns the struct (zeroed … desk_radios_deinit); what it lends lives as long. One
// thread.
#ifndef BENCH_DESK_RADIO_H
#define BENCH_DESK_RADIO_H

#include "bench/air/receive.h"
#include "bench/base/err.h"
#include "lua/bind/pump.h"
#include "lua/bind/setup.h"

struct desk_radios {
    struct setup setup;
    struct pump_config config; // the radio, and the stations beside it
};

/// Reads and checks both files; device NULL: the reference device.
FOX_CHECK int desk_radios_read(struct desk_radios *d, const char *bench, const char *device,
                               struct err *err);
/// Accepts a zeroed struct; wipes the key.
void desk_radios_deinit(struct desk_radios *d);

/// Radio 0, … desk_radios_count - 1.
unsigned desk_radios_count(const struct desk_radios *d);
/// The radio of this unit name; NULL: the first one. ERR_USAGE lists those there are.
FOX_CHECK int desk_radios_find(const struct desk_radios *d, const char *unit, unsigned *out,
                               struct err *err);
const char *desk_radios_unit(const struct desk_radios *d, unsigned i);
/// How it is opened in a run.
struct radio_config desk_radios_config(const struct desk_radios *d, unsigned i);
/// Where it may send, if it does.
const struct air_permit *desk_radios_permit(const struct desk_radios *d, unsigned i);
/// Its entry in the bench file.
const struct jval *desk_radios_entry(const struct desk_radios *d, unsigned i);
/// The declared path from one to the other, or to itself; NULL: none.
const struct air_path *desk_radios_path(const struct desk_radios *d, unsigned from, unsigned to);
/// radio_open, with the unit's name in the error.
FOX_CHECK int desk_radios_open(const struct desk_radios *d, unsigned i,
                               const struct radio_config *config, struct radio **out,
                               struct err *err);
/// The device's key, wherever it lies; false: its file names none.
bool desk_radios_signer(const struct desk_radios *d, struct sfx_signer *out);
/// For air_receiver_config.verify, with the struct as context.
enum air_tag desk_radios_verify(void *d, const struct sfx_uplink *up);

#endif
