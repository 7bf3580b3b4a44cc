#include "dut/lab/nvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/log.h"
#include "dut/port/port_wire.h"

enum { WRITES_MAX = 32 };

struct pending {
    size_t offset, len, done;
    int64_t start_ns;
    uint8_t *data;
};

struct nvm {
    int fd;
    uint8_t *data;
    size_t size;
    struct pending writes[WRITES_MAX]; // in order of time, one after the other
    size_t n;
    int64_t busy_until_ns;
};

int nvm_open(struct nvm **out, const char *path, size_t size, const uint8_t *initial,
             struct err *err)
{
    struct nvm *m = calloc(1, sizeof *m);
    if (!m) return err_set(err, ERR_NOMEM, "NVM %s", path);
    m->size = size;
    m->data = malloc(size);
    m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc = ERR_OK;
    struct stat st;
    if (!m->data)
        rc = err_set(err, ERR_NOMEM, "NVM %s", path);
    else if (m->fd < 0 || fstat(m->fd, &st) < 0)
        rc = err_set(err, ERR_IO, "NVM %s: %s; give --work a folder that can be written", path,
                     strerror(errno));
    if (rc < 0) goto fail;

    if (initial)
        memcpy(m->data, initial, size);
    else
        memset(m->data, 0xff, size);
    ssize_t n = st.st_size == 0 ? pwrite(m->fd, m->data, size, 0) : pread(m->fd, m->data, size, 0);
    if (st.st_size != 0 && (size_t)st.st_size != size) {
        rc = err_set(err, ERR_FORMAT,
                     "NVM %s has %lld bytes, expected %zu; remove it to start with an erased one",
                     path, (long long)st.st_size, size);
        goto fail;
    }
    if (n != (ssize_t)size) {
        rc = err_set(err, ERR_IO, "NVM %s: %s", path, n < 0 ? strerror(errno) : "disk full");
        goto fail;
    }
    *out = m;
    return ERR_OK;
fail:
    nvm_close(m);
    return rc;
}

static void drop_writes(struct nvm *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(m->writes[i].data);
    memmove(m->writes, m->writes + n, (m->n - n) * sizeof *m->writes);
    m->n -= n;
}

void nvm_close(struct nvm *m)
{
    if (!m) return;
    drop_writes(m, m->n);
    if (m->fd >= 0) close(m->fd);
    free(m->data);
    free(m);
}

static bool inside(const struct nvm *m, size_t offset, size_t len)
{
    return len <= m->size && offset <= m->size - len;
}

void nvm_settle(struct nvm *m, int64_t t_ns)
{
    size_t ended = 0;
    for (size_t i = 0; i < m->n; i++) {
        struct pending *w = &m->writes[i];
        int64_t elapsed = t_ns - w->start_ns;
        if (elapsed <= 0) break;
        uint64_t due = (uint64_t)elapsed / PORT_NVM_NS_PER_BYTE;
        size_t upto = due < w->len ? (size_t)due : w->len;
        size_t fresh = upto - w->done;
        memcpy(m->data + w->offset + w->done, w->data + w->done, fresh);
        if (fresh &&
            pwrite(m->fd, w->data + w->done, fresh, (off_t)(w->offset + w->done)) != (ssize_t)fresh)
            LOG_ERROR("foxlab", "NVM file: %s; what devices store will not outlive the lab",
                      strerror(errno));
        w->done = upto;
        if (w->done == w->len) ended = i + 1;
    }
    drop_writes(m, ended);
}

int nvm_read(struct nvm *m, int64_t t_ns, size_t offset, size_t len, uint8_t *out)
{
    if (!inside(m, offset, len)) return EINVAL;
    nvm_settle(m, t_ns);
    memcpy(out, m->data + offset, len);
    return 0;
}

int nvm_write(struct nvm *m, int64_t t_ns, size_t offset, const uint8_t *data, size_t len,
              int64_t *done_ns)
{
    *done_ns = t_ns;
    if (!inside(m, offset, len)) return EINVAL;
    if (len == 0) return 0;
    nvm_settle(m, t_ns);
    if (m->n == WRITES_MAX) return EBUSY;
    uint8_t *copy = malloc(len);
    if (!copy) return ENOMEM;
    memcpy(copy, data, len);
    int64_t start = m->busy_until_ns > t_ns ? m->busy_until_ns : t_ns;
    m->writes[m->n++] =
        (struct pending){.offset = offset, .len = len, .start_ns = start, .data = copy};
    m->busy_until_ns = start + (int64_t)len * PORT_NVM_NS_PER_BYTE;
    *done_ns = m->busy_until_ns;
    return 0;
}

void nvm_cut(struct nvm *m, int64_t t_ns)
{
    nvm_settle(m, t_ns);
    drop_writes(m, m->n);
    m->busy_until_ns = t_ns;
}
