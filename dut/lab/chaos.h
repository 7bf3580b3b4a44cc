// Faults drawn from a seed: which, when and for how long. Pure.
//
// A specification is a list of words with commas between them: kinds ("pluto", "uart.drop", "all"
// but those of devices; none: all) and rate=N/min, window=FROMs-TOs, hold=FROMs-TOs. docs/LAB.md
// lists the kinds.
#ifndef DUT_LAB_CHAOS_H
#define DUT_LAB_CHAOS_H

#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/agenda.h"
#include "dut/lab/scenario.h"

struct chaos {
    uint64_t kinds; // a bit for each line of chaos.def
    double rate_per_min;
    double from_s, to_s; // faults begin in this window of lab time
    double hold_min_s, hold_max_s;
};

/// ERR_USAGE says what was expected.
FOX_CHECK int chaos_parse(struct chaos *out, const char *spec, struct err *err);
/// Plans the faults, and their ends, for the units of a scenario. The same seed, specification and
/// scenario give the same plan. ERR_USAGE when no unit of the scenario can have any of the kinds.
FOX_CHECK int chaos_draw(const struct chaos *c, uint64_t seed, const struct scenario *s,
                         struct agenda *agenda, struct err *err);

#endif
