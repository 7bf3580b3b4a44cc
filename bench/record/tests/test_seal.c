// A signed folder: whatever is changed in it afterwards is named. The keys are openssl's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/base64.h"
#include "bench/base/bytes.h"
#include "bench/base/sign.h"
#include "bench/record/seal.h"
#include "bench/record/tree.h"

static const char when[] = "2026-01-02T03:04:05Z";
static const char *const names[] = {"cases/X-1/_/attempt-1/iq/a.sigmf-data",
                                    "cases/X-1/_/attempt-1/verdict.json", "events.jsonl",
                                    "report/report.html", "run.json"};
enum { NAMES = sizeof names / sizeof names[0] };

static char base[32];
static char run_dir[64];
static struct crypto_key *key, *pub, *stranger;

static int shell(const char *fmt, ...) FOX_PRINTF(1, 2);
static int shell(const char *fmt, ...)
{
    char command[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    return system(command);
}

static int make_keys(void **state)
{
    (void)state;
    char path[64];
    snprintf(base, sizeof base, "/tmp/seal-XXXXXX");
    if (!mkdtemp(base)) return -1;
    if (shell("cd %s && for k in a b; do openssl genpkey -algorithm ed25519 -out $k.key && "
              "chmod 600 $k.key && openssl pkey -in $k.key -pubout -out $k.pub; done",
              base) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/a.key", base);
    if (crypto_key_read_private(&key, path, NULL) < 0) return -1;
    snprintf(path, sizeof path, "%s/a.pub", base);
    if (crypto_key_read_public(&pub, path, NULL) < 0) return -1;
    snprintf(path, sizeof path, "%s/b.pub", base);
    snprintf(run_dir, sizeof run_dir, "%s/run", base);
    return crypto_key_read_public(&stranger, path, NULL);
}

static int remove_keys(void **state)
{
    (void)state;
    crypto_key_free(key);
    crypto_key_free(pub);
    crypto_key_free(stranger);
    return shell("rm -rf %s", base);
}

// A folder of five files, not signed yet.
static int make_folder(void **state)
{
    (void)state;
    if (shell("rm -rf %s && mkdir -p %s/cases/X-1/_/attempt-1/iq %s/report", run_dir, run_dir,
              run_dir) != 0)
        return -1;
    for (size_t i = 0; i < NAMES; i++)
        if (shell("echo content of %s >%s/%s", names[i], run_dir, names[i]) != 0) return -1;
    return 0;
}

static int make_signed(void **state)
{
    if (make_folder(state) != 0) return -1;
    return seal_write(run_dir, key, when, "1.2.3", NULL) == NAMES ? 0 : -1;
}

static struct seal_result checked(const struct crypto_key *k)
{
    struct seal_result r;
    struct err e = {0};
    if (seal_check(&r, run_dir, k, &e) < 0) fail_msg("%s", e.text);
    return r;
}

static const char *altered(const struct seal_result *r, size_t i, const char *what)
{
    return jval_text(jval_get(jval_at(r->altered, i), what), "");
}

// Exactly this one is named, under both ways to check.
static void assert_named(const char *name, const char *why)
{
    for (int own = 0; own < 2; own++) {
        struct seal_result r = checked(own ? NULL : pub);
        if (r.state != SEAL_BROKEN || jval_len(r.altered) != 1 ||
            strcmp(altered(&r, 0, "path"), name) != 0 || !strstr(altered(&r, 0, "why"), why))
            fail_msg("expected %s (%s), got state %d, %zu altered: %s: %s", name, why, r.state,
                     jval_len(r.altered), altered(&r, 0, "path"), altered(&r, 0, "why"));
        seal_result_deinit(&r);
    }
}

static void flip(const char *name, long byte, int bit)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, byte, SEEK_SET), 0);
    int c = getc(f);
    assert_int_not_equal(c, EOF);
    assert_int_equal(fseek(f, byte, SEEK_SET), 0);
    assert_int_equal(putc(c ^ 1 << bit, f), c ^ 1 << bit);
    assert_int_equal(fclose(f), 0);
}

static long size_of(const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    assert_int_equal(stat(path, &st), 0);
    return (long)st.st_size;
}

static void write_bytes(const char *path, const struct bytes *data)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data->data, 1, data->len, f), data->len);
    assert_int_equal(fclose(f), 0);
}

static void test_signed_folder_is_good(void **state)
{
    (void)state;
    char fingerprint[SHA256_HEX_LEN];
    assert_int_equal(crypto_key_fingerprint(pub, fingerprint, NULL), ERR_OK);
    for (int own = 0; own < 2; own++) {
        struct seal_result r = checked(own ? NULL : pub);
        assert_int_equal(r.state, SEAL_GOOD);
        assert_int_equal(r.own_key, own);
        assert_string_equal(r.signer, fingerprint);
        assert_string_equal(r.signed_at, when);
        assert_int_equal(r.files, NAMES);
        assert_int_equal(jval_len(r.altered), 0);
        assert_int_equal(jval_len(r.unsigned_too), 0);
        seal_result_deinit(&r);
    }
}

static void test_unsigned_folder(void **state)
{
    (void)state;
    struct seal_result r = checked(pub);
    assert_int_equal(r.state, SEAL_NONE);
    assert_int_equal(jval_len(r.altered), 0);
    seal_result_deinit(&r);
    struct err e = {0};
    assert_int_equal(seal_check(&r, "/nonexistent", NULL, &e), ERR_NOTFOUND);
    seal_result_deinit(&r);
}

static void test_every_altered_file_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        long size = size_of(names[i]);
        for (long at = 0; at < size; at += 5) {
            flip(names[i], at, (int)(at % 8));
            assert_named(names[i], "expected SHA-256");
            flip(names[i], at, (int)(at % 8));
        }
        assert_int_equal(
            shell("cp %s/%s %s/kept && echo >>%s/%s", run_dir, names[i], base, run_dir, names[i]),
            0);
        assert_named(names[i], "bytes, got");
        assert_int_equal(shell("rm %s/%s", run_dir, names[i]), 0);
        assert_named(names[i], "missing");
        assert_int_equal(shell("ln -s %s/kept %s/%s", base, run_dir, names[i]), 0);
        assert_named(names[i], "no regular file");
        assert_int_equal(
            shell("rm %s/%s && mv %s/kept %s/%s", run_dir, names[i], base, run_dir, names[i]), 0);
    }
    struct seal_result r = checked(pub);
    assert_int_equal(r.state, SEAL_GOOD);
    seal_result_deinit(&r);

    // all at once, and all are named
    for (size_t i = 0; i < NAMES; i++)
        flip(names[i], 3, 3);
    r = checked(pub);
    assert_int_equal(jval_len(r.altered), NAMES);
    for (size_t i = 0; i < NAMES; i++)
        assert_string_equal(altered(&r, i, "path"), names[i]);
    seal_result_deinit(&r);
}

static void test_every_bit_of_the_seal_is_named(void **state)
{
    (void)state;
    static const char *const seals[] = {"root.json", "root.sig"};
    for (size_t k = 0; k < 2; k++) {
        long size = size_of(seals[k]);
        for (long bit = 0; bit < size * 8; bit++) {
            flip(seals[k], bit / 8, (int)(bit % 8));
            struct seal_result r = checked(bit % 2 ? pub : NULL);
            if (r.state != SEAL_BROKEN || strcmp(altered(&r, 0, "path"), seals[k]) != 0)
                fail_msg("bit %ld of byte %ld of %s: state %d, %s", bit % 8, bit / 8, seals[k],
                         r.state, altered(&r, 0, "path"));
            seal_result_deinit(&r);
            flip(seals[k], bit / 8, (int)(bit % 8));
        }
    }
}

// More, less, or the same in another order.
static void test_another_spelling_of_the_seal_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *change, *name;
    } changes[] = {
        {"echo >>root.json", "root.json"},
        {"truncate -s -1 root.json", "root.json"},
        {"truncate -s 0 root.json", "root.json"},
        {"echo >>root.sig", "root.sig"},
        {"truncate -s -1 root.sig", "root.sig"},
        {"truncate -s 0 root.sig", "root.sig"},
        {"sed -i 's/{\\(\"keyid\":[^,]*\\),\\(\"sig\":[^}]*\\)}/{\\2,\\1}/' root.sig", "root.sig"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_int_equal(shell("cp %s/root.* %s && cd %s && %s && ! cmp -s %s ../%s", run_dir, base,
                               run_dir, changes[i].change, changes[i].name, changes[i].name),
                         0);
        assert_named(changes[i].name, "");
        assert_int_equal(shell("cp %s/root.* %s", base, run_dir), 0);
    }
}

static void test_half_a_seal_is_named(void **state)
{
    (void)state;
    assert_int_equal(shell("mv %s/root.sig %s/kept", run_dir, base), 0);
    assert_named("root.sig", "missing");
    assert_int_equal(shell("mv %s/kept %s/root.sig && rm %s/root.json", base, run_dir, run_dir), 0);
    assert_named("root.json", "missing");
}

static void test_another_signer_is_named(void **state)
{
    (void)state;
    char expected[SHA256_HEX_LEN], came[SHA256_HEX_LEN];
    assert_int_equal(crypto_key_fingerprint(stranger, expected, NULL), ERR_OK);
    assert_int_equal(crypto_key_fingerprint(key, came, NULL), ERR_OK);
    expected[16] = came[16] = '\0';
    struct seal_result r = checked(stranger);
    assert_int_equal(r.state, SEAL_BROKEN);
    assert_int_equal(jval_len(r.altered), 1);
    assert_string_equal(altered(&r, 0, "path"), "root.sig");
    assert_non_null(strstr(altered(&r, 0, "why"), expected));
    assert_non_null(strstr(altered(&r, 0, "why"), came));
    assert_string_equal(r.signer, "");
    assert_int_equal(r.files, 0); // nothing is believed that this key did not sign
    seal_result_deinit(&r);
}

// Whoever may write to the folder can sign it anew: only the signer's key tells.
static void test_signing_anew_is_seen_with_the_key(void **state)
{
    (void)state;
    char path[64];
    struct crypto_key *forger;
    snprintf(path, sizeof path, "%s/b.key", base);
    assert_int_equal(crypto_key_read_private(&forger, path, NULL), ERR_OK);
    flip("run.json", 0, 0);
    assert_int_equal(shell("rm %s/root.*", run_dir), 0);
    assert_int_equal(seal_write(run_dir, forger, when, "1.2.3", NULL), NAMES);
    struct seal_result r = checked(NULL);
    assert_int_equal(r.state, SEAL_GOOD);
    assert_true(r.own_key);
    seal_result_deinit(&r);
    r = checked(pub);
    assert_int_equal(r.state, SEAL_BROKEN);
    seal_result_deinit(&r);
    crypto_key_free(forger);
}

static void test_something_else_in_the_seals_place(void **state)
{
    (void)state;
    assert_int_equal(shell("cd %s && mv root.sig ../kept && mkfifo root.sig", run_dir), 0);
    assert_named("root.sig", "no regular file");
    assert_int_equal(shell("cd %s && rm root.sig && ln -s ../kept root.sig", run_dir), 0);
    assert_named("root.sig", "no regular file");
    assert_int_equal(shell("cd %s && rm root.sig && mv ../kept root.sig && rm root.json && "
                           "ln -s /dev/zero root.json",
                           run_dir),
                     0);
    assert_named("root.json", "no regular file");
}

// A list that somebody made and signed with a key of their own: it is read, and cannot lead astray.
static void test_a_list_that_leads_astray(void **state)
{
    (void)state;
    static const struct {
        const char *files, *path, *why;
    } lists[] = {
        {"[{\"path\":\"../../../../etc/passwd\",\"sha256\":\"\",\"size\":1}]", "root.json",
         "outside the run"},
        {"[{\"path\":\"report/../../a.key\",\"sha256\":\"\",\"size\":1}]", "root.json",
         "outside the run"},
        {"[{\"path\":\"/etc/passwd\",\"sha256\":\"\",\"size\":1}]", "root.json", "outside the run"},
        {"[{\"path\":\"\",\"sha256\":\"\",\"size\":1}]", "root.json", "outside the run"},
        {"[{\"path\":\"report\",\"sha256\":\"\",\"size\":1}]", "report", "no regular file"},
        {"[{\"path\":\"run.json\"}]", "run.json", "expected -1 bytes"},
        {"[7]", "root.json", "outside the run"},
        {"{}", "root.json", "no list of files"},
    };
    uint8_t der[ED25519_SPKI_MAX];
    int n = crypto_key_der(key, der, NULL);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct bytes root, envelope;
        char path[128];
        bytes_init(&root, 4096);
        bytes_init(&envelope, 8192);
        assert_int_equal(
            bytes_printf(&root, NULL, "{\"files\":%s,\"public_key\":\"", lists[i].files), ERR_OK);
        assert_int_equal(base64_encode(der, (size_t)n, &root, NULL), ERR_OK);
        assert_int_equal(bytes_printf(&root, NULL, "\"}"), ERR_OK);
        assert_int_equal(sign_envelope(SEAL_TYPE, root.data, root.len, key, &envelope, NULL),
                         ERR_OK);
        snprintf(path, sizeof path, "%s/root.json", run_dir);
        write_bytes(path, &root);
        snprintf(path, sizeof path, "%s/root.sig", run_dir);
        write_bytes(path, &envelope);
        assert_named(lists[i].path, lists[i].why);
        bytes_deinit(&root);
        bytes_deinit(&envelope);
    }
}

static void test_files_made_afterwards_do_no_harm(void **state)
{
    (void)state;
    assert_int_equal(shell("cd %s && echo late >report/certificate.pdf && echo x >'odd name' && "
                           "ln -s /etc link && mkdir empty",
                           run_dir),
                     0);
    struct seal_result r = checked(pub);
    assert_int_equal(r.state, SEAL_GOOD);
    assert_int_equal(jval_len(r.unsigned_too), 3);
    assert_string_equal(jval_text(jval_at(r.unsigned_too, 0), ""), "link");
    assert_string_equal(jval_text(jval_at(r.unsigned_too, 1), ""), "odd name");
    assert_string_equal(jval_text(jval_at(r.unsigned_too, 2), ""), "report/certificate.pdf");
    seal_result_deinit(&r);
}

static void test_what_cannot_be_signed(void **state)
{
    (void)state;
    static const struct {
        const char *make, *remove, *said;
    } bad[] = {
        {"ln -s run.json link", "rm link", "link: expected a regular file"},
        {"mkfifo pipe", "rm pipe", "pipe: expected a regular file"},
        {"touch 'two words'", "rm 'two words'", "two words: expected"},
        {"touch report/.hidden", "rm report/.hidden", "report/.hidden: expected"},
        {"touch -- -n", "rm -- -n", "/-n: expected"},
        {"touch 'a\"b'", "rm 'a\"b'", "move it out of the run"},
    };
    struct err e = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(shell("cd %s && %s", run_dir, bad[i].make), 0);
        assert_int_equal(seal_write(run_dir, key, when, "1.2.3", &e), ERR_USAGE);
        if (!strstr(e.text, bad[i].said)) fail_msg("\"%s\" lacks \"%s\"", e.text, bad[i].said);
        assert_int_equal(shell("cd %s && %s && ! ls root.* 2>/dev/null", run_dir, bad[i].remove),
                         0);
    }
    assert_int_equal(seal_write("/nonexistent", key, when, "1.2.3", &e), ERR_NOTFOUND);
    // an attempt that was cut short does not stand in the way; a signature does
    assert_int_equal(shell("echo torn >%s/root.json", run_dir), 0);
    assert_int_equal(seal_write(run_dir, key, when, "1.2.3", &e), NAMES);
    assert_int_equal(seal_write(run_dir, key, when, "1.2.3", &e), ERR_SEQUENCE);
    assert_non_null(strstr(e.text, "signed already"));
}

static void test_tree_is_sorted_and_bounded(void **state)
{
    (void)state;
    struct tree t;
    assert_int_equal(tree_read(&t, run_dir, NULL), ERR_OK);
    assert_int_equal(t.n, NAMES);
    for (size_t i = 0; i < NAMES; i++) {
        assert_string_equal(t.files[i].path, names[i]);
        assert_true(t.files[i].is_regular);
    }
    tree_deinit(&t);
    tree_deinit(&t);
    struct err e = {0};
    assert_int_equal(shell("mkdir -p %s/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", run_dir), 0);
    assert_int_equal(tree_read(&t, run_dir, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "folders deep"));
    assert_int_equal(tree_read(&t, "/nonexistent", &e), ERR_IO);
}

#define TEST(name, setup) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_signed_folder_is_good, make_signed),
        TEST(test_unsigned_folder, make_folder),
        TEST(test_every_altered_file_is_named, make_signed),
        TEST(test_every_bit_of_the_seal_is_named, make_signed),
        TEST(test_another_spelling_of_the_seal_is_named, make_signed),
        TEST(test_half_a_seal_is_named, make_signed),
        TEST(test_another_signer_is_named, make_signed),
        TEST(test_signing_anew_is_seen_with_the_key, make_signed),
        TEST(test_something_else_in_the_seals_place, make_signed),
        TEST(test_a_list_that_leads_astray, make_folder),
        TEST(test_files_made_afterwards_do_no_harm, make_signed),
        TEST(test_what_cannot_be_signed, make_folder),
        TEST(test_tree_is_sorted_and_bounded, make_folder),
    };
    return cmocka_run_group_tests_name("record/seal", tests, make_keys, remove_keys);
}
