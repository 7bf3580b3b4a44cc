// One Lua state with the suites in it: lists cases, makes plans, runs an attempt. Bounded in memory
// and in instructions between two steps of the sample clock.
//
// A state belongs to its caller. A fresh one for each attempt keeps cases from depending on each
// other. `root` is the folder that holds lua/ and suites/; lent.
#ifndef LUA_BIND_STATE_H
#define LUA_BIND_STATE_H

#include "bench/base/err.h"
#include "bench/base/json.h"

struct bind;
struct budget;
struct state;

FOX_CHECK int state_open(struct state **out, const char *root, struct err *err);
/// Accepts NULL.
void state_close(struct state *s);
/// For struct bind.
struct budget *state_budget(struct state *s);

/// Every case with all its fields (new array). ERR_USAGE names the page and line that is wrong.
FOX_CHECK int state_list(struct state *s, struct jval **out, struct err *err);
/// The plan (new object: cases, device, bench, limits as checked and completed). ERR_USAGE says
/// what cannot be planned.
FOX_CHECK int state_plan(struct state *s, const struct jval *request, const struct jval *device,
                         const struct jval *bench, const struct jval *limits, struct jval **out,
                         struct err *err);
/// Checks device, bench and limits; new objects, completed with defaults.
FOX_CHECK int state_check(struct state *s, const struct jval *device, const struct jval *bench,
                          const struct jval *limits, struct jval **device_out,
                          struct jval **bench_out, struct err *err);
/// A dialect of lua/dialects (new). ERR_USAGE lists what there is not.
FOX_CHECK int state_dialect(struct state *s, const char *name, struct jval **out, struct err *err);
/// Runs one attempt; all that happens becomes events through the bind's pump. Only a defect of the
/// bench is an error here.
FOX_CHECK int state_run(struct state *s, struct bind *b, const char *id, const struct jval *axes,
                        const struct jval *watched, struct err *err);

#endif
