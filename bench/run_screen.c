#include "bench/run_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "bench/record/text.h"

static const char report_variable[] = "FOXBENCH_REPORT_FD";

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

bool screen_is_watched(void)
{
    return is_terminal() || getenv(report_variable);
}

// A parent's descriptor stays with this process: worker and lab have no business with it.
static int find_parent(void)
{
    const char *text = getenv(report_variable);
    int fd = text && *text ? atoi(text) : -1;
    if (fd <= STDERR_FILENO || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return -1;
    return fd;
}

void screen_prepare(void)
{
    (void)find_parent();
}

void screen_report_dir(const char *dir)
{
    int fd = find_parent();
    if (fd >= 0) dprintf(fd, "dir\t%s\n", dir);
}

void screen_init(struct screen *s, size_t total, const struct forecast *forecast)
{
    *s = (struct screen){.total = total, .forecast = forecast, .report_fd = find_parent()};
    s->on = s->report_fd < 0 && is_terminal();
}

void screen_case(struct screen *s, size_t n, const char *name)
{
    s->n = n;
    s->begun_ms = now_ms();
    snprintf(s->name, sizeof s->name, "%s", name);
    screen_step(s, "");
}

// Wall time until the last case ends, as far as the forecast reaches.
static double time_left(const struct screen *s, bool *is_guess)
{
    const struct forecast *f = s->forecast;
    if (!f || f->n != s->total || s->n == 0) return -1;
    double left = fmax(f->cases[s->n - 1].wall_s - 1e-3 * (double)(now_ms() - s->begun_ms), 0);
    *is_guess = false;
    for (size_t i = s->n - 1; i < f->n; i++) {
        if (i >= s->n) left += f->cases[i].wall_s;
        *is_guess = *is_guess || f->cases[i].from != FORECAST_HISTORY;
    }
    return left;
}

int screen_columns(void)
{
    struct winsize w = {0};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

void screen_report_text(const struct screen_report *r, int width, char *out, size_t size)
{
    char left[48] = "", time_text[24];
    // A case may take longer than it ever did: nobody is promised zero seconds.
    if (r->left_s >= 0 && r->left_s < 1)
        snprintf(left, sizeof left, "  soon done");
    else if (r->left_s >= 0)
        snprintf(left, sizeof left, "  %s%s left", r->is_guess ? "about " : "",
                 forecast_text(r->left_s, time_text));
    int room = width - (int)strlen(left);
    char text[600];
    snprintf(text, sizeof text, "[%zu/%zu] %s  %s", r->n, r->total, r->name, r->step);
    int len = (int)strlen(text);
    if (len > room) len = room > 0 ? room : 0;
    while (len > 0 && (text[len] & 0xc0) == 0x80) // never half a character
        len--;
    snprintf(out, size, "%.*s%s", len, text, left);
}

void screen_step(const struct screen *s, const char *step)
{
    if (!s->on && s->report_fd < 0) return;
    struct screen_report r = {.n = s->n, .total = s->total};
    r.left_s = time_left(s, &r.is_guess);
    snprintf(r.name, sizeof r.name, "%s", s->name);
    screen_plain(step, r.step, sizeof r.step);
    if (s->report_fd >= 0) {
        dprintf(s->report_fd, "%zu\t%zu\t%.0f\t%d\t%s\t%s\n", r.n, r.total, r.left_s, r.is_guess,
                r.name, r.step);
        return;
    }
    char line[640];
    screen_report_text(&r, screen_columns() - 1, line, sizeof line);
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
}

void screen_clear(const struct screen *s)
{
    if (s->on) fputs("\r\033[K", stderr);
}

bool screen_report_read(struct screen_report *r, const char *line)
{
    int guess = 0, used = 0;
    *r = (struct screen_report){0};
    if (sscanf(line, "%zu\t%zu\t%lf\t%d\t%n", &r->n, &r->total, &r->left_s, &guess, &used) != 4 ||
        used == 0)
        return false;
    const char *name = line + used, *tab = strchr(name, '\t');
    if (!tab) return false;
    r->is_guess = guess != 0;
    snprintf(r->name, sizeof r->name, "%.*s", (int)(tab - name), name);
    snprintf(r->step, sizeof r->step, "%.*s", (int)strcspn(tab + 1, "\n"), tab + 1);
    return true;
}

char *screen_plain(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (uint32_t c; (c = text_next(&text)) != 0;) {
        char utf8[4];
        bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        size_t len = text_put(control ? ' ' : c, utf8);
        if (n + len >= size) break;
        memcpy(out + n, utf8, len);
        n += len;
    }
    out[n] = 0;
    return out;
}

// --- colours

bool colour_is_on(void)
{
    const char *none = getenv("NO_COLOR");
    return is_terminal() && !(none && *none);
}

const char *colour_begin(enum colour c)
{
    static const char *const codes[] = {"", "\033[32m", "\033[31m", "\033[33m", "\033[1m"};
    return colour_is_on() ? codes[c] : "";
}

const char *colour_end(void)
{
    return colour_is_on() ? "\033[0m" : "";
}

enum colour colour_of(enum verdict v)
{
    switch (v) {
    case VERDICT_PASS:
    case VERDICT_INFO:
        return COLOUR_GOOD;
    case VERDICT_FAIL:
    case VERDICT_ERROR:
        return COLOUR_BAD;
    case VERDICT_NA:
    case VERDICT_WAIVED:
        return COLOUR_NONE;
    default:
        return COLOUR_DOUBT;
    }
}
