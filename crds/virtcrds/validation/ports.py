"""Ports and DHCP options of interfaces: what is forwarded, and what the guest is told."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator, Sequence

from ..clusterconfig import ClusterConfig
from ..core.interfaces import DHCPOptions, Interface, Port, PortRange
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import duplicate, invalid, required
from .kubenames import is_port_name
from .path import Path

_PROTOCOLS = ("", "TCP", "UDP")
_PORTS = range(1, 1 << 16)
_PRIVATE_OPTIONS = range(224, 255)
_MAX_PORT_RANGES = 10


def ports(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    pod_networks = {network.name for network in spec.networks if network.pod is not None}
    for index, interface in enumerate(spec.domain.devices.interfaces):
        path = (field / "domain" / "devices" / "interfaces").at(index)
        if interface.name in pod_networks:
            yield from _port_names(path / "ports", interface.ports)
            for place, port in enumerate(interface.ports):
                yield from _port((path / "ports").at(place), port)
        if interface.port_ranges:
            yield from _port_ranges(path, interface, config)


def dhcp_options(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for index, interface in enumerate(spec.domain.devices.interfaces):
        if interface.dhcp_options is not None:
            path = (field / "domain" / "devices" / "interfaces").at(index) / "dhcpOptions"
            yield from _dhcp(path, interface.dhcp_options)


def _port_names(path: Path, listed: Sequence[Port]) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, port in enumerate(listed):
        if not port.name:
            continue
        name = path.at(index) / "name"
        if port.name in seen:
            yield duplicate(name, f"Duplicate name of the port: {port.name}")
        if not is_port_name(port.name):
            yield invalid(name, f"Invalid name of the port: {port.name}")
        seen.add(port.name)


def _port(path: Path, port: Port) -> Iterator[Violation]:
    if port.port == 0:
        yield required(path / "port", "Port field is mandatory.")
    elif port.port not in _PORTS:
        yield invalid(path / "port", "Port field must be in range 0 < x < 65536.")
    if port.protocol not in _PROTOCOLS:
        yield invalid(path / "protocol", "Unknown protocol, only TCP or UDP allowed")


def _port_ranges(path: Path, interface: Interface, config: ClusterConfig) -> Iterator[Violation]:
    ranges = path / "portRanges"
    if not config.enabled("PortRangesSpec"):
        yield invalid(
            path / "name",
            "portRanges is specified on interface but the PortRangesSpec feature gate "
            "is not enabled",
        )
        return
    if interface.ports:
        yield invalid(path / "name", "Cannot define both ports and portRanges on interface")
    if interface.masquerade is None:
        yield invalid(path / "name", "portRanges are only supported on masquerade interfaces")
    if len(interface.port_ranges) > _MAX_PORT_RANGES:
        yield invalid(ranges, f"{ranges} must have at most {_MAX_PORT_RANGES} items")
        return
    for index, ports_of in enumerate(interface.port_ranges):
        yield from _port_range(ranges.at(index), ports_of)
    yield from _overlaps(ranges, interface.port_ranges)


def _port_range(path: Path, ports_of: PortRange) -> Iterator[Violation]:
    if ports_of.protocol not in _PROTOCOLS:
        yield invalid(path / "protocol", "Unknown protocol, only TCP or UDP allowed")
    if ports_of.start not in _PORTS:
        yield invalid(path / "start", "Start must be a valid port number, 0 < x < 65536")
    if ports_of.end not in _PORTS:
        yield invalid(path / "end", "End must be a valid port number, 0 < x < 65536")
    if ports_of.start > ports_of.end:
        yield invalid(path / "start", "Start must be less than or equal to end")


def _overlaps(path: Path, listed: Sequence[PortRange]) -> Iterator[Violation]:
    for one, other in itertools.combinations(listed, 2):
        protocol = one.protocol or "TCP"
        same = protocol == (other.protocol or "TCP")
        if same and one.start <= other.end and other.start <= one.end:
            yield invalid(
                path,
                f"{protocol} portRanges [{one.start}-{one.end}] and "
                f"[{other.start}-{other.end}] overlap",
            )


def _dhcp(path: Path, options: DHCPOptions) -> Iterator[Violation]:
    numbers = [private.option for private in options.private_options]
    if len(set(numbers)) < len(numbers):
        yield invalid(
            path / "privateOptions",
            "Found Duplicates: you have provided duplicate DHCPPrivateOptions",
        )
    for index, number in enumerate(numbers):
        if number not in _PRIVATE_OPTIONS:
            yield invalid(
                (path / "privateOptions").at(index) / "option",
                "provided DHCPPrivateOptions are out of range, must be in range 224 to 254",
            )
    for index, server in enumerate(options.ntp_servers):
        if not _is_ipv4(server):
            yield invalid(
                (path / "ntpServers").at(index),
                "NTP servers must be a list of valid IPv4 addresses.",
            )


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
