#include "bench/record/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/record/tree.h"

enum { PATH_LEN = 4096, DEPTH_MAX = 4, COPY_CHUNK = 1 << 18 };

struct file {
    char path[STORE_PATH_MAX + 1];
    char sha256[SHA256_HEX_LEN];
    int64_t size;
    char *media_type;
    char *note;
};

struct store {
    char dir[PATH_LEN];
    struct file *files; // in order of path
    size_t n_files;
    int64_t total;
};

bool store_path_is_safe(const char *path)
{
    size_t len = strlen(path), depth = 1;
    if (len == 0 || len > STORE_PATH_MAX) return false;
    for (size_t i = 0; i < len; i++) {
        bool starts = i == 0 || path[i - 1] == '/';
        if (starts && (path[i] == '.' || path[i] == '/')) return false;
        if (path[i] == '/' && (++depth > DEPTH_MAX || i == len - 1)) return false;
        if (!strchr("/._=,+@-", path[i]) && !(path[i] >= '0' && path[i] <= '9') &&
            !(path[i] >= 'A' && path[i] <= 'Z') && !(path[i] >= 'a' && path[i] <= 'z'))
            return false;
    }
    return true;
}

static bool is_reserved(const char *path)
{
    // also as a folder, and as the temporary name under which they are written
    return strncmp(path, "verdict.json", 12) == 0 || strncmp(path, "measurements.json", 17) == 0;
}

int store_attempt_path(const char *id, const char *axes, int attempt, char *out, size_t size,
                       struct err *err)
{
    if (!axes || !*axes) axes = "_";
    if (!store_path_is_safe(id) || strchr(id, '/'))
        return err_set(err, ERR_INVALID,
                       "expected a case id of letters, digits, '.', '_' and '-', got \"%.80s\"",
                       id);
    if (!store_path_is_safe(axes) || strchr(axes, '/'))
        return err_set(err, ERR_INVALID,
                       "case %s: expected axes like k=v,k=v without spaces or '/', got \"%.80s\"",
                       id, axes);
    int n = snprintf(out, size, "cases/%s/%s/attempt-%d", id, axes, attempt);
    if (n < 0 || (size_t)n >= size)
        return err_set(err, ERR_LIMIT, "case %s: the path of its record is too long", id);
    return ERR_OK;
}

// Makes every folder on the way to `path`, which begins inside `base` at offset `from`.
static int make_folders(char *path, size_t from, struct err *err)
{
    for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        int rc = mkdir(path, 0755);
        int why = errno;
        *slash = '/';
        if (rc != 0 && why != EEXIST)
            return err_set(err, ERR_IO, "%s: folder cannot be made: %s", path, strerror(why));
    }
    return ERR_OK;
}

int store_new(struct store **out, const char *run_dir, const char *id, const char *axes,
              int attempt, struct err *err)
{
    char relative[PATH_LEN];
    int rc = store_attempt_path(id, axes, attempt, relative, sizeof relative, err);
    if (rc < 0) return rc;
    struct store *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "store: out of memory");
    int n = snprintf(s->dir, sizeof s->dir, "%s/%s", run_dir, relative);
    if (n < 0 || (size_t)n >= sizeof s->dir - STORE_PATH_MAX - 8)
        rc = err_set(err, ERR_LIMIT, "%s: path too long", run_dir);
    if (rc == ERR_OK) rc = make_folders(s->dir, strlen(run_dir) + 1, err);
    if (rc == ERR_OK && mkdir(s->dir, 0755) != 0)
        rc = err_set(err, ERR_IO, "%s: folder cannot be made: %s", s->dir, strerror(errno));
    if (rc < 0) {
        store_free(s);
        return rc;
    }
    *out = s;
    return ERR_OK;
}

void store_free(struct store *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n_files; i++) {
        free(s->files[i].media_type);
        free(s->files[i].note);
    }
    free(s->files);
    free(s);
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int copy(int from, int to, int64_t size, struct crypto_sha256 *digest, struct err *err)
{
    uint8_t *chunk = malloc(COPY_CHUNK);
    if (!chunk) return err_set(err, ERR_NOMEM, "out of memory");
    int rc = ERR_OK;
    for (int64_t at = 0; at < size && rc == ERR_OK;) {
        size_t want = size - at < COPY_CHUNK ? (size_t)(size - at) : COPY_CHUNK;
        ssize_t n = pread(from, chunk, want, at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            rc = err_set(err, ERR_INVALID, "it became shorter while it was read");
        } else if (write_all(to, chunk, (size_t)n) != 0) {
            rc = err_set(err, ERR_IO, "%s", strerror(errno));
        } else {
            rc = crypto_sha256_update(digest, chunk, (size_t)n, err);
            at += n;
        }
    }
    free(chunk);
    if (rc == ERR_OK && fsync(to) != 0) rc = err_set(err, ERR_IO, "%s", strerror(errno));
    return rc;
}

static int add_file(struct store *s, struct file f, struct err *err)
{
    struct file *files = realloc(s->files, (s->n_files + 1) * sizeof *files);
    if (files) s->files = files;
    if (!files || !f.media_type || !f.note) {
        free(f.media_type);
        free(f.note);
        return err_set(err, ERR_NOMEM, "store: out of memory");
    }
    size_t at = s->n_files;
    for (; at > 0 && strcmp(files[at - 1].path, f.path) > 0; at--)
        files[at] = files[at - 1];
    files[at] = f;
    s->n_files++;
    s->total += f.size;
    return ERR_OK;
}

// Whether one of two names would have to be both a file and a folder, or both are the same.
static bool collide(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return (!a[n] && (!b[n] || b[n] == '/')) || (!b[n] && a[n] == '/');
}

static int check_new(const struct store *s, const char *path, struct err *err)
{
    if (s->n_files >= STORE_FILES_MAX)
        return err_set(err, ERR_LIMIT, "evidence \"%.80s\": an attempt has at most %d files", path,
                       STORE_FILES_MAX);
    for (size_t i = 0; i < s->n_files; i++)
        if (collide(s->files[i].path, path))
            return err_set(err, ERR_SEQUENCE,
                           "evidence \"%s\": \"%s\" is there already; give it another name", path,
                           s->files[i].path);
    return ERR_OK;
}

static int put(struct store *s, const char *path, int fd, const char *media_type, const char *note,
               struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "evidence \"%s\": expected a regular file", path);
    if (st.st_size > STORE_FILE_MAX || st.st_size > STORE_ATTEMPT_MAX - s->total)
        return err_set(
            err, ERR_LIMIT, "evidence \"%s\" has %lld bytes; a file may have %lld, an attempt %lld",
            path, (long long)st.st_size, (long long)STORE_FILE_MAX, (long long)STORE_ATTEMPT_MAX);
    struct file f = {.size = st.st_size};
    snprintf(f.path, sizeof f.path, "%s", path);
    char full[PATH_LEN + STORE_PATH_MAX + 2];
    snprintf(full, sizeof full, "%s/%s", s->dir, path);
    int rc = make_folders(full, strlen(s->dir) + 1, err);
    if (rc < 0) return rc;
    int to = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0) return err_set(err, ERR_IO, "%s: %s", full, strerror(errno));

    struct crypto_sha256 *digest = NULL;
    rc = crypto_sha256_new(&digest, err);
    if (rc == ERR_OK) rc = copy(fd, to, f.size, digest, err);
    uint8_t sha256[SHA256_LEN];
    if (rc == ERR_OK) {
        rc = crypto_sha256_finish(digest, sha256, err);
        digest = NULL;
    }
    crypto_sha256_free(digest);
    if (close(to) != 0 && rc == ERR_OK) rc = err_set(err, ERR_IO, "%s", strerror(errno));
    if (rc < 0) {
        unlink(full);
        err_prefix(err, "evidence \"%s\"", path);
        return rc;
    }
    hex_encode(sha256, sizeof sha256, f.sha256);
    f.media_type = strdup(media_type ? media_type : "application/octet-stream");
    f.note = strdup(note ? note : "");
    return add_file(s, f, err);
}

int store_put(struct store *s, const char *path, int fd, const char *media_type, const char *note,
              struct err *err)
{
    if (!store_path_is_safe(path) || is_reserved(path))
        return err_set(
            err, ERR_INVALID,
            "evidence \"%.80s\": expected a relative name of letters, digits and ._=,+@-, "
            "not one of the bench's own files",
            path);
    if ((media_type && strlen(media_type) > STORE_MEDIA_TYPE_MAX) ||
        (note && strlen(note) > STORE_NOTE_MAX))
        return err_set(err, ERR_LIMIT,
                       "evidence \"%s\": the media type may have %d bytes, the note %d", path,
                       STORE_MEDIA_TYPE_MAX, STORE_NOTE_MAX);
    int rc = check_new(s, path, err);
    return rc == ERR_OK ? put(s, path, fd, media_type, note, err) : rc;
}

static int adopt(struct store *s, const char *path, struct err *err)
{
    char full[PATH_LEN + STORE_PATH_MAX + 2];
    struct file f = {0};
    snprintf(full, sizeof full, "%s/%s", s->dir, path);
    if (is_reserved(path) || !store_path_is_safe(path)) {
        unlink(full); // the bench's own record, or the half-written beginning of one
        return ERR_OK;
    }
    snprintf(f.path, sizeof f.path, "%s", path);
    int rc = crypto_sha256_file(full, f.sha256, &f.size, err);
    if (rc < 0) return rc;
    f.media_type = strdup("application/octet-stream");
    f.note = strdup("kept from an attempt that broke off; it may not be whole");
    return add_file(s, f, err);
}

int store_adopt(struct store **out, const char *run_dir, const char *id, const char *axes,
                int attempt, struct err *err)
{
    char relative[PATH_LEN], full[2 * PATH_LEN];
    struct tree tree = {0};
    struct stat st;
    int rc = store_attempt_path(id, axes, attempt, relative, sizeof relative, err);
    if (rc < 0) return rc;
    snprintf(full, sizeof full, "%s/%s", run_dir, relative);
    if (lstat(full, &st) != 0) return store_new(out, run_dir, id, axes, attempt, err);
    struct store *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "store: out of memory");
    int n = snprintf(s->dir, sizeof s->dir, "%s", full);
    if (n < 0 || (size_t)n >= sizeof s->dir - STORE_PATH_MAX - 8)
        rc = err_set(err, ERR_LIMIT, "%s: path too long", run_dir);
    if (rc == ERR_OK) rc = tree_read(&tree, s->dir, err);
    for (size_t i = 0; rc == ERR_OK && i < tree.n; i++)
        if (tree.files[i].is_regular) rc = adopt(s, tree.files[i].path, err);
    tree_deinit(&tree);
    if (rc < 0) {
        store_free(s);
        return rc;
    }
    *out = s;
    return ERR_OK;
}

int store_put_json(struct store *s, const char *name, const struct jval *j, struct err *err)
{
    int rc = check_new(s, name, err);
    if (rc < 0) return rc;
    struct file f = {0};
    snprintf(f.path, sizeof f.path, "%s", name);
    char full[PATH_LEN + STORE_PATH_MAX + 2];
    snprintf(full, sizeof full, "%s/%s", s->dir, name);
    rc = jval_save(j, full, err);
    if (rc == ERR_OK) rc = crypto_sha256_file(full, f.sha256, &f.size, err);
    if (rc < 0) return rc;
    f.media_type = strdup("application/json");
    f.note = strdup("");
    return add_file(s, f, err);
}

struct jval *store_files(const struct store *s, struct err *err)
{
    struct jval *all = jval_array();
    if (!all) {
        err_set(err, ERR_NOMEM, "store: out of memory");
        return NULL;
    }
    for (size_t i = 0; i < s->n_files; i++) {
        const struct file *f = &s->files[i];
        struct jval *j =
            jval_make(err, "{s:s, s:s, s:I, s:s, s:s}", "path", f->path, "sha256", f->sha256,
                      "size", (long long)f->size, "media_type", f->media_type, "note", f->note);
        if (jval_append(all, j, err) < 0) {
            jval_free(all);
            return NULL;
        }
    }
    return all;
}
