"""virt-handler as a process, with a real API server and a real launcher, and nobody else."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from images.guests.catalog import Guest
from kubemucluster import audit
from kubemucluster.layout import Layout
from tests.integration.handler.apiserver import api_server, standing_still
from tests.integration.handler.apiside import Handler, Side, api_side, node_of
from tests.integration.handler.conftest import console_has
from tests.integration.handler.podlike import PodLike, a_vmi, a_writing_vmi, pod_like, qemu_of
from tests.integration.netplumb.pods import POD
from virtoperator import names
from virtoperator.conditions import find
from virtoperator.handler.ground import Ground
from virtoperator.kinds import VMI

pytestmark = [
    pytest.mark.root,
    pytest.mark.qemu,
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    with api_server(tmp_path_factory.mktemp("api") / "state") as layout:
        yield layout


@pytest.fixture
async def side(server: Layout, tmp_path: Path) -> AsyncIterator[Side]:
    name = f"handler-{uuid.uuid4().hex[:8]}"
    async with api_side(server.kubeconfig, tmp_path, name) as side:
        yield side


@pytest.fixture
async def pod(side: Side, tmp_path: Path, guest: Guest) -> AsyncIterator[PodLike]:
    uid = (await side.make_pod())["metadata"]["uid"]
    with pod_like(tmp_path / "pods", guest, uid) as pod:
        yield pod


@pytest.fixture
def handler(tmp_path: Path, pod: PodLike, side: Side, ground: Ground) -> Handler:
    return Handler(tmp_path, pod.pods, side.node, ground)


async def test_a_handed_over_vm_runs_and_says_so_in_one_write(
    server: Layout, pod: PodLike, side: Side, handler: Handler
) -> None:
    began = datetime.datetime.now(datetime.UTC)
    with handler.running():
        await side.hand_over(a_vmi(pod))
        vmi = await side.phase("Running")
        status = vmi["status"]
        assert status["interfaces"][0]["ipAddresses"] == list(POD)
        assert status["machine"]["type"].startswith("pc-q35-")
        assert status["memory"]["guestCurrent"] == "128Mi"
        assert names.GUEST_ABI in vmi["metadata"]["annotations"]
        assert await side.events(2) == [("Normal", "Created"), ("Normal", "Started")]
    writes = audit.writes(server.audit_log, began, "system:serviceaccount:kubevirt:")
    handlers = [one for one in writes if one.user.endswith("kubevirt-handler")]
    of_vmi = [one for one in handlers if one.namespace == side.namespace]
    assert [(one.verb, one.resource) for one in of_vmi if one.resource != "events"] == [
        ("patch", "virtualmachineinstances")
    ]


async def test_a_deleted_vmi_is_powered_down_though_no_kubelet_is_there(
    pod: PodLike, side: Side, handler: Handler
) -> None:
    with handler.running():
        await side.hand_over(a_vmi(pod))
        await side.phase("Running")
        await console_has(pod, "kubemu-guest: ready")
        await side.admin.delete(VMI, side.namespace, "tiny")
        await side.phase("Succeeded")
        assert "kubemu-guest: power-button" in pod.console
        assert (await side.events(4))[2:] == [("Normal", "ShuttingDown"), ("Normal", "Stopped")]


async def test_a_vm_does_not_notice_that_its_handler_is_killed(
    server: Layout, pod: PodLike, side: Side, handler: Handler
) -> None:
    with handler.running():
        await side.hand_over(a_vmi(pod))
        before = await side.phase("Running")
        qemu = qemu_of(pod)
        handler.end(signal.SIGKILL)
        handler.start()
        await handler.follows()
        assert await side.vmi() == before
        os.kill(qemu, signal.SIGKILL)
        status = (await side.phase("Failed"))["status"]
        assert status["reason"] == "QEMUCrashed"
        told = find(status["conditions"], "Synchronized")
        assert told is not None
        assert told["message"].startswith("QEMU died by itself (signal 9).")


async def test_what_ends_while_no_handler_is_there_is_understood_later(
    pod: PodLike, side: Side, handler: Handler
) -> None:
    with handler.running():
        await side.hand_over(a_vmi(pod))
        await side.phase("Running")
        handler.end(signal.SIGKILL)
        os.kill(qemu_of(pod), signal.SIGKILL)
        code = await asyncio.to_thread(pod.process.wait)
        await side.say_ended(code, pod.last_words)
        handler.start()
        status = (await side.phase("Failed"))["status"]
        told = find(status["conditions"], "Synchronized")
        assert told is not None
        assert told["message"].startswith("QEMU died by itself (signal 9).")


async def test_a_full_disk_pauses_the_vm_until_there_is_room(
    pod: PodLike, side: Side, handler: Handler
) -> None:
    with handler.running():
        await side.hand_over(a_writing_vmi(pod))
        vmi = await side.until(lambda vmi: find(vmi["status"].get("conditions"), "Paused"))
        paused = find(vmi["status"]["conditions"], "Paused")
        assert paused is not None
        assert paused["reason"] == "PausedIOError"
        assert (await side.events(3))[2:] == [("Warning", "IOerror")]
        pod.make_room()
        await side.until(lambda vmi: not find(vmi["status"]["conditions"], "Paused"))
        await console_has(pod, "it is written")


async def test_an_api_server_that_is_away_costs_no_vm_and_no_news(
    server: Layout, pod: PodLike, side: Side, handler: Handler
) -> None:
    """The server stands still while the guest powers off; what has happened is written then."""
    with handler.running():
        await side.hand_over(a_vmi(pod))
        await side.phase("Running")
        await console_has(pod, "kubemu-guest: ready")
        with standing_still(server):
            pod.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(pod.process.wait)
        await side.phase("Succeeded")


async def test_the_node_is_labelled_and_says_why_it_has_no_kvm(
    pod: PodLike, side: Side, handler: Handler
) -> None:
    with handler.running():
        await side.hand_over(a_vmi(pod))
        await side.phase("Running")
        node = await node_of(side)
        labels, annotations = node["metadata"]["labels"], node["metadata"]["annotations"]
        assert labels[names.SCHEDULABLE] == "true"
        assert labels["machine-type.node.kubevirt.io/q35"] == "true"
        assert names.KVM_USABLE not in labels
        assert names.HEARTBEAT in annotations
        told = find(node["status"]["conditions"], "KVMUsable")
        assert told is not None
        assert (told["status"], told["message"]) == ("False", "not proved here")
        assert await handler.ask("/readyz") == "ok"
        metrics = await handler.ask("/metrics")
        labels_ = f'name="tiny",namespace="{side.namespace}",node="{side.node}"'
        assert "kubevirt_vmi_memory_resident_bytes{" in metrics
        assert "kubevirt_vmi_network_receive_bytes_total{" in metrics
        assert labels_.split(",")[0] in metrics
    assert (await node_of(side))["metadata"]["labels"][names.SCHEDULABLE] == "false"
