"""`kubemu stop`: power the guest down, and wait until it is off."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import endings, runner, say
from ..exits import Exit
from ..machines import find_machine
from ..stopping import stop
from ..world import observe_world
from .common import Name, Namespace


def command(
    name: Name,
    namespace: Namespace = "",
    grace: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="Until it is killed; 0: at once. Default: its terminationGracePeriodSeconds.",
        ),
    ] = None,
) -> None:
    """Press the power button and wait until the guest is off.

    Exit status 14 when it did not power off in time and was killed.
    """
    machine = find_machine(name, namespace, observe_world())
    ending = runner.run(stop(machine, grace))
    say.note(f"{machine.vm}: {ending.message}")
    status = endings.exit_of(ending)
    if status is Exit.KILLED and grace == 0:
        status = Exit.OK  # That was the wish.
    if status is not Exit.OK:
        raise typer.Exit(status)
