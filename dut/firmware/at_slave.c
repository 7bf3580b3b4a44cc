// The AT dialect of ST's AT_Slave application (protocol.md 9.2), with the laboratory's AT$CNT and
// AT$EK. Carrier and PRBS generators, Monarch and the FCC words are not part of this device.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dut/firmware/at.h"
#include "dut/firmware/at_args.h"
#include "dut/firmware/at_lab.h"
#include "dut/firmware/device.h"
#include "dut/firmware/memory.h"
#include "dut/firmware/modes.h"
#include "dut/firmware/serial.h"
#include "dut/firmware/uplink.h"

enum { VERBOSITY_MAX = 3, POWER_MAX_DBM = 15 };

// One line of an answer, framed.
static void say(struct device *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct device *d, const char *format, ...)
{
    char text[160] = "\r\n";
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + 2, sizeof text - 5, format, args);
    va_end(args);
    if (n < 0) return;
    size_t len = strlen(text);
    memcpy(text + len, "\r\n", 2);
    serial_write(d, text, len + 2);
}

static void accept(struct device *d)
{
    say(d, "OK");
}

static bool say_ok(struct device *d)
{
    say(d, "OK");
    return true;
}

static void refuse(struct device *d, bool known)
{
    say(d, known ? "AT_PARAM_ERROR" : "AT_ERROR");
}

static bool say_stored(struct device *d, int rc)
{
    if (rc < 0) say(d, "AT_LIB_ERROR");
    return rc < 0 || say_ok(d);
}

static bool say_lab(struct device *d, enum at_lab_result result)
{
    if (result == AT_LAB_SYNTAX) return false;
    if (result == AT_LAB_LOCKED) say(d, "AT_ERROR");
    if (result == AT_LAB_NOT_STORED) say(d, "AT_LIB_ERROR");
    return result != AT_LAB_DONE || say_ok(d);
}

static void tell_downlink(struct device *d, const uint8_t payload[SFX_DL_PAYLOAD])
{
    char text[2 * SFX_DL_PAYLOAD + 1];
    for (int i = 0; i < SFX_DL_PAYLOAD; i++)
        snprintf(text + 2 * i, 3, "%02x", payload[i]);
    say(d, "+RX=%s", text);
}

static void say_result(struct device *d, enum uplink_result result)
{
    switch (result) {
    case UPLINK_ANSWERED:
    case UPLINK_SENT:
        say_ok(d);
        return;
    case UPLINK_NO_DOWNLINK:
        say(d, "AT_RX_TIMEOUT");
        return;
    case UPLINK_NO_STATION:
        say(d, "AT_RX_ERROR");
        return;
    case UPLINK_OVER_BUDGET:
        say(d, "AT_BUSY_ERROR");
        return;
    case UPLINK_NOT_STORED:
    case UPLINK_NOT_BUILT:
    case UPLINK_NO_KEY:
    case UPLINK_USED_UP:
        say(d, "AT_LIB_ERROR");
        return;
    }
}

// Commands

static bool ping(struct device *d, const char *args)
{
    return *args == '\0' && say_ok(d);
}

static bool send_and_say(struct device *d, struct uplink_request *r)
{
    struct downlink answer;
    if (faults_on(&d->faults, FAULT_EARLY_OK)) r->begun = accept;
    enum uplink_result result = uplink_send(d, r, &answer);
    const bool sent = result == UPLINK_SENT || result == UPLINK_ANSWERED;
    if (result == UPLINK_ANSWERED) tell_downlink(d, answer.payload);
    if (!r->begun || !sent) say_result(d, result);
    return true;
}

static bool send_bit(struct device *d, const char *args)
{
    struct uplink_request r = {.frames = d->settings.repeat + 1};
    return at_read_bit(args, SETTINGS_REPEAT_MAX, &r) && send_and_say(d, &r);
}

static bool send_bytes(struct device *d, const char *args)
{
    struct uplink_request r = {.frames = d->settings.repeat + 1};
    return at_read_bytes(args, SETTINGS_REPEAT_MAX, &r) && send_and_say(d, &r);
}

// AT$SH=len,characters[,downlink[,repeat]]
static bool send_characters(struct device *d, const char *args)
{
    struct uplink_request r = {.type = SFX_MESSAGE_BYTES, .frames = d->settings.repeat + 1};
    long len = 0;
    const char *rest = *args == '=' ? at_read_number(args + 1, 1, SFX_PAYLOAD_MAX, &len) : NULL;
    if (!rest || *rest != ',' || strlen(rest + 1) < (size_t)len) return false;
    r.payload_len = (size_t)len;
    memcpy(r.payload, rest + 1, r.payload_len);
    return at_read_flags(rest + 1 + len, SETTINGS_REPEAT_MAX, &r) && send_and_say(d, &r);
}

static bool send_keep_alive(struct device *d, const char *args)
{
    if (*args) return false;
    struct uplink_request r = {.type = SFX_MESSAGE_KEEP_ALIVE, .frames = d->settings.repeat + 1};
    return send_and_say(d, &r);
}

// "=?" of a value, then OK.
static bool asks(struct device *d, const char *args, long value)
{
    if (strcmp(args, "=?") != 0) return false;
    say(d, "%ld", value);
    return say_ok(d);
}

static bool access_power(struct device *d, const char *args)
{
    long dbm = 0;
    if (asks(d, args, d->settings.power_dbm)) return true;
    if (*args != '=' || !at_read_last_number(args + 1, 0, POWER_MAX_DBM, &dbm)) return false;
    d->settings.power_dbm = (uint8_t)dbm;
    return say_ok(d);
}

static bool access_key_selection(struct device *d, const char *args)
{
    long selection = 0;
    if (asks(d, args, d->public_key)) return true;
    if (*args != '=' || !at_read_last_number(args + 1, 0, 1, &selection)) return false;
    return say_lab(d, at_lab_select_key(d, selection == 1));
}

static bool access_encryption(struct device *d, const char *args)
{
    long on = 0;
    if (asks(d, args, d->encrypts)) return true;
    if (*args != '=' || !at_read_last_number(args + 1, 0, 1, &on)) return false;
    return say_lab(d, at_lab_set_encryption(d, on == 1));
}

static bool access_zone(struct device *d, const char *args)
{
    if (strcmp(args, "=?") == 0) {
        say(d, "%s", d->zone->name + 2);
        return say_ok(d);
    }
    return *args == '=' && say_lab(d, at_lab_set_zone(d, args + 1));
}

static bool tell_version(struct device *d, const char *args)
{
    if (*args && strcmp(args, "=?") != 0) return false;
    say(d, "foxdut %s", FOX_VERSION);
    return say_ok(d);
}

static bool tell_id(struct device *d, const char *args)
{
    if (*args) return false;
    say(d, "%08X", device_id(d));
    return say_ok(d);
}

static bool tell_pac(struct device *d, const char *args)
{
    if (*args) return false;
    char text[2 * DEVICE_PAC_LEN + 1];
    for (int i = 0; i < DEVICE_PAC_LEN; i++)
        snprintf(text + 2 * i, 3, "%02X", d->pac[i]);
    say(d, "%s", text);
    return say_ok(d);
}

static bool tell_battery(struct device *d, const char *args)
{
    return asks(d, args, (long)devport_supply_mv(d->port));
}

static bool access_echo(struct device *d, const char *args)
{
    long on = 0;
    if (*args != '=' || !at_read_last_number(args + 1, 0, 1, &on)) return false;
    d->echo = on == 1;
    return say_ok(d);
}

// Taken, and without effect: this device says nothing that could be left out.
static bool set_verbosity(struct device *d, const char *args)
{
    long level = 0;
    return *args == '=' && at_read_last_number(args + 1, 0, VERBOSITY_MAX, &level) && say_ok(d);
}

// No answer.
static bool reset(struct device *d, const char *args)
{
    if (*args) return false;
    d->reset_wanted = true;
    return true;
}

// AT$TM=zone,mode: in another zone than the present one it works as after AT$RC, for this test.
static bool run_test_mode(struct device *d, const char *args)
{
    long mode = 0;
    const char *comma = *args == '=' ? strchr(args, ',') : NULL;
    if (!comma) return false;
    const struct sfx_zone *zone = at_lab_find_zone(args + 1, (size_t)(comma - args - 1));
    const struct sfx_zone *before = d->zone;
    if (!zone) return false;
    if (!at_read_last_number(comma + 1, 0, MODES_MAX, &mode)) return false;
    if (!modes_known((unsigned)mode)) return false;
    if (!device_lab_enabled(d)) {
        say(d, "AT_ERROR");
        return true;
    }
    d->zone = zone;
    say_result(d, modes_run(d, (unsigned)mode));
    d->zone = before;
    return true;
}

static bool factory_reset(struct device *d, const char *args)
{
    return *args == '\0' && say_stored(d, device_factory_reset(d));
}

static bool preset_counter(struct device *d, const char *args)
{
    return *args == '=' && say_lab(d, at_lab_preset(d, args + 1));
}

static bool set_encryption_key(struct device *d, const char *args)
{
    return *args == '=' && say_lab(d, at_lab_set_encryption_key(d, args + 1));
}

static const struct at_command commands[] = {
    {"", ping},
    {"Z", reset},
    {"E", access_echo},
    {"+VL", set_verbosity},
    {"+VER", tell_version},
    {"+BAT", tell_battery},
    {"$ID", tell_id},
    {"$PAC", tell_pac},
    {"$SB", send_bit},
    {"$SF", send_bytes},
    {"$SH", send_characters},
    {"S300", send_keep_alive},
    {"S302", access_power},
    {"S410", access_key_selection},
    {"S411", access_encryption},
    {"$RC", access_zone},
    {"$TM", run_test_mode},
    {"$RFS", factory_reset},
    {"$CNT", preset_counter},
    {"$EK", set_encryption_key},
};

const struct at_dialect at_slave = {.name = "at_slave",
                                    .echo = true,
                                    .commands = commands,
                                    .n_commands = sizeof commands / sizeof commands[0],
                                    .accept = accept,
                                    .refuse = refuse,
                                    .tell_downlink = tell_downlink};
