"""A pod's network led to tap devices: observe, plan, apply, undo. Knows nothing of VMs.

::

    wanted = Wanted(name="default", mac="02:51:52:00:00:01", hostname="vm")
    for interface in connect(netns_fd, [wanted], Resolver.from_resolv_conf(text)):
        with interface:
            interface.tap_fds, interface.sockets, interface.lease, interface.pod_addresses

`connect(netns_fd, wanted, resolver) -> list[Connected]` blocks; `netns_fd` is a pidfd or a
descriptor of a network namespace, and stays the caller's. It works in a thread of its own, so any
thread may call it. Every failure is a `PlumbError` and leaves nothing made. Rules and settings of
an earlier `connect` whose taps are gone are replaced. `undo(netns_fd)` removes what `connect` made.
`entered(netns_fd)` moves the calling thread into the namespace for a `with` block.
"""

from .connected import Connected, Lease, Route, Sockets
from .errors import PlumbError, Reason
from .namespaces import entered
from .plumbing import connect, undo
from .wanted import Binding, Port, Protocol, Resolver, Wanted

__all__ = [
    "Binding",
    "Connected",
    "Lease",
    "PlumbError",
    "Port",
    "Protocol",
    "Reason",
    "Resolver",
    "Route",
    "Sockets",
    "Wanted",
    "connect",
    "entered",
    "undo",
]
