// A device's non-volatile memory, kept by the lab: a write takes time, and a power cut in the
// middle of it keeps exactly the bytes written by then.
//
// One thread. Times are lab time and never decrease. What is kept is in a file as soon as lab time
// has passed it.
#ifndef DUT_LAB_NVM_H
#define DUT_LAB_NVM_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct nvm;

/// Opens the memory in `path`, of `size` bytes, or makes it: with what stands in `initial` (lent,
/// `size` bytes), erased (0xFF) when that is NULL. A file of another size is refused.
FOX_CHECK int nvm_open(struct nvm **out, const char *path, size_t size, const uint8_t *initial,
                       struct err *err);
/// Writes that have not ended by the last time named are torn there. Accepts NULL.
void nvm_close(struct nvm *m);
/// Copies what the memory holds at t_ns. 0, or an errno (positive) for an access outside it.
int nvm_read(struct nvm *m, int64_t t_ns, size_t offset, size_t len, uint8_t *out);
/// Begins a write at t_ns, after those still going on; *done_ns gets the time at which it ends. 0
/// or an errno.
int nvm_write(struct nvm *m, int64_t t_ns, size_t offset, const uint8_t *data, size_t len,
              int64_t *done_ns);
/// Time has come to t_ns: bytes whose time has passed are kept.
void nvm_settle(struct nvm *m, int64_t t_ns);
/// Power is cut at t_ns: bytes not yet written are not.
void nvm_cut(struct nvm *m, int64_t t_ns);

#endif
