// foxbench doctor: what a run needs, whether it is there, and how to mend what is missing.
//
// Without --bench it looks at the virtual lab from inside: it starts one, and itself again in it.
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/doctor.h"
#include "bench/run_lab.h"
#include "bench/run_process.h"
#include "lua/bind/script.h"

static int print_json(const struct findings *f, struct err *err)
{
    struct jval *list = findings_json(f, err);
    char *text = list ? jval_dump(list, err) : NULL;
    jval_free(list);
    if (!text) return ERR_FORMAT;
    puts(text);
    free(text);
    return ERR_OK;
}

static int record(const struct doctor_options *o, const struct jval *bench, struct err *err)
{
    char dir[PATH_MAX];
    if (!bench)
        return err_set(
            err, ERR_USAGE,
            "--record: expected a bench file that can be read; mend what is named above");
    int rc = doctor_record(o, bench, dir, err);
    if (rc == ERR_OK) fprintf(stderr, "What the instruments are like: %s/summary.md\n", dir);
    return rc;
}

// why_no_lab: NULL, or why the virtual lab does not start.
static int examine(const struct doctor_options *o, bool json, const struct err *why_no_lab)
{
    struct findings f = {0};
    struct jval *bench = NULL;
    struct err err = {0};
    int rc = ERR_OK;
    doctor_check_computer(&f, o);
    if (why_no_lab) {
        findings_add(&f, FINDING_BROKEN, "virtual lab", "%s", why_no_lab->text);
        findings_mend(&f, "build again (bench/quickstart), or name a bench with --bench");
    } else {
        doctor_check_files(&f, o, &bench);
        doctor_check_rights(&f, bench);
        if (bench) doctor_check_instruments(&f, bench);
    }
    if (json)
        rc = print_json(&f, &err);
    else
        findings_print(&f, stdout);
    if (rc == ERR_OK && o->record) rc = record(o, bench, &err);
    if (rc < 0) fprintf(stderr, "foxbench doctor: %s\n", err.text);
    int code = rc < 0 ? CMD_EXIT_ERROR : findings_exit(&f);
    jval_free(bench);
    findings_deinit(&f);
    return code;
}

// --- in the virtual lab

static void name_scenario(const char *device, char *scenario, size_t size)
{
    struct jval *j = NULL;
    struct err ignored = {0};
    const char *name = NULL;
    if (script_read_data(device, &j, &ignored) == ERR_OK)
        name = jval_text(jval_get(j, "scenario"), NULL);
    snprintf(scenario, size, "%s", name ? name : "default");
    jval_free(j);
}

static void name_bench(const char *scenario, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/fixtures/benches/%s.lua", cmd_root(), scenario);
    if (access(path, R_OK) != 0)
        snprintf(path, PATH_MAX, "%s/fixtures/benches/virtual.lua", cmd_root());
}

// The same examination by a process that has the lab's environment.
static int examine_inside(struct lab *lab, const struct doctor_options *o, bool json)
{
    char seconds[32], starts[32];
    snprintf(seconds, sizeof seconds, "%lld", o->seconds);
    snprintf(starts, sizeof starts, "%lld", o->starts);
    const char *argv[20] = {"foxbench", "doctor",  "--bench", o->bench,
                            "--device", o->device, "-o",      o->results};
    size_t n = 8;
    if (json) argv[n++] = "--json";
    if (o->record) {
        const char *const more[] = {"--record", "--seconds", seconds, "--starts", starts};
        memcpy(argv + n, more, sizeof more);
    }
    const struct process_config config = {.program = "/proc/self/exe",
                                          .argv = argv,
                                          .env = lab_environment(lab),
                                          .in = STDIN_FILENO,
                                          .out = STDOUT_FILENO,
                                          .err = STDERR_FILENO,
                                          .keep = -1,
                                          .death_signal = SIGTERM};
    enum { LIMIT_MS = 60000, RECORD_LIMIT_MS = 3600 * 1000 };
    struct process child = {0};
    struct err err = {0};
    int code = CMD_EXIT_ERROR;
    fflush(stdout);
    if (process_start(&child, &config, &err) < 0)
        fprintf(stderr, "foxbench doctor: %s\n", err.text);
    else if (!process_wait(&child, o->record ? RECORD_LIMIT_MS : LIMIT_MS))
        fprintf(stderr,
                "foxbench doctor: an instrument of the lab did not answer within %d s; build again "
                "and repeat\n",
                LIMIT_MS / 1000);
    else if (WIFEXITED(child.status))
        code = WEXITSTATUS(child.status);
    process_end(&child);
    return code;
}

static int examine_lab(struct doctor_options *o, bool json)
{
    char scenario[64], bench[PATH_MAX];
    struct lab *lab = NULL;
    struct err err = {0};
    name_scenario(o->device, scenario, sizeof scenario);
    name_bench(scenario, bench);
    o->bench = bench;
    const struct lab_config config = {.seed = 1, .scenario = scenario, .signal_fd = -1};
    if (lab_start(&lab, &config, &err) < 0) return examine(o, json, &err);
    int code = examine_inside(lab, o, json);
    lab_stop(lab);
    return code;
}

int cmd_doctor(int argc, char **argv)
{
    struct doctor_options o = {0};
    char device[PATH_MAX];
    const char *seconds = NULL, *starts = NULL;
    bool json = false, udev = false;
    struct err err = {0};
    const struct argument arguments[] = {
        {.name = "--bench", .value = &o.bench},
        {.name = "--device", .value = &o.device},
        {.name = "-o", .value = &o.results},
        {.name = "--json", .flag = &json},
        {.name = "--udev", .flag = &udev},
        {.name = "--record", .flag = &o.record},
        {.name = "--seconds", .value = &seconds},
        {.name = "--starts", .value = &starts},
        {0},
    };
    int rc = arguments_parse(arguments, NULL, argc, argv, &err);
    o.seconds = 600; // ten minutes show what a minute hides
    o.starts = 100;
    if (rc == ARGUMENTS_GO_ON && seconds)
        rc = arguments_number("--seconds", seconds, 1, 86400, &o.seconds, &err);
    if (rc == ARGUMENTS_GO_ON && starts)
        rc = arguments_number("--starts", starts, 1, 10000, &o.starts, &err);
    if (rc == ARGUMENTS_GO_ON && (seconds || starts) && !o.record)
        rc = err_set(&err, ERR_USAGE, "--seconds and --starts: expected --record with them");
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("doctor", rc, &err);
    if (udev) {
        fputs(doctor_udev_rules, stdout);
        return CMD_EXIT_OK;
    }
    snprintf(device, sizeof device, "%s/fixtures/devices/foxdut.lua", cmd_root());
    if (!o.device) o.device = device;
    if (!o.results) o.results = "results";
    return o.bench ? examine(&o, json, NULL) : examine_lab(&o, json);
}
