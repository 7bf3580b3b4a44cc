// How much a device may send: transmit time in any hour where the zone asks for it, and messages in
// any day. What does not fit is refused before it takes a counter.
//
// A plain value in RAM: all zeros is a budget that nothing was spent of. protocol.md 8.
#ifndef DUT_FIRMWARE_BUDGET_H
#define DUT_FIRMWARE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUDGET_MESSAGES_PER_DAY = 140, BUDGET_FRAMES_MAX = 64 };

struct budget {
    bool lifted; // the lab-enable line was high: until the next reset
    // Rings: the newest entry stands before `next`.
    struct budget_frame {
        int64_t end_ns, lasts_ns;
    } frames[BUDGET_FRAMES_MAX];
    int64_t messages_ns[BUDGET_MESSAGES_PER_DAY];
    size_t n_frames, n_messages; // ever
};

/// Whether frames of this length in all may follow now, and one more message.
bool budget_allows(const struct budget *b, int64_t now_ns, bool duty_cycle, int64_t lasts_ns);
void budget_book_message(struct budget *b, int64_t now_ns);
void budget_book_frame(struct budget *b, int64_t end_ns, int64_t lasts_ns);

#endif
