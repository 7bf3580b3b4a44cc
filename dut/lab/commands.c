#include "dut/lab/commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "dut/lab/lab.h"
#include "dut/lab/scenario.h"

// What a command that has several forms shall do.
enum { DEVICE_KILL, DEVICE_CUT, DEVICE_RESTORE };
enum { EDGE_START, EDGE_END };
enum { CHIP_WHOLE, CHIP_UNLOCKED, CHIP_STUCK, CHIP_MISRATED };
enum { PLUG_OUT, PLUG_IN };
enum { SAY_BANNER, SAY_FLOOD };

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

static int done(char *answer, size_t size)
{
    snprintf(answer, size, "ok");
    return ERR_OK;
}

static int act_on_device(struct lab *lab, const struct command *c, char *answer, size_t size,
                         struct err *err)
{
    const struct device *d = lab->devices[c->unit];
    if (c->what->code == DEVICE_KILL) {
        if (d->state != DEVICE_STATE_RUNNING)
            return err_set(err, ERR_SEQUENCE, "device %s does not run", d->name);
        world_crash(&lab->world, c->unit, "was killed by command");
    } else {
        world_set_outage(&lab->world, c->unit, c->what->code == DEVICE_CUT);
    }
    return done(answer, size);
}

static int cut_at_edge(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    (void)err;
    lab->cuts[c->unit] = (struct lab_cut){.armed = true,
                                          .at_end = c->what->code == EDGE_END,
                                          .offset_ns = llround(c->values[0] * 1e6),
                                          .hold_ns = llround(c->values[1] * 1e9)};
    return done(answer, size);
}

static int act_on_pluto(struct lab *lab, const struct command *c, char *answer, size_t size,
                        struct err *err)
{
    int rc = lab_act_on_pluto(lab, c->unit, (enum lab_pluto_action)c->what->code, err);
    return rc < 0 ? rc : done(answer, size);
}

static int hurt_block(struct lab *lab, const struct command *c, char *answer, size_t size,
                      struct err *err)
{
    (void)err;
    iiod_hurt(lab->daemons[c->unit], (enum iiod_fault)c->what->code);
    return done(answer, size);
}

static int hurt_chip(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    (void)err;
    struct pluto_faults *f = &lab->plutos[c->unit]->faults;
    if (c->what->code == CHIP_WHOLE) *f = (struct pluto_faults){0};
    if (c->what->code == CHIP_UNLOCKED) f->unlocked = true;
    if (c->what->code == CHIP_STUCK) f->stuck = true;
    if (c->what->code == CHIP_MISRATED) f->misrated = true;
    return done(answer, size);
}

static int plug_uart(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    int rc = ERR_OK;
    if (c->what->code == PLUG_OUT)
        uart_unplug(lab->uarts[c->unit]);
    else
        rc = uart_replug(lab->uarts[c->unit], err);
    return rc < 0 ? rc : done(answer, size);
}

static int hurt_uart(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    (void)err;
    struct uart *u = lab->uarts[c->unit];
    char stream[64];
    snprintf(stream, sizeof stream, "uart %s fault", u->name);
    u->faults.key = rng_key(lab->seed, stream);
    u->faults.kind = (enum uart_fault)c->what->code;
    return done(answer, size);
}

// What nobody asked for comes in on the line, as if the device had sent it.
static int say_on_uart(struct lab *lab, const struct command *c, char *answer, size_t size,
                       struct err *err)
{
    (void)err;
    static const char banner[] = "\r\n\r\nboot 1.0\r\nreset: brown-out\r\nREADY\r\n";
    static const char noise[] = "E (4711) rf: #### 0x3F2A7C10 unexpected state\r\n";
    struct uart *u = lab->uarts[c->unit];
    size_t times = c->what->code == SAY_FLOOD ? 100 : 1;
    const char *text = c->what->code == SAY_FLOOD ? noise : banner;
    for (size_t i = 0; i < times; i++)
        uart_transmit(u, lab->world.now_ns, (const uint8_t *)text, strlen(text));
    return done(answer, size);
}

static int plug_ftdi(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    (void)err;
    if (c->what->code == PLUG_OUT)
        usb_bus_unplug(lab->usb, c->unit);
    else
        usb_bus_replug(lab->usb, c->unit);
    return done(answer, size);
}

static int move_clip(struct lab *lab, const struct command *c, char *answer, size_t size,
                     struct err *err)
{
    (void)err;
    lab->probes[c->unit]->lifted = c->what->code == PLUG_OUT;
    return done(answer, size);
}

static int hurt_adapter(struct lab *lab, const struct command *c, char *answer, size_t size,
                        struct err *err)
{
    (void)err;
    ft232h_set_fault(lab->probes[c->unit]->chip, (enum ft232h_fault)c->what->code);
    return done(answer, size);
}

static int hurt_relay(struct lab *lab, const struct command *c, char *answer, size_t size,
                      struct err *err)
{
    (void)err;
    probe_stick_relay(lab->probes[c->unit], c->what->code);
    return done(answer, size);
}

static int hurt_flash(struct lab *lab, const struct command *c, char *answer, size_t size,
                      struct err *err)
{
    (void)err;
    lab->probes[c->unit]->rots = c->what->code;
    return done(answer, size);
}

static int hurt_debug(struct lab *lab, const struct command *c, char *answer, size_t size,
                      struct err *err)
{
    (void)err;
    lab->probes[c->unit]->debug = (enum probe_debug)c->what->code;
    return done(answer, size);
}

static int set_supply(struct lab *lab, const struct command *c, char *answer, size_t size,
                      struct err *err)
{
    (void)err;
    world_set_supply(&lab->world, c->unit, (uint32_t)lround(c->values[0]));
    return done(answer, size);
}

static int set_temperature(struct lab *lab, const struct command *c, char *answer, size_t size,
                           struct err *err)
{
    (void)err;
    world_set_temperature(&lab->world, c->unit, (int32_t)lround(c->values[0] * 1000));
    return done(answer, size);
}

// Words, kind of unit, function, what it shall do.
#define DO(words, kind, run, code)                                                                 \
    {                                                                                              \
        words, COMMAND_UNIT_##kind, false, run, {{NULL, 0, 0}}, code, false                        \
    }
#define UNDO(words, kind, run, code)                                                               \
    {                                                                                              \
        words, COMMAND_UNIT_##kind, false, run, {{NULL, 0, 0}}, code, true                         \
    }
#define ASK(words, kind, run)                                                                      \
    {                                                                                              \
        words, COMMAND_UNIT_##kind, true, run, {{NULL, 0, 0}}, 0, false                            \
    }

static const struct command_entry entries[] = {
    ASK("time", NONE, tell_time),
    ASK("bursts", NONE, tell_bursts),
    ASK("state device", DEVICE, tell_device),
    DO("kill device", DEVICE, act_on_device, DEVICE_KILL),
    DO("cut device", DEVICE, act_on_device, DEVICE_CUT),
    UNDO("restore device", DEVICE, act_on_device, DEVICE_RESTORE),
    {"cut at-start",
     COMMAND_UNIT_DEVICE,
     false,
     cut_at_edge,
     {{"ms", -60000, 60000}, {"s", 0.001, 3600}},
     EDGE_START,
     false},
    {"cut at-end",
     COMMAND_UNIT_DEVICE,
     false,
     cut_at_edge,
     {{"ms", -60000, 60000}, {"s", 0.001, 3600}},
     EDGE_END,
     false},
    {"supply device", COMMAND_UNIT_DEVICE, false, set_supply, {{"mV", 0, 20000}}, 0, false},
    {"temperature device",
     COMMAND_UNIT_DEVICE,
     false,
     set_temperature,
     {{"C", -100, 200}},
     0,
     false},
    DO("stall pluto", PLUTO, act_on_pluto, LAB_PLUTO_STALL),
    UNDO("release pluto", PLUTO, act_on_pluto, LAB_PLUTO_RELEASE),
    DO("unplug pluto", PLUTO, act_on_pluto, LAB_PLUTO_UNPLUG),
    UNDO("replug pluto", PLUTO, act_on_pluto, LAB_PLUTO_REPLUG),
    DO("overflow pluto", PLUTO, act_on_pluto, LAB_PLUTO_OVERFLOW),
    DO("underflow pluto", PLUTO, act_on_pluto, LAB_PLUTO_UNDERFLOW),
    DO("crash pluto", PLUTO, hurt_block, IIOD_FAULT_CRASH),
    DO("short pluto", PLUTO, hurt_block, IIOD_FAULT_SHORT),
    DO("oversize pluto", PLUTO, hurt_block, IIOD_FAULT_OVERSIZE),
    DO("mask pluto", PLUTO, hurt_block, IIOD_FAULT_MASK),
    DO("garbage pluto", PLUTO, hurt_block, IIOD_FAULT_GARBAGE),
    DO("unlock pluto", PLUTO, hurt_chip, CHIP_UNLOCKED),
    DO("stick pluto", PLUTO, hurt_chip, CHIP_STUCK),
    DO("misrate pluto", PLUTO, hurt_chip, CHIP_MISRATED),
    UNDO("mend pluto", PLUTO, hurt_chip, CHIP_WHOLE),
    DO("unplug uart", UART, plug_uart, PLUG_OUT),
    UNDO("replug uart", UART, plug_uart, PLUG_IN),
    DO("corrupt uart", UART, hurt_uart, UART_FAULT_CORRUPT),
    DO("drop uart", UART, hurt_uart, UART_FAULT_DROP),
    DO("double uart", UART, hurt_uart, UART_FAULT_DOUBLE),
    DO("split uart", UART, hurt_uart, UART_FAULT_SPLIT),
    DO("misbaud uart", UART, hurt_uart, UART_FAULT_MISBAUD),
    DO("mute uart", UART, hurt_uart, UART_FAULT_MUTE),
    UNDO("mend uart", UART, hurt_uart, UART_FAULT_NONE),
    DO("flood uart", UART, say_on_uart, SAY_FLOOD),
    DO("banner uart", UART, say_on_uart, SAY_BANNER),
    DO("unplug ftdi", FTDI, plug_ftdi, PLUG_OUT),
    UNDO("replug ftdi", FTDI, plug_ftdi, PLUG_IN),
    DO("lift clip", FTDI, move_clip, PLUG_OUT),
    UNDO("seat clip", FTDI, move_clip, PLUG_IN),
    DO("short ftdi", FTDI, hurt_adapter, FT232H_SHORT),
    DO("empty ftdi", FTDI, hurt_adapter, FT232H_EMPTY),
    DO("echo ftdi", FTDI, hurt_adapter, FT232H_ECHO),
    UNDO("mend ftdi", FTDI, hurt_adapter, FT232H_WHOLE),
    DO("stick relay", FTDI, hurt_relay, true),
    UNDO("free relay", FTDI, hurt_relay, false),
    DO("rot flash", FTDI, hurt_flash, true),
    UNDO("mend flash", FTDI, hurt_flash, false),
    DO("ones debug", FTDI, hurt_debug, PROBE_DEBUG_ONES),
    DO("zeros debug", FTDI, hurt_debug, PROBE_DEBUG_ZEROS),
    UNDO("mend debug", FTDI, hurt_debug, PROBE_DEBUG_WHOLE),
};

const char *command_unit_name(const struct scenario *s, enum command_unit kind, size_t i)
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
    for (size_t i = 0; (name = command_unit_name(s, out->what->unit, i)); i++) {
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
    char list[2000] = "";
    list_commands(list, sizeof list);
    return err_set(err, ERR_USAGE, "'%s' is no command; there are: %s", line, list);
}

int command_carry_out(struct lab *lab, const char *line, char *answer, size_t size, struct err *err)
{
    struct command c;
    int rc = command_parse(&c, line, lab->scenario, err);
    if (rc >= 0) rc = c.what->run(lab, &c, answer, size, err);
    if (rc >= 0 && !c.what->query) lab_note_fault(lab, line);
    return rc;
}
