"""`kubemu collect`: everything a bug report needs, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import __version__, runner, say
from ..collect import collect, pack
from ..errors import BadInput
from ..machines import find_machine
from ..world import observe_world
from .common import Name, Namespace


def command(
    name: Name,
    namespace: Namespace = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="Archive to write. Default: here, named after the VM.",
        ),
    ] = None,
) -> None:
    """Pack the VM's record, logs, state and this machine's versions into one tar.gz.

    User data, secrets, passwords and keys are taken out. The guest's console is in it, without
    what looks like a password: look into the archive before you send it.
    """
    machine = find_machine(name, namespace, observe_world())
    files = runner.run(collect(machine, __version__))
    head = f"kubemu-{machine.vm.namespace}-{machine.vm.name}"
    target = file or Path(f"{head}.tar.gz")
    try:
        pack(files, head, target)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}", where=str(target)) from error
    say.result(str(target))
    say.note("secrets were taken out; look into it before you send it")
