#include "bench/run_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/base/json.h"
#include "bench/base/secret.h"
#include "bench/record/tree.h"
#include "bench/run_process.h"
#include "dut/keysearch.h"
#include "lua/bind/script.h"

// A form takes at most OVERLAP bytes: 16 bytes as UTF-16 hex text with separators between them.
enum { KEYS_MAX = 64, CHUNK = 4 << 20, OVERLAP = 1024, HITS_MAX = 64, KEY_BYTES = 16 };
enum { PDF_MS = 60000 };

struct search {
    struct run_secrets *out;
    struct secret keys[KEYS_MAX];
    struct keysearch_secret named[KEYS_MAX];
    char names[KEYS_MAX][32];
    size_t n_keys;
    uint8_t *chunk;
};

static int read_key(struct search *s, const struct jval *holder, const char *base_dir,
                    const char *name, struct err *err)
{
    const char *ref = jval_text(jval_get(holder, "key"), NULL);
    if (!ref || strncmp(ref, "pkcs11:", 7) == 0) return ERR_OK;
    if (s->n_keys == KEYS_MAX)
        return err_set(err, ERR_LIMIT, "the device file names more than %d keys", KEYS_MAX);
    size_t i = s->n_keys;
    int rc = secret_from_ref(&s->keys[i], ref, base_dir, KEY_BYTES, err);
    if (rc < 0) return err_prefix(err, "%s", name);
    snprintf(s->names[i], sizeof s->names[i], "%s", name);
    s->named[i] = (struct keysearch_secret){s->names[i], &s->keys[i]};
    s->n_keys++;
    return ERR_OK;
}

static int read_keys(struct search *s, const char *device_file, struct err *err)
{
    struct jval *device = NULL;
    char base_dir[PATH_MAX], name[32];
    int rc = script_read_data(device_file, &device, err);
    if (rc < 0) return rc;
    snprintf(base_dir, sizeof base_dir, "%s", device_file);
    char *slash = strrchr(base_dir, '/');
    if (slash) *slash = 0;
    const char *base = slash ? base_dir : ".";
    rc = read_key(s, device, base, "the device's key", err);
    const struct jval *samples = jval_get(device, "samples");
    for (size_t i = 0; rc == ERR_OK && i < jval_len(samples); i++) {
        snprintf(name, sizeof name, "the key of sample %zu", i + 1);
        rc = read_key(s, jval_at(samples, i), base, name, err);
    }
    jval_free(device);
    return rc;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

// One finding for each file, key and form: a key that a log repeats fills no pages.
static void report(struct search *s, const char *path, const struct keysearch_hit *h, size_t offset)
{
    struct run_secrets *out = s->out;
    char xored[40] = "", text[RUN_SECRETS_TEXT_MAX];
    if (h->xored_with) snprintf(xored, sizeof xored, ", XORed with %02x", h->xored_with);
    snprintf(text, sizeof text, "%s (fingerprint %s) stands in %.200s as %s%s", h->name,
             h->fingerprint, path, keysearch_form_name(h->form), xored);
    size_t len = strlen(text),
           kept = out->n < RUN_SECRETS_FOUND_MAX ? out->n : RUN_SECRETS_FOUND_MAX;
    for (size_t i = 0; i < kept; i++)
        if (strncmp(out->found[i].text, text, len) == 0 && out->found[i].text[len] == ' ') return;
    if (out->n < RUN_SECRETS_FOUND_MAX) {
        struct run_secrets_found *f = &out->found[out->n];
        f->said_by_device = ends_with(path, "/uart.log");
        snprintf(text + len, sizeof text - len, " at byte %zu", offset);
        memcpy(f->text, text, sizeof text);
    }
    out->n++;
}

// Reads until `want` bytes or the end. The number of bytes, or -1.
static ssize_t fill(int fd, uint8_t *to, size_t want)
{
    size_t done = 0;
    while (done < want) {
        ssize_t n = read(fd, to + done, want - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

// Chunk after chunk, each with the end of the one before in front: what lies across is found once.
static int search_stream(struct search *s, const char *path, int fd, struct err *err)
{
    size_t kept = 0, at = 0; // bytes kept from before, place of chunk[0] in the file
    for (;;) {
        ssize_t n = fill(fd, s->chunk + kept, CHUNK);
        if (n < 0) return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        size_t len = kept + (size_t)n;
        struct keysearch_hit hits[HITS_MAX];
        int found = keysearch_find(s->chunk, len, s->named, s->n_keys, hits, HITS_MAX, err);
        if (found < 0) return found;
        for (int i = 0; i < found && i < HITS_MAX; i++)
            report(s, path, &hits[i], at + hits[i].offset);
        if (n < CHUNK) return ERR_OK;
        memmove(s->chunk, s->chunk + len - OVERLAP, OVERLAP);
        at += len - OVERLAP;
        kept = OVERLAP;
    }
}

static int search_file(struct search *s, const char *run_dir, const char *path, struct err *err)
{
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", run_dir, path);
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return err_set(err, ERR_IO, "%s: %s", full, strerror(errno));
    s->out->files++;
    int rc = search_stream(s, path, fd, err);
    close(fd);
    return rc;
}

// A PDF holds its text compressed: what a reader sees of it is what pdftotext gives.
static int search_pdf_text(struct search *s, const char *run_dir, const char *path, struct err *err)
{
    char full[PATH_MAX], name[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", run_dir, path);
    snprintf(name, sizeof name, "the text of %.200s", path);
    FILE *text = tmpfile();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct process p = {.pidfd = -1};
    int rc = text && null >= 0 ? ERR_OK : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (rc == ERR_OK) {
        const char *argv[] = {"sh", "-c", "exec pdftotext \"$0\" -", full, NULL};
        const struct process_config config = {.program = "/bin/sh",
                                              .argv = argv,
                                              .in = null,
                                              .out = fileno(text),
                                              .err = null,
                                              .keep = -1,
                                              .death_signal = SIGKILL};
        if (process_start(&p, &config, NULL) < 0 || !process_wait(&p, PDF_MS) ||
            !WIFEXITED(p.status) || WEXITSTATUS(p.status) != 0)
            s->out->pdf_unread = true;
        else
            rc = lseek(fileno(text), 0, SEEK_SET) == 0 ? search_stream(s, name, fileno(text), err)
                                                       : err_set(err, ERR_IO, "%s", name);
    }
    process_end(&p);
    if (null >= 0) close(null);
    if (text) fclose(text);
    return rc;
}

static bool is_wanted(const char *path, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (strncmp(path, *prefixes, strlen(*prefixes)) == 0) return true;
    return false;
}

static int search_all(struct search *s, const char *run_dir, const char *const *prefixes,
                      struct err *err)
{
    struct tree tree = {0};
    int rc = tree_read(&tree, run_dir, err);
    for (size_t i = 0; rc == ERR_OK && i < tree.n; i++) {
        const char *path = tree.files[i].path;
        if (!tree.files[i].is_regular || !is_wanted(path, prefixes)) continue;
        rc = search_file(s, run_dir, path, err);
        if (rc == ERR_OK && ends_with(path, ".pdf")) rc = search_pdf_text(s, run_dir, path, err);
    }
    tree_deinit(&tree);
    return rc;
}

int run_secrets_search(struct run_secrets *out, const char *run_dir, const char *device_file,
                       const char *const *prefixes, struct err *err)
{
    *out = (struct run_secrets){0};
    struct search *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "search for keys: out of memory");
    s->out = out;
    s->chunk = malloc(CHUNK + OVERLAP);
    int rc = s->chunk ? read_keys(s, device_file, err)
                      : err_set(err, ERR_NOMEM, "search for keys: out of memory");
    if (rc == ERR_OK && s->n_keys > 0) rc = search_all(s, run_dir, prefixes, err);
    out->keys = s->n_keys;
    for (size_t i = 0; i < s->n_keys; i++)
        secret_deinit(&s->keys[i]);
    free(s->chunk);
    free(s);
    return rc;
}
