// One emulated ADALM-Pluto: the state of its chip as its attributes show it, its receive stream and
// its transmit stream.
//
// Owns its context. One thread. Knows nothing of sockets: iiod.h speaks the protocol.
// What is modelled and where the numbers come from: docs/LAB.md.
#ifndef DUT_LAB_PLUTO_H
#define DUT_LAB_PLUTO_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/air.h"
#include "dut/lab/context.h"
#include "dut/lab/fidelity.h"
#include "dut/lab/transmitter.h"

enum { PLUTO_REGS_MAX = 64 };

struct pluto_config {
    const char *name; // as in the scenario; lent
    const char *serial;
    const char *context_path;
    double ppm;       // error of its crystal, beyond what xo_correction already mends
    double figure_db; // noise figure
    uint64_t seed;
    unsigned sender;  // its number on the air
    int64_t tx_delay; // samples from the hardware's taking one to the antenna; -1: drawn
    struct fidelity fidelity;
};

struct pluto_reg {
    const struct context_device *device;
    uint32_t address, value;
};

// What is wrong with the chip: settings are taken, and become something else.
struct pluto_faults {
    bool unlocked; // a synthesiser that is tuned comes to rest beside the frequency
    bool stuck;    // gains stay what they are
    bool misrated; // the sampling rate becomes another one
};

struct pluto {
    const char *name;
    struct context *context;
    struct context_device *phy, *rx, *tx;
    double ppm;
    double figure_db;
    uint64_t seed;

    struct pluto_faults faults;
    bool fir_loaded, fir_rx, fir_tx;
    unsigned rx_decimation; // 1 or 8, in the FPGA

    struct pluto_reg regs[PLUTO_REGS_MAX]; // written through direct_reg_access
    size_t n_regs;

    struct air_receiver receiver;
    bool streaming;
    unsigned streams;    // opened so far; each has noise of its own
    int64_t next_sample; // of the open stream
    float *scratch;      // work space of pluto_receive
    size_t scratch_samples;

    struct fidelity fidelity;
    struct wander rx_wander, tx_wander;
    // The receiver's gain, in codes for a root of a milliwatt: what it is set to, where it came
    // from, and since which sample it goes there.
    double codes, codes_before;
    int64_t codes_since;
    double tx_calibrated_hz; // the transmit LO when it was calibrated
    bool calibrate;          // the transmitter is about to
    int64_t aired_ns;        // carriers are on air up to here

    struct transmitter transmitter;
    unsigned sender;
    int64_t tx_delay;
    size_t tx_depth; // kernel blocks of the next transmit stream
};

FOX_CHECK int pluto_new(struct pluto **out, const struct pluto_config *config, struct err *err);
/// Accepts NULL.
void pluto_free(struct pluto *p);

/// Value of an attribute's file: 0, or -errno as the real unit gives it.
FOX_CHECK int pluto_read(struct pluto *p, struct context_device *d, const struct context_attr *a,
                         const char **value);
/// Writes it as the driver would: checked, rounded, with everything that hangs on it. 0 or -errno.
FOX_CHECK int pluto_write(struct pluto *p, struct context_device *d, const struct context_attr *a,
                          const char *text);

/// Begins a receive stream at t_ns.
void pluto_stream_begin(struct pluto *p, int64_t t_ns);
/// What comes before t_ns is lost: the next sample is received then.
void pluto_stream_skip(struct pluto *p, int64_t t_ns);
void pluto_stream_end(struct pluto *p);
/// Time at which the next n samples have been received.
int64_t pluto_stream_until(const struct pluto *p, size_t n);
/// The next n samples, 12 bit, I and Q interleaved.
FOX_CHECK int pluto_receive(struct pluto *p, struct air *air, size_t n, int16_t *iq,
                            struct err *err);

/// Begins a transmit stream at now_ns; nothing is on air until the first block.
void pluto_transmit_begin(struct pluto *p, int64_t now_ns, bool cyclic);
void pluto_transmit_end(struct pluto *p);
/// How many blocks the hardware is ahead of a client that now gets block number `block`.
unsigned pluto_stale_blocks(const struct pluto *p, uint64_t block);
/// Puts on air what goes out before until_ns, with frequency, level and power as they are now.
FOX_CHECK int pluto_transmit(struct pluto *p, struct air *air, int64_t until_ns, struct err *err);
/// Queues n samples behind those that wait; iq (I, Q) is taken, also on failure.
FOX_CHECK int pluto_transmit_push_take(struct pluto *p, int64_t now_ns, int16_t *iq, size_t n,
                                       struct err *err);
/// n samples of the receive stream are lost, and the flag that clients poll is set.
void pluto_overflow(struct pluto *p, int64_t n);
/// The transmit stream pauses for n samples, and the flag that clients poll is set.
void pluto_underflow(struct pluto *p, int64_t n);

#endif
