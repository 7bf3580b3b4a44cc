// The bench and the device of a run: their files, checked, and what the pump needs to know of them.
//
// The caller owns the struct (zeroed … setup_deinit). A pump's configuration made from it lends its
// strings.
#ifndef LUA_BIND_SETUP_H
#define LUA_BIND_SETUP_H

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/base/secret.h"
#include "bench/base/token.h"
#include "lua/bind/pump.h"
#include "lua/bind/state.h"

// A key that the device file refers to.
struct setup_key {
    struct secret key;       // len 0: the file names none, or it lies in
    struct token_key *token; // NULL: in none
};

struct setup {
    struct jval *device;
    struct jval *bench;
    struct jval *limits;
    struct jval *dialect;
    struct secret key;                          // len 0: none, or it lies in a token
    struct token_key *token;                    // NULL: in none
    struct setup_key samples[PUMP_SAMPLES_MAX]; // of further units of the device's make
};

/// Reads what `request` names as "device" and "bench" (paths; absent: the reference device in the
/// virtual lab), the device's limits, dialect and key. Everything wrong in them is ERR_USAGE with
/// file and line or field; a token that is not there, or leaves, is ERR_GONE.
FOX_CHECK int setup_read(struct setup *s, const char *root, const struct jval *request,
                         struct state *state, struct err *err);
/// Accepts a zeroed struct; wipes the key.
void setup_deinit(struct setup *s);
/// Fills all but t0 and worker.
FOX_CHECK int setup_pump(const struct setup *s, struct pump_config *out, struct err *err);

/// How a radio of the bench file (checked) is opened for a device of this zone. Lends its strings.
void setup_fill_radio(const struct jval *radio, const struct sfx_zone *zone,
                      struct radio_config *out);

// ---- between setup.c and setup_samples.c

/// The key that `holder`, the device or a sample of it, refers to.
FOX_CHECK int setup_read_key(struct jval *holder, const char *device_path, struct setup_key *out,
                             struct err *err);
FOX_CHECK int setup_read_samples(struct setup *s, const char *device_path, struct err *err);
void setup_fill_samples(const struct setup *s, struct pump_config *out);
void setup_free_samples(struct setup *s);

#endif
