"""What a node says of itself to schedulers and people: labels, a condition. Pure.

Names and meaning are KubeVirt's node labeller's; `kubemu.io/kvm` is ours, and launcher pods select
on it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any

from ... import conditions, names
from ..ground import Ground

Json = dict[str, Any]
USABLE = "usable"
SKIP = "node-labeller.kubevirt.io/skip-node"
"""On a node whose labels of models and machines are somebody else's to keep."""
CONDITION = "KVMUsable"
PREFIXES = (names.MACHINE_TYPE_PREFIX, names.CPU_MODEL_PREFIX, names.CPU_FEATURE_PREFIX)
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
OBSOLETE_MODELS = frozenset(
    name + version
    for name in (
        *("486", "pentium", "pentium2", "pentium3", "pentiumpro", "coreduo", "n270", "core2duo"),
        *("Conroe", "athlon", "phenom", "qemu64", "qemu32", "kvm64", "kvm32"),
        *("Opteron_G1", "Opteron_G2"),
    )
    for version in ("", "-v1")
)
"""Models that no VM should be placed by, as in KubeVirt."""

_NO_MACHINES = frozenset({"none", "x-remote"})
_NO_MODELS = frozenset({"base", "host", "max"})
"""What QEMU lists beside real ones: nothing for a VM, or whatever there is."""


def labels_of(ground: Ground | None, *, ready: bool, kvm: bool, flags: Iterable[str]) -> Json:
    """All labels of ours. `kvm`: the device is there; `flags`: the host CPU's, as Linux calls
    them.
    """
    labels = {names.SCHEDULABLE: "true" if ready and ground else "false"}
    if ground is None:
        return labels
    qemu = ground.qemu
    machines = {*qemu.machines, *qemu.machine_aliases} - _NO_MACHINES
    found = [names.MACHINE_TYPE_PREFIX + name for name in machines]
    models = set(qemu.cpu_models) - OBSOLETE_MODELS - _NO_MODELS
    found += [names.CPU_MODEL_PREFIX + name for name in models]
    if ground.kvm and kvm:
        labels[names.KVM_USABLE] = USABLE
        found += [names.CPU_FEATURE_PREFIX + flag for flag in flags]
    named = (label for label in found if _NAME.fullmatch(label.rpartition("/")[2]))
    return labels | {label: "true" for label in named}


def patch_of(node: Json, labels: Json, now: datetime.datetime) -> Json:
    """The heartbeat, and with it the labels that are not as they should be."""
    meta = node["metadata"]
    present = meta.get("labels") or {}
    if SKIP in (meta.get("annotations") or {}):
        labels = {key: value for key, value in labels.items() if not key.startswith(PREFIXES)}
        stale: list[str] = []
    else:
        ours = (*PREFIXES, names.KVM_USABLE)
        stale = [key for key in present if key.startswith(ours) and key not in labels]
    changes: Json = {key: value for key, value in labels.items() if present.get(key) != value}
    changes |= dict.fromkeys(stale)
    beat = {"annotations": {names.HEARTBEAT: conditions.timestamp(now)}}
    return {"metadata": beat | ({"labels": changes} if changes else {})}


def condition_patch(
    node: Json, ground: Ground | None, *, kvm: bool, now: datetime.datetime
) -> Json | None:
    """A strategic merge patch of the node's status that says whether KVM is usable, and why not.

    None when it says so already.
    """
    wanted = _condition(ground, kvm)
    known = conditions.find(node.get("status", {}).get("conditions"), CONDITION) or {}
    if all(known.get(key) == wanted[key] for key in ("status", "reason", "message")):
        return None
    stamp = conditions.timestamp(now)
    changed = known.get("status") != wanted["status"]
    since = stamp if changed else known.get("lastTransitionTime", stamp)
    times = {"lastHeartbeatTime": stamp, "lastTransitionTime": since}
    return {"status": {"conditions": [{**wanted, **times}]}}


def _condition(ground: Ground | None, kvm: bool) -> Json:
    if ground is None:
        status, reason, message = "Unknown", "NotProbed", "the node has not been probed"
    elif not kvm:
        status, reason, message = "False", "NoDevice", "there is no /dev/kvm on this node"
    elif not ground.kvm:
        status, reason, message = "False", "ProofFailed", ground.kvm_message
    else:
        status, reason, message = "True", "GuestBooted", ground.kvm_message
    return {"type": CONDITION, "status": status, "reason": reason, "message": message}
