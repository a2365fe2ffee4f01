"""An API server with its etcd and nothing else: no controller, no scheduler, no kubelet.

With our CRDs, our accounts with their roles, and our policies, as `deploy/` installs them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from kubemucluster import certificates, configuration, controlplane, programs
from kubemucluster.layout import Layout, Pods

ROOT = Path(__file__).parents[3]
_NUMBER = 41
"""Of the cluster that this would be: ports far from those of real ones."""
_MANIFESTS = (
    ROOT / "crds/manifests/kubevirts.kubevirt.io.yaml",
    ROOT / "crds/manifests/virtualmachineinstances.kubevirt.io.yaml",
    ROOT / "deploy/parts/00-namespace.yaml",
    ROOT / "deploy/parts/10-rbac.yaml",
    ROOT / "deploy/parts/20-policies.yaml",
)
_KUBEVIRT = """
apiVersion: kubevirt.io/v1
kind: KubeVirt
metadata: {name: kubevirt, namespace: kubevirt}
spec: {configuration: {developerConfiguration: {useEmulation: true}}}
"""
LIMIT = 100.0


@contextlib.contextmanager
def api_server(state: Path, number: int = _NUMBER) -> Iterator[Layout]:
    """Runs while in the context; `layout.kubeconfig` is the administrator's.

    `number` decides about ports: one for each that may run at the same time.
    """
    built = programs.built(print)
    layout = Layout(name="handler-tests", number=number, pods=Pods.DUAL, state=state)
    for folder in (layout.pki, layout.etc, layout.logs, state / "etcd"):
        folder.mkdir(parents=True, mode=0o700)
    certificates.write_all(layout)
    configuration.write_all(layout, "none")
    admin = layout.kubeconfig
    here = f"https://127.0.0.1:{layout.api_port}"
    admin.write_text(admin.read_text().replace(layout.server, here))
    with contextlib.ExitStack() as stack:
        for daemon in controlplane.daemons(layout, built):
            if daemon.name in ("etcd", "kube-apiserver"):
                stack.enter_context(_running(daemon.name, daemon.argv, layout.logs))
        kubectl = [str(built["kubectl"]), f"--kubeconfig={admin}"]
        _await([*kubectl, "get", "--raw=/readyz"], layout.logs)
        manifests = [word for path in _MANIFESTS for word in ("-f", str(path))]
        _await([*kubectl, "apply", "--server-side", *manifests], layout.logs)
        _await([*kubectl, "apply", "-f", "-"], layout.logs, _KUBEVIRT)
        yield layout


@contextlib.contextmanager
def standing_still(layout: Layout) -> Iterator[None]:
    """The API server answers nobody while in the context."""
    pid = int((layout.logs / "kube-apiserver.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def _running(name: str, argv: tuple[str, ...], logs: Path) -> Iterator[None]:
    with (logs / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=logs
        )
    (logs / f"{name}.pid").write_text(str(process.pid))
    try:
        yield
    finally:
        process.terminate()
        process.wait(LIMIT)


def _await(command: list[str], logs: Path, given: str | None = None) -> None:
    """Run a command until it succeeds: the server starts, CRDs become known."""
    end = time.monotonic() + LIMIT
    while True:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        log = (logs / "kube-apiserver.log").read_text(errors="replace")[-3000:]
        assert time.monotonic() < end, f"{' '.join(command)}: {done.stderr}\n{log}"
        time.sleep(0.25)
