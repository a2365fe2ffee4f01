"""From what is there and what is wanted to the steps that connect it. Pure."""

from __future__ import annotations

from typing import assert_never

from .bridge import bridge
from .errors import PlumbError, Reason
from .masquerade import masquerade
from .observed import Link, Observed
from .steps import Plan
from .wanted import Binding, Resolver, Wanted


def plan(observed: Observed, wanted: Wanted, resolver: Resolver) -> Plan:
    """Raises PlumbError when the namespace is not one in which this can be connected."""
    pod = _pod_device(observed, wanted)
    if wanted.tap in observed.links:
        raise PlumbError(
            Reason.INTERFACE_IN_USE,
            f"interface {wanted.name!r}: {wanted.tap} is there, and belongs to whoever has it open",
            hint="a running guest is connected already; end it before it is connected again",
        )
    match wanted.binding:
        case Binding.MASQUERADE:
            return masquerade(observed, wanted, pod, resolver)
        case Binding.BRIDGE:
            return bridge(observed, wanted, pod, resolver)
        case _:
            assert_never(wanted.binding)


def _pod_device(observed: Observed, wanted: Wanted) -> Link:
    pod = observed.links.get(wanted.pod_device)
    if pod is None or not pod.addresses:
        what = "has no address" if pod else "is not there"
        raise PlumbError(
            Reason.POD_DEVICE_MISSING,
            f"interface {wanted.name!r}: {wanted.pod_device} {what} in the pod's namespace",
            hint="the pod's network is made by the node's CNI plugin",
        )
    return pod
