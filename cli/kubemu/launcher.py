"""Starting a launcher, and finding the one that runs."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import BinaryIO

from virtlauncher import client
from virtlauncher.client import Client
from virtlauncher.errors import WireError

from .errors import LauncherDied, Unreachable
from .folders import VmFolders
from .processes import Identity, find_identity

ROLE = "kubemu"
_SOCKET = "launcher.sock"
_LAST_WORDS = "termination"
_PATIENCE = 10.0
"""Seconds for a launcher to greet: Python starts, on a busy machine."""
_INTERVAL = 0.01
_KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
"""What a launcher inherits of our environment: the rest is none of its business."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Launcher:
    """A launcher that we started: our child."""

    process: asyncio.subprocess.Process
    identity: Identity


def socket_path(folders: VmFolders) -> Path:
    return folders.run / _SOCKET


def last_words(folders: VmFolders) -> str:
    """The launcher's termination message, or empty."""
    try:
        return (folders.run / _LAST_WORDS).read_text(errors="replace").strip()
    except FileNotFoundError:
        return ""


async def start_launcher(folders: VmFolders, env: Mapping[str, str]) -> Launcher:
    """A launcher in a session of its own: it outlives us and our terminal."""
    with _open_log(folders.launcher_log) as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "virtlauncher"),
            *("--run-dir", str(folders.run)),
            *("--disk-dir", str(folders.disks)),
            *("--termination-log", str(folders.run / _LAST_WORDS)),
            *("--log-format", "json"),
            "--standalone",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={name: env[name] for name in _KEPT if name in env},
            cwd="/",
            start_new_session=True,
        )
    identity = find_identity(process.pid)
    if identity is None:
        raise LauncherDied(f"the launcher ended at once: {last_line(folders.launcher_log)}")
    return Launcher(process=process, identity=identity)


async def wait_listening(launcher: Launcher, folders: VmFolders) -> None:
    """Until its socket is there. Raises LauncherDied when it ends instead."""
    path = socket_path(folders)
    while not path.exists():
        if launcher.process.returncode is not None:
            raise LauncherDied(
                f"the launcher ended with status {launcher.process.returncode}: "
                f"{last_line(folders.launcher_log)}"
            )
        # There is no event to wait for: the socket is made by a name in a folder.
        await asyncio.sleep(_INTERVAL)


@contextlib.asynccontextmanager
async def connect(folders: VmFolders, patience: float = _PATIENCE) -> AsyncIterator[Client]:
    """The VM's launcher. Raises Unreachable when none answers within `patience` seconds."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            launcher = await stack.enter_async_context(
                client.connect(socket_path(folders), role=ROLE, within=patience)
            )
        except WireError as error:
            raise Unreachable(error.message) from error
        yield launcher


def find_listener(folders: VmFolders) -> Identity | None:
    """Who listens on the VM's socket, if anybody does: a launcher that nobody noted down."""
    path = socket_path(folders)
    try:
        handle = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(f"/proc/self/fd/{handle}/{path.name}")
            credentials = probe.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
            )
            return find_identity(struct.unpack("3i", credentials)[0])
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    finally:
        os.close(handle)


def _open_log(path: Path) -> BinaryIO:
    """A log of this run alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def last_line(path: Path) -> str:
    """The last line of a log, for a sentence about why it ended."""
    try:
        lines = path.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
