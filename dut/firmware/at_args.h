// Arguments of AT commands, read strictly. Pure.
#ifndef DUT_FIRMWARE_AT_ARGS_H
#define DUT_FIRMWARE_AT_ARGS_H

#include <stdbool.h>

#include "dut/firmware/uplink.h"

/// A decimal number of at most nine digits within low..high. Returns what follows it, NULL when it
/// is none.
const char *at_read_number(const char *text, long low, long high, long *out);
/// The same up to the end of the line.
bool at_read_last_number(const char *text, long low, long high, long *out);
/// -1 when it is none.
int at_hex_digit(char c);
/// ",0" or ",1" or nothing, and with repeat_max >= 0 then ",n" or nothing, up to the end of the
/// line.
bool at_read_flags(const char *text, long repeat_max, struct uplink_request *r);
/// "=0" or "=1" and the flags: a message of one bit.
bool at_read_bit(const char *args, long repeat_max, struct uplink_request *r);
/// "=", 1..12 bytes of hex digits and the flags.
bool at_read_bytes(const char *args, long repeat_max, struct uplink_request *r);

#endif
