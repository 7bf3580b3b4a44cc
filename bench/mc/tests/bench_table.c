// One table of what the receiver and its simulation must reach: goal, theory, measured, verdict.
// Not a test: the quick form takes some minutes, --full (the counts that the goals speak of) an
// hour.
//
//   bench_table [--full] [WORD…]     only rows of groups that contain a word
//
// Groups: fer combined wrong keyed detection noise ghosts speed accuracy quality ratio montecarlo
// captures
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/base/rng.h"
#include "bench/base/secret.h"
#include "bench/mc/curve.h"
#include "bench/mc/tests/message.h"
#include "bench/mc/tests/quality.h"
#include "bench/mc/tests/waveform.h"
#include "bench/phy/jam_meter.h"
#include "bench/phy/tests/fer.h"
#include "bench/phy/tests/speed.h"
#include "bench/phy/tests/syncs.h"
#include "bench/sfx/uplink.h"

enum { TEXT = 200 };

struct table {
    bool full;
    unsigned rows, missed;
    const char *program;
    struct err err;
};

static const char *note(char out[TEXT], const char *format, ...) FOX_PRINTF(2, 3);

static const char *note(char out[TEXT], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out, TEXT, format, args);
    va_end(args);
    return out;
}

static void row(struct table *t, const char *what, const char *goal, const char *theory,
                const char *measured, bool reached)
{
    printf("| %s | %s | %s | %s | %s |\n", what, goal, theory, measured,
           reached ? "reached" : "**missed**");
    fflush(stdout);
    t->rows++;
    t->missed += !reached;
}

static int run_frames(const struct fer_config *c, unsigned frames, struct fer_tally *tally,
                      struct err *err)
{
    uint64_t first = 1 + 100000 * (uint64_t)llround(10 * (20 + c->ebn0_db));
    for (uint64_t seed = first; tally->sent < frames; seed++) {
        int rc = fer_stream(c, seed, tally, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// Where a falling loss passes a tenth: between two points by a straight line of its logarithm. NaN
// when it does not.
static double tenth(const double *ebn0_db, const double *loss, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (loss[i - 1] >= 0.1 && loss[i] < 0.1) {
            double a = log(loss[i - 1]), b = log(fmax(loss[i], 1e-4));
            return ebn0_db[i - 1] + (ebn0_db[i] - ebn0_db[i - 1]) * (a - log(0.1)) / (a - b);
        }
    return NAN;
}

static int rows_fer(struct table *t)
{
    static const double points[] = {4.2, 4.6, 5.0, 6.2, 6.6, 7.0, 7.4, 7.8, 8.2};
    enum { POINTS = sizeof points / sizeof points[0] };
    double plain[POINTS], tracked[POINTS], list[POINTS];
    char text[TEXT], theory[TEXT];
    for (size_t p = 0; p < POINTS; p++) {
        struct fer_config c = fer_config_default(points[p]);
        struct fer_tally f = {0};
        if (run_frames(&c, t->full ? 1000 : 240, &f, &t->err) < 0) return t->err.code;
        plain[p] = 1 - (double)f.plain / f.sent;
        tracked[p] = 1 - (double)f.tracked / f.sent;
        list[p] = 1 - (double)f.list / f.sent;
    }
    double at_plain = tenth(points, plain, POINTS), at_tracked = tenth(points, tracked, POINTS);
    double at_list = tenth(points, list, POINTS);
    double in_theory = fer_theory_point(fer_theory_plain, 112, 0.1);
    note(theory, "%.2f dB", in_theory);
    row(t, "FER 10 %, class C, plain", "theory + 0.3 dB", theory, note(text, "%.2f dB", at_plain),
        at_plain <= in_theory + 0.3);
    note(theory, "%.2f dB", fer_theory_point(fer_theory_tracked, 112, 0.1));
    row(t, "FER 10 %, tracked", "plain - 0.7 dB", theory, note(text, "%.2f dB", at_tracked),
        at_tracked <= at_plain - 0.7);
    note(theory, "plain %.2f dB", in_theory);
    row(t, "FER 10 %, with list", "plain theory - 2.8 dB", theory, note(text, "%.2f dB", at_list),
        at_list <= in_theory - 2.8);
    return ERR_OK;
}

static int rows_combined(struct table *t)
{
    static const double points[] = {1.4, 1.8, 2.2, 3.0};
    enum { POINTS = sizeof points / sizeof points[0] };
    double loss[POINTS];
    unsigned wrong = 0;
    char text[TEXT];
    for (size_t p = 0; p < POINTS; p++) {
        struct message_tally m = {0};
        for (uint64_t seed = 1; m.sent < (t->full ? 1000 : 144); seed++)
            if (message_stream(points[p], seed + 1000 * p, &m, &t->err) < 0) return t->err.code;
        loss[p] = (double)m.lost / m.sent;
        wrong += m.wrong;
    }
    row(t, "message of three ranks, 10 % lost", "3.0 dB each", "about 2.8 dB (in step, plain)",
        note(text, "%.2f dB; at 3.0 dB %.3f lost, %u wrong frames", tenth(points, loss, POINTS),
             loss[POINTS - 1], wrong),
        loss[POINTS - 1] <= 0.1);
    return ERR_OK;
}

// Class C messages with a tag, as a device of this key sends them.
struct signer {
    struct secret key;
    struct sfx_uplink plan;
};

static int signer_init(struct signer *s, struct err *err)
{
    static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    for (size_t len = 1; len <= SFX_PAYLOAD_MAX; len++) {
        s->plan = (struct sfx_uplink){.type = SFX_MESSAGE_BYTES, .device_id = 0x00c0ffee};
        s->plan.payload_len = len;
        int rc = sfx_uplink_plan(&s->plan, err);
        if (rc < 0) return rc;
        if (s->plan.class == SFX_CLASS_C) return secret_init(&s->key, key, sizeof key, err);
    }
    return err_set(err, ERR_CHECK, "no payload makes a frame of class C");
}

static void signed_packet(void *ctx, uint64_t index, uint8_t *out)
{
    const struct signer *s = ctx;
    struct sfx_uplink up = s->plan;
    struct err err = {0};
    uint8_t packet[SFX_PACKET_MAX];
    uint64_t bits = rng_u64(rng_key(index, "payload"), 0);
    memcpy(up.payload, &bits, sizeof bits < up.payload_len ? sizeof bits : up.payload_len);
    up.counter = (uint16_t)(index % 4096);
    if (sfx_uplink_sign(&up, &s->key, &err) < 0) {
        fprintf(stderr, "bench_table: %s\n", err.text);
        exit(3);
    }
    memcpy(out, packet, sfx_uplink_packet(&up, packet) - 2);
}

static enum phy_vouch ask_signer(const void *ctx, size_t sync, const uint8_t *body)
{
    const struct signer *s = ctx;
    struct sfx_uplink up;
    struct err err = {0};
    uint8_t packet[SFX_PACKET_MAX];
    enum sfx_class class = sync % 6;
    size_t len = sfx_uplink_uncode(class, (unsigned)(sync / 6) + 1, body, packet);
    if (sfx_uplink_decode(class, packet, len, &up) != SFX_STATUS_OK) return PHY_VOUCH_NOBODY;
    if (up.device_id != s->plan.device_id) return PHY_VOUCH_NOBODY;
    return sfx_uplink_verify(&up, &s->key, &err) == 1 ? PHY_VOUCH_RIGHT : PHY_VOUCH_WRONG;
}

static bool has_right_tag(void *ctx, const struct phy_burst *b)
{
    return ask_signer(ctx, b->sync, b->body) == PHY_VOUCH_RIGHT;
}

static int rows_wrong(struct table *t)
{
    struct signer s = {0};
    struct fer_tally f = {0};
    char text[TEXT];
    int rc = signer_init(&s, &t->err);
    if (rc < 0) return rc;
    for (double ebn0_db = 4.0; ebn0_db < 5.1 && rc == ERR_OK; ebn0_db += 0.5) {
        struct fer_config c = fer_config_default(ebn0_db);
        struct fer_tally one = {0};
        c.packet = signed_packet;
        c.believes = has_right_tag;
        c.ctx = &s;
        rc = run_frames(&c, t->full ? 10000 : 720, &one, &t->err);
        f.sent += one.sent;
        f.wrong += one.wrong;
        f.believed += one.believed;
    }
    secret_deinit(&s.key);
    if (rc < 0) return rc;
    row(t, "wrong frames with the list, 4 to 5 dB, CRC alone", "5 in 10 000", "-",
        note(text, "%u of %u", f.wrong, f.sent), f.wrong <= 5e-4 * f.sent);
    row(t, "the same with the tag checked", "0", "2^-16 or less of those",
        note(text, "%u of %u", f.believed, f.sent), f.believed == 0);
    return ERR_OK;
}

// The list may go further where the key vouches for what it makes up.
static int rows_keyed(struct table *t)
{
    static const double points[] = {3.4, 3.8, 4.2, 4.6, 5.0};
    enum { POINTS = sizeof points / sizeof points[0] };
    double alone[POINTS], keyed[POINTS];
    struct signer s = {0};
    unsigned wrong = 0, sent = 0;
    char text[TEXT], theory[TEXT];
    int rc = signer_init(&s, &t->err);
    for (size_t p = 0; p < POINTS && rc == ERR_OK; p++) {
        struct fer_config c = fer_config_default(points[p]);
        struct fer_tally without = {0}, with = {0};
        c.packet = signed_packet;
        c.ctx = &s;
        rc = run_frames(&c, t->full ? 1000 : 240, &without, &t->err);
        c.vouch = ask_signer;
        c.believes = has_right_tag;
        if (rc == ERR_OK) rc = run_frames(&c, t->full ? 1000 : 240, &with, &t->err);
        alone[p] = 1 - (double)without.list / without.sent;
        keyed[p] = 1 - (double)with.list / with.sent;
        wrong += with.believed;
        sent += with.sent;
    }
    secret_deinit(&s.key);
    if (rc < 0) return rc;
    double with_key = tenth(points, keyed, POINTS), on_crc = tenth(points, alone, POINTS);
    note(theory, "CRC alone %.2f dB", on_crc);
    row(t, "FER 10 %, list held to the tag", "better than the CRC alone", theory,
        note(text, "%.2f dB, %u of %u wrong with a right tag", with_key, wrong, sent),
        with_key < on_crc && wrong == 0);
    return ERR_OK;
}

static int rows_detection(struct table *t)
{
    static const struct {
        double ebn0_db, goal;
    } points[] = {{4, 0.99}, {3, 0.95}};
    char what[TEXT], goal[TEXT], text[TEXT];
    for (size_t p = 0; p < 2; p++) {
        struct fer_config c = fer_config_default(points[p].ebn0_db);
        struct fer_tally f = {0};
        if (run_frames(&c, t->full ? 2000 : 480, &f, &t->err) < 0) return t->err.code;
        double found = (double)f.found / f.sent;
        row(t, note(what, "detected at %.0f dB", points[p].ebn0_db),
            note(goal, "%.0f %%", 100 * points[p].goal), "99 % at 2.5 to 3.5 dB",
            note(text, "%.2f %% of %u", 100 * found, f.sent), found >= points[p].goal);
    }
    return ERR_OK;
}

// Frames that come out of a stream which holds those `bursts` and is spoilt by the radio.
static int count_frames(double seconds, const struct synth_burst *bursts, size_t n_bursts,
                        double image, unsigned *frames, struct err *err)
{
    enum { CHUNK = 25000 };
    static int16_t iq[2 * CHUNK];
    struct phy_sync syncs[SYNCS];
    struct phy_receive_config config = {
        .rate_hz = 250e3,
        .low_hz = -96e3,
        .high_hz = 96e3,
        .bit_rate_100 = true,
        .bit_rate_600 = true,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
        .check = syncs_check,
    };
    struct synth s = {250e3, 30, 0, 77, bursts, n_bursts};
    struct phy_receiver *r = NULL;
    struct phy_burst b;
    int rc = phy_receiver_new(&r, &config, err);
    *frames = 0;
    for (int64_t at = 0; at < (int64_t)(seconds * 250e3) && rc == ERR_OK; at += CHUNK) {
        synth_render(&s, at, CHUNK, iq);
        for (size_t i = 0; i < CHUNK && image > 0; i++)
            iq[2 * i] = (int16_t)lrint((1 - 2 * image) * iq[2 * i]);
        rc = phy_receiver_push(r, iq, CHUNK, err);
        while (rc == ERR_OK && phy_receiver_next(r, &b))
            *frames += b.checked;
    }
    if (rc == ERR_OK) rc = phy_receiver_finish(r, err);
    while (rc == ERR_OK && phy_receiver_next(r, &b))
        *frames += b.checked;
    phy_receiver_free(r);
    return rc;
}

static int rows_noise(struct table *t)
{
    unsigned frames;
    char what[TEXT], text[TEXT];
    double seconds = t->full ? 3600 : 60;
    int rc = count_frames(seconds, NULL, 0, 0, &frames, &t->err);
    if (rc < 0) return rc;
    row(t, note(what, "frames out of %.0f s of noise, 192 kHz, both bit rates", seconds),
        "0 in an hour", "-", note(text, "%u", frames), frames == 0);
    return ERR_OK;
}

// Bursts 30 to 50 dB above what is needed, clipped by the converter, with an image 30 dB below.
static int rows_ghosts(struct table *t)
{
    enum { BURSTS = 4 };
    struct synth_burst bursts[BURSTS];
    char hex[BURSTS][SYNTH_HEX], text[TEXT];
    for (size_t i = 0; i < BURSTS; i++) {
        uint8_t packet[12];
        for (uint64_t k = 0; k < sizeof packet; k++)
            packet[k] = (uint8_t)rng_u64(rng_key(i, "ghost"), k);
        synth_frame(packet, sizeof packet, hex[i]);
        bursts[i] = (struct synth_burst){
            .hex = hex[i],
            .bit_rate = 100,
            .start_s = 0.3 + 1.8 * (double)i,
            .f_hz = -20e3 + 13777 * (double)i,
            .ebn0_db = 40 + 14 * (double)i, // the last two clip
            .rho = 0.25,
        };
    }
    unsigned frames;
    int rc = count_frames(8, bursts, BURSTS, 0.03, &frames, &t->err);
    if (rc < 0) return rc;
    row(t, "4 strong bursts, clipped, with images: frames", "4, 0 ghosts", "-",
        note(text, "%u", frames), frames == BURSTS);
    return ERR_OK;
}

static int rows_speed(struct table *t)
{
    struct speed_config c = {1e6, -96e3, 96e3, 20, 6, true, false, 3};
    struct speed s;
    char text[TEXT];
    if (speed_measure(&c, &s, &t->err) < 0) return t->err.code;
    double times = c.seconds / s.spent_s, ratio = s.spent_s / s.ffts_s;
    row(t, "1 MS/s, 6 bursts in 20 s, one core", "50 x real time (stretch 100)", "about 180 x",
        note(text, "%.0f x, %zu decoded", times, s.right), times >= 50 && s.right == 6);
    row(t, "the same against its own transforms", "3 x their time", "1",
        note(text, "%.2f x", ratio), ratio <= 3);
    struct speed_config busy = {250e3, -96e3, 96e3, 20, 400, true, false, 3};
    if (speed_measure(&busy, &s, &t->err) < 0) return t->err.code;
    times = busy.seconds / s.spent_s;
    row(t, "20 bursts a second at 20 dB, 250 kS/s", "10 x real time", "-",
        note(text, "%.0f x, %zu of 400 decoded", times, s.right), times >= 10);
    return ERR_OK;
}

static int rows_accuracy(struct table *t)
{
    static const double points[] = {8, 20, 40};
    char what[TEXT], theory[TEXT], text[TEXT];
    for (size_t p = 0; p < 3; p++) {
        struct fer_config c = fer_config_default(points[p]);
        struct fer_tally f = {0};
        c.rho = 0.25;
        c.drift_hz_s = 10;
        c.per_stream = 6;                    // far apart, so that none is another's noise
        if (points[p] > 30) c.noise_rms = 8; // or the converter clips
        if (run_frames(&c, t->full ? 960 : 240, &f, &t->err) < 0) return t->err.code;
        double m = f.measured ? f.measured : 1;
        const struct {
            const char *name, *unit;
            double bound2, error2;
        } figures[] = {{"frequency at mid-burst", "Hz", f.bound_f2, f.f_mid_hz2},
                       {"drift", "Hz/s", f.bound_drift2, f.drift_hz_s2},
                       {"start", "symbols", f.bound_start2, f.start_symbols2}};
        for (size_t i = 0; i < 3; i++) {
            double bound = sqrt(figures[i].bound2 / m), error = sqrt(figures[i].error2 / m);
            row(t, note(what, "%s, rms, at %.0f dB", figures[i].name, points[p]), "1.5 x bound",
                note(theory, "%.3g %s", bound, figures[i].unit),
                note(text, "%.3g %s = %.2f x", error, figures[i].unit, error / bound),
                error <= 1.5 * bound);
        }
    }
    return ERR_OK;
}

// Errors about as large as what noise does to a symbol, and larger.
static int rows_quality(struct table *t)
{
    static const struct {
        double ebn0_db, error_deg;
    } points[] = {{8, 10}, {20, 3}, {30, 1}, {40, 0.5}, {40, 10}};
    char what[TEXT], theory[TEXT], text[TEXT];
    for (size_t p = 0; p < sizeof points / sizeof points[0]; p++) {
        struct quality_tally q = {0};
        unsigned frames = t->full ? 240 : 60;
        if (quality_frames(points[p].ebn0_db, points[p].error_deg, frames, &q, &t->err) < 0)
            return t->err.code;
        double n = q.measured ? q.measured : 1;
        const struct {
            const char *name, *unit;
            double sent, found;
        } figures[] = {{"phase error", " deg", sqrt(q.sent_phase2 / n), sqrt(q.found_phase2 / n)},
                       {"EVM", " %", sqrt(q.sent_evm2 / n), sqrt(q.found_evm2 / n)}};
        for (size_t i = 0; i < 2; i++) {
            double off = figures[i].found / figures[i].sent - 1;
            row(t, note(what, "%s, rms, at %.0f dB", figures[i].name, points[p].ebn0_db),
                "sent within 10 %", note(theory, "sent %.3g%s", figures[i].sent, figures[i].unit),
                note(text, "%.3g%s (%+.1f %%) of %u frames", figures[i].found, figures[i].unit,
                     100 * off, q.measured),
                fabs(off) <= 0.1 && q.measured >= 0.85 * q.sent);
        }
    }
    return ERR_OK;
}

// Jammer and signal in gates of one capture, at ratios that are known.
static int rows_ratio(struct table *t)
{
    enum { GATE = 60000 };
    double worst = 0;
    char hex[SYNTH_HEX], text[TEXT];
    uint8_t packet[20] = {0x5a, 0xc3, 0x17};
    synth_frame(packet, sizeof packet, hex);
    int16_t *iq = malloc(6 * GATE * sizeof *iq);
    if (!iq) return err_set(&t->err, ERR_NOMEM, "no memory for gates");
    int rc = ERR_OK;
    for (double js_db = 0; js_db <= 20 && rc == ERR_OK; js_db += 5) {
        for (int gate = 0; gate < 3; gate++) {
            struct synth_burst b = {.hex = hex,
                                    .bit_rate = 100,
                                    .start_s = -0.5,
                                    .f_hz = 3000,
                                    .ebn0_db = 20 + (gate == 1 ? js_db : 0)};
            struct synth s = {48e3, 10, 0, (uint64_t)gate + 1, &b, gate < 2};
            synth_render(&s, 0, GATE, iq + 2 * gate * GATE);
        }
        const struct phy_jam_wave wave = phy_jam_wave_default(PHY_JAM_bpsk);
        const struct phy_jam_gates gates = {48e3,      3000,         500,
                                            {0, GATE}, {GATE, GATE}, {2 * GATE, GATE}};
        struct phy_js js;
        rc = phy_jam_js(&wave, &gates, iq, 0, 3 * GATE, &js, &t->err);
        if (rc == ERR_OK) worst = fmax(worst, fabs(js.js_db - js_db));
    }
    free(iq);
    if (rc < 0) return rc;
    row(t, "power ratio in one capture, 0 to 20 dB, worst error", "0.2 dB", "-",
        note(text, "%.2f dB", worst), worst <= 0.2);
    return ERR_OK;
}

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int rows_montecarlo_speed(struct table *t)
{
    struct mc_plan plan = {.config = mc_config_default(MC_JAMMER_cw),
                           .seed = 1,
                           .trials =
                               8000, // short, so that some rounds have both cores to themselves
                           .points = 1,
                           .js_db = {-0.4}}; // combining is at work for most messages
    struct mc_curves one, two;
    double wall[2] = {1e9, 1e9}, cpu[2] = {1e9, 1e9}, load = 0;
    char text[TEXT];
    for (int round = 0; round < 60; round++) {
        unsigned which = (unsigned)round % 2;
        double begin = clock_s(CLOCK_MONOTONIC), spent = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        plan.threads = which + 1;
        if (mc_run(&plan, which ? &two : &one, &t->err) < 0) return t->err.code;
        wall[which] = fmin(wall[which], clock_s(CLOCK_MONOTONIC) - begin);
        cpu[which] = fmin(cpu[which], clock_s(CLOCK_PROCESS_CPUTIME_ID) - spent);
    }
    double rate = plan.trials / cpu[0], by_wall = wall[0] / wall[1], by_cpu = 2 * cpu[0] / cpu[1];
    row(t, "Monte-Carlo: messages of three ranks a second and core, one J/S", "50 000", "-",
        note(text, "%.0f", rate), rate >= 50e3);
    // where others use the cores too, only the threads' own time tells how well they share the work
    bool busy = getloadavg(&load, 1) == 1 && load > 2;
    row(t, "the same on two threads", "1.7 x", "2 x",
        note(text, "%.2f x by the threads' CPU time, %.2f x by the clock%s", by_cpu, by_wall,
             busy ? " on a busy machine" : ""),
        (busy ? by_cpu : by_wall) >= 1.7);
    bool same = memcmp(&one, &two, sizeof one) == 0;
    row(t, "one and two threads count the same", "yes", "-", same ? "yes" : "no", same);
    return ERR_OK;
}

static int rows_montecarlo(struct table *t)
{
    char what[TEXT], theory[TEXT], text[TEXT];
    int rc = rows_montecarlo_speed(t);
    for (int j = 0; j < MC_JAMMERS && rc == ERR_OK; j++) {
        struct mc_config c = waveform_config(j);
        double simulated, heard;
        rc = waveform_simulated(&c, 20000, &simulated, &t->err);
        if (rc == ERR_OK)
            rc = waveform_half_point(&c, simulated - 0.2, t->full ? 240 : 48, &heard, &t->err);
        if (rc < 0) break;
        row(t, note(what, "half of the frames lost, %s", mc_jammer_name(j)), "within 0.7 dB",
            note(theory, "%+.2f dB simulated", simulated),
            note(text, "%+.2f dB heard (%+.2f)", heard, heard - simulated),
            fabs(heard - simulated) <= 0.7);
    }
    return rc;
}

// The score is the captures' own test: it stands beside this program.
static int rows_captures(struct table *t)
{
    char command[TEXT + 64], line[TEXT], text[TEXT];
    const char *slash = strrchr(t->program, '/');
    int folder = slash ? (int)(slash - t->program) : 1;
    snprintf(command, sizeof command, "'%.*s/test_captures' 2>&1", folder,
             slash ? t->program : ".");
    FILE *f = popen(command, "r");
    if (!f) return err_set(&t->err, ERR_IO, "%s could not be started", command);
    unsigned sent = 0, right = 0, wrong = 0;
    while (fgets(line, sizeof line, f)) {
        unsigned a, b, c;
        const char *colon = strchr(line, ':');
        if (line[0] != '#' || !colon) continue;
        if (sscanf(colon, ": %u sent, %u right, %u wrong", &a, &b, &c) != 3) continue;
        sent += a;
        right += b;
        wrong += c;
    }
    bool passed = pclose(f) == 0;
    if (!sent) return err_set(&t->err, ERR_IO, "%s said nothing; build test_captures", command);
    row(t, "captures: bursts right", "all, 0 wrong, 0 ghosts", "-",
        note(text, "%u of %u, %u wrong or ghosts", right, sent, wrong),
        passed && right == sent && wrong == 0);
    return ERR_OK;
}

static const struct group {
    const char *name;
    int (*rows)(struct table *t);
} groups[] = {
    {"fer", rows_fer},           {"combined", rows_combined},   {"wrong", rows_wrong},
    {"keyed", rows_keyed},       {"detection", rows_detection}, {"noise", rows_noise},
    {"ghosts", rows_ghosts},     {"speed", rows_speed},         {"accuracy", rows_accuracy},
    {"quality", rows_quality},   {"ratio", rows_ratio},         {"montecarlo", rows_montecarlo},
    {"captures", rows_captures},
};

static bool is_wanted(const char *name, int argc, char **argv)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') continue;
        any = true;
        if (strstr(name, argv[i])) return true;
    }
    return !any;
}

int main(int argc, char **argv)
{
    struct table t = {.program = argv[0]};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0)
            t.full = true;
        else if (argv[i][0] == '-') {
            fprintf(stderr, "usage: bench_table [--full] [GROUP…]; got '%s'\n", argv[i]);
            return 4;
        }
    }
    printf("| what | goal | theory | measured | verdict |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (is_wanted(groups[i].name, argc, argv) && groups[i].rows(&t) < 0) {
            fprintf(stderr, "bench_table: %s: %s\n", groups[i].name, t.err.text);
            return 3;
        }
    printf("\n%u of %u rows reached.\n", t.rows - t.missed, t.rows);
    return t.missed > 0;
}
