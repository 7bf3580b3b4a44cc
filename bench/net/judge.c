#include "bench/net/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sfx/counter.h"

enum { RECENT_MESSAGES = 8, USED_BYTES = SFX_COUNTER_MODULUS_MAX / 8 };

// What the network remembers of an accepted message, to tell its repetitions from replays.
struct message {
    bool used;
    double first_s;
    struct sfx_uplink up;
};

struct device {
    uint32_t id;
    struct secret key;
    struct sfx_signer signer; // the key above, or a token
    unsigned modulus;
    unsigned window;
    bool counter_known;
    uint16_t last;
    uint8_t used[USED_BYTES]; // counters accepted since the counter last passed them
    struct message recent[RECENT_MESSAGES];
    unsigned next_recent;
};

// Devices are allocated one by one, so that growing the table never leaves a copy of a key behind.
struct judge {
    struct device **devices;
    size_t n, cap;
};

int judge_new(struct judge **out, struct err *err)
{
    struct judge *j = calloc(1, sizeof *j);
    if (!j) return err_set(err, ERR_NOMEM, "judge: out of memory");
    *out = j;
    return ERR_OK;
}

void judge_free(struct judge *j)
{
    if (!j) return;
    for (size_t i = 0; i < j->n; i++) {
        secret_deinit(&j->devices[i]->key);
        free(j->devices[i]);
    }
    free(j->devices);
    free(j);
}

static struct device *find(const struct judge *j, uint32_t id)
{
    for (size_t i = 0; i < j->n; i++)
        if (j->devices[i]->id == id) return j->devices[i];
    return NULL;
}

static int check_device(const struct judge *j, const struct judge_device *d, struct err *err)
{
    if (!d->token && (!d->key || d->key->len != 16))
        return err_set(err, ERR_INVALID, "device %08x: a key has 16 bytes, got %zu", d->id,
                       d->key ? d->key->len : 0);
    if (!sfx_counter_modulus_ok(d->modulus))
        return err_set(err, ERR_INVALID,
                       "device %08x: a counter rolls over at 128, 256, 512, 1024, 2048 or 4096, "
                       "got %u; mend the device file",
                       d->id, d->modulus);
    if (find(j, d->id))
        return err_set(err, ERR_INVALID,
                       "device %08x is registered already; give each device its own identifier",
                       d->id);
    return ERR_OK;
}

static int reserve(struct judge *j, struct err *err)
{
    if (j->n < j->cap) return ERR_OK;
    size_t cap = j->cap ? 2 * j->cap : 8;
    struct device **devices = realloc(j->devices, cap * sizeof(struct device *));
    if (!devices) return err_set(err, ERR_NOMEM, "judge: %zu devices: out of memory", cap);
    j->devices = devices;
    j->cap = cap;
    return ERR_OK;
}

int judge_register(struct judge *j, const struct judge_device *device, struct err *err)
{
    int rc = check_device(j, device, err);
    if (rc == ERR_OK) rc = reserve(j, err);
    if (rc < 0) return rc;

    struct device *d = calloc(1, sizeof *d);
    if (!d) return err_set(err, ERR_NOMEM, "device %08x: out of memory", device->id);
    d->id = device->id;
    d->modulus = device->modulus;
    d->window = device->window ? device->window : sfx_counter_window(SFX_MESSAGES_PER_DAY_MAX);
    d->signer = device->token ? (struct sfx_signer){.token = device->token}
                              : (struct sfx_signer){.key = &d->key};
    if (!device->token) rc = secret_init(&d->key, device->key->data, device->key->len, err);
    if (rc < 0) goto fail;
    j->devices[j->n++] = d;
    return ERR_OK;
fail:
    free(d);
    return rc;
}

// The counter has come to `to`: what it passed over belongs to a new round and may be used again.
static void move_counter(struct device *d, unsigned to)
{
    unsigned steps = d->counter_known ? sfx_counter_step(d->last, to, d->modulus) : 0;
    for (unsigned i = 1; i <= steps; i++) {
        unsigned c = (d->last + i) % d->modulus;
        d->used[c / 8] &= (uint8_t) ~(1u << c % 8);
    }
    d->used[to / 8] |= (uint8_t)(1u << to % 8);
    d->last = (uint16_t)to;
    d->counter_known = true;
}

static bool same_message(const struct sfx_uplink *a, const struct sfx_uplink *b)
{
    return a->counter == b->counter && a->class == b->class && a->li == b->li &&
           a->bidirectional == b->bidirectional && a->payload_len == b->payload_len &&
           memcmp(a->payload, b->payload, a->payload_len) == 0 && a->tag_len == b->tag_len &&
           memcmp(a->tag, b->tag, a->tag_len) == 0;
}

static bool is_repetition(const struct device *d, const struct sfx_uplink *up, double t_s)
{
    for (unsigned i = 0; i < RECENT_MESSAGES; i++) {
        const struct message *m = &d->recent[i];
        if (m->used && fabs(t_s - m->first_s) <= JUDGE_MERGE_S && same_message(&m->up, up))
            return true;
    }
    return false;
}

// A counter outside the window is either one that the device has had, or one it should not have
// yet. Without a memory of it, the nearer direction decides.
static enum judge_verdict outside_window(const struct device *d, unsigned counter, unsigned step)
{
    if (counter >= d->modulus) return JUDGE_OUT_OF_WINDOW;
    bool seen = d->used[counter / 8] >> counter % 8 & 1;
    return step == 0 || seen || step > d->modulus / 2 ? JUDGE_REPLAY : JUDGE_OUT_OF_WINDOW;
}

static enum judge_verdict judge_counter(const struct device *d, const struct sfx_uplink *up,
                                        double t_s, unsigned step)
{
    if (is_repetition(d, up, t_s)) return JUDGE_REPETITION;
    if (!d->counter_known) return up->counter < d->modulus ? JUDGE_ACCEPTED : JUDGE_OUT_OF_WINDOW;
    if (sfx_counter_accept(d->last, up->counter, d->modulus, d->window)) return JUDGE_ACCEPTED;
    return outside_window(d, up->counter, step);
}

static void remember(struct device *d, const struct sfx_uplink *up, double t_s)
{
    move_counter(d, up->counter);
    d->recent[d->next_recent] = (struct message){.used = true, .first_s = t_s, .up = *up};
    d->next_recent = (d->next_recent + 1) % RECENT_MESSAGES;
}

int judge_frame(struct judge *j, const struct sfx_uplink *up, enum sfx_status status, double t_s,
                struct judge_result *out, struct err *err)
{
    *out = (struct judge_result){.verdict = JUDGE_MALFORMED};
    if (status != SFX_STATUS_OK) return ERR_OK;
    struct device *d = find(j, up->device_id);
    if (!d) {
        out->verdict = JUDGE_UNKNOWN_DEVICE;
        return ERR_OK;
    }
    int rc = sfx_uplink_verify_by(up, &d->signer, err);
    if (rc < 0) return rc;

    out->tag_ok = rc == 1;
    out->counter_known = d->counter_known;
    out->last_counter = d->last;
    if (d->counter_known)
        out->counter_step = (int)sfx_counter_step(d->last, up->counter, d->modulus);
    if (!out->tag_ok) {
        out->verdict = JUDGE_BAD_TAG;
        return ERR_OK;
    }
    out->verdict = judge_counter(d, up, t_s, (unsigned)out->counter_step);
    if (out->verdict == JUDGE_ACCEPTED) remember(d, up, t_s);
    return ERR_OK;
}

int judge_disengage(struct judge *j, uint32_t id, struct err *err)
{
    struct device *d = find(j, id);
    if (!d)
        return err_set(err, ERR_NOTFOUND, "device %08x is not registered: nothing to disengage",
                       id);
    d->counter_known = false;
    d->last = 0;
    memset(d->used, 0, sizeof d->used);
    memset(d->recent, 0, sizeof d->recent);
    return ERR_OK;
}

int judge_sign_downlink(const struct judge *j, struct sfx_downlink *dl, struct err *err)
{
    const struct device *d = find(j, dl->device_id);
    if (!d)
        return err_set(err, ERR_NOTFOUND,
                       "device %08x is not registered: there is no key to sign a downlink with",
                       dl->device_id);
    return sfx_downlink_sign_by(dl, &d->signer, err);
}

const char *judge_verdict_name(enum judge_verdict v)
{
    switch (v) {
    case JUDGE_ACCEPTED:
        return "accepted";
    case JUDGE_REPETITION:
        return "repetition";
    case JUDGE_MALFORMED:
        return "malformed";
    case JUDGE_UNKNOWN_DEVICE:
        return "unknown_device";
    case JUDGE_BAD_TAG:
        return "bad_tag";
    case JUDGE_REPLAY:
        return "replay";
    case JUDGE_OUT_OF_WINDOW:
        return "out_of_window";
    }
    return "unknown";
}

const char *judge_verdict_text(enum judge_verdict v)
{
    switch (v) {
#define VERDICT(name, text)                                                                        \
    case JUDGE_##name:                                                                             \
        return text;
#include "bench/net/frame_verdict.def"
#undef VERDICT
    }
    return "unknown";
}
