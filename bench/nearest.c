#include "bench/nearest.h"

#include <string.h>
#include <strings.h>

enum { LONGEST = 64, BEYOND = 3 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Edits (a letter added, left out, replaced, or two swapped) that make b of a.
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1], n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] =
                least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[m];
}

const char *nearest_word(const char *word, const char *const *list, size_t n)
{
    const char *best = NULL;
    size_t len = strlen(word), allowed = least(BEYOND, len / 2 + 1), best_score = 0;
    for (size_t i = 0; i < n; i++) {
        size_t score = distance(word, list[i]);
        if (len > 3 && strncasecmp(word, list[i], len) == 0) score = least(score, 1);
        if (score > allowed || (best && score >= best_score)) continue;
        best = list[i];
        best_score = score;
    }
    return best;
}
