"""The cluster's programs: built once from the Go modules in cluster/go, cached by content.

Each folder below cluster/go is a module whose go.mod pins versions and whose go.sum pins bytes.
Built programs live in $KUBEMU_CACHE/bin/KEY, where KEY hashes everything that decides them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import golang, tools
from .errors import StepFailed
from .golang import Go

MODULES = Path(__file__).parents[1] / "go"
KUBERNETES = "v1.37.2"


@dataclass(frozen=True, kw_only=True)
class Module:
    """One Go module of ours and what is built from it: program name → package."""

    folder: str
    programs: Mapping[str, str]
    cgo: bool = False
    """Changing this rebuilds everything; CoreDNS must be static, runc needs libseccomp."""
    tags: str = ""
    version_variable: str = ""

    def flags(self) -> list[str]:
        """What decides the bytes, besides the sources and Go itself."""
        linker = "-s -w" + (f" -X {self.version_variable}" if self.version_variable else "")
        tags = [f"-tags={self.tags}"] if self.tags else []
        return ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={linker}", *tags]


Programs = Mapping[str, Path]
"""Every program of the cluster by name."""

_CONTAINERD = "github.com/containerd/containerd/v2/cmd"
_KUBERNETES = "k8s.io/kubernetes/cmd"

ALL = (
    Module(
        folder="kubernetes",
        programs={
            name: f"{_KUBERNETES}/{name}"
            for name in (
                "kube-apiserver",
                "kubectl",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
            )
        },
        # The source's own default is a placeholder that nodes and /version would show.
        version_variable=f"k8s.io/component-base/version.gitVersion={KUBERNETES}",
    ),
    Module(folder="etcd", programs={"etcd": "go.etcd.io/etcd/server/v3"}),
    Module(
        folder="containerd",
        programs={
            n: f"{_CONTAINERD}/{n}" for n in ("containerd", "ctr", "containerd-shim-runc-v2")
        },
    ),
    Module(
        folder="runc",
        programs={"runc": "github.com/opencontainers/runc"},
        cgo=True,
        tags="seccomp",
    ),
    Module(folder="coredns", programs={"coredns": "github.com/coredns/coredns"}),
    Module(
        folder="localpath",
        programs={"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
    ),
)


def cache() -> Path:
    """Where built and downloaded things are kept: $KUBEMU_CACHE, by default ~/.cache/kubemu."""
    return Path(os.environ.get("KUBEMU_CACHE") or Path.home() / ".cache" / "kubemu")


def built(say: Callable[[str], None] = lambda _: None) -> Programs:
    """Every program by name; builds what the cache lacks (about a quarter of an hour, once)."""
    go = golang.find(MODULES, cache(), say)
    return {name: path for module in ALL for name, path in _programs_of(module, go, say).items()}


def _programs_of(module: Module, go: Go, say: Callable[[str], None]) -> dict[str, Path]:
    folder = cache() / "bin" / f"{module.folder}-{_key(module, go.version)}"
    paths = {name: folder / name for name in module.programs}
    if folder.is_dir():
        return paths
    with _only_one(cache() / "bin" / f".{module.folder}.lock"):
        if not folder.is_dir():
            say(f"building {', '.join(module.programs)} from source, once")
            _build(module, go, folder)
    return paths


def _build(module: Module, go: Go, folder: Path) -> None:
    """Builds beside the folder and renames it: a folder that exists is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as work:
        for name, package in module.programs.items():
            _run_go(
                module,
                go,
                ["build", "-p", "2", *module.flags(), "-o", f"{work}/out/{name}", package],
            )
        Path(work, "out").rename(folder)


def _run_go(module: Module, go: Go, arguments: list[str]) -> None:
    environment = {
        **os.environ,
        "CGO_ENABLED": "1" if module.cgo else "0",
        "GOFLAGS": "",
        # Compilers live for seconds: to collect less of their garbage saves a fifth of the time.
        "GOGC": "400",
        "GOMEMLIMIT": "2GiB",
    }
    done = subprocess.run(
        ["nice", "-n", "19", go.program, *arguments],
        cwd=MODULES / module.folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise StepFailed(
            f"go {arguments[0]} failed in {module.folder}.", log=tools.tail(done.stderr)
        )


def _key(module: Module, version: str) -> str:
    folder = MODULES / module.folder
    parts = [
        (folder / "go.mod").read_text(),
        (folder / "go.sum").read_text(),
        version,
        str(module.cgo),
        *module.flags(),
        *(f"{name}={package}" for name, package in module.programs.items()),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Waits for another build of the same module instead of doing its work twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
