"""The user-mode network: MACs that stay, and ports of this machine that lead to the guest."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import socket
from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv4Address

from virtcrds import VirtualMachineInstance
from virtlauncher.errors import Unsupported
from virtlauncher.facts import Forward, Nic, NicKind

from .errors import BadInput
from .names import VmName

LOOPBACK = "127.0.0.1"
_PUBLISH = re.compile(
    r"(?:(?P<address>[0-9.]*|\[.*\]):)?(?P<host>[0-9]*):(?P<guest>[0-9]+)"
    r"(?:/(?P<protocol>tcp|udp))?"
)
_RANGE_LIMIT = 256
"""Ports of all portRanges together: each becomes an argument of QEMU."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Publish:
    """One --publish."""

    address: str
    host_port: int
    """0: any free one."""
    guest_port: int
    protocol: str


def parse_publish(text: str) -> Publish:
    """`[ADDRESS:]HOST:GUEST[/udp]`. Raises BadInput."""
    match = _PUBLISH.fullmatch(text)
    if match is None:
        raise BadInput(f"{text!r} is no port to publish", where="--publish", hint="8080:80")
    address = match["address"] or LOOPBACK
    try:
        IPv4Address(address)
    except AddressValueError as error:
        raise BadInput(
            f"{address} is no IPv4 address",
            where="--publish",
            hint="QEMU's user-mode network forwards IPv4 only",
        ) from error
    host, guest = int(match["host"] or 0), int(match["guest"])
    if not (host <= 65535 and 0 < guest <= 65535):
        raise BadInput(f"{text!r} has a port beyond 65535", where="--publish")
    protocol = match["protocol"] or "tcp"
    return Publish(address=address, host_port=host, guest_port=guest, protocol=protocol)


def mac_of(vm: VmName, interface: str, machine_id: str) -> str:
    """A locally administered address: the same for this VM on this machine, for ever."""
    digest = hashlib.sha256(f"{machine_id}/{vm}/{interface}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wishes:
    """What decides about a VM's NICs beside its manifest."""

    vm: VmName
    machine_id: str
    publish: Sequence[Publish] = ()
    before: Sequence[Forward] = ()
    """The forwards of its last run: kept where they are free."""


def plan_nics(vmi: VirtualMachineInstance, wishes: Wishes) -> dict[str, Nic]:
    """Each interface's NIC. Looks for free ports; they are QEMU's once it runs.

    Raises BadInput for ports that cannot be had, Unsupported for networks of a cluster.
    """
    interfaces = vmi.spec.domain.devices.interfaces
    refuse_cluster_networks(vmi)
    if wishes.publish and not interfaces:
        raise BadInput("the VM has no network interface", where="--publish")
    taken: set[tuple[str, str, int]] = set()
    nics = {}
    for index, interface in enumerate(interfaces):
        wanted = list(_ports_of(vmi, index))
        if index == 0:
            wanted = [*wishes.publish, *wanted]
        forwards = tuple(_forward(port, wishes.before, taken) for port in wanted)
        nics[interface.name] = Nic(
            kind=NicKind.USER,
            mac=interface.mac_address.replace("-", ":").lower()
            or mac_of(wishes.vm, interface.name, wishes.machine_id),
            forwards=forwards,
        )
    return nics


def refuse_cluster_networks(vmi: VirtualMachineInstance) -> None:
    """Raises Unsupported for a network that is not the pod's."""
    for index, network in enumerate(vmi.spec.networks):
        for field, value in (
            ("multus", network.multus),
            ("resourceClaim", network.resource_claim),
        ):
            if value is not None:
                raise Unsupported(
                    "only a cluster has this network",
                    field=f"spec.networks[{index}].{field}",
                    hint="a pod network is the user-mode network here",
                )


def _ports_of(vmi: VirtualMachineInstance, index: int) -> Iterable[Publish]:
    interface = vmi.spec.domain.devices.interfaces[index]
    numbers = [(port.port, port.protocol) for port in interface.ports]
    for ports in interface.port_ranges:
        if len(numbers) + ports.end - ports.start >= _RANGE_LIMIT:
            raise BadInput(
                f"more than {_RANGE_LIMIT} ports cannot be forwarded",
                where=f"spec.domain.devices.interfaces[{index}].portRanges",
            )
        numbers += [(number, ports.protocol) for number in range(ports.start, ports.end + 1)]
    for number, protocol in dict.fromkeys(numbers):
        yield Publish(
            address=LOOPBACK,
            host_port=0,
            guest_port=number,
            protocol=(protocol or "TCP").lower(),
        )


def _forward(port: Publish, before: Sequence[Forward], taken: set[tuple[str, str, int]]) -> Forward:
    key = (port.protocol, port.address, port.guest_port)
    last = [f.host_port for f in before if (f.protocol, f.host_address, f.guest_port) == key]
    for number in [port.host_port] if port.host_port else [*last, *[0] * 50]:
        found = _find_free(port.protocol, port.address, number)
        if found and (port.protocol, port.address, found) not in taken:
            taken.add((port.protocol, port.address, found))
            return Forward(
                protocol=port.protocol,
                host_address=port.address,
                host_port=found,
                guest_port=port.guest_port,
            )
    raise BadInput(
        f"port {port.host_port}/{port.protocol} of {port.address} cannot be used",
        where="--publish",
        hint="something else has it, or it is not this machine's; `:GUEST` takes a free one",
    )


def _find_free(protocol: str, address: str, number: int) -> int | None:
    """The port itself, or any free one for 0; None when it is taken."""
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, number))
        except OSError:
            return None
        port: int = probe.getsockname()[1]
        return port
