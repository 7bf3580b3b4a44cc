// The link: messages and descriptors come out as they went in, however the bytes are cut; garbage
// does not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/record/link.h"

static void make_pair(struct link **a, int *b)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(link_new(a, pair[0], NULL), ERR_OK);
    *b = pair[1];
}

static struct jval *numbered(int i)
{
    struct jval *j = jval_make(NULL, "{s:s, s:i}", "is", "event", "n", i);
    assert_non_null(j);
    return j;
}

static void test_messages_and_descriptors_arrive_in_order(void **state)
{
    (void)state;
    struct link *a, *b;
    int raw;
    make_pair(&a, &raw);
    assert_int_equal(link_new(&b, raw, NULL), ERR_OK);
    for (int i = 0; i < 30; i++) {
        struct jval *m = numbered(i);
        int fd = -1;
        if (i % 3 == 0) {
            fd = memfd_create("evidence", MFD_CLOEXEC);
            assert_true(write(fd, &i, sizeof i) == sizeof i);
        }
        assert_int_equal(link_send(a, m, fd, NULL), ERR_OK);
        if (fd >= 0) close(fd);
        jval_free(m);
    }
    for (int i = 0; i < 30; i++) {
        struct jval *m;
        int fd;
        assert_int_equal(link_receive(b, &m, &fd, 1000, NULL), ERR_OK);
        assert_int_equal(jval_int(jval_get(m, "n"), -1), i);
        assert_int_equal(fd >= 0, i % 3 == 0);
        if (fd >= 0) {
            int content = -1;
            assert_true(pread(fd, &content, sizeof content, 0) == sizeof content);
            assert_int_equal(content, i);
            close(fd);
        }
        jval_free(m);
    }
    struct jval *m;
    int fd;
    assert_int_equal(link_receive(b, &m, &fd, 0, NULL), ERR_TIMEOUT);
    link_free(a);
    assert_int_equal(link_receive(b, &m, &fd, 1000, NULL), ERR_GONE);
    link_free(b);
}

// The wire form is written down in docs/EVIDENCE.md, so another program may speak it: these bytes
// are made by hand, and come one at a time.
static void test_receive_keeps_a_partial_message(void **state)
{
    (void)state;
    struct link *a;
    int raw;
    make_pair(&a, &raw);
    const char wire[] = "\x0a\0\0\0{\"is\":\"a\"}\x0a\0\0\0{\"is\":\"b\"}";
    struct jval *m;
    int fd;
    for (size_t i = 0; i < sizeof wire - 1; i++) {
        assert_int_equal(link_receive(a, &m, &fd, 0, NULL), ERR_TIMEOUT);
        assert_true(write(raw, wire + i, 1) == 1);
        if (i == 13 || i == 27) {
            assert_int_equal(link_receive(a, &m, &fd, 0, NULL), ERR_OK);
            assert_string_equal(jval_text(jval_get(m, "is"), ""), i == 13 ? "a" : "b");
            jval_free(m);
        }
    }
    close(raw);
    link_free(a);
}

static void test_receive_refuses_garbage(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t len;
        int code;
        const char *text;
    } cases[] = {
        {"\0\0\0\0", 4, ERR_FORMAT, "expected a message of 1 to"},
        {"GET / HTTP/1.1\r\n", 16, ERR_FORMAT, "expected a message of 1 to"},
        {"\x02\0\0\0[]", 6, ERR_FORMAT, "expected an object"},
        {"\x05\0\0\0{\"a\":", 9, ERR_FORMAT, "garbage"},
        {"\x0d\0\0\0{\"a\":1,\"a\":2}", 17, ERR_FORMAT, "garbage"},
        {"\x0a\0\0\0{\"is", 8, ERR_GONE, "in the middle of a message"},
        {"\x0a", 1, ERR_GONE, "in the middle of a message"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct link *a;
        int raw, fd;
        make_pair(&a, &raw);
        assert_true(write(raw, cases[i].wire, cases[i].len) == (ssize_t)cases[i].len);
        close(raw);
        struct jval *m;
        struct err e;
        assert_int_equal(link_receive(a, &m, &fd, 1000, &e), cases[i].code);
        assert_null(m);
        assert_int_equal(fd, -1);
        assert_non_null(strstr(e.text, cases[i].text));
        link_free(a);
    }
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static void test_receive_closes_descriptors_nobody_announced(void **state)
{
    (void)state;
    int before = open_descriptors();
    struct link *a;
    int raw;
    make_pair(&a, &raw);
    int null[2] = {open("/dev/null", O_RDONLY), open("/dev/null", O_RDONLY)};
    char control[CMSG_SPACE(sizeof null)] = {0};
    char wire[] = "\x02\0\0\0{}";
    struct iovec iov = {wire, 6};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof null);
    memcpy(CMSG_DATA(c), null, sizeof null);
    assert_int_equal(sendmsg(raw, &m, 0), 6);
    struct jval *out;
    int fd;
    assert_int_equal(link_receive(a, &out, &fd, 1000, NULL), ERR_FORMAT);
    link_free(a);
    close(raw);
    close(null[0]);
    close(null[1]);
    assert_int_equal(open_descriptors(), before);
}

static void test_send_to_nobody(void **state)
{
    (void)state;
    struct link *a;
    int raw;
    make_pair(&a, &raw);
    struct timeval limit = {.tv_usec = 50000};
    assert_int_equal(setsockopt(link_fd(a), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    char *big = calloc(1, 1 << 21);
    memset(big, 'x', (1 << 21) - 1);
    struct jval *m = jval_make(NULL, "{s:s}", "text", big);
    assert_int_equal(link_send(a, m, -1, NULL), ERR_TIMEOUT);
    close(raw);
    assert_int_equal(link_send(a, m, -1, NULL), ERR_GONE);
    jval_free(m);
    free(big);
    link_free(a);
}

static void test_megabytes_pass(void **state)
{
    (void)state;
    struct link *a, *b;
    int raw;
    make_pair(&a, &raw);
    assert_int_equal(link_new(&b, raw, NULL), ERR_OK);
    char *big = calloc(1, 3 << 20);
    memset(big, 'y', (3 << 20) - 1);
    struct jval *m = jval_make(NULL, "{s:s}", "text", big);
    pid_t child = fork();
    if (child == 0) _exit(link_send(a, m, -1, NULL) == ERR_OK ? 0 : 1);
    struct jval *out;
    int fd;
    assert_int_equal(link_receive(b, &out, &fd, 5000, NULL), ERR_OK);
    assert_true(jval_equal(m, out));
    jval_free(out);
    jval_free(m);
    free(big);
    link_free(a);
    link_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_and_descriptors_arrive_in_order),
        cmocka_unit_test(test_receive_keeps_a_partial_message),
        cmocka_unit_test(test_receive_refuses_garbage),
        cmocka_unit_test(test_receive_closes_descriptors_nobody_announced),
        cmocka_unit_test(test_send_to_nobody),
        cmocka_unit_test(test_megabytes_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
