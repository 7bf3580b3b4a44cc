// The samples of a run: further units of the device's make, with their keys from the device file
// and their places from the bench file, in the same order. Both files have been checked.
#include <stdlib.h>
#include <string.h>

#include "lua/bind/setup.h"

static const char *text_of(const struct jval *object, const char *key, const char *otherwise)
{
    return jval_text(jval_get(object, key), otherwise);
}

int setup_read_samples(struct setup *s, const char *device_path, struct err *err)
{
    const struct jval *samples = jval_get(s->device, "samples");
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(samples) && i < PUMP_SAMPLES_MAX; i++)
        rc = setup_read_key(jval_at(samples, i), device_path, &s->samples[i], err);
    return rc;
}

static int line_of(const struct jval *place, const char *name)
{
    const char *line = text_of(place, name, NULL);
    if (!line) return -1;
    return line[0] == 'r' ? PORT_LINE_RTS : PORT_LINE_DTR;
}

static const struct jval *find_uart(const struct jval *bench, const char *unit)
{
    const struct jval *uarts = jval_get(bench, "uarts");
    for (size_t i = 0; i < jval_len(uarts); i++)
        if (strcmp(text_of(jval_at(uarts, i), "unit", ""), unit) == 0) return jval_at(uarts, i);
    return NULL;
}

// A sample without a place is not opened; a case that needs it says what is missing.
void setup_fill_samples(const struct setup *s, struct pump_config *out)
{
    const struct jval *places = jval_get(s->bench, "samples");
    const struct jval *samples = jval_get(s->device, "samples");
    int64_t dialect_baud = jval_int(jval_get(s->dialect, "baud"), 9600);
    for (size_t i = 0; i < jval_len(samples) && i < jval_len(places) && i < PUMP_SAMPLES_MAX; i++) {
        const struct jval *place = jval_at(places, i);
        const struct jval *uart = find_uart(s->bench, text_of(place, "uart", ""));
        out->samples[out->n_samples++] = (struct pump_unit_config){
            .uart_unit = text_of(uart, "unit", "uart"),
            .port = {.path = text_of(uart, "path", ""),
                     .baud = (unsigned)jval_int(jval_get(uart, "baud"), dialect_baud)},
            .lines =
                {[PUMP_POWER] = line_of(place, "power"), [PUMP_RESET] = line_of(place, "reset")},
            .device_id = (uint32_t)strtoul(text_of(jval_at(samples, i), "id", "0"), NULL, 16),
            .key = s->samples[i].key.len ? &s->samples[i].key : NULL,
            .token = s->samples[i].token,
        };
    }
}

void setup_free_samples(struct setup *s)
{
    for (size_t i = 0; i < PUMP_SAMPLES_MAX; i++) {
        secret_deinit(&s->samples[i].key);
        token_key_close(s->samples[i].token);
    }
}
