#include "dut/firmware/ear.h"

#include "dut/firmware/device.h"

static const int64_t piece_ns = EAR_PIECE_MS * DEVPORT_MS;

void ear_init(struct ear *e, int64_t from_ns, double f_hz)
{
    devport_gfsk_init(&e->receiver);
    e->f_hz = f_hz;
    e->from_ns = e->next_ns = from_ns;
    e->n = e->at = 0;
}

bool ear_next(struct device *d, struct ear *e, int64_t to_ns, struct devport_gfsk_frame *frame,
              int64_t *end_ns)
{
    for (;;) {
        while (e->at < e->n) {
            bool got = false;
            e->at += devport_gfsk_push(&e->receiver, e->iq + 2 * e->at, e->n - e->at, frame, &got);
            if (!got || faults_on(&d->faults, FAULT_DEAF_DOWNLINK)) continue;
            *end_ns =
                e->from_ns + (int64_t)frame->end_sample * DEVPORT_SECOND / DEVPORT_GFSK_RATE_HZ;
            return true;
        }
        if (e->next_ns >= to_ns) return false;
        int64_t until_ns = e->next_ns + piece_ns < to_ns ? e->next_ns + piece_ns : to_ns;
        e->n = devport_rf_listen(d->port, e->next_ns, until_ns, e->f_hz, DEVPORT_GFSK_RATE_HZ,
                                 e->iq, EAR_PIECE_SAMPLES);
        e->at = 0;
        e->next_ns = until_ns;
        device_wait_until(d, until_ns); // the serial line's bytes
    }
}
