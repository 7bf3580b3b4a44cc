// The attribute model of an emulated Pluto: what it accepts, refuses, rounds and links, and what
// its samples are.
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/lab/ad936x.h"
#include "dut/lab/pluto.h"

static struct pluto *p;

static int setup(void **state)
{
    (void)state;
    struct pluto_config config = {.name = "s1",
                                  .serial = "abc123",
                                  .figure_db = 6,
                                  .seed = 1,
                                  .context_path = FOX_SOURCE_DIR "/fixtures/iio/pluto-context.xml"};
    return pluto_new(&p, &config, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    pluto_free(p);
    return 0;
}

// "phy in voltage0 attr", "phy dev attr", "rx debug attr" …
static const struct context_attr *find(const char *where, struct context_device **d)
{
    char device[16], kind[16], channel[32] = "", attr[64];
    int n = sscanf(where, "%15s %15s %31s %63s", device, kind, channel, attr);
    if (n == 3) {
        snprintf(attr, sizeof attr, "%s", channel);
        channel[0] = '\0';
    }
    *d = strcmp(device, "phy") == 0 ? p->phy : strcmp(device, "rx") == 0 ? p->rx : p->tx;
    enum context_kind k = strcmp(kind, "in") == 0      ? CONTEXT_KIND_INPUT
                          : strcmp(kind, "out") == 0   ? CONTEXT_KIND_OUTPUT
                          : strcmp(kind, "debug") == 0 ? CONTEXT_KIND_DEBUG
                                                       : CONTEXT_KIND_DEVICE;
    const struct context_attr *a = context_find_attr(*d, k, channel, attr);
    if (!a) fail_msg("there is no attribute %s", where);
    return a;
}

static int put(const char *where, const char *value)
{
    struct context_device *d;
    const struct context_attr *a = find(where, &d);
    return pluto_write(p, d, a, value);
}

static void assert_reads(const char *where, const char *expected)
{
    struct context_device *d;
    const struct context_attr *a = find(where, &d);
    const char *value;
    assert_int_equal(pluto_read(p, d, a, &value), 0);
    if (strcmp(value, expected) != 0)
        fail_msg("%s reads '%s', expected '%s'", where, value, expected);
}

static const char fir[] = "RX 3 GAIN -6 DEC 4\nTX 3 GAIN 0 INT 4\n"
                          "1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n"
                          "8,8\n7,7\n6,6\n5,5\n4,4\n3,3\n2,2\n1,1\n\n";

static void test_pluto_starts_as_captured(void **state)
{
    (void)state;
    assert_non_null(strstr(p->context->xml, "name=\"hw_serial\" value=\"abc123\""));
    assert_null(strstr(p->context->xml, "1044734c960500111e002e0041984fc267"));
    assert_reads("phy in voltage0 sampling_frequency", "30720000");
    assert_reads("phy in voltage0 gain_control_mode", "slow_attack");
    // The captured rates, not typed in but computed.
    assert_reads("phy dev rx_path_rates", "BBPLL:983040002 ADC:245760000 R2:122880000 R1:61440000 "
                                          "RF:30720000 RXSAMP:30720000");
    assert_reads("phy dev tx_path_rates", "BBPLL:983040002 DAC:122880000 T2:122880000 T1:61440000 "
                                          "TF:30720000 TXSAMP:30720000");
    struct context_device *d;
    const char *value;
    const struct context_attr *a = find("rx in voltage0 samples_pps", &d);
    assert_int_equal(pluto_read(p, d, a, &value), -ENODEV);
}

static void test_pluto_rate_floors(void **state)
{
    (void)state;
    assert_int_equal(put("phy out voltage0 sampling_frequency", "2083333"), 0);
    assert_int_equal(put("phy out voltage0 sampling_frequency", "2083331"), -EINVAL);
    assert_int_equal(put("phy out voltage0 sampling_frequency", "61440001"), -EINVAL);
    assert_int_equal(put("phy in out voltage_filter_fir_en", "1"), -EINVAL); // nothing loaded
    assert_int_equal(
        put("phy dev filter_fir_config", "RX 3 GAIN -6 DEC 3\nTX 3 GAIN 0 INT 4\n1,1\n"), -EINVAL);
    assert_int_equal(put("phy dev filter_fir_config", "rubbish"), -EINVAL);
    assert_int_equal(put("phy dev filter_fir_config", fir), 0);
    assert_reads("phy dev filter_fir_config", "FIR Rx: 16,4 Tx: 16,4");
    assert_int_equal(put("phy in out voltage_filter_fir_en", "1"), 0);
    assert_reads("phy out voltage0 filter_fir_en", "1");
    assert_int_equal(put("phy dev filter_fir_config", fir), -EBUSY);
    assert_int_equal(put("phy out voltage0 sampling_frequency", "520834"), 0);
    // One clock for both directions and the FPGA; a quarter of the floor.
    assert_reads("phy in voltage0 sampling_frequency", "520833");
    assert_reads("rx in voltage0 sampling_frequency", "520833");
    assert_reads("rx in voltage0 sampling_frequency_available", "520833 65104 ");
    assert_int_equal(put("phy out voltage0 sampling_frequency", "520831"), -EINVAL);
    assert_int_equal(put("phy in out voltage_filter_fir_en", "0"), -EINVAL); // too slow without
    assert_reads("phy in out voltage_filter_fir_en", "1");
    assert_int_equal(put("phy in voltage0 sampling_frequency", "3000000"), 0);
    assert_int_equal(put("phy in out voltage_filter_fir_en", "0"), 0);
}

static void test_pluto_fpga_divides_by_eight(void **state)
{
    (void)state;
    assert_int_equal(put("phy in voltage0 sampling_frequency", "2400000"), 0);
    assert_reads("rx in voltage0 sampling_frequency", "2399999"); // the next the PLL can make
    assert_reads("rx in voltage0 sampling_frequency_available", "2399999 299999 ");
    assert_int_equal(put("rx in voltage0 sampling_frequency", "1200000"), -EINVAL);
    assert_int_equal(put("rx in voltage0 sampling_frequency", "299999"), 0);
    pluto_stream_begin(p, 0);
    // The stream's true rate is an eighth of the full one, not the integer that is shown.
    assert_int_equal(pluto_stream_until(p, 2399999), 8000000000);
    assert_int_equal(put("rx in voltage0 sampling_frequency", "2399999"), 0);
    assert_int_equal(pluto_stream_until(p, 2399999), 1000000000);
}

static void test_pluto_lo(void **state)
{
    (void)state;
    assert_int_equal(put("phy out altvoltage0 frequency", "324999999"), -EINVAL);
    assert_int_equal(put("phy out altvoltage0 frequency", "3800000001"), -EINVAL);
    assert_int_equal(put("phy out altvoltage0 frequency", "868 MHz"), -EINVAL);
    // Half of it is an integer of the driver's, so what is read back is even and within 3 Hz.
    for (int64_t hz = 868000001; hz < 868200000; hz += 1237) {
        int64_t made = ad936x_lo(hz, 40000159);
        assert_true(made % 2 == 0 && llabs(made - hz) <= 3);
        assert_int_equal(ad936x_lo(made, 40000159) % 2, 0);
    }
    assert_int_equal(put("phy out altvoltage0 frequency", "868130000"), 0);
    assert_reads("phy out altvoltage0 frequency", "868129998");
    assert_reads("phy in voltage0 hardwaregain_available", "[1 1 77]");
    assert_int_equal(put("phy out altvoltage0 powerdown", "2"), -EINVAL);
}

static void test_pluto_gain(void **state)
{
    (void)state;
    assert_int_equal(put("phy in voltage0 hardwaregain", "50"), -EOPNOTSUPP);
    assert_int_equal(put("phy in voltage0 gain_control_mode", "manual fast_attack"), 0);
    assert_int_equal(put("phy in voltage0 gain_control_mode", "man"), -EINVAL);
    assert_reads("phy in voltage0 gain_control_mode", "manual");
    assert_int_equal(put("phy in voltage0 hardwaregain", "72"), -EINVAL);
    assert_int_equal(put("phy in voltage0 hardwaregain", "-4"), -EINVAL);
    assert_int_equal(put("phy in voltage0 hardwaregain", "49.6 dB"), 0);
    assert_reads("phy in voltage0 hardwaregain", "50.000000 dB");
    assert_int_equal(put("phy in voltage0 hardwaregain", "loud"), -EINVAL);
    assert_int_equal(put("phy out voltage0 hardwaregain", "-10.3"), 0);
    assert_reads("phy out voltage0 hardwaregain", "-10.250000 dB");
    assert_int_equal(put("phy out voltage0 hardwaregain", "0.25"), -EINVAL);
}

static void test_pluto_other_attributes(void **state)
{
    (void)state;
    assert_int_equal(put("phy in voltage0 rf_bandwidth", "199999"), -EINVAL);
    assert_int_equal(put("phy in voltage0 rf_bandwidth", "200000"), 0);
    assert_int_equal(put("phy in voltage0 rf_port_select", "B_BALANCED"), 0);
    assert_int_equal(put("phy in voltage0 rf_port_select", "BALANCED"), -EINVAL);
    assert_int_equal(put("phy in voltage0 rssi", "1"), -EACCES);
    assert_int_equal(put("phy in voltage0 hardwaregain_available", "[0 1 2]"), -EACCES);
    assert_int_equal(put("phy in temp0 input", "1"), -EACCES);
    assert_int_equal(put("phy dev xo_correction", "39992158"), -EINVAL);
    assert_int_equal(put("phy debug loopback", "3"), -EINVAL);
    assert_int_equal(put("tx out altvoltage0 scale", "0.5"), 0);
    assert_reads("tx out altvoltage0 scale", "0.500000");
}

static void test_pluto_registers(void **state)
{
    (void)state;
    // As iio_device_reg_read and _write put it.
    assert_int_equal(put("rx debug direct_reg_access", "2147483784"), 0);
    assert_reads("rx debug direct_reg_access", "0x0");
    pluto_overflow(p, 0);
    assert_int_equal(put("rx debug direct_reg_access", "2147483784"), 0);
    assert_reads("rx debug direct_reg_access", "0x4");
    assert_int_equal(put("rx debug direct_reg_access", "0x80000088 0x1"), 0); // another bit
    assert_reads("rx debug direct_reg_access", "0x4");
    assert_int_equal(put("rx debug direct_reg_access", "0x80000088 0x4"), 0);
    assert_reads("rx debug direct_reg_access", "0x0");
    assert_int_equal(put("phy debug direct_reg_access", "0x37"), 0);
    assert_reads("phy debug direct_reg_access", "0xA");
    assert_int_equal(put("phy debug direct_reg_access", "0x400"), -EINVAL);
    assert_int_equal(put("phy debug direct_reg_access", "here"), -EINVAL);
}

static void test_pluto_samples(void **state)
{
    (void)state;
    enum { N = 100000 };
    static int16_t iq[2 * N], again[2 * N];
    struct air *air;
    assert_int_equal(air_new(&air, NULL), ERR_OK);
    assert_int_equal(put("phy out voltage0 sampling_frequency", "2083333"), 0);
    assert_int_equal(put("phy dev filter_fir_config", fir), 0);
    assert_int_equal(put("phy in out voltage_filter_fir_en", "1"), 0);
    assert_int_equal(put("phy out voltage0 sampling_frequency", "520834"), 0);
    assert_int_equal(put("phy in voltage0 gain_control_mode", "manual"), 0);
    assert_int_equal(put("phy in voltage0 hardwaregain", "50"), 0);
    pluto_stream_begin(p, 0);
    assert_int_equal(pluto_receive(p, air, N, iq, NULL), ERR_OK);
    double power = 0;
    for (int i = 0; i < 2 * N; i++)
        power += (double)iq[i] * iq[i] / (2 * N);
    // -174 dBm/Hz, 6 dB, 520 833 Hz against full scale at -74 dBm: 20.97 codes; rounding adds 1/12.
    double expected =
        pow(2047, 2) / 2 * pow(10, (-174 + 6 + 10 * log10(520833.0) + 74) / 10) + 1.0 / 12;
    assert_true(fabs(power / expected - 1) < 0.02);
    assert_true(sqrt(power) > 19 && sqrt(power) < 22);

    // Another stream of the same unit is other noise; gain is decibels; full scale is a wall.
    pluto_stream_begin(p, 0);
    assert_int_equal(pluto_receive(p, air, N, again, NULL), ERR_OK);
    assert_memory_not_equal(iq, again, sizeof iq);
    assert_int_equal(put("phy in voltage0 hardwaregain", "56"), 0);
    assert_int_equal(pluto_receive(p, air, N, again, NULL), ERR_OK);
    double louder = 0;
    for (int i = 0; i < 2 * N; i++)
        louder += (double)again[i] * again[i] / (2 * N);
    assert_true(fabs(louder / power / pow(10, 0.6) - 1) < 0.02);
    assert_int_equal(put("phy out altvoltage0 frequency", "868130000"), 0);
    assert_int_equal(put("phy in voltage0 hardwaregain", "77"), 0);
    p->receiver.noise_mw *= 100;
    assert_int_equal(pluto_receive(p, air, N, again, NULL), ERR_OK);
    int low = 0, high = 0;
    for (int i = 0; i < 2 * N; i++) {
        low = again[i] < low ? again[i] : low;
        high = again[i] > high ? again[i] : high;
    }
    assert_int_equal(low, -2047);
    assert_int_equal(high, 2047);
    air_free(air);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_pluto_starts_as_captured),
        FRESH(test_pluto_rate_floors),
        FRESH(test_pluto_fpga_divides_by_eight),
        FRESH(test_pluto_lo),
        FRESH(test_pluto_gain),
        FRESH(test_pluto_other_attributes),
        FRESH(test_pluto_registers),
        FRESH(test_pluto_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
