"""`virt-launcher` put together: everything is made here, owned here, and ended here."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any

from .. import framing
from ..value import Value
from . import exits, kernel, log, options
from .calls import Calls
from .children import Children
from .console import Broker
from .descriptors import make_room
from .door import Door
from .exits import ExitCode
from .life import Setting, lead
from .lifecycle import Ending
from .logfile import BoundedLog
from .machine import Machine
from .options import Options
from .planning import Builder
from .server import Server

_log = logging.getLogger("virtlauncher")
_BACKLOG = 16
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class BuilderStart(Value):
    """The builder that `__main__` started: pid, our end of the link, and of its output."""

    pid: int
    link: int
    output: int


class _Unusable(Exception):
    """The options name something that we cannot work with."""


def run(arguments: Sequence[str], builder: BuilderStart) -> int:
    """The whole life of a launcher. Returns its exit status (exits.py)."""
    chosen = options.parse(arguments)
    os.umask(0o077)
    handler = log.configure(chosen.log_format)
    kernel.harden()
    kernel.adopt_orphans()
    make_room()
    try:
        with _folders(chosen), _listeners(chosen) as listeners:
            ending = asyncio.run(_run(chosen, builder, listeners, handler))
    except _Unusable as error:
        print(f"virt-launcher: {error}", file=sys.stderr)
        return ExitCode.USAGE
    _last_words(chosen, ending)
    return ExitCode.of(ending)


async def _run(
    chosen: Options,
    builder: BuilderStart,
    listeners: _Listeners,
    handler: log.Handler,
) -> Ending:
    children = Children()
    server = Server(standalone=chosen.standalone)
    machine = Machine(server.publish)
    console = Broker(_console_log(chosen))
    server.calls = calls = Calls(
        machine=machine,
        console=console,
        run_dir=chosen.run_dir,
        disk_dir=chosen.disk_dir,
        identify=handler.identify,
    )
    started = Builder(
        process=children.adopt("builder", builder.pid, builder.output),
        link=socket.socket(fileno=builder.link),
    )
    with children.reaping():
        setting = Setting(
            children=children,
            builder=started,
            console=console,
            debug_listener=listeners.debug,
            start_timeout=chosen.start_timeout,
        )
        door = Door(calls=calls, children=children)
        async with (
            _signals(machine),
            _alone("server", server.serve(listeners.control)),
            _alone("door", door.serve(listeners.door)),
        ):
            await lead(machine, setting)
            await server.farewell()
    ending = machine.track.state.ending
    assert ending is not None
    return ending


@contextlib.asynccontextmanager
async def _alone(name: str, coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """A task beside the machine, whose failure is not the machine's."""

    async def guarded() -> None:
        try:
            await coroutine
        except Exception:
            _log.exception("the %s failed", name)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(guarded())
        yield
        task.cancel()


@contextlib.asynccontextmanager
async def _signals(machine: Machine) -> AsyncIterator[None]:
    """SIGTERM (the kubelet's) and SIGINT (a terminal's) begin the stop ladder."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        _log.info("%s: stopping", number.name)
        machine.stop()

    for number in _STOPPING:
        loop.add_signal_handler(number, stop, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)  # `__main__` has blocked them.
    try:
        yield
    finally:
        for number in _STOPPING:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _folders(chosen: Options) -> Iterator[None]:
    """Run and disk directory, made if need be. A second launcher in the first is an error."""
    path = chosen.run_dir
    try:
        for wanted in (path, chosen.disk_dir):
            os.makedirs(wanted, mode=0o700, exist_ok=True)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _Unusable(f"{error.filename}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _Unusable(f"another launcher runs in {path}") from None
        yield
        with contextlib.suppress(OSError):  # What the driver made, or put something in, stays.
            os.rmdir(chosen.disk_dir)
    finally:
        os.close(folder)


class _Listeners(Value):
    control: socket.socket
    debug: socket.socket
    door: socket.socket


@contextlib.contextmanager
def _listeners(chosen: Options) -> Iterator[_Listeners]:
    with (
        _listener(chosen.socket) as control,
        _listener(f"{chosen.run_dir}/{options.DEBUG_SOCKET}") as debug,
        _listener(f"{chosen.run_dir}/{options.DOOR_SOCKET}") as door,
    ):
        yield _Listeners(control=control, debug=debug, door=door)


@contextlib.contextmanager
def _listener(path: str) -> Iterator[socket.socket]:
    """A socket that listens at `path`, where a dead launcher's may lie; removed at the end."""
    try:
        _remove_socket(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with framing.reachable(path) as address:
            sock.bind(address)
    except OSError as error:
        raise _Unusable(f"{path}: {error.strerror}") from error
    with sock:
        sock.setblocking(False)
        sock.listen(_BACKLOG)
        try:
            yield sock
        finally:
            _remove_socket(path)


def _remove_socket(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)


def _console_log(chosen: Options) -> BoundedLog | None:
    if chosen.console_log_max <= 0:
        return None
    return BoundedLog(f"{chosen.run_dir}/{options.CONSOLE_LOG}", chosen.console_log_max)


def _last_words(chosen: Options, ending: Ending) -> None:
    path = chosen.termination_log or exits.TERMINATION_LOG
    if not chosen.termination_log and not os.access(path, os.W_OK):
        return
    try:
        exits.write_message(path, exits.message(ending), create=bool(chosen.termination_log))
    except OSError as error:
        _log.warning("%s is not written: %s", path, error.strerror)
