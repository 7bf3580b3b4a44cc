#include "dut/firmware/at.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/firmware/device.h"
#include "dut/firmware/layout.h"
#include "dut/firmware/memory.h"
#include "dut/firmware/modes.h"
#include "dut/firmware/uplink.h"

// Answers

// One line. Lines end with CR; LF comes before every further line of the same answer.
static void say(struct device *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct device *d, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    if (n < 0) return;
    size_t len = strlen(text);
    text[len++] = '\r';
    devport_uart_write(d->port, text, len);
}

static void say_ok(struct device *d)
{
    say(d, "OK");
}

static void say_parse_error(struct device *d)
{
    say(d, "ERROR: parse error");
}

static void say_stored(struct device *d, int rc)
{
    if (rc < 0)
        say(d, "ERROR: not stored, memory error %d", -rc);
    else
        say_ok(d);
}

void at_tell_downlink(struct device *d, const uint8_t payload[SFX_DL_PAYLOAD])
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
    }
}

// Arguments

// A decimal number of at most nine digits up to `end` (a character, or NUL), within low..high.
// Returns what follows it, NULL when it is none.
static const char *read_number(const char *text, long low, long high, long *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9) return NULL;
    *out = strtol(text, NULL, 10);
    return *out >= low && *out <= high ? text + digits : NULL;
}

// ",0" or ",1" or nothing, up to the end of the line.
static bool read_downlink_flag(const char *text, bool *out)
{
    *out = false;
    if (*text == '\0') return true;
    long flag = 0;
    const char *rest = *text == ',' ? read_number(text + 1, 0, 1, &flag) : NULL;
    *out = flag == 1;
    return rest && *rest == '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// 1..12 bytes of hex digits. Returns what follows, NULL when it is none.
static const char *read_payload(const char *text, struct uplink_request *r)
{
    r->payload_len = 0;
    while (hex_digit(*text) >= 0) {
        if (hex_digit(text[1]) < 0 || r->payload_len == SFX_PAYLOAD_MAX) return NULL;
        r->payload[r->payload_len++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
        text += 2;
    }
    return r->payload_len > 0 ? text : NULL;
}

// Commands: `args` is what follows the name. False: the command cannot be understood.

static bool do_ping(struct device *d, const char *args)
{
    if (*args) return false;
    say_ok(d);
    return true;
}

static void send_and_say(struct device *d, const struct uplink_request *r)
{
    struct downlink answer;
    enum uplink_result result = uplink_send(d, r, &answer);
    say_result(d, result);
    if (result == UPLINK_ANSWERED) at_tell_downlink(d, answer.payload);
}

static bool send_bit(struct device *d, const char *args)
{
    struct uplink_request r = {.frames = d->settings.repeat + 1};
    long bit = 0;
    if (*args != '=') return false;
    const char *rest = read_number(args + 1, 0, 1, &bit);
    if (!rest || !read_downlink_flag(rest, &r.downlink)) return false;
    r.type = bit ? SFX_MESSAGE_BIT1 : SFX_MESSAGE_BIT0;
    send_and_say(d, &r);
    return true;
}

static bool send_bytes(struct device *d, const char *args)
{
    struct uplink_request r = {.type = SFX_MESSAGE_BYTES, .frames = d->settings.repeat + 1};
    if (*args != '=') return false;
    const char *rest = read_payload(args + 1, &r);
    if (!rest || !read_downlink_flag(rest, &r.downlink)) return false;
    send_and_say(d, &r);
    return true;
}

static bool send_keep_alive(struct device *d, const char *args)
{
    if (*args) return false;
    struct uplink_request r = {.type = SFX_MESSAGE_KEEP_ALIVE, .frames = d->settings.repeat + 1};
    send_and_say(d, &r);
    return true;
}

// "?", "=?" and "=n" of a small setting.
static bool access_setting(struct device *d, const char *args, uint8_t *setting, long high)
{
    if (strcmp(args, "?") == 0) {
        say(d, "%u", *setting);
        return true;
    }
    if (strcmp(args, "=?") == 0) {
        say(d, "0-%ld", high);
        return true;
    }
    long value = 0;
    const char *rest = *args == '=' ? read_number(args + 1, 0, high, &value) : NULL;
    if (!rest || *rest) return false;
    *setting = (uint8_t)value;
    say_ok(d);
    return true;
}

static bool access_repeat(struct device *d, const char *args)
{
    return access_setting(d, args, &d->settings.repeat, SETTINGS_REPEAT_MAX);
}

static bool access_oob_period(struct device *d, const char *args)
{
    if (!access_setting(d, args, &d->settings.oob_period_h, SETTINGS_OOB_MAX_H)) return false;
    device_schedule_oob(d);
    return true;
}

static bool access_power(struct device *d, const char *args)
{
    return access_setting(d, args, &d->settings.power_dbm, SETTINGS_POWER_MAX_DBM);
}

// Which key signs. The public one only while the lab-enable pin is high, and until the next reset:
// in the field nobody may make the device sign with a key that everyone has.
static bool access_key_selection(struct device *d, const char *args)
{
    uint8_t selection = d->public_key;
    bool writes = *args == '=' && args[1] != '?';
    bool lab = devport_gpio_read(d->port, LAYOUT_PIN_LAB_ENABLE) != 0;
    bool open = faults_on(&d->faults, FAULT_AUTH_013);
    if (writes && args[1] == '1' && !lab && !open) return false;
    if (!access_setting(d, args, &selection, 1)) return false;
    d->public_key = selection;
    if (!writes || !open) return true;
    d->settings.public_key = selection;
    return settings_store(&d->settings, &d->settings_record) == 0;
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
    snprintf(text, sizeof text, "%d", HOP_CENTRE_HZ);
    return query(d, args, text);
}

static bool ask_downlink_frequency(struct device *d, const char *args)
{
    char text[16];
    snprintf(text, sizeof text, "%d", HOP_DOWNLINK_HZ);
    return query(d, args, text);
}

// Zone RC1 does not hop over macro-channels: they never have to be reset.
static bool ask_channels(struct device *d, const char *args)
{
    return query(d, args, "1,6");
}

static bool reset_channels(struct device *d, const char *args)
{
    return do_ping(d, args);
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
    enum { ID = 10, PAC = 11 };
    static const char *const texts[] = {[0] = "foxdut " FOX_VERSION,
                                        [1] = "foxbench reference device",
                                        [2] = "00",
                                        [3] = "00",
                                        [4] = FOX_VERSION,
                                        [5] = FOX_VERSION,
                                        [7] = "RC1",
                                        [8] = "0",
                                        [9] = "foxdut stack"};
    long n = 0;
    const char *rest = *args == '=' ? read_number(args + 1, 0, PAC, &n) : NULL;
    if (!rest || *rest) return false;
    if (n == ID) {
        say(d, "%08X", device_id(d));
    } else if (n == PAC) {
        char text[2 * DEVICE_PAC_LEN + 1];
        for (int i = 0; i < DEVICE_PAC_LEN; i++)
            snprintf(text + 2 * i, 3, "%02X", d->pac[i]);
        say(d, "%s", text);
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
    say_ok(d);
    d->reset_wanted = true;
    return true;
}

static bool save(struct device *d, const char *args)
{
    if (*args) return false;
    say_stored(d, settings_store(&d->settings, &d->settings_record));
    return true;
}

// Extension: test mode J, `count` times.
static bool run_test_mode(struct device *d, const char *args)
{
    long mode = 0, count = 0;
    const char *rest = *args == '=' ? read_number(args + 1, 1, 1, &mode) : NULL;
    rest = rest && *rest == ',' ? read_number(rest + 1, 1, 99, &count) : NULL;
    if (!rest || *rest) return false;
    enum uplink_result result = UPLINK_SENT;
    for (long i = 0; i < count && result == UPLINK_SENT; i++)
        result = modes_run_j(d);
    say_result(d, result);
    return true;
}

// Extension: factory reset.
static bool factory_reset(struct device *d, const char *args)
{
    if (*args) return false;
    say_stored(d, device_factory_reset(d));
    return true;
}

// MUT-KEY-011. Without it there is no such command.
static bool dump_memory(struct device *d, const char *args)
{
    enum { DUMP = 32, DIGITS_MAX = 4 };
    if (!faults_on(&d->faults, FAULT_KEY_011) || *args != '=') return false;
    uint32_t address = 0;
    size_t digits = 0;
    for (args++; hex_digit(*args) >= 0; args++, digits++)
        address = address << 4 | (uint32_t)hex_digit(*args);
    uint8_t data[DUMP];
    if (*args || digits == 0 || digits > DIGITS_MAX) return false;
    if (memory_read_data(d, address, data, sizeof data) < 0) return false;
    char text[2 * DUMP + 1];
    for (int i = 0; i < DUMP; i++)
        snprintf(text + 2 * i, 3, "%02X", data[i]);
    say(d, "%s", text);
    return true;
}

static const struct {
    const char *name; // after "AT"
    bool (*run)(struct device *d, const char *args);
} commands[] = {
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
    {"$RC", reset_channels},
    {"$T", ask_temperature},
    {"$V", ask_voltage},
    {"$I", tell_information},
    {"$P", reset},
    {"$WR", save},
    {"$TM", run_test_mode},
    {"$RFS", factory_reset},
    {"$NVM", dump_memory},
};

// A name ends at '=', '?' or the end of the line.
static bool run_command(struct device *d, const char *text)
{
    size_t len = strcspn(text, "=?");
    if (len == 0) return do_ping(d, text);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strlen(commands[i].name) == len && memcmp(commands[i].name, text, len) == 0)
            return commands[i].run(d, text + len);
    }
    return false;
}

void at_execute(struct device *d, const char *line, size_t len)
{
    if (line && len == 0) return; // an empty line is nothing
    bool understood =
        line && strlen(line) == len && strncmp(line, "AT", 2) == 0 && run_command(d, line + 2);
    if (!understood) say_parse_error(d);
}
