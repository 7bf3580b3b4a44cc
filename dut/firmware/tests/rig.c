#include "dut/firmware/tests/rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const double offset_hz = 1395000.0; // protocol.md 7.2, RC1

void rig_start(struct rig *r, const char *id, const char *key_hex, uint16_t counter,
               const char *const *args)
{
    lab_init(&r->lab);
    downlink_air_init(&r->air, &r->lab);
    r->lab.id = id;
    r->lab.key_hex = key_hex;
    for (int i = 0; args && args[i]; i++)
        r->lab.args[i] = args[i];
    lab_set_counter(&r->lab, (uint16_t)((counter + 4095) % 4096));
    assert_true(lab_power_on(&r->lab, PORT_BOOT_POWER));
}

void rig_request(struct rig *r)
{
    lab_forget(&r->lab);
    r->air.n = 0;
    lab_run(&r->lab, DEVPORT_MS);
    r->before = r->lab.uart_len;
    lab_uart(&r->lab, "AT$SB=1,1\r", 10);
    for (int i = 0; i < 12; i++)
        lab_run(&r->lab, DEVPORT_SECOND);
    assert_int_equal(r->lab.n_bursts, 3);
    demod_burst(&r->lab.bursts[0], &r->first);
}

const char *rig_answer(struct rig *r)
{
    for (int i = 0; i < 50 && r->lab.uart_len == r->before; i++)
        lab_run(&r->lab, DEVPORT_SECOND);
    return r->lab.uart + r->before;
}

double rig_frequency(const struct rig *r)
{
    return r->lab.bursts[0].carrier_hz + offset_hz;
}

int64_t rig_send(struct rig *r, double after_s, double hz, const uint8_t frame[15])
{
    int64_t t_ns = r->first.end_ns + (int64_t)llround(after_s * 1e9);
    downlink_air_send(&r->air, t_ns, hz, frame);
    return t_ns + downlink_burst_ns;
}

void rig_make_frame(unsigned counter, uint16_t tag_flips, uint8_t out[15])
{
    const struct downlink_message m = {
        .id = 0x0badcafe,
        .counter = (uint16_t)counter,
        .key_hex = RIG_KEY,
        .payload = {1, 2, 3, 4, 5, 6, 7, 8},
        .tag_flips = {(uint8_t)(tag_flips >> 8), (uint8_t)tag_flips}};
    downlink_message_frame(&m, out);
}
