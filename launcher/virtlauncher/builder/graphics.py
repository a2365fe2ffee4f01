"""The graphics card, and VNC without a socket of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .devices import Device, Place, Slot
from .given import Given
from .options import Group, Option, Plain
from .pci import ROOT_BUS

DRIVERS: Mapping[str, str] = {
    "vga": "VGA",
    "bochs": "bochs-display",
    "virtio": "virtio-vga",
    "cirrus": "cirrus-vga",
    "ramfb": "ramfb",
}
"""By video.type."""

_VGA_MEMORY = 16
"""MiB, as KubeVirt's."""


def graphics(given: Given) -> list[Option | Device]:
    parts: list[Option | Device] = [
        Plain("-display", "none", Group.GRAPHICS, "No window on this machine"),
    ]
    if has_graphics(given):
        why = "A VNC server that listens nowhere: clients come as descriptors (add_client)"
        parts += [Plain("-vnc", "none", Group.GRAPHICS, why), _card(given)]
    return parts


def has_graphics(given: Given) -> bool:
    return given.devices.autoattach_graphics_device is not False


def video_type(given: Given) -> str:
    """What the user names; else VGA for a BIOS, and for UEFI the plainer framebuffer."""
    video = given.devices.video
    if video is not None and video.type:
        return video.type
    return "bochs" if given.prepared.firmware is not None else "vga"


def _card(given: Given) -> Device:
    kind = video_type(given)
    props: dict[str, Any] = {"vgamem_mb": _VGA_MEMORY} if kind == "vga" else {}
    plain = kind == "ramfb"
    return Device(
        driver=DRIVERS[kind],
        id="video0",
        slot=Slot.ELSEWHERE if plain else Slot.ROOT,
        props=props,
        fixed=None if plain else Place(bus=ROOT_BUS, address="0x1"),
        field="spec.domain.devices.video",
        group=Group.GRAPHICS,
        why="What VNC shows",
    )
