"""The floor: the fewest steps that start the same QEMU. `python standin.py SPEC` prints 'running'.

SPEC is a JSON file: `argv` (a launcher's own command line), `files` (descriptor name without its
mode -> path), `overlay` ([path, format and path of its base, size]), `seed` ([path, user-data]).
It makes the overlay and the seed, starts QEMU, and says `cont`; no checks, no console, no stop.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pycdlib


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text())
    make_overlay(*spec["overlay"])
    make_seed(*spec["seed"])
    argv, numbers = plain(spec["argv"], spec["files"])
    monitor, theirs = socket.socketpair()
    numbers |= {"fd=100": theirs.fileno()}
    kept = [theirs.fileno()]
    for name in ("fd=102", "fd=103"):
        numbers[name], other = (end.detach() for end in socket.socketpair())
        kept += [numbers[name], other]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(spec["debug"])
    listener.listen()
    numbers["fd=101"] = listener.fileno()
    kept.append(listener.fileno())
    argv = [renumbered(argument, numbers) for argument in argv]
    qemu = subprocess.Popen(argv, pass_fds=kept, stdin=subprocess.DEVNULL)
    theirs.close()
    lines = monitor.makefile("rw")
    lines.readline()
    for command in ("qmp_capabilities", "cont"):
        execute(lines, command)
    while execute(lines, "query-status")["status"] != "running":
        pass
    print("running", flush=True)
    sys.stdin.readline()
    qemu.kill()
    qemu.wait()


def make_overlay(path: str, base_format: str, base: str, size: int) -> None:
    command = ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", base_format, "-b", base]
    subprocess.run([*command, path, str(size)], check=True)


def make_seed(path: str, user_data: str) -> None:
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=4, vol_ident="cidata", joliet=3, rock_ridge="1.09")
    for name, text in (("user-data", user_data), ("meta-data", "{}")):
        data = text.encode()
        iso.add_fp(io.BytesIO(data), len(data), f"/{name}", rr_name=name, joliet_path=f"/{name}")
    iso.write(path)
    iso.close()


def plain(argv: list[str], files: dict[str, str]) -> tuple[list[str], dict[str, int]]:
    """The command line with file names in place of fdsets."""
    sets: dict[str, str] = {}
    result: list[str] = []
    pairs = iter(argv)
    for argument in pairs:
        if argument != "-add-fd":
            result.append(argument)
            continue
        values = dict(part.split("=", 1) for part in next(pairs).split(","))
        sets[f"/dev/fdset/{values['set']}"] = files[values["opaque"].rsplit("/", 1)[0]]
    return [re.sub(r"/dev/fdset/\d+", lambda m: sets[m[0]], one) for one in result], {}


def renumbered(argument: str, numbers: dict[str, int]) -> str:
    return re.sub(
        r"\bfd=10[0-3]\b", lambda m: f"fd={numbers[m[0]]}" if m[0] in numbers else m[0], argument
    )


def execute(lines: Any, command: str) -> Any:
    lines.write(json.dumps({"execute": command}) + "\n")
    lines.flush()
    while "return" not in (answer := json.loads(lines.readline())):
        if "error" in answer:
            os._exit(1)
    return answer["return"]


if __name__ == "__main__":
    main()
