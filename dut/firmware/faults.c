#include "dut/firmware/faults.h"

#include <string.h>

static const struct {
    const char *id;
    const char *sentence;
    bool hostile;
} table[FAULTS] = {
#define FAULT(name, id, sentence, where) [FAULT_##name] = {id, sentence, false},
#include "dut/firmware/faults.def"
#undef FAULT
#define HOSTILE(name, id, sentence, where) [FAULT_##name] = {id, sentence, true},
#include "dut/firmware/hostile.def"
#undef HOSTILE
};

bool faults_switch_on(struct faults *f, const char *id)
{
    for (int i = 0; i < FAULTS; i++) {
        if (strcmp(table[i].id, id) == 0) {
            f->on[i] = true;
            return true;
        }
    }
    return false;
}

bool faults_on(const struct faults *f, enum fault fault)
{
    return f->on[fault];
}

bool faults_switch_off(struct faults *f, const char *prefix)
{
    bool any = false;
    for (int i = 0; i < FAULTS; i++) {
        if (!f->on[i] || strncmp(table[i].id, prefix, strlen(prefix)) != 0) continue;
        f->on[i] = false;
        any = true;
    }
    return any;
}

void faults_list(FILE *out, bool hostile)
{
    for (int i = 0; i < FAULTS; i++)
        if (table[i].hostile == hostile) fprintf(out, "%s  %s\n", table[i].id, table[i].sentence);
}
