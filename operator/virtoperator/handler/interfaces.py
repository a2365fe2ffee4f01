"""`status.interfaces` of a VMI: what its spec wants, joined with what launcher, pod and guest know.

Pure. The pod's addresses are the guest's to everybody outside, so they win over what the guest's
agent tells of the pod network's interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .guest import GuestNic
from .seen import Nic, Seen

Json = dict[str, Any]
GUEST_ONLY_LIMIT = 10
"""Interfaces that only the guest knows, as in KubeVirt."""
_DOMAIN, _AGENT = "domain", "guest-agent"


def interfaces_of(vmi: Json, seen: Seen) -> list[Json]:
    """The interfaces: the pod network's first, then in the spec's order, then the guest's own."""
    spec = vmi["spec"]
    known = {one.get("name"): one for one in vmi["status"].get("interfaces") or ()}
    devices = {nic.name: nic for nic in seen.device.nics}
    by_mac = {nic.mac: nic for nic in (seen.guest.nics if seen.guest else ()) if nic.mac}
    on_pod = _pod_networks(spec)
    wanted = (spec["domain"].get("devices") or {}).get("interfaces") or []
    result = [
        _interface(
            known.get(one["name"], {}),
            devices[one["name"]],
            by_mac.pop(devices[one["name"]].mac.lower(), None),
            seen.addresses if one["name"] in on_pod else None,
        )
        for one in sorted(wanted, key=lambda one: one["name"] not in on_pod)
        if one["name"] in devices
    ]
    return result + _guest_only(list(by_mac.values()))


def pod_interface(vmi: Json) -> str:
    """The name of the interface on the pod network, or ''."""
    on_pod = _pod_networks(vmi["spec"])
    wanted = (vmi["spec"]["domain"].get("devices") or {}).get("interfaces") or []
    return next((one["name"] for one in wanted if one["name"] in on_pod), "")


def _pod_networks(spec: Json) -> set[str]:
    return {one["name"] for one in spec.get("networks") or () if "pod" in one}


def _interface(
    known: Json, nic: Nic, guest: GuestNic | None, pod_addresses: Sequence[str] | None
) -> Json:
    """`pod_addresses`: None off the pod network; empty when they are not known (yet)."""
    addresses = pod_addresses or (guest.addresses if guest and pod_addresses is None else ())
    told = [*_told_before(known), _DOMAIN, *([_AGENT] if guest else [])]
    entry = {
        **known,
        "name": nic.name,
        "mac": nic.mac,
        "queueCount": nic.queues,
        "linkState": nic.link,
        "infoSource": ", ".join(dict.fromkeys(told)),
    }
    entry.pop("interfaceName", None)
    if guest:
        entry["interfaceName"] = guest.name
    if addresses:
        entry |= _addresses(addresses)
    elif pod_addresses is None:
        entry = {k: v for k, v in entry.items() if k not in ("ipAddress", "ipAddresses")}
    return entry


def _told_before(known: Mapping[str, Any]) -> list[str]:
    """Sources of information that are the controller's: multus-status."""
    told = str(known.get("infoSource", "")).split(", ")
    return [one for one in told if one not in ("", _DOMAIN, _AGENT)]


def _guest_only(nics: Sequence[GuestNic]) -> list[Json]:
    """Bridges, tunnels and the like that the guest has made for itself."""
    return [
        {
            "mac": nic.mac,
            "interfaceName": nic.name,
            "infoSource": _AGENT,
            **(_addresses(nic.addresses) if nic.addresses else {}),
        }
        for nic in nics[:GUEST_ONLY_LIMIT]
    ]


def _addresses(addresses: Sequence[str]) -> Json:
    return {"ipAddress": addresses[0], "ipAddresses": list(addresses)}
