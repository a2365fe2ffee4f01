"""Addresses and names on the wire."""

from __future__ import annotations

import socket

import pytest

from virtlauncher.resident.leases import encoding


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        ((), b""),
        (("a.bc",), b"\1a\2bc\0"),
        (("a.bc.", "d"), b"\1a\2bc\0\1d\0"),
        (("", ".", "a..b", "x" * 64, "x." * 200), b""),
        (("x" * 63,), b"\x3f" + b"x" * 63 + b"\0"),
    ],
)
def test_names_as_in_dns(texts: tuple[str, ...], written: bytes) -> None:
    assert encoding.names(texts) == written


@pytest.mark.parametrize(
    ("prefix", "mask"),
    [(0, "0.0.0.0"), (8, "255.0.0.0"), (30, "255.255.255.252"), (32, "255.255.255.255")],
)
def test_masks(prefix: int, mask: str) -> None:
    assert encoding.mask_of(prefix) == socket.inet_aton(mask)


def test_networks() -> None:
    assert encoding.network_of(*encoding.address_and_prefix("10.1.2.3/20")) == bytes([10, 1, 0, 0])
    address, prefix = encoding.address_and_prefix("fd10:0:2::77/120")
    assert encoding.network_of(address, prefix) == address[:15] + b"\0"


def test_addresses_of_one_family() -> None:
    texts = ("10.0.0.1", "fd00::1", "ntp.example", "10.0.0.2")
    assert encoding.addresses_of(socket.AF_INET, texts) == bytes([10, 0, 0, 1, 10, 0, 0, 2])
    assert len(encoding.addresses_of(socket.AF_INET6, texts)) == 16


@pytest.mark.parametrize("text", ["02:51:52:00:00:01", "02-51-52-00-00-01"])
def test_hardware_addresses(text: str) -> None:
    assert encoding.hardware_address(text) == bytes.fromhex("025152000001")


@pytest.mark.parametrize("text", ["", "02:51", "no"])
def test_what_is_no_hardware_address(text: str) -> None:
    with pytest.raises(ValueError):
        encoding.hardware_address(text)
