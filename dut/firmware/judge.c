#include "dut/firmware/judge.h"

#include "dut/firmware/device.h"
#include "dut/firmware/frames.h"

enum { COUNTER_BITS = 12, MASKED_BITS = 8, COVERED = 6 };

static bool genuine_under(const struct sfx_downlink *frame, const struct secret *key)
{
    return sfx_downlink_verify(frame, key, NULL) == 1;
}

// Bits in which the frame's tag differs from the right one.
static unsigned wrong_bits(const struct device *d, const struct sfx_downlink *frame)
{
    struct sfx_downlink right = *frame;
    if (sfx_downlink_sign(&right, &d->key, NULL) < 0) return 0xffff;
    return (unsigned)(right.tag[0] ^ frame->tag[0]) << 8 | (right.tag[1] ^ frame->tag[1]);
}

static bool take_any_tag(const struct device *d, const struct judge_input *in,
                         const struct sfx_downlink *frame)
{
    (void)d, (void)in, (void)frame;
    return true;
}

static bool take_first_byte(const struct device *d, const struct judge_input *in,
                            const struct sfx_downlink *frame)
{
    (void)in;
    return (wrong_bits(d, frame) & 0xff00) == 0;
}

static bool take_without_top_bits(const struct device *d, const struct judge_input *in,
                                  const struct sfx_downlink *frame)
{
    (void)in;
    return (wrong_bits(d, frame) & 0x7f7f) == 0;
}

// The tag of a genuine frame covers all bytes; that one of the last two does not matter shows in
// that any value of it passes.
static bool take_uncovered_bytes(const struct device *d, const struct judge_input *in,
                                 const struct sfx_downlink *frame)
{
    (void)in;
    for (unsigned at = COVERED; at < SFX_DL_PAYLOAD; at++) {
        struct sfx_downlink other = *frame;
        for (unsigned value = 0; value < 256; value++) {
            other.payload[at] = (uint8_t)value;
            if (genuine_under(&other, &d->key)) return true;
        }
    }
    return false;
}

// Every counter that looks the same under the mask.
static bool take_masked_counter(const struct device *d, const struct judge_input *in,
                                const struct sfx_downlink *frame)
{
    (void)in;
    struct sfx_downlink other = *frame;
    for (unsigned high = 0; high < 1u << (COUNTER_BITS - MASKED_BITS); high++) {
        other.counter =
            (uint16_t)((frame->counter & ((1u << MASKED_BITS) - 1)) | high << MASKED_BITS);
        if (genuine_under(&other, &d->key)) return true;
    }
    return false;
}

static bool take_public_key(const struct device *d, const struct judge_input *in,
                            const struct sfx_downlink *frame)
{
    (void)d, (void)in;
    struct secret key = {0};
    bool genuine = frames_public_key(&key, NULL) == ERR_OK && genuine_under(frame, &key);
    secret_deinit(&key);
    return genuine;
}

// What a fault lets pass although its tag is wrong.
static const struct {
    enum fault fault;
    bool (*takes)(const struct device *d, const struct judge_input *in,
                  const struct sfx_downlink *frame);
} wrong_tags[] = {
    {FAULT_AUTH_014, take_any_tag},          {FAULT_AUTH_015, take_first_byte},
    {FAULT_AUTH_016, take_without_top_bits}, {FAULT_AUTH_019, take_uncovered_bytes},
    {FAULT_AUTH_021, take_masked_counter},   {FAULT_AUTH_023, take_public_key},
};

static bool wrong_tag_passes(const struct device *d, const struct judge_input *in,
                             const struct sfx_downlink *frame)
{
    for (size_t i = 0; i < sizeof wrong_tags / sizeof wrong_tags[0]; i++)
        if (faults_on(&d->faults, wrong_tags[i].fault) && wrong_tags[i].takes(d, in, frame))
            return true;
    return strange_takes(d, in, frame);
}

// Reads the frame as the answer to this counter.
static int read_as(const struct device *d, const struct judge_input *in, uint16_t counter,
                   struct sfx_downlink *frame)
{
    const struct sfx_signer signer = {.key = &d->key};
    *frame = (struct sfx_downlink){.device_id = device_id(d), .counter = counter};
    return sfx_downlink_read(in->data, frame, &signer, NULL, NULL);
}

// Whether a fault takes the frame as the answer to an earlier message; *frame is what it says then.
static bool judge_older(const struct device *d, const struct judge_input *in,
                        struct sfx_downlink *frame)
{
    size_t depth = faults_on(&d->faults, FAULT_CNT_019)    ? DEVICE_REQUESTS
                   : faults_on(&d->faults, FAULT_AUTH_022) ? 2 // this one and the one before
                                                           : 0;
    int from, to;
    if (strange_takes_older(d, &from, &to)) {
        for (int back = from; back <= to; back++)
            if (read_as(d, in, (uint16_t)((in->counter - back) & (COUNTER_MODULUS_MAX - 1)),
                        frame) == SFX_DOWNLINK_OK)
                return true;
    }
    for (size_t i = 1; i < depth && i < d->n_requests; i++)
        if (read_as(d, in, d->requests[i], frame) == SFX_DOWNLINK_OK) return true;
    return faults_on(&d->faults, FAULT_AUTH_022) &&
           read_as(d, in, counter_before(&d->counter, in->counter), frame) == SFX_DOWNLINK_OK;
}

enum judge_result judge_frame(const struct device *d, const struct judge_input *in,
                              struct sfx_downlink *frame)
{
    struct sfx_downlink older;
    int status = read_as(d, in, in->counter, frame);
    if (status == SFX_DOWNLINK_OK) return JUDGE_TAKEN;
    if (judge_older(d, in, &older)) {
        *frame = older;
        return JUDGE_TAKEN;
    }
    if (status != SFX_DOWNLINK_BAD_TAG) return JUDGE_NOISE;
    return wrong_tag_passes(d, in, frame) ? JUDGE_TAKEN : JUDGE_REFUSED;
}
