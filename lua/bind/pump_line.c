// How the device's lines come: what arrives broken says nothing against the device, and nothing for
// it.
#include <stdio.h>
#include <string.h>

#include "lua/bind/pump_internal.h"

// Bytes of a raw downlink, which may be anything, are behind its prefix: where they end. 0: none.
static size_t end_of_raw(const struct dut_dialect *d, const struct dut_line *line)
{
    if (!d->downlink || d->downlink_raw_len == 0) return 0;
    const char *starts[] = {d->downlink, d->downlink[0] == '+' ? d->downlink + 1 : d->downlink};
    for (size_t i = 0; i < 2; i++) {
        const size_t n = strlen(starts[i]);
        if (line->len >= n && memcmp(line->text, starts[i], n) == 0) return n + d->downlink_raw_len;
    }
    return 0;
}

// Length of the character at the beginning of `text`; 0: it is none. Firmwares that speak in UTF-8
// are not garbled.
static size_t character(const unsigned char *text, size_t len)
{
    if (text[0] == '\t' || (text[0] >= 0x20 && text[0] < 0x7f)) return 1;
    const size_t n = text[0] >= 0xc2 && text[0] < 0xe0   ? 2
                     : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
                     : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
                                                         : 0;
    if (n > len) return 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return n;
}

static bool is_text(const struct dut_dialect *d, const struct dut_line *line)
{
    const size_t raw = end_of_raw(d, line);
    for (size_t i = 0, n; i < line->len; i += n) {
        n = character((const unsigned char *)line->text + i, line->len - i);
        if (n == 0 && i >= raw) return false;
        if (n == 0) n = 1;
    }
    return true;
}

enum { BITS_PER_BYTE = 10 };

// Beyond what its bytes need on the wire, and beyond a block of samples: nothing finer is known of
// when they came.
static double paused_s(const struct pump *p, const struct dut_line *line)
{
    const unsigned baud = p->unit->config.port.baud;
    const double took_s = (double)(line->at_sample - line->began_sample) / p->rate_hz;
    const double wire_s = baud > 0 ? (double)line->len * BITS_PER_BYTE / baud : 0;
    return took_s - wire_s - (double)p->config.radio.block_samples / p->rate_hz;
}

void pump_weigh_line(struct pump *p, const struct dut_line *line, const char *text)
{
    const struct dut_dialect *d = &p->config.dialect;
    const bool spoiled = line->cut || !is_text(d, line);
    const bool in_pieces = d->pause_s > 0 && paused_s(p, line) > d->pause_s;
    if (!spoiled && !in_pieces) return;
    p->trust.spoiled += spoiled;
    p->trust.in_pieces += in_pieces;
    snprintf(p->trust.text, sizeof p->trust.text, "%s", text);
}

struct pump_line_state pump_line_state(const struct pump *p)
{
    return (struct pump_line_state){
        .spoiled = p->trust.spoiled,
        .in_pieces = p->trust.in_pieces,
        .unfinished = dut_unfinished(p->unit->dut),
        .text = p->trust.text,
    };
}
