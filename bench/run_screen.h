// What the person at the terminal sees while a run goes on: one line on stderr, only on a terminal.
#ifndef BENCH_RUN_SCREEN_H
#define BENCH_RUN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct screen {
    bool on;
    size_t n; // of the current case, from 1
    size_t total;
    char name[256];
};

void screen_init(struct screen *s, size_t total);
void screen_case(struct screen *s, size_t n, const char *name);
void screen_step(const struct screen *s, const char *step);
/// Removes the line, so that other text may follow.
void screen_clear(const struct screen *s);

#endif
