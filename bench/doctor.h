// What a run needs and whether it is there: findings, one a line, each with the way to mend it.
//
// The caller owns a list (zeroed … findings_deinit). Checks only look: nothing is transmitted, no
// device gets power, nothing is installed. One thread.
#ifndef BENCH_DOCTOR_H
#define BENCH_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

enum finding_state {
    FINDING_OK,     // there
    FINDING_WARN,   // a run is possible without it
    FINDING_BROKEN, // a run on this computer or bench is not possible
    FINDING_CONFIG  // nor with these files
};

struct finding {
    enum finding_state state;
    char subject[48];
    char text[480]; // what is there, or what was expected and what came
    char mend[480]; // empty: nothing to do, or the text says it
};

struct findings {
    struct finding *list;
    size_t n;
    bool out_of_memory;
};

void findings_deinit(struct findings *f);
/// The new finding's `mend` may be set by findings_mend.
void findings_add(struct findings *f, enum finding_state state, const char *subject,
                  const char *format, ...) FOX_PRINTF(4, 5);
/// How to mend the finding that was added last.
void findings_mend(struct findings *f, const char *format, ...) FOX_PRINTF(2, 3);
/// ERR_OK is FINDING_OK with `good` as text; else the error's own text.
void findings_add_result(struct findings *f, const char *subject, const struct err *err,
                         const char *good);
/// One line each, the remedies below, and at the end what to do first.
void findings_print(const struct findings *f, FILE *out);
/// An array of {state, subject, text, mend} (new).
struct jval *findings_json(const struct findings *f, struct err *err);
/// An enum cmd_exit: 4 for a wrong file, else 3 for what is missing, else 0.
int findings_exit(const struct findings *f);

struct doctor_options {
    const char *device; // files
    const char *bench;
    const char *results; // folder of the run directories
    bool record;         // write down what the instruments are like, …
    long long seconds;   // … watch each radio's stream for so many seconds of samples, …
    long long starts;    // … and start it so many times
};

/// This computer: suites, libraries, disk, clock, what prints the report.
void doctor_check_computer(struct findings *f, const struct doctor_options *o);
/// Device file, bench file, limits, dialect and keys. *bench (new) is as checked and completed, or
/// NULL.
void doctor_check_files(struct findings *f, const struct doctor_options *o, struct jval **bench);
/// Each radio, serial port and adapter that the bench file names: opened, asked who it is, closed.
void doctor_check_instruments(struct findings *f, const struct jval *bench);
/// Groups and udev rules; what is missing is only a warning to root and on a virtual bench.
void doctor_check_rights(struct findings *f, const struct jval *bench);

/// The first hour with new instruments (hardware that nobody has measured is known from papers):
/// writes what each is like into a new folder of o->results, summary.md, record.json and the whole
/// of each radio's attributes; `dir` gets its path. Of a radio that the bench file lets send over a
/// cable or in a shielded box the oscillator is powered for a moment, with nothing to send and all
/// its attenuation; no other one transmits and no device gets power. ERR_IO when it cannot be
/// written; an instrument that is missing stands in the summary.
FOX_CHECK int doctor_record(const struct doctor_options *o, const struct jval *bench,
                            char dir[PATH_MAX], struct err *err);

/// The udev rules that give the bench's users its instruments.
extern const char doctor_udev_rules[];
/// Whether a rule in one of these folders (NULL-terminated) names this vendor and product (four hex
/// digits); found (may be NULL) gets its file.
bool doctor_find_rule(const char *const *folders, const char *vendor, const char *product,
                      char *found, size_t size);

#endif
