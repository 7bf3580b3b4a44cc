#include "dut/firmware/counter.h"

#include "dut/firmware/layout.h"

enum { BODY_LEN = 4 };

void counter_init(struct counter *c, struct devport *port)
{
    c->record = (struct record){.port = port,
                                .kind = LAYOUT_COUNTER_KIND,
                                .offset = LAYOUT_COUNTER_OFFSET,
                                .body_len = BODY_LEN};
    c->ram_only = false;
    uint8_t body[RECORD_BODY_MAX];
    if (!record_load(&c->record, body)) {
        counter_forget(c);
        return;
    }
    c->last = (uint16_t)((body[0] | body[1] << 8) % COUNTER_MODULUS);
    c->epoch = (uint16_t)(body[2] | body[3] << 8);
}

void counter_forget(struct counter *c)
{
    c->last = COUNTER_MODULUS - 1;
    c->epoch = UINT16_MAX; // rolls over to 0 with the first message
}

int counter_advance(struct counter *c)
{
    uint16_t next = (uint16_t)((c->last + 1) % COUNTER_MODULUS);
    uint16_t epoch = (uint16_t)(c->epoch + (next == 0));
    const uint8_t body[RECORD_BODY_MAX] = {(uint8_t)next, (uint8_t)(next >> 8), (uint8_t)epoch,
                                           (uint8_t)(epoch >> 8)};
    int rc = c->ram_only ? 0 : record_store(&c->record, body);
    if (rc < 0) return rc;
    c->last = next;
    c->epoch = epoch;
    return 0;
}
