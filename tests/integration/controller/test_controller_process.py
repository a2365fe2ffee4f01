"""virt-controller as a process, with its own account, against a real API server."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from kubemucluster.layout import Layout
from tests.integration.controller.conftest import Cluster, Start
from tests.integration.handler.apiserver import standing_still
from virtoperator import conditions, names
from virtoperator.controller.trees import at
from virtoperator.kinds import DEPLOYMENT, EVENT, POD, POOL, REPLICASET, REVISION, VM, VMI

Json = dict[str, Any]
SPEC: Json = {
    "terminationGracePeriodSeconds": 0,
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


def vm_spec(strategy: str = "Always") -> Json:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": copy.deepcopy(SPEC)}
    return {"runStrategy": strategy, "template": template}


def says(word: str) -> Any:
    return lambda vm: at(vm, "status", "printableStatus") == word


def is_ready(body: Json) -> bool:
    return conditions.is_true(at(body, "status", "conditions"), "Ready")


async def test_a_vm_runs_is_stopped_runs_again_and_goes(cluster: Cluster, start: Start) -> None:
    start("one")
    await cluster.create(VM, "vm", vm_spec())
    vm = await cluster.until(VM, "vm", is_ready)
    assert at(vm, "status", "printableStatus") == "Running"
    (pod,) = await cluster.all(POD)
    vmi = await cluster.until(VMI, "vm", is_ready)
    assert pod["metadata"]["labels"][names.CREATED_BY] == vmi["metadata"]["uid"]
    first = vmi["spec"]["domain"]

    await cluster.change(VM, "vm", {"spec": {"runStrategy": "Halted"}})
    await cluster.until(VM, "vm", says("Stopped"))
    await cluster.until_gone(VMI)
    await cluster.until_gone(POD)

    await cluster.change(VM, "vm", {"spec": {"runStrategy": "Always"}})
    await cluster.until(VM, "vm", is_ready)
    again = await cluster.until(VMI, "vm", is_ready)
    assert again["spec"]["domain"] == first
    assert len(await cluster.all(REVISION)) == 1

    await cluster.delete(VM, "vm")
    await cluster.until_gone(VM)
    await cluster.until_gone(VMI)


async def test_another_replica_takes_over_from_one_that_was_killed(
    cluster: Cluster, start: Start
) -> None:
    leader = start("leader")
    await cluster.create(VM, "before", vm_spec())
    await cluster.until(VM, "before", is_ready)
    start("standby")
    leader.kill()
    await cluster.create(VM, "after", vm_spec())
    await cluster.until(VM, "after", is_ready)
    pods = await cluster.all(POD)
    assert len(pods) == 2
    await cluster.delete(VM, "before")
    await cluster.delete(VM, "after")
    await cluster.until_gone(VMI)


async def test_one_killed_again_and_again_makes_no_second_pod(
    cluster: Cluster, start: Start
) -> None:
    victim = start("again")
    await cluster.create(VM, "vm", vm_spec())
    await cluster.until(VM, "vm", lambda vm: vm["metadata"].get("finalizers"))
    victim.kill()
    victim = start("again")
    await cluster.until(VMI, "vm", lambda vmi: True)
    victim.kill()
    start("again")
    await cluster.until(VM, "vm", is_ready)
    assert len(await cluster.all(POD)) == 1
    assert len(await cluster.all(REVISION)) == 1
    await cluster.delete(VM, "vm")
    await cluster.until_gone(VM)


async def test_an_api_server_that_stands_still_is_waited_for(
    cluster: Cluster, start: Start, layout: Layout
) -> None:
    controller = start("patient")
    await cluster.create(VM, "vm", vm_spec())
    await cluster.until(VM, "vm", is_ready)
    with standing_still(layout):
        with pytest.raises(TimeoutError):
            # Longer than the lease lasts, so that leadership is lost, too.
            await _idle(20)
        assert controller.process.poll() is None
    await cluster.create(VM, "next", vm_spec())
    await cluster.until(VM, "next", is_ready)
    assert controller.process.poll() is None
    await cluster.delete(VM, "vm")
    await cluster.delete(VM, "next")
    await cluster.until_gone(VM)


async def test_a_pod_that_the_api_server_refuses_is_explained(
    cluster: Cluster, start: Start
) -> None:
    start("one")
    much = {"much": "x" * 200_000, "more": "x" * 62_000}
    await cluster.create(VMI, "vmi", SPEC, annotations=much)
    vmi = await cluster.until(
        VMI, "vmi", lambda vmi: conditions.find(at(vmi, "status", "conditions"), "Synchronized")
    )
    said = conditions.find(vmi["status"]["conditions"], "Synchronized")
    assert said is not None
    assert said["reason"] == "FailedCreate"
    assert "annotations" in said["message"]
    events = await cluster.all(EVENT)
    assert {event["reason"] for event in events} == {"FailedCreate"}
    await cluster.delete(VMI, "vmi")
    await cluster.until_gone(VMI)


async def test_a_replica_set_replaces_what_is_lost_and_is_scaled(
    cluster: Cluster, start: Start
) -> None:
    start("one")
    template = {"metadata": {"labels": {"app": "x"}}, "spec": SPEC}
    selector = {"matchLabels": {"app": "x"}}
    await cluster.create(
        REPLICASET, "rs", {"replicas": 3, "selector": selector, "template": template}
    )
    await cluster.until(REPLICASET, "rs", lambda rs: at(rs, "status", "readyReplicas") == 3)
    lost = (await cluster.all(VMI))[0]["metadata"]
    await cluster.delete(VMI, lost["name"])
    await cluster.until(REPLICASET, "rs", lambda rs: at(rs, "status", "readyReplicas") == 2)
    await cluster.until(REPLICASET, "rs", lambda rs: at(rs, "status", "readyReplicas") == 3)
    scale = {"spec": {"replicas": 1}}
    await cluster.kube.patch(REPLICASET, cluster.namespace, "rs", scale, subresource="scale")
    await cluster.until(REPLICASET, "rs", lambda rs: at(rs, "status", "replicas") == 1)
    await cluster.change(REPLICASET, "rs", {"spec": {"replicas": 0}})
    await cluster.until_gone(VMI)
    await cluster.delete(REPLICASET, "rs")


async def test_a_pool_makes_numbered_vms_and_restarts_them_for_a_new_template(
    cluster: Cluster, start: Start
) -> None:
    start("one")
    template = {"metadata": {"labels": {"app": "x"}}, "spec": vm_spec()}
    selector = {"matchLabels": {"app": "x"}}
    await cluster.create(
        POOL,
        "pool",
        {"replicas": 2, "selector": selector, "virtualMachineTemplate": template},
    )
    await cluster.until(POOL, "pool", lambda pool: at(pool, "status", "readyReplicas") == 2)
    assert [vm["metadata"]["name"] for vm in await cluster.all(VM)] == ["pool-0", "pool-1"]
    more = {"spec": {"template": {"spec": {"domain": {"memory": {"guest": "256Mi"}}}}}}
    await cluster.change(POOL, "pool", {"spec": {"virtualMachineTemplate": more}})
    for name in ("pool-0", "pool-1"):
        await cluster.until(
            VMI,
            name,
            lambda vmi: at(vmi, "spec", "domain", "memory", "guest") == "256Mi" and is_ready(vmi),
        )
    await cluster.change(POOL, "pool", {"spec": {"replicas": 0}})
    await cluster.until_gone(VM)
    await cluster.delete(POOL, "pool")


async def test_it_refuses_to_start_beside_kubevirt(cluster: Cluster, start: Start) -> None:
    container = {"name": "x", "image": "quay.io/kubevirt/virt-operator:v1.6.0"}
    labels = {"app": "theirs"}
    await cluster.create(
        DEPLOYMENT,
        "theirs",
        {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    )
    controller = start("rival")
    status = controller.process.wait(60)
    await cluster.delete(DEPLOYMENT, "theirs")
    assert status == 3
    assert "KubeVirt's own components run in this cluster" in controller.said()


async def _idle(seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await asyncio.Event().wait()
