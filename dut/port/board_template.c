#include "dut/port/board_template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/port/aes.h"
#include "dut/port/client.h"
#include "dut/port/radio.h"

enum { EXIT_USAGE = 4 };

// End-point libraries call their board without a context, so it cannot be passed.
static struct {
    struct devport *port;
    struct devport_radio *radio;
    uint8_t id[BOARD_ID], key[BOARD_KEY], pac[BOARD_PAC];
    int64_t timers_ns[BOARD_TIMERS]; // DEVPORT_NEVER: does not run
    uint32_t carrier_hz;
    uint16_t bit_rate;
    int8_t dbm;
    uint16_t transmit_mv;
    uint64_t random;
} board;

static int usage(const char *program, const char *why)
{
    fprintf(stderr, "%s: %s; usage: %s --id HEX8 --key HEX32 [--pac HEX16]\n", program, why,
            program);
    exit(EXIT_USAGE);
}

static void take_hex(const char *program, const char *text, uint8_t *out, size_t n)
{
    unsigned byte;
    if (!text || strlen(text) != 2 * n)
        usage(program, "an option has no value of the right length");
    for (size_t i = 0; i < n; i++) {
        if (sscanf(text + 2 * i, "%2x", &byte) != 1) usage(program, "expected hex digits");
        out[i] = (uint8_t)byte;
    }
}

void board_start(const char *program, int argc, char **argv)
{
    bool has_id = false, has_key = false;
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--id") == 0)
            has_id = true, take_hex(program, value, board.id, sizeof board.id);
        else if (strcmp(argv[i], "--key") == 0)
            has_key = true, take_hex(program, value, board.key, sizeof board.key);
        else if (strcmp(argv[i], "--pac") == 0)
            take_hex(program, value, board.pac, sizeof board.pac);
        else
            usage(program, "unknown option");
    }
    if (!has_id || !has_key) usage(program, "--id and --key are missing");
    char why[160];
    if (devport_open(&board.port, why, sizeof why) < 0) {
        fprintf(stderr, "%s: %s\n", program, why);
        exit(EXIT_USAGE);
    }
    board.radio = devport_radio_new(board.port);
    if (!board.radio) {
        devport_refuse(board.port, "no memory");
        exit(EXIT_USAGE);
    }
    for (int i = 0; i < BOARD_TIMERS; i++)
        board.timers_ns[i] = DEVPORT_NEVER;
    devport_ready(board.port, program);
    const struct devport_boot *boot = devport_boot(board.port);
    board.random = boot->seed ^ (uint64_t)boot->now_ns; // another one after each start
    for (const char *c = boot->unit; *c; c++)
        board.random = board.random * 131 + (uint8_t)*c;
}

// --- MCU: credentials, AES, memory

void board_read_id(uint8_t id[BOARD_ID])
{
    memcpy(id, board.id, sizeof board.id);
}

void board_read_pac(uint8_t pac[BOARD_PAC])
{
    memcpy(pac, board.pac, sizeof board.pac);
}

int board_aes_encrypt(uint8_t *data, size_t len)
{
    return devport_aes128_cbc(board.key, data, data, len);
}

int board_aes_encrypt_with(const uint8_t key[BOARD_KEY], uint8_t *data, size_t len)
{
    return devport_aes128_cbc(key, data, data, len);
}

int board_nvm_read(void *data, size_t len)
{
    return devport_nvm_read(board.port, 0, data, (uint32_t)len);
}

int board_nvm_write(const void *data, size_t len)
{
    return devport_nvm_write(board.port, 0, data, (uint32_t)len);
}

// --- MCU: timers, measurements, random numbers

void board_timer_start(unsigned timer, uint32_t ms)
{
    board.timers_ns[timer] = devport_now_ns(board.port) + ms * DEVPORT_MS;
}

void board_timer_stop(unsigned timer)
{
    board.timers_ns[timer] = DEVPORT_NEVER;
}

bool board_timer_is_over(unsigned timer)
{
    return board.timers_ns[timer] <= devport_now_ns(board.port);
}

void board_timer_wait(unsigned timer)
{
    if (board.timers_ns[timer] != DEVPORT_NEVER) devport_sleep(board.port, board.timers_ns[timer]);
}

void board_delay_ms(uint32_t ms)
{
    devport_sleep(board.port, devport_now_ns(board.port) + ms * DEVPORT_MS);
}

void board_measure(uint16_t *idle_mv, uint16_t *transmit_mv, int16_t *temperature_tenths)
{
    *idle_mv = (uint16_t)devport_supply_mv(board.port);
    *transmit_mv = board.transmit_mv ? board.transmit_mv : *idle_mv;
    *temperature_tenths = (int16_t)(devport_temperature_mc(board.port) / 100);
}

uint32_t board_random(void)
{
    board.random = board.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(board.random >> 32);
}

// --- RF

void board_rf_wake(void)
{
    devport_radio_wake(board.radio, 0);
}

void board_rf_sleep(void)
{
    devport_radio_sleep(board.radio);
}

int board_rf_init(uint32_t carrier_hz, uint16_t bit_rate, int8_t dbm)
{
    if (carrier_hz == 0 || (bit_rate != 100 && bit_rate != 600)) return -EINVAL;
    board.carrier_hz = carrier_hz;
    board.bit_rate = bit_rate;
    board.dbm = dbm;
    return 0;
}

void board_rf_stop(void)
{
} // nothing runs on between the calls

int board_rf_send(const uint8_t *stream, size_t len)
{
    if (len == 0) return -EINVAL;
    devport_radio_send(board.radio, board.carrier_hz, board.bit_rate, board.dbm, stream, 8 * len);
    board.transmit_mv = (uint16_t)devport_supply_mv(board.port);
    return 0;
}

bool board_rf_receive(unsigned timer, uint8_t frame[BOARD_DOWNLINK], int16_t *rssi_dbm)
{
    struct devport_frame got;
    if (devport_radio_receive(board.radio, board.carrier_hz, board.timers_ns[timer], &got) == 0)
        return false;
    memcpy(frame, got.data, BOARD_DOWNLINK);
    *rssi_dbm = (int16_t)got.dbm;
    return true;
}

bool board_rf_carrier_sense(unsigned timer, uint32_t band_hz, int8_t threshold_dbm,
                            uint32_t clear_ms)
{
    return devport_radio_wait_clear(board.radio, board.carrier_hz, band_hz, threshold_dbm,
                                    clear_ms * DEVPORT_MS, board.timers_ns[timer]);
}

void board_rf_tone(uint32_t ms)
{
    devport_radio_tone(board.radio, board.carrier_hz, board.dbm, ms * DEVPORT_MS);
}

// --- the rest of a device

size_t board_uart_read(void *data, size_t max)
{
    size_t n;
    while ((n = devport_uart_read(board.port, data, max)) == 0)
        devport_wait(board.port, DEVPORT_NEVER);
    return n;
}

void board_uart_write(const char *text)
{
    devport_uart_write(board.port, text, strlen(text));
}

bool board_pin_read(unsigned line)
{
    return devport_gpio_read(board.port, line);
}

void board_pin_write(unsigned line, bool high)
{
    devport_gpio_write(board.port, line, high);
}
