// The network protocol of libiio 0.24's daemon, for one emulated Pluto.
//
// Owns its listener and connections. One thread, driven by the loop. Time moves only in
// host->receive, which is called once for every block that a client asks for, and in host->room.
#ifndef DUT_LAB_IIOD_H
#define DUT_LAB_IIOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/loop.h"
#include "dut/lab/pluto.h"

struct iiod;

// What the daemon asks of the lab. ctx is lent.
struct iiod_host {
    void *ctx;
    /// A receive (or transmit) stream was opened or closed.
    void (*opened)(void *ctx, struct pluto *p, bool transmit, bool cyclic);
    void (*closed)(void *ctx, struct pluto *p, bool transmit);
    /// Must the next n samples wait, because the stream would be too far ahead of another one?
    bool (*ahead)(void *ctx, struct pluto *p, size_t n);
    /// The next n samples of the stream; time moves to their end. 0 or -errno.
    int (*receive)(void *ctx, struct pluto *p, size_t n, int16_t *iq);
    /// A block to transmit: n samples, taken. 0 or -errno.
    int (*transmit_take)(void *ctx, struct pluto *p, int16_t *iq, size_t n);
    /// May a client that has pushed a block go on? Asked again after every step of the lab.
    bool (*room)(void *ctx, struct pluto *p);
};

// What goes wrong with the next block that is delivered.
enum iiod_fault {
    IIOD_FAULT_NONE,
    IIOD_FAULT_CRASH,    // the daemon ends in the middle of it, and is started again
    IIOD_FAULT_SHORT,    // half of it comes, and then its end
    IIOD_FAULT_OVERSIZE, // more comes than was asked for
    IIOD_FAULT_MASK,     // it claims to have other channels than those asked for
    IIOD_FAULT_GARBAGE   // where its length should stand, there is something else
};

/// Listens on 127.0.0.1 at a port that the system chooses.
FOX_CHECK int iiod_new(struct iiod **out, struct loop *loop, struct pluto *pluto,
                       const struct iiod_host *host, struct err *err);
/// Accepts NULL.
void iiod_free(struct iiod *s);
unsigned iiod_port(const struct iiod *s);
/// The cable is pulled: connections are reset, nobody listens.
void iiod_unplug(struct iiod *s);
/// And comes back on the same port.
FOX_CHECK int iiod_replug(struct iiod *s, struct err *err);
/// Serves the clients that waited for time to go on.
void iiod_wake(struct iiod *s);
/// The next block has this fault; those after it have none.
void iiod_hurt(struct iiod *s, enum iiod_fault fault);
/// Commands are taken, blocks are not delivered.
void iiod_stall(struct iiod *s, bool stalled);

#endif
