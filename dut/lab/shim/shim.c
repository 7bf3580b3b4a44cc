// libfoxshim.so: preloaded into the bench, it gives the lab's ptys what a serial port has and a pty
// lacks, the modem lines. Everything else, and every other descriptor, goes to the C library.
//
// libserialport asks for the modem lines when it opens a port and gives up when there are none; it
// also looks for the port's entry in /sys/class/tty, which the lab's path resolves to a link that
// exists (docs/LAB.md).
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dut/lab/shim/page.h"

// An interposed function has no context to carry these in.
static struct foxshim_page *page;
static int (*real_ioctl)(int, unsigned long, ...);

enum { PTS_MAJOR_FIRST = 136, PTS_MAJOR_LAST = 143 };

__attribute__((constructor)) static void attach(void)
{
    void *symbol = dlsym(RTLD_NEXT, "ioctl");
    *(void **)&real_ioctl = symbol;
    const char *path = getenv(FOXSHIM_VARIABLE);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof *page) {
        void *map = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED) page = map;
    }
    close(fd);
    if (page && (page->magic != FOXSHIM_MAGIC || page->size != sizeof *page)) {
        munmap(page, sizeof *page);
        page = NULL;
    }
}

static struct foxshim_port *find_port(int fd)
{
    struct stat st;
    if (!page || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode)) return NULL;
    unsigned number = major(st.st_rdev);
    if (number < PTS_MAJOR_FIRST || number > PTS_MAJOR_LAST) return NULL;
    uint32_t pts = (number - PTS_MAJOR_FIRST) * 256 + minor(st.st_rdev);
    for (int i = 0; i < FOXSHIM_PORTS; i++)
        if (page->ports[i].pts_plus_1 == pts + 1) return &page->ports[i];
    return NULL;
}

static void note(struct foxshim_port *p, uint32_t what)
{
    p->history[p->changes % FOXSHIM_HISTORY] = what;
    __atomic_add_fetch(&p->changes, 1, __ATOMIC_SEQ_CST);
}

static void set_lines(struct foxshim_port *p, uint32_t lines)
{
    lines &= TIOCM_DTR | TIOCM_RTS;
    if (lines == p->out) return;
    p->out = lines;
    note(p, lines);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    struct foxshim_port *p = NULL;
    switch (request) {
    case TIOCMGET:
    case TIOCMSET:
    case TIOCMBIS:
    case TIOCMBIC:
    case TIOCSBRK:
    case TIOCCBRK:
        p = find_port(fd);
    }
    if (!p) return real_ioctl(fd, request, arg);
    int waiting;
    if (real_ioctl(fd, FIONREAD, &waiting) < 0) return -1; // hung up: fail as a vanished port does
    switch (request) {
    case TIOCMGET:
        *(int *)arg = (int)(p->out | p->in);
        break;
    case TIOCMSET:
        set_lines(p, (uint32_t) * (int *)arg);
        break;
    case TIOCMBIS:
        set_lines(p, p->out | (uint32_t) * (int *)arg);
        break;
    case TIOCMBIC:
        set_lines(p, p->out & ~(uint32_t) * (int *)arg);
        break;
    case TIOCSBRK: // a break that ends has no effect of its own
        note(p, p->out | FOXSHIM_BREAK);
        break;
    default:
        break;
    }
    return 0;
}
