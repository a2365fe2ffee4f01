"""Where everything of one cluster is: names, addresses, ports and folders. Pure facts.

Clusters beside each other differ in their number: bridge, subnets and ports follow from it. The
Service addresses are the same in each: they live in the nodes' own network namespaces only.
"""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CLUSTERS = 6
"""Pod subnets are 10.90 to 10.95; 10.96 holds the Services."""


class Pods(enum.StrEnum):
    """Which addresses pods and Services have."""

    DUAL = "dual"
    IPV6 = "ipv6"

    def chosen(self, ipv4: str, ipv6: str) -> list[str]:
        """The addresses or subnets in use, in Kubernetes' order."""
        return [ipv4, ipv6] if self is Pods.DUAL else [ipv6]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node: a process tree in namespaces of its own."""

    name: str
    number: int
    cluster: int
    folder: Path

    @property
    def link(self) -> str:
        """The machine's end of the node's network cable."""
        return f"kmu{self.cluster}-{self.name[-1]}"

    @property
    def ipv4(self) -> str:
        return f"10.89.{self.cluster}.{10 + self.number}"

    @property
    def ipv6(self) -> str:
        return f"fd00:10:89:{self.cluster}::{10 + self.number}"

    @property
    def pods_ipv4(self) -> str:
        return f"10.{90 + self.cluster}.{self.number}.0/24"

    @property
    def pods_ipv6(self) -> str:
        return f"fd00:10:{90 + self.cluster}:{self.number}::/64"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One cluster on this machine."""

    name: str
    number: int
    pods: Pods
    state: Path

    @property
    def bridge(self) -> str:
        return f"kmu{self.number}"

    @property
    def ipv4(self) -> str:
        """The machine's address on the cluster's bridge: API server and registry are there."""
        return f"10.89.{self.number}.1"

    @property
    def ipv6(self) -> str:
        return f"fd00:10:89:{self.number}::1"

    @property
    def pods_cidrs(self) -> list[str]:
        number = 90 + self.number
        return self.pods.chosen(f"10.{number}.0.0/16", f"fd00:10:{number}::/48")

    @property
    def service_cidrs(self) -> list[str]:
        return self.pods.chosen("10.96.0.0/16", "fd00:10:96::/112")

    @property
    def service_api(self) -> str:
        return _nth(self.service_cidrs[0], 1)

    @property
    def service_dns(self) -> str:
        return _nth(self.service_cidrs[0], 10)

    def port(self, default: int) -> int:
        """A component's port; the first cluster has everyone's defaults."""
        return default + 100 * self.number

    @property
    def api_port(self) -> int:
        return self.port(6443)

    @property
    def registry_port(self) -> int:
        return self.port(5000)

    @property
    def server(self) -> str:
        return f"https://{self.ipv4}:{self.api_port}"

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(
            Node(name=name, number=number, cluster=self.number, folder=self.state / "nodes" / name)
            for number, name in enumerate(("node-a", "node-b"), start=1)
        )

    def node(self, name: str) -> Node:
        """The node of this name; KeyError if there is none."""
        return {node.name: node for node in self.nodes}[name]

    def peers(self, node: Node) -> tuple[Node, ...]:
        return tuple(other for other in self.nodes if other != node)

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def etc(self) -> Path:
        """Rendered configuration files."""
        return self.state / "etc"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def audit_log(self) -> Path:
        """Every write to the API; see `audit`."""
        return self.logs / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        return self.etc / "admin.kubeconfig"

    @property
    def cgroup(self) -> str:
        return f"kubemu-{self.name}"


def _nth(cidr: str, number: int) -> str:
    return str(ipaddress.ip_network(cidr)[number])
