// The end of a run: what it came to, what is made of it, and what people are told.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/cmd.h"
#include "bench/record/junit.h"
#include "bench/run_job.h"
#include "bench/run_secrets.h"
#include "reports/report.h"

int run_job_judge(const struct run_job *r)
{
    size_t n[VERDICTS];
    book_counts(r->book, n);
    if (r->session.signal) return CMD_EXIT_INTERRUPTED;
    if (n[VERDICT_FAIL]) return CMD_EXIT_FAIL;
    if (n[VERDICT_ERROR] || r->session.dead || r->leaks) return CMD_EXIT_ERROR;
    if (n[VERDICT_INCONCLUSIVE] || n[VERDICT_NOTRUN]) return CMD_EXIT_OPEN;
    if (n[VERDICT_NA] + n[VERDICT_WAIVED] == book_count(r->book)) return CMD_EXIT_NOTHING;
    return CMD_EXIT_OK;
}

// What a search found: said to people, and counted.
static void say_found(struct run_job *r, const struct run_secrets *s)
{
    r->leaks += s->n;
    for (size_t i = 0; i < s->n && i < RUN_SECRETS_FOUND_MAX; i++)
        fprintf(stderr, "foxbench %s: %s\n", r->command, s->found[i].text);
    if (s->n > RUN_SECRETS_FOUND_MAX)
        fprintf(stderr, "foxbench %s: and in %zu places more\n", r->command,
                s->n - RUN_SECRETS_FOUND_MAX);
}

int run_job_search(struct run_job *r, struct err *err)
{
    static const char *const everything[] = {"", NULL};
    struct run_secrets found;
    struct err e = {0};
    int rc = run_secrets_search(&found, book_dir(r->book), r->device_file, everything, &e);
    if (rc < 0) {
        // A record that nobody searched is not one to give away.
        r->leaks++;
        r->unsearched = true;
        fprintf(stderr, "foxbench %s: the record was not searched for keys: %s\n", r->command,
                e.text);
        return book_fault(r->book, rc, BLAME_BENCH, "the record was not searched for keys", err);
    }
    say_found(r, &found);
    rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < found.n && i < RUN_SECRETS_FOUND_MAX; i++)
        rc = book_fault(r->book, ERR_CHECK,
                        found.found[i].said_by_device ? BLAME_DEVICE : BLAME_BENCH,
                        found.found[i].text, err);
    return rc;
}

// What was made of the run after its books were closed.
static void search_report(struct run_job *r)
{
    static const char *const made[] = {"junit.xml", "report/", NULL};
    struct run_secrets found;
    struct err e = {0};
    if (run_secrets_search(&found, book_dir(r->book), r->device_file, made, &e) < 0) {
        r->leaks++;
        r->unsearched = true;
        fprintf(stderr, "foxbench %s: the report was not searched for keys: %s\n", r->command,
                e.text);
        return;
    }
    say_found(r, &found);
    if (found.pdf_unread)
        fprintf(stderr,
                "foxbench %s: the text of report.pdf was not searched for keys: pdftotext does not "
                "work here; install poppler-utils\n",
                r->command);
}

// FOXBENCH_PDF=off: whoever makes many runs to compare needs none of them on paper.
static void print_pdf(const struct run_job *r)
{
    struct err e = {0};
    const char *wanted = getenv("FOXBENCH_PDF");
    if (!*r->report || (wanted && strcmp(wanted, "off") == 0)) return;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (report_pdf(book_dir(r->book), &e) < 0) {
        fprintf(stderr, "foxbench %s: %s\n", r->command, e.text);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    fprintf(stderr, "report.pdf took %.1f s.\n",
            (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec));
}

// The run is over and safe; what is made of it can be made again.
void run_job_render(struct run_job *r)
{
    struct err e = {0};
    if (junit_write(book_dir(r->book), &e) < 0)
        fprintf(stderr, "foxbench %s: junit.xml was not written: %s\n", r->command, e.text);
    if (report_render(book_dir(r->book), &e) < 0)
        fprintf(stderr, "foxbench %s: the report was not written: %s\n", r->command, e.text);
    else
        snprintf(r->report, sizeof r->report, "%s/report/report.html", book_dir(r->book));
    print_pdf(r);
    search_report(r);
}

// What resume repeats: cases that were not run, or that the bench or the operator broke off.
static bool may_resume(const struct run_job *r)
{
    for (size_t i = 0; i < book_count(r->book); i++)
        if (book_case_is_open(book_case(r->book, i))) return true;
    return false;
}

static void print_next_step(const struct run_job *r, int exit_code)
{
    const char *dir = book_dir(r->book);
    if (r->unsearched)
        fputs("the record was not searched for keys; keep it to yourself until what is named above "
              "is mended and the run repeated",
              stderr);
    else if (r->leaks)
        fputs("a key stands in the record; keep it to yourself, and read above where", stderr);
    else if (exit_code == CMD_EXIT_OK)
        fputs("nothing is left to do", stderr);
    else if (exit_code == CMD_EXIT_FAIL)
        fprintf(stderr,
                "the device fails; read why in the report, and when it is mended: foxbench rerun "
                "%s --failed",
                dir);
    else if (exit_code == CMD_EXIT_INTERRUPTED)
        fprintf(stderr, "the run was stopped; foxbench resume %s goes on with it", dir);
    else if (exit_code == CMD_EXIT_ERROR)
        fprintf(stderr, "mend what is named below (foxbench doctor helps), then foxbench %s %s%s",
                may_resume(r) ? "resume" : "rerun", dir, may_resume(r) ? "" : " --failed");
    else if (exit_code == CMD_EXIT_NOTHING)
        fputs("no case applies to this device; look at its features and at the profile", stderr);
    else
        fprintf(stderr,
                "some cases decide nothing; read why below, then foxbench rerun %s --failed", dir);
}

void run_job_summarize(const struct run_job *r, int exit_code)
{
    size_t n[VERDICTS];
    book_counts(r->book, n);
    fprintf(stderr, "\n%sNext: ", colour_begin(COLOUR_STRONG));
    print_next_step(r, exit_code);
    fprintf(stderr, ".%s\n", colour_end());
    fprintf(stderr, "Report: %s\n", *r->report ? r->report : book_dir(r->book));
    for (size_t i = 0; i < book_count(r->book); i++) {
        const struct book_case *c = book_case(r->book, i);
        char reason[512];
        if (verdict_is_ok(c->verdict)) continue;
        // A reason may hold what the device said: nothing of it may act on the terminal.
        fprintf(stderr, "  %s%-12s%s %s: %s%s%s\n", colour_begin(colour_of(c->verdict)),
                verdict_name(c->verdict), colour_end(), c->name,
                screen_plain(c->reason, reason, sizeof reason),
                c->blame == BLAME_NONE ? "" : ", blame ",
                c->blame == BLAME_NONE ? "" : blame_name(c->blame));
    }
    fprintf(stderr, "%zu case%s:", book_count(r->book), book_count(r->book) == 1 ? "" : "s");
    const char *comma = "";
    for (enum verdict v = 0; v < VERDICTS; v++) {
        if (n[v] == 0) continue;
        fprintf(stderr, "%s %s%zu %s%s", comma, colour_begin(colour_of(v)), n[v], verdict_name(v),
                colour_end());
        comma = ",";
    }
    fputc('\n', stderr);
}
