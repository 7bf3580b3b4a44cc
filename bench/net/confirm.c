#include "bench/net/confirm.h"

#include "bench/sfx/counter.h"
#include "bench/sfx/zone.h"

void confirm_frame(const struct confirm_expect *expect, const struct sfx_uplink *up, unsigned rank,
                   const struct judge_result *judged, double start_s, double tolerance_s,
                   struct confirm_result *out)
{
    *out = (struct confirm_result){.verdict = CONFIRM_OTHER};
    if (up->device_id != expect->device_id || up->type != SFX_MESSAGE_DL_CONFIRMATION ||
        judged->verdict == JUDGE_MALFORMED || !sfx_control_read(up, &out->body))
        return;

    out->delay_s = start_s - expect->sent_s;
    out->counter_step = sfx_counter_step(expect->counter, up->counter, expect->modulus);
    if (!judged->tag_ok)
        out->verdict = CONFIRM_BAD_TAG;
    else if (out->counter_step != 1 || up->counter >= expect->modulus)
        out->verdict = CONFIRM_WRONG_COUNTER;
    else if (rank != 1)
        out->verdict = CONFIRM_WRONG_RANK;
    else if (out->delay_s < SFX_CONFIRM_EARLIEST_S - tolerance_s)
        out->verdict = CONFIRM_EARLY;
    else if (out->delay_s > SFX_CONFIRM_LATEST_S + tolerance_s)
        out->verdict = CONFIRM_LATE;
    else
        out->verdict = CONFIRM_CONFIRMED;
}

const char *confirm_verdict_name(enum confirm_verdict verdict)
{
    static const char *const names[] = {
        [CONFIRM_CONFIRMED] = "confirmed",
        [CONFIRM_OTHER] = "other",
        [CONFIRM_BAD_TAG] = "bad_tag",
        [CONFIRM_WRONG_COUNTER] = "wrong_counter",
        [CONFIRM_WRONG_RANK] = "wrong_rank",
        [CONFIRM_EARLY] = "early",
        [CONFIRM_LATE] = "late",
    };
    return names[verdict];
}

const char *confirm_verdict_text(enum confirm_verdict verdict)
{
    static const char *const texts[] = {
#define CONFIRM(name, text) [CONFIRM_##name] = text,
#include "bench/net/confirm.def"
#undef CONFIRM
    };
    return texts[verdict];
}
