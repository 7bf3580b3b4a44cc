#include "dut/firmware/at.h"

#include <string.h>

#include "dut/firmware/device.h"

const struct at_dialect *at_find(const char *name)
{
    static const struct at_dialect *const dialects[] = {&at_sfm10r, &at_slave};
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
        if (strcmp(dialects[i]->name, name) == 0) return dialects[i];
    return NULL;
}

void at_tell_downlink(struct device *d, const uint8_t payload[SFX_DL_PAYLOAD])
{
    d->dialect->tell_downlink(d, payload);
}

static const struct at_command *find_command(const struct at_dialect *dialect, const char *text)
{
    size_t len = strcspn(text, "=?");
    for (size_t i = 0; i < dialect->n_commands; i++) {
        const struct at_command *c = &dialect->commands[i];
        if (strlen(c->name) == len && memcmp(c->name, text, len) == 0) return c;
    }
    return NULL;
}

// LAW-LATE: 1.0 to 2.7 s.
static void be_late(struct device *d)
{
    enum { LEAST_MS = 1000, STEP_MS = 170, STEPS = 11 };
    const int64_t late_ms = LEAST_MS + STEP_MS * (d->commands++ % STEPS);
    device_wait_until(d, devport_now_ns(d->port) + late_ms * DEVPORT_MS);
}

static bool asks_for_four_bytes(const char *line)
{
    enum { DIGITS = 8 };
    static const char start[] = "AT$SF=";
    if (!line || strncmp(line, start, sizeof start - 1) != 0) return false;
    return strspn(line + sizeof start - 1, "0123456789ABCDEFabcdef") == DIGITS;
}

void at_execute(struct device *d, const char *line, size_t len)
{
    if (line && len == 0) return; // an empty line is nothing
    if (faults_on(&d->faults, FAULT_LATE_ANSWERS)) be_late(d);
    if (faults_on(&d->faults, FAULT_REBOOT_SERIAL) && asks_for_four_bytes(line)) {
        d->reset_wanted = true;
        return;
    }
    if (faults_on(&d->faults, FAULT_CHATTY)) {
        d->dialect->accept(d);
        return;
    }
    const bool is_text = line && strlen(line) == len && strncmp(line, "AT", 2) == 0;
    const struct at_command *c = is_text ? find_command(d->dialect, line + 2) : NULL;
    if (c && c->run(d, line + 2 + strlen(c->name))) return;
    strange_line_refused(d, !line);
    d->dialect->refuse(d, c != NULL);
}
