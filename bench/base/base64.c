#include "bench/base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(const void *data, size_t len, struct bytes *out, struct err *err)
{
    const uint8_t *in = data;
    int rc = ERR_OK;
    for (size_t i = 0; i < len && rc == ERR_OK; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)in[i] << 16;
        if (left > 1) bits |= (uint32_t)in[i + 1] << 8;
        if (left > 2) bits |= in[i + 2];
        char quad[4];
        for (size_t k = 0; k < 4; k++)
            quad[k] = k <= left ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
        rc = bytes_append(out, quad, 4, err);
    }
    return rc;
}

static int value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static int refuse(struct err *err, size_t at)
{
    return err_set(err, ERR_FORMAT, "base64: character %zu is not one that belongs there", at + 1);
}

int base64_decode(const char *text, size_t len, struct bytes *out, struct err *err)
{
    if (len % 4 != 0)
        return err_set(err, ERR_FORMAT, "base64: expected a multiple of 4 characters, got %zu",
                       len);
    int rc = ERR_OK;
    for (size_t i = 0; i < len && rc == ERR_OK; i += 4) {
        size_t digits = 4; // before the padding, which only the last four may have
        if (i + 4 == len && text[i + 3] == '=') digits = text[i + 2] == '=' ? 2 : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < digits; k++) {
            int v = value_of(text[i + k]);
            if (v < 0) return refuse(err, i + k);
            bits |= (uint32_t)v << (18 - 6 * k);
        }
        if (bits & (digits == 2 ? 0xFFFFu : digits == 3 ? 0xFFu : 0)) return refuse(err, i + 2);
        const uint8_t three[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
        rc = bytes_append(out, three, digits - 1, err);
    }
    return rc;
}
