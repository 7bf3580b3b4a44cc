#include "bench/run_plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/record/store.h"

enum { AXES_MAX = STORE_PATH_MAX };

static int strip_endpoints(void *ctx, const char *key, struct jval *value)
{
    static const char *const endpoints[] = {"uri", "path"};
    (void)key;
    if (jval_kind(value) == JVAL_OBJECT) {
        for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
            jval_remove(value, endpoints[i]);
        return jval_each(value, strip_endpoints, ctx);
    }
    for (size_t i = 0; jval_kind(value) == JVAL_ARRAY && i < jval_len(value); i++)
        (void)strip_endpoints(ctx, "", jval_at(value, i));
    return 0;
}

static struct jval *deep_copy(const struct jval *j, struct err *err)
{
    struct jval *copy = NULL;
    char *text = j ? jval_dump(j, err) : NULL;
    if (text && jval_parse(&copy, text, strlen(text), err) < 0) copy = NULL;
    free(text);
    return copy;
}

// Instruments are recorded by unit name and serial: where they were plugged in says nothing about
// the device, and in the virtual lab it differs every time. design.md 5.
static struct jval *bench_record(const struct jval *bench, struct err *err)
{
    if (!bench) return jval_make(err, "n");
    struct jval *copy = deep_copy(bench, err);
    if (copy) (void)strip_endpoints(NULL, "", copy);
    return copy;
}

struct axes_text {
    struct bytes text;
    struct err *err;
};

static int add_axis(void *ctx, const char *axis, struct jval *value)
{
    struct axes_text *t = ctx;
    return bytes_printf(&t->text, t->err, "%s%s=%s", t->text.len ? "," : "", axis,
                        jval_text(value, ""));
}

// A worker gives axes as an object; the record names them in one text, sorted.
static int name_axes(struct jval *c, struct err *err)
{
    const struct jval *axes = jval_get(c, "axes");
    struct axes_text t = {.err = err};
    bytes_init(&t.text, AXES_MAX);
    int rc = ERR_OK;
    if (axes && jval_kind(axes) == JVAL_OBJECT)
        rc = jval_each(axes, add_axis, &t);
    else if (axes)
        rc = bytes_printf(&t.text, err, "%s", jval_text(axes, ""));
    if (rc == ERR_OK)
        rc = jval_set(c, "axes", jval_make(err, "s", t.text.len ? (char *)t.text.data : "_"), err);
    bytes_deinit(&t.text);
    return rc;
}

static const char *text_of(const struct jval *c, const char *key)
{
    return jval_text(jval_get(c, key), "");
}

static int check_case(const struct jval *cases, size_t i, struct err *err)
{
    struct jval *c = jval_at(cases, i);
    const char *id = text_of(c, "id");
    char path[PATH_MAX];
    if (!*id || !*text_of(c, "title") || !(jval_number(jval_get(c, "deadline_s"), -1) > 0))
        return err_set(err, ERR_FORMAT,
                       "plan of the worker, case %zu (%s): expected id, title and deadline_s > 0",
                       i + 1, *id ? id : "no id");
    int rc = name_axes(c, err);
    if (rc == ERR_OK) rc = store_attempt_path(id, text_of(c, "axes"), 1, path, sizeof path, err);
    for (size_t k = 0; rc == ERR_OK && k < i; k++)
        if (strcmp(id, text_of(jval_at(cases, k), "id")) == 0 &&
            strcmp(text_of(c, "axes"), text_of(jval_at(cases, k), "axes")) == 0)
            rc = err_set(err, ERR_FORMAT, "plan of the worker: case %s, axes %s, is there twice",
                         id, text_of(c, "axes"));
    return rc;
}

int run_plan_make(struct jval **out, const struct jval *message, struct err *err)
{
    static const char *const fields[] = {"device", "limits"};
    const struct jval *asked = jval_get(message, "cases");
    if (!asked || jval_kind(asked) != JVAL_ARRAY)
        return err_set(err, ERR_FORMAT, "plan of the worker: expected a list of cases, got none");
    struct jval *cases = deep_copy(asked, err);
    if (!cases) return ERR_FORMAT;
    struct jval *plan = jval_make(err, "{s:i, s:O, s:o}", "version", 1, "cases", cases, "bench",
                                  bench_record(jval_get(message, "bench"), err));
    int rc = plan ? ERR_OK : ERR_FORMAT;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++)
        rc = check_case(cases, i, err);
    for (size_t i = 0; rc == ERR_OK && i < sizeof fields / sizeof *fields; i++) {
        struct jval *value = jval_get(message, fields[i]);
        rc = jval_set(plan, fields[i], value ? jval_ref(value) : jval_make(err, "n"), err);
    }
    jval_free(cases);
    if (rc < 0) {
        jval_free(plan);
        return rc;
    }
    *out = plan;
    return ERR_OK;
}
