"""Networks: what each one is, and how many of a kind a pod can have."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.networks import Network, PodNetwork
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import duplicate, invalid, not_found, required
from .path import Path

_MIN_ADDRESSES = 4
"""Network, gateway, guest, broadcast."""


def default_networks(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    pods = [network for network in spec.networks if network.pod is not None]
    defaults = [
        network
        for network in spec.networks
        if network.multus is not None and network.multus.default
    ]
    if len(pods) > 1:
        path = field / "interfaces"
        yield duplicate(path, f"more than one interface is connected to a pod network in {path}")
    if len(defaults) > 1:
        yield invalid(field / "networks", "Multus CNI should only have one default network")
    if pods and defaults:
        yield invalid(
            field / "networks",
            "Pod network cannot be defined when Multus default network is defined",
        )


def network_sources(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    for index, network in enumerate(spec.networks):
        path = (field / "networks").at(index)
        sources = (network.pod, network.multus, network.resource_claim)
        count = sum(source is not None for source in sources)
        if count == 0:
            yield required(path, "should have a network type")
        elif count > 1:
            yield required(path, "should have only one network type")
        if network.multus is not None and not network.multus.network_name:
            yield required(path, "CNI delegating plugin must have a networkName")
        if network.pod is not None:
            yield from _guest_networks(path / "pod", network.pod)


def network_names(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    interfaces = {interface.name for interface in spec.domain.devices.interfaces}
    seen: set[str] = set()
    for index, network in enumerate(spec.networks):
        path = (field / "networks").at(index) / "name"
        if network.name in seen:
            yield duplicate(
                path,
                f'Network with name "{network.name}" already exists, '
                "every network must have a unique name",
            )
        if network.name not in interfaces:
            yield required(path, f"{path} '{network.name}' not found.")
        seen.add(network.name)


def resource_claims(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """Networks whose devices a ResourceClaim allocates."""
    claimed = [network for network in spec.networks if network.resource_claim is not None]
    if not claimed:
        return
    path = field / "networks"
    if not config.enabled("NetworkDevicesWithDRA"):
        yield invalid(path, "NetworkDevicesWithDRA feature gate is not enabled in kubevirt-config")
        return
    yield from _claims(field, spec)
    if any(network.multus is not None for network in spec.networks):
        yield invalid(
            path, "mixing Multus and DRA resourceClaim networks in the same VMI is not supported"
        )


def _claims(field: Path, spec: VirtualMachineInstanceSpec) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, network in enumerate(spec.networks):
        path = (field / "networks").at(index)
        if network.resource_claim is None:
            continue
        yield from _claim(path / "resourceClaim", field, spec, network)
        claim = network.resource_claim
        pair = f"{claim.claim_name}/{claim.request_name}"
        if claim.claim_name and claim.request_name and pair in seen:
            yield duplicate(path, f'duplicate claimName/requestName combination "{pair}"')
        seen.add(pair)


def _claim(
    path: Path, field: Path, spec: VirtualMachineInstanceSpec, network: Network
) -> Iterator[Violation]:
    claim = network.resource_claim
    if claim is None:
        return
    for interface in spec.domain.devices.interfaces:
        if interface.name == network.name and interface.sriov is None:
            yield invalid(
                field / "domain" / "devices" / "interfaces",
                f'DRA network "{network.name}" requires an SR-IOV interface binding',
            )
    if not claim.claim_name:
        yield required(path / "claimName", "claimName is required for DRA network")
    elif claim.claim_name not in {known.name for known in spec.resource_claims}:
        yield not_found(
            path / "claimName",
            f'network references resourceClaim "{claim.claim_name}" '
            "which is not defined in spec.resourceClaims",
        )
    if not claim.request_name:
        yield required(path / "requestName", "requestName is required for DRA network")


def _guest_networks(path: Path, pod: PodNetwork) -> Iterator[Violation]:
    for name, version, text in (
        ("vmNetworkCIDR", 4, pod.vm_network_cidr),
        ("vmIPv6NetworkCIDR", 6, pod.vm_ipv6_network_cidr),
    ):
        if text and not _is_guest_network(text, version):
            yield invalid(
                path / name,
                f"{path}.{name} '{text}' must be an IPv{version} network "
                f"of at least {_MIN_ADDRESSES} addresses",
            )


def _is_guest_network(text: str, version: int) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text and network.version == version and network.num_addresses >= _MIN_ADDRESSES
