// Envelopes come from strangers: whatever the bytes, they are refused or mean the same when they
// are written again. Also base64, which is read inside them.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/base64.h"
#include "bench/base/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int is_so)
{
    if (!is_so) abort();
}

static void check_envelope(const uint8_t *data, size_t size)
{
    struct sign_parts p, again;
    struct bytes text;
    if (sign_parts_read(&p, (const char *)data, size, NULL) < 0) return;
    bytes_init(&text, 4 * size + 4096);
    expect(sign_parts_write(&p, &text, NULL) == ERR_OK);
    expect(sign_parts_read(&again, (const char *)text.data, text.len, NULL) == ERR_OK);
    expect(strcmp(p.type, again.type) == 0 && strcmp(p.keyid, again.keyid) == 0);
    expect(p.body.len == again.body.len && memcmp(p.sig, again.sig, sizeof p.sig) == 0);
    expect(p.body.len == 0 || memcmp(p.body.data, again.body.data, p.body.len) == 0);
    sign_parts_deinit(&again);
    sign_parts_deinit(&p);
    bytes_deinit(&text);
}

static void check_base64(const uint8_t *data, size_t size)
{
    struct bytes raw, text;
    bytes_init(&raw, size);
    bytes_init(&text, 2 * size);
    if (base64_decode((const char *)data, size, &raw, NULL) == ERR_OK) {
        expect(base64_encode(raw.data, raw.len, &text, NULL) == ERR_OK);
        expect(text.len == size && (size == 0 || memcmp(text.data, data, size) == 0));
    }
    bytes_deinit(&raw);
    bytes_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_envelope(data, size);
    check_base64(data, size);
    return 0;
}
