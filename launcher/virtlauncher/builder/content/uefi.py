"""UEFI firmware: the code that this machine has installed, and variables of the guest's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from virtcrds.view import EFI

from ...errors import LauncherError, LaunchFailed, Refused
from ..prepared import PreparedFirmware
from .files import Handle, Kind, found, found_beneath, is_missing
from .job import Job
from .making import as_handle, nameless_file, new_file, write_all
from .place import Place

VARIABLES = "efi-vars.fd"
"""The persistent variables in `state_dir`."""


def uefi(job: Job) -> PreparedFirmware | None:
    """Code and variables; None for a guest that does not boot by UEFI.

    Variables that are not persistent are a copy of the template that is gone with QEMU. Raises
    LaunchFailed with KubeVirt's sentence where the firmware is not installed.
    """
    firmware = job.vmi.spec.domain.firmware
    efi = firmware.bootloader.efi if firmware and firmware.bootloader else None
    if efi is None:
        return None
    place = Place(field="spec.domain.firmware.bootloader.efi", subject="firmware")
    secure = efi.secure_boot is not False
    images = job.facts.qemu.firmware
    code = images.secure_code if secure else images.efi_code
    template = images.secure_vars if secure else images.efi_vars
    if not code or not template:
        raise _not_installed(place, secure)
    with found(code, place, follow=True) as handle:
        handle.require(Kind.FILE)
        code_fd = job.holdings.hold("firmware/code", handle.open(os.O_RDONLY))
    with _variables(job, efi, template, place) as handle:
        vars_fd = job.holdings.hold("firmware/vars", handle.open(os.O_RDWR))
    return PreparedFirmware(code_fd=code_fd, vars_fd=vars_fd, secure=secure)


def _variables(
    job: Job, efi: EFI, template: str, place: Place
) -> contextlib.AbstractContextManager[Handle]:
    if efi.persistent:
        return _persistent(job, template, place)
    return _transient(Path(job.facts.run_dir), template, place)


@contextlib.contextmanager
def _transient(folder: Path, template: str, place: Place) -> Iterator[Handle]:
    with nameless_file(folder, place) as fd:
        _copy(template, fd, place)
        yield as_handle(fd, "a copy of the variables", place)


@contextlib.contextmanager
def _persistent(job: Job, template: str, place: Place) -> Iterator[Handle]:
    """The file of an earlier start, else a copy of the template, which appears whole."""
    if not job.facts.state_dir:
        raise Refused(
            "persistent UEFI variables need a place that outlives the VM",
            field=f"{place.field}.persistent",
        )
    with found(job.facts.state_dir, place, follow=True) as folder:
        if is_missing(folder, VARIABLES):
            _make_persistent(job, template, place)
        with found_beneath(folder, VARIABLES) as handle:
            handle.require(Kind.FILE)
            yield handle


def _make_persistent(job: Job, template: str, place: Place) -> None:
    path = Path(job.facts.state_dir) / VARIABLES
    with new_file(path.with_name(f".{VARIABLES}.new"), place, job.holdings) as (fd, made):
        _copy(template, fd, place)
        os.fsync(fd)
        Path(made).rename(path)
        job.holdings.made(path)


def _copy(template: str, fd: int, place: Place) -> None:
    with found(template, place, follow=True) as handle:
        handle.require(Kind.FILE)
        with os.fdopen(handle.open(os.O_RDONLY), "rb") as file:
            write_all(fd, file.read())


def _not_installed(place: Place, secure: bool) -> LauncherError:
    return LaunchFailed(
        f"EFI OVMF roms missing for booting in EFI mode with SecureBoot={str(secure).lower()}",
        field=place.field,
        hint="Install the package ovmf.",
    )
