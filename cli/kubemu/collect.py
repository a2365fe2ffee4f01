"""One archive with what a bug report needs. What looks like a secret is taken out on the way."""

from __future__ import annotations

import asyncio
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from virtlauncher.errors import LauncherError
from virtlauncher.jsonable import to_jsonable

from .errors import KubemuError
from .machines import Machine, look_at
from .occupancy import CONSOLE_LOG, CONSOLE_LOG_BEFORE
from .redact import scrub, without_secrets

_LOG_LIMIT = 8 * 1024 * 1024
_TOOLS = (
    ("qemu-system-x86_64", "--version"),
    ("qemu-img", "--version"),
    ("skopeo", "--version"),
    ("swtpm", "--version"),
)
_QUESTIONS = ("query-status", "query-block", "query-named-block-nodes", "query-chardev")


async def collect(machine: Machine, version: str) -> dict[str, str]:
    """The files of the archive, by name: texts without secrets."""
    texts: dict[str, Callable[[], str]] = {
        "record.json": lambda: _json(to_jsonable(machine.record)),
        "host.json": lambda: _json(_host(version)),
        "launcher.log": lambda: _log(machine.folders.launcher_log),
        "console.log": lambda: _console(machine),
        "folders.txt": lambda: _listing(machine),
    }
    found = {name: make() for name, make in texts.items()}
    found["live.json"] = _json(await _live(machine))
    return {name: scrub(text) for name, text in found.items()}


def pack(files: Mapping[str, str], head: str, target: Path) -> None:
    """Writes `target`, a tar.gz for its owner alone. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with (
        os.fdopen(os.open(target, flags, 0o600), "wb") as raw,
        tarfile.open(fileobj=raw, mode="w:gz") as archive,
    ):
        for name, text in files.items():
            data = text.encode(errors="replace")
            member = tarfile.TarInfo(f"{head}/{name}")
            member.size, member.mode, member.mtime = len(data), 0o600, int(time.time())
            archive.addfile(member, io.BytesIO(data))


async def _live(machine: Machine) -> dict[str, Any]:
    """What the launcher and QEMU say now; a sentence where they say nothing."""
    look = await look_at(machine)
    found: dict[str, Any] = {"phase": look.phase, "reason": look.reason, "state": dict(look.state)}
    if machine.record.ending is not None:
        return found
    try:
        async with asyncio.timeout(20), machine.connected() as client:
            found["status"] = (await client.call("status")).result
            for question in _QUESTIONS:
                reply = await client.call("qmp", {"command": question})
                found[question] = reply.result.get("answer")
    except (KubemuError, LauncherError, TimeoutError) as error:
        found["error"] = str(error)
    return found


def _host(version: str) -> dict[str, Any]:
    return {
        "kubemu": version,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "cpu": _grep(Path("/proc/cpuinfo"), "model name"),
        "memory": _grep(Path("/proc/meminfo"), "MemTotal"),
        "kvm": Path("/dev/kvm").exists(),
        "tools": {name: _version(name, flag) for name, flag in _TOOLS},
    }


def _version(name: str, flag: str) -> str:
    binary = shutil.which(name)
    if binary is None:
        return "not installed"
    try:
        done = subprocess.run(
            [binary, flag], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout.partition("\n")[0]


def _grep(path: Path, key: str) -> str:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        return str(error)
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _console(machine: Machine) -> str:
    folders = machine.folders
    folder = folders.state if machine.record.ending is not None else folders.run
    return _log(folder / CONSOLE_LOG_BEFORE) + _log(folder / CONSOLE_LOG)


def _log(path: Path) -> str:
    """The newest part of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _LOG_LIMIT, 0))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _listing(machine: Machine) -> str:
    """Names, modes and sizes of the VM's files: no contents."""
    lines = []
    for folder in (machine.folders.state, machine.folders.run):
        for path in sorted(folder.rglob("*")):
            seen = path.lstat()
            lines.append(f"{seen.st_mode:o} {seen.st_uid} {seen.st_size} {path}")
    return "\n".join(lines)


def _json(tree: Any) -> str:
    return json.dumps(without_secrets(tree), indent=1, default=str)
