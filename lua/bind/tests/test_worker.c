// The worker's end of the socket: what it answers to plans, to requests out of order, to nonsense
// and to a supervisor that goes away.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/record/link.h"
#include "lua/bind/worker.h"

enum { PATIENCE_MS = 20000 };

static struct link *link_;
static pid_t worker;

static int start(void **state)
{
    (void)state;
    int fds[2];
    struct err e = {0};
    setenv("FOXLAB_PLUTO_0_URI", "ip:127.0.0.1:1", 1); // nobody listens there
    setenv("FOXLAB_UART_0", "/nowhere/tty", 1);
    setenv("FOXLAB_FTDI_0_SERIAL", "NOWHERE", 1);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) return -1;
    worker = fork();
    if (worker == 0) {
        close(fds[0]);
        _exit(worker_serve(fds[1], FOX_SOURCE_DIR, &e) < 0 ? 3 : 0);
    }
    close(fds[1]);
    return link_new(&link_, fds[0], &e);
}

static int ended(void)
{
    int status = 0;
    link_free(link_);
    link_ = NULL;
    waitpid(worker, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stop(void **state)
{
    (void)state;
    if (link_) (void)ended();
    return 0;
}

// Sends a request (taken) and gives back the first answer.
static struct jval *ask(struct jval *request)
{
    struct err e = {0};
    struct jval *answer = NULL;
    int fd = -1;
    assert_non_null(request);
    assert_int_equal(link_send(link_, request, -1, &e), ERR_OK);
    jval_free(request);
    if (link_receive(link_, &answer, &fd, PATIENCE_MS, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(fd, -1);
    return answer;
}

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static void test_worker_plans_the_smoke_profile(void **state)
{
    (void)state;
    struct err e;
    struct jval *plan = ask(jval_make(&e, "{s:s, s:[], s:s, s:i}", "do", "plan", "select",
                                      "profile", "smoke", "seed", 1));
    assert_string_equal(text_of(plan, "is"), "plan");
    const struct jval *cases = jval_get(plan, "cases");
    static const char *const order[] = {"AUTH-UL-001", "AUTH-UL-002", "AUTH-UL-003", "AUTH-UL-004",
                                        "AUTH-UL-005", "CNT-UL-001",  "CNT-UL-004"};
    size_t found = 0; // others stand between them
    for (size_t i = 0; i < jval_len(cases); i++) {
        assert_int_equal(jval_kind(jval_get(jval_at(cases, i), "axes")), JVAL_OBJECT);
        if (found == 7 || strcmp(text_of(jval_at(cases, i), "id"), order[found]) != 0) continue;
        assert_null(jval_get(jval_at(cases, i), "na"));
        found++;
    }
    assert_int_equal(found, 7);
    assert_string_equal(text_of(jval_get(plan, "device"), "id"), "00f0c5a1");
    // A reference to the key, never the key.
    char *text = jval_dump(plan, &e);
    assert_non_null(strstr(text, "file:../keys/foxdut.key"));
    struct bytes key;
    bytes_init(&key, 1024);
    assert_int_equal(bytes_read_file(&key, FOX_SOURCE_DIR "/fixtures/keys/foxdut.key", &e), 0);
    key.data[32] = '\0';
    assert_null(strstr(text, (char *)key.data));
    bytes_deinit(&key);
    free(text);
    jval_free(plan);
}

static void test_worker_refuses_and_plans_again(void **state)
{
    (void)state;
    struct err e;
    struct jval *answer = ask(jval_make(&e, "{s:s, s:[s]}", "do", "plan", "select", "AUTH-UL-999"));
    assert_string_equal(text_of(answer, "is"), "refused");
    assert_string_equal(text_of(answer, "code"), "USAGE");
    assert_non_null(strstr(text_of(answer, "text"), "unknown case 'AUTH-UL-999'"));
    jval_free(answer);
    answer = ask(jval_make(&e, "{s:s, s:[s]}", "do", "plan", "select", "AUTH-UL-002"));
    assert_int_equal(jval_len(jval_get(answer, "cases")), 2); // with the case that it watches
    jval_free(answer);
    answer = ask(
        jval_make(&e, "{s:s, s:[], s:s}", "do", "plan", "select", "device", "/nowhere/device.lua"));
    assert_string_equal(text_of(answer, "is"), "refused");
    assert_non_null(strstr(text_of(answer, "text"), "/nowhere/device.lua"));
    jval_free(answer);
}

static void test_worker_a_case_needs_open_instruments(void **state)
{
    (void)state;
    struct err e;
    struct jval *answer = ask(jval_make(&e, "{s:s, s:s, s:{}, s:i}", "do", "case", "case",
                                        "AUTH-UL-001", "axes", "attempt", 1));
    assert_string_equal(text_of(answer, "is"), "fault");
    assert_string_equal(text_of(answer, "code"), "SEQUENCE");
    jval_free(answer);
    assert_int_equal(ended(), 3);
}

static void test_worker_open_names_the_unit_that_is_absent(void **state)
{
    (void)state;
    struct err e;
    struct jval *answer =
        ask(jval_make(&e, "{s:s, s:i, s:i, s:i}", "do", "open", "seed", 1, "t", 0, "worker", 1));
    assert_string_equal(text_of(answer, "is"), "fault");
    assert_string_equal(text_of(answer, "blame"), "bench");
    assert_non_null(strstr(text_of(answer, "text"), "dut1"));
    assert_null(strstr(text_of(answer, "text"), "/nowhere/tty"));
    jval_free(answer);
    assert_int_equal(ended(), 3);
}

static void test_worker_nonsense_is_a_fault(void **state)
{
    (void)state;
    struct err e;
    struct jval *answer = ask(jval_make(&e, "{s:s}", "do", "dance"));
    assert_string_equal(text_of(answer, "is"), "fault");
    assert_non_null(
        strstr(text_of(answer, "text"), "expected plan, open, case, silence or quit, got 'dance'"));
    jval_free(answer);
    assert_int_equal(ended(), 3);
}

static void test_worker_quits_and_ends_with_its_supervisor(void **state)
{
    (void)state;
    struct err e;
    struct jval *quit = jval_make(&e, "{s:s}", "do", "quit");
    assert_int_equal(link_send(link_, quit, -1, &e), ERR_OK);
    jval_free(quit);
    assert_int_equal(ended(), 0);
    assert_int_equal(start(NULL), 0);
    assert_int_equal(ended(), 0); // the socket just closes
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(test_worker_plans_the_smoke_profile),
        TEST(test_worker_refuses_and_plans_again),
        TEST(test_worker_a_case_needs_open_instruments),
        TEST(test_worker_open_names_the_unit_that_is_absent),
        TEST(test_worker_nonsense_is_a_fault),
        TEST(test_worker_quits_and_ends_with_its_supervisor),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
