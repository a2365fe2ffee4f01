"""Sockets of NICs are taken out of what came with a request, or the request is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
from collections.abc import Iterator

import pytest

from virtlauncher.errors import Refused
from virtlauncher.facts import Lease, Nic, NicKind
from virtlauncher.resident.descriptors import Descriptors
from virtlauncher.resident.leases import Leases


@pytest.fixture
def came() -> Iterator[Descriptors]:
    """A tap, as far as this goes, and two sockets."""
    with Descriptors() as descriptors:
        descriptors.add("tap0", os.open("/dev/null", os.O_RDWR))
        for name in ("dhcp4", "dhcp6"):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            descriptors.add(name, sock.detach())
        yield descriptors


def nic(lease: Lease | None, **fds: str) -> Nic:
    return Nic(kind=NicKind.TAP, mac="02:51:52:00:00:01", fds=("tap0",), lease=lease, **fds)  # type: ignore[arg-type]


def test_nobody_else_gets_the_sockets(lease: Lease, came: Descriptors) -> None:
    with contextlib.closing(Leases()) as leases:
        leases.claim({"blue": nic(lease, dhcp4_fd="dhcp4", dhcp6_fd="dhcp6")}, came)
        assert [one.name for one in leases.responders] == ["blue/dhcp4", "blue/dhcp6"]
        assert set(came.all()) == {"tap0"}


def test_a_nic_without_a_lease_has_nobody_to_ask(came: Descriptors) -> None:
    leases = Leases()
    leases.claim({"blue": nic(None)}, came)
    assert leases.responders == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tap0", "descriptor 'tap0' is no socket"),
        ("ra", "descriptor 'ra' did not come with the request"),
    ],
)
def test_a_socket_that_is_none(lease: Lease, came: Descriptors, name: str, message: str) -> None:
    with contextlib.closing(Leases()) as leases, pytest.raises(Refused) as caught:
        leases.claim({"blue": nic(lease, ra_fd=name)}, came)
    assert str(caught.value) == message
    assert "tap0" in came.all()


def test_a_lease_that_cannot_be_told(lease: Lease, came: Descriptors) -> None:
    odd = dataclasses.replace(lease, mtu=70000)
    with pytest.raises(Refused) as caught:
        Leases().claim({"blue": nic(odd, dhcp4_fd="dhcp4")}, came)
    assert caught.value.field == "nics.blue.lease"
