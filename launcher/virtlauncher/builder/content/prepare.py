"""All content of one VM, opened and made; or, on failure, nothing open and nothing left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Self

from virtcrds.view import VirtualMachineInstance

from ...facts import Facts
from ...value import Value
from ..prepared import Prepared
from .claims import claim, ephemeral, host_disk
from .configs import config_disk, sysprep_disk
from .containerdisks import container_disk
from .holdings import Holdings
from .job import Job, Make, Part
from .kernels import kernel_boot
from .limits import Limits
from .overlays import empty_disk
from .place import Place
from .seeds import config_drive_disk, no_cloud_disk
from .tpmstate import tpm_folder
from .uefi import uefi

_KINDS: Mapping[str, tuple[str, Callable[[Job, Part], Make]]] = {
    "container_disk": ("containerDisk", container_disk),
    "persistent_volume_claim": ("persistentVolumeClaim", claim),
    "data_volume": ("dataVolume", claim),
    "ephemeral": ("ephemeral", ephemeral),
    "host_disk": ("hostDisk", host_disk),
    "empty_disk": ("emptyDisk", empty_disk),
    "cloud_init_no_cloud": ("cloudInitNoCloud", no_cloud_disk),
    "cloud_init_config_drive": ("cloudInitConfigDrive", config_drive_disk),
    "config_map": ("configMap", config_disk),
    "secret": ("secret", config_disk),
    "service_account": ("serviceAccount", config_disk),
    "downward_api": ("downwardAPI", config_disk),
    "sysprep": ("sysprep", sysprep_disk),
}
"""Volumes that become disks: attribute of the model -> (name in the API, how it is looked at)."""


class PreparedContent(Value):
    """Values for the device half, and the descriptors that they name.

    A context: left normally, the descriptors are closed and what was made stays for the VM; left
    by an exception, what was made is removed as well.
    """

    prepared: Prepared
    holdings: Holdings

    @property
    def descriptors(self) -> Mapping[str, int]:
        """Opened here, by name; those that came with the request are not among them."""
        return self.holdings.descriptors

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.holdings.close()
        else:
            self.holdings.undo()


def prepare(
    vmi: VirtualMachineInstance,
    facts: Facts,
    descriptors: Mapping[str, int],
    limits: Limits | None = None,
) -> PreparedContent:
    """Open, inspect and make everything that *vmi* (valid, defaulted) needs.

    *descriptors* came with the request; they stay the caller's. Raises BadVolume for content that
    is not acceptable, Refused where something is not given, LaunchFailed where this machine cannot
    (disk full); then nothing is open and nothing that was made remains. All volumes are looked at
    before anything is made.
    """
    holdings = Holdings()
    with contextlib.ExitStack() as handles:
        job = Job(
            vmi=vmi,
            facts=facts,
            given=descriptors,
            limits=limits or Limits(),
            holdings=holdings,
            handles=handles,
        )
        try:
            return PreparedContent(prepared=_prepared(job), holdings=holdings)
        except BaseException:
            holdings.undo()
            raise


def _prepared(job: Job) -> Prepared:
    to_make = dict(_looked_at(job))
    boot = kernel_boot(job)
    for finish in job.checks:
        finish()
    firmware = uefi(job)
    return Prepared(
        disks={name: make() for name, make in to_make.items()},
        boot=boot,
        firmware=firmware,
        tpm_dir=tpm_folder(job),
        warnings=tuple(job.warnings),
    )


def _looked_at(job: Job) -> Iterator[tuple[str, Make]]:
    """Each volume that is attached as a disk, in the VMI's order, and how to make it."""
    disks = {disk.name: disk for disk in job.vmi.spec.domain.devices.disks}
    for index, volume in enumerate(job.vmi.spec.volumes):
        disk = disks.get(volume.name)
        kind = next((name for name in _KINDS if getattr(volume, name) is not None), None)
        if disk is None or kind is None:
            continue
        field, look = _KINDS[kind]
        place = Place(field=f"spec.volumes[{index}].{field}", subject=f"volume '{volume.name}'")
        if "/" in volume.name:
            raise place.bad("its name would be a path")
        yield volume.name, look(job, Part(volume=volume, disk=disk, place=place))
