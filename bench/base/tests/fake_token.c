// A PKCS#11 module that fails on demand, for what no real token shows when asked to.
//
// The variable FAKE_TOKEN says how, in words: NAME=ANSWER@N lets the Nth call and all later ones of
// the function C_NAME give this answer (a number); tokens=, keys=, len=, class=, type=, flags=,
// version=, short= and rights= set what it has, key= its only key (32 hex digits); otherwise it is
// the one of FIPS 197, appendix A.
#define CRYPTOKI_COMPAT 1

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

static const uint8_t fips_key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                     0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static struct {
    char name[24];
    unsigned n;
} calls[16];

static const char *word_of(const char *name)
{
    const char *text = getenv("FAKE_TOKEN");
    size_t len = strlen(name);
    for (; text && *text; text++) {
        if (strncmp(text, name, len) == 0 && text[len] == '=') return text + len + 1;
        text = strchr(text, ' ');
        if (!text) break;
    }
    return NULL;
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *word = word_of(name);
    return word ? strtoul(word, NULL, 0) : otherwise;
}

// Counts the call and says what it has to answer.
static CK_RV answer(const char *name)
{
    size_t i = 0;
    while (calls[i].n && strcmp(calls[i].name, name) != 0)
        i++;
    snprintf(calls[i].name, sizeof calls[i].name, "%s", name);
    calls[i].n++;
    const char *word = word_of(name);
    if (!word) return CKR_OK;
    char *end;
    CK_RV rv = strtoul(word, &end, 0);
    return *end == '@' && calls[i].n >= strtoul(end + 1, NULL, 10) ? rv : CKR_OK;
}

static CK_RV initialize(void *args)
{
    (void)args;
    memset(calls, 0, sizeof calls);
    return answer("Initialize");
}

static CK_RV finalize(void *reserved)
{
    (void)reserved;
    return CKR_OK;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
    (void)present;
    CK_RV rv = answer("GetSlotList");
    *n = number("tokens", 1);
    for (CK_ULONG i = 0; i < *n; i++)
        slots[i] = 70 + i;
    return rv;
}

static void pad(unsigned char *out, size_t len, const char *text)
{
    memset(out, ' ', len);
    memcpy(out, text, strlen(text));
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    memset(info, 0, sizeof *info);
    pad(info->label, sizeof info->label, "fake");
    pad(info->model, sizeof info->model, "fake model");
    pad(info->serialNumber, sizeof info->serialNumber, slot == 70 ? "first" : "second");
    info->flags = CKF_TOKEN_INITIALIZED | number("flags", 0);
    return answer("GetTokenInfo");
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    (void)slot;
    *info = (CK_MECHANISM_INFO){16, 32, number("rights", CKF_ENCRYPT)};
    return type == CKM_AES_CBC ? answer("GetMechanismInfo") : CKR_MECHANISM_INVALID;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    (void)slot, (void)flags, (void)app, (void)notify;
    *session = 7;
    return answer("OpenSession");
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
    (void)session, (void)user, (void)pin, (void)len;
    return answer("Login");
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG n)
{
    (void)session, (void)wanted, (void)n;
    return answer("FindObjectsInit");
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out, CK_ULONG max,
                          CK_ULONG *n)
{
    (void)session, (void)max;
    *n = number("keys", 1);
    for (CK_ULONG i = 0; i < *n; i++)
        out[i] = 100 + i;
    return answer("FindObjects");
}

static CK_RV find_objects_final(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static CK_RV get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a,
                           CK_ULONG n)
{
    (void)session, (void)object;
    if (n != 1) return CKR_ARGUMENTS_BAD;
    CK_ULONG value = a->type == CKA_CLASS       ? number("class", CKO_SECRET_KEY)
                     : a->type == CKA_KEY_TYPE  ? number("type", CKK_AES)
                     : a->type == CKA_VALUE_LEN ? number("len", 16)
                                                : 0;
    if (a->type == CKA_ENCRYPT)
        *(CK_BBOOL *)a->pValue = CK_TRUE;
    else
        memcpy(a->pValue, &value, sizeof value);
    return answer("GetAttributeValue");
}

static CK_RV encrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
    (void)session, (void)key;
    return m->mechanism == CKM_AES_CBC ? answer("EncryptInit") : CKR_MECHANISM_INVALID;
}

static CK_RV encrypt(CK_SESSION_HANDLE session, unsigned char *in, CK_ULONG len, unsigned char *out,
                     CK_ULONG *out_len)
{
    (void)session;
    struct secret key = {.len = 0};
    uint8_t bytes[16];
    char hex[33] = "";
    const char *own = word_of("key");
    snprintf(hex, sizeof hex, "%s", own ? own : "");
    if (!own || hex_decode(hex, bytes, sizeof bytes, NULL) != 16)
        memcpy(bytes, fips_key, sizeof bytes);
    CK_RV rv = answer("Encrypt");
    *out_len = len - number("short", 0);
    if (rv != CKR_OK) return rv;
    bool done = secret_init(&key, bytes, sizeof bytes, NULL) == 0 &&
                crypto_aes128_cbc(&key, in, len / 16, out, NULL) == 0;
    secret_deinit(&key);
    return done ? CKR_OK : CKR_GENERAL_ERROR;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    static CK_FUNCTION_LIST functions;
    functions = (CK_FUNCTION_LIST){
        .version = {(unsigned char)number("version", 2), 40},
        .C_Initialize = initialize,
        .C_Finalize = finalize,
        .C_GetSlotList = get_slot_list,
        .C_GetTokenInfo = get_token_info,
        .C_GetMechanismInfo = get_mechanism_info,
        .C_OpenSession = open_session,
        .C_CloseSession = close_session,
        .C_Login = login,
        .C_FindObjectsInit = find_objects_init,
        .C_FindObjects = find_objects,
        .C_FindObjectsFinal = find_objects_final,
        .C_GetAttributeValue = get_attribute,
        .C_EncryptInit = encrypt_init,
        .C_Encrypt = encrypt,
    };
    *list = &functions;
    return CKR_OK;
}
