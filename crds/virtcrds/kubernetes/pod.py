"""Pieces of a pod's spec: probes' handlers, DNS, claims, downward API files."""

from pydantic import Field

from ..base import Model
from ..quantity import Quantity
from ..scalars import ATOMIC, Int32, IntOrString, Items


class ExecAction(Model):
    """A command that is run in the guest."""

    command: Items[str] = Field(
        default=(),
        description="The command and its arguments; no shell is involved.",
        json_schema_extra=ATOMIC,
    )


class HTTPHeader(Model):
    """One header of a request."""

    name: str = Field(description="Name of the header.")
    value: str = Field(description="Value of the header.")


class HTTPGetAction(Model):
    """A GET request; every status from 200 to 399 is success."""

    path: str = Field(default="", description="Path of the URL.")
    port: IntOrString = Field(description="Port by number, or by a name of the interface's ports.")
    host: str = Field(default="", description="Host to connect to; the guest when empty.")
    scheme: str = Field(default="", description="HTTP (the default) or HTTPS.")
    http_headers: Items[HTTPHeader] = Field(
        default=(), description="Headers to send.", json_schema_extra=ATOMIC
    )


class TCPSocketAction(Model):
    """A TCP connection that must open."""

    port: IntOrString = Field(description="Port by number, or by a name of the interface's ports.")
    host: str = Field(default="", description="Host to connect to; the guest when empty.")


class PodDNSConfigOption(Model):
    """One resolver option."""

    name: str = Field(default="", description="Name of the option, e.g. ndots.")
    value: str | None = Field(default=None, description="Its value, if it takes one.")


class PodDNSConfig(Model):
    """Resolver settings, merged with those of the policy."""

    nameservers: Items[str] = Field(
        default=(),
        description="Addresses of name servers, three at most.",
        json_schema_extra=ATOMIC,
    )
    searches: Items[str] = Field(
        default=(), description="Search domains, six at most.", json_schema_extra=ATOMIC
    )
    options: Items[PodDNSConfigOption] = Field(
        default=(), description="Resolver options.", json_schema_extra=ATOMIC
    )


class ObjectFieldSelector(Model):
    """One field of the pod."""

    atomic = True

    api_version: str = Field(default="", description="Version that the path belongs to.")
    field_path: str = Field(description="Path of the field, e.g. metadata.labels.")


class ResourceFieldSelector(Model):
    """One resource amount of a container."""

    atomic = True

    container_name: str = Field(default="", description="Container that has the resource.")
    resource: str = Field(description="Resource, e.g. limits.cpu.")
    divisor: Quantity | None = Field(default=None, description="Unit of the output; 1 by default.")


class DownwardAPIVolumeFile(Model):
    """A file whose content is a field of the pod."""

    path: str = Field(description="Relative path of the file.")
    field_ref: ObjectFieldSelector | None = Field(
        default=None, description="Field of the pod that is the content."
    )
    resource_field_ref: ResourceFieldSelector | None = Field(
        default=None, description="Resource of a container that is the content."
    )
    mode: Int32 | None = Field(default=None, description="Permission bits of the file.")
