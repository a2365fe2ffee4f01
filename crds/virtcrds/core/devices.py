"""Devices of the guest."""

from pydantic import Field

from ..base import Empty, Model
from ..scalars import ATOMIC, Items
from .disks import Disk
from .features import FeatureState
from .interfaces import Interface


class WatchdogDevice(Model):
    """A watchdog's action."""

    action: str = Field(
        default="", description="When it fires: reset (the default), poweroff or shutdown."
    )


class Watchdog(Model):
    """A device that acts when the guest stops feeding it."""

    name: str = Field(description="Name of the device.")
    i6300esb: WatchdogDevice | None = Field(
        default=None, description="The PCI watchdog of amd64 guests."
    )
    diag288: WatchdogDevice | None = Field(
        default=None, description="The watchdog of s390x guests."
    )


class Input(Model):
    """An input device."""

    name: str = Field(description="Name of the device.")
    type: str = Field(description="tablet.")
    bus: str = Field(default="", description="usb or virtio.")


class ClaimRequest(Model):
    """A device by a device plugin's resource, or by a ResourceClaim."""

    name: str = Field(description="Name of the device in the VM.")
    device_name: str = Field(
        default="", description="Resource of the device plugin, e.g. nvidia.com/GP102GL."
    )
    claim_name: str | None = Field(
        default=None, description="Name of an entry of spec.resourceClaims."
    )
    request_name: str | None = Field(
        default=None, description="Name of a request inside that claim."
    )
    tag: str = Field(default="", description="Tag of the device in the config drive's metadata.")


class VGPUDisplayOptions(Model):
    """The display of a virtual GPU."""

    enabled: bool | None = Field(
        default=None, description="Whether the GPU drives a display; true when unset."
    )
    ram_fb: FeatureState | None = Field(
        default=None, description="A plain framebuffer until the guest's driver takes over."
    )


class VGPUOptions(Model):
    """Options of a virtual GPU."""

    display: VGPUDisplayOptions | None = Field(default=None, description="Its display.")


class GPU(ClaimRequest):
    """A GPU that is passed through."""

    virtual_gpu_options: VGPUOptions | None = Field(
        default=None, description="Options of a virtual GPU."
    )


class HostDevice(ClaimRequest):
    """A device of the host that is passed through."""


class Filesystem(Model):
    """A volume that the guest mounts instead of seeing it as a disk."""

    name: str = Field(description="Name of the volume, and tag to mount it by.")
    virtiofs: Empty = Field(description="Share it by virtiofs.")


class PanicDevice(Model):
    """A device by which a crashing guest tells that it crashes."""

    model: str | None = Field(default=None, description="isa, hyperv or pvpanic.")


class SoundDevice(Model):
    """A sound card."""

    name: str = Field(description="Name of the device.")
    model: str = Field(default="", description="ich9 (the default) or ac97.")


class TPMDevice(Model):
    """A TPM 2.0, emulated."""

    enabled: bool | None = Field(
        default=None, description="Set to false to refuse the TPM that a preference asks for."
    )
    persistent: bool | None = Field(
        default=None, description="Keep its state when the VM is restarted."
    )


class VideoDevice(Model):
    """The graphics card."""

    type: str = Field(
        default="", description="vga (with a BIOS), bochs (with UEFI), virtio, ramfb or cirrus."
    )


class Devices(Model):
    """Disks, interfaces and everything else that is attached to the guest."""

    use_virtio_transitional: bool | None = Field(
        default=None, description="Offer virtio 0.9 too, for guests as old as CentOS 6."
    )
    disable_hotplug: bool = Field(
        default=False, description="No disks can be plugged; saves the controller for them."
    )
    disks: Items[Disk] = Field(
        default=(), max_length=256, description="Disks, LUNs and CD-ROM drives."
    )
    watchdog: Watchdog | None = Field(
        default=None, description="A device that acts when the guest hangs."
    )
    interfaces: Items[Interface] = Field(
        default=(), max_length=256, description="Network interfaces, in the guest's order."
    )
    inputs: Items[Input] = Field(default=(), description="Input devices.")
    autoattach_pod_interface: bool | None = Field(
        default=None, description="Attach the pod network when no interface is given; default true."
    )
    autoattach_graphics_device: bool | None = Field(
        default=None, description="Attach a graphics card and VNC; default true."
    )
    autoattach_serial_console: bool | None = Field(
        default=None, description="Attach a serial console; default true."
    )
    log_serial_console: bool | None = Field(
        default=None, description="Log the serial console; the cluster's setting when unset."
    )
    autoattach_mem_balloon: bool | None = Field(
        default=None,
        description="Attach a memory balloon, which also reports memory; default true.",
    )
    autoattach_input_device: bool | None = Field(
        default=None, description="Attach a tablet; default false."
    )
    autoattach_vsock: bool | None = Field(
        default=None, description="Attach a virtio socket device; default false."
    )
    rng: Empty | None = Field(
        default=None, description="A random number generator, fed by the host."
    )
    block_multi_queue: bool | None = Field(
        default=None, description="As many queues for a virtio disk as the guest has CPUs."
    )
    network_interface_multiqueue: bool | None = Field(
        default=None, description="As many queues for a virtio interface as the guest has CPUs."
    )
    gpus: Items[GPU] = Field(
        default=(), description="GPUs that are passed through.", json_schema_extra=ATOMIC
    )
    downward_metrics: Empty | None = Field(
        default=None, description="A virtio-serial port with metrics of the host and the VM."
    )
    panic_devices: Items[PanicDevice] = Field(
        default=(),
        description="Devices by which a crashing guest tells that it crashes.",
        json_schema_extra=ATOMIC,
    )
    filesystems: Items[Filesystem] = Field(
        default=(), description="Volumes that the guest mounts.", json_schema_extra=ATOMIC
    )
    host_devices: Items[HostDevice] = Field(
        default=(), description="Host devices that are passed through.", json_schema_extra=ATOMIC
    )
    client_passthrough: Empty | None = Field(
        default=None, description="Four slots for USB devices of a connected client."
    )
    sound: SoundDevice | None = Field(default=None, description="A sound card.")
    tpm: TPMDevice | None = Field(default=None, description="An emulated TPM 2.0.")
    video: VideoDevice | None = Field(default=None, description="The graphics card.")
