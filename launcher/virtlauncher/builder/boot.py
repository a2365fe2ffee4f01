"""The boot order: which device the firmware tries first."""

from __future__ import annotations

from collections.abc import Mapping

from .given import Given


def boot_indexes(given: Given) -> Mapping[str, int]:
    """`bootindex` by 'disks/NAME' and 'interfaces/NAME'.

    As the user numbered them; when nobody did, the disks that have content, in their order.
    """
    devices = given.devices
    ordered = {f"disks/{disk.name}": disk.boot_order for disk in devices.disks} | {
        f"interfaces/{nic.name}": nic.boot_order for nic in devices.interfaces
    }
    chosen = {name: order for name, order in ordered.items() if order}
    if chosen:
        return chosen
    filled = [disk.name for disk in devices.disks if disk.name in given.prepared.disks]
    return {f"disks/{name}": index for index, name in enumerate(filled, start=1)}
