#include "soft_token.h"

#define CRYPTOKI_COMPAT 1

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char pin[] = "1234", officer[] = "87654321";

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void shell(const char *command)
{
    if (system(command) != 0) fail_msg("%s failed", command);
}

static void find_module(struct soft_token *s)
{
    static const char *const places[] = {"/usr/lib/softhsm/libsofthsm2.so",
                                         "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                         "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(s->module, sizeof s->module, "%s", places[i]);
        if (access(places[i], R_OK) == 0) return;
    }
    fail_msg("SoftHSM2 is missing; install the package softhsm2 (bench/packages)");
}

void soft_token_begin(struct soft_token *s, const char *label)
{
    char text[256];
    find_module(s);
    snprintf(s->folder, sizeof s->folder, "/tmp/soft-token.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(text, sizeof text, "mkdir %s/tokens", s->folder);
    shell(text);
    snprintf(text, sizeof text, "directories.tokendir = %s/tokens\nlog.level = ERROR\n", s->folder);
    write_file(s->folder, "conf", text);
    snprintf(text, sizeof text, "%s\n", pin);
    write_file(s->folder, "pin", text);
    snprintf(text, sizeof text, "%s/conf", s->folder);
    setenv("SOFTHSM2_CONF", text, 1);
    soft_token_add(s, label);
}

void soft_token_add(struct soft_token *s, const char *label)
{
    char text[256];
    (void)s;
    snprintf(text, sizeof text,
             "softhsm2-util --init-token --free --label '%s' --so-pin %s --pin %s >/dev/null",
             label, officer, pin);
    shell(text);
}

static CK_FUNCTION_LIST *load(const struct soft_token *s)
{
    CK_FUNCTION_LIST *p11 = NULL;
    void *library = dlopen(s->module, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    assert_non_null(library);
    CK_C_GetFunctionList get = NULL;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    dlclose(library);
    assert_non_null(get);
    assert_int_equal(get(&p11), CKR_OK);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    return p11;
}

static CK_SLOT_ID find_slot(CK_FUNCTION_LIST *p11, const char *label)
{
    CK_SLOT_ID slots[16];
    CK_ULONG n = 16;
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;
        assert_int_equal(p11->C_GetTokenInfo(slots[i], &info), CKR_OK);
        size_t len = strlen(label);
        if (memcmp(info.label, label, len) == 0 && (len == 32 || info.label[len] == ' '))
            return slots[i];
    }
    fail_msg("no token %s", label);
    return 0;
}

// What the whole exercise is for: nobody gets the key out of the token.
static void demand_hidden(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    uint8_t value[64];
    CK_ATTRIBUTE get = {CKA_VALUE, value, sizeof value};
    assert_int_equal(p11->C_GetAttributeValue(session, key, &get, 1), CKR_ATTRIBUTE_SENSITIVE);
    CK_BBOOL extractable = CK_TRUE;
    CK_ATTRIBUTE flag = {CKA_EXTRACTABLE, &extractable, sizeof extractable};
    assert_int_equal(p11->C_GetAttributeValue(session, key, &flag, 1), CKR_OK);
    assert_int_equal(extractable, CK_FALSE);
}

static void import(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, const struct soft_key *k)
{
    CK_OBJECT_CLASS class = k->is_data ? CKO_DATA : CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE, encrypt = k->may_not_encrypt ? CK_FALSE : CK_TRUE;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_LABEL, (void *)(uintptr_t)k->label, strlen(k->label)},
        {CKA_VALUE, (void *)(uintptr_t)k->key, k->len},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_ENCRYPT, &encrypt, sizeof encrypt},
        {CKA_ID, (void *)(uintptr_t)k->label, strlen(k->label)},
    };
    CK_ULONG n = k->is_data ? 5 : sizeof attributes / sizeof *attributes;
    CK_OBJECT_HANDLE object;
    assert_int_equal(p11->C_CreateObject(session, attributes, n, &object), CKR_OK);
    if (!k->is_data) demand_hidden(p11, session, object);
}

void soft_token_import(struct soft_token *s, const char *label, const struct soft_key *keys,
                       size_t n)
{
    CK_FUNCTION_LIST *p11 = load(s);
    CK_SESSION_HANDLE session;
    assert_int_equal(p11->C_OpenSession(find_slot(p11, label), CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                        NULL, NULL, &session),
                     CKR_OK);
    assert_int_equal(p11->C_Login(session, CKU_USER, (unsigned char *)(uintptr_t)pin, strlen(pin)),
                     CKR_OK);
    for (size_t i = 0; i < n; i++)
        import(p11, session, &keys[i]);
    assert_int_equal(p11->C_CloseSession(session), CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
}

void soft_token_ref(const struct soft_token *s, const char *token, const char *object,
                    char out[512])
{
    snprintf(out, 512, "pkcs11:token=%s;object=%s?module-path=%s&pin-source=file:%s/pin", token,
             object, s->module, s->folder);
}

void soft_token_end(struct soft_token *s)
{
    char text[128];
    snprintf(text, sizeof text, "rm -rf '%s'", s->folder);
    shell(text);
    unsetenv("SOFTHSM2_CONF");
}
