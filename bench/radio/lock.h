// Who has a radio: one program of this computer at a time.
//
// A name in the abstract socket namespace is the lock: it falls with the process that holds it,
// however that ends, leaves nothing behind, and tells who it is. One thread.
#ifndef BENCH_RADIO_LOCK_H
#define BENCH_RADIO_LOCK_H

#include "bench/base/err.h"

/// *fd becomes what holds the lock: close it to let go. ERR_BUSY names the program that has it. A
/// radio is told by its serial number, wherever it is plugged in; one in a virtual lab on this
/// computer by its address, too, since every lab has the same ones.
FOX_CHECK int radio_lock_take(int *fd, const char *uri, const char *serial, struct err *err);

#endif
