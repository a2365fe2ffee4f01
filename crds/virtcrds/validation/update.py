"""What may change about an object that exists, and who may change it."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.vm import InstancetypeMatcher, VirtualMachine
from ..core.vmi import VirtualMachineInstance
from ..violation import Violation
from .causes import invalid, not_supported
from .metadata import reserved_at_update


def instance_update(
    old: VirtualMachineInstance, new: VirtualMachineInstance, user_is_ours: bool
) -> Iterator[Violation]:
    """A running instance is changed through its subresources, by our own components, alone."""
    if old.spec != new.spec:
        if user_is_ours:
            yield from _hotplug(old, new)
        else:
            yield not_supported("spec", "update of VMI object is restricted")
    if not user_is_ours:
        yield from reserved_at_update(old.metadata, new.metadata)


def machine_update(old: VirtualMachine, new: VirtualMachine) -> Iterator[Violation]:
    yield from _matcher("instancetype", old.spec.instancetype, new.spec.instancetype)
    yield from _matcher("preference", old.spec.preference, new.spec.preference)
    restore = new.status.restore_in_progress
    if restore is not None and _strategy(old) != _strategy(new):
        yield not_supported(
            "spec", f'Cannot update VM runStrategy until restore "{restore}" completes'
        )
    snapshot = new.status.snapshot_in_progress
    if snapshot is not None and _volumes(old) != _volumes(new):
        yield not_supported(
            "spec", f'Cannot update vm disks or volumes until snapshot "{snapshot}" completes'
        )
    if snapshot is not None and _running(old) != _running(new):
        yield not_supported(
            "spec", f'Cannot update vm running state until snapshot "{snapshot}" completes'
        )


def _hotplug(old: VirtualMachineInstance, new: VirtualMachineInstance) -> Iterator[Violation]:
    """What QEMU was started with bounds what can be plugged."""
    before, after = old.spec.domain, new.spec.domain
    sockets = [cpu.max_sockets if cpu is not None else 0 for cpu in (before.cpu, after.cpu)]
    if sockets[0] != sockets[1]:
        yield invalid("spec.domain.cpu.maxSockets", "CPU topology maxSockets changed")
    most = [one.max_guest if one is not None else None for one in (before.memory, after.memory)]
    if most[0] is not None and most[1] is not None and most[0] != most[1]:
        yield invalid("spec.domain.memory.maxGuest", "Memory maxGuest changed")


def _matcher(
    name: str, old: InstancetypeMatcher | None, new: InstancetypeMatcher | None
) -> Iterator[Violation]:
    if old is None or new is None or not old.revision_name:
        return
    if old.name != new.name and old.revision_name == new.revision_name:
        yield invalid(
            f"spec.{name}.revisionName",
            "the Matcher Name has been updated without updating the RevisionName",
        )


def _strategy(vm: VirtualMachine) -> str:
    if vm.spec.running is not None:
        return "Always" if vm.spec.running else "Halted"
    return vm.spec.run_strategy or "Halted"


def _running(vm: VirtualMachine) -> tuple[bool | None, str | None]:
    return vm.spec.running, vm.spec.run_strategy


def _volumes(vm: VirtualMachine) -> object:
    return vm.spec.template.spec.volumes if vm.spec.template is not None else None
