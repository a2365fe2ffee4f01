"""The command line: which commands there are. Each is a module that is imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Annotated, Any

import typer
import typer.core

from . import __version__
from .exits import epilog

COMMANDS: Mapping[str, str] = {
    "run": "Start the VM of a manifest, its console on this terminal.",
    "ps": "List VMs, ended ones too.",
    "console": "Connect the serial console; Ctrl+] leaves it.",
    "vnc": "Give a VNC viewer something to connect to.",
    "stop": "Power the guest down.",
    "delete": "Stop a VM if it runs, and remove everything kept of it.",
    "pause": "Stop the VM's CPUs.",
    "unpause": "Let them go on.",
    "reset": "Reset the machine, as its reset button would.",
    "soft-reboot": "Ask the guest to reboot.",
    "screenshot": "Save the screen as a PNG.",
    "guest-info": "Ask the guest agent about the guest.",
    "qmp": "Send QEMU a command.",
    "logs": "Show the launcher's log, or the console's.",
    "validate": "Check manifests as KubeVirt would, starting nothing.",
    "explain": "Show QEMU's command line for a manifest, and why each part is there.",
    "collect": "Pack what a bug report needs, without secrets.",
}
_HELP = """Run the virtual machines of KubeVirt manifests on this machine, with no cluster."""


class LazyCommand(typer.core.TyperCommand):
    """Knows its name and one line of help; becomes the real command when it is called."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        assert self.name is not None
        return load(self.name).make_context(info_name, args, parent, **extra)


class LazyGroup(typer.core.TyperGroup):
    """`kubemu --help` imports no command."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        return LazyCommand(name=cmd_name, help=COMMANDS[cmd_name])


def load(name: str) -> Any:
    """The command of that name, made of `command` in its module."""
    module = importlib.import_module(f".commands.{name.replace('-', '_')}", __package__)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(
        name,
        epilog=epilog() if name == "run" else None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )(module.command)
    return typer.main.get_command(single)


app = typer.Typer(
    cls=LazyGroup,
    help=_HELP,
    epilog="`kubemu COMMAND --help` says more. Start with: kubemu run vm.yaml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kubemu {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass
