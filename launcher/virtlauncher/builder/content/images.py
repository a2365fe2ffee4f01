"""Which disk is in a file of an untrusted image: format and size, found out by descriptor.

Our own reader goes first and refuses what leads out of the file or costs too much; then, for qcow2,
qemu-img looks at the same descriptor under limits, and both have to see the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from ...value import Value
from . import formats, qcow2
from .formats import Foreign, Format
from .job import Job
from .limits import Limits, limit_process
from .place import Place, shown
from .stores import SECTOR, Store


class Image(Value):
    format: Format
    size: int
    """Bytes that a guest sees: whole sectors."""
    iso: bool = False


def inspect(job: Job, store: Store) -> Image:
    """The disk in *store*. BadVolume names what was found when it is neither raw nor qcow2.

    Of a qcow2 image, qemu-img's look is only begun: the job's `checks` finish it.
    """
    length = store.length()
    with store.reading() as fd:
        head = os.pread(fd, formats.HEAD, 0)
        tail = os.pread(fd, formats.TAIL, max(0, length - formats.TAIL))
        match formats.recognise(head, tail):
            case Foreign() as foreign:
                raise store.place.bad(
                    f"{store.name}: found {foreign.name}; only raw and qcow2 are accepted",
                    hint=foreign.hint,
                )
            case Format.RAW:
                iso = formats.is_iso(head)
                return Image(format=Format.RAW, size=whole_sectors(length), iso=iso)
            case Format.QCOW2:
                size = _inspect_qcow2(store, fd, head, length)
                process = job.handles.enter_context(_qemu_img(store.place, fd, job.limits))
                job.checks.append(lambda: _compare(store, process, size, job.limits))
                return Image(format=Format.QCOW2, size=size)


def whole_sectors(length: int) -> int:
    """*length* rounded up to sectors, as QEMU rounds the size of a raw disk."""
    return -(-length // SECTOR) * SECTOR


def _inspect_qcow2(store: Store, fd: int, head: bytes, length: int) -> int:
    try:
        header = qcow2.parse_header(head)
        qcow2.check_length(header, length, lambda offset, size: os.pread(fd, size, offset))
    except qcow2.BadImage as error:
        hint = "Flatten it: qemu-img convert -O qcow2 IMAGE disk.qcow2"
        raise store.place.bad(f"{store.name} {error}", hint=hint) from error
    return header.size


@contextlib.contextmanager
def _qemu_img(place: Place, fd: int, limits: Limits) -> Iterator[subprocess.Popen[bytes]]:
    """qemu-img looking at the qcow2 image open as *fd*; killed at the end, whatever it does."""
    try:
        started = subprocess.Popen(
            ["qemu-img", "info", "--output", "json", "-f", "qcow2", f"/proc/self/fd/{fd}"],
            pass_fds=[fd],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )
    except OSError as error:
        raise place.failed("qemu-img cannot be started", error) from error
    with started as process:
        try:
            limit_process(process.pid, limits)
            yield process
        finally:
            process.kill()


def _compare(store: Store, process: subprocess.Popen[bytes], size: int, limits: Limits) -> None:
    try:
        output, complaint = process.communicate(timeout=limits.wall_seconds)
    except subprocess.TimeoutExpired as error:
        text = f"{store.name} could not be inspected in {limits.wall_seconds:g} s"
        raise store.place.bad(text) from error
    if process.returncode < 0:
        raise store.place.bad(f"inspecting {store.name} took more CPU or memory than allowed")
    if process.returncode:
        raise store.place.bad(f"{store.name} is a broken qcow2 image: {_reason(complaint)}")
    seen: dict[str, Any] = json.loads(output)
    data = seen.get("format-specific", {}).get("data", {})
    if seen.get("virtual-size") != size or "backing-filename" in seen or "data-file" in data:
        raise store.place.bad(f"{store.name} means different things to different programs")


def _reason(complaint: bytes) -> str:
    """qemu-img's own words, without its name and the descriptor's number."""
    lines = complaint.decode(errors="replace").strip().splitlines()
    return shown(lines[-1].rpartition("': ")[2]) if lines else "qemu-img does not say why"
