"""DHCPv4: what is answered, with what, and what is not answered."""

from __future__ import annotations

import dataclasses
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtlauncher.facts import Lease, Route
from virtlauncher.resident.leases import dhcp4
from virtlauncher.resident.leases.dhcp4 import Kind

MAC = bytes.fromhex("025152000001")
OURS, GATEWAY, OTHER = (socket.inet_aton(f"10.0.2.{host}") for host in (2, 1, 77))
NONE = bytes(4)
SECONDS = struct.pack("!I", 999 * 86400)
EVERYTHING = bytes(range(1, 255))
REQUESTED, SERVER, WANTED, SIZE, CLIENT, RAPID = 50, 54, 55, 57, 61, 80


def request(
    kind: int | None,
    options: dict[int, bytes] | None = None,
    *,
    client: bytes = NONE,
    relay: bytes = NONE,
    head: bytes = b"\1\1\6\0",
    cookie: bytes = b"\x63\x82\x53\x63",
) -> bytes:
    """A client's packet; `head`: op, hardware type and length, hops."""
    fields = head + b"\1\2\3\4" + b"\0\0\x80\0" + client + NONE + NONE + relay
    fields += MAC.ljust(16, b"\0") + bytes(64 + 128) + cookie
    said = ({53: bytes([kind])} if kind is not None else {}) | (options or {})
    return fields + b"".join(bytes([k, len(v)]) + v for k, v in said.items()) + b"\xff"


def options_of(reply: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 240
    while reply[at] != 255:
        code, length = reply[at], reply[at + 1]
        found[code] = found.get(code, b"") + reply[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def answered(lease: Lease, packet: bytes) -> tuple[int, bytes, dict[int, bytes]]:
    """Kind, address given, options of the answer."""
    reply = dhcp4.answer(packet, lease)
    assert reply is not None
    return reply[242], reply[16:20], options_of(reply)


OUR_ID, OTHER_ID = {SERVER: GATEWAY}, {SERVER: OTHER}
VERDICTS = {
    "discover": (request(Kind.DISCOVER), Kind.OFFER),
    "discover wishing for another address": (
        request(Kind.DISCOVER, {REQUESTED: OTHER}),
        Kind.OFFER,
    ),
    "discover that takes the first answer": (request(Kind.DISCOVER, {RAPID: b""}), Kind.ACK),
    "request after our offer": (request(Kind.REQUEST, {**OUR_ID, REQUESTED: OURS}), Kind.ACK),
    "request after another's offer": (request(Kind.REQUEST, {**OTHER_ID, REQUESTED: OURS}), None),
    "request after a reboot": (request(Kind.REQUEST, {REQUESTED: OURS}), Kind.ACK),
    "request after a move": (request(Kind.REQUEST, {REQUESTED: OTHER}), Kind.NAK),
    "renewal": (request(Kind.REQUEST, client=OURS), Kind.ACK),
    "renewal of another address": (request(Kind.REQUEST, client=OTHER), Kind.NAK),
    "request for nothing": (request(Kind.REQUEST), None),
    "request for a cut-off address": (request(Kind.REQUEST, {REQUESTED: b"\n\0"}), Kind.NAK),
    "inform": (request(Kind.INFORM, client=OTHER), Kind.ACK),
    "inform from nowhere": (request(Kind.INFORM), None),
    "decline": (request(Kind.DECLINE, {**OUR_ID, REQUESTED: OURS}), None),
    "release": (request(Kind.RELEASE, OUR_ID, client=OURS), None),
    "an offer": (request(Kind.OFFER), None),
    "an unknown kind": (request(99), None),
    "BOOTP": (request(None), None),
    "a reply": (request(Kind.DISCOVER, head=b"\2\1\6\0"), None),
    "no Ethernet": (request(Kind.DISCOVER, head=b"\1\7\6\0"), None),
    "a long hardware address": (request(Kind.DISCOVER, head=b"\1\1\x10\0"), None),
    "through a relay": (request(Kind.DISCOVER, relay=OTHER), None),
    "a wrong cookie": (request(Kind.DISCOVER, cookie=b"abcd"), None),
    "nothing": (b"", None),
    "half a head": (request(Kind.DISCOVER)[:200], None),
    "an empty kind": (request(None, {53: b""}), None),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_packet_gets_its_answer(lease: Lease, name: str) -> None:
    packet, kind = VERDICTS[name]
    reply = dhcp4.answer(packet, lease)
    assert (reply and reply[242]) == kind


def test_an_offer_tells_everything(lease: Lease) -> None:
    packet = request(Kind.DISCOVER, {WANTED: EVERYTHING, SIZE: struct.pack("!H", 1500)})
    domain = b"\3sub\7default\3svc\7cluster\5local\0"
    assert answered(lease, packet) == (
        Kind.OFFER,
        OURS,
        {
            1: socket.inet_aton("255.255.255.0"),
            3: GATEWAY,
            6: socket.inet_aton("10.96.0.10"),
            12: b"vm",
            15: b"sub.default.svc.cluster.local",
            26: struct.pack("!H", 1450),
            42: socket.inet_aton("10.9.9.9"),
            51: SECONDS,
            53: bytes([Kind.OFFER]),
            54: GATEWAY,
            66: b"10.8.8.8",
            67: b"pxelinux.0",
            119: domain + b"\7cluster\5local\0",
            240: b"private",
        },
    )


def test_a_reply_repeats_what_it_answers(lease: Lease) -> None:
    reply = dhcp4.answer(request(Kind.REQUEST, {CLIENT: b"\1" + MAC}, client=OURS), lease)
    assert reply is not None
    assert reply[:4] == b"\2\1\6\0"
    assert (reply[4:8], reply[10:12]) == (b"\1\2\3\4", b"\x80\0")
    assert (reply[12:16], reply[28:44]) == (OURS, MAC.ljust(16, b"\0"))
    assert options_of(reply)[CLIENT] == b"\1" + MAC


def test_a_boot_rom_finds_its_server_in_the_head(lease: Lease) -> None:
    reply = dhcp4.answer(request(Kind.DISCOVER), lease)
    assert reply is not None
    assert reply[20:24] == socket.inet_aton("10.8.8.8")
    assert reply[44:108].rstrip(b"\0") == b"10.8.8.8"
    assert reply[108:236].rstrip(b"\0") == b"pxelinux.0"


def test_only_what_is_wanted_is_told_and_what_is_private(lease: Lease) -> None:
    _, _, options = answered(lease, request(Kind.DISCOVER, {WANTED: bytes([6, 3, 250])}))
    assert list(options) == [53, 54, 51, 1, 6, 3, 240]


def test_who_wants_nothing_in_particular_is_told_everything(lease: Lease) -> None:
    _, _, options = answered(lease, request(Kind.DISCOVER))
    assert {3, 6, 12, 15, 26, 42, 66, 67, 119, 240} < set(options)


def test_an_inform_gets_no_lease(lease: Lease) -> None:
    kind, given_, options = answered(lease, request(Kind.INFORM, client=OTHER))
    assert (kind, given_, 51 in options, options[3]) == (Kind.ACK, NONE, False, GATEWAY)


def test_a_refusal_tells_nothing_else(lease: Lease) -> None:
    kind, given_, options = answered(lease, request(Kind.REQUEST, {REQUESTED: OTHER}))
    assert (kind, given_, set(options)) == (Kind.NAK, NONE, {53, 54})


def test_an_option_may_come_in_parts(lease: Lease) -> None:
    packet = request(None)[:-1] + b"\0" + bytes([53, 1, 3, 50, 2]) + OURS[:2]
    packet += bytes([50, 2]) + OURS[2:] + b"\xff"
    assert answered(lease, packet)[0] == Kind.ACK


def test_what_does_not_fit_is_left_out_least_important_first(lease: Lease) -> None:
    long = dataclasses.replace(lease, boot_file="b" * 400, private_options={"250": "p" * 300})
    small = dhcp4.answer(request(Kind.DISCOVER), long)
    large = dhcp4.answer(request(Kind.DISCOVER, {SIZE: struct.pack("!H", 1500)}), long)
    assert small is not None
    assert large is not None
    assert len(small) <= 576 - 28
    assert options_of(small)[6] == socket.inet_aton("10.96.0.10")
    assert 67 not in options_of(small)
    assert options_of(large)[67] == b"b" * 400
    assert options_of(large)[250] == b"p" * 300


ON_LINK_GATEWAY = bytes([32, 169, 254, 1, 1]) + NONE
ROUTES = {
    "none": ({}, None),
    "one more": (
        {"routes": (Route(destination="10.96.0.0/12", gateway="10.0.2.9"),)},
        bytes([12, 10, 96, 10, 0, 2, 9]) + bytes([0, 10, 0, 2, 1]),
    ),
    "on the link": (
        {"routes": (Route(destination="192.168.7.0/24"),)},
        bytes([24, 192, 168, 7]) + NONE + bytes([0, 10, 0, 2, 1]),
    ),
    "a gateway outside the network": (
        {"ipv4": "10.244.1.9/32", "ipv4_gateway": "169.254.1.1"},
        ON_LINK_GATEWAY + bytes([0, 169, 254, 1, 1]),
    ),
    "no gateway": (
        {
            "ipv4_gateway": "",
            "ipv4_server": "169.254.75.10",
            "routes": (Route(destination="10.0.0.0/8", gateway="10.0.2.9"),),
        },
        bytes([8, 10, 10, 0, 2, 9]),
    ),
}


@pytest.mark.parametrize("name", ROUTES)
def test_routes_beside_the_default(lease: Lease, name: str) -> None:
    changes, expected = ROUTES[name]
    changed = dataclasses.replace(lease, **changes)  # type: ignore[arg-type]
    assert answered(changed, request(Kind.DISCOVER))[2].get(121) == expected


def test_the_server_may_have_another_address_than_the_gateway(lease: Lease) -> None:
    bridged = dataclasses.replace(lease, ipv4_server="169.254.75.10")
    options = answered(bridged, request(Kind.DISCOVER))[2]
    assert (options[54], options[3]) == (socket.inet_aton("169.254.75.10"), GATEWAY)


def test_only_the_leases_client_is_served(lease: Lease) -> None:
    packet = request(Kind.DISCOVER)
    theirs = dataclasses.replace(lease, client_mac="02:51:52:00:00:99")
    ours = dataclasses.replace(lease, client_mac="02:51:52:00:00:01")
    assert dhcp4.answer(packet, theirs) is None
    assert dhcp4.answer(packet, ours) is not None


def test_a_lease_without_the_family_is_silent(lease: Lease) -> None:
    assert dhcp4.answer(request(Kind.DISCOVER), dataclasses.replace(lease, ipv4="")) is None


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (request(Kind.DISCOVER), "255.255.255.255"),
        (request(Kind.REQUEST, {REQUESTED: OURS}), "255.255.255.255"),
        (request(Kind.REQUEST, client=OURS), "10.0.2.2"),
        (request(Kind.REQUEST, client=OTHER), "255.255.255.255"),
        (request(Kind.INFORM, client=OTHER), "10.0.2.77"),
    ],
)
def test_where_a_reply_goes(lease: Lease, packet: bytes, expected: str) -> None:
    reply = dhcp4.answer(packet, lease)
    assert reply is not None
    assert dhcp4.destination(reply) == (expected, 68)


@pytest.mark.parametrize(
    "changes",
    [
        {"ipv4": "nonsense"},
        {"ipv4": "10.0.2.2/x"},
        {"ipv4_gateway": "", "ipv4_server": ""},
        {"mtu": 70000},
        {"routes": (Route(destination="nowhere"),)},
        {"private_options": {"12": "no private one"}},
        {"private_options": {"x": ""}},
    ],
)
def test_a_lease_that_cannot_be_told_says_so(lease: Lease, changes: dict[str, object]) -> None:
    changed = dataclasses.replace(lease, **changes)  # type: ignore[arg-type]
    with pytest.raises((ValueError, OSError, OverflowError)):
        dhcp4.everything(changed)


@given(st.binary(max_size=600))
def test_noise_is_never_an_error(lease: Lease, noise: bytes) -> None:
    assert dhcp4.answer(noise, lease) is None


@given(st.sampled_from(list(Kind)), st.binary(max_size=400), st.binary(min_size=4, max_size=4))
def test_noise_in_a_packet_is_never_an_error(
    lease: Lease, kind: Kind, noise: bytes, client: bytes
) -> None:
    reply = dhcp4.answer(request(kind, client=client)[:-1] + noise, lease)
    if reply is not None:
        assert 300 <= len(reply) <= 1500 - 28
        assert options_of(reply)[54] == GATEWAY
        dhcp4.destination(reply)
