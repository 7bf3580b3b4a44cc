#include "reports/report.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "lua/bind/script.h"
#include "reports/model.h"

#define PAGE_MAX ((size_t)256 << 20)

const char *report_root(void)
{
    const char *root = getenv("FOXBENCH_ROOT");
    return root && *root ? root : FOX_ROOT;
}

int report_write(const char *path, const struct bytes *page, struct err *err)
{
    char part[PATH_MAX + 8];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *f = fopen(part, "wbe");
    if (!f) return err_set(err, ERR_IO, "%s: %s", part, strerror(errno));
    bool ok =
        fwrite(page->data, 1, page->len, f) == page->len && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int why = errno;
    if (fclose(f) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(part, path) != 0) {
        ok = false;
        why = errno;
    }
    if (ok) return ERR_OK;
    unlink(part);
    return err_set(err, ERR_IO, "%s: %s; is the disk full?", path, strerror(why));
}

int report_path(const char *run_dir, const char *name, char path[PATH_MAX], struct err *err)
{
    snprintf(path, PATH_MAX, "%s/report", run_dir);
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return err_set(err, ERR_IO, "%s: %s; the report has no place", path, strerror(errno));
    snprintf(path, PATH_MAX, "%s/%s", run_dir, name);
    return ERR_OK;
}

static int write_report(const char *run_dir, const struct bytes *page, struct err *err)
{
    char path[PATH_MAX];
    int rc = report_path(run_dir, "report/report.html", path, err);
    return rc < 0 ? rc : report_write(path, page, err);
}

static int render(const char *name, const struct jval *model, struct bytes *page, struct err *err)
{
    char template[PATH_MAX];
    snprintf(template, sizeof template, "%s/reports/templates/%s", report_root(), name);
    return script_render(template, model, page, err);
}

// Tables that every report rests on: model.mappings.NAME from reports/mappings/NAME.lua.
static int add_mappings(struct jval *model, const char *root, struct err *err)
{
    static const char *const names[] = {"catalogue", "claims", NULL};
    int rc = jval_set(model, "mappings", jval_object(), err);
    for (const char *const *name = names; rc == ERR_OK && *name; name++) {
        char path[PATH_MAX];
        struct jval *table = NULL;
        snprintf(path, sizeof path, "%s/reports/mappings/%s.lua", root, *name);
        rc = script_read_data(path, &table, err);
        if (rc == ERR_OK) rc = jval_set(jval_get(model, "mappings"), *name, table, err);
    }
    return rc;
}

int report_render(const char *run_dir, struct err *err)
{
    struct jval *model = NULL;
    struct bytes page;
    bytes_init(&page, PAGE_MAX);
    int rc = model_read(run_dir, &model, err);
    if (rc == ERR_OK) rc = add_mappings(model, report_root(), err);
    if (rc == ERR_OK) rc = render("report.lua", model, &page, err);
    if (rc == ERR_OK) rc = write_report(run_dir, &page, err);
    if (rc < 0) (void)err_prefix(err, "report");
    jval_free(model);
    bytes_deinit(&page);
    return rc;
}

int report_decision(const char *run_dir, char *word, size_t size, struct err *err)
{
    struct jval *model = NULL;
    struct bytes text;
    bytes_init(&text, 4096);
    int rc = model_read(run_dir, &model, err);
    if (rc == ERR_OK) rc = add_mappings(model, report_root(), err);
    if (rc == ERR_OK) rc = render("decision_word.lua", model, &text, err);
    if (rc == ERR_OK) snprintf(word, size, "%.*s", (int)text.len, (const char *)text.data);
    jval_free(model);
    bytes_deinit(&text);
    return rc;
}

int report_matrix(const struct jval *result, const char *path, struct err *err)
{
    struct bytes page;
    bytes_init(&page, PAGE_MAX);
    int rc = render("matrix.lua", result, &page, err);
    if (rc == ERR_OK) rc = report_write(path, &page, err);
    if (rc < 0) (void)err_prefix(err, "kill matrix");
    bytes_deinit(&page);
    return rc;
}
