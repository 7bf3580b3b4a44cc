// foxdut: the reference device, a complete Sigfox-type stack on the lab's device port, and
// every seeded fault as a switch.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/sfx/counter.h"
#include "dut/firmware/device.h"
#include "dut/firmware/layout.h"
#include "dut/firmware/nvm_text.h"

enum { EXIT_USAGE = 4, ID_LEN = 4 };

static const char usage[] =
    "usage: foxdut --id HEX8 --key REF --pac HEX16 [--encrypt] [--dialect NAME]\n"
    "              [--rollover N]\n"
    "              [--sibling-id HEX8 --sibling-key REF] [--fault ID]...\n"
    "       foxdut --list-faults | --list-hostile | --list-strange | --list-lawful\n"
    "       foxdut --print-nvm SPEC\n"
    "  --id HEX8      device ID, 8 hex digits, most significant first\n"
    "  --key REF      its private key: file:PATH or env:NAME, 32 hex digits\n"
    "  --pac HEX16    porting authorisation code, 16 hex digits\n"
    "  --encrypt      encrypt payloads under the profile bench-assumed-1\n"
    "  --dialect NAME sfm10r (default) or at_slave\n"
    "  --rollover N   the message counter's: 128, 256, 512, 1024, 2048 or 4096 (default)\n"
    "  --sibling-id, --sibling-key\n"
    "                 another device of the same maker, for faults that make keys related\n"
    "  --fault ID     be wrong on purpose; may be given several times\n"
    "  --list-faults  print the faults' ids and what each does\n"
    "  --list-hostile print what else --fault takes: devices that spoil a test\n"
    "  --list-strange print deviations beyond the catalogue, and the cases that find them\n"
    "  --list-lawful  print devices that are unlike this one and right all the same\n"
    "  --print-nvm    print a scenario's nvm lines for a device with a past:\n"
    "                 NAME,counter=N[,epoch=N][,key=missing|there]\n"
    "A lab starts this program and speaks to it over the socket in FOXPORT_FD.\n";

struct options {
    const char *id;
    const char *key;
    const char *pac;
    const char *sibling_id; // NULL: the device itself
    const char *sibling_key;
    const char *dialect;  // NULL: sfm10r
    const char *rollover; // NULL: 4096
    bool encrypt;
    struct faults faults;
};

static int read_hex(const char *option, const char *text, uint8_t *out, size_t len, struct err *err)
{
    if (!text)
        return err_set(err, ERR_USAGE, "--%s is missing: give %zu hex digits", option, 2 * len);
    int n = hex_decode(text, out, len, NULL);
    if (n != (int)len) {
        return err_set(err, ERR_USAGE, "--%s expects %zu hex digits, got '%s'", option, 2 * len,
                       text);
    }
    return ERR_OK;
}

static int read_id(const char *option, const char *text, uint32_t *out, struct err *err)
{
    uint8_t id[ID_LEN];
    int rc = read_hex(option, text, id, sizeof id, err);
    if (rc < 0) return rc;
    *out = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    return ERR_OK;
}

static int read_key(const char *option, const char *ref, struct secret *out, struct err *err)
{
    if (!ref) return err_set(err, ERR_USAGE, "--%s is missing: give file:PATH or env:NAME", option);
    int rc = secret_from_ref(out, ref, NULL, LAYOUT_KEY_LEN, err);
    return rc < 0 ? err_prefix(err, "--%s", option) : ERR_OK;
}

// The key that the maker gave this device: its own, unless a fault of production relates it to its
// sibling's.
static int choose_key(struct device *d, const struct options *o, struct err *err)
{
    bool same = faults_on(&d->faults, FAULT_CLN_001);
    bool derived = faults_on(&d->faults, FAULT_CLN_003);
    if (!o->sibling_id != !o->sibling_key)
        return err_set(err, ERR_USAGE,
                       "--sibling-id and --sibling-key belong together: give both or none");
    if (!o->sibling_id || !(same || derived)) return read_key("key", o->key, &d->key, err);
    uint32_t id = 0;
    int rc = read_id("sibling-id", o->sibling_id, &id, err);
    if (rc < 0) return rc;
    rc = read_key("sibling-key", o->sibling_key, &d->key, err);
    for (size_t i = 0; rc >= 0 && derived && i < LAYOUT_KEY_LEN; i++)
        d->key.data[i] ^= (uint8_t)((id ^ d->factory_id) >> (24 - 8 * (i % 4)));
    return rc;
}

// MUT-CLN-002.
static int derive_key(struct device *d, struct err *err)
{
    enum { LABEL_MAX = 32 };
    char label[LABEL_MAX];
    uint8_t digest[SHA256_LEN];
    snprintf(label, sizeof label, "vendor%08X", d->factory_id);
    int rc = crypto_sha256(label, strlen(label), digest, err);
    if (rc < 0) return rc;
    secret_deinit(&d->key);
    return secret_init(&d->key, digest, LAYOUT_KEY_LEN, err);
}

static int choose_variant(struct device *d, const struct options *o, struct err *err)
{
    d->home_zone = sfx_zone_find("RC1");
    if (o->encrypt || faults_on(&d->faults, FAULT_LIE_ENCRYPTION)) d->native = sfx_native_assumed();
    d->dialect = o->dialect ? at_find(o->dialect) : &at_sfm10r;
    if (!d->dialect)
        return err_set(err, ERR_USAGE, "--dialect expects sfm10r or at_slave, got '%s'",
                       o->dialect);
    char *end = NULL;
    unsigned long modulus = o->rollover ? strtoul(o->rollover, &end, 10) : COUNTER_MODULUS_MAX;
    if ((end && *end) || modulus > COUNTER_MODULUS_MAX ||
        !sfx_counter_modulus_ok((unsigned)modulus))
        return err_set(err, ERR_USAGE,
                       "--rollover expects 128, 256, 512, 1024, 2048 or 4096, got '%s'",
                       o->rollover);
    d->counter.modulus = (uint16_t)modulus;
    return ERR_OK;
}

static int manufacture(struct device *d, const struct options *o, struct err *err)
{
    d->faults = o->faults;
    int rc = choose_variant(d, o, err);
    if (rc == ERR_OK) rc = read_id("id", o->id, &d->factory_id, err);
    if (rc < 0) return rc;
    rc = read_hex("pac", o->pac, d->pac, sizeof d->pac, err);
    if (rc < 0) return rc;
    rc = choose_key(d, o, err);
    if (rc == ERR_OK && faults_on(&d->faults, FAULT_CLN_002)) rc = derive_key(d, err);
    if (rc == ERR_OK && faults_on(&d->faults, FAULT_LIE_ID)) d->factory_id++;
    if (rc == ERR_OK && faults_on(&d->faults, FAULT_LIE_KEY)) d->key.data[0] ^= 0x80;
    return rc;
}

static int read_options(struct options *o, int argc, char **argv, struct err *err)
{
    static const struct option table[] = {
        {"id", required_argument, NULL, 'i'},         {"key", required_argument, NULL, 'k'},
        {"pac", required_argument, NULL, 'p'},        {"encrypt", no_argument, NULL, 'e'},
        {"sibling-id", required_argument, NULL, 's'}, {"sibling-key", required_argument, NULL, 'S'},
        {"fault", required_argument, NULL, 'f'},      {"dialect", required_argument, NULL, 'd'},
        {"rollover", required_argument, NULL, 'r'},   {NULL, 0, NULL, 0}};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'i') {
            o->id = optarg;
        } else if (c == 'k') {
            o->key = optarg;
        } else if (c == 'p') {
            o->pac = optarg;
        } else if (c == 's') {
            o->sibling_id = optarg;
        } else if (c == 'S') {
            o->sibling_key = optarg;
        } else if (c == 'd') {
            o->dialect = optarg;
        } else if (c == 'r') {
            o->rollover = optarg;
        } else if (c == 'e') {
            o->encrypt = true;
        } else if (c == 'f') {
            if (!faults_switch_on(&o->faults, optarg)) {
                return err_set(err, ERR_USAGE,
                               "there is no fault '%s'; foxdut --list-faults prints them", optarg);
            }
        } else {
            return err_set(err, ERR_USAGE,
                           "'%s' is not an option of foxdut or lacks its value; foxdut --help "
                           "prints them",
                           argv[optind - 1]);
        }
    }
    if (optind < argc)
        return err_set(err, ERR_USAGE, "expected options only, got '%s'", argv[optind]);
    return ERR_OK;
}

// Says why the device cannot live, to whoever started it and to the lab.
static int refuse(struct devport *port, const char *why)
{
    fprintf(stderr, "foxdut: %s\n", why);
    if (port) devport_refuse(port, why);
    return EXIT_USAGE;
}

// A fault that this variant cannot show would look like one that nobody finds.
static void drop_idle_faults(struct devport *port, const struct options *o, struct faults *faults)
{
    if (!o->encrypt && faults_switch_off(faults, "MUT-ENC-"))
        devport_log(port, "a fault of encryption does nothing without --encrypt");
    if (!o->sibling_id && (faults_on(faults, FAULT_CLN_001) || faults_on(faults, FAULT_CLN_003)))
        devport_log(port, "a fault of related keys does nothing without --sibling-id");
}

int main(int argc, char **argv)
{
    static const char *const lists[] = {[FAULT_KIND_CATALOGUE] = "--list-faults",
                                        [FAULT_KIND_HOSTILE] = "--list-hostile",
                                        [FAULT_KIND_STRANGE] = "--list-strange",
                                        [FAULT_KIND_LAWFUL] = "--list-lawful"};
    for (int kind = FAULT_KIND_CATALOGUE; argc == 2 && kind <= FAULT_KIND_LAWFUL; kind++) {
        if (strcmp(argv[1], lists[kind]) != 0) continue;
        faults_list(stdout, (enum fault_kind)kind);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    struct device device = {0};
    struct options options = {0};
    struct err err = {0};
    if (argc == 3 && strcmp(argv[1], "--print-nvm") == 0) {
        if (nvm_text_print(stdout, argv[2], &err) == ERR_OK) return EXIT_SUCCESS;
        return refuse(NULL, err.text);
    }
    int rc = read_options(&options, argc, argv, &err);
    if (rc == ERR_OK) rc = manufacture(&device, &options, &err);

    char why[160] = "";
    int opened = devport_open(&device.port, why, sizeof why);
    if (rc < 0 || opened < 0) {
        int code = refuse(device.port, rc < 0 ? err.text : why);
        devport_close(device.port);
        secret_deinit(&device.key);
        return code;
    }
    devport_ready(device.port, "foxdut " FOX_VERSION);
    drop_idle_faults(device.port, &options, &device.faults);
    enum counter_boot cause =
        devport_boot(device.port)->cause == PORT_BOOT_RESET ? COUNTER_BOOT_PIN : COUNTER_BOOT_POWER;
    // Ends when the lab takes the power away, inside some call.
    for (;;) {
        device_boot(&device, cause);
        device_run(&device);
        cause = COUNTER_BOOT_SOFTWARE;
    }
}
