"""A QEMU of its own for a test of a guest: its console, its monitor, its evidence."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import re
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pycdlib
from qemu.qmp import QMPClient

from images.guests.catalog import Guest
from images.guests.report import Line, find_line

Found = TypeVar("Found")

LIMIT = 250.0
# Output, then a prompt. The shell asks the terminal where its cursor is; nobody answers.
PROMPT = r"((?s:.*\n)?)[^\n]*[#$] (\x1b\[6n)?$"
BASE = (
    *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,tb-size=64"),
    *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
)


@dataclasses.dataclass
class Machine:
    """A running QEMU; `console` grows as the guest prints."""

    process: asyncio.subprocess.Process
    monitor: QMPClient
    writer: asyncio.StreamWriter
    console: str = ""
    grown: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def read_console(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            self.console += data.decode(errors="replace")
            self.grown.set()

    async def until(self, found: Callable[[], Found | None], limit: float = LIMIT) -> Found:
        """Wait until the console has what `found` looks for."""
        async with asyncio.timeout(limit):
            while (value := found()) is None:
                self.grown.clear()
                await self.grown.wait()
            return value

    async def line(self, kind: str, **values: str) -> Line:
        return await self.until(lambda: find_line(self.console, kind, **values))

    async def match(self, pattern: str, start: int = 0, limit: float = LIMIT) -> re.Match[str]:
        return await self.until(lambda: re.compile(pattern).search(self.console, start), limit)

    def type(self, text: str) -> None:
        self.writer.write(text.encode())

    async def ask(self, command: str) -> str:
        """Type a command at a shell's prompt and return what it printed (without report lines)."""
        start = len(self.console)
        self.type(f"{command}\n")
        echo = await self.match(re.escape(command) + r"\r?\n", start)
        answer = await self.match(PROMPT, echo.end())
        lines = answer[1].replace("\r", "").splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("kubemu-guest: "))

    async def ended(self) -> int:
        """QEMU's exit status; it ends when the guest powers off."""
        async with asyncio.timeout(LIMIT):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def start_machine(folder: Path, *arguments: str, memory: int = 128) -> AsyncIterator[Machine]:
    """Run QEMU with these arguments besides BASE; `folder` takes its log."""
    serial, serial_end = socket.socketpair()
    monitor, monitor_end = socket.socketpair()
    argv = (
        *(*BASE, "-m", str(memory)),
        *("-chardev", f"socket,id=serial,fd={serial_end.fileno()}", "-serial", "chardev:serial"),
        *("-chardev", f"socket,id=monitor,fd={monitor_end.fileno()}"),
        *("-mon", "chardev=monitor,mode=control", *arguments),
    )
    log = folder / "qemu.log"
    with log.open("w") as errors:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stderr=errors,
            pass_fds=(serial_end.fileno(), monitor_end.fileno()),
        )
    serial_end.close()
    monitor_end.close()
    reader, writer = await asyncio.open_connection(sock=serial)
    client = QMPClient("guest-test")
    machine = Machine(process, client, writer)
    reading = asyncio.create_task(machine.read_console(reader))
    try:
        await client.connect(monitor)
        yield machine
    except BaseException:
        print("argv:", *argv, "\nqemu:", log.read_text(), "\nconsole:", machine.console)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading
        writer.close()
        with contextlib.suppress(Exception):
            await client.disconnect()


def write_seed(path: Path, label: str, files: Mapping[str, bytes]) -> Path:
    """An ISO as KubeVirt makes its seeds: names in Rock Ridge and Joliet."""
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=4, vol_ident=label, joliet=3, rock_ridge="1.09")
    made = set()
    for name, data in files.items():
        for folder in reversed(Path(name).parents[:-1]):
            if folder not in made:
                made.add(folder)
                iso.add_directory(
                    f"/{folder}".upper(), rr_name=folder.name, joliet_path=f"/{folder}"
                )
        iso.add_fp(
            io.BytesIO(data),
            len(data),
            f"/{name}".upper(),
            rr_name=Path(name).name,
            joliet_path=f"/{name}",
        )
    iso.write(str(path))
    iso.close()
    return path


def direct(guest: Guest, *options: str) -> tuple[str, ...]:
    """Boot the guest's kernel directly, with these words on its command line."""
    words = " ".join(("console=ttyS0", "quiet", *options))
    return ("-kernel", str(guest.kernel), "-initrd", str(guest.initrd), "-append", words)


def disk(
    path: Path, name: str, kind: str = "raw", device: str = "virtio-blk-pci"
) -> tuple[str, ...]:
    """A disk whose file stays as it is; `name` is its id and its serial."""
    # QEMU's ATA disks cannot be read-only: what is written to them is dropped instead.
    kept = "snapshot=on" if device.startswith("ide-hd") else "readonly=on"
    return (
        *("-drive", f"if=none,id={name},file={path},format={kind},{kept}"),
        *("-device", f"{device},drive={name},serial={name}"),
    )
