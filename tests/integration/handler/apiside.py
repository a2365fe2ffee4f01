"""virt-handler as a process, a node that only the API knows, and the controller's part by hand.

The launcher is a real one (podlike.py); there is no kubelet and no controller, so whatever happens
to the VMI is virt-handler's doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from virtlauncher.jsonable import to_jsonable
from virtoperator import names
from virtoperator.handler.ground import Ground
from virtoperator.kinds import EVENT, NODE, POD, VMI, Kind
from virtoperator.kube import Kube, Server, connected

Json = dict[str, Any]
LIMIT = 100.0
_ACCOUNTS = Kind(kind="ServiceAccount", plural="serviceaccounts")
_NAMESPACES = Kind(kind="Namespace", plural="namespaces", namespaced=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side:
    """What the tests see of the API: the administrator's session, and the controller's."""

    admin: Kube
    controller: Kube
    node: str
    namespace: str

    async def make_pod(self) -> Json:
        """The launcher's pod, as far as the API knows: no kubelet runs it."""
        body = {
            "metadata": {"name": "virt-launcher-tiny", "namespace": self.namespace},
            "spec": {
                "nodeName": self.node,
                "containers": [{"name": names.COMPUTE, "image": "none"}],
                "automountServiceAccountToken": False,
            },
        }
        return await self.admin.create(POD, body)

    async def say_ended(self, code: int, message: str) -> None:
        """What the kubelet says of a launcher that has ended."""
        ended = {"exitCode": code, "message": message, "reason": "Error" if code else "Completed"}
        container = {
            **{"name": names.COMPUTE, "image": "none", "imageID": "none"},
            **{"ready": False, "restartCount": 0, "state": {"terminated": ended}},
        }
        patch = {"status": {"phase": "Failed", "containerStatuses": [container]}}
        await self.admin.patch(
            POD, self.namespace, "virt-launcher-tiny", patch, subresource="status"
        )

    async def hand_over(self, vmi: Json) -> Json:
        """What virt-controller does: the VMI, its pod's label, the hand-off to the node."""
        meta = {
            "name": vmi["metadata"]["name"],
            "namespace": self.namespace,
            "finalizers": [names.VMI_FINALIZER],
        }
        made = await self.admin.create(VMI, {**_bare(vmi), "metadata": meta})
        created_by = {"metadata": {"labels": {names.CREATED_BY: made["metadata"]["uid"]}}}
        await self.controller.patch(POD, self.namespace, "virt-launcher-tiny", created_by)
        label = names.node_label(self.node)
        status = {**vmi["status"], "activePods": self._active(vmi), "nodeName": self.node}
        patch = {"metadata": {"labels": {label: "", names.NODE_NAME: self.node}}, "status": status}
        return await self.controller.patch(VMI, self.namespace, made["metadata"]["name"], patch)

    def _active(self, vmi: Json) -> Json:
        return dict.fromkeys(vmi["status"]["activePods"], self.node)

    async def vmi(self) -> Json:
        return await self.admin.get(VMI, self.namespace, "tiny")

    async def until(self, question: Callable[[Json], object]) -> Json:
        """Wait until the VMI is so."""
        try:
            async with asyncio.timeout(LIMIT):
                while not question(vmi := await self.vmi()):  # noqa: ASYNC110 (over HTTP)
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"it has not come so far: {json.dumps(vmi['status'])}") from None
        return vmi

    async def phase(self, phase: str) -> Json:
        return await self.until(lambda vmi: vmi["status"]["phase"] == phase)

    async def _events(self) -> list[Json]:
        return await self.admin.list_all(EVENT, self.namespace)

    async def events(self, count: int) -> list[tuple[str, str]]:
        """Type and reason of the VMI's events, in order, once there are so many."""
        async with asyncio.timeout(LIMIT):
            while len(found := await self._events()) < count:  # noqa: ASYNC110 (over HTTP)
                await asyncio.sleep(0.2)
        found.sort(key=lambda event: str(event["eventTime"]))
        return [(event["type"], event["reason"]) for event in found]


@contextlib.asynccontextmanager
async def api_side(kubeconfig: Path, folder: Path, name: str) -> AsyncIterator[Side]:
    """A node and a namespace of this name, and the accounts of both components."""
    server = Server.of_kubeconfig(kubeconfig)
    async with connected(server) as admin:
        await admin.create(NODE, {"metadata": {"name": name}})
        await admin.create(_NAMESPACES, {"metadata": {"name": name}})
        await admin.create(_ACCOUNTS, {"metadata": {"name": "default", "namespace": name}})
        await _kubeconfig(admin, server, folder / "handler.yaml", "kubevirt-handler", name)
        path = await _kubeconfig(
            admin, server, folder / "controller.yaml", "kubevirt-controller", name
        )
        async with connected(Server.of_kubeconfig(path)) as controller:
            yield Side(admin=admin, controller=controller, node=name, namespace=name)


async def _kubeconfig(admin: Kube, server: Server, path: Path, account: str, node: str) -> Path:
    """A kubeconfig of a component's own account, with a token of a pod on this node."""
    wanted = {"spec": {"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": node}}}
    place = _ACCOUNTS.path(names.NAMESPACE, account, "token")
    answer = await admin.request("POST", place, body=wanted)
    cluster = {"server": server.url, "certificate-authority": server.ca_file}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "c", "user": {"token": answer["status"]["token"]}}],
    }
    await asyncio.to_thread(path.write_text, yaml.safe_dump(config))
    return path


def _bare(vmi: Json) -> Json:
    return {key: value for key, value in vmi.items() if key in ("apiVersion", "kind", "spec")}


class Handler:
    """The process `virt-handler`."""

    def __init__(self, folder: Path, pods: Path, node: str, ground: Ground) -> None:
        self._folder = folder
        facts = {
            "version": 1,
            "qemu": to_jsonable(ground.qemu),
            "kvm": {"usable": False, "why": "not proved here"},
        }
        (folder / "facts.json").write_text(json.dumps(facts))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._env = {
            **os.environ,
            "NODE_NAME": node,
            "KUBECONFIG": str(folder / "handler.yaml"),
            "PODS_DIR": str(pods),
            "FACTS": str(folder / "facts.json"),
            "METRICS_ADDRESS": "127.0.0.1",
            "METRICS_PORT": str(self.port),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "handler.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "virtoperator.handler"],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(LIMIT)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Started, ended as the kubelet would, its log shown."""
        self.start()
        try:
            yield
        finally:
            assert self._process is not None
            if self._process.poll() is None:
                self.end(signal.SIGTERM)
            print(f"--- handler\n{(self._folder / 'handler.log').read_text()}")

    async def follows(self) -> None:
        """Wait until it has a launcher to ask."""
        async with asyncio.timeout(LIMIT):
            wanted = "kubevirt_vmi_memory_resident_bytes{"
            while wanted not in await self._metrics():  # noqa: ASYNC110 (over HTTP)
                await asyncio.sleep(0.2)

    async def _metrics(self) -> str:
        try:
            return await self.ask("/metrics")
        except aiohttp.ClientError:
            return ""

    async def ask(self, path: str) -> str:
        """What it answers over HTTP."""
        address = f"http://127.0.0.1:{self.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            return await answer.text()


async def node_of(side: Side) -> Json:
    return await side.admin.get(NODE, None, side.node)
