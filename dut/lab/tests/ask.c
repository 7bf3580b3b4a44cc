#include "dut/lab/tests/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

void lab_ask(const char *command, char *answer, size_t size)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", getenv("FOXLAB_CONTROL"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    assert_true(dprintf(fd, "%s\n", command) > 0);
    ssize_t n = read(fd, answer, size - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    answer[strcspn(answer, "\n")] = '\0';
    close(fd);
}

void lab_order(const char *command)
{
    char answer[256];
    lab_ask(command, answer, sizeof answer);
    if (strcmp(answer, "ok") != 0) fail_msg("%s: %s", command, answer);
}

int64_t lab_ns(void)
{
    char answer[64];
    lab_ask("time", answer, sizeof answer);
    return atoll(answer);
}

double lab_seconds(void)
{
    return (double)lab_ns() * 1e-9;
}
