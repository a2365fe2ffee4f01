"""Settings of the kernel for one namespace (sysctls), named by their path below /proc/sys.

A namespace outlives who plumbed it, so what its settings were before is written down in the
namespace itself: the loopback's alias (`ip link show lo`) is free text that nothing else uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FORWARD_IPV4 = "net/ipv4/ip_forward"
FORWARD_IPV6 = "net/ipv6/conf/all/forwarding"

_ROOT = Path("/proc/sys")
_MARK = "netplumb"


def accept_ra(device: str) -> str:
    return f"net/ipv6/conf/{device}/accept_ra"


def mac(device: str) -> str:
    """What a device's hardware address is written down as; there is no such file."""
    return f"mac/{device}"


def of_interest(pod_device: str) -> tuple[str, ...]:
    """The settings of a namespace that a plan looks at."""
    return FORWARD_IPV4, FORWARD_IPV6, accept_ra(pod_device)


def read(names: tuple[str, ...]) -> dict[str, str]:
    """Values in the calling thread's namespace; what the kernel does not have is left out."""
    files = {name: _ROOT / name for name in names}
    return {name: file.read_text().strip() for name, file in files.items() if file.exists()}


def write(name: str, value: str) -> None:
    """Raises OSError, e.g. where /proc/sys is read-only."""
    (_ROOT / name).write_text(value)


def render_originals(originals: Mapping[str, str]) -> str:
    """Text for the loopback's alias; empty for nothing."""
    words = [f"{name}={value}" for name, value in originals.items()]
    return " ".join([_MARK, *words]) if words else ""


def parse_originals(alias: str) -> dict[str, str]:
    """The inverse; empty for an alias that is not ours."""
    mark, *words = alias.split() or [""]
    if mark != _MARK:
        return {}
    return {name: value for name, _, value in (word.partition("=") for word in words) if value}
