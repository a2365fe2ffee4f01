"""`python -m bench.cluster [--rounds N] [--idle SECONDS]`: what a VM costs on the cluster.

Needs the local cluster with the project installed (`make cluster`, `make install`). API writes are
counted from the audit log; the time to Running is beside that of a plain pod of the same images on
the same node, interleaved.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import itertools
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench import harness
from kubemucluster import audit
from kubemucluster import cluster as clusters
from virtoperator.kinds import DAEMON_SET, POD, VM, VMI, Kind
from virtoperator.kube import Kube, NotFound, Server, connected

Json = dict[str, Any]
ACCOUNTS = "system:serviceaccount:kubevirt:"
OURS = {"virtualmachines", "virtualmachineinstances", "pods", "controllerrevisions"}
"""Resources whose writes have a budget; events have their own, Leases and heartbeats none."""
NAMESPACE = Kind(kind="Namespace", plural="namespaces", namespaced=False)
NODE = "node-a"
IMAGE = "registry:5000/kubemu/tiny:devel"
LIMIT = 120.0
_STEP = 0.02
_SETTLED = 3.0
"""Seconds without a write of ours after which a VM counts as settled."""
_numbers = itertools.count(1)


def vmi_spec() -> Json:
    """The tiny guest on the pod network."""
    return {
        "terminationGracePeriodSeconds": 0,
        "nodeSelector": {"kubernetes.io/hostname": NODE},
        "domain": {
            "memory": {"guest": "128Mi"},
            "devices": {
                "disks": [{"name": "root", "disk": {"bus": "virtio"}}],
                "interfaces": [{"name": "default", "masquerade": {}}],
            },
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": "root", "containerDisk": {"image": IMAGE}}],
    }


class Bench:
    """One namespace in which things are made and timed."""

    def __init__(self, kube: Kube, namespace: str, launcher: str, log: Path) -> None:
        self._kube = kube
        self._namespace = namespace
        self._launcher = launcher
        self._log = log

    async def vmi(self) -> float:
        """Seconds from the creation of a VMI to its phase Running."""
        return await self._time(VMI, {"spec": vmi_spec()})

    async def pod(self) -> float:
        """Seconds from the creation of a plain pod of the same images to its phase Running."""
        container = {
            "name": "compute",
            "image": self._launcher,
            "command": ["python3", "-c", "import signal; signal.pause()"],
            "volumeMounts": [{"name": "root", "mountPath": "/root-disk"}],
        }
        spec = {
            "nodeName": NODE,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "root", "image": {"reference": IMAGE}}],
        }
        return await self._time(POD, {"spec": spec})

    async def writes(self, kind: Kind, spec: Json) -> tuple[Counter[str], Counter[str]]:
        """What our components wrote until the object ran, and until they were done with it."""
        since = datetime.datetime.now(datetime.UTC)
        name = await self._create(kind, {"spec": spec})
        await self._until(VMI, name)
        running = datetime.datetime.now(datetime.UTC)
        await self._settle(since)
        written = [write for write in self._written(since) if write.resource in OURS]
        events = Counter(w.verb for w in self._written(since) if w.resource == "events")
        before = Counter(_words(write) for write in written if write.time <= running)
        print(f"# {kind.kind} to Running: {dict(before)}; events {dict(events)}")
        print(f"# {kind.kind} in all: {dict(Counter(map(_words, written)))}")
        await self._kube.delete(kind, self._namespace, name)
        await self._gone(VMI, name)
        return before, events

    async def idle(self, seconds: float) -> int:
        """Writes of our components in so many seconds beside a VM that just runs."""
        name = await self._create(VMI, {"spec": vmi_spec()})
        await self._until(VMI, name)
        await self._settle(datetime.datetime.now(datetime.UTC))
        since = datetime.datetime.now(datetime.UTC)
        await asyncio.sleep(seconds)
        written = [write for write in self._written(since) if write.resource in OURS]
        await self._kube.delete(VMI, self._namespace, name)
        await self._gone(VMI, name)
        return len(written)

    async def _time(self, kind: Kind, body: Json) -> float:
        began = time.monotonic()
        name = await self._create(kind, body)
        await self._until(kind, name)
        taken = time.monotonic() - began
        await self._kube.delete(kind, self._namespace, name, grace=0)
        await self._gone(kind, name)
        return taken

    async def _create(self, kind: Kind, body: Json) -> str:
        name = f"bench-{next(_numbers)}"
        meta = {"name": name, "namespace": self._namespace}
        head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
        await self._kube.create(kind, {**head, **body})
        return name

    async def _until(self, kind: Kind, name: str) -> None:
        async with asyncio.timeout(LIMIT):
            while await self._phase(kind, name) != "Running":  # noqa: ASYNC110
                await asyncio.sleep(_STEP)

    async def _phase(self, kind: Kind, name: str) -> str:
        with contextlib.suppress(NotFound):
            body = await self._kube.get(kind, self._namespace, name)
            return str(body.get("status", {}).get("phase", ""))
        return ""

    async def _gone(self, kind: Kind, name: str) -> None:
        async with asyncio.timeout(LIMIT):
            with contextlib.suppress(NotFound):
                while await self._kube.get(kind, self._namespace, name):  # noqa: ASYNC110
                    await asyncio.sleep(_STEP)

    async def _settle(self, since: datetime.datetime) -> None:
        """Until our components have not written for a while."""
        async with asyncio.timeout(LIMIT):
            while True:
                last = max((write.time for write in self._written(since)), default=since)
                quiet = datetime.datetime.now(datetime.UTC) - last
                if quiet.total_seconds() > _SETTLED:
                    return
                await asyncio.sleep(_SETTLED / 4)

    def _written(self, since: datetime.datetime) -> list[audit.Write]:
        """Of this namespace; heartbeats and Leases are elsewhere."""
        found = audit.writes(self._log, since, ACCOUNTS)
        return [write for write in found if write.namespace == self._namespace]


def _words(write: audit.Write) -> str:
    resource = f"{write.resource}/{write.subresource}" if write.subresource else write.resource
    failed = f" ({write.code})" if write.code >= 400 else ""
    return f"{write.verb} {resource}{failed}"


async def measure(bench: Bench, rounds: int, idle: float) -> list[harness.Line]:
    """Every line of this bench."""
    await bench.vmi()  # The images are on the node after this.
    vmi, vmi_events = await bench.writes(VMI, vmi_spec())
    template = {"metadata": {"labels": {"a": "b"}}, "spec": vmi_spec()}
    vm, vm_events = await bench.writes(VM, {"runStrategy": "Always", "template": template})
    times: dict[str, list[float]] = {"ours": [], "plain pod": []}
    for _ in range(rounds):
        times["plain pod"].append(await bench.pod())
        times["ours"].append(await bench.vmi())
    started = harness.line("VMI created → Running", times, unit="s", peer="plain pod")
    beyond = statistics.median(times["ours"]) - statistics.median(times["plain pod"])
    lines = [
        harness.Line(what="API writes, VMI to Running", ours=vmi.total(), unit="", budget=5),
        harness.Line(what="events, VMI", ours=vmi_events.total(), unit="", budget=3),
        harness.Line(what="API writes, VM to Running", ours=vm.total(), unit="", budget=9),
        harness.Line(what="events, VM", ours=vm_events.total(), unit="", budget=5),
        started,
        harness.Line(what="the same, beyond the plain pod", ours=beyond, unit="s", budget=0.6),
    ]
    if idle:
        quiet = await bench.idle(idle)
        what = f"API writes in {idle:.0f} idle seconds"
        lines.append(harness.Line(what=what, ours=quiet, unit="", budget=0))
    return lines


@contextlib.asynccontextmanager
async def _bench() -> AsyncIterator[Bench]:
    layout = clusters.required("kubemu").layout
    async with connected(Server.of_kubeconfig(layout.kubeconfig)) as kube:
        handler = await kube.get(DAEMON_SET, "kubevirt", "virt-handler")
        launcher = handler["spec"]["template"]["spec"]["initContainers"][0]["image"]
        name = f"bench-{uuid.uuid4().hex[:6]}"
        await kube.create(NAMESPACE, {"metadata": {"name": name}})
        try:
            yield Bench(kube, name, launcher, layout.audit_log)
        finally:
            await kube.delete(NAMESPACE, None, name)


async def _main(rounds: int, idle: float) -> bool:
    async with _bench() as bench:
        return harness.report(await measure(bench, rounds, idle))


def main() -> int:
    """1 when a budget is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=float, default=60.0, help="0: not measured")
    options = parser.parse_args()
    return 0 if asyncio.run(_main(options.rounds, options.idle)) else 1


if __name__ == "__main__":
    sys.exit(main())
