"""`kubemu explain`: QEMU's command line for a manifest, in groups, with reasons."""

from __future__ import annotations

import asyncio
import itertools
import shlex
from typing import Annotated

import rich.console
import rich.text
import typer

from virtcrds import VirtualMachineInstance
from virtlauncher.builder.options import Explained
from virtlauncher.builder.plan import explain
from virtlauncher.errors import LauncherError
from virtlauncher.facts import Accel, Qemu

from .. import planning, say, standin
from ..engine import find_qemu
from ..errors import KubemuError
from ..planning import Wish
from ..say import Output
from ..world import World, observe_world
from .common import File, Namespace, OutputOption


def command(
    file: File,
    name: Annotated[str, typer.Option(metavar="NAME", help="Which VM of the file.")] = "",
    namespace: Namespace = "",
    accel: Annotated[Accel, typer.Option(help="What the command line is to be for.")] = Accel.TCG,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what QEMU would be started with, and why each part is there. Nothing is started.

    Disks are stand-ins (no image is pulled, no file opened), so sizes and formats are examples.
    """
    world = observe_world()
    chosen = planning.choose(Wish(file=file, name=name, namespace=namespace), world)
    planning.warn_about(chosen)
    vmi = chosen.checked.vmi
    qemu = asyncio.run(_qemu(world))
    try:
        explained = _explain(vmi, qemu, accel)
    except LauncherError as error:
        raise planning.located(error, chosen.checked) from error
    if output is Output.JSON:
        say.result_json(
            {
                "binary": qemu.binary,
                "options": [
                    {"group": one.group, "option": one.option_text, "why": one.why}
                    for one in explained
                ],
            }
        )
    else:
        _show(qemu, explained)


async def _qemu(world: World) -> Qemu:
    """The one installed here, or a stand-in."""
    try:
        return await find_qemu(world)
    except KubemuError as error:
        say.warn(f"{error}: this is for a QEMU {'.'.join(map(str, standin.QEMU.version))}")
        return standin.QEMU


def _explain(vmi: VirtualMachineInstance, qemu: Qemu, accel: Accel) -> list[Explained]:
    facts = standin.stand_in_facts(vmi, qemu, accel)
    return explain(vmi, facts, standin.stand_in_prepared(vmi))


def _show(qemu: Qemu, explained: list[Explained]) -> None:
    console = rich.console.Console(highlight=False, soft_wrap=True)
    console.print(rich.text.Text(qemu.binary, style="bold"))
    for group, members in itertools.groupby(explained, key=lambda one: one.group):
        console.print(rich.text.Text(f"\n# {group}", style="bold cyan"))
        for why, same in itertools.groupby(members, key=lambda one: one.why):
            console.print(rich.text.Text(f"  # {say.clean(why)}", style="dim"))
            for one in same:
                console.print(rich.text.Text(f"  {_for_a_shell(say.clean(one.option_text))}"))


def _for_a_shell(text: str) -> str:
    option, space, value = text.partition(" ")
    return f"{option} {shlex.quote(value)}" if space else option
