// What the files of a session share: run_session.c runs the cases, run_session_plan.c asks for the
// plan, run_session_open.c opens the instruments and books what is lost.
#ifndef BENCH_RUN_SESSION_PARTS_H
#define BENCH_RUN_SESSION_PARTS_H

#include "bench/run_session.h"

enum session_step { STEP_ON, STEP_DONE, STEP_LOST };

/// What the operator armed, as the worker is told (new).
struct jval *session_armed(const struct session *s, struct err *err);
FOX_CHECK int session_start_worker(struct session *s, struct err *err);
void session_watch(struct session *s, struct watch *w, long limit_ms, long silence_ms);
void session_note_time(struct session *s, const struct jval *j);
void session_note_progress(struct session *s, const struct message *m);
/// Ends the worker and books why. Only errors of the books are returned.
FOX_CHECK int session_lose_worker(struct session *s, struct loss *l, struct err *err);
/// Faults of the virtual lab belong to the attempt, or the opening, in which they came.
FOX_CHECK int session_book_faults(struct session *s, struct err *err);
/// Whether an error of the books is theirs, and not that of what was to be booked.
bool session_is_for_books(int rc);
/// Opens the instruments with the present worker or a new one. s->opened says how it went;
/// negative: the books cannot be kept.
FOX_CHECK int session_open(struct session *s, struct err *err);

#endif
