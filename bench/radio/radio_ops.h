// What one kind of radio must do: the table behind radio.h, for radio_*.c alone.
//
// radio.c owns struct radio, counts samples and remembers death; an implementation owns what hangs
// on `state`.
#ifndef BENCH_RADIO_RADIO_OPS_H
#define BENCH_RADIO_RADIO_OPS_H

#include "bench/radio/radio.h"

enum { RADIO_ALIGN_BLOCKS = 21 };

struct radio_ops {
    // Called once, with r->info zeroed and r->state NULL. Fills r->info as read back. What it makes
    // hangs on r->state at once: after a failure radio.c calls close, which finds it there.
    int (*open)(struct radio *r, const struct radio_config *config, struct err *err);
    // Starts the streams, or starts them anew: after open, and when radios are aligned. NULL: open
    // has done it.
    int (*start)(struct radio *r, struct err *err);
    // Called RADIO_ALIGN_BLOCKS times after start when a radio of the bench sends, for all radios
    // in turn: takes a block that nobody sees. NULL: nothing to do.
    int (*align)(struct radio *r, struct err *err);
    // Called only after open succeeded and while no read has failed. Fills n_samples (at least 1),
    // iq (lent until the next call) and flags; radio.c fills first_sample.
    int (*read)(struct radio *r, struct iq_block *out, struct err *err);
    // Called exactly once, also after open failed half-way (state may be NULL) and after read
    // failed (r->dead is then set: do not wait for the instrument, except to switch its
    // transmitter off). Frees r->state.
    void (*close)(struct radio *r);
    // The transmit side; NULL where there is none. Called only when r->info.transmit is set. After
    // ERR_GONE and ERR_IO the radio is dead.
    int (*transmit)(struct radio *r, int64_t at_sample, const int16_t *iq, size_t n,
                    struct err *err);
    int64_t (*earliest)(const struct radio *r);
    void (*drop)(struct radio *r);
    int (*set_tx)(struct radio *r, bool lo_on, double attenuation_db, struct err *err);
    int (*tune_tx)(struct radio *r, double lo_hz, struct err *err);
};

struct radio {
    const struct radio_ops *ops;
    struct radio_info info;
    char *uri;          // private copy, for messages
    int64_t next_index; // of the first sample of the next block
    bool dead;          // a read failed
    bool started;       // its streams run
    void *state;
};

extern const struct radio_ops radio_pluto_ops; // "ip:…", "usb:…"
extern const struct radio_ops radio_file_ops;  // "file:…"

#endif
