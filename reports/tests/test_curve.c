// Points of several attempts joined into curves.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reports/curve.h"

static struct jval *collect(const char *text)
{
    struct err err = {0};
    struct jval *cases, *curves = NULL;
    if (jval_parse(&cases, text, strlen(text), &err) < 0) fail_msg("%s", err.text);
    if (curve_collect(cases, &curves, &err) < 0) fail_msg("%s", err.text);
    jval_free(cases);
    return curves;
}

static void assert_point(const struct jval *curve, size_t i, double x, int bad, int trials,
                         double low, double high)
{
    const struct jval *p = jval_at(jval_get(curve, "points"), i);
    assert_true(jval_number(jval_get(p, "x"), (double)NAN) == x);
    assert_int_equal(jval_int(jval_get(p, "bad"), -1), bad);
    assert_int_equal(jval_int(jval_get(p, "trials"), -1), trials);
    assert_true(fabs(jval_number(jval_get(p, "low"), -1) - low) < 0.00006);
    assert_true(fabs(jval_number(jval_get(p, "high"), -1) - high) < 0.00006);
}

#define POINT(series, x, bad, trials)                                                              \
    "{\"type\":\"point\",\"series\":\"" series "\",\"x\":" #x ",\"x_unit\":\"dB\",\"bad\":" #bad   \
    ",\"trials\":" #trials ",\"low\":0,\"high\":1,\"confidence\":0.95}"
#define ATTEMPT(superseded, events)                                                                \
    "{\"superseded\":" superseded ",\"events\":[{\"type\":\"note\"}," events "]}"

static void test_curve_adds_up_equal_x_and_sorts(void **state)
{
    (void)state;
    struct jval *curves = collect("[{\"id\":\"JAM-1\",\"axes\":\"_\",\"attempts\":[" ATTEMPT(
        "false",
        POINT("CW", 10, 7, 10) "," POINT("CW", -6, 0, 10) "," POINT(
            "noise", 10, 1,
            1)) "," ATTEMPT("true", POINT("CW", 10, 10, 10)) "]},"
                                                             "{\"id\":\"JAM-2\",\"axes\":\"ranks="
                                                             "1\",\"attempts\":[" ATTEMPT(
                                                                 "false",
                                                                 POINT("CW", 10.0, 3, 10) "," POINT(
                                                                     "CW", 3.5, 1, 10)) "]}]");
    assert_int_equal(jval_len(curves), 2);
    const struct jval *cw = jval_at(curves, 0), *noise = jval_at(curves, 1);
    assert_string_equal(jval_text(jval_get(cw, "series"), ""), "CW");
    assert_string_equal(jval_text(jval_get(cw, "x_unit"), ""), "dB");
    assert_int_equal(jval_len(jval_get(cw, "points")), 3);
    assert_point(cw, 0, -6, 0, 10, 0, 0.3085);
    assert_point(cw, 1, 3.5, 1, 10, 0.0025, 0.4450);
    assert_point(cw, 2, 10, 10, 20, 0.2720, 0.7280); // the superseded attempt does not count
    assert_int_equal(jval_len(jval_get(cw, "cases")), 2);
    assert_string_equal(jval_text(jval_at(jval_get(cw, "cases"), 1), ""), "JAM-2/ranks=1");
    assert_int_equal(jval_len(jval_get(noise, "points")), 1);
    assert_point(noise, 0, 10, 1, 1, 0.0250, 1);
    jval_free(curves);
}

static void test_curve_of_a_run_without_points(void **state)
{
    (void)state;
    struct jval *curves =
        collect("[{\"id\":\"A-1\",\"axes\":\"_\",\"attempts\":[{\"superseded\":false,\"events\":"
                "[{\"type\":\"note\"}]}]},{\"id\":\"A-2\",\"attempts\":[]}]");
    assert_int_equal(jval_len(curves), 0);
    jval_free(curves);
}

static void refuse(const char *text, const char *part)
{
    struct err err = {0};
    struct jval *cases, *curves = NULL;
    if (jval_parse(&cases, text, strlen(text), &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(curve_collect(cases, &curves, &err), ERR_FORMAT);
    if (!strstr(err.text, part)) fail_msg("expected \"%s\" in \"%s\"", part, err.text);
    jval_free(cases);
}

static void test_curve_refuses_points_that_are_none(void **state)
{
    (void)state;
    refuse("[{\"attempts\":[" ATTEMPT("false", POINT("CW", 1, 5, 4)) "]}]", "5 bad of 4");
    refuse("[{\"attempts\":[" ATTEMPT("false", POINT("CW", 1, 0, 0)) "]}]", "0 bad of 0");
    refuse("[{\"attempts\":[" ATTEMPT("false", POINT("CW", null, 0, 1)) "]}]", "no x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve_adds_up_equal_x_and_sorts),
        cmocka_unit_test(test_curve_of_a_run_without_points),
        cmocka_unit_test(test_curve_refuses_points_that_are_none),
    };
    return cmocka_run_group_tests_name("reports/curve", tests, NULL, NULL);
}
