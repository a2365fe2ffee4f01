"""Starting a VM in its launcher: network, descriptors, facts, and one `start`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from netplumb import Connected, PlumbError, Reason, Resolver, Wanted
from virtlauncher.client import Client
from virtlauncher.facts import Accel, Facts, Nic, Source

from ..podvolumes import pod_volumes
from .claims import claims_of
from .errors import NetworkFailed, NotReady, NotSupported
from .ground import Devices, Ground, kvm_by_descriptor
from .nics import descriptors_of, nic_of, wanted_of
from .peer import Peer
from .resolv import resolver_of

Json = dict[str, Any]
Plumb = Callable[[int, Sequence[Wanted], Resolver], list[Connected]]
"""netplumb's `connect`: blocks, and works in the namespace of the process behind a pidfd."""
_PATIENCE = 150.0
"""Seconds for a start; the launcher itself gives QEMU two minutes to take its memory."""
_KVM, _VHOST = "kvm", "vhost-net"
_HOPELESS = frozenset({Reason.INVALID_NETWORK, Reason.NETWORK_OVERLAP})
"""The VMI asks for what cannot be."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Starter:
    """All that a start needs of this node."""

    ground: Callable[[], Ground]
    use_emulation: Callable[[], bool]
    plumb: Plumb
    devices: Devices = dataclasses.field(default_factory=Devices)

    async def start(self, client: Client, peer: Peer, vmi: Json) -> tuple[Json, tuple[str, ...]]:
        """Start `vmi` in the launcher: its answer, and the pod's own addresses.

        Raises NotReady, NotSupported, NetworkFailed, and what `Client.call` raises. What was opened
        or made and did not reach QEMU is gone then.
        """
        ground = self.ground()
        accel = ground.accelerator(self.use_emulation())
        async with self._connected(peer, vmi) as network:
            with contextlib.ExitStack() as stack:
                fds = self._kvm(ground, accel, stack)
                nics = {one.name: self._nic(vmi, one, fds, stack) for one in network}
                facts = Facts(
                    qemu=ground.qemu,
                    accel=accel,
                    kvm_fd=_KVM if _KVM in fds else "",
                    volumes=_volumes(vmi),
                    nics=nics,
                    run_dir="",
                    disk_dir="",
                )
                arguments = {"vmi": _without_status(vmi), "facts": facts.to_json()}
                reply = await client.call("start", arguments, fds=fds, within=_PATIENCE)
            return reply.result, _addresses(network)

    def _kvm(self, ground: Ground, accel: Accel, stack: contextlib.ExitStack) -> dict[str, int]:
        if accel is not Accel.KVM:
            return {}
        if not kvm_by_descriptor(ground.qemu):
            raise NotReady("the launcher's QEMU is older than 10 and takes no /dev/kvm from us")
        return {_KVM: stack.enter_context(self.devices.opened(_KVM))[0]}

    def _nic(
        self, vmi: Json, connected: Connected, fds: dict[str, int], stack: contextlib.ExitStack
    ) -> Nic:
        """Adds its descriptors to `fds`."""
        fds |= descriptors_of(connected)
        vhosts: tuple[str, ...] = ()
        if self.devices.has(_VHOST):
            count = len(connected.tap_fds)
            vhosts = tuple(f"{connected.tap}/vhost{n}" for n in range(count))
            opened = stack.enter_context(self.devices.opened(*[_VHOST] * count))
            fds |= dict(zip(vhosts, opened, strict=True))
        return nic_of(vmi, connected, vhosts)

    @contextlib.asynccontextmanager
    async def _connected(self, peer: Peer, vmi: Json) -> AsyncIterator[list[Connected]]:
        """The pod's network led to taps; our copies of their descriptors are closed at the end."""
        wanted = wanted_of(vmi)
        if not wanted:
            yield []
            return
        pidfd = os.dup(peer.pidfd)  # The thread's own: it may outlast this task and the peer.
        work = asyncio.get_running_loop().run_in_executor(
            None, self.plumb, pidfd, wanted, resolver_of(peer)
        )
        work.add_done_callback(lambda _: os.close(pidfd))
        try:
            network = await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(_close_later)
            raise
        except PlumbError as error:
            final = error.reason in _HOPELESS
            raise NetworkFailed(error.reason, error.message, final=final) from error
        try:
            yield network
        finally:
            _close(network)


def _close_later(work: asyncio.Future[list[Connected]]) -> None:
    """Of a thread that could not be stopped: nobody else would close what it has made."""
    if not work.cancelled() and work.exception() is None:
        _close(work.result())


def _close(network: Sequence[Connected]) -> None:
    for one in network:
        one.close()


def _volumes(vmi: Json) -> dict[str, Source]:
    found = pod_volumes(vmi, claims_of(vmi))
    for one in found:
        if one.block:
            raise NotSupported(f"volume {one.key}: claims with volumeMode Block")
    return {one.key: one.source for one in found}


def _addresses(network: Sequence[Connected]) -> tuple[str, ...]:
    return network[0].pod_addresses if network else ()


def _without_status(vmi: Json) -> Json:
    """The launcher has no use for what is known of the VMI already."""
    return {key: value for key, value in vmi.items() if key != "status"}
