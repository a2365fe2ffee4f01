"""QEMU's user-mode network, laid out like KubeVirt's masquerade: the guest is 10.0.2.2."""

from __future__ import annotations

import ipaddress
from typing import Any

from ..errors import Refused
from ..facts import Forward, Nic
from .given import Given

CIDR_FIELD = "spec.networks[{}].pod.vmNetworkCIDR"

_FEWEST = 8
"""Addresses of the smallest network: router, guest, name server and slack for the guest's own."""


def user_netdev(given: Given, id: str, nic: Nic, index: int) -> dict[str, Any]:
    """The -netdev of the interface at `index`. Raises Refused for a network that is none."""
    network = _network(given, index)
    router, guest, resolver = (str(network[host]) for host in (1, 2, 3))
    return {
        "type": "user",
        "id": id,
        "net": str(network),
        "host": router,
        "dhcpstart": guest,
        "dns": resolver,
        "hostname": given.spec.hostname or given.vmi.metadata.name,
        **_dhcp(given, index),
        "hostfwd": [{"str": _forward(forward, guest)} for forward in nic.forwards],
    }


def _network(given: Given, index: int) -> ipaddress.IPv4Network:
    name = given.devices.interfaces[index].name
    for position, network in enumerate(given.spec.networks):
        if network.name == name and network.pod is not None and network.pod.vm_network_cidr:
            return _parsed(network.pod.vm_network_cidr, CIDR_FIELD.format(position))
    # Each interface has a router of its own; two with one address would confuse the guest.
    return ipaddress.IPv4Network(f"10.0.{2 + index % 200}.0/24")


def _parsed(text: str, field: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError as error:
        raise Refused(f"'{text}' is no IPv4 network", field=field) from error
    if network.num_addresses < _FEWEST:
        raise Refused(f"'{text}' has fewer than {_FEWEST} addresses", field=field)
    return network


def _dhcp(given: Given, index: int) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    if given.spec.dns_config is not None and given.spec.dns_config.searches:
        tree["dnssearch"] = [{"str": domain} for domain in given.spec.dns_config.searches]
    options = given.devices.interfaces[index].dhcp_options
    if options is not None and options.boot_file_name:
        tree["bootfile"] = options.boot_file_name
    if options is not None and options.tftp_server_name:
        tree["tftp-server-name"] = options.tftp_server_name
    return tree


def _forward(forward: Forward, guest: str) -> str:
    if ":" in forward.host_address:
        raise Refused(f"QEMU forwards no ports of IPv6 addresses: {forward.host_address}")
    host = f"{forward.host_address}:{forward.host_port}"
    return f"{forward.protocol}:{host}-{guest}:{forward.guest_port}"
