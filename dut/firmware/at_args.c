#include "dut/firmware/at_args.h"

#include <stdlib.h>
#include <string.h>

const char *at_read_number(const char *text, long low, long high, long *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9) return NULL;
    *out = strtol(text, NULL, 10);
    return *out >= low && *out <= high ? text + digits : NULL;
}

bool at_read_last_number(const char *text, long low, long high, long *out)
{
    const char *rest = at_read_number(text, low, high, out);
    return rest && *rest == '\0';
}

int at_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static const char *read_payload(const char *text, struct uplink_request *r)
{
    r->payload_len = 0;
    while (at_hex_digit(*text) >= 0) {
        if (at_hex_digit(text[1]) < 0 || r->payload_len == SFX_PAYLOAD_MAX) return NULL;
        r->payload[r->payload_len++] =
            (uint8_t)(at_hex_digit(text[0]) << 4 | at_hex_digit(text[1]));
        text += 2;
    }
    return r->payload_len > 0 ? text : NULL;
}

bool at_read_flags(const char *text, long repeat_max, struct uplink_request *r)
{
    long flag = 0, repeat = 0;
    r->downlink = false;
    if (*text == '\0') return true;
    const char *rest = *text == ',' ? at_read_number(text + 1, 0, 1, &flag) : NULL;
    if (!rest) return false;
    r->downlink = flag == 1;
    if (*rest == '\0') return true;
    if (*rest != ',' || !at_read_last_number(rest + 1, 0, repeat_max, &repeat)) return false;
    r->frames = (unsigned)repeat + 1;
    return true;
}

bool at_read_bit(const char *args, long repeat_max, struct uplink_request *r)
{
    long bit = 0;
    const char *rest = *args == '=' ? at_read_number(args + 1, 0, 1, &bit) : NULL;
    r->type = bit ? SFX_MESSAGE_BIT1 : SFX_MESSAGE_BIT0;
    return rest && at_read_flags(rest, repeat_max, r);
}

bool at_read_bytes(const char *args, long repeat_max, struct uplink_request *r)
{
    const char *rest = *args == '=' ? read_payload(args + 1, r) : NULL;
    r->type = SFX_MESSAGE_BYTES;
    return rest && at_read_flags(rest, repeat_max, r);
}
