#include "bench/run_preview.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/cmd.h"
#include "lua/bind/script.h"
#include "lua/bind/state.h"

// What the level demands and no page of the suites has.
struct holes {
    char level[32];
    struct jval *list; // entries of the catalogue
};

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

// --- holes

static struct jval *known_ids(struct err *err)
{
    struct state *state = NULL;
    struct jval *cases = NULL, *ids = NULL;
    int rc = state_open(&state, cmd_root(), err);
    if (rc == ERR_OK) rc = state_list(state, &cases, err);
    state_close(state);
    ids = rc == ERR_OK ? jval_array() : NULL;
    for (size_t i = 0; ids && i < jval_len(cases); i++) {
        if (jval_append(ids, jval_ref(jval_get(jval_at(cases, i), "id")), err) < 0) {
            jval_free(ids);
            ids = NULL;
        }
    }
    jval_free(cases);
    return ids;
}

static const struct jval *find_test(const struct jval *catalogue, const char *id)
{
    for (size_t i = 0; i < jval_len(catalogue); i++)
        if (strcmp(text_of(jval_at(catalogue, i), "id"), id) == 0) return jval_at(catalogue, i);
    return NULL;
}

// The first line is the level, each further one the id of a hole.
static int read_holes(struct holes *h, char *text, const struct jval *catalogue, struct err *err)
{
    char *rest = NULL, *level = strtok_r(text, "\n", &rest);
    snprintf(h->level, sizeof h->level, "%s", level ? level : "");
    h->list = jval_array();
    int rc = h->list ? ERR_OK : err_set(err, ERR_NOMEM, "plan: out of memory");
    for (char *id = strtok_r(NULL, "\n", &rest); rc == ERR_OK && id;
         id = strtok_r(NULL, "\n", &rest)) {
        const struct jval *test = find_test(catalogue, id);
        if (test)
            rc = jval_append(h->list,
                             jval_make(err, "{s:s, s:s, s:s, s:s}", "id", id, "title",
                                       text_of(test, "title"), "severity",
                                       text_of(test, "severity"), "level", text_of(test, "level")),
                             err);
    }
    return rc;
}

static int find_holes(struct holes *h, const struct preview *p, struct err *err)
{
    char path[PATH_MAX];
    struct jval *catalogue = NULL, *features = jval_get(jval_get(p->plan, "device"), "features");
    struct bytes text;
    bytes_init(&text, 1 << 20);
    *h = (struct holes){0};
    snprintf(path, sizeof path, "%s/reports/mappings/catalogue.lua", cmd_root());
    int rc = script_read_data(path, &catalogue, err);
    struct jval *known = rc == ERR_OK ? known_ids(err) : NULL;
    struct jval *input =
        known ? jval_make(err, "{s:s, s:o, s:O, s:o}", "profile", p->options->profile, "known",
                          known, "catalogue", catalogue, "features",
                          features ? jval_ref(features) : jval_array())
              : NULL;
    if (rc == ERR_OK && !input) rc = ERR_FORMAT;
    snprintf(path, sizeof path, "%s/reports/templates/holes.lua", cmd_root());
    if (rc == ERR_OK) rc = script_render(path, input, &text, err);
    if (rc == ERR_OK) rc = bytes_append(&text, "", 1, err);
    if (rc == ERR_OK) rc = read_holes(h, (char *)text.data, catalogue, err);
    bytes_deinit(&text);
    jval_free(input);
    jval_free(catalogue);
    return rc;
}

// --- for people

static void name_of(const struct jval *c, char out[512])
{
    const char *axes = text_of(c, "axes");
    bool plain = !*axes || strcmp(axes, "_") == 0;
    snprintf(out, 512, "%s%s%s", text_of(c, "id"), plain ? "" : "/", plain ? "" : axes);
}

static void print_case(const struct preview *p, size_t i, size_t n, int width)
{
    const struct jval *c = jval_at(jval_get(p->plan, "cases"), i);
    const struct forecast_case *f = &p->forecast->cases[i];
    char name[512], wall[24], bench[24], air[24];
    name_of(c, name);
    printf("%3zu  %-*s  %-2s  %11s%-1s  %11s  %11s  %s\n", n, width, name, text_of(c, "safety"),
           forecast_text(f->wall_s, wall), forecast_mark(f->from), forecast_text(f->bench_s, bench),
           forecast_text(f->air_s, air), text_of(c, "title"));
}

static size_t print_cases(const struct preview *p)
{
    const struct jval *cases = jval_get(p->plan, "cases");
    size_t n = 0;
    int width = 4;
    for (size_t i = 0; i < jval_len(cases); i++) {
        char name[512];
        name_of(jval_at(cases, i), name);
        if ((int)strlen(name) > width) width = (int)strlen(name);
    }
    printf("%3s  %-*s  %-2s  %11s   %11s  %11s  %s\n", "", width, "CASE", "", "WALL TIME",
           "BENCH TIME", "ON THE AIR", "TITLE");
    for (size_t i = 0; i < jval_len(cases); i++)
        if (!jval_text(jval_get(jval_at(cases, i), "na"), NULL)) print_case(p, i, ++n, width);
    return n;
}

static void print_not_applicable(const struct preview *p)
{
    const struct jval *cases = jval_get(p->plan, "cases");
    bool any = false;
    for (size_t i = 0; i < jval_len(cases); i++) {
        const char *na = jval_text(jval_get(jval_at(cases, i), "na"), NULL);
        char name[512];
        if (!na) continue;
        name_of(jval_at(cases, i), name);
        printf("%s  %s: not applicable: %s\n", any ? "" : "\nDoes not apply to this device:\n",
               name, na);
        any = true;
    }
}

static void print_holes(const struct holes *h)
{
    size_t n = jval_len(h->list);
    if (n == 0) return;
    printf("\nLevel %s demands %zu test%s that no case covers:\n", h->level, n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++) {
        const struct jval *test = jval_at(h->list, i);
        printf("  %-14s %-9s %s\n", text_of(test, "id"), text_of(test, "severity"),
               text_of(test, "title"));
    }
}

static void print_text(const struct preview *p, const struct holes *h)
{
    const struct run_options *o = p->options;
    const struct forecast_case *total = &p->forecast->total;
    char wall[24], bench[24], air[24];
    printf("Profile %s, device %s, bench %s, seed %lld", o->n_select ? "none" : o->profile,
           p->device, p->bench, (long long)o->seed);
    if (o->shards) printf(", part %u of %u", o->shard, o->shards);
    printf("\n\n");
    size_t n = print_cases(p), all = p->forecast->n;
    print_not_applicable(p);
    print_holes(h);
    printf("\n%zu case%s to run, %zu not applicable, %zu hole%s. Wall time %s%s, bench time %s, on "
           "the air %s.\n",
           n, n == 1 ? "" : "s", all - n, jval_len(h->list), jval_len(h->list) == 1 ? "" : "s",
           forecast_text(total->wall_s, wall), forecast_mark(total->from),
           forecast_text(total->bench_s, bench), forecast_text(total->air_s, air));
    if (total->from != FORECAST_HISTORY)
        puts("~ as it was with another device, bench or profile; ? a guess, for it never ran "
             "here.");
}

// --- for programs

static struct jval *estimate(const struct forecast_case *f, struct err *err)
{
    static const char *const from[] = {"history", "similar", "guess"};
    return jval_make(err, "{s:f, s:f, s:f, s:s}", "wall_s", f->wall_s, "bench_s", f->bench_s,
                     "air_s", f->air_s, "from", from[f->from]);
}

static int print_json(const struct preview *p, const struct holes *h, struct err *err)
{
    const struct run_options *o = p->options;
    const struct jval *cases = jval_get(p->plan, "cases");
    struct jval *list = jval_array();
    int rc = list ? ERR_OK : err_set(err, ERR_NOMEM, "plan: out of memory");
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++) {
        struct jval *c = jval_at(cases, i);
        rc = jval_set(c, "estimate", estimate(&p->forecast->cases[i], err), err);
        if (rc == ERR_OK) rc = jval_append(list, jval_ref(c), err);
    }
    struct jval *shard =
        o->shards ? jval_make(err, "[i, i]", (int)o->shard, (int)o->shards) : jval_make(err, "n");
    struct jval *out = jval_make(
        err, "{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:O, s:o}", "profile", o->profile, "level",
        h->level, "device", p->device, "bench", p->bench, "seed", (long long)o->seed, "shard",
        shard, "cases", list, "holes", h->list, "total", estimate(&p->forecast->total, err));
    char *text = rc == ERR_OK && out ? jval_dump(out, err) : NULL;
    jval_free(out);
    if (!text) return rc < 0 ? rc : ERR_FORMAT;
    puts(text);
    free(text);
    return ERR_OK;
}

int preview_print(const struct preview *p, struct err *err)
{
    struct holes h;
    int rc = find_holes(&h, p, err);
    if (rc == ERR_OK && p->options->json)
        rc = print_json(p, &h, err);
    else if (rc == ERR_OK)
        print_text(p, &h);
    jval_free(h.list);
    return rc;
}
