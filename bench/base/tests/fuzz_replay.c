// A fuzzer as a plain program: runs every file of its corpus folders, and changed copies of each,
// through LLVMFuzzerTestOneInput. Prints one TAP line a folder. A finding is a crash or an abort.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COPIES = 200, CHANGES_MAX = 8 };

// A changed copy: some bytes replaced, flipped or removed; the same in every run.
static void run_changed(const struct bytes *seed, uint64_t key)
{
    size_t len = seed->len;
    uint8_t *copy = malloc(len + 1); // exact, so that a read beyond the end is seen
    if (!copy || !len) {
        free(copy);
        return;
    }
    memcpy(copy, seed->data, len);
    uint64_t draw = 0;
    unsigned changes = 1 + (unsigned)(rng_u64(key, draw++) % CHANGES_MAX);
    for (unsigned i = 0; i < changes && len; i++) {
        uint64_t r = rng_u64(key, draw++);
        size_t at = (size_t)(r >> 16) % len;
        if (r % 4 == 0)
            copy[at] = (uint8_t)(r >> 8);
        else if (r % 4 < 3)
            copy[at] ^= (uint8_t)(1u << (r >> 8 & 7));
        else
            len = at;
    }
    uint8_t *exact = malloc(len ? len : 1);
    if (exact) {
        memcpy(exact, copy, len);
        LLVMFuzzerTestOneInput(exact, len);
    }
    free(exact);
    free(copy);
}

static int run_file(const char *path, const char *name)
{
    struct bytes seed;
    struct err e = {0};
    bytes_init(&seed, 1 << 24);
    int rc = bytes_read_file(&seed, path, &e);
    if (rc < 0) {
        fprintf(stderr, "%s\n", e.text);
    } else {
        LLVMFuzzerTestOneInput(seed.data ? seed.data : (const uint8_t *)"", seed.len);
        for (uint64_t i = 0; i < COPIES; i++)
            run_changed(&seed, rng_key(i, name));
    }
    bytes_deinit(&seed);
    return rc;
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int run_folder(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, is_visible, alphasort), failed = n <= 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        failed |= run_file(path, names[i]->d_name) < 0;
        free(names[i]);
    }
    if (n >= 0) free(names);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    printf("TAP version 13\n1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        int bad = run_folder(argv[i]);
        printf("%sok %d - corpus %s\n", bad ? "not " : "", i, argv[i]);
        failed |= bad;
    }
    return failed;
}
