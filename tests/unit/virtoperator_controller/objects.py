"""Objects for the controller's tests, as the API server would hold them."""

from __future__ import annotations

import copy
import datetime
from typing import Any

from virtoperator import names
from virtoperator.controller.pod import pod_name
from virtoperator.settings import Settings

Json = dict[str, Any]
NOW = datetime.datetime(2026, 3, 1, 12, 0, 0, tzinfo=datetime.UTC)
STAMP = "2026-03-01T12:00:00Z"
SETTINGS = Settings(launcher_image="registry.example/launcher:v1")
UID = "11111111-2222-3333-4444-555555555555"
POD_UID = "99999999-2222-3333-4444-555555555555"
VM_UID = "aaaaaaaa-2222-3333-4444-555555555555"
FIRMWARE = "66666666-7777-8888-9999-000000000000"
SPEC: Json = {
    "domain": {
        "memory": {"guest": "128Mi"},
        "devices": {
            "disks": [{"name": "root", "disk": {"bus": "virtio"}}],
            "interfaces": [{"name": "default", "masquerade": {}}],
        },
    },
    "networks": [{"name": "default", "pod": {}}],
    "volumes": [{"name": "root", "containerDisk": {"image": "registry.example/tiny:v1"}}],
}


def later(seconds: float) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(kind: str, status: str = "True", reason: str = "", message: str = "") -> Json:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": None,
        "lastTransitionTime": STAMP,
    }


def make_vmi(phase: str = "", *, deleting: bool = False, **status: Any) -> Json:
    """A VMI as a user wrote it, with a status as far as `phase` brings one."""
    meta: Json = {
        "name": "one",
        "namespace": "default",
        "uid": UID,
        "resourceVersion": "1",
        "creationTimestamp": STAMP,
    }
    if phase:
        meta["finalizers"] = [names.VMI_FINALIZER]
        status = {"phase": phase, **status}
    if phase in ("Scheduled", "Running"):
        status = {"nodeName": "node-a", "activePods": {POD_UID: "node-a"}, **status}
    if deleting:
        meta["deletionTimestamp"] = STAMP
    tree = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": meta,
        "spec": copy.deepcopy(SPEC),
    }
    return {**tree, "status": status} if status else tree


def make_pod(
    phase: str = "Pending", *, node: str = "node-a", deleting: bool = False, **status: Any
) -> Json:
    """The launcher pod of `make_vmi`'s VMI."""
    meta: Json = {
        "name": pod_name("one", UID),
        "namespace": "default",
        "uid": POD_UID,
        "resourceVersion": "7",
        "labels": {names.APP: names.LAUNCHER, names.CREATED_BY: UID},
        "ownerReferences": [{"uid": UID, "controller": True}],
    }
    if deleting:
        meta["deletionTimestamp"] = STAMP
    container = {"name": names.COMPUTE, "image": SETTINGS.launcher_image}
    spec = {"containers": [container], **({"nodeName": node} if node else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": spec,
        "status": {"phase": phase, "qosClass": "Burstable", **status},
    }


def running_pod(*, ready: bool | None = None, deleting: bool = False, **status: Any) -> Json:
    """A pod that may be handed over; `ready`: what the kubelet says of it all."""
    if ready is not None:
        said = condition("Ready", str(ready), "" if ready else "ContainersNotReady")
        gate = condition(
            names.UNPAUSED_GATE, "True", "NotPaused", "the virtual machine is not paused"
        )
        status = {"conditions": [said, gate], **status}
    return make_pod(
        "Running",
        deleting=deleting,
        containerStatuses=[
            {"name": names.COMPUTE, "ready": True, "state": {"running": {"startedAt": STAMP}}}
        ],
        **status,
    )


def ended_pod(code: int, *, reason: str = "Error", message: str = "", ago: float = 60) -> Json:
    """A pod whose container with the VM has ended."""
    ended = {
        "exitCode": code,
        "reason": reason,
        "message": message,
        "finishedAt": stamp(later(-ago)),
    }
    return make_pod(
        "Failed" if code else "Succeeded",
        containerStatuses=[{"name": names.COMPUTE, "ready": False, "state": {"terminated": ended}}],
    )


def apply_merge(tree: Json, patch: Json) -> Json:
    """RFC 7386, as the API server does it."""
    result = dict(tree)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = apply_merge(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def make_vm(
    strategy: str | None = "Always",
    *,
    running: bool | None = None,
    generation: int = 2,
    deleting: bool = False,
    new: bool = False,
    **status: Any,
) -> Json:
    """A VM that has been taken into care, unless it is `new`."""
    meta: Json = {
        "name": "one",
        "namespace": "default",
        "uid": VM_UID,
        "resourceVersion": "1",
        "generation": generation,
        "creationTimestamp": STAMP,
        "finalizers": [] if new else [names.VM_FINALIZER],
    }
    if deleting:
        meta["deletionTimestamp"] = STAMP
    template: Json = {"metadata": {"labels": {"app": "x"}}, "spec": copy.deepcopy(SPEC)}
    if not new:
        template["spec"]["domain"]["firmware"] = {"uuid": FIRMWARE}
    spec: Json = {"template": template}
    if strategy is not None:
        spec["runStrategy"] = strategy
    if running is not None:
        spec["running"] = running
    tree = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": meta,
        "spec": spec,
    }
    return {**tree, "status": status} if status else tree


def vm_instance(
    phase: str,
    *,
    deleting: bool = False,
    generation: int = 2,
    ran: float | None = None,
    **status: Any,
) -> Json:
    """The VMI of `make_vm`'s VM; `ran`: seconds for which it was Running."""
    entered = [{"phase": phase, "phaseTransitionTimestamp": stamp(NOW)}]
    if ran is not None:
        since = stamp(later(-ran))
        entered.insert(0, {"phase": "Running", "phaseTransitionTimestamp": since})
    elif phase == "Running":
        entered = [{"phase": "Running", "phaseTransitionTimestamp": stamp(later(-600))}]
    status = {"conditions": [condition("Ready", "False", "GuestNotRunning")], **status}
    status["phaseTransitionTimestamps"] = entered
    vmi = make_vmi(phase, deleting=deleting, **status)
    vmi["metadata"].update(
        annotations={names.VM_GENERATION: str(generation)},
        finalizers=[names.VM_FINALIZER, names.VMI_FINALIZER],
        ownerReferences=[{"uid": VM_UID, "controller": True}],
    )
    return vmi
