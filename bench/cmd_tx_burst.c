// The burst that `foxbench tx` sends: a downlink, an uplink as a device would send it, or a jammer.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/cmd_tx.h"

enum { REFERENCE_BITS = 2 }; // carrier before the first bit turns it

static int read_payload(const char *text, uint8_t *out, size_t max, int exactly, struct err *err)
{
    struct err why = {0};
    int n = text ? hex_decode(text, out, max, &why) : 0;
    if (n >= 0 && (!text || exactly < 0 || n == exactly)) return n;
    if (exactly >= 0)
        return err_set(err, ERR_USAGE,
                       "--payload: expected %d bytes as %d hexadecimal digits, got "
                       "'%s'",
                       exactly, 2 * exactly, text);
    return err_set(err, ERR_USAGE,
                   "--payload: expected up to %zu bytes as hexadecimal digits, got '%s'", max,
                   text);
}

static int need_key(const struct desk_radios *d, struct sfx_signer *signer, struct err *err)
{
    if (desk_radios_signer(d, signer)) return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "a frame is signed with the device's key, and its file names "
                   "none; expected key = \"file:…\" in the file of --device");
}

static int make_downlink(const struct tx_request *q, const struct desk_radios *d, double rate_hz,
                         struct tx_burst *out, struct err *err)
{
    const struct pump_config *c = &d->config;
    struct sfx_downlink dl = {.device_id = c->device_id, .counter = (uint16_t)q->counter};
    struct sfx_signer signer;
    int rc = need_key(d, &signer, err);
    if (rc == ERR_OK)
        rc = read_payload(q->payload, dl.payload, SFX_DL_PAYLOAD, SFX_DL_PAYLOAD, err);
    if (rc >= 0) rc = sfx_downlink_sign_by(&dl, &signer, err);
    if (rc < 0) return rc;
    sfx_downlink_frame(&dl, out->frame);
    out->bandwidth_hz = AIR_DOWNLINK_BAND_HZ;
    out->n = air_downlink_samples(rate_hz);
    snprintf(out->name, sizeof out->name, "downlink for %08x, counter %u", c->device_id,
             dl.counter);
    return ERR_OK;
}

// The frame as a wave: each bit 0 turns the phase.
static int make_uplink(const struct tx_request *q, const struct desk_radios *d, double rate_hz,
                       struct tx_burst *out, struct err *err)
{
    const struct pump_config *c = &d->config;
    struct sfx_uplink up = {
        .type = SFX_MESSAGE_BYTES, .device_id = c->device_id, .counter = (uint16_t)q->counter};
    struct sfx_signer signer;
    uint8_t packet[SFX_PACKET_MAX], frame[SFX_FRAME_MAX];
    int rc = need_key(d, &signer, err);
    if (rc == ERR_OK) rc = read_payload(q->payload, up.payload, SFX_PAYLOAD_MAX, -1, err);
    if (rc < 0) return rc;
    up.payload_len = (size_t)rc;
    if (rc == 0) up.type = SFX_MESSAGE_EMPTY;
    rc = sfx_uplink_plan(&up, err);
    if (rc < 0) return rc;
    rc = sfx_uplink_sign_by(&up, &signer, err);
    if (rc < 0) return rc;
    const size_t len = sfx_uplink_packet(&up, packet);
    const size_t bits = 8 * sfx_uplink_frame(up.class, (unsigned)q->rank, packet, len, frame);
    memset(out->bits, 1, sizeof out->bits);
    for (size_t i = 0; i < bits; i++)
        out->bits[REFERENCE_BITS + i] = frame[i / 8] >> (7 - i % 8) & 1;
    out->wave = phy_jam_wave_default(PHY_JAM_flood);
    out->wave.bit_rate = c->bit_rate_600 ? 600 : 100;
    out->wave.n_bits = REFERENCE_BITS + bits + 1;
    out->n = (size_t)ceil((double)out->wave.n_bits * rate_hz / out->wave.bit_rate);
    snprintf(out->name, sizeof out->name, "uplink as %08x, counter %u, rank %lld, class %s",
             c->device_id, up.counter, q->rank, sfx_class_name(up.class));
    return ERR_OK;
}

static void make_jammer(const struct tx_request *q, double rate_hz, struct tx_burst *out)
{
    enum { FRAME_BITS = 208 };
    out->wave = phy_jam_wave_default(q->shape);
    air_jam_flood(FRAME_BITS, (unsigned)q->rank, out->bits);
    out->wave.n_bits = AIR_FLOOD_BITS;
    out->n = (size_t)ceil(q->seconds * rate_hz);
    snprintf(out->name, sizeof out->name, "jammer %s", phy_jam_shape_name(q->shape));
}

// The permit's level holds for the peaks of a wave, which are above its power while it is on.
static int wave_power(struct tx_burst *b, double rate_hz, double *power, struct err *err)
{
    struct phy_jam_wave wave = b->wave;
    struct bytes iq;
    wave.bits = b->bits;
    b->bandwidth_hz = phy_jam_wave_bandwidth_hz(&wave);
    bytes_init(&iq, 4 * (b->n + 16));
    int rc = phy_jam_wave_make(&wave, rate_hz, b->n, &iq, power, err);
    bytes_deinit(&iq);
    return rc;
}

int tx_burst_make(const struct tx_request *q, const struct desk_radios *d, double rate_hz,
                  struct tx_burst *out, struct err *err)
{
    const struct sfx_zone *zone = d->config.zone;
    int rc = ERR_OK;
    *out = (struct tx_burst){.what = q->what, .f_hz = q->f_hz, .level_dbm = q->level_dbm};
    if (isnan(out->f_hz)) out->f_hz = q->what == TX_DOWNLINK ? zone->downlink_hz : zone->uplink_hz;
    if (q->what == TX_DOWNLINK)
        rc = make_downlink(q, d, rate_hz, out, err);
    else if (q->what == TX_UPLINK)
        rc = make_uplink(q, d, rate_hz, out, err);
    else
        make_jammer(q, rate_hz, out);
    double power = 1;
    if (rc == ERR_OK && q->what != TX_DOWNLINK) rc = wave_power(out, rate_hz, &power, err);
    if (isnan(out->level_dbm)) out->level_dbm = q->usual_dbm + 10 * log10(power);
    return rc;
}

int tx_burst_send(const struct tx_burst *b, struct air_transmit *t, struct err *err)
{
    const double rate_hz = air_transmit_rate_hz(t);
    if (b->what == TX_DOWNLINK)
        return air_downlink(t, b->frame, b->f_hz, b->level_dbm,
                            b->start + air_downlink_lead(rate_hz), NULL, err);
    struct phy_jam_wave wave = b->wave;
    wave.bits = b->bits;
    return air_jam_send(t, &wave, b->f_hz, b->level_dbm, b->start, b->n, err);
}

int tx_burst_find(const struct tx_burst *b, double rate_hz, double centre_hz, const int16_t *iq,
                  int64_t first, size_t n, int64_t at, struct air_echo *echo, struct err *err)
{
    uint8_t bits[SFX_DL_ON_AIR];
    struct phy_jam_wave wave = b->wave;
    struct bytes sent;
    double power = 1;
    const bool is_downlink = b->what == TX_DOWNLINK;
    wave.bits = b->bits;
    bytes_init(&sent, 4 * (b->n + 16));
    int rc = is_downlink ? air_downlink_wave(rate_hz, b->frame, &sent, err)
                         : phy_jam_wave_make(&wave, rate_hz, b->n, &sent, &power, err);
    if (is_downlink) sfx_downlink_on_air(b->frame, bits);
    const struct air_echo_burst burst = {
        .rate_hz = rate_hz,
        .iq = (const int16_t *)(const void *)sent.data,
        .n = sent.len / 4,
        .bandwidth_hz = b->bandwidth_hz,
        .at_sample = at,
        .f_hz = b->f_hz - centre_hz,
        .carrier_hz = b->f_hz,
        .bits = is_downlink ? bits : NULL,
        .n_bits = is_downlink ? 8 * sizeof bits : 0,
    };
    if (rc == ERR_OK) rc = air_echo_find(&burst, iq, first, n, echo, err);
    // Of a full-scale sample, as levels are told: a jammer's own are lower by its power.
    if (rc == ERR_OK) echo->dbfs += 10 * log10(power);
    bytes_deinit(&sent);
    return rc;
}
