"""What `kubemu` refuses: one sentence, a status, and nothing opened, changed or left behind."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(300)

RUN = ("run", "--accel", "tcg")
VMI = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance"}


@pytest.fixture
def vm(kubemu: Any) -> Callable[..., str]:
    """Writes a small manifest; its path."""

    def write(domain: dict[str, Any] | None = None, **spec: Any) -> str:
        machine = {"memory": {"guest": "64Mi"}, "devices": {}} | (domain or {})
        tree = VMI | {"metadata": {"name": "a"}, "spec": {"domain": machine} | spec}
        path: str = kubemu.write("vm.yaml", json.dumps(tree))
        return path

    return write


def refusal(kubemu: Any, *arguments: str, status: int = 1, **how: Any) -> str:
    """What a refused `run` says; checks that it left nothing."""
    session = kubemu.run(*RUN, *arguments, **how)
    assert session.process.returncode == status, session.err
    assert "Traceback" not in session.err
    assert (session.out, kubemu.left()) == ("", [])
    said: str = session.err
    return said


def test_an_unknown_image_leaves_nothing(kubemu: Any, vm: Any, registry: Any) -> None:
    image = f"{registry.address}/nothing:1"
    volumes = [{"name": "root", "containerDisk": {"image": image}}]
    said = refusal(kubemu, vm(volumes=volumes), status=11)
    assert f"error: there is no image {image}\nhint: check its name and tag" in said


def test_a_hostile_image_leaves_nothing(kubemu: Any, vm: Any, registry: Any, kit: Any) -> None:
    image = registry.push(kit.image({"../evil": b"x"}), "hostile:1")
    volumes = [{"name": "root", "containerDisk": {"image": image}}]
    assert "a layer has a file named '../evil'" in refusal(kubemu, vm(volumes=volumes), status=11)


def test_every_violation_is_said_with_kubevirts_words_and_our_line(kubemu: Any) -> None:
    file = kubemu.write(
        "vm.yaml",
        """apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: a}
spec:
  runStrategy: Always
  template:
    spec:
      domain:
        memory: {guest: 64Mi}
        devices:
          disks:
            - name: x
              disk: {bus: foo}
      volumes:
        - name: z
""",
    )
    said = refusal(kubemu, file)
    head = "spec.template.spec"
    assert sorted(line for line in said.splitlines() if line.startswith("error")) == [
        f"error: {file}:12: {head}.domain.devices.disks[0].Name 'x' not found.",
        f"error: {file}:13: {head}.domain.devices.disks[0] is set with an unrecognized bus foo,"
        " must be one of: [virtio scsi sata usb]",
        f"error: {file}:15: {head}.volumes[0] must have exactly one source type set",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "vm.yaml:2: is not YAML"),
        ("a: 1\na: 2", "vm.yaml:2: key 'a' is there twice"),
        ("", "has no VirtualMachine or VirtualMachineInstance"),
        ("kind: Service", "has no VirtualMachine or VirtualMachineInstance, only Service"),
        ("kind: VirtualMachine\nspec: 3", "metadata.name is missing"),
        (
            "kind: VirtualMachineInstance\nmetadata: {name: ../x}",
            "metadata.name: '../x' is not a name",
        ),
        (
            "kind: VirtualMachine\napiVersion: x/v1\nmetadata: {name: a}",
            'no matches for kind "VirtualMachine" in version "x/v1"',
        ),
    ],
)
def test_broken_files(kubemu: Any, text: str, said: str) -> None:
    assert said in refusal(kubemu, kubemu.write("vm.yaml", text))


def test_standard_input_is_a_file_too(kubemu: Any) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a: 1\na: 2\n")
    os.close(writer)
    assert "<stdin>:2: key 'a' is there twice" in refusal(kubemu, "-", stdin=reader)
    os.close(reader)


def test_what_the_guest_would_miss_is_refused_before_anything_is_pulled(
    kubemu: Any, vm: Any
) -> None:
    domain = {"devices": {"gpus": [{"name": "g", "deviceName": "x/y"}]}}
    volumes = [{"name": "root", "containerDisk": {"image": "127.0.0.1:1/x:1"}}]
    said = refusal(kubemu, vm(domain, volumes=volumes))
    assert "vm.yaml:1: spec.domain." in said
    assert "hint: kubemu does not do that yet" in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--volume", "x"], "--volume: 'x' is no volume"),
        (["--volume", "x=/tmp"], "the VM has no volume 'x'"),
        (["--publish", "x"], "--publish: 'x' is no port to publish"),
        (["--publish", "192.0.2.1:80:80"], "cannot be used"),
        (["--registry-config", "/no/such"], "--registry-config /no/such: is no file"),
        (["--registry-mirror", "x"], "--registry-mirror: 'x' is no mirror"),
        (["--detach", "--timeout", "3"], "--timeout needs somebody"),
        (["--timeout", "-3"], "--timeout: a time cannot be negative"),
        (["--output", "json"], "--output json needs --detach"),
        (["--name", "A"], "'A' is not a name"),
        (["--namespace", "a.b"], "'a.b' is not a namespace"),
    ],
)
def test_wrong_flags(kubemu: Any, vm: Any, flags: list[str], said: str) -> None:
    assert said in refusal(kubemu, vm(), *flags)


def test_a_missing_claim_and_a_missing_secret_name_their_field(kubemu: Any, vm: Any) -> None:
    claim = [{"name": "p", "persistentVolumeClaim": {"claimName": "c"}}]
    said = refusal(kubemu, vm(volumes=claim))
    assert "vm.yaml:1: spec.volumes[0].persistentVolumeClaim: nothing says where" in said
    assert "hint: --volume p=PATH" in said
    seed = [{"name": "s", "cloudInitNoCloud": {"secretRef": {"name": "none"}}}]
    assert "there is no Secret 'none'" in refusal(kubemu, vm(volumes=seed))


@pytest.mark.qemu
def test_kvm_that_does_not_work_is_not_taken_for_working(kubemu: Any, vm: Any) -> None:
    session = kubemu.run("run", "--accel", "kvm", vm(), "--detach")
    if session.process.returncode == 0:
        pytest.skip("KVM works here")
    assert re.search(r"error: --accel: KVM cannot be used: .+\nhint: --accel tcg", session.err)
    assert kubemu.left() == []


def test_no_qemu_is_a_sentence(kubemu: Any, vm: Any, tmp_path: Path) -> None:
    said = refusal(kubemu, vm(), status=10, env={"PATH": str(tmp_path)})
    assert "there is no QEMU on this machine" in said
    assert "hint: install QEMU" in said


def test_no_skopeo_is_a_sentence(kubemu: Any, vm: Any, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("qemu-system-x86_64", "qemu-img"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True)
        (tmp_path / "bin" / name).symlink_to(found.stdout.strip())
    volumes = [{"name": "root", "containerDisk": {"image": "127.0.0.1:1/x:1"}}]
    said = refusal(kubemu, vm(volumes=volumes), status=11, env={"PATH": str(tmp_path / "bin")})
    assert "hint: install the package skopeo" in said


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo words of despair >&2; exit 3", "words of despair"),
        ("kill -SEGV $$", "signal 11"),
        ("echo {}", "cannot be asked what it can do"),
    ],
)
def test_a_broken_qemu_is_a_sentence(
    kubemu: Any, vm: Any, tmp_path: Path, script: str, said: str
) -> None:
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "qemu-system-x86_64"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    path = f"{tmp_path}/bin:{kubemu.environment['PATH']}"
    session = kubemu.run(*RUN, vm(), env={"PATH": path})
    assert (session.process.returncode, "Traceback" in session.err) == (10, False)
    assert said in session.err or "cannot be asked" in session.err


@pytest.mark.qemu
def test_a_qemu_that_does_not_start_is_a_sentence_and_a_record(
    kubemu: Any, vm: Any, tmp_path: Path
) -> None:
    """It answers the probe, then not the start."""
    (tmp_path / "bin").mkdir()
    found = subprocess.run(
        ["which", "qemu-system-x86_64"], capture_output=True, text=True, check=True
    )
    fake = tmp_path / "bin" / "qemu-system-x86_64"
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in "-machine none"*) exec {found.stdout.strip()} "$@";; esac\n'
        "echo words of despair >&2\nexit 3\n"
    )
    fake.chmod(0o755)
    path = f"{tmp_path}/bin:{kubemu.environment['PATH']}"
    session = kubemu.run(*RUN, vm(), env={"PATH": path})
    assert (session.process.returncode, "Traceback" in session.err) == (10, False)
    assert "words of despair" in session.err
    failed = kubemu.ps()["default/a"]
    assert (failed["phase"], "words of despair" in failed["reason"]) == ("Failed", True)
    assert "words of despair" in kubemu.run("logs", "a").out


def test_names_that_do_not_exist_get_a_suggestion(kubemu: Any) -> None:
    for command in ("console", "stop", "delete", "pause", "reset", "logs", "guest-info", "vnc"):
        session = kubemu.run(command, "nothing")
        assert (session.process.returncode, session.out) == (1, "")
        assert "error: there is no VM default/nothing\nhint: `kubemu ps`" in session.err


def test_validate_tells_without_starting(kubemu: Any, vm: Any) -> None:
    good = kubemu.run("validate", vm({"foo": 1}, affinity={}), "--output", "json")
    [report] = json.loads(good.out)
    assert (good.process.returncode, report["valid"], report["unknownFields"]) == (
        0,
        True,
        ["spec.domain.foo"],
    )
    bad = kubemu.run("validate", vm(volumes=[{"name": "z"}]))
    assert (bad.process.returncode, "refused" in bad.out) == (1, True)
    assert kubemu.left() == []


def test_unknown_fields_are_warnings_with_their_line(kubemu: Any, vm: Any, registry: Any) -> None:
    volumes = [{"name": "root", "containerDisk": {"image": f"{registry.address}/no:1"}}]
    said = refusal(kubemu, vm({"foo": 1}, volumes=volumes), status=11)
    assert "warning: " in said and "vm.yaml:1: unknown field spec.domain.foo" in said


def test_explain_opens_nothing(kubemu: Any, vm: Any) -> None:
    volumes = [
        {"name": "root", "containerDisk": {"image": "127.0.0.1:1/x:1"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "seed", "cloudInitNoCloud": {"userData": "h4rd"}},
        {"name": "empty", "emptyDisk": {"capacity": "1Gi"}},
    ]
    firmware = {"bootloader": {"efi": {"secureBoot": False}}}
    session = kubemu.run("explain", vm({"firmware": firmware}, volumes=volumes))
    assert session.process.returncode == 0, session.err
    assert "# disks" in session.out and "-machine" in session.out
    assert "h4rd" not in session.out
    assert kubemu.left() == []


def test_an_interrupted_pull_leaves_nothing(kubemu: Any, vm: Any) -> None:
    """A registry that never answers: Ctrl+C ends the wait."""

    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = f"127.0.0.1:{silent.getsockname()[1]}/x:1"
        volumes = [{"name": "root", "containerDisk": {"image": image}}]
        session = kubemu.start(*RUN, vm(volumes=volumes))
        connection, _ = silent.accept()
        with connection:
            session.process.send_signal(signal.SIGINT)
            assert session.end() == 130
    assert ("Traceback" in session.err, kubemu.left()) == (False, [])


def test_help_is_there_for_every_command(kubemu: Any) -> None:
    listing = kubemu.run("--help").out
    for command in re.findall(r"^│ ([a-z-]+) +[A-Z]", listing, re.MULTILINE):
        assert kubemu.run(command, "--help").process.returncode == 0
    assert "exit status" in kubemu.run("run", "--help").out.lower()
    person, terminal = pty.openpty()
    assert kubemu.run("nonsense", stdin=terminal).process.returncode == 2
    os.close(person)
    os.close(terminal)
