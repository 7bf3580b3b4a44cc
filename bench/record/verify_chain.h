// The two chains of a run checked against themselves and each other. Part of verify.
#ifndef BENCH_RECORD_VERIFY_CHAIN_H
#define BENCH_RECORD_VERIFY_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/crypto.h"
#include "bench/base/err.h"

struct chain_line {
    char sha256[SHA256_HEX_LEN]; // of the line
    char prev[SHA256_HEX_LEN];   // what it says about the line before
    char event[SHA256_HEX_LEN];  // wall.jsonl: what it says about its event
    long long seq;               // -1: none
    long long t;                 // events.jsonl: sample time, -1: none
    long long end;               // bytes of the file up to and with its newline
    bool is_object;
    bool is_seal;
    bool is_exact_seal;
};

/// A file's lines; the last one may be torn.
struct chain_file {
    struct chain_line *lines;
    size_t n; // whole lines
    bool torn;
    bool torn_is_seal;    // wall.jsonl: what is left of the torn line fits the closing line
    bool newline_altered; // the last line is whole, and something else stands for its newline
};

enum chain_state { CHAIN_INTACT, CHAIN_UNFINISHED, CHAIN_ALTERED };

struct chain_result {
    enum chain_state state;
    char where[64];
    char why[256];
    size_t events; // lines of events.jsonl that may be trusted
};

/// Reads one of the two files.
FOX_CHECK int chain_file_read(struct chain_file *f, const char *path, bool is_wall,
                              struct err *err);
void chain_file_deinit(struct chain_file *f);
/// Pure: compares the two.
void chain_compare(const struct chain_file *events, const struct chain_file *wall,
                   struct chain_result *out);

#endif
