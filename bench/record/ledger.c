#include "bench/record/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/record/verify_chain.h"

const char ledger_origin[SHA256_HEX_LEN] =
    "0000000000000000000000000000000000000000000000000000000000000000";

struct chain {
    const char *name;
    int fd;
    char prev[SHA256_HEX_LEN];
    off_t len;
};

struct ledger {
    int dir; // holds the lock
    struct chain events;
    struct chain wall;
    int64_t seq;
    int64_t t;
    bool closed; // sealed or spoilt
};

int ledger_digest(const char *line, size_t len, char out[SHA256_HEX_LEN], struct err *err)
{
    uint8_t digest[SHA256_LEN];
    int rc = crypto_sha256(line, len, digest, err);
    if (rc == ERR_OK) hex_encode(digest, sizeof digest, out);
    return rc;
}

static int lock(struct ledger *l, const char *run_dir, struct err *err)
{
    l->dir = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir < 0) return err_set(err, ERR_IO, "%s: %s", run_dir, strerror(errno));
    if (flock(l->dir, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, ERR_BUSY, "%s: another process works on this run; wait until it ends",
                       run_dir);
    return ERR_OK;
}

static int chain_open(struct chain *c, int dir, const char *name, struct err *err)
{
    c->name = name;
    memcpy(c->prev, ledger_origin, sizeof c->prev);
    c->fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (c->fd < 0) return err_set(err, ERR_IO, "%s cannot be created: %s", name, strerror(errno));
    return ERR_OK;
}

int ledger_create(struct ledger **out, const char *run_dir, struct err *err)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l) return err_set(err, ERR_NOMEM, "ledger: out of memory");
    l->events.fd = l->wall.fd = -1;
    int rc = lock(l, run_dir, err);
    if (rc == ERR_OK) rc = chain_open(&l->events, l->dir, "events.jsonl", err);
    if (rc == ERR_OK) rc = chain_open(&l->wall, l->dir, "wall.jsonl", err);
    if (rc < 0) {
        ledger_free(l);
        return rc;
    }
    *out = l;
    return ERR_OK;
}

void ledger_free(struct ledger *l)
{
    if (!l) return;
    if (l->events.fd >= 0) close(l->events.fd);
    if (l->wall.fd >= 0) close(l->wall.fd);
    if (l->dir >= 0) close(l->dir);
    free(l);
}

static int chain_append(struct chain *c, const char *line, size_t len, struct err *err)
{
    char digest[SHA256_HEX_LEN];
    int rc = ledger_digest(line, len, digest, err);
    if (rc < 0) return rc;

    char *text = malloc(len + 1);
    if (!text) return err_set(err, ERR_NOMEM, "%s: out of memory", c->name);
    memcpy(text, line, len);
    text[len] = '\n';
    size_t done = 0;
    ssize_t n = 0;
    while (done <= len && (n = write(c->fd, text + done, len + 1 - done)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        done += (size_t)n;
    }
    int why = errno;
    free(text);
    if (done <= len) {
        // Half a line helps nobody. When it cannot be taken back, readers see a torn last line.
        if (ftruncate(c->fd, c->len) != 0) why = errno;
        return err_set(err, ERR_IO, "%s cannot be written: %s", c->name, strerror(why));
    }
    c->len += (off_t)len + 1;
    memcpy(c->prev, digest, sizeof digest);
    return ERR_OK;
}

static int chain_sync(const struct chain *c, struct err *err)
{
    if (fdatasync(c->fd) == 0) return ERR_OK;
    return err_set(err, ERR_IO, "%s cannot be brought to the disk: %s", c->name, strerror(errno));
}

static void wall_now(char out[32])
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm tm;
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static int append_event(struct ledger *l, struct jval *event, struct err *err)
{
    int rc = jval_set(event, "seq", jval_make(err, "I", (long long)l->seq), err);
    if (rc == ERR_OK) rc = jval_set(event, "prev", jval_make(err, "s", l->events.prev), err);
    if (rc < 0) return rc;
    char *line = jval_dump(event, err);
    if (!line) return ERR_FORMAT;
    size_t len = strlen(line);
    if (len > LEDGER_LINE_MAX)
        rc = err_set(err, ERR_LIMIT, "an event of %zu bytes is longer than %d", len,
                     LEDGER_LINE_MAX);
    if (rc == ERR_OK) rc = chain_append(&l->events, line, len, err);
    free(line);
    return rc;
}

// The wall line vouches for its event, so the last event too has a line that names its digest.
static int append_wall(struct ledger *l, struct err *err)
{
    char now[32];
    wall_now(now);
    struct jval *j = jval_make(err, "{s:s, s:s, s:I, s:s}", "event", l->events.prev, "prev",
                               l->wall.prev, "seq", (long long)l->seq, "wall", now);
    char *line = j ? jval_dump(j, err) : NULL;
    jval_free(j);
    int rc = line ? chain_append(&l->wall, line, strlen(line), err) : ERR_FORMAT;
    free(line);
    return rc;
}

static bool must_be_synced(const char *type)
{
    return strcmp(type, "run.begin") == 0 || strcmp(type, "case.end") == 0 ||
           strcmp(type, "fault") == 0 || strcmp(type, "run.resume") == 0 ||
           strcmp(type, "run.end") == 0;
}

static int sync_both(struct ledger *l, struct err *err)
{
    int rc = chain_sync(&l->events, err);
    return rc == ERR_OK ? chain_sync(&l->wall, err) : rc;
}

int ledger_append(struct ledger *l, struct jval *event, struct err *err)
{
    if (l->closed) return err_set(err, ERR_SEQUENCE, "the ledger is closed");
    const char *type = jval_text(jval_get(event, "type"), NULL);
    int64_t t = jval_int(jval_get(event, "t"), -1);
    if (!type || t < 0)
        return err_set(err, ERR_FORMAT, "expected an event with a type and a sample time, got %s",
                       type ? "no time" : "no type");
    if (t < l->t)
        return err_set(err, ERR_SEQUENCE,
                       "event \"%s\": sample time went back from %lld to %lld; it may only grow",
                       type, (long long)l->t, (long long)t);
    int rc = append_event(l, event, err);
    if (rc == ERR_LIMIT || rc == ERR_FORMAT) return rc; // nothing was written
    if (rc == ERR_OK) rc = append_wall(l, err);
    if (rc == ERR_OK && must_be_synced(type)) rc = sync_both(l, err);
    if (rc < 0) {
        l->closed = true;
        return rc;
    }
    l->t = t;
    l->seq++;
    return ERR_OK;
}

// Cuts the file behind its first n lines and goes on there.
static int chain_reopen(struct chain *c, int dir, const char *name, const struct chain_file *f,
                        size_t n, struct err *err)
{
    c->name = name;
    c->len = n > 0 ? (off_t)f->lines[n - 1].end : 0;
    memcpy(c->prev, n > 0 ? f->lines[n - 1].sha256 : ledger_origin, sizeof c->prev);
    c->fd = openat(dir, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (c->fd < 0 || ftruncate(c->fd, c->len) != 0)
        return err_set(err, ERR_IO, "%s cannot be continued: %s", name, strerror(errno));
    return ERR_OK;
}

static int read_chain(struct chain_file *f, const char *run_dir, const char *name, bool is_wall,
                      struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    return chain_file_read(f, path, is_wall, err);
}

static int go_on(struct ledger *l, const struct chain_file *events, const struct chain_file *wall,
                 struct err *err)
{
    struct chain_result found;
    chain_compare(events, wall, &found);
    if (found.state == CHAIN_ALTERED)
        return err_set(err, ERR_CHECK, "%s: %s; an altered run cannot be continued", found.where,
                       found.why);
    if (events->n == 0)
        return err_set(
            err, ERR_NOTFOUND,
            "events.jsonl holds no event: nothing was begun; start it with foxbench run");
    size_t n_wall = wall->n - (wall->n > 0 && wall->lines[wall->n - 1].is_seal);
    if (n_wall > events->n) n_wall = events->n;
    int rc = chain_reopen(&l->events, l->dir, "events.jsonl", events, events->n, err);
    if (rc == ERR_OK) rc = chain_reopen(&l->wall, l->dir, "wall.jsonl", wall, n_wall, err);
    l->t = events->lines[events->n - 1].t;
    l->seq = (int64_t)events->n - 1;
    // Killed between the two writes: only the last event can be without its wall line.
    if (rc == ERR_OK && n_wall < events->n) rc = append_wall(l, err);
    l->seq = (int64_t)events->n;
    return rc == ERR_OK ? sync_both(l, err) : rc;
}

int ledger_reopen(struct ledger **out, const char *run_dir, struct err *err)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l) return err_set(err, ERR_NOMEM, "ledger: out of memory");
    struct chain_file events = {0}, wall = {0};
    l->events.fd = l->wall.fd = -1;
    int rc = lock(l, run_dir, err);
    if (rc == ERR_OK) rc = read_chain(&events, run_dir, "events.jsonl", false, err);
    if (rc == ERR_OK) rc = read_chain(&wall, run_dir, "wall.jsonl", true, err);
    if (rc == ERR_OK) rc = go_on(l, &events, &wall, err);
    chain_file_deinit(&events);
    chain_file_deinit(&wall);
    if (rc < 0) {
        ledger_free(l);
        return rc;
    }
    *out = l;
    return ERR_OK;
}

int64_t ledger_time(const struct ledger *l)
{
    return l->t;
}

char *ledger_seal_line(size_t events, const char prev[SHA256_HEX_LEN], struct err *err)
{
    struct jval *j =
        jval_make(err, "{s:b, s:s, s:I}", "end", 1, "prev", prev, "seq", (long long)events);
    char *line = j ? jval_dump(j, err) : NULL;
    jval_free(j);
    return line;
}

int ledger_seal(struct ledger *l, struct err *err)
{
    if (l->closed) return err_set(err, ERR_SEQUENCE, "the ledger is closed");
    l->closed = true;
    char *line = ledger_seal_line((size_t)l->seq, l->wall.prev, err);
    int rc = line ? chain_append(&l->wall, line, strlen(line), err) : ERR_FORMAT;
    free(line);
    return rc == ERR_OK ? sync_both(l, err) : rc;
}
