#include "bench/arguments.h"

#include <string.h>

#include "bench/cmd.h"

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
    if (*a->value)
        return err_set(err, ERR_USAGE, "%s: expected once, got '%s' and '%s'", a->name, *a->value,
                       value);
    *a->value = value;
    return ERR_OK;
}

static int take_word(struct words *words, char *word, struct err *err)
{
    if (!words) return err_set(err, ERR_USAGE, "expected options alone, got '%s'", word);
    if (words->n == words->max)
        return err_set(err, ERR_USAGE, "expected at most %zu argument%s, got also '%s'", words->max,
                       words->max == 1 ? "" : "s", word);
    words->list[words->n++] = word;
    return ERR_OK;
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
            rc = take_word(words, argv[i], err);
            if (rc < 0) return rc;
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return ARGUMENTS_HELP;
        const struct argument *a = find(arguments, argv[i], &value);
        if (!a) return err_set(err, ERR_USAGE, "unknown option '%s'", argv[i]);
        if (a->value && !value && i + 1 < argc) value = argv[++i];
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
