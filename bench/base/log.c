#include "bench/base/log.h"

#include <stdio.h>

static enum log_level threshold = LOG_LEVEL_WARN;

void log_set_level(enum log_level level)
{
    threshold = level;
}

void log_line(enum log_level level, const char *part, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if (level > threshold) return;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(stderr, "%s: %s: %s\n", part, names[level], text);
}
