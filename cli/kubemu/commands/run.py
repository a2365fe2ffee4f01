"""`kubemu run`: the VM of a manifest, on this terminal or beside it."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from virtlauncher.errors import LauncherError

from .. import endings, planning, runner, say
from ..engine import find_engine
from ..errors import BadInput
from ..exits import Exit
from ..folders import VmFolders, make_private
from ..follow import Followed, follow, reap
from ..images.pull import PullPolicy
from ..images.reference import parse_mirror
from ..images.skopeo import Registry
from ..network import parse_publish
from ..occupancy import hold, make_room, note_ending
from ..planning import AccelChoice, Chosen, Wish
from ..record import Ending, Record, find_record, save_record
from ..say import Output
from ..sources import parse_volume
from ..starting import Start, Started
from ..terminal import has_keyboard
from ..view import render_forward
from ..world import World, observe_world
from .common import File, Namespace, OutputOption


def command(
    file: File,
    name: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Which VM of the file; or, if it has only one, what to call it."
        ),
    ] = "",
    namespace: Namespace = "",
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return as soon as the guest runs.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Power the guest down after so long, and exit with 124."
        ),
    ] = None,
    accel: Annotated[
        AccelChoice, typer.Option(help="auto: KVM if it is proved to work here, else emulation.")
    ] = AccelChoice.AUTO,
    registry_config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Logins for registries (auth.json or config.json)."),
    ] = None,
    registry_mirror: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGISTRY=HOST",
            help="Fetch a registry's images elsewhere, e.g. registry:5000=localhost:5000.",
        ),
    ] = None,
    tls_verify: Annotated[
        bool | None,
        typer.Option(
            "--tls-verify/--no-tls-verify",
            help="Whether registries need a trusted certificate."
            " Default: yes, but for registries on this machine.",
        ),
    ] = None,
    pull: Annotated[
        PullPolicy | None,
        typer.Option(
            metavar="POLICY",
            help="always, missing, never: when to ask the registry. Default: as the manifest says.",
        ),
    ] = None,
    volume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="Where a volume (or claim) is: a folder with disk.img, a file, a block device;"
            " for a containerDisk also oci:DIR, oci-archive:FILE, docker-archive:FILE.",
        ),
    ] = None,
    publish: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PORTS",
            help="ADDRESS:HOST:GUEST/udp, short HOST:GUEST: a port of this machine that leads to"
            " one of the guest's. The interface's own ports get free ones on 127.0.0.1.",
        ),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Start the VM of a manifest: VirtualMachine or VirtualMachineInstance.

    In the foreground this terminal is the guest's serial console: Ctrl+] leaves it, and the VM
    goes on (`kubemu console` comes back). SIGINT and SIGTERM power the guest down within its
    terminationGracePeriodSeconds, and so does the end of the terminal; a second one ends it at
    once. The guest's output goes to standard output, everything else to standard error.
    """
    if registry_config is not None and not registry_config.is_file():
        raise BadInput("is no file", where=f"--registry-config {registry_config}")
    if timeout is not None and timeout < 0:
        raise BadInput("a time cannot be negative", where="--timeout")
    if timeout is not None and detach:
        raise BadInput("--timeout needs somebody who watches the clock", hint="leave --detach out")
    if output is Output.JSON and not detach:
        raise BadInput("--output json needs --detach", hint="else the console is on stdout")
    wish = Wish(
        file=file,
        name=name,
        namespace=namespace,
        detach=detach,
        time_limit=timeout,
        accel=accel,
        registry=Registry(
            authfile=registry_config.absolute() if registry_config else None,
            tls_verify=tls_verify,
            mirrors=dict(parse_mirror(text) for text in registry_mirror or ()),
        ),
        volumes=dict(parse_volume(text) for text in volume or ()),
        publish=tuple(parse_publish(text) for text in publish or ()),
        pull=pull,
    )
    status = runner.run(_run(wish, observe_world(), output))
    if status is not Exit.OK:
        raise typer.Exit(status)


async def _run(wish: Wish, world: World, output: Output) -> Exit:
    chosen = planning.choose(wish, world)
    planning.warn_about(chosen)
    folders = world.folders.of(chosen.vm)
    make_private(world.folders.state, world.uid)
    async with contextlib.AsyncExitStack() as stack:
        async with hold(chosen.vm, folders):
            start = await _prepare(wish, world, chosen, folders)
            try:
                started = await stack.enter_async_context(start.begin())
            except (BadInput, LauncherError) as error:
                raise planning.located(error, chosen.checked) from error
        _announce(wish, chosen, started, output)
        if wish.detach:
            await _leave(chosen, folders, started)
            return Exit.OK
        return await _follow(wish, chosen, folders, started)


async def _prepare(wish: Wish, world: World, chosen: Chosen, folders: VmFolders) -> Start:
    """Everything that can be refused is refused here."""
    before = await make_room(chosen.vm, folders)
    volumes = planning.plan_volumes_of(chosen, wish)
    nics = planning.plan_nics_of(chosen, wish, world, before.forwards if before else ())
    engine = await find_engine(wish.accel, world)
    facts = planning.facts_of(engine, nics, folders)
    planning.refuse_unsupported(chosen.checked, facts)
    return Start(
        world=world,
        wish=wish,
        chosen=chosen,
        folders=folders,
        facts=facts,
        volumes=volumes,
        before=before,
    )


async def _follow(wish: Wish, chosen: Chosen, folders: VmFolders, started: Started) -> Exit:
    await started.client.call("subscribe", {"on": True})
    outcome = await follow(
        Followed(
            vm=chosen.vm,
            folders=folders,
            client=started.client,
            launcher=started.launcher,
            console=started.console,
            time_limit=wish.time_limit,
            grace=started.record.grace,
        )
    )
    if outcome.ending is None:
        await _leave(chosen, folders, started)
        say.note(f"\n{chosen.vm} goes on: kubemu console {chosen.vm} comes back to it")
        return Exit.OK
    await reap(started.launcher)
    async with hold(chosen.vm, folders):
        note_ending(folders, started.launcher.identity, outcome.ending)
    return _verdict(chosen, outcome.ending, outcome.timed_out)


async def _leave(chosen: Chosen, folders: VmFolders, started: Started) -> None:
    """From now on the VM is nobody's foreground."""
    async with hold(chosen.vm, folders):
        record = find_record(folders.state)
        if record is not None and record.launcher == started.launcher.identity:
            save_record(folders.state, dataclasses.replace(record, driver=None))


def _verdict(chosen: Chosen, ending: Ending, timed_out: bool) -> Exit:
    status = Exit.TIMEOUT if timed_out else endings.exit_of(ending)
    say.note(f"{chosen.vm}: {ending.message}")
    if status not in (Exit.OK, Exit.TIMEOUT):
        say.note(f"kubemu logs {chosen.vm} says more")
    return status


def _announce(wish: Wish, chosen: Chosen, started: Started, output: Output) -> None:
    record = started.record
    if output is Output.JSON:
        say.result_json(_tree(record, started.state))
    say.note(f"{chosen.vm}: {started.state.get('name', 'started')} ({record.accel})")
    for forward in record.forwards:
        say.note(f"  {render_forward(forward)}")
    if has_keyboard() and not wish.detach:
        say.note("  Ctrl+] leaves this console")


def _tree(record: Record, state: Any) -> dict[str, Any]:
    return {
        "namespace": record.namespace,
        "name": record.name,
        "state": state.get("name"),
        "pid": state.get("pid"),
        "accel": record.accel,
        "forwards": [
            {
                "protocol": forward.protocol,
                "hostAddress": forward.host_address,
                "hostPort": forward.host_port,
                "guestPort": forward.guest_port,
            }
            for forward in record.forwards
        ],
    }
