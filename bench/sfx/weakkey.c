#include "bench/sfx/weakkey.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/sfx/mac.h"
#include "bench/sfx/weakkey_try.h"

enum { PROGRESS_EVERY = 1 << 16 };

// A capture with its blocks made ready: padding does not depend on the key.
struct target {
    uint8_t blocks[SFX_MAC_MAX];
    size_t n_blocks;
    uint8_t tag[SFX_TAG_MAX];
    size_t tag_len;
};

struct weakkey_search {
    struct crypto_aes128 *aes;
    struct target targets[WEAKKEY_CAPTURES_MAX]; // the first sieves: one block, longest tag
    size_t n_targets;
    bool (*progress)(void *ctx, uint64_t tried);
    void *ctx;
    struct weakkey_result *result;
};

void weakkey_capture_from(const struct sfx_uplink *up, struct weakkey_capture *out)
{
    out->input_len = sfx_uplink_auth_input(up, out->input);
    memcpy(out->tag, up->tag, sizeof out->tag);
    out->tag_len = up->tag_len;
}

static int explains(struct weakkey_search *s, const uint8_t *key, const struct target *t,
                    struct err *err)
{
    uint8_t state[AES_BLOCK];
    int rc = crypto_aes128_try(s->aes, key, t->blocks, state, err);
    if (rc == ERR_OK && t->n_blocks == 2) {
        for (unsigned i = 0; i < AES_BLOCK; i++)
            state[i] ^= t->blocks[AES_BLOCK + i];
        rc = crypto_aes128_try(s->aes, key, state, state, err);
    }
    if (rc < 0) return rc;
    return memcmp(state, t->tag, t->tag_len) == 0;
}

static void note_found(struct weakkey_result *r, const uint8_t *key, const char *family)
{
    struct secret secret;
    if (secret_init(&secret, key, WEAKKEY_LEN, NULL) == ERR_OK)
        secret_fingerprint(&secret, r->fingerprint);
    secret_deinit(&secret);
    snprintf(r->family, sizeof r->family, "%s", family);
    r->found = true;
}

int weakkey_try(struct weakkey_search *s, const uint8_t key[WEAKKEY_LEN], const char *family,
                struct err *err, const char *recipe, ...)
{
    struct weakkey_result *r = s->result;
    if (++r->candidates % PROGRESS_EVERY == 0 && s->progress && !s->progress(s->ctx, r->candidates))
        return err_set(err, ERR_LIMIT, "the search was stopped after %llu keys",
                       (unsigned long long)r->candidates);
    for (size_t i = 0; i < s->n_targets; i++) {
        int rc = explains(s, key, &s->targets[i], err);
        if (rc <= 0) return rc;
    }
    note_found(r, key, family);
    va_list args;
    va_start(args, recipe);
    vsnprintf(r->recipe, sizeof r->recipe, recipe, args);
    va_end(args);
    return WEAKKEY_FOUND;
}

static bool sieves_better(const struct target *a, const struct target *b)
{
    if (a->n_blocks != b->n_blocks) return a->n_blocks < b->n_blocks;
    return a->tag_len > b->tag_len;
}

static bool is_known(const struct weakkey_capture *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].input_len == all[n].input_len && all[i].tag_len == all[n].tag_len &&
            memcmp(all[i].input, all[n].input, all[n].input_len) == 0 &&
            memcmp(all[i].tag, all[n].tag, all[n].tag_len) == 0)
            return true;
    return false;
}

static int set_targets(struct weakkey_search *s, const struct weakkey_capture *captures, size_t n,
                       struct err *err)
{
    if (n == 0 || n > WEAKKEY_CAPTURES_MAX)
        return err_set(err, ERR_INVALID,
                       "a key search takes 1 to %d captured messages, got %zu: let the device send "
                       "first",
                       WEAKKEY_CAPTURES_MAX, n);
    for (size_t i = 0; i < n; i++) {
        const struct weakkey_capture *c = &captures[i];
        if (c->input_len < 6 || c->input_len > sizeof c->input || c->tag_len < 2 ||
            c->tag_len > sizeof c->tag)
            return err_set(err, ERR_INVALID,
                           "capture %zu: expected 6 to %zu bytes under a tag of 2 to %d, got %zu "
                           "and %zu",
                           i, sizeof c->input, SFX_TAG_MAX, c->input_len, c->tag_len);
        if (is_known(captures, i)) continue;
        struct target *t = &s->targets[s->n_targets++];
        t->n_blocks = sfx_mac_pad(c->input, c->input_len, t->blocks);
        memcpy(t->tag, c->tag, c->tag_len);
        t->tag_len = c->tag_len;
        s->result->tag_bits += 8 * (unsigned)c->tag_len;
        if (sieves_better(t, &s->targets[0])) {
            struct target swap = s->targets[0];
            s->targets[0] = *t;
            *t = swap;
        }
    }
    return ERR_OK;
}

int weakkey_search(const struct weakkey_subject *subject, const struct weakkey_capture *captures,
                   size_t n_captures, bool (*progress)(void *ctx, uint64_t tried), void *ctx,
                   struct weakkey_result *out, struct err *err)
{
    *out = (struct weakkey_result){.candidates = 0};
    struct weakkey_search s = {.progress = progress, .ctx = ctx, .result = out};
    int rc = set_targets(&s, captures, n_captures, err);
    if (rc < 0) return rc;
    rc = crypto_aes128_new(&s.aes, err);
    if (rc == 0) rc = weakkey_try_public(&s, err);
    if (rc == 0) rc = weakkey_try_label(&s, subject, err);
    if (rc == 0) rc = weakkey_try_derived(&s, subject, err);
    if (rc == 0) rc = weakkey_try_patterns(&s, subject->id, err);
    if (rc == 0) rc = weakkey_try_low_entropy(&s, err);
    crypto_aes128_free(s.aes);
    out->false_alarm = ldexp((double)out->candidates, -(int)out->tag_bits);
    return rc < 0 ? rc : ERR_OK;
}
