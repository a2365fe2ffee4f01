"""Interfaces: their binding, state, model and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.interfaces import Interface
from ..core.networks import Network
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import duplicate, invalid, not_supported
from .path import Path

PCI_ADDRESS = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")

_NAME = re.compile("[A-Za-z0-9_-]+")
_MODELS = ("", "virtio", "e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139")
_STATES = ("", "up", "down", "absent")
_MAX_ACPI_INDEX = 16383
_RESERVED_MAC = bytes.fromhex("020000000000")
"""The pod's own bridge has it."""
_DISCONTINUED = (
    ("slirp", "Slirp interface support has been discontinued since v1.3"),
    ("passt", "Passt network binding has been discontinued since v1.3"),
    ("macvtap", "Macvtap network binding has been discontinued since v1.3"),
)
_BINDINGS = ("bridge", "masquerade", "sriov", "passt_binding", "binding")


def parse_mac(text: str) -> bytes | None:
    """The address's bytes, of pairs of digits with colons or dashes; None when it is none."""
    match = re.fullmatch("[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2}(?:\\1[0-9A-Fa-f]{2})*)?", text)
    octets = bytes.fromhex(re.sub("[:-]", "", text)) if match else b""
    return octets if len(octets) in (6, 8, 20) else None


def interface_states(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    default = _default_network(spec)
    for path, interface, _ in _interfaces(field, spec):
        state, shown = interface.state, f'"{interface.name}" interface\'s state "{interface.state}"'
        if state not in _STATES:
            yield invalid(
                path / "state",
                f"logical {interface.name} interface state value is unsupported: {state}",
            )
        if state in ("up", "down") and (interface.sriov or interface.passt_binding) is not None:
            yield invalid(path / "state", f"{shown} is not supported for its binding type")
        if state == "absent" and interface.bridge is None:
            yield invalid(path / "state", f"{shown} is supported only for bridge binding")
        if state == "absent" and interface.name == default:
            yield invalid(path / "state", f"{shown} is not supported on default networks")


def interface_bindings(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for path, interface, network in _interfaces(field, spec):
        discontinued = [
            (name, message)
            for name, message in _DISCONTINUED
            if getattr(interface, name) is not None
        ]
        for name, message in discontinued:
            yield invalid(path / name, message)
        count = sum(getattr(interface, name) is not None for name in _BINDINGS)
        if count != 1 and not discontinued:
            yield invalid(
                path,
                f"logical {interface.name} interface must have exactly one binding method "
                "or binding plugin",
            )
        yield from _binding_on_network(path, interface, network, config)


def interface_names(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    seen: set[str] = set()
    for path, interface, network in _interfaces(field, spec):
        name_path = path / "name"
        if interface.name in seen:
            yield duplicate(
                name_path, "Only one interface can be connected to one specific network"
            )
        seen.add(interface.name)
        if network is None:
            yield invalid(name_path, f"{name_path} '{interface.name}' not found.")
        if not _NAME.fullmatch(interface.name):
            yield invalid(
                name_path,
                "Network interface name can only contain alphabetical characters, numbers, "
                "dashes (-) or underscores (_)",
            )


def interface_devices(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for path, interface, _ in _interfaces(field, spec):
        if interface.model not in _MODELS:
            yield not_supported(
                path / "model",
                f"interface {path}.name uses model {interface.model} that is not supported.",
            )
        yield from _mac(path, interface.mac_address)
        if interface.pci_address and not PCI_ADDRESS.fullmatch(interface.pci_address):
            yield invalid(
                path / "pciAddress",
                f"interface {path}.name has malformed PCI address ({interface.pci_address}).",
            )
        if not 0 <= interface.acpi_index <= _MAX_ACPI_INDEX:
            yield invalid(
                path / "acpiIndex",
                f"interface {path}.name has an ACPI index that is not between "
                f"1 and {_MAX_ACPI_INDEX}.",
            )


def distinct_addresses(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """Two devices of one guest must not answer to one address."""
    for name, key in (
        ("macAddress", lambda one: parse_mac(one.mac_address)),
        ("acpiIndex", lambda one: one.acpi_index or None),
    ):
        first: dict[object, Path] = {}
        for path, interface, _ in _interfaces(field, spec):
            value = key(interface)
            if value is not None and first.setdefault(value, path) != path:
                yield duplicate(
                    path / name, f"{path} and {first[value]} must not have the same {name}."
                )


def _interfaces(
    field: Path, spec: VirtualMachineInstanceSpec
) -> Iterator[tuple[Path, Interface, Network | None]]:
    networks = {network.name: network for network in spec.networks}
    for index, interface in enumerate(spec.domain.devices.interfaces):
        path = (field / "domain" / "devices" / "interfaces").at(index)
        yield path, interface, networks.get(interface.name)


def _default_network(spec: VirtualMachineInstanceSpec) -> str | None:
    for network in spec.networks:
        if network.pod is not None or (network.multus is not None and network.multus.default):
            return network.name
    return None


def _binding_on_network(
    path: Path, interface: Interface, network: Network | None, config: ClusterConfig
) -> Iterator[Violation]:
    on_pod = network is not None and network.pod is not None
    name = path / "name"
    if interface.masquerade is not None and not on_pod:
        yield invalid(name, "Masquerade interface only implemented with pod network")
    if interface.masquerade is not None and parse_mac(interface.mac_address) == _RESERVED_MAC:
        yield invalid(
            path / "macAddress",
            "The requested MAC address is reserved for the in-pod bridge. "
            "Please choose another one.",
        )
    if interface.bridge is not None and on_pod and not config.permit_bridge_on_pod_network:
        yield invalid(
            name, "Bridge on pod network configuration is not enabled under kubevirt-config"
        )
    if interface.passt_binding is not None and not config.enabled("PasstBinding"):
        yield invalid(name, "PasstBinding feature gate is not enabled")
    if interface.passt_binding is not None and not on_pod:
        yield invalid(name, "PasstBinding interface only implemented with pod network")


def _mac(path: Path, text: str) -> Iterator[Violation]:
    if not text:
        return
    octets = parse_mac(text)
    if octets is None:
        complaint = "malformed MAC address"
    elif len(octets) > 6:
        complaint = "too long MAC address"
    elif octets[0] & 1:
        # The lowest bit marks a group: no interface may have such an address as its own.
        complaint = "multicast MAC address"
    elif not any(octets):
        complaint = "all-zero MAC address"
    else:
        return
    yield invalid(path / "macAddress", f"interface {path}.name has {complaint} ({text}).")
