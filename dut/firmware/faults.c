#include "dut/firmware/faults.h"

#include <string.h>

static const struct {
    const char *id;
    const char *sentence;
    const char *shows; // of the strange ones
    enum fault_kind kind;
} table[FAULTS] = {
#define FAULT(name, id, sentence, where)                                                           \
    [FAULT_##name] = {id, sentence, NULL, FAULT_KIND_CATALOGUE},
#include "dut/firmware/faults.def"
#undef FAULT
#define HOSTILE(name, id, sentence, where)                                                         \
    [FAULT_##name] = {id, sentence, NULL, FAULT_KIND_HOSTILE},
#include "dut/firmware/hostile.def"
#undef HOSTILE
#define STRANGE(name, id, shows, sentence)                                                         \
    [FAULT_##name] = {id, sentence, shows, FAULT_KIND_STRANGE},
#include "dut/firmware/strange.def"
#undef STRANGE
#define LAWFUL(name, id, sentence, where) [FAULT_##name] = {id, sentence, NULL, FAULT_KIND_LAWFUL},
#include "dut/firmware/lawful.def"
#undef LAWFUL
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

void faults_list(FILE *out, enum fault_kind kind)
{
    for (int i = 0; i < FAULTS; i++) {
        if (table[i].kind != kind) continue;
        const char *shows = table[i].shows;
        fprintf(out, "%s  %s%s%s\n", table[i].id, shows ? shows : "", shows ? "  " : "",
                table[i].sentence);
    }
}
