// guest_attach HOST PORT BUSID ROOTPORT: imports one USB/IP device and hands its socket to
// vhci_hcd.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPLY = 8 + 312, DEVICE_ID = 8 + 288, SPEED_HIGH = 3 };

static int fail(const char *what)
{
    perror(what);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: guest_attach HOST PORT BUSID ROOTPORT\n");
        return 4;
    }
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        return fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    uint8_t request[40] = {0x01, 0x11, 0x80, 0x03}, reply[REPLY];
    snprintf((char *)request + 8, 32, "%s", argv[3]);
    if (write(fd, request, sizeof request) != sizeof request) return fail("request");
    for (size_t n = 0; n < sizeof reply;) {
        ssize_t got = read(fd, reply + n, sizeof reply - n);
        if (got <= 0) return fail("reply");
        n += (size_t)got;
        if (n >= 8 && reply[7]) {
            fprintf(stderr, "%s was refused\n", argv[3]);
            return 1;
        }
    }
    unsigned bus = reply[DEVICE_ID + 3], device = reply[DEVICE_ID + 7];
    char line[64];
    int len =
        snprintf(line, sizeof line, "%s %d %u %d", argv[4], fd, bus << 16 | device, SPEED_HIGH);
    int attach = open("/sys/devices/platform/vhci_hcd.0/attach", O_WRONLY);
    if (attach < 0 || write(attach, line, (size_t)len) != len) return fail("vhci_hcd attach");
    return 0;
}
