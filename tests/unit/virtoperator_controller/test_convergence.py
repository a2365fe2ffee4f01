"""Whatever happens in whatever order, seen however late: one pod for a VMI, and rest in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virtoperator_controller.objects import Json, make_vm, make_vmi
from tests.unit.virtoperator_controller.world import FINAL, World
from virtoperator import names
from virtoperator.controller.trees import at, controller_of
from virtoperator.kinds import POD, PVC, VM, VMI

KINDS = (VM, VMI, POD, PVC)
STRATEGIES = ("Always", "Halted", "Manual", "RerunOnFailure", "Once")


def launch(world: World, strategy: str = "Always") -> None:
    vm = make_vm(strategy, new=True)
    del vm["metadata"]["uid"]
    world.api.create(VM, vm)


def pods_made(world: World) -> Counter[str]:
    """Launcher pods that were ever made, by the UID of their VMI."""
    pods = (one for one in world.api.created if one["kind"] == "Pod")
    return Counter(str(controller_of(pod)["uid"]) for pod in pods)


def phases(world: World) -> list[str]:
    return [str(at(vmi, "status", "phase")) for vmi in world.api.all(VMI)]


def words(world: World) -> list[str]:
    return [str(at(vm, "status", "printableStatus")) for vm in world.api.all(VM)]


async def test_a_vm_runs_with_nine_writes_and_is_ready_with_three_more() -> None:
    world = World()
    launch(world)
    while phases(world) != ["Running"]:
        for replica in world.replicas:
            await world.catch_up(replica)
        world.kubelet()
        world.handler()
    await world.catch_up(world.replicas[0])
    # The ninth is virt-handler's: Running.
    assert Counter(world.api.writes) - Counter(["PATCH pods/status"]) == {
        "PATCH virtualmachines": 1,
        "PATCH virtualmachines/status": 2,
        "POST controllerrevisions": 1,
        "POST virtualmachineinstances": 1,
        "POST pods": 1,
        "PATCH virtualmachineinstances": 2,
    }
    until_running = len(world.api.writes)
    await world.settle()
    # The gate opened before; then the VMI is ready, and its VM.
    assert world.api.writes[until_running:] == [
        "PATCH virtualmachineinstances",
        "PATCH virtualmachines/status",
    ]
    assert (phases(world), words(world)) == (["Running"], ["Running"])


async def test_a_vmi_runs_with_three_writes_of_ours() -> None:
    world = World()
    vmi = make_vmi()
    del vmi["metadata"]["uid"]
    world.api.create(VMI, vmi)
    await world.settle()
    assert phases(world) == ["Running"]
    before_ready = ["POST pods", "PATCH virtualmachineinstances", "PATCH virtualmachineinstances"]
    assert world.api.writes[:3] == before_ready
    assert world.api.writes[3:] == ["PATCH pods/status", "PATCH virtualmachineinstances"]


async def test_nothing_is_written_while_nothing_happens() -> None:
    world = World()
    launch(world)
    await world.settle()
    written = len(world.api.writes)
    for _ in range(10):
        world.pass_time(60)
        await world.settle()
    assert len(world.api.writes) == written


async def test_a_new_leader_finds_nothing_to_do() -> None:
    world = World(replicas=2)
    launch(world)
    await world.catch_up(world.replicas[0])
    world.kubelet()
    await world.settle()
    assert phases(world) == ["Running"]
    assert set(pods_made(world).values()) == {1}


async def test_a_leader_who_hears_late_makes_no_pod_for_a_vmi_that_is_over() -> None:
    world = World(replicas=2)
    first, late = world.replicas
    launch(world, "Manual")
    world.api.change(
        VM, "default", "one", {"status": {"stateChangeRequests": [{"action": "Start"}]}}
    )
    while phases(world) != ["Running"]:
        await world.catch_up(first)
        world.kubelet()
        world.handler()
        if not late.stores.vmis:
            late.hear(VMI, 1)
    world.crash()
    world.pods_end()
    await world.catch_up(first)
    for pod in world.api.all(POD):
        world.api.vanish(POD, "default", pod["metadata"]["name"])
    await late.work(VMI)
    await world.settle()
    assert phases(world) == ["Failed"]
    assert list(pods_made(world).values()) == [1]


async def test_crash_loops_slow_down_and_end_when_the_guest_is_cured() -> None:
    world = World()
    world.failing = True
    launch(world)
    started = world.api.now
    while len(pods_made(world)) < 5:
        await world.step()
    assert (world.api.now - started).total_seconds() >= 10 + 40 + 90 + 160
    world.failing = False
    await world.settle()
    assert (phases(world), words(world)) == (["Running"], ["Running"])
    assert "startFailure" not in world.api.all(VM)[0]["status"]


@pytest.mark.parametrize("kind", [VM, VMI, POD])
@pytest.mark.parametrize("steps", range(12))
async def test_a_deletion_in_every_moment_ends_clean(kind: object, steps: int) -> None:
    world = World()
    launch(world)
    for step in range(steps):
        if step % 3 == 0:
            world.kubelet()
        elif step % 3 == 1:
            world.handler()
        else:
            for heard in KINDS:
                world.replicas[0].hear(heard)
            await world.replicas[0].work(VM)
            await world.replicas[0].work(VMI)
    for one in KINDS:
        if one is kind:
            world.delete(one)
    await world.settle()
    if kind is VM:
        assert world.api.all(VM) == world.api.all(VMI) == world.api.all(POD) == []
    else:
        assert phases(world) == ["Running"]
    assert set(pods_made(world).values()) <= {1}


async def test_a_vmi_whose_finalizers_were_taken_away_takes_its_pod_with_it() -> None:
    world = World()
    launch(world, "Once")
    await world.settle()
    world.user({"runStrategy": "Halted"})
    for vmi in world.api.all(VMI):
        meta = vmi["metadata"]
        world.api.change(VMI, meta["namespace"], meta["name"], {"metadata": {"finalizers": []}})
        world.api.delete(VMI, meta["namespace"], meta["name"])
    await world.settle()
    assert world.api.all(VMI) == world.api.all(POD) == []


def _events() -> dict[str, Callable[[World, int], None]]:
    """What may happen next, beside the controllers' own work."""

    def patch(strategy: str) -> Callable[[World, int], None]:
        return lambda world, _: world.user({"runStrategy": strategy})

    def fail(world: World, number: int) -> None:
        world.failing = bool(number % 2)

    return {
        "kubelet": lambda world, _: world.kubelet(),
        "handler": lambda world, _: world.handler(),
        "pods end": lambda world, _: world.pods_end(),
        "crash": lambda world, _: world.crash(),
        "fail": fail,
        "time": lambda world, number: world.pass_time(number),
        "delete vmi": lambda world, _: world.delete(VMI),
        "delete pod": lambda world, _: world.delete(POD),
        "change": lambda world, number: world.user(
            {"template": {"spec": {"nodeSelector": {"n": str(number)}}}}
        ),
        **{f"run {strategy}": patch(strategy) for strategy in STRATEGIES},
    }


EVENTS = _events()
_STEP = st.one_of(
    st.tuples(st.just("hear"), st.integers(0, 1), st.integers(0, 3), st.integers(1, 3)),
    st.tuples(st.just("hear again"), st.integers(0, 1), st.integers(0, 50), st.just(0)),
    st.tuples(st.just("work"), st.integers(0, 1), st.integers(0, 1), st.just(0)),
    st.tuples(st.sampled_from(sorted(EVENTS)), st.just(0), st.integers(0, 40), st.just(0)),
)


async def _play(strategy: str, steps: list[tuple[str, int, int, int]]) -> World:
    world = World(replicas=2)
    launch(world, strategy)
    for what, who, number, count in steps:
        replica = world.replicas[who]
        if what == "hear":
            replica.hear(KINDS[number], count)
        elif what == "hear again":
            replica.hear_again(number)
        elif what == "work":
            await replica.work((VM, VMI)[number])
        else:
            EVENTS[what](world, number)
        assert max(pods_made(world).values(), default=0) <= 1
    world.failing = False
    await world.settle()
    return world


@settings(max_examples=25, deadline=None)
@given(strategy=st.sampled_from(STRATEGIES), steps=st.lists(_STEP, max_size=60))
def test_any_order_of_events_comes_to_rest_with_one_pod_for_each_vmi(
    strategy: str, steps: list[tuple[str, int, int, int]]
) -> None:
    world = asyncio.run(_play(strategy, steps))
    (vm,) = world.api.all(VM)
    assert max(pods_made(world).values(), default=0) <= 1
    running = [phase for phase in phases(world) if phase not in FINAL]
    match vm["spec"]["runStrategy"]:
        case "Always":
            assert phases(world) == ["Running"]
        case "Halted":
            assert phases(world) == []
            assert world.api.all(POD) == []
        case _:
            assert running in ([], ["Running"])
    holders = {pod["metadata"]["labels"][names.CREATED_BY] for pod in world.api.all(POD)}
    assert holders <= {vmi["metadata"]["uid"] for vmi in world.api.all(VMI)}


_HARMLESS = st.one_of(
    st.tuples(st.just("hear"), st.integers(0, 1), st.integers(0, 3), st.integers(1, 3)),
    st.tuples(st.just("hear again"), st.integers(0, 1), st.integers(0, 50), st.just(0)),
    st.tuples(st.just("work"), st.integers(0, 1), st.integers(0, 1), st.just(0)),
    st.tuples(st.sampled_from(("kubelet", "handler")), st.just(0), st.just(0), st.just(0)),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(_HARMLESS, min_size=10, max_size=60))
def test_two_leaders_who_hear_late_start_one_instance_and_keep_it(
    steps: list[tuple[str, int, int, int]],
) -> None:
    world = asyncio.run(_play("Always", steps))
    assert phases(world) == ["Running"]
    made = Counter(one["kind"] for one in world.api.created)
    assert (made["VirtualMachineInstance"], made["Pod"]) == (1, 1)


@settings(max_examples=10, deadline=None)
@given(steps=st.lists(_STEP, max_size=60))
def test_a_deleted_vm_leaves_nothing(steps: list[tuple[str, int, int, int]]) -> None:
    async def play() -> World:
        world = await _play("Always", steps)
        world.delete(VM)
        await world.settle()
        return world

    left: list[Json] = [*asyncio.run(play()).api.objects.values()]
    assert left == []
