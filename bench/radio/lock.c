#include "bench/radio/lock.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_SIZE = 200, TRIES = 3, BACKLOG = 128 };

static socklen_t name_lock(struct sockaddr_un *name, const char *uri, const char *serial)
{
    const char *lab = strncmp(uri, "ip:127.", 7) == 0 || !*serial ? uri : "";
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "foxbench radio %.40s %.40s",
                     serial, lab);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

// The words of a process's command line, as far as they fit; empty when it does not say.
static void read_command(pid_t pid, char text[TEXT_SIZE])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, TEXT_SIZE - 1, f) : 0;
    if (f) fclose(f);
    while (n > 0 && !text[n - 1])
        n--;
    text[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ') text[i] = ' ';
}

static pid_t parent_of(pid_t pid)
{
    char path[64];
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%*d %*s %*c %ld", &parent) != 1) parent = 0;
    if (f) fclose(f);
    return (pid_t)parent;
}

// In words who answers at the lock's name; false when nobody does any more.
static bool find_holder(const struct sockaddr_un *name, socklen_t len, char *who, size_t size)
{
    struct ucred peer = {0};
    socklen_t peer_len = sizeof peer;
    char command[TEXT_SIZE];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool there = fd >= 0 && (connect(fd, (const struct sockaddr *)name, len) == 0 ||
                             errno == EAGAIN); // many ask
    if (there) (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len);
    if (fd >= 0) close(fd);
    if (!there) return false;
    snprintf(who, size, "another program");
    if (peer.pid <= 0) return true;
    pid_t pid = peer.pid;
    read_command(pid, command);
    const size_t n = strlen(command);
    // A worker is its supervisor's.
    if (n > 7 && strcmp(command + n - 7, " worker") == 0 && parent_of(pid) > 1) {
        pid = parent_of(pid);
        read_command(pid, command);
    }
    snprintf(who, size, "process %ld%s%s%s", (long)pid, *command ? " (" : "", command,
             *command ? ")" : "");
    return true;
}

int radio_lock_take(int *fd, const char *uri, const char *serial, struct err *err)
{
    struct sockaddr_un name;
    const socklen_t len = name_lock(&name, uri, serial);
    char who[TEXT_SIZE + 40];
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0) return err_set(err, ERR_IO, "radio %s: lock: %s", uri, strerror(errno));
    int why = 0;
    for (int i = 0; i < TRIES; i++) {
        if (bind(*fd, (const struct sockaddr *)&name, len) == 0 && listen(*fd, BACKLOG) == 0)
            return ERR_OK;
        why = errno;
        if (why == EADDRINUSE && find_holder(&name, len, who, sizeof who)) {
            close(*fd);
            *fd = -1;
            return err_set(err, ERR_BUSY, "radio %s: %s has it; wait for its end, or end it", uri,
                           who);
        }
    }
    close(*fd);
    *fd = -1;
    return err_set(err, ERR_BUSY, "radio %s: its lock cannot be had: %s; try again", uri,
                   strerror(why));
}
