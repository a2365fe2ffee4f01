"""The real launcher as a process, with a builder that answers as it is told, and tiny guests."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from virtlauncher import client
from virtlauncher.client import Client

HERE = Path(__file__).parent
QEMU = "qemu-system-x86_64"
STUB = (sys.executable, str(HERE / "stub_builder.py"))
"""The launcher with a builder that answers as it is told."""
PATIENCE = 60.0
_TRACEBACK = "Traceback (most recent call last):\n"
"""At a line's end: what a child writes is followed by its name."""
FACTS = {
    "qemu": {"binary": QEMU, "version": [7, 2, 0]},
    "accel": "tcg",
    "run_dir": "",
    "disk_dir": "",
}

# Boot sectors: what a guest must do to be told apart from a dead one.
_POWER_OFF = bytes.fromhex("ba0406 b80020 ef f4 ebfd")  # PM1a control := S5, then halt.
# Enable the power button's event, wait for its status bit.
_OBEY = bytes.fromhex("ba0206 b80001 ef ba0006 ed f6c401 74f7") + _POWER_OFF
GUESTS = {
    "idle": bytes.fromhex("fa f4 ebfd"),
    "power-off": _POWER_OFF,
    "obedient": b"\xfa" + _OBEY,
    "greeter": bytes.fromhex("fa baf803 b042 ee") + _OBEY,  # 'B' on COM1, then obedient.
    # '>' on COM1, then everything that comes in goes out.
    "echo": bytes.fromhex("fa baf803 b03e ee bafd03 ec a801 74f8 baf803 ec ee ebf1"),
    # 0 to 255 for ever, each when the one before is out.
    "count": bytes.fromhex("fa b300 bafd03 ec a820 74fb baf803 88d8 ee fec3 ebee"),
    "flood": bytes.fromhex("fa baf803 b041 ee ebfd"),  # 'A' for ever.
    # Read sector 2 of the boot disk (dl) again and again through the firmware.
    "reader": bytes.fromhex("31c0 8ec0 bb007e b80102 b90200 b600 cd13 ebee"),
}


@dataclasses.dataclass(kw_only=True)
class Launched:
    """A launcher and a greeted connection to it."""

    process: subprocess.Popen[bytes]
    run_dir: Path
    client: Client

    @property
    def control(self) -> Path:
        return self.run_dir / "launcher.sock"

    async def start(
        self, plan: Mapping[str, Any], fds: Mapping[str, int] | None = None, **facts: Any
    ) -> dict[str, Any]:
        """`start` of a plan that the stub builder hands through."""
        return await self.begin({"plan": plan}, fds, **facts)

    async def begin(
        self, stub: Mapping[str, Any], fds: Mapping[str, int] | None = None, **facts: Any
    ) -> dict[str, Any]:
        vmi = {"metadata": {"namespace": "default", "name": "guest", "uid": "u-1"}, "stub": stub}
        arguments = {"vmi": vmi, "facts": {**FACTS, **facts}}
        return (await self.client.call("start", arguments, fds=fds, within=PATIENCE)).result

    async def do(self, call: str, **arguments: Any) -> dict[str, Any]:
        return (await self.client.call(call, arguments, within=PATIENCE)).result

    async def until(self, *names: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await self.client.until(*names)

    async def ended(self) -> dict[str, Any]:
        """The ending, when it has come."""
        ending: dict[str, Any] = (await self.until("ended"))["ending"]
        return ending

    async def exit_status(self) -> int:
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    @contextlib.asynccontextmanager
    async def console(self) -> AsyncIterator[socket.socket]:
        """An attached console, with a time limit on each wait."""
        reply = await self.client.call("console", within=PATIENCE)
        with socket.socket(fileno=reply.fds["console"]) as sock:
            sock.settimeout(PATIENCE)
            yield sock

    def qemu(self) -> int:
        """QEMU's pid."""
        return int(self.client.state["pid"])


class Launchers:
    """Starts launchers, and shows their logs when a test has failed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._logs: list[Path] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    @contextlib.asynccontextmanager
    async def __call__(
        self, *options: str, before: Sequence[str] = (), name: str = "run"
    ) -> AsyncIterator[Launched]:
        """A launcher with the stub builder; `before` is put in front of its command line."""
        run_dir = self.folder / name
        process = self.spawn(run_dir, *options, before=before)
        async with client.connect(run_dir / "launcher.sock", role="test", within=PATIENCE) as it:
            yield Launched(process=process, run_dir=run_dir, client=it)

    def spawn(
        self, run_dir: Path, *options: str, before: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        argv = [*before, *STUB, "--run-dir", str(run_dir), "--standalone", *options]
        return self.run(argv, run_dir.name)

    def run(self, argv: Sequence[str], name: str) -> subprocess.Popen[bytes]:
        """Any command line; its output is shown when a test has failed."""
        log = self.folder / f"{name}.log"
        self._logs.append(log)
        with log.open("ab") as file:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        self._processes.append(process)
        return process

    def finish(self) -> None:
        for process in self._processes:
            process.kill()  # Their QEMUs die with them.
            process.wait()
        for log in self._logs:
            print(f"--- {log.name}\n{log.read_text(errors='replace')}")
        failed = [log for log in self._logs if _TRACEBACK in log.read_text(errors="replace")]
        assert failed == [], "an unexpected failure in a launcher"


@pytest.fixture
def launchers(tmp_path: Path) -> Iterator[Launchers]:
    made = Launchers(tmp_path)
    yield made
    made.finish()


class Plans:
    """Plans of small machines, as the builder would make them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def disk(self, guest: str, size: int = 1 << 20) -> Path:
        """A disk that boots one of GUESTS."""
        path = self._folder / f"{guest}.raw"
        code = GUESTS[guest]
        path.write_bytes(code.ljust(510, b"\0") + b"\x55\xaa" + b"\0" * (size - 512))
        return path

    def qemu(self, guest: str = "", *more: str, **changes: Any) -> dict[str, Any]:
        """A real QEMU that boots `guest`, or nothing."""
        argv = [QEMU, "-S", "-machine", "q35", "-accel", "tcg,tb-size=16", "-m", "32"]
        argv += ["-nodefaults", "-no-user-config", "-display", "none", "-vnc", "none"]
        argv += ["-chardev", "socket,id=monitor,fd=100", "-mon", "chardev=monitor,mode=control"]
        argv += ["-chardev", "socket,id=debug,fd=101,server=on,wait=off"]
        argv += ["-mon", "chardev=debug,mode=control"]
        argv += ["-chardev", "socket,id=serial0,fd=102", "-serial", "chardev:serial0"]
        if guest:
            argv += boot(str(self.disk(guest)))
        argv += [*sandbox(), *more]
        names = ("monitor", "debug-monitor", "serial0")
        return {**_plan(argv, names), **changes}

    def fake(self, *behaviour: str, **changes: Any) -> dict[str, Any]:
        """A QEMU that misbehaves: see fake_qemu.py."""
        argv = [sys.executable, str(HERE / "fake_qemu.py"), *behaviour]
        names = ("monitor", "agent") if behaviour[0] == "agent" else ("monitor",)
        return {**_plan(argv, names), **changes}


def boot(file: str, *, node: str = "disk") -> list[str]:
    return [
        "-blockdev",
        f'{{"driver":"file","filename":"{file}","node-name":"{node}-file"}}',
        "-blockdev",
        f'{{"driver":"raw","file":"{node}-file","node-name":"{node}"}}',
        "-device",
        f"ide-hd,drive={node},bus=ide.0,id={node}-device",
    ]


def sandbox() -> list[str]:
    return ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]


def _plan(argv: list[str], names: Sequence[str]) -> dict[str, Any]:
    numbers = {"monitor": 100, "debug-monitor": 101, "serial0": 102, "agent": 103, "tpm": 104}
    return {
        "argv": argv,
        "descriptors": [{"name": name, "number": numbers[name]} for name in names],
        "abi": {
            "machine": "pc-q35-7.2",
            "cpu": "qemu64",
            "smp": "1",
            "memory": 32 << 20,
            "memory_backend": "ram",
            "devices": {},
            "macs": {},
            "host_mtu": {},
            "firmware": "bios",
        },
        "grace": 30,
    }


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    return Plans(tmp_path)


def peak_memory(pid: int) -> float:
    """The most that a process ever had in memory, MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(PATIENCE):
        while alive(pid):  # noqa: ASYNC110 (nobody tells of a process that is not ours)
            await asyncio.sleep(0.01)


def descriptors_of(pid: int) -> dict[int, str]:
    """What a process has open."""
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[int(link.name)] = str(link.readlink())
    return found
