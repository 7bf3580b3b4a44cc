// Everything a report says, as one JSON value: a pure function of a run directory.
//
// model.c says what stands in it; the templates take it from there. Secrets do not enter it: keys
// and one-time codes of the device file are left out. Any thread may call.
#ifndef REPORTS_MODEL_H
#define REPORTS_MODEL_H

#include "bench/base/err.h"
#include "bench/base/json.h"

/// New. ERR_IO or ERR_FORMAT name the file (and line) that is missing or broken.
FOX_CHECK int model_read(const char *run_dir, struct jval **out, struct err *err);

#endif
