"""The debian guest: Debian as Debian makes it, with cloud-init, the guest agent, sshd and netplan.

mmdebstrap makes the root file system from the very lists that name the guest in the cache. GRUB
reads its configuration from that file system, so that a newer kernel starts as anywhere else.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from images.cache import digest_of, digest_of_files, say

from . import disk
from .packages import Apt, Package, PackageError

PACKAGES = (
    *("linux-image-cloud-amd64", "zstd", "systemd-sysv", "udev", "dbus"),
    *("cloud-init", "cloud-guest-utils", "fdisk", "e2fsprogs", "qemu-guest-agent"),
    *("netplan.io", "systemd-resolved", "iproute2", "iputils-ping", "ca-certificates", "curl"),
    *("openssh-server", "sudo"),
)
# They cost an emulated CPU minutes, some of them in the middle of a test.
_UNWANTED_UNITS = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer"),
    *("e2scrub_all.timer", "e2scrub_reap.service", "systemd-pstore.service"),
)
_HERE = Path(__file__).parent
_OVERLAY = _HERE / "overlay" / "debian"
_SIZE = 2048 * disk.MIB
_BIOS_CORE = disk.Core(
    modules=("biosdisk", "part_msdos", "ext2", "normal", "test", "linux16"),
    prefix="(,msdos2)/boot/grub",
)
_EFI_COMMANDS = "search --label root --set root\nconfigfile /boot/grub/grub.cfg\n"
# GRUB 2.06 reads no file system with the two features.
_UNPACK = """
tar --numeric-owner -xpf "$1" -C "$2"
mke2fs -q -t ext4 -L root -m 0 -O ^metadata_csum_seed,^orphan_file -d "$2" "$3"
"""
# systemctl only makes links here. Each VM gets keys of its own.
_LAST_STEPS = (
    f'systemctl --quiet --root="$1" mask {" ".join(_UNWANTED_UNITS)}',
    'systemctl --quiet --root="$1" enable systemd-networkd.service',
    'rm -f "$1"/etc/ssh/ssh_host_*_key*',
    'ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"',
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The packages of the guest, and where they come from."""

    apt: Apt
    installed: tuple[str, ...]
    loaders: tuple[Package, ...]

    def key(self) -> str:
        """Changes with the packages and our files."""
        inputs = [_HERE / "disk.py", _HERE / "debian.py", _OVERLAY]
        loaders = (package.sha256 for package in self.loaders)
        return digest_of(digest_of_files(inputs, _HERE), *self.installed, *loaders)

    def build(self, out: Path) -> None:
        """Write disk.qcow2, vmlinuz, initrd and guest.json into the folder `out`.

        Raises PackageError when mmdebstrap fails, most often because the lists have grown old.
        """
        say("building the debian guest (some minutes)")
        work = out / "work"
        work.mkdir()
        for package in self.loaders:
            self.apt.unpack(package, work / "loaders")
        self._bootstrap(work / "root.tar")
        tree = _write_root(work / "root.tar", work / "root")
        efi = disk.write_efi_partition(
            work / "efi", work / "loaders", _EFI_COMMANDS, {}, size=8 * disk.MIB
        )
        root = disk.Partition(kind=disk.LINUX, content=work / "root")
        core = _BIOS_CORE.image(work / "loaders", work)
        disk.write_disk(work / "disk.raw", work / "loaders", core, [efi, root])
        disk.convert_to_qcow2(work / "disk.raw", out / "disk.qcow2")
        for name, link in {"vmlinuz": "vmlinuz", "initrd": "initrd.img"}.items():
            shutil.copyfile(tree / link, out / name)
        facts = {"flavour": "debian", "packages": len(self.installed)}
        (out / "guest.json").write_text(json.dumps(facts, indent=2) + "\n")
        shutil.rmtree(work)

    def _bootstrap(self, out: Path) -> None:
        """Write the root file system as an archive."""
        ours = out.with_name("ours.tar")
        self._write_ours(ours)
        hooks = [f"--customize-hook={hook}" for hook in _LAST_STEPS]
        sources = [source.line() for source in self.apt.sources()]
        done = subprocess.run(
            [
                *("mmdebstrap", "--quiet", "--variant=minbase"),
                *("--skip=update", "--dpkgopt=force-unsafe-io"),
                *(f"--include={','.join(PACKAGES)}", f'--setup-hook=tar-in "{ours}" /', *hooks),
                *("", str(out), *sources),
            ],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            words = done.stderr.strip()[-2000:]
            raise PackageError(f"mmdebstrap: {words}\n(`--refresh` looks for newer packages)")

    def _write_ours(self, out: Path) -> None:
        """Our files and the package lists, root's: there before the first package is."""
        with tarfile.open(out, "w") as archive:
            archive.add(_OVERLAY, ".", filter=_owned_by_root)
            for path in sorted(self.apt.lists.iterdir()):
                if path.is_file():
                    archive.add(path, f"var/lib/apt/lists/{path.name}", filter=_owned_by_root)


def recipe(apt: Apt) -> Recipe:
    """Find the packages in the archives that this machine knows."""
    return Recipe(
        apt=apt,
        installed=tuple(apt.installation(*PACKAGES)),
        loaders=tuple(apt.find(*disk.PACKAGES)),
    )


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def _write_root(archive: Path, out: Path) -> Path:
    """Make a file system of an archive; returns the folder it was unpacked into."""
    tree = archive.with_name("tree")
    tree.mkdir()
    with out.open("wb") as file:
        file.truncate(_SIZE)
    owners = () if os.geteuid() == 0 else ("fakeroot",)
    subprocess.run(
        [*owners, "sh", "-ec", _UNPACK, "sh", str(archive), str(tree), str(out)], check=True
    )
    return tree
