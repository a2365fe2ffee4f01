"""Facts without a machine: what `validate` and `explain` say needs no QEMU and opens no disk."""

from __future__ import annotations

import dataclasses
from typing import Any

from virtcrds import Violation, VirtualMachineInstance
from virtlauncher.builder.prepared import (
    Layer,
    Prepared,
    PreparedBoot,
    PreparedDisk,
    PreparedFirmware,
)
from virtlauncher.builder.support import unsupported
from virtlauncher.errors import Unsupported
from virtlauncher.facts import Accel, Facts, Firmware, Nic, NicKind, Qemu

from .checking import check
from .documents import Document
from .errors import BadInput
from .names import VmName
from .network import refuse_cluster_networks
from .volumes import refuse_cluster_volumes

QEMU = Qemu(
    binary="qemu-system-x86_64",
    version=(10, 0, 0),
    machine_aliases={"q35": "pc-q35-10.0", "pc": "pc-i440fx-10.0"},
    machines=("pc-q35-10.0", "pc-i440fx-10.0"),
    firmware=Firmware(efi_code="efi", efi_vars="efi", secure_code="efi", secure_vars="efi"),
    swtpm="swtpm",
    vhost_vsock=True,
)
"""A QEMU that has everything."""
_NAME = VmName(namespace="default", name="name")
_DISK_SIZE = 1 << 30
_ISO_SOURCES = (
    "cloud_init_no_cloud",
    "cloud_init_config_drive",
    "config_map",
    "secret",
    "sysprep",
    "service_account",
    "downward_api",
)


def stand_in_facts(
    vmi: VirtualMachineInstance, qemu: Qemu = QEMU, accel: Accel = Accel.TCG
) -> Facts:
    """Enough to judge and explain a VMI; the folders are names only."""
    return Facts(
        qemu=qemu,
        accel=accel,
        nics={
            interface.name: Nic(kind=NicKind.USER, mac=interface.mac_address or "02:00:00:00:00:01")
            for interface in vmi.spec.domain.devices.interfaces
        },
        run_dir="/run/kubemu",
        disk_dir="/var/lib/kubemu",
        state_dir="/var/lib/kubemu",
        staged=True,
    )


def stand_in_prepared(vmi: VirtualMachineInstance) -> Prepared:
    """What the builder would find, were the disks what their volumes promise."""
    domain, readonly = vmi.spec.domain, _readonly(vmi)
    firmware = domain.firmware
    loader = firmware.bootloader if firmware is not None else None
    kernel = firmware.kernel_boot if firmware is not None else None
    return Prepared(
        disks={
            volume.name: _disk(volume, readonly.get(volume.name, False))
            for volume in vmi.spec.volumes
        },
        boot=PreparedBoot(kernel_fd="kernel", initrd_fd="initrd")
        if kernel is not None and kernel.container is not None
        else None,
        firmware=PreparedFirmware(
            code_fd="firmware/code",
            vars_fd="firmware/vars",
            secure=loader.efi.secure_boot is not False,
        )
        if loader is not None and loader.efi is not None
        else None,
        tpm_dir="/run/kubemu/tpm" if domain.devices.tpm is not None else "",
    )


def find_unsupported(document: Document) -> list[Violation]:
    """What `kubemu run` would refuse of a valid VM: what is not done yet, or needs a cluster."""
    try:
        checked = check(document, _NAME, "")
        refuse_cluster_volumes(checked.vmi)
        refuse_cluster_networks(checked.vmi)
    except BadInput as error:
        return [Violation(field="", message=error.message)]
    except Unsupported as error:
        return [Violation(field=error.field, message=error.message)]
    return unsupported(checked.vmi, stand_in_facts(checked.vmi))


def _disk(volume: Any, readonly: bool) -> PreparedDisk:
    name = volume.name
    if any(getattr(volume, source) is not None for source in _ISO_SOURCES):
        layers = (_layer(name, 0, "raw", writable=not readonly),)
        return PreparedDisk(
            volume=name, layers=layers, size=_DISK_SIZE, readonly=readonly, iso=True
        )
    if volume.container_disk is not None or volume.ephemeral is not None:
        base = "raw" if volume.ephemeral is not None else "qcow2"
        chain = (_layer(name, 0, "qcow2"), _layer(name, 1, base, writable=False))
        return PreparedDisk(volume=name, layers=chain, size=_DISK_SIZE, readonly=readonly)
    if volume.empty_disk is not None:
        size = volume.empty_disk.capacity.value
        return PreparedDisk(
            volume=name, layers=(_layer(name, 0, "qcow2"),), size=size, readonly=readonly
        )
    layers = (_layer(name, 0, "raw", writable=not readonly),)
    return PreparedDisk(volume=name, layers=layers, size=_DISK_SIZE, readonly=readonly)


def _readonly(vmi: VirtualMachineInstance) -> dict[str, bool]:
    """Which volumes the guest can only read, by how they are attached."""
    return {
        disk.name: disk.cdrom is not None
        or any(target is not None and bool(target.readonly) for target in (disk.disk, disk.lun))
        for disk in vmi.spec.domain.devices.disks
    }


def _layer(volume: str, index: int, form: str, *, writable: bool = True) -> Layer:
    head = f"disk/{volume}/{index}"
    layer = Layer(format=form, readonly_fd=f"{head}/ro")
    return dataclasses.replace(layer, readwrite_fd=f"{head}/rw") if writable else layer
