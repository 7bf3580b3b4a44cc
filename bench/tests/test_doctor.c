// Which udev rules count.
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/doctor.h"

struct place {
    char folder[64];
    const char *folders[3];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->folder, sizeof p->folder, "/tmp/foxbench-udev-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    p->folders[0] = "/nonexistent";
    p->folders[1] = p->folder;
    *state = p;
    return 0;
}

static void path_of(const struct place *p, const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s", p->folder, name);
}

static int remove_place(void **state)
{
    static const char *const names[] = {"10-a.rules", "20-b.rules", "30-c.rules.off"};
    struct place *p = *state;
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path_of(p, names[i], path);
        unlink(path);
    }
    rmdir(p->folder);
    free(p);
    return 0;
}

static void write_file(const struct place *p, const char *name, const char *text)
{
    char path[PATH_MAX];
    path_of(p, name, path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void test_rule_found_in_the_second_folder(void **state)
{
    struct place *p = *state;
    char found[PATH_MAX] = "", expected[PATH_MAX];
    write_file(p, "10-a.rules", "# other things\nATTRS{idVendor}==\"1234\"\n");
    write_file(p, "20-b.rules", doctor_udev_rules);
    path_of(p, "20-b.rules", expected);
    assert_true(doctor_find_rule(p->folders, "0456", "b673", found, sizeof found));
    assert_string_equal(found, expected);
    assert_true(doctor_find_rule(p->folders, "0403", "6014", NULL, 0));
    assert_true(doctor_find_rule(p->folders, "0456", "B673", NULL, 0));
    assert_false(doctor_find_rule(p->folders, "0403", "b673", NULL, 0));
}

static void test_rule_that_does_not_act(void **state)
{
    struct place *p = *state;
    write_file(p, "10-a.rules",
               "  # ATTR{idVendor}==\"0403\", ATTR{idProduct}==\"6014\"\n"
               "ATTR{idVendor}==\"0403\"\nATTR{idProduct}==\"6014\"\n");
    write_file(p, "30-c.rules.off", doctor_udev_rules);
    assert_false(doctor_find_rule(p->folders, "0403", "6014", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rule_found_in_the_second_folder, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_rule_that_does_not_act, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
