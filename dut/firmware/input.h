// Serial bytes to command lines, through a buffer of 64 bytes.
//
// While the device is busy the bytes stay here. What does not fit is lost, and so is the line it
// belongs to: it comes out once as INPUT_TOO_LONG. CR ends a line, LF is ignored. A plain value.
#ifndef DUT_FIRMWARE_INPUT_H
#define DUT_FIRMWARE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INPUT_MAX = 64 };

enum input_result { INPUT_NONE, INPUT_LINE, INPUT_TOO_LONG };

struct input {
    char data[INPUT_MAX];
    size_t len;
    bool lost;       // bytes after data were lost
    bool lost_ended; // the last of them was the end of a line
};

void input_push(struct input *in, uint8_t byte);
/// Says that bytes were lost before they came here.
void input_lose(struct input *in);
/// The oldest line, without its CR, as a string; *len is its length (it may hold NULs).
enum input_result input_take(struct input *in, char line[INPUT_MAX + 1], size_t *len);

#endif
