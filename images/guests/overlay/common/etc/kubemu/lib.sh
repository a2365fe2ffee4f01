# What the guest's scripts share: the report on the console, and the kernel's command line.
# shellcheck shell=dash

# Where the report goes: the serial port when there is one, whatever the kernel calls its console.
report_device() {
    local kind=0
    [ -r /sys/class/tty/ttyS0/type ] && read -r kind </sys/class/tty/ttyS0/type
    if [ "$kind" != 0 ]; then echo /dev/ttyS0
    elif [ -c /dev/hvc0 ]; then echo /dev/hvc0
    else echo /dev/console
    fi
}

# One line of the report, written at once so that no other line gets into it.
say() { printf 'kubemu-guest: %s\n' "$*" >"$(report_device)"; }

# A value as the report may hold it: bytes outside the plain set become %XX.
plain() {
    case $1 in
        *[!A-Za-z0-9._/:+@,-]*)
            printf %s "$1" | xxd -p -c 1 | while read -r byte; do
                case $byte in
                    2[b-f]|3[0-9a]|4[0-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])
                        # shellcheck disable=SC2059  # the format is the byte itself
                        printf "\\x$byte" ;;
                    *) printf %%%s "$byte" ;;
                esac
            done ;;
        *) printf %s "$1" ;;
    esac
}

# The first line of a file without its trailing blanks; nothing when it cannot be read.
first_line() {
    local line=
    [ -r "$1" ] && read -r line <"$1" 2>/dev/null
    printf %s "$line"
}

# The value of a word KEY=VALUE on the kernel's command line; fails when it is not there.
boot_option() {
    local word
    for word in $(cat /proc/cmdline); do
        case $word in
            "$1") return 0 ;;
            "$1="*) printf %s "${word#*=}"; return 0 ;;
        esac
    done
    return 1
}

# True for the first caller with this name only: each thing is reported once, whoever sees it first.
first_time() { mkdir "/run/kubemu/$1" 2>/dev/null; }
