#include "bench/base/token.h"

#define CRYPTOKI_COMPAT 1 // the standard's own names

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"

enum { MODULES_MAX = 8, SLOTS_MAX = 256, OBJECTS_MAX = 16, LIST_MAX = 240, KEY_LEN = 16 };
enum { BLOCKS_MAX = 16 };

// A module is started once for all its users, and ended after the last of them.
struct module {
    CK_FUNCTION_LIST *p11;
    unsigned users;
    bool foreign; // somebody else in this process had started it
};

static struct module modules[MODULES_MAX];

struct token_key {
    struct token_uri uri;
    struct token_info info;
    struct module *module;
    CK_FUNCTION_LIST *p11; // of the module
    CK_SLOT_ID slot;
    CK_FLAGS flags; // of the token
    CK_SESSION_HANDLE session;
    bool has_session;
    CK_OBJECT_HANDLE object;
};

// ---- what a module answers

static const struct {
    CK_RV rv;
    const char *name;
    bool gone; // the token, or what we held of it, is not there any more
} answers[] = {
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", false},
    {CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", true},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", false},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", false},
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", false},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", true},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", false},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", true},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", false},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", true},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED", false},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", false},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", true},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", false},
    {CKR_PIN_INVALID, "CKR_PIN_INVALID", false},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", false},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", false},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", false},
    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", true},
    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT", false},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", true},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", true},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", true},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", true},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", false},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", true},
};

static const char *answer_name(CK_RV rv)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (answers[i].rv == rv) return answers[i].name;
    return "an error of its own";
}

static bool answer_gone(CK_RV rv)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (answers[i].rv == rv) return answers[i].gone;
    return false;
}

static int failed(const struct token_key *k, CK_RV rv, const char *call, struct err *err)
{
    if (answer_gone(rv))
        return err_set(err, ERR_GONE,
                       "token '%s' is gone: %s gave %s (0x%lX); put it back, and see that nobody "
                       "else ends its sessions",
                       k->info.label, call, answer_name(rv), rv);
    return err_set(err, ERR_CRYPTO, "token '%s': %s gave %s (0x%lX)", k->info.label, call,
                   answer_name(rv), rv);
}

// ---- the module

static int join_path(char out[2 * TOKEN_PATH_MAX], const char *base_dir, const char *path,
                     bool search, struct err *err)
{
    bool as_it_is = path[0] == '/' || !base_dir || (search && !strchr(path, '/'));
    int n = as_it_is ? snprintf(out, 2 * TOKEN_PATH_MAX, "%s", path)
                     : snprintf(out, 2 * TOKEN_PATH_MAX, "%s/%s", base_dir, path);
    if (n < 0 || n >= 2 * TOKEN_PATH_MAX)
        return err_set(err, ERR_USAGE, "key reference pkcs11: a path is longer than %d bytes",
                       2 * TOKEN_PATH_MAX - 1);
    return ERR_OK;
}

static int load_module(CK_FUNCTION_LIST **out, const char *path, struct err *err)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *why = dlerror();
        return err_set(err, ERR_USAGE,
                       "module %s cannot be loaded: %s; module-path= names the PKCS#11 library of "
                       "the token's maker",
                       path, why ? why : "no reason given");
    }
    CK_C_GetFunctionList get = NULL;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    int rc = ERR_OK;
    if (!get || get(out) != CKR_OK || !*out || (*out)->version.major != 2)
        rc = err_set(err, ERR_USAGE,
                     "module %s is a library, but none of PKCS#11 version 2; module-path= names "
                     "the PKCS#11 library of the token's maker",
                     path);
    dlclose(library);
    return rc;
}

static int start_module(struct token_key *k, const char *path, struct err *err)
{
    CK_FUNCTION_LIST *p11 = NULL;
    int rc = load_module(&p11, path, err);
    if (rc < 0) return rc;
    struct module *m = NULL;
    for (size_t i = 0; i < MODULES_MAX && (!m || m->p11 != p11); i++)
        if (modules[i].p11 == p11 || (!m && !modules[i].p11)) m = &modules[i];
    if (!m)
        return err_set(err, ERR_LIMIT, "more than %d PKCS#11 modules in one process", MODULES_MAX);
    if (m->users == 0) {
        CK_RV rv = p11->C_Initialize(NULL);
        if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
            return err_set(err, ERR_USAGE,
                           "module %s does not start: C_Initialize gave %s (0x%lX); see its "
                           "configuration",
                           path, answer_name(rv), rv);
        *m = (struct module){.p11 = p11, .foreign = rv != CKR_OK};
    }
    m->users++;
    k->module = m;
    k->p11 = p11;
    return ERR_OK;
}

static void end_module(struct module *m)
{
    if (!m || --m->users > 0) return;
    if (!m->foreign) m->p11->C_Finalize(NULL);
    m->p11 = NULL;
}

// ---- the token

// PKCS#11 pads its texts with blanks and does not end them. What is no plain text is not shown.
static void take_text(char *out, const unsigned char *from, size_t len)
{
    while (len > 0 && (from[len - 1] == ' ' || from[len - 1] == '\0'))
        len--;
    for (size_t i = 0; i < len; i++)
        out[i] = from[i] < 0x20 || from[i] == 0x7F ? '?' : (char)from[i];
    out[len] = '\0';
}

static void take_info(struct token_info *out, const CK_TOKEN_INFO *from)
{
    take_text(out->label, from->label, sizeof from->label);
    take_text(out->manufacturer, from->manufacturerID, sizeof from->manufacturerID);
    take_text(out->model, from->model, sizeof from->model);
    take_text(out->serial, from->serialNumber, sizeof from->serialNumber);
    snprintf(out->firmware, sizeof out->firmware, "%u.%u", from->firmwareVersion.major,
             from->firmwareVersion.minor);
}

static bool fits(const char *wanted, const char *is)
{
    return !wanted[0] || strcmp(wanted, is) == 0;
}

static bool token_fits(const struct token_uri *u, const struct token_info *is)
{
    return fits(u->token, is->label) && fits(u->serial, is->serial) && fits(u->model, is->model) &&
           fits(u->manufacturer, is->manufacturer);
}

static const char *wanted_name(const struct token_uri *u)
{
    return u->token[0] ? u->token : u->serial;
}

static int list_slots(const struct token_key *k, CK_SLOT_ID slots[SLOTS_MAX], size_t *n,
                      struct err *err)
{
    CK_ULONG count = SLOTS_MAX;
    CK_RV rv = k->p11->C_GetSlotList(CK_TRUE, slots, &count);
    *n = rv == CKR_OK ? count : 0;
    return rv == CKR_OK ? ERR_OK
                        : err_set(err, ERR_CRYPTO, "module %s: C_GetSlotList gave %s (0x%lX)",
                                  k->uri.module_path, answer_name(rv), rv);
}

static int find_token(struct token_key *k, struct err *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    char there[LIST_MAX] = "";
    size_t n_slots = 0, found = 0;
    int rc = list_slots(k, slots, &n_slots, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < n_slots; i++) {
        CK_TOKEN_INFO info;
        struct token_info is;
        if (k->p11->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue; // left meanwhile
        if (!(info.flags & CKF_TOKEN_INITIALIZED)) continue;
        take_info(&is, &info);
        size_t len = strlen(there);
        snprintf(there + len, sizeof there - len, "%s'%s' (serial %s)", len ? ", " : "", is.label,
                 is.serial);
        if (!token_fits(&k->uri, &is)) continue;
        found++;
        k->info = is;
        k->slot = slots[i];
        k->flags = info.flags;
    }
    if (found == 1) return ERR_OK;
    if (found > 1)
        return err_set(err, ERR_USAGE,
                       "%zu tokens fit '%s'; add serial= to the reference; there are: %s", found,
                       wanted_name(&k->uri), there);
    return err_set(err, ERR_NOTFOUND,
                   "token '%s' is not there; plug it in or mend the reference; module %s has: %s",
                   wanted_name(&k->uri), k->uri.module_path, there[0] ? there : "no token");
}

static int check_mechanism(const struct token_key *k, struct err *err)
{
    CK_MECHANISM_INFO info;
    CK_RV rv = k->p11->C_GetMechanismInfo(k->slot, CKM_AES_CBC, &info);
    if (rv == CKR_OK && info.flags & CKF_ENCRYPT) return ERR_OK;
    if (rv != CKR_OK && answer_gone(rv)) return failed(k, rv, "C_GetMechanismInfo", err);
    return err_set(err, ERR_UNSUPPORTED,
                   "token '%s' (%s) cannot encrypt with AES-CBC (CKM_AES_CBC), which the tags are "
                   "made of; use another token, or a file: reference in a lab copy",
                   k->info.label, k->info.model);
}

// ---- the pin

static int read_pin(struct secret *pin, const char *path, struct err *err)
{
    char text[SECRET_MAX + 2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_set(err, ERR_USAGE, "pin-source file %s: %s; expected a file with the pin", path,
                       strerror(errno));
    ssize_t n = 0;
    size_t len = 0;
    while (len < sizeof text &&
           ((n = read(fd, text + len, sizeof text - len)) > 0 || (n < 0 && errno == EINTR)))
        len += n > 0 ? (size_t)n : 0;
    int rc =
        n < 0 ? err_set(err, ERR_USAGE, "pin-source file %s: %s", path, strerror(errno)) : ERR_OK;
    close(fd);
    if (len > 0 && text[len - 1] == '\n') len--;
    if (rc == ERR_OK && (len == 0 || len > SECRET_MAX))
        rc = err_set(err, ERR_USAGE,
                     "pin-source file %s: expected a pin of 1 to %d bytes on one line, got %s",
                     path, SECRET_MAX, len ? "more" : "none");
    if (rc == ERR_OK) rc = secret_init(pin, text, len, err);
    crypto_wipe(text, sizeof text);
    return rc;
}

static int pin_refused(const struct token_key *k, CK_RV rv, struct err *err)
{
    switch (rv) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        return err_set(err, ERR_USAGE,
                       "token '%s' refuses the pin of %s (%s); mend that file before trying again: "
                       "a token locks itself after a few wrong pins",
                       k->info.label, k->uri.pin_path, answer_name(rv));
    case CKR_PIN_LOCKED:
    case CKR_PIN_EXPIRED:
    case CKR_USER_PIN_NOT_INITIALIZED:
        return err_set(err, ERR_USAGE,
                       "token '%s' takes no pin at present (%s); its security officer sets a new "
                       "one",
                       k->info.label, answer_name(rv));
    default:
        return failed(k, rv, "C_Login", err);
    }
}

static int log_in(struct token_key *k, const char *base_dir, struct err *err)
{
    if (!(k->flags & CKF_LOGIN_REQUIRED)) return ERR_OK;
    if (k->flags & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY))
        return err_set(err, ERR_USAGE,
                       "token '%s' %s; the bench does not try: enter the right pin once with the "
                       "token's own tool",
                       k->info.label,
                       k->flags & CKF_USER_PIN_LOCKED ? "is locked"
                                                      : "locks itself at the next wrong pin");
    if (!k->uri.pin_path[0])
        return err_set(err, ERR_USAGE,
                       "token '%s' wants a pin, and the reference names none; put it into a file "
                       "of mode 600 and add pin-source=file:PATH",
                       k->info.label);
    char path[2 * TOKEN_PATH_MAX];
    struct secret pin = {.len = 0};
    int rc = join_path(path, base_dir, k->uri.pin_path, false, err);
    if (rc == ERR_OK) rc = read_pin(&pin, path, err);
    if (rc < 0) return rc;
    CK_RV rv = k->p11->C_Login(k->session, CKU_USER, pin.data, pin.len);
    secret_deinit(&pin);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) return ERR_OK;
    return pin_refused(k, rv, err);
}

// ---- the key

static const char *wanted_object(const struct token_uri *u, char text[TOKEN_OBJECT_MAX + 40])
{
    if (u->object[0]) return u->object;
    size_t shown = u->id_len < 32 ? u->id_len : 32;
    memcpy(text, "id ", 4);
    hex_encode(u->id, shown, text + 3);
    return text;
}

static int list_objects(struct token_key *k, CK_OBJECT_HANDLE out[OBJECTS_MAX], size_t *n,
                        struct err *err)
{
    CK_ATTRIBUTE wanted[2];
    CK_ULONG n_wanted = 0, count = 0;
    if (k->uri.object[0])
        wanted[n_wanted++] = (CK_ATTRIBUTE){CKA_LABEL, k->uri.object, strlen(k->uri.object)};
    if (k->uri.id_len) wanted[n_wanted++] = (CK_ATTRIBUTE){CKA_ID, k->uri.id, k->uri.id_len};
    CK_RV rv = k->p11->C_FindObjectsInit(k->session, wanted, n_wanted);
    if (rv != CKR_OK) return failed(k, rv, "C_FindObjectsInit", err);
    rv = k->p11->C_FindObjects(k->session, out, OBJECTS_MAX, &count);
    (void)k->p11->C_FindObjectsFinal(k->session);
    *n = count;
    return rv == CKR_OK ? ERR_OK : failed(k, rv, "C_FindObjects", err);
}

static CK_ULONG number_of(const struct token_key *k, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE_TYPE what)
{
    CK_ULONG value = CK_UNAVAILABLE_INFORMATION;
    CK_ATTRIBUTE a = {what, &value, sizeof value};
    return k->p11->C_GetAttributeValue(k->session, object, &a, 1) == CKR_OK
               ? value
               : CK_UNAVAILABLE_INFORMATION;
}

static bool may_encrypt(const struct token_key *k, CK_OBJECT_HANDLE object)
{
    CK_BBOOL yes = CK_FALSE;
    CK_ATTRIBUTE a = {CKA_ENCRYPT, &yes, sizeof yes};
    return k->p11->C_GetAttributeValue(k->session, object, &a, 1) == CKR_OK && yes == CK_TRUE;
}

static const char *class_name(CK_ULONG class)
{
    switch (class) {
    case CKO_DATA:
        return "a data object";
    case CKO_CERTIFICATE:
        return "a certificate";
    case CKO_PUBLIC_KEY:
        return "a public key";
    case CKO_PRIVATE_KEY:
        return "a private key";
    case CKO_SECRET_KEY:
        return "a secret key of another kind";
    default:
        return "something else";
    }
}

static int check_key(const struct token_key *k, const char *name, struct err *err)
{
    CK_ULONG len = number_of(k, k->object, CKA_VALUE_LEN);
    if (len != KEY_LEN)
        return err_set(err, ERR_USAGE,
                       "object '%s' in token '%s' is an AES key of %ld bytes; a device's key has "
                       "%d",
                       name, k->info.label, (long)len, KEY_LEN);
    if (!may_encrypt(k, k->object))
        return err_set(err, ERR_USAGE,
                       "object '%s' in token '%s' may not encrypt (CKA_ENCRYPT is false); import "
                       "the key with that right",
                       name, k->info.label);
    return ERR_OK;
}

static int find_key(struct token_key *k, struct err *err)
{
    CK_OBJECT_HANDLE objects[OBJECTS_MAX];
    char text[TOKEN_OBJECT_MAX + 40];
    const char *name = wanted_object(&k->uri, text);
    size_t n = 0, keys = 0;
    CK_ULONG class = CK_UNAVAILABLE_INFORMATION;
    int rc = list_objects(k, objects, &n, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < n; i++) {
        class = number_of(k, objects[i], CKA_CLASS);
        if (class != CKO_SECRET_KEY || number_of(k, objects[i], CKA_KEY_TYPE) != CKK_AES) continue;
        keys++;
        k->object = objects[i];
    }
    if (keys == 1) return check_key(k, name, err);
    if (keys > 1)
        return err_set(err, ERR_USAGE,
                       "%zu AES keys '%s' are in token '%s'; name one by object= and id= together",
                       keys, name, k->info.label);
    if (n > 0)
        return err_set(err, ERR_USAGE,
                       "object '%s' in token '%s' is %s; expected an AES key of %d bytes", name,
                       k->info.label, class_name(class), KEY_LEN);
    return err_set(err, ERR_USAGE,
                   "token '%s' has no object '%s' that this pin may see; import the key, or mend "
                   "object= and id= in the reference",
                   k->info.label, name);
}

static int open_session(struct token_key *k, struct err *err)
{
    CK_RV rv = k->p11->C_OpenSession(k->slot, CKF_SERIAL_SESSION, NULL, NULL, &k->session);
    if (rv != CKR_OK) return failed(k, rv, "C_OpenSession", err);
    k->has_session = true;
    return ERR_OK;
}

int token_key_open(struct token_key **out, const char *ref, const char *base_dir, struct err *err)
{
    struct token_key *k = calloc(1, sizeof *k);
    if (!k) return err_set(err, ERR_NOMEM, "token: out of memory");
    char path[2 * TOKEN_PATH_MAX];
    uint8_t trial[AES_BLOCK] = {0};

    int rc = token_uri_parse(&k->uri, ref, err);
    if (rc == ERR_OK) rc = join_path(path, base_dir, k->uri.module_path, true, err);
    if (rc == ERR_OK) rc = start_module(k, path, err);
    if (rc == ERR_OK) rc = find_token(k, err);
    if (rc == ERR_OK) rc = check_mechanism(k, err);
    if (rc == ERR_OK) rc = open_session(k, err);
    if (rc == ERR_OK) rc = log_in(k, base_dir, err);
    if (rc == ERR_OK) rc = find_key(k, err);
    if (rc == ERR_OK) rc = token_key_cbc(k, trial, 1, trial, err);
    if (rc < 0) goto fail;
    *out = k;
    return ERR_OK;
fail:
    token_key_close(k);
    return rc;
}

void token_key_close(struct token_key *k)
{
    if (!k) return;
    if (k->has_session) k->p11->C_CloseSession(k->session);
    end_module(k->module);
    free(k);
}

const struct token_info *token_key_info(const struct token_key *k)
{
    return &k->info;
}

int token_key_cbc(struct token_key *k, const uint8_t *in, size_t n_blocks, uint8_t *out,
                  struct err *err)
{
    if (n_blocks == 0 || n_blocks > BLOCKS_MAX)
        return err_set(err, ERR_INVALID, "token: expected 1 to %d blocks, got %zu", BLOCKS_MAX,
                       n_blocks);
    CK_BYTE iv[AES_BLOCK] = {0}, from[BLOCKS_MAX * AES_BLOCK], to[BLOCKS_MAX * AES_BLOCK];
    CK_MECHANISM mechanism = {CKM_AES_CBC, iv, sizeof iv};
    CK_ULONG len = n_blocks * AES_BLOCK, got = sizeof to;
    memcpy(from, in, len); // the standard's parameters are not const
    CK_RV rv = k->p11->C_EncryptInit(k->session, &mechanism, k->object);
    if (rv != CKR_OK) return failed(k, rv, "C_EncryptInit", err);
    rv = k->p11->C_Encrypt(k->session, from, len, to, &got);
    if (rv != CKR_OK) return failed(k, rv, "C_Encrypt", err);
    if (got != len)
        return err_set(err, ERR_CRYPTO,
                       "token '%s': C_Encrypt gave %lu bytes for %lu; the token is faulty",
                       k->info.label, got, len);
    memcpy(out, to, len);
    return ERR_OK;
}
