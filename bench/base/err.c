#include "bench/base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        err->code = code;
        vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    if (!err) return ERR_INTERNAL;
    struct err old = *err;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", old.text);
    return old.code;
}

const char *err_name(int code)
{
    switch (code) {
    case ERR_OK:
        return "OK";
#define ERR(name, value, text)                                                                     \
    case ERR_##name:                                                                               \
        return #name;
#include "bench/base/err.def"
#undef ERR
    default:
        return "UNKNOWN";
    }
}
