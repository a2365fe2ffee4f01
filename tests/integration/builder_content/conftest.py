"""A machine in a folder: VMIs over real files, and what must be true when one is refused."""

from __future__ import annotations

import dataclasses
import io
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pycdlib
import pytest

from virtcrds import VirtualMachineInstance, default, parse
from virtlauncher.builder.content import PreparedContent, prepare
from virtlauncher.builder.content.limits import Limits
from virtlauncher.errors import LauncherError
from virtlauncher.facts import Accel, Facts, Firmware, Mode, Nic, Qemu, Source, SourceKind

UUID = "5d307ca9-b3ef-428c-8861-06e72d69f223"
Volume = Mapping[str, Any]


def look(path: Path) -> tuple[Any, ...]:
    """Everything about a file that a refusal must not change."""
    status = path.lstat()
    content = path.read_bytes() if path.is_file() else b""
    return (
        status.st_ino,
        status.st_mode,
        status.st_uid,
        status.st_gid,
        status.st_mtime_ns,
        status.st_ctime_ns,
        content,
    )


def open_files() -> set[tuple[str, str]]:
    """Descriptors of this process and what they lead to, but for the listing's own."""
    return {
        (entry.name, str(entry.readlink()))
        for entry in Path("/proc/self/fd").iterdir()
        if entry.is_symlink()
    }


@dataclasses.dataclass
class Machine:
    folder: Path
    sources: dict[str, Source] = dataclasses.field(default_factory=dict)
    volumes: list[Volume] = dataclasses.field(default_factory=list)
    disks: list[Volume] = dataclasses.field(default_factory=list)
    spec: dict[str, Any] = dataclasses.field(default_factory=dict)
    domain: dict[str, Any] = dataclasses.field(default_factory=dict)
    fds: dict[str, int] = dataclasses.field(default_factory=dict)
    nics: dict[str, Nic] = dataclasses.field(default_factory=dict)
    limits: Limits = dataclasses.field(default_factory=Limits)
    mode: Mode = Mode.START
    firmware: Firmware = dataclasses.field(default_factory=Firmware)
    keep_state: bool = True

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    @property
    def disk_dir(self) -> Path:
        return self.folder / "disks"

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    def path(self, name: str) -> Path:
        """A place for a test's own files; its folder exists."""
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add(
        self,
        name: str,
        volume: Volume,
        source: Source | None = None,
        disk: Volume | None = None,
    ) -> None:
        self.volumes.append({"name": name, **volume})
        self.disks.append({"name": name, "disk": {"bus": "virtio"}, **(disk or {})})
        if source is not None:
            self.sources[name] = source

    def add_image(self, root: Path, path: str = "", disk: Volume | None = None) -> None:
        """A containerDisk 'root' out of the image that is unpacked in *root*."""
        source = Source(kind=SourceKind.DIR, path=str(root))
        image = {"image": "registry.example/disk", **({"path": path} if path else {})}
        self.add("root", {"containerDisk": image}, source, disk)

    def add_claim(self, folder: Path, disk: Volume | None = None, **source: Any) -> None:
        """A claim 'data' mounted at *folder* (or the file or device itself)."""
        kind = SourceKind.DIR if folder.is_dir() else SourceKind.FILE
        place = Source(**{"kind": kind, "path": str(folder), **source})
        self.add("data", {"persistentVolumeClaim": {"claimName": "data"}}, place, disk)

    def vmi(self) -> VirtualMachineInstance:
        document = {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstance",
            "metadata": {"name": "vm", "namespace": "tests"},
            "spec": {
                "domain": {
                    "memory": {"guest": "64Mi"},
                    "firmware": {"uuid": UUID},
                    **self.domain,
                    "devices": {"disks": self.disks, **self.domain.get("devices", {})},
                },
                "volumes": self.volumes,
                **self.spec,
            },
        }
        vmi = parse(document).object
        assert isinstance(vmi, VirtualMachineInstance)
        return default(vmi)

    def facts(self) -> Facts:
        return Facts(
            qemu=Qemu(
                binary="/usr/bin/qemu-system-x86_64",
                version=(7, 2, 0),
                firmware=self.firmware,
                aio=("threads", "native", "io_uring"),
            ),
            accel=Accel.TCG,
            volumes=self.sources,
            nics=self.nics,
            run_dir=str(self.run_dir),
            disk_dir=str(self.disk_dir),
            state_dir=str(self.state_dir) if self.keep_state else "",
            mode=self.mode,
        )

    def prepare(self) -> PreparedContent:
        return prepare(self.vmi(), self.facts(), self.fds, self.limits)

    def refusal(self) -> LauncherError:
        """Why preparing fails; nothing stays open, and nothing that was made is left."""
        before, made = open_files(), self.made()
        with pytest.raises(LauncherError) as refused, self.prepare():
            pass
        assert open_files() == before
        assert self.made() == made
        return refused.value

    def made(self) -> list[str]:
        """Files below the folders that a launcher may write to."""
        folders = (self.run_dir, self.disk_dir, self.state_dir)
        return sorted(str(path) for folder in folders for path in folder.rglob("*"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(folder=tmp_path)
    for folder in (machine.run_dir, machine.disk_dir, machine.state_dir):
        folder.mkdir(mode=0o700)
    return machine


@pytest.fixture
def image_root(machine: Machine) -> Path:
    """An unpacked image with an empty /disk."""
    root = machine.folder / "image"
    (root / "disk").mkdir(parents=True)
    return root


@pytest.fixture
def claim(machine: Machine) -> Path:
    folder = machine.folder / "claim"
    folder.mkdir()
    return folder


@pytest.fixture
def loop_device(machine: Machine) -> Iterator[Path]:
    """A block device of 8 MiB; root only."""
    backing = machine.path("device.raw")
    with backing.open("wb") as file:
        file.truncate(8 << 20)
    name = subprocess.check_output(["losetup", "--find", "--show", backing], text=True).strip()
    yield Path(name)
    subprocess.run(["losetup", "--detach", name], check=True)


def qemu_img(*arguments: str | Path) -> str:
    return subprocess.run(
        ["qemu-img", *map(str, arguments)], check=True, capture_output=True, text=True
    ).stdout


def iso_files(data: bytes) -> tuple[str, dict[str, bytes]]:
    """Label and files (by Rock Ridge name) of an ISO image."""
    image = pycdlib.PyCdlib()
    image.open_fp(io.BytesIO(data))
    files = {}
    for folder, _, names in image.walk(rr_path="/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            content = io.BytesIO()
            image.get_file_from_iso_fp(content, rr_path=path)
            files[path.lstrip("/")] = content.getvalue()
    label = image.pvd.volume_identifier.decode().rstrip()
    image.close()
    return label, files


@dataclasses.dataclass(frozen=True)
class Tools:
    """What tests share; conftest files cannot be imported."""

    qemu_img = staticmethod(qemu_img)
    iso_files = staticmethod(iso_files)
    look = staticmethod(look)
    open_files = staticmethod(open_files)


@pytest.fixture
def tools() -> Tools:
    return Tools()
