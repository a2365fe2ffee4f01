"""Monitors, the serial console and the guest agent's channel: sockets that exist before QEMU."""

from __future__ import annotations

from .devices import Device, Slot
from .given import Given
from .options import Group, KeyVal, Option, Scalar

AGENT_PORT = "org.qemu.guest_agent.0"
"""The name by which the guest agent finds its port."""


def monitors(given: Given) -> list[Option]:
    """One for the launcher, and one for people that listens on the launcher's socket."""
    listener: dict[str, Scalar] = {"server": True, "wait": False}
    return [
        _chardev(given, "monitor", {}, "The launcher's monitor, one end of a socket pair"),
        _monitor("monitor"),
        _chardev(given, "debug-monitor", listener, "A second monitor: people disturb nobody"),
        _monitor("debug-monitor"),
    ]


def consoles(given: Given) -> list[Option | Device]:
    parts: list[Option | Device] = []
    if has_serial(given):
        parts += [
            _chardev(given, "serial0", {}, "The serial console; the launcher always reads it"),
            Device(
                driver="isa-serial",
                id="serial-console",
                slot=Slot.ELSEWHERE,
                props={"chardev": "serial0", "index": 0},
                group=Group.CONSOLE,
                why="ttyS0, from the firmware on",
            ),
        ]
    return [*parts, _chardev(given, "agent", {}, "The guest agent's channel"), _agent_port()]


def has_serial(given: Given) -> bool:
    return given.devices.autoattach_serial_console is not False


def logs_serial(given: Given) -> bool:
    return has_serial(given) and given.devices.log_serial_console is not False


def _agent_port() -> Device:
    return Device(
        driver="virtserialport",
        id="agent-port",
        slot=Slot.VIRTIO_SERIAL,
        props={"chardev": "agent", "name": AGENT_PORT},
        group=Group.CONSOLE,
        why="Where guests look for the agent's channel",
    )


def _chardev(given: Given, name: str, more: dict[str, Scalar], why: str) -> Option:
    group = Group.MONITOR if "monitor" in name else Group.CONSOLE
    values = {"": "socket", "id": name, "fd": given.fds.numbers[name], **more}
    return KeyVal("-chardev", values, group, why)


def _monitor(name: str) -> Option:
    return KeyVal("-mon", {"chardev": name, "mode": "control"}, Group.MONITOR, "QMP on it")
