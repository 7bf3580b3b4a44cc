#include "bench/record/index.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/record/durations.h"
#include "bench/record/index_read.h"

enum { VERSION = 2, BUSY_MS = 5000 };

// What is listed stands in `run` as JSON; beside it only what is searched for.
static const char schema[] =
    "CREATE TABLE run (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, seen INTEGER NOT NULL,"
    "                  device TEXT NOT NULL, run TEXT NOT NULL, judged INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE duration (run TEXT NOT NULL, name TEXT NOT NULL, device TEXT NOT NULL,"
    "                       bench TEXT NOT NULL, profile TEXT NOT NULL, wall_s REAL NOT NULL,"
    "                       bench_s REAL NOT NULL, air_s REAL NOT NULL);"
    "CREATE INDEX duration_name ON duration (name);"
    "PRAGMA user_version = 2;";

struct index {
    char folder[PATH_MAX];
    sqlite3 *db;
    int64_t round; // of this refresh: runs that were not seen in it are gone
};

static int db_error(const struct index *ix, const char *doing, struct err *err)
{
    return err_set(err, ERR_IO,
                   "%s/index.sqlite: cannot %s: %s; it may be deleted, and is made again",
                   ix->folder, doing, ix->db ? sqlite3_errmsg(ix->db) : "out of memory");
}

// --- opening

static int64_t ask_number(struct index *ix, const char *sql, int64_t otherwise)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(ix->db, sql, -1, &s, NULL) != SQLITE_OK) return otherwise;
    int64_t value = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : otherwise;
    sqlite3_finalize(s);
    return value;
}

static bool prepare(struct index *ix)
{
    sqlite3_busy_timeout(ix->db, BUSY_MS);
    int64_t version = ask_number(ix, "PRAGMA user_version", -1);
    if (version == 0) {
        // Another process may be making it at this moment.
        if (sqlite3_exec(ix->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return false;
        version = ask_number(ix, "PRAGMA user_version", -1);
        if (version == 0 && sqlite3_exec(ix->db, schema, NULL, NULL, NULL) == SQLITE_OK)
            version = VERSION;
        if (sqlite3_exec(ix->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) return false;
    }
    return version == VERSION &&
           ask_number(ix, "SELECT quick_check = 'ok' FROM pragma_quick_check", 0) == 1 &&
           ask_number(ix, "SELECT count(*) FROM run WHERE NOT json_valid(run)", -1) == 0;
}

static bool can_write(struct index *ix)
{
    return sqlite3_exec(ix->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(ix->db, "UPDATE run SET seen = seen WHERE name = ''", NULL, NULL, NULL) ==
               SQLITE_OK &&
           sqlite3_exec(ix->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static bool open_file(struct index *ix, const char *path)
{
    sqlite3_close(ix->db);
    ix->db = NULL;
    return sqlite3_open_v2(path, &ix->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
               SQLITE_OK &&
           prepare(ix) && can_write(ix);
}

static bool is_busy(struct index *ix)
{
    int code = ix->db ? sqlite3_errcode(ix->db) : SQLITE_OK;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

int index_open(struct index **out, const char *folder, struct err *err)
{
    char path[PATH_MAX + 16], journal[PATH_MAX + 32];
    struct stat st;
    struct index *ix = calloc(1, sizeof *ix);
    if (!ix) return err_set(err, ERR_NOMEM, "index: out of memory");
    snprintf(ix->folder, sizeof ix->folder, "%s", folder);
    snprintf(path, sizeof path, "%s/index.sqlite", folder);
    snprintf(journal, sizeof journal, "%s-journal", path);
    int rc = ERR_OK;
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) {
        rc = err_set(err, ERR_NOTFOUND,
                     "%s: expected a folder with run directories, found %s; foxbench run makes one",
                     folder, errno == ENOENT ? "nothing" : "something else");
    } else if (!open_file(ix, path)) {
        // Damaged or of another version: made anew. One that others hold is left alone.
        if (!is_busy(ix)) {
            sqlite3_close(ix->db);
            ix->db = NULL;
            unlink(path);
            unlink(journal);
        }
        if ((is_busy(ix) || !open_file(ix, path)) && !open_file(ix, ":memory:"))
            rc = db_error(ix, "be made", err);
    }
    if (rc < 0) {
        index_close(ix);
        return rc;
    }
    *out = ix;
    return ERR_OK;
}

void index_close(struct index *ix)
{
    if (!ix) return;
    sqlite3_close(ix->db);
    free(ix);
}

// --- following the folder

// 1: this very version of the run is known, and now seen.
static int see_known(struct index *ix, const char *name, const char *stamp, bool judged,
                     struct err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(
            ix->db, "UPDATE run SET seen = ?1 WHERE name = ?2 AND stamp = ?3 AND judged >= ?4", -1,
            &s, NULL) != SQLITE_OK)
        return db_error(ix, "be asked", err);
    sqlite3_bind_int(s, 4, judged);
    sqlite3_bind_int64(s, 1, ix->round);
    sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, stamp, -1, SQLITE_STATIC);
    int step = sqlite3_step(s);
    sqlite3_finalize(s);
    return step == SQLITE_DONE ? sqlite3_changes(ix->db) : db_error(ix, "be written", err);
}

static int put(struct index *ix, const char *name, const char *stamp, const struct jval *run,
               bool judged, struct err *err)
{
    sqlite3_stmt *s = NULL;
    char *text = jval_dump(run, err);
    if (!text) return ERR_FORMAT;
    int rc = ERR_OK;
    if (sqlite3_prepare_v2(ix->db, "INSERT OR REPLACE INTO run VALUES (?1, ?2, ?3, ?4, ?5, ?6)", -1,
                           &s, NULL) == SQLITE_OK) {
        sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, stamp, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 3, ix->round);
        sqlite3_bind_text(s, 4, jval_text(jval_get(run, "device"), ""), -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 5, text, -1, SQLITE_STATIC);
        sqlite3_bind_int(s, 6, judged);
        if (sqlite3_step(s) != SQLITE_DONE) rc = db_error(ix, "be written", err);
    } else {
        rc = db_error(ix, "be written", err);
    }
    sqlite3_finalize(s);
    free(text);
    return rc;
}

static int forget_durations(struct index *ix, const char *name, struct err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(ix->db, "DELETE FROM duration WHERE run = ?1", -1, &s, NULL) !=
        SQLITE_OK)
        return db_error(ix, "be written", err);
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    int step = sqlite3_step(s);
    sqlite3_finalize(s);
    return step == SQLITE_DONE ? ERR_OK : db_error(ix, "be written", err);
}

static int put_durations(struct index *ix, const char *name, const char *dir,
                         const struct jval *run, struct err *err)
{
    static const char *const whose[] = {"device", "bench", "profile"};
    static const char *const spans[] = {"wall_s", "bench_s", "air_s"};
    sqlite3_stmt *s = NULL;
    struct jval *list = NULL;
    int rc = forget_durations(ix, name, err);
    if (rc == ERR_OK) rc = durations_read(dir, &list, err);
    if (rc == ERR_OK &&
        sqlite3_prepare_v2(ix->db, "INSERT INTO duration VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                           -1, &s, NULL) != SQLITE_OK)
        rc = db_error(ix, "be written", err);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(list); i++) {
        const struct jval *d = jval_at(list, i);
        sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, jval_text(jval_get(d, "name"), ""), -1, SQLITE_STATIC);
        for (int k = 0; k < 3; k++) {
            sqlite3_bind_text(s, 3 + k, jval_text(jval_get(run, whose[k]), ""), -1, SQLITE_STATIC);
            sqlite3_bind_double(s, 6 + k, jval_number(jval_get(d, spans[k]), 0));
        }
        if (sqlite3_step(s) != SQLITE_DONE) rc = db_error(ix, "be written", err);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    jval_free(list);
    return rc;
}

static int read_run(struct index *ix, const char *name, const char *dir, const char *stamp,
                    const struct index_judge *judge, struct err *err)
{
    struct jval *run = NULL;
    struct err why = {0};
    char word[INDEX_WORD_MAX] = "";
    int rc = index_read(dir, &run, err);
    if (rc < 0) return rc;
    bool finished = strcmp(jval_text(jval_get(run, "state"), ""), "finished") == 0;
    if (finished && judge && judge->decide(judge->ctx, dir, word, &why) < 0) {
        // It has a begin and an end, but not all that lies between.
        word[0] = 0;
        rc = jval_set(run, "state", jval_make(err, "s", "unreadable"), err);
        if (rc == ERR_OK) rc = jval_set(run, "why", jval_make(err, "s", why.text), err);
    }
    if (rc == ERR_OK) rc = jval_set(run, "name", jval_make(err, "s", name), err);
    if (rc == ERR_OK) rc = jval_set(run, "decision", jval_make(err, "s", word), err);
    if (rc == ERR_OK) rc = put(ix, name, stamp, run, judge != NULL, err);
    if (rc == ERR_OK) rc = put_durations(ix, name, dir, run, err);
    jval_free(run);
    return rc;
}

// 1 when it was read.
static int follow_run(struct index *ix, const char *name, const struct index_judge *judge,
                      struct err *err)
{
    char dir[PATH_MAX], file[PATH_MAX + 16], stamp[INDEX_STAMP_MAX];
    struct stat st;
    int n = snprintf(dir, sizeof dir, "%s/%s", ix->folder, name);
    if (n < 0 || (size_t)n >= sizeof dir) return 0;
    snprintf(file, sizeof file, "%s/run.json", dir);
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || stat(file, &st) != 0) return 0;
    index_stamp(dir, stamp);
    int known = see_known(ix, name, stamp, judge != NULL, err);
    if (known != 0) return known < 0 ? known : 0;
    int rc = read_run(ix, name, dir, stamp, judge, err);
    return rc < 0 ? rc : 1;
}

static int follow_all(struct index *ix, const struct index_judge *judge, struct err *err)
{
    DIR *dir = opendir(ix->folder);
    if (!dir) return err_set(err, ERR_IO, "%s: %s", ix->folder, strerror(errno));
    const struct dirent *entry;
    int read = 0, rc = 0;
    while (rc >= 0 && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        rc = follow_run(ix, entry->d_name, judge, err);
        if (rc > 0) read += rc;
    }
    closedir(dir);
    return rc < 0 ? rc : read;
}

static int end_refresh(struct index *ix, int rc, struct err *err)
{
    if (rc >= 0 && sqlite3_exec(ix->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        rc = db_error(ix, "be written", err);
    if (rc < 0) sqlite3_exec(ix->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int index_refresh(struct index *ix, const struct index_judge *judge, struct err *err)
{
    if (sqlite3_exec(ix->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return db_error(ix, "be written", err);
    ix->round = ask_number(ix, "SELECT coalesce(max(seen), 0) + 1 FROM run", 1);
    int rc = follow_all(ix, judge, err);
    char sql[192];
    snprintf(sql, sizeof sql,
             "DELETE FROM run WHERE seen <> %lld;"
             "DELETE FROM duration WHERE run NOT IN (SELECT name FROM run)",
             (long long)ix->round);
    if (rc >= 0 && sqlite3_exec(ix->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        rc = db_error(ix, "be written", err);
    return end_refresh(ix, rc, err);
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

static int may_be_run(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

int index_refresh_newest(struct index *ix, size_t n, struct err *err)
{
    if (sqlite3_exec(ix->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return db_error(ix, "be written", err);
    ix->round = ask_number(ix, "SELECT coalesce(max(seen), 1) FROM run", 1);
    struct dirent **list = NULL;
    int found = scandir(ix->folder, &list, may_be_run, newest_first), read = 0, rc = 0;
    if (found < 0) rc = err_set(err, ERR_IO, "%s: %s", ix->folder, strerror(errno));
    for (int i = 0; i < found; i++) {
        if ((size_t)i < n && rc >= 0) {
            rc = follow_run(ix, list[i]->d_name, NULL, err);
            read += rc > 0;
        }
        free(list[i]);
    }
    free(list);
    return end_refresh(ix, rc < 0 ? rc : read, err);
}

// --- asking

int index_runs(struct index *ix, const char *device, int last, struct jval **out, struct err *err)
{
    sqlite3_stmt *s = NULL;
    struct jval *list = jval_array();
    // Names begin with the time.
    if (sqlite3_prepare_v2(ix->db,
                           "SELECT run FROM (SELECT name, run FROM run WHERE ?1 IS NULL OR device "
                           "= ?1 ORDER BY name DESC LIMIT ?2) ORDER BY name",
                           -1, &s, NULL) != SQLITE_OK) {
        jval_free(list);
        return db_error(ix, "be read", err);
    }
    sqlite3_bind_text(s, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 2, last > 0 ? last : -1);
    int rc = list ? ERR_OK : err_set(err, ERR_NOMEM, "index: out of memory"), step = SQLITE_ROW;
    while (rc == ERR_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        struct jval *run = NULL;
        const char *text = (const char *)sqlite3_column_text(s, 0);
        rc = jval_parse(&run, text ? text : "", (size_t)sqlite3_column_bytes(s, 0), err);
        if (rc == ERR_OK) rc = jval_append(list, run, err);
    }
    if (rc == ERR_OK && step != SQLITE_DONE) rc = db_error(ix, "be read", err);
    sqlite3_finalize(s);
    if (rc < 0) {
        jval_free(list);
        return rc;
    }
    *out = list;
    return ERR_OK;
}

int index_durations(struct index *ix, const char *device, const char *bench, const char *profile,
                    struct jval **out, struct err *err)
{
    sqlite3_stmt *s = NULL;
    struct jval *list = jval_array();
    if (sqlite3_prepare_v2(ix->db,
                           "SELECT name, device = ?1 AND bench = ?2 AND profile = ?3 AS same, "
                           "wall_s, bench_s, air_s, bench = 'virtual' FROM duration "
                           "ORDER BY name, same DESC, run DESC",
                           -1, &s, NULL) != SQLITE_OK) {
        jval_free(list);
        return db_error(ix, "be read", err);
    }
    sqlite3_bind_text(s, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, bench, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, profile, -1, SQLITE_STATIC);
    int rc = list ? ERR_OK : err_set(err, ERR_NOMEM, "index: out of memory"), step = SQLITE_ROW;
    while (rc == ERR_OK && (step = sqlite3_step(s)) == SQLITE_ROW)
        rc = jval_append(
            list,
            jval_make(err, "{s:s, s:b, s:f, s:f, s:f, s:b}", "name",
                      (const char *)sqlite3_column_text(s, 0), "same", sqlite3_column_int(s, 1),
                      "wall_s", sqlite3_column_double(s, 2), "bench_s", sqlite3_column_double(s, 3),
                      "air_s", sqlite3_column_double(s, 4), "virtual", sqlite3_column_int(s, 5)),
            err);
    if (rc == ERR_OK && step != SQLITE_DONE) rc = db_error(ix, "be read", err);
    sqlite3_finalize(s);
    if (rc < 0)
        jval_free(list);
    else
        *out = list;
    return rc;
}
