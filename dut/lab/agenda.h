// What the lab has planned: commands with the lab time at which they are carried out.
//
// Owns its list. One thread. Those of one time are carried out in the order of adding.
#ifndef DUT_LAB_AGENDA_H
#define DUT_LAB_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum { AGENDA_TEXT_MAX = 128, AGENDA_MAX = 8192 };

struct agenda_entry {
    int64_t t_ns;
    bool mends; // ends a fault: time must get there even when nobody receives
    char command[AGENDA_TEXT_MAX];
};

struct agenda {
    struct agenda_entry *entries; // what is still to come, in order of time
    size_t n, cap;
};

/// Frees what it holds, not a.
void agenda_deinit(struct agenda *a);
/// `command` is a command of the control socket.
FOX_CHECK int agenda_add(struct agenda *a, int64_t t_ns, const char *command, bool mends,
                         struct err *err);
/// When the next one is due; INT64_MAX: there is none.
int64_t agenda_next_ns(const struct agenda *a);
/// Takes the next one off. False when there is none.
bool agenda_take(struct agenda *a, struct agenda_entry *out);
/// Does something to come end a fault?
bool agenda_will_mend(const struct agenda *a);

#endif
