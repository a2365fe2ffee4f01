"""What a pod of ours cannot give a guest yet: refused by its field, before anything is made.

What QEMU or the launcher cannot do is the launcher's to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator

from virtcrds import VirtualMachineInstance

from .errors import Unsupported

_KINDS = ("multus", "resource_claim")


def check(vmi: VirtualMachineInstance) -> None:
    """Raises Unsupported for the first thing that is missing."""
    for field, message in _missing(vmi):
        raise Unsupported(field, message)


def _missing(vmi: VirtualMachineInstance) -> Iterator[tuple[str, str]]:
    for index, network in enumerate(vmi.spec.networks):
        for kind in _KINDS:
            if getattr(network, kind) is not None:
                name = {"resource_claim": "resourceClaim"}.get(kind, kind)
                words = "is not available yet: a VM has the pod's own network only"
                yield f"spec.networks[{index}].{name}", words
    if vmi.spec.domain.devices.autoattach_vsock:
        yield "spec.domain.devices.autoattachVSOCK", "is not available yet"
