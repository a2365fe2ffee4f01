"""An API server with our installation, a node that is played, and virt-controller as a process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubemucluster import programs
from kubemucluster.layout import Layout
from tests.integration.controller.simulation import Simulation, running
from tests.integration.handler.apiserver import ROOT, api_server
from virtoperator.kinds import NAMESPACE, Kind
from virtoperator.kube import AlreadyExists, Kube, NotFound, Server, connected

LIMIT = 120.0
ACCOUNT = Kind(kind="ServiceAccount", plural="serviceaccounts")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    with api_server(tmp_path_factory.mktemp("cluster"), number=42) as layout:
        _kubectl(layout, "apply", "--server-side", "-f", str(ROOT / "crds/manifests"))
        # The played node writes as administrator what virt-handler would write as itself.
        _kubectl(layout, "delete", "validatingadmissionpolicybindings", "--all")
        yield layout


@pytest.fixture(scope="module")
def account(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig of virt-controller's own account: its roles are enough, or tests fail."""
    token = _kubectl(layout, "create", "token", "kubevirt-controller", "-n", "kubevirt")
    config = yaml.safe_load(layout.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token.strip()}
    path = tmp_path_factory.mktemp("account") / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


class Controller:
    """One replica of virt-controller, as a process of its own."""

    def __init__(self, name: str, account: Path, log: Path) -> None:
        self.name = name
        self.log = log
        environ = {
            **os.environ,
            "KUBECONFIG": str(account),
            "LAUNCHER_IMAGE": "registry.example/launcher:v1",
            "POD_NAME": name,
            "METRICS_ADDRESS": "127.0.0.1",
            "METRICS_PORT": "0",
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "virtoperator.controller"], env=environ, stderr=output
            )

    def kill(self) -> None:
        """As the kernel does it: without a word."""
        self.process.kill()
        self.process.wait(LIMIT)

    def stop(self) -> int:
        """As the kubelet does it; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)

    def said(self) -> str:
        return self.log.read_text()


Start = Callable[[str], Controller]


@pytest.fixture
def start(account: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts replicas; all are stopped at the end."""
    started: list[Controller] = []

    def start_one(name: str) -> Controller:
        started.append(Controller(name, account, tmp_path / f"{name}.log"))
        return started[-1]

    yield start_one
    for controller in started:
        controller.stop()


class Cluster:
    """What tests do with the API server, in a namespace of their own."""

    def __init__(self, kube: Kube, namespace: str, node: Simulation) -> None:
        self.kube = kube
        self.namespace = namespace
        self.node = node

    async def create(self, kind: Kind, name: str, spec: Json, **meta: Any) -> Json:
        body = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": name, "namespace": self.namespace, **meta},
            "spec": spec,
        }
        return await self.kube.create(kind, body)

    async def all(self, kind: Kind) -> list[Json]:
        return await self.kube.list_all(kind, self.namespace)

    async def change(self, kind: Kind, name: str, patch: Json) -> None:
        await self.kube.patch(kind, self.namespace, name, patch)

    async def delete(self, kind: Kind, name: str) -> None:
        await self.kube.delete(kind, self.namespace, name)

    async def until(self, kind: Kind, name: str, question: Callable[[Json], object]) -> Json:
        """The object, once the question about it has a yes."""
        last: Json = {}
        try:
            async with asyncio.timeout(LIMIT):
                while True:
                    with contextlib.suppress(NotFound):
                        last = await self.kube.get(kind, self.namespace, name)
                        if question(last):
                            return last
                    await asyncio.sleep(0.05)
        except TimeoutError:
            shown = {"metadata": last.get("metadata"), "status": last.get("status")}
            raise AssertionError(f"{name} has not come so far: {shown!s:.4000}") from None

    async def until_gone(self, kind: Kind) -> None:
        """Until no object of this kind is left."""
        left: list[Json] = []
        try:
            async with asyncio.timeout(LIMIT):
                while left := await self.all(kind):  # noqa: ASYNC110 - nothing here watches
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"still there: {left}") from None


@pytest.fixture
async def cluster(layout: Layout) -> AsyncIterator[Cluster]:
    server = Server.of_kubeconfig(layout.kubeconfig)
    namespace = f"t-{uuid.uuid4().hex[:8]}"
    async with connected(server) as kube, running(kube, server) as node:
        for kind, body in (
            (NAMESPACE, {"metadata": {"name": namespace}}),
            # No controller-manager makes it here, and pods are not admitted without.
            (ACCOUNT, {"metadata": {"name": "default", "namespace": namespace}}),
        ):
            with contextlib.suppress(AlreadyExists):
                await kube.create(kind, {"apiVersion": kind.api_version, "kind": kind.kind, **body})
        yield Cluster(kube, namespace, node)


def _kubectl(layout: Layout, *words: str) -> str:
    command = [str(programs.built(print)["kubectl"]), f"--kubeconfig={layout.kubeconfig}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
