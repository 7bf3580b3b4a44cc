/* ACME end-point library, zone RC1. Written against the radio protocol alone. */
#include "acme_ep.h"

#include <string.h>

#define UL_CENTRE_HZ 868130000u
#define DL_SHIFT_HZ  1395000u
#define BAND_HZ      150000u /* of the 192 kHz, with a guard */
#define EIRP_DBM     14
#define STREAM_MAX   32
#define CONTROL      5 /* kind of frame */

static acme_u16 s_counter;

/* ---- link layer, up */

static acme_u16 crc16(const acme_u8 *p, unsigned n)
{
    acme_u16 crc = 0;
    while (n--) {
        crc ^= (acme_u16)(*p++ << 8);
        for (int i = 0; i < 8; i++)
            crc = (acme_u16)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return (acme_u16)~crc;
}

/* Header to tag into packet; returns its length with the CRC. */
static unsigned build_packet(acme_u8 *packet, const acme_u8 *body, unsigned size, unsigned control,
                             int bidirectional, ACME_status_t *status)
{
    static const acme_u8 room[13] = {0, 1, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    unsigned li = (control ? 8 : room[size]) - size;
    if (size == 0) li = body ? 2u | body[0] : 0; /* a bit, or nothing */
    acme_u8 id[4], block[32];
    AcmeHal_GetId(id);
    packet[0] = (acme_u8)(li << 6 | (bidirectional ? 0x20 : 0) | s_counter >> 8);
    packet[1] = (acme_u8)s_counter;
    for (int i = 0; i < 4; i++)
        packet[2 + i] = id[3 - i];
    if (size) memcpy(packet + 6, body, size);
    unsigned n = 6 + size, blocks = n > 16 ? 32 : 16;
    for (unsigned i = 0; i < blocks; i++)
        block[i] = packet[i % n];
    *status = AcmeHal_Aes128Cbc(block, (acme_u8)blocks);
    if (size == 0) li = 0;
    memcpy(packet + n, block + blocks - 16, 2 + li);
    n += 2 + li;
    acme_u16 crc = crc16(packet, n);
    packet[n++] = (acme_u8)(crc >> 8);
    packet[n++] = (acme_u8)crc;
    return n;
}

static unsigned get_bit(const acme_u8 *p, int i)
{
    return i < 0 ? 0 : p[i / 8] >> (7 - i % 8) & 1u;
}

/* Preamble, frame type and the packet, coded for its rank. */
static unsigned build_stream(acme_u8 *stream, const acme_u8 *packet, unsigned n, unsigned kind,
                             unsigned rank)
{
    static const acme_u16 types[6][3] = {{0x06b, 0x6e0, 0x034}, {0x08d, 0x0d2, 0x302},
                                         {0x35f, 0x598, 0x5a3}, {0x611, 0x6bf, 0x72c},
                                         {0x94c, 0x971, 0x997}, {0xf67, 0xfc9, 0x11be}};
    acme_u32 head = 0x55555u << 13 | types[kind][rank]; /* 19 bits of 1010…101 */
    for (int i = 0; i < 4; i++)
        stream[i] = (acme_u8)(head >> (24 - 8 * i));
    memset(stream + 4, 0, n);
    for (int i = 0; i < (int)(8 * n); i++) {
        unsigned b = get_bit(packet, i);
        if (rank == 1) b ^= get_bit(packet, i - 1);
        if (rank > 0) b ^= get_bit(packet, i - 2);
        stream[4 + i / 8] |= (acme_u8)(b << (7 - i % 8));
    }
    return 4 + n;
}

/* ---- link layer, down */

static void descramble(acme_u8 *frame, acme_u32 id, acme_u16 counter)
{
    unsigned s = (unsigned)((unsigned long long)id * counter % 512);
    if (s == 0) s = 0x1ff;
    for (int bit = 0; bit < 120;) {
        for (int i = 0; i < 8; i++)
            s = s >> 1 | ((s >> 5 ^ s) & 1) << 8;
        for (int i = 8; i >= 0 && bit < 120; i--, bit++)
            frame[bit / 8] ^= (acme_u8)((s >> i & 1) << (7 - bit % 8));
    }
}

/* One error in each column of bits is put right. */
static void correct(acme_u8 *frame)
{
    unsigned power[15];
    power[0] = 1;
    for (int j = 1; j < 15; j++)
        power[j] = power[j - 1] << 1 ^ (power[j - 1] & 8 ? 0x13 : 0);
    for (int k = 0; k < 8; k++) {
        unsigned syndrome = 0;
        for (int j = 0; j < 15; j++)
            if (frame[j] >> k & 1) syndrome ^= power[j];
        for (int j = 0; syndrome && j < 15; j++)
            if (power[j] == syndrome) frame[j] ^= (acme_u8)(1 << k);
    }
}

static acme_u8 crc8(const acme_u8 *p, int n)
{
    acme_u8 crc = 0;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = (acme_u8)(crc & 0x80 ? crc << 1 ^ 0x2f : crc << 1);
    }
    return crc;
}

static int accept(acme_u8 *frame, acme_u16 counter)
{
    acme_u8 id[4], block[16];
    AcmeHal_GetId(id);
    descramble(frame, (acme_u32)id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3], counter);
    correct(frame);
    if (crc8(frame + 4, 10) != frame[14]) return 0;
    for (int i = 0; i < 4; i++)
        block[i] = id[3 - i];
    block[4] = (acme_u8)counter;
    block[5] = (acme_u8)(counter >> 8);
    memcpy(block + 6, frame + 4, 8);
    block[14] = block[0];
    block[15] = block[1];
    return AcmeHal_Aes128Cbc(block, 16) == ACME_OK && memcmp(block, frame + 12, 2) == 0;
}

/* ---- messages */

static ACME_status_t next_counter(void)
{
    s_counter = (acme_u16)((s_counter + 1) & 0xfff);
    const acme_u8 record[4] = {(acme_u8)s_counter, (acme_u8)(s_counter >> 8), (acme_u8)~s_counter,
                               (acme_u8)(~s_counter >> 8)};
    /* Two places in turn: a torn record leaves the one before it. */
    acme_u8 both[8];
    ACME_status_t status = AcmeHal_LoadNv(both, sizeof both);
    if (status != ACME_OK) return status;
    memcpy(both + 4 * (s_counter & 1), record, 4);
    return AcmeHal_StoreNv(both, sizeof both);
}

static acme_u32 random_carrier(void)
{
    return UL_CENTRE_HZ - BAND_HZ / 2 + AcmeHal_Rand() % BAND_HZ;
}

static ACME_status_t send_frame(const acme_u8 *stream, unsigned size, acme_u32 hz)
{
    const ACME_radio_cfg_t cfg = {ACME_RADIO_UP, hz, 100, EIRP_DBM};
    ACME_status_t status = AcmeRf_Init(&cfg);
    return status == ACME_OK ? AcmeRf_Send(stream, (acme_u8)size) : status;
}

/* Supply and temperature, as control messages carry them; the first byte says which one it is. */
static void fill_control(acme_u8 *body, acme_u8 type)
{
    acme_u16 idle, tx;
    acme_s16 temperature;
    AcmeHal_GetVoltageTemperature(&idle, &tx, &temperature);
    const acme_u8 all[7] = {type,
                            (acme_u8)idle,
                            (acme_u8)(idle >> 8),
                            (acme_u8)tx,
                            (acme_u8)(tx >> 8),
                            (acme_u8)temperature,
                            (acme_u8)(temperature >> 8)};
    memcpy(body, all, sizeof all);
}

static ACME_status_t confirm(acme_s16 rssi)
{
    acme_u8 body[8], packet[STREAM_MAX], stream[STREAM_MAX];
    ACME_status_t status = next_counter();
    if (status != ACME_OK) return status;
    fill_control(body, 0x09);
    body[7] = (acme_u8)(rssi + 100);
    unsigned n = build_packet(packet, body, 8, 1, 0, &status);
    if (status != ACME_OK) return status;
    AcmeHal_TimerStart(ACME_TMR_GUARD, 2000);
    AcmeHal_TimerWait(ACME_TMR_GUARD);
    return send_frame(stream, build_stream(stream, packet, n, CONTROL, 0), random_carrier());
}

/* The three frames of a message, 500 ms between them; ACME_TMR_GUARD runs for 20 s from the end of
   the first one. */
static ACME_status_t send_frames(const acme_u8 *packet, unsigned n, unsigned kind, acme_u32 hz)
{
    static const int steps_hz[3] = {0, 6000, -6000};
    acme_u8 stream[STREAM_MAX];
    ACME_status_t status = ACME_OK;
    for (unsigned rank = 0; rank < 3 && status == ACME_OK; rank++) {
        if (rank > 0) {
            AcmeHal_TimerStart(ACME_TMR_WINDOW, 500);
            AcmeHal_TimerWait(ACME_TMR_WINDOW);
        }
        unsigned size = build_stream(stream, packet, n, kind, rank);
        status = send_frame(stream, size, hz + (acme_u32)steps_hz[rank]);
        if (rank == 0) AcmeHal_TimerStart(ACME_TMR_GUARD, 20000);
    }
    return status;
}

static ACME_status_t receive(ACME_message_t *message, acme_u32 hz, acme_u16 counter)
{
    acme_u8 frame[15];
    acme_s16 rssi;
    const ACME_radio_cfg_t cfg = {ACME_RADIO_DOWN, hz + DL_SHIFT_HZ, 600, 0};
    ACME_status_t status = AcmeRf_Init(&cfg);
    if (status != ACME_OK) return status;
    AcmeHal_TimerWait(ACME_TMR_GUARD); /* 20 s after frame 1 */
    AcmeHal_TimerStart(ACME_TMR_WINDOW, 25000);
    while (AcmeRf_Receive(frame, &rssi)) {
        if (!accept(frame, counter)) continue; /* somebody else's */
        AcmeHal_TimerStop(ACME_TMR_WINDOW);
        memcpy(message->answer, frame + 4, 8);
        return confirm(rssi);
    }
    return ACME_FAILED;
}

static int may_send(void)
{
    const ACME_radio_cfg_t cfg = {ACME_RADIO_DOWN, UL_CENTRE_HZ, 600, 0};
    AcmeHal_TimerStart(ACME_TMR_GUARD, 5000);
    return AcmeRf_Init(&cfg) == ACME_OK && AcmeRf_ChannelFree(200000, -80, 5);
}

ACME_status_t Acme_Send(ACME_message_t *message)
{
    static const acme_u8 kinds[13] = {0, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4};
    acme_u8 packet[STREAM_MAX];
    if (message->size > 12) return ACME_FAILED;
    AcmeRf_WakeUp();
    acme_u32 hz = random_carrier();
    /* A channel that is never free does not use up a counter. */
    ACME_status_t status = message->listen_before_talk && !may_send() ? ACME_FAILED : ACME_OK;
    if (status == ACME_OK) status = next_counter();
    acme_u16 counter = s_counter;
    unsigned n = 0;
    if (status == ACME_OK)
        n = build_packet(packet, message->payload, message->size, 0, message->bidirectional,
                         &status);
    if (status == ACME_OK) status = send_frames(packet, n, kinds[message->size], hz);
    if (status == ACME_OK && message->bidirectional) status = receive(message, hz, counter);
    AcmeRf_Sleep();
    return status;
}

ACME_status_t Acme_KeepAlive(void)
{
    acme_u8 body[7], packet[STREAM_MAX];
    ACME_status_t status = next_counter();
    if (status != ACME_OK) return status;
    AcmeRf_WakeUp();
    fill_control(body, 0x08);
    unsigned n = build_packet(packet, body, 7, 1, 0, &status);
    if (status == ACME_OK) status = send_frames(packet, n, CONTROL, random_carrier());
    AcmeRf_Sleep();
    return status;
}

ACME_status_t Acme_Open(void)
{
    acme_u8 both[8];
    ACME_status_t status = AcmeHal_LoadNv(both, sizeof both);
    s_counter = 0xfff; /* the first message has counter 0 */
    for (int i = 0; i < 2 && status == ACME_OK; i++) {
        const acme_u8 *r = both + 4 * i;
        if ((r[0] ^ r[2]) != 0xff || (r[1] ^ r[3]) != 0xff) continue;
        acme_u16 value = (acme_u16)(r[0] | r[1] << 8);
        if (s_counter == 0xfff || ((value - s_counter) & 0xfff) < 0x800) s_counter = value;
    }
    return status;
}
