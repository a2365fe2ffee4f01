"""What is made beside disks: firmware, kernels, TPM folders; and machines with no room left."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.builder.prepared import PreparedBoot, PreparedFirmware
from virtlauncher.facts import Firmware, Source, SourceKind

TEMPLATE = b"variables" * 1000


def read(fd: int) -> bytes:
    return os.pread(fd, 1 << 20, 0)


@pytest.fixture
def firmware(machine: Any) -> Firmware:
    for name in ("code", "secure-code"):
        machine.path(name).write_bytes(name.encode())
    machine.path("vars").write_bytes(TEMPLATE)
    machine.firmware = Firmware(
        efi_code=str(machine.path("code")),
        efi_vars=str(machine.path("vars")),
        secure_code=str(machine.path("secure-code")),
        secure_vars=str(machine.path("vars")),
    )
    known: Firmware = machine.firmware
    return known


def boot_by_efi(machine: Any, **efi: Any) -> None:
    machine.domain["firmware"] = {"bootloader": {"efi": efi}}
    machine.domain["features"] = {"smm": {"enabled": True}}


@pytest.mark.parametrize(("secure", "code"), [(True, b"secure-code"), (False, b"code")])
def test_uefi_variables_are_a_copy_without_a_name(
    machine: Any, firmware: Firmware, secure: bool, code: bytes
) -> None:
    boot_by_efi(machine, secureBoot=secure)
    with machine.prepare() as content:
        assert content.prepared.firmware == PreparedFirmware(
            code_fd="firmware/code", vars_fd="firmware/vars", secure=secure
        )
        assert read(content.descriptors["firmware/code"]) == code
        variables = content.descriptors["firmware/vars"]
        assert read(variables) == TEMPLATE
        os.pwrite(variables, b"X", 0)
    assert machine.path("vars").read_bytes() == TEMPLATE
    assert machine.made() == []


def test_persistent_uefi_variables_are_used_again(machine: Any, firmware: Firmware) -> None:
    boot_by_efi(machine, secureBoot=False, persistent=True)
    for expected in (TEMPLATE, b"X" + TEMPLATE[1:]):
        with machine.prepare() as content:
            assert read(content.descriptors["firmware/vars"]) == expected
            os.pwrite(content.descriptors["firmware/vars"], b"X", 0)
    kept = machine.state_dir / "efi-vars.fd"
    assert machine.made() == [str(kept)]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_persistent_uefi_variables_that_are_a_link_are_refused(
    machine: Any, firmware: Firmware
) -> None:
    boot_by_efi(machine, secureBoot=False, persistent=True)
    (machine.state_dir / "efi-vars.fd").symlink_to("/etc/shadow")
    assert machine.refusal().message == (
        "firmware: efi-vars.fd is a symbolic link, not a regular file"
    )


def test_firmware_that_is_not_installed_is_said_in_kubevirts_words(machine: Any) -> None:
    boot_by_efi(machine)
    assert machine.refusal().message == (
        "EFI OVMF roms missing for booting in EFI mode with SecureBoot=true"
    )


def test_persistence_without_a_place_is_refused(machine: Any, firmware: Firmware) -> None:
    machine.keep_state = False
    boot_by_efi(machine, secureBoot=False, persistent=True)
    assert machine.refusal().field == "spec.domain.firmware.bootloader.efi.persistent"
    machine.domain = {"devices": {"tpm": {"persistent": True}}}
    assert machine.refusal().field == "spec.domain.devices.tpm.persistent"


@pytest.mark.parametrize("persistent", [False, True])
def test_a_tpm_gets_a_folder_of_its_own(machine: Any, persistent: bool) -> None:
    machine.domain["devices"] = {"tpm": {"persistent": persistent}}
    folder = (machine.state_dir if persistent else machine.run_dir) / "tpm"
    for _ in range(2):
        with machine.prepare() as content:
            assert content.prepared.tpm_dir == str(folder)
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert (folder / "state").exists() == (folder / "again").exists()
            (folder / "state").touch()
            if persistent:
                (folder / "again").touch()


@pytest.fixture
def kernel_image(machine: Any) -> Path:
    root: Path = machine.path("kernel/boot/vmlinuz").parent.parent
    (root / "boot" / "vmlinuz").write_bytes(b"kernel")
    (root / "boot" / "initrd").write_bytes(b"initrd")
    machine.sources["kernelBoot"] = Source(kind=SourceKind.DIR, path=str(root))
    return root


def boot_by_kernel(machine: Any, **paths: str) -> None:
    machine.domain["firmware"] = {"kernelBoot": {"container": {"image": "x", **paths}}}


def test_kernel_and_initrd_are_opened_below_their_image(machine: Any, kernel_image: Path) -> None:
    boot_by_kernel(machine, kernelPath="/boot/vmlinuz", initrdPath="/boot/initrd")
    with machine.prepare() as content:
        assert content.prepared.boot == PreparedBoot(
            kernel_fd="boot/kernel", initrd_fd="boot/initrd"
        )
        assert read(content.descriptors["boot/kernel"]) == b"kernel"
        assert read(content.descriptors["boot/initrd"]) == b"initrd"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/boot/none", "there is no boot/none"),
        ("/boot/link", "boot/link is a symbolic link, not a regular file"),
        ("/boot", "boot is a directory, not a regular file"),
        ("/boot/empty", "boot/empty is empty"),
        ("/../etc/passwd", "'/../etc/passwd' is not the plain path of a file"),
    ],
)
def test_a_kernel_that_is_no_file_is_refused(
    machine: Any, kernel_image: Path, path: str, message: str
) -> None:
    (kernel_image / "boot" / "link").symlink_to("/boot/vmlinuz")
    (kernel_image / "boot" / "empty").touch()
    boot_by_kernel(machine, kernelPath="/boot/vmlinuz", initrdPath=path)
    refusal = machine.refusal()
    assert refusal.message == f"kernelBoot: {message}"
    assert refusal.field == "spec.domain.firmware.kernelBoot.container"


def test_an_empty_disk_is_a_whole_qcow2_image(machine: Any, tools: Any) -> None:
    machine.add("scratch", {"emptyDisk": {"capacity": "1G"}})
    with machine.prepare() as content:
        disk = content.prepared.disks["scratch"]
        assert disk.size == 10**9 // (1 << 20) * (1 << 20)
    path = machine.disk_dir / "scratch.qcow2"
    assert disk.made == (str(path),)
    assert "No errors were found" in tools.qemu_img("check", path)
    assert path.stat().st_blocks * 512 <= 64 << 10


@pytest.mark.parametrize("size", [1 << 20, 10**9 // (1 << 20) << 20, 1 << 40, 1 << 46])
def test_a_made_image_is_qemus_own_but_for_its_feature_names(
    machine: Any, tools: Any, size: int
) -> None:
    machine.add("scratch", {"emptyDisk": {"capacity": str(size)}})
    theirs = machine.path("theirs.qcow2")
    tools.qemu_img("create", "-q", "-f", "qcow2", theirs, str(size))
    with machine.prepare():
        pass
    ours = (machine.disk_dir / "scratch.qcow2").read_bytes()
    whole = theirs.read_bytes()
    assert ours[:112] == whole[:112]
    assert ours[1 << 16 :].rstrip(b"\0") == whole[1 << 16 :].rstrip(b"\0")


@pytest.mark.parametrize(
    ("capacity", "message"),
    [
        ("1000Ki", "volume 'scratch': capacity 1000Ki is less than 1Mi"),
        ("100Ti", f"volume 'scratch': a disk of {100 << 40} bytes cannot be made"),
    ],
)
def test_an_impossible_capacity_is_refused(machine: Any, capacity: str, message: str) -> None:
    machine.add("scratch", {"emptyDisk": {"capacity": capacity}})
    assert machine.refusal().message.startswith(message)


@pytest.fixture
def full(machine: Any) -> Iterator[Path]:
    """`disk_dir` and `run_dir` on file systems with no room."""
    for folder in (machine.disk_dir, machine.run_dir):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", folder], check=True)
        with pytest.raises(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
    yield machine.disk_dir
    for folder in (machine.disk_dir, machine.run_dir):
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.root
@pytest.mark.parametrize(
    "volume",
    [{"emptyDisk": {"capacity": "1Gi"}}, {"cloudInitNoCloud": {"userData": "x"}}],
    ids=lambda volume: next(iter(volume)),
)
def test_a_full_disk_fails_the_start_and_leaves_nothing(
    machine: Any, full: Path, volume: dict[str, Any]
) -> None:
    machine.add("data", volume)
    refusal = machine.refusal()
    assert refusal.reason == "LaunchFailed"
    assert refusal.message.endswith("cannot be made: No space left on device")
