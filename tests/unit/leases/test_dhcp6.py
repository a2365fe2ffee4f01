"""DHCPv6: what is answered, with what, and what is not answered."""

from __future__ import annotations

import dataclasses
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtlauncher.facts import Lease
from virtlauncher.resident.leases import dhcp6
from virtlauncher.resident.leases.dhcp6 import Kind

Options = list[tuple[int, bytes]]

CLIENT: tuple[int, bytes] = (1, bytes.fromhex("0003000102515200000a"))
SERVER: tuple[int, bytes] = (2, bytes.fromhex("00030001020000000000"))
OTHER_SERVER: tuple[int, bytes] = (2, b"somebody")
OURS, OTHER = (socket.inet_pton(socket.AF_INET6, f"fd10:0:2::{host}") for host in (2, 77))
SECONDS = 999 * 86400
RAPID: tuple[int, bytes] = (14, b"")


def option(code: int, data: bytes) -> bytes:
    return struct.pack("!HH", code, len(data)) + data


def message(kind: int, *options: tuple[int, bytes]) -> bytes:
    return bytes([kind]) + b"\1\2\3" + b"".join(option(code, data) for code, data in options)


def association(
    *addresses: bytes, id_: bytes = b"id-0", code: int = 3, lifetime: int = 0
) -> tuple[int, bytes]:
    inner = [option(5, address + struct.pack("!II", lifetime, lifetime)) for address in addresses]
    times = bytes(8) if code != 4 else b""
    return code, id_ + times + b"".join(inner)


def options_of(data: bytes) -> Options:
    found = []
    while data:
        code, length = struct.unpack("!HH", data[:4])
        found.append((code, data[4 : 4 + length]))
        data = data[4 + length :]
    return found


def answered(lease: Lease, packet: bytes) -> tuple[int, dict[int, bytes]]:
    reply = dhcp6.answer(packet, lease)
    assert reply is not None
    assert reply[1:4] == b"\1\2\3"
    return reply[0], dict(options_of(reply[4:]))


LEASED = association(OURS, lifetime=SECONDS)
KNOWN = {
    23: socket.inet_pton(socket.AF_INET6, "fd96::a"),
    24: b"\3sub\7default\3svc\7cluster\5local\0\7cluster\5local\0",
    56: option(1, socket.inet_pton(socket.AF_INET6, "fd99::9")),
}
BOTH = {1: CLIENT[1], 2: SERVER[1]}
ANSWERS: dict[str, tuple[bytes, tuple[int, dict[int, bytes]] | None]] = {
    "solicit": (
        message(Kind.SOLICIT, CLIENT, association()),
        (Kind.ADVERTISE, {**BOTH, 7: b"\xff", 3: LEASED[1], **KNOWN}),
    ),
    "solicit that takes the first answer": (
        message(Kind.SOLICIT, CLIENT, association(), RAPID),
        (Kind.REPLY, {**BOTH, 14: b"", 7: b"\xff", 3: LEASED[1], **KNOWN}),
    ),
    "solicit without a wish": (
        message(Kind.SOLICIT, CLIENT),
        (Kind.ADVERTISE, {**BOTH, 7: b"\xff", **KNOWN}),
    ),
    "request": (
        message(Kind.REQUEST, CLIENT, SERVER, association(OURS)),
        (Kind.REPLY, {**BOTH, 3: LEASED[1], **KNOWN}),
    ),
    "renew": (
        message(Kind.RENEW, CLIENT, SERVER, association(OURS)),
        (Kind.REPLY, {**BOTH, 3: LEASED[1], **KNOWN}),
    ),
    "rebind": (
        message(Kind.REBIND, CLIENT, association(OURS)),
        (Kind.REPLY, {**BOTH, 3: LEASED[1], **KNOWN}),
    ),
    "confirm": (
        message(Kind.CONFIRM, CLIENT, association(OURS)),
        (Kind.REPLY, {**BOTH, 13: b"\0\0"}),
    ),
    "confirm of another address": (
        message(Kind.CONFIRM, CLIENT, association(OURS, OTHER)),
        (Kind.REPLY, {**BOTH, 13: b"\0\4"}),
    ),
    "confirm of nothing": (message(Kind.CONFIRM, CLIENT, association()), None),
    "release": (
        message(Kind.RELEASE, CLIENT, SERVER, association(OURS)),
        (Kind.REPLY, {**BOTH, 13: b"\0\0"}),
    ),
    "decline": (
        message(Kind.DECLINE, CLIENT, SERVER, association(OURS)),
        (Kind.REPLY, {**BOTH, 13: b"\0\0"}),
    ),
    "information request": (
        message(Kind.INFORMATION_REQUEST),
        (Kind.REPLY, {2: SERVER[1], **KNOWN}),
    ),
    "information request with names": (
        message(Kind.INFORMATION_REQUEST, CLIENT, SERVER),
        (Kind.REPLY, {**BOTH, **KNOWN}),
    ),
    "information request for another": (message(Kind.INFORMATION_REQUEST, OTHER_SERVER), None),
    "solicit for one server": (message(Kind.SOLICIT, CLIENT, SERVER), None),
    "rebind for one server": (message(Kind.REBIND, CLIENT, SERVER), None),
    "request for another server": (message(Kind.REQUEST, CLIENT, OTHER_SERVER), None),
    "request for no server": (message(Kind.REQUEST, CLIENT), None),
    "solicit by nobody": (message(Kind.SOLICIT, association()), None),
    "an advertisement": (message(Kind.ADVERTISE, CLIENT, SERVER), None),
    "a reply": (message(Kind.REPLY, CLIENT, SERVER), None),
    "a relay's message": (message(12, CLIENT), None),
    "nothing": (b"", None),
    "a kind and no more": (b"\1", None),
    "an option cut off": (message(Kind.SOLICIT, CLIENT, association())[:-1], None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_message_gets_its_answer(lease: Lease, name: str) -> None:
    packet, expected = ANSWERS[name]
    if expected is None:
        assert dhcp6.answer(packet, lease) is None
    else:
        assert answered(lease, packet) == expected


def test_there_is_one_address_and_no_prefix(lease: Lease) -> None:
    packet = message(
        Kind.SOLICIT,
        CLIENT,
        association(id_=b"id-1"),
        association(id_=b"id-2"),
        association(id_=b"id-3", code=4),
        association(id_=b"id-4", code=25),
    )
    reply = dhcp6.answer(packet, lease)
    assert reply is not None
    wanted = [(code, data) for code, data in options_of(reply[4:]) if code in (3, 4, 25)]
    no_address, no_prefix = option(13, b"\0\2"), option(13, b"\0\6")
    assert wanted == [
        association(OURS, id_=b"id-1", lifetime=SECONDS),
        (3, b"id-2" + bytes(8) + no_address),
        (4, b"id-3" + no_address),
        (25, b"id-4" + bytes(8) + no_prefix),
    ]


def test_another_address_ends_when_it_is_to_be_renewed(lease: Lease) -> None:
    packet = message(Kind.RENEW, CLIENT, SERVER, association(OTHER, OURS, OTHER))
    over = option(5, OTHER + bytes(8))
    assert answered(lease, packet)[1][3] == LEASED[1] + over


def test_a_lease_without_the_family_is_silent(lease: Lease) -> None:
    changed = dataclasses.replace(lease, ipv6="")
    assert dhcp6.answer(message(Kind.SOLICIT, CLIENT, association()), changed) is None


@pytest.mark.parametrize(
    "changes", [{"ipv6": "nonsense/1"}, {"router_mac": ""}, {"router_mac": "02:00:00:00:00:xx"}]
)
def test_a_lease_that_cannot_be_told_says_so(lease: Lease, changes: dict[str, str]) -> None:
    with pytest.raises((ValueError, OSError)):
        dhcp6.everything(dataclasses.replace(lease, **changes))  # type: ignore[arg-type]


@given(st.binary(max_size=600))
def test_noise_is_never_an_error(lease: Lease, noise: bytes) -> None:
    dhcp6.answer(noise, lease)


@given(
    st.sampled_from([1, 3, 4, 5, 6, 8, 9, 11]),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from([3, 4, 5, 6, 14, 25]), st.binary(max_size=80))),
)
def test_noise_in_a_message_is_never_an_error(
    lease: Lease, kind: int, named: bool, noise: Options
) -> None:
    reply = dhcp6.answer(message(kind, CLIENT, *([SERVER] if named else []), *noise), lease)
    if reply is not None:
        assert dict(options_of(reply[4:]))[2] == SERVER[1]
