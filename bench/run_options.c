#include "bench/run_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char run_options_help[] =
    "usage: foxbench run [SELECT…] [OPTIONS]\n"
    "\n"
    "Certifies a device. Without --bench: the reference device, in the virtual lab.\n"
    "SELECT is a case id (AUTH-UL-001), a glob ('AUTH-*') or a suite (AUTH); none is all of them.\n"
    "\n"
    "  --bench FILE    the bench to use: radios, ports, permits (fixtures/benches/)\n"
    "  --device FILE   the device under test (fixtures/devices/); default: the reference device\n"
    "  --profile NAME  which cases belong to the run; default: smoke\n"
    "  -o DIR          where run directories go; default: results\n"
    "  --seed N        seed of everything random; default: 1\n"
    "  --arm WHAT      allow on this bench what disturbs or destroys: interference, destructive;\n"
    "                  given once for each. The virtual lab is always armed\n"
    "  --fault ID      switch on a seeded fault of the reference device (virtual lab only)\n"
    "  --dry-run       print what would run, and stop\n"
    "\n"
    "stdout carries TAP, stderr the human. Exit: 0 passed, 1 a fail, 2 interrupted, 3 bench or "
    "suite\n"
    "error, 4 usage or configuration, 5 nothing applicable, 6 inconclusive or not run.\n";

struct option {
    const char *name;
    const char **value;
};

static int parse_seed(int64_t *out, const char *text, struct err *err)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || *end || end == text || n < 0)
        return err_set(err, ERR_USAGE, "--seed: expected a whole number from 0, got '%s'", text);
    *out = n;
    return ERR_OK;
}

// Whether arg is this option; *value gets what follows its '='.
static bool names(const char *arg, const char *name, const char **value)
{
    size_t n = strlen(name);
    *value = NULL;
    if (strncmp(arg, name, n) != 0) return false;
    if (arg[n] == '=' && name[1] == '-') *value = arg + n + 1;
    return !arg[n] || *value;
}

static int parse_arm(struct run_options *o, const char *what, struct err *err)
{
    if (strcmp(what, "interference") == 0)
        o->arm_interference = true;
    else if (strcmp(what, "destructive") == 0)
        o->arm_destructive = true;
    else
        return err_set(err, ERR_USAGE, "--arm: expected interference or destructive, got '%s'",
                       what);
    return ERR_OK;
}

static int check(const struct run_options *o, struct err *err)
{
    if (o->fault && o->bench)
        return err_set(err, ERR_USAGE,
                       "--fault: seeded faults live in the virtual lab; leave out --bench");
    if (!*o->parent) return err_set(err, ERR_USAGE, "-o: expected a folder, got nothing");
    return ERR_OK;
}

int run_options_parse(struct run_options *o, int argc, char **argv, struct err *err)
{
    const char *seed = NULL, *profile = NULL, *parent = NULL;
    *o = (struct run_options){.select = argv + 1, .seed = 1};
    const struct option options[] = {{"--bench", &o->bench},  {"--device", &o->device},
                                     {"--profile", &profile}, {"-o", &parent},
                                     {"--seed", &seed},       {"--fault", &o->fault}};
    bool only_patterns = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *value;
        if (only_patterns || arg[0] != '-') {
            o->select[o->n_select++] = argv[i];
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            only_patterns = true;
            continue;
        }
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            o->help = true;
            continue;
        }
        if (strcmp(arg, "--dry-run") == 0) {
            o->dry_run = true;
            continue;
        }
        if (names(arg, "--arm", &value)) {
            if (!value && i + 1 < argc) value = argv[++i];
            int rc = parse_arm(o, value ? value : "", err);
            if (rc < 0) return rc;
            continue;
        }
        const struct option *found = NULL;
        for (size_t k = 0; k < sizeof options / sizeof *options && !found; k++)
            if (names(arg, options[k].name, &value)) found = &options[k];
        if (!found)
            return err_set(err, ERR_USAGE,
                           "unknown option '%s'; foxbench run --help lists those there are", arg);
        if (!value && i + 1 < argc) value = argv[++i];
        if (!value) return err_set(err, ERR_USAGE, "%s: expected a value after it", found->name);
        if (*found->value)
            return err_set(err, ERR_USAGE, "%s: expected once, got '%s' and '%s'", found->name,
                           *found->value, value);
        *found->value = value;
    }
    o->profile = profile ? profile : "smoke";
    o->parent = parent ? parent : "results";
    int rc = seed ? parse_seed(&o->seed, seed, err) : ERR_OK;
    return rc == ERR_OK ? check(o, err) : rc;
}
