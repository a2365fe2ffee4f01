"""What only a first time costs (models are built at first use), done while nobody asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virtcrds.view import vmi_view

from ..facts import Accel, Facts, Nic, NicKind, Qemu
from .content.iso import render_iso
from .content.place import Place
from .plan import plan
from .prepared import Layer, Prepared, PreparedDisk

_VMI: Mapping[str, Any] = {
    "apiVersion": "kubevirt.io/v1",
    "kind": "VirtualMachineInstance",
    "metadata": {"name": "rehearsal", "namespace": "default"},
    "spec": {
        "domain": {
            "cpu": {"cores": 1, "sockets": 1, "threads": 1, "model": "host-model"},
            "memory": {"guest": "128Mi"},
            "machine": {"type": "q35"},
            "firmware": {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"},
            "features": {"acpi": {"enabled": True}},
            "resources": {"requests": {"memory": "128Mi"}},
            "devices": {
                "disks": [{"name": "disk", "disk": {"bus": "virtio"}}],
                "interfaces": [{"name": "default", "masquerade": {}}],
                "rng": {},
            },
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": "disk", "containerDisk": {"image": "rehearsal"}}],
    },
}
_FACTS = Facts(
    qemu=Qemu(binary="qemu", version=(7, 2, 0), machine_aliases={"q35": "pc-q35-7.2"}),
    accel=Accel.TCG,
    nics={"default": Nic(kind=NicKind.USER, mac="02:00:00:00:00:01")},
    run_dir="",
    disk_dir="",
)
_DISK = PreparedDisk(
    volume="disk",
    layers=(Layer(format="raw", readonly_fd="ro", readwrite_fd="rw"),),
    size=512,
)


def rehearse() -> None:
    """Go through a start on paper: nothing is opened or made."""
    vmi = vmi_view(_VMI)
    facts = Facts.from_json(_FACTS.to_json())
    plan(vmi, facts, Prepared(disks={"disk": _DISK})).to_json()
    render_iso("cidata", {"meta-data": b""}, Place(field="", subject=""))
