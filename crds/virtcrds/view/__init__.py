"""A VMI as whoever runs it reads it: the models' attributes, without pydantic and its cost.

For a process whose start somebody waits for, and a document that was parsed, defaulted and
validated before. Every model has a view of the same name here, with the same attributes; to a type
checker it is the model. A view is made by `vmi_view`, or, for what a VMI leaves out, by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..violation import InvalidObject, Violation
from .reading import read, view_of

if TYPE_CHECKING:
    from ..core.clock import Clock as Clock
    from ..core.clock import Timer as Timer
    from ..core.cpu import CPU as CPU
    from ..core.credentials import SSHPublicKeyPropagation as SSHPublicKeyPropagation
    from ..core.devices import Devices as Devices
    from ..core.devices import Input as Input
    from ..core.disks import CDRomTarget as CDRomTarget
    from ..core.disks import Disk as Disk
    from ..core.disks import DiskTarget as DiskTarget
    from ..core.disks import LunTarget as LunTarget
    from ..core.domain import DomainSpec as DomainSpec
    from ..core.features import FeatureHyperv as FeatureHyperv
    from ..core.features import Features as Features
    from ..core.features import FeatureState as FeatureState
    from ..core.firmware import EFI as EFI
    from ..core.firmware import Firmware as Firmware
    from ..core.interfaces import Interface as Interface
    from ..core.vmi import VirtualMachineInstance as VirtualMachineInstance
    from ..core.vmi import VirtualMachineInstanceSpec as VirtualMachineInstanceSpec
    from ..core.volumes import CloudInitSource as CloudInitSource
    from ..core.volumes import Volume as Volume

KIND = "VirtualMachineInstance"


def vmi_view(tree: Any) -> VirtualMachineInstance:
    """The VMI in a JSON tree, of the storage version; what the API does not have is left out.

    Raises InvalidObject for another kind, a value of a wrong type, or a missing one. Whether the
    values make sense was for `validate` to say.
    """
    view: Any = read(KIND, tree)
    if view.kind != KIND:
        raise InvalidObject((Violation(field="kind", message=f"kind in body must be {KIND}"),))
    return view  # type: ignore[no-any-return]  # It reads as the model does.


def __getattr__(name: str) -> Any:
    try:
        view = view_of(name)
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    globals()[name] = view
    return view
