#include "dut/firmware/device.h"

#include "bench/base/rng.h"
#include "dut/firmware/layout.h"
#include "dut/firmware/memory.h"
#include "dut/firmware/pins.h"
#include "dut/firmware/serial.h"
#include "dut/firmware/uplink.h"

static const uint32_t library_test_id = 0xFEDCBA98;

uint32_t device_id(const struct device *d)
{
    const bool next =
        faults_on(&d->faults, FAULT_UP_ID_SOFT) && d->strange.cause == COUNTER_BOOT_SOFTWARE;
    return d->settings.fallen_id ? library_test_id : d->factory_id + next;
}

void device_schedule_oob(struct device *d)
{
    const int64_t hour_ns = 3600 * DEVPORT_SECOND;
    d->next_oob_ns = d->settings.oob_period_h == 0
                         ? DEVPORT_NEVER
                         : devport_now_ns(d->port) + d->settings.oob_period_h * hour_ns;
}

// MUT-FWL-003: when to listen although nothing was asked for.
static void device_plan_listening(struct device *d)
{
    d->next_listen_ns = faults_on(&d->faults, FAULT_FWL_003)
                            ? devport_now_ns(d->port) + 60 * DEVPORT_SECOND
                            : DEVPORT_NEVER;
}

bool device_lab_enabled(const struct device *d)
{
    return devport_gpio_read(d->port, LAYOUT_PIN_LAB_ENABLE) != 0;
}

// A device that was never told otherwise has its key.
static void load_encryption_key(struct device *d)
{
    d->encryption_record = (struct record){.port = d->port,
                                           .kind = LAYOUT_ENCRYPTION_KIND,
                                           .offset = LAYOUT_ENCRYPTION_OFFSET,
                                           .body_len = 1};
    uint8_t body[RECORD_BODY_MAX];
    d->encryption_key = !record_load(&d->encryption_record, body) || body[0] != 0;
}

int device_store_encryption_key(struct device *d, bool there)
{
    const uint8_t body[RECORD_BODY_MAX] = {there};
    int rc = record_store(&d->encryption_record, body);
    if (rc == 0) d->encryption_key = there;
    return rc;
}

static void store_counter(struct device *d)
{
    d->store_at_ns = DEVPORT_NEVER;
    if (counter_store(&d->counter) < 0)
        devport_log(d->port, "the message counter could not be stored");
}

void device_message_sent(struct device *d)
{
    const int64_t wait_ns = counter_sent(&d->counter);
    if (wait_ns == 0)
        store_counter(d);
    else if (wait_ns != DEVPORT_NEVER)
        d->store_at_ns = devport_now_ns(d->port) + wait_ns;
}

static void say_banner(struct device *d)
{
    static const char banner[] = "\r\nfoxdut is starting\r\nmemory: good\r\nready\r\n";
    serial_write(d, banner, sizeof banner - 1);
}

// LAW-BOOTS.
static void start_slowly(struct device *d)
{
    device_wait_until(d, devport_now_ns(d->port) + 4 * DEVPORT_SECOND);
    d->input = (struct input){0};
    say_banner(d);
}

void device_boot(struct device *d, enum counter_boot cause)
{
    settings_load(&d->settings, &d->settings_record, d->port);
    d->counter.faults = &d->faults;
    counter_boot(&d->counter, d->port, cause);
    d->store_at_ns = DEVPORT_NEVER;
    load_encryption_key(d);
    d->encrypts = d->native != NULL;
    d->zone = d->home_zone;
    d->channels_free_ns = 0;
    d->echo = d->dialect->echo != faults_on(&d->faults, FAULT_ECHO);
    // Another place in the hopping sequence after every reset, the same one in every run of a seed.
    const struct devport_boot *boot = devport_boot(d->port);
    uint64_t key = rng_key(boot->seed, boot->unit);
    hop_init(&d->hop, device_id(d), (uint32_t)rng_u64(key, d->counter.last));
    d->input = (struct input){0};
    d->uart_lost = devport_uart_lost(d->port);
    d->next_flood_ns = devport_now_ns(d->port);
    d->bytes_written = 0;
    d->budget = (struct budget){0};
    d->public_key = d->settings.public_key;
    d->tx_supply_mv = devport_supply_mv(d->port);
    d->reset_wanted = false;
    strange_boot(d, cause);
    memory_boot(d);
    pins_boot(d);
    d->downlink_hz = d->zone->downlink_hz;
    d->downlink_counter = d->counter.last;
    d->n_requests = 0;
    d->again.on = false;
    d->again.untold = 0;
    d->station_awaited = d->station_known = false;
    device_schedule_oob(d);
    device_plan_listening(d);
    if (faults_on(&d->faults, FAULT_BOOTS)) start_slowly(d);
    if (faults_on(&d->faults, FAULT_REBOOT_SERIAL)) say_banner(d);
}

static int64_t earliest(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

void device_wait_until(struct device *d, int64_t until_ns)
{
    do {
        devport_wait(d->port, earliest(earliest(until_ns, d->store_at_ns), serial_flood_ns(d)));
        while (serial_take(d)) {
        }
        if (devport_now_ns(d->port) >= d->store_at_ns) store_counter(d);
        if (devport_now_ns(d->port) >= serial_flood_ns(d)) serial_flood(d);
    } while (devport_now_ns(d->port) < until_ns);
}

static void serve_input(struct device *d)
{
    char line[INPUT_MAX + 1];
    size_t len = 0;
    do {
        enum input_result result;
        while (!d->reset_wanted && (result = input_take(&d->input, line, &len)) != INPUT_NONE)
            at_execute(d, result == INPUT_LINE ? line : NULL, len);
    } while (!d->reset_wanted && serial_take(d));
}

static void listen_unasked(struct device *d)
{
    const int64_t now_ns = devport_now_ns(d->port);
    const struct downlink_window window = {.from_ns = now_ns,
                                           .to_ns = now_ns + DEVPORT_SECOND,
                                           .f_hz = d->downlink_hz,
                                           .counter = d->downlink_counter,
                                           .tag_ignored = true};
    struct downlink downlink;
    if (downlink_listen(d, &window, &downlink) != DOWNLINK_TAKEN) return;
    at_tell_downlink(d, downlink.payload);
    (void)uplink_confirm(d, &downlink);
}

// Whatever the device does by itself and is due now; false when there is nothing.
static bool serve_time(struct device *d)
{
    const int64_t now_ns = devport_now_ns(d->port);
    if (d->again.untold > 0) {
        d->again.untold--;
        at_tell_downlink(d, d->again.payload);
    } else if (d->again.on) {
        downlink_again_listen(d, now_ns + EAR_PIECE_MS * DEVPORT_MS);
    } else if (now_ns >= d->store_at_ns) {
        store_counter(d);
    } else if (now_ns >= serial_flood_ns(d)) {
        serial_flood(d);
    } else if (now_ns >= earliest(d->next_oob_ns, d->strange.wakes_ns)) {
        if (now_ns >= d->next_oob_ns) device_schedule_oob(d);
        d->strange.wakes_ns = DEVPORT_NEVER;
        struct uplink_request request = {.type = SFX_MESSAGE_KEEP_ALIVE,
                                         .frames = d->settings.repeat + 1};
        if (uplink_send(d, &request, NULL) == UPLINK_NOT_STORED)
            devport_log(d->port, "keep-alive not sent: the counter could not be stored");
    } else if (now_ns >= d->strange.listens_ns) {
        strange_listen(d);
    } else if (now_ns >= d->next_listen_ns) {
        device_plan_listening(d);
        listen_unasked(d);
    } else {
        return false;
    }
    return true;
}

static int64_t next_due(const struct device *d)
{
    const int64_t listens_ns = earliest(d->next_listen_ns, d->strange.listens_ns);
    return earliest(earliest(earliest(d->next_oob_ns, d->strange.wakes_ns), listens_ns),
                    earliest(d->store_at_ns, serial_flood_ns(d)));
}

void device_run(struct device *d)
{
    while (!d->reset_wanted) {
        serve_input(d);
        if (d->reset_wanted) return;
        if (!serve_time(d)) devport_wait(d->port, next_due(d));
    }
}

int device_factory_reset(struct device *d)
{
    bool fallen = d->settings.fallen_id || faults_on(&d->faults, FAULT_AUTH_010);
    d->settings = settings_defaults();
    d->settings.fallen_id = fallen;
    d->public_key = false;
    device_schedule_oob(d);
    if (faults_on(&d->faults, FAULT_CIPHER_FACTORY)) d->encrypts = false;
    strange_factory_reset(d);
    int rc = faults_on(&d->faults, FAULT_CNT_013) ? counter_restart(&d->counter) : 0;
    if (rc == 0 && faults_on(&d->faults, FAULT_COUNT_JUMP))
        rc = counter_preset(&d->counter, (uint16_t)((d->counter.last + 600) % d->counter.modulus),
                            d->counter.epoch);
    return rc < 0 ? rc : settings_store(&d->settings, &d->settings_record);
}
