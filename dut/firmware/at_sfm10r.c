// The AT dialect of the SFM10R family (protocol.md 9.1), with extensions of this project: AT$TM for
// all test modes, AT$RFS (factory reset) and the laboratory's AT$CNT and AT$EK.
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

// Answers

// One line. Lines end with CR; LF comes before every further line of the same answer.
static void say(struct device *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct device *d, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    if (n < 0) return;
    size_t len = strlen(text);
    text[len++] = '\r';
    serial_write(d, text, len);
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
    (void)known;
    say(d, "ERROR: parse error");
}

static bool say_stored(struct device *d, int rc)
{
    if (rc < 0) say(d, "ERROR: not stored, memory error %d", -rc);
    return rc < 0 || say_ok(d);
}

// What is locked cannot be told from what does not exist.
static bool say_lab(struct device *d, enum at_lab_result result)
{
    if (result == AT_LAB_NOT_STORED) say(d, "ERROR: not stored, memory error");
    if (result == AT_LAB_DONE) say_ok(d);
    return result == AT_LAB_DONE || result == AT_LAB_NOT_STORED;
}

static void tell_downlink(struct device *d, const uint8_t payload[SFX_DL_PAYLOAD])
{
    char text[3 * SFX_DL_PAYLOAD + 1];
    for (int i = 0; i < SFX_DL_PAYLOAD; i++)
        snprintf(text + 3 * i, 4, " %02X", payload[i]);
    say(d, "\nRX=%s", text + 1);
}

static void say_result(struct device *d, enum uplink_result result)
{
    switch (result) {
    case UPLINK_ANSWERED: // the answer itself is the next line
    case UPLINK_SENT:
        say_ok(d);
        return;
    case UPLINK_NO_DOWNLINK:
        say(d, "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT");
        return;
    case UPLINK_NOT_STORED:
        say(d, "ERROR: not sent, the message counter could not be stored");
        return;
    case UPLINK_NOT_BUILT:
        say(d, "ERROR: not sent, no such message");
        return;
    case UPLINK_NO_STATION:
        say(d, "ERROR: not sent, no downlink from the station");
        return;
    case UPLINK_NO_KEY:
        say(d, "ERROR: not sent, the encryption key is missing");
        return;
    case UPLINK_OVER_BUDGET:
        say(d, "ERROR: not sent, the budget of messages and transmit time is spent");
        return;
    case UPLINK_USED_UP:
        say(d, "ERROR: not sent, the keystream is used up");
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
    if (!r->begun || !sent) say_result(d, result);
    if (result == UPLINK_ANSWERED) tell_downlink(d, answer.payload);
    return true;
}

static bool send_bit(struct device *d, const char *args)
{
    struct uplink_request r = {.frames = d->settings.repeat + 1};
    return at_read_bit(args, -1, &r) && send_and_say(d, &r);
}

static bool send_bytes(struct device *d, const char *args)
{
    struct uplink_request r = {.frames = d->settings.repeat + 1};
    return at_read_bytes(args, -1, &r) && send_and_say(d, &r);
}

static bool send_keep_alive(struct device *d, const char *args)
{
    if (*args) return false;
    struct uplink_request r = {.type = SFX_MESSAGE_KEEP_ALIVE, .frames = d->settings.repeat + 1};
    return send_and_say(d, &r);
}

// "?", "=?" and "=n" of a small setting; *written says whether it was the last of them.
static bool access_setting(struct device *d, const char *args, uint8_t *setting, long high,
                           bool *written)
{
    long value = 0;
    *written = false;
    if (strcmp(args, "?") == 0) {
        say(d, "%u", *setting);
        return true;
    }
    if (strcmp(args, "=?") == 0) {
        say(d, "0-%ld", high);
        return true;
    }
    if (*args != '=' || !at_read_last_number(args + 1, 0, high, &value)) return false;
    *setting = (uint8_t)value;
    *written = true;
    return true;
}

static bool access_plain(struct device *d, const char *args, uint8_t *setting, long high)
{
    bool written;
    bool understood = access_setting(d, args, setting, high, &written);
    if (written) say_ok(d);
    return understood;
}

static bool access_repeat(struct device *d, const char *args)
{
    return access_plain(d, args, &d->settings.repeat, SETTINGS_REPEAT_MAX);
}

static bool access_oob_period(struct device *d, const char *args)
{
    if (!access_plain(d, args, &d->settings.oob_period_h, SETTINGS_OOB_MAX_H)) return false;
    device_schedule_oob(d);
    return true;
}

static bool access_power(struct device *d, const char *args)
{
    bool written;
    bool understood =
        access_setting(d, args, &d->settings.power_dbm, SETTINGS_POWER_MAX_DBM, &written);
    if (written && faults_on(&d->faults, FAULT_COUNT_SETTING))
        return say_stored(d, counter_restart(&d->counter));
    if (written) say_ok(d);
    return understood;
}

static bool access_key_selection(struct device *d, const char *args)
{
    uint8_t selection = d->public_key;
    bool written;
    if (!access_setting(d, args, &selection, 1, &written)) return false;
    return !written || say_lab(d, at_lab_select_key(d, selection == 1));
}

static bool query(struct device *d, const char *args, const char *answer)
{
    if (strcmp(args, "?") != 0) return false;
    say(d, "%s", answer);
    return true;
}

static bool ask_uplink_frequency(struct device *d, const char *args)
{
    char text[16];
    snprintf(text, sizeof text, "%.0f", d->zone->uplink_hz);
    return query(d, args, text);
}

static bool ask_downlink_frequency(struct device *d, const char *args)
{
    char text[16];
    snprintf(text, sizeof text, "%.0f", d->zone->downlink_hz);
    return query(d, args, text);
}

// Zones without macro-channels: they never have to be reset.
static bool ask_channels(struct device *d, const char *args)
{
    return query(d, args, "1,6");
}

static bool ask_temperature(struct device *d, const char *args)
{
    char text[16];
    snprintf(text, sizeof text, "%d", DEVICE_TEMPERATURE_DC);
    return query(d, args, text);
}

static bool ask_voltage(struct device *d, const char *args)
{
    char text[32];
    snprintf(text, sizeof text, "%u\r\n%u", devport_supply_mv(d->port), d->tx_supply_mv);
    return query(d, args, text);
}

static bool tell_information(struct device *d, const char *args)
{
    enum { ZONE = 7, ID = 10, PAC = 11 };
    static const char *const texts[] = {[0] = "foxdut " FOX_VERSION,
                                        [1] = "foxbench reference device",
                                        [2] = "00",
                                        [3] = "00",
                                        [4] = FOX_VERSION,
                                        [5] = FOX_VERSION,
                                        [8] = "0",
                                        [9] = "foxdut stack"};
    long n = 0;
    if (*args != '=' || !at_read_last_number(args + 1, 0, PAC, &n)) return false;
    if (n == ID) {
        say(d, "%08X", device_id(d));
    } else if (n == PAC) {
        char text[2 * DEVICE_PAC_LEN + 1];
        for (int i = 0; i < DEVICE_PAC_LEN; i++)
            snprintf(text + 2 * i, 3, "%02X", d->pac[i]);
        say(d, "%s", text);
    } else if (n == ZONE) {
        say(d, "%s", d->zone->name);
    } else if (n < (long)(sizeof texts / sizeof texts[0]) && texts[n]) {
        say(d, "%s", texts[n]);
    } else {
        return false;
    }
    return true;
}

static bool reset(struct device *d, const char *args)
{
    if (strcmp(args, "=0") != 0) return false;
    d->reset_wanted = true;
    return say_ok(d);
}

static bool save(struct device *d, const char *args)
{
    if (*args == '\0' && faults_on(&d->faults, FAULT_COUNT_SAVE))
        return say_stored(d, counter_restart(&d->counter));
    return *args == '\0' && say_stored(d, settings_store(&d->settings, &d->settings_record));
}

static bool run_test_mode(struct device *d, const char *args)
{
    enum { COUNT_MAX = 99 };
    long mode = 0, count = 0;
    const char *rest = *args == '=' ? at_read_number(args + 1, 0, MODES_MAX, &mode) : NULL;
    if (!rest || *rest != ',' || !at_read_last_number(rest + 1, 1, COUNT_MAX, &count)) return false;
    if (!modes_known((unsigned)mode) || !device_lab_enabled(d)) return false;
    enum uplink_result result = UPLINK_SENT;
    for (long i = 0; i < count && result == UPLINK_SENT; i++)
        result = modes_run(d, (unsigned)mode);
    say_result(d, result);
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

// MUT-KEY-011. Without it there is no such command.
static bool dump_memory(struct device *d, const char *args)
{
    enum { DUMP = 32, DIGITS_MAX = 4 };
    if (!faults_on(&d->faults, FAULT_KEY_011) || *args != '=') return false;
    uint32_t address = 0;
    size_t digits = 0;
    for (args++; at_hex_digit(*args) >= 0; args++, digits++)
        address = address << 4 | (uint32_t)at_hex_digit(*args);
    uint8_t data[DUMP];
    if (*args || digits == 0 || digits > DIGITS_MAX) return false;
    if (memory_read_data(d, address, data, sizeof data) < 0) return false;
    char text[2 * DUMP + 1];
    for (int i = 0; i < DUMP; i++)
        snprintf(text + 2 * i, 3, "%02X", data[i]);
    say(d, "%s", text);
    return true;
}

static const struct at_command commands[] = {
    {"", ping},
    {"$SB", send_bit},
    {"$SF", send_bytes},
    {"$SO", send_keep_alive},
    {"$TR", access_repeat},
    {"S300", access_oob_period},
    {"S302", access_power},
    {"S410", access_key_selection},
    {"$IF", ask_uplink_frequency},
    {"$DR", ask_downlink_frequency},
    {"$GI", ask_channels},
    {"$RC", ping},
    {"$T", ask_temperature},
    {"$V", ask_voltage},
    {"$I", tell_information},
    {"$P", reset},
    {"$WR", save},
    {"$TM", run_test_mode},
    {"$RFS", factory_reset},
    {"$CNT", preset_counter},
    {"$EK", set_encryption_key},
    {"$NVM", dump_memory},
};

const struct at_dialect at_sfm10r = {.name = "sfm10r",
                                     .commands = commands,
                                     .n_commands = sizeof commands / sizeof commands[0],
                                     .accept = accept,
                                     .refuse = refuse,
                                     .tell_downlink = tell_downlink};
