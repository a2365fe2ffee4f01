"""How many PCI Express ports a machine keeps free, so that devices can be plugged while it runs.

KubeVirt's rule (pci-topology-version v3): ports for four interfaces when there is one, and
together with those as many as bring the devices to 8, or to 16 in a guest of more than 2 GiB.
"""

from __future__ import annotations

from ..errors import Refused
from ..value import Value
from .given import Given
from .memory import guest_memory

ON_ROOT = "kubevirt.io/placePCIDevicesOnRootComplex"
INTERFACE_SLOTS = "kubevirt.io/pci-interface-slot-count"

_LARGE_GUEST = 2 << 30
_INTERFACE_PORTS = 4


class Spare(Value):
    nic_ports: int = 0
    """Free ports right behind those of the interfaces, so that a plugged one is named like them."""
    total: int = 0
    """Ports in use and free ones, together at least this many."""
    free: int = 0
    """Free ports, at least this many."""
    on_root: bool = False
    """No ports at all: every device sits on the root complex, and none can be plugged."""
    hotplug: bool = True


def spare_ports(given: Given) -> Spare:
    """Raises Refused for an annotation that is no number."""
    if given.annotations.get(ON_ROOT) == "true":
        return Spare(on_root=True)
    if given.devices.disable_hotplug:
        return Spare(hotplug=False)
    large = guest_memory(given) > _LARGE_GUEST
    return Spare(nic_ports=_nic_ports(given), total=16 if large else 8, free=6 if large else 3)


def _nic_ports(given: Given) -> int:
    nics = sum(interface.state != "absent" for interface in given.devices.interfaces)
    text = given.annotations.get(INTERFACE_SLOTS)
    if text is None:
        return max(0, _INTERFACE_PORTS - nics) if nics else 0
    if not (text.isascii() and text.isdigit() and int(text) <= 31):
        raise Refused(
            f"'{text}' is no number of PCI slots between 0 and 31",
            field=f"metadata.annotations[{INTERFACE_SLOTS}]",
        )
    return max(0, int(text) - nics)
