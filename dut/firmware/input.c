#include "dut/firmware/input.h"

#include <string.h>

void input_push(struct input *in, uint8_t byte)
{
    if (byte == '\n') return;
    if (!in->lost && in->len < INPUT_MAX) {
        in->data[in->len++] = (char)byte;
        return;
    }
    in->lost = true;
    in->lost_ended = byte == '\r';
}

void input_lose(struct input *in)
{
    in->lost = true;
    in->lost_ended = false;
}

enum input_result input_take(struct input *in, char line[INPUT_MAX + 1], size_t *len)
{
    char *end = in->len > 0 ? memchr(in->data, '\r', in->len) : NULL;
    if (end) {
        *len = (size_t)(end - in->data);
        memcpy(line, in->data, *len);
        line[*len] = '\0';
        in->len -= *len + 1;
        memmove(in->data, end + 1, in->len);
        return INPUT_LINE;
    }
    if (!in->lost) return INPUT_NONE;
    // What is left is the beginning of a line whose rest is lost: wait for its end.
    in->len = 0;
    if (!in->lost_ended) return INPUT_NONE;
    in->lost = false;
    return INPUT_TOO_LONG;
}
