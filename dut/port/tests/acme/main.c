// A product round the foreign library: a few lines of the SFM10R dialect on its serial line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_ep.h"
#include "dut/port/board_template.h"

static unsigned parse_hex(const char *text, acme_u8 *out, unsigned max)
{
    unsigned n = 0, byte;
    while (n < max && sscanf(text + 2 * n, "%2x", &byte) == 1)
        out[n++] = (acme_u8)byte;
    return n;
}

static void send_message(const char *arguments, int is_bit, int listens_first)
{
    acme_u8 payload[12] = {(acme_u8)(arguments[0] == '1')};
    acme_u8 size = is_bit ? 0 : (acme_u8)parse_hex(arguments, payload, sizeof payload);
    ACME_message_t m = {payload, size, strstr(arguments, ",1") != NULL, listens_first, {0}};
    if (Acme_Send(&m) != ACME_OK) {
        board_uart_write(m.bidirectional ? "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT\r"
                                         : "ERROR: busy\r");
        return;
    }
    board_uart_write("OK\r");
    char line[64];
    const acme_u8 *a = m.answer;
    snprintf(line, sizeof line, "\nRX=%02x %02x %02x %02x %02x %02x %02x %02x\r", a[0], a[1], a[2],
             a[3], a[4], a[5], a[6], a[7]);
    if (m.bidirectional) board_uart_write(line);
}

static void obey(const char *line)
{
    if (strncmp(line, "AT$SF=", 6) == 0)
        send_message(line + 6, 0, 0);
    else if (strncmp(line, "AT$SB=", 6) == 0)
        send_message(line + 6, 1, 0);
    else if (strncmp(line, "AT$LBT=", 7) == 0)
        send_message(line + 7, 0, 1);
    else if (strcmp(line, "AT$SO") == 0)
        board_uart_write(Acme_KeepAlive() == ACME_OK ? "OK\r" : "ERROR: busy\r");
    else
        board_uart_write(strcmp(line, "AT") == 0 ? "OK\r" : "ERROR: parse error\r");
}

int main(int argc, char **argv)
{
    char line[80];
    size_t len = 0;
    board_start("acme 1.0", argc, argv);
    if (Acme_Open() != ACME_OK) return EXIT_FAILURE;
    printf("ACME ready\n"); // what a firmware prints harms nobody
    fflush(stdout);
    for (char c;;) {
        (void)board_uart_read(&c, 1);
        if (c == '\r') {
            line[len] = '\0';
            len = 0;
            obey(line);
        } else if (c != '\n' && len + 1 < sizeof line) {
            line[len++] = c;
        }
    }
}
