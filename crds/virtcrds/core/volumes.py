"""Volumes: where the bytes of disks come from."""

from pydantic import Field

from ..base import Empty, Model, Rule
from ..kubernetes.meta import LocalObjectReference
from ..kubernetes.pod import DownwardAPIVolumeFile
from ..quantity import Quantity
from ..scalars import Items


class ContainerDiskSource(Model):
    """A disk in a container image."""

    image: str = Field(description="Container image with the disk.")
    image_pull_secret: str = Field(default="", description="Secret with the registry's login.")
    path: str = Field(
        default="", description="Path of the disk in the image; the only file of /disk when empty."
    )
    image_pull_policy: str = Field(
        default="",
        description="Always, Never or IfNotPresent; Always by default for the tag latest.",
    )


class ClaimSource(Model):
    """A PersistentVolumeClaim."""

    claim_name: str = Field(description="Name of the claim.")
    read_only: bool = Field(default=False, description="Nobody may write through this volume.")


class PersistentVolumeClaimSource(ClaimSource):
    """A PersistentVolumeClaim that may be plugged while the VM runs."""

    hotpluggable: bool = Field(
        default=False, description="The volume can be plugged and unplugged while the VM runs."
    )


class DataVolumeSource(Model):
    """A claim that a DataVolume fills."""

    name: str = Field(description="Name of the DataVolume and of its claim.")
    hotpluggable: bool = Field(
        default=False, description="The volume can be plugged and unplugged while the VM runs."
    )


class EphemeralSource(Model):
    """A claim that is only read; writes are lost when the VM stops."""

    persistent_volume_claim: ClaimSource | None = Field(
        default=None, description="The claim below."
    )


class EmptyDiskSource(Model):
    """A fresh disk that goes with the VM."""

    capacity: Quantity = Field(description="Size of the disk.")


class HostDisk(Model):
    """A file on the node."""

    path: str = Field(description="Path of the file on the node.")
    type: str = Field(description="Disk (must exist) or DiskOrCreate.")
    capacity: Quantity | None = Field(default=None, description="Size of a disk that is created.")
    shared: bool | None = Field(
        default=None, description="Whether all nodes see the same file at that path."
    )


class CloudInitSource(Model):
    """User data and network data for cloud-init."""

    secret_ref: LocalObjectReference | None = Field(
        default=None, description="Secret with the user data."
    )
    user_data_base64: str = Field(default="", repr=False, description="User data as base64.")
    user_data: str = Field(default="", repr=False, description="User data as text.")
    network_data_secret_ref: LocalObjectReference | None = Field(
        default=None, description="Secret with the network data."
    )
    network_data_base64: str = Field(default="", repr=False, description="Network data as base64.")
    network_data: str = Field(default="", repr=False, description="Network data as text.")


class ConfigMapSource(Model):
    """A ConfigMap as a small disk with one file per key."""

    name: str = Field(default="", description="Name of the ConfigMap.")
    optional: bool | None = Field(default=None, description="Start even if it does not exist.")
    volume_label: str = Field(
        default="", description="Label of the disk's file system, e.g. cidata or OEMDRV."
    )


class SecretSource(Model):
    """A Secret as a small disk with one file per key."""

    secret_name: str = Field(default="", description="Name of the Secret.")
    optional: bool | None = Field(default=None, description="Start even if it does not exist.")
    volume_label: str = Field(
        default="", description="Label of the disk's file system, e.g. cidata or OEMDRV."
    )


class DownwardAPISource(Model):
    """Fields of the pod as a small disk with one file each."""

    fields: Items[DownwardAPIVolumeFile] = Field(default=(), description="The files.")
    volume_label: str = Field(default="", description="Label of the disk's file system.")


class ServiceAccountSource(Model):
    """A service account's token as a small disk."""

    service_account_name: str = Field(default="", description="Name of the service account.")


class SysprepSource(Model):
    """Answer files for Windows Setup as a small CD-ROM."""

    secret: LocalObjectReference | None = Field(
        default=None, description="Secret with autounattend.xml or unattend.xml."
    )
    config_map: LocalObjectReference | None = Field(
        default=None, description="ConfigMap with autounattend.xml or unattend.xml."
    )


class ContainerPathSource(Model):
    """A folder of the launcher's container, shared by virtiofs."""

    path: str = Field(description="Path in the container; something must be mounted there.")


class HotplugVolumeSource(Model):
    """Volumes that can be plugged while the VM runs."""

    persistent_volume_claim: PersistentVolumeClaimSource | None = Field(
        default=None, description="A PersistentVolumeClaim."
    )
    data_volume: DataVolumeSource | None = Field(
        default=None, description="A claim that a DataVolume fills."
    )


_SOURCES = (
    "hostDisk",
    "persistentVolumeClaim",
    "cloudInitNoCloud",
    "cloudInitConfigDrive",
    "sysprep",
    "containerDisk",
    "ephemeral",
    "emptyDisk",
    "dataVolume",
    "configMap",
    "secret",
    "downwardAPI",
    "serviceAccount",
    "downwardMetrics",
    "memoryDump",
    "containerPath",
)


class Volume(HotplugVolumeSource):
    """One volume, by the name that disks use."""

    cel_rules = (
        Rule(
            rule=f"[{', '.join(f'has(self.{name})' for name in _SOURCES)}].exists_one(x, x)",
            message="must have exactly one source type set",
        ),
    )

    name: str = Field(description="Name, unique in the VM.")
    host_disk: HostDisk | None = Field(default=None, description="A file on the node.")
    cloud_init_no_cloud: CloudInitSource | None = Field(
        default=None, description="User data for cloud-init's NoCloud source."
    )
    cloud_init_config_drive: CloudInitSource | None = Field(
        default=None, description="User data for cloud-init's ConfigDrive source."
    )
    sysprep: SysprepSource | None = Field(
        default=None, description="Answer files for Windows Setup."
    )
    container_disk: ContainerDiskSource | None = Field(
        default=None, description="A disk in a container image; writes are lost."
    )
    ephemeral: EphemeralSource | None = Field(
        default=None, description="A claim that is only read; writes are lost."
    )
    empty_disk: EmptyDiskSource | None = Field(
        default=None, description="A fresh disk that goes with the VM."
    )
    config_map: ConfigMapSource | None = Field(default=None, description="A ConfigMap's files.")
    secret: SecretSource | None = Field(default=None, description="A Secret's files.")
    downward_api: DownwardAPISource | None = Field(
        default=None, description="Fields of the pod as files."
    )
    service_account: ServiceAccountSource | None = Field(
        default=None, description="A service account's token; one such volume at most."
    )
    downward_metrics: Empty | None = Field(
        default=None, description="A small disk with metrics of the host and the VM."
    )
    memory_dump: PersistentVolumeClaimSource | None = Field(
        default=None, description="Claim that memory dumps are written to."
    )
    container_path: ContainerPathSource | None = Field(
        default=None, description="A folder of the launcher's container, shared by virtiofs."
    )


class UtilityVolume(ClaimSource):
    """A claim for memory dumps and backups; the guest does not see it."""

    name: str = Field(description="Name, unique among all volumes of the VM.")
    type: str | None = Field(default=None, description="MemoryDump or Backup.")
