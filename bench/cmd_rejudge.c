// foxbench rejudge: the verdicts of a run made anew out of what was recorded, without instruments.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench/arguments.h"
#include "bench/base/bytes.h"
#include "bench/cmd.h"
#include "bench/record/run_view.h"
#include "bench/rejudge_limits.h"
#include "bench/sfx/uplink.h"

struct rejudge {
    struct relimit relimit; // empty without --limits
    size_t frames, frames_differ;
    size_t cases, cases_differ;
    bool fails; // a case fails now that did not
};

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static bool find_class(const char *name, enum sfx_class *out)
{
    for (int c = 0; c < SFX_CLASSES; c++) {
        *out = (enum sfx_class)c;
        if (strcmp(name, sfx_class_name(*out)) == 0) return true;
    }
    return false;
}

static void differs(struct rejudge *r, const struct jval *event, const char *what, const char *was,
                    const char *is)
{
    r->frames_differ++;
    printf("frame       event %lld: %s was %s, is %s\n",
           (long long)jval_int(jval_get(event, "seq"), -1), what, was, is);
}

// What this version reads in the recorded packet, against what was read when it was received.
static void check_frame(struct rejudge *r, const struct jval *event)
{
    uint8_t packet[SFX_PACKET_MAX];
    char text[2 * SFX_PACKET_MAX + 1];
    struct sfx_uplink up = {0};
    enum sfx_class class;
    int n = hex_decode(text_of(event, "packet_hex"), packet, sizeof packet, NULL);
    r->frames++;
    if (n < 0 || !find_class(text_of(event, "class"), &class)) {
        differs(r, event, "packet", "readable", "none");
        return;
    }
    enum sfx_status status = sfx_uplink_decode(class, packet, (size_t)n, &up);
    if (strcmp(text_of(event, "status"), sfx_status_name(status)) != 0) {
        differs(r, event, "status", text_of(event, "status"), sfx_status_name(status));
        return;
    }
    if (status != SFX_STATUS_OK) return;
    snprintf(text, sizeof text, "%08X", up.device_id);
    if (strcasecmp(text, text_of(event, "device_id")) != 0)
        differs(r, event, "device_id", text_of(event, "device_id"), text);
    if (jval_int(jval_get(event, "counter"), -1) != up.counter) {
        snprintf(text, sizeof text, "%u", up.counter);
        differs(r, event, "counter", "another", text);
    }
    hex_encode(up.tag, up.tag_len, text);
    if (strcmp(text, text_of(event, "tag_hex")) != 0)
        differs(r, event, "tag_hex", text_of(event, "tag_hex"), text);
    hex_encode(up.payload, up.payload_len, text);
    if (jval_get(event, "payload_hex") && strcmp(text, text_of(event, "payload_hex")) != 0)
        differs(r, event, "payload_hex", text_of(event, "payload_hex"), text);
}

static int look(void *ctx, struct jval *event, struct err *err)
{
    struct rejudge *r = ctx;
    if (strcmp(text_of(event, "type"), "uplink") == 0) check_frame(r, event);
    return relimit_event(&r->relimit, event, err);
}

static void check_case(struct rejudge *r, const struct jval *c)
{
    const struct jval *booked = jval_get(c, "booked");
    if (jval_kind(booked) != JVAL_OBJECT) return;
    const char *was = text_of(booked, "verdict"), *is = text_of(c, "verdict");
    r->cases++;
    if (strcmp(was, is) == 0 && strcmp(text_of(booked, "blame"), text_of(c, "blame")) == 0) return;
    r->cases_differ++;
    r->fails = r->fails || strcmp(is, "fail") == 0;
    printf("%s->%s  %s: %s\n", was, is, text_of(c, "name"), text_of(c, "reason"));
}

int cmd_rejudge(int argc, char **argv)
{
    const char *limits = NULL;
    struct words words = {.max = 1};
    struct err e = {0};
    const struct argument arguments[] = {{.name = "--limits", .value = &limits}, {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, &e);
    if (rc == ARGUMENTS_GO_ON && words.n == 0)
        rc = err_set(&e, ERR_USAGE,
                     "expected a run directory; for example foxbench rejudge results/latest");
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("rejudge", rc, &e);

    struct rejudge r = {0};
    struct run_view view = {0};
    const struct run_view_lens lens = {look, &r};
    rc = limits ? relimit_open(&r.relimit, limits, &e) : ERR_OK;
    if (rc == ERR_OK) rc = run_view_read_through(&view, words.list[0], &lens, &e);
    if (rc < 0) {
        fprintf(stderr, "foxbench rejudge: %s\n", e.text);
        relimit_deinit(&r.relimit);
        return rc == ERR_NOTFOUND || rc == ERR_USAGE ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
    }
    for (size_t i = 0; i < jval_len(view.cases); i++)
        check_case(&r, jval_at(view.cases, i));
    printf("%zu cases rejudged, %zu differ; %zu frames decoded again, %zu differ\n", r.cases,
           r.cases_differ, r.frames, r.frames_differ);
    if (limits)
        printf("%zu measurements judged by other limits, %zu differ; %zu have none in that file\n",
               r.relimit.compared, r.relimit.differ, r.relimit.without);
    relimit_deinit(&r.relimit);
    run_view_deinit(&view);
    return r.fails                             ? CMD_EXIT_FAIL
           : r.cases_differ || r.frames_differ ? CMD_EXIT_EVIDENCE
                                               : CMD_EXIT_OK;
}
