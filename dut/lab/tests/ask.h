/// @file ask.h
/// The lab's control socket for the tests that run inside a lab; what goes wrong fails the test.
#ifndef FOX_DUT_LAB_TESTS_ASK_H
#define FOX_DUT_LAB_TESTS_ASK_H

#include <stddef.h>
#include <stdint.h>

/// One command and the line that comes back, without its end, cut to size - 1.
void lab_ask(const char *command, char *answer, size_t size);
/// A command whose answer must be ok.
void lab_order(const char *command);
/// The lab's time.
int64_t lab_ns(void);
double lab_seconds(void);

#endif
