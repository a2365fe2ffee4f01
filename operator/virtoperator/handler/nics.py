"""A VMI's interfaces as netplumb makes them, and as the launcher is told of them. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from netplumb import Binding, Connected, Port, Protocol, Wanted
from virtlauncher.facts import Lease, Nic, NicKind, Route

from .errors import NotSupported

Json = dict[str, Any]
QUEUES_LIMIT = 8
"""Of one NIC: a message to the launcher carries 32 descriptors, and a queue may need two."""
_RANGE_LIMIT = 65535


def wanted_of(vmi: Json) -> list[Wanted]:
    """What netplumb is asked for: one for each interface on the pod's network.

    Raises NotSupported for a binding that is not ours.
    """
    spec = vmi["spec"]
    pods = {one["name"]: one["pod"] or {} for one in spec.get("networks") or () if "pod" in one}
    return [_wanted(vmi, one, pods[one["name"]]) for one in _interfaces(vmi) if one["name"] in pods]


def nic_of(vmi: Json, connected: Connected, vhosts: tuple[str, ...] = ()) -> Nic:
    """What the launcher is told of it. `vhosts` names descriptors of /dev/vhost-net."""
    interface = next(one for one in _interfaces(vmi) if one["name"] == connected.name)
    sockets = connected.sockets
    return Nic(
        kind=NicKind.TAP,
        mac=connected.mac,
        mtu=connected.mtu,
        fds=tuple(f"{connected.tap}/{n}" for n in range(len(connected.tap_fds))),
        vhost_fds=vhosts,
        lease=_lease(connected, interface.get("dhcpOptions") or {}),
        dhcp4_fd="" if sockets.dhcp4 is None else f"{connected.tap}/dhcp4",
        dhcp6_fd="" if sockets.dhcp6 is None else f"{connected.tap}/dhcp6",
        ra_fd="" if sockets.ra is None else f"{connected.tap}/ra",
    )


def descriptors_of(connected: Connected) -> dict[str, int]:
    """Its descriptors by the names that `nic_of` gives them."""
    named = {f"{connected.tap}/{n}": fd for n, fd in enumerate(connected.tap_fds)}
    for name in ("dhcp4", "dhcp6", "ra"):
        number = getattr(connected.sockets, name)
        if number is not None:
            named[f"{connected.tap}/{name}"] = number
    return named


def mac_of(vmi: Json, interface: Json) -> str:
    """The guest's hardware address: as wished, else one that stays with the VM's name; '' for the
    pod's own on a bridge.
    """
    if wished := interface.get("macAddress"):
        return str(wished).replace("-", ":").lower()
    if "bridge" in interface:
        return ""
    meta = vmi["metadata"]
    seed = f"{meta['namespace']}/{meta['name']}/{interface['name']}"
    digest = hashlib.sha256(seed.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def _interfaces(vmi: Json) -> list[Json]:
    return list((vmi["spec"]["domain"].get("devices") or {}).get("interfaces") or ())


def _wanted(vmi: Json, interface: Json, network: Json) -> Wanted:
    binding = next((one for one in Binding if one.value in interface), None)
    if binding is None:
        raise NotSupported(f"interface {interface['name']}: a binding but masquerade and bridge")
    takes_the_pods = binding is Binding.BRIDGE and not interface.get("macAddress")
    cidrs = {
        "ipv4_cidr": network.get("vmNetworkCIDR"),
        "ipv6_cidr": network.get("vmIPv6NetworkCIDR"),
    }
    return Wanted(
        name=interface["name"],
        binding=binding,
        mac="" if takes_the_pods else mac_of(vmi, interface),
        queues=_queues(vmi),
        ports=tuple(_ports(interface)),
        hostname=vmi["spec"].get("hostname") or vmi["metadata"]["name"].split(".")[0],
        **{key: value for key, value in cidrs.items() if value},
    )


def _ports(interface: Json) -> Iterable[Port]:
    """Each once, ranges taken apart."""
    ports = [(one["port"], one["port"], one) for one in interface.get("ports") or ()]
    ports += [(one["start"], one["end"], one) for one in interface.get("portRanges") or ()]
    found: dict[Port, None] = {}
    for first, last, one in ports:
        protocol = Protocol((one.get("protocol") or "TCP").lower())
        for number in range(first, min(last, _RANGE_LIMIT) + 1):
            found[Port(number=number, protocol=protocol)] = None
    return found


def _queues(vmi: Json) -> int:
    domain = vmi["spec"]["domain"]
    if not (domain.get("devices") or {}).get("networkInterfaceMultiqueue"):
        return 1
    cpu = domain.get("cpu") or {}
    count = 1
    for part in ("sockets", "cores", "threads"):
        count *= int(cpu.get(part) or 1)
    return min(count, QUEUES_LIMIT)


def _lease(connected: Connected, options: Mapping[str, Any]) -> Lease:
    """netplumb's facts with the VMI's own DHCP options."""
    told = {
        field.name: getattr(connected.lease, field.name)
        for field in dataclasses.fields(connected.lease)
        if field.name != "routes"
    }
    return Lease(
        **told,
        routes=tuple(
            Route(destination=route.destination, gateway=route.gateway)
            for route in connected.lease.routes
        ),
        ntp=tuple(options.get("ntpServers") or ()),
        tftp_server=options.get("tftpServerName") or "",
        boot_file=options.get("bootFileName") or "",
        private_options={
            str(one["option"]): one["value"] for one in options.get("privateOptions") or ()
        },
    )
