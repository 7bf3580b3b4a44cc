// Fuzzes what the lab reads as text: scenarios, contexts, and values written to attributes.
// Whatever comes, nothing breaks, errors are negative errnos and the unit still streams.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dut/lab/pluto.h"
#include "dut/lab/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_attributes(const char *text)
{
    static struct pluto *p;
    struct pluto_config config = {.name = "f",
                                  .serial = "0",
                                  .context_path = FOX_SOURCE_DIR "/fixtures/iio/pluto-context.xml"};
    if (!p && pluto_new(&p, &config, NULL) < 0) abort();
    struct context_device *devices[] = {p->phy, p->rx, p->tx};
    for (int d = 0; d < 3; d++) {
        for (size_t i = 0; i < devices[d]->n_attrs; i++) {
            int rc = pluto_write(p, devices[d], &devices[d]->attrs[i], text);
            if (rc > 0) abort(); // an errno must be negative
        }
    }
    // Whatever was written, the unit can still stream.
    pluto_stream_begin(p, 0);
    if (pluto_stream_until(p, 1000) <= 0) abort();
    pluto_stream_end(p);
}

static void load_context(const char *text, size_t size)
{
    char path[] = "/tmp/fuzz_lab_XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) abort();
    ssize_t n = write(fd, text, size);
    close(fd);
    struct context *c;
    if (n == (ssize_t)size && context_load(&c, path, "1", NULL) == ERR_OK) context_free(c);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    struct scenario *s;
    if (scenario_parse(&s, text, "f/s", "/fix", NULL) == ERR_OK) scenario_free(s);
    write_attributes(text);
    load_context(text, size);
    free(text);
    return 0;
}
