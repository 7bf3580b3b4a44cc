#include "bench/run_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SELECT_MAX = 10000, SHARDS_MAX = 1000, RETRY_MAX = 10, JOBS_MAX = 32 };

static int parse_arm(struct run_options *o, const struct values *words, struct err *err)
{
    for (size_t i = 0; i < words->n; i++) {
        if (strcmp(words->list[i], "interference") == 0)
            o->arm_interference = true;
        else if (strcmp(words->list[i], "destructive") == 0)
            o->arm_destructive = true;
        else
            return err_set(err, ERR_USAGE, "--arm: expected interference or destructive, got '%s'",
                           words->list[i]);
    }
    return ERR_OK;
}

static int parse_shard(struct run_options *o, const char *text, struct err *err)
{
    int used = 0;
    unsigned i, n;
    if (sscanf(text, "%4u/%4u%n", &i, &n, &used) != 2 || text[used] || i < 1 || i > n ||
        n > SHARDS_MAX)
        return err_set(err, ERR_USAGE,
                       "--shard: expected i/n with 1 <= i <= n <= %d, such as 1/3, got '%s'",
                       SHARDS_MAX, text);
    o->shard = i;
    o->shards = n;
    return ERR_OK;
}

struct numbers {
    const char *seed, *retry, *jobs, *tap;
};

static int parse_numbers(struct run_options *o, const struct numbers *t, struct err *err)
{
    long long seed = 1, retry = 0, jobs = 1, tap = 13;
    int rc = ERR_OK;
    if (t->seed) rc = arguments_number("--seed", t->seed, 0, INT64_MAX, &seed, err);
    if (rc == ERR_OK && t->retry)
        rc = arguments_number("--retry", t->retry, 0, RETRY_MAX, &retry, err);
    if (rc == ERR_OK && t->jobs) rc = arguments_number("-j", t->jobs, 1, JOBS_MAX, &jobs, err);
    if (rc == ERR_OK && t->tap) rc = arguments_number("--tap", t->tap, 13, 14, &tap, err);
    o->seed = seed;
    o->retry = (unsigned)retry;
    o->jobs = (unsigned)jobs;
    o->tap_version = (int)tap;
    return rc;
}

static int check(const struct run_options *o, struct err *err)
{
    if (o->fault && o->bench)
        return err_set(err, ERR_USAGE,
                       "--fault: seeded faults live in the virtual lab; leave out --bench");
    if (o->chaos && o->benches.n > 0)
        return err_set(err, ERR_USAGE,
                       "--chaos: faults are drawn by the virtual lab; leave out --bench");
    if (!*o->parent) return err_set(err, ERR_USAGE, "-o: expected a folder, got nothing");
    size_t devices = o->devices.n > 0 ? o->devices.n : 1;
    if (o->benches.n > 0 && o->benches.n != devices)
        return err_set(err, ERR_USAGE,
                       "--bench: expected one for each device, in the same order, or none for the "
                       "virtual lab; got %zu for %zu device%s",
                       o->benches.n, devices, devices == 1 ? "" : "s");
    for (size_t i = 0; i < o->benches.n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(o->benches.list[i], o->benches.list[k]) == 0)
                return err_set(err, ERR_USAGE,
                               "--bench: %s stands for two devices; a bench has one at a time",
                               o->benches.list[i]);
    return ERR_OK;
}

int run_options_parse(struct run_options *o, bool plan, int argc, char **argv, struct err *err)
{
    struct numbers numbers = {0};
    struct values arm = {0};
    struct words words = {.max = SELECT_MAX};
    const char *shard = NULL;
    *o = (struct run_options){.dry_run = plan};
    const struct argument arguments[] = {{.name = "--bench", .values = &o->benches},
                                         {.name = "--device", .values = &o->devices},
                                         {.name = "--profile", .value = &o->profile},
                                         {.name = "-i", .value = &o->include},
                                         {.name = "-e", .value = &o->exclude},
                                         {.name = "--shard", .value = &shard},
                                         {.name = "--seed", .value = &numbers.seed},
                                         {.name = "-o", .value = &o->parent},
                                         {.name = "--arm", .values = &arm},
                                         {.name = "--fault", .value = &o->fault},
                                         {.name = "--chaos", .value = &o->chaos},
                                         {.name = "--json", .flag = &o->json},
                                         {.name = "--retry", .value = &numbers.retry},
                                         {.name = "-j", .value = &numbers.jobs},
                                         {.name = "--tap", .value = &numbers.tap},
                                         {.name = "--dry-run", .flag = &o->dry_run},
                                         {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, err);
    if (rc != ARGUMENTS_GO_ON) return rc;
    o->select = words.list;
    o->n_select = words.n;
    if (!o->profile) o->profile = "smoke";
    if (!o->parent) o->parent = "results";
    if (o->devices.n > 0) o->device = o->devices.list[0];
    if (o->benches.n > 0) o->bench = o->benches.list[0];
    rc = parse_numbers(o, &numbers, err);
    if (rc == ERR_OK) rc = parse_arm(o, &arm, err);
    if (rc == ERR_OK && shard) rc = parse_shard(o, shard, err);
    if (rc == ERR_OK && o->json && !o->dry_run)
        rc = err_set(
            err, ERR_USAGE,
            "--json: expected --dry-run with it, or foxbench plan; foxbench report --format "
            "json prints a run as JSON");
    return rc == ERR_OK ? check(o, err) : rc;
}
