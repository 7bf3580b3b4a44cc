// The vocabulary of the ledger: event.def as functions. Pure.
#ifndef BENCH_RECORD_EVENT_H
#define BENCH_RECORD_EVENT_H

#include <stdbool.h>

enum event_maker { EVENT_MAKER_SUPERVISOR, EVENT_MAKER_WORKER };

/// Whether `type` is a word of event.def; *maker (may be NULL) says who may make such an event.
bool event_find(const char *type, enum event_maker *maker);

#endif
