// Board support for an end-point library: every function that such a library asks of its board, by
// the name that says what it does. Copy this pair of files, rename the functions to what the
// library's headers want, and delete what it does not ask for. docs/DEVICE_PORT.md has the table.
//
// Blocking style; one device per process, so the board is a file-local object (board_template.c).
// Statuses: 0, or a negative errno.
#ifndef DUT_PORT_BOARD_TEMPLATE_H
#define DUT_PORT_BOARD_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOARD_TIMERS = 4, BOARD_ID = 4, BOARD_PAC = 8, BOARD_KEY = 16, BOARD_DOWNLINK = 15 };

// --- start: call it first in main

/// Connects to the lab under the program's name. Options in argv: --id HEX8 --key HEX32
/// [--pac HEX16]. Ends the process with one line on stderr when there is no lab.
void board_start(const char *program, int argc, char **argv);

// --- MCU: credentials, AES, memory

void board_read_id(uint8_t id[BOARD_ID]);    // most significant byte first
void board_read_pac(uint8_t pac[BOARD_PAC]); // the initial one
/// AES-128 CBC, zero IV, under the device's key: 16 or 32 bytes for a tag.
int board_aes_encrypt(uint8_t *data, size_t len);
/// The same under a key of the library's (public key, session key).
int board_aes_encrypt_with(const uint8_t key[BOARD_KEY], uint8_t *data, size_t len);
int board_nvm_read(void *data, size_t len);
/// Returns when it is stored; a power cut on the way tears it.
int board_nvm_write(const void *data, size_t len);

// --- MCU: timers, measurements, random numbers

void board_timer_start(unsigned timer, uint32_t ms);
void board_timer_stop(unsigned timer);
bool board_timer_is_over(unsigned timer);
/// Blocks until the timer is over; at once when it does not run.
void board_timer_wait(unsigned timer);
void board_delay_ms(uint32_t ms);
/// Supply at rest and during the last transmission, in mV; temperature in tenths of a degree.
void board_measure(uint16_t *idle_mv, uint16_t *transmit_mv, int16_t *temperature_tenths);
uint32_t board_random(void);

// --- RF

void board_rf_wake(void);
void board_rf_sleep(void);
/// Before each transmission and each reception: carrier, bit rate (100 or 600; reception: 600) and
/// level at the connector.
int board_rf_init(uint32_t carrier_hz, uint16_t bit_rate, int8_t dbm);
void board_rf_stop(void);
/// Sends a bit stream by DBPSK and returns when it is out.
int board_rf_send(const uint8_t *stream, size_t len);
/// Waits for a downlink frame: 15 bytes as they came off the air and their level. False: the timer
/// is over. Call again while the library asks for more.
bool board_rf_receive(unsigned timer, uint8_t frame[BOARD_DOWNLINK], int16_t *rssi_dbm);
/// Listen before talk around the carrier of board_rf_init. False: not free before the timer was
/// over.
bool board_rf_carrier_sense(unsigned timer, uint32_t band_hz, int8_t threshold_dbm,
                            uint32_t clear_ms);
/// Certification: a plain carrier.
void board_rf_tone(uint32_t ms);

// --- the rest of a device

/// Waits for bytes on the serial line; how many, at least one.
size_t board_uart_read(void *data, size_t max);
void board_uart_write(const char *text);
bool board_pin_read(unsigned line);
void board_pin_write(unsigned line, bool high);

#endif
