// Fuzzes references to keys in tokens: what is taken is complete and fits, what is refused has a
// text.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/token_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int truth)
{
    if (!truth) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); // of its own length, so that reading past its end is seen
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    struct token_uri u;
    struct err e = {0};
    int rc = token_uri_parse(&u, text, &e);
    if (rc == ERR_OK) {
        demand(u.module_path[0] && strlen(u.module_path) < sizeof u.module_path);
        demand((u.token[0] || u.serial[0]) && (u.object[0] || u.id_len > 0));
        demand(strlen(u.token) <= TOKEN_LABEL_MAX && strlen(u.serial) <= TOKEN_SERIAL_MAX);
        demand(u.id_len <= sizeof u.id && strlen(u.pin_path) < sizeof u.pin_path);
    } else {
        demand(rc == ERR_USAGE && e.code == rc && strstr(e.text, "key reference") == e.text);
    }
    free(text);
    return 0;
}
