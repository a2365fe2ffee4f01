"""`python -m bench.memory`: what the processes of one VM weigh beside the guest's own memory.

For the pod's memory overhead (virtoperator.controller.pod.overhead): the builder and qemu-img at
their peak, the resident, and what QEMU has beyond the guest's memory once a guest has booted and
worked, by the guest's number of CPUs and its memory, which decides about the buffer for translated
code.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import start
from images.guests.catalog import Guest, GuestName, build
from virtcrds import VirtualMachineInstance, default, parse
from virtlauncher import client, framing

MIB = 1 << 20
GUESTS = ((1, 512), (2, 512), (4, 512), (1, 2048))
"""Virtual CPUs, and MiB of memory, of the guests that are booted."""
WORK = "#!/bin/sh\nfind / -xdev -type f | xargs cat | sha256sum\n"
DONE = b"user-data-exit"
LIMIT = 240.0
BUILDER = """
import os, sys
from virtlauncher import facts, framing, plan
pid = os.fork()
if pid == 0:
    from virtlauncher.builder import process
    os._exit(process.build(int(sys.argv[1])))
print(os.wait4(pid, 0)[2].ru_maxrss)
"""
"""A builder, begun as a launcher begins it; its greatest RSS in KiB."""
CHILD = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weight:
    """PSS in MB (10^6 bytes)."""

    resident: float
    qemu: float
    """Without the guest's memory and the buffer."""
    buffer: float
    """Translated code, of which the buffer (tb-size) can hold more."""
    touched: float
    """The guest's memory, as far as it has touched it."""


def vmi(vcpus: int, memory: int) -> Mapping[str, Any]:
    """The bench's VM with another size, and work to do."""
    document = json.loads(json.dumps(start.DOCUMENT))
    domain = document["spec"]["domain"]
    domain |= {"cpu": {"sockets": vcpus}, "memory": {"guest": f"{memory}Mi"}}
    document["spec"]["volumes"][1]["cloudInitNoCloud"]["userData"] = WORK
    parsed = parse(document).object
    assert isinstance(parsed, VirtualMachineInstance)
    return default(parsed).to_json()


def booting(bench: start.Bench, guest: Guest, vcpus: int, memory: int) -> start.Bench:
    image = bench.folder / "image" / "disk" / "disk.img"
    image.unlink(missing_ok=True)
    image.hardlink_to(guest.qcow2)
    return dataclasses.replace(bench, vmi=vmi(vcpus, memory))


def builder_peak(bench: start.Bench) -> float:
    """MB of RSS, what it shares with the launcher included."""
    ours, theirs = socket.socketpair()
    with (
        ours,
        subprocess.Popen(
            [sys.executable, "-P", "-c", BUILDER, str(theirs.fileno())],
            env=start.ENVIRONMENT,
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
        ) as process,
    ):
        theirs.close()
        framing.send(ours, {"vmi": bench.vmi, "facts": bench.facts.to_json()})
        answer, fds = framing.receive(ours)
        framing.close_all(fds.values())
        if "plan" not in answer:
            raise SystemExit(f"no plan: {answer}")
        output, _ = process.communicate()
        return int(output) * 1024 / 1e6


def qemu_img_peak(guest: Guest) -> float:
    """MB of RSS of a look at a qcow2 image."""
    argv = ["qemu-img", "info", "-f", "qcow2", str(guest.qcow2)]
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, *argv], check=True, capture_output=True, text=True
    )
    return int(ran.stdout) * 1024 / 1e6


async def weigh(bench: start.Bench, pid: int, memory: int) -> Weight:
    """Once the guest has booted and done its work."""
    path = Path(bench.facts.run_dir) / "launcher.sock"
    async with asyncio.timeout(LIMIT), client.connect(path, role="bench") as peer:
        await peer.call("start", {"vmi": bench.vmi, "facts": bench.facts.to_json()})
        console = (await peer.call("console")).fds["console"]
        with socket.socket(fileno=console) as sock:
            await asyncio.to_thread(until, sock, DONE)
        qemu = int(peer.state["pid"])
        pieces = list(mappings(qemu))
        guest = sum(pss for size, pss, _ in pieces if size == memory * MIB)
        buffer = sum(pss for _, pss, rights in pieces if rights == "rwxp")
        whole = sum(pss for _, pss, _ in pieces)
        return Weight(
            resident=start.memory(pid)[0],
            qemu=(whole - guest - buffer) / 1e6,
            buffer=buffer / 1e6,
            touched=guest / 1e6,
        )


def until(sock: socket.socket, words: bytes) -> None:
    sock.settimeout(LIMIT)
    said = b""
    while words not in said:
        if not (data := sock.recv(65536)):
            raise SystemExit(f"the guest went away: {said[-500:]!r}")
        said += data


def mappings(pid: int) -> Iterator[tuple[int, int, str]]:
    """Of a process: bytes of each mapping, of its PSS, and its access rights."""
    size, rights = 0, ""
    for row in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", row):
            size, rights = int(found[2], 16) - int(found[1], 16), found[3]
        elif row.startswith("Pss:"):
            yield size, int(row.split()[1]) * 1024, rights


def main() -> None:
    guest = build(GuestName.TINY)
    print("| what | MB |\n| --- | --- |")
    with tempfile.TemporaryDirectory(prefix="kubemu-bench-", dir=guest.folder.parent) as folder:
        prepared = start.prepare(Path(folder))
        first = booting(prepared, guest, 1, 512)
        for name in (first.facts.run_dir, first.facts.disk_dir):
            Path(name).mkdir(exist_ok=True)
        print(f"| builder at its peak, RSS | {builder_peak(first):.0f} |")
        print(f"| qemu-img at its peak, RSS | {qemu_img_peak(guest):.0f} |", flush=True)
        for vcpus, memory in GUESTS:
            bench = booting(prepared, guest, vcpus, memory)
            with start.launcher(bench) as process:
                weight = asyncio.run(weigh(bench, process.pid, memory))
            what = f"{vcpus} vCPU, {memory} MiB ({weight.touched:.0f} MB touched)"
            print(f"| {what}: QEMU without its buffer, PSS | {weight.qemu:.0f} |")
            print(f"| {what}: translated code, PSS | {weight.buffer:.0f} |")
            print(f"| {what}: resident, PSS | {weight.resident:.0f} |", flush=True)


if __name__ == "__main__":
    main()
