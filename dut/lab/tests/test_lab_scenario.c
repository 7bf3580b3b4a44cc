// Scenario files: what a good one means, and what each bad line is told.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/lab/scenario.h"

static const char good[] = "# a comment\n"
                           "\n"
                           "pluto  a serial=00ff ppm=-1.5 figure=3dB # another\n"
                           "pluto\tb serial=01\r\n"
                           "uart   u1 baud=115200\n"
                           "uart   u2\n"
                           "device d1 uart=u1 prog --key file:{fixtures}/k {here}/x\n"
                           "device d2 prog2\n"
                           "path d1 a loss=122.5dB\n"
                           "at 2.5s unplug uart u1\n"
                           "at 1s kill device 1\n";

static void test_scenario_reads_every_statement(void **state)
{
    (void)state;
    struct scenario *s;
    struct err e = {0};
    assert_int_equal(scenario_parse(&s, good, "/some/where/x.scenario", "/fix", &e), ERR_OK);
    assert_int_equal(s->n_plutos, 2);
    assert_string_equal(s->plutos[0].serial, "00ff");
    assert_true(s->plutos[0].ppm == -1.5 && s->plutos[0].figure_db == 3);
    assert_true(s->plutos[1].ppm == 0 && s->plutos[1].figure_db == 6);
    assert_int_equal(s->uarts[0].baud, 115200);
    assert_int_equal(s->uarts[1].baud, 9600);
    assert_int_equal(s->devices[0].uart, 0);
    assert_int_equal(s->devices[0].argc, 4);
    assert_string_equal(s->devices[0].argv[2], "file:/fix/k");
    assert_string_equal(s->devices[0].argv[3], "/some/where/x");
    assert_null(s->devices[0].argv[4]);
    assert_int_equal(s->devices[1].uart, -1);
    assert_true(s->paths[0].loss_db == 122.5);
    // Events are in order of time, whatever the order of lines.
    assert_int_equal(s->n_events, 2);
    assert_int_equal(s->events[0].t_ns, 1000000000);
    assert_string_equal(s->events[0].command, "kill device 1");
    assert_int_equal(s->events[1].t_ns, 2500000000);

    assert_int_equal(scenario_add_option(s, "--fault", "X", &e), ERR_OK);
    assert_int_equal(s->devices[1].argc, 3);
    assert_string_equal(s->devices[1].argv[1], "--fault");
    scenario_free(s);
}

// Each bad line stands third; its message begins with file:3: and holds the words.
static const struct {
    const char *line;
    const char *says;
} bad[] = {
    {"plutoo x", "begins with pluto, uart, device, nvm, ftdi, path, fidelity, skew or at"},
    {"pluto", "expected a name"},
    {"pluto 1x serial=00", "cannot be a name"},
    {"pluto x", "serial=HEX is missing"},
    {"pluto x serial=XY", "hex digits"},
    {"pluto x serial=", "hex digits"},
    {"pluto x serial=aa", "same serial as p"},
    {"pluto p serial=bb", "a second time"},
    {"pluto x serial=bb ppm=201", "-200 to 200"},
    {"pluto x serial=bb ppm=1ppm", "-200 to 200"},
    {"pluto x serial=bb ppm=nan", "-200 to 200"},
    {"pluto x serial=bb figure=6", "0dB to 60dB"},
    {"pluto x serial=bb colour=red", "allowed are serial=HEX ppm=N figure=NdB delay=N"},
    {"pluto x serial=bb delay=-1", "whole samples from 0"},
    {"uart x baud=9600.5", "whole number"},
    {"uart x baud=0", "whole number"},
    {"uart x 9600", "allowed is baud=N"},
    {"uart u", "a second time"},
    {"device d", "expected a program"},
    {"device d uart=nope prog", "no such uart"},
    {"device d gpio=1 prog", "allowed are uart=NAME supply=NmV temperature=NC ppm=N figure=NdB"},
    {"device d ppm=300 prog", "a number from -200 to 200"},
    {"device d figure=6 prog", "0dB to 60dB"},
    {"device d supply=3V prog", "0mV to 20000mV"},
    {"device d temperature=300C prog", "-100C to 200C"},
    {"path d p loss=70dB", "no device or pluto d"},
    {"path p u", "expected: path NAME NAME loss=NdB"},
    {"path p u loss=70dB", "no device or pluto u"},
    {"skew 0", "from 1 to 4096"},
    {"skew 2.5", "from 1 to 4096"},
    {"at 5 kill device 0", "at SECONDSs COMMAND"},
    {"at -5s time", "at SECONDSs COMMAND"},
    {"at 5s explode", "'explode' is no command; there are: time"},
    {"at 5s kill device 0", "name or number of a unit"},
    {"at 5s time", "only asks"},
    {"at 5s unplug uart", "of a unit of the scenario, got 'nothing'"},
    {"nvm", "expected: nvm NAME"},
    {"nvm d hex=00", "no device d above"},
    {"at 5s unplug uart u u", "expected nothing more, got 'u'"},
    {"at 5s unplug uart v", "name or number of a unit"},
};

static void test_scenario_names_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[300];
        snprintf(text, sizeof text, "pluto p serial=aa\nuart u\n%s\n", bad[i].line);
        struct scenario *s = NULL;
        struct err e = {0};
        int rc = scenario_parse(&s, text, "f.scenario", "/fix", &e);
        if (rc != ERR_USAGE || strncmp(e.text, "f.scenario:3: ", 14) != 0 ||
            !strstr(e.text, bad[i].says))
            fail_msg("'%s' gave %d: %s", bad[i].line, rc, e.text);
    }
}

static void test_scenario_wires_adapters(void **state)
{
    (void)state;
    static const char table[] = "device d1 p\ndevice d2 p\n"
                                "ftdi f1 serial=FT1 device=d2\nftdi f2 device=d1 serial=FT2\n";
    struct scenario *s = NULL;
    struct err e = {0};
    assert_int_equal(scenario_parse(&s, table, "f", "/fix", &e), ERR_OK);
    assert_int_equal(s->n_ftdis, 2);
    assert_string_equal(s->ftdis[0].name, "f1");
    assert_string_equal(s->ftdis[0].serial, "FT1");
    assert_int_equal(s->ftdis[0].device, 1);
    assert_int_equal(s->ftdis[1].device, 0);
    scenario_free(s);
    static const struct {
        const char *line;
        const char *says;
    } wrong[] = {
        {"ftdi f3 serial=FT3", "expected serial=TEXT and device=NAME"},
        {"ftdi f3 device=d3", "expected serial=TEXT and device=NAME"},
        {"ftdi f3 serial=FT3 device=d9", "no such device"},
        {"ftdi f3 serial=F-3 device=d3", "letters and digits"},
        {"ftdi f3 serial= device=d3", "letters and digits"},
        {"ftdi f3 serial=FT1 device=d3", "same serial as f1"},
        {"ftdi f1 serial=FT3 device=d3", "a second time"},
        {"ftdi f3 serial=FT3 device=d1", "already hangs on ftdi f2"},
        {"ftdi f3 serial=FT3 device=d3 uart=u", "expected: ftdi NAME serial=TEXT device=NAME"},
        {"at 1s unplug ftdi f3", "name or number of a unit"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[400];
        snprintf(text, sizeof text, "%sdevice d3 p\n%s\n", table, wrong[i].line);
        s = NULL;
        int rc = scenario_parse(&s, text, "f", "/fix", &e);
        if (rc != ERR_USAGE || strncmp(e.text, "f:6: ", 5) != 0 || !strstr(e.text, wrong[i].says))
            fail_msg("'%s' gave %d: %s", wrong[i].line, rc, e.text);
    }
}

static void test_scenario_fills_memory(void **state)
{
    (void)state;
    char path[] = "/tmp/test_lab_scenario.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "xyz", 3), 3);
    close(fd);
    char text[400];
    snprintf(text, sizeof text,
             "device d p\ndevice e p\nnvm d hex=00aBff offset=0x10\n"
             "nvm d file=%s offset=4093\nnvm d offset=17 hex=7e\n"
             "at 1s supply device d 2700mV\nat 2s temperature device e -20.5C\n",
             path);
    struct scenario *s = NULL;
    struct err e = {0};
    assert_int_equal(scenario_parse(&s, text, "f", "/fix", &e), ERR_OK);
    const uint8_t *nvm = s->devices[0].nvm;
    assert_memory_equal(nvm + 15, "\xff\x00\x7e\xff\xff", 5); // the later line counts
    assert_memory_equal(nvm + 4092, "\xffxyz", 4);
    assert_null(s->devices[1].nvm);
    scenario_free(s);
    const struct {
        const char *line;
        const char *says;
    } wrong[] = {
        {"nvm d", "expected one of file=PATH and hex=BYTES, got 0"},
        {"nvm d hex=00 hex=00", "got 2"},
        {"nvm d hex=0", "pairs of hex digits"},
        {"nvm d hex=0g", "pairs of hex digits"},
        {"nvm d hex= offset=1", "pairs of hex digits"},
        {"nvm d hex=00 offset=4096", "from 0 to 4095"},
        {"nvm d hex=00 offset=-1", "from 0 to 4095"},
        {"nvm d hex=0001 offset=4095", "2 bytes at 4095 do not fit"},
        {"nvm d file=/no/such/file", "/no/such/file"},
        {"nvm d file=/dev/zero", "expected a file"},
        {"nvm d at=5 hex=00", "'at=5' is not an option of nvm"},
        {"at 1s supply device d 3V", "expected a value from 0mV to 20000mV, got '3V'"},
        {"at 1s supply device d", "got 'nothing'"},
        {"at 1s temperature device d 20C 3", "expected nothing more"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "device d p\n%s\n", wrong[i].line);
        int rc = scenario_parse(&s, text, "f", "/fix", &e);
        if (rc != ERR_USAGE || strncmp(e.text, "f:2: ", 5) != 0 || !strstr(e.text, wrong[i].says))
            fail_msg("'%s' gave %d: %s", wrong[i].line, rc, e.text);
    }
    unlink(path);
}

static void test_scenario_bounds_its_tables(void **state)
{
    (void)state;
    static char text[20000];
    size_t n = 0;
    for (int i = 0; i < 9; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "uart u%d\n", i);
    struct scenario *s = NULL;
    struct err e = {0};
    assert_int_equal(scenario_parse(&s, text, "f", "/fix", &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "f:9: more than 8 lines 'uart'"));

    n = (size_t)snprintf(text, sizeof text, "device d p");
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, " a");
    assert_int_equal(scenario_parse(&s, text, "f", "/fix", &e), ERR_USAGE);

    memset(text, 'x', 2000);
    text[2000] = '\0';
    assert_int_equal(scenario_parse(&s, text, "f", "/fix", &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "f:1: a line longer than"));
    assert_int_equal(scenario_parse(&s, "# nothing\n", "f", "/fix", &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "names no unit"));
}

static void test_scenario_default_is_there(void **state)
{
    (void)state;
    struct scenario *s = NULL;
    struct err e = {0};
    assert_int_equal(scenario_load(&s, "default", FOX_SOURCE_DIR "/fixtures", &e), ERR_OK);
    assert_int_equal(s->n_plutos, 3);
    assert_int_equal(s->n_devices, 3);
    scenario_free(s);
    assert_int_equal(scenario_load(&s, "nope", FOX_SOURCE_DIR "/fixtures", &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "neither a file nor the name of one"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenario_reads_every_statement),
        cmocka_unit_test(test_scenario_names_what_is_wrong),
        cmocka_unit_test(test_scenario_wires_adapters),
        cmocka_unit_test(test_scenario_fills_memory),
        cmocka_unit_test(test_scenario_bounds_its_tables),
        cmocka_unit_test(test_scenario_default_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
