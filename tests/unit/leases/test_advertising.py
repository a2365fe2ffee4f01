"""Router advertisements: the default route, and no addresses but the leased one."""

from __future__ import annotations

import dataclasses
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtlauncher.facts import Lease
from virtlauncher.resident.leases import advertising

SOLICITATION = b"\x85" + bytes(7)
WITH_SOURCE = SOLICITATION + bytes.fromhex("0101025152000001")


def options_of(data: bytes) -> dict[int, bytes]:
    found = {}
    while data:
        found[data[0]] = data[2 : 8 * data[1]]
        data = data[8 * data[1] :]
    return found


def test_an_advertisement_tells_everything(lease: Lease) -> None:
    said = advertising.advertisement(lease)
    # Managed and other configuration: addresses and the rest come from DHCPv6.
    assert said[:16] == bytes([134, 0, 0, 0, 64, 0xC0]) + struct.pack("!HII", 9000, 0, 0)
    names = b"\3sub\7default\3svc\7cluster\5local\0\7cluster\5local\0"
    padding = bytes(-(8 + len(names)) % 8)
    assert options_of(said[16:]) == {
        1: bytes.fromhex("020000000000"),
        5: struct.pack("!HI", 0, 1450),
        # On the link, and not for addresses of the guest's own making.
        3: bytes([120, 0x80]) + b"\xff" * 8 + bytes(4) + address("fd10:0:2::"),
        25: struct.pack("!HI", 0, 9000) + address("fd96::a"),
        31: struct.pack("!HI", 0, 9000) + names + padding,
    }


def address(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, text)


def test_what_a_lease_does_not_know_is_not_told(lease: Lease) -> None:
    bare = dataclasses.replace(lease, mtu=None, nameservers=("10.96.0.10",), searches=())
    assert set(options_of(advertising.advertisement(bare)[16:])) == {1, 3}


@pytest.mark.parametrize("packet", [SOLICITATION, WITH_SOURCE])
def test_a_solicitation_is_answered(lease: Lease, packet: bytes) -> None:
    assert advertising.answer(packet, lease) == advertising.advertisement(lease)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        SOLICITATION[:7],
        b"\x86" + bytes(15),
        b"\x85\1" + bytes(6),
        SOLICITATION + b"\1\0" + bytes(6),
        SOLICITATION + b"\1\2" + bytes(6),
        SOLICITATION + b"\1",
    ],
)
def test_anything_else_is_not(lease: Lease, packet: bytes) -> None:
    assert advertising.answer(packet, lease) is None


def test_a_lease_without_the_family_is_silent(lease: Lease) -> None:
    assert advertising.answer(SOLICITATION, dataclasses.replace(lease, ipv6="")) is None


@given(st.binary(max_size=300))
def test_noise_is_never_an_error(lease: Lease, noise: bytes) -> None:
    advertising.answer(noise, lease)
    advertising.answer(SOLICITATION + noise, lease)
