#include "bench/run_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench/record/tap.h"

void screen_init(struct screen *s, size_t total)
{
    const char *term = getenv("TERM");
    *s = (struct screen){.total = total};
    s->on = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void screen_case(struct screen *s, size_t n, const char *name)
{
    s->n = n;
    snprintf(s->name, sizeof s->name, "%s", name);
    screen_step(s, "");
}

void screen_step(const struct screen *s, const char *step)
{
    if (!s->on) return;
    struct winsize w = {0};
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
    char line[512], clean[256];
    snprintf(line, sizeof line, "[%zu/%zu] %s  %s", s->n, s->total, s->name,
             tap_escape(step, clean, sizeof clean));
    fprintf(stderr, "\r\033[K%.*s", columns - 1, line);
    fflush(stderr);
}

void screen_clear(const struct screen *s)
{
    if (s->on) fputs("\r\033[K", stderr);
}
