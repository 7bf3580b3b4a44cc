#include "bench/mc/trial.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/mc/detect.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/soft.h"

enum { HEAD_SYMBOLS = 33 }; // with the reference symbol

// One frame at one receiver: y = frame + amplitude * jammer, the frame with its noise.
struct frame {
    float complex wave[MC_SYMBOLS_MAX];
    float frame_re[MC_SYMBOLS_MAX], frame_im[MC_SYMBOLS_MAX];
    float wave_re[MC_SYMBOLS_MAX], wave_im[MC_SYMBOLS_MAX];
    float noise_power; // per symbol
    float wave_power;  // per symbol
    float cross;       // of the two: together their power is noise + 2 a cross + a^2 wave
    bool jammed;
};

struct mc_workspace {
    uint8_t sent[SFX_RANKS][SFX_SOFT_BITS_MAX / 8];
    float sign[SFX_RANKS][SFX_SOFT_BITS_MAX];
    struct frame frames[SFX_RANKS];
    float re[MC_SYMBOLS_MAX], im[MC_SYMBOLS_MAX];
    float soft[SFX_RANKS][SFX_SOFT_BITS_MAX];
};

void mc_model_init(struct mc_model *m, const struct mc_config *config, uint64_t seed,
                   const double *js_db, size_t points)
{
    *m = (struct mc_model){
        .config = *config,
        .key = rng_key(seed, "montecarlo"),
        .bits = sfx_body_bits(config->class),
        .lead = config->tracked ? MC_TRACK_SIDE : 0,
        .noise = (float)sqrt(0.5 * pow(10, -config->ebn0_db / 10)),
        .points = points < MC_POINTS_MAX ? points : MC_POINTS_MAX,
    };
    memcpy(m->js_db, js_db, m->points * sizeof *js_db);
    mc_wave_init(&m->wave, config);
    mc_ziggurat_init(&m->ziggurat);
}

int mc_workspace_new(struct mc_workspace **out, struct err *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for a simulated message");
}

void mc_workspace_free(struct mc_workspace *w)
{
    free(w);
}

static void make_message(const struct mc_model *m, struct mc_random *random, struct mc_workspace *w)
{
    size_t bytes = m->bits / 8;
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t bits = mc_random_u64(random);
        memcpy(w->sent[0] + i, &bits, bytes - i < 8 ? bytes - i : 8);
    }
    for (unsigned r = 0; r < m->config.ranks; r++) {
        if (r) sfx_replica_encode(r + 1, w->sent[0], bytes, w->sent[r]);
        for (size_t i = 0; i < m->bits; i++)
            w->sign[r][i] = sfx_bit(w->sent[r], i) ? 1 : -1;
    }
}

static void make_frame(const struct mc_model *m, unsigned r, struct mc_random *random,
                       const float *sign, struct frame *f)
{
    float drawn[2 * MC_SYMBOLS_MAX], s = 1, noise = 0, wave = 0, cross = 0;
    size_t n = m->lead + m->bits + 1;
    mc_random_normals(random, drawn, 2 * n);
    for (size_t k = 0; k < n; k++) {
        // what was sent before the body does not matter to who only tracks its phase
        if (k > m->lead) s *= sign[k - m->lead - 1];
        f->frame_re[k] = m->noise * drawn[2 * k];
        f->frame_im[k] = m->noise * drawn[2 * k + 1];
        noise += f->frame_re[k] * f->frame_re[k] + f->frame_im[k] * f->frame_im[k];
    }
    f->jammed = m->config.jammed >> r & 1;
    if (f->jammed) {
        mc_wave_make(&m->wave, r + 1, HEAD_SYMBOLS - 1 - m->lead, n, random, f->wave);
        for (size_t k = 0; k < n; k++) {
            f->wave_re[k] = crealf(f->wave[k]);
            f->wave_im[k] = cimagf(f->wave[k]);
            wave += f->wave_re[k] * f->wave_re[k] + f->wave_im[k] * f->wave_im[k];
            cross += f->wave_re[k] * f->frame_re[k] + f->wave_im[k] * f->frame_im[k];
        }
    }
    s = 1;
    for (size_t k = 0; k < n; k++) {
        if (k > m->lead) s *= sign[k - m->lead - 1];
        f->frame_re[k] += s;
    }
    f->noise_power = noise / (float)n;
    f->wave_power = wave / (float)n;
    f->cross = cross / (float)n;
}

// Soft bits of one frame under a jammer of this amplitude; true when their signs are all right.
static bool receive(const struct mc_model *m, const struct frame *f, float amplitude,
                    const float *sign, struct mc_workspace *w, float *soft)
{
    size_t n = m->lead + m->bits + 1;
    const float *re = f->frame_re, *im = f->frame_im;
    float noise = f->noise_power;
    if (f->jammed) {
        for (size_t k = 0; k < n; k++) {
            w->re[k] = f->frame_re[k] + amplitude * f->wave_re[k];
            w->im[k] = f->frame_im[k] + amplitude * f->wave_im[k];
        }
        re = w->re;
        im = w->im;
        noise += amplitude * (2 * f->cross + amplitude * f->wave_power);
    }
    if (m->config.tracked)
        mc_detect_tracked(re, im, m->lead, m->bits, fmaxf(noise, 1e-9f), soft);
    else
        mc_detect_plain(re, im, m->bits, soft);
    return mc_detect_right(soft, sign, m->bits);
}

static bool combined(const struct mc_model *m, float amplitude, struct mc_workspace *w)
{
    const float *soft[SFX_RANKS];
    uint8_t packet[SFX_PACKET_MAX];
    for (unsigned r = 0; r < SFX_RANKS; r++) {
        soft[r] = w->soft[r];
        if (m->config.tracked) continue; // log likelihood ratios already
        const struct frame *f = &w->frames[r];
        float a = f->jammed ? amplitude : 0;
        float noise = f->noise_power + a * (2 * f->cross + a * f->wave_power);
        for (size_t i = 0; i < m->bits; i++)
            w->soft[r][i] /= fmaxf(noise, 1e-9f);
    }
    sfx_soft_decode(soft, m->bits, packet);
    return memcmp(packet, w->sent[0], m->bits / 8) == 0;
}

static unsigned hear(const struct mc_model *m, double js_db, struct mc_workspace *w)
{
    float amplitude = (float)pow(10, js_db / 20);
    unsigned ways = 0;
    for (unsigned r = 0; r < m->config.ranks; r++) {
        if (!receive(m, &w->frames[r], amplitude, w->sign[r], w, w->soft[r])) continue;
        if (r == 0) ways |= 1u << MC_WAY_FRAME;
        return ways | 1u << MC_WAY_RANKS | 1u << MC_WAY_COMBINED;
    }
    if (m->config.ranks == SFX_RANKS && combined(m, amplitude, w)) ways |= 1u << MC_WAY_COMBINED;
    return ways;
}

struct mc_outcome mc_trial(const struct mc_model *m, uint64_t trial, struct mc_workspace *w)
{
    struct mc_outcome out = {0};
    struct mc_random random = {.key = rng_u64(m->key, trial), .ziggurat = &m->ziggurat};
    uint64_t key = random.key;
    make_message(m, &random, w);
    for (unsigned receiver = 0; receiver < m->config.receivers; receiver++) {
        // numbers of its own for each frame: more receivers or ranks change nothing for the first
        float apart = 0;
        if (m->config.receivers > 1) {
            random = (struct mc_random){rng_u64(key, 1000 + receiver), 0, &m->ziggurat};
            mc_random_normals(&random, &apart, 1);
        }
        for (unsigned r = 0; r < m->config.ranks; r++) {
            random =
                (struct mc_random){rng_u64(key, 2000 + receiver * SFX_RANKS + r), 0, &m->ziggurat};
            make_frame(m, r, &random, w->sign[r], &w->frames[r]);
        }
        for (size_t p = 0; p < m->points; p++) {
            double js_db = m->js_db[p] + m->config.spread_db * (double)apart;
            unsigned ways = hear(m, js_db, w);
            for (int way = 0; way < MC_WAYS; way++) {
                uint64_t bit = (uint64_t)(ways >> way & 1) << p;
                if (receiver == 0) out.heard[0][way] |= bit;
                out.heard[1][way] |= bit;
            }
        }
    }
    return out;
}
