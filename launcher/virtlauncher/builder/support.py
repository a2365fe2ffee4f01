"""What this launcher does not do yet: a field that the guest would miss is refused, by its name.

`unsupported` refuses; `not_acted_on` names what is accepted but speaks to a cluster; `cautions`
says what is done in another way than the words of the VMI suggest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from virtcrds import Violation
from virtcrds.view import Disk, Interface, VirtualMachineInstance
from virtcrds.view import VirtualMachineInstanceSpec as Spec

from ..errors import Unsupported
from ..facts import Facts, NicKind
from .cpu import MAX_VCPUS
from .extras import HYPERV_PANIC, PANIC_DRIVERS
from .given import Given, on_paper
from .graphics import DRIVERS, has_graphics, video_type
from .hyperv import wants_hyperv
from .iothreads import pool_is_split
from .nics import nic_driver
from .pci import wished_place
from .placement import not_acted_on as not_acted_on
from .tpm import has_tpm

NOT_SUPPORTED = "FieldValueNotSupported"

_Complaint = tuple[str, str]
"""Path of a field, and a sentence about it."""

_DOMAIN = "spec.domain"
_DEVICES = "spec.domain.devices"

_ABSENT: dict[str, tuple[Callable[[Spec], Any], str]] = {
    "spec.domain.launchSecurity": (
        lambda spec: spec.domain.launch_security,
        "Confidential guests are not supported yet.",
    ),
    "spec.domain.cpu.numa": (
        lambda spec: spec.domain.cpu and spec.domain.cpu.numa,
        "A NUMA topology for the guest is not supported yet.",
    ),
    "spec.domain.firmware.acpi": (
        lambda spec: spec.domain.firmware and spec.domain.firmware.acpi,
        "ACPI tables from secrets are not supported yet.",
    ),
    "spec.domain.devices.gpus": (
        lambda spec: spec.domain.devices.gpus,
        "GPUs cannot be passed through yet.",
    ),
    "spec.domain.devices.hostDevices": (
        lambda spec: spec.domain.devices.host_devices,
        "Host devices cannot be passed through yet.",
    ),
    "spec.domain.devices.filesystems": (
        lambda spec: spec.domain.devices.filesystems,
        "Filesystems (virtiofs) are not supported yet.",
    ),
    "spec.domain.devices.clientPassthrough": (
        lambda spec: spec.domain.devices.client_passthrough,
        "USB redirection from a client is not supported yet.",
    ),
    "spec.domain.devices.downwardMetrics": (
        lambda spec: spec.domain.devices.downward_metrics,
        "The metrics channel is not supported yet.",
    ),
    "spec.domain.devices.watchdog.diag288": (
        lambda spec: spec.domain.devices.watchdog and spec.domain.devices.watchdog.diag288,
        "The watchdog diag288 exists on s390x only.",
    ),
}
"""Fields whose mere presence asks for what we do not have."""

_ANNOTATIONS = {
    "kubevirt.io/ignitiondata": "Ignition data is not supported yet.",
    "hooks.kubevirt.io/hookSidecars": "Hook sidecars act on libvirt, which is not here.",
}
_VOLUMES = {
    "container_path": "Paths of the launcher's container cannot be shared yet.",
    "downward_metrics": "The metrics disk is not supported yet.",
}


def unsupported(vmi: VirtualMachineInstance, facts: Facts) -> list[Violation]:
    """One entry per field that would make a difference to the guest and that is not acted on."""
    given = on_paper(vmi, facts)
    complaints = [
        *_absent(vmi),
        *_machine(given),
        *_firmware(given),
        *_devices(given),
        *(complaint for i, disk in enumerate(given.devices.disks) for complaint in _disk(i, disk)),
        *(
            complaint
            for i, nic in enumerate(given.devices.interfaces)
            for complaint in _interface(given, i, nic)
        ),
        *_network(given),
    ]
    return [Violation(field=f, message=text, reason=NOT_SUPPORTED) for f, text in complaints]


def check_support(vmi: VirtualMachineInstance, facts: Facts) -> None:
    """Raises Unsupported with the first complaint."""
    if violations := unsupported(vmi, facts):
        first, *others = violations
        more = f" (and {len(others)} more such fields)" if others else ""
        raise Unsupported(first.message + more, field=first.field)


def cautions(given: Given) -> tuple[str, ...]:
    """Sentences about what is done in another way; the guest works all the same."""
    return tuple(
        sentence
        for applies, sentence in (
            (
                not given.kvm and wants_hyperv(given),
                "Hyper-V enlightenments are left out: emulated CPUs do not have them",
            ),
            (
                not given.kvm and given.cpu.model == "host-passthrough",
                "host-passthrough under emulation is everything that QEMU can emulate",
            ),
            (
                pool_is_split(given),
                "this QEMU serves a disk by one thread of the supplemental pool, not by all",
            ),
            (
                bool(given.devices.network_interface_multiqueue)
                and any(nic.kind is NicKind.USER for nic in given.facts.nics.values()),
                "the user-mode network has one queue; networkInterfaceMultiqueue has no effect",
            ),
        )
        if applies
    )


def _absent(vmi: VirtualMachineInstance) -> Iterator[_Complaint]:
    for field, (find, sentence) in _ABSENT.items():
        if find(vmi.spec):
            yield field, sentence
    for name, sentence in _ANNOTATIONS.items():
        if name in vmi.metadata.annotations:
            yield f"metadata.annotations[{name}]", sentence
    for index, volume in enumerate(vmi.spec.volumes):
        for name, sentence in _VOLUMES.items():
            if getattr(volume, name) is not None:
                yield f"spec.volumes[{index}]", sentence
    for index, credential in enumerate(vmi.spec.access_credentials):
        key, password = credential.ssh_public_key, credential.user_password
        by_agent = key is not None and key.propagation_method.qemu_guest_agent is not None
        if by_agent or password is not None:
            yield f"spec.accessCredentials[{index}]", "The guest agent cannot set them yet."


def _machine(given: Given) -> Iterator[_Complaint]:
    spec, clock = given.spec, given.domain.clock
    if spec.architecture not in ("", "amd64"):
        yield "spec.architecture", f"Guests of {spec.architecture} are not supported yet."
    if given.vcpus > MAX_VCPUS:
        yield f"{_DOMAIN}.cpu", f"More than {MAX_VCPUS} CPUs are not supported yet."
    rtc = clock.timer.rtc if clock is not None and clock.timer is not None else None
    if rtc is not None and rtc.present is False:
        yield f"{_DOMAIN}.clock.timer.rtc.present", "q35 cannot be without a real time clock."


def _firmware(given: Given) -> Iterator[_Complaint]:
    loader, images = given.firmware.bootloader, given.facts.qemu.firmware
    if loader is None or loader.efi is None:
        return
    field = f"{_DOMAIN}.firmware.bootloader.efi"
    secure = loader.efi.secure_boot is not False
    wanted = (images.secure_code, images.secure_vars)
    if not all(wanted if secure else (images.efi_code, images.efi_vars)):
        mode = f"SecureBoot={str(secure).lower()}"
        yield field, f"EFI OVMF roms missing for booting in EFI mode with {mode}."
    if loader.efi.persistent and not given.facts.state_dir:
        yield f"{field}.persistent", "There is no place to keep the UEFI variables."


def _devices(given: Given) -> Iterator[_Complaint]:
    devices, qemu = given.devices, given.facts.qemu
    if has_tpm(given) and not qemu.swtpm:
        yield f"{_DEVICES}.tpm", "A TPM needs swtpm, which is not installed."
    if has_tpm(given) and devices.tpm and devices.tpm.persistent and not given.facts.state_dir:
        yield f"{_DEVICES}.tpm.persistent", "There is no place to keep the TPM's state."
    if devices.autoattach_vsock and not qemu.vhost_vsock:
        yield f"{_DEVICES}.autoattachVSOCK", "This machine has no /dev/vhost-vsock."
    elif devices.autoattach_vsock and given.vmi.status.vsockcid is None:
        yield f"{_DEVICES}.autoattachVSOCK", "No context id (status.VSOCKCID) was allocated."
    for index, device in enumerate(devices.panic_devices):
        if (device.model or "") not in (*PANIC_DRIVERS, HYPERV_PANIC):
            field = f"{_DEVICES}.panicDevices[{index}].model"
            yield field, f"amd64 has no panic device '{device.model}'."
        if device.model == HYPERV_PANIC and not given.kvm:
            field = f"{_DEVICES}.panicDevices[{index}].model"
            yield field, "An emulated CPU has no Hyper-V crash registers."
    kind = video_type(given)
    if has_graphics(given) and kind not in DRIVERS:
        yield f"{_DEVICES}.video.type", f"There is no graphics card '{kind}' on amd64."
    elif has_graphics(given) and qemu.devices and DRIVERS[kind] not in qemu.devices:
        yield f"{_DEVICES}.video.type", f"This QEMU has no graphics card '{DRIVERS[kind]}'."


def _disk(index: int, disk: Disk) -> Iterator[_Complaint]:
    field = f"{_DEVICES}.disks[{index}]"
    if disk.lun is not None and disk.lun.bus != "scsi":
        yield f"{field}.lun.bus", "A LUN is possible on bus scsi only."
    if disk.lun is not None and disk.lun.reservation:
        yield f"{field}.lun.reservation", "SCSI reservations are not supported yet."
    size = disk.block_size
    if size is not None and size.match_volume and size.match_volume.enabled is not False:
        yield f"{field}.blockSize.matchVolume", "Block sizes are not matched yet; set custom."
    if disk.disk is not None:
        yield from _address(f"{field}.disk.pciAddress", disk.disk.pci_address)


def _interface(given: Given, index: int, nic: Interface) -> Iterator[_Complaint]:
    field, qemu = f"{_DEVICES}.interfaces[{index}]", given.facts.qemu
    for name, shown in (
        ("sriov", "sriov"),
        ("passt_binding", "passtBinding"),
        ("binding", "binding"),
    ):
        if getattr(nic, name) is not None:
            yield f"{field}.{shown}", f"The binding {shown} is not supported yet."
    driver = nic_driver(given, nic)
    if qemu.devices and driver not in qemu.devices:
        yield f"{field}.model", f"This QEMU has no network card '{driver}'."
    yield from _address(f"{field}.pciAddress", nic.pci_address)
    if not _is_user(given, nic) or nic.dhcp_options is None:
        return
    for name, shown in (("ntp_servers", "ntpServers"), ("private_options", "privateOptions")):
        if getattr(nic.dhcp_options, name):
            where = f"{field}.dhcpOptions.{shown}"
            yield where, "The user-mode network's DHCP server cannot tell them."


def _network(given: Given) -> Iterator[_Complaint]:
    spec, by_name = given.spec, {nic.name: nic for nic in given.devices.interfaces}
    for index, network in enumerate(spec.networks):
        nic, pod = by_name.get(network.name), network.pod
        if nic and pod and pod.vm_ipv6_network_cidr and _is_user(given, nic):
            field = f"spec.networks[{index}].pod.vmIPv6NetworkCIDR"
            yield field, "The user-mode network has IPv6 addresses of its own."
    dns = spec.dns_config
    if dns is not None and any(_is_user(given, nic) for nic in by_name.values()):
        if dns.nameservers:
            yield "spec.dnsConfig.nameservers", "The user-mode network has its own name server."
        if dns.options:
            yield "spec.dnsConfig.options", "The user-mode network cannot tell resolver options."


def _address(field: str, address: str) -> Iterator[_Complaint]:
    if address and wished_place(address) is None:
        yield (
            field,
            f"There is no PCI address {address}: 0000:01:00.0 to 0000:1f:00.0 are ports,"
            " 0000:00:06.0 to 0000:00:1a.0 slots of the root complex.",
        )


def _is_user(given: Given, nic: Interface) -> bool:
    connection = given.facts.nics.get(nic.name)
    return connection is not None and connection.kind is NicKind.USER
