"""What the operators share, against a real API server: session, watches, leases, events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kube import Kube as Cluster
from virtoperator import leases
from virtoperator.kinds import CONFIG_MAP, LEASE, NODE, POD, VMI
from virtoperator.kube import (
    AlreadyExists,
    Conflict,
    Invalid,
    Kube,
    NotFound,
    Patch,
    Server,
    Unreachable,
    connected,
)
from virtoperator.leases import Elector
from virtoperator.recorder import Recorder
from virtoperator.store import Key, Store
from virtoperator.watching import Watch, Watcher

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]
LIMIT = 60
CRDS = Path(__file__).resolve().parents[2] / "crds/manifests"


@pytest.fixture(scope="module")
def with_crds(kube: Cluster) -> Cluster:
    """The cluster with our kinds; what was applied before is left as it is."""
    kube.run("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    kube.run("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    return kube


@pytest.fixture
async def api(with_crds: Cluster) -> AsyncIterator[Kube]:
    kube = with_crds
    async with connected(Server.of_kubeconfig(kube.kubeconfig)) as session:
        yield session


@contextlib.asynccontextmanager
async def background(coroutine: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(question: Any) -> None:
    async with asyncio.timeout(LIMIT):
        while not question():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def described(kube: Cluster, namespace: str) -> str:
    return kube.run("-n", namespace, "describe", "vmi", "a")


def config_map(namespace: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": "cm", "namespace": namespace}, "data": data}


def vmi(namespace: str, name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"domain": {"devices": {}}},
    }


async def test_errors_have_types(api: Kube, namespace: str) -> None:
    made = await api.create(CONFIG_MAP, config_map(namespace, a="1"))
    with pytest.raises(AlreadyExists):
        await api.create(CONFIG_MAP, config_map(namespace))
    with pytest.raises(NotFound, match="not found"):
        await api.get(CONFIG_MAP, namespace, "other")
    await api.patch(CONFIG_MAP, namespace, "cm", {"data": {"a": "2"}})
    with pytest.raises(Conflict):
        await api.update(CONFIG_MAP, made)
    with pytest.raises(Invalid):
        await api.patch(
            CONFIG_MAP,
            namespace,
            "cm",
            [{"op": "test", "path": "/data/a", "value": "1"}],
            how=Patch.JSON,
        )
    await api.delete(CONFIG_MAP, namespace, "cm", uid="another")
    assert (await api.get(CONFIG_MAP, namespace, "cm"))["data"] == {"a": "2"}
    await api.delete(CONFIG_MAP, namespace, "cm", uid=made["metadata"]["uid"])
    await api.delete(CONFIG_MAP, namespace, "cm")


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with connected(Server(url="https://127.0.0.1:1")) as session:
        with pytest.raises(Unreachable, match="does not answer"):
            await session.get(NODE, None, "node-a")


async def test_stores_follow_the_cluster(kube: Cluster, api: Kube, namespace: str) -> None:
    everything, mine = Store(), Store()
    news: list[str] = []
    watches = [
        Watch(kind=POD, store=Store(), changed=lambda _: None),
        Watch(kind=VMI, store=everything, changed=lambda body: news.append(body["kind"])),
    ]
    selected = [Watch(kind=VMI, store=mine, changed=lambda _: None, labels="node=a")]
    server = Server.of_kubeconfig(kube.kubeconfig)
    await api.create(VMI, vmi(namespace, "early", node="a"))
    first, second = Watcher(api, server, watches), Watcher(api, server, selected)
    async with background(first.run()), background(second.run()):
        await first.synced.wait()
        await second.synced.wait()
        early, late = Key(namespace, "early"), Key(namespace, "late")
        assert early in everything and early in mine
        await api.create(VMI, vmi(namespace, "late", node="b"))
        await until(lambda: late in everything)
        await api.patch(VMI, namespace, "late", {"metadata": {"labels": {"node": "a"}}})
        await until(lambda: late in mine)
        await api.patch(VMI, namespace, "late", {"metadata": {"labels": {"node": "b"}}})
        await until(lambda: late not in mine)
        await api.delete(VMI, namespace, "early")
        await until(lambda: early not in everything and early not in mine)
        assert late in everything
    assert news


async def test_one_leads_and_another_takes_over(
    api: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "INTERVAL", 0.1)
    monkeypatch.setattr(leases, "DURATION", 1.0)
    at_work: list[str] = []

    def candidate(name: str) -> Coroutine[Any, Any, None]:
        async def lead() -> None:
            at_work.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                at_work.remove(name)

        return Elector(api, namespace, "leader", name).run(lead)

    async with background(candidate("a")) as a, background(candidate("b")):
        await until(lambda: at_work)
        holder = (await api.get(LEASE, namespace, "leader"))["spec"]["holderIdentity"]
        assert at_work == [holder]
        if holder == "a":
            a.cancel()
            await until(lambda: at_work == ["b"])
    assert not at_work
    # Somebody who died holds it: it is free when it has not changed for its duration.
    lease = await api.get(LEASE, namespace, "leader")
    assert lease["spec"]["holderIdentity"] == ""
    lease["spec"]["holderIdentity"] = "dead"
    await api.update(LEASE, lease)
    async with background(candidate("c")):
        await until(lambda: at_work == ["c"])


async def test_news_are_counted_on_one_event(kube: Cluster, api: Kube, namespace: str) -> None:
    about = await api.create(VMI, vmi(namespace, "a"))
    recorder = Recorder(api, "virt-handler", "node-a")
    async with background(recorder.run()):
        for _ in range(3):
            recorder.warning(about, "SyncFailed", "the disk is gone")
        recorder.normal(about, "Started", "VirtualMachineInstance started.")
        await until(lambda: "x3 over" in described(kube, namespace))
        await until(lambda: "Started" in described(kube, namespace))
    assert described(kube, namespace).count("the disk is gone") == 1
