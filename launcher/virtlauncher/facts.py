"""What the launcher is told about the world beside the VMI: QEMU, accelerator, volumes, NICs.

Whoever starts a launcher (virt-handler in a cluster, `kubemu` on a laptop) fills a `Facts`; the
builder turns (VMI, Facts) into a plan. Everything here is a frozen value that crosses the wire as
JSON; descriptors are named here and ride beside the message.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .jsonable import from_jsonable, to_jsonable
from .value import Value


class Accel(StrEnum):
    KVM = "kvm"
    TCG = "tcg"


class Mode(StrEnum):
    START = "start"
    INCOMING = "incoming"


class SourceKind(StrEnum):
    FILE = "file"
    """`path` is the disk itself: a regular file or a block device."""
    DIR = "dir"
    """`path` is a folder: a claim (disk.img in it), an image's root, or a projected volume."""
    FD = "fd"
    """`fds` name descriptors that came with the request."""


class NicKind(StrEnum):
    USER = "user"
    """QEMU's user-mode network with `forwards`."""
    TAP = "tap"
    """One descriptor of a tap queue per name in `fds`."""


class Source(Value):
    """Where the bytes of a volume are. Keys of `Facts.volumes`:

    - a volume's name: containerDisk, persistentVolumeClaim, ephemeral, hostDisk, configMap, ...
    - `NAME/userdata`, `NAME/networkdata`: folder of a cloud-init volume's secretRef /
      networkDataSecretRef
    - `accessCredentials/INDEX`: folder of that credential's secret
    - `kernelBoot`: root of the kernel image
    """

    kind: SourceKind
    path: str = ""
    fds: tuple[str, ...] = ()
    """FD: names, read-only and read-write in any order; the builder asks each for its mode."""
    readonly: bool = False
    direct: bool | None = None
    """FD: whether they were opened with O_DIRECT. FILE and DIR: None, the builder decides."""
    size: int | None = None
    """DIR of a claim: bytes that its disk.img is to have. It is made when there is none, and a
    smaller one grows; a larger one stays as it is."""
    owner: str = ""
    """Who else may hold this disk, for the message when its lock is taken (e.g. 'VM ns/name')."""


class Forward(Value):
    """One port of the user-mode network: host address and port -> guest port."""

    protocol: str
    """'tcp' or 'udp'."""
    host_address: str
    host_port: int
    guest_port: int


class Route(Value):
    destination: str
    """A network, e.g. '10.96.0.0/12'."""
    gateway: str = ""
    """An address; empty: on the link."""


class Lease(Value):
    """What DHCP and router advertisements tell the guest on one NIC. Empty: nothing to tell."""

    ipv4: str = ""
    """The guest's address with its prefix, e.g. '10.0.2.2/24'; empty: no DHCPv4."""
    ipv4_gateway: str = ""
    ipv4_server: str = ""
    """Address by which the DHCPv4 server is known; empty: the gateway's."""
    ipv6: str = ""
    """E.g. 'fd10:0:2::2/120'; empty: no IPv6. The sender of the RAs is the default route."""
    router_mac: str = ""
    """Hardware address of the link's other side, which the guest must see whoever serves it."""
    client_mac: str = ""
    """The only hardware address that may have the lease; empty: nobody else is on the link."""
    nameservers: tuple[str, ...] = ()
    """Of both families."""
    domain: str = ""
    searches: tuple[str, ...] = ()
    hostname: str = ""
    mtu: int | None = None
    routes: tuple[Route, ...] = ()
    """IPv4 routes beside the default."""
    ntp: tuple[str, ...] = ()
    """Addresses of both families."""
    tftp_server: str = ""
    boot_file: str = ""
    private_options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """DHCPv4 options 224 to 254: number -> text."""


class Nic(Value):
    """How one interface of the VMI is connected. Keys of `Facts.nics` are interface names."""

    kind: NicKind
    mac: str
    """Always given: who starts the VM keeps it stable over restarts."""
    mtu: int | None = None
    fds: tuple[str, ...] = ()
    vhost_fds: tuple[str, ...] = ()
    forwards: tuple[Forward, ...] = ()
    lease: Lease | None = None
    """Served by the launcher on the sockets below, which QEMU never gets."""
    dhcp4_fd: str = ""
    dhcp6_fd: str = ""
    ra_fd: str = ""
    """Names of sockets bound to the tap: UDP 67, UDP 547, raw ICMPv6. Empty: not served."""


class Firmware(Value):
    """Paths of UEFI images on this machine; empty when that kind is not installed."""

    efi_code: str = ""
    efi_vars: str = ""
    secure_code: str = ""
    secure_vars: str = ""


class Qemu(Value):
    """What one QEMU binary can do: probed once per binary, never per VM."""

    binary: str
    version: tuple[int, int, int]
    machine_aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Alias to versioned name, e.g. 'q35': 'pc-q35-7.2'."""
    machines: tuple[str, ...] = ()
    cpu_models: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Names that -device takes."""
    aio: tuple[str, ...] = ("threads", "native")
    """Values that a file's `aio` takes in this build (BlockdevAioOptions)."""
    firmware: Firmware = Firmware()
    swtpm: str = ""
    """Path of swtpm, or empty."""
    vhost_vsock: bool = False


class Facts(Value):
    qemu: Qemu
    accel: Accel
    kvm_fd: str = ""
    """Name of a descriptor of /dev/kvm (QEMU >= 10), or empty: QEMU opens the device itself."""
    volumes: Mapping[str, Source] = dataclasses.field(default_factory=dict)
    nics: Mapping[str, Nic] = dataclasses.field(default_factory=dict)
    run_dir: str
    """Small private files: seeds, ISOs, firmware variables, TPM state. Mode 0700, best on tmpfs."""
    disk_dir: str
    """Overlays and empty disks: discarded with the VM."""
    state_dir: str = ""
    """Persistent firmware variables and TPM state; empty: persistence is refused."""
    mode: Mode = Mode.START
    abi: Mapping[str, Any] | None = None
    """GuestABI (plan.py) to replay: incoming migration, or a start after an upgrade."""
    instance_type: str = ""
    staged: bool = False
    """Changes wait for a restart (rollout strategy Stage): defaults left no room to grow, and
    what maxGuest says is a wish."""

    def to_json(self) -> dict[str, Any]:
        tree = to_jsonable(self)
        assert isinstance(tree, dict)
        return tree

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Facts:
        """Unknown keys are ignored (newer peer); raises ValueError naming a bad one."""
        return from_jsonable(cls, tree)
