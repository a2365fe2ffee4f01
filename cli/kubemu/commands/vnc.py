"""`kubemu vnc`: the VM's screen for any VNC viewer."""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import Annotated

import typer

from virtlauncher.client import Client
from virtlauncher.errors import LauncherError

from .. import proxy, runner, say
from ..errors import BadInput
from ..machines import Machine, find_machine
from ..network import LOOPBACK
from ..tasks import task_group
from ..world import observe_world
from .common import Name, Namespace


def command(
    name: Name,
    namespace: Namespace = "",
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help=f"Listen on this port of {LOOPBACK}, 0 for a free one, instead of on a socket."
            " Every user of this machine can connect to a port.",
        ),
    ] = None,
) -> None:
    """Listen for VNC viewers, print where, and serve them until Ctrl+C or the VM's end."""
    machine = find_machine(name, namespace, observe_world())
    runner.run(_serve(machine, port))


async def _serve(machine: Machine, port: int | None) -> None:
    with contextlib.ExitStack() as stack:
        async with machine.connected() as client:
            # A VM without a screen says so now, rather than to the viewer.
            (await _dial(client)).close()
            listener, place = _listen(machine, port, stack)
            say.result(place)
            sys.stdout.flush()
            say.note("Ctrl+C ends it")
            async with task_group() as tasks:
                serving = tasks.create_task(proxy.serve(listener, lambda: _dial(client)))
                with contextlib.suppress(LauncherError):
                    await client.until("ended")
                serving.cancel()


async def _dial(client: Client) -> socket.socket:
    return socket.socket(fileno=(await client.call("vnc")).fds["vnc"])


def _listen(
    machine: Machine, port: int | None, stack: contextlib.ExitStack
) -> tuple[socket.socket, str]:
    if port is None:
        path = proxy.path_for(machine.folders.run, "vnc")
        return stack.enter_context(proxy.listen_on_path(path)), str(path)
    try:
        listener = stack.enter_context(proxy.listen_on_port(LOOPBACK, port))
    except OSError as error:
        raise BadInput(f"cannot listen on port {port}: {error.strerror}", where="--port") from error
    return listener, f"{LOOPBACK}:{listener.getsockname()[1]}"
