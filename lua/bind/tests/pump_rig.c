#include "lua/bind/tests/pump_rig.h"

#include <complex.h>
#include <math.h>
#include <unistd.h>

#include "bench/phy/iq.h"

// ---- a radio that plays a recording, then silence

enum { BURSTS_MAX = 16, RADIOS_MAX = 4 };

struct burst {
    const struct radio *by;
    int64_t at; // of the time that all radios share
    double lo_hz, level_db;
    size_t n;
    int16_t *iq;
};

struct radio {
    struct bytes samples;
    int64_t at;   // sample of its own
    int64_t born; // when that count began
    int block;
    struct radio_info info;
    int16_t out[2 * BLOCK];
};

struct rig_radio_plan radio_plan;
struct rig_radio_sent radio_sent;

// The first radio's clock is the world's.
static struct {
    int64_t now;
    struct burst bursts[BURSTS_MAX];
    size_t n;
} world;

static void forget_bursts(void)
{
    for (size_t i = 0; i < world.n; i++)
        free(world.bursts[i].iq);
    memset(&world, 0, sizeof world);
}

int radio_open(struct radio **out, const struct radio_config *config, struct err *err)
{
    struct radio *r = calloc(1, sizeof *r);
    assert_non_null(r);
    bytes_init(&r->samples, 1 << 24);
    if (radio_plan.recording)
        assert_int_equal(bytes_read_file(&r->samples, radio_plan.recording, err), 0);
    r->info = (struct radio_info){.serial = "S1",
                                  .model = "fake",
                                  .rate_hz = radio_plan.rate_hz ? radio_plan.rate_hz : RATE,
                                  .lo_hz = config->lo_hz};
    r->born = world.now;
    *out = r;
    return ERR_OK;
}

void radio_close(struct radio *r)
{
    if (!r) return;
    bytes_deinit(&r->samples);
    free(r);
}

const struct radio_info *radio_info(const struct radio *r)
{
    return &r->info;
}

// What another radio sent, as it comes over the plan's way.
static void hear(struct radio *r, const struct burst *b)
{
    const struct rig_way *way = &radio_plan.way;
    // A Pluto's levels: 7 dBm is full scale out, -24 dBm full scale in at no gain.
    const double gain = pow(10, (b->level_db + 7 - way->loss_db + 24) / 20);
    const double beside_hz = b->lo_hz + way->off_hz - r->info.lo_hz;
    for (int i = 0; i < BLOCK; i++) {
        const int64_t now = r->born + r->at + i, k = now - b->at - way->late;
        if (k < 0 || k >= (int64_t)b->n) continue;
        if (way->to && (k < way->from || k >= way->to)) continue;
        const double turns = beside_hz / r->info.rate_hz * (double)(now % 1000000);
        const double sign = k % 1000 < way->flips ? -1 : 1;
        double complex x = b->iq[2 * k] + I * b->iq[2 * k + 1];
        x *= sign * gain * IQ_FULL_SCALE_RX / IQ_FULL_SCALE_TX * cexp(2 * M_PI * I * turns);
        r->out[2 * i] = (int16_t)lrint(fmax(-2047, fmin(2047, r->out[2 * i] + creal(x))));
        r->out[2 * i + 1] = (int16_t)lrint(fmax(-2047, fmin(2047, r->out[2 * i + 1] + cimag(x))));
    }
}

int radio_read(struct radio *r, struct iq_block *out, struct err *err)
{
    int block = r->block++;
    if (block == radio_plan.gone_in)
        return err_set(err, ERR_GONE, "radio ip:127.0.0.1:4711: unplugged in block %d", block);
    int64_t total = (int64_t)r->samples.len / 4;
    for (int i = 0; i < BLOCK; i++) {
        bool there = r->at + i < total;
        memset(r->out + 2 * i, 0, 4);
        if (there) memcpy(r->out + 2 * i, r->samples.data + 4 * (r->at + i), 4);
    }
    const bool lit = radio_sent.lo_on && !radio_plan.way.dark;
    for (size_t i = 0; i < world.n && radio_plan.way.open && lit; i++)
        hear(r, &world.bursts[i]);
    *out = (struct iq_block){
        .first_sample = r->at,
        .n_samples = BLOCK,
        .iq = r->out,
        .flags = block == radio_plan.overflow_in ? IQ_FLAG_OVERFLOW : 0,
    };
    r->at += BLOCK;
    if (r->born + r->at > world.now) world.now = r->born + r->at;
    return ERR_OK;
}

int radio_transmit(struct radio *r, int64_t at_sample, const int16_t *iq, size_t n, struct err *err)
{
    (void)err;
    radio_sent.at = at_sample;
    radio_sent.n = n;
    assert_true(world.n < BURSTS_MAX);
    struct burst *b = &world.bursts[world.n++];
    *b = (struct burst){.by = r,
                        .at = r->born + at_sample,
                        .lo_hz = r->info.tx_lo_hz,
                        .level_db = -r->info.tx_attenuation_db,
                        .n = n,
                        .iq = malloc(4 * n)};
    assert_non_null(b->iq);
    memcpy(b->iq, iq, 4 * n);
    return ERR_OK;
}

int64_t radio_earliest(const struct radio *r)
{
    return r->at + BLOCK;
}

int radio_drop(struct radio *r, struct err *err)
{
    (void)r, (void)err;
    return ERR_OK;
}

int radio_set_tx(struct radio *r, bool lo_on, double attenuation_db, struct err *err)
{
    (void)err;
    // The attenuator holds for what is on its way.
    for (size_t i = 0; i < world.n && lo_on; i++)
        if (world.bursts[i].by == r && world.bursts[i].at + (int64_t)world.bursts[i].n > world.now)
            world.bursts[i].level_db = -attenuation_db;
    radio_sent.switches += lo_on != radio_sent.lo_on;
    radio_sent.lo_on = lo_on;
    return ERR_OK;
}

int radio_align(struct radio *const *radios, size_t n, struct err *err)
{
    (void)radios, (void)n, (void)err;
    return ERR_OK;
}

int radio_tune_tx(struct radio *r, double lo_hz, struct err *err)
{
    (void)err;
    r->info.tx_lo_hz = lo_hz;
    return ERR_OK;
}

// ---- a port that answers every command with the next text of a list, some reads later

struct rig_port_plan port_plan;
struct port the_port, sample_ports[3];

int port_open(struct port **out, const struct port_config *config, struct err *err)
{
    (void)err;
    unsigned n = config->path ? (unsigned)(config->path[strlen(config->path) - 1] - '0') : 0;
    *out = n >= 1 && n <= 3 ? &sample_ports[n - 1] : &the_port;
    **out = (struct port){0};
    return ERR_OK;
}

void port_close(struct port *p)
{
    (void)p;
}

int port_write(struct port *p, const void *data, size_t len, struct err *err)
{
    if (port_plan.gone) return err_set(err, ERR_GONE, "port unplugged");
    assert_true(len < sizeof p->written);
    memcpy(p->written, data, len);
    p->written[len] = '\0';
    if (port_plan.answer) snprintf(p->due, sizeof p->due, "%s", port_plan.answer);
    p->reads_left = port_plan.delay;
    return ERR_OK;
}

int port_read(struct port *p, void *data, size_t max, struct err *err)
{
    (void)err;
    if (!p->due[0] || p->reads_left-- > 0) return 0;
    size_t len = strlen(p->due);
    assert_true(len <= max);
    memcpy(data, p->due, len);
    p->due[0] = '\0';
    return (int)len;
}

int port_set_line(struct port *p, enum port_line line, bool active, struct err *err)
{
    (void)err;
    p->lines[line] = active;
    return ERR_OK;
}

// ---- a sink that remembers

struct rig_sink sink;

static int on_event(void *ctx, struct jval *event, struct err *err)
{
    (void)ctx;
    if (sink.gone) return err_set(err, ERR_GONE, "the supervisor is gone");
    if (sink.count_only) {
        sink.n++;
        return ERR_OK;
    }
    assert_true(sink.n < EVENTS_MAX);
    sink.events[sink.n++] = jval_ref(event);
    return ERR_OK;
}

static int on_progress(void *ctx, int64_t t, const char *step, struct err *err)
{
    (void)ctx, (void)t, (void)step, (void)err;
    return ERR_OK;
}

static int on_evidence(void *ctx, const char *path, const char *media_type, const char *note,
                       int fd, struct err *err)
{
    (void)ctx, (void)note;
    if (strcmp(media_type, "image/png") == 0) {
        uint8_t head[4] = {0};
        assert_int_equal(read(fd, head, sizeof head), sizeof head);
        assert_memory_equal(head, "\x89PNG", sizeof head);
        char *to = sink.picture_paths[sink.n_pictures++ % 2];
        snprintf(to, sizeof sink.picture_paths[0], "%s", path);
        return ERR_OK;
    }
    struct bytes *into = strstr(path, "sigmf-data")   ? &sink.data
                         : strstr(path, "sigmf-meta") ? &sink.meta
                                                      : &sink.log;
    char chunk[4096];
    into->len = 0;
    for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;)
        if (bytes_append(into, chunk, (size_t)n, err) < 0) return ERR_LIMIT;
    snprintf(into == &sink.data ? sink.data_path : sink.meta_path, sizeof sink.data_path, "%s",
             path);
    return ERR_OK;
}

const struct jval *event_of(const char *type, size_t nth)
{
    for (size_t i = 0; i < sink.n; i++)
        if (strcmp(jval_text(jval_get(sink.events[i], "type"), ""), type) == 0 && nth-- == 0)
            return sink.events[i];
    return NULL;
}

const char *text_of(const struct jval *j, const char *name)
{
    return jval_text(jval_get(j, name), "");
}

double number_of(const struct jval *j, const char *name)
{
    return jval_number(jval_get(j, name), NAN);
}

struct secret key;

struct pump_config config(void)
{
    return (struct pump_config){
        .radio_unit = "r1",
        .radio = {.uri = "ip:127.0.0.1:4711", .lo_hz = 868130000.0},
        .low_hz = 868130000.0 - 20000,
        .high_hz = 868130000.0 + 20000,
        .uart_unit = "d1",
        .dialect = {.name = "test", .line_end = "\r", .ok = "OK", .errors = {"ERR"}},
        .lines = {[PUMP_POWER] = PORT_LINE_RTS, [PUMP_RESET] = -1},
        .device_id = 0xf9b439fc,
        .key = &key,
        .modulus = 4096,
        .window = 420,
        .worker = 1,
        .keep_s = 12,
    };
}

const struct pump_sink sink_ops = {
    .event = on_event, .progress = on_progress, .evidence = on_evidence};

struct pump *opened(struct pump_config c)
{
    struct pump *p = NULL;
    struct err e = {0};
    if (pump_open(&p, &c, &sink_ops, &e) < 0) fail_msg("%s", e.text);
    return p;
}

struct pump_config sending(void)
{
    struct pump_config c = config();
    c.t0 = 5000;
    c.zone = sfx_zone_find("RC1");
    c.radio.transmit = true;
    c.downlink_dbm = -10;
    c.permit = (struct air_permit){
        .unit = "r1",
        .paths = {{.to = "d1", .kind = "conducted", .attenuation_db = 100}},
        .n_paths = 1,
        .bands = {{.low_hz = 869300000, .high_hz = 869750000, .max_dbm = 0}},
        .n_bands = 1,
    };
    return c;
}

struct pump_answer command(struct pump *p, const char *answer, int delay, bool one_line)
{
    struct pump_answer a;
    struct err e = {0};
    port_plan.answer = answer;
    port_plan.delay = delay;
    assert_int_equal(pump_command(p, "AT", pump_now(p) + 10 * BLOCK, one_line, &a, &e), ERR_OK);
    assert_string_equal(the_port.written, "AT\r");
    return a;
}

int setup(void **state)
{
    (void)state;
    static const uint8_t nak[16] = {
        0x63, 0x01, 0xbb, 0xfc, 0xa0, 0xc5, 0x15, 0x4e,
        0x0f, 0xf9, 0xbb, 0x51, 0x09, 0x44, 0xfe, 0x0c}; // cal_clean.truth.json
    struct err e;
    radio_plan.recording = FOX_SOURCE_DIR "/fixtures/iq/cal_clean.sigmf-data";
    radio_plan.overflow_in = radio_plan.gone_in = -1;
    radio_plan.rate_hz = 0;
    radio_plan.way = (struct rig_way){0};
    memset(&radio_sent, 0, sizeof radio_sent);
    memset(&port_plan, 0, sizeof port_plan);
    bytes_init(&sink.data, 1 << 26);
    bytes_init(&sink.meta, 1 << 20);
    bytes_init(&sink.log, 1 << 20);
    return secret_init(&key, nak, sizeof nak, &e);
}

int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sink.n && !sink.count_only; i++)
        jval_free(sink.events[i]);
    bytes_deinit(&sink.data);
    bytes_deinit(&sink.meta);
    bytes_deinit(&sink.log);
    memset(&sink, 0, sizeof sink);
    secret_deinit(&key);
    forget_bursts();
    return 0;
}
