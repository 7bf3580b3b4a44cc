#include "bench/record/event.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *type;
    enum event_maker maker;
} events[] = {
#define EVENT(word, made_by) {word, EVENT_MAKER_##made_by},
#include "bench/record/event.def"
#undef EVENT
};

bool event_find(const char *type, enum event_maker *maker)
{
    for (size_t i = 0; type && i < sizeof events / sizeof *events; i++) {
        if (strcmp(type, events[i].type) != 0) continue;
        if (maker) *maker = events[i].maker;
        return true;
    }
    return false;
}
