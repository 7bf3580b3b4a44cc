// Every attribute of every unit of a lab, through the real libiio: what is read is what the
// captured unit shows, and what is written is taken, rounded or refused as docs/LAB.md says.
//
// Argument: the capture (XML). Run by foxlab; nothing else happens in that lab.
#include <errno.h>
#include <fnmatch.h>
#include <iio.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VALUE_MAX = 1024, CAPTURE_MAX = 1 << 20 };

static char capture[CAPTURE_MAX];
static struct iio_context *ctx;

// One attribute, wherever it hangs.
struct attr {
    struct iio_device *dev;
    struct iio_channel *channel; // NULL: the device's own
    bool debug, buffer;
    const char *name;
    char title[256];
};

static ssize_t get(const struct attr *a, char *out)
{
    if (a->channel) return iio_channel_attr_read(a->channel, a->name, out, VALUE_MAX);
    if (a->debug) return iio_device_debug_attr_read(a->dev, a->name, out, VALUE_MAX);
    if (a->buffer) return iio_device_buffer_attr_read(a->dev, a->name, out, VALUE_MAX);
    return iio_device_attr_read(a->dev, a->name, out, VALUE_MAX);
}

static ssize_t put(const struct attr *a, const char *value)
{
    if (a->channel) return iio_channel_attr_write(a->channel, a->name, value);
    if (a->debug) return iio_device_debug_attr_write(a->dev, a->name, value);
    if (a->buffer) return iio_device_buffer_attr_write(a->dev, a->name, value);
    return iio_device_attr_write(a->dev, a->name, value);
}

// --- the capture, read by plain searching

// The value of `name` within [from, to); false when it is not there.
static bool captured_in(const char *from, const char *to, const char *tag, const char *name,
                        char *out)
{
    char head[160];
    snprintf(head, sizeof head, "<%s name=\"%s\"", tag, name);
    const char *at = strstr(from, head);
    if (!at || at >= to) return false;
    const char *value = strstr(at, "value=\""), *end;
    const char *close = strstr(at, "/>");
    if (!value || value > close) return false;
    value += strlen("value=\"");
    end = strchr(value, '"');
    snprintf(out, VALUE_MAX, "%.*s", (int)(end - value), value);
    return true;
}

static bool captured(const struct attr *a, char *out)
{
    char head[160];
    snprintf(head, sizeof head, "<device id=\"%s\"", iio_device_get_id(a->dev));
    const char *from = strstr(capture, head);
    const char *to = from ? strstr(from, "</device>") : NULL;
    if (!from || !to) return false;
    const char *own = from; // the device's attributes stand behind its channels
    for (const char *c; (c = strstr(own, "</channel>")) && c < to;)
        own = c + 1;
    if (!a->channel)
        return captured_in(own, to,
                           a->debug    ? "debug-attribute"
                           : a->buffer ? "buffer-attribute"
                                       : "attribute",
                           a->name, out);
    bool output = iio_channel_is_output(a->channel);
    for (const char *c = from; (c = strstr(c, "<channel id=\"")) && c < to; c++) {
        const char *id = c + strlen("<channel id=\""), *head_end = strchr(c, '>');
        size_t len = strlen(iio_channel_get_id(a->channel));
        const char *type = strstr(c, "type=\"");
        if (strncmp(id, iio_channel_get_id(a->channel), len) != 0 || id[len] != '"') continue;
        if (!type || type > head_end || (strncmp(type + 6, "output", 6) == 0) != output) continue;
        return captured_in(head_end, strstr(c, "</channel>"), "attribute", a->name, out);
    }
    return false;
}

// --- every attribute

static void name_it(struct attr *a)
{
    const char *dev = iio_device_get_name(a->dev);
    snprintf(a->title, sizeof a->title, "%s/%s%s%s", dev,
             a->channel  ? (iio_channel_is_output(a->channel) ? "out-" : "in-")
             : a->debug  ? "debug/"
             : a->buffer ? "buffer/"
                         : "",
             a->channel ? iio_channel_get_id(a->channel) : "", a->channel ? "/" : "");
    strncat(a->title, a->name, sizeof a->title - strlen(a->title) - 1);
}

static unsigned for_each(void (*visit)(const struct attr *a))
{
    unsigned n = 0;
    for (unsigned d = 0; d < iio_context_get_devices_count(ctx); d++) {
        struct iio_device *dev = iio_context_get_device(ctx, d);
        for (unsigned c = 0; c < iio_device_get_channels_count(dev); c++) {
            struct iio_channel *ch = iio_device_get_channel(dev, c);
            for (unsigned i = 0; i < iio_channel_get_attrs_count(ch); i++, n++) {
                struct attr a = {.dev = dev, .channel = ch, .name = iio_channel_get_attr(ch, i)};
                name_it(&a);
                visit(&a);
            }
        }
        for (unsigned i = 0; i < iio_device_get_attrs_count(dev); i++, n++) {
            struct attr a = {.dev = dev, .name = iio_device_get_attr(dev, i)};
            name_it(&a);
            visit(&a);
        }
        for (unsigned i = 0; i < iio_device_get_debug_attrs_count(dev); i++, n++) {
            struct attr a = {.dev = dev, .debug = true, .name = iio_device_get_debug_attr(dev, i)};
            name_it(&a);
            visit(&a);
        }
        for (unsigned i = 0; i < iio_device_get_buffer_attrs_count(dev); i++, n++) {
            struct attr a = {
                .dev = dev, .buffer = true, .name = iio_device_get_buffer_attr(dev, i)};
            name_it(&a);
            visit(&a);
        }
    }
    return n;
}

static void check_value(const struct attr *a)
{
    // What the capture cannot know: the registers that were last looked at, and the receiver's gain
    // range and path rates, which the lab works out for the frequency and rate that are shown.
    char want[VALUE_MAX], got[VALUE_MAX] = "";
    if (!captured(a, want)) fail_msg("%s is not in the capture", a->title);
    ssize_t rc = get(a, got);
    if (strcmp(want, "ERROR") == 0) {
        if (rc >= 0) fail_msg("%s: expected an error, read '%s'", a->title, got);
        if (rc != -ENODEV && rc != -EACCES && rc != -EAGAIN && rc != -EINVAL)
            fail_msg("%s: expected ENODEV, EACCES, EAGAIN or EINVAL, got %zd", a->title, rc);
        return;
    }
    if (rc < 0) fail_msg("%s: %s", a->title, strerror((int)-rc));
    // XML writes a line end as it is, and an attribute ends where its text does.
    if (strcmp(want, got) != 0) fail_msg("%s: captured '%s', read '%s'", a->title, want, got);
}

enum kind { FIXED, RANGE, LIST, BOOLEAN, DDS_FREQUENCY, DDS_PHASE, UNIT_SCALE, OTHER };

// What docs/LAB.md says can be written. First match counts.
static const struct {
    const char *title;
    enum kind kind;
    double step; // to which a RANGE is rounded
} kinds[] = {
    {"*_available", FIXED, 0},
    {"ad9361-phy/out-altvoltage?/frequency", RANGE, 16},
    {"ad9361-phy/out-altvoltage?/powerdown", BOOLEAN, 0},
    {"ad9361-phy/*/sampling_frequency", RANGE, 16},
    {"ad9361-phy/*/rf_bandwidth", RANGE, 0},
    {"ad9361-phy/in-voltage0/hardwaregain", RANGE, 0},
    {"ad9361-phy/out-voltage0/hardwaregain", RANGE, 0.25},
    {"ad9361-phy/in-voltage0/gain_control_mode", LIST, 0},
    {"ad9361-phy/*/rf_port_select", LIST, 0},
    {"ad9361-phy/in-voltage?/*_tracking_en", BOOLEAN, 0},
    {"ad9361-phy/xo_correction", RANGE, 0},
    {"ad9361-phy/calib_mode", LIST, 0},
    {"ad9361-phy/ensm_mode", LIST, 0},
    {"ad9361-phy/trx_rate_governor", LIST, 0},
    {"cf-ad9361-dds-core-lpc/out-altvoltage?/raw", BOOLEAN, 0},
    {"cf-ad9361-dds-core-lpc/out-altvoltage?/frequency", DDS_FREQUENCY, 0},
    {"cf-ad9361-dds-core-lpc/out-altvoltage?/phase", DDS_PHASE, 0},
    {"cf-ad9361-dds-core-lpc/out-altvoltage?/scale", UNIT_SCALE, 0},
    // Tested where they belong: filters and rates in test_lab_client, registers in test_lab_pluto.
    {"*filter_fir_en", OTHER, 0},
    {"*filter_fir_config", OTHER, 0},
    {"cf-ad9361-*/*sampling_frequency", OTHER, 0},
    {"*/direct_reg_access", OTHER, 0},
    {"*/buffer/watermark", OTHER, 0},
    {"ad9361-phy/debug/loopback", OTHER, 0},
};

static unsigned written;

static void takes(const struct attr *a, const char *value)
{
    ssize_t rc = put(a, value);
    if (rc < 0) fail_msg("%s: '%s' was refused: %s", a->title, value, strerror((int)-rc));
    written++;
}

static void refuses(const struct attr *a, const char *value, int why)
{
    char before[VALUE_MAX] = "", after[VALUE_MAX] = "";
    get(a, before);
    ssize_t rc = put(a, value);
    if (rc != why) fail_msg("%s: '%s': expected %d, got %zd", a->title, value, why, rc);
    get(a, after);
    if (strcmp(before, after) != 0)
        fail_msg("%s: '%s' was refused, and '%s' became '%s'", a->title, value, before, after);
    written++;
}

static void reads(const struct attr *a, double want, double tolerance)
{
    char got[VALUE_MAX] = "";
    if (get(a, got) < 0 || !(fabs(strtod(got, NULL) - want) <= tolerance))
        fail_msg("%s: expected %.10g, read '%s'", a->title, want, got);
}

static void number(const struct attr *a, double value, double tolerance)
{
    char text[64];
    snprintf(text, sizeof text, "%.10g", value);
    takes(a, text);
    reads(a, value, tolerance);
}

static void refused_number(const struct attr *a, double value)
{
    char text[64];
    snprintf(text, sizeof text, "%.10g", value);
    refuses(a, text, -EINVAL);
}

// The list or range of an attribute, in the file that the library shows beside it.
static void available(const struct attr *a, char *out)
{
    char name[128];
    struct attr list = *a;
    snprintf(name, sizeof name, "%s_available", a->name);
    list.name = name;
    if (get(&list, out) < 0) fail_msg("%s has no %s", a->title, name);
}

static void write_range(const struct attr *a, double step)
{
    char text[VALUE_MAX];
    double min, grain, max;
    available(a, text);
    if (sscanf(text, "[%lf %lf %lf]", &min, &grain, &max) != 3)
        fail_msg("%s: range '%s'", a->title, text);
    number(a, min, step);
    number(a, max, step);
    number(a, min + grain * floor((max - min) / 4 / grain), step);
    // A rate that is rounded down by less than a hertz is still the lowest one.
    refused_number(a, min - fmax(grain, 8));
    refused_number(a, max + fmax(grain, 8));
}

static void write_list(const struct attr *a)
{
    char list[VALUE_MAX], got[VALUE_MAX], *rest = NULL;
    available(a, list);
    for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        takes(a, word);
        if (get(a, got) < 0 || strcmp(got, word) != 0)
            fail_msg("%s: wrote '%s', read '%s'", a->title, word, got);
    }
    refuses(a, "manua", -EINVAL); // the beginning of a word is none
}

static void write_it(const struct attr *a)
{
    enum kind kind = FIXED;
    double step = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (fnmatch(kinds[i].title, a->title, 0) != 0) continue;
        kind = kinds[i].kind;
        step = kinds[i].step;
        break;
    }
    char before[VALUE_MAX] = "";
    if (kind == OTHER) return;
    if (kind == FIXED) {
        ssize_t rc = put(a, "1");
        if (rc != -EACCES) fail_msg("%s: expected -EACCES, got %zd", a->title, rc);
        written++;
        return;
    }
    if (get(a, before) < 0) fail_msg("%s can be written, but not read", a->title);
    if (kind == RANGE) write_range(a, step);
    if (kind == LIST) write_list(a);
    if (kind == BOOLEAN) {
        number(a, 1, 0);
        number(a, 0, 0);
        refused_number(a, 2);
    }
    if (kind == DDS_FREQUENCY) {
        // Up to half of the captured rate, which another crystal correction moves a little.
        number(a, 15359000, 0);
        refused_number(a, 15361000);
        refused_number(a, -1);
    }
    if (kind == DDS_PHASE) {
        number(a, 360000, 0);
        refused_number(a, 360001);
        refused_number(a, -1);
    }
    if (kind == UNIT_SCALE) {
        number(a, 1, 0);
        number(a, 0.25, 0);
        refused_number(a, 1.01);
        refused_number(a, -0.01);
    }
    refuses(a, "nonsense", -EINVAL);
    refuses(a, "", -EINVAL);
    takes(a, before);
    char after[VALUE_MAX] = "";
    get(a, after);
    if (strcmp(before, after) != 0)
        fail_msg("%s: '%s' was written back and reads '%s'", a->title, before, after);
}

// --- tests

static void connect_unit(int unit)
{
    char name[64], uri[64]; // the library writes into it
    snprintf(name, sizeof name, "FOXLAB_PLUTO_%d_URI", unit);
    const char *value = getenv(name);
    assert_non_null(value);
    snprintf(uri, sizeof uri, "%s", value);
    ctx = iio_create_context_from_uri(uri);
    assert_non_null(ctx);
}

static void test_attributes_are_those_of_the_capture(void **state)
{
    (void)state;
    size_t in_capture = 0;
    for (const char *c = capture; (c = strstr(c, "attribute name=\"")); c++)
        in_capture += strncmp(c - strlen("context-"), "context-", strlen("context-")) != 0;
    for (int unit = 0; unit < 3; unit++) {
        connect_unit(unit);
        // Every one of the capture is there, and nothing else.
        assert_int_equal(for_each(check_value), in_capture);
        iio_context_destroy(ctx);
    }
}

static void test_attributes_take_what_the_chip_takes(void **state)
{
    (void)state;
    connect_unit(1);
    // The gain belongs to the automatic control until it is told otherwise.
    struct iio_device *phy = iio_context_find_device(ctx, "ad9361-phy");
    struct iio_channel *rx = iio_device_find_channel(phy, "voltage0", false);
    assert_int_equal(iio_channel_attr_write(rx, "hardwaregain", "10"), -EOPNOTSUPP);
    assert_true(iio_channel_attr_write(rx, "gain_control_mode", "manual") > 0);
    written = 0;
    unsigned n = for_each(write_it);
    print_message("# %u attributes, %u writes\n", n, written);
    assert_true(written > n);
    iio_context_destroy(ctx);
    // Nobody else's chip has changed.
    connect_unit(2);
    for_each(check_value);
    iio_context_destroy(ctx);
}

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (!f || fread(capture, 1, sizeof capture - 1, f) == 0) {
        fprintf(stderr, "expected the capture as argument\n");
        return 4;
    }
    fclose(f);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_are_those_of_the_capture),
        cmocka_unit_test(test_attributes_take_what_the_chip_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
