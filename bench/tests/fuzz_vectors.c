// Fuzzes `foxbench vectors` with files.
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/cmd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// One file for all runs, and one place where what the command says goes: opening them anew would
// take longer than the command.
static int the_file;
static FILE *nowhere;
static char path[40];

static void make_once(void)
{
    if (nowhere) return;
    the_file = memfd_create("vectors", MFD_CLOEXEC);
    nowhere = fopen("/dev/null", "we");
    if (the_file < 0 || !nowhere) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", the_file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_once();
    if (ftruncate(the_file, 0) != 0 || pwrite(the_file, data, size, 0) != (ssize_t)size) abort();
    const char *const argv[] = {"vectors", path, NULL};
    FILE *out = stdout, *err = stderr;
    stdout = stderr = nowhere;
    int rc = cmd_vectors(2, (char **)(uintptr_t)argv);
    stdout = out;
    stderr = err;
    bool allowed =
        rc == CMD_EXIT_OK || rc == CMD_EXIT_FAIL || rc == CMD_EXIT_USAGE || rc == CMD_EXIT_NOTHING;
    if (!allowed) abort();
    return 0;
}
