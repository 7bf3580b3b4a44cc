#include "bench/arguments.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/nearest.h"

static const struct argument *find(const struct argument *arguments, const char *text,
                                   const char **value)
{
    for (const struct argument *a = arguments; a->name; a++) {
        size_t n = strlen(a->name);
        if (strncmp(text, a->name, n) != 0) continue;
        *value = text[n] == '=' && text[1] == '-' ? text + n + 1 : NULL;
        if (!text[n] || *value) return a;
    }
    return NULL;
}

static int set(const struct argument *a, const char *value, struct err *err)
{
    if (a->flag) {
        if (value)
            return err_set(err, ERR_USAGE, "%s: expected no value, got '%s'", a->name, value);
        *a->flag = true;
        return ERR_OK;
    }
    if (!value) return err_set(err, ERR_USAGE, "%s: expected a value after it", a->name);
    if (a->values) {
        if (a->values->n == ARGUMENT_VALUES_MAX)
            return err_set(err, ERR_USAGE, "%s: expected at most %d times", a->name,
                           ARGUMENT_VALUES_MAX);
        a->values->list[a->values->n++] = value;
        return ERR_OK;
    }
    if (*a->value)
        return err_set(err, ERR_USAGE, "%s: expected once, got '%s' and '%s'", a->name, *a->value,
                       value);
    *a->value = value;
    return ERR_OK;
}

// The word at argv[at] goes before the options.
static int take_word(struct words *words, char **argv, int at, struct err *err)
{
    char *word = argv[at];
    if (!words) return err_set(err, ERR_USAGE, "expected options alone, got '%s'", word);
    if (words->n == words->max)
        return err_set(err, ERR_USAGE, "expected at most %zu argument%s, got also '%s'", words->max,
                       words->max == 1 ? "" : "s", word);
    char **place = words->list + words->n++;
    memmove(place + 1, place, (size_t)(argv + at - place) * sizeof *place);
    *place = word;
    return ERR_OK;
}

static int unknown_option(const struct argument *arguments, const char *text, struct err *err)
{
    enum { MAX = 64 };
    const char *names[MAX], *near;
    char name[64];
    size_t n = 0;
    for (const struct argument *a = arguments; a->name && n < MAX; a++)
        names[n++] = a->name;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "="), text);
    near = nearest_word(name, names, n);
    return err_set(err, ERR_USAGE, "unknown option '%s'%s%s", text, near ? "; the nearest is " : "",
                   near ? near : "");
}

int arguments_number(const char *option, const char *text, long long least, long long most,
                     long long *out, struct err *err)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (!errno && !*end && end != text && n >= least && n <= most) {
        *out = n;
        return ERR_OK;
    }
    if (most == INT64_MAX)
        return err_set(err, ERR_USAGE, "%s: expected a whole number from %lld, got '%s'", option,
                       least, text);
    return err_set(err, ERR_USAGE, "%s: expected a number from %lld to %lld, got '%s'", option,
                   least, most, text);
}

int arguments_parse(const struct argument *arguments, struct words *words, int argc, char **argv,
                    struct err *err)
{
    bool words_only = false;
    if (words) words->list = argv + 1;
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        int rc;
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
            continue;
        }
        if (words_only || argv[i][0] != '-') {
            rc = take_word(words, argv, i, err);
            if (rc < 0) return rc;
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return ARGUMENTS_HELP;
        const struct argument *a = find(arguments, argv[i], &value);
        if (!a) return unknown_option(arguments, argv[i], err);
        if (!a->flag && !value && i + 1 < argc) value = argv[++i];
        rc = set(a, value, err);
        if (rc < 0) return rc;
    }
    return ARGUMENTS_GO_ON;
}

int arguments_exit(const char *command, int rc, const struct err *err)
{
    if (rc == ARGUMENTS_HELP) {
        manual_print(command, stdout);
        return CMD_EXIT_OK;
    }
    fprintf(stderr, "foxbench %s: %s; foxbench %s --help lists what there is\n", command, err->text,
            command);
    return CMD_EXIT_USAGE;
}
