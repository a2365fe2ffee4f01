"""A plan as text, for people and for golden files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, assert_never

from .connected import Connected
from .observed import Observed
from .steps import (
    Configure,
    Enslave,
    LoadRules,
    MakeBridge,
    OpenSockets,
    OpenTap,
    Plan,
    Remember,
    SetMac,
    Step,
    Write,
)


def describe(plan: Plan) -> str:
    """One step a line, rules as nft's own text, the lease at the end."""
    return "\n".join(_lines(plan)) + "\n"


def step_line(step: Step) -> str:
    """What a step does, in one line or, with rules, in several."""
    match step:
        case OpenTap():
            return f"tap {step.tap}: open, {step.queues} queue(s)"
        case MakeBridge():
            return f"bridge {step.bridge}: make"
        case Configure():
            mac = f"mac {step.mac}, " if step.mac else ""
            return f"{step.link}: {', '.join([f'{mac}mtu {step.mtu}', 'up', *step.addresses])}"
        case SetMac():
            return f"{step.link}: mac {step.mac} (was {step.before})"
        case Enslave():
            return f"{step.link}: port of {step.bridge}"
        case Remember():
            return f"remember: {step.text or 'nothing'}"
        case Write(before=None):
            return f"set {step.setting} = {step.value}"
        case Write():
            return f"set {step.setting} = {step.value} (was {step.before})"
        case LoadRules():
            return "\n".join(["rules:", *(table.text() for table in step.tables)])
        case OpenSockets():
            served = ["dhcp4"] * step.ipv4 + ["dhcp6", "ra"] * step.ipv6
            return f"sockets on {step.link}: {', '.join(served)}"
        case _:
            assert_never(step)


def describe_namespace(observed: Observed, rules: str) -> str:
    """What is in a namespace: links, settings with what they were, rules."""
    lines = [
        f"link {link.name}: mac {link.mac}, mtu {link.mtu}, {_addresses(link.addresses)}"
        for link in observed.links.values()
    ]
    for name, value in observed.settings.items():
        was = observed.originals.get(name)
        lines.append(f"setting {name} = {value}" + (f" (was {was})" if was else ""))
    return "\n".join([*lines, rules])


def to_json(connected: Connected) -> dict[str, Any]:
    """A connected interface as a JSON tree."""
    return dataclasses.asdict(connected)


def _addresses(addresses: tuple[object, ...]) -> str:
    return ", ".join(map(str, addresses)) or "no address"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"interface {plan.wanted.name}: {plan.wanted.binding} on {plan.wanted.pod_device}"
    yield from map(step_line, plan.steps)
    yield f"guest: mac {plan.mac}, mtu {plan.mtu}"
    yield f"pod addresses: {', '.join(plan.pod_addresses)}"
    lease = plan.lease
    for name, value in {
        "ipv4": f"{lease.ipv4} via {lease.ipv4_gateway}" if lease.ipv4 else "",
        "ipv4 server": lease.ipv4_server,
        "ipv4 routes": ", ".join(f"{one.destination} via {one.gateway}" for one in lease.routes),
        "ipv6": lease.ipv6,
        "for": lease.client_mac,
        "nameservers": " ".join(lease.nameservers),
        "searches": " ".join(lease.searches),
        "hostname": lease.hostname,
        "mtu": str(lease.mtu or ""),
    }.items():
        if value:
            yield f"lease {name}: {value}"
