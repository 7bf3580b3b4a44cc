#include "bench/net/judge.h"

#include <stdlib.h>
#include <string.h>

#include "bench/sfx/counter.h"

// Key and registry entry of one device.
struct device {
    struct registry_device net;
    struct secret key;
    struct sfx_signer signer; // the key above, or a token
};

// Devices are allocated one by one, so that growing the table never leaves a copy of a key behind.
struct judge {
    struct device **devices;
    size_t n, cap;
    unsigned counts[JUDGE_STATUSES]; // frames of each status
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
        if (j->devices[i]->net.facts.id == id) return j->devices[i];
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
    if (d->messages_per_day > SFX_MESSAGES_PER_DAY_MAX)
        return err_set(
            err, ERR_INVALID,
            "device %08x: a subscription has at most %d messages a day, got %u; mend the "
            "device file",
            d->id, SFX_MESSAGES_PER_DAY_MAX, d->messages_per_day);
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
    unsigned per_day = device->messages_per_day;
    if (per_day == 0) per_day = SFX_MESSAGES_PER_DAY_MAX;
    d->net.facts = (struct registry_facts){
        .id = device->id,
        .modulus = device->modulus,
        .window = device->window ? device->window : sfx_counter_window(per_day),
        .messages_per_day = per_day,
        .interval_s = device->interval_s,
        .zone = device->zone,
    };
    d->net.desk.per_day = device->downlinks_per_day;
    if (device->token) {
        d->signer.token = device->token;
    } else {
        d->signer.key = &d->key;
        rc = secret_init(&d->key, device->key->data, device->key->len, err);
    }
    if (rc < 0) goto fail;
    j->devices[j->n++] = d;
    return ERR_OK;
fail:
    free(d);
    return rc;
}

int judge_frame(struct judge *j, const struct sfx_uplink *up, enum sfx_status status, double t_s,
                struct judge_result *out, struct err *err)
{
    *out = (struct judge_result){.verdict = JUDGE_MALFORMED};
    j->counts[status]++;
    if (status != SFX_STATUS_OK) return ERR_OK;
    struct device *d = find(j, up->device_id);
    if (!d) {
        out->verdict = JUDGE_UNKNOWN_DEVICE;
        return ERR_OK;
    }
    int rc = sfx_uplink_verify_by(up, &d->signer, err);
    if (rc < 0) return rc;

    struct registry_device *net = &d->net;
    out->tag_ok = rc == 1;
    out->counter_known = net->counter_known;
    out->last_counter = net->last;
    if (net->counter_known)
        out->counter_step = (int)sfx_counter_step(net->last, up->counter, net->facts.modulus);
    if (net->blocked)
        out->verdict = JUDGE_BLOCKED;
    else if (!out->tag_ok)
        out->verdict = JUDGE_BAD_TAG;
    else
        out->verdict = registry_judge(net, up, t_s);
    if (out->verdict == JUDGE_ACCEPTED) registry_accept(net, up, t_s);
    return ERR_OK;
}

unsigned judge_count(const struct judge *j, enum sfx_status status)
{
    return j->counts[status];
}

struct registry_device *judge_device(const struct judge *j, uint32_t id)
{
    struct device *d = find(j, id);
    return d ? &d->net : NULL;
}

struct registry_device *judge_device_at(const struct judge *j, size_t index)
{
    return index < j->n ? &j->devices[index]->net : NULL;
}

static int need(const struct judge *j, uint32_t id, const char *what, struct registry_device **out,
                struct err *err)
{
    *out = judge_device(j, id);
    if (*out) return ERR_OK;
    return err_set(err, ERR_NOTFOUND, "device %08x is not registered: nothing to %s", id, what);
}

int judge_disengage(struct judge *j, uint32_t id, struct err *err)
{
    struct registry_device *d;
    int rc = need(j, id, "disengage", &d, err);
    if (rc == ERR_OK) registry_disengage(d);
    return rc;
}

int judge_block(struct judge *j, uint32_t id, bool blocked, struct err *err)
{
    struct registry_device *d;
    int rc = need(j, id, blocked ? "block" : "unblock", &d, err);
    if (rc == ERR_OK) d->blocked = blocked;
    return rc;
}

int judge_restore(struct judge *j, const struct sfx_uplink *up, double t_s, struct err *err)
{
    struct device *d = find(j, up->device_id);
    if (!d) return 0;
    int rc = sfx_uplink_verify_by(up, &d->signer, err);
    if (rc < 0) return rc;
    if (rc == 0 || up->counter >= d->net.facts.modulus)
        return err_set(err, ERR_FORMAT,
                       "device %08x, counter %u at %.3f s: it stands as accepted, but %s; see "
                       "whether the record was altered (foxbench verify)",
                       up->device_id, up->counter, t_s,
                       rc == 0 ? "its tag is not what the device's key gives"
                               : "the device's counter does not go so far");
    registry_accept(&d->net, up, t_s);
    return 1;
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
    case JUDGE_BLOCKED:
        return "blocked";
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
