/* Sends back what it gets, by TCP and by UDP, IPv4 and IPv6: `echo-server PORT`.
   Busybox as Debian builds it has no UDP server. One process, one loop, no names looked up. */

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER, DATAGRAMS, FIRST_CLIENT, SLOTS = 64 };

static int open_socket(int type, int port) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
        (type == SOCK_STREAM && listen(fd, 16) < 0)) {
        perror("echo-server");
        exit(1);
    }
    return fd;
}

static void accept_client(struct pollfd *slots) {
    int client = accept(slots[LISTENER].fd, NULL, NULL);
    for (int i = FIRST_CLIENT; client >= 0 && i < SLOTS; i++) {
        if (slots[i].fd < 0) {
            slots[i].fd = client;
            return;
        }
    }
    if (client >= 0) close(client);
}

static void echo_datagram(int fd) {
    static char buffer[65536];
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    ssize_t got = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&peer, &length);
    if (got >= 0) sendto(fd, buffer, got, 0, (struct sockaddr *)&peer, length);
}

static void echo_bytes(struct pollfd *slot) {
    char buffer[16384];
    ssize_t got = read(slot->fd, buffer, sizeof buffer);
    ssize_t sent = 0;
    while (got > 0 && sent < got) {
        ssize_t n = write(slot->fd, buffer + sent, got - sent);
        if (n <= 0) break;
        sent += n;
    }
    if (got <= 0 || sent < got) {
        close(slot->fd);
        slot->fd = -1;
    }
}

int main(int argc, char **argv) {
    struct pollfd slots[SLOTS];
    int port = argc == 2 ? atoi(argv[1]) : 7;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SLOTS; i++) slots[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    slots[LISTENER].fd = open_socket(SOCK_STREAM, port);
    slots[DATAGRAMS].fd = open_socket(SOCK_DGRAM, port);
    while (poll(slots, SLOTS, -1) > 0) {
        if (slots[LISTENER].revents) accept_client(slots);
        if (slots[DATAGRAMS].revents) echo_datagram(slots[DATAGRAMS].fd);
        for (int i = FIRST_CLIENT; i < SLOTS; i++)
            if (slots[i].fd >= 0 && slots[i].revents) echo_bytes(&slots[i]);
    }
    return 1;
}
