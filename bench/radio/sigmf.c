#include "bench/radio/sigmf.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/crypto.h"
#include "bench/base/json.h"
#include "bench/phy/iq.h"
#include "bench/radio/sigmf_suspect.h"

enum { SAMPLES_AT_ONCE = 4096, BYTES_MAX = 8, EXPONENTS = 256 };

static const double rate_min_hz = 48e3, rate_max_hz = 2.5e6;
// A quieter float recording is raised, so that rounding to words stays below its noise.
static const double float_peak_min = 0.25;
// One that goes far beyond 1 was not clipped there: full scale is what it reaches.
static const double float_peak_max = 2, float_peak_used = 0.95;

struct sigmf {
    struct sigmf_info info;
    const struct type *type;
    FILE *data;
    char *data_path;
    double scale; // of cf32
    int64_t at;   // samples read
    uint8_t raw[SAMPLES_AT_ONCE * BYTES_MAX];
};

struct type {
    const char *name;
    size_t bytes; // of a complex sample
    // 2 * n words; false when a value is not a number.
    bool (*convert)(const struct sigmf *s, const uint8_t *raw, size_t n, int16_t *iq);
};

static bool from_ci16(const struct sigmf *s, const uint8_t *raw, size_t n, int16_t *iq)
{
    (void)s;
    for (size_t i = 0; i < 2 * n; i++)
        iq[i] = (int16_t)(raw[2 * i] | raw[2 * i + 1] << 8);
    return true;
}

static bool from_ci8(const struct sigmf *s, const uint8_t *raw, size_t n, int16_t *iq)
{
    (void)s;
    for (size_t i = 0; i < 2 * n; i++)
        iq[i] = (int16_t)((int8_t)raw[i] * 16);
    return true;
}

static bool from_cu8(const struct sigmf *s, const uint8_t *raw, size_t n, int16_t *iq)
{
    (void)s;
    for (size_t i = 0; i < 2 * n; i++)
        iq[i] = (int16_t)((2 * raw[i] - 255) * 8);
    return true;
}

static float float_at(const uint8_t *raw, size_t i)
{
    uint32_t u = (uint32_t)raw[4 * i] | (uint32_t)raw[4 * i + 1] << 8 |
                 (uint32_t)raw[4 * i + 2] << 16 | (uint32_t)raw[4 * i + 3] << 24;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

// Beyond full scale it is clipped, and what is at full scale a receiver flags.
static bool from_cf32(const struct sigmf *s, const uint8_t *raw, size_t n, int16_t *iq)
{
    double full = IQ_FULL_SCALE_RX;
    for (size_t i = 0; i < 2 * n; i++) {
        float v = float_at(raw, i);
        if (!isfinite(v)) return false;
        iq[i] = (int16_t)lrint(fmax(-full - 1, fmin(full, (double)v * s->scale)));
    }
    return true;
}

static const struct type types[] = {
    {"ci16_le", 4, from_ci16},
    {"cf32_le", 8, from_cf32},
    {"cu8", 2, from_cu8},
    {"ci8", 2, from_ci8},
};

static int read_global(struct sigmf *s, const struct jval *meta, struct err *err)
{
    const struct jval *global = jval_get(meta, "global");
    if (!global || jval_kind(global) != JVAL_OBJECT)
        return err_set(
            err, ERR_FORMAT,
            "expected a SigMF description with an object \"global\", found none; is this "
            "the .sigmf-meta file of a recording?");

    const char *type = jval_text(jval_get(global, "core:datatype"), NULL);
    if (!type)
        return err_set(
            err, ERR_FORMAT,
            "expected global core:datatype, found none; add it, for example \"ci16_le\"");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i].name) == 0) s->type = &types[i];
    if (!s->type)
        return err_set(err, ERR_UNSUPPORTED,
                       "expected core:datatype ci16_le, cf32_le, cu8 or ci8, found \"%.32s\"; "
                       "convert the recording",
                       type);
    snprintf(s->info.datatype, sizeof s->info.datatype, "%s", type);

    const struct jval *rate = jval_get(global, "core:sample_rate");
    s->info.rate_hz = jval_number(rate, NAN);
    if (isnan(s->info.rate_hz))
        return err_set(
            err, ERR_FORMAT,
            "expected a number as global core:sample_rate, found %s; add the rate of the "
            "recording in samples a second",
            rate ? "something else" : "none");
    if (s->info.rate_hz < rate_min_hz || s->info.rate_hz > rate_max_hz)
        return err_set(err, ERR_UNSUPPORTED,
                       "expected a core:sample_rate of 48000 to 2500000, found %g; correct it or "
                       "resample the recording",
                       s->info.rate_hz);
    int64_t channels = jval_int(jval_get(global, "core:num_channels"), 1);
    if (channels != 1)
        return err_set(err, ERR_UNSUPPORTED,
                       "expected a recording of one channel, found %lld; split the recording",
                       (long long)channels);
    if (jval_bool(jval_get(global, "core:metadata_only"), false))
        return err_set(err, ERR_FORMAT,
                       "expected a recording with data, found core:metadata_only; get the data");
    snprintf(s->info.description, sizeof s->info.description, "%s",
             jval_text(jval_get(global, "core:description"), ""));
    return ERR_OK;
}

static int read_captures(struct sigmf *s, const struct jval *meta, struct err *err)
{
    const struct jval *captures = jval_get(meta, "captures");
    for (size_t i = 0; i < jval_len(captures); i++) {
        const struct jval *c = jval_at(captures, i);
        double f = jval_number(jval_get(c, "core:frequency"), i ? s->info.center_hz : 0);
        if (i == 0) s->info.center_hz = f;
        if (f != s->info.center_hz)
            return err_set(err, ERR_UNSUPPORTED,
                           "expected one centre frequency, found %.0f Hz and %.0f Hz in segments 0 "
                           "and %zu; split the recording",
                           s->info.center_hz, f, i);
        if (jval_int(jval_get(c, "core:header_bytes"), 0) != 0)
            return err_set(err, ERR_UNSUPPORTED,
                           "expected samples alone in the data file, found core:header_bytes in "
                           "segment %zu; remove the headers",
                           i);
    }
    return ERR_OK;
}

// SigMF does not say how long the data are, but what it marks in them must exist.
static int check_marks(const struct sigmf *s, const struct jval *meta, const char *list,
                       struct err *err)
{
    const struct jval *marks = jval_get(meta, list);
    for (size_t i = 0; i < jval_len(marks); i++) {
        const struct jval *m = jval_at(marks, i);
        int64_t start = jval_int(jval_get(m, "core:sample_start"), 0);
        int64_t count = jval_int(jval_get(m, "core:sample_count"), 0);
        if (start < 0 || count < 0 || start > s->info.n_samples ||
            count > s->info.n_samples - start)
            return err_set(err, ERR_FORMAT,
                           "expected data up to sample %lld (%s %zu), found %lld samples in %s; "
                           "the file is cut short: copy it again",
                           (long long)start + (long long)count, list, i,
                           (long long)s->info.n_samples, s->data_path);
    }
    return ERR_OK;
}

static char *data_path(const char *meta_path, const char *dataset)
{
    const char *slash = strrchr(meta_path, '/');
    size_t folder = slash ? (size_t)(slash - meta_path) + 1 : 0;
    size_t stem = strlen(meta_path) - strlen("meta");
    char *path = malloc(strlen(meta_path) + (dataset ? strlen(dataset) : 0) + 8);
    if (!path) return NULL;
    if (dataset) {
        memcpy(path, meta_path, folder);
        memcpy(path + folder, dataset, strlen(dataset) + 1);
    } else {
        memcpy(path, meta_path, stem);
        memcpy(path + stem, "data", sizeof "data");
    }
    return path;
}

static int open_data(struct sigmf *s, struct err *err)
{
    struct stat st;
    s->data = fopen(s->data_path, "rb");
    if (!s->data || fstat(fileno(s->data), &st) < 0)
        return err_set(err, ERR_IO,
                       "expected the samples in %s: %s; put the data file beside its description",
                       s->data_path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_FORMAT, "expected the samples in %s, found no regular file",
                       s->data_path);
    int64_t bytes = (int64_t)s->type->bytes;
    if (st.st_size == 0)
        return err_set(err, ERR_FORMAT,
                       "expected samples in %s, found an empty file; copy it again", s->data_path);
    if (st.st_size % bytes)
        return err_set(
            err, ERR_FORMAT,
            "expected whole samples of %lld bytes (%s), found %lld bytes in %s; the file "
            "is cut short or of another type: copy it again",
            (long long)bytes, s->type->name, (long long)st.st_size, s->data_path);
    s->info.n_samples = st.st_size / bytes;
    return ERR_OK;
}

// Who recorded it may have said what the data's digest is.
static int check_digest(const struct sigmf *s, const struct jval *meta, struct err *err)
{
    const struct jval *said = jval_get(jval_get(meta, "global"), "core:sha512");
    char found[SHA512_HEX_LEN];
    if (!said) return ERR_OK;
    int rc = crypto_sha512_file(s->data_path, found, err);
    if (rc < 0 || strcasecmp(jval_text(said, ""), found) == 0) return rc;
    return err_set(err, ERR_FORMAT,
                   "expected core:sha512 %.16s… of the data, found %.16s… in %s; the file was "
                   "altered or damaged: copy it again",
                   jval_text(said, "(no text)"), found, s->data_path);
}

static int suspect_type(struct sigmf *s, struct err *err)
{
    // from the middle, too: a recording may begin with silence
    int64_t bytes = (int64_t)s->type->bytes, half = s->info.n_samples / 2;
    const char *why = NULL;
    for (int part = 0; part < 2 && !why; part++) {
        if (fseek(s->data, part ? (long)(half * bytes) : 0, SEEK_SET) != 0) break;
        size_t n = fread(s->raw, 1, sizeof s->raw / 8 * 8, s->data);
        why = sigmf_suspect(s->info.datatype, s->raw, n / s->type->bytes * s->type->bytes);
    }
    if (ferror(s->data) || fseek(s->data, 0, SEEK_SET) != 0)
        return err_set(err, ERR_IO, "reading %s: %s", s->data_path, strerror(errno));
    snprintf(s->info.suspicion, sizeof s->info.suspicion, "%s", why ? why : "");
    return ERR_OK;
}

static int find_scale(struct sigmf *s, struct err *err)
{
    s->scale = IQ_FULL_SCALE_RX;
    if (s->type->convert != from_cf32) return ERR_OK;
    // How many values have which power of two, with the largest of each. Those too few to be a
    // signal do not set the level: one absurd value would push all others below a word.
    int64_t count[EXPONENTS] = {0}, left = 2 * (s->info.n_samples / 100000);
    if (s->info.n_samples > 1000) left += 2;
    double largest[EXPONENTS] = {0};
    size_t n;
    while ((n = fread(s->raw, s->type->bytes, SAMPLES_AT_ONCE, s->data)) > 0)
        for (size_t i = 0; i < 2 * n; i++) {
            double v = fabs((double)float_at(s->raw, i));
            if (v == 0 || !isfinite(v)) continue;
            int exponent = ilogb(v) < -127 ? -127 : ilogb(v);
            count[exponent + 127]++;
            largest[exponent + 127] = fmax(largest[exponent + 127], v);
        }
    int top = EXPONENTS - 1;
    while (top > 0 && left >= count[top])
        left -= count[top--];
    double peak = largest[top];
    if (ferror(s->data) || fseek(s->data, 0, SEEK_SET) != 0)
        return err_set(err, ERR_IO, "reading %s: %s", s->data_path, strerror(errno));
    if (peak > 0 && peak < float_peak_min) s->scale *= float_peak_min / peak;
    if (peak > float_peak_max) s->scale *= float_peak_used / peak; // floats of no full scale
    return ERR_OK;
}

int sigmf_open(struct sigmf **out, const char *meta_path, struct err *err)
{
    static const char suffix[] = ".sigmf-meta";
    size_t len = strlen(meta_path), end = sizeof suffix - 1;
    if (len <= end || strcmp(meta_path + len - end, suffix) != 0)
        return err_set(err, ERR_USAGE, "%s: expected the name of a recording's .sigmf-meta file",
                       meta_path);
    if (access(meta_path, R_OK) < 0)
        return err_set(err, ERR_IO, "%s: expected a recording's description: %s; check the path",
                       meta_path, strerror(errno));
    struct sigmf *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "%s: out of memory", meta_path);

    struct jval *meta = NULL;
    const char *dataset;
    int rc = jval_load(&meta, meta_path, err);
    if (rc < 0) goto fail; // its text names the file
    rc = read_global(s, meta, err);
    if (rc == ERR_OK) rc = read_captures(s, meta, err);
    if (rc < 0) goto named;
    dataset = jval_text(jval_get(jval_get(meta, "global"), "core:dataset"), NULL);
    s->data_path = data_path(meta_path, dataset);
    rc = s->data_path ? open_data(s, err) : err_set(err, ERR_NOMEM, "out of memory");
    if (rc == ERR_OK) rc = check_marks(s, meta, "captures", err);
    if (rc == ERR_OK) rc = check_marks(s, meta, "annotations", err);
    if (rc == ERR_OK) rc = check_digest(s, meta, err);
    if (rc == ERR_OK) rc = suspect_type(s, err);
    if (rc == ERR_OK) rc = find_scale(s, err);
    if (rc < 0) goto named;

    jval_free(meta);
    *out = s;
    return ERR_OK;
named:
    err_prefix(err, "%s", meta_path);
fail:
    jval_free(meta);
    sigmf_close(s);
    return rc;
}

void sigmf_close(struct sigmf *s)
{
    if (!s) return;
    if (s->data) fclose(s->data);
    free(s->data_path);
    free(s);
}

const struct sigmf_info *sigmf_info(const struct sigmf *s)
{
    return &s->info;
}

int sigmf_read(struct sigmf *s, int16_t *iq, size_t max, struct err *err)
{
    size_t want = max < SAMPLES_AT_ONCE ? max : SAMPLES_AT_ONCE;
    if ((int64_t)want > s->info.n_samples - s->at) want = (size_t)(s->info.n_samples - s->at);
    if (!want) return 0;
    size_t n = fread(s->raw, s->type->bytes, want, s->data);
    if (n < want)
        return err_set(err, ERR_IO,
                       "%s: expected %lld samples, found %lld: %s; the file changed while it was "
                       "read: copy it again",
                       s->data_path, (long long)s->info.n_samples, (long long)s->at + (long long)n,
                       ferror(s->data) ? strerror(errno) : "it ended");
    if (!s->type->convert(s, s->raw, n, iq))
        return err_set(err, ERR_FORMAT,
                       "%s: expected numbers, found NaN or infinity after sample %lld; %s",
                       s->data_path, (long long)s->at,
                       s->info.suspicion[0] ? s->info.suspicion : "record or convert it again");
    s->at += (int64_t)n;
    return (int)n;
}
