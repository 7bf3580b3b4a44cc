// What the parts of `foxbench tx` share: the burst that is asked for, and how it was heard.
#ifndef BENCH_CMD_TX_H
#define BENCH_CMD_TX_H

#include "bench/air/echo.h"
#include "bench/air/jam_send.h"
#include "bench/desk_radio.h"
#include "lua/bind/ring.h"

enum tx_what { TX_DOWNLINK, TX_UPLINK, TX_JAM };

enum { TX_BITS_MAX = 8 * SFX_FRAME_MAX + 8 };

// One burst.
struct tx_burst {
    enum tx_what what;
    char name[96]; // for people
    double f_hz, level_dbm;
    double bandwidth_hz;
    uint8_t frame[SFX_DL_FRAME]; // of a downlink
    struct phy_jam_wave wave;    // of all else; its bits are
    uint8_t bits[TX_BITS_MAX];   // these
    size_t n;                    // samples
    int64_t start;               // sample of the sender
};

// What was asked for on the command line.
struct tx_request {
    enum tx_what what;
    enum phy_jam_shape shape;
    const char *payload; // hexadecimal; NULL: zeros, or none
    long long counter, rank;
    double seconds;         // of a jammer
    double f_hz, level_dbm; // NAN: the usual …
    double usual_dbm;       // … at most, at its peaks
};

// What sends and what listens; of one process.
struct tx {
    struct desk_radios radios;
    struct tx_burst burst;
    unsigned armed;
    unsigned sender, listener; // which radio; listener == sender: it hears itself
    bool listens;              // somebody does
    struct radio *radio, *ear; // ear: the listener's, also where it is the sender's
    struct air_transmit *transmit;
    struct iq_ring ring; // of the ear
};

/// Makes the burst of a request for a radio whose samples have this rate. ERR_USAGE says what is
/// wrong with the request, ERR_UNSUPPORTED what the device's file lacks.
FOX_CHECK int tx_burst_make(const struct tx_request *q, const struct desk_radios *d, double rate_hz,
                            struct tx_burst *out, struct err *err);
/// Hands it over to be sent with its first sample at `b->start`.
FOX_CHECK int tx_burst_send(const struct tx_burst *b, struct air_transmit *t, struct err *err);
/// Looks for it in n samples of a receiver with this centre, the first of which has index `first`.
/// `at`: the one in which the burst is due. echo->dbfs is its level while it is on.
FOX_CHECK int tx_burst_find(const struct tx_burst *b, double rate_hz, double centre_hz,
                            const int16_t *iq, int64_t first, size_t n, int64_t at,
                            struct air_echo *echo, struct err *err);

/// Says what was sent and what was heard of it, and returns the exit code for that.
FOX_CHECK int tx_tell(struct tx *t, struct err *err);

#endif
