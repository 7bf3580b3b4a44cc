#include "dut/lab/commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/lab/lab.h"
#include "dut/lab/scenario.h"

static int tell_time(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    (void)c;
    (void)err;
    snprintf(answer, size, "%lld", (long long)lab->world.now_ns);
    return ERR_OK;
}

static int tell_device(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    (void)err;
    static const char *const states[] = {"off", "running", "dead"};
    const struct device *d = lab->devices[c->unit];
    snprintf(answer, size, "%s starts=%u%s%s", states[d->state], d->starts,
             d->state == DEVICE_STATE_DEAD ? " " : "",
             d->state == DEVICE_STATE_DEAD ? d->why_dead : "");
    return ERR_OK;
}

static int tell_bursts(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    (void)c;
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

static int kill_device(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    if (lab->devices[c->unit]->state != DEVICE_STATE_RUNNING)
        return err_set(err, ERR_SEQUENCE, "device %s does not run", lab->devices[c->unit]->name);
    world_crash(&lab->world, c->unit, "was killed by command");
    return done(lab, answer, size);
}

static int act_on_pluto(struct lab *lab, const struct command *c, enum lab_pluto_action action,
                        char *answer, size_t size, struct err *err)
{
    int rc = lab_act_on_pluto(lab, c->unit, action, err);
    return rc < 0 ? rc : done(lab, answer, size);
}

static int stall_pluto(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    return act_on_pluto(lab, c, LAB_PLUTO_STALL, answer, size, err);
}

static int release_pluto(struct lab *lab, const struct command *c, char *answer, size_t size,
                         struct err *err)
{
    return act_on_pluto(lab, c, LAB_PLUTO_RELEASE, answer, size, err);
}

static int unplug_pluto(struct lab *lab, const struct command *c, char *answer, size_t size,
                        struct err *err)
{
    return act_on_pluto(lab, c, LAB_PLUTO_UNPLUG, answer, size, err);
}

static int replug_pluto(struct lab *lab, const struct command *c, char *answer, size_t size,
                        struct err *err)
{
    return act_on_pluto(lab, c, LAB_PLUTO_REPLUG, answer, size, err);
}

static int overflow_pluto(struct lab *lab, const struct command *c, char *answer, size_t size,
                          struct err *err)
{
    (void)err;
    pluto_flag_overflow(lab->plutos[c->unit]);
    return done(lab, answer, size);
}

static int unplug_uart(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    (void)err;
    uart_unplug(lab->uarts[c->unit]);
    return done(lab, answer, size);
}

static int replug_uart(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    int rc = uart_replug(lab->uarts[c->unit], err);
    return rc < 0 ? rc : done(lab, answer, size);
}

static int unplug_ftdi(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    (void)err;
    usb_bus_unplug(lab->usb, c->unit);
    return done(lab, answer, size);
}

static int replug_ftdi(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    (void)err;
    usb_bus_replug(lab->usb, c->unit);
    return done(lab, answer, size);
}

static int lift_clip(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    (void)err;
    lab->probes[c->unit]->lifted = true;
    return done(lab, answer, size);
}

static int seat_clip(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    (void)err;
    lab->probes[c->unit]->lifted = false;
    return done(lab, answer, size);
}

static int set_supply(struct lab *lab, const struct command *c, char *answer, size_t size,
                      struct err *err)
{
    (void)err;
    world_set_supply(&lab->world, c->unit, (uint32_t)lround(c->values[0]));
    return done(lab, answer, size);
}

static int set_temperature(struct lab *lab, const struct command *c, char *answer, size_t size,
                           struct err *err)
{
    (void)err;
    world_set_temperature(&lab->world, c->unit, (int32_t)lround(c->values[0] * 1000));
    return done(lab, answer, size);
}

#define NO_VALUES                                                                                  \
    {                                                                                              \
        {                                                                                          \
            NULL, 0, 0                                                                             \
        }                                                                                          \
    }

static const struct command_entry entries[] = {
    {"time", COMMAND_UNIT_NONE, true, tell_time, NO_VALUES},
    {"bursts", COMMAND_UNIT_NONE, true, tell_bursts, NO_VALUES},
    {"state device", COMMAND_UNIT_DEVICE, true, tell_device, NO_VALUES},
    {"kill device", COMMAND_UNIT_DEVICE, false, kill_device, NO_VALUES},
    {"supply device", COMMAND_UNIT_DEVICE, false, set_supply, {{"mV", 0, 20000}}},
    {"temperature device", COMMAND_UNIT_DEVICE, false, set_temperature, {{"C", -100, 200}}},
    {"stall pluto", COMMAND_UNIT_PLUTO, false, stall_pluto, NO_VALUES},
    {"release pluto", COMMAND_UNIT_PLUTO, false, release_pluto, NO_VALUES},
    {"unplug pluto", COMMAND_UNIT_PLUTO, false, unplug_pluto, NO_VALUES},
    {"replug pluto", COMMAND_UNIT_PLUTO, false, replug_pluto, NO_VALUES},
    {"overflow pluto", COMMAND_UNIT_PLUTO, false, overflow_pluto, NO_VALUES},
    {"unplug uart", COMMAND_UNIT_UART, false, unplug_uart, NO_VALUES},
    {"replug uart", COMMAND_UNIT_UART, false, replug_uart, NO_VALUES},
    {"unplug ftdi", COMMAND_UNIT_FTDI, false, unplug_ftdi, NO_VALUES},
    {"replug ftdi", COMMAND_UNIT_FTDI, false, replug_ftdi, NO_VALUES},
    {"lift clip", COMMAND_UNIT_FTDI, false, lift_clip, NO_VALUES},
    {"seat clip", COMMAND_UNIT_FTDI, false, seat_clip, NO_VALUES},
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

// The word at *at, NULL at the end; *at goes on behind it.
static const char *next_word(const char **at, char *word, size_t size)
{
    const char *from = *at + strspn(*at, " ");
    size_t len = strcspn(from, " ");
    *at = from + len;
    if (len == 0) return NULL;
    snprintf(word, size, "%.*s", (int)len, from);
    return word;
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

static int take_value(struct command *out, int i, const char *word, struct err *err)
{
    const struct command_value *v = &out->what->values[i];
    char *end = NULL;
    double x = word ? strtod(word, &end) : 0;
    if (!word || end == word || strcmp(end, v->suffix) != 0 || !(x >= v->low && x <= v->high))
        return err_set(err, ERR_USAGE, "%s: expected a value from %g%s to %g%s, got '%s'",
                       out->what->words, v->low, v->suffix, v->high, v->suffix,
                       word ? word : "nothing");
    out->values[i] = x;
    return ERR_OK;
}

// What stands behind the command's own words.
static int take_arguments(struct command *out, const char *at, const struct scenario *s,
                          struct err *err)
{
    char word[64];
    const char *got = NULL;
    int rc = ERR_OK;
    if (out->what->unit != COMMAND_UNIT_NONE) {
        got = next_word(&at, word, sizeof word);
        rc = find_unit(out, got ? got : "nothing", s, err);
    }
    for (int i = 0; i < COMMAND_VALUES && out->what->values[i].suffix && rc >= 0; i++)
        rc = take_value(out, i, next_word(&at, word, sizeof word), err);
    got = rc < 0 ? NULL : next_word(&at, word, sizeof word);
    if (got)
        rc = err_set(err, ERR_USAGE, "%s: expected nothing more, got '%s'", out->what->words, got);
    return rc;
}

static void list_commands(char *list, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof entries / sizeof *entries && used < size; i++) {
        const struct command_entry *e = &entries[i];
        used += (size_t)snprintf(list + used, size - used, "%s%s%s", i ? ", " : "", e->words,
                                 e->unit ? " UNIT" : "");
        for (int k = 0; k < COMMAND_VALUES && e->values[k].suffix && used < size; k++)
            used += (size_t)snprintf(list + used, size - used, " N%s", e->values[k].suffix);
    }
}

int command_parse(struct command *out, const char *line, const struct scenario *s, struct err *err)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct command_entry *e = &entries[i];
        size_t len = strlen(e->words);
        if (strncmp(line, e->words, len) != 0 || (line[len] != ' ' && line[len] != '\0')) continue;
        *out = (struct command){.what = e};
        return take_arguments(out, line + len, s, err);
    }
    char list[800] = "";
    list_commands(list, sizeof list);
    return err_set(err, ERR_USAGE, "'%s' is no command; there are: %s", line, list);
}
