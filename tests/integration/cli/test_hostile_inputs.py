"""Seeds and QEMUs that mean harm, at the user's level: a sentence, a status, and no secret told."""

from __future__ import annotations

import base64
import json
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.timeout(300), pytest.mark.qemu]

RUN = ("run", "--accel", "tcg")
FAKE_QEMU = Path(__file__).parents[1] / "resident" / "fake_qemu.py"
SECRET = "correct-horse-battery"


def _vm(kubemu: Any, *more: dict[str, Any], **seed: Any) -> str:
    volumes = [{"name": "seed", "cloudInitNoCloud": seed}] if seed else []
    disks = [{"name": "seed", "disk": {"bus": "virtio"}}] if seed else []
    machine = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "a"},
        "spec": {
            "domain": {"memory": {"guest": "64Mi"}, "devices": {"disks": disks}},
            "volumes": volumes,
        },
    }
    documents = "\n---\n".join(json.dumps(tree) for tree in (machine, *more))
    path: str = kubemu.write("vm.yaml", documents)
    return path


def _secret(**data: bytes) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": encoded}


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"userData": SECRET * 200}, "spec.volumes[0].cloudInitNoCloud"),
        ({"userData": SECRET, "userDataBase64": "eA=="}, "spec.volumes[0].cloudInitNoCloud"),
        ({"userDataBase64": f"{SECRET}!"}, "userDataBase64"),
        ({"secretRef": {"name": "none"}}, "there is no Secret 'none'"),
        ({"secretRef": {"name": "s"}}, "userdata"),
    ],
)
def test_a_seed_that_is_none_is_refused_without_showing_it(
    kubemu: Any, seed: dict[str, Any], said: str
) -> None:
    session = kubemu.run(*RUN, _vm(kubemu, _secret(other=SECRET.encode()), **seed))
    assert session.process.returncode in (1, 10)
    assert said in session.err
    assert "Traceback" not in session.err and SECRET not in session.err + session.out
    assert _places_of(kubemu, SECRET) == []


def test_a_seed_above_the_limit_is_refused(kubemu: Any) -> None:
    manifest = _vm(kubemu, _secret(userdata=b"x" * (8 << 20)), secretRef={"name": "s"})
    session = kubemu.run(*RUN, manifest)
    assert session.process.returncode in (1, 10)
    assert "error: " in session.err and "Traceback" not in session.err


def test_what_a_seed_says_is_in_the_seed_alone(kubemu: Any) -> None:
    """NUL and bytes that are no text included: not in a log, a state file or a command line."""
    data = b"#cloud-config\n#" + SECRET.encode() + b"\0\xff\xfe\n"
    manifest = _vm(kubemu, _secret(userdata=data), secretRef={"name": "s"})
    session = kubemu.run(*RUN, "--detach", manifest)
    assert session.process.returncode == 0, session.err
    pid = kubemu.launcher_pid("default/a")
    assert SECRET.encode() not in b"".join(_command_lines(pid))
    assert SECRET not in session.out + session.err + kubemu.run("logs", "a").out
    places = _places_of(kubemu, SECRET)
    assert places and all("run" in path.parts for path in places)
    for path in places:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    kubemu.run("delete", "a", "--grace", "0")
    assert _places_of(kubemu, SECRET) == []


@pytest.mark.parametrize("behaviour", ["garbage", "giant", "storm", "close", "abort"])
def test_a_qemu_that_turns_against_us_is_ended(kubemu: Any, tmp_path: Path, behaviour: str) -> None:
    session = kubemu.run(*RUN, _vm(kubemu), env=_instead_of_qemu(kubemu, tmp_path, behaviour))
    assert (session.process.returncode, "Traceback" in session.err) == (12, False)
    said = "QEMU died by itself" if behaviour == "abort" else "QEMU's monitor was lost"
    assert said in session.err
    failed = kubemu.ps()["default/a"]
    assert (failed["phase"], said in failed["reason"]) == ("Failed", True)


def _instead_of_qemu(kubemu: Any, tmp_path: Path, behaviour: str) -> dict[str, str]:
    """A QEMU that answers the probe, starts a guest, and then misbehaves."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "qemu-system-x86_64"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in "-machine none"*) exec {shutil.which(program.name)} "$@";; esac\n'
        f"exec {sys.executable} {FAKE_QEMU} after-start {behaviour}\n"
    )
    program.chmod(0o755)
    return {"PATH": f"{folder}:{kubemu.environment['PATH']}"}


def _places_of(kubemu: Any, words: str) -> list[Path]:
    """Files of VMs in which these words are, below the state and the runtime folder."""
    roots = (kubemu.environment["XDG_STATE_HOME"], kubemu.environment["XDG_RUNTIME_DIR"])
    return [path for root in roots for path in _files(Path(root)) if _has(path, words.encode())]


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _has(path: Path, words: bytes) -> bool:
    return words in path.read_bytes()


def _command_lines(pid: int) -> Iterator[bytes]:
    """Of the launcher and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (str(pid), *children):
        yield Path(f"/proc/{one}/cmdline").read_bytes()
        yield Path(f"/proc/{one}/environ").read_bytes()
