#include "reports/tests/sample_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/base/crypto.h"
#include "bench/base/json.h"
#include "bench/base/rng.h"
#include "bench/record/ledger.h"

enum { RATE = 48000, SECONDS = 8, FRAMES = 3 };

static const double centre_hz = 868130000.0;
static const struct {
    double start_s, f_hz;
} frames[FRAMES] = {{0.5, -9000}, {2.9, 14250}, {5.3, -17500}};
static const double frame_s = 1.97; // 197 symbols

static void must(int rc, const struct err *err)
{
    if (rc >= 0) return;
    fprintf(stderr, "sample_run: %s\n", err->text);
    abort();
}

// Writes a whole file and gives its entry for case.end.
static struct jval *put_file(const char *dir, const char *attempt, const char *name,
                             const void *data, size_t len, const char *media_type, const char *note)
{
    char path[1024], hex[SHA256_HEX_LEN];
    struct err err = {0};
    int64_t size;
    snprintf(path, sizeof path, "%s/%s/%s", dir, attempt, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        abort();
    }
    must(crypto_sha256_file(path, hex, &size, &err), &err);
    return jval_make(NULL, "{s:s, s:s, s:I, s:s, s:s}", "path", name, "sha256", hex, "size",
                     (long long)size, "media_type", media_type, "note", note);
}

static void make_dirs(const char *path)
{
    char part[1024];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(part, 0777);
        *slash = '/';
    }
    mkdir(part, 0777);
}

// Three frames of phase-shift keyed noise bits in noise: enough for a picture.
static int16_t *make_iq(void)
{
    int16_t *iq = malloc(sizeof *iq * 2 * RATE * SECONDS);
    if (!iq) abort();
    uint64_t noise = rng_key(1, "noise"), bits = rng_key(1, "bits");
    for (int i = 0; i < RATE * SECONDS; i++) {
        double re = 20 * rng_normal(noise, 2 * (uint64_t)i),
               im = 20 * rng_normal(noise, 2 * (uint64_t)i + 1);
        for (int k = 0; k < FRAMES; k++) {
            double s = (double)i / RATE - frames[k].start_s;
            if (s < 0 || s >= frame_s) continue;
            uint64_t symbol = (uint64_t)(s * 100);
            double flip = rng_u64(bits, symbol) & 1 ? M_PI : 0;
            double phase = 2 * M_PI * frames[k].f_hz * s + flip;
            re += 14 * cos(phase);
            im += 14 * sin(phase);
        }
        iq[2 * i] = (int16_t)lround(re);
        iq[2 * i + 1] = (int16_t)lround(im);
    }
    return iq;
}

static char *make_meta(void)
{
    struct err err = {0};
    struct jval *marks = jval_array();
    for (int k = 0; k < FRAMES; k++) {
        char label[32];
        snprintf(label, sizeof label, "rank %d", k + 1);
        // the bits that make_iq sends: 1 where two symbols are alike
        char hex[50] = "";
        uint64_t bits = rng_key(1, "bits");
        for (uint64_t i = 0; i < 49; i++) {
            unsigned digit = 0;
            for (uint64_t b = 4 * i; b < 4 * i + 4; b++)
                digit = digit << 1 | !((rng_u64(bits, b) ^ rng_u64(bits, b + 1)) & 1);
            snprintf(hex + i, 2, "%x", digit);
        }
        must(jval_append(marks,
                         jval_make(&err, "{s:I, s:I, s:f, s:f, s:s, s:I, s:f, s:f, s:s}",
                                   "core:sample_start", (long long)(frames[k].start_s * RATE),
                                   "core:sample_count", (long long)(frame_s * RATE),
                                   "core:freq_lower_edge", centre_hz + frames[k].f_hz - 100,
                                   "core:freq_upper_edge", centre_hz + frames[k].f_hz + 100,
                                   "core:label", label, "foxbench:start",
                                   (long long)(frames[k].start_s * RATE), "foxbench:f_hz",
                                   centre_hz + frames[k].f_hz, "foxbench:bit_rate", 100.0,
                                   "foxbench:frame_hex", hex),
                         &err),
             &err);
    }
    struct jval *meta =
        jval_make(&err, "{s:{s:s, s:f, s:s}, s:[{s:i, s:f}], s:o}", "global", "core:datatype",
                  "ci16_le", "core:sample_rate", (double)RATE, "core:version", "1.0.0", "captures",
                  "core:sample_start", 0, "core:frequency", centre_hz, "annotations", marks);
    char *text = jval_dump(meta, &err);
    if (!text) abort();
    jval_free(meta);
    return text;
}

struct run {
    const char *dir;
    const struct sample_run *what;
    struct ledger *ledger;
    int64_t t;
    const char *id; // the case under way
};

// Appends one event; `event` is taken, `id` adds the attempt's fields.
static void append(struct run *r, double seconds, struct jval *event)
{
    struct err err = {0};
    if (!event) abort();
    r->t += (int64_t)(seconds * RATE);
    must(jval_set(event, "t", jval_make(&err, "I", (long long)r->t), &err), &err);
    if (r->id) {
        must(jval_set(event, "case", jval_make(&err, "s", r->id), &err), &err);
        must(jval_set(event, "axes", jval_make(&err, "s", "_"), &err), &err);
        must(jval_set(event, "attempt", jval_make(&err, "i", 1), &err), &err);
    }
    must(ledger_append(r->ledger, event, &err), &err);
    jval_free(event);
}

static const char *or_hostile(const struct run *r, const char *text)
{
    return r->what->hostile ? r->what->hostile : text;
}

static void append_frame(struct run *r, int rank, int counter, bool tag_ok)
{
    double f = centre_hz + frames[rank - 1].f_hz;
    int64_t start = r->t + RATE / 10;
    append(r, 2.3,
           jval_make(NULL,
                     "{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:s, s:s, s:s, s:i, s:s, "
                     "s:s, s:s, s:i, s:s, s:s, s:s, s:b, s:i}",
                     "type", "uplink", "start", (long long)start, "end",
                     (long long)(start + 2 * RATE), "f_hz", f, "f_mid_hz", f + 1.5, "drift_hz_s",
                     0.7, "bit_rate", 100.0, "ebn0_db", 17.25, "power_dbfs", -43.0, "rank", rank,
                     "class", "E", "how", "plain", "status", "ok", "head_errors", 0, "packet_hex",
                     "0bd3fc39b4f97b55", "unit", "radio0", "device_id", "00f0c5a1", "counter",
                     counter, "message", or_hostile(r, "bytes"), "payload_hex",
                     "404142434445464748494a4b", "judge",
                     !tag_ok     ? "bad_tag"
                     : rank == 1 ? "accepted"
                                 : "repetition",
                     "tag_ok", tag_ok, "counter_step", 1));
}

static void append_expect(struct run *r, const char *subject, const char *actual,
                          const char *verdict)
{
    append(r, 0,
           jval_make(NULL, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "type", "expect", "subject",
                     or_hostile(r, subject), "demand", "equals", "expected", "true", "actual",
                     or_hostile(r, actual), "verdict", verdict, "blame",
                     strcmp(verdict, "fail") == 0 ? "device" : "none", "fatal", 0));
}

static void end_case(struct run *r, const char *verdict, const char *blame, const char *reason,
                     struct jval *files)
{
    append(r, 1,
           jval_make(NULL, "{s:s, s:s, s:s, s:s, s:n, s:n, s:n, s:n, s:o}", "type", "case.end",
                     "verdict", verdict, "blame", blame, "reason", or_hostile(r, reason),
                     "trials_planned", "trials_done", "faults", "bound", "files", files));
    r->id = NULL;
}

static void begin_case(struct run *r, const char *id)
{
    r->id = id;
    append(r, 0, jval_make(NULL, "{s:s}", "type", "case.begin"));
}

// The case with frames, demands, measurements, a claim and a recording.
static void play_message_case(struct run *r)
{
    static const char attempt[] = "cases/AUTH-UL-001/_/attempt-1";
    char path[1024];
    struct err err = {0};
    bool fails = !r->what->without_fail;
    begin_case(r, "AUTH-UL-001");
    append(r, 0.1,
           jval_make(NULL, "{s:s, s:s, s:s, s:s, s:s}", "type", "command", "unit", "dut", "text",
                     "AT$SF=404142434445464748494A4B", "answer", or_hostile(r, "OK"), "outcome",
                     "ok"));
    append(r, 0,
           jval_make(NULL, "{s:s, s:s, s:s, s:b}", "type", "request", "message", "bytes",
                     "payload_hex", "404142434445464748494a4b", "bidirectional", 0));
    for (int rank = 1; rank <= FRAMES; rank++)
        append_frame(r, rank, 7, !(fails && rank == 2));
    append_expect(r, "tag of frame 1", "true", "pass");
    append_expect(r, "tag of frame 2", fails ? "false" : "true", fails ? "fail" : "pass");
    append_expect(r, "tag of frame 3", "true", "pass");
    append(r, 0,
           jval_make(NULL, "{s:s, s:s, s:f, s:s, s:f, s:i, s:s, s:s, s:s, s:s}", "type", "measure",
                     "name", "frequency of frame 1", "value", 868.121, "unit", "MHz", "U", 0.0002,
                     "k", 2, "limit", "868.034 … 868.226", "limit_source",
                     "placeholder of the laboratory", "mark", "ASSUMED", "verdict", "pass"));
    append(r, 0,
           jval_make(NULL, "{s:s, s:s, s:{s:s, s:i, s:i}, s:i, s:i, s:{s:s, s:f, s:f}, s:s, s:s}",
                     "type", "claim", "event", "frames differ", "plan", "kind", "fixed", "trials",
                     30, "allowed", 0, "trials", 30, "faults", 0, "bound", "type",
                     "upper, Clopper-Pearson", "confidence", 0.95, "value", 0.095, "verdict",
                     "pass", "reason", "0 of 30"));
    append(r, 0,
           jval_make(NULL, "{s:s, s:s}", "type", "note", "text",
                     or_hostile(r, "keep-alive cannot be asked for: not exercised")));

    snprintf(path, sizeof path, "%s/%s/iq", r->dir, attempt);
    make_dirs(path);
    int16_t *iq = make_iq();
    char *meta = make_meta();
    struct jval *files = jval_array();
    must(jval_append(files,
                     put_file(r->dir, attempt, "iq/message.sigmf-data", iq,
                              sizeof *iq * 2 * RATE * SECONDS, "application/octet-stream",
                              "samples of one message"),
                     &err),
         &err);
    must(jval_append(files,
                     put_file(r->dir, attempt, "iq/message.sigmf-meta", meta, strlen(meta),
                              "application/json", "what the samples are"),
                     &err),
         &err);
    if (r->what->altered_iq) {
        iq[1000]++;
        jval_free(put_file(r->dir, attempt, "iq/message.sigmf-data", iq,
                           sizeof *iq * 2 * RATE * SECONDS, "", ""));
    }
    free(iq);
    free(meta);
    if (fails)
        end_case(r, "fail", "device", "tag of frame 2: expected true, got false", files);
    else
        end_case(r, "pass", "none", "", files);
}

// A second device's traffic, a jammer's bursts, and three points of a curve: none lost, some, all.
static void play_jammed(struct run *r)
{
    static const struct {
        double x;
        int bad, trials;
        double low, high;
    } points[] = {{6, 20, 20, 0.8316, 1}, {-6, 0, 20, 0, 0.1684}, {0, 4, 20, 0.0573, 0.4366}};
    append(r, 1,
           jval_make(NULL, "{s:s, s:s, s:s, s:s, s:s}", "type", "command", "unit", "dut", "text",
                     "AT$I=10", "answer", or_hostile(r, "00F0C5A1"), "outcome", "ok"));
    append(r, 0,
           jval_make(NULL, "{s:s, s:s, s:s, s:s, s:s}", "type", "command", "unit", "dut2", "text",
                     "AT$I=10", "answer", or_hostile(r, "00F0C5A2"), "outcome", "ok"));
    append(r, 0, jval_make(NULL, "{s:s, s:s, s:b}", "type", "power", "unit", "dut2", "on", 0));
    for (int i = 0; i < 3; i++) {
        int64_t start = r->t + RATE;
        append(r, 0,
               jval_make(NULL, "{s:s, s:s, s:i, s:I, s:I, s:f, s:f, s:f, s:f}", "type", "jam",
                         "unit", "jammer1", "rank", i == 2 ? 3 : 1, "start", (long long)start,
                         "end", (long long)(start + 2 * RATE), "f_hz", 868.1e6, "level_dbm",
                         -10.0 + i, "js_db", points[i].x, "u_db", 1.0));
        append(r, 5,
               jval_make(NULL, "{s:s, s:s, s:s, s:f, s:s, s:s, s:i, s:i, s:f, s:f, s:f}", "type",
                         "point", "series", or_hostile(r, "CW"), "event",
                         or_hostile(r, "frame lost"), "x", points[i].x, "x_name", "J/S", "x_unit",
                         "dB", "bad", points[i].bad, "trials", points[i].trials, "low",
                         points[i].low, "high", points[i].high, "confidence", 0.95));
    }
    append(r, 0,
           jval_make(NULL, "{s:s, s:s, s:I, s:I, s:f, s:f, s:i, s:s, s:s, s:b}", "type", "downlink",
                     "unit", "radio0", "start", (long long)r->t, "end", (long long)r->t + RATE / 2,
                     "f_hz", 869.5e6, "level_dbm", 7.0, "counter", 7, "payload_hex",
                     "0011223344556677", "tag_hex", "abcd", "genuine", 1));
}

static struct jval *planned(const struct run *r, const char *id, const char *title, const char *na)
{
    struct jval *c = jval_make(
        NULL, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:[s], s:[], s:i, s:[s, s], s:[s]}", "id",
        id, "axes", "_", "suite", "AUTH", "title", or_hostile(r, title), "threat",
        or_hostile(r, "Somebody sends in the name of the device."), "severity", "critical", "level",
        "basic", "profiles", "smoke", "needs", "serial", "watches", "deadline_s", 600, "covers",
        "EN303645:5.5-1", "EN18031:SCM-2", "faults", "MUT-AUTH-001");
    struct err err = {0};
    if (!c) abort();
    must(jval_set(c, "safety", jval_make(&err, "s", "S0"), &err), &err);
    must(jval_set(c, "na", na ? jval_make(&err, "s", na) : jval_make(&err, "n"), &err), &err);
    return c;
}

static void save_plan(const struct run *r)
{
    struct err err = {0};
    char path[1024];
    struct jval *run = jval_make(
        &err, "{s:i, s:s, s:i, s:s, s:[], s:s, s:s, s:[], s:[], s:s, s:n, s:[]}", "version", 1,
        "foxbench", "0.1.0", "seed", 1, "profile", "smoke", "select", "device", "foxdut", "bench",
        "virtual", "faults", "arm", "catalogue_version", "1.0", "operator", "substitutes");
    struct jval *plan = jval_make(
        &err,
        "{s:i, s:[o, o, o, o, o, o], s:{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:[s, s]}, s:{s:s, "
        "s:{s:f, "
        "s:i}, s:{s:[{s:i, s:i, s:f}, {s:i, s:i, s:f}]}}, s:[{s:s, s:f, s:s, s:s, s:s}]}",
        "version", 1, "cases",
        planned(r, "AUTH-UL-001", "the tag verifies for every message type and length", NULL),
        planned(r, "AUTH-UL-002", "the tag has the length that the frame announces", NULL),
        planned(r, "AUTH-UL-003", "no weak key explains the tags", NULL),
        planned(r, "AUTH-DL-001", "a forged answer is refused", "the device declares no downlink"),
        planned(r, "CNT-UL-001", "the counter steps by one with each message", NULL),
        planned(r, "CNT-UL-004", "the counter survives a reset", NULL), "device", "name",
        or_hostile(r, "foxdut, the reference device"), "id", "00f0c5a1", "dialect", "sfm10r",
        "uart_key", "file:../keys/topsecret.key", "identity", "pac", "c0ffee00c0ffee00", "serial",
        "SN-1", "features", "KNOWNKEY", "TESTMODE", "bench", "path", "conducted", "radio", "lo_hz",
        868015000.0, "gain_db", 30, "permit", "bands", "low_hz", 867850000, "high_hz", 868400000,
        "max_dbm", 7.0, "low_hz", 869300000, "high_hz", 869750000, "max_dbm", 7.0, "limits", "name",
        "rf.band_hz", "value", 192000.0, "unit", "Hz", "source", "protocol description", "mark",
        "C");
    if (!run || !plan) must(ERR_FORMAT, &err);
    snprintf(path, sizeof path, "%s/run.json", r->dir);
    must(jval_save(run, path, &err), &err);
    snprintf(path, sizeof path, "%s/plan.json", r->dir);
    must(jval_save(plan, path, &err), &err);
    jval_free(run);
    jval_free(plan);
}

void sample_run_make(const char *dir, const struct sample_run *what)
{
    struct err err = {0};
    struct run r = {.dir = dir, .what = what};
    make_dirs(dir);
    save_plan(&r);
    must(ledger_create(&r.ledger, dir, &err), &err);
    append(&r, 0,
           jval_make(NULL, "{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "type", "run.begin",
                     "foxbench", "0.1.0", "seed", 1, "profile", "smoke", "device", "foxdut",
                     "bench", "virtual", "plan_sha256", "00", "run_sha256", "00"));
    append(&r, 0,
           jval_make(NULL, "{s:s, s:i, s:i}", "type", "clock", "rate_hz", RATE, "worker", 1));
    append(&r, 0,
           jval_make(NULL, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:f, s:f}}", "type", "instrument",
                     "unit", "radio0", "kind", "radio.rx", "serial", "1044730a1997000b", "model",
                     or_hostile(&r, "ADALM-Pluto"), "firmware", "v0.39", "settings", "lo_hz",
                     868015000.0, "rate_hz", (double)RATE));
    play_message_case(&r);
    begin_case(&r, "AUTH-UL-002");
    append_expect(&r, "tag length", "5", "pass");
    if (what->jammed) play_jammed(&r);
    end_case(&r, "pass", "none", "", jval_array());
    begin_case(&r, "AUTH-UL-003");
    append(&r, 1,
           jval_make(NULL, "{s:s, s:s, s:s, s:s}", "type", "fault", "code", "GONE", "blame",
                     "bench", "text", or_hostile(&r, "the radio went away")));
    end_case(&r, "error", "bench", "the radio went away", jval_array());
    begin_case(&r, "CNT-UL-001");
    if (!what->unfinished) {
        append(&r, 200.7,
               jval_make(NULL, "{s:s, s:s, s:s}", "type", "gap", "unit", "radio0", "reason",
                         "overflow"));
        append(&r, 10000.2, jval_make(NULL, "{s:s, s:s}", "type", "note", "text", "a long night"));
        end_case(&r, "inconclusive", "bench", "samples were lost", jval_array());
        append(&r, 0,
               jval_make(NULL, "{s:s, s:i, s:{s:i, s:i}, s:b, s:[{s:s, s:s, s:s}], s:[]}", "type",
                         "run.end", "exit", 1, "counts", "pass", 1, "fail", 1, "complete", 0,
                         "notrun", "case", "CNT-UL-004", "axes", "_", "reason",
                         or_hostile(&r, "the bench gave up"), "files"));
        must(ledger_seal(r.ledger, &err), &err);
    }
    ledger_free(r.ledger);
}
