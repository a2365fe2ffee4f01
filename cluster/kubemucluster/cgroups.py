"""The cgroup folders below which a node's kubelet puts its pods, on cgroup v1 and v2."""

from __future__ import annotations

from pathlib import Path

from . import tools
from .errors import StepFailed
from .layout import Layout, Node

ROOT = Path("/sys/fs/cgroup")
_V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


def hierarchies() -> list[Path]:
    """Every mounted hierarchy: one on v2, one for each controller on v1."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    found = {folder.resolve() for folder in ROOT.iterdir() if (folder / "cgroup.procs").exists()}
    return sorted(found)


def make(layout: Layout, node: Node) -> None:
    """Makes the node's folder in every hierarchy; the kubelet wants all of them to exist."""
    for hierarchy in hierarchies():
        for folder in (hierarchy / layout.cgroup, hierarchy / layout.cgroup / node.name):
            folder.mkdir(exist_ok=True)
            _make_usable(folder)


def remove(layout: Layout) -> None:
    """Removes every folder of this cluster, deepest first."""
    for hierarchy in hierarchies():
        top = hierarchy / layout.cgroup
        if not tools.wait_until(lambda top=top: _removed(top), limit=10):  # type: ignore[misc]
            raise StepFailed(f"The control group {top} is still in use.")


def remove_node(layout: Layout, node: Node) -> None:
    """Removes what the pods of a dead node left."""
    for hierarchy in hierarchies():
        top = hierarchy / layout.cgroup / node.name
        if not tools.wait_until(lambda top=top: _removed(top), limit=10):  # type: ignore[misc]
            raise StepFailed(f"The control group {top} is still in use.")


def _make_usable(folder: Path) -> None:
    """v1's cpuset starts empty and nothing can join; v2 hands controllers down by request."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and (folder.parent / "tasks").exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())
    control = folder.parent / "cgroup.subtree_control"
    available = (folder.parent / "cgroup.controllers") if control.exists() else None
    for name in available.read_text().split() if available else ():
        if name in _V2_CONTROLLERS:
            control.write_text(f"+{name}")


def _removed(top: Path) -> bool:
    """Whether the tree is gone; a folder is busy for a moment while its last tasks end."""
    if not top.exists():
        return True
    try:
        for folder in sorted((p for p in top.rglob("*") if p.is_dir()), reverse=True):
            folder.rmdir()
        top.rmdir()
    except OSError:
        return False
    return True
