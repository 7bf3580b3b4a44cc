// A device that is wrong in a simple way: it is deaf, or merely polite. No
// suite may pass it.
#include <stdio.h>
#include <string.h>

#include "dut/port/client.h"

enum manner { DEAF, POLITE };

static void serve(struct devport *port, enum manner manner)
{
    char line[64] = "";
    size_t len = 0;
    for (;;) {
        devport_wait(port, devport_now_ns(port) + DEVPORT_SECOND);
        for (char c; devport_uart_read(port, &c, 1) == 1;) {
            if (manner != POLITE) continue;
            if (c != '\r') {
                if (len + 1 < sizeof line) line[len++] = c;
                continue;
            }
            line[len] = '\0';
            len = 0;
            // It even knows its name; only on air it never is.
            const char *answer = strcmp(line, "AT$I=10") == 0   ? "00F0C5A1\r"
                                 : strcmp(line, "AT$I=11") == 0 ? "5E7A1C0D9B3F2468\r"
                                                                : "OK\r";
            devport_uart_write(port, answer, strlen(answer));
        }
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"deaf", "polite"};
    for (int m = DEAF; argc == 2 && m <= POLITE; m++) {
        if (strcmp(argv[1], names[m]) != 0) continue;
        struct devport *port = NULL;
        char why[256];
        if (devport_open(&port, why, sizeof why) < 0) {
            fprintf(stderr, "dummy_device: %s\n", why);
            return 3;
        }
        devport_ready(port, argv[1]);
        serve(port, (enum manner)m);
    }
    fprintf(stderr, "usage: dummy_device deaf | polite\n");
    return 4;
}
