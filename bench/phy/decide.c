#include "bench/phy/decide.h"

#include <stdlib.h>
#include <string.h>

enum {
    LIST_SYMBOLS_MAX = 14,
    LIST_PATTERNS_MAX = 1600 // more than there are of weight 4 and less
};

// How far a list goes.
struct reach {
    unsigned symbols; // least reliable symbols that may be wrong
    int weight;       // of them at once
    size_t patterns;  // tried, the likeliest first
    float cost;       // symbols of more than so many mean amplitudes together were hardly all wrong
    unsigned head_errors; // at most
    double ebn0;          // linear, at least
};

// Each pattern is a chance of 2^-16 to accept nonsense on the check alone; where the sender can be
// asked, there is none.
// Below 2.5 dB there are mostly more wrong symbols than the short list mends: only the chance is
// left.
static const struct reach checked = {10, 3, 64, 0.9f, 2, 1.8};
static const struct reach vouched = {14, 4, 1500, 2.0f, 6, 1.2};

// Below 1.5 dB not one frame in a hundred has no wrong symbol: what the check alone lets pass there
// is chance, mostly out of the remains of a stronger burst.
static const double chance_ebn0 = 1.4;

static void harden(const float *soft, size_t n, uint8_t *body)
{
    memset(body, 0, PHY_BODY_BITS_MAX / 8);
    for (size_t i = 0; i < n; i++)
        if (soft[i] > 0) body[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static bool accepts(const struct phy_receive_config *config, size_t sync, const uint8_t *body)
{
    return config->check && config->check(config->check_ctx, sync, body);
}

static enum phy_vouch word_on(const struct phy_receive_config *config, size_t sync,
                              const uint8_t *body)
{
    return config->vouch ? config->vouch(config->check_ctx, sync, body) : PHY_VOUCH_NOBODY;
}

// A body as it was received, nothing of it mended.
static bool is_whole(const struct phy_receive_config *config, const struct phy_demodulated *d,
                     size_t sync, const uint8_t *body)
{
    return accepts(config, sync, body) &&
           (d->ebn0 >= chance_ebn0 || word_on(config, sync, body) == PHY_VOUCH_RIGHT);
}

// The symbols that may be wrong, the weakest first. `weak` are their amplitudes.
static size_t weakest_symbols(const float *weak, size_t n_symbols, size_t most,
                              size_t index[LIST_SYMBOLS_MAX])
{
    size_t n = 0;
    for (size_t k = 0; k < n_symbols; k++) {
        size_t at = n;
        while (at > 0 && weak[index[at - 1]] > weak[k])
            at--;
        if (at == most) continue;
        if (n < most) n++;
        memmove(index + at + 1, index + at, (n - 1 - at) * sizeof *index);
        index[at] = k;
    }
    return n;
}

// A wrong symbol is two wrong bits: the one that ends in it and the one that begins with it.
static void flip_symbol(uint8_t *body, size_t k, size_t body_bits)
{
    if (k > 0) body[(k - 1) / 8] ^= (uint8_t)(0x80 >> (k - 1) % 8);
    if (k < body_bits) body[k / 8] ^= (uint8_t)(0x80 >> k % 8);
}

struct pattern {
    unsigned symbols; // bit q: the q-th weakest symbol is flipped
    float cost;       // their amplitudes' sum: the smaller, the likelier
};

static int by_cost(const void *a, const void *b)
{
    const struct pattern *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    return x->symbols < y->symbols ? -1 : x->symbols > y->symbols;
}

// free: the first so many of the n symbols may take either sign, whatever else is wrong.
static size_t likely_patterns(const float *weak, const struct reach *reach, float most,
                              const size_t *index, size_t n, size_t free, struct pattern *out)
{
    size_t n_out = 0;
    for (unsigned symbols = 1; symbols < 1u << n && n_out < LIST_PATTERNS_MAX; symbols++) {
        if (__builtin_popcount(symbols >> free) > reach->weight) continue;
        float cost = 0;
        for (size_t q = 0; q < n; q++)
            if (symbols >> q & 1) cost += weak[index[q]];
        if (cost <= most) out[n_out++] = (struct pattern){symbols, cost};
    }
    qsort(out, n_out, sizeof *out, by_cost);
    return n_out < reach->patterns ? n_out : reach->patterns;
}

// `erase`: what something else has struck has no sign, however loud it is.
static bool try_list(const struct phy_receive_config *config, const struct phy_demodulated *d,
                     const struct reach *reach, bool erase, size_t sync, const uint8_t *tracked,
                     uint8_t *body)
{
    if (d->head_errors - d->head_doubts > reach->head_errors || d->ebn0 < reach->ebn0) return false;
    struct pattern patterns[LIST_PATTERNS_MAX];
    size_t index[LIST_SYMBOLS_MAX], n_symbols = d->body_bits + 1;
    float weak[PHY_BODY_BITS_MAX + 1] = {0}, sum = 0;
    for (size_t k = 0; k < n_symbols; k++) {
        weak[k] = erase && d->erased[k] ? 0 : d->weak[k];
        sum += d->weak[k];
    }
    size_t n = weakest_symbols(weak, n_symbols, reach->symbols, index);
    size_t free = !erase ? 0 : d->n_erased < n ? d->n_erased : n;
    size_t n_patterns = likely_patterns(weak, reach, reach->cost * sum / (float)n_symbols, index, n,
                                        free, patterns);
    for (size_t i = 0; i < n_patterns; i++) {
        memcpy(body, tracked, PHY_BODY_BITS_MAX / 8);
        for (size_t q = 0; q < n; q++)
            if (patterns[i].symbols >> q & 1) flip_symbol(body, index[q], d->body_bits);
        if (!accepts(config, sync, body)) continue;
        enum phy_vouch word = word_on(config, sync, body);
        if (word == PHY_VOUCH_RIGHT || (word == PHY_VOUCH_NOBODY && reach == &checked)) return true;
    }
    return false;
}

// Where the sender can be asked, its word goes before what the check alone lets pass.
static bool is_listed(const struct phy_receive_config *config, const struct phy_demodulated *d,
                      size_t sync, const uint8_t *tracked, uint8_t *body)
{
    if (!config->check) return false;
    for (int round = 0; round < 2; round++) {
        bool erase = round == 1;
        if (erase && !d->n_erased) break;
        if (config->vouch && try_list(config, d, &vouched, erase, sync, tracked, body)) return true;
        if (try_list(config, d, &checked, erase, sync, tracked, body)) return true;
    }
    return false;
}

void phy_decide(const struct phy_receive_config *config, const struct phy_demodulated *d,
                struct phy_burst *burst)
{
    uint8_t listed[PHY_BODY_BITS_MAX / 8];
    harden(d->soft_plain, d->body_bits, burst->body_plain);
    memcpy(burst->state, d->state, sizeof burst->state);
    if (config->plain_only) {
        memcpy(burst->body, burst->body_plain, sizeof burst->body);
        memcpy(burst->soft, d->soft_plain, sizeof burst->soft);
        burst->how = PHY_HOW_PLAIN;
        burst->checked = is_whole(config, d, burst->sync, burst->body);
        return;
    }

    memcpy(burst->soft, d->soft, sizeof burst->soft);
    harden(d->soft, d->body_bits, burst->body);
    burst->how = PHY_HOW_TRACKED;
    if (is_whole(config, d, burst->sync, burst->body_plain)) {
        memcpy(burst->body, burst->body_plain, sizeof burst->body);
        burst->how = PHY_HOW_PLAIN;
        burst->checked = true;
    } else if (is_whole(config, d, burst->sync, burst->body)) {
        burst->checked = true;
    } else if (is_listed(config, d, burst->sync, burst->body, listed)) {
        memcpy(burst->body, listed, sizeof burst->body);
        burst->how = PHY_HOW_LIST;
        burst->checked = true;
    }
}
