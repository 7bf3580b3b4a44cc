// A run for machines of others: OSCAL assessment results, SARIF, an in-toto attestation, and the
// list of what a formal report still lacks.
//
// Each is made from the run directory alone by a template of reports/templates, read back as JSON
// and written into RUN/report/, replacing an older one: what is no JSON is never written. The same
// directory gives the same bytes. Whether the run is what the bench wrote is
// bench/record/verify.h's question, and to be asked first. Nothing is kept between calls; any
// thread may call.
#ifndef REPORTS_EXPORT_H
#define REPORTS_EXPORT_H

#include <stddef.h>

#include "bench/base/crypto.h"
#include "bench/base/err.h"
#include "bench/base/json.h"

#define EXPORT_OSCAL     "report/oscal-ar.json"
#define EXPORT_SARIF     "report/sarif.json"
#define EXPORT_ITEM      "report/item.json"
#define EXPORT_STATEMENT "report/attestation.json"
#define EXPORT_ENVELOPE  "report/attestation.dsse.json"
#define EXPORT_TYPE      "application/vnd.in-toto+json"

enum { EXPORT_UUID_LEN = 37 };

/// The UUID (RFC 4122, version 5) of a name of this project: in the namespace of URLs that of
/// "urn:x-foxbench:NAME".
FOX_CHECK int export_uuid(const char *name, char out[EXPORT_UUID_LEN], struct err *err);

/// Writes EXPORT_OSCAL. ERR_IO or ERR_FORMAT name what is missing or broken.
FOX_CHECK int export_oscal(const char *run_dir, struct err *err);
/// Writes EXPORT_SARIF.
FOX_CHECK int export_sarif(const char *run_dir, struct err *err);
/// Writes EXPORT_ITEM and EXPORT_STATEMENT; with a key (lent, may be NULL) EXPORT_ENVELOPE too, a
/// DSSE envelope around the very bytes of the statement. Without one an older envelope is removed:
/// it would speak of another statement.
FOX_CHECK int export_intoto(const char *run_dir, const struct crypto_key *key, struct err *err);
/// What a formal report (ISO/IEC 17025) of this run still lacks: [{section, lacks, mend}]. New.
FOX_CHECK int export_lint(const char *run_dir, struct jval **out, struct err *err);

#endif
