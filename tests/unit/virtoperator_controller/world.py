"""A cluster in miniature: replicas of the controller that hear late of all, and everybody else."""

from __future__ import annotations

import datetime
import functools
from collections import deque
from typing import Any

from tests.unit.virtoperator_controller.apiserver import Api, MemoryKube
from tests.unit.virtoperator_controller.objects import SETTINGS, Json, condition, stamp
from virtoperator import conditions, names
from virtoperator.controller.driving import Driver, Reconciler
from virtoperator.controller.performing import Performer
from virtoperator.controller.routing import Router
from virtoperator.controller.stores import Stores
from virtoperator.controller.vm.observing import VmReconciler
from virtoperator.controller.vmi.observing import VmiReconciler
from virtoperator.kinds import POD, VM, VMI, Kind
from virtoperator.kube import Conflict
from virtoperator.store import Key
from virtoperator.watching import Watch

FINAL = ("Succeeded", "Failed")


class Silence:
    """Nobody listens to events here."""

    def normal(self, about: Json, reason: str, note: str) -> None: ...

    def warning(self, about: Json, reason: str, note: str) -> None: ...


class Marks:
    """Keys that want attention."""

    def __init__(self) -> None:
        self.keys: dict[Key, None] = {}

    def add(self, key: Key, /) -> None:
        self.keys[key] = None


class Replica:
    """One virt-controller that believes to lead; it hears of changes when `hear` says so."""

    def __init__(self, api: Api) -> None:
        kube = MemoryKube(api)
        self.stores = Stores()
        performer = Performer(kube, Silence(), self._take)

        def clock() -> datetime.datetime:
            return api.now

        settings = functools.partial(lambda value: value, SETTINGS)
        reconcilers: dict[Kind, Reconciler[Any]] = {
            VM: VmReconciler(kube, self.stores, settings, clock),
            VMI: VmiReconciler(kube, self.stores, settings, self._take, clock),
        }
        self._drivers = {kind: Driver(one, performer) for kind, one in reconcilers.items()}
        self.marks = {kind: Marks() for kind in reconcilers}
        router = Router(self.stores, self.marks)
        self._watches = {
            kind: Watch(kind=kind, store=store, changed=functools.partial(router.changed, kind))
            for kind, store in self.stores.by_kind.items()
        }
        self._news: dict[Kind, deque[tuple[str, Json]]] = {kind: deque() for kind in self._watches}
        self._old_news: list[tuple[Kind, str, Json]] = []
        self.due: dict[tuple[Kind, Key], datetime.datetime] = {}
        self._api = api
        api.listeners.append(self._announced)

    def hear(self, kind: Kind, count: int = 1_000_000) -> None:
        """The next events of one kind, in order; kinds are not in step with each other."""
        news = self._news[kind]
        for _ in range(min(count, len(news))):
            event, body = news.popleft()
            self._old_news.append((kind, event, body))
            self._watches[kind].take(event, body)

    def hear_again(self, which: int) -> None:
        """An event that was heard before, late and once more."""
        if self._old_news:
            kind, event, body = self._old_news[which % len(self._old_news)]
            self._watches[kind].take(event, body)

    async def work(self, kind: Kind) -> bool:
        """One key of one queue; whether there was one."""
        marked = self.marks[kind].keys
        if not marked:
            return False
        key = next(iter(marked))
        del marked[key]
        try:
            after = await self._drivers[kind].work(key)
        except Conflict:
            self.marks[kind].add(key)
            return True
        if after is not None:
            self.due[kind, key] = self._api.now + datetime.timedelta(seconds=after)
        return True

    def tick(self) -> None:
        """What time alone has made due."""
        for (kind, key), moment in list(self.due.items()):
            if moment <= self._api.now:
                del self.due[kind, key]
                self.marks[kind].add(key)

    def _announced(self, event: str, kind: Kind, body: Json) -> None:
        if kind in self._news and (kind is not POD or is_launcher(body)):
            self._news[kind].append((event, body))

    def _take(self, kind: Kind, body: Json) -> None:
        if watch := self._watches.get(kind):
            watch.take(None, body)


class World:
    """The cluster; every method is one thing that may happen next."""

    def __init__(self, replicas: int = 1) -> None:
        self.api = Api()
        self.replicas = [Replica(self.api) for _ in range(replicas)]
        self.failing = False
        """Whether guests that are started fail."""

    def kubelet(self) -> None:
        """Every pod gets one step on."""
        for pod in self.api.all(POD):
            meta, status = pod["metadata"], pod.get("status") or {}
            if not pod["spec"].get("nodeName"):
                self._change(pod, spec={"nodeName": "node-a"}, status={"phase": "Pending"})
            elif "deletionTimestamp" in meta:
                self.api.vanish(POD, meta["namespace"], meta["name"])
            elif status.get("phase") == "Pending":
                self._change(pod, status=_running(pod))
            elif status.get("phase") == "Running":
                gates = status.get("conditions") or []
                if conditions.is_true(gates, names.UNPAUSED_GATE):
                    said = [one for one in gates if one["type"] != "Ready"]
                    self._change(pod, status={"conditions": [*said, condition("Ready")]})

    def handler(self) -> None:
        """Every VMI of a node gets one step on."""
        pods = {pod["metadata"]["uid"] for pod in self.api.all(POD)}
        for vmi in self.api.all(VMI):
            status = vmi.get("status") or {}
            phase = status.get("phase")
            if phase not in ("Scheduled", "Running"):
                continue
            if "deletionTimestamp" in vmi["metadata"] and pods & set(status["activePods"]):
                self._enter(vmi, "Succeeded")
            elif phase == "Scheduled":
                self._enter(vmi, "Failed" if self.failing else "Running")

    def crash(self) -> None:
        """Every guest that runs dies."""
        for vmi in self.api.all(VMI):
            if (vmi.get("status") or {}).get("phase") == "Running":
                self._enter(vmi, "Failed")

    def pods_end(self) -> None:
        """Pods of guests that are over end."""
        over = {
            vmi["metadata"]["uid"]
            for vmi in self.api.all(VMI)
            if (vmi.get("status") or {}).get("phase") in FINAL
        }
        for pod in self.api.all(POD):
            running = (pod.get("status") or {}).get("phase") == "Running"
            if running and pod["metadata"]["labels"][names.CREATED_BY] in over:
                ended = {"terminated": {"exitCode": 4, "finishedAt": stamp(self.api.now)}}
                state = [{"name": names.COMPUTE, "ready": False, "state": ended}]
                self._change(pod, status={"phase": "Failed", "containerStatuses": state})

    def user(self, change: Json) -> None:
        """Somebody patches every VM's spec."""
        for vm in self.api.all(VM):
            if "deletionTimestamp" not in vm["metadata"]:
                self._change(vm, spec=change)

    def delete(self, kind: Kind) -> None:
        """Somebody deletes all objects of a kind."""
        for one in self.api.all(kind):
            meta = one["metadata"]
            self.api.delete(kind, meta["namespace"], meta["name"])

    def pass_time(self, seconds: float) -> None:
        self.api.now += datetime.timedelta(seconds=seconds)
        for replica in self.replicas:
            replica.tick()

    async def settle(self) -> None:
        """Everybody does their work until nothing is left to do."""
        for _ in range(200):
            if not await self.step():
                return
        raise AssertionError("the cluster does not come to rest")

    async def step(self) -> bool:
        """Everybody does what there is to do, or waits; whether there was anything."""
        before = self._versions()
        self.kubelet()
        self.handler()
        self.pods_end()
        for replica in self.replicas:
            await self.catch_up(replica)
        return before != self._versions() or self._wait()

    async def catch_up(self, replica: Replica) -> None:
        for _ in range(500):
            for kind in replica.stores.by_kind:
                replica.hear(kind)
            worked = [await replica.work(kind) for kind in (VM, VMI)]
            if not any(worked):
                return
        raise AssertionError("a replica does not come to rest")

    def _wait(self) -> bool:
        """Jump to the next time at which something is due; whether there is one soon."""
        moments = [moment for replica in self.replicas for moment in replica.due.values()]
        moments = [one for one in moments if one - self.api.now < datetime.timedelta(minutes=20)]
        if not moments:
            return False
        self.pass_time(max((min(moments) - self.api.now).total_seconds(), 0))
        return True

    def _versions(self) -> list[str]:
        return [one["metadata"]["resourceVersion"] for one in self.api.objects.values()]

    def _enter(self, vmi: Json, phase: str) -> None:
        entered = list(vmi["status"].get("phaseTransitionTimestamps") or ())
        entered.append({"phase": phase, "phaseTransitionTimestamp": stamp(self.api.now)})
        self._change(vmi, status={"phase": phase, "phaseTransitionTimestamps": entered})

    def _change(self, body: Json, **patch: Json) -> None:
        kind = {"Pod": POD, "VirtualMachine": VM}.get(body["kind"], VMI)
        meta = body["metadata"]
        self.api.change(kind, meta["namespace"], meta["name"], patch)


def _running(pod: Json) -> Json:
    state: Json = {"running": {}}
    statuses = [
        {"name": one["name"], "ready": True, "state": state} for one in pod["spec"]["containers"]
    ]
    waiting = condition("Ready", "False", "ReadinessGatesNotReady")
    return {
        "phase": "Running",
        "qosClass": "Burstable",
        "conditions": [waiting],
        "containerStatuses": statuses,
    }


def is_launcher(pod: Json) -> bool:
    return (pod["metadata"].get("labels") or {}).get(names.APP) == names.LAUNCHER
