#include "dut/port/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/port/link.h"

// A message of the lab that has a time and waits for it.
struct event {
    int64_t t_ns;
    unsigned type;
    uint32_t a;
    uint32_t b;
    uint8_t *data; // owned; bytes of UART_RX
    size_t len;
};

struct devport {
    struct portlink link;
    struct devport_boot boot;
    int64_t now_ns;
    int64_t granted_ns;
    uint64_t grants;      // how many came, so that a wait can tell that one did
    struct event *events; // oldest first, events[first_event .. n_events)
    size_t first_event;
    size_t n_events;
    size_t events_cap;
    unsigned news;
    uint8_t fifo[DEVPORT_UART_FIFO];
    size_t fifo_len;
    uint64_t fifo_lost;
    uint32_t gpio[DEVPORT_GPIO_LINES];
    uint32_t supply_mv;
    int32_t temperature_mc;
    bool nvm_done; // an answer to the access under way is in the next four
    int64_t nvm_end_ns;
    int nvm_status;
    uint8_t *nvm_into; // lent by the caller of devport_nvm_read
    uint32_t nvm_len;
    float *heard; // lent by the caller of devport_rf_listen; NULL when nobody listens
    size_t heard_max;
    size_t heard_n;
};

static void queue_event(struct devport *p, unsigned type, const uint8_t *body, size_t len)
{
    if (p->first_event == p->n_events) p->first_event = p->n_events = 0;
    if (p->n_events == p->events_cap) {
        size_t cap = p->events_cap ? 2 * p->events_cap : 16;
        struct event *events = realloc(p->events, cap * sizeof *events);
        if (!events) portlink_no_memory();
        p->events = events;
        p->events_cap = cap;
    }
    struct event *e = &p->events[p->n_events];
    *e = (struct event){.t_ns = (int64_t)portlink_get64(body), .type = type};
    if (type == PORT_UART_RX) {
        e->len = len - 8;
        e->data = malloc(e->len + 1);
        if (!e->data) portlink_no_memory();
        memcpy(e->data, body + 8, e->len);
    } else {
        e->a = portlink_get32(body + 8);
        if (len >= 16) e->b = portlink_get32(body + 12);
    }
    p->n_events++;
}

static void take_nvm_done(struct devport *p, const uint8_t *body, size_t len)
{
    p->nvm_end_ns = (int64_t)portlink_get64(body);
    p->nvm_status = -(int)portlink_get32(body + 8);
    if (p->nvm_status == 0 && p->nvm_into) {
        if (len - 16 != p->nvm_len)
            portlink_lab_broken("NVM_DONE has another length than was read");
        memcpy(p->nvm_into, body + 16, p->nvm_len);
    }
    p->nvm_done = true;
}

static void take_samples(struct devport *p, const uint8_t *body, size_t len)
{
    if (!p->heard) portlink_lab_broken("RF_SAMPLES came and nobody listens");
    size_t n = (len - 24) / 8;
    p->heard_n = n < p->heard_max ? n : p->heard_max;
    for (size_t i = 0; i < 2 * p->heard_n; i++) {
        uint32_t bits = portlink_get32(body + 24 + 4 * i);
        memcpy(&p->heard[i], &bits, sizeof bits);
    }
    p->heard = NULL;
}

// Reads and files one message.
static void take_message(struct devport *p)
{
    const uint8_t *body = NULL;
    size_t len = 0;
    unsigned type = portlink_next(&p->link, &body, &len);
    switch (type) {
    case PORT_GRANT:
        if (len != 8) portlink_lab_broken("GRANT has a wrong length");
        p->granted_ns = (int64_t)portlink_get64(body);
        p->grants++;
        return;
    case PORT_UART_RX:
        if (len < 8) portlink_lab_broken("UART_RX has a wrong length");
        queue_event(p, type, body, len);
        return;
    case PORT_GPIO_IN:
        if (len != 16) portlink_lab_broken("GPIO_IN has a wrong length");
        queue_event(p, type, body, len);
        return;
    case PORT_TEMPERATURE:
        if (len != 16) portlink_lab_broken("TEMPERATURE has a wrong length");
        queue_event(p, type, body, len);
        return;
    case PORT_SUPPLY:
        if (len != 12) portlink_lab_broken("SUPPLY has a wrong length");
        queue_event(p, type, body, len);
        return;
    case PORT_NVM_DONE:
        if (len < 16) portlink_lab_broken("NVM_DONE has a wrong length");
        take_nvm_done(p, body, len);
        return;
    case PORT_RF_SAMPLES:
        if (len < 24 || (len - 24) % 8) portlink_lab_broken("RF_SAMPLES has a wrong length");
        take_samples(p, body, len);
        return;
    default:
        portlink_lab_broken("a message of unknown type came");
    }
}

// Lets an event happen.
static void apply(struct devport *p, struct event *e)
{
    if (e->t_ns > p->now_ns) p->now_ns = e->t_ns;
    if (e->type == PORT_UART_RX) {
        size_t room = sizeof p->fifo - p->fifo_len;
        size_t n = e->len < room ? e->len : room;
        memcpy(p->fifo + p->fifo_len, e->data, n);
        p->fifo_len += n;
        p->fifo_lost += e->len - n;
        p->news |= DEVPORT_NEWS_UART;
    } else if (e->type == PORT_GPIO_IN) {
        if (e->a < DEVPORT_GPIO_LINES) p->gpio[e->a] = e->b;
        p->news |= DEVPORT_NEWS_GPIO;
    } else if (e->type == PORT_TEMPERATURE) {
        p->temperature_mc = (int32_t)e->a;
        p->news |= DEVPORT_NEWS_TEMPERATURE;
    } else {
        p->supply_mv = e->a;
        p->news |= DEVPORT_NEWS_SUPPLY;
    }
    free(e->data);
}

// Everything but logging needs a lab that knows this program.
static void check_ready(const struct devport *p, const char *function)
{
    if (!p || p->grants == 0)
        portlink_misused("%s: the port is not open for it yet; call devport_open and devport_ready "
                         "first, once, and mind what they return",
                         function);
}

// Hands the turn to the lab until it grants time again.
static void ask_for_time(struct devport *p, int64_t next_ns)
{
    uint8_t next[8];
    portlink_put64(next, (uint64_t)next_ns);
    portlink_put(&p->link, PORT_IDLE, next, sizeof next, NULL, 0);
    portlink_flush(&p->link);
    for (uint64_t before = p->grants; p->grants == before;)
        take_message(p);
}

// Moves time to until_ns, or to the next event before it and lets that happen. True when an event
// came.
static bool advance(struct devport *p, int64_t until_ns)
{
    for (;;) {
        if (p->first_event < p->n_events && p->events[p->first_event].t_ns <= until_ns) {
            apply(p, &p->events[p->first_event++]);
            return true;
        }
        if (until_ns <= p->granted_ns) {
            if (until_ns > p->now_ns) p->now_ns = until_ns;
            return false;
        }
        ask_for_time(p, until_ns);
    }
}

unsigned devport_wait(struct devport *p, int64_t until_ns)
{
    check_ready(p, "devport_wait");
    if (p->news == 0) advance(p, until_ns);
    unsigned news = p->news;
    p->news = 0;
    return news;
}

void devport_sleep(struct devport *p, int64_t until_ns)
{
    check_ready(p, "devport_sleep");
    while (advance(p, until_ns)) {
    }
}

int64_t devport_now_ns(const struct devport *p)
{
    return p->now_ns;
}

size_t devport_uart_read(struct devport *p, void *data, size_t max)
{
    size_t n = p->fifo_len < max ? p->fifo_len : max;
    memcpy(data, p->fifo, n);
    memmove(p->fifo, p->fifo + n, p->fifo_len - n);
    p->fifo_len -= n;
    return n;
}

uint64_t devport_uart_lost(const struct devport *p)
{
    return p->fifo_lost;
}

void devport_uart_write(struct devport *p, const void *data, size_t len)
{
    uint8_t head[8];
    check_ready(p, "devport_uart_write");
    portlink_put64(head, (uint64_t)p->now_ns);
    portlink_put(&p->link, PORT_UART_TX, head, sizeof head, data, len);
}

uint32_t devport_gpio_read(const struct devport *p, unsigned line)
{
    return line < DEVPORT_GPIO_LINES ? p->gpio[line] : 0;
}

void devport_gpio_write(struct devport *p, unsigned line, uint32_t level)
{
    uint8_t head[16];
    check_ready(p, "devport_gpio_write");
    if (line >= DEVPORT_GPIO_LINES || level > 1)
        portlink_misused("devport_gpio_write: expected a line from 0 to %d and a level of 0 or 1, "
                         "got line %u, level %u",
                         DEVPORT_GPIO_LINES - 1, line, level);
    portlink_put64(head, (uint64_t)p->now_ns);
    portlink_put32(head + 8, line);
    portlink_put32(head + 12, level);
    portlink_put(&p->link, PORT_GPIO_OUT, head, sizeof head, NULL, 0);
}

uint32_t devport_supply_mv(const struct devport *p)
{
    return p->supply_mv;
}

int32_t devport_temperature_mc(const struct devport *p)
{
    return p->temperature_mc;
}

// Asks for an NVM access and waits until it has ended; things that come meanwhile are kept.
static int nvm_access(struct devport *p, enum port_message type, uint32_t offset, uint32_t len,
                      const void *data, size_t data_len)
{
    uint8_t head[16];
    check_ready(p, type == PORT_NVM_READ ? "devport_nvm_read" : "devport_nvm_write");
    portlink_put64(head, (uint64_t)p->now_ns);
    portlink_put32(head + 8, offset);
    portlink_put32(head + 12, len);
    portlink_put(&p->link, type, head, sizeof head, data, data_len);
    portlink_flush(&p->link);
    for (p->nvm_done = false; !p->nvm_done;)
        take_message(p);
    p->nvm_into = NULL;
    while (advance(p, p->nvm_end_ns)) {
    }
    return p->nvm_status;
}

int devport_nvm_read(struct devport *p, uint32_t offset, void *data, uint32_t len)
{
    p->nvm_into = data;
    p->nvm_len = len;
    return nvm_access(p, PORT_NVM_READ, offset, len, NULL, 0);
}

int devport_nvm_write(struct devport *p, uint32_t offset, const void *data, uint32_t len)
{
    p->nvm_into = NULL;
    return nvm_access(p, PORT_NVM_WRITE, offset, len, data, len);
}

void devport_rf_transmit(struct devport *p, double carrier_hz, double rate_hz, const float *iq,
                         size_t n)
{
    uint8_t head[24];
    check_ready(p, "devport_rf_transmit");
    if (n > (PORT_BODY_MAX - sizeof head) / 8)
        portlink_misused("devport_rf_transmit: expected at most %zu samples, got %zu; send them in "
                         "parts, or at a lower rate",
                         (PORT_BODY_MAX - sizeof head) / 8, n);
    portlink_put64(head, (uint64_t)p->now_ns);
    portlink_put_double(head + 8, carrier_hz);
    portlink_put_double(head + 16, rate_hz);
    portlink_put_floats(&p->link, PORT_RF_TX, head, sizeof head, iq, 2 * n);
}

size_t devport_rf_listen(struct devport *p, int64_t from_ns, int64_t to_ns, double carrier_hz,
                         double rate_hz, float *iq, size_t max)
{
    uint8_t head[32];
    check_ready(p, "devport_rf_listen");
    if (from_ns < p->now_ns || to_ns <= from_ns)
        portlink_misused("devport_rf_listen: expected a window that begins now (%lld ns) or later "
                         "and ends after that, got %lld to %lld ns",
                         (long long)p->now_ns, (long long)from_ns, (long long)to_ns);
    portlink_put64(head, (uint64_t)from_ns);
    portlink_put64(head + 8, (uint64_t)to_ns);
    portlink_put_double(head + 16, carrier_hz);
    portlink_put_double(head + 24, rate_hz);
    portlink_put(&p->link, PORT_RF_LISTEN, head, sizeof head, NULL, 0);
    p->heard = iq;
    p->heard_max = max;
    p->heard_n = 0;
    while (advance(p, to_ns)) {
    }
    // When the grant had already reached beyond to_ns, the lab has not had its turn yet.
    if (p->heard) ask_for_time(p, p->granted_ns + 1);
    if (p->heard) portlink_lab_broken("the window is over and no RF_SAMPLES came");
    return p->heard_n;
}

void devport_log(struct devport *p, const char *format, ...)
{
    char text[480];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0) return;
    uint8_t head[8];
    portlink_put64(head, (uint64_t)p->now_ns);
    portlink_put(&p->link, PORT_LOG, head, sizeof head, text, strlen(text));
}

void devport_image(struct devport *p, uint32_t image, uint32_t offset, const void *data, size_t len)
{
    uint8_t head[8];
    check_ready(p, "devport_image");
    portlink_put32(head, image);
    portlink_put32(head + 4, offset);
    portlink_put(&p->link, PORT_IMAGE, head, sizeof head, data, len);
}

void devport_protect(struct devport *p, uint32_t image, bool readable, bool is_volatile)
{
    uint8_t body[16];
    check_ready(p, "devport_protect");
    portlink_put64(body, (uint64_t)p->now_ns);
    portlink_put32(body + 8, image | (is_volatile ? PORT_PROTECT_VOLATILE : 0));
    portlink_put32(body + 12, readable);
    portlink_put(&p->link, PORT_PROTECT, body, sizeof body, NULL, 0);
}

// Opening and closing

static int fail_open(struct devport *p, int code, char *why, size_t why_size, const char *text)
{
    snprintf(why, why_size, "%s", text);
    devport_close(p);
    return code;
}

int devport_open(struct devport **out, char *why, size_t why_size)
{
    const char *name = getenv("FOXPORT_FD");
    char *end = NULL;
    long fd = name ? strtol(name, &end, 10) : -1;
    if (!name || end == name || *end || fd < 0 || fd > 1 << 20) {
        return fail_open(NULL, -ENOENT, why, why_size,
                         "FOXPORT_FD does not name a socket: start this program from a lab "
                         "(foxlab run SCENARIO)");
    }
    struct devport *p = calloc(1, sizeof *p);
    if (!p) return fail_open(NULL, -ENOMEM, why, why_size, "no memory for the device port");
    p->link.fd = (int)fd;

    const uint8_t *body = NULL;
    size_t len = 0;
    unsigned type = portlink_next(&p->link, &body, &len);
    if (type != PORT_HELLO || len < 32) {
        return fail_open(p, -EPROTO, why, why_size,
                         "expected the lab's HELLO, got another message");
    }
    if (portlink_get32(body) < PORT_VERSION) {
        devport_refuse(p, "this program speaks a later version of the device port than the lab");
        return fail_open(p, -EPROTO, why, why_size,
                         "the lab speaks an earlier version of the device port; build both from "
                         "one tree");
    }
    p->boot.cause = portlink_get32(body + 4) == PORT_BOOT_RESET ? PORT_BOOT_RESET : PORT_BOOT_POWER;
    p->boot.now_ns = (int64_t)portlink_get64(body + 8);
    p->boot.seed = portlink_get64(body + 16);
    p->boot.supply_mv = portlink_get32(body + 24);
    p->boot.nvm_size = portlink_get32(body + 28);
    size_t unit_len = len - 32 < DEVPORT_UNIT_MAX ? len - 32 : DEVPORT_UNIT_MAX;
    memcpy(p->boot.unit, body + 32, unit_len);
    p->now_ns = p->granted_ns = p->boot.now_ns;
    p->supply_mv = p->boot.supply_mv;
    *out = p;
    return 0;
}

void devport_ready(struct devport *p, const char *program)
{
    uint8_t head[8];
    if (!p || p->grants > 0)
        portlink_misused("devport_ready: expected one call, behind devport_open");
    portlink_put32(head, PORT_VERSION);
    portlink_put32(head + 4, 0);
    portlink_put(&p->link, PORT_READY, head, sizeof head, program, strlen(program));
    portlink_flush(&p->link);
    while (p->grants == 0)
        take_message(p);
    // What the lab says of the pins and the temperature before the first grant holds from the
    // start. Only levels are news: a pin that is high now has not been low before.
    while (p->first_event < p->n_events && p->events[p->first_event].t_ns <= p->now_ns)
        apply(p, &p->events[p->first_event++]);
    p->news &= ~(unsigned)DEVPORT_NEWS_TEMPERATURE;
}

void devport_refuse(struct devport *p, const char *why)
{
    portlink_put(&p->link, PORT_REFUSE, NULL, 0, why, strlen(why));
    portlink_flush(&p->link);
}

void devport_close(struct devport *p)
{
    if (!p) return;
    portlink_deinit(&p->link);
    for (size_t i = p->first_event; i < p->n_events; i++)
        free(p->events[i].data);
    free(p->events);
    free(p);
}

const struct devport_boot *devport_boot(const struct devport *p)
{
    return &p->boot;
}
