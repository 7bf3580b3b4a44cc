// The logger: one line to stderr, prefixed with level and program part. Data never goes here.
//
// Callable from any thread. The level is the only global: it is set once at start (log_set_level)
// and only filters.
#ifndef BENCH_BASE_LOG_H
#define BENCH_BASE_LOG_H

#include "bench/base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *part, const char *fmt, ...) FOX_PRINTF(3, 4);

#define LOG_ERROR(part, ...) log_line(LOG_LEVEL_ERROR, part, __VA_ARGS__)
#define LOG_WARN(part, ...)  log_line(LOG_LEVEL_WARN, part, __VA_ARGS__)
#define LOG_INFO(part, ...)  log_line(LOG_LEVEL_INFO, part, __VA_ARGS__)
#define LOG_DEBUG(part, ...) log_line(LOG_LEVEL_DEBUG, part, __VA_ARGS__)

#endif
