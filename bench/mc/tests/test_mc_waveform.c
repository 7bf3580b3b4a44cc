// The simulation and the real receiver agree where half of the frames are lost.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/mc/tests/waveform.h"

enum { FRAMES = 18, TRIALS = 2000 };

static void compare(enum mc_jammer jammer)
{
    struct mc_config c = waveform_config(jammer);
    struct err err = {0};
    double simulated, heard;
    if (waveform_simulated(&c, TRIALS, &simulated, &err) < 0) fail_msg("%s", err.text);
    if (waveform_half_point(&c, simulated - 0.2, FRAMES, &heard, &err) < 0)
        fail_msg("%s", err.text);
    print_message("# %s: half lost at %+.2f dB simulated, %+.2f dB heard\n", mc_jammer_name(jammer),
                  simulated, heard);
    assert_true(fabs(simulated - heard) <= 0.7);
}

#define JAMMER(name, text)                                                                         \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        compare(MC_JAMMER_##name);                                                                 \
    }
#include "bench/mc/jammers.def"
#undef JAMMER

int main(void)
{
    const struct CMUnitTest tests[] = {
#define JAMMER(name, text) cmocka_unit_test(test_##name),
#include "bench/mc/jammers.def"
#undef JAMMER
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
