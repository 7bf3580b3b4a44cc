#include "dut/firmware/nvm_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dut/firmware/counter.h"
#include "dut/firmware/layout.h"
#include "dut/firmware/record.h"

enum { NAME_MAX_LEN = 32 };

struct content {
    long counter, epoch; // negative: none
    bool key_said, key_there;
};

static int refuse(const char *word, struct err *err)
{
    return err_set(err, ERR_USAGE,
                   "--print-nvm expects NAME,counter=0…4095[,epoch=0…65535][,key=missing|there], "
                   "not '%s'",
                   word);
}

static bool read_number(const char *word, const char *name, long high, long *out)
{
    const size_t len = strlen(name);
    char *end = NULL;
    if (strncmp(word, name, len) != 0 || word[len] < '0' || word[len] > '9') return false;
    *out = strtol(word + len, &end, 10);
    return *end == '\0' && *out <= high;
}

static int take_word(struct content *c, const char *word, struct err *err)
{
    if (read_number(word, "counter=", COUNTER_MODULUS_MAX - 1, &c->counter)) return ERR_OK;
    if (read_number(word, "epoch=", UINT16_MAX, &c->epoch)) return ERR_OK;
    c->key_there = strcmp(word, "key=there") == 0;
    c->key_said = c->key_there || strcmp(word, "key=missing") == 0;
    return c->key_said ? ERR_OK : refuse(word, err);
}

static void print_record(FILE *out, const char *name, uint8_t kind, uint32_t offset,
                         const uint8_t *body, uint32_t body_len)
{
    uint8_t slot[RECORD_SLOT];
    const size_t len = record_encode(kind, 1, body, body_len, slot);
    fprintf(out, "nvm %s offset=0x%03x hex=", name, offset);
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", slot[i]);
    fputc('\n', out);
}

int nvm_text_print(FILE *out, const char *spec, struct err *err)
{
    struct content c = {.counter = -1, .epoch = -1};
    char text[128], name[NAME_MAX_LEN + 1];
    snprintf(text, sizeof text, "%s", spec);
    char *rest = NULL, *word = strtok_r(text, ",", &rest);
    if (!word || strchr(word, '=') || strlen(word) > NAME_MAX_LEN) return refuse(spec, err);
    snprintf(name, sizeof name, "%.*s", NAME_MAX_LEN, word);
    while ((word = strtok_r(NULL, ",", &rest))) {
        int rc = take_word(&c, word, err);
        if (rc < 0) return rc;
    }
    if (c.counter < 0 && (c.epoch >= 0 || !c.key_said)) return refuse(spec, err);
    if (c.counter >= 0) {
        const unsigned epoch = c.epoch < 0 ? 0 : (unsigned)c.epoch;
        const uint8_t body[] = {(uint8_t)c.counter, (uint8_t)(c.counter >> 8), (uint8_t)epoch,
                                (uint8_t)(epoch >> 8)};
        print_record(out, name, LAYOUT_COUNTER_KIND, LAYOUT_COUNTER_OFFSET, body, sizeof body);
    }
    if (c.key_said) {
        const uint8_t body[] = {c.key_there};
        print_record(out, name, LAYOUT_ENCRYPTION_KIND, LAYOUT_ENCRYPTION_OFFSET, body,
                     sizeof body);
    }
    return ERR_OK;
}
