#include "bench/record/text.h"

#include <string.h>

enum { REPLACEMENT = 0xfffd };

uint32_t text_next(const char **text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)*text;
    if (!*s) return 0;
    *text += 1;
    if (*s < 0x80) return *s;
    unsigned more = *s >= 0xf0 && *s < 0xf8   ? 3
                    : *s >= 0xe0 && *s < 0xf0 ? 2
                    : *s >= 0xc0 && *s < 0xe0 ? 1
                                              : 0;
    if (!more) return REPLACEMENT;
    uint32_t c = *s & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) return REPLACEMENT; // also at the NUL
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return REPLACEMENT;
    *text += more;
    return c;
}

size_t text_put(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00 >> n & 0xff) | c);
    return n;
}

char *text_copy(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (uint32_t c; (c = text_next(&text)) != 0;) {
        char utf8[4];
        size_t len = text_put(c, utf8);
        if (n + len >= size) break;
        memcpy(out + n, utf8, len);
        n += len;
    }
    out[n] = 0;
    return out;
}
