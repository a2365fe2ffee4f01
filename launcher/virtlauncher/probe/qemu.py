"""What a QEMU binary can do: asked once over QMP, kept until the binary changes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import LaunchFailed, Refused
from ..facts import Qemu
from ..jsonable import from_jsonable, to_jsonable
from . import store
from .firmware import find_firmware

MINIMUM = (7, 2, 0)
"""The oldest QEMU that has everything the launcher relies on, and the oldest that is tested."""
_NAMES = ("qemu-system-x86_64", "/usr/libexec/qemu-kvm")
_MODULES = ("/usr/lib/x86_64-linux-gnu/qemu", "/usr/lib64/qemu", "/usr/lib/qemu")
_FORMAT = 2
_TIMEOUT = 30.0
_LINE_LIMIT = 16 * 1024 * 1024
_HINT = "install QEMU for x86: qemu-system-x86 (Debian, Ubuntu) or qemu-kvm (Fedora, RHEL)"


def find_qemu() -> str:
    """Path of this machine's QEMU. Raises LaunchFailed when there is none."""
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    raise LaunchFailed("there is no QEMU on this machine", hint=_HINT)


def probe_qemu(binary: str, cache_dir: Path) -> Qemu:
    """What `binary` (a path, or a name on PATH) can do, and what there is on this machine for it.

    Raises LaunchFailed when it is missing or does not answer, Refused when it is too old.
    """
    path = shutil.which(binary)
    if path is None:
        raise LaunchFailed(f"{binary} is no program on this machine", hint=_HINT)
    kept = cache_dir / f"qemu-{store.key_of(_FORMAT, store.identity(path), _modules())}.json"
    qemu = _read(store.read(kept))
    if qemu is None:
        qemu = _ask(path)
        store.write(kept, to_jsonable(qemu))
    if qemu.version < MINIMUM:
        raise Refused(
            f"QEMU {_dotted(qemu.version)} is too old: at least {_dotted(MINIMUM)} is needed"
        )
    return dataclasses.replace(
        qemu,
        binary=path,
        firmware=find_firmware(),
        swtpm=shutil.which("swtpm") or "",
        vhost_vsock=os.access("/dev/vhost-vsock", os.R_OK | os.W_OK),
    )


def _ask(path: str) -> Qemu:
    with _monitor(path) as ask:
        ask("qmp_capabilities", {})
        version = ask("query-version", {})["qemu"]
        machines = ask("query-machines", {})
        models = ask("query-cpu-definitions", {})
        devices = ask("qom-list-types", {"implements": "device", "abstract": False})
        schema = ask("query-qmp-schema", {})
    return Qemu(
        binary=path,
        version=(version["major"], version["minor"], version["micro"]),
        machine_aliases={m["alias"]: m["name"] for m in machines if "alias" in m},
        machines=tuple(sorted(m["name"] for m in machines)),
        cpu_models=tuple(sorted(m["name"] for m in models)),
        devices=tuple(sorted(d["name"] for d in devices)),
        aio=_aio(schema),
    )


def _aio(schema: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What this build has of BlockdevAioOptions: the values of a file's `aio` in blockdev-add.

    The schema has no names for types: the way there leads from the command's arguments.
    """
    entries = {entry["name"]: entry for entry in schema}
    options = entries[entries["blockdev-add"]["arg-type"]]
    drivers = {variant["case"]: variant["type"] for variant in options["variants"]}
    members = {member["name"]: member["type"] for member in entries[drivers["file"]]["members"]}
    return tuple(entries[members["aio"]]["values"])


@contextlib.contextmanager
def _monitor(path: str) -> Iterator[Any]:
    ours, theirs = socket.socketpair()
    argv = [path, "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none"]
    argv += ["-chardev", f"socket,id=m,fd={theirs.fileno()}", "-mon", "chardev=m,mode=control"]
    with ours, theirs:
        ours.settimeout(_TIMEOUT)
        try:
            process = subprocess.Popen(
                argv,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                cwd="/",
            )
        except OSError as error:
            raise LaunchFailed(f"{path} cannot be run: {error.strerror}", hint=_HINT) from error
        theirs.close()
        with process, ours.makefile("rb") as lines:
            try:
                _next(lines)  # The greeting.
                yield lambda command, arguments: _execute(ours, lines, command, arguments)
            except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
                raise _failed(path, process, error) from error
            finally:
                process.kill()


def _execute(sock: socket.socket, lines: Any, command: str, arguments: Mapping[str, Any]) -> Any:
    sock.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
    while "return" not in (answer := _next(lines)):
        if "error" in answer:
            raise ValueError(answer["error"])
    return answer["return"]


def _next(lines: Any) -> dict[str, Any]:
    line = lines.readline(_LINE_LIMIT)
    if not line:
        raise EOFError("it closed the monitor")
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise TypeError("it does not speak QMP")
    return answer


def _failed(path: str, process: subprocess.Popen[bytes], error: Exception) -> LaunchFailed:
    process.kill()
    assert process.stderr is not None
    said = process.stderr.read(_LINE_LIMIT).decode(errors="replace").strip().splitlines()
    return LaunchFailed(f"{path} cannot be asked what it can do: {said[-1] if said else error}")


def _read(tree: Any) -> Qemu | None:
    try:
        return from_jsonable(Qemu, tree)
    except ValueError:
        return None


def _modules() -> list[tuple[str, int, int]]:
    """Installing a module adds devices, and leaves the binary as it is."""
    return [store.identity(folder) for folder in _MODULES if Path(folder).is_dir()]


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))
