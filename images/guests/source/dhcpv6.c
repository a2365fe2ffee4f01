/* Asks for an IPv6 address and prints it: `dhcpv6 NAME`. Busybox as Debian builds it cannot.
   One kind of question (RFC 8415, a solicitation that takes the first answer), repeated each
   second until it is answered or two minutes have gone. */

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOLICIT = 1, REPLY = 7 };
enum { CLIENT = 1, ADDRESSES = 3, ADDRESS = 5, RAPID_COMMIT = 14 };
enum { HEAD = 4, ASSOCIATION = 12, ROUNDS = 120 };

/* Transaction and association are numbered 1: one client asks one question on one link. */
static unsigned char question[] = {
    SOLICIT, 0, 0, 1,
    0, CLIENT, 0, 10, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0,
    0, ADDRESSES, 0, ASSOCIATION, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    0, RAPID_COMMIT, 0, 0,
};
enum { HARDWARE_ADDRESS = 12 };

static int open_socket(const char *name) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(546)};
    struct ifreq device = {0};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strncpy(device.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &device) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name) + 1) < 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) < 0) {
        perror("dhcpv6");
        return -1;
    }
    memcpy(question + HARDWARE_ADDRESS, device.ifr_hwaddr.sa_data, 6);
    return fd;
}

/* The first option `wanted` of `size` bytes: its data, and its length in `length`. */
static const unsigned char *find(const unsigned char *data, size_t size, int wanted, size_t *length) {
    while (size >= 4) {
        int code = data[0] << 8 | data[1];
        *length = data[2] << 8 | data[3];
        if (*length > size - 4) return NULL;
        if (code == wanted) return data + 4;
        data += 4 + *length;
        size -= 4 + *length;
    }
    return NULL;
}

static int print_address(const unsigned char *answer, size_t size) {
    char text[INET6_ADDRSTRLEN];
    const unsigned char *found;
    if (size < HEAD || answer[0] != REPLY || memcmp(answer + 1, question + 1, 3) != 0) return 0;
    found = find(answer + HEAD, size - HEAD, ADDRESSES, &size);
    if (!found || size < ASSOCIATION) return 0;
    found = find(found + ASSOCIATION, size - ASSOCIATION, ADDRESS, &size);
    if (!found || size < 16) return 0;
    return puts(inet_ntop(AF_INET6, found, text, sizeof text)) >= 0;
}

int main(int argc, char **argv) {
    struct sockaddr_in6 servers = {.sin6_family = AF_INET6, .sin6_port = htons(547)};
    static unsigned char answer[4096];
    int fd = argc == 2 ? open_socket(argv[1]) : -1;
    if (fd < 0) return 2;
    inet_pton(AF_INET6, "ff02::1:2", &servers.sin6_addr);
    servers.sin6_scope_id = if_nametoindex(argv[1]);
    for (int round = 0; round < ROUNDS; round++) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        ssize_t size;
        /* It fails as long as the link's own address is being checked for duplicates. */
        sendto(fd, question, sizeof question, 0, (struct sockaddr *)&servers, sizeof servers);
        if (poll(&one, 1, 1000) == 1 && (size = recv(fd, answer, sizeof answer, 0)) > 0 &&
            print_address(answer, (size_t)size))
            return 0;
    }
    return 1;
}
