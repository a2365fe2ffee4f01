"""The proof of KVM: a stock Linux kernel has to get through its boot.

The device may exist, open, create VMs and run firmware, and still hang every stock kernel (nested
or paravirtual backends). So nothing less than a kernel counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import selectors
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from ..facts import Qemu
from . import store

DEVICE = Path("/dev/kvm")
TIMEOUT = 20.0
"""Seconds in which a kernel that boots in two must have booted."""
SILENCE = 8.0
"""Seconds without a word from it, after which there will be none."""
SHIPPED_KERNEL = Path("/usr/lib/kubemu/vmlinuz")
"""In the launcher's image, for this proof."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FORMAT = 1
_MEMORY = 256
_OUTPUT_LIMIT = 1024 * 1024
_CHUNK = 16 * 1024
_ALIVE = b"Linux version"
_THROUGH = (
    b"Kernel panic - not syncing: VFS",
    b"Kernel panic - not syncing: No working init",
    b" as init process",
)
"""The kernel has set itself up and looks for its root or its init, which it may well lack."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class KvmVerdict:
    usable: bool
    why: str
    """A sentence: what was seen."""


def prove_kvm(
    qemu: Qemu,
    kernel: Path | None,
    cpu: str = "host",
    *,
    timeout: float = TIMEOUT,
    cache_dir: Path | None = None,
    device: Path = DEVICE,
) -> KvmVerdict:
    """Boot `kernel` with KVM and the CPU model that VMs will get; at most `timeout` seconds.

    A proof is kept in `cache_dir` until the machine boots again, or QEMU or the kernel change.
    """
    if (obstacle := _obstacle(device, kernel)) or kernel is None:
        return KvmVerdict(usable=False, why=obstacle)
    if cache_dir is None:
        return _boot(qemu, kernel, cpu, timeout)
    boot = _BOOT_ID.read_text().strip()
    depends = (_FORMAT, boot, store.identity(qemu.binary), store.identity(kernel), cpu)
    kept = cache_dir / f"kvm-{store.key_of(*depends)}.json"
    answer = store.read(kept)
    if isinstance(answer, dict) and isinstance(answer.get("usable"), bool):
        return KvmVerdict(usable=answer["usable"], why=str(answer.get("why", "")))
    verdict = _boot(qemu, kernel, cpu, timeout)
    store.write(kept, dataclasses.asdict(verdict))
    return verdict


def find_probe_kernel(more: Iterable[Path] = ()) -> Path | None:
    """A Linux kernel that can be read: of `more`, else the shipped one, else this machine's."""
    boot = Path("/boot")
    candidates = [
        *more,
        SHIPPED_KERNEL,
        boot / f"vmlinuz-{platform.release()}",
        Path("/lib/modules") / platform.release() / "vmlinuz",
        *sorted(boot.glob("vmlinuz-*"), reverse=True),
        *sorted(Path("/lib/modules").glob("*/vmlinuz"), reverse=True),
    ]
    return next((path for path in candidates if path.is_file() and os.access(path, os.R_OK)), None)


def _obstacle(device: Path, kernel: Path | None) -> str:
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return f"there is no {device}"
    except OSError as error:
        return f"{device} cannot be opened: {error.strerror}"
    if kernel is None:
        return "KVM is not proved: there is no Linux kernel here to boot with it"
    return ""


def _boot(qemu: Qemu, kernel: Path, cpu: str, timeout: float) -> KvmVerdict:
    argv = [qemu.binary, "-machine", "q35", "-accel", "kvm", "-cpu", cpu, "-m", str(_MEMORY)]
    argv += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    argv += ["-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial"]
    argv += ["-kernel", str(kernel), "-append", "earlyprintk=ttyS0 console=ttyS0 panic=-1"]
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return KvmVerdict(usable=False, why=f"{qemu.binary} cannot be run: {error.strerror}")
    with process:
        try:
            serial, words = _listen(process, time.monotonic() + timeout)
            ended = process.poll()
        finally:
            process.kill()  # `with` waits for it.
    return _judge(serial, words, ended)


def _listen(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """What came on the serial console and on standard error, until there is no more to learn."""
    assert process.stdout is not None and process.stderr is not None
    heard = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in heard:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            if not (ready := selector.select(min(left, SILENCE))):
                break
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                buffer = heard[key.fileobj]  # type: ignore[index]
                buffer += data
                if not data:
                    selector.unregister(key.fileobj)
                if _is_through(heard[process.stdout]) or len(buffer) > _OUTPUT_LIMIT:
                    deadline = 0
        if not selector.get_map():  # It is ending; an abort takes a while.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
    return bytes(heard[process.stdout]), bytes(heard[process.stderr])


def _is_through(serial: bytes | bytearray) -> bool:
    return _ALIVE in serial and any(mark in serial for mark in _THROUGH)


def _judge(serial: bytes, words: bytes, ended: int | None) -> KvmVerdict:
    if _is_through(serial):
        return KvmVerdict(usable=True, why="a Linux kernel booted with it")
    if ended is not None:
        how = f"signal {-ended}" if ended < 0 else f"exit status {ended}"
        said = f": {line}" if (line := _last_line(words)) else ""
        return KvmVerdict(usable=False, why=f"QEMU ended with {how} under KVM{said}")
    last = _last_line(serial)
    where = f"after {last!r}" if last else "without a word"
    return KvmVerdict(usable=False, why=f"a Linux kernel under KVM got stuck {where}")


def _last_line(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
    text = next((line for line in reversed(lines) if line), "")
    return "".join(c for c in text if c.isprintable())[:300]
