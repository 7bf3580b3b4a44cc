#include "bench/record/index_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/record/ledger.h"
#include "bench/record/lines.h"
#include "bench/record/seal_names.h"

static const char *const watched[] = {"run.json", "events.jsonl", "wall.jsonl", SEAL_SIG};

void index_stamp(const char *run_dir, char out[INDEX_STAMP_MAX])
{
    // Another version may read it otherwise.
    size_t used = (size_t)snprintf(out, INDEX_STAMP_MAX, "%.20s;", FOX_VERSION);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        char path[PATH_MAX];
        struct stat st = {0};
        snprintf(path, sizeof path, "%s/%s", run_dir, watched[i]);
        if (stat(path, &st) != 0) st = (struct stat){0};
        int n = snprintf(out + used, INDEX_STAMP_MAX - used, "%lld:%lld.%09ld;",
                         (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        used += n > 0 && used + (size_t)n < INDEX_STAMP_MAX ? (size_t)n : 0;
    }
}

// The last line that is whole, of a file of any length. New text, or NULL when there is none.
static char *last_line(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0) close(fd);
        return NULL;
    }
    off_t room = st.st_size < LEDGER_LINE_MAX ? st.st_size : LEDGER_LINE_MAX;
    char *text = malloc((size_t)room + 1);
    ssize_t n = text ? pread(fd, text, (size_t)room, st.st_size - room) : -1;
    close(fd);
    if (n < 1 || text[n - 1] != '\n') { // torn: nothing after the run's end may be so
        free(text);
        return NULL;
    }
    text[n - 1] = 0;
    char *begin = memrchr(text, '\n', (size_t)n - 1);
    if (begin) memmove(text, begin + 1, strlen(begin + 1) + 1);
    return text;
}

static struct jval *parse(const char *text)
{
    struct jval *j = NULL;
    struct err ignored;
    if (!text || jval_parse(&j, text, strlen(text), &ignored) < 0) return NULL;
    return j;
}

static struct jval *last_value(const char *run_dir, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    char *text = last_line(path);
    struct jval *j = parse(text);
    free(text);
    return j;
}

// Wall times of the first event and of the last one that has one; the closing line has none.
static void read_times(const char *run_dir, char begun[40], char ended[40])
{
    char path[PATH_MAX];
    struct lines l;
    struct err ignored;
    begun[0] = ended[0] = 0;
    snprintf(path, sizeof path, "%s/wall.jsonl", run_dir);
    if (lines_open(&l, path, &ignored) < 0) return;
    while (lines_next(&l, &ignored) == 1) {
        const char *wall = jval_text(jval_get(l.value, "wall"), NULL);
        if (!wall) continue;
        snprintf(ended, 40, "%.24s", wall);
        if (!*begun) snprintf(begun, 40, "%.24s", wall);
    }
    lines_close(&l);
}

static struct jval *copy_or(const struct jval *from, const char *key, struct jval *otherwise)
{
    struct jval *value = jval_get(from, key);
    if (!value) return otherwise;
    jval_free(otherwise);
    return jval_ref(value);
}

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

int index_read(const char *run_dir, struct jval **out, struct err *err)
{
    char path[PATH_MAX], begun[40], ended[40];
    struct jval *run = NULL;
    struct err why = {0};
    snprintf(path, sizeof path, "%s/run.json", run_dir);
    if (jval_load(&run, path, &why) < 0) run = NULL;
    struct jval *end = last_value(run_dir, "events.jsonl");
    bool ran = strcmp(text_of(end, "type"), "run.end") == 0;
    const char *state = !run ? "unreadable" : ran ? "finished" : "unfinished";
    const char *lacks = !run ? why.text : ran ? "" : "no run.end: it was killed, or goes on";
    read_times(run_dir, begun, ended);
    *out = jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:I, s:b}", "state",
                     state, "why", lacks, "begun", begun, "ended", ended, "device",
                     text_of(run, "device"), "bench", text_of(run, "bench"), "profile",
                     text_of(run, "profile"), "seed", (long long)jval_int(jval_get(run, "seed"), 0),
                     "faults", copy_or(run, "faults", jval_array()), "counts",
                     ran ? copy_or(end, "counts", jval_object()) : jval_object(), "exit",
                     (long long)(ran ? jval_int(jval_get(end, "exit"), -1) : -1), "signed",
                     (int)seal_exists(run_dir, SEAL_SIG));
    jval_free(run);
    jval_free(end);
    return *out ? ERR_OK : ERR_FORMAT;
}
