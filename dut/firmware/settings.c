#include "dut/firmware/settings.h"

#include "dut/firmware/layout.h"

enum { BODY_LEN = 4, FLAG_FALLEN_ID = 1, FLAG_PUBLIC_KEY = 2 };

struct settings settings_defaults(void)
{
    return (struct settings){.repeat = 2, .oob_period_h = 24, .power_dbm = 14};
}

void settings_load(struct settings *s, struct record *record, struct devport *port)
{
    *s = settings_defaults();
    *record = (struct record){.port = port,
                              .kind = LAYOUT_SETTINGS_KIND,
                              .offset = LAYOUT_SETTINGS_OFFSET,
                              .body_len = BODY_LEN};
    uint8_t body[RECORD_BODY_MAX];
    if (!record_load(record, body)) return;
    s->fallen_id = body[0] & FLAG_FALLEN_ID;
    s->public_key = body[0] & FLAG_PUBLIC_KEY;
    if (body[1] <= SETTINGS_REPEAT_MAX) s->repeat = body[1];
    if (body[2] <= SETTINGS_OOB_MAX_H) s->oob_period_h = body[2];
    if (body[3] <= SETTINGS_POWER_MAX_DBM) s->power_dbm = body[3];
}

int settings_store(const struct settings *s, struct record *record)
{
    const unsigned flags =
        (s->fallen_id ? FLAG_FALLEN_ID : 0) | (s->public_key ? FLAG_PUBLIC_KEY : 0);
    const uint8_t body[RECORD_BODY_MAX] = {(uint8_t)flags, s->repeat, s->oob_period_h,
                                           s->power_dbm};
    return record_store(record, body);
}
