// Fuzzes the search for secrets with what a device might give away. Whatever comes, hits lie inside
// the data and are true, and a key that is planted into it is found where it was put.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dut/keysearch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DATA_MAX = 4096, HITS = 64 };

static void check_hit(const struct keysearch_hit *h, const uint8_t *data, size_t size,
                      const struct secret *key)
{
    if (h->len == 0 || h->offset > size || h->len > size - h->offset) abort();
    if (h->form == KEYSEARCH_RAW)
        for (size_t i = 0; i < key->len; i++)
            if ((data[h->offset + i] ^ h->xored_with) != key->data[i]) abort();
}

static int find(const uint8_t *data, size_t size, const struct keysearch_secret *known,
                struct keysearch_hit *hits)
{
    int n = keysearch_find(data, size, known, 1, hits, HITS, NULL);
    if (n < 0) abort();
    for (int i = 0; i < n && i < HITS; i++)
        check_hit(&hits[i], data, size, known->secret);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 18 || size > DATA_MAX) return 0;
    // The first 16 bytes are the key, the next one says where and how to plant it.
    struct secret key;
    if (secret_init(&key, data, 16, NULL) < 0) abort();
    const struct keysearch_secret known = {"key", &key};
    struct keysearch_hit hits[HITS];
    uint8_t rest[DATA_MAX];
    size_t n = size - 17;
    memcpy(rest, data + 17, n);
    find(rest, n, &known, hits);
    int run = keysearch_longest_run(rest, n, &known, hits, NULL);
    if (run < 0 || run > 16) abort();
    if (run)
        check_hit(&(struct keysearch_hit){.form = KEYSEARCH_HEX,
                                          .offset = hits[0].offset,
                                          .len = hits[0].len},
                  rest, n, &key);
    if (n >= 16) {
        size_t at = data[16] % (n - 15);
        memcpy(rest + at, key.data, 16);
        int found = find(rest, n, &known, hits);
        bool there = false;
        for (int i = 0; i < found && i < HITS; i++)
            there = there || (hits[i].form == KEYSEARCH_RAW && hits[i].offset == at &&
                              hits[i].xored_with == 0);
        if (!there && found <= HITS) abort();
        if (keysearch_longest_run(rest, n, &known, hits, NULL) != 16) abort();
    }
    secret_deinit(&key);
    return 0;
}
