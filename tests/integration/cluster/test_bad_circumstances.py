"""What may be wrong with a machine is told in a sentence, and leaves something to go on from."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemucluster import cgroups, cluster, health, machine
from kubemucluster.errors import NotPossible, StepFailed
from kubemucluster.layout import Layout, Pods
from kubemucluster.processes import Owner
from tests.e2e.kube import eventually
from tests.integration.cluster.lives import NAME, command, down, others, refused, traces, up

pytestmark = pytest.mark.usefixtures("no_cluster")


def next_layout() -> Layout:
    """The layout that the next cluster will have."""
    taken = {other.layout.number for other in others()}
    number = min(set(range(len(taken) + 1)) - taken)
    return Layout(name=NAME, number=number, pods=Pods.DUAL, state=cluster.ROOT / NAME)


def hiding(path: str, by: Path) -> list[str]:
    """The words in front of a command that is to see one file or folder in another's place."""
    script = f'mount --bind {by} {path} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def test_who_is_not_root_is_told() -> None:
    said = refused("unshare", "--user", *command("up"))
    assert said == "kubemu-cluster: kubemu-cluster needs root.\n  Run it with sudo.\n"
    assert not (cluster.ROOT / NAME).exists()


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    for program in ("ip", "unshare", "nft", "conntrack", "docker-registry", "busybox", "gcc"):
        found = shutil.which(program)
        assert found
        (tmp_path / program).symlink_to(found)
    said = refused(*command("up"), path=str(tmp_path))
    assert "lacks programs" in said
    assert "apt-get install skopeo\n" in said
    assert not (cluster.ROOT / NAME).exists()


def test_a_missing_kernel_module_is_named(tmp_path: Path) -> None:
    without = tmp_path / "filesystems"
    without.write_text("nodev\ttmpfs\n\text4\n")
    said = refused(*hiding("/proc/filesystems", without), *command("up"), path="/usr/bin:/usr/sbin")
    assert "The kernel's module overlay is missing." in said
    assert not (cluster.ROOT / NAME).exists()


def test_two_ups_at_once_are_told() -> None:
    with cluster.working_on(NAME):
        said = refused(*command("up"))
    assert f"Another kubemu-cluster works on {NAME} right now." in said
    assert not (cluster.ROOT / NAME).exists()


@pytest.mark.parametrize(("component", "default"), [("etcd", 2379), ("kube-apiserver", 6443)])
def test_a_taken_port_is_named(component: str, default: int) -> None:
    port = next_layout().port(default)
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(NotPossible, match=f"Port {port}, which {component} needs, is in use"):
            up()
        down()


def test_a_taken_port_of_an_address_that_is_not_there_yet_is_named() -> None:
    port = next_layout().port(5000)
    with (
        socket.create_server(("0.0.0.0", port)),
        pytest.raises(NotPossible, match=f"Port {port}, which registry needs, is in use"),
    ):
        up()


def test_a_port_that_is_taken_on_another_address_is_free() -> None:
    layout = next_layout()
    with socket.create_server(("127.0.0.1", layout.port(5000))):
        machine.require_free_ports(layout, Owner(records=layout.state, logs=layout.logs))


@pytest.fixture
def small_disk(no_cluster: None) -> Iterator[Path]:
    """A disk of the cluster's own, just as large as it demands."""
    folder = cluster.ROOT / NAME
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3100m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):  # a mount can be emptied, but not removed
            down()
        subprocess.run(["umount", str(folder)], check=True)


def test_too_small_a_disk_is_told(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(tmp_path)], check=True)
    try:
        said = refused(*hiding(str(cluster.ROOT), tmp_path), *command("up"))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert re.search(rf"{cluster.ROOT} has \d+ MiB left; a cluster needs 3 GiB\.", said)


def test_a_disk_that_fills_is_told_and_up_goes_on_when_there_is_room(small_disk: Path) -> None:
    filler = small_disk / "filler"
    for step in ("certificates and configuration", "control plane", "node-a"):

        def fill(now: str, at: str = step) -> None:
            if now == at:
                subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=1M"], capture_output=True)

        with pytest.raises(StepFailed, match=f"The disk of {small_disk} is full"):
            up(say=fill)
        filler.unlink()
    assert health.is_up(up())


def power_cut(made: cluster.Cluster) -> None:
    """Ends all processes at once, without the tooling's doing; records stay, as on a disk."""
    while left := made.owner.marked():
        for process in left:
            if process.alive:
                os.kill(process.pid, signal.SIGKILL)


def leave_behind(made: cluster.Cluster) -> None:
    """What a crash of the machine's own may leave of a node: a mount, a device, a control group."""
    folder = made.layout.node("node-a").folder / "kubelet" / "left behind"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=True)
    disk = made.layout.state / "disk.img"
    with disk.open("wb") as handle:
        handle.truncate(2**20)
    subprocess.run(["losetup", "-f", str(disk)], check=True)
    (cgroups.hierarchies()[0] / made.layout.cgroup / "node-a" / "left").mkdir()


def test_after_a_power_cut_up_goes_on_and_down_cleans_up() -> None:
    before = traces()
    made = up()
    power_cut(made)
    eventually(lambda: not any(health.states(made).values()))
    assert health.is_up(up())
    power_cut(made)
    leave_behind(made)
    down()
    assert traces() == before


def test_a_component_that_ends_is_named_with_its_last_words() -> None:
    before = traces()
    made = cluster.create(NAME, Pods.DUAL)
    (made.layout.state / "etcd").mkdir(mode=0o700)
    (made.layout.state / "etcd" / "member").write_text("no folder")
    with pytest.raises(StepFailed) as caught:
        up()
    assert caught.value.message == "etcd ended."
    assert "member" in caught.value.log
    down()
    assert traces() == before
