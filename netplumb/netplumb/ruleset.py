"""nftables rules as values, in both of nft's languages: JSON for `nft -j`, text for people.

Only the words that the bindings need. Each is one value with both forms, so that they cannot
drift apart; a test has nft read both and compares what the kernel got.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

TABLES = "netplumb_"
"""How the names of our tables begin."""


def table_name(tap: str) -> str:
    return TABLES + tap


class Family(StrEnum):
    IP = "ip"
    IP6 = "ip6"
    INET = "inet"
    ARP = "arp"
    BRIDGE = "bridge"

    @classmethod
    def of(cls, version: int) -> Family:
        return cls.IP if version == 4 else cls.IP6


@dataclasses.dataclass(frozen=True)
class Word:
    """A match or a verdict."""

    text: str
    tree: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chain:
    """A base chain: where the kernel enters the rules."""

    name: str
    type: str
    hook: str
    priority: int
    rules: tuple[tuple[Word, ...], ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    family: Family
    name: str
    chains: tuple[Chain, ...]

    def text(self) -> str:
        """As `nft -f` reads it."""
        return "\n".join(_text(self))


def load(tables: Iterable[Table]) -> str:
    """One transaction that puts these tables in the place of any of the same names."""
    return _transaction(command for table in tables for command in _load(table))


def remove(tables: Iterable[tuple[Family, str]]) -> str:
    """One transaction after which no such table is there, whether or not one was."""
    return _transaction(command for family, name in tables for command in _remove(family, name))


def interface_in(name: str) -> Word:
    return _meta("iifname", name)


def interface_out(name: str, *, other: bool = False) -> Word:
    """Leaves by the interface, or by any `other` one."""
    return _meta("oifname", name, "!=" if other else "==")


def source(family: Family, values: Iterable[str], *, other: bool = False) -> Word:
    """Comes from one of these addresses or networks, or from any `other`."""
    return _payload(family, "saddr", [_address(value) for value in values], other=other)


def destination(family: Family, values: Iterable[str]) -> Word:
    return _payload(family, "daddr", [_address(value) for value in values])


def hardware_source(values: Iterable[str], *, other: bool = False) -> Word:
    """Comes from one of these hardware addresses, or from any `other`."""
    return _payload("ether", "saddr", [(value, value) for value in values], other=other)


def arp_source(values: Iterable[str], *, other: bool = False) -> Word:
    """Says in ARP that its sender has one of these addresses, or any `other`."""
    return _payload("arp", "saddr ip", [(value, value) for value in values], other=other)


def router_advertisement() -> Word:
    return _payload("icmpv6", "type", [("nd-router-advert", "nd-router-advert")])


def ports(protocol: str, numbers: Iterable[int]) -> Word:
    """Goes to one of these ports."""
    return _payload(protocol, "dport", [(str(number), number) for number in numbers])


def to(address: str) -> Word:
    """The destination becomes `address`."""
    return Word(f"dnat to {address}", {"dnat": {"addr": address}})


def as_from(address: str) -> Word:
    """The source becomes `address`."""
    return Word(f"snat to {address}", {"snat": {"addr": address}})


MASQUERADE = Word("masquerade", {"masquerade": None})
DROP = Word("drop", {"drop": None})


def _meta(key: str, name: str, op: str = "==") -> Word:
    sign = "" if op == "==" else f"{op} "
    return Word(f'{key} {sign}"{name}"', _match(op, {"meta": {"key": key}}, name))


def _payload(
    protocol: str, field: str, values: list[tuple[str, Any]], *, other: bool = False
) -> Word:
    op, sign = ("!=", "!= ") if other else ("==", "")
    text = f"{protocol} {field} {sign}{{ {', '.join(text for text, _ in values)} }}"
    left = {"payload": {"protocol": protocol, "field": field}}
    return Word(text, _match(op, left, {"set": [tree for _, tree in values]}))


def _match(op: str, left: Any, right: Any) -> Mapping[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def _address(value: str) -> tuple[str, Any]:
    network = ipaddress.ip_network(value)
    if network.num_addresses == 1:
        return value, value
    address = str(network.network_address)
    return value, {"prefix": {"addr": address, "len": network.prefixlen}}


def _text(table: Table) -> Iterator[str]:
    yield f"table {table.family} {table.name} {{"
    for chain in table.chains:
        yield f"\tchain {chain.name} {{"
        yield f"\t\ttype {chain.type} hook {chain.hook} priority {chain.priority}; policy accept;"
        for rule in chain.rules:
            yield "\t\t" + " ".join(word.text for word in rule)
        yield "\t}"
    yield "}"


def _load(table: Table) -> Iterator[Mapping[str, Any]]:
    yield from _remove(table.family, table.name)
    yield {"add": {"table": {"family": table.family, "name": table.name}}}
    for chain in table.chains:
        place = {"family": table.family, "table": table.name}
        base = {"type": chain.type, "hook": chain.hook, "prio": chain.priority}
        yield {"add": {"chain": {**place, "name": chain.name, **base, "policy": "accept"}}}
        for rule in chain.rules:
            words = [word.tree for word in rule]
            yield {"add": {"rule": {**place, "chain": chain.name, "expr": words}}}


def _remove(family: Family, name: str) -> Iterator[Mapping[str, Any]]:
    table = {"table": {"family": family, "name": name}}
    yield {"add": table}  # Only what is there can be deleted.
    yield {"delete": table}


def _transaction(commands: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps({"nftables": list(commands)})
