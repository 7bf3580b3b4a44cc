// References to keys in tokens, as RFC 7512 writes them:
//
//     pkcs11:token=LABEL;object=LABEL?module-path=/PATH/MODULE.so&pin-source=file:PATH
//
// Pure. No error text shows a value: a pin may stand in the wrong place.
#ifndef BENCH_BASE_TOKEN_URI_H
#define BENCH_BASE_TOKEN_URI_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum { TOKEN_LABEL_MAX = 32, TOKEN_SERIAL_MAX = 16, TOKEN_OBJECT_MAX = 128, TOKEN_PATH_MAX = 1024 };

/// Which key. An empty text: not asked for.
struct token_uri {
    char token[TOKEN_LABEL_MAX + 1];
    char serial[TOKEN_SERIAL_MAX + 1];
    char manufacturer[TOKEN_LABEL_MAX + 1];
    char model[TOKEN_SERIAL_MAX + 1];
    char object[TOKEN_OBJECT_MAX + 1];
    uint8_t id[TOKEN_OBJECT_MAX];
    size_t id_len;
    char type[TOKEN_SERIAL_MAX + 1]; // "secret-key" or empty
    char module_path[TOKEN_PATH_MAX];
    char pin_path[TOKEN_PATH_MAX]; // of pin-source=file:PATH
};

/// Reads a reference. An attribute that is unknown, given twice, empty, too long or badly escaped,
/// a pin in the reference itself, and one that names no token, no object or no module: ERR_USAGE.
FOX_CHECK int token_uri_parse(struct token_uri *out, const char *text, struct err *err);

#endif
