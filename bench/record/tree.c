#include "bench/record/tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 16, FILES_MAX = 1000000 };

static int add(struct tree *t, const char *path, bool is_regular, struct err *err)
{
    if (t->n == t->cap) {
        if (t->n >= FILES_MAX)
            return err_set(err, ERR_LIMIT, "%s: more than %d files in one folder", path, FILES_MAX);
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct tree_file *files = realloc(t->files, cap * sizeof *files);
        if (!files) return err_set(err, ERR_NOMEM, "list of files: out of memory");
        t->files = files;
        t->cap = cap;
    }
    char *copy = strdup(path);
    if (!copy) return err_set(err, ERR_NOMEM, "list of files: out of memory");
    t->files[t->n++] = (struct tree_file){.path = copy, .is_regular = is_regular};
    return ERR_OK;
}

// path holds the folder; what lies in it is appended for a moment. `skip` is where the relative
// part begins.
static int walk(struct tree *t, char path[PATH_MAX], size_t skip, unsigned depth, struct err *err)
{
    DIR *d = opendir(path);
    if (!d) return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    size_t len = strlen(path);
    int rc = depth < DEPTH_MAX
                 ? ERR_OK
                 : err_set(err, ERR_LIMIT, "%s: more than %d folders deep", path, DEPTH_MAX);
    struct dirent *entry;
    while (rc == ERR_OK && (errno = 0, entry = readdir(d))) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        int n = snprintf(path + len, PATH_MAX - len, "/%s", entry->d_name);
        if (n < 0 || (size_t)n >= PATH_MAX - len)
            rc = err_set(err, ERR_LIMIT, "%.200s…: the path is too long", path);
        else if (lstat(path, &st) != 0)
            rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        else if (S_ISDIR(st.st_mode))
            rc = walk(t, path, skip, depth + 1, err);
        else
            rc = add(t, path + skip, S_ISREG(st.st_mode), err);
        path[len] = '\0';
    }
    if (rc == ERR_OK && errno) rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    closedir(d);
    return rc;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct tree_file *)a)->path, ((const struct tree_file *)b)->path);
}

int tree_read(struct tree *t, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    *t = (struct tree){0};
    int n = snprintf(path, sizeof path, "%s", dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, ERR_LIMIT, "%.200s…: the path is too long", dir);
    int rc = walk(t, path, (size_t)n + 1, 0, err);
    if (rc < 0)
        tree_deinit(t);
    else if (t->n > 0)
        qsort(t->files, t->n, sizeof *t->files, compare);
    return rc;
}

void tree_deinit(struct tree *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->files[i].path);
    free(t->files);
    *t = (struct tree){0};
}
