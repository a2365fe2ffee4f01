"""The tiny guest and its twin that acts like CirrOS: Debian's kernel, static busybox, our scripts.

Two kernels, for one reason: Debian's cloud kernel reaches user space fastest but has no SATA, USB
or e1000e. Direct boot gets the fast one; the disks start the ordinary kernel, which finds every
device.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import shutil
import subprocess
from pathlib import Path

from images.cache import digest_of, digest_of_files, say

from . import cpio, disk, modules
from .packages import Apt, Package

_HERE = Path(__file__).parent
_PROGRAMS = {
    "usr/bin/dhcpv6": "dhcpv6.c",
    "usr/bin/echo-server": "echo-server.c",
    "usr/bin/sudo": "sudo.c",
}
_OPTIONS = "console=tty0 console=ttyS0 quiet no_timer_check"
_COMPILE = ("gcc", "-std=gnu11", "-static", "-Os", "-s", "-Wall", "-Wl,--build-id=none")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The packages that one flavour (tiny or cirros) is made of."""

    flavour: str
    apt: Apt
    cloud_kernel: Package
    full_kernel: Package
    busybox: Package
    loaders: tuple[Package, ...]

    def key(self) -> str:
        """Changes with the packages, the scripts and the compiler."""
        packages = (self.cloud_kernel, self.full_kernel, self.busybox, *self.loaders)
        inputs = [
            *(_HERE / name for name in ("cpio.py", "disk.py", "modules.py", "tiny.py", "source")),
            *(_HERE / "overlay" / name for name in ("common", self.flavour)),
        ]
        compiler = subprocess.run(
            ["gcc", "-dumpfullversion"], check=True, capture_output=True, text=True
        )
        return digest_of(
            digest_of_files(inputs, _HERE),
            compiler.stdout,
            *(package.sha256 for package in packages),
        )

    def build(self, out: Path) -> None:
        """Write vmlinuz, initrd, disk.raw, disk.qcow2 and guest.json into the folder `out`."""
        say(f"building the {self.flavour} guest (about half a minute)")
        work = out / "work"
        self.apt.unpack(self.busybox, work / "busybox")
        for package in self.loaders:
            self.apt.unpack(package, work / "loaders")
        common = [*_busybox(work / "busybox"), *_programs(work), *_overlay(self.flavour)]
        fast = self._kernel(self.cloud_kernel, work / "cloud", common)
        full = self._kernel(self.full_kernel, work / "full", common)
        shutil.move(fast.kernel, out / "vmlinuz")
        shutil.move(fast.initrd, out / "initrd")
        _write_disk(out / "disk.raw", full, work)
        disk.convert_to_qcow2(out / "disk.raw", out / "disk.qcow2")
        facts = {"flavour": self.flavour, "kernel": fast.facts(), "disk": full.facts()}
        (out / "guest.json").write_text(json.dumps(facts, indent=2) + "\n")
        shutil.rmtree(work)

    def _kernel(self, package: Package, work: Path, common: list[cpio.Entry]) -> Kernel:
        self.apt.unpack(package, work)
        (kernel,) = (work / "boot").glob("vmlinuz-*")
        (tree,) = work.glob("**/lib/modules/*")
        selection = modules.select(tree)
        initrd = work / "initrd"
        _write_initrd([*common, *selection.entries()], initrd)
        return Kernel(selection=selection, kernel=kernel, initrd=initrd)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel with the initramfs made for it."""

    selection: modules.Selection
    kernel: Path
    initrd: Path

    def facts(self) -> dict[str, object]:
        return {"version": self.selection.version, "missing_modules": self.selection.missing}


def recipe(flavour: str, apt: Apt) -> Recipe:
    """Find the packages of a flavour in the archives that this machine knows."""
    cloud = apt.dependency("linux-image-cloud-amd64", "linux-image-")
    full = apt.dependency("linux-image-amd64", "linux-image-")
    found = {
        package.name: package for package in apt.find(cloud, full, "busybox-static", *disk.PACKAGES)
    }
    return Recipe(
        flavour=flavour,
        apt=apt,
        cloud_kernel=found[cloud],
        full_kernel=found[full],
        busybox=found["busybox-static"],
        loaders=tuple(found[name] for name in disk.PACKAGES),
    )


def _write_disk(out: Path, kernel: Kernel, work: Path) -> None:
    """One partition holds the kernel, for BIOS and UEFI alike."""
    loaders = work / "loaders"
    core = disk.Core(
        modules=("biosdisk", "part_msdos", "fat", "linux16"),
        prefix="(,msdos1)/",
        # linux16 puts the kernel where it belongs; linux copies it there, two seconds under TCG.
        commands=f"linux16 /vmlinuz {_OPTIONS}\ninitrd16 /initrd\nboot\n",
    )
    partition = disk.write_efi_partition(
        work / "partition",
        loaders,
        # The kernel is an EFI program: it finds room for itself where GRUB, which keeps a quarter
        # of the memory for its own use, does not (256 MiB are too few for its command linux).
        f"chainloader /vmlinuz initrd=\\initrd {_OPTIONS}\nboot\n",
        {"vmlinuz": kernel.kernel, "initrd": kernel.initrd},
        size=47 * disk.MIB,
    )
    disk.write_disk(out, loaders, core.image(loaders, work), [partition])


def _busybox(unpacked: Path) -> list[cpio.Entry]:
    (program,) = unpacked.glob("**/bin/busybox")
    listing = subprocess.run(
        [program, "--list-full"], check=True, capture_output=True, text=True
    ).stdout
    ours = {*_PROGRAMS, "usr/bin/busybox", "bin/busybox"}
    return [
        cpio.file("bin/busybox", program.read_bytes(), 0o755),
        *(cpio.symlink(name, "/bin/busybox") for name in listing.split() if name not in ours),
        cpio.symlink("init", "/bin/busybox"),
        cpio.character_device("dev/console", 5, 1),
        *(cpio.folder(name) for name in ("proc", "sys", "run", "mnt", "var/log")),
        cpio.folder("tmp", 0o1777),
        cpio.folder("root", 0o700),
    ]


def _programs(work: Path) -> list[cpio.Entry]:
    entries = []
    for path, source in _PROGRAMS.items():
        binary = work / source.removesuffix(".c")
        subprocess.run([*_COMPILE, "-o", binary, _HERE / "source" / source], check=True)
        mode = 0o4755 if path.endswith("sudo") else 0o755
        entries.append(cpio.file(path, binary.read_bytes(), mode))
    return entries


def _overlay(flavour: str) -> list[cpio.Entry]:
    roots = (_HERE / "overlay" / "common", _HERE / "overlay" / flavour)
    files = [
        cpio.file(
            str(path.relative_to(root)),
            path.read_bytes(),
            0o755 if path.stat().st_mode & 0o100 else 0o644,
        )
        for root in roots
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]
    homes = [cpio.folder("home/cirros", uid=1000)] if flavour == "cirros" else []
    return [*files, *homes]


def _write_initrd(entries: list[cpio.Entry], out: Path) -> None:
    archive = io.BytesIO()
    cpio.write(entries, archive)
    out.write_bytes(gzip.compress(archive.getvalue(), compresslevel=9, mtime=0))
