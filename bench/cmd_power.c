// foxbench power: gives a device power by hand, for as long as the command runs.
#include <stdio.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/desk.h"

enum { CYCLE_OFF_S = 1 };

static int hold(struct desk *d, double for_s, struct err *err)
{
    int rc = desk_set_power(d, true, err);
    if (rc < 0) return rc;
    fprintf(stderr, "power is on (%s)%s\n", d->what,
            for_s < 0 ? ", until this command ends: Ctrl-C switches it off" : "");
    rc = desk_wait(d, for_s, err);
    if (rc < 0) return rc;
    int off = desk_set_power(d, false, err);
    if (off >= 0) off = desk_check_off(d, err);
    if (off < 0) return off;
    fputs("power is off\n", stderr);
    return rc;
}

static int act(struct desk *d, const char *what, double for_s, double off_s, struct err *err)
{
    int rc = desk_open_power(d, err);
    if (rc < 0) return rc;
    if (strcmp(what, "on") == 0) return hold(d, for_s, err);
    rc = desk_check_off(d, err); // it is off since the opening
    if (rc < 0) return rc;
    fprintf(stderr, "power is off (%s)\n", d->what);
    if (strcmp(what, "off") == 0) return ERR_OK;
    rc = desk_wait(d, off_s + d->discharge_s, err);
    return rc != ERR_OK ? rc : hold(d, for_s, err);
}

int cmd_power(int argc, char **argv)
{
    const char *bench = NULL, *for_text = NULL, *off_text = NULL;
    const struct argument arguments[] = {
        {.name = "--bench", .value = &bench},
        {.name = "--for", .value = &for_text},
        {.name = "--off", .value = &off_text},
        {0},
    };
    struct words words = {.max = 1};
    struct err err = {0};
    double for_s = -1, off_s = CYCLE_OFF_S;
    int rc = arguments_parse(arguments, &words, argc, argv, &err);
    if (rc == ARGUMENTS_GO_ON &&
        (words.n != 1 || (strcmp(words.list[0], "on") != 0 && strcmp(words.list[0], "off") != 0 &&
                          strcmp(words.list[0], "cycle") != 0)))
        rc = err_set(&err, ERR_USAGE, "expected one of on, off and cycle, got '%s'",
                     words.n ? words.list[0] : "nothing");
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--for", for_text, &for_s, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--off", off_text, &off_s, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("power", rc, &err);
    if (!bench) return desk_in_lab("power", NULL, argc, argv);

    struct desk d = {0};
    rc = desk_read(&d, bench, &err);
    if (rc >= 0) rc = act(&d, words.list[0], for_s, off_s, &err);
    desk_close(&d);
    if (rc < 0) return desk_fail("power", &err);
    return rc > 0 && for_s >= 0 ? CMD_EXIT_INTERRUPTED : CMD_EXIT_OK;
}
