"""The one owner of the cluster's daemons: starts them, finds them again, ends them.

A daemon outlives the command that started it. It is found again by a record (pid, start time,
name), so that a number the kernel gave to another process since is never mistaken for it; and every
process carries a mark in its environment, which finds what an interrupted command did not record.
"""

from __future__ import annotations

import datetime
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import tools
from .errors import StepFailed

_MARK = "KUBEMU_CLUSTER_COMPONENT"
_COMM_LENGTH = 15


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process as the kernel knows it: the pid alone is reused, the three together are not."""

    pid: int
    start: int
    """Clock ticks since the machine's start."""
    comm: str
    boot: str

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return observe_process(self.pid) == self

    @property
    def started(self) -> datetime.datetime:
        """When it was started, by the clock of the wall."""
        now, since_boot = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
        seconds = now - since_boot + self.start / os.sysconf("SC_CLK_TCK")
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def observe_process(pid: int) -> Process | None:
    """The process of this pid, unless there is none or it is dead and only not reaped yet."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = after.split()
    if fields[0] in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Process(pid=pid, start=int(fields[19]), comm=before.partition("(")[2], boot=boot)


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """A program that stays, as it is to be started."""

    name: str
    """The component's name, as people type it: `etcd`, `kubelet@node-a`."""
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    enter: tuple[str, ...] = ()
    """What leads into namespaces (unshare, nsenter); the daemon is then its only child."""

    @property
    def comm(self) -> str:
        """The name the kernel shows; shims and helpers inherit the mark but not the name."""
        return Path(self.argv[0]).name[:_COMM_LENGTH]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The daemons of one cluster, by component name."""

    records: Path
    logs: Path

    def find(self, name: str) -> Process | None:
        """The running process of a component, if it runs."""
        try:
            process = Process(**json.loads(self._record(name).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # never started, or the power went while it was written
        return process if process.alive else None

    def log(self, name: str) -> Path:
        """Where the component's output goes."""
        return self.logs / f"{name}.log"

    def start(self, daemon: Daemon) -> Process:
        """Starts a daemon, or returns the one that runs; StepFailed if it ends at once."""
        if running := self.find(daemon.name):
            return running
        self.stop(daemon)
        self.logs.mkdir(parents=True, exist_ok=True)
        child = self._spawn(daemon)
        process = self._settled(daemon, child)
        self._write(daemon.name, process)
        return process

    def _spawn(self, daemon: Daemon) -> int:
        """Starts the daemon in a session of its own; it is meant to outlive this command."""
        log = str(self.log(daemon.name))
        argv = [*daemon.enter, *daemon.argv]
        return os.posix_spawnp(
            argv[0],
            argv,
            {**daemon.env, _MARK: self._mark(daemon.name)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )

    def stop(self, daemon: Daemon) -> None:
        """Kills a component, recorded or only marked, and waits until it is gone."""

        def left() -> set[Process]:
            marked = {p for p in self._marked(daemon.name) if p.comm == daemon.comm}
            return marked | self._recorded(daemon.name)

        if _killed(left):
            raise StepFailed(f"{daemon.name} does not end.")
        self._record(daemon.name).unlink(missing_ok=True)

    def stop_all(self) -> None:
        """Kills everything that carries this cluster's mark, and waits until it is gone."""
        if stubborn := _killed(lambda: {*self.marked(), *self._recorded()}):
            names = ", ".join(f"{p.comm} ({p.pid})" for p in stubborn)
            raise StepFailed(f"Processes of the cluster do not end: {names}.")

    def marked(self) -> list[Process]:
        """Every live process that this cluster started, children included."""
        return list(self._marked(""))

    def _settled(self, daemon: Daemon, child: int) -> Process:
        """The daemon's own process, once it is the program and not what leads to it."""
        found: list[Process] = []

        def is_there() -> bool:
            pid = _only_child(child) if daemon.enter else child
            process = observe_process(pid) if pid else None
            # The kernel shows a program's environment a moment after it shows its name.
            named = process is not None and process.comm == daemon.comm
            if process and named and self._is_marked(process.pid, daemon.name):
                found.append(process)
            return bool(found) or observe_process(child) is None

        if not tools.wait_until(is_there, limit=20, interval=0.01) or not found:
            log = tools.tail_of(self.log(daemon.name))
            raise StepFailed(f"{daemon.name} did not start.", log=log)
        return found[0]

    def _write(self, name: str, process: Process) -> None:
        self.records.mkdir(parents=True, exist_ok=True)
        fresh = self._record(name).with_suffix(".new")
        fresh.write_text(json.dumps(asdict(process)))
        fresh.replace(self._record(name))

    def _record(self, name: str) -> Path:
        return self.records / f"{name}.json"

    def _recorded(self, name: str = "*") -> set[Process]:
        """The components that run. One that is dying may have lost its mark already."""
        names = (path.stem for path in self.records.glob(f"{name}.json"))
        return {process for name in names if (process := self.find(name))}

    def _mark(self, name: str) -> str:
        return f"{self.records}//{name}"

    def _marked(self, name: str) -> Iterator[Process]:
        """Processes started with this component's mark, of all components if the name is empty."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._is_marked(int(entry.name), name):
                process = observe_process(int(entry.name))
                if process is not None:
                    yield process

    def _is_marked(self, pid: int, name: str) -> bool:
        mark = f"{_MARK}={self._mark(name)}".encode()
        try:
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:  # gone meanwhile
            return False
        return any(word == mark or (not name and word.startswith(mark)) for word in words)


def _only_child(pid: int) -> int | None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(children[0]) if children else None


def _killed(left: Callable[[], set[Process]]) -> set[Process]:
    """Kills what is left, again and again, until nothing is; returns what would not go."""

    def gone() -> bool:
        remaining = left()
        for process in remaining:
            _kill(process)
        return not remaining

    return set() if tools.wait_until(gone, limit=20, interval=0.05) else left()


def _kill(process: Process) -> None:
    """Kills exactly this process: the descriptor is taken first, then the identity is checked."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.alive:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
