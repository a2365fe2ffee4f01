"""The protocol between a launcher and whoever drives it (virt-handler, kubemu).

One JSON object a line over a unix stream socket; a message's `fds: [names]` ride on its first
byte (SCM_RIGHTS, at most 32, close-on-exec). Both sides ignore keys they do not know; a line has
at most `LINE_LIMIT` bytes; a connection whose queue of unsent events exceeds `QUEUE_LIMIT` lines
is closed (a slow reader must not grow the launcher).

::

    -> {"hello": {"wire": [1], "role": "kubemu"}}      wire: every version the caller speaks
    <- {"hello": {"wire": 1, "launcher": "0.1.0", "state": STATE}}
    -> {"id": 1, "call": "start", "args": {...}, "fds": ["tap0"]}
    <- {"id": 1, "result": {...}, "fds": [...]}        or {"id": 1, "error": ERROR}
    <- {"event": "state", "data": STATE}               pushed, after hello

The newest accepted `hello` is *the* driver of events; older connections still get answers.

Calls (arguments -> result; every one may answer an ERROR of errors.py):

    start         vmi (VirtualMachineInstance), facts (Facts), fds -> state, disks, nics, abi
    status                                                -> state, disks, nics, abi, argv
    pause, resume, reset, power_button                    -> state
    soft_reboot                                           -> by: 'agent' | 'acpi'
    shutdown      grace (seconds, optional)               -> state; the ladder runs on by itself
    kill                                                  -> state; no ladder
    console                                               -> fds ["console"]: a stream socket,
                                                             first the ring (64 KiB), then live
    vnc                                                   -> fds ["vnc"]: an RFB stream socket
    screenshot                                            -> png (base64), width, height
    agent         command, arguments, timeout             -> answer (QEMU guest agent's `return`)
    qmp           command, arguments                      -> answer (QEMU's `return`)
    stats                                                 -> cpu, memory, balloon, blocks, nics
    subscribe     on: bool                                -> {}; events on this connection or not

Events: state (STATE), agent {connected}, io_error {volume, reason, operation}, guest_panic {},
log {level, message}, abi (GuestABI).

STATE: {"name": 'created' | 'building' | 'starting' | 'running' | 'paused' | 'stopping' | 'ended',
        "reason": paused: 'user' | 'io-error' | 'start-strategy' | 'watchdog' ...,
        "since": RFC 3339 time, "pid": QEMU's pid or null, "agent": bool,
        "ending": null | {"kind": ENDING, "code": int, "signal": int, "message": str,
                          "last_line": str}}
ENDING: 'guest-shutdown' (by itself or by the power button) | 'killed' (our ladder's last rungs)
        | 'crashed' (QEMU died by itself) | 'panicked' (guest panic) | 'failed' (never ran)
"""

from __future__ import annotations

VERSIONS = (1,)
LINE_LIMIT = 8 * 1024 * 1024
QUEUE_LIMIT = 1000
FDS_LIMIT = 32
