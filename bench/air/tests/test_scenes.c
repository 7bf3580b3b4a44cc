// A few scenes of every kind, always the same: what the receiver can read in them it must go on
// reading, and nothing else. bench_scenes makes as many as are wanted.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/air/tests/scene.h"

enum { NUMBERS = 2 };

// Kinds in which a burst may be beyond reading: jammed, drowned, or one of two on one carrier.
static size_t may_miss(const char *name)
{
    static const char *const hard[] = {"jam_beside", "jam_noise", "jam_pulse", "collide", "ranks"};
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++)
        if (strcmp(name, hard[i]) == 0) return NUMBERS;
    return 0;
}

static void test_every_kind_of_scene(void **state)
{
    (void)state;
    struct scene *scene = malloc(sizeof *scene);
    assert_non_null(scene);
    for (size_t kind = 0; scene_kind_name(kind); kind++) {
        struct scene_score sum = {0};
        for (uint64_t number = 1; number <= NUMBERS; number++) {
            scene_make(kind, number, scene);
            struct scene_score s = scene_run(scene, false);
            sum.sent += s.sent;
            sum.right += s.right;
            sum.ghosts += s.ghosts;
            sum.wrong += s.wrong;
        }
        print_message("# %s: %zu sent, %zu right, %zu ghosts, %zu wrong\n", scene_kind_name(kind),
                      sum.sent, sum.right, sum.ghosts, sum.wrong);
        assert_int_equal(sum.ghosts, 0);
        assert_int_equal(sum.wrong, 0);
        assert_true(sum.right + may_miss(scene_kind_name(kind)) >= sum.sent);
    }
    free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
