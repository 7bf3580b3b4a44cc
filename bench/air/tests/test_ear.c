// An ear hands out what its receiver alone hands out, after the same samples, although most of them
// are searched by its thread; and what a receiver says of its quiet holds.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/air/ear.h"
#include "bench/air/tests/scene.h"

// A live bench's blocks: shorter than any burst.
static const double block_s = 0.06;

struct asked {
    pthread_t owner;
    size_t calls, told;
    bool elsewhere; // somebody else asked
};

static enum air_tag verify(void *ctx, const struct sfx_uplink *up)
{
    struct asked *a = ctx;
    (void)up;
    a->calls++;
    a->elsewhere = a->elsewhere || !pthread_equal(pthread_self(), a->owner);
    return AIR_TAG_WRONG;
}

static int alive(void *ctx, struct err *err)
{
    struct asked *a = ctx;
    (void)err;
    a->told++;
    a->elsewhere = a->elsewhere || !pthread_equal(pthread_self(), a->owner);
    return ERR_OK;
}

static struct air_ear_config config_for(const struct scene *s, struct asked *asked)
{
    return (struct air_ear_config){
        .receiver =
            {
                .rate_hz = s->rate_hz,
                .low_hz = -s->rate_hz / 2,
                .high_hz = s->rate_hz / 2,
                .bit_rate_100 = true,
                .bit_rate_600 = true,
                .verify = verify,
                .verify_ctx = asked,
            },
        .alive = alive,
        .alive_ctx = asked,
    };
}

static void assert_same_frame(const struct air_frame *a, const struct air_frame *b)
{
    assert_int_equal(a->class, b->class);
    assert_int_equal(a->rank, b->rank);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->end_sample, b->end_sample);
    assert_memory_equal(a->packet, b->packet, a->packet_len);
    assert_memory_equal(&a->burst.start_sample, &b->burst.start_sample, sizeof(double));
    assert_memory_equal(&a->burst.f_hz, &b->burst.f_hz, sizeof(double));
    assert_memory_equal(&a->burst.ebn0_db, &b->burst.ebn0_db, sizeof(double));
    assert_memory_equal(a->burst.soft, b->burst.soft, sizeof a->burst.soft);
}

// Pushes a block into both. Returns how many frames came.
static size_t push_both(struct air_receiver *alone, struct asked *asked, struct air_ear *ear,
                        int64_t *pushed, const int16_t *iq, size_t n, bool wait)
{
    struct err err = {0};
    struct air_frame expected, frame;
    size_t frames = 0, asked_before = asked->calls;
    *pushed += (int64_t)n;
    const bool quiet = *pushed < air_receiver_quiet(alone);
    assert_int_equal(air_receiver_push(alone, iq, n, &err), ERR_OK);
    if (quiet) assert_int_equal(asked->calls, asked_before);
    assert_int_equal(air_ear_push(ear, iq, n, &err), ERR_OK);
    while (air_receiver_next(alone, &expected)) {
        assert_false(quiet);
        assert_true(air_ear_next(ear, &frame));
        assert_same_frame(&expected, &frame);
        frames++;
    }
    assert_false(air_ear_next(ear, &frame));
    assert_true(air_ear_settled_at_most(ear) >= air_receiver_settled(alone));
    if (wait) assert_int_equal(air_ear_settled(ear), air_receiver_settled(alone));
    return frames;
}

static size_t run_scene(const struct scene *s, double *beside)
{
    struct asked alone_asked = {.owner = pthread_self()}, ear_asked = alone_asked;
    const struct air_ear_config alone_config = config_for(s, &alone_asked);
    const struct air_ear_config ear_config = config_for(s, &ear_asked);
    struct air_receiver *alone;
    struct air_ear *ear;
    struct err err = {0};
    size_t n, frames = 0;
    int64_t pushed = 0;
    int16_t *iq = scene_render(s, &n);
    assert_non_null(iq);
    assert_int_equal(air_receiver_new(&alone, &alone_config.receiver, &err), ERR_OK);
    assert_int_equal(air_ear_new(&ear, &ear_config, &err), ERR_OK);
    const size_t block = (size_t)(block_s * s->rate_hz);
    for (size_t at = 0, here; at < n; at += here) {
        here = n - at < block ? n - at : block;
        frames +=
            push_both(alone, &alone_asked, ear, &pushed, iq + 2 * at, here, at / block % 3 == 0);
    }
    assert_false(ear_asked.elsewhere);
    assert_int_equal(ear_asked.calls, alone_asked.calls);
    assert_true(ear_asked.told > 0 || frames == 0);
    *beside = (double)air_ear_beside(ear) / (double)n;
    air_receiver_free(alone);
    air_ear_free(ear); // also while its thread is at work
    free(iq);
    return frames;
}

static size_t kind_of(const char *name)
{
    size_t kind = 0;
    while (strcmp(scene_kind_name(kind), name) != 0)
        kind++;
    return kind;
}

static void test_ear_changes_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"noise",      "weak",   "neighbour",
                                        "both_rates", "jam_cw", "twins"};
    size_t frames = 0;
    struct scene *scene = malloc(sizeof *scene);
    assert_non_null(scene);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        double beside;
        scene_make(kind_of(names[i]), 301, scene);
        size_t here = run_scene(scene, &beside);
        print_message("# %s: %zu frames, %.0f %% of the samples beside\n", names[i], here,
                      100 * beside);
        frames += here;
        assert_true(strcmp(names[i], "noise") != 0 || beside > 0.5);
    }
    assert_true(frames >= 10);
    free(scene);
}

static int give_up(void *ctx, struct err *err)
{
    (void)ctx;
    return err_set(err, ERR_IO, "nobody listens");
}

static void test_ear_ends_when_nobody_listens(void **state)
{
    (void)state;
    struct asked asked = {.owner = pthread_self()};
    struct scene *scene = malloc(sizeof *scene);
    assert_non_null(scene);
    scene_make(kind_of("weak"), 301, scene);
    struct air_ear_config config = config_for(scene, &asked);
    config.alive = give_up;
    struct air_ear *ear;
    struct err err = {0};
    size_t n, at = 0;
    int16_t *iq = scene_render(scene, &n);
    assert_non_null(iq);
    assert_int_equal(air_ear_new(&ear, &config, &err), ERR_OK);
    int rc = ERR_OK;
    for (size_t here; at < n && rc == ERR_OK; at += here) {
        here = n - at < 4096 ? n - at : 4096;
        rc = air_ear_push(ear, iq + 2 * at, here, &err);
    }
    assert_int_equal(rc, ERR_IO);
    assert_string_equal(err.text, "nobody listens");
    air_ear_free(ear);
    air_ear_free(NULL);
    free(iq);
    free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ear_changes_nothing),
        cmocka_unit_test(test_ear_ends_when_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
