"""Firmware: boot loader, direct kernel boot, and the identity that SMBIOS shows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.features import Features
from ..core.firmware import EFI, KernelBoot, KernelBootContainer
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import invalid, required
from .disks import MAX_SERIAL, serial_violations
from .filepaths import path_violations
from .path import Path

_MAX_KERNEL_ARGS = 2048
"""What Linux reads of its command line on amd64 and arm64."""


def identity(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """SMBIOS: the system's UUID and serial number, and what the case says of itself."""
    domain = field / "domain"
    if (firmware := spec.domain.firmware) is not None:
        path = domain / "firmware"
        yield from serial_violations(path / "serial", path / "serial", firmware.serial)
        if firmware.uuid and not _is_uuid(firmware.uuid):
            yield invalid(path / "uuid", f"{path}.uuid must be a UUID, if specified")
    if (chassis := spec.domain.chassis) is not None:
        for name in type(chassis).model_fields:
            path = domain / "chassis" / name
            if len(getattr(chassis, name)) > MAX_SERIAL:
                yield invalid(
                    path,
                    f"{path} must be less than or equal to {MAX_SERIAL} in length, if specified",
                )


def bootloader(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    loader = spec.domain.firmware.bootloader if spec.domain.firmware is not None else None
    if loader is None:
        return
    domain = field / "domain"
    if loader.efi is not None and loader.bios is not None:
        path = domain / "firmware" / "bootloader"
        yield invalid(
            path, f"{path} has both EFI and BIOS configured, but they are mutually exclusive."
        )
    if secure_boot(loader.efi) and not system_management(spec.domain.features):
        yield invalid(
            domain,
            f"{domain} has EFI SecureBoot enabled. "
            "SecureBoot requires SMM, which is currently disabled.",
        )


def kernel_boot(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    boot = spec.domain.firmware.kernel_boot if spec.domain.firmware is not None else None
    if boot is None:
        return
    path = field / "domain" / "firmware" / "kernelBoot"
    yield from _kernel_args(path / "kernelArgs", boot)
    if boot.container is not None:
        yield from _kernel_container(path / "container", boot.container)


def acpi_tables(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    tables = spec.domain.firmware.acpi if spec.domain.firmware is not None else None
    if tables is None:
        return
    path = field / "domain" / "firmware" / "acpi"
    if not tables.slic_name_ref and not tables.msdm_name_ref:
        yield invalid(path, "ACPI was set but no SLIC nor MSDM volume reference was set")
    volumes = {volume.name: volume for volume in spec.volumes}
    for name, wanted in (
        ("slicNameRef", tables.slic_name_ref),
        ("msdmNameRef", tables.msdm_name_ref),
    ):
        if wanted and wanted not in volumes:
            yield invalid(path / name, f"{field}.acpi does not have a matching Volume.")
        elif wanted and volumes[wanted].secret is None:
            yield invalid(path / name, f"{field}.acpi refers to Volume of unsupported type.")


def secure_boot(efi: EFI | None) -> bool:
    """UEFI boots only what is signed, unless it is told otherwise."""
    return efi is not None and efi.secure_boot is not False


def system_management(features: Features | None) -> bool:
    smm = features.smm if features is not None else None
    return smm is not None and smm.enabled is not False


def _kernel_args(path: Path, boot: KernelBoot) -> Iterator[Violation]:
    if boot.kernel_args and boot.container is None:
        yield invalid(path, "kernel arguments cannot be provided without an external kernel")
    if len(boot.kernel_args) > _MAX_KERNEL_ARGS:
        yield invalid(path, f"{path} must be no more than {_MAX_KERNEL_ARGS} characters")


def _kernel_container(path: Path, container: KernelBootContainer) -> Iterator[Violation]:
    if not container.image:
        yield required(path / "image", f"{path} must be defined with an image")
    if not container.kernel_path and not container.initrd_path:
        yield required(
            path,
            f"{path} must be defined with at least one of the following: kernelPath, initrdPath",
        )
    for attribute, name in (("kernel_path", "kernelPath"), ("initrd_path", "initrdPath")):
        value = getattr(container, attribute)
        if value or attribute in container.model_fields_set:
            yield from path_violations(path / name, value)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
