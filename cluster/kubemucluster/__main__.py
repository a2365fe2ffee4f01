"""The command line: `kubemu-cluster`."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Annotated

import rich.console
import rich.table
import typer

from . import cluster, health, images, life, programs, tools
from .errors import ClusterError, StepFailed
from .layout import Pods

app = typer.Typer(
    help="""A real Kubernetes of two nodes, node-a and node-b, on this machine. Needs root.

    `up` builds its programs from source the first time (a quarter of an hour), then
    takes seconds. It prints how to use the cluster. `down` leaves nothing behind.
    """,
    epilog="Components are named as `status` shows them: etcd, kubelet@node-a, ...",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
node = typer.Typer(help="Cut a node's power, or turn it on.", no_args_is_help=True)
app.add_typer(node, name="node")


def _as_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
        raise typer.BadParameter("small letters, digits and dashes")
    return text


Name = Annotated[
    str, typer.Option("--name", help="Which cluster.", parser=_as_name, metavar="NAME")
]
Component = Annotated[str, typer.Argument(help="As `status` names it.", metavar="COMPONENT")]
WhichNode = Annotated[str, typer.Argument(help="node-a or node-b", metavar="NODE")]
_DEFAULT = "kubemu"


class Progress:
    """One line for each step, with the seconds so far; remembers the last for a failure."""

    def __init__(self) -> None:
        self.step = ""
        self._start = time.monotonic()

    def __call__(self, step: str) -> None:
        self.step = step
        print(f"{time.monotonic() - self._start:6.1f} s  {step}", file=sys.stderr, flush=True)


_progress = Progress()


@app.command()
def up(
    name: Name = _DEFAULT,
    pods: Annotated[
        Pods | None, typer.Option(help="Addresses of pods and Services; a new cluster's are dual.")
    ] = None,
) -> None:
    """Bring the cluster up; do nothing when it is, go on where it was interrupted."""
    with cluster.working_on(name):
        made = life.up(name, pods, _progress)
    _progress("ready")
    kubectl = programs.built()["kubectl"]
    print(f"export KUBECONFIG={made.layout.kubeconfig}")
    print(f"export PATH={kubectl.parent}:$PATH")
    push = f"{made.layout.ipv4}:{made.layout.registry_port}"
    print(f"# images: push to {push}/NAME:TAG, pods pull {images.REGISTRY}/NAME:TAG")
    print(tools.run([kubectl, f"--kubeconfig={made.layout.kubeconfig}", "get", "nodes"]), end="")


@app.command()
def build() -> None:
    """Build the cluster's programs from source, as `up` does; do nothing when they are."""
    programs.built(_progress)


@app.command()
def down(name: Name = _DEFAULT) -> None:
    """Remove the cluster and everything it made."""
    with cluster.working_on(name):
        life.down(name, _progress)


@app.command()
def status(name: Name = _DEFAULT) -> None:
    """Show each component; exit 1 unless all run and both nodes are Ready."""
    found = cluster.required(name)
    table = rich.table.Table("component", "pid", "state", box=None)
    for component, process in health.states(found).items():
        table.add_row(component, str(process.pid) if process else "", "runs" if process else "down")
    rich.console.Console().print(table)
    print(f"Ready: {', '.join(sorted(health.ready_nodes(found))) or 'no node'}")
    if not health.is_up(found):
        raise typer.Exit(1)


@app.command()
def kubeconfig(name: Name = _DEFAULT) -> None:
    """Print the path of the administrator's kubeconfig."""
    print(cluster.required(name).layout.kubeconfig)


@app.command()
def logs(
    component: Component,
    name: Name = _DEFAULT,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
) -> None:
    """Print a component's log; `audit` is the API server's record of who wrote what."""
    owner = cluster.required(name).owner
    path = owner.log(component)
    if not path.exists():
        known = sorted(log.stem for log in owner.logs.glob("*.log"))
        raise ClusterError(
            f"There is no log of {component}.", hint=f"There are: {', '.join(known)}."
        )
    os.execvp("tail", ["tail", "-n", "+1", *(["-F"] if follow else []), str(path)])


@app.command("load-image")
def load_image(
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    reference: Annotated[str, typer.Argument(metavar="NAME:TAG")],
    name: Name = _DEFAULT,
) -> None:
    """Copy an image into the registry; pods then pull registry:5000/NAME:TAG.

    SOURCE is oci:FOLDER:TAG, oci-archive:FILE, docker-archive:FILE, or what else skopeo reads.
    """
    found = cluster.required(name)
    full = f"{images.REGISTRY}/{reference.removeprefix(f'{images.REGISTRY}/')}"
    images.copy(found.layout, source, full)
    print(full)


@app.command()
def kill(component: Component, name: Name = _DEFAULT) -> None:
    """Kill a component with SIGKILL and leave it down."""
    with cluster.working_on(name):
        found = cluster.required(name)
        found.owner.stop(found.daemon(component))


@app.command()
def restart(component: Component, name: Name = _DEFAULT) -> None:
    """Start a component again, killing it first if it runs, and wait until it works."""
    with cluster.working_on(name):
        life.restart(cluster.required(name), component)


@node.command("stop")
def node_stop(which: WhichNode, name: Name = _DEFAULT) -> None:
    """Cut a node's power: all its processes end at once."""
    with cluster.working_on(name):
        found = cluster.required(name)
        life.stop_node(found, found.node(which))


@node.command("start")
def node_start(which: WhichNode, name: Name = _DEFAULT) -> None:
    """Start a stopped node; its pods come back."""
    with cluster.working_on(name):
        found = cluster.required(name)
        life.start_node(found, found.node(which))


def main() -> None:
    """Runs a command; what is expected to go wrong is said in sentences, without a traceback."""
    try:
        app()
    except ClusterError as error:
        step = f" (step: {_progress.step})" if _progress.step else ""
        print(f"kubemu-cluster: {error.message}{step}", file=sys.stderr)
        if isinstance(error, StepFailed) and error.log:
            print("  " + error.log.replace("\n", "\n  "), file=sys.stderr)
        if error.hint:
            print(f"  {error.hint}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
