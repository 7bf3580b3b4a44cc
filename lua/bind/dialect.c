#include "lua/bind/dialect.h"

static const char *text_of(const struct jval *d, const char *key, const char *otherwise)
{
    return jval_text(jval_get(d, key), otherwise);
}

void dialect_fill(const struct jval *d, struct dut_dialect *out)
{
    *out = (struct dut_dialect){
        .name = text_of(d, "name", ""),
        .line_end = text_of(d, "line_end", "\r"),
        .ok = text_of(d, "ok", "OK"),
        .downlink = text_of(d, "downlink", NULL),
        .echo = jval_bool(jval_get(d, "echo"), false),
        .downlink_raw_len = (size_t)jval_int(jval_get(d, "downlink_raw"), 0),
        .pause_s = jval_number(jval_get(d, "pause_s"), 0.1),
    };
    const struct jval *errors = jval_get(d, "errors");
    for (size_t i = 0; i < jval_len(errors) && i + 1 < DUT_PATTERNS_MAX; i++)
        out->errors[i] = jval_text(jval_at(errors, i), "");
}
