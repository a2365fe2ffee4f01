"""Addresses and names as they are written in DHCP and in router advertisements."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

_LABEL_LIMIT, _NAME_LIMIT = 63, 255


def address_and_prefix(text: str) -> tuple[bytes, int]:
    """'10.0.2.2/24' -> four bytes, or sixteen, and 24."""
    address, _, prefix = text.partition("/")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address), int(prefix)


def network_of(address: bytes, prefix: int) -> bytes:
    """The address with only the prefix's bits left."""
    length = 8 * len(address)
    mask = (1 << length) - (1 << length - prefix)
    return (int.from_bytes(address, "big") & mask).to_bytes(len(address), "big")


def mask_of(prefix: int) -> bytes:
    return ((1 << 32) - (1 << 32 - prefix)).to_bytes(4, "big")


def addresses_of(family: int, texts: Iterable[str]) -> bytes:
    """Those of one family, one after the other; what is none is passed over."""
    return b"".join(_packed(family, texts))


def hardware_address(text: str) -> bytes:
    """Six bytes; raises ValueError."""
    address = bytes.fromhex(text.replace("-", "").replace(":", ""))
    if len(address) != 6:
        raise ValueError(f"{text!r} is no hardware address")
    return address


def names(texts: Iterable[str]) -> bytes:
    """Domain names as in DNS (RFC 1035, 3.1), uncompressed; what is none is passed over."""
    return b"".join(_names(texts))


def _packed(family: int, texts: Iterable[str]) -> Iterator[bytes]:
    for text in texts:
        try:
            yield socket.inet_pton(family, text)
        except (OSError, ValueError):  # Of the other family, or a name.
            continue


def _names(texts: Iterable[str]) -> Iterator[bytes]:
    for text in texts:
        labels = [label.encode("utf-8", "replace") for label in text.rstrip(".").split(".")]
        written = b"".join(bytes([len(label)]) + label for label in labels if _fits(label)) + b"\0"
        if all(map(_fits, labels)) and len(written) <= _NAME_LIMIT:
            yield written


def _fits(label: bytes) -> bool:
    return 0 < len(label) <= _LABEL_LIMIT
