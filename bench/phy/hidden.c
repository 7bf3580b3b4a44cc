#include "bench/phy/hidden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/detect.h"
#include "bench/phy/extract.h"
#include "bench/phy/subtract.h"

enum { OVERSAMPLE = 80 }; // samples a symbol of the narrow stream that is searched

struct phy_hidden {
    double bit_rate;
    double low_hz;
    double high_hz;
    double symbol; // stream samples
    const struct phy_patterns *patterns;
    struct phy_subtract subtract;
    struct phy_extract extract;
    float complex *narrow;
};

int phy_hidden_new(struct phy_hidden **out, double rate_hz, double bit_rate, double low_hz,
                   double high_hz, const struct phy_patterns *patterns, struct err *err)
{
    struct phy_hidden *h = calloc(1, sizeof *h);
    if (!h) return err_set(err, ERR_NOMEM, "no memory for a second search");
    h->bit_rate = bit_rate;
    h->low_hz = low_hz;
    h->high_hz = high_hz;
    h->symbol = rate_hz / bit_rate;
    h->patterns = patterns;
    size_t n = (PHY_SYMBOLS_MAX + 2 * PHY_HIDDEN_LEAD) * OVERSAMPLE;
    int rc = phy_subtract_init(&h->subtract, rate_hz, bit_rate, err);
    if (rc < 0) goto fail;
    rc = phy_extract_init(&h->extract, rate_hz, bit_rate * OVERSAMPLE / PHY_OVERSAMPLE, err);
    if (rc < 0) goto fail;
    h->narrow = calloc(n, sizeof *h->narrow);
    if (!h->narrow) {
        rc = err_set(err, ERR_NOMEM, "no memory for a second search");
        goto fail;
    }
    *out = h;
    return ERR_OK;
fail:
    phy_hidden_free(h);
    return rc;
}

void phy_hidden_free(struct phy_hidden *h)
{
    if (!h) return;
    phy_subtract_deinit(&h->subtract);
    phy_extract_deinit(&h->extract);
    free(h->narrow);
    free(h);
}

bool phy_hidden_take_out(struct phy_hidden *h, struct phy_stream *stream, const struct phy_burst *b)
{
    struct phy_subtract_burst burst = {
        .start = b->start_sample,
        .f_hz = b->f_hz,
        .drift_hz_s = b->drift_hz_s,
        .n_symbols = PHY_HEAD_SYMBOLS + b->body_bits,
    };
    memcpy(burst.sign, h->patterns->sign[b->sync], sizeof h->patterns->sign[b->sync]);
    for (size_t i = 0; i < b->body_bits; i++) {
        bool same = b->body[i / 8] >> (7 - i % 8) & 1;
        float before = burst.sign[PHY_HEAD_SYMBOLS + i - 1];
        burst.sign[PHY_HEAD_SYMBOLS + i] = same ? before : -before;
    }
    return phy_subtract_run(&h->subtract, stream, &burst);
}

int phy_hidden_search(struct phy_hidden *h, const struct phy_stream *stream,
                      const struct phy_burst *b, struct phy_hidden_candidate *out, struct err *err)
{
    struct phy_detector *detector = NULL;
    double low = fmax(-PHY_HIDDEN_WITHIN * h->bit_rate, h->low_hz - b->f_mid_hz);
    double high = fmin(PHY_HIDDEN_WITHIN * h->bit_rate, h->high_hz - b->f_mid_hz);
    int rc = phy_detector_new(&detector, h->bit_rate * OVERSAMPLE, h->bit_rate, low, high, err);
    if (rc < 0) return rc;
    double begin = b->start_sample - PHY_HIDDEN_LEAD * h->symbol;
    size_t n = (PHY_HEAD_SYMBOLS + b->body_bits + 2 * PHY_HIDDEN_LEAD) * OVERSAMPLE;
    phy_extract_run(&h->extract, stream, begin, b->f_mid_hz, 0, n, h->narrow);
    struct phy_candidate found[PHY_CANDIDATES_MAX];
    size_t hop = phy_detector_hop(detector), window = phy_detector_window(detector);
    int got = 0;
    for (size_t at = 0; at + window <= n; at += hop) {
        size_t n_found = phy_detector_step(detector, h->narrow + at, found);
        for (size_t i = 0; i < n_found && got < PHY_HIDDEN_MAX; i++)
            out[got++] = (struct phy_hidden_candidate){
                .begin = begin + (double)found[i].frame * (double)hop * h->symbol / OVERSAMPLE,
                .f_hz = b->f_mid_hz + found[i].f_hz,
                .score = found[i].score,
                .noise = found[i].noise / h->extract.energy,
            };
    }
    phy_detector_free(detector);
    return got;
}
