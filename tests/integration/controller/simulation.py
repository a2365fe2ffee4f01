"""Scheduler, kubelet and virt-handler of a cluster without nodes: they only write what those would.

For a real API server: `running` keeps pods and VMIs moving until it is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable
from typing import Any

from virtoperator import conditions, names
from virtoperator.kinds import NODE, POD, VMI
from virtoperator.kube import AlreadyExists, Kube, NotFound, Patch, Server
from virtoperator.store import Key, Store, key_of
from virtoperator.watching import Watch, Watcher
from virtoperator.workqueue import WorkQueue

Json = dict[str, Any]
NODE_NAME = "simulated"


class Simulation:
    """One node on which everything succeeds at once."""

    def __init__(self, kube: Kube, server: Server) -> None:
        self.kube = kube
        self.pods, self.vmis = Store(), Store()
        self._pod_queue: WorkQueue[Key] = WorkQueue("pods", self._pod)
        self._vmi_queue: WorkQueue[Key] = WorkQueue("vmis", self._vmi)
        watches = [
            Watch(kind=POD, store=self.pods, changed=lambda pod: self._pod_queue.add(key_of(pod))),
            Watch(kind=VMI, store=self.vmis, changed=lambda vmi: self._vmi_queue.add(key_of(vmi))),
        ]
        self._watcher = Watcher(kube, server, watches)
        self.starts_fail = False
        self.entered: Callable[[Json, str], None] = lambda vmi, phase: None
        """Called when a VMI was brought to a phase."""

    async def run(self) -> None:
        await self._make_node()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watcher.run())
            await self._watcher.synced.wait()
            tasks.create_task(self._pod_queue.run())
            tasks.create_task(self._vmi_queue.run())

    async def _make_node(self) -> None:
        meta = {"name": NODE_NAME, "annotations": {names.HEARTBEAT: _now()}}
        body = {"apiVersion": "v1", "kind": "Node", "metadata": meta}
        with contextlib.suppress(AlreadyExists):
            await self.kube.create(NODE, body)

    async def _pod(self, key: Key) -> None:
        pod = self.pods.get(key)
        if pod is None:
            return
        meta, status = pod["metadata"], pod.get("status") or {}
        with contextlib.suppress(NotFound):
            if not pod["spec"].get("nodeName"):
                await self._bind(pod)
            elif "deletionTimestamp" in meta:
                await self.kube.delete(POD, *key, uid=meta["uid"], grace=0)
            elif status.get("phase") == "Pending":
                await self._write(key, _running(pod))
            elif _wants_ready(status.get("conditions") or ()):
                await self._write(key, {"conditions": [_condition("Ready", True, "")]})

    async def _bind(self, pod: Json) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {
                "name": pod["metadata"]["name"],
                "namespace": pod["metadata"]["namespace"],
            },
            "target": {"kind": "Node", "name": NODE_NAME},
        }
        await self.kube.create(POD, binding, "binding")

    async def _write(self, key: Key, status: Json) -> None:
        await self.kube.patch(
            POD, *key, {"status": status}, how=Patch.STRATEGIC, subresource="status"
        )

    async def _vmi(self, key: Key) -> None:
        vmi = self.vmis.get(key)
        if vmi is None:
            return
        status = vmi.get("status") or {}
        phase = status.get("phase")
        with contextlib.suppress(NotFound):
            if phase in ("Scheduled", "Running") and "deletionTimestamp" in vmi["metadata"]:
                await self._enter(vmi, "Succeeded")
            elif phase == "Scheduled":
                await self._enter(vmi, "Failed" if self.starts_fail else "Running")

    async def _enter(self, vmi: Json, phase: str) -> None:
        entered = [
            *(vmi["status"].get("phaseTransitionTimestamps") or ()),
            {"phase": phase, "phaseTransitionTimestamp": _now()},
        ]
        status = {"phase": phase, "phaseTransitionTimestamps": entered}
        meta = {"resourceVersion": vmi["metadata"]["resourceVersion"]}
        key = key_of(vmi)
        await self.kube.patch(VMI, *key, {"metadata": meta, "status": status})
        self.entered(vmi, phase)


@contextlib.asynccontextmanager
async def running(kube: Kube, server: Server) -> AsyncIterator[Simulation]:
    """The node lives while in the context."""
    simulation = Simulation(kube, server)
    task = asyncio.create_task(simulation.run())
    try:
        yield simulation
    finally:
        task.cancel()
        await asyncio.wait({task})


def _running(pod: Json) -> Json:
    started = {"running": {"startedAt": _now()}}
    return {
        "phase": "Running",
        "startTime": _now(),
        "conditions": [
            _condition("PodScheduled", True, ""),
            _condition("Ready", False, "ReadinessGatesNotReady"),
        ],
        "containerStatuses": [_container(one, started) for one in pod["spec"]["containers"]],
        "initContainerStatuses": [
            _container(one, started) for one in pod["spec"].get("initContainers") or ()
        ],
    }


def _container(container: Json, state: Json) -> Json:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": True,
        "restartCount": 0,
        "state": state,
    }


def _wants_ready(said: Any) -> bool:
    return conditions.is_true(said, names.UNPAUSED_GATE) and not conditions.is_true(said, "Ready")


def _condition(kind: str, status: bool, reason: str) -> Json:
    return {"type": kind, "status": str(status), "reason": reason, "lastTransitionTime": _now()}


def _now() -> str:
    return conditions.timestamp(datetime.datetime.now(datetime.UTC))
