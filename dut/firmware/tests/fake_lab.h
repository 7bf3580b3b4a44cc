// The lab's side of the device port, as small as a test needs it, around the real foxdut (or
// another device program).
//
// It checks the device's manners as it goes (times never decrease, never lie beyond the grant, IDLE
// ends every grant) and fails the running cmocka test when they are bad. The NVM outlives the
// device; lab_init starts with a blank one. One device at a time.
#ifndef DUT_FIRMWARE_TESTS_FAKE_LAB_H
#define DUT_FIRMWARE_TESTS_FAKE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dut/port/client.h"
#include "dut/port/port_wire.h"

enum {
    LAB_BURSTS_MAX = 128,
    LAB_UART_MAX = 65536,
    LAB_WRITES_MAX = 64,
    LAB_ARGS_MAX = 16,
    LAB_LISTENS_MAX = 1024,
    LAB_PROTECTS_MAX = 128
};

struct lab_burst {
    int64_t t_ns;
    double carrier_hz;
    double rate_hz;
    size_t n;
    float *iq; // owned
};

struct lab_write {
    int64_t t_ns;
    uint32_t offset;
    uint32_t len;
    size_t bursts_before; // how many bursts had left when it began
};

// A stretch of time in which the device has listened.
struct lab_listen {
    int64_t from_ns;
    int64_t to_ns;
    double carrier_hz;
    double rate_hz;
};

// What the device said about the debug port.
struct lab_protect {
    int64_t t_ns;
    uint32_t image; // with the volatile bit
    uint32_t readable;
};

struct lab {
    // set by the test, before power_on
    const char *program; // beside foxdut, started without arguments; NULL: foxdut with the rest
    const char *id;      // NULL: 0badcafe
    const char *key_hex;
    const char *args[LAB_ARGS_MAX]; // further arguments, NULL-terminated
    int64_t grant_step_ns;          // grants no longer than this; 0: as long as possible
    bool in_the_field;              // the lab-enable line is low when it starts
    bool cut_at_first_burst;
    int cut_write_after; // cut the power when this many bytes of a write are done; -1: never
    int write_errno;     // refuse NVM writes with this; 0: never
    uint64_t seed;
    /// Fills n complex samples (zeroed before) with what the device hears. NULL: silence.
    void (*hear)(void *ctx, const struct lab_listen *window, float *iq, size_t n);
    void *hear_ctx;

    uint8_t nvm[PORT_NVM_SIZE];
    uint8_t nvm_before[PORT_NVM_SIZE]; // as it was when the newest write began
    pid_t pid;                         // 0 while the device is off
    int fd;
    int64_t now_ns;
    int64_t last_ns; // newest time the device has told
    int64_t next_ns; // of the last IDLE
    char uart[LAB_UART_MAX];
    size_t uart_len;
    struct lab_burst bursts[LAB_BURSTS_MAX];
    size_t n_bursts;
    struct lab_write writes[LAB_WRITES_MAX];
    size_t n_writes;
    struct lab_listen listens[LAB_LISTENS_MAX];
    size_t n_listens;
    size_t n_listened; // how many of them the device has got the samples of
    // Memory that a probe could read, and what it may; both outlive the device.
    uint8_t *images[PORT_IMAGES]; // PORT_IMAGE_FLASH_SIZE bytes each; owned
    struct lab_protect protects[LAB_PROTECTS_MAX];
    size_t n_protects;
    char ready[128];
    char refused[512];
    char log[1024];
    uint32_t outputs; // level of its output line n in bit n, as it has said
    int exit_code;    // after the process ended by itself
};

void lab_init(struct lab *l);
/// Ends the device and frees the bursts.
void lab_deinit(struct lab *l);
/// Starts foxdut; false when it refused (text in refused, code in exit_code).
bool lab_power_on(struct lab *l, enum port_boot_cause cause);
/// Kills the device, as a power cut or a reset does.
void lab_kill(struct lab *l);
/// Closes the socket and waits for the device to end by itself; returns its exit code.
int lab_hang_up(struct lab *l);
/// Lets time pass. Stops early when the power was cut by one of the switches above.
void lab_run(struct lab *l, int64_t for_ns);
/// Bytes for the device's serial line, now.
void lab_uart(struct lab *l, const void *data, size_t len);
void lab_gpio(struct lab *l, uint32_t line, uint32_t level);
/// Sends a command line and runs until the device is silent for its next answer: the new serial
/// output, as a string lent until the next call.
const char *lab_command(struct lab *l, const char *line);
/// Forgets bursts, writes, windows and serial output so far.
void lab_forget(struct lab *l);
/// Puts a counter record into the NVM as if the last message had had this value.
void lab_set_counter(struct lab *l, uint16_t last);

#endif
