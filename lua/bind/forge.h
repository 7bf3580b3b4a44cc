// What is wrong with a downlink that the bench alters on purpose, and the frame that results.
//
// Pure: no I/O, no state. A zeroed struct forge alters nothing. CRC and parity are always made for
// what is sent, so that nothing but the tag can refuse it.
#ifndef LUA_BIND_FORGE_H
#define LUA_BIND_FORGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sfx/cipher.h"
#include "bench/sfx/downlink.h"

/// Under which key the tag is made.
enum forge_key {
    FORGE_KEY_OWN,
    FORGE_KEY_PUBLIC, // of the public library
    FORGE_KEY_TEST,   // of certification
    FORGE_KEY_ZEROS,
    FORGE_KEY_ONES,
    FORGE_KEY_REVERSED,  // the device's, its last byte first
    FORGE_KEY_NEIGHBOUR, // of the first further unit of the make
    FORGE_KEYS
};

// The counter that the downlink is made for, from that of the request: its two bytes swapped, bits
// cleared, bits turned over, then a number added to the low 12 bits; in this order.
struct forge_counter {
    bool swap;
    uint16_t clear, flip;
    int16_t add;
};

struct forge {
    struct forge_counter counter;
    bool rewhiten; // scrambled with the request's own counter, whatever the tag is made for
    enum forge_key key;
    bool other_id; // the tag is made for `id`; scrambled as for the device
    uint32_t id;
    uint8_t payload_flip[SFX_DL_PAYLOAD]; // bits turned over when the tag is made already
    bool tag_swap;                // the tag's bytes change places; two equal ones do not stay so
    uint8_t tag_flip[SFX_DL_TAG]; // bits of the tag turned over
};

// With what frames are made.
struct forge_tools {
    const struct secret *key;                // the device's; NULL: it lies in a token
    struct sfx_signer own, neighbour;        // a neighbour without key and token: there is none
    const struct sfx_native_profile *cipher; // NULL: payloads are sent in clear
    uint8_t rollover;                        // how often the counter has rolled over
};

/// "own", "public", …
const char *forge_key_name(enum forge_key key);
uint16_t forge_counter(const struct forge_counter *f, uint16_t counter);
/// Whether these tools can sign so: not backwards when the key lies in a token, not as a neighbour
/// that there is none of.
bool forge_can_sign(const struct forge_tools *tools, enum forge_key key);
/// Encrypts, signs and alters `dl`, which holds ID, the request's counter and the clear payload,
/// and makes the frame. `dl` becomes what is in the frame, its counter the one of the scrambling;
/// *genuine says whether it is the frame that the network would have sent. ERR_UNSUPPORTED when
/// the tools cannot sign so.
FOX_CHECK int forge_frame(const struct forge *f, const struct forge_tools *tools,
                          struct sfx_downlink *dl, uint8_t frame[SFX_DL_FRAME], bool *genuine,
                          struct err *err);

#endif
