"""Probes of the guest as probes of its container."""

from __future__ import annotations

from typing import Any

from virtcrds import VirtualMachineInstance
from virtcrds.core.probes import Probe

from .errors import Unsupported

_HEAD_START = 10
"""Seconds that the launcher gets before the guest is asked, as in KubeVirt."""
Json = dict[str, Any]


def probes(vmi: VirtualMachineInstance) -> Json:
    """`livenessProbe` and `readinessProbe` of the container. Raises Unsupported."""
    fields = {
        "livenessProbe": vmi.spec.liveness_probe,
        "readinessProbe": vmi.spec.readiness_probe,
    }
    return {name: _rendered(name, probe) for name, probe in fields.items() if probe is not None}


def _rendered(name: str, probe: Probe) -> Json:
    for field, asked in (("exec", probe.exec), ("guestAgentPing", probe.guest_agent_ping)):
        if asked is not None:
            raise Unsupported(
                f"spec.{name}.{field}",
                "is not available yet: probe the guest with httpGet or tcpSocket",
            )
    tree = probe.to_json()
    tree["initialDelaySeconds"] = probe.initial_delay_seconds + _HEAD_START
    return tree
