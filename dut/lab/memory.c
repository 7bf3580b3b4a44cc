#include "dut/lab/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dut/port/port_wire.h"

enum { SWITCHES = PORT_IMAGES + 1, PATH_BYTES = 4096 };

struct image {
    uint8_t *bytes;
    size_t size;
};

struct memory {
    char path[PATH_BYTES];
    struct image images[PORT_IMAGES];
    bool kept[SWITCHES]; // as in the file
    bool now[SWITCHES];
};

static const struct {
    const char *name;
    size_t size;
    uint8_t erased;
} kinds[PORT_IMAGES] = {
    [PORT_IMAGE_CODE] = {"code flash", PORT_IMAGE_CODE_SIZE, 0xff},
    [PORT_IMAGE_DATA] = {"data EEPROM", PORT_IMAGE_DATA_SIZE, 0xff},
    [PORT_IMAGE_RAM] = {"RAM", PORT_IMAGE_RAM_SIZE, 0x00},
    [PORT_IMAGE_FLASH] = {"external flash", PORT_IMAGE_FLASH_SIZE, 0xff},
};

// The file is one line of 0 and 1, an option each.
static int read_options(struct memory *m, struct err *err)
{
    char text[SWITCHES + 2] = "";
    int fd = open(m->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return ERR_OK; // a new device is open
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    int why = errno;
    if (fd >= 0) close(fd);
    if (n < 0) return err_set(err, ERR_IO, "option bytes %s: %s", m->path, strerror(why));
    if (n != SWITCHES + 1 || strspn(text, "01") != SWITCHES || text[SWITCHES] != '\n')
        return err_set(err, ERR_FORMAT,
                       "option bytes %s: expected %d digits 0 or 1 and a line end; remove the file "
                       "to begin with an open device",
                       m->path, SWITCHES);
    for (int i = 0; i < SWITCHES; i++)
        m->kept[i] = text[i] == '1';
    return ERR_OK;
}

static int write_options(const struct memory *m, struct err *err)
{
    char text[SWITCHES + 1];
    for (int i = 0; i < SWITCHES; i++)
        text[i] = m->kept[i] ? '1' : '0';
    text[SWITCHES] = '\n';
    int fd = open(m->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text, sizeof text) == (ssize_t)sizeof text;
    int why = errno;
    if (fd >= 0) close(fd);
    return good ? ERR_OK : err_set(err, ERR_IO, "option bytes %s: %s", m->path, strerror(why));
}

int memory_new(struct memory **out, const char *path, struct err *err)
{
    struct memory *m = calloc(1, sizeof *m);
    if (!m) return err_set(err, ERR_NOMEM, "memory images");
    snprintf(m->path, sizeof m->path, "%s", path);
    int rc = ERR_OK;
    for (int i = 0; i < PORT_IMAGES && rc >= 0; i++) {
        m->images[i] = (struct image){malloc(kinds[i].size), kinds[i].size};
        if (m->images[i].bytes)
            memset(m->images[i].bytes, kinds[i].erased, kinds[i].size);
        else
            rc = err_set(err, ERR_NOMEM, "memory image %s", kinds[i].name);
    }
    memset(m->kept, true, sizeof m->kept);
    if (rc >= 0) rc = read_options(m, err);
    if (rc < 0) {
        memory_free(m);
        return rc;
    }
    memory_power_up(m);
    *out = m;
    return ERR_OK;
}

void memory_free(struct memory *m)
{
    if (!m) return;
    for (int i = 0; i < PORT_IMAGES; i++)
        free(m->images[i].bytes);
    free(m);
}

int memory_write(struct memory *m, uint32_t image, uint32_t offset, const uint8_t *data, size_t len,
                 struct err *err)
{
    if (image >= PORT_IMAGES)
        return err_set(err, ERR_FORMAT, "told image %u; expected one from 0 to %d", image,
                       PORT_IMAGES - 1);
    struct image *i = &m->images[image];
    if (offset > i->size || len > i->size - offset)
        return err_set(err, ERR_FORMAT,
                       "told %zu bytes at 0x%x of image %u (%s), which has %zu bytes", len, offset,
                       image, kinds[image].name, i->size);
    if (len) memcpy(i->bytes + offset, data, len);
    return ERR_OK;
}

int memory_protect(struct memory *m, uint32_t image, bool readable, struct err *err)
{
    uint32_t number = image & ~PORT_PROTECT_VOLATILE;
    if (number >= SWITCHES || number == PORT_IMAGE_FLASH)
        return err_set(err, ERR_FORMAT,
                       "protects image %u; expected one that the debug port reads (0, 1, 2) or the "
                       "port itself (%d)",
                       number, PORT_IMAGE_DEBUG);
    m->now[number] = readable;
    if (image & PORT_PROTECT_VOLATILE || m->kept[number] == readable) return ERR_OK;
    m->kept[number] = readable;
    return write_options(m, err);
}

void memory_power_up(struct memory *m)
{
    struct image *ram = &m->images[PORT_IMAGE_RAM];
    memset(ram->bytes, kinds[PORT_IMAGE_RAM].erased, ram->size);
    memcpy(m->now, m->kept, sizeof m->now);
}

bool memory_is_readable(const struct memory *m, uint32_t image)
{
    return image < SWITCHES && m->now[image];
}

const uint8_t *memory_image(const struct memory *m, uint32_t image, size_t *size)
{
    *size = m->images[image].size;
    return m->images[image].bytes;
}
