// How many bursts of random scenes are read, kind by kind, and how many reports are wrong or
// doubled. Not a test: what is asked of it stands in docs/PERFORMANCE.md.
//
//   bench_scenes [-v] [COUNT [FIRST [KIND …]]]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/tests/scene.h"

static bool is_chosen(const char *name, char **kinds, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(kinds[i], name) == 0) return true;
    return n == 0;
}

int main(int argc, char **argv)
{
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    argc -= verbose;
    argv += verbose;
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 20;
    size_t first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    static struct scene scene;
    struct scene_score all = {0};
    printf("%-12s %6s %6s %7s %7s %6s %6s %9s\n", "kind", "scenes", "sent", "right", "ghosts",
           "wrong", "list", "combined");
    for (size_t kind = 0; scene_kind_name(kind); kind++) {
        if (!is_chosen(scene_kind_name(kind), argv + 3, argc > 3 ? argc - 3 : 0)) continue;
        struct scene_score sum = {0};
        for (size_t i = first; i < first + count; i++) {
            scene_make(kind, i, &scene);
            struct scene_score s = scene_run(&scene, false);
            if (verbose && (s.right < s.sent || s.ghosts || s.wrong)) {
                printf("%s %zu\n", scene_kind_name(kind), i);
                for (size_t k = 0; k < scene.n_jammers; k++)
                    printf("  jammer %d: %+.1f Hz, %.1f dBHz, %.0f Hz, %.3f s, duty %.2f\n",
                           (int)scene.jammers[k].kind, scene.jammers[k].f_hz,
                           scene.jammers[k].jn0_dbhz, scene.jammers[k].bw_hz,
                           scene.jammers[k].period_s, scene.jammers[k].duty);
                for (size_t k = 0; k < scene.n_bursts && scene.n_bursts < 4; k++)
                    printf("  sent: %.3f s %+.2f Hz %.1f dB rank %u\n", scene.bursts[k].t_s,
                           scene.bursts[k].f_hz, scene.bursts[k].ebn0_db, scene.bursts[k].rank);
                (void)scene_run(&scene, true);
            }
            sum.sent += s.sent;
            sum.right += s.right;
            sum.ghosts += s.ghosts;
            sum.wrong += s.wrong;
            sum.list += s.list;
            sum.combined += s.combined;
        }
        printf("%-12s %6zu %6zu %7zu %7zu %6zu %6zu %9zu\n", scene_kind_name(kind), count, sum.sent,
               sum.right, sum.ghosts, sum.wrong, sum.list, sum.combined);
        fflush(stdout);
        all.sent += sum.sent;
        all.right += sum.right;
        all.ghosts += sum.ghosts;
        all.wrong += sum.wrong;
    }
    printf("%-12s %6s %6zu %7zu %7zu %6zu\n", "all", "", all.sent, all.right, all.ghosts,
           all.wrong);
    return 0;
}
