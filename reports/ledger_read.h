// A run's ledger as the report needs it: events with their times in seconds, and the wall times.
#ifndef REPORTS_LEDGER_READ_H
#define REPORTS_LEDGER_READ_H

#include <stdbool.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

/// Reads RUN/events.jsonl. Gives an array of events (new), each with the further fields `t_s`, and
/// `start_s`, `end_s`, `until_s` where it has those sample times. *torn: the last line is
/// incomplete. ERR_FORMAT names the line that is no event.
FOX_CHECK int ledger_read_events(const char *run_dir, struct jval **out, bool *torn,
                                 struct err *err);
/// {"first": …, "last": …} wall times, null where there are none. New.
FOX_CHECK int ledger_read_wall(const char *run_dir, struct jval **out, struct err *err);

#endif
