#include "bench/sfx/keyrelation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/crypto.h"
#include "bench/sfx/keyrelation_try.h"
#include "bench/sfx/mac.h"

enum { EXPLAINS = 1 };

// A capture with its blocks made ready: padding does not depend on the key.
struct target {
    uint8_t blocks[SFX_MAC_MAX];
    size_t n_blocks;
    const uint8_t *tag;
    size_t tag_len;
};

struct subject {
    struct target targets[WEAKKEY_CAPTURES_MAX];
    size_t n;
    unsigned tag_bits;
};

struct search {
    struct crypto_aes128 *aes;
    const struct keyrelation_device *devices;
    struct keyrelation_result *result;
    struct subject subject; // of the device whose messages are tried now
    uint64_t candidates;    // against it
    // Whether the key declared for the second gives all tags of the first.
    bool gives[KEYRELATION_DEVICES_MAX][KEYRELATION_DEVICES_MAX];
    double chance[KEYRELATION_DEVICES_MAX]; // that anything fits its messages by accident
    struct err *err;
};

static bool is_known(const struct weakkey_capture *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].input_len == all[n].input_len && all[i].tag_len == all[n].tag_len &&
            memcmp(all[i].input, all[n].input, all[n].input_len) == 0 &&
            memcmp(all[i].tag, all[n].tag, all[n].tag_len) == 0)
            return true;
    return false;
}

static int check_capture(size_t device, size_t i, const struct weakkey_capture *c, struct err *err)
{
    if (c->input_len >= 6 && c->input_len <= sizeof c->input && c->tag_len >= 2 &&
        c->tag_len <= sizeof c->tag)
        return ERR_OK;
    return err_set(err, ERR_INVALID,
                   "device %zu, capture %zu: expected 6 to %zu bytes under a tag of 2 to %d, got "
                   "%zu and %zu",
                   device, i, sizeof c->input, SFX_TAG_MAX, c->input_len, c->tag_len);
}

static int set_subject(struct search *s, size_t device)
{
    const struct keyrelation_device *d = &s->devices[device];
    s->subject = (struct subject){.n = 0};
    s->candidates = 0;
    if (d->n_captures == 0 || d->n_captures > WEAKKEY_CAPTURES_MAX)
        return err_set(s->err, ERR_INVALID,
                       "device %zu: expected 1 to %d captured messages, got %zu: let it send first",
                       device, WEAKKEY_CAPTURES_MAX, d->n_captures);
    if (d->key && d->key->len != KEYRELATION_KEY_LEN)
        return err_set(s->err, ERR_INVALID, "device %zu: a key has %d bytes, got %zu", device,
                       KEYRELATION_KEY_LEN, d->key->len);
    for (size_t i = 0; i < d->n_captures; i++) {
        const struct weakkey_capture *c = &d->captures[i];
        int rc = check_capture(device, i, c, s->err);
        if (rc < 0) return rc;
        if (is_known(d->captures, i)) continue;
        struct target *t = &s->subject.targets[s->subject.n++];
        t->n_blocks = sfx_mac_pad(c->input, c->input_len, t->blocks);
        t->tag = c->tag;
        t->tag_len = c->tag_len;
        s->subject.tag_bits += 8 * (unsigned)c->tag_len;
    }
    return ERR_OK;
}

// EXPLAINS when the key gives this tag.
static int gives_tag(struct search *s, const struct secret *key, const struct target *t)
{
    uint8_t state[AES_BLOCK];
    int rc = crypto_aes128_try(s->aes, key->data, t->blocks, state, s->err);
    if (rc == ERR_OK && t->n_blocks == 2) {
        for (unsigned i = 0; i < AES_BLOCK; i++)
            state[i] ^= t->blocks[AES_BLOCK + i];
        rc = crypto_aes128_try(s->aes, key->data, state, state, s->err);
    }
    if (rc < 0) return rc;
    return memcmp(state, t->tag, t->tag_len) == 0 ? EXPLAINS : 0;
}

// EXPLAINS when it gives the tags of all messages.
static int gives_all(struct search *s, const struct secret *key)
{
    for (size_t i = 0; i < s->subject.n; i++) {
        int rc = gives_tag(s, key, &s->subject.targets[i]);
        if (rc != EXPLAINS) return rc;
    }
    return EXPLAINS;
}

static struct keyrelation_finding *add_finding(struct search *s, enum keyrelation_kind kind,
                                               size_t device, size_t other,
                                               const struct secret *key, const char *recipe)
{
    struct keyrelation_result *r = s->result;
    if (r->n_findings == KEYRELATION_FINDINGS_MAX) return NULL;
    struct keyrelation_finding *f = &r->findings[r->n_findings++];
    *f = (struct keyrelation_finding){.kind = kind, .device = device, .other = other};
    snprintf(f->recipe, sizeof f->recipe, "%s", recipe);
    secret_fingerprint(key, f->fingerprint);
    return f;
}

static void add_explained(struct search *s, enum keyrelation_kind kind, size_t device, size_t other,
                          const struct secret *key, const char *recipe)
{
    s->result->seen[device].explained = true;
    struct keyrelation_finding *f = add_finding(s, kind, device, other, key, recipe);
    if (!f) return;
    f->messages = s->result->seen[device].messages;
    f->tag_bits = s->result->seen[device].tag_bits;
}

static int verify_own(struct search *s, size_t device)
{
    struct keyrelation_seen *seen = &s->result->seen[device];
    const struct secret *key = s->devices[device].key;
    *seen = (struct keyrelation_seen){.messages = (unsigned)s->subject.n,
                                      .tag_bits = s->subject.tag_bits};
    for (size_t i = 0; key && i < s->subject.n; i++) {
        int rc = gives_tag(s, key, &s->subject.targets[i]);
        if (rc < 0) return rc;
        seen->verified += rc == EXPLAINS;
    }
    s->gives[device][device] = key && seen->verified == seen->messages;
    return ERR_OK;
}

// ---- keys of and from another device

struct attempt {
    struct search *search;
    size_t device, other;
    bool found;
};

static int try_candidate(void *ctx, const struct secret *candidate, const char *recipe)
{
    struct attempt *a = ctx;
    a->search->candidates++;
    if (a->found) return 0; // counted on: the odds do not depend on what was found
    int rc = gives_all(a->search, candidate);
    if (rc != EXPLAINS) return rc;
    a->found = true;
    add_explained(a->search, KEYRELATION_DERIVED, a->device, a->other, candidate, recipe);
    return 0;
}

static int try_other(struct search *s, size_t device, size_t other)
{
    const struct secret *key = s->devices[other].key;
    if (!key) return ERR_OK;
    struct attempt attempt = {.search = s, .device = device, .other = other};
    s->candidates++;
    int rc = gives_all(s, key);
    if (rc < 0) return rc;
    attempt.found = s->gives[device][other] = rc == EXPLAINS;
    const struct keyrelation_pair pair = {&s->devices[device], &s->devices[other]};
    return keyrelation_candidates(&pair, try_candidate, &attempt);
}

static int try_device(struct search *s, size_t n, size_t device)
{
    int rc = set_subject(s, device);
    if (rc == ERR_OK) rc = verify_own(s, device);
    for (size_t other = 0; rc == ERR_OK && other < n; other++)
        if (other != device) rc = try_other(s, device, other);
    if (rc < 0) return rc;
    struct keyrelation_result *r = s->result;
    s->chance[device] = ldexp((double)s->candidates, -(int)s->subject.tag_bits);
    r->candidates += s->candidates;
    r->false_alarm += s->chance[device];
    return ERR_OK;
}

// ---- one key for two

// Another device that works under the key declared for `owner`; n: none.
static size_t other_user(const struct search *s, size_t n, size_t owner, size_t device)
{
    if (owner != device && s->gives[owner][owner]) return owner;
    for (size_t i = 0; i < n; i++)
        if (i != device && s->gives[i][owner]) return i;
    return n;
}

static bool is_told(const struct keyrelation_result *r, size_t device, size_t other)
{
    for (size_t i = 0; i < r->n_findings; i++)
        if (r->findings[i].device == device && r->findings[i].other == other) return true;
    return false;
}

static void find_shared(struct search *s, size_t n, size_t device)
{
    struct keyrelation_seen *seen = &s->result->seen[device];
    for (size_t owner = 0; owner < n; owner++) {
        if (!s->gives[device][owner]) continue;
        size_t other = other_user(s, n, owner, device);
        const struct secret *key = s->devices[owner].key;
        seen->explained = seen->explained || other < n;
        // The later of the two tells of both.
        if (other < device && !is_told(s->result, device, other))
            add_explained(s, KEYRELATION_SHARED, device, other, key, "K'");
        if (other == n && owner != device && !s->gives[device][device]) {
            seen->mixed_up = true;
            seen->owner = owner;
        }
    }
    if (seen->explained) seen->mixed_up = false;
}

static void find_all_shared(struct search *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        find_shared(s, n, i);
    for (size_t i = 0; i < s->result->n_findings; i++)
        s->result->findings[i].false_alarm = s->chance[s->result->findings[i].device];
}

// ---- patterns of declared keys that were seen at work

static bool is_related(const struct keyrelation_result *r, size_t a, size_t b)
{
    for (size_t i = 0; i < r->n_findings; i++) {
        const struct keyrelation_finding *f = &r->findings[i];
        if ((f->device == a && f->other == b) || (f->device == b && f->other == a)) return true;
    }
    return false;
}

static bool at_work(const struct search *s, size_t device)
{
    return s->gives[device][device];
}

static void find_patterns(struct search *s, size_t n)
{
    char recipe[KEYRELATION_RECIPE_MAX];
    double chance = 0;
    for (size_t b = 1; b < n; b++) {
        for (size_t a = 0; a < b; a++) {
            if (!at_work(s, a) || !at_work(s, b) || is_related(s->result, a, b)) continue;
            const struct secret *of_b = s->devices[b].key;
            if (!keyrelation_pattern(of_b, s->devices[a].key, recipe, &chance)) continue;
            struct keyrelation_finding *f = add_finding(s, KEYRELATION_PATTERN, b, a, of_b, recipe);
            if (f) f->false_alarm = chance;
        }
    }
}

// In the order of production three keys follow each other; which of them came first is not known.
static void find_steps(struct search *s, size_t first, size_t second, size_t third)
{
    const size_t orders[][3] = {
        {first, second, third}, {second, first, third}, {first, third, second}};
    char recipe[KEYRELATION_RECIPE_MAX];
    double chance = 0;
    for (size_t i = 0; i < 3; i++) {
        const size_t *o = orders[i];
        const struct keyrelation_device *d = s->devices;
        if (is_related(s->result, o[0], o[1]) || is_related(s->result, o[1], o[2])) continue;
        if (!keyrelation_step(d[o[0]].key, d[o[1]].key, d[o[2]].key, recipe, &chance)) continue;
        struct keyrelation_finding *f =
            add_finding(s, KEYRELATION_PATTERN, o[2], o[1], d[o[2]].key, recipe);
        if (f) f->false_alarm = chance;
    }
}

static void find_all_steps(struct search *s, size_t n)
{
    for (size_t c = 2; c < n; c++)
        for (size_t b = 1; b < c; b++)
            for (size_t a = 0; a < b; a++)
                if (at_work(s, a) && at_work(s, b) && at_work(s, c)) find_steps(s, a, b, c);
}

int keyrelation_search(const struct keyrelation_device *devices, size_t n,
                       struct keyrelation_result *out, struct err *err)
{
    *out = (struct keyrelation_result){.n_findings = 0};
    if (n < 2 || n > KEYRELATION_DEVICES_MAX)
        return err_set(err, ERR_INVALID, "keys are compared of 2 to %d devices, got %zu",
                       KEYRELATION_DEVICES_MAX, n);
    struct search s = {.devices = devices, .result = out, .err = err};
    int rc = crypto_aes128_new(&s.aes, err);
    for (size_t i = 0; rc == ERR_OK && i < n; i++)
        rc = try_device(&s, n, i);
    if (rc == ERR_OK) {
        find_all_shared(&s, n);
        find_patterns(&s, n);
        find_all_steps(&s, n);
    }
    crypto_aes128_free(s.aes);
    return rc;
}

const char *keyrelation_kind_name(enum keyrelation_kind kind)
{
    switch (kind) {
    case KEYRELATION_SHARED:
        return "shared key";
    case KEYRELATION_DERIVED:
        return "derived key";
    case KEYRELATION_PATTERN:
        return "related keys";
    }
    return "unknown";
}
