"""The command line of `virt-launcher`.

A table and a dozen lines: argparse would cost 0.4 MB beside every VM.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from ..value import Value
from . import log

SOCKET, DEBUG_SOCKET, CONSOLE_LOG = "launcher.sock", "qmp.sock", "console.log"
DOOR_SOCKET = "inside.sock"
_USAGE = 2


class Options(Value):
    run_dir: str
    socket: str
    disk_dir: str
    log_format: str
    console_log_max: int
    """Bytes of console.log and console.log.1 together; 0: no log."""
    standalone: bool
    """Peers are our own uid's processes, rather than those outside the pod."""
    start_timeout: float
    """Seconds from the spawn of QEMU to its greeting."""
    termination_log: str


def _path(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError("no path")
    return os.path.abspath(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("no number")
    return int(text)


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError("no duration")
    return number


def _log_format(text: str) -> str:
    if text not in log.FORMATS:
        raise ValueError("no format")
    return text


_TABLE: dict[str, tuple[Callable[[str], Any] | None, Any, str, str]] = {
    "--run-dir": (_path, None, "DIR", "sockets, console log, small files; made if need be"),
    "--socket": (_path, "", "PATH", f"control socket (DIR/{SOCKET})"),
    "--disk-dir": (_path, "", "DIR", "overlays and empty disks (DIR/disks)"),
    "--log-format": (_log_format, "text", "text|json", "of the log on standard error"),
    "--console-log-max": (
        _count,
        4 << 20,
        "BYTES",
        f"of {CONSOLE_LOG} and its predecessor; 0: none",
    ),
    "--start-timeout": (_seconds, 120.0, "SECONDS", "for QEMU to take its memory and greet"),
    "--termination-log": (_path, "", "PATH", "file for the last words"),
    "--standalone": (None, False, "", "accept peers of our own user, not those outside the pod"),
}
"""Option -> (reads its value, default, name of the value, help); without a reader it is a flag."""


def parse(arguments: Sequence[str]) -> Options:
    """Options of the command line. Ends the process with status 2 and a usage line otherwise."""
    values = {name: default for name, (_, default, _, _) in _TABLE.items()}
    words = _words(arguments)
    for name in words:
        if name in ("-h", "--help"):
            print(_help())
            sys.exit(0)
        if name not in _TABLE:
            _refuse(f"unknown option {name}")
        read = _TABLE[name][0]
        try:
            values[name] = read(next(words)) if read else True
        except StopIteration:
            _refuse(f"{name} needs a value")
        except ValueError:
            _refuse(f"the value of {name} is not acceptable")
    if not (run_dir := values["--run-dir"]):
        _refuse("--run-dir is missing")
    values["--socket"] = values["--socket"] or f"{run_dir}/{SOCKET}"
    values["--disk-dir"] = values["--disk-dir"] or f"{run_dir}/disks"
    return Options(**{name[2:].replace("-", "_"): value for name, value in values.items()})


def _words(arguments: Sequence[str]) -> Iterator[str]:
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and name in _TABLE:
            yield from (name, value)
        else:
            yield argument


def _help() -> str:
    lines = ["usage: virt-launcher --run-dir DIR [options]", ""]
    lines += ["Runs one virtual machine: waits on its control socket for what to start.", ""]
    for name, (_, default, value, text) in _TABLE.items():
        shown = f" ({default})" if default else ""
        lines.append(f"  {f'{name} {value}':28}{text}{shown}")
    return "\n".join(lines)


def _refuse(why: str) -> NoReturn:
    print(f"virt-launcher: {why}; --help lists the options", file=sys.stderr)
    sys.exit(_USAGE)
