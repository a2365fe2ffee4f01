"""`python -m tools.install`: this very tree, installed in the local cluster.

Images are built, pushed under tags of their content, and the manifest applied with those; emulation
is allowed where this machine's KVM cannot be used. Again, it upgrades.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence

from images.packing import ImageName
from images.programs import publish
from images.programs.names import Program
from kubemucluster import cluster as clusters
from kubemucluster import programs
from tools.manifest import manifest

NAMESPACE = "kubevirt"
_ROLLOUT = 300
_GUESTS = (ImageName.TINY, ImageName.TINY_KERNEL)
_EMULATION = {"spec": {"configuration": {"developerConfiguration": {"useEmulation": True}}}}

Kubectl = Callable[..., str]
"""Run kubectl with these words, and `text` as its input; what it prints."""


def install(kubectl: Kubectl, push: publish.Push | None = None, *, emulation: bool = True) -> None:
    """Install, or upgrade; returns when everything is Ready. Raises what `kubectl` raises.

    `push` is how images get to the nodes; the default is the local cluster's registry.
    """
    images = published(push or publish.to_cluster())
    text = manifest(images[Program.OPERATOR], images[Program.LAUNCHER])
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=text)
    if emulation:
        change = json.dumps(_EMULATION)
        kubectl("-n", NAMESPACE, "patch", "kubevirt", "kubevirt", "--type=merge", "-p", change)
    for workload in ("deployment/virt-controller", "daemonset/virt-handler"):
        kubectl("-n", NAMESPACE, "rollout", "status", workload, f"--timeout={_ROLLOUT}s")
    wait = ("wait", "--for=condition=Available", f"--timeout={_ROLLOUT}s")
    kubectl("-n", NAMESPACE, *wait, "kubevirt", "kubevirt")
    schedulable = r"--for=jsonpath={.metadata.labels.kubevirt\.io/schedulable}=true"
    kubectl("wait", "nodes", "--all", schedulable, f"--timeout={_ROLLOUT}s")


def published(push: publish.Push) -> dict[Program, str]:
    """References by content of our programs' images, where `push` has put them.

    The guests that tests and examples use are pushed too.
    """
    for guest in _GUESTS:
        publish.publish(guest, push)
    return {program: publish.publish(program, push)[-1] for program in Program}


def _kubectl(*words: str, text: str | None = None) -> str:
    kubeconfig = clusters.required("kubemu").layout.kubeconfig
    command = [str(programs.built(print)["kubectl"]), f"--kubeconfig={kubeconfig}", *words]
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Status 1 with kubectl's own words when it does not work out."""
    argparse.ArgumentParser(prog="python -m tools.install", description=__doc__).parse_args(
        arguments
    )
    try:
        install(_kubectl)
    except (subprocess.CalledProcessError, *publish.FAILURES) as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    print(_kubectl("-n", NAMESPACE, "get", "pods", "-o", "wide"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
