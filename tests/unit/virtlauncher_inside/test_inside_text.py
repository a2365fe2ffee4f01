"""What `machine` shows."""

from __future__ import annotations

from typing import Any

from virtlauncher.inside.machine import render

ANSWER: dict[str, Any] = {
    "state": {
        "name": "paused",
        "reason": "io-error",
        "since": "2026-01-01T12:00:00.000Z",
        "pid": 17,
        "agent": True,
        "ending": None,
    },
    "launcher": {
        "version": "0.1.0",
        "python": "3.13.5",
        "pid": 1,
        "uptime": 93784.9,
        "rss": 1 << 20,
    },
    "qemu": "10.0.13",
    "children": [{"name": "qemu", "pid": 17, "uptime": 61.2, "rss": 250 << 20}],
    "argv": ["/usr/bin/qemu", "-S", "-m", "128", "-device", '{"driver": "x"}'],
}


def test_a_machine_is_shown_to_people() -> None:
    assert (
        render(ANSWER)
        == """\
phase      paused (io-error) since 2026-01-01T12:00:00.000Z
QEMU       10.0.13
launcher   0.1.0, Python 3.13.5
agent      connected
processes
  launcher   pid 1            1.0 MiB  1 d 02:03:04
  qemu       pid 17         250.0 MiB  0:01:01
command line
  /usr/bin/qemu \\
    -S \\
    -m 128 \\
    -device '{"driver": "x"}'"""
    )


def test_a_machine_that_waits_has_no_command_line() -> None:
    state = {**ANSWER["state"], "name": "created", "reason": "", "pid": None, "agent": False}
    waiting = {**ANSWER, "state": state, "qemu": "", "children": [], "argv": []}
    assert render(waiting).splitlines() == [
        "phase      created since 2026-01-01T12:00:00.000Z",
        "QEMU       not started yet",
        "launcher   0.1.0, Python 3.13.5",
        "agent      not connected",
        "processes",
        "  launcher   pid 1            1.0 MiB  1 d 02:03:04",
    ]
