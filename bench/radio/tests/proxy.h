// A relay between the bench and a radio's server that can hurt the connection: stall it, cut it in
// mid-block, falsify an answer. One thread of its own, from proxy_start to proxy_stop.
#ifndef BENCH_RADIO_TESTS_PROXY_H
#define BENCH_RADIO_TESTS_PROXY_H

#include <stddef.h>

enum proxy_mode {
    PROXY_PASS,
    PROXY_HONEST,  // as PROXY_PASS, and nothing is falsified any more
    PROXY_STALL,   // answers no longer reach the bench
    PROXY_FIN,     // half an answer, then an orderly end
    PROXY_RESET,   // the connection is reset
    PROXY_GARBAGE, // the next answer is not of the protocol
};

struct proxy;

/// Listens on a port of its own and relays to `upstream` ("ip:ADDRESS:PORT"); NULL: never answers.
struct proxy *proxy_start(const char *upstream);
void proxy_stop(struct proxy *p);
/// "ip:127.0.0.1:PORT"; lent.
const char *proxy_uri(const struct proxy *p);
/// Takes effect with the next answer that passes.
void proxy_set_mode(struct proxy *p, enum proxy_mode mode);
/// Every `from` in an answer becomes `to`, which is as long; NULL: none. Set before connecting.
void proxy_falsify(struct proxy *p, const char *from, const char *to);

#endif
