#include "bench/mc/tests/quality.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

#include "bench/base/rng.h"
#include "bench/phy/measure.h"
#include "bench/phy/tests/syncs.h"
#include "bench/phy/tests/synth.h"

enum { PACKET = 12, SAMPLES = 100000 };

static const double rate_hz = 48e3;

// What was sent: the errors about their mean, and the vector's error at the best amplitude.
static void add_sent(const struct synth *s, const struct synth_flaws *flaws, size_t n,
                     struct quality_tally *t)
{
    double complex mean = 0;
    double sum = 0, square = 0;
    for (size_t k = 0; k < n; k++) {
        double error = synth_phase_error(s, flaws, 0, k);
        mean += cexp(I * error) / (double)n;
        sum += error / (double)n;
        square += error * error / (double)n;
    }
    double along = creal(mean) * creal(mean) + cimag(mean) * cimag(mean);
    t->sent_phase2 += (square - sum * sum) * pow(180 / M_PI, 2);
    t->sent_evm2 += 1e4 * (1 / along - 1);
}

static int add_found(const int16_t *iq, const struct phy_burst *b, const struct phy_sync *syncs,
                     struct quality_tally *t, struct err *err)
{
    const struct phy_measure_config config = {.rate_hz = rate_hz};
    struct phy_measure_burst burst = {
        .start_sample = b->start_sample,
        .f_hz = b->f_hz,
        .drift_hz_s = b->drift_hz_s,
        .bit_rate = b->bit_rate,
        .n_symbols = PHY_HEAD_BITS + 1 + b->body_bits,
    };
    burst.sign[0] = 1;
    for (size_t k = 1; k < burst.n_symbols; k++) {
        bool bit =
            k <= PHY_HEAD_BITS
                ? syncs[b->sync].head >> (PHY_HEAD_BITS - k) & 1
                : b->body[(k - PHY_HEAD_BITS - 1) / 8] >> (7 - (k - PHY_HEAD_BITS - 1) % 8) & 1;
        burst.sign[k] = bit ? burst.sign[k - 1] : -burst.sign[k - 1];
    }
    struct phy_measurement m;
    int rc = phy_measure(&config, iq, SAMPLES, &burst, &m, err);
    if (rc < 0) return rc;
    const struct phy_value *phase = &m.q[PHY_QUANTITY_phase_error_rms_deg];
    const struct phy_value *evm = &m.q[PHY_QUANTITY_evm_percent];
    if (phase->why || evm->why) return ERR_OK;
    t->found_phase2 += phase->value * phase->value;
    t->found_evm2 += evm->value * evm->value;
    t->measured++;
    return ERR_OK;
}

static int one_frame(double ebn0_db, double error_deg, uint64_t seed, int16_t *iq,
                     struct quality_tally *t, struct err *err)
{
    uint64_t key = rng_key(seed, "quality");
    uint8_t packet[PACKET];
    char hex[SYNTH_HEX];
    for (uint64_t i = 0; i < PACKET; i++)
        packet[i] = (uint8_t)rng_u64(key, i);
    synth_frame(packet, PACKET, hex);
    struct synth_burst sent = {
        .hex = hex,
        .bit_rate = 100,
        .start_s = 0.2 + 0.01 * rng_uniform(key, 20),
        .f_hz = 20e3 * (2 * rng_uniform(key, 21) - 1),
        .drift_hz_s = 10 * (2 * rng_uniform(key, 22) - 1),
        .ebn0_db = ebn0_db,
        .rho = 0.25,
        .phase = rng_uniform(key, 23),
    };
    struct synth s = {rate_hz, ebn0_db > 30 ? 3 : 15, 0, seed, &sent, 1};
    struct synth_flaws flaws = {.phase_rms = error_deg * M_PI / 180};
    synth_render_flawed(&s, &flaws, 0, SAMPLES, iq);
    t->sent++;

    struct phy_sync syncs[SYNCS];
    struct phy_receive_config config = {
        .rate_hz = rate_hz,
        .low_hz = -24e3,
        .high_hz = 24e3,
        .bit_rate_100 = true,
        .syncs = syncs,
        .n_syncs = syncs_fill(syncs),
        .check = syncs_check,
    };
    struct phy_receiver *r = NULL;
    struct phy_burst b;
    int rc = phy_receiver_new(&r, &config, err);
    if (rc == ERR_OK) rc = phy_receiver_push(r, iq, SAMPLES, err);
    if (rc == ERR_OK) rc = phy_receiver_finish(r, err);
    while (rc == ERR_OK && phy_receiver_next(r, &b)) {
        if (!b.checked) continue;
        add_sent(&s, &flaws, synth_symbols(&sent), t);
        rc = add_found(iq, &b, syncs, t, err);
    }
    phy_receiver_free(r);
    return rc;
}

int quality_frames(double ebn0_db, double error_deg, unsigned frames, struct quality_tally *t,
                   struct err *err)
{
    int16_t *iq = malloc(2 * SAMPLES * sizeof *iq);
    int rc = iq ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for %d samples", SAMPLES);
    for (uint64_t seed = 1; seed <= frames && rc == ERR_OK; seed++)
        rc = one_frame(ebn0_db, error_deg, seed, iq, t, err);
    free(iq);
    return rc;
}
