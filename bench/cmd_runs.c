// foxbench runs: the runs of a folder, from its index.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/record/index.h"
#include "bench/record/verdict.h"
#include "reports/report.h"

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static int decide(void *ctx, const char *run_dir, char word[INDEX_WORD_MAX], struct err *err)
{
    (void)ctx;
    return report_decision(run_dir, word, INDEX_WORD_MAX, err);
}

// "12 pass, 1 fail", in the order of the list of verdicts.
static void describe_counts(const struct jval *run, char out[160])
{
    const struct jval *counts = jval_get(run, "counts");
    size_t used = 0;
    out[0] = 0;
    for (enum verdict v = 0; v < VERDICTS && used < 140; v++) {
        long long n = (long long)jval_int(jval_get(counts, verdict_name(v)), 0);
        if (n > 0)
            used += (size_t)snprintf(out + used, 160 - used, "%s%lld %s", used ? ", " : "", n,
                                     verdict_name(v));
    }
}

// Names come from directories and files that anybody may have written: no control characters.
static void print_plain(const char *text, int width)
{
    int n = 0;
    for (; *text; text++, n++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
    for (; n < width; n++)
        putchar(' ');
    putchar(' ');
}

static void print_run(const struct jval *run)
{
    char counts[160], begun[32], seed[32];
    const char *state = text_of(run, "state"), *decision = text_of(run, "decision");
    describe_counts(run, counts);
    snprintf(begun, sizeof begun, "%.10s %.8s", text_of(run, "begun"),
             strlen(text_of(run, "begun")) > 11 ? text_of(run, "begun") + 11 : "");
    snprintf(seed, sizeof seed, "%lld", (long long)jval_int(jval_get(run, "seed"), 0));
    bool finished = strcmp(state, "finished") == 0;
    print_plain(begun, 19);
    print_plain(text_of(run, "device"), 16);
    print_plain(text_of(run, "profile"), 11);
    print_plain(seed, 5);
    print_plain(finished ? decision : state, 15);
    print_plain(jval_bool(jval_get(run, "signed"), false) ? "signed" : "-", 6);
    print_plain(text_of(run, "name"), 0);
    print_plain(finished ? counts : text_of(run, "why"), 0);
    const struct jval *faults = jval_get(run, "faults");
    if (jval_len(faults) > 0) printf("[seeded fault %s]", jval_text(jval_at(faults, 0), "?"));
    putchar('\n');
}

static void print_table(const struct jval *runs)
{
    printf("%-19s %-16s %-11s %-5s %-15s %-6s %s\n", "BEGUN (UTC)", "DEVICE", "PROFILE", "SEED",
           "DECISION", "SIGNED", "DIRECTORY AND VERDICTS");
    for (size_t i = 0; i < jval_len(runs); i++)
        print_run(jval_at(runs, i));
}

static int print(const struct jval *runs, bool json, struct err *err)
{
    if (!json) {
        if (jval_len(runs) > 0) print_table(runs);
        return ERR_OK;
    }
    char *text = jval_dump(runs, err);
    if (!text) return ERR_FORMAT;
    puts(text);
    free(text);
    return ERR_OK;
}

int cmd_runs(int argc, char **argv)
{
    const char *device = NULL, *last_text = NULL;
    bool json = false;
    long long last = 0;
    struct words words = {.max = 1};
    struct index *ix = NULL;
    struct jval *runs = NULL;
    struct err err = {0};
    const struct index_judge judge = {.decide = decide};
    const struct argument arguments[] = {{.name = "--device", .value = &device},
                                         {.name = "--last", .value = &last_text},
                                         {.name = "--json", .flag = &json},
                                         {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, &err);
    if (rc == ARGUMENTS_GO_ON && last_text)
        rc = arguments_number("--last", last_text, 1, 1000000, &last, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("runs", rc, &err);

    const char *folder = words.n ? words.list[0] : "results";
    rc = index_open(&ix, folder, &err);
    if (rc == ERR_OK) rc = index_refresh(ix, &judge, &err);
    if (rc >= 0) rc = index_runs(ix, device, (int)last, &runs, &err);
    if (rc >= 0) rc = print(runs, json, &err);
    size_t n = jval_len(runs);
    jval_free(runs);
    index_close(ix);
    if (rc < 0) {
        fprintf(stderr, "foxbench runs: %s\n", err.text);
        return rc == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
    }
    if (n == 0)
        fprintf(stderr, "foxbench runs: %s: no runs%s%s; foxbench run makes one\n", folder,
                device ? " of " : "", device ? device : "");
    return n ? CMD_EXIT_OK : CMD_EXIT_NOTHING;
}
