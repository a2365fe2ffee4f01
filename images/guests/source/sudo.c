/* `sudo COMMAND…` of the cirros guest: becomes root and runs the command, no question asked. */

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("usage: sudo COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    if (setgid(0) < 0 || setuid(0) < 0) {
        perror("sudo");
        return 1;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
