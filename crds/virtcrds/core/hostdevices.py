"""Host devices that VMs may use, and mediated devices to make."""

from pydantic import Field

from ..base import Model
from ..scalars import ATOMIC, Items


class PciHostDevice(Model):
    """A PCI device that VMs may use."""

    pci_vendor_selector: str = Field(description="Vendor and product, e.g. 10DE:1EB8.")
    resource_name: str = Field(description="Resource that VMs name, e.g. nvidia.com/TU104GL.")
    external_resource_provider: bool = Field(
        default=False, description="Another device plugin offers it."
    )


class MediatedHostDevice(Model):
    """A mediated device that VMs may use."""

    mdev_name_selector: str = Field(description="Name of its type, e.g. GRID T4-1Q.")
    resource_name: str = Field(description="Resource that VMs name.")
    external_resource_provider: bool = Field(
        default=False, description="Another device plugin offers it."
    )


class USBSelector(Model):
    """A USB device by its numbers."""

    vendor: str = Field(description="Vendor, four hexadecimal digits.")
    product: str = Field(description="Product, four hexadecimal digits.")


class USBHostDevice(Model):
    """USB devices that VMs may use together."""

    resource_name: str = Field(description="Resource that VMs name.")
    selectors: Items[USBSelector] = Field(
        default=(), description="The devices.", json_schema_extra=ATOMIC
    )
    external_resource_provider: bool = Field(
        default=False, description="Another device plugin offers it."
    )


class PermittedHostDevices(Model):
    """Host devices that VMs may use."""

    pci_host_devices: Items[PciHostDevice] = Field(
        default=(), description="PCI devices.", json_schema_extra=ATOMIC
    )
    mediated_devices: Items[MediatedHostDevice] = Field(
        default=(), description="Mediated devices.", json_schema_extra=ATOMIC
    )
    usb: Items[USBHostDevice] = Field(
        default=(), description="USB devices.", json_schema_extra=ATOMIC
    )


class MediatedTypes(Model):
    """Types of mediated devices."""

    mediated_devices_types: Items[str] = Field(
        default=(), description="Older spelling of mediatedDeviceTypes.", json_schema_extra=ATOMIC
    )
    mediated_device_types: Items[str] = Field(
        default=(), description="Types to make.", json_schema_extra=ATOMIC
    )


class NodeMediatedTypes(MediatedTypes):
    """Types of mediated devices on certain nodes."""

    node_selector: dict[str, str] = Field(description="Labels of the nodes.")


class MediatedDevicesConfiguration(MediatedTypes):
    """Mediated devices to make on nodes."""

    node_mediated_device_types: Items[NodeMediatedTypes] = Field(
        default=(), description="Types on certain nodes.", json_schema_extra=ATOMIC
    )
    enabled: bool | None = Field(
        default=None, description="Whether mediated devices are made at all; true."
    )
