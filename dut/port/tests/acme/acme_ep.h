// ACME end-point library: messages of zone RC1.
#ifndef ACME_EP_H
#define ACME_EP_H

#include "acme_hal.h"

typedef struct {
    const acme_u8 *payload;
    acme_u8 size; // 1 … 12; 0: one bit, in payload[0]
    int bidirectional;
    int listen_before_talk;
    acme_u8 answer[8]; // out: of a bidirectional message
} ACME_message_t;

ACME_status_t Acme_Open(void);
ACME_status_t Acme_Send(ACME_message_t *message); // blocks until the exchange is over
ACME_status_t Acme_KeepAlive(void);

#endif
