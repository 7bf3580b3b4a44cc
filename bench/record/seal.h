// The signature of a run: root.json names every file with its digest, root.sig is a DSSE envelope
// with the same root.json inside. docs/EVIDENCE.md, "Signatures".
//
// Whether the files are what the bench wrote is verify.h's question; this one is whether they are
// what somebody signed. The caller owns the results. Any thread.
#ifndef BENCH_RECORD_SEAL_H
#define BENCH_RECORD_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/crypto.h"
#include "bench/base/err.h"
#include "bench/base/json.h"

#define SEAL_TYPE "application/vnd.foxbench.root+json"

enum { SEAL_TIME_MAX = 32 };

/// Writes root.json and root.sig for all that the directory holds now. `signed_at` is wall time
/// (RFC 3339), `foxbench` the version. Returns the number of files. ERR_SEQUENCE when it is signed
/// already, ERR_USAGE for a file that cannot be signed: no regular file, or a name that another
/// tool might read differently. After a failure there is no signature.
FOX_CHECK int seal_write(const char *run_dir, const struct crypto_key *key, const char *signed_at,
                         const char *foxbench, struct err *err);

/// ERR_USAGE when the key's file lies inside the run: it would be handed on with it.
FOX_CHECK int seal_check_key_place(const char *key_path, const char *run_dir, struct err *err);

enum seal_state {
    SEAL_NONE, // neither root.json nor root.sig
    SEAL_GOOD,
    SEAL_BROKEN // the signature or a signed file is not what it was: see `altered`
};

struct seal_result {
    enum seal_state state;
    bool own_key; // checked with the key that root.json names, which anybody can write there
    char signer[SHA256_HEX_LEN]; // fingerprint of the key that fits; "" when none does
    char signed_at[SEAL_TIME_MAX];
    size_t files;              // whose digests fit
    struct jval *altered;      // [{path, why}] in order of path; root.sig and root.json first
    struct jval *unsigned_too; // [path] of files that came after the signature: no harm
    struct jval *digests;      // path -> SHA-256 (hex) of each signed file, as it was found
};

/// With key NULL the signature is checked with the key that root.json names. ERR_NOTFOUND when
/// there is no such directory, ERR_IO when a file cannot be read; else 0 and the result says the
/// rest.
FOX_CHECK int seal_check(struct seal_result *out, const char *run_dir, const struct crypto_key *key,
                         struct err *err);
/// Accepts a zeroed struct; may run twice.
void seal_result_deinit(struct seal_result *r);

#endif
