"""The cables between the machine and the nodes: one bridge, a veth for each node, routes.

No firewall rule and no forwarding is needed on the machine; kube-proxy's rules live in the nodes.
"""

from __future__ import annotations

from pathlib import Path

from . import tools
from .errors import StepFailed
from .layout import Layout, Node


def exists(link: str) -> bool:
    """Whether the machine has this link."""
    return Path("/sys/class/net", link).exists()


def make_bridge(layout: Layout) -> None:
    """The machine's end: addresses for API server and registry. Does nothing if it is there."""
    bridge = layout.bridge
    if not exists(bridge):
        _ip(f"link add {bridge} type bridge")
    _ip(
        f"addr replace {layout.ipv4}/24 dev {bridge}",
        # nodad: a tentative address cannot be bound, and nobody else is on this bridge.
        f"-6 addr replace {layout.ipv6}/64 dev {bridge} nodad",
        f"link set {bridge} up",
    )


def connect(layout: Layout, node: Node, pid: int) -> None:
    """Plugs a node's network, that of a process, into the bridge. Does nothing if it is there."""
    if not exists(node.link):
        _ip(f"link add {node.link} type veth peer name eth0 netns {pid}")
    _ip(
        f"link set {node.link} master {layout.bridge}",
        f"link set {node.link} up",
        f"route replace {node.pods_ipv4} via {node.ipv4} dev {layout.bridge} onlink",
        f"-6 route replace {node.pods_ipv6} via {node.ipv6} dev {layout.bridge} onlink",
    )
    lines = [
        f"addr replace {node.ipv4}/24 dev eth0",
        f"-6 addr replace {node.ipv6}/64 dev eth0 nodad",
        "link set eth0 up",
        f"route replace default via {layout.ipv4}",
        f"-6 route replace default via {layout.ipv6}",
    ]
    for peer in layout.peers(node):
        lines += [
            f"route replace {peer.pods_ipv4} via {peer.ipv4}",
            f"-6 route replace {peer.pods_ipv6} via {peer.ipv6}",
        ]
    for line in lines:
        tools.run(["nsenter", "-t", str(pid), "-n", "--", "ip", *line.split()])


def disconnect(node: Node) -> None:
    """Removes the machine's end of a node's cable."""
    try:
        _ip(f"link del {node.link}")
    except StepFailed:
        # The kernel removes the cable of a network that nobody uses any more, when it comes to it.
        if exists(node.link):
            raise


def remove_bridge(layout: Layout) -> None:
    """Removes the bridge; its routes go with it."""
    if exists(layout.bridge):
        tools.run(["ip", "link", "del", layout.bridge])


def _ip(*lines: str) -> None:
    for line in lines:
        tools.run(["ip", *line.split()])
