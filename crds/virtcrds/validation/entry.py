"""The way in: an object of any kind to the rules for its kind."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from ..clusterconfig import DEFAULT_CONFIG, ClusterConfig
from ..core.vm import VirtualMachine
from ..core.vmi import VirtualMachineInstance
from ..kind import Kind
from ..violation import Violation
from .causes import invalid
from .instance import instance_violations
from .machine import machine_violations
from .metadata import object_metadata, reserved_at_creation
from .path import Path
from .update import instance_update, machine_update

_MAX_MESSAGE = 1024
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def validate(obj: Kind, config: ClusterConfig = DEFAULT_CONFIG) -> list[Violation]:
    """Everything that is wrong with the object; nothing when it may be stored and run.

    Instances are judged as they are after defaulting, so it does not matter whether `obj` has
    been through it. Never raises.
    """
    return _readable((*object_metadata(obj.metadata), *_of_kind(obj, config)))


def validate_creation(obj: Kind, user_is_ours: bool) -> list[Violation]:
    """What may not be there from the beginning, beyond what `validate` finds.

    `user_is_ours` says that the request comes from a service account of our own components.
    """
    found: list[Violation] = []
    if isinstance(obj, VirtualMachineInstance):
        if not user_is_ours:
            found += reserved_at_creation(Path("metadata"), obj.metadata)
        if obj.spec.utility_volumes:
            found.append(
                invalid(
                    "spec.utilityVolumes",
                    "cannot create VMI with utility volumes in spec, "
                    "utility volumes can only be added via hotplug",
                )
            )
    return _readable(found)


def validate_update(old: Kind, new: Kind, user_is_ours: bool) -> list[Violation]:
    """What may not change from `old` to `new`, beyond what `validate` finds wrong with `new`."""
    found: Iterable[Violation] = ()
    if isinstance(old, VirtualMachineInstance) and isinstance(new, VirtualMachineInstance):
        found = instance_update(old, new, user_is_ours)
    elif isinstance(old, VirtualMachine) and isinstance(new, VirtualMachine):
        found = machine_update(old, new)
    else:
        from . import kinds  # see _of_kind

        found = kinds.kind_update(old, new)
    return _readable(found)


def _of_kind(obj: Kind, config: ClusterConfig) -> Iterator[Violation]:
    if isinstance(obj, VirtualMachineInstance):
        yield from instance_violations(obj, config)
    elif isinstance(obj, VirtualMachine):
        yield from machine_violations(obj, config)
    else:
        # Whoever runs one VM does not wait for the models of all the other kinds.
        from . import kinds

        yield from kinds.kind_violations(obj, config)


def _readable(found: Iterable[Violation]) -> list[Violation]:
    """Messages quote what users wrote: they are cut, and stay one line in every log."""
    return [
        dataclasses.replace(
            violation, field=_shown(violation.field), message=_shown(violation.message)
        )
        for violation in found
    ]


def _shown(text: str) -> str:
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]}..."
