// foxbench vectors FILE.json…: runs protocol vectors and compares every stage.
#include "bench/cmd_vectors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"

static const char usage[] =
    "usage: foxbench vectors FILE.json…\n\n"
    "Runs protocol vectors of the kinds uplink, downlink and crypto. Every expected and every\n"
    "intermediate field is computed anew and compared. A line on stdout names each failed vector\n"
    "with its first wrong field; the last line is \"N passed, N failed\".\n\n"
    "exit: 0 all passed, 1 a vector failed, 4 a file is not JSON, has an unknown kind or field or\n"
    "lacks one, 5 no vector in the files\n";

static const struct vector_kind *const kinds[] = {&vectors_uplink, &vectors_downlink,
                                                  &vectors_crypto};

struct totals {
    unsigned passed, failed;
};

static const char *const top_remarks[] = {"conventions", "kind", "name",   "note",
                                          "notes",       "what", "source", "agree"};

static const struct vector_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (name && strcmp(kinds[i]->name, name) == 0) return kinds[i];
    return NULL;
}

static const struct vector_list *find_list(const struct vector_kind *kind, const char *name)
{
    for (const struct vector_list *l = kind->lists; l->name; l++)
        if (strcmp(l->name, name) == 0) return l;
    return NULL;
}

struct key_check {
    const struct vector_kind *kind;
    struct err *err;
};

static int check_top_key(void *ctx, const char *key, struct jval *value)
{
    const struct key_check *c = ctx;
    for (size_t i = 0; i < sizeof top_remarks / sizeof *top_remarks; i++)
        if (strcmp(key, top_remarks[i]) == 0) return ERR_OK;
    if (!find_list(c->kind, key))
        return err_set(c->err, ERR_FORMAT, "unknown list \"%s\" in a file of kind %s", key,
                       c->kind->name);
    if (jval_kind(value) != JVAL_ARRAY)
        return err_set(c->err, ERR_FORMAT, "\"%s\": expected a list of vectors", key);
    return ERR_OK;
}

static void name_entry(struct vector *v, size_t index)
{
    const char *name = jval_text(jval_get(v->fields, "name"), NULL);
    if (name)
        snprintf(v->name, sizeof v->name, "%s %.64s", v->list, name);
    else
        snprintf(v->name, sizeof v->name, "%s[%zu]", v->list, index);
}

static int run_list(const struct vector_list *list, const char *file, const struct jval *root,
                    struct totals *totals, struct err *err)
{
    const struct jval *entries = jval_get(root, list->name);
    for (size_t i = 0; entries && i < jval_len(entries); i++) {
        struct vector v = {
            .file = file, .list = list->name, .root = root, .fields = jval_at(entries, i)};
        if (jval_kind(v.fields) != JVAL_OBJECT)
            return err_set(err, ERR_FORMAT, "%s[%zu]: expected an object", list->name, i);
        name_entry(&v, i);
        list->check(&v);
        if (v.malformed.code) {
            *err = v.malformed;
            return err_prefix(err, "%s", v.name);
        }
        totals->passed += !v.failed;
        totals->failed += v.failed;
    }
    return ERR_OK;
}

static int run_file(const char *path, struct totals *totals, struct err *err)
{
    struct jval *root;
    int rc = jval_load(&root, path, err);
    if (rc == ERR_IO && err && access(path, R_OK) != 0)
        return err_set(err, rc,
                       "%s: %s; expected a file of vectors, such as those in fixtures/vectors",
                       path, strerror(errno));
    if (rc < 0) return rc;
    if (jval_kind(root) != JVAL_OBJECT) {
        rc = err_set(err, ERR_FORMAT, "%s: expected an object with \"kind\" and lists", path);
        goto done;
    }
    const char *name = jval_text(jval_get(root, "kind"), NULL);
    const struct vector_kind *kind = find_kind(name);
    if (!kind) {
        rc = err_set(err, ERR_FORMAT, "%s: expected kind uplink, downlink or crypto, got %.60s",
                     path, name ? name : "none");
        goto done;
    }
    struct key_check check = {.kind = kind, .err = err};
    rc = jval_each(root, check_top_key, &check);
    for (const struct vector_list *l = kind->lists; rc == ERR_OK && l->name; l++)
        rc = run_list(l, path, root, totals, err);
    if (rc < 0) err_prefix(err, "%s", path);
done:
    jval_free(root);
    return rc;
}

int cmd_vectors(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return CMD_EXIT_OK;
    }
    if (argc < 2 || argv[1][0] == '-') {
        if (argc >= 2)
            fprintf(stderr, "foxbench vectors: unknown option '%s'; expected names of files\n",
                    argv[1]);
        fputs(usage, stderr);
        return CMD_EXIT_USAGE;
    }
    struct totals totals = {0};
    bool malformed = false;
    for (int i = 1; i < argc; i++) {
        struct err e = {0};
        if (run_file(argv[i], &totals, &e) == ERR_OK) continue;
        malformed = true;
        fflush(stdout);
        fprintf(stderr, "foxbench vectors: %s\n", e.text);
    }
    printf("%u passed, %u failed\n", totals.passed, totals.failed);
    if (malformed) return CMD_EXIT_USAGE;
    if (totals.failed) return CMD_EXIT_FAIL;
    return totals.passed ? CMD_EXIT_OK : CMD_EXIT_NOTHING;
}
