#include "bench/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

int run_dir_parents(const char *path, struct err *err)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = 0;
        struct stat st;
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            return err_set(err, ERR_IO, "-o %s: %s cannot be made: %s", path, copy,
                           strerror(errno));
        if (stat(copy, &st) == 0 && !S_ISDIR(st.st_mode))
            return err_set(err, ERR_IO, "-o %s: expected a folder, %s is none", path, copy);
        if (!slash) return ERR_OK;
        *slash = '/';
    }
}

// Two equal plans within one second would have one name: the second run waits for the next second.
int run_dir_make(char dir[PATH_MAX], const char *parent, const char *hash, const char *device,
                 struct err *err)
{
    for (int tries = 0; tries < 5; tries++) {
        char stamp[32];
        time_t now = time(NULL);
        struct tm tm;
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
        int n = snprintf(dir, PATH_MAX, "%s/%s-%.8s-%s", parent, stamp, hash, device);
        if (n < 0 || (size_t)n >= PATH_MAX)
            return err_set(err, ERR_LIMIT, "-o %.80s…: path too long", parent);
        if (mkdir(dir, 0755) == 0) return ERR_OK;
        if (errno != EEXIST)
            return err_set(err, ERR_IO, "run directory %s cannot be made: %s", dir,
                           strerror(errno));
        usleep(300000);
    }
    return err_set(err, ERR_BUSY, "run directory %s: the name is taken again and again", dir);
}

// Must be free beside what is kept for the books and the report.
enum { FREE_KIB = 256, KEPT_KIB = RUN_DIR_KEPT / 1024 };

static int no_room(int64_t need_kib, int64_t left_kib, struct err *err)
{
    return err_set(
        err, ERR_IO,
        "the disk is full: expected room for %lld KiB, found %lld KiB; free some, or name "
        "another place with -o, and run again",
        (long long)need_kib, (long long)left_kib);
}

static int64_t left_kib(const char *path)
{
    struct statvfs fs;
    return statvfs(path, &fs) == 0 ? (int64_t)(fs.f_bavail * (fs.f_frsize / 512) / 2) : 0;
}

int run_dir_room(const char *path, int64_t need, struct err *err)
{
    int64_t left = left_kib(path), need_kib = FREE_KIB + need / 1024;
    return left >= need_kib ? ERR_OK : no_room(need_kib, left, err);
}

static void kept_path(const char *dir, char path[PATH_MAX + 16])
{
    snprintf(path, PATH_MAX + 16, "%s/.room", dir);
}

int run_dir_keep_room(const char *dir, struct err *err)
{
    char path[PATH_MAX + 16];
    kept_path(dir, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    int why = fd < 0 ? errno : posix_fallocate(fd, 0, KEPT_KIB * 1024);
    if (fd >= 0) close(fd);
    if (why == 0) return ERR_OK;
    run_dir_give_room(dir);
    return why == ENOSPC ? no_room(FREE_KIB + KEPT_KIB, left_kib(dir), err)
                         : err_set(err, ERR_IO, "%s: %s", path, strerror(why));
}

void run_dir_give_room(const char *dir)
{
    char path[PATH_MAX + 16];
    kept_path(dir, path);
    unlink(path);
}

// `latest` is a convenience: a folder of that name, or a file system without links, costs no run.
void run_dir_link_latest(const char *dir, const char *parent)
{
    char link[PATH_MAX + 16], temporary[PATH_MAX + 48];
    struct stat st;
    snprintf(link, sizeof link, "%s/latest", parent);
    if (lstat(link, &st) == 0 && !S_ISLNK(st.st_mode)) return;
    snprintf(temporary, sizeof temporary, "%s/.latest-%d", parent, (int)getpid());
    if (symlink(strrchr(dir, '/') + 1, temporary) != 0) return;
    if (rename(temporary, link) != 0) unlink(temporary);
}
