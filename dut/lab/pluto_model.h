// Inside of an emulated Pluto, shared by its two halves: pluto.c (state, samples) and pluto_model.c
// (attributes).
#ifndef DUT_LAB_PLUTO_MODEL_H
#define DUT_LAB_PLUTO_MODEL_H

#include "dut/lab/pluto.h"

/// State after power-on: values of the capture, made consistent with each other.
void pluto_model_reset(struct pluto *p);
/// Takes rate, LO, gain and noise over from the attributes into the receive stream.
void pluto_apply(struct pluto *p);

/// Registers through direct_reg_access; unwritten ones read as 0.
uint32_t pluto_reg_read(struct pluto *p, const struct context_device *d, uint32_t address);
/// 0 or -errno.
FOX_CHECK int pluto_reg_write(struct pluto *p, const struct context_device *d, uint32_t address,
                              uint32_t value);

#endif
