// foxbench reset: gives a device power and pulls its reset line, by hand.
#include <stdio.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/desk.h"

struct times {
    double before_s; // with power, before the reset
    double hold_s;
    double for_s; // with power, afterwards; -1: until a signal
};

static int act(struct desk *d, const struct times *t, struct err *err)
{
    int rc = desk_open_power(d, err);
    if (rc >= 0) rc = desk_set_reset(d, false, err);
    if (rc >= 0) rc = desk_set_power(d, true, err);
    if (rc < 0) return rc;
    fprintf(stderr, "power is on (%s)\n", d->what);
    rc = desk_wait(d, t->before_s, err);
    if (rc == ERR_OK) {
        fprintf(stderr, "reset is held for %g s\n", t->hold_s);
        rc = desk_set_reset(d, true, err);
    }
    if (rc == ERR_OK) rc = desk_wait(d, t->hold_s, err);
    if (rc == ERR_OK) rc = desk_set_reset(d, false, err);
    if (rc == ERR_OK) {
        fprintf(stderr, "the device runs%s\n",
                t->for_s < 0 ? ", until this command ends: Ctrl-C switches it off" : "");
        rc = desk_wait(d, t->for_s, err);
    }
    return rc;
}

int cmd_reset(int argc, char **argv)
{
    const char *bench = NULL, *before = NULL, *hold = NULL, *run_for = NULL;
    const struct argument arguments[] = {
        {.name = "--bench", .value = &bench},
        {.name = "--before", .value = &before},
        {.name = "--hold", .value = &hold},
        {.name = "--for", .value = &run_for},
        {0},
    };
    struct times t = {.before_s = 1, .hold_s = 0.1, .for_s = -1};
    struct err err = {0};
    int rc = arguments_parse(arguments, NULL, argc, argv, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--before", before, &t.before_s, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--hold", hold, &t.hold_s, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--for", run_for, &t.for_s, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("reset", rc, &err);
    if (!bench) return desk_in_lab("reset", NULL, argc, argv);

    struct desk d = {0};
    rc = desk_read(&d, bench, &err);
    if (rc >= 0) rc = act(&d, &t, &err);
    desk_close(&d);
    if (rc < 0) return desk_fail("reset", &err);
    return rc > 0 && t.for_s >= 0 ? CMD_EXIT_INTERRUPTED : CMD_EXIT_OK;
}
