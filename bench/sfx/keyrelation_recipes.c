// How one key may have been made out of another: the recipes, and the patterns that two or three
// keys share when one was. A key is 16 bytes here; lanes are parts of it that are added apart.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/crypto.h"
#include "bench/sfx/keyrelation_try.h"

enum { LEN = KEYRELATION_KEY_LEN, WORDS = 4, SMALL_STEPS = 256, EQUAL_BYTES_MIN = 5 };

// One way to lay a value over a key.
struct operation {
    const char *name;
    size_t lane; // bytes that carry into each other; 0: XOR
    bool big_endian, subtract;
};

static const struct operation operations[] = {
    {"XOR", 0, false, false},
    {"+ (big-endian words)", 4, true, false},
    {"- (big-endian words)", 4, true, true},
    {"+ (little-endian words)", 4, false, false},
    {"- (little-endian words)", 4, false, true},
    {"+ (one big-endian number)", LEN, true, false},
    {"- (one big-endian number)", LEN, true, true},
    {"+ (one little-endian number)", LEN, false, false},
    {"- (one little-endian number)", LEN, false, true},
};

enum { OPERATIONS = sizeof operations / sizeof *operations };

static void apply(const struct operation *op, uint8_t key[LEN], const uint8_t mask[LEN])
{
    if (op->lane == 0) {
        for (size_t i = 0; i < LEN; i++)
            key[i] ^= mask[i];
        return;
    }
    for (size_t at = 0; at < LEN; at += op->lane) {
        unsigned carry = op->subtract ? 1 : 0;
        for (size_t i = 0; i < op->lane; i++) {
            size_t k = at + (op->big_endian ? op->lane - 1 - i : i);
            unsigned add = op->subtract ? (uint8_t)~mask[k] : mask[k];
            carry += key[k] + add;
            key[k] = (uint8_t)carry;
            carry >>= 8;
        }
    }
}

// Where the candidates go.
struct output {
    const struct secret *from; // the other device's key
    struct secret candidate;
    int (*fn)(void *ctx, const struct secret *candidate, const char *recipe);
    void *ctx;
};

static int put(struct output *out, const struct operation *op, const uint8_t mask[LEN],
               const char *recipe)
{
    memcpy(out->candidate.data, out->from->data, LEN);
    apply(op, out->candidate.data, mask);
    return out->fn(out->ctx, &out->candidate, recipe);
}

// ---- identifiers

static void word_of(uint32_t value, bool big_endian, uint8_t out[4])
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * (big_endian ? 3 - i : i));
}

// In every word, or in one of the four.
static int put_word(struct output *out, const char *name, const uint8_t word[4], bool big_endian)
{
    for (size_t place = 0; place <= WORDS; place++) {
        uint8_t mask[LEN] = {0};
        for (size_t w = 0; w < WORDS; w++)
            if (place == WORDS || w == place) memcpy(mask + 4 * w, word, 4);
        for (size_t o = 0; o < OPERATIONS; o++) {
            char where[24], recipe[KEYRELATION_RECIPE_MAX];
            snprintf(where, sizeof where, "in word %zu", place + 1);
            snprintf(recipe, sizeof recipe, "K' %s %s, %s-endian, %s", operations[o].name, name,
                     big_endian ? "big" : "little", place == WORDS ? "in every word" : where);
            int rc = put(out, &operations[o], mask, recipe);
            if (rc != 0) return rc;
        }
    }
    return 0;
}

static int put_identifiers(struct output *out, uint32_t id, uint32_t other)
{
    const struct {
        const char *name;
        uint32_t value;
    } values[] = {
        {"(ID XOR ID')", id ^ other},
        {"(ID - ID')", id - other},
        {"(ID' - ID)", other - id},
        {"(ID + ID')", id + other},
        {"ID", id},
        {"ID'", other},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof values / sizeof *values; i++) {
        for (int big = 1; rc == 0 && big >= 0; big--) {
            uint8_t word[4];
            word_of(values[i].value, big, word);
            rc = put_word(out, values[i].name, word, big);
        }
    }
    return rc;
}

// ---- the label's other number

static int put_pacs(struct output *out, const uint8_t *pac, const uint8_t *other)
{
    static const char *const names[] = {"PAC", "PAC'", "(PAC XOR PAC')"};
    static const char *const places[] = {"twice", "in the first half", "in the second half"};
    if (!pac || !other) return 0;
    for (unsigned i = 0; i < 3 * 3 * 2; i++) {
        unsigned value = i % 3, place = i / 3 % 3;
        bool reversed = i >= 9;
        uint8_t mask[LEN] = {0};
        for (size_t k = 0; k < WEAKKEY_PAC_LEN; k++) {
            size_t from = reversed ? WEAKKEY_PAC_LEN - 1 - k : k;
            uint8_t byte = (uint8_t)((value != 1 ? pac[from] : 0) ^ (value != 0 ? other[from] : 0));
            if (place != 2) mask[k] = byte;
            if (place != 1) mask[WEAKKEY_PAC_LEN + k] = byte;
        }
        char recipe[KEYRELATION_RECIPE_MAX];
        snprintf(recipe, sizeof recipe, "K' XOR %s%s, %s", names[value],
                 reversed ? ", bytes reversed" : "", places[place]);
        int rc = put(out, &operations[0], mask, recipe);
        if (rc != 0) return rc;
    }
    return 0;
}

// ---- constants and turned keys

static int put_constants(struct output *out)
{
    char recipe[KEYRELATION_RECIPE_MAX];
    uint8_t mask[LEN];
    for (unsigned byte = 1; byte < 256; byte++) {
        memset(mask, (int)byte, LEN);
        snprintf(recipe, sizeof recipe, "K' XOR %02x in every byte", byte);
        int rc = put(out, &operations[0], mask, recipe);
        if (rc != 0) return rc;
    }
    for (size_t o = 1; o < OPERATIONS; o++) {
        const struct operation *op = &operations[o];
        if (op->lane != LEN) continue;
        for (unsigned step = 1; step <= SMALL_STEPS; step++) {
            memset(mask, 0, LEN);
            mask[op->big_endian ? LEN - 1 : 0] = (uint8_t)step;
            mask[op->big_endian ? LEN - 2 : 1] = (uint8_t)(step >> 8);
            snprintf(recipe, sizeof recipe, "K' %s %u", op->name, step);
            int rc = put(out, op, mask, recipe);
            if (rc != 0) return rc;
        }
    }
    return 0;
}

static int put_turned(struct output *out)
{
    uint8_t *to = out->candidate.data;
    const uint8_t *from = out->from->data;
    char recipe[KEYRELATION_RECIPE_MAX];
    for (size_t turn = 1; turn < LEN; turn++) {
        for (size_t i = 0; i < LEN; i++)
            to[i] = from[(i + turn) % LEN];
        snprintf(recipe, sizeof recipe, "K' turned by %zu bytes", turn);
        int rc = out->fn(out->ctx, &out->candidate, recipe);
        if (rc != 0) return rc;
    }
    for (size_t group = LEN; group >= 2; group /= 2) {
        for (size_t i = 0; i < LEN; i++)
            to[i] = from[i / group * group + group - 1 - i % group];
        snprintf(recipe, sizeof recipe, "K' with the bytes of each %zu reversed", group);
        int rc = out->fn(out->ctx, &out->candidate, recipe);
        if (rc != 0) return rc;
    }
    for (size_t i = 0; i < LEN; i++)
        to[i] = (uint8_t)(from[i] << 4 | from[i] >> 4);
    return out->fn(out->ctx, &out->candidate, "K' with the halves of each byte swapped");
}

int keyrelation_candidates(const struct keyrelation_pair *pair,
                           int (*fn)(void *ctx, const struct secret *candidate, const char *recipe),
                           void *ctx)
{
    struct output out = {.from = pair->other->key, .candidate.len = LEN, .fn = fn, .ctx = ctx};
    int rc = put_identifiers(&out, pair->device->id, pair->other->id);
    if (rc == 0) rc = put_pacs(&out, pair->device->pac, pair->other->pac);
    if (rc == 0) rc = put_constants(&out);
    if (rc == 0) rc = put_turned(&out);
    secret_deinit(&out.candidate);
    return rc;
}

// ---- patterns

// The difference of two keys under an operation, in lanes.
static void difference(const struct operation *op, const struct secret *a, const struct secret *b,
                       uint8_t out[LEN])
{
    memcpy(out, a->data, LEN);
    apply(op, out, b->data);
}

static bool repeats(const uint8_t d[LEN], size_t period)
{
    return memcmp(d, d + period, LEN - period) == 0;
}

// Whether the first `zeros` bytes, the most significant ones, say that the number is small: all
// zero, or all ones for one below zero.
static bool is_small(const uint8_t d[LEN], bool big_endian, size_t zeros)
{
    unsigned none = 0, all = 0;
    for (size_t i = 0; i < zeros; i++) {
        uint8_t byte = d[big_endian ? i : LEN - 1 - i];
        none += byte == 0;
        all += byte == 0xff;
    }
    return none == zeros || all == zeros;
}

static size_t equal_bytes(const uint8_t d[LEN])
{
    size_t n = 0;
    for (size_t i = 0; i < LEN; i++)
        n += d[i] == 0;
    return n;
}

// Tells a pattern, with the binary logarithm of the chance that two random keys have it.
static bool found(char recipe[KEYRELATION_RECIPE_MAX], double *false_alarm, double log2_chance,
                  const char *text)
{
    snprintf(recipe, KEYRELATION_RECIPE_MAX, "%s", text);
    *false_alarm = exp2(log2_chance);
    return true;
}

static bool find_pattern(const struct secret *a, const struct secret *b, uint8_t d[LEN],
                         char recipe[KEYRELATION_RECIPE_MAX], double *chance)
{
    char text[KEYRELATION_RECIPE_MAX];
    difference(&operations[0], a, b, d);
    for (size_t period = 1; period <= LEN / 2; period *= 2) {
        snprintf(text, sizeof text, "their XOR repeats every %zu bytes", period);
        if (repeats(d, period)) return found(recipe, chance, -8.0 * (double)(LEN - period), text);
    }
    size_t equal = equal_bytes(d);
    snprintf(text, sizeof text, "%zu of their 16 bytes are equal", equal);
    if (equal >= EQUAL_BYTES_MIN) // 16 over 5 places of 40 bits
        return found(recipe, chance, log2(4368) - 8.0 * EQUAL_BYTES_MIN, text);
    for (size_t o = 1; o < OPERATIONS; o++) {
        const struct operation *op = &operations[o];
        if (!op->subtract) continue;
        difference(op, a, b, d);
        const char *order = op->big_endian ? "big" : "little";
        snprintf(text, sizeof text, "their difference is small as %s-endian numbers", order);
        if (op->lane == LEN && is_small(d, op->big_endian, 4))
            return found(recipe, chance, 1 - 32, text);
        snprintf(text, sizeof text, "their %s-endian words have one difference", order);
        if (op->lane == 4 && repeats(d, 4)) return found(recipe, chance, -96, text);
    }
    bool crossed = memcmp(a->data, b->data + LEN / 2, LEN / 2) == 0 ||
                   memcmp(a->data + LEN / 2, b->data, LEN / 2) == 0;
    return crossed && found(recipe, chance, 1 - 64, "half of the one stands in the other");
}

bool keyrelation_pattern(const struct secret *a, const struct secret *b,
                         char recipe[KEYRELATION_RECIPE_MAX], double *false_alarm)
{
    struct secret d = {.len = LEN};
    bool is = find_pattern(a, b, d.data, recipe, false_alarm);
    secret_deinit(&d);
    return is;
}

bool keyrelation_step(const struct secret *a, const struct secret *b, const struct secret *c,
                      char recipe[KEYRELATION_RECIPE_MAX], double *false_alarm)
{
    struct secret first = {.len = LEN}, second = {.len = LEN};
    bool is = false;
    for (size_t o = 1; o < OPERATIONS && !is; o++) {
        const struct operation *op = &operations[o];
        if (!op->subtract) continue;
        difference(op, b, a, first.data);
        difference(op, c, b, second.data);
        is = secret_equal(&first, &second);
        if (is) {
            snprintf(recipe, KEYRELATION_RECIPE_MAX, "they follow each other in equal steps %s",
                     strchr(op->name, '('));
            *false_alarm = exp2(-128);
        }
    }
    secret_deinit(&first);
    secret_deinit(&second);
    return is;
}
