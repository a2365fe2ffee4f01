"""Confidential computing: what an encrypted guest needs and cannot have."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.firmware import EFI
from ..core.security import SNP, LaunchSecurity
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import forbidden, invalid
from .firmware import secure_boot, system_management
from .path import Path

_GATES = {
    "sev": "WorkloadEncryptionSEV",
    "snp": "WorkloadEncryptionSEV",
    "tdx": "WorkloadEncryptionTDX",
}


def launch_security(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    security = spec.domain.launch_security
    if security is None or spec.architecture == "s390x":
        return
    path = field / "domain" / "launchSecurity"
    kinds = [name for name in _GATES if getattr(security, name) is not None]
    if len(kinds) != 1:
        yield forbidden(path, "One and only one launchSecurity type can be set")
        return
    kind = kinds[0]
    if not config.enabled(_GATES[kind]):
        yield invalid(path, f"{_GATES[kind]} feature gate is not enabled in kubevirt-config")
        return
    yield from _firmware(path, spec, kind)
    yield from _start(path, spec, security)
    if security.snp is not None:
        yield from _snp(path / "snp", spec, security.snp)
    for interface in spec.domain.devices.interfaces:
        if interface.boot_order is not None:
            yield invalid(
                path, f"{kind.upper()} does not work with bootable NICs: {interface.name}"
            )


def _firmware(path: Path, spec: VirtualMachineInstanceSpec, kind: str) -> Iterator[Violation]:
    if kind == "tdx" and system_management(spec.domain.features):
        yield invalid(path, "TDX does not work along with SMM")
    efi = _efi(spec)
    if efi is None:
        yield invalid(path, f"{kind.upper()} requires OVMF (UEFI)")
        return
    if kind != "tdx" and secure_boot(efi):
        yield invalid(path, f"{kind.upper()} does not work along with SecureBoot")
    if kind != "sev" and efi.persistent:
        yield invalid(path, f"{kind.upper()} does not work along with Persistent EFI variables")


def _start(
    path: Path, spec: VirtualMachineInstanceSpec, security: LaunchSecurity
) -> Iterator[Violation]:
    attested = security.sev is not None and security.sev.attestation is not None
    if attested and spec.start_strategy != "Paused":
        yield invalid(path, "SEV attestation requires VMI StartStrategy 'Paused'")


def _snp(path: Path, spec: VirtualMachineInstanceSpec, snp: SNP) -> Iterator[Violation]:
    if snp.policy and not _is_number(snp.policy):
        yield invalid(path / "policy", f"{snp.policy} is not a valid SEV-SNP Policy Config")
    identity = (snp.author_key, snp.id_block, snp.id_auth)
    if any(identity) and not all(identity):
        yield invalid(
            path,
            "AuthorKey, IdBlock, and IdAuth must all be set together "
            "for guest identity attestation",
        )
    firmware = spec.domain.firmware
    boot = firmware.kernel_boot if firmware is not None else None
    if snp.kernel_hashes and (boot is None or boot.container is None):
        yield invalid(
            path / "kernelHashes",
            "KernelHashes requires direct kernel boot configuration "
            "(spec.domain.firmware.kernelBoot)",
        )


def _efi(spec: VirtualMachineInstanceSpec) -> EFI | None:
    firmware = spec.domain.firmware
    loader = firmware.bootloader if firmware is not None else None
    return loader.efi if loader is not None else None


def _is_number(text: str) -> bool:
    try:
        return 0 <= int(text, 0) < 1 << 64
    except ValueError:
        return False
