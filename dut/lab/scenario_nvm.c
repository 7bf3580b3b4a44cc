#include "dut/lab/scenario_nvm.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/base/bytes.h"
#include "dut/port/port_wire.h"

static int take_offset(const char *text, size_t *offset, struct err *err)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)text[0]) || *end || errno || v >= PORT_NVM_SIZE)
        return err_set(err, ERR_USAGE,
                       "offset=%s: expected a number from 0 to %d, as 64 or as 0x40", text,
                       PORT_NVM_SIZE - 1);
    *offset = v;
    return ERR_OK;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(const char *text, struct bytes *out, struct err *err)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + 1 < len; i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) break;
        uint8_t byte = (uint8_t)(high << 4 | low);
        int rc = bytes_append(out, &byte, 1, err);
        if (rc < 0) return rc;
    }
    if (len == 0 || 2 * out->len != len)
        return err_set(err, ERR_USAGE, "hex=%.40s: expected pairs of hex digits without spaces",
                       text);
    return ERR_OK;
}

static int take_file(const char *path, struct bytes *out, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0) return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > PORT_NVM_SIZE)
        return err_set(err, ERR_USAGE, "%s: expected a file of at most %d bytes", path,
                       PORT_NVM_SIZE);
    return bytes_read_file(out, path, err);
}

static int put(uint8_t **nvm, size_t offset, const struct bytes *data, struct err *err)
{
    if (data->len > PORT_NVM_SIZE - offset)
        return err_set(err, ERR_USAGE, "%zu bytes at %zu do not fit; the memory has %d", data->len,
                       offset, PORT_NVM_SIZE);
    if (!*nvm) {
        *nvm = malloc(PORT_NVM_SIZE);
        if (!*nvm) return err_set(err, ERR_NOMEM, "initial NVM");
        memset(*nvm, 0xff, PORT_NVM_SIZE);
    }
    if (data->len) memcpy(*nvm + offset, data->data, data->len);
    return ERR_OK;
}

int scenario_nvm_put(uint8_t **nvm, const char *const *words, int n, struct err *err)
{
    size_t offset = 0;
    struct bytes data;
    int sources = 0, rc = ERR_OK;
    bytes_init(&data, PORT_NVM_SIZE);
    for (int i = 0; i < n && rc >= 0; i++) {
        if (strncmp(words[i], "offset=", 7) == 0) {
            rc = take_offset(words[i] + 7, &offset, err);
        } else if (strncmp(words[i], "hex=", 4) == 0) {
            sources++;
            rc = take_hex(words[i] + 4, &data, err);
        } else if (strncmp(words[i], "file=", 5) == 0) {
            sources++;
            rc = take_file(words[i] + 5, &data, err);
        } else {
            rc = err_set(err, ERR_USAGE,
                         "'%s' is not an option of nvm; expected: nvm NAME [offset=N] file=PATH, "
                         "or hex=BYTES instead of the file",
                         words[i]);
        }
    }
    if (sources > 1 || (rc >= 0 && sources == 0))
        rc = err_set(err, ERR_USAGE, "expected one of file=PATH and hex=BYTES, got %d", sources);
    if (rc >= 0) rc = put(nvm, offset, &data, err);
    bytes_deinit(&data);
    return rc;
}
