#include "dut/lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/log.h"
#include "dut/lab/chaos.h"
#include "dut/lab/commands.h"
#include "dut/lab/streams.h"

// While nobody receives, modem lines are looked at and time moves in steps of this length.
enum { FREE_STEP_MS = 10, HELD_STEP_MS = 50, FAULT_TEXT_MAX = 1 << 20 };
// What an overflow or an underflow costs, in samples.
enum { LOST_SAMPLES = 4096, LATE_SAMPLES = 1000 };

// --- what happens by itself

// When an adapter goes on with what it was sent.
static int64_t next_probe(const struct lab *lab)
{
    int64_t next = PORT_NEVER;
    for (size_t i = 0; i < lab->scenario->n_ftdis; i++) {
        int64_t t = ft232h_next_ns(lab->probes[i]->chip);
        if (t < next) next = t;
    }
    return next;
}

static int64_t next_event(void *ctx)
{
    const struct lab *lab = ctx;
    int64_t planned = agenda_next_ns(&lab->agenda), probe = next_probe(lab);
    return planned < probe ? planned : probe;
}

static void do_event(void *ctx, int64_t t_ns)
{
    struct lab *lab = ctx;
    if (agenda_next_ns(&lab->agenda) > t_ns) {
        for (size_t i = 0; i < lab->scenario->n_ftdis; i++)
            ft232h_run(lab->probes[i]->chip, t_ns);
        return;
    }
    struct agenda_entry e;
    struct err why = {0};
    char answer[256];
    if (!agenda_take(&lab->agenda, &e)) return;
    int rc = command_carry_out(lab, e.command, answer, sizeof answer, &why);
    LOG_INFO("foxlab", "at %.6f s: %s: %s", (double)t_ns * 1e-9, e.command,
             rc < 0 ? why.text : answer);
}

void lab_note_fault(struct lab *lab, const char *line)
{
    struct err full = {0};
    lab->faults++;
    if (bytes_printf(&lab->fault_text, &full, "%lld %s\n", (long long)lab->world.now_ns, line) < 0)
        return;
    if (!lab->fault_log) return;
    fprintf(lab->fault_log, "%lld %s\n", (long long)lab->world.now_ns, line);
    fflush(lab->fault_log);
}

// A device is about to send from start_ns to end_ns: an armed cut now has its time.
static void burst_announced(void *ctx, unsigned index, int64_t start_ns, int64_t end_ns)
{
    struct lab *lab = ctx;
    struct lab_cut *cut = &lab->cuts[index];
    if (!cut->armed) return;
    cut->armed = false;
    int64_t t_ns = (cut->at_end ? end_ns : start_ns) + cut->offset_ns;
    if (t_ns < lab->world.now_ns) t_ns = lab->world.now_ns;
    char line[AGENDA_TEXT_MAX];
    struct err why = {0};
    snprintf(line, sizeof line, "cut device %s", lab->devices[index]->name);
    int rc = agenda_add(&lab->agenda, t_ns, line, false, &why);
    snprintf(line, sizeof line, "restore device %s", lab->devices[index]->name);
    if (rc >= 0) rc = agenda_add(&lab->agenda, t_ns + cut->hold_ns, line, true, &why);
    if (rc < 0) LOG_ERROR("foxlab", "%s", why.text);
}

// What the scenario and chaos have planned.
static int plan(struct lab *lab, const struct lab_config *config, struct err *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < lab->scenario->n_events && rc >= 0; i++) {
        const struct scenario_event *e = &lab->scenario->events[i];
        struct command c;
        rc = command_parse(&c, e->command, lab->scenario, err);
        if (rc >= 0) rc = agenda_add(&lab->agenda, e->t_ns, e->command, c.what->mends, err);
    }
    struct chaos chaos;
    if (rc >= 0 && config->chaos) rc = chaos_parse(&chaos, config->chaos, err);
    if (rc >= 0 && config->chaos)
        rc = chaos_draw(&chaos, lab->seed, lab->scenario, &lab->agenda, err);
    return rc;
}

static int open_fault_log(struct lab *lab, const char *work, struct err *err)
{
    char path[4096];
    bytes_init(&lab->fault_text, FAULT_TEXT_MAX);
    if (!work) return ERR_OK;
    snprintf(path, sizeof path, "%s/faults.log", work);
    lab->fault_log = fopen(path, "ae");
    return lab->fault_log ? ERR_OK : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

// --- opening

static int make_shim_page(struct lab *lab, struct err *err)
{
    snprintf(lab->shim_path, sizeof lab->shim_path, "%s/shim", lab->dir);
    int fd = open(lab->shim_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *lab->shim) == 0)
        map = mmap(NULL, sizeof *lab->shim, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int why = errno;
    if (fd >= 0) close(fd);
    if (map == MAP_FAILED) return err_set(err, ERR_IO, "%s: %s", lab->shim_path, strerror(why));
    lab->shim = map;
    lab->shim->magic = FOXSHIM_MAGIC;
    lab->shim->size = sizeof *lab->shim;
    return ERR_OK;
}

static int open_plutos(struct lab *lab, const char *fixtures, struct err *err)
{
    char xml[4096];
    snprintf(xml, sizeof xml, "%s/iio/pluto-context.xml", fixtures);
    const struct iiod_host host = streams_host(lab);
    for (size_t i = 0; i < lab->scenario->n_plutos; i++) {
        const struct scenario_pluto *s = &lab->scenario->plutos[i];
        struct pluto_config config = {.name = s->name,
                                      .serial = s->serial,
                                      .context_path = xml,
                                      .ppm = s->ppm,
                                      .figure_db = s->figure_db,
                                      .sender = SCENARIO_UNITS_MAX + (unsigned)i,
                                      .tx_delay = s->tx_delay,
                                      .fidelity = s->fidelity,
                                      .seed = lab->seed};
        int rc = pluto_new(&lab->plutos[i], &config, err);
        if (rc >= 0) rc = iiod_new(&lab->daemons[i], lab->loop, lab->plutos[i], &host, err);
        if (rc < 0) return rc;
    }
    for (size_t i = 0; i < lab->scenario->n_paths; i++) {
        const struct scenario_path *p = &lab->scenario->paths[i];
        double factor = pow(10, -p->loss_db / 20);
        if (p->a >= SCENARIO_UNITS_MAX)
            lab->plutos[p->a - SCENARIO_UNITS_MAX]->receiver.path[p->b] = factor;
        if (p->b >= SCENARIO_UNITS_MAX)
            lab->plutos[p->b - SCENARIO_UNITS_MAX]->receiver.path[p->a] = factor;
    }
    return ERR_OK;
}

static int open_devices(struct lab *lab, const char *nvm_dir, struct err *err)
{
    struct world *w = &lab->world;
    *w = (struct world){.air = lab->air,
                        .seed = lab->seed,
                        .next_event = next_event,
                        .do_event = do_event,
                        .burst = burst_announced,
                        .ctx = lab};
    struct device_host host = {w, world_uart_tx, world_rf_tx};
    for (size_t i = 0; i < lab->scenario->n_devices; i++) {
        struct scenario_device *s = &lab->scenario->devices[i];
        char nvm[4096];
        snprintf(nvm, sizeof nvm, "%s/%s.nvm", nvm_dir, s->name);
        struct device_config config = {.name = s->name,
                                       .index = (unsigned)i,
                                       .argv = s->argv,
                                       .nvm_path = nvm,
                                       .nvm = s->nvm,
                                       .supply_mv = s->supply_mv,
                                       .temperature_mc = s->temperature_mc,
                                       .seed = lab->seed,
                                       .host = host};
        int rc = device_new(&lab->devices[i], &config, err);
        if (rc < 0) return rc;
        w->slots[w->n_slots++] = (struct world_slot){
            .device = lab->devices[i],
            .uart = s->uart >= 0 ? lab->uarts[s->uart] : NULL,
            .cold = true,
            .ppm = s->ppm,
            .receiver.noise_mw = pow(10, (-174 + s->figure_db) / 10.0), // per hertz
        };
    }
    for (size_t i = 0; i < lab->scenario->n_paths; i++) {
        const struct scenario_path *p = &lab->scenario->paths[i];
        double factor = pow(10, -p->loss_db / 20);
        if (p->a < w->n_slots) w->slots[p->a].receiver.path[p->b] = factor;
        if (p->b < w->n_slots) w->slots[p->b].receiver.path[p->a] = factor;
    }
    return ERR_OK;
}

// --- what the adapters ask of the lab

static int64_t usb_now(void *ctx)
{
    struct lab *lab = ctx;
    world_act(&lab->world); // what was done before by other ways comes first
    return lab->world.now_ns;
}

static void set_lines(void *ctx, unsigned index, bool powered, bool held)
{
    struct lab *lab = ctx;
    world_set_lines(&lab->world, index, powered, held);
}

static void set_input(void *ctx, unsigned index, unsigned line, bool level)
{
    struct lab *lab = ctx;
    world_set_pin(&lab->world, index, line, level);
}

enum { LADDER_OF = 3, LADDER_LEAVES = 2 }; // 3.3 V become 2.2 V

static void set_ladder(void *ctx, unsigned index, bool low)
{
    struct lab *lab = ctx;
    const uint32_t mv = lab->scenario->devices[index].supply_mv;
    world_set_supply(&lab->world, index, low ? mv / LADDER_OF * LADDER_LEAVES : mv);
}

static int open_probes(struct lab *lab, struct err *err)
{
    for (size_t i = 0; i < lab->scenario->n_ftdis; i++) {
        const struct scenario_ftdi *s = &lab->scenario->ftdis[i];
        lab->world.slots[s->device].wired = true;
        const struct probe_config config = {
            .serial = s->serial,
            .kind = s->is_double ? FT232H_TWO : FT232H_ONE,
            .jtag = s->is_jtag,
            .target = {.ctx = lab,
                       .index = s->device,
                       .memory = lab->devices[s->device]->memory,
                       .set_lines = set_lines,
                       .set_input = set_input,
                       .set_ladder = set_ladder,
                       .outputs = &lab->devices[s->device]->outputs}};
        int rc = probe_new(&lab->probes[i], &config, err);
        if (rc < 0) return rc;
    }
    if (lab->scenario->n_ftdis == 0) return ERR_OK;
    const struct usb_bus_config config = {.loop = lab->loop,
                                          .dir = lab->dir,
                                          .probes = lab->probes,
                                          .n_probes = lab->scenario->n_ftdis,
                                          .now = usb_now,
                                          .ctx = lab};
    return usb_bus_new(&lab->usb, &config, err);
}

int lab_open(struct lab **out, const struct lab_config *config, struct err *err)
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (!lab) return err_set(err, ERR_NOMEM, "the lab");
    lab->scenario = config->scenario;
    lab->seed = config->seed;
    lab->opened_wall_ns = streams_wall_ns();
    const char *tmp = getenv("TMPDIR");
    // The control socket's path has 108 bytes at most.
    if (!tmp || tmp[0] != '/' || strlen(tmp) > 60) tmp = "/tmp";
    snprintf(lab->dir, sizeof lab->dir, "%s/foxlab-XXXXXX", tmp);
    int rc = ERR_OK;
    if (!mkdtemp(lab->dir)) {
        rc = err_set(err, ERR_IO, "%s: %s; TMPDIR names a folder that can be written", lab->dir,
                     strerror(errno));
        lab->dir[0] = '\0';
        goto fail;
    }
    lab->own_nvm = !config->work;
    if (config->work && mkdir(config->work, 0700) < 0 && errno != EEXIST) {
        rc = err_set(err, ERR_IO, "--work %s: %s", config->work, strerror(errno));
        goto fail;
    }
    rc = loop_new(&lab->loop, err);
    if (rc >= 0) rc = open_fault_log(lab, config->work, err);
    if (rc >= 0) rc = plan(lab, config, err);
    if (rc >= 0) rc = make_shim_page(lab, err);
    if (rc >= 0) rc = air_new(&lab->air, err);
    for (size_t i = 0; i < lab->scenario->n_uarts && rc >= 0; i++)
        rc = uart_new(&lab->uarts[i], lab->scenario->uarts[i].name, lab->scenario->uarts[i].baud,
                      lab->dir, &lab->shim->ports[i], err);
    if (rc >= 0) rc = open_plutos(lab, config->fixtures, err);
    if (rc >= 0) rc = open_devices(lab, config->work ? config->work : lab->dir, err);
    if (rc >= 0) rc = open_probes(lab, err);
    if (rc >= 0) rc = control_new(&lab->control, lab->loop, lab, lab->dir, err);
    if (rc < 0) goto fail;
    *out = lab;
    return ERR_OK;
fail:
    lab_close(lab);
    return rc;
}

static void remove_dir(struct lab *lab)
{
    char path[4096];
    unlink(lab->shim_path);
    for (size_t i = 0; i < lab->scenario->n_devices && lab->own_nvm; i++) {
        snprintf(path, sizeof path, "%s/%s.nvm", lab->dir, lab->scenario->devices[i].name);
        unlink(path);
        char options[4200];
        device_options_path(path, options, sizeof options);
        unlink(options);
    }
    if (rmdir(lab->dir) < 0) LOG_WARN("foxlab", "%s stays behind: %s", lab->dir, strerror(errno));
}

void lab_close(struct lab *lab)
{
    if (!lab) return;
    control_free(lab->control);
    usb_bus_free(lab->usb);
    for (size_t i = 0; i < SCENARIO_UNITS_MAX; i++) {
        iiod_free(lab->daemons[i]);
        pluto_free(lab->plutos[i]);
        probe_free(lab->probes[i]);
        device_free(lab->devices[i]);
        uart_free(lab->uarts[i]);
    }
    air_free(lab->air);
    if (lab->shim) munmap(lab->shim, sizeof *lab->shim);
    loop_free(lab->loop);
    agenda_deinit(&lab->agenda);
    bytes_deinit(&lab->fault_text);
    if (lab->fault_log) fclose(lab->fault_log);
    if (lab->dir[0]) remove_dir(lab);
    free(lab);
}

int lab_check_devices(struct lab *lab, struct err *err)
{
    for (size_t i = 0; i < lab->scenario->n_devices; i++) {
        int rc = device_start(lab->devices[i], PORT_BOOT_POWER, 0, err);
        device_stop(lab->devices[i], 0);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// --- running

static int act_now(struct lab *lab, unsigned pluto, enum lab_pluto_action action, struct err *err)
{
    switch (action) {
    case LAB_PLUTO_STALL:
    case LAB_PLUTO_RELEASE:
        iiod_stall(lab->daemons[pluto], action == LAB_PLUTO_STALL);
        break;
    case LAB_PLUTO_UNPLUG:
        iiod_unplug(lab->daemons[pluto]);
        break;
    case LAB_PLUTO_REPLUG:
        return iiod_replug(lab->daemons[pluto], err);
    case LAB_PLUTO_OVERFLOW:
        pluto_overflow(lab->plutos[pluto], LOST_SAMPLES);
        break;
    case LAB_PLUTO_UNDERFLOW:
        pluto_underflow(lab->plutos[pluto], LATE_SAMPLES);
        break;
    }
    return ERR_OK;
}

int lab_act_on_pluto(struct lab *lab, unsigned pluto, enum lab_pluto_action action, struct err *err)
{
    if (!lab->in_block) return act_now(lab, pluto, action, err);
    struct lab_actions *a = &lab->actions[pluto];
    if (a->n == LAB_ACTIONS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d things happen to pluto %s within one block",
                       LAB_ACTIONS_MAX, lab->plutos[pluto]->name);
    a->list[a->n++] = action;
    return ERR_OK;
}

static int do_actions(struct lab *lab, struct err *err)
{
    for (unsigned i = 0; i < lab->scenario->n_plutos; i++) {
        struct lab_actions now = lab->actions[i];
        lab->actions[i].n = 0;
        for (size_t k = 0; k < now.n; k++) {
            int rc = act_now(lab, i, now.list[k], err);
            if (rc < 0) return rc;
        }
    }
    return ERR_OK;
}

// Nobody receives any more: wall time stands in, so that power and flash steps go on.
static void free_step(struct lab *lab)
{
    int64_t wall = streams_wall_ns();
    int64_t elapsed = wall - lab->wall_ns;
    lab->wall_ns = wall;
    world_act(&lab->world);
    if (!world_is_alive(&lab->world) && next_probe(lab) == PORT_NEVER &&
        !agenda_will_mend(&lab->agenda))
        return;
    if (!lab->free_running)
        LOG_INFO("foxlab",
                 "nobody receives: time runs at wall rate from %.6f s on, which no seed "
                 "repeats",
                 (double)lab->world.now_ns * 1e-9);
    lab->free_running = true;
    lab->free_ns += elapsed;
    struct err e = {0};
    if (streams_advance(lab, lab->world.now_ns + elapsed, &e) < 0)
        LOG_ERROR("foxlab", "%s", e.text);
    streams_forget_old(lab);
}

int lab_step(struct lab *lab, int limit_ms, struct err *err)
{
    if (!lab->began && next_probe(lab) != PORT_NEVER) { // an adapter waits, and nobody will pull
        lab->began = true;
        lab->wall_ns = streams_wall_ns();
    }
    bool free_run = lab->began && lab->streams + lab->tx_streams == 0;
    int wait = free_run && (limit_ms < 0 || limit_ms > FREE_STEP_MS) ? FREE_STEP_MS : limit_ms;
    for (size_t i = 0; i < lab->scenario->n_plutos; i++)
        if ((lab->receives[i].held_wall_ns || lab->receives[i].push_wall_ns) &&
            (wait < 0 || wait > HELD_STEP_MS))
            wait = HELD_STEP_MS;
    int rc = loop_once(lab->loop, wait, err);
    if (rc < 0) return rc;
    rc = do_actions(lab, err);
    if (rc < 0) return rc;
    if (lab->began && lab->streams + lab->tx_streams == 0) free_step(lab);
    for (unsigned i = 0; i < lab->scenario->n_plutos; i++)
        iiod_wake(lab->daemons[i]);
    return ERR_OK;
}

int lab_environment(const struct lab *lab, int (*put)(void *ctx, const char *line), void *ctx)
{
    char line[4096];
    int rc = 0;
    for (size_t i = 0; i < lab->scenario->n_plutos && rc >= 0; i++) {
        snprintf(line, sizeof line, "FOXLAB_PLUTO_%zu_URI=ip:127.0.0.1:%u", i,
                 iiod_port(lab->daemons[i]));
        rc = put(ctx, line);
    }
    for (size_t i = 0; i < lab->scenario->n_uarts && rc >= 0; i++) {
        snprintf(line, sizeof line, "FOXLAB_UART_%zu=%s", i, lab->uarts[i]->path);
        rc = put(ctx, line);
    }
    for (size_t i = 0; i < lab->scenario->n_ftdis && rc >= 0; i++) {
        snprintf(line, sizeof line, "FOXLAB_FTDI_%zu_SERIAL=%s", i, lab->scenario->ftdis[i].serial);
        rc = put(ctx, line);
    }
    snprintf(line, sizeof line, "FOXLAB_USB=%s", lab->usb ? usb_bus_path(lab->usb) : "");
    if (rc >= 0 && lab->usb) rc = put(ctx, line);
    snprintf(line, sizeof line, "FOXLAB_CONTROL=%s", control_path(lab->control));
    if (rc >= 0) rc = put(ctx, line);
    snprintf(line, sizeof line, FOXSHIM_VARIABLE "=%s", lab->shim_path);
    if (rc >= 0) rc = put(ctx, line);
    return rc;
}

void lab_report(const struct lab *lab, FILE *out)
{
    double lab_s = (double)lab->world.now_ns * 1e-9;
    double wall_s = (double)(streams_wall_ns() - lab->opened_wall_ns) * 1e-9;
    fprintf(out,
            "foxlab: %.3f s of lab time in %.3f s of wall time (factor %.1f), %.3f s of it at wall "
            "rate; streams up to %.6f s apart, %lu stale blocks, %zu bursts, %u faults injected, "
            "%u devices died\n",
            lab_s, wall_s, lab_s / wall_s, (double)lab->free_ns * 1e-9, (double)lab->skew_ns * 1e-9,
            lab->stale_blocks, air_burst_count(lab->air), lab->faults, lab->world.deaths);
    const char *line = (const char *)lab->fault_text.data, *end;
    for (; line && (end = strchr(line, '\n')); line = end + 1) {
        char *command;
        double t_s = (double)strtoll(line, &command, 10) * 1e-9;
        fprintf(out, "foxlab: at %.6f s:%.*s\n", t_s, (int)(end - command), command);
    }
}
