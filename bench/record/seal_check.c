#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/base/base64.h"
#include "bench/base/sign.h"
#include "bench/record/seal.h"
#include "bench/record/seal_names.h"
#include "bench/record/tree.h"

struct seal {
    const char *dir;
    const struct crypto_key *key; // NULL: the one that root.json names
    struct seal_result *out;
    struct jval *covered; // path -> true
};

static int note(struct seal *s, struct err *err, const char *path, const char *fmt, ...)
    FOX_PRINTF(4, 5);

// Notes an alteration and goes on.
static int note(struct seal *s, struct err *err, const char *path, const char *fmt, ...)
{
    char why[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    s->out->state = SEAL_BROKEN;
    return jval_append(s->out->altered, jval_make(err, "{s:s, s:s}", "path", path, "why", why),
                       err);
}

static int read_file(const struct seal *s, const char *name, struct bytes *out, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    return bytes_read_file(out, path, err);
}

// The key that the document names. 1 when there is one.
static int named_key(struct crypto_key **out, const struct jval *root, struct err *err)
{
    const char *text = jval_text(jval_get(root, "public_key"), "");
    struct bytes der;
    bytes_init(&der, 2 * ED25519_SPKI_MAX);
    int rc = base64_decode(text, strlen(text), &der, err);
    if (rc == ERR_OK) rc = crypto_key_from_der(out, der.data, der.len, err);
    bytes_deinit(&der);
    return rc == ERR_OK ? 1 : rc == ERR_NOMEM ? rc : 0;
}

// Says who signed when it was not the key that was expected.
static int note_signer(struct seal *s, const struct sign_parts *p, const struct crypto_key *named,
                       struct err *err)
{
    char expected[SHA256_HEX_LEN], came[SHA256_HEX_LEN];
    int rc = named ? sign_parts_verify(p, named, err) : 0;
    if (rc < 0) return rc;
    if (!s->key || rc == 0)
        return note(s, err, SEAL_SIG, "the signature does not fit what is signed");
    rc = crypto_key_fingerprint(s->key, expected, err);
    if (rc == ERR_OK) rc = crypto_key_fingerprint(named, came, err);
    return rc < 0 ? rc
                  : note(s, err, SEAL_SIG,
                         "expected the signature of key %.16s…, got that of key %.16s…", expected,
                         came);
}

// Every bit of root.sig: other ways to write the same envelope are not how sign writes it.
static int check_spelling(struct seal *s, const struct sign_parts *p, const struct bytes *text,
                          struct err *err)
{
    struct bytes again;
    bytes_init(&again, 2 * SIGN_BODY_MAX);
    int rc = sign_parts_write(p, &again, err);
    bool same = rc == ERR_OK && again.len == text->len &&
                memcmp(again.data, text->data, text->len) == 0 &&
                strcmp(p->keyid, s->out->signer) == 0;
    bytes_deinit(&again);
    if (rc < 0 || same) return rc;
    return note(s, err, SEAL_SIG, "it is not written as foxbench sign writes it");
}

// Returns 1 when p is a signature that fits, after noting what does not.
static int check_envelope(struct seal *s, const struct sign_parts *p, const struct bytes *text,
                          const struct jval *root, struct err *err)
{
    struct crypto_key *named = NULL;
    if (strcmp(p->type, SEAL_TYPE) != 0) {
        int rc =
            note(s, err, SEAL_SIG, "expected a document of type %s, got %s", SEAL_TYPE, p->type);
        return rc < 0 ? rc : 0;
    }
    int rc = named_key(&named, root, err);
    if (rc < 0) return rc;
    const struct crypto_key *key = s->key ? s->key : named;
    s->out->own_key = !s->key;
    int fits = key ? sign_parts_verify(p, key, err) : 0;
    rc = fits;
    if (fits == 0) rc = note_signer(s, p, named, err);
    if (fits == 1) rc = crypto_key_fingerprint(key, s->out->signer, err);
    if (fits == 1 && rc == ERR_OK) rc = check_spelling(s, p, text, err);
    crypto_key_free(named);
    return rc < 0 ? rc : fits;
}

static int check_file(struct seal *s, const struct jval *f, struct err *err)
{
    const char *path = jval_text(jval_get(f, "path"), "");
    const char *expected = jval_text(jval_get(f, "sha256"), "");
    int64_t size = jval_int(jval_get(f, "size"), -1);
    char full[PATH_MAX], got[SHA256_HEX_LEN];
    struct stat st;
    if (!seal_is_plain(path)) return note(s, err, SEAL_ROOT, "it names a file outside the run");
    int rc = jval_set(s->covered, path, jval_make(err, "b", 1), err);
    if (rc < 0) return rc;
    snprintf(full, sizeof full, "%s/%s", s->dir, path);
    if (lstat(full, &st) != 0)
        return note(s, err, path, "the file is missing (%s)", strerror(errno));
    if (!S_ISREG(st.st_mode)) return note(s, err, path, "it is no regular file any more");
    if (st.st_size != size)
        return note(s, err, path, "expected %lld bytes, got %lld", (long long)size,
                    (long long)st.st_size);
    rc = crypto_sha256_file(full, got, NULL, err);
    if (rc == ERR_OK) rc = jval_set(s->out->digests, path, jval_make(err, "s", got), err);
    if (rc < 0) return rc;
    if (strcmp(got, expected) != 0)
        return note(s, err, path, "expected SHA-256 %.16s…, got %.16s…", expected, got);
    s->out->files++;
    return ERR_OK;
}

static int list_unsigned(struct seal *s, struct err *err)
{
    struct tree tree;
    int rc = tree_read(&tree, s->dir, err);
    if (rc < 0) return rc;
    for (size_t i = 0; rc == ERR_OK && i < tree.n; i++) {
        const char *path = tree.files[i].path;
        if (seal_is_own(path) || jval_get(s->covered, path)) continue;
        // a name may hold bytes that JSON cannot
        struct jval *name = jval_make(NULL, "s", path);
        if (!name) name = jval_make(err, "s", "(a file whose name is not UTF-8)");
        rc = jval_append(s->out->unsigned_too, name, err);
    }
    tree_deinit(&tree);
    return rc;
}

static int check_root(struct seal *s, const struct sign_parts *p, const struct bytes *text,
                      struct err *err)
{
    struct jval *root = NULL;
    struct bytes copy;
    struct err ignored;
    bytes_init(&copy, SIGN_BODY_MAX);
    if (jval_parse(&root, (const char *)p->body.data, p->body.len, &ignored) < 0) root = NULL;
    int rc = check_envelope(s, p, text, root, err);
    if (rc != 1) goto out; // what nobody signed says nothing about the files
    snprintf(s->out->signed_at, sizeof s->out->signed_at, "%s",
             jval_text(jval_get(root, "signed"), ""));
    rc = read_file(s, SEAL_ROOT, &copy, err);
    if (rc == ERR_OK && (copy.len != p->body.len || memcmp(copy.data, p->body.data, copy.len) != 0))
        rc =
            note(s, err, SEAL_ROOT, "it is not the document that was signed, which is in root.sig");
    const struct jval *files = jval_get(root, "files");
    if (rc == ERR_OK && jval_kind(files) != JVAL_ARRAY)
        rc = note(s, err, SEAL_ROOT, "it has no list of files");
    for (size_t i = 0; rc == ERR_OK && i < jval_len(files); i++)
        rc = check_file(s, jval_at(files, i), err);
    if (rc == ERR_OK) rc = list_unsigned(s, err);
out:
    bytes_deinit(&copy);
    jval_free(root);
    return rc < 0 ? rc : ERR_OK;
}

static bool is_regular(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int check(struct seal *s, struct err *err)
{
    struct sign_parts parts = {0};
    struct bytes text;
    struct err why = {0};
    const bool has_json = seal_exists(s->dir, SEAL_ROOT), has_sig = seal_exists(s->dir, SEAL_SIG);
    if (!has_json && !has_sig) return ERR_OK; // SEAL_NONE
    s->out->state = SEAL_GOOD;
    if (!has_json) return note(s, err, SEAL_ROOT, "the file is missing, but root.sig is there");
    if (!has_sig)
        return note(s, err, SEAL_SIG,
                    "the file is missing, but root.json is there: the signature was taken away, or "
                    "foxbench sign was cut short");
    // what was put in their place might never end, or never begin
    if (!is_regular(s->dir, SEAL_ROOT)) return note(s, err, SEAL_ROOT, "it is no regular file");
    if (!is_regular(s->dir, SEAL_SIG)) return note(s, err, SEAL_SIG, "it is no regular file");
    bytes_init(&text, 2 * SIGN_BODY_MAX);
    int rc = read_file(s, SEAL_SIG, &text, err);
    if (rc < 0) goto out;
    rc = sign_parts_read(&parts, (const char *)text.data, text.len, &why);
    if (rc == ERR_FORMAT || rc == ERR_LIMIT)
        rc = note(s, err, SEAL_SIG, "%s", why.text);
    else if (rc < 0)
        rc = err_set(err, rc, "%s", why.text);
    else
        rc = check_root(s, &parts, &text, err);
out:
    sign_parts_deinit(&parts);
    bytes_deinit(&text);
    return rc;
}

int seal_check(struct seal_result *out, const char *run_dir, const struct crypto_key *key,
               struct err *err)
{
    char dir[PATH_MAX];
    *out = (struct seal_result){0};
    if (!realpath(run_dir, dir))
        return err_set(err, ERR_NOTFOUND, "%s: expected a run directory: %s", run_dir,
                       strerror(errno));
    struct seal s = {.dir = dir, .key = key, .out = out, .covered = jval_object()};
    out->altered = jval_array();
    out->unsigned_too = jval_array();
    out->digests = jval_object();
    int rc = s.covered && out->altered && out->unsigned_too && out->digests
                 ? check(&s, err)
                 : err_set(err, ERR_NOMEM, "signature: out of memory");
    jval_free(s.covered);
    if (rc < 0) seal_result_deinit(out);
    return rc;
}

void seal_result_deinit(struct seal_result *r)
{
    jval_free(r->altered);
    jval_free(r->unsigned_too);
    jval_free(r->digests);
    r->altered = NULL;
    r->unsigned_too = NULL;
    r->digests = NULL;
}
