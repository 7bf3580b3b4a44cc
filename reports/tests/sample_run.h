// A small run directory made by hand, for the tests of the report: six cases that end in different
// ways, hostile texts where a device or a file may put them, and one recorded message.
#ifndef REPORTS_TESTS_SAMPLE_RUN_H
#define REPORTS_TESTS_SAMPLE_RUN_H

#include <stdbool.h>

struct sample_run {
    bool unfinished;     // no run.end
    bool without_fail;   // the failing case passes
    const char *hostile; // text put into every place that a device or a suite fills; NULL: none
    bool jammed;         // points of a curve, a jammer's bursts, a downlink, a second device
    bool altered_iq;     // the recording is not what the ledger says
};

/// Makes `dir` (which must not exist) and fills it. Ends the test program on failure.
void sample_run_make(const char *dir, const struct sample_run *what);

#endif
