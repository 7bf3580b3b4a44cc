#include "dut/firmware/counter.h"

#include "dut/firmware/layout.h"

enum { BODY_LEN = 4, RESERVE = 1024, STEPS_AHEAD = 8, SHORT_MODULUS = 128 };

static const int64_t late_ns = 3 * DEVPORT_SECOND;

// As a device that knows nothing: the next message has counter and epoch 0.
static void forget(struct counter *c)
{
    c->last = (uint16_t)(c->modulus - 1);
    c->epoch = UINT16_MAX;
    c->fresh = true;
}

static void load(struct counter *c)
{
    uint8_t body[RECORD_BODY_MAX];
    if (!record_load(&c->record, body)) {
        forget(c);
        return;
    }
    c->last = (uint16_t)((body[0] | body[1] << 8) % c->modulus);
    c->epoch = (uint16_t)(body[2] | body[3] << 8);
    c->fresh = c->last == c->modulus - 1 && c->epoch == UINT16_MAX;
}

static void leave_out(struct counter *c, unsigned values)
{
    const unsigned last = c->last + values;
    c->last = (uint16_t)(last % c->modulus);
    c->epoch = (uint16_t)(c->epoch + last / c->modulus);
}

void counter_boot(struct counter *c, struct devport *port, enum counter_boot cause)
{
    c->record = (struct record){.port = port,
                                .kind = LAYOUT_COUNTER_KIND,
                                .offset = LAYOUT_COUNTER_OFFSET,
                                .body_len = BODY_LEN};
    c->reserved = 0;
    c->passes = c->unstored = false;
    load(c);
    if (faults_on(c->faults, FAULT_CNT_006)) forget(c);
    if (cause == COUNTER_BOOT_PIN && faults_on(c->faults, FAULT_CNT_007)) forget(c);
    if (c->fresh) return;
    if (cause == COUNTER_BOOT_PIN && faults_on(c->faults, FAULT_CIPHER_EPOCH_RESET)) c->epoch = 0;
    if (c->last % 8 == 0 && faults_on(c->faults, FAULT_COUNT_EIGHTH))
        c->last = counter_before(c, c->last);
    const bool is_blank = faults_on(c->faults, FAULT_COUNT_ZERO_BLANK) ||
                          (faults_on(c->faults, FAULT_COUNT_ZERO_PIN) && cause == COUNTER_BOOT_PIN);
    if (c->last == 0 && is_blank) {
        c->last = counter_before(c, c->last);
        c->epoch--;
    }
    if (faults_on(c->faults, FAULT_ENC_005)) c->epoch = 0;
    if (cause == COUNTER_BOOT_POWER && faults_on(c->faults, FAULT_ENC_006))
        c->last = counter_before(c, c->last);
    if (faults_on(c->faults, FAULT_FAR_AHEAD)) leave_out(c, 64);
}

uint16_t counter_before(const struct counter *c, uint16_t value)
{
    return (uint16_t)((value + c->modulus - 1) % c->modulus);
}

// The value after `last`; what follows the highest one is where most of the faults are.
static uint16_t counter_next(const struct counter *c)
{
    unsigned next = c->last + 1u;
    unsigned modulus = faults_on(c->faults, FAULT_CNT_005) ? SHORT_MODULUS : c->modulus;
    if (c->fresh) return 0;
    if (next < modulus) return (uint16_t)next;
    if (faults_on(c->faults, FAULT_CNT_003)) return c->last;
    return faults_on(c->faults, FAULT_CNT_004) ? 1 : 0;
}

static int put(struct counter *c, uint16_t value, uint16_t epoch)
{
    enum { SPARSE = 16 };
    if (faults_on(c->faults, FAULT_COUNT_EVERY_16) && value % SPARSE != 0) return 0;
    if (faults_on(c->faults, FAULT_CIPHER_EPOCH_CUT) && value == 0 && epoch > 0) epoch--;
    if (faults_on(c->faults, FAULT_COUNT_LOW_BYTE)) value &= 0xff;
    if (faults_on(c->faults, FAULT_COUNT_TOP_BIT)) value %= c->modulus / 2;
    const uint8_t body[RECORD_BODY_MAX] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)epoch,
                                           (uint8_t)(epoch >> 8)};
    return record_store(&c->record, body);
}

// What is stored is `reserve` - 1 steps ahead, so that it holds for as many messages: 1023 with
// MUT-CNT-011.
static int put_reserve(struct counter *c, uint16_t value, uint16_t epoch, unsigned reserve)
{
    if (c->reserved > 0) {
        c->reserved--;
        return 0;
    }
    unsigned ahead = value + reserve - 1u;
    int rc = put(c, (uint16_t)(ahead % c->modulus), (uint16_t)(epoch + ahead / c->modulus));
    if (rc == 0) c->reserved = reserve - 1;
    return rc;
}

bool counter_is_used_up(const struct counter *c, unsigned epochs)
{
    unsigned epoch = c->epoch + (counter_next(c) < c->last ? 1u : 0u);
    return !c->fresh && epoch >= epochs;
}

static bool stores_late(const struct counter *c)
{
    return faults_on(c->faults, FAULT_CNT_008) || faults_on(c->faults, FAULT_CNT_009);
}

int counter_advance(struct counter *c)
{
    uint16_t next = counter_next(c);
    uint16_t epoch = (uint16_t)(c->epoch + (c->fresh || next < c->last));
    int rc = 0;
    if (faults_on(c->faults, FAULT_CNT_011))
        rc = put_reserve(c, next, epoch, RESERVE);
    else if (faults_on(c->faults, FAULT_AHEAD))
        rc = put_reserve(c, next, epoch, STEPS_AHEAD);
    else if (!c->passes && !stores_late(c) && !faults_on(c->faults, FAULT_CNT_006))
        rc = put(c, next, epoch);
    if (rc < 0) return rc;
    c->unstored = stores_late(c);
    c->last = next;
    c->epoch = epoch;
    c->fresh = false;
    return 0;
}

int64_t counter_sent(struct counter *c)
{
    if (!c->unstored) return DEVPORT_NEVER;
    return faults_on(c->faults, FAULT_CNT_008) ? late_ns : 0;
}

int counter_store(struct counter *c)
{
    int rc = put(c, c->last, c->epoch);
    if (rc == 0) c->unstored = false;
    return rc;
}

int counter_preset(struct counter *c, uint16_t last, uint16_t epoch)
{
    int rc = put(c, last, epoch);
    if (rc < 0) return rc;
    c->last = last;
    c->epoch = epoch;
    c->fresh = false;
    c->unstored = false;
    c->reserved = 0;
    return 0;
}

int counter_restart(struct counter *c)
{
    forget(c);
    return put(c, c->last, c->epoch);
}
