"""Which of a kernel's modules a guest takes along, and the indexes modprobe reads.

Everything is read from the modules themselves (their `.modinfo`), so no depmod has to run.
"""

from __future__ import annotations

import dataclasses
import lzma
import re
from collections.abc import Iterable
from pathlib import Path

from . import cpio

# What a VM of KubeVirt may have, and the file systems of its seeds. A kernel that lacks one is no
# error: Debian's cloud kernel has no AHCI, no USB, no e1000e and no watchdog.
WANTED = (
    *("virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "virtio_balloon", "virtio_rng"),
    *("virtio_console", "virtio_input", "virtio_mem", "virtiofs"),
    *("vsock", "vmw_vsock_virtio_transport", "qemu_fw_cfg"),
    *("ahci", "ata_piix", "nvme", "sd_mod", "sr_mod", "sg"),
    *("xhci_pci", "ehci_pci", "uhci_hcd", "usb_storage", "uas", "usbhid", "hid_generic"),
    *("e1000", "e1000e", "8139cp", "8139too", "ne2k_pci", "pcnet32"),
    *("isofs", "vfat", "ext4", "loop"),
    *("nls_cp437", "nls_iso8859_1", "nls_utf8", "nls_ascii"),
    *("crc32c_generic", "crc32c_intel"),
    *("i6300esb", "iTCO_wdt", "ib700wdt", "tpm_tis", "tpm_crb", "pvpanic_pci", "pvpanic_mmio"),
    *("button", "evdev", "psmouse", "efivarfs"),
)
_FACT = re.compile(rb"(?<=\0)(alias|depends)=([^\0]*)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Module:
    """One module file with what it says about itself."""

    name: str
    path: str
    data: bytes
    depends: tuple[str, ...]
    aliases: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """The modules taken along, in loading order, and the wanted ones that this kernel lacks."""

    version: str
    modules: tuple[Module, ...]
    missing: tuple[str, ...]

    def entries(self) -> list[cpio.Entry]:
        """The files below lib/modules, with modules.dep and modules.alias."""
        base = f"lib/modules/{self.version}"
        return [
            *(cpio.file(f"{base}/{module.path}", module.data) for module in self.modules),
            cpio.file(f"{base}/modules.dep", self._dependencies().encode()),
            cpio.file(f"{base}/modules.alias", self._aliases().encode()),
        ]

    def _dependencies(self) -> str:
        paths = {module.name: module.path for module in self.modules}
        needs: dict[str, list[str]] = {}
        lines = []
        for module in self.modules:
            # What is needed first comes last on a line.
            nested = [need for name in module.depends for need in (name, *needs[name])]
            needs[module.name] = list(dict.fromkeys(reversed(nested)))[::-1]
            lines.append(f"{module.path}: {' '.join(paths[n] for n in needs[module.name])}".strip())
        return "".join(f"{line}\n" for line in lines)

    def _aliases(self) -> str:
        return "".join(
            f"alias {alias} {module.name}\n" for module in self.modules for alias in module.aliases
        )


def select(tree: Path, wanted: Iterable[str] = WANTED) -> Selection:
    """Choose from the folder lib/modules/VERSION of an unpacked kernel package."""
    files = {_name(file): file for file in sorted(tree.rglob("*.ko*"))}
    built_in = {_name(Path(line)) for line in (tree / "modules.builtin").read_text().splitlines()}
    chosen: dict[str, Module] = {}
    missing = []

    def take(name: str) -> None:
        if name in chosen or name in built_in:
            return
        module = _read(name, files[name], tree)
        for needed in module.depends:
            take(needed)
        loadable = tuple(needed for needed in module.depends if needed not in built_in)
        chosen[name] = dataclasses.replace(module, depends=loadable)

    for name in wanted:
        if name in files or name in built_in:
            take(name)
        else:
            missing.append(name)
    return Selection(version=tree.name, modules=tuple(chosen.values()), missing=tuple(missing))


def _name(file: Path) -> str:
    return file.name.split(".ko")[0].replace("-", "_")


def _read(name: str, file: Path, tree: Path) -> Module:
    data = file.read_bytes()
    path = str(file.relative_to(tree))
    if file.suffix == ".xz":
        data, path = lzma.decompress(data), path.removesuffix(".xz")
    facts = [(key.decode(), value.decode()) for key, value in _FACT.findall(data)]
    depends = [value for key, value in facts if key == "depends" and value]
    return Module(
        name=name,
        path=path,
        data=data,
        depends=tuple(need.replace("-", "_") for value in depends for need in value.split(",")),
        aliases=tuple(value for key, value in facts if key == "alias"),
    )
