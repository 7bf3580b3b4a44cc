// What the person at the terminal sees while a run goes on: one line on stderr with n/N, case, step
// and the time that is left. Only on a terminal, coloured unless NO_COLOR is set. A run that is one
// of several tells its parent instead, in lines of text (screen_report_read).
#ifndef BENCH_RUN_SCREEN_H
#define BENCH_RUN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/record/verdict.h"
#include "bench/run_forecast.h"

struct screen {
    bool on;
    int report_fd; // where a parent listens, or -1
    size_t n;      // of the current case, from 1
    size_t total;
    long begun_ms; // wall time at which it began
    char name[256];
    const struct forecast *forecast; // lent; NULL or empty: no time can be told
};

// Where a run that is one of several stands.
struct screen_report {
    size_t n, total;
    double left_s; // negative: not known
    bool is_guess;
    char name[256];
    char step[256];
};

/// Whether people see what goes to stderr as it comes, so that a forecast is worth its while.
bool screen_is_watched(void);
/// Keeps a parent's descriptor from everything that this process starts. To be called first.
void screen_prepare(void);
/// Tells a parent where the run directory is.
void screen_report_dir(const char *dir);
void screen_init(struct screen *s, size_t total, const struct forecast *forecast);
void screen_case(struct screen *s, size_t n, const char *name);
void screen_step(const struct screen *s, const char *step);
/// Removes the line, so that other text may follow.
void screen_clear(const struct screen *s);

/// Columns of the terminal at stderr; 80 where it does not say.
int screen_columns(void);
/// One line of a child's reports. Whether it was one.
bool screen_report_read(struct screen_report *r, const char *line);
/// "[3/17] AUTH-UL-003  step", cut to the width, with the time that is left at its end.
void screen_report_text(const struct screen_report *r, int width, char *out, size_t size);

/// Text from elsewhere, such that nothing of it acts on a terminal. Returns out.
char *screen_plain(const char *text, char *out, size_t size);

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_BAD, COLOUR_DOUBT, COLOUR_STRONG };
/// Whether stderr takes colours: a terminal that is not dumb, and no NO_COLOR.
bool colour_is_on(void);
/// The escape sequences around a coloured word; "" where there are none to be had.
const char *colour_begin(enum colour c);
const char *colour_end(void);
enum colour colour_of(enum verdict v);

#endif
