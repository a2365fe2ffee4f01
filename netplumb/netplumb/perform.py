"""A plan's steps done, one after the other; when one fails, what was done is undone."""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Callable
from typing import Any, assert_never

from pyroute2.netlink.exceptions import NetlinkError

from . import links, nft, ruleset, settings, sockets, taps
from .connected import Connected, Sockets
from .describe import step_line
from .errors import PlumbError, Reason
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

_log = logging.getLogger("netplumb")


def perform(plan: Plan, undo: contextlib.ExitStack) -> Connected:
    """Do the steps in the calling thread's namespace. Raises PlumbError for one that fails.

    How to take back what was done is left in `undo`, whether or not all of it was.
    """
    made = Connected(
        name=plan.wanted.name,
        tap=plan.wanted.tap,
        tap_fds=(),
        mac=plan.mac,
        mtu=plan.mtu,
        pod_addresses=plan.pod_addresses,
        ipv4_gateway=plan.lease.ipv4_gateway,
        ipv6_gateway=plan.ipv6_gateway,
        sockets=Sockets(),
        lease=plan.lease,
    )
    undo.callback(made.close)
    for step in plan.steps:
        _log.debug("interface %s: %s", plan.wanted.name, step_line(step))
        try:
            _do(step, made, undo)
        except (OSError, NetlinkError) as error:
            what = step_line(step).splitlines()[0]
            message = f"interface {plan.wanted.name!r}: {what}: {error}"
            raise refusal(message, error) from error
    return made


def _do(step: Step, made: Connected, undo: contextlib.ExitStack) -> None:
    match step:
        case OpenTap():
            made.tap_fds = taps.open_tap(step.tap, step.queues)
        case MakeBridge():
            links.make_bridge(step.bridge)
            undo.callback(_undone, links.remove, {step.bridge})
        case Configure():
            links.bring_up(step.link, mac=step.mac, mtu=step.mtu, addresses=step.addresses)
        case SetMac():
            links.set_mac(step.link, step.mac)
            undo.callback(_undone, links.set_mac, step.link, step.before)
        case Enslave():
            links.enslave(step.link, step.bridge)
        case Remember():
            links.set_loopback_alias(step.text)
            undo.callback(_undone, links.set_loopback_alias, step.before)
        case Write():
            settings.write(step.setting, step.value)
            if step.before is not None:
                undo.callback(_undone, settings.write, step.setting, step.before)
        case LoadRules():
            nft.transact(ruleset.load(step.tables))
            names = [(table.family, table.name) for table in step.tables]
            undo.callback(_undone, nft.transact, ruleset.remove(names))
        case OpenSockets():
            made.sockets = sockets.open_sockets(step.link, ipv4=step.ipv4, ipv6=step.ipv6)
        case _:
            assert_never(step)


def _undone(function: Callable[..., None], *arguments: Any) -> None:
    """Undoing goes on whatever happens: what failed first is what the caller must hear."""
    try:
        function(*arguments)
    except (OSError, NetlinkError, PlumbError) as error:
        _log.warning("%s%r could not be undone: %s", function.__name__, arguments, error)


def refusal(message: str, error: OSError | NetlinkError) -> PlumbError:
    """What to raise when the kernel has said no."""
    code = error.code if isinstance(error, NetlinkError) else error.errno
    if code in (errno.EPERM, errno.EACCES, errno.EROFS):
        hint = "it needs CAP_NET_ADMIN and a writable /proc/sys"
        return PlumbError(Reason.NOT_PERMITTED, message, hint=hint)
    return PlumbError(Reason.KERNEL_REFUSED, message)
