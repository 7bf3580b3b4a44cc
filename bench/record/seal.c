#include "bench/record/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/base64.h"
#include "bench/base/sign.h"
#include "bench/record/seal_names.h"
#include "bench/record/tree.h"

bool seal_is_own(const char *path)
{
    return strcmp(path, SEAL_ROOT) == 0 || strcmp(path, SEAL_SIG) == 0;
}

bool seal_exists(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return lstat(path, &st) == 0;
}

bool seal_is_plain(const char *path)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._=,+@-/";
    for (const char *at = path; *at; at = strchr(at, '/') ? strchr(at, '/') + 1 : "")
        if (*at == '.' || *at == '/' || *at == '-') return false;
    return *path && path[strspn(path, allowed)] == '\0' && path[strlen(path) - 1] != '/';
}

int seal_check_key_place(const char *key_path, const char *run_dir, struct err *err)
{
    char inner[PATH_MAX], outer[PATH_MAX];
    if (!realpath(key_path, inner) || !realpath(run_dir, outer)) return ERR_OK; // said by others
    size_t len = strlen(outer);
    if (strncmp(inner, outer, len) != 0 || inner[len] != '/') return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "%s: expected a key outside the run, got one inside it; move it away, and make "
                   "another one if the run was handed on",
                   key_path);
}

static int add_file(struct jval *files, const char *dir, const struct tree_file *f, struct err *err)
{
    char full[PATH_MAX], sha256[SHA256_HEX_LEN];
    int64_t size = 0;
    if (!f->is_regular || !seal_is_plain(f->path))
        return err_set(err, ERR_USAGE,
                       "%s/%s: expected a regular file with a plain name (letters, digits and "
                       "._=,+@-, no dot or hyphen first), got %s; move it out of the run before "
                       "signing",
                       dir, f->path, f->is_regular ? "another name" : "something else");
    snprintf(full, sizeof full, "%s/%s", dir, f->path);
    int rc = crypto_sha256_file(full, sha256, &size, err);
    if (rc < 0) return rc;
    return jval_append(files,
                       jval_make(err, "{s:s, s:s, s:I}", "path", f->path, "sha256", sha256, "size",
                                 (long long)size),
                       err);
}

static int list_files(const char *dir, struct jval *files, struct err *err)
{
    struct tree tree;
    int rc = tree_read(&tree, dir, err);
    if (rc < 0) return rc;
    for (size_t i = 0; rc == ERR_OK && i < tree.n; i++)
        if (!seal_is_own(tree.files[i].path)) rc = add_file(files, dir, &tree.files[i], err);
    tree_deinit(&tree);
    return rc;
}

static int key_text(const struct crypto_key *key, struct bytes *out, struct err *err)
{
    uint8_t der[ED25519_SPKI_MAX];
    int n = crypto_key_der(key, der, err);
    return n < 0 ? n : base64_encode(der, (size_t)n, out, err);
}

// One line: what sed can read, a stranger can check.
static int root_text(const char *dir, const struct crypto_key *key, const char *signed_at,
                     const char *foxbench, struct bytes *out, size_t *n_files, struct err *err)
{
    struct bytes public_key;
    struct jval *files = jval_array(), *root = NULL;
    const char *name = strrchr(dir, '/');
    char *text = NULL;
    bytes_init(&public_key, 2 * ED25519_SPKI_MAX);
    int rc = files ? key_text(key, &public_key, err) : err_set(err, ERR_NOMEM, "out of memory");
    if (rc == ERR_OK) rc = list_files(dir, files, err);
    if (rc < 0) goto out;
    *n_files = jval_len(files);
    root = jval_make(err, "{s:i, s:s, s:s, s:s, s:s, s:o}", "version", 1, "foxbench", foxbench,
                     "signed", signed_at, "run", name ? name + 1 : dir, "public_key",
                     (const char *)public_key.data, "files", jval_ref(files));
    text = root ? jval_dump(root, err) : NULL;
    rc = text ? bytes_printf(out, err, "%s\n", text) : ERR_FORMAT;
out:
    free(text);
    jval_free(root);
    jval_free(files);
    bytes_deinit(&public_key);
    return rc;
}

// Beside it first, then renamed: there is a whole file or none.
static int write_file(const char *dir, const char *name, const struct bytes *data, struct err *err)
{
    char path[PATH_MAX], part[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(part, sizeof part, "%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return err_set(err, ERR_IO, "%s: %s", part, strerror(errno));
    size_t done = 0;
    bool ok = true;
    while (ok && done < data->len) {
        ssize_t n = write(fd, data->data + done, data->len - done);
        ok = n > 0 || (n < 0 && errno == EINTR);
        if (n > 0) done += (size_t)n;
    }
    ok = ok && fsync(fd) == 0;
    int saved = errno;
    if (close(fd) != 0 || !ok || rename(part, path) != 0) {
        if (ok) saved = errno;
        unlink(part);
        return err_set(err, ERR_IO, "%s: %s", path, strerror(saved));
    }
    return ERR_OK;
}

static void sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd); // some file systems cannot; the files themselves are on the disk
    close(fd);
}

int seal_write(const char *run_dir, const struct crypto_key *key, const char *signed_at,
               const char *foxbench, struct err *err)
{
    char dir[PATH_MAX];
    struct bytes root, envelope;
    size_t n_files = 0;
    if (!realpath(run_dir, dir))
        return err_set(err, ERR_NOTFOUND, "%s: expected a run directory: %s", run_dir,
                       strerror(errno));
    if (seal_exists(dir, SEAL_SIG))
        return err_set(err, ERR_SEQUENCE,
                       "%s: it is signed already, and evidence is never overwritten; check it with "
                       "foxbench verify",
                       run_dir);
    bytes_init(&root, SIGN_BODY_MAX);
    bytes_init(&envelope, 2 * SIGN_BODY_MAX);
    int rc = root_text(dir, key, signed_at, foxbench, &root, &n_files, err);
    if (rc == ERR_OK) rc = sign_envelope(SEAL_TYPE, root.data, root.len, key, &envelope, err);
    // root.sig last: it is what makes a run signed
    if (rc == ERR_OK) rc = write_file(dir, SEAL_ROOT, &root, err);
    if (rc == ERR_OK) rc = write_file(dir, SEAL_SIG, &envelope, err);
    sync_folder(dir);
    bytes_deinit(&root);
    bytes_deinit(&envelope);
    return rc < 0 ? rc : (int)n_files;
}
