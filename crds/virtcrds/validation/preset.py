"""Rules about a VirtualMachineInstancePreset."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.preset import VirtualMachineInstancePreset
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from . import attachments, devices, disks, firmware
from .causes import required
from .path import Path
from .rule import Rule
from .scheduling import selector_violations
from .text import text_violations

_RULES: tuple[Rule, ...] = (
    disks.disks,
    attachments.boot_order,
    devices.inputs,
    firmware.identity,
    firmware.bootloader,
    firmware.kernel_boot,
)
"""What can be judged without the rest of the instance."""


def preset_violations(
    preset: VirtualMachineInstancePreset, config: ClusterConfig
) -> Iterator[Violation]:
    field, spec = Path("spec"), preset.spec
    if spec is None or spec.domain is None:
        yield required(field / "domain", "missing domain.")
        return
    yield from selector_violations(field / "selector", spec.selector)
    partial = VirtualMachineInstanceSpec(domain=spec.domain)
    for rule in _RULES:
        yield from rule(field, partial, config)
    yield from text_violations(field / "domain", spec.domain)
