"""The virtual CPUs: how many, of what model, with which flags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..errors import Refused, Unsupported
from .given import Given
from .hyperv import hyperv_flags
from .options import Group, KeyVal, Option, Plain, Scalar

HOST_MODELS = ("", "host-model", "host-passthrough")
MODEL_FIELD = "spec.domain.cpu.model"
MAX_VCPUS = 255
"""What q35 takes without an IOMMU that remaps interrupts."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
"""-cpu has no way to quote: nothing else may come near it."""
_OFF = ("disable", "forbid")


def cpu(given: Given) -> list[Option]:
    why = "host-model and host-passthrough: everything that this machine's CPU, or TCG, has"
    if given.cpu.model not in HOST_MODELS:
        why = "The named model and its features"
    return [
        Plain("-cpu", cpu_value(given), Group.CPU, why),
        Plain("-smp", smp_value(given), Group.CPU, "Sockets, cores and threads; room to plug more"),
    ]


def cpu_value(given: Given) -> str:
    """The value of -cpu. Raises Refused for what is no model's or flag's name, Unsupported for a
    model that this QEMU does not know."""
    if given.abi is not None:
        return given.abi.cpu
    flags: dict[str, Scalar] = {"": _model(given), **dict(_flags(given))}
    return KeyVal("-cpu", flags, Group.CPU, "").render()


def smp_value(given: Given) -> str:
    if given.abi is not None:
        return given.abi.smp
    cpu = given.cpu
    cores, threads = max(cpu.cores, 1), max(cpu.threads, 1)
    sockets = max(cpu.sockets, 1)
    # Sockets to plug that the machine could not hold would only keep the guest from starting.
    most = max(sockets, min(cpu.max_sockets, MAX_VCPUS // (cores * threads)))
    values: dict[str, Scalar] = {
        "": given.vcpus,
        "maxcpus": most * cores * threads,
        "sockets": most,
        "cores": cores,
        "threads": threads,
    }
    return KeyVal("-smp", values, Group.CPU, "").render()


def _model(given: Given) -> str:
    model = given.cpu.model
    if model in HOST_MODELS:
        return "host" if given.kvm else "max"
    if not _WORD.fullmatch(model):
        raise Refused(f"{model!r} is no name of a CPU model", field=MODEL_FIELD)
    known = given.facts.qemu.cpu_models
    if known and model not in known:
        raise Unsupported(f"this QEMU has no CPU model '{model}'", field=MODEL_FIELD)
    return model


def _flags(given: Given) -> Iterator[tuple[str, Scalar]]:
    if given.cpu.model not in HOST_MODELS:
        # MPX is gone from new CPUs: a model that names it would bind the VM to old ones.
        yield "mpx", False
    elif given.kvm:
        yield "migratable", True
    if given.kvm:
        yield from _kvm_flags(given)
        yield from hyperv_flags(given)
    for index, feature in enumerate(given.cpu.features):
        if not _WORD.fullmatch(feature.name):
            field = f"spec.domain.cpu.features[{index}].name"
            raise Refused(f"{feature.name!r} is no name of a CPU feature", field=field)
        yield feature.name, feature.policy not in _OFF


def _kvm_flags(given: Given) -> Iterator[tuple[str, Scalar]]:
    features, clock = given.features, given.domain.clock
    if features.kvm is not None and features.kvm.hidden:
        yield "kvm", False
    timer = clock.timer.kvm if clock is not None and clock.timer is not None else None
    if timer is not None:
        yield "kvmclock", timer.present is not False
    if features.pvspinlock is not None:
        yield "kvm-pv-unhalt", features.pvspinlock.enabled is not False
    if features.apic is not None and features.apic.end_of_interrupt:
        yield "kvm-pv-eoi", True
