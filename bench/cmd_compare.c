// foxbench compare: what changed from one run to another.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/record/run_view.h"

struct tally {
    size_t same, changed, worse, undecided;
};

static const char *shown(const struct jval *c)
{
    return c ? jval_text(jval_get(c, "verdict"), "?") : "";
}

static bool is(const char *word, const char *other)
{
    return strcmp(word, other) == 0;
}

static bool is_decided(const char *verdict)
{
    return is(verdict, "pass") || is(verdict, "info") || is(verdict, "warn") || is(verdict, "fail");
}

static void compare_verdict(struct tally *t, const char *name, const struct jval *a,
                            const struct jval *b)
{
    const char *before = shown(a), *after = shown(b);
    const char *why = jval_text(jval_get(b, "reason"), "");
    if (!a) {
        t->changed++;
        t->worse += is(after, "fail");
        printf("NEW         %s: %s%s%s\n", name, after, *why ? ": " : "", why);
    } else if (!b) {
        t->changed++;
        t->undecided += is_decided(before);
        printf("GONE        %s: was %s\n", name, before);
    } else if (is(before, after)) {
        t->same++;
    } else {
        bool fails = is(after, "fail");
        t->changed++;
        t->worse += fails;
        t->undecided += is_decided(before) && !is_decided(after);
        printf("%s->%s  %s%s%s\n", before, fails ? "FAIL" : after, name, *why ? ": " : "", why);
    }
}

// The k-th measurement of this name: a case may take one several times.
static const struct jval *find_measurement(const struct jval *list, const char *name, size_t k)
{
    for (size_t i = 0; i < jval_len(list); i++)
        if (is(jval_text(jval_get(jval_at(list, i), "name"), ""), name) && k-- == 0)
            return jval_at(list, i);
    return NULL;
}

static size_t count_before(const struct jval *list, size_t end, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < end; i++)
        n += is(jval_text(jval_get(jval_at(list, i), "name"), ""), name);
    return n;
}

static void compare_measurements(const char *name, const struct jval *a, const struct jval *b)
{
    const struct jval *before = jval_get(a, "measurements"), *after = jval_get(b, "measurements");
    for (size_t i = 0; i < jval_len(before); i++) {
        const struct jval *m = jval_at(before, i);
        const char *what = jval_text(jval_get(m, "name"), "");
        const struct jval *n = find_measurement(after, what, count_before(before, i, what));
        if (!n) continue; // the verdict tells
        double from = jval_number(jval_get(m, "value"), NAN), u = jval_number(jval_get(m, "U"), 0);
        double to = jval_number(jval_get(n, "value"), NAN), w = jval_number(jval_get(n, "U"), 0);
        if (!(fabs(to - from) > hypot(u, w))) continue;
        const char *unit = jval_text(jval_get(m, "unit"), "");
        printf("moved       %s: %s from %g to %g%s%s (%+g)\n", name, what, from, to,
               *unit ? " " : "", unit, to - from);
    }
}

static void compare_cases(struct tally *t, const struct run_view *a, const struct run_view *b)
{
    for (size_t i = 0; i < jval_len(a->cases); i++) {
        const struct jval *c = jval_at(a->cases, i);
        const char *name = jval_text(jval_get(c, "name"), "");
        const struct jval *other = run_view_find(b, name);
        compare_verdict(t, name, c, other);
        if (other) compare_measurements(name, c, other);
    }
    for (size_t i = 0; i < jval_len(b->cases); i++) {
        const struct jval *c = jval_at(b->cases, i);
        const char *name = jval_text(jval_get(c, "name"), "");
        if (!run_view_find(a, name)) compare_verdict(t, name, NULL, c);
    }
}

static void compare_value(const char *what, const struct jval *a, const struct jval *b)
{
    if (a == b || (a && b && jval_equal(a, b))) return;
    char *from = a ? jval_dump(a, NULL) : NULL, *to = b ? jval_dump(b, NULL) : NULL;
    printf("differs     %s: %.300s, then %.300s\n", what, from ? from : "absent",
           to ? to : "absent");
    free(from);
    free(to);
}

struct fields {
    const char *what;
    const struct jval *other;
    bool only_absent; // says what the other does not have at all
};

static int compare_field(void *ctx, const char *key, struct jval *value)
{
    struct fields *f = ctx;
    char what[200];
    const struct jval *other = jval_get(f->other, key);
    snprintf(what, sizeof what, "%s %s", f->what, key);
    if (!f->only_absent)
        compare_value(what, value, other);
    else if (!other)
        compare_value(what, NULL, value);
    return 0;
}

static void compare_objects(const char *what, const struct jval *a, const struct jval *b)
{
    struct fields there = {what, b, false}, back = {what, a, true};
    (void)jval_each(a, compare_field, &there);
    (void)jval_each(b, compare_field, &back);
}

static int compare(const struct run_view *a, const struct run_view *b)
{
    struct tally t = {0};
    compare_objects("run", a->run, b->run);
    compare_objects("device", jval_get(a->plan, "device"), jval_get(b->plan, "device"));
    compare_objects("bench", jval_get(a->plan, "bench"), jval_get(b->plan, "bench"));
    compare_objects("instrument", a->instruments, b->instruments);
    compare_cases(&t, a, b);
    printf("%zu case%s as before, %zu changed, %zu worse\n", t.same, t.same == 1 ? "" : "s",
           t.changed, t.worse);
    return t.worse ? CMD_EXIT_FAIL : t.undecided ? CMD_EXIT_OPEN : CMD_EXIT_OK;
}

int cmd_compare(int argc, char **argv)
{
    struct words words = {.max = 2};
    struct err e = {0};
    const struct argument none[] = {{0}};
    int rc = arguments_parse(none, &words, argc, argv, &e);
    if (rc == ARGUMENTS_GO_ON && words.n < 2)
        rc = err_set(&e, ERR_USAGE,
                     "expected two run directories; for example foxbench compare results/A "
                     "results/B");
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("compare", rc, &e);

    struct run_view a = {0}, b = {0};
    rc = run_view_read(&a, words.list[0], &e);
    if (rc == ERR_OK) rc = run_view_read(&b, words.list[1], &e);
    int code = rc == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
    if (rc < 0)
        fprintf(stderr, "foxbench compare: %s\n", e.text);
    else
        code = compare(&a, &b);
    run_view_deinit(&a);
    run_view_deinit(&b);
    return code;
}
