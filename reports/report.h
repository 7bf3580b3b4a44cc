// The report of a run: one HTML page that a stranger can read, made from the run directory alone.
//
// The same directory gives the same bytes: every time and name comes from it. Nothing is kept
// between calls; any thread may call.
#ifndef REPORTS_REPORT_H
#define REPORTS_REPORT_H

#include <limits.h>
#include <stddef.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"
#include "bench/base/json.h"

/// Writes RUN/report/report.html (and makes the folder), replacing an older one. An unfinished run
/// is rendered too, and says so. ERR_IO or ERR_FORMAT name the file that is missing or broken.
FOX_CHECK int report_render(const char *run_dir, struct err *err);

/// The certification decision of a run in a word, as its report has it: "granted", "refused" or
/// "not granted yet".
FOX_CHECK int report_decision(const char *run_dir, char *word, size_t size, struct err *err);

/// Writes RUN/report/report.pdf from its report.html, with WeasyPrint; equal pages give equal
/// bytes. ERR_UNSUPPORTED: WeasyPrint is not installed, and the text says how to get it.
FOX_CHECK int report_pdf(const char *run_dir, struct err *err);

/// Writes what `foxbench validate` found (the value that it prints as JSON) as one HTML page to
/// `path`, replacing an older one. ERR_IO.
FOX_CHECK int report_matrix(const struct jval *result, const char *path, struct err *err);

/// The path of a file below RUN (such as report/report.html), whose folder report is made. ERR_IO.
FOX_CHECK int report_path(const char *run_dir, const char *name, char path[PATH_MAX],
                          struct err *err);
/// Writes a whole file; one that could not be written whole leaves the older one. ERR_IO.
FOX_CHECK int report_write(const char *path, const struct bytes *text, struct err *err);

/// The folder that holds reports/: FOXBENCH_ROOT, or the source tree.
const char *report_root(void);

#endif
