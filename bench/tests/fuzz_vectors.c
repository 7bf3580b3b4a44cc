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

// What the command says goes nowhere.
static int silence(int descriptor)
{
    int saved = dup(descriptor), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (saved < 0 || nowhere < 0 || dup2(nowhere, descriptor) < 0) abort();
    close(nowhere);
    return saved;
}

static void speak(int descriptor, int saved)
{
    if (dup2(saved, descriptor) < 0) abort();
    close(saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("vectors", 0);
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size)) abort();
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *const argv[] = {"vectors", path, NULL};
    fflush(NULL);
    int out = silence(STDOUT_FILENO), err = silence(STDERR_FILENO);
    int rc = cmd_vectors(2, (char **)(uintptr_t)argv);
    fflush(NULL);
    speak(STDOUT_FILENO, out);
    speak(STDERR_FILENO, err);
    close(fd);
    bool allowed =
        rc == CMD_EXIT_OK || rc == CMD_EXIT_FAIL || rc == CMD_EXIT_USAGE || rc == CMD_EXIT_NOTHING;
    if (!allowed) abort();
    return 0;
}
