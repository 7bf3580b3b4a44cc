#include "vector_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/cmd.h"

static char folder[64];
char changed[96];
struct bytes output, complaints;

int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_cmd_vectors.XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(changed, sizeof changed, "%s/changed.json", folder);
    bytes_init(&output, 1 << 24);
    bytes_init(&complaints, 1 << 20);
    return 0;
}

int remove_folder(void **state)
{
    (void)state;
    bytes_deinit(&output);
    bytes_deinit(&complaints);
    unlink(changed);
    return rmdir(folder);
}

static int redirect(int descriptor, char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", folder, name);
    int saved = dup(descriptor);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    dup2(fileno(f), descriptor);
    fclose(f);
    return saved;
}

static void restore(int descriptor, int saved, const char *path, struct bytes *into)
{
    dup2(saved, descriptor);
    close(saved);
    bytes_drop(into, into->len);
    assert_int_equal(bytes_read_file(into, path, NULL), ERR_OK);
    assert_int_equal(bytes_append(into, "", 1, NULL), ERR_OK);
    unlink(path);
}

int run(int argc, const char *const *argv)
{
    char out_path[96], err_path[96];
    fflush(NULL);
    int out = redirect(STDOUT_FILENO, out_path, sizeof out_path, "out");
    int err = redirect(STDERR_FILENO, err_path, sizeof err_path, "err");
    int rc = cmd_vectors(argc, (char **)(uintptr_t)argv);
    fflush(NULL);
    restore(STDOUT_FILENO, out, out_path, &output);
    restore(STDERR_FILENO, err, err_path, &complaints);
    return rc;
}

int run_file(const char *path)
{
    const char *const argv[] = {"vectors", path, NULL};
    return run(2, argv);
}

bool says(const struct bytes *b, const char *text)
{
    return strstr((const char *)b->data, text) != NULL;
}

void assert_says(const struct bytes *b, const char *text)
{
    if (!says(b, text)) fail_msg("expected \"%s\" in \"%s\"", text, (const char *)b->data);
}
