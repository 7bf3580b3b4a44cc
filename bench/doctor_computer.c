#include <errno.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "bench/base/crypto.h"
#include "bench/cmd.h"
#include "bench/doctor.h"
#include "bench/run_process.h"
#include "lua/bind/state.h"

// --- libraries: which files this process runs with

struct library {
    const char *name;    // how the file begins
    const char *package; // that has it
    char path[PATH_MAX];
};

struct search {
    struct library *libraries;
    size_t n;
};

static int look_at_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    struct search *s = ctx;
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *name = slash ? slash + 1 : info->dlpi_name;
    for (size_t i = 0; i < s->n; i++)
        if (strncmp(name, s->libraries[i].name, strlen(s->libraries[i].name)) == 0)
            snprintf(s->libraries[i].path, sizeof s->libraries[i].path, "%s", info->dlpi_name);
    return 0;
}

// The version stands in the name of the file that the link leads to: libiio.so.0.24.
static void version_of(const char *path, char out[64])
{
    char real[PATH_MAX];
    const char *dot = realpath(path, real) ? strstr(real, ".so.") : NULL;
    snprintf(out, 64, "%s", dot ? dot + 4 : "of unknown version");
}

static void check_libraries(struct findings *f)
{
    struct library libraries[] = {
        {.name = "libiio.so", .package = "libiio0"},
        {.name = "libad9361.so", .package = "libad9361-0"},
        {.name = "libserialport.so", .package = "libserialport0"},
        {.name = "libftdi1.so", .package = "libftdi1-2"},
        {.name = "libusb-1.0.so", .package = "libusb-1.0-0"},
        {.name = "liblua5.4.so", .package = "liblua5.4-0"},
        {.name = "libcrypto.so", .package = "libssl3"},
        {.name = "libfftw3f.so", .package = "libfftw3-single3"},
        {.name = "libjansson.so", .package = "libjansson4"},
        {.name = "libsqlite3.so", .package = "libsqlite3-0"},
    };
    struct search search = {libraries, sizeof libraries / sizeof *libraries};
    dl_iterate_phdr(look_at_object, &search);
    for (size_t i = 0; i < search.n; i++) {
        const struct library *l = &libraries[i];
        char version[64], subject[48];
        snprintf(subject, sizeof subject, "%.*s", (int)(strlen(l->name) - 3), l->name);
        if (!*l->path) {
            findings_add(f, FINDING_BROKEN, subject, "expected it to be loaded, found it nowhere");
            findings_mend(f, "apt-get install %s, then build again", l->package);
            continue;
        }
        version_of(l->path, version);
        findings_add(f, FINDING_OK, subject, "%s (%s)", version, l->path);
    }
    findings_add(f, FINDING_OK, "OpenSSL", "%s", crypto_version());
}

// --- suites and lab

static void check_suites(struct findings *f)
{
    struct err err = {0};
    struct state *state = NULL;
    struct jval *cases = NULL;
    char good[PATH_MAX];
    int rc = state_open(&state, cmd_root(), &err);
    if (rc == ERR_OK) rc = state_list(state, &cases, &err);
    snprintf(good, sizeof good, "%zu cases in %s/suites", jval_len(cases), cmd_root());
    findings_add_result(f, "suites", &err, good);
    if (rc < 0) findings_mend(f, "mend the page, or unset FOXBENCH_ROOT");
    jval_free(cases);
    state_close(state);
}

// --- disk and clock

enum { RUN_MIB = 64, COMFORT_MIB = 2048, LAB_MIB = 32 };

// The nearest folder above that is there already, for one that will be made.
static void existing_folder(const char *path, char out[PATH_MAX])
{
    struct stat st;
    snprintf(out, PATH_MAX, "%s", path);
    while (stat(out, &st) != 0 && strcmp(out, ".") != 0 && strcmp(out, "/") != 0) {
        char *slash = strrchr(out, '/');
        if (!slash)
            snprintf(out, PATH_MAX, ".");
        else if (slash == out)
            snprintf(out, PATH_MAX, "/");
        else
            *slash = 0;
    }
}

static void check_folder(struct findings *f, const char *subject, const char *folder, long need_mib,
                         long good_mib, const char *option)
{
    struct stat st;
    struct statvfs fs;
    errno = 0;
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode) || access(folder, W_OK | X_OK) != 0) {
        findings_add(f, FINDING_BROKEN, subject,
                     "%s: expected a folder that this user can write to, got %s", folder,
                     strerror(errno ? errno : ENOTDIR));
        findings_mend(f, "name another one with %s", option);
        return;
    }
    if (statvfs(folder, &fs) != 0) {
        findings_add(f, FINDING_BROKEN, subject, "%s: %s", folder, strerror(errno));
        return;
    }
    long mib = (long)((unsigned long long)fs.f_bavail * fs.f_frsize >> 20);
    enum finding_state state = mib < need_mib   ? FINDING_BROKEN
                               : mib < good_mib ? FINDING_WARN
                                                : FINDING_OK;
    if (state == FINDING_OK) {
        findings_add(f, state, subject, "%s: %ld MiB are free", folder, mib);
        return;
    }
    findings_add(f, state, subject, "%s: expected %ld MiB, %ld are free", folder,
                 state == FINDING_WARN ? good_mib : need_mib, mib);
    findings_mend(f, "make room there, or name another folder with %s", option);
}

static void check_disk(struct findings *f, const struct doctor_options *o)
{
    const char *tmp = getenv("TMPDIR");
    char parent[PATH_MAX];
    existing_folder(o->results, parent);
    check_folder(f, "results", parent, RUN_MIB, COMFORT_MIB, "-o");
    check_folder(f, "temporary files", tmp && *tmp ? tmp : "/tmp", LAB_MIB, LAB_MIB, "TMPDIR");
}

static void check_clock(struct findings *f)
{
    static const char remedy[] = "the names of runs and their signatures carry this time: "
                                 "timedatectl set-ntp true, or set it with date -s";
    char now_text[64], built_text[64];
    time_t now = time(NULL);
    struct tm tm;
    struct stat st;
    strftime(now_text, sizeof now_text, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now, &tm));
    if (stat("/proc/self/exe", &st) == 0 && now < st.st_mtime) {
        strftime(built_text, sizeof built_text, "%Y-%m-%d", gmtime_r(&st.st_mtime, &tm));
        findings_add(f, FINDING_BROKEN, "clock",
                     "expected a time behind the building of this program (%s), got %s", built_text,
                     now_text);
        findings_mend(f, "%s", remedy);
        return;
    }
    struct timex t = {0};
    int state = adjtimex(&t); // asks only
    bool synchronised = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
    findings_add(f, synchronised ? FINDING_OK : FINDING_WARN, "clock", "%s, %s", now_text,
                 synchronised ? "synchronised" : "nobody keeps it right");
    if (!synchronised) findings_mend(f, "%s", remedy);
}

// --- the printed report

// Debian's own Python, as the printing of the report uses it.
static void check_pdf(struct findings *f)
{
    static const char python[] = "/usr/bin/python3";
    const char *off = getenv("FOXBENCH_PDF");
    if (off && strcmp(off, "off") == 0) {
        findings_add(f, FINDING_WARN, "report.pdf", "switched off by FOXBENCH_PDF=off");
        findings_mend(f, "unset FOXBENCH_PDF to get it");
        return;
    }
    FILE *said = tmpfile();
    const char *const argv[] = {"python3", "-I", "-c",
                                "import weasyprint; print(weasyprint.__version__)", NULL};
    static const char *const env[] = {"LD_PRELOAD=", NULL};
    char version[64] = "";
    struct process child = {0};
    struct err err = {0};
    int fd = said ? fileno(said) : -1;
    const struct process_config config = {.program = python,
                                          .argv = argv,
                                          .env = env,
                                          .in = STDIN_FILENO,
                                          .out = fd,
                                          .err = fd,
                                          .keep = -1,
                                          .death_signal = SIGKILL};
    enum { LIMIT_MS = 30000 };
    bool good = said && process_start(&child, &config, &err) == ERR_OK &&
                process_wait(&child, LIMIT_MS) && child.status == 0;
    ssize_t n = said ? pread(fd, version, sizeof version - 1, 0) : 0;
    version[n > 0 ? n : 0] = 0;
    version[strcspn(version, "\n")] = 0;
    if (good)
        findings_add(f, FINDING_OK, "report.pdf", "WeasyPrint %s", version);
    else
        findings_add(f, FINDING_WARN, "report.pdf",
                     "expected WeasyPrint for %s, found none; report.html says the same", python);
    if (!good) findings_mend(f, "apt-get install weasyprint");
    process_end(&child);
    if (said) fclose(said);
}

void doctor_check_computer(struct findings *f, const struct doctor_options *o)
{
    findings_add(f, FINDING_OK, "foxbench", "%s", FOX_VERSION);
    check_libraries(f);
    check_suites(f);
    check_disk(f, o);
    check_clock(f);
    check_pdf(f);
}
