// The switches that make the reference device another one on purpose. The catalogue's faults are in
// faults.def; hostile.def has devices for the bench's own controls, strange.def deviations beyond
// the catalogue, lawful.def devices that are right in another way.
//
// A plain value: all off when zeroed.
#ifndef DUT_FIRMWARE_FAULTS_H
#define DUT_FIRMWARE_FAULTS_H

#include <stdbool.h>
#include <stdio.h>

enum fault {
#define FAULT(name, id, sentence, where) FAULT_##name,
#include "dut/firmware/faults.def"
#undef FAULT
#define HOSTILE(name, id, sentence, where) FAULT_##name,
#include "dut/firmware/hostile.def"
#undef HOSTILE
#define STRANGE(name, id, shows, sentence) FAULT_##name,
#include "dut/firmware/strange.def"
#undef STRANGE
#define LAWFUL(name, id, sentence, where) FAULT_##name,
#include "dut/firmware/lawful.def"
#undef LAWFUL
    FAULTS
};

struct faults {
    bool on[FAULTS];
};

/// False when no fault has this id.
bool faults_switch_on(struct faults *f, const char *id);
bool faults_on(const struct faults *f, enum fault fault);
/// Switches off every fault whose id begins so; whether there was one.
bool faults_switch_off(struct faults *f, const char *prefix);
enum fault_kind { FAULT_KIND_CATALOGUE, FAULT_KIND_HOSTILE, FAULT_KIND_STRANGE, FAULT_KIND_LAWFUL };

/// One line per fault of this kind: id, two spaces, for the strange ones where it shows and two
/// spaces, sentence.
void faults_list(FILE *out, enum fault_kind kind);

#endif
