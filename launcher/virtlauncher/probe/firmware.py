"""Where distributions put UEFI firmware: the first pair of files that is there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..facts import Firmware

_Pair = tuple[str, str]
_PLAIN: tuple[_Pair, ...] = (
    ("OVMF/OVMF_CODE_4M.fd", "OVMF/OVMF_VARS_4M.fd"),  # Debian, Ubuntu
    ("edk2/ovmf/OVMF_CODE.fd", "edk2/ovmf/OVMF_VARS.fd"),  # Fedora, RHEL
    ("edk2/x64/OVMF_CODE.4m.fd", "edk2/x64/OVMF_VARS.4m.fd"),  # Arch
    ("qemu/ovmf-x86_64-4m-code.bin", "qemu/ovmf-x86_64-4m-vars.bin"),  # openSUSE
    ("OVMF/OVMF_CODE.fd", "OVMF/OVMF_VARS.fd"),
)
_SECURE: tuple[_Pair, ...] = (
    ("OVMF/OVMF_CODE_4M.ms.fd", "OVMF/OVMF_VARS_4M.ms.fd"),
    ("edk2/ovmf/OVMF_CODE.secboot.fd", "edk2/ovmf/OVMF_VARS.secboot.fd"),
    ("qemu/ovmf-x86_64-smm-ms-code.bin", "qemu/ovmf-x86_64-smm-ms-vars.bin"),
    ("OVMF/OVMF_CODE.ms.fd", "OVMF/OVMF_VARS.ms.fd"),
)
"""Firmware that enforces secure boot, with variables that hold the usual keys."""


def find_firmware(share: Path = Path("/usr/share")) -> Firmware:
    """UEFI images below `share`; a kind that is not installed is empty."""
    code, variables = _first(_PLAIN, share)
    secure_code, secure_variables = _first(_SECURE, share)
    return Firmware(
        efi_code=code,
        efi_vars=variables,
        secure_code=secure_code,
        secure_vars=secure_variables,
    )


def _first(pairs: Iterable[_Pair], share: Path) -> _Pair:
    for code, variables in pairs:
        if (share / code).is_file() and (share / variables).is_file():
            return str(share / code), str(share / variables)
    return "", ""
