"""VirtualMachineExport: disks of a virtual machine to download."""

from typing import Any

from pydantic import Field

from ..base import Model
from ..duration import Duration
from ..kind import Kind
from ..kubernetes.meta import Condition, TypedLocalObjectReference
from ..scalars import ATOMIC, BY_NAME, Items, Timestamp


def _by(key: str) -> dict[str, Any]:
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


class ExportSpec(Model):
    """What to export."""

    source: TypedLocalObjectReference = Field(
        description="A VirtualMachine, a VirtualMachineSnapshot or a PersistentVolumeClaim."
    )
    token_secret_ref: str | None = Field(
        default=None, description="Secret with the token that downloads must show."
    )
    ttl_duration: Duration | None = Field(
        default=None, description="Time after which the export is deleted; 2h."
    )


class ExportFormat(Model):
    """A volume in one format."""

    format: str = Field(description="raw, gzip, dir or tar.gz.")
    url: str = Field(description="Where to download it.")


class ExportVolume(Model):
    """A volume to download."""

    name: str = Field(description="Name of the volume.")
    formats: Items[ExportFormat] = Field(
        default=(), description="Formats that it can be had in.", json_schema_extra=_by("format")
    )


class ExportEndpoint(Model):
    """One way to read a backup."""

    endpoint: str = Field(description="map or data.")
    url: str = Field(description="Where to read it.")


class ExportBackup(Model):
    """A backup to read."""

    name: str = Field(description="Name of the volume.")
    endpoints: Items[ExportEndpoint] = Field(
        default=(), description="Ways to read it.", json_schema_extra=_by("endpoint")
    )


class ExportManifest(Model):
    """A manifest to download."""

    type: str = Field(description="all or auth-header-secret.")
    url: str = Field(description="Where to download it.")


class ExportLink(Model):
    """What can be downloaded, and how to trust it."""

    cert: str = Field(description="CA certificate of the server.")
    volumes: Items[ExportVolume] = Field(
        default=(), description="The volumes.", json_schema_extra=BY_NAME
    )
    backups: Items[ExportBackup] = Field(
        default=(), description="The backups.", json_schema_extra=BY_NAME
    )
    manifests: Items[ExportManifest] = Field(
        default=(), description="The manifests.", json_schema_extra=_by("type")
    )


class ExportLinks(Model):
    """Where to download from."""

    internal: ExportLink | None = Field(default=None, description="Inside the cluster.")
    external: ExportLink | None = Field(default=None, description="From outside.")


class ExportStatus(Model):
    """Where the export can be downloaded."""

    phase: str = Field(default="", description="Pending, Ready, Terminated or Skipped.")
    links: ExportLinks | None = Field(default=None, description="Where to download from.")
    token_secret_ref: str | None = Field(
        default=None, description="Secret with the token that downloads must show."
    )
    ttl_expiration_time: Timestamp | None = Field(
        default=None, description="When the export is deleted."
    )
    service_name: str = Field(default="", description="Service that the links lead to.")
    virtual_machine_name: str | None = Field(
        default=None, description="The VM that the source belongs to."
    )
    conditions: Items[Condition] = Field(
        default=(), description="Ready, PVCReady and VolumesCreated.", json_schema_extra=ATOMIC
    )


class VirtualMachineExport(Kind):
    """Disks of a virtual machine are to be offered for download."""

    group_version = "export.kubevirt.io/v1"

    spec: ExportSpec = Field(description="What to export.")
    status: ExportStatus | None = Field(default=None, description="Where it can be downloaded.")
