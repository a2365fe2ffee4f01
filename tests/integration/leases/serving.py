"""Leases served as a launcher serves them: sockets of a plumbed pod, an event loop of their own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

from netplumb import Connected, Wanted, connect
from tests.integration.netplumb.pods import RESOLVER, WANTED, Guest, Pod
from virtlauncher.facts import Lease, Nic, NicKind
from virtlauncher.jsonable import from_jsonable
from virtlauncher.resident.descriptors import Descriptors
from virtlauncher.resident.leases import Leases
from virtlauncher.resident.leases.serving import ADVERTISING, Advertiser


def lease_of(connected: Connected, **more: Any) -> Lease:
    """As drivers make it: what netplumb knows, and what the VMI says beside it."""
    return from_jsonable(Lease, {**dataclasses.asdict(connected.lease), **more})


def nic_of(connected: Connected, lease: Lease) -> tuple[Nic, dict[str, int]]:
    """A NIC's facts, and the descriptors it names; they are the caller's now."""
    sockets = connected.sockets
    numbers = {"dhcp4": sockets.dhcp4, "dhcp6": sockets.dhcp6, "ra": sockets.ra}
    taps = {f"tap{index}": number for index, number in enumerate(connected.tap_fds)}
    fds = {name: number for name, number in numbers.items() if number is not None} | taps
    connected.release()
    named = {name: name if name in fds else "" for name in numbers}
    nic = Nic(
        kind=NicKind.TAP,
        mac=connected.mac,
        mtu=connected.mtu,
        fds=tuple(taps),
        lease=lease,
        dhcp4_fd=named["dhcp4"],
        dhcp6_fd=named["dhcp6"],
        ra_fd=named["ra"],
    )
    return nic, fds


@contextlib.contextmanager
def served(leases: Leases) -> Iterator[None]:
    """Answering in a thread, until the `with` ends."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(leases.serve())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run, name="leases")
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


@contextlib.contextmanager
def guest_of(
    pod: Pod, *, wanted: Wanted = WANTED, advertise_every: float = ADVERTISING, **more: Any
) -> Iterator[tuple[Guest, Leases]]:
    """A guest that knows nothing yet, on a link where its lease is served."""
    (connected,) = connect(pod.fd, [wanted], RESOLVER)
    nic, fds = nic_of(connected, lease_of(connected, **more))
    leases = Leases()
    with Descriptors() as descriptors:
        descriptors.update(fds)
        leases.claim({"default": nic}, descriptors)
        for responder in leases.responders:
            if isinstance(responder, Advertiser):
                responder.every = advertise_every
        tap = descriptors.get("tap0")
        assert tap is not None
        with contextlib.closing(leases), Guest(tap, nic.mac) as guest, served(leases):
            guest.run("ip", "link", "set", "eth0", "up")
            yield guest, leases
