"""The builder as the process it is: one request, one answer, over a real socket."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from virtlauncher import errors, framing
from virtlauncher.facts import Nic, NicKind
from virtlauncher.plan import Plan


@dataclasses.dataclass
class Builder:
    process: subprocess.Popen[str]
    link: socket.socket

    def ask(
        self, request: Mapping[str, Any], fds: Mapping[str, int] | None = None
    ) -> tuple[dict[str, Any], dict[str, int]]:
        framing.send(self.link, request, fds)
        return framing.receive(self.link)

    def end(self) -> tuple[int, str]:
        """Exit status, and everything it said."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture
def builder() -> Iterator[Builder]:
    with _started() as builder:
        yield builder


@contextlib.contextmanager
def _started(**options: Any) -> Iterator[Builder]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        argv = [sys.executable, "-m", "virtlauncher.builder", str(theirs.fileno())]
        with subprocess.Popen(
            argv, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True, **options
        ) as process:
            theirs.close()
            yield Builder(process=process, link=ours)
            process.kill()


def request(machine: Any) -> dict[str, Any]:
    nic = Nic(kind=NicKind.USER, mac="02:00:00:00:00:01")
    facts = dataclasses.replace(machine.facts(), nics={"default": nic})
    return {"vmi": machine.vmi().to_json(), "facts": facts.to_json()}


def test_a_request_becomes_a_plan_with_its_descriptors(
    machine: Any, builder: Builder, tools: Any
) -> None:
    machine.add("scratch", {"emptyDisk": {"capacity": "1Gi"}})
    machine.add("seed", {"cloudInitNoCloud": {"userData": "#cloud-config"}})
    answer, fds = builder.ask(request(machine))
    plan = Plan.from_json(answer["plan"])
    assert [(disk.volume, disk.target, disk.format) for disk in plan.disks] == [
        ("scratch", "vda", "qcow2"),
        ("seed", "vdb", "raw"),
    ]
    assert set(fds) <= {descriptor.name for descriptor in plan.descriptors}
    assert {os.fstat(fd).st_nlink for name, fd in fds.items() if "seed" in name} == {0}
    framing.close_all(fds.values())
    assert builder.end() == (0, "")
    assert machine.made() == [str(machine.disk_dir / "scratch.qcow2")]


def test_descriptors_of_the_request_are_part_of_the_plan(
    machine: Any, builder: Builder, image_root: Path
) -> None:
    path = machine.path("disk.raw")
    path.write_bytes(bytes(4096))
    machine.add_claim(path)
    machine.sources["data"] = dataclasses.replace(
        machine.sources["data"], kind="fd", path="", fds=("mine-ro", "mine-rw")
    )
    with path.open("rb") as reading, path.open("r+b") as both:
        given = {"mine-rw": both.fileno(), "mine-ro": reading.fileno()}
        answer, fds = builder.ask(request(machine), given)
    plan = Plan.from_json(answer["plan"])
    assert fds == {}
    assert set(given) <= {descriptor.name for descriptor in plan.descriptors}


def refusal(answer: Mapping[str, Any]) -> errors.LauncherError:
    return errors.from_json(answer["error"])


def test_a_bad_volume_is_answered_with_its_error(
    machine: Any, builder: Builder, image_root: Path
) -> None:
    (image_root / "disk" / "x").symlink_to("/etc/shadow")
    machine.add_image(image_root)
    answer, fds = builder.ask(request(machine))
    error = refusal(answer)
    assert (type(error), error.field, fds) == (
        errors.BadVolume,
        "spec.volumes[0].containerDisk",
        {},
    )
    assert builder.end() == (0, "")


def test_a_machine_that_is_wrong_or_unsupported_is_refused_before_anything_is_touched(
    machine: Any, claim: Path
) -> None:
    machine.add_claim(claim, size=1 << 20)
    wrong, beyond = request(machine), request(machine)
    wrong["vmi"]["spec"]["domain"]["devices"]["disks"][0]["serial"] = 7
    beyond["vmi"]["spec"]["domain"]["launchSecurity"] = {"sev": {}}
    for question, field in (
        (wrong, "spec.domain.devices.disks[0].serial"),
        (beyond, "spec.domain.launchSecurity"),
    ):
        with _started() as builder:
            answer, _ = builder.ask(question)
            error = refusal(answer)
            assert isinstance(error, errors.Refused)
            assert error.field == field
    assert list(claim.iterdir()) == []


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"vmi": [], "facts": {}},
        {"vmi": {"apiVersion": "v1", "kind": "Pod"}, "facts": {}},
        {"vmi": {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine"}, "facts": {}},
    ],
)
def test_nonsense_is_refused(builder: Builder, question: dict[str, Any]) -> None:
    answer, _ = builder.ask(question)
    assert isinstance(refusal(answer), errors.Refused)
    assert builder.end() == (0, "")


def test_facts_that_cannot_be_read_are_refused(machine: Any, builder: Builder) -> None:
    question = request(machine)
    question["facts"]["accel"] = "magic"
    answer, _ = builder.ask(question)
    assert refusal(answer).message.startswith("the facts cannot be read: Facts.accel")


def test_what_is_not_expected_says_where_but_nothing_of_the_seed(
    machine: Any, builder: Builder
) -> None:
    machine.add("seed", {"cloudInitNoCloud": {"userData": "hunter2"}})
    question = request(machine)
    question["facts"]["run_dir"] = "/nonexistent\0hunter2"  # a ValueError of os.open
    answer, _ = builder.ask(question)
    assert refusal(answer).message == "the builder failed with ValueError"
    status, said = builder.end()
    assert status == 0
    assert "making.py" in said
    assert said.endswith("ValueError\n")
    assert "hunter2" not in said + str(answer)


def test_a_launcher_that_is_gone_leaves_nothing_made(machine: Any, claim: Path) -> None:
    machine.add_claim(claim, size=1 << 20)
    machine.add("scratch", {"emptyDisk": {"capacity": "1Gi"}})
    with _started() as builder:
        framing.send(builder.link, request(machine))
        builder.link.close()
        status, said = builder.end()
    assert status == 1
    assert "the launcher is gone" in said
    assert list(claim.iterdir()) == []
    assert machine.made() == []


def test_a_launcher_that_never_asks_is_no_error(builder: Builder) -> None:
    builder.link.close()
    assert builder.end() == (0, "")


def test_wrong_arguments_are_said(capfd: pytest.CaptureFixture[str]) -> None:
    argv = [sys.executable, "-m", "virtlauncher.builder", "x"]
    assert subprocess.run(argv, check=False).returncode == 2
    assert capfd.readouterr().err == "usage: python -m virtlauncher.builder FD\n"


SPINNING = """
import itertools
from virtlauncher.builder.content.limits import Limits, limit_self
from virtlauncher.errors import BadVolume
limit_self(Limits(cpu_seconds=1))
try:
    for _ in itertools.repeat(None):
        pass
except BadVolume as error:
    print(error)
"""


def test_the_end_of_cpu_time_is_explained() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SPINNING], check=True, capture_output=True, text=True
    )
    assert ended.stdout == "reading the volumes took more CPU time than allowed\n"
