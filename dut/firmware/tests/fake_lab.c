#include "dut/firmware/tests/fake_lab.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/firmware/layout.h"

enum { HEADER = 8, ARGC_MAX = 32 };

static const int64_t command_limit_ns = 400 * DEVPORT_SECOND;

void lab_init(struct lab *l)
{
    *l = (struct lab){.cut_write_after = -1, .fd = -1, .seed = 1};
    memset(l->nvm, 0xff, sizeof l->nvm);
    for (int i = 0; i < PORT_IMAGES; i++) {
        l->images[i] = malloc(PORT_IMAGE_FLASH_SIZE);
        assert_non_null(l->images[i]);
        memset(l->images[i], 0xff, PORT_IMAGE_FLASH_SIZE);
    }
}

void lab_forget(struct lab *l)
{
    for (size_t i = 0; i < l->n_bursts; i++)
        free(l->bursts[i].iq);
    l->n_bursts = l->n_writes = l->n_listens = l->n_listened = l->uart_len = 0;
    l->uart[0] = '\0';
}

void lab_deinit(struct lab *l)
{
    lab_kill(l);
    lab_forget(l);
    for (int i = 0; i < PORT_IMAGES; i++) {
        free(l->images[i]);
        l->images[i] = NULL;
    }
}

// The wire

static void put(uint8_t *out, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *in, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v |= (uint64_t)in[i] << 8 * i;
    return v;
}

static double get_double(const uint8_t *in)
{
    uint64_t bits = get(in, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void send_message(struct lab *l, unsigned type, const uint8_t *head, size_t head_len,
                         const void *tail, size_t tail_len)
{
    uint8_t *m = calloc(1, HEADER + head_len + tail_len);
    assert_non_null(m);
    put(m, type, 2);
    put(m + 4, head_len + tail_len, 4);
    memcpy(m + HEADER, head, head_len);
    if (tail_len > 0) memcpy(m + HEADER + head_len, tail, tail_len);
    for (size_t at = 0; at < HEADER + head_len + tail_len;) {
        ssize_t n = send(l->fd, m + at, HEADER + head_len + tail_len - at, MSG_NOSIGNAL);
        if (n <= 0) break; // the device has ended; reading will show it
        at += (size_t)n;
    }
    free(m);
}

static bool receive(struct lab *l, uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(l->fd, out, len, 0);
        if (n <= 0) return false;
        out += n;
        len -= (size_t)n;
    }
    return true;
}

// One message; free *body. False when the device has ended.
static bool next_message(struct lab *l, unsigned *type, uint8_t **body, size_t *len)
{
    uint8_t header[HEADER];
    if (!receive(l, header, sizeof header)) return false;
    *type = (unsigned)get(header, 2);
    assert_int_equal(get(header + 2, 2), 0);
    *len = get(header + 4, 4);
    assert_true(*len <= PORT_BODY_MAX);
    *body = malloc(*len + 1);
    assert_non_null(*body);
    (*body)[*len] = 0;
    if (receive(l, *body, *len)) return true;
    free(*body);
    return false;
}

// What the device does

static int64_t check_time(struct lab *l, const uint8_t *body)
{
    int64_t t = (int64_t)get(body, 8);
    assert_true(t >= l->last_ns); // times never decrease
    assert_true(t <= l->now_ns);  // nor lie beyond the grant
    l->last_ns = t;
    return t;
}

static void take_burst(struct lab *l, const uint8_t *body, size_t len)
{
    assert_true(l->n_bursts < LAB_BURSTS_MAX);
    struct lab_burst *b = &l->bursts[l->n_bursts++];
    *b = (struct lab_burst){.t_ns = check_time(l, body),
                            .carrier_hz = get_double(body + 8),
                            .rate_hz = get_double(body + 16),
                            .n = (len - 24) / 8};
    assert_int_equal((len - 24) % 8, 0);
    b->iq = malloc(2 * b->n * sizeof *b->iq);
    assert_non_null(b->iq);
    for (size_t i = 0; i < 2 * b->n; i++) {
        uint32_t bits = (uint32_t)get(body + 24 + 4 * i, 4);
        memcpy(&b->iq[i], &bits, sizeof bits);
    }
    if (l->cut_at_first_burst) lab_kill(l);
}

static void answer_nvm(struct lab *l, int64_t t, int status, const uint8_t *data, size_t len)
{
    uint8_t head[16] = {0};
    put(head, (uint64_t)t, 8);
    put(head + 8, (uint64_t)status, 4);
    send_message(l, PORT_NVM_DONE, head, sizeof head, data, len);
}

static void serve_write(struct lab *l, const uint8_t *body, size_t len)
{
    int64_t t = check_time(l, body);
    uint32_t offset = (uint32_t)get(body + 8, 4);
    uint32_t n = (uint32_t)get(body + 12, 4);
    assert_int_equal(len, 16 + n);
    assert_true(offset + n <= PORT_NVM_SIZE);
    assert_true(l->n_writes < LAB_WRITES_MAX);
    l->writes[l->n_writes++] = (struct lab_write){t, offset, n, l->n_bursts};
    if (l->write_errno) {
        answer_nvm(l, t, l->write_errno, NULL, 0);
        return;
    }
    if (l->cut_write_after >= 0 && (uint32_t)l->cut_write_after < n) {
        memcpy(l->nvm + offset, body + 16, (size_t)l->cut_write_after);
        lab_kill(l);
        return;
    }
    memcpy(l->nvm_before, l->nvm, sizeof l->nvm);
    memcpy(l->nvm + offset, body + 16, n);
    answer_nvm(l, t + (int64_t)n * PORT_NVM_NS_PER_BYTE, 0, NULL, 0);
}

static void take_listen(struct lab *l, const uint8_t *body, size_t len)
{
    assert_int_equal(len, 32);
    assert_true(l->n_listens < LAB_LISTENS_MAX);
    struct lab_listen *w = &l->listens[l->n_listens++];
    *w = (struct lab_listen){.from_ns = (int64_t)get(body, 8),
                             .to_ns = (int64_t)get(body + 8, 8),
                             .carrier_hz = get_double(body + 16),
                             .rate_hz = get_double(body + 24)};
    assert_true(w->from_ns >= l->last_ns);
    assert_true(w->to_ns > w->from_ns);
}

// Gives the device the samples of every window that has ended by until_ns.
static void give_samples(struct lab *l, int64_t until_ns)
{
    for (; l->n_listened < l->n_listens && l->listens[l->n_listened].to_ns <= until_ns;
         l->n_listened++) {
        const struct lab_listen *w = &l->listens[l->n_listened];
        size_t n = (size_t)((double)(w->to_ns - w->from_ns) * 1e-9 * w->rate_hz + 1e-6);
        float *iq = calloc(2 * n + 1, sizeof *iq);
        assert_non_null(iq);
        if (l->hear) l->hear(l->hear_ctx, w, iq, n);
        uint8_t head[24];
        put(head, (uint64_t)w->from_ns, 8);
        memcpy(head + 8, &w->carrier_hz, 8); // this machine is little-endian, like the port
        memcpy(head + 16, &w->rate_hz, 8);
        send_message(l, PORT_RF_SAMPLES, head, sizeof head, iq, 2 * n * sizeof *iq);
        free(iq);
    }
}

// One message of the device; false when its turn is over or it has ended.
static bool serve(struct lab *l)
{
    unsigned type = 0;
    uint8_t *body = NULL;
    size_t len = 0;
    if (!next_message(l, &type, &body, &len)) {
        l->exit_code = lab_hang_up(l);
        return false;
    }
    bool more = true;
    switch (type) {
    case PORT_IDLE:
        l->next_ns = (int64_t)get(body, 8);
        assert_true(l->next_ns > l->now_ns);
        more = false;
        break;
    case PORT_UART_TX:
        check_time(l, body);
        assert_true(l->uart_len + len - 8 < LAB_UART_MAX);
        memcpy(l->uart + l->uart_len, body + 8, len - 8);
        l->uart_len += len - 8;
        l->uart[l->uart_len] = '\0';
        break;
    case PORT_NVM_READ: {
        int64_t t = check_time(l, body);
        size_t offset = get(body + 8, 4), n = get(body + 12, 4);
        assert_true(offset + n <= PORT_NVM_SIZE);
        answer_nvm(l, t, 0, l->nvm + offset, n);
        break;
    }
    case PORT_NVM_WRITE:
        serve_write(l, body, len);
        break;
    case PORT_RF_TX:
        take_burst(l, body, len);
        break;
    case PORT_RF_LISTEN:
        take_listen(l, body, len);
        break;
    case PORT_IMAGE: {
        size_t image = get(body, 4), offset = get(body + 4, 4);
        assert_true(image < PORT_IMAGES && offset + len - 8 <= PORT_IMAGE_FLASH_SIZE);
        memcpy(l->images[image] + offset, body + 8, len - 8);
        break;
    }
    case PORT_PROTECT:
        assert_int_equal(len, 16);
        assert_true(l->n_protects < LAB_PROTECTS_MAX);
        l->protects[l->n_protects].t_ns = check_time(l, body);
        l->protects[l->n_protects].image = (uint32_t)get(body + 8, 4);
        l->protects[l->n_protects++].readable = (uint32_t)get(body + 12, 4);
        break;
    case PORT_GPIO_OUT:
        assert_int_equal(len, 16);
        check_time(l, body);
        assert_true(get(body + 8, 4) < 32 && get(body + 12, 4) <= 1);
        l->outputs &= ~(UINT32_C(1) << get(body + 8, 4));
        l->outputs |= (uint32_t)(get(body + 12, 4) << get(body + 8, 4));
        break;
    case PORT_LOG:
        snprintf(l->log, sizeof l->log, "%s", (char *)body + 8);
        break;
    case PORT_READY:
        assert_int_equal(get(body, 4), PORT_VERSION);
        snprintf(l->ready, sizeof l->ready, "%s", (char *)body + 8);
        more = false;
        break;
    case PORT_REFUSE:
        snprintf(l->refused, sizeof l->refused, "%s", (char *)body);
        break;
    default:
        fail_msg("the device sent a message of type %u", type);
    }
    free(body);
    return more && l->pid > 0;
}

// Process and time

static void spawn(struct lab *l, int device_fd)
{
    const char *argv[ARGC_MAX] = {
        FOX_BIN_DIR "/foxdut", "--id",  l->id ? l->id : "0badcafe", "--key",
        "env:FOXDUT_TEST_KEY", "--pac", "0011223344556677"};
    int argc = 7;
    for (int i = 0; i < LAB_ARGS_MAX && l->args[i]; i++)
        argv[argc++] = l->args[i];
    char program[512];
    if (l->program) {
        snprintf(program, sizeof program, "%s/%s", FOX_BIN_DIR, l->program);
        argv[0] = program;
        argv[1] = NULL;
    }
    char number[16];
    snprintf(number, sizeof number, "%d", device_fd);
    setenv("FOXPORT_FD", number, 1);
    setenv("FOXDUT_TEST_KEY", l->key_hex ? l->key_hex : "000102030405060708090a0b0c0d0e0f", 1);
    l->pid = fork();
    assert_true(l->pid >= 0);
    if (l->pid == 0) {
        close(l->fd);
        if (!freopen("/dev/null", "w", stderr)) _exit(127);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
}

bool lab_power_on(struct lab *l, enum port_boot_cause cause)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    l->fd = pair[0];
    l->refused[0] = l->ready[0] = '\0';
    l->n_protects = 0;
    spawn(l, pair[1]);
    close(pair[1]);

    static const char unit[] = "unit 0";
    uint8_t hello[32];
    put(hello, PORT_VERSION, 4);
    put(hello + 4, cause, 4);
    put(hello + 8, (uint64_t)l->now_ns, 8);
    put(hello + 16, l->seed, 8);
    put(hello + 24, 3300, 4);
    put(hello + 28, PORT_NVM_SIZE, 4);
    send_message(l, PORT_HELLO, hello, sizeof hello, unit, strlen(unit));
    l->last_ns = l->now_ns;
    l->next_ns = l->now_ns;
    while (serve(l)) {
    }
    if (l->pid <= 0 || !l->ready[0]) return false;
    if (!l->in_the_field) lab_gpio(l, LAYOUT_PIN_LAB_ENABLE, 1);
    return true;
}

// Takes back the bytes of the newest write whose time has not come.
static void tear_write(struct lab *l)
{
    if (l->n_writes == 0 || l->write_errno || l->cut_write_after >= 0) return;
    const struct lab_write *w = &l->writes[l->n_writes - 1];
    for (uint32_t i = 0; i < w->len; i++) {
        if (w->t_ns + (int64_t)(i + 1) * PORT_NVM_NS_PER_BYTE > l->now_ns)
            l->nvm[w->offset + i] = l->nvm_before[w->offset + i];
    }
}

void lab_kill(struct lab *l)
{
    if (l->pid > 0) tear_write(l);
    if (l->pid > 0) {
        kill(l->pid, SIGKILL);
        waitpid(l->pid, NULL, 0);
    }
    l->pid = 0;
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
}

int lab_hang_up(struct lab *l)
{
    int status = 0;
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
    if (l->pid > 0) assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
    l->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void grant(struct lab *l, int64_t until_ns)
{
    l->now_ns = until_ns;
    give_samples(l, until_ns);
    uint8_t body[8];
    put(body, (uint64_t)until_ns, 8);
    send_message(l, PORT_GRANT, body, sizeof body, NULL, 0);
    while (serve(l)) {
    }
}

void lab_run(struct lab *l, int64_t for_ns)
{
    int64_t until_ns = l->now_ns + for_ns;
    do {
        int64_t t = until_ns;
        if (l->grant_step_ns > 0 && t - l->now_ns > l->grant_step_ns)
            t = l->now_ns + l->grant_step_ns;
        // As the real lab does: what a device has heard is known when its window ends.
        if (l->n_listened < l->n_listens && l->listens[l->n_listened].to_ns < t)
            t = l->listens[l->n_listened].to_ns;
        if (t < l->now_ns) t = l->now_ns;
        grant(l, t);
    } while (l->pid > 0 && l->now_ns < until_ns);
}

void lab_uart(struct lab *l, const void *data, size_t len)
{
    uint8_t head[8];
    put(head, (uint64_t)l->now_ns, 8);
    send_message(l, PORT_UART_RX, head, sizeof head, data, len);
}

void lab_gpio(struct lab *l, uint32_t line, uint32_t level)
{
    uint8_t head[16];
    put(head, (uint64_t)l->now_ns, 8);
    put(head + 8, line, 4);
    put(head + 12, level, 4);
    send_message(l, PORT_GPIO_IN, head, sizeof head, NULL, 0);
}

const char *lab_command(struct lab *l, const char *line)
{
    lab_run(l, DEVPORT_MS);
    size_t before = l->uart_len;
    lab_uart(l, line, strlen(line));
    lab_uart(l, "\r", 1);
    int64_t limit_ns = l->now_ns + command_limit_ns;
    do
        lab_run(l,
                l->next_ns < l->now_ns + DEVPORT_SECOND ? l->next_ns - l->now_ns : DEVPORT_SECOND);
    while (l->pid > 0 && l->uart_len == before && l->now_ns < limit_ns);
    return l->uart + before;
}

void lab_set_counter(struct lab *l, uint16_t last)
{
    // Built from the description in record.h and layout.h, not with the device's own code.
    uint8_t *slot = l->nvm + LAYOUT_COUNTER_OFFSET;
    memset(slot, 0xff, 2 * 24);
    put(slot, 7, 4);
    put(slot + 4, last, 2);
    put(slot + 6, 0, 2);
    uint32_t crc = 0xffffffff;
    const uint8_t kind = LAYOUT_COUNTER_KIND;
    for (int i = -1; i < 8; i++) {
        crc ^= i < 0 ? kind : slot[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    put(slot + 8, ~crc, 4);
}
