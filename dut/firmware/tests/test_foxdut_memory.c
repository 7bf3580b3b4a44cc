// What foxdut gives away to a probe, to a command and by its key: nothing, and with each fault
// exactly what faults.def says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "dut/firmware/tests/demod.h"
#include "dut/firmware/tests/fake_lab.h"
#include "dut/firmware/tests/run.h"

static const char own_key[] = "000102030405060708090a0b0c0d0e0f";

enum { KEY_LEN = 16, SIZE = PORT_IMAGE_FLASH_SIZE, INNER = 3 };

static void start(struct lab *l, const char *fault)
{
    lab_init(l);
    l->key_hex = own_key;
    l->args[0] = fault ? "--fault" : NULL;
    l->args[1] = fault;
    assert_true(lab_power_on(l, PORT_BOOT_POWER));
    lab_run(l, 200 * DEVPORT_MS);
}

// Where the key lies in an image, each of its bytes XOR mask; SIZE when nowhere.
static size_t find_key(const uint8_t *image, uint8_t mask)
{
    uint8_t key[KEY_LEN];
    assert_int_equal(hex_decode(own_key, key, sizeof key, NULL), KEY_LEN);
    for (size_t i = 0; i < KEY_LEN; i++)
        key[i] ^= mask;
    const uint8_t *at = memmem(image, SIZE, key, KEY_LEN);
    return at ? (size_t)(at - image) : SIZE;
}

static size_t find_text(const uint8_t *image, const char *text)
{
    const uint8_t *at = memmem(image, SIZE, text, strlen(text));
    return at ? (size_t)(at - image) : SIZE;
}

static void test_key_lies_in_the_data_eeprom_alone(void **state)
{
    (void)state;
    struct lab l;
    start(&l, NULL);
    for (int image = 0; image < PORT_IMAGES; image++) {
        for (unsigned mask = 0; mask < 256; mask++) {
            bool there = image == PORT_IMAGE_DATA && mask == 0;
            assert_int_equal(find_key(l.images[image], (uint8_t)mask), there ? 0x8c : SIZE);
        }
        assert_int_equal(find_text(l.images[image], own_key), SIZE);
        uint8_t blank[256];
        memset(blank, 0xff, sizeof blank);
        assert_memory_not_equal(l.images[image], blank, sizeof blank); // something is told
    }
    lab_deinit(&l);
}

// The data EEPROM is the non-volatile memory, also after writes.
static void test_data_image_follows_the_memory(void **state)
{
    (void)state;
    struct lab l;
    start(&l, NULL);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(lab_command(&l, "AT$SB=1"), "OK\r");
        assert_string_equal(lab_command(&l, "AT$WR"), "OK\r");
        assert_memory_equal(l.images[PORT_IMAGE_DATA], l.nvm, 0x80);
        assert_memory_equal(l.images[PORT_IMAGE_DATA] + 0x9c, l.nvm + 0x9c, PORT_NVM_SIZE - 0x9c);
    }
    static const uint8_t id_and_pac[] = {0xfe, 0xca, 0xad, 0x0b, 0x00, 0x11,
                                         0x22, 0x33, 0x44, 0x55, 0x66, 0x77};
    assert_memory_equal(l.images[PORT_IMAGE_DATA] + 0x80, id_and_pac, sizeof id_and_pac);
    lab_deinit(&l);
}

static void test_external_flash_holds_the_configuration(void **state)
{
    (void)state;
    struct lab l;
    start(&l, NULL);
    const char *text = (const char *)l.images[PORT_IMAGE_FLASH] + 0x10000;
    size_t len = strcspn(text, "\xff");
    struct jval *config = NULL;
    assert_int_equal(jval_parse(&config, text, len, NULL), 0);
    assert_string_equal(jval_text(jval_get(config, "id"), ""), "0BADCAFE");
    assert_string_equal(jval_text(jval_get(config, "zone"), ""), "RC1");
    assert_null(jval_get(config, "nak"));
    jval_free(config);
    lab_deinit(&l);
}

// What the debug port may read at this time, from what the device has said by then.
struct readable {
    bool kept[PORT_IMAGES + 1], now[PORT_IMAGES + 1];
};

static struct readable readable_at(const struct lab *l, int64_t t_ns)
{
    struct readable r = {{true, true, true, true, true}, {true, true, true, true, true}};
    for (size_t i = 0; i < l->n_protects && l->protects[i].t_ns <= t_ns; i++) {
        const struct lab_protect *p = &l->protects[i];
        uint32_t image = p->image & ~PORT_PROTECT_VOLATILE;
        assert_true(image <= PORT_IMAGES && image != PORT_IMAGE_FLASH);
        r.now[image] = p->readable;
        if (!(p->image & PORT_PROTECT_VOLATILE)) r.kept[image] = p->readable;
    }
    return r;
}

static void assert_readable(const struct lab *l, int64_t t_ns, bool kept[INNER], bool now[INNER])
{
    struct readable r = readable_at(l, t_ns);
    for (int i = 0; i < INNER; i++) {
        assert_int_equal(r.kept[i], kept[i]);
        assert_int_equal(r.now[i], now[i]);
    }
    assert_true(r.now[PORT_IMAGE_DEBUG]); // the port itself says what it is
}

static bool none[] = {false, false, false}, all[] = {true, true, true};

static void test_protection(void **state)
{
    (void)state;
    bool data[] = {false, true, false};
    struct lab l;
    start(&l, NULL);
    assert_readable(&l, 0, none, none);
    lab_deinit(&l);
    start(&l, "MUT-KEY-001");
    assert_readable(&l, l.now_ns, all, all);
    lab_deinit(&l);
    start(&l, "MUT-KEY-004");
    assert_readable(&l, 0, data, data);
    lab_deinit(&l);
}

// After every start, whatever its cause; nothing is answered before. At rest the option bytes are
// open.
static void test_key_002_protects_after_80_ms(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    l.args[0] = "--fault";
    l.args[1] = "MUT-KEY-002";
    for (int boot = 0; boot < 3; boot++) {
        int64_t boot_ns = l.now_ns;
        l.n_protects = 0;
        assert_true(lab_power_on(&l, boot ? PORT_BOOT_RESET : PORT_BOOT_POWER));
        lab_uart(&l, "AT\r", 3);
        lab_run(&l, 70 * DEVPORT_MS);
        assert_int_equal(l.uart_len, 0);
        lab_run(&l, 300 * DEVPORT_MS);
        assert_string_equal(l.uart, "OK\r");
        assert_readable(&l, boot_ns, all, all);
        assert_readable(&l, boot_ns + 80 * DEVPORT_MS - 1, all, all);
        assert_readable(&l, boot_ns + 80 * DEVPORT_MS, all, none);
        lab_kill(&l);
        lab_forget(&l);
        lab_run(&l, 0);
    }
    lab_deinit(&l);
}

static void test_key_008_and_009_leave_the_key_in_flash(void **state)
{
    (void)state;
    struct lab good, l;
    start(&good, NULL);
    start(&l, "MUT-KEY-008");
    const uint8_t *flash = l.images[PORT_IMAGE_FLASH];
    size_t at = find_key(flash, 0xa5);
    assert_true(at < SIZE);
    assert_memory_equal(flash, good.images[PORT_IMAGE_FLASH], at); // and nothing else
    assert_memory_equal(flash + at + KEY_LEN, good.images[PORT_IMAGE_FLASH] + at + KEY_LEN,
                        SIZE - at - KEY_LEN);
    assert_int_equal(find_text(flash, own_key), SIZE);
    assert_readable(&l, l.now_ns, none, none);
    lab_deinit(&l);

    start(&l, "MUT-KEY-009");
    flash = l.images[PORT_IMAGE_FLASH];
    const char *text = (const char *)flash + 0x10000;
    struct jval *config = NULL;
    assert_int_equal(jval_parse(&config, text, strcspn(text, "\xff"), NULL), 0);
    assert_string_equal(jval_text(jval_get(config, "nak"), ""), own_key);
    assert_string_equal(jval_text(jval_get(config, "zone"), ""), "RC1");
    jval_free(config);
    for (unsigned mask = 0; mask < 256; mask++)
        assert_int_equal(find_key(flash, (uint8_t)mask), SIZE);
    assert_memory_equal(flash, good.images[PORT_IMAGE_FLASH], 0x10000);
    assert_memory_equal(flash + 0x11000, good.images[PORT_IMAGE_FLASH] + 0x11000, SIZE - 0x11000);
    assert_readable(&l, l.now_ns, none, none);
    lab_deinit(&l);
    lab_deinit(&good);
}

static void test_key_011_dumps_memory(void **state)
{
    (void)state;
    static const char *const lines[] = {"AT$NVM=0", "AT$NVM=80", "AT$NVM=FE0"};
    static const size_t offsets[] = {0, 0x80, 0xfe0};
    static const char *const wrong[] = {
        "AT$NVM",       "AT$NVM?",    "AT$NVM=",  "AT$NVM=fe1", "AT$NVM=1000",
        "AT$NVM=00000", "AT$NVM=0,1", "AT$NVM=g", "AT$NVM=ffff"};
    struct lab l;
    start(&l, NULL);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(lab_command(&l, lines[i]), "ERROR: parse error\r");
    lab_deinit(&l);
    start(&l, "MUT-KEY-011");
    assert_string_equal(lab_command(&l, "AT$SB=1"), "OK\r");
    for (size_t i = 0; i < 3; i++) {
        char expected[80];
        for (size_t k = 0; k < 32; k++)
            snprintf(expected + 2 * k, 4, "%02X\r", l.images[PORT_IMAGE_DATA][offsets[i] + k]);
        assert_string_equal(lab_command(&l, lines[i]), expected);
    }
    assert_non_null(strstr(lab_command(&l, "AT$NVM=8c"), "000102030405060708090A0B0C0D0E0F"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_string_equal(lab_command(&l, wrong[i]), "ERROR: parse error\r");
    lab_deinit(&l);
}

// The key that a device signs with, from its first frame: 12 payload bytes, so two blocks.
static void assert_signs_with(const char *id, const char *const *args, const char *key_hex)
{
    struct lab l;
    lab_init(&l);
    l.id = id;
    l.key_hex = own_key;
    for (int i = 0; args[i]; i++)
        l.args[i] = args[i];
    assert_true(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(lab_command(&l, "AT$SF=000102030405"), "OK\r");
    struct demod d;
    demod_burst(&l.bursts[0], &d);
    uint8_t f[26], full[16];
    assert_int_equal(hex_decode(d.hex, f, sizeof f, NULL), 22);
    run_mac(key_hex, f + 4, 12, 1, full);
    assert_memory_equal(f + 16, full, 4);
    // It is the device's key for everything: this is where it is kept.
    uint8_t key[KEY_LEN];
    assert_int_equal(hex_decode(key_hex, key, sizeof key, NULL), KEY_LEN);
    assert_memory_equal(l.images[PORT_IMAGE_DATA] + 0x8c, key, KEY_LEN);
    lab_deinit(&l);
}

static void test_cln_faults_relate_keys(void **state)
{
    (void)state;
    static const char other[] = "ffeeddccbbaa99887766554433221100";
    setenv("FOXDUT_TEST_SIBLING", other, 1);
    static const char *const fleet[] = {"--sibling-id", "12345678", "--sibling-key",
                                        "env:FOXDUT_TEST_SIBLING", NULL};
    static const struct {
        const char *fault, *key; // of device 0badcafe
    } cases[] = {{NULL, own_key},
                 {"MUT-CLN-001", other},
                 // 0badcafe ^ 12345678 = 19999c86
                 {"MUT-CLN-003", "e677414aa233050e6effc9c22abb8d86"}};
    for (size_t i = 0; i < 3; i++) {
        const char *args[7] = {0};
        for (int k = 0; k < 4; k++)
            args[k] = fleet[k];
        args[4] = cases[i].fault ? "--fault" : NULL;
        args[5] = cases[i].fault;
        assert_signs_with("0badcafe", args, cases[i].key);
        // The sibling itself, told of itself or not: its own key.
        if (!cases[i].fault) continue;
        const char *const alone[] = {"--fault", cases[i].fault, NULL};
        assert_signs_with("0badcafe", alone, own_key);
        assert_signs_with("12345678", args, other);
    }
}

// A fault that has nothing to act on says so in the lab's log.
static void test_idle_faults_are_told(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"MUT-ENC-003", NULL, "a fault of encryption does nothing without --encrypt"},
        {"MUT-ENC-003", "--encrypt", ""},
        {"MUT-CLN-001", NULL, "a fault of related keys does nothing without --sibling-id"},
        {"MUT-KEY-001", NULL, ""}};
    for (size_t i = 0; i < 4; i++) {
        struct lab l;
        lab_init(&l);
        l.args[0] = "--fault";
        l.args[1] = cases[i][0];
        l.args[2] = cases[i][1];
        assert_true(lab_power_on(&l, PORT_BOOT_POWER));
        lab_run(&l, DEVPORT_MS);
        assert_string_equal(l.log, cases[i][2]);
        lab_deinit(&l);
    }
}

static void test_half_a_sibling_is_refused(void **state)
{
    (void)state;
    struct lab l;
    lab_init(&l);
    l.args[0] = "--sibling-id";
    l.args[1] = "12345678";
    assert_false(lab_power_on(&l, PORT_BOOT_POWER));
    assert_string_equal(l.refused,
                        "--sibling-id and --sibling-key belong together: give both or none");
    assert_int_equal(l.exit_code, 4);
    lab_deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_lies_in_the_data_eeprom_alone),
        cmocka_unit_test(test_data_image_follows_the_memory),
        cmocka_unit_test(test_external_flash_holds_the_configuration),
        cmocka_unit_test(test_protection),
        cmocka_unit_test(test_key_002_protects_after_80_ms),
        cmocka_unit_test(test_key_008_and_009_leave_the_key_in_flash),
        cmocka_unit_test(test_key_011_dumps_memory),
        cmocka_unit_test(test_cln_faults_relate_keys),
        cmocka_unit_test(test_idle_faults_are_told),
        cmocka_unit_test(test_half_a_sibling_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
