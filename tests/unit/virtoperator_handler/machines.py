"""VMIs and what is seen of them, for tables."""

from __future__ import annotations

import datetime
from typing import Any

from virtoperator.handler.reconcile import Now
from virtoperator.handler.seen import Device, Disk, Ending, Machine, Name, Nic, Reach, Seen

Json = dict[str, Any]
POD = "6c5b2f1e-1f1a-4a3b-9d5c-1f0e9a7c2b11"
NODE = "node-a"
MAC = "02:00:00:00:00:01"
AT = 1000.0
NOW = Now(wall=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), monotonic=AT)
STAMP = "2026-01-02T03:04:05Z"
ABI: Json = {"version": 1, "machine": "pc-q35-10.0", "memory": 128 << 20}
DEVICE = Device(
    disks=(Disk(volume="root", target="vda", size=1 << 30),),
    nics=(Nic(name="default", mac=MAC),),
    abi=ABI,
)


def a_vmi(phase: str = "Scheduled", *, deleted: bool = False, **status: Any) -> Json:
    meta: Json = {"name": "vm", "namespace": "ns", "uid": "u", "resourceVersion": "7"}
    if deleted:
        meta["deletionTimestamp"] = STAMP
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": meta,
        "spec": {
            "terminationGracePeriodSeconds": 30,
            "domain": {
                "memory": {"guest": "128Mi"},
                "devices": {"interfaces": [{"name": "default", "masquerade": {}}]},
            },
            "networks": [{"name": "default", "pod": {}}],
        },
        "status": {"phase": phase, "nodeName": NODE, "activePods": {POD: NODE}, **status},
    }


def seen(name: Name = Name.RUNNING, reason: str = "", **changes: Any) -> Seen:
    """A connected launcher, its machine in this state."""
    machine = Machine(name=name, reason=reason, agent=changes.pop("agent", False))
    facts: Json = {
        "reach": Reach.CONNECTED,
        "since": AT - 100,
        "machine": machine,
        "device": DEVICE if name.has_run else Device(),
        "addresses": ("10.88.0.9", "fd88::9") if name.has_run else (),
    }
    return Seen(**{**facts, **changes})


def ended(kind: str, *, signal: int = 0, **changes: Any) -> Seen:
    ending = Ending(kind=kind, message="It ended.", last_line="qemu: no", signal=signal)
    machine = Machine(name=Name.ENDED, ending=ending)
    facts: Json = {"reach": Reach.CONNECTED, "since": AT - 100, "machine": machine}
    return Seen(**{**facts, "device": DEVICE, **changes})


def unreached(reach: Reach = Reach.CONNECTING, *, ago: float = 0.0, **changes: Any) -> Seen:
    return Seen(reach=reach, since=AT - ago, **changes)
