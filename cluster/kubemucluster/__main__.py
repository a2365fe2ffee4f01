"""The command line: `kubemu-cluster`."""

from __future__ import annotations

import os
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
    help="A real two-node Kubernetes on this machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
node = typer.Typer(help="Cut a node's power, or turn it on.", no_args_is_help=True)
app.add_typer(node, name="node")

Name = Annotated[str, typer.Option("--name", help="which cluster")]
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
def up(name: Name = _DEFAULT, pods: Pods = Pods.DUAL) -> None:
    """Bring the cluster up; what runs already is left alone."""
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
def logs(component: str, name: Name = _DEFAULT, follow: bool = False) -> None:
    """Print a component's log."""
    found = cluster.required(name)
    path = found.owner.log(found.daemon(component).name)
    os.execvp("tail", ["tail", "-n", "+1", *(["-F"] if follow else []), str(path)])


@app.command("load-image")
def load_image(source: str, reference: str, name: Name = _DEFAULT) -> None:
    """Copy an image (oci:DIR:TAG, oci-archive:FILE, docker-archive:FILE) into the registry.

    REFERENCE is NAME:TAG; pods then pull registry:5000/NAME:TAG.
    """
    found = cluster.required(name)
    full = f"{images.REGISTRY}/{reference.removeprefix(f'{images.REGISTRY}/')}"
    images.copy(found.layout, source, full)
    print(full)


@app.command()
def kill(component: str, name: Name = _DEFAULT) -> None:
    """Kill a component with SIGKILL and leave it down."""
    with cluster.working_on(name):
        found = cluster.required(name)
        found.owner.stop(found.daemon(component))


@app.command()
def restart(component: str, name: Name = _DEFAULT) -> None:
    """Start a component again, killing it first if it runs."""
    with cluster.working_on(name):
        life.restart(cluster.required(name), component)


@node.command("stop")
def node_stop(which: str, name: Name = _DEFAULT) -> None:
    """Cut a node's power: all its processes end at once."""
    with cluster.working_on(name):
        found = cluster.required(name)
        life.stop_node(found, found.node(which))


@node.command("start")
def node_start(which: str, name: Name = _DEFAULT) -> None:
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
