"""`python -m bench.controller [VMIS] [--vms] [--rate N]`: virt-controller with many VMIs.

A real API server and its etcd; scheduler, kubelet and virt-handler are played by one process that
answers at once (tests/integration/controller/simulation.py). What is measured is the controller,
and what the API server takes. Reference: KubeVirt's published lane of 100 VMIs on a test cluster.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from bench import harness
from kubemucluster import programs
from kubemucluster.layout import Layout
from tests.integration.controller.simulation import Simulation, running
from tests.integration.handler.apiserver import ROOT, api_server
from virtoperator.kinds import VM, VMI, Kind
from virtoperator.kube import ApiError, Kube, Server, connected

ACCOUNT = Kind(kind="ServiceAccount", plural="serviceaccounts")
LIMIT = 1200.0
_AT_ONCE = 20
"""Creations under way at the same time, when there is no rate."""
_SETTLE, _CALM, _IDLE = 5.0, 30.0, 20.0
"""Seconds: before it begins, until the last events are through, and of watching it do nothing."""
_TICK = os.sysconf("SC_CLK_TCK")
Json = dict[str, Any]


def spec() -> Json:
    """A VM as many people write them."""
    return {
        "domain": {
            "memory": {"guest": "128Mi"},
            "devices": {
                "disks": [
                    {"name": "root", "disk": {"bus": "virtio"}},
                    {"name": "seed", "disk": {"bus": "virtio"}},
                ],
                "interfaces": [{"name": "default", "masquerade": {}}],
            },
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [
            {"name": "root", "containerDisk": {"image": "registry.example/tiny:v1"}},
            {"name": "seed", "cloudInitNoCloud": {"userData": "#cloud-config\n"}},
        ],
    }


def wanted(kind: Kind, name: str) -> Json:
    body = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": "default"},
    }
    if kind is VM:
        return {**body, "spec": {"runStrategy": "Always", "template": {"spec": spec()}}}
    return {**body, "spec": spec()}


class Process:
    """virt-controller, and what the kernel says of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._stat = Path(f"/proc/{process.pid}/stat")
        self._status = Path(f"/proc/{process.pid}/status")

    def rss(self) -> float:
        """kB."""
        lines = self._status.read_text().splitlines()
        return float(next(line for line in lines if line.startswith("VmRSS")).split()[1])

    def cpu(self) -> float:
        """Seconds, so far."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK


class Clock:
    """When each VMI was asked for, and when it was first seen to run."""

    def __init__(self, node: Simulation) -> None:
        self.asked: dict[str, float] = {}
        self.ran: dict[str, float] = {}
        node.entered = self._entered

    def _entered(self, vmi: Json, phase: str) -> None:
        if phase == "Running":
            self.ran.setdefault(vmi["metadata"]["name"], time.monotonic())

    def waits(self) -> list[float]:
        """Seconds, shortest first."""
        return sorted(self.ran[name] - self.asked[name] for name in self.ran)


async def create(kube: Kube, kind: Kind, count: int, rate: float, clock: Clock) -> None:
    """So many, at that rate per second; 0: as fast as the API server takes them."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        if rate:
            await asyncio.sleep(number / rate)
        async with slots:
            name = f"vm-{number}"
            clock.asked[name] = time.monotonic()
            await kube.create(kind, wanted(kind, name))

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(one(number))


async def measure(layout: Layout, process: Process, kind: Kind, count: int, rate: float) -> bool:
    server = Server.of_kubeconfig(layout.kubeconfig)
    async with connected(server) as kube, running(kube, server) as node:
        await _default_account(kube)
        await asyncio.sleep(_SETTLE)
        clock = Clock(node)
        memory, cpu = process.rss(), process.cpu()
        async with asyncio.timeout(LIMIT):
            await create(kube, kind, count, rate, clock)
            while len(clock.ran) < count:  # noqa: ASYNC110 - the node's own calls fill it
                await asyncio.sleep(0.05)
        await asyncio.sleep(_CALM)
        lines = _lines(clock.waits(), count, process, memory, cpu)
        busy = process.cpu()
        await asyncio.sleep(_IDLE)
        idle = (process.cpu() - busy) / _IDLE * 1000
        lines.append(harness.Line(what="CPU while nothing happens", ours=idle, unit="millicores"))
        return harness.report(lines)


def _lines(
    waits: Sequence[float], count: int, process: Process, memory: float, cpu: float
) -> list[harness.Line]:
    shares = statistics.quantiles(waits, n=100, method="inclusive")
    return [
        *(
            harness.Line(what=f"{count} VMIs: asked for → Running, p{share}", ours=ours, unit="s")
            for share, ours in ((50, shares[49]), (95, shares[94]), (99, shares[98]))
        ),
        harness.Line(
            what="memory for each VMI (RSS)",
            ours=(process.rss() - memory) / count,
            unit="KB",
            budget=60,
        ),
        harness.Line(
            what="CPU for each VMI until it runs and is ready",
            ours=(process.cpu() - cpu) / count * 1000,
            unit="ms",
        ),
    ]


async def _default_account(kube: Kube) -> None:
    """No controller-manager makes it here, and pods are not admitted without."""
    meta = {"name": "default", "namespace": "default"}
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
    with contextlib.suppress(ApiError):
        await kube.create(ACCOUNT, body)


@contextlib.contextmanager
def controller(layout: Layout, folder: Path) -> Iterator[Process]:
    """One replica with its own account."""
    kubectl = [str(programs.built(print)["kubectl"]), f"--kubeconfig={layout.kubeconfig}"]
    crds = ("apply", "--server-side", "-f", str(ROOT / "crds/manifests"))
    subprocess.run([*kubectl, *crds], check=True, stdout=subprocess.DEVNULL)
    # The played node is the administrator, whom our policies keep from a VMI's status.
    no_policies = ("delete", "validatingadmissionpolicybindings", "--all")
    subprocess.run([*kubectl, *no_policies], check=True, stdout=subprocess.DEVNULL)
    ask = ("create", "token", "kubevirt-controller", "-n", "kubevirt", "--duration=4h")
    token = subprocess.run([*kubectl, *ask], check=True, capture_output=True, text=True).stdout
    config = yaml.safe_load(layout.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token.strip()}
    account = folder / "account"
    account.write_text(yaml.safe_dump(config))
    environ = {
        **os.environ,
        "KUBECONFIG": str(account),
        "LAUNCHER_IMAGE": "registry.example/launcher:v1",
        "METRICS_ADDRESS": "127.0.0.1",
        "METRICS_PORT": "0",
    }
    with (folder / "controller.log").open("wb") as log:
        command = [sys.executable, "-m", "virtoperator.controller"]
        process = subprocess.Popen(command, env=environ, stderr=log)
    try:
        yield Process(process)
    finally:
        process.terminate()
        process.wait(60)


def main() -> int:
    """1 when a budget is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.controller", description=__doc__)
    parser.add_argument("vmis", type=int, nargs="?", default=1000)
    parser.add_argument("--vms", action="store_true", help="VMs, whose VMIs they are")
    parser.add_argument("--rate", type=float, default=10.0, help="per second; 0: unthrottled")
    options = parser.parse_args()
    kind = VM if options.vms else VMI
    with tempfile.TemporaryDirectory(prefix="kubemu-bench-") as name:
        folder = Path(name)
        with (
            api_server(folder / "cluster", number=43) as layout,
            controller(layout, folder) as process,
        ):
            met = asyncio.run(measure(layout, process, kind, options.vmis, options.rate))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
