// Lua files as data and as templates, each in a closed sandbox of its own: no io, os, load,
// require, debug, pcall, metatables or bytecode, and budgets of memory and instructions.
//
// Each call makes and closes a Lua state of its own; nothing is kept. Any thread may call.
#ifndef LUA_BIND_SCRIPT_H
#define LUA_BIND_SCRIPT_H

#include "bench/base/bytes.h"
#include "bench/base/err.h"
#include "bench/base/json.h"

/// Reads a configuration file (device, bench, limits): it begins with `syntax(1)`, its one other
/// function is env "NAME" (a missing variable is an error that names it), and it returns a table.
/// New value; ERR_USAGE with file and line otherwise.
FOX_CHECK int script_read_data(const char *path, struct jval **out, struct err *err);

struct script_bounds {
    size_t memory_bytes;
    int64_t instructions;
};

/// The same for a text in memory; `name` stands for the path in texts. NULL: the usual bounds.
FOX_CHECK int script_parse_data(const char *name, const void *text, size_t len,
                                const struct script_bounds *bounds, struct jval **out,
                                struct err *err);

/// Runs a template: the file returns a function(input) that returns a string, which goes to `out`.
/// The file may use `include "NAME"` for a file beside it (NAME.lua is run once and gives what it
/// returns, any other file gives its text) and the pure string, table, math and utf8 functions.
/// `pairs` goes by sorted keys, so that equal input gives equal bytes. ERR_FORMAT with file and
/// line for a mistake in the template, ERR_LIMIT when it needs more than its budget.
FOX_CHECK int script_render(const char *path, const struct jval *input, struct bytes *out,
                            struct err *err);

#endif
