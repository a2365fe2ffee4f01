"""A cluster comes up, and goes without a trace; what is interrupted is finished by the next."""

from __future__ import annotations

import signal
import subprocess

import pytest

from kubemucluster import cluster, health
from kubemucluster.errors import Interrupted
from kubemucluster.layout import Pods
from tests.integration.cluster.lives import BOTH, NAME, command, down, refused, traces, up

STEPS = (
    "certificates and configuration",
    "network",
    "control plane",
    "images",
    "waiting for the API server",
    "node-a",
    "node-b",
    "waiting for two Ready nodes",
    "DNS and storage",
)


def ended_at(step: str, how: signal.Signals) -> tuple[int, str]:
    """Runs `up`, sends it a signal when it says that it begins a step; status and last words."""
    # Tests that run in a shell's background have Ctrl-C ignored, and would hand that down.
    words = ["env", "--default-signal=INT", *command("up")]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.rstrip().endswith(step))
        process.send_signal(how)
        said = process.stderr.read()
    return process.returncode, said


def killed_at(step: str) -> None:
    assert ended_at(step, signal.SIGKILL)[0] == -signal.SIGKILL


def test_five_times_up_and_down_leave_nothing(no_cluster: None) -> None:
    before = traces()
    for _ in range(5):
        made = up()
        assert health.is_up(made)
        assert health.ready_nodes(made) == BOTH
        seen = {kind for kind, found in traces().items() if found}
        assert seen == {"links", "routes", "namespaces", "cgroups", "processes", "state"}
        down()
        assert made.owner.marked() == []
        assert traces() == before


def test_up_twice_changes_nothing_and_an_interrupted_down_is_finished(no_cluster: None) -> None:
    def interrupt(step: str) -> None:
        if step.startswith("network"):
            raise KeyboardInterrupt

    nothing = traces()
    made = up()
    before = health.states(made)
    assert health.states(up()) == before
    with pytest.raises(Interrupted):
        down(interrupt)
    down()
    assert traces() == nothing


def test_an_up_killed_at_any_step_is_finished_by_the_next(no_cluster: None) -> None:
    for step in STEPS:
        killed_at(step)
    assert health.is_up(up())


@pytest.mark.parametrize("step", STEPS)
def test_an_up_killed_at_any_step_is_removed_by_down(no_cluster: None, step: str) -> None:
    before = traces()
    killed_at(step)
    down()
    assert traces() == before


@pytest.mark.parametrize("step", ["control plane", "node-b"])
def test_an_interrupted_up_says_how_to_go_on(no_cluster: None, step: str) -> None:
    before = traces()
    status, said = ended_at(step, signal.SIGINT)
    assert status == 1
    assert f"kubemu-cluster: Interrupted. (step: {step})\n  `up` goes on from here" in said
    assert "Traceback" not in said
    down()
    assert traces() == before


def test_what_does_not_exist_is_told(no_cluster: None) -> None:
    for words in (["status"], ["kubeconfig"], ["restart", "etcd"], ["node", "stop", "node-a"]):
        assert "There is no cluster life.\n  kubemu-cluster up\n" in refused(*command(*words))


def test_what_a_cluster_has_not_is_told(no_cluster: None) -> None:
    cluster.create(NAME, Pods.DUAL)
    assert "There is no component kubeletter." in refused(*command("kill", "kubeletter"))
    assert "There is no log of etcd." in refused(*command("logs", "etcd"))
    assert "There is no node node-c." in refused(*command("node", "stop", "node-c"))
    assert "has dual pods already" in refused(*command("up", "--pods=ipv6"))
