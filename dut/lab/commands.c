#include "dut/lab/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/lab/lab.h"
#include "dut/lab/scenario.h"

static int tell_time(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)unit;
    (void)err;
    snprintf(answer, size, "%lld", (long long)lab->world.now_ns);
    return ERR_OK;
}

static int tell_device(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)err;
    static const char *const states[] = {"off", "running", "dead"};
    const struct device *d = lab->devices[unit];
    snprintf(answer, size, "%s starts=%u%s%s", states[d->state], d->starts,
             d->state == DEVICE_STATE_DEAD ? " " : "",
             d->state == DEVICE_STATE_DEAD ? d->why_dead : "");
    return ERR_OK;
}

static int tell_bursts(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)unit;
    (void)err;
    snprintf(answer, size, "%zu", air_burst_count(lab->air));
    return ERR_OK;
}

static int done(struct lab *lab, char *answer, size_t size)
{
    lab->faults++;
    snprintf(answer, size, "ok");
    return ERR_OK;
}

static int kill_device(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    if (lab->devices[unit]->state != DEVICE_STATE_RUNNING)
        return err_set(err, ERR_SEQUENCE, "device %s does not run", lab->devices[unit]->name);
    world_crash(&lab->world, unit, "was killed by command");
    return done(lab, answer, size);
}

static int act_on_pluto(struct lab *lab, unsigned unit, enum lab_pluto_action action, char *answer,
                        size_t size, struct err *err)
{
    int rc = lab_act_on_pluto(lab, unit, action, err);
    return rc < 0 ? rc : done(lab, answer, size);
}

static int stall_pluto(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    return act_on_pluto(lab, unit, LAB_PLUTO_STALL, answer, size, err);
}

static int release_pluto(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    return act_on_pluto(lab, unit, LAB_PLUTO_RELEASE, answer, size, err);
}

static int unplug_pluto(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    return act_on_pluto(lab, unit, LAB_PLUTO_UNPLUG, answer, size, err);
}

static int replug_pluto(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    return act_on_pluto(lab, unit, LAB_PLUTO_REPLUG, answer, size, err);
}

static int overflow_pluto(struct lab *lab, unsigned unit, char *answer, size_t size,
                          struct err *err)
{
    (void)err;
    pluto_flag_overflow(lab->plutos[unit]);
    return done(lab, answer, size);
}

static int unplug_uart(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)err;
    uart_unplug(lab->uarts[unit]);
    return done(lab, answer, size);
}

static int replug_uart(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    int rc = uart_replug(lab->uarts[unit], err);
    return rc < 0 ? rc : done(lab, answer, size);
}

static int unplug_ftdi(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)err;
    usb_bus_unplug(lab->usb, unit);
    return done(lab, answer, size);
}

static int replug_ftdi(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)err;
    usb_bus_replug(lab->usb, unit);
    return done(lab, answer, size);
}

static int lift_clip(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)err;
    lab->probes[unit]->lifted = true;
    return done(lab, answer, size);
}

static int seat_clip(struct lab *lab, unsigned unit, char *answer, size_t size, struct err *err)
{
    (void)err;
    lab->probes[unit]->lifted = false;
    return done(lab, answer, size);
}

static const struct command_entry entries[] = {
    {"time", COMMAND_UNIT_NONE, true, tell_time},
    {"bursts", COMMAND_UNIT_NONE, true, tell_bursts},
    {"state device", COMMAND_UNIT_DEVICE, true, tell_device},
    {"kill device", COMMAND_UNIT_DEVICE, false, kill_device},
    {"stall pluto", COMMAND_UNIT_PLUTO, false, stall_pluto},
    {"release pluto", COMMAND_UNIT_PLUTO, false, release_pluto},
    {"unplug pluto", COMMAND_UNIT_PLUTO, false, unplug_pluto},
    {"replug pluto", COMMAND_UNIT_PLUTO, false, replug_pluto},
    {"overflow pluto", COMMAND_UNIT_PLUTO, false, overflow_pluto},
    {"unplug uart", COMMAND_UNIT_UART, false, unplug_uart},
    {"replug uart", COMMAND_UNIT_UART, false, replug_uart},
    {"unplug ftdi", COMMAND_UNIT_FTDI, false, unplug_ftdi},
    {"replug ftdi", COMMAND_UNIT_FTDI, false, replug_ftdi},
    {"lift clip", COMMAND_UNIT_FTDI, false, lift_clip},
    {"seat clip", COMMAND_UNIT_FTDI, false, seat_clip},
};

static const char *unit_name(const struct scenario *s, enum command_unit kind, size_t i)
{
    switch (kind) {
    case COMMAND_UNIT_PLUTO:
        return i < s->n_plutos ? s->plutos[i].name : NULL;
    case COMMAND_UNIT_UART:
        return i < s->n_uarts ? s->uarts[i].name : NULL;
    case COMMAND_UNIT_DEVICE:
        return i < s->n_devices ? s->devices[i].name : NULL;
    case COMMAND_UNIT_FTDI:
        return i < s->n_ftdis ? s->ftdis[i].name : NULL;
    default:
        return NULL;
    }
}

static int find_unit(struct command *out, const char *word, const struct scenario *s,
                     struct err *err)
{
    char number[16];
    const char *name;
    for (size_t i = 0; (name = unit_name(s, out->what->unit, i)); i++) {
        snprintf(number, sizeof number, "%zu", i);
        if (strcmp(word, name) != 0 && strcmp(word, number) != 0) continue;
        out->unit = (unsigned)i;
        return ERR_OK;
    }
    return err_set(err, ERR_USAGE,
                   "%s: expected the name or number of a unit of the scenario, got "
                   "'%s'",
                   out->what->words, word);
}

int command_parse(struct command *out, const char *line, const struct scenario *s, struct err *err)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct command_entry *e = &entries[i];
        size_t len = strlen(e->words);
        if (strncmp(line, e->words, len) != 0) continue;
        *out = (struct command){.what = e};
        if (e->unit == COMMAND_UNIT_NONE && line[len] == '\0') return ERR_OK;
        if (e->unit != COMMAND_UNIT_NONE && line[len] == ' ')
            return find_unit(out, line + len + 1, s, err);
    }
    char list[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof entries / sizeof *entries && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s%s", i ? ", " : "",
                                 entries[i].words, entries[i].unit ? " UNIT" : "");
    return err_set(err, ERR_USAGE, "'%s' is no command; there are: %s", line, list);
}
