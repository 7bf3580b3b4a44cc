// The device port's C client: a device program's clock, serial line, non-volatile memory and radio
// inside the lab.
//
// Written in blocking style: the program computes in no time at all, and time passes only inside
// devport_wait and the NVM functions. Depends on libc and libm alone, so that the files of this
// folder can be copied into a vendor's project. devport_close frees everything; one thread calls.
//
// The lab is the device's supply. When its socket ends, or cannot be written, the power is gone:
// the process ends quietly with status 0 inside whatever call it was in. A lab that breaks the
// protocol ends it with status 3 and one line on stderr. So nothing after devport_open has to be
// checked for failure.
#ifndef DUT_PORT_CLIENT_H
#define DUT_PORT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dut/port/port_wire.h"

enum { DEVPORT_UNIT_MAX = 63, DEVPORT_GPIO_LINES = 32, DEVPORT_UART_FIFO = 1024 };

#define DEVPORT_NEVER  PORT_NEVER
#define DEVPORT_SECOND INT64_C(1000000000)
#define DEVPORT_MS     INT64_C(1000000)

// What a wait was ended by; bits, so that several can come at once.
enum devport_news {
    DEVPORT_NEWS_UART = 1,
    DEVPORT_NEWS_GPIO = 2,
    DEVPORT_NEWS_SUPPLY = 4,
    DEVPORT_NEWS_TEMPERATURE = 8
};

// What the lab said when the device was switched on. Lent by devport_boot.
struct devport_boot {
    enum port_boot_cause cause;
    int64_t now_ns;
    uint64_t seed;
    uint32_t supply_mv;
    uint32_t nvm_size;
    char unit[DEVPORT_UNIT_MAX + 1]; // name of this unit in the scenario
};

struct devport;

/// Reads the lab's HELLO from the socket named by FOXPORT_FD. Negative errno on failure, with one
/// line in why.
int devport_open(struct devport **out, char *why, size_t why_size);
/// Accepts the lab's offer under the program's name and version, and waits for the first grant.
void devport_ready(struct devport *p, const char *program);
/// Declines instead: the lab reports `why` (one line). The caller then exits.
void devport_refuse(struct devport *p, const char *why);
/// Accepts NULL.
void devport_close(struct devport *p);
const struct devport_boot *devport_boot(const struct devport *p);

/// The lab's time, in nanoseconds.
int64_t devport_now_ns(const struct devport *p);
/// Lets time pass up to until_ns, or less when something comes in. Returns what came (enum
/// devport_news) since the last wait ended, 0 when the time is reached. Things that came while an
/// NVM access was waited for end the next wait at once.
unsigned devport_wait(struct devport *p, int64_t until_ns);

/// Lets time pass up to until_ns, whatever comes in; that ends the next devport_wait at once.
void devport_sleep(struct devport *p, int64_t until_ns);

/// Up to max received bytes; returns how many. Bytes beyond DEVPORT_UART_FIFO unread ones are lost.
size_t devport_uart_read(struct devport *p, void *data, size_t max);
/// How many received bytes were lost so far because nobody read.
uint64_t devport_uart_lost(const struct devport *p);
void devport_uart_write(struct devport *p, const void *data, size_t len);

/// Level of an input line, last told by the lab (0 before).
uint32_t devport_gpio_read(const struct devport *p, unsigned line);
void devport_gpio_write(struct devport *p, unsigned line, uint32_t level);
uint32_t devport_supply_mv(const struct devport *p);
/// Thousandths of a degree Celsius.
int32_t devport_temperature_mc(const struct devport *p);

/// 0, or a negative errno from the lab (out of range).
int devport_nvm_read(struct devport *p, uint32_t offset, void *data, uint32_t len);
/// Returns when the last byte is written. A power cut on the way keeps the bytes written by then.
int devport_nvm_write(struct devport *p, uint32_t offset, const void *data, uint32_t len);

/// Sends a burst that starts now: n complex samples (I0, Q0, I1, …) in sqrt(mW) at rate_hz around
/// carrier_hz. Returns at once; time goes on only in devport_wait.
void devport_rf_transmit(struct devport *p, double carrier_hz, double rate_hz, const float *iq,
                         size_t n);
/// Listens around carrier_hz from from_ns (not before now) to to_ns and returns then: at most max
/// complex samples in sqrt(mW), how many. Things that come meanwhile end the next wait at once.
size_t devport_rf_listen(struct devport *p, int64_t from_ns, int64_t to_ns, double carrier_hz,
                         double rate_hz, float *iq, size_t max);
/// One line into the lab's log.
void devport_log(struct devport *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// What the debug port or a flash reader finds in memory image number `image` (enum port_image)
/// from now on; the rest of the image stays as it was.
void devport_image(struct devport *p, uint32_t image, uint32_t offset, const void *data,
                   size_t len);
/// Whether the debug port may read `image` from now on. Kept over resets and power cuts like option
/// bytes, unless it is volatile: then it holds until the power goes. What is in effect is the
/// latest word of either kind. A device that never said a word is open.
void devport_protect(struct devport *p, uint32_t image, bool readable, bool is_volatile);

#endif
