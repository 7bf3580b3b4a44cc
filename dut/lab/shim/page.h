// The page of memory that the pty shim and the lab share: modem lines, which ptys do not have.
//
// The lab makes the file and names it in FOXLAB_SHIM; the shim, inside the bench, maps it. The shim
// writes `out` and its history, the lab writes `pts` and `in`.
#ifndef DUT_LAB_SHIM_PAGE_H
#define DUT_LAB_SHIM_PAGE_H

#include <stdint.h>

#define FOXSHIM_VARIABLE "FOXLAB_SHIM"

enum { FOXSHIM_PORTS = 8, FOXSHIM_HISTORY = 64, FOXSHIM_MAGIC = 0x464f5832 };

#define FOXSHIM_BREAK 0x80000000u // in the history: a break began here

struct foxshim_port {
    uint32_t pts_plus_1;               // number of the pty's slave, plus one; 0: unplugged
    uint32_t out;                      // TIOCM_DTR | TIOCM_RTS, as the bench set them
    uint32_t in;                       // TIOCM_CTS, …: as the lab set them
    uint32_t changes;                  // how often `out` was set, or a break began, so far
    uint32_t history[FOXSHIM_HISTORY]; // out after change i in history[i % FOXSHIM_HISTORY]
};

struct foxshim_page {
    uint32_t magic;
    uint32_t size;
    struct foxshim_port ports[FOXSHIM_PORTS];
};

#endif
