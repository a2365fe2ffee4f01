"""The library's doors: connect interfaces, and take away what was made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from pyroute2.netlink.exceptions import NetlinkError

from . import links, nft, ruleset, settings
from .bridge import bridge_name
from .connected import Connected
from .namespaces import run_inside
from .observed import Observed
from .perform import perform, refusal
from .plan import plan
from .ruleset import TABLES
from .steps import Plan
from .wanted import Resolver, Wanted

T = TypeVar("T")


def connect(netns_fd: int, wanted: Sequence[Wanted], resolver: Resolver) -> list[Connected]:
    """Connect interfaces to the pod's network in a namespace: all of them, or none.

    `netns_fd`, a pidfd or a descriptor of the namespace, stays the caller's; the caller owns what
    is returned. Blocks for some tens of milliseconds. Raises PlumbError.
    """
    return _inside(netns_fd, lambda: _connect(wanted, resolver))


def plan_for(netns_fd: int, wanted: Sequence[Wanted], resolver: Resolver) -> list[Plan]:
    """What `connect` would do, each as if it were the only one. Raises PlumbError."""
    return _inside(
        netns_fd, lambda: [plan(_observe(one.pod_device), one, resolver) for one in wanted]
    )


def show(netns_fd: int, pod_device: str) -> tuple[Observed, str]:
    """What is in a namespace, and our rules in it as text. Raises PlumbError."""
    return _inside(netns_fd, lambda: (_observe(pod_device), nft.text()))


def undo(netns_fd: int) -> None:
    """Take away what `connect` made in a namespace: taps, rules and changed settings.

    A guest that is still running there has no network from then on. Raises PlumbError.
    """
    _inside(netns_fd, _undo)


def _inside(netns_fd: int, work: Callable[[], T]) -> T:
    try:
        return run_inside(netns_fd, work)
    except (OSError, NetlinkError) as error:
        raise refusal(f"the pod's network cannot be read or changed: {error}", error) from error


def _connect(wanted: Sequence[Wanted], resolver: Resolver) -> list[Connected]:
    with contextlib.ExitStack() as undo:
        connected = [perform(plan(_observe(one.pod_device), one, resolver), undo) for one in wanted]
        undo.pop_all()
    return connected


def _observe(pod_device: str) -> Observed:
    return Observed(
        links=links.observe_links(),
        settings=settings.read(settings.of_interest(pod_device)),
        originals=settings.parse_originals(links.observe_loopback_alias()),
    )


def _undo() -> None:
    tables = nft.observe_tables()
    if tables:
        nft.transact(ruleset.remove(tables))
    links.remove({name.removeprefix(TABLES) for _, name in tables})
    originals = settings.parse_originals(links.observe_loopback_alias())
    for name, value in originals.items():
        _restore(name, value)
    if originals:
        links.set_loopback_alias("")


def _restore(name: str, value: str) -> None:
    if name.startswith(settings.mac("")):
        device = name.removeprefix(settings.mac(""))
        links.remove({bridge_name(device)})
        links.set_mac(device, value)
    else:
        settings.write(name, value)
