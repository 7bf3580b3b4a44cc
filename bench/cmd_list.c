// foxbench list: every case with its fields, for people, for programs and for docs/CASES.md.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/json.h"
#include "bench/cmd.h"
#include "lua/bind/script.h"
#include "lua/bind/state.h"

static const char usage[] =
    "usage: foxbench list [--json | --markdown]\n\n"
    "Prints every case: its id, severity, level and title. --json prints all fields,\n"
    "--markdown the page docs/CASES.md.\n";

static const char *text_of(const struct jval *object, const char *key)
{
    return jval_text(jval_get(object, key), "");
}

static void print_table(const struct jval *cases)
{
    for (size_t i = 0; i < jval_len(cases); i++) {
        const struct jval *c = jval_at(cases, i);
        printf("%-14s %-9s %-12s %s\n", text_of(c, "id"), text_of(c, "severity"),
               text_of(c, "level"), text_of(c, "title"));
    }
}

static int print_json(const struct jval *cases, struct err *err)
{
    char *text = jval_dump(cases, err);
    if (!text) return ERR_FORMAT;
    puts(text);
    free(text);
    return ERR_OK;
}

static int print_markdown(const struct jval *cases, struct err *err)
{
    char path[1024];
    struct bytes page;
    snprintf(path, sizeof path, "%s/lua/cert/cases_page.lua", cmd_root());
    bytes_init(&page, 4 << 20);
    int rc = script_render(path, cases, &page, err);
    if (rc == ERR_OK) fwrite(page.data, 1, page.len, stdout);
    bytes_deinit(&page);
    return rc;
}

int cmd_list(int argc, char **argv)
{
    const char *form = argc > 1 ? argv[1] : "";
    if (strcmp(form, "--help") == 0) {
        fputs(usage, stdout);
        return CMD_EXIT_OK;
    }
    bool known = argc == 1 || strcmp(form, "--json") == 0 || strcmp(form, "--markdown") == 0;
    if (argc > 2 || !known) {
        fprintf(stderr, "foxbench list: expected --json, --markdown or nothing, got '%s'\n%s",
                argv[argc - 1], usage);
        return CMD_EXIT_USAGE;
    }

    struct err err = {0};
    struct state *state = NULL;
    struct jval *cases = NULL;
    int rc = state_open(&state, cmd_root(), &err);
    if (rc == ERR_OK) rc = state_list(state, &cases, &err);
    if (rc == ERR_OK) {
        if (strcmp(form, "--json") == 0)
            rc = print_json(cases, &err);
        else if (strcmp(form, "--markdown") == 0)
            rc = print_markdown(cases, &err);
        else
            print_table(cases);
    }
    state_close(state);
    jval_free(cases);
    if (rc == ERR_OK) return CMD_EXIT_OK;
    fprintf(stderr, "foxbench list: %s\n", err.text);
    return CMD_EXIT_ERROR;
}
