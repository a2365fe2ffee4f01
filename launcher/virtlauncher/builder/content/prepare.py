"""All content of one VM, opened and made; or, on failure, nothing open and nothing left."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from virtcrds import VirtualMachineInstance
from virtcrds.core.disks import Disk
from virtcrds.core.volumes import CloudInitSource, Volume

from ...facts import Facts, Source, SourceKind
from ..prepared import Prepared, PreparedBoot, PreparedDisk, PreparedFirmware
from . import chain, seed
from .chain import Wanted, Workshop
from .files import found, found_beneath
from .folder import read_folder
from .holdings import Holdings
from .iso import write_iso
from .limits import Limits
from .place import Place

_UNATTENDED = ("autounattend.xml", "unattend.xml")


@dataclasses.dataclass(kw_only=True)
class PreparedContent:
    """Values for the device half, and the descriptors they name, owned here until `close`."""

    prepared: Prepared
    holdings: Holdings

    @property
    def descriptors(self) -> Mapping[str, int]:
        return self.holdings.descriptors

    def close(self) -> None:
        """Close the descriptors; what was made stays for the VM."""
        self.holdings.close()

    def undo(self) -> None:
        """Close them and remove what was made."""
        self.holdings.undo()


def prepare(
    vmi: VirtualMachineInstance,
    facts: Facts,
    descriptors: Mapping[str, int],
    limits: Limits | None = None,
) -> PreparedContent:
    """Open, inspect and make everything that *vmi* (defaulted) needs.

    Raises BadVolume for content that is not acceptable and LaunchFailed where this machine cannot;
    then nothing is open and nothing that was made remains.
    """
    holdings = Holdings()
    work = _Work(vmi=vmi, facts=facts, holdings=holdings, limits=limits or Limits())
    try:
        Path(facts.disk_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        return PreparedContent(prepared=work.all(), holdings=holdings)
    except BaseException:
        holdings.undo()
        raise


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Work:
    vmi: VirtualMachineInstance
    facts: Facts
    holdings: Holdings
    limits: Limits

    def all(self) -> Prepared:
        attached = {disk.name: disk for disk in self.vmi.spec.domain.devices.disks}
        disks = {}
        for index, volume in enumerate(self.vmi.spec.volumes):
            disk = self._disk(volume, index, attached.get(volume.name))
            if disk is not None:
                disks[volume.name] = disk
        return Prepared(
            disks=disks, boot=self._boot(), firmware=self._firmware(), tpm_dir=self._tpm()
        )

    def _disk(self, volume: Volume, index: int, disk: Disk | None) -> PreparedDisk | None:
        for attribute, make in self._makers().items():
            if (source := getattr(volume, attribute)) is not None:
                wanted = self._wanted(volume, index, attribute, disk)
                return make(wanted, volume) if source is not None else None
        return None

    def _makers(self) -> dict[str, Callable[[Wanted, Volume], PreparedDisk]]:
        return {
            "container_disk": self._container,
            "persistent_volume_claim": self._claim,
            "data_volume": self._claim,
            "host_disk": self._claim,
            "ephemeral": self._ephemeral,
            "empty_disk": self._empty,
            "cloud_init_no_cloud": self._no_cloud,
            "cloud_init_config_drive": self._config_drive,
            "config_map": self._files,
            "secret": self._files,
            "sysprep": self._files,
        }

    def _wanted(self, volume: Volume, index: int, attribute: str, disk: Disk | None) -> Wanted:
        kind = "".join(part.title() for part in attribute.split("_"))
        target = disk and (disk.disk or disk.lun)
        return Wanted(
            volume=volume.name,
            place=Place(
                field=f"spec.volumes[{index}].{kind[0].lower()}{kind[1:]}",
                subject=f"volume '{volume.name}'",
            ),
            cache=disk.cache if disk else "",
            io=disk.io if disk else "",
            readonly=bool(disk and (disk.cdrom or (target and target.readonly))),
        )

    @property
    def _shop(self) -> Workshop:
        return Workshop(holdings=self.holdings, disk_dir=Path(self.facts.disk_dir), descriptors={})

    def _source(self, key: str, place: Place) -> Source:
        source = self.facts.volumes.get(key)
        if source is None:
            raise place.bad("nobody said where its content is")
        return source

    def _container(self, wanted: Wanted, volume: Volume) -> PreparedDisk:
        assert volume.container_disk is not None
        source = self._source(volume.name, wanted.place)
        return chain.image_disk(wanted, source, volume.container_disk.path, self._shop)

    def _claim(self, wanted: Wanted, volume: Volume) -> PreparedDisk:
        return chain.claim_disk(wanted, self._source(volume.name, wanted.place), self._shop)

    def _ephemeral(self, wanted: Wanted, volume: Volume) -> PreparedDisk:
        return chain.ephemeral_disk(wanted, self._source(volume.name, wanted.place), self._shop)

    def _empty(self, wanted: Wanted, volume: Volume) -> PreparedDisk:
        assert volume.empty_disk is not None
        return chain.empty_disk(wanted, volume.empty_disk.capacity.value, self._shop)

    def _no_cloud(self, wanted: Wanted, volume: Volume) -> PreparedDisk:
        assert volume.cloud_init_no_cloud is not None
        user, network = self._cloud_init(wanted, volume.name, volume.cloud_init_no_cloud)
        keys = self._keys("no_cloud", wanted.place)
        files = seed.no_cloud(self.vmi, user, network, keys, self.facts.instance_type)
        return self._iso(wanted, seed.NO_CLOUD, files)

    def _config_drive(self, wanted: Wanted, volume: Volume) -> PreparedDisk:
        assert volume.cloud_init_config_drive is not None
        user, network = self._cloud_init(wanted, volume.name, volume.cloud_init_config_drive)
        keys = self._keys("config_drive", wanted.place)
        files = seed.config_drive(self.vmi, user, network, keys, self.facts.instance_type)
        return self._iso(wanted, seed.CONFIG_DRIVE, files)

    def _cloud_init(
        self, wanted: Wanted, volume: str, source: CloudInitSource
    ) -> tuple[bytes, bytes | None]:
        place, limits = wanted.place, self.limits
        user = seed.inline(source.user_data, source.user_data_base64, place, limits)
        network = seed.inline(source.network_data, source.network_data_base64, place, limits)
        if source.secret_ref is not None:
            files = read_folder(self._source(f"{volume}/userdata", place), place, limits)
            user = seed.from_secret(files, ("userdata", "userData"), place, limits)
        if source.network_data_secret_ref is not None:
            files = read_folder(self._source(f"{volume}/networkdata", place), place, limits)
            network = seed.from_secret(files, ("networkdata", "networkData"), place, limits)
        return user or b"", network

    def _keys(self, method: str, place: Place) -> list[str]:
        keys: list[str] = []
        for index, credential in enumerate(self.vmi.spec.access_credentials):
            ssh = credential.ssh_public_key
            if ssh is None or getattr(ssh.propagation_method, method) is None:
                continue
            source = self._source(f"accessCredentials/{index}", place)
            keys += seed.keys_of(read_folder(source, place, self.limits), place)
        return keys

    def _files(self, wanted: Wanted, volume: Volume) -> PreparedDisk:
        source = self._source(volume.name, wanted.place)
        files = read_folder(source, wanted.place, self.limits)
        if volume.sysprep is not None and not any(name.lower() in _UNATTENDED for name in files):
            raise wanted.place.bad(f"has neither {' nor '.join(_UNATTENDED)}")
        given = volume.config_map or volume.secret
        label = "unattendCD" if given is None else (given.volume_label or "cfgdata")
        return self._iso(wanted, label, files)

    def _iso(self, wanted: Wanted, label: str, files: Mapping[str, bytes]) -> PreparedDisk:
        path = Path(self.facts.run_dir) / f"{wanted.volume}.iso"
        write_iso(path, label, files, wanted.place, self.holdings)
        source = Source(kind=SourceKind.FILE, path=str(path))
        disk = chain.claim_disk(dataclasses.replace(wanted, cache="writeback"), source, self._shop)
        return dataclasses.replace(disk, iso=True, made=(str(path),))

    def _boot(self) -> PreparedBoot | None:
        firmware = self.vmi.spec.domain.firmware
        boot = firmware.kernel_boot if firmware else None
        if boot is None or boot.container is None:
            return None
        place = Place(
            field="spec.domain.firmware.kernelBoot.container", subject="the kernel's image"
        )
        source = self._source("kernelBoot", place)
        return PreparedBoot(
            kernel_fd=self._boot_file(source, boot.container.kernel_path, "kernel", place),
            initrd_fd=self._boot_file(source, boot.container.initrd_path, "initrd", place),
        )

    def _boot_file(self, source: Source, path: str, name: str, place: Place) -> str:
        if not path:
            return ""
        with found(source.path, place, follow=True) as root, found_beneath(root, path) as file:
            return self.holdings.hold(f"boot/{name}", file.open(0))

    def _firmware(self) -> PreparedFirmware | None:
        firmware = self.vmi.spec.domain.firmware
        efi = firmware.bootloader.efi if firmware and firmware.bootloader else None
        if efi is None:
            return None
        secure = efi.secure_boot is not False
        known = self.facts.qemu.firmware
        code, template = (
            (known.secure_code, known.secure_vars) if secure else (known.efi_code, known.efi_vars)
        )
        place = Place(field="spec.domain.firmware.bootloader.efi", subject="firmware")
        if not code or not template:
            raise place.bad(
                "EFI OVMF roms missing for booting in EFI mode with "
                f"SecureBoot={str(secure).lower()}",
                hint="Install the package ovmf.",
            )
        folder = self.facts.state_dir if efi.persistent else self.facts.run_dir
        variables = Path(folder) / "efi-vars.fd"
        if not (efi.persistent and variables.exists()):
            shutil.copyfile(template, variables)
            variables.chmod(0o600)
        with found(code, place, follow=True) as file:
            code_fd = self.holdings.hold("firmware/code", file.open(0))
        with found(str(variables), place, follow=False) as file:
            vars_fd = self.holdings.hold("firmware/vars", file.open(2))
        return PreparedFirmware(code_fd=code_fd, vars_fd=vars_fd, secure=secure)

    def _tpm(self) -> str:
        tpm = self.vmi.spec.domain.devices.tpm
        if tpm is None or tpm.enabled is False:
            return ""
        base = self.facts.state_dir if tpm.persistent else self.facts.run_dir
        folder = Path(base) / "tpm"
        folder.mkdir(mode=0o700, exist_ok=True)
        return str(folder)
