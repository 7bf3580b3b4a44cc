// The lab's control socket: a test writes a line, the lab answers with one.
//
// Owns the socket and its connections; borrows the lab. "ok …" or the value asked for; "error: …"
// otherwise. Never for the bench.
#ifndef DUT_LAB_CONTROL_H
#define DUT_LAB_CONTROL_H

#include "bench/base/err.h"
#include "dut/lab/loop.h"

struct control;
struct lab;

/// Makes the socket `control` in the folder dir.
FOX_CHECK int control_new(struct control **out, struct loop *loop, struct lab *lab, const char *dir,
                          struct err *err);
/// Accepts NULL. Removes the socket's file.
void control_free(struct control *c);
const char *control_path(const struct control *c);

#endif
