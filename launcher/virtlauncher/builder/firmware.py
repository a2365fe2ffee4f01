"""Firmware and what it tells about the machine: SeaBIOS or OVMF, direct kernel boot, SMBIOS."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ..errors import Refused
from .given import Given
from .options import Group, Json, KeyVal, Option, Plain, Scalar
from .prepared import PreparedFirmware

MANUFACTURER, FAMILY, PRODUCT = "KubeVirt", "KubeVirt", "None"
"""SMBIOS texts of KubeVirt's cluster defaults; cloud-init and others know the VM by them."""
CODE_NODE, VARS_NODE = "firmware-code", "firmware-vars"

_MENU_MILLISECONDS = 10_000


class FirmwareKind(StrEnum):
    """What boots the guest, as GuestABI records it."""

    BIOS = "bios"
    EFI = "efi"
    EFI_SECURE = "efi-secure"
    KERNEL = "kernel"


def firmware_kind(given: Given) -> FirmwareKind:
    """Raises Refused when the firmware is not the one that the guest was started with."""
    files = given.prepared.firmware
    if files is not None:
        kind = FirmwareKind.EFI_SECURE if files.secure else FirmwareKind.EFI
    else:
        kind = FirmwareKind.KERNEL if given.prepared.boot is not None else FirmwareKind.BIOS
    if given.abi is not None and given.abi.firmware != kind:
        raise Refused(
            f"the guest was started with firmware '{given.abi.firmware}', not '{kind}'",
            field="spec.domain.firmware",
        )
    return kind


def firmware(given: Given) -> list[Option]:
    files = given.prepared.firmware
    return [
        *([] if files is None else _uefi(given, files)),
        *_bios_serial(given),
        _boot(given),
        *_kernel(given),
        *_identity(given),
    ]


def _uefi(given: Given, files: PreparedFirmware) -> list[Option]:
    pflash = {"pflash0": CODE_NODE, "pflash1": VARS_NODE}
    why = "UEFI: code that the guest can only read, variables of its own"
    options: list[Option] = [
        _flash(given, CODE_NODE, files.code_fd, files.code_format, readonly=True),
        # Variables are always made raw: a template has the size of the flash.
        _flash(given, VARS_NODE, files.vars_fd, "raw", readonly=False),
        KeyVal("-machine", pflash, Group.FIRMWARE, why),
    ]
    if files.secure:
        secure: dict[str, Scalar] = {"driver": "cfi.pflash01", "property": "secure", "value": True}
        s3: dict[str, Scalar] = {"driver": "ICH9-LPC", "property": "disable_s3", "value": 1}
        options += [
            KeyVal("-global", secure, Group.FIRMWARE, "Only code in SMM may write the variables"),
            KeyVal("-global", s3, Group.FIRMWARE, "Waking from S3 would leave SMM unlocked"),
        ]
    return options


def _flash(given: Given, node: str, fd: str, format: str, *, readonly: bool) -> Option:
    file = {"driver": "file", "filename": given.fds.path(fd), "read-only": readonly}
    tree = {"driver": format, "node-name": node, "read-only": readonly, "file": file}
    return Json("-blockdev", tree, Group.FIRMWARE, "A flash chip of the firmware")


def _bios_serial(given: Given) -> list[Option]:
    loader = given.firmware.bootloader
    if loader is None or loader.bios is None or not loader.bios.use_serial:
        return []
    why = "bios.useSerial: with no graphics SeaBIOS talks on the serial port"
    return [KeyVal("-machine", {"graphics": False}, Group.FIRMWARE, why)]


def _boot(given: Given) -> Option:
    values: dict[str, Scalar] = {"strict": True}
    why = "Only devices with a boot index are tried"
    if given.spec.start_strategy == "Paused":
        values |= {"menu": True, "splash-time": _MENU_MILLISECONDS}
        why += "; who started it paused gets time for the boot menu"
    return KeyVal("-boot", values, Group.FIRMWARE, why)


def _kernel(given: Given) -> list[Option]:
    files, wanted = given.prepared.boot, given.firmware.kernel_boot
    if files is None:
        return []
    options: list[Option] = []
    for name, fd in (("-kernel", files.kernel_fd), ("-initrd", files.initrd_fd)):
        if fd:
            path = given.fds.inherited(fd)
            options.append(Plain(name, path, Group.FIRMWARE, "kernelBoot: no boot loader"))
    if wanted is not None and wanted.kernel_args:
        options.append(Plain("-append", wanted.kernel_args, Group.FIRMWARE, "kernelArgs"))
    return options


def _identity(given: Given) -> list[Option]:
    wanted, chassis = given.firmware, given.domain.chassis
    system = {
        "manufacturer": MANUFACTURER,
        "product": PRODUCT,
        "serial": wanted.serial,
        "uuid": wanted.uuid,
        "family": FAMILY,
    }
    options: list[Option] = []
    if wanted.uuid:
        options.append(Plain("-uuid", wanted.uuid, Group.FIRMWARE, "The guest's identity"))
    options.append(_smbios(1, system, "What KubeVirt's guests read about their machine"))
    if chassis is not None:
        case = {
            "manufacturer": chassis.manufacturer,
            "version": chassis.version,
            "serial": chassis.serial,
            "asset": chassis.asset,
            "sku": chassis.sku,
        }
        options.append(_smbios(3, case, "The chassis"))
    return options


def _smbios(type: int, texts: Mapping[str, str], why: str) -> Option:
    given = {key: text for key, text in texts.items() if text}
    return KeyVal("-smbios", {"type": type, **given}, Group.FIRMWARE, why)
