"""The launcher as its pod runs it: the first process, uid 107, no capability, read-only root."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import virtcrds
from tests.integration.resident import pod
from tests.integration.resident.conftest import PATIENCE, STUB, Launched, boot
from virtlauncher import client
from virtlauncher.jsonable import to_jsonable
from virtlauncher.probe import probe_qemu

if TYPE_CHECKING:
    from tests.integration.resident.conftest import Launchers, Plans

pytestmark = [pytest.mark.qemu, pytest.mark.root]

REAL = (sys.executable, "-P", "-m", "virtlauncher")


@contextlib.asynccontextmanager
async def _launched(
    launchers: Launchers, program: tuple[str, ...] = STUB
) -> AsyncIterator[Launched]:
    folder = launchers.folder / "pod"
    pod.make(folder)
    process = launchers.run([*pod.enter(folder), *pod.argv(program)], "launcher")
    path = folder / "sockets" / "launcher.sock"
    async with client.connect(path, role="test", within=PATIENCE) as it:
        yield Launched(process=process, run_dir=folder / "run", client=it)


def _words(it: Launched) -> str:
    return (it.run_dir.parent / "termination-log").read_text()


def _first(it: Launched) -> int:
    """The launcher's pid, out here: `unshare` waits for it."""
    children = Path(f"/proc/{it.process.pid}/task/{it.process.pid}/children").read_text()
    return int(children)


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


async def test_it_is_what_a_restricted_pod_allows(launchers: Launchers, plans: Plans) -> None:
    async with _launched(launchers) as it:
        status = _status(_first(it))
        assert status["NSpid"].split()[-1] == "1"
        assert status["Uid"].split() == ["107"] * 4
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert (await it.start(plans.qemu()))["state"]["name"] == "running"


async def test_the_whole_life_of_a_machine(launchers: Launchers) -> None:
    """With the real builder: an empty disk, a seed, and a picture by way of /proc/self/fd."""
    async with _launched(launchers, REAL) as it:
        arguments = {"vmi": _vmi(), "facts": _facts(launchers.folder)}
        started = (await it.client.call("start", arguments, within=PATIENCE)).result
        assert started["state"]["name"] == "running"
        assert [disk["volume"] for disk in started["disks"]] == ["empty", "seed"]
        picture = await it.do("screenshot")
        assert base64.b64decode(picture["png"]).startswith(b"\x89PNG")
        await it.do("kill")
        await it.ended()
    assert await it.exit_status() == 6
    assert _words(it) == "QEMU was ended: somebody asked to kill it."
    left = sorted(str(p.relative_to(it.run_dir.parent)) for p in it.run_dir.parent.rglob("*"))
    assert left == [
        "disks",
        "run",
        "run/disks",
        "run/sockets",
        "sockets",
        "termination-log",
    ]


async def test_a_stop_before_the_start_ends_it_at_once(launchers: Launchers) -> None:
    async with _launched(launchers) as it:
        _signal(it, signal.SIGTERM)
        assert (await it.ended())["kind"] == "killed"
    assert await it.exit_status() == 6
    assert _words(it) == "The machine was stopped before it ran."


async def test_a_stop_before_it_listens_is_not_lost(launchers: Launchers) -> None:
    """The kernel drops what a first process does not handle, and importing takes a while."""
    folder = launchers.folder / "pod"
    pod.make(folder)
    process = launchers.run([*pod.enter(folder), *pod.argv(STUB)], "launcher")
    it = Launched(process=process, run_dir=folder / "run", client=None)  # type: ignore[arg-type]
    async with asyncio.timeout(PATIENCE):
        while not _blocks_sigterm(process.pid):  # noqa: ASYNC110
            await asyncio.sleep(0)
    _signal(it, signal.SIGTERM)
    assert await it.exit_status() == 6


def _blocks_sigterm(pid: int) -> bool:
    try:
        status = _status(int(Path(f"/proc/{pid}/task/{pid}/children").read_text()))
    except (OSError, ValueError):  # There is no first process yet.
        return False
    blocked = int(status["SigBlk"], 16) >> (signal.SIGTERM - 1) & 1
    return status["Name"].startswith("python") and bool(blocked)


async def test_a_stop_powers_the_guest_down(launchers: Launchers, plans: Plans) -> None:
    async with _launched(launchers) as it:
        disk = plans.disk("obedient").rename(launchers.folder / "pod" / "disks" / "obedient.raw")
        disk.chmod(0o666)
        await it.start(plans.qemu("", *boot("/run/kubemu/disks/obedient.raw")))
        _signal(it, signal.SIGTERM)
        assert (await it.ended())["kind"] == "guest-shutdown"
    assert await it.exit_status() == 0
    assert _words(it) == "The guest powered off."


async def test_a_process_of_the_pod_is_no_driver(launchers: Launchers) -> None:
    async with _launched(launchers) as it:
        done = await _exec(it, "-c", _CONNECT)
        assert (done.returncode, done.stdout) == (0, b"b''\n"), done.stderr
        assert it.client.state["name"] == "created"


async def test_a_process_of_the_pod_asks_at_the_door(launchers: Launchers, plans: Plans) -> None:
    async with _launched(launchers) as it:
        await it.start(plans.qemu())
        done = await _exec(it, "-m", "virtlauncher.inside.machine", "--output", "json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert (answer["launcher"]["pid"], answer["state"]["name"]) == (1, "running")
        done = await _exec(it, "-m", "virtlauncher.inside.qmp", "query-status")
        assert json.loads(done.stdout)["status"] == "running"


_CONNECT = """
import socket
sock = socket.socket(socket.AF_UNIX)
sock.connect("/run/kubemu/sockets/launcher.sock")
sock.settimeout(60)
try:
    print(sock.recv(1))
except ConnectionResetError:
    print(b"")
"""


async def _exec(it: Launched, *words: str) -> subprocess.CompletedProcess[bytes]:
    """As `kubectl exec` does."""
    pid = str(_first(it))
    return await asyncio.to_thread(
        subprocess.run,
        [
            *("nsenter", "-t", pid, "-m", "-p", "-r", "-w", "--"),
            *("setpriv", "--reuid=107", "--regid=107", "--clear-groups", "--no-new-privs"),
            *(sys.executable, *words),
        ],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


def _signal(it: Launched, number: signal.Signals) -> None:
    os.kill(_first(it), number)


def _facts(folder: Path) -> dict[str, Any]:
    qemu = probe_qemu("qemu-system-x86_64", folder / "probes")
    return {"qemu": to_jsonable(qemu), "accel": "tcg", "run_dir": "", "disk_dir": ""}


def _vmi() -> dict[str, Any]:
    disks = [{"name": name, "disk": {"bus": "virtio"}} for name in ("empty", "seed")]
    document = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"namespace": "default", "name": "guest", "uid": "u-1"},
        "spec": {
            "domain": {
                "devices": {"disks": disks, "autoattachPodInterface": False},
                "memory": {"guest": "64Mi"},
            },
            "volumes": [
                {"name": "empty", "emptyDisk": {"capacity": "64Mi"}},
                {"name": "seed", "cloudInitNoCloud": {"userData": "#cloud-config\n"}},
            ],
        },
    }
    parsed = virtcrds.parse(document).object
    assert isinstance(parsed, virtcrds.VirtualMachineInstance)
    return virtcrds.default(parsed).to_json()
