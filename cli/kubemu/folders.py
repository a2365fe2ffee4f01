"""Where kubemu keeps things: the XDG folders, each VM's part in them, and that they are private."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from .errors import BadInput
from .names import VmName


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmFolders:
    """One VM's folders."""

    state: Path
    """state.json, logs; stays until `kubemu delete`."""
    run: Path
    """Sockets, seeds, secrets: small, private, gone with the machine's power."""

    @property
    def disks(self) -> Path:
        """Overlays and empty disks: gone when the VM has ended."""
        return self.state / "disks"

    @property
    def persistent(self) -> Path:
        """Firmware variables and TPM state, kept from run to run."""
        return self.state / "persistent"

    @property
    def contents(self) -> Path:
        """One folder per volume that is made of Secrets and ConfigMaps."""
        return self.run / "volumes"

    @property
    def launcher_log(self) -> Path:
        return self.state / "launcher.log"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Folders:
    runtime: Path
    state: Path
    cache: Path

    @property
    def images(self) -> Path:
        return self.cache / "images"

    @property
    def probes(self) -> Path:
        """What this machine's QEMU and KVM can do."""
        return self.cache / "probes"

    @property
    def vms(self) -> Path:
        return self.state / "vms"

    def of(self, vm: VmName) -> VmFolders:
        """Paths only: nothing is made."""
        return VmFolders(
            state=self.vms / vm.namespace / vm.name, run=self.runtime / vm.namespace / vm.name
        )

    def names(self) -> list[VmName]:
        """Every VM that has a state folder, sorted."""
        found: list[VmName] = []
        for namespace in _children(self.vms):
            for name in _children(namespace):
                with contextlib.suppress(BadInput):
                    found.append(VmName(namespace=namespace.name, name=name.name))
        return sorted(found)


def find_folders(env: Mapping[str, str], uid: int) -> Folders:
    """The folders of the XDG base directory specification, with its fallbacks.

    XDG_RUNTIME_DIR counts only when it is ours: `sudo` hands on that of another user.
    """
    home = Path(env.get("HOME") or "/")
    return Folders(
        runtime=_runtime(env.get("XDG_RUNTIME_DIR", ""), uid),
        state=_absolute(env, "XDG_STATE_HOME", home / ".local/state") / "kubemu",
        cache=_absolute(env, "XDG_CACHE_HOME", home / ".cache") / "kubemu",
    )


def make_private(folder: Path, uid: int) -> Path:
    """Makes a folder (parents too) for us alone, or checks that an existing one is.

    Raises BadInput when somebody else could have prepared it: /tmp belongs to everybody.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    check_ours(folder, uid)
    if folder.lstat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def check_ours(folder: Path, uid: int) -> None:
    """Raises BadInput when something of another's is there; nothing there is fine."""
    try:
        seen = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != uid:
        raise BadInput("is no folder of ours", where=str(folder), hint="remove it, or set XDG_*")


def remove_tree(folder: Path) -> None:
    """Removes a folder and everything below; links are removed, not followed. Absent is fine."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def remove_home(folder: Path) -> None:
    """Removes a VM's folder, and its namespace's when that is empty then."""
    remove_tree(folder)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


def _absolute(env: Mapping[str, str], name: str, fallback: Path) -> Path:
    given = Path(env.get(name, ""))
    return given if given.is_absolute() else fallback


def _runtime(given: str, uid: int) -> Path:
    if given.startswith("/"):
        with contextlib.suppress(OSError):
            if Path(given).stat().st_uid == uid:
                return Path(given) / "kubemu"
    return Path(f"/tmp/kubemu-{uid}")


def _children(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [child for child in folder.iterdir() if child.is_dir() and not child.is_symlink()]
