#include "bench/sfx/zone.h"

#include <string.h>

// The older manual gives -80 dBm for RC5 too; the vendor's library says -65 (protocol.md 11, no 5).
#define LONG_WAIT  .wait_s = 20.0, .listen_s = 25.0
#define SHORT_WAIT .wait_s = 19.0, .listen_s = 33.5
#define BOTH_RATES .bit_rate_100 = true, .bit_rate_600 = true
static const struct sfx_zone zones[] = {
    {"RC1", 868.130e6, 869.525e6, LONG_WAIT, .step_hz = 6e3, .guard_hz = 18780, .eirp_dbm = 16,
     .access = SFX_ACCESS_DUTY_CYCLE, BOTH_RATES},
    {"RC2", 902.200e6, 905.200e6, LONG_WAIT, .step_hz = 25e3, .guard_hz = 21000, .eirp_dbm = 24,
     .access = SFX_ACCESS_HOPPING, .bit_rate_600 = true},
    {"RC3-LBT", 923.200e6, 922.200e6, SHORT_WAIT, .step_hz = 6e3, .guard_hz = 19970, .eirp_dbm = 16,
     .access = SFX_ACCESS_LBT, .sense_dbm = -80, BOTH_RATES},
    {"RC3-LDC", 923.200e6, 922.200e6, SHORT_WAIT, .step_hz = 6e3, .guard_hz = 19970, .eirp_dbm = 16,
     .access = SFX_ACCESS_LDC, BOTH_RATES},
    {"RC4", 920.800e6, 922.300e6, LONG_WAIT, .step_hz = 25e3, .guard_hz = 21000, .eirp_dbm = 24,
     .access = SFX_ACCESS_HOPPING, .bit_rate_600 = true},
    {"RC5", 923.300e6, 922.300e6, SHORT_WAIT, .step_hz = 6e3, .guard_hz = 19970, .eirp_dbm = 14,
     .access = SFX_ACCESS_LBT, .sense_dbm = -65, BOTH_RATES},
    {"RC6", 865.200e6, 866.300e6, LONG_WAIT, .step_hz = 6e3, .guard_hz = 18720, .eirp_dbm = 16,
     .access = SFX_ACCESS_DUTY_CYCLE, BOTH_RATES},
    {"RC7", 868.800e6, 869.100e6, LONG_WAIT, .step_hz = 6e3, .guard_hz = 18790, .eirp_dbm = 16,
     .access = SFX_ACCESS_DUTY_CYCLE, BOTH_RATES},
};

const struct sfx_zone *sfx_zone_at(size_t index)
{
    return index < sizeof zones / sizeof zones[0] ? &zones[index] : NULL;
}

const struct sfx_zone *sfx_zone_find(const char *name)
{
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        if (strcmp(zones[i].name, name) == 0) return &zones[i];
    return NULL;
}

static bool is_first_or_second(const struct sfx_zone *z)
{
    return strcmp(z->name, "RC1") == 0 || strcmp(z->name, "RC2") == 0;
}

// protocol.md marks each table by how many independent sources agree: the older manual and the
// vendor's library for the frequency plan, the library and a driver that quotes the specification
// for the times of RC1 and RC2, the library alone for the rest.
bool sfx_zone_fact(const struct sfx_zone *z, size_t index, struct sfx_zone_fact *out)
{
    unsigned timing = is_first_or_second(z) ? 2 : 1;
    const char *timed = is_first_or_second(z) ? "end-point library 4.3, specification tables 4.9"
                                              : "end-point library 4.3";
    const char *planned = "end-point library 4.3, module manual";
    const struct sfx_zone_fact facts[] = {
        {"uplink", "Hz", z->uplink_hz, "C", 2, planned},
        {"downlink", "Hz", z->downlink_hz, "C", 2, planned},
        {"eirp", "dBm", z->eirp_dbm, "C", 2, planned},
        {"wait", "s", z->wait_s, "C", timing, timed},
        {"listen", "s", z->listen_s, "C", timing, timed},
        {"step", "Hz", z->step_hz, "C", timing, timed},
        {"guard", "Hz", z->guard_hz, "C", 1, "end-point library 4.3"},
        {"gap", "s", SFX_ZONE_GAP_S, "C", timing, timed},
        {"window tolerance", "s", 0.1, "ASSUMED", 0, "no public source"},
        {"gap tolerance", "s", 0.02, "ASSUMED", 0, "no public source"},
        // the manual says -80 dBm for RC5 too
        {"sense", "dBm", z->sense_dbm, "C", z->sense_dbm == -80 ? 2 : 1,
         z->sense_dbm == -80 ? planned : "end-point library 4.3"},
    };
    size_t n = sizeof facts / sizeof facts[0] - (z->access != SFX_ACCESS_LBT);
    if (index >= n) return false;
    *out = facts[index];
    return true;
}

const char *sfx_access_name(enum sfx_access access)
{
    static const char *const names[] = {
        [SFX_ACCESS_DUTY_CYCLE] = "duty cycle",
        [SFX_ACCESS_HOPPING] = "frequency hopping",
        [SFX_ACCESS_LBT] = "listen before talk",
        [SFX_ACCESS_LDC] = "low duty cycle",
    };
    return names[access];
}

double sfx_zone_shift_hz(const struct sfx_zone *z)
{
    return z->downlink_hz - z->uplink_hz;
}

double sfx_zone_frame1_hz(const struct sfx_zone *z, unsigned rank, double f_hz)
{
    return rank == 2 ? f_hz - z->step_hz : rank == 3 ? f_hz + z->step_hz : f_hz;
}

double sfx_zone_sense_s(const struct sfx_zone *z, unsigned rank, double frame_s)
{
    if (z->access != SFX_ACCESS_LBT || rank < 2) return 0;
    double left_s = SFX_ZONE_SENSE_S - (rank - 1) * SFX_ZONE_GAP_S - (rank - 2) * frame_s;
    return left_s > 0 ? left_s : 0;
}
